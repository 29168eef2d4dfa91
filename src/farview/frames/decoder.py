"""One pass over a video file with PyAV: what can be opened, which frames decode, which way up they are."""

import os
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from farview.errors import UnreadableClip
from farview.frames.container import open_input
from farview.frames.reader import reason_of
from farview.frames.source import Image

DECODE_THREADS = 1
"""One a video: many videos are read by many processes."""


_INDEXED = ("mov,mp4", "matroska")  # containers that write down the time and kind of every packet
_ONE_FRAME_A_PACKET = ("h264", "hevc", "vp9", "av1", "mjpeg", "ffv1")
_DEMUX_ERRORS = (av.FFmpegError, IndexError)  # the latter from PyAV, for packets of streams that do not exist


class Decoder:
    """A container opened for one pass: an iterator of the frames that decode, errors skipped. Context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `UnreadableClip` where not one frame can be decoded."""
        self.used = False
        self._error = "the stream is empty"
        self._container = _open_container(path)
        self._decoding: Generator[VideoFrame, None, None] | None = None
        try:
            self._stream = _video_stream(self._container, path)
            rate = self._stream.average_rate or self._stream.guessed_rate
            self.fps = float(rate) if rate else None
            self._decoding = self._decode()
            first = next(self._decoding, None)
            if first is None:
                raise UnreadableClip(
                    f"{path}: none of its frames can be decoded ({self._error}); fetch it again"
                )
        except BaseException:
            self.close()
            raise
        self.first = first
        self._frames: Iterator[VideoFrame] = chain([first], self._decoding)

    def __iter__(self) -> Iterator[VideoFrame]:
        return self

    def __next__(self) -> VideoFrame:
        self.used = True
        return next(self._frames)

    def _decode(self) -> Generator[VideoFrame, None, None]:
        try:
            for packet in self._container.demux(self._stream):  # ends with an empty packet, which flushes
                yield from self._decoded(packet)
        except _DEMUX_ERRORS as error:
            self._error = str(error)
            yield from self._decoded(None)

    def _decoded(self, packet: av.Packet | None) -> list[VideoFrame]:
        try:
            return self._stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            self._error = error.strerror or str(error)
            return []

    def seek(self, time: int) -> bool:
        """Go to the keyframe of that time; False, and unusable, where no clean keyframe is met there."""
        self.used = True
        if self._decoding is not None:
            self._decoding.close()
        try:
            self._container.seek(time, stream=self._stream)
        except av.FFmpegError:
            return False
        self._decoding = self._decode()
        # Pictures before the keyframe lean on what was skipped (open GOP).
        frame = next((f for f in self._decoding if f.pts is None or f.pts >= time), None)
        if frame is None or frame.pts != time or not frame.key_frame or frame.pict_type != PictureType.I:
            return False
        self._frames = chain([frame], self._decoding)
        return True

    def close(self) -> None:
        if self._decoding is not None:
            self._decoding.close()  # before the container: its demuxer must not run on
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PacketIndex(NamedTuple):
    """Where frames are, by the packets' own account."""

    times: list[int]
    """Of every frame, in order of presentation, each different."""
    keys: list[int]
    """Numbers of the keyframes, ascending; may be shortened."""


def packet_index(path: Path) -> PacketIndex | None:
    """Reads every packet and decodes none; None where packets do not tell where frames are."""
    with _open_container(path) as container:
        stream = _video_stream(container, path)
        codec = stream.codec_context.codec.canonical_name
        if not container.format.name.startswith(_INDEXED) or codec not in _ONE_FRAME_A_PACKET:
            return None
        try:
            facts = [
                (packet.pts, packet.is_keyframe, packet.is_corrupt)
                for packet in container.demux(stream)
                if packet.size and not packet.is_discard
            ]
        except _DEMUX_ERRORS:
            return None
    times = sorted({time for time, _, _ in facts if time is not None})
    if len(times) < len(facts) or any(corrupt for *_, corrupt in facts):
        return None
    keyed = {time for time, key, _ in facts if key}
    return PacketIndex(times, [n for n, time in enumerate(times) if n == 0 or time in keyed])


def frame_times(path: Path) -> list[float] | None:
    """Seconds of every frame from the first one, by its packets; None where these do not tell. Decodes no frame."""
    index = packet_index(path)
    if index is None or not index.times:
        return None
    with _open_container(path) as container:
        base = _video_stream(container, path).time_base
    return None if not base else [float((time - index.times[0]) * base) for time in index.times]


def _open_container(path: Path) -> InputContainer:
    try:
        if path.is_dir():
            raise UnreadableClip(f"{path}: is a folder, not a video")
        with path.open("rb") as file:
            start = file.read(8)
        if not start:
            raise UnreadableClip(f"{path}: is empty (0 bytes); copy or download it again")
        # An absolute path, since FFmpeg takes a name with a colon for an address.
        container = open_input(os.path.abspath(path))
    except av.FFmpegError as error:
        hint = "it may be cut off: copy or download it again" if start[4:] == b"ftyp" else "is it a video?"
        raise UnreadableClip(f"{path}: cannot be opened as a video ({error.strerror}); {hint}") from error
    except OSError as error:
        raise UnreadableClip(f"{path}: {reason_of(error)}") from error
    if container.format.name == "tty":
        container.close()
        raise UnreadableClip(f"{path}: is text, not a video")
    return container


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first that is no cover picture, set to `DECODE_THREADS`."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        only = ", only sound" if container.streams.audio else ""
        raise UnreadableClip(f"{path}: holds no video stream{only}")
    if streams[0].codec_context is None:
        raise UnreadableClip(
            f"{path}: this FFmpeg has no decoder for its video; convert it, for example to H.264"
        )
    streams[0].codec_context.thread_count = DECODE_THREADS
    streams[0].thread_type = "NONE" if DECODE_THREADS == 1 else "AUTO"
    return streams[0]


class Orientation(NamedTuple):
    """What makes a decoded frame upright: exchange the axes, then mirror."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool

    def apply(self, image: Image) -> Image:
        if self.transpose:
            image = image.transpose(1, 0, 2)
        return np.ascontiguousarray(image[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1])


def orientation_of(frame: VideoFrame) -> Orientation:
    """From the display matrix: (x, y) is shown at (a x + c y, b x + d y) (ISO 14496-12, 8.2.2), to the nearest
    quarter turn."""
    # PyAV ties a frame whose side data was read into a reference cycle, so that its pixels would stay in memory
    # until the next garbage collection: ask a tiny copy instead.
    data: Any = frame.reformat(16, 16, threads=1).side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation(False, False, False)
    (a, b), (c, d) = np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, b < 0, c < 0)
    return Orientation(False, d < 0, a < 0)
