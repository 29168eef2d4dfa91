"""The decode-once frame store: each clip's HR and eLR frames, or their flow, as memory-mapped `.npy` files.

A file is one clip at one resolution, below a folder named after that resolution's settings, so that another
sensor leaves the HR frames alone. It ends with a digest of its source's fingerprint: what was made before the
source changed, or was cut short, is known by it and replaced.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from farview.errors import FarviewError, UnreadableClip
from farview.frames.flow import FlowConfig, flow
from farview.frames.growing import GrowingArray, open_grown
from farview.frames.recording import refuse_other_size
from farview.frames.resize import hr_frames
from farview.frames.sensor import SensorModel
from farview.frames.source import Image, Images, Source
from farview.frames.temporary import remove_abandoned
from farview.frames.workers import in_processes, stopping

VERSION = 1
"""Raise it when frames come out differently: everything stored before is then made again."""


class FrameStore:
    """HR and eLR frames of sources, decoded once.

    Safe when several processes build at once (files appear complete under their names; both may do the same
    work) and when one is killed (what it left half-written is removed at the next build). A read-only folder
    works as long as it holds what is asked for. Picklable.
    """

    def __init__(
        self,
        folder: Path,
        sensor: SensorModel | None,
        hr_size: tuple[int, int] | None,
        aspect: tuple[int, int] = (3, 4),
        noiseless: bool = False,
        flow: FlowConfig | None = None,
    ) -> None:
        """`sensor` None keeps no eLR frames, `hr_size` (H, W) None no HR frames; `noiseless` keeps eLR frames
        without the sensor's noise as well. With `flow`, all of them hold the motion between such frames, C = 2, in
        place of the frames.

        `aspect` (h, w) is the centred window that HR frames show: the sensor's. Raises FarviewError for an
        `hr_size` below 1x1. Nothing is written before a build.
        """
        if hr_size is not None and min(hr_size) < 1:
            raise FarviewError(
                f"HR frames of {hr_size[0]}x{hr_size[1]} pixels: both sides must be at least 1"
            )
        self.folder, self._flow = Path(folder), flow
        self._elr = self._elr_shelf(sensor) if sensor else None
        self._noiseless = self._elr_shelf(replace(sensor, noise=0.0)) if sensor and noiseless else None
        self._hr: _Shelf | None = None
        if hr_size is not None:
            name = f"hr-{hr_size[0]}x{hr_size[1]}-of-{aspect[0]}to{aspect[1]}"
            self._hr = self._shelf(name, partial(_hr_frames, size=hr_size, aspect=aspect))
        self._lengths: dict[Source, int] = {}
        self._tidy = False

    def _elr_shelf(self, sensor: SensorModel) -> "_Shelf":
        name = f"elr-{sensor.height}x{sensor.width}-blur{float(sensor.blur)}-noise{float(sensor.noise)}"
        return self._shelf(f"{name}-seed{sensor.seed}", sensor.degrade, (sensor.height, sensor.width))

    def _shelf(self, name: str, convert: "_Convert", sensor: tuple[int, int] | None = None) -> "_Shelf":
        if self._flow is not None:
            name += f"-flow-{self._flow.kind}-bound{float(self._flow.bound)}"
        return _Shelf(self.folder / name, convert, sensor, self._flow)

    def build(
        self,
        sources: Sequence[Source],
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, str]:
        """Store what is missing of `sources`; names and reasons of those that cannot be read.

        `workers` processes decode beside this one, which waits; 1 decodes in this process. `progress` is called with
        (done, all) as sources are done, stored ones at once. Nothing is remembered of unreadable sources: the next
        build tries them again. Raises FarviewError, naming the folder, where it cannot be written to.
        """
        every = list(dict.fromkeys(sources))
        shelves = self._shelves()
        unreadable: dict[str, str] = {}
        missing: list[Source] = []
        for source in every:
            try:
                if any(shelf.open(source) is None for shelf in shelves):
                    missing.append(source)
            except UnreadableClip as error:
                unreadable[source.name] = _reason(source, error)
        done = len(every) - len(missing)
        if progress is not None:
            progress(done, len(every))
        for source, reason in self._store(missing, shelves, workers):
            if reason:
                unreadable[source.name] = reason
            done += 1
            if progress is not None:
                progress(done, len(every))
        return unreadable

    def hr(self, source: Source) -> np.memmap:
        """HR frames (T, H, W, C) uint8, memory-mapped read-only; decodes where they are missing, eLR included.

        Raises UnreadableClip.
        """
        if self._hr is None:
            raise ValueError("this store keeps no HR frames: give it an `hr_size`")
        return self._get(source, self._hr, self._shelves())

    def elr(self, source: Source) -> Images:
        """eLR frames (T, h, w, C) uint8, in memory; decodes where they are missing, and then makes no HR frames.

        Raises UnreadableClip.
        """
        if self._elr is None:
            raise ValueError("this store keeps no eLR frames: give it a `sensor`")
        return np.array(self._get(source, self._elr, (self._elr,)))

    def noiseless(self, source: Source) -> Images:
        """As `elr`, without the sensor's noise; those of an eLR recording are the same as `elr` gives."""
        if self._noiseless is None:
            raise ValueError("this store keeps no noiseless eLR frames: make it with `noiseless`")
        return np.array(self._get(source, self._noiseless, (self._noiseless,)))

    def length(self, source: Source) -> int:
        """Number of frames T; remembered, since loaders ask for each sample."""
        if source not in self._lengths:
            shelf = self._shelves()[0]
            self._lengths[source] = len(self._get(source, shelf, (shelf,)))
        return self._lengths[source]

    def channels(self, source: Source) -> int:
        """1 (grey, depth, thermal) or 3 (RGB), 2 of flow, as the file's head says."""
        shelf = self._shelves()[0]
        return self._get(source, shelf, (shelf,)).shape[-1]

    def _shelves(self) -> tuple["_Shelf", ...]:
        return tuple(shelf for shelf in (self._elr, self._noiseless, self._hr) if shelf is not None)

    def _get(self, source: Source, shelf: "_Shelf", wanted: tuple["_Shelf", ...]) -> np.memmap:
        frames = shelf.open(source)
        if frames is None:
            for _, reason in self._store([source], wanted, workers=1):
                if reason:
                    raise UnreadableClip(f"{source.name}: {reason}")
            frames = shelf.open(source)
        if frames is None:
            raise UnreadableClip(f"{source.name}: changes while it is read; try again when it is complete")
        return frames

    def _store(
        self, sources: Sequence[Source], shelves: tuple["_Shelf", ...], workers: int
    ) -> Iterator[tuple[Source, str]]:
        """Each source with the reason why it cannot be read, empty where it could."""
        if not sources:
            return
        work = partial(_store, shelves=shelves)
        try:
            if not self._tidy:
                remove_abandoned(self.folder.glob("*/*/.*.tmp"))
                self._tidy = True
            if workers <= 1 or len(sources) == 1:
                for source in sources:
                    yield source, work(source)
                return
            for source, reason in in_processes(work, sources, workers):
                yield source, "its decoder crashed" if reason is None else reason
        except OSError as error:
            raise FarviewError(
                f"{self.folder}: frames cannot be stored here: {error.strerror or error}; "
                f"make room or choose another folder"
            ) from error


_Convert = Callable[[Images, Sequence[int]], Images]
"""Frames and their numbers in the recording to frames of one resolution."""


@dataclass(frozen=True)
class _Shelf:
    """The files of one resolution."""

    folder: Path
    convert: _Convert
    sensor: tuple[int, int] | None = None
    """Height and width of the eLR frames that it holds; None: it holds HR frames."""
    flow: FlowConfig | None = None
    """It holds the motion between such frames in place of them."""

    def open(self, source: Source) -> np.memmap | None:
        """None where frames are missing or stale. Raises UnreadableClip where the source itself is missing."""
        return open_grown(shelved(self.folder, source), _stamp(source))


def shelved(folder: Path, source: Source) -> Path:
    """The file of a source in a folder, spread over 256 folders, which stay quick to list."""
    key = hashlib.sha256(f"{source.name}\n{source!r}".encode(errors="surrogateescape")).hexdigest()[:40]
    return folder / key[:2] / f"{key[2:]}.npy"


def _stamp(source: Source) -> bytes:
    """What a file made from `source` as it is now ends with."""
    return hashlib.sha256(f"farview store {VERSION}\n{source.fingerprint()}".encode()).digest()


def _store(source: Source, shelves: Sequence[_Shelf]) -> str:
    """Decode `source` once for those shelves that lack it; the reason where it cannot be read, else empty."""
    try:
        stamp = _stamp(source)  # before reading: should the source change meanwhile, the frames are stale
        shelves = [shelf for shelf in shelves if shelf.open(source) is None]
        with ExitStack() as stack:
            files: list[GrowingArray] = []
            sizes = [shelf.sensor for shelf in shelves]
            before: list[Image | None] = [None] * len(shelves)
            for number, frame in enumerate(_frames(source, sizes) if shelves else ()):
                if stopping():
                    raise KeyboardInterrupt
                if not files:  # a source that cannot be opened leaves no trace
                    files = [
                        stack.enter_context(GrowingArray(shelved(shelf.folder, source))) for shelf in shelves
                    ]
                for i, (shelf, file) in enumerate(zip(shelves, files, strict=True)):
                    seen = _converted(shelf, frame, number, source)
                    file.append(seen if shelf.flow is None else flow(before[i], seen, shelf.flow))
                    before[i] = seen
            for file in files:
                file.finish(stamp)
    except UnreadableClip as error:
        return _reason(source, error)
    return ""


def _frames(source: Source, sizes: Sequence[tuple[int, int] | None]) -> Iterator[Image]:
    """Every frame, to be made into eLR frames of `sizes` (None: HR frames).

    Whatever goes wrong with a recording is an UnreadableClip, and so is having no frames.
    """
    channels = 0
    try:
        with source.open() as frames:
            for size in sizes:
                refuse_other_size(frames, size)
            for frame in frames:
                channels = channels or frame.shape[2]
                if frame.shape[2] != channels:
                    raise UnreadableClip(f"frames of {channels} and of {frame.shape[2]} channels")
                yield frame
    except UnreadableClip:
        raise
    except Exception as error:
        raise UnreadableClip(f"{type(error).__name__}: {error}") from error
    if not channels:
        raise UnreadableClip("holds no frames")


def _converted(shelf: _Shelf, frame: Image, number: int, source: Source) -> Image:
    try:
        return shelf.convert(frame[None], [number])[0]
    except FarviewError as error:  # too small for the sensor
        raise UnreadableClip(str(error)) from error


def _hr_frames(
    frames: Images, numbers: Sequence[int], size: tuple[int, int], aspect: tuple[int, int]
) -> Images:
    return hr_frames(frames, size, aspect)


def _reason(source: Source, error: Exception) -> str:
    return str(error).removeprefix(f"{source.name}: ")
