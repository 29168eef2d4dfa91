"""An RTSP camera stand-in: H.264 in RTP (RFC 6184) within the RTSP connection (RFC 2326, 10.12), in real time."""

import re
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Self

import av

from farview.frames.source import Images

_LARGEST = 1400  # bytes of a packet
_SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=stand-in
t=0 0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1
a=control:track
"""


class RtspCamera:
    """Context manager. Sends `frames` (N, H, W, 3) RGB over and over at `rate` to whoever plays `address`."""

    def __init__(self, frames: Images, rate: int) -> None:
        self.frames, self.rate = frames, rate
        self._stop = threading.Event()
        camera = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):  # the other side has gone
                    self._talk()

            def _talk(self) -> None:
                while head := self._request():
                    method, _, sequence = head
                    lines = [f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nSession: 1"]
                    body = ""
                    if method == "OPTIONS":
                        lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
                    elif method == "DESCRIBE":
                        body = _SDP.replace("\n", "\r\n")
                        lines.append(f"Content-Type: application/sdp\r\nContent-Length: {len(body)}")
                    elif method == "SETUP":
                        lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
                    self.wfile.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
                    if method == "PLAY":
                        for packet in camera._packets():
                            self.wfile.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
                            self.wfile.flush()

            def _request(self) -> tuple[str, str, str] | None:
                text = b""
                while not text.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return None
                    text += line
                method, address, _ = text.decode().split(" ", 2)
                sequence = re.search(r"CSeq: (\d+)", text.decode())
                assert sequence is not None
                return method, address, sequence[1]

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"rtsp://me:secret@127.0.0.1:{self._server.server_address[1]}/camera"

    def _packets(self) -> Iterator[bytes]:
        """RTP, without end, each when it is due."""
        start, sequence = time.monotonic(), 0
        for number, units in enumerate(self._pictures()):
            if self._stop.wait(max(0.0, start + number / self.rate - time.monotonic())):
                return
            payloads = [payload for unit in units for payload in _payloads(unit)]
            for i, payload in enumerate(payloads):
                last = 0x80 if i == len(payloads) - 1 else 0
                moment = number * 90000 // self.rate
                yield struct.pack(">BBHII", 0x80, 96 | last, sequence & 0xFFFF, moment, 7) + payload
                sequence += 1

    def _pictures(self) -> Iterator[list[bytes]]:
        """The NAL units of each picture."""
        codec = av.CodecContext.create("libx264", "w")
        codec.height, codec.width = self.frames.shape[1:3]
        codec.pix_fmt, codec.time_base, codec.gop_size = "yuv420p", Fraction(1, self.rate), 10
        codec.options = {"tune": "zerolatency", "crf": "8"}
        number = 0
        while True:
            for image in self.frames:
                frame = av.VideoFrame.from_ndarray(image, "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, self.rate)
                number += 1
                for packet in codec.encode(frame):
                    yield [unit for unit in re.split(b"\0\0\0?\1", bytes(packet)) if unit]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()


def _payloads(unit: bytes) -> Iterator[bytes]:
    """One packet, or fragments (FU-A) of a NAL unit that is larger."""
    if len(unit) <= _LARGEST:
        yield unit
        return
    head, parts = unit[0], [unit[i : i + _LARGEST] for i in range(1, len(unit), _LARGEST)]
    for i, part in enumerate(parts):
        edge = (0x80 if i == 0 else 0) | (0x40 if i == len(parts) - 1 else 0)
        yield bytes([head & 0xE0 | 28, edge | head & 0x1F]) + part
