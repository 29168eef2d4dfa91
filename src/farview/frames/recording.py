"""Reading eLR recordings, which `farview.frames.recorder` writes: frames as they were kept, with their times."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from farview.errors import FarviewError, UnreadableClip
from farview.frames.container import open_input, tag
from farview.frames.decoder import frame_times
from farview.frames.reader import file_fingerprint
from farview.frames.recorder import MARK, Origin
from farview.frames.sensor import SensorModel
from farview.frames.source import Frames, Image, Images
from farview.frames.video import VideoReader

_HEAD = 4096  # bytes at whose place the tags stand, behind one short track


def read(path: Path | str) -> tuple[Images, NDArray[np.float64]]:
    """All frames (N, h, w, C) uint8 and their times (N,), seconds. Raises `UnreadableClip`."""
    with RecordingReader(Path(path)) as recording:
        times, frames = zip(*recording.timed(), strict=True)
    return np.stack(frames), np.array(times)


@dataclass(frozen=True)
class ElrRecording:
    """An eLR recording as a source: frames (h, w, 1 or 3) of its sensor's size, never degraded again."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def fingerprint(self) -> str:
        """Changes with the file's size and time. Raises `UnreadableClip` if it is missing."""
        return file_fingerprint(self.path)

    def open(self) -> "RecordingReader":
        """Raises `UnreadableClip` where it holds no frames or is no eLR recording."""
        return RecordingReader(self.path)


class RecordingReader(VideoReader):
    """An opened eLR recording; of one that was cut off, what is whole."""

    def __init__(self, path: Path) -> None:
        self.origin = read_origin(path)
        self.sensor = self.origin.sensor
        super().__init__(path)
        if self.origin.rate is None:
            self.fps = _rate_shown(path)
        assert self._decoder is not None
        self._channels = 1 if self._decoder.first.format.name == "gray" else 3

    def _rgb(self, frame: VideoFrame) -> Image:
        if self._channels == 3:
            return super()._rgb(frame)
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)[..., None]


def _rate_shown(path: Path) -> float | None:
    """Frames per second by the frames' times, gaps and bursts left out; None where too few frames tell."""
    steps = np.diff(frame_times(path) or [])
    if not steps.size:
        return None
    usual = steps[np.abs(steps / np.median(steps) - 1) < 0.5]
    return float(1 / usual.mean()) if usual.size else None


def is_recording(path: Path) -> bool:
    """Whether a file's first bytes say that it is an eLR recording. False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return f"{MARK}".encode() in file.read(_HEAD)
    except OSError:
        return False


def read_origin(path: Path) -> Origin:
    """Where an eLR recording comes from. Raises `UnreadableClip` where the file is none."""
    try:
        with open_input(path.absolute().as_posix()) as container:
            text = tag(container, MARK)
    except (av.FFmpegError, OSError) as error:
        raise UnreadableClip(f"{path}: cannot be opened as an eLR recording: {error.strerror}") from error
    if text is None:
        raise UnreadableClip(f"{path}: no eLR recording; expected one that farview record has written")
    try:
        return Origin.from_json(text)
    except FarviewError as error:
        raise UnreadableClip(f"{path}: {error}") from None


def refuse_other_size(frames: Frames, size: tuple[int, int] | None) -> None:
    """Raise where `frames` are an eLR recording, but not of `size` (h, w; None: HR is wanted).

    So that eLR frames are never degraded a second time, nor taken for HR ones.
    """
    sensor: SensorModel | None = getattr(frames, "sensor", None)
    if sensor is None or size == (sensor.height, sensor.width):
        return
    is_of = f"an eLR recording of {sensor.height}x{sensor.width} (height x width) cannot give"
    if size is None:
        raise UnreadableClip(f"{is_of} HR frames; give what it was recorded from")
    raise UnreadableClip(
        f"{is_of} frames of {size[0]}x{size[1]}; record with the sensor of the model that is to see it "
        "(farview record --model MODEL)"
    )
