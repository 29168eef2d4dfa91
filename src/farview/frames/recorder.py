"""Writing eLR recordings: FFV1 in Matroska, lossless, each frame with its time, readable when cut off anywhere."""

import json
import os
import time
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import IO, Any, Self

import av
from av.video.reformatter import VideoReformatter

from farview.errors import FarviewError
from farview.frames.sensor import SensorModel
from farview.frames.source import Image

MARK = "FARVIEW_RECORDING"
"""Tag of the container that holds `Origin` as JSON."""
FORMAT = 1
CLUSTER = 500
"""Milliseconds in a cluster, which Matroska writes whole: what a cut costs at most."""
KEYS = 30
"""Frames from one keyframe to the next: frames between lean on it, so that seeking decodes so many."""


@dataclass(frozen=True)
class Origin:
    """Where the frames of an eLR recording come from."""

    sensor: SensorModel
    """What made them (or made frames of that size: a coarse camera's own are kept as they are)."""
    height: int
    """Rows of the frames that the sensor saw."""
    width: int
    """Columns of these."""
    rate: float | None
    """Frames per second, as the source stated it; None for a live source, whose frames' times tell."""
    started: str | None = None
    """When, for a live source: ISO 8601 with time zone."""
    fingerprint: str | None = None
    """Of the file that was read: changes when that file changes."""

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT} | asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Origin":
        """What `to_json` wrote. Raises FarviewError where it is damaged or of a newer format."""
        try:
            values: dict[str, Any] = json.loads(text)
            version = values.pop("format")
            if version > FORMAT:
                raise FarviewError(f"an eLR recording of format {version}; upgrade farview")
            return cls(**values | {"sensor": SensorModel(**values["sensor"])})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FarviewError(f"an eLR recording whose tag {MARK} is damaged ({error!r})") from None


class Recorder:
    """Appends frames to an open file. Context manager: leaving it, even by an error, completes the file.

    `file` should be unbuffered. What was added is on disk once its cluster (half a second) is complete, and forced
    there (fsync) once a second, so that a kill or a power cut loses the last second at most.
    """

    def __init__(self, file: IO[bytes], origin: Origin, channels: int) -> None:
        """`channels` 1 (grey) or 3 (RGB). Errors of the disk are OSErrors, here and in `add`."""
        self._file, self._channels, self._last, self._synced = file, channels, -1, time.monotonic()
        options = {"cluster_time_limit": str(CLUSTER), "flush_packets": "1"}
        self._container = av.open(file, "w", format="matroska", options=options)
        self._container.metadata[MARK] = origin.to_json()
        # Version 1 of FFV1: the smallest overhead a frame, and any size down to 1x1.
        self._stream = self._container.add_stream("ffv1", options={"level": "1"})
        # Of 0, Matroska keeps none; without this line PyAV would state its own.
        self._stream.codec_context.framerate = Fraction(origin.rate or 0).limit_denominator(1001)
        self._stream.height, self._stream.width = origin.sensor.height, origin.sensor.width
        self._stream.pix_fmt = "gray" if channels == 1 else "bgr0"
        self._stream.codec_context.time_base = Fraction(1, 1000)
        self._stream.codec_context.gop_size = KEYS
        self._stream.codec_context.thread_count = 1
        self._reformatter = VideoReformatter()

    def add(self, frame: Image, seconds: float) -> None:
        """Append an eLR frame (h, w, C). Times are kept to the millisecond and rise by one at least."""
        image = av.VideoFrame.from_ndarray(frame[..., 0] if self._channels == 1 else frame, self._format)
        if self._channels == 3:
            image = self._reformatter.reformat(image, format="bgr0", threads=1)
        self._last = max(self._last + 1, round(1000 * seconds))
        image.pts, image.time_base = self._last, Fraction(1, 1000)
        self._container.mux(self._stream.encode(image))
        if time.monotonic() - self._synced >= 1:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    @property
    def _format(self) -> str:
        return "gray" if self._channels == 1 else "rgb24"

    def close(self) -> None:
        """Write what is left and the index. Closing twice does nothing."""
        if self._container is None:
            return
        container, self._container = self._container, None  # type: ignore[assignment]
        try:
            container.mux(self._stream.encode(None))
        finally:
            container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What went wrong first is what counts.
        with suppress(OSError, av.FFmpegError) if kind else nullcontext():
            self.close()
