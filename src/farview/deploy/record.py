"""The verb `farview record`: whatever comes in, only eLR frames are written."""

import hashlib
import math
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from farview.console import say
from farview.deploy.live import steadily
from farview.deploy.private import no_dumps
from farview.deploy.stop import stop_on_signal
from farview.errors import FarviewError, UnreadableClip
from farview.frames.camera import Camera, camera_of
from farview.frames.files import atomic_write
from farview.frames.images import image_files
from farview.frames.open import source_of
from farview.frames.reader import reason_of
from farview.frames.recorder import Origin, Recorder
from farview.frames.recording import refuse_other_size
from farview.frames.sensor import SensorModel
from farview.frames.source import Image, Source
from farview.frames.times import timed
from farview.models.contract import read_contract

SUFFIX = ".mkv"


@dataclass(frozen=True)
class Settings:
    """What is kept of a source."""

    sensor: SensorModel = SensorModel()
    grey: bool = False
    """One channel (luma) instead of RGB. Grey sources are kept grey anyway."""
    rate: float = 25.0
    """Frames per second of sources that state none: folders of images, arrays."""
    seconds: float | None = None
    """Only so much from the start; None: everything, or until Ctrl-C."""

    def stamp(self, source: Source) -> str:
        """Changes with the source and with what is kept of it, apart from the sensor."""
        text = f"{source.fingerprint()} {self.grey} {self.rate} {self.seconds}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise FarviewError(f"--rate: {self.rate} must be above 0, in frames per second")
        if self.seconds is not None and not self.seconds > 0:
            raise FarviewError(f"--seconds: {self.seconds} must be above 0")

    def origin(self, image: Image, rate: float, **facts: str) -> Origin:
        """What an eLR recording tells of itself, where `image` (H, W, C) is its first frame as it came."""
        return Origin(self.sensor, image.shape[0], image.shape[1], rate, **facts)

    def elr(self, frame: Image, number: int) -> Image:
        """A frame (H, W, C) as it is kept, (h, w, C); the same as a model that this sensor belongs to would see.

        Raises FarviewError where it has too few pixels.
        """
        if self.grey and frame.shape[2] == 3:
            frame = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)[..., None]
        return self.sensor.degrade(frame[None], [number])[0]


def seen_by(model: str | Path, settings: Settings) -> Settings:
    """`settings` with what a model sees. Raises `FarviewError` where it sees HR."""
    contract = read_contract(model)
    if contract.resolution != "elr" or contract.sensor is None:
        raise FarviewError(f"{model}: sees HR frames, which are never recorded; name a model for eLR frames")
    return replace(settings, sensor=contract.sensor, grey=contract.channels == 1)


def record(
    source: str,
    out: str | Path,
    settings: Settings,
    workers: int = 1,
    quiet: bool = False,
) -> None:
    """Record a camera, an address, a file, a folder of images, or every recording in a folder.

    Raises `FarviewError`: nothing to read, nothing may be written, or some files of a folder are unreadable (after
    all the others were read).
    """
    no_dumps()
    camera = camera_of(source)
    if camera is None and Path(source).is_dir() and not image_files(Path(source)):
        from farview.deploy.record_folder import record_folder

        record_folder(Path(source), Path(out), settings, workers, quiet)
        return
    path = target(Path(source).stem if camera is None else plain(camera.name), Path(out))
    if path.exists():
        raise FarviewError(f"{path}: is there already; remove it or name another file")
    if camera is None:
        count = record_file(source_of(source), path, settings)
    else:
        count = record_live(camera, path, settings, quiet)
    if not quiet:
        size = f", {path.stat().st_size / 1000:.0f} kB" if count else ""
        print(f"{path}: {count} frames of {settings.sensor.height}x{settings.sensor.width}{size}")


def plain(name: str) -> str:
    """A camera's name as one of a file: `rtsp://***@host/a` is `rtsp-host-a`."""
    return re.sub(r"\W+", "-", name).strip("-")


def target(stem: str, out: Path) -> Path:
    """Where a single recording goes: to `out`, or as `stem` into the folder `out`.

    Raises `FarviewError` for another kind of file than is written.
    """
    if out.is_dir():
        return out / (stem + SUFFIX)
    if out.suffix.lower() != SUFFIX:
        raise FarviewError(f"{out}: eLR recordings are Matroska files; name it {out.with_suffix(SUFFIX)}")
    return out


def record_file(source: Source, path: Path, settings: Settings) -> int:
    """Write a whole recording, all or nothing; returns the number of frames.

    Raises `UnreadableClip`, and other `FarviewError`s where `path` cannot be written.
    """
    frames = elr_frames(source, settings)
    first = next(frames, None)
    if first is None:
        raise UnreadableClip(f"{source.name}: holds no frames")
    count = 0
    with atomic_write(path) as file, Recorder(file, first.origin, first.frame.shape[2]) as recorder:
        for moment, frame, _ in chain([first], frames):
            recorder.add(frame, moment)
            count += 1
    return count


class Kept(NamedTuple):
    """An eLR frame on its way to the disk."""

    moment: float
    """Seconds since the first one."""
    frame: Image
    """(h, w, C)"""
    origin: Origin


def elr_frames(source: Source, settings: Settings) -> Iterator[Kept]:
    """What is kept of a recording. Raises `UnreadableClip` naming it for whatever is wrong with it."""
    limit = settings.seconds or math.inf
    try:
        with source.open() as opened:
            refuse_other_size(opened, (settings.sensor.height, settings.sensor.width))
            rate = opened.fps or settings.rate
            stamp = settings.stamp(source)
            for number, (moment, image) in enumerate(timed(opened, settings.rate)):
                if moment >= limit:
                    return
                origin = settings.origin(image, rate, fingerprint=stamp)
                yield Kept(moment, settings.elr(image, number), origin)
    except FarviewError as error:
        raise UnreadableClip(f"{source.name}: {str(error).removeprefix(f'{source.name}: ')}") from None


def record_live(camera: Camera, path: Path, settings: Settings, quiet: bool = False) -> int:
    """Write frames as they come, until their time is over, the source ends, or Ctrl-C; returns their number.

    What was written stays, however this ends. Raises `UnreadableClip` where not one frame comes, and `FarviewError`
    where `path` cannot be written.
    """
    count, first, limit = 0, 0.0, settings.seconds or math.inf
    with stop_on_signal() as stop, ExitStack() as stack:
        show = stack.enter_context(_status(quiet))
        try:
            frames = steadily(camera, stop, say)
            stack.callback(frames.close)
            for moment, image in frames:
                frame = settings.elr(image, count)
                if count == 0:
                    first = moment
                    started = datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
                    origin = settings.origin(image, settings.rate, started=started)
                    file = stack.enter_context(path.open("xb", buffering=0))
                    recorder = stack.enter_context(Recorder(file, origin, frame.shape[2]))
                if moment - first >= limit:
                    break
                recorder.add(frame, moment - first)
                count += 1
                show(f"{path}: {moment - first:.0f} s, {count} frames; Ctrl-C ends it")
            stack.close()  # completes the file here, where the disk's errors are named
            if count == 0 and not stop.is_set():
                raise UnreadableClip(f"{camera.name}: ended without a frame")
        except OSError as error:
            raise FarviewError(f"{path}: cannot be written: {reason_of(error)}") from error
    return count


@contextmanager
def _status(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line on the terminal that each call replaces; nothing where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("waiting for the first frame") as status:
        yield status.update
