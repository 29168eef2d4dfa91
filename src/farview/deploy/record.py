"""The verb `farview record`: whatever comes in, only eLR frames are written."""

import math
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from farview.deploy.private import no_dumps
from farview.deploy.record_live import record_live
from farview.deploy.record_settings import Settings
from farview.deploy.stop import terminated_in_order
from farview.errors import FarviewError, UnreadableClip
from farview.frames.camera import camera_of
from farview.frames.files import atomic_write
from farview.frames.images import image_files
from farview.frames.open import source_of
from farview.frames.recorder import Origin, Recorder
from farview.frames.source import Image, Source
from farview.frames.times import timed
from farview.frames.workers import stopping

SUFFIX = ".mkv"


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

        with terminated_in_order():
            record_folder(Path(source), Path(out), settings, workers, quiet)
        return
    path = target(Path(source).stem if camera is None else plain(camera.name), Path(out))
    if path.exists():
        raise FarviewError(f"{path}: is there already; remove it or name another file")
    if camera is None:
        with terminated_in_order():
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
            if stopping():
                raise KeyboardInterrupt
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
    limit, origin = settings.seconds or math.inf, None
    try:
        with source.open() as opened:
            settings.made_by(opened)
            for number, (moment, image) in enumerate(timed(opened, settings.rate)):
                if moment >= limit:
                    return
                origin = origin or settings.origin(source, opened, image)
                yield Kept(moment, settings.elr(image, number), origin)
    except FarviewError as error:
        raise UnreadableClip(f"{source.name}: {str(error).removeprefix(f'{source.name}: ')}") from None
