"""A camera stand-in: an HTTP server that sends frames in real time, as MJPEG or MPEG-TS, and can fail on request."""

import io
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

import av
import cv2

from farview.frames.source import Images

Kind = Literal["mjpeg", "mpegts"]


class HttpCamera:
    """Context manager. Sends `frames` (N, H, W, 3) RGB over and over at `rate`, to whoever connects to `address`.

    MPEG-TS has a keyframe every `gop` frames.
    """

    def __init__(
        self, frames: Images, rate: float, kind: Kind = "mjpeg", port: int = 0, gop: int = 10
    ) -> None:
        self.frames, self.rate, self.kind, self.gop = frames, rate, kind, gop
        self.connections = 0
        self.frozen = threading.Event()
        """Set: keeps connections open and sends nothing."""
        self._lost = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                camera._send(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/camera"

    def lose(self) -> None:
        """Break the connections that there are; new ones are served."""
        self._lost.set()
        self._lost = threading.Event()

    def _send(self, handler: BaseHTTPRequestHandler) -> None:
        lost = self._lost
        handler.send_response(200)
        kind = "multipart/x-mixed-replace;boundary=frame" if self.kind == "mjpeg" else "video/mp2t"
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        start = time.monotonic()
        try:
            for number, part in enumerate(self._parts()):
                if lost.wait(max(0.0, start + number / self.rate - time.monotonic())):
                    break
                while self.frozen.is_set() and not lost.wait(0.05):
                    pass
                handler.wfile.write(part)
                handler.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _parts(self) -> Iterator[bytes]:
        """One a frame, without end."""
        if self.kind == "mjpeg":
            while True:
                for image in self.frames:
                    jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    yield head.encode() + jpeg + b"\r\n"
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mpegts", options={"flush_packets": "1"}) as container:
            stream = container.add_stream(
                "libx264", rate=round(self.rate), options={"tune": "zerolatency", "crf": "8"}
            )
            stream.height, stream.width = self.frames.shape[1:3]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.gop_size = self.gop
            number = 0
            while True:
                for image in self.frames:
                    frame = av.VideoFrame.from_ndarray(image, "rgb24")
                    frame.pts, frame.time_base = number, Fraction(1, round(self.rate))
                    number += 1
                    container.mux(stream.encode(frame))
                    yield buffer.getvalue()
                    buffer.seek(0)
                    buffer.truncate()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.lose()
        self._server.shutdown()
        self._server.server_close()
