"""Live sources: a camera of this machine, a stream from the network. They have no end."""

import re
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import av
import cv2
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.format import Flags
from av.video.reformatter import VideoReformatter

from farview.errors import UnreadableClip
from farview.frames.container import open_input
from farview.frames.decoder import orientation_of
from farview.frames.haste import LOST, Haste
from farview.frames.source import Image

PATIENCE = 10.0
"""Seconds without an answer after which a stream counts as lost."""

_PROTOCOLS = (
    "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto"  # no file: of ours through a playlist
)

Timed = tuple[float | None, Image]
"""The camera's own time of a frame in seconds, None where it gives none, and the frame (H, W, C)."""


class Camera(Protocol):
    """A live source. `frames` may be called again after it ended or failed."""

    @property
    def name(self) -> str:
        """For messages: without passwords."""
        ...

    taken: float | None
    """Told by whoever wants the newest frames alone: when the last one was taken, by our clock (seconds, monotonic).
    What comes too late by it is then left out; None: nothing is."""

    def frames(self) -> Generator[Timed]:
        """Frames as they come, RGB or grey. Ends where the source ends; closing frees it.

        Raises `UnreadableClip` where the source cannot be reached or is lost.
        """
        ...


class Pace:
    """What plays at its own speed: each frame when it is due."""

    def __init__(self) -> None:
        self._began: float | None = None

    def wait(self, moment: float) -> float:
        """Sleep until a frame of the time `moment` is due, the first at once; seconds that it is late, at least 0."""
        now = time.monotonic()
        if self._began is None:
            self._began = now - moment
        early = self._began + moment - now
        if early > 0:
            time.sleep(early)
        return max(0.0, -early)


def camera_of(text: str) -> Camera | None:
    """What `text` names, if it is live: a number is a camera, `rtsp://...` a stream; None for a file or folder."""
    if text.isdecimal():
        return Device(int(text))
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return Stream(text)
    return None


@dataclass
class Device:
    """A camera of this machine, by its number."""

    index: int
    taken: float | None = None

    @property
    def name(self) -> str:
        return f"camera {self.index}"

    def frames(self) -> Generator[Timed]:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it writes of what we report
        capture = cv2.VideoCapture(self.index)
        try:
            if not capture.isOpened():
                raise UnreadableClip(f"{self.name}: there is none, it is in use, or you may not use it")
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, where the driver can do that
            while True:
                taken, image = capture.read()
                if not taken:
                    raise UnreadableClip(f"{self.name}: gives no more frames")
                yield None, np.ascontiguousarray(image[..., ::-1], np.uint8)
        finally:
            capture.release()


@dataclass
class Stream:
    """An address that FFmpeg can read: RTSP (over TCP), HTTP (MJPEG, MPEG-TS, HLS), UDP.

    A file there plays at its own speed, however fast it is sent.
    """

    address: str
    taken: float | None = None

    @property
    def name(self) -> str:
        return re.sub(r"\?.*", "?***", re.sub(r"//[^/]*@", "//***@", self.address))

    def frames(self) -> Generator[Timed]:
        options = {"analyzeduration": "1000000"}
        if self.address.lower().startswith("rtsp"):
            options["rtsp_transport"] = (
                "tcp"  # over UDP a lost packet spoils pictures up to the next keyframe
            )
        try:
            with open_input(self.address, _PROTOCOLS, PATIENCE, **options) as container:
                if not container.streams.video:
                    raise UnreadableClip(f"{self.name}: sends no video")
                yield from self._decode(container)
        except av.ExitError:
            raise UnreadableClip(f"{self.name}: no answer for {PATIENCE:.0f} s") from None
        except (av.FFmpegError, OSError) as error:
            raise UnreadableClip(f"{self.name}: {error.strerror or 'cannot be read'}") from None

    def _decode(self, container: InputContainer) -> Generator[Timed]:
        stream = container.streams.video[0]
        codec: CodecContext = stream.codec_context
        codec.thread_type, codec.thread_count = "NONE", 1  # threads hold frames back
        turned = VideoReformatter()
        orientation, pace = None, Pace()
        timeless = Flags.no_timestamps in Flags(container.format.flags)  # those of MJPEG are made up
        haste = Haste()
        for packet in container.demux(stream):
            if not timeless and packet.pts is not None:
                moment = float(packet.pts * packet.time_base)
                haste.judge(moment, packet.is_keyframe, time.monotonic())
            if haste.behind > LOST and not haste.skip and container.duration is None:
                raise UnreadableClip(f"{self.name}: {haste.behind:.0f} s behind")
            codec.skip_frame = "NONKEY" if haste.skip else "DEFAULT"
            try:
                decoded = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in [] if haste.drop else decoded:
                orientation = orientation or orientation_of(frame)
                if frame.time is not None and container.duration is not None:  # a file
                    pace.wait(frame.time)
                rgb = turned.reformat(frame, format="rgb24", threads=1).to_ndarray()
                stated = None if timeless else frame.time
                yield stated, orientation.apply(np.asarray(rgb, np.uint8))
                haste.gave(stated, self.taken, time.monotonic())
        if container.duration is None:
            raise UnreadableClip(f"{self.name}: ended")
