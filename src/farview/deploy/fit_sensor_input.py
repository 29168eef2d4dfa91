"""Coarse and HR recordings as `farview fit-sensor` needs them: with times, nothing twice, HR no finer than it helps."""

from dataclasses import dataclass

import numpy as np

from farview.errors import FarviewError
from farview.frames.arrays import ArrayFrames
from farview.frames.container import open_input
from farview.frames.images import ImageFolder
from farview.frames.open import source_of
from farview.frames.recording import refuse_other_size
from farview.frames.sensor_align import Recording
from farview.frames.sensor_view import LEAST, Geometry
from farview.frames.source import Frames, Image, Images, Source
from farview.frames.times import timed
from farview.frames.video import VideoFile, VideoReader

LARGEST = 128
"""Pixels along a side of a coarse recording."""
MEMORY = 3 << 29
"""Bytes of an HR recording that are kept: beside 120x128 coarse pixels 13 s of colour at 25 frames a second."""
LOSSLESS = ("ffv1", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "png", "qtrle", "magicyuv")


@dataclass(frozen=True)
class Settings:
    """How recordings are read."""

    seconds: float = 60.0
    """From the start of each."""
    rate: float = 25.0
    """Frames per second of coarse recordings that state none: folders of images, arrays."""
    hr_rate: float = 25.0
    """The same of HR ones."""
    low: float | None = None
    """Value of a coarse array that becomes grey 0."""
    high: float | None = None
    """Value of a coarse array that becomes grey 255."""

    def __post_init__(self) -> None:
        for name in ("seconds", "rate", "hr_rate"):
            if not getattr(self, name) > 0:
                raise FarviewError(f"--{name.replace('_', '-')}: {getattr(self, name)} must be above 0")


def read_coarse(path: str, settings: Settings) -> Recording:
    """A coarse recording as it came; frames that only repeat the one before, and equal channels, once."""
    source: Source = source_of(path)
    if isinstance(source, ArrayFrames):
        source = ArrayFrames(source.path, low=settings.low, high=settings.high)
    frames, times = [], []
    with source.open() as opened:
        assumed = _assumed(opened, settings.rate)
        for moment, image in timed(opened, settings.rate):
            if moment > settings.seconds:
                break
            if max(image.shape[:2]) > LARGEST:
                raise FarviewError(
                    f"{path}: frames are {image.shape[0]}x{image.shape[1]}, more than {LARGEST} a side; name coarse "
                    "recordings first and HR ones after --hr"
                )
            frames.append(image)
            times.append(moment)
    if not frames:
        raise FarviewError(f"{path}: holds no frames")
    if min(frames[0].shape[:2]) < 4:
        raise FarviewError(f"{path}: frames of less than 4x4 pixels tell too little to fit")
    images = np.stack(frames)
    if images.shape[3] == 3 and (images == images[..., :1]).all():
        images = images[..., :1]
    new = _new(images)
    return Recording(path, images[new], np.array(times)[new], assumed)


def _assumed(opened: Frames, rate: float) -> float | None:
    """The frames per second that are taken since `opened` states none, nor times."""
    return None if opened.fps or isinstance(opened, VideoReader) else rate


def _new(images: Images) -> np.ndarray:
    """Which frames to keep: all but exact repeats, where noise could not have repeated a frame."""
    changed = (images[1:] != images[:-1]).mean((1, 2, 3))
    new = changed > 0
    if not new.any() or changed[new].mean() * images[0].size < 20:
        new[:] = True
    return np.concatenate([[True], new])


def read_hr(path: str, size: tuple[int, int], settings: Settings) -> tuple[Recording, Geometry]:
    """An HR recording, no finer than a fit needs, as much of it as `MEMORY` holds. Raises FarviewError where it is
    none."""
    frames: list[Image] = []
    times, cut = [], False
    with source_of(path).open() as opened:
        refuse_other_size(opened, None)
        assumed = _assumed(opened, settings.hr_rate)
        for moment, image in timed(opened, settings.hr_rate):
            geometry = Geometry(size, image.shape[:2])
            if min(geometry.pixel) < LEAST:
                raise FarviewError(
                    f"{path}: {image.shape[0]}x{image.shape[1]} pixels are too few beside coarse frames of "
                    f"{size[0]}x{size[1]}; record at least {LEAST * size[0]}x{LEAST * size[1]}"
                )
            cut = bool(frames) and (len(frames) + 1) * frames[0].nbytes > MEMORY
            if cut or moment > settings.seconds:
                break
            frames.append(geometry.keep(image))
            times.append(moment)
    if len(frames) < 2:
        raise FarviewError(f"{path}: an HR recording needs 2 frames at least")
    return Recording(path, np.stack(frames), np.array(times), assumed, cut), geometry


def is_lossy(path: str) -> bool:
    """Whether a recording was compressed with loss."""
    source = source_of(path)
    if isinstance(source, ImageFolder):
        return any(file.suffix.lower() in (".jpg", ".jpeg", ".webp") for file in source.files())
    if not isinstance(source, VideoFile):
        return False
    with open_input(str(source.path)) as container:
        return container.streams.video[0].codec_context.name not in LOSSLESS
