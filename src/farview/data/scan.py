"""Looking at every clip of a data set: what is there, how long, how large, and what is broken and why."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from farview.console import progress
from farview.data.clip import DataSet
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.data.scan_report import Look, ScannedClip, ScanReport, print_report
from farview.errors import UnreadableClip
from farview.frames.source import Source
from farview.frames.workers import in_processes

if TYPE_CHECKING:
    from farview.frames.store import FrameStore

__all__ = ["Look", "ScanReport", "ScannedClip", "print_report", "scan"]

IN_PROCESS = 8
"""Up to so many clips, starting processes takes longer than they save."""


def scan(
    config: DataConfig, store: "FrameStore | None" = None, workers: int = 1, quiet: bool = False
) -> ScanReport:
    """Decode every clip of a data set by `workers` processes; with a `store` the frames are kept in it.

    One broken clip, even one that kills its decoder, costs nothing but itself. Raises `FarviewError` only where the
    data set cannot be indexed (see `open_data`).
    """
    data = open_data(config)
    sources = [clip.source for clip in data.clips]
    with progress("decoding", quiet) as update:
        look = look_at_all if store is None else partial(keep_all, store=store)
        looks = look(sources, workers=workers, update=update)
    return report(data, looks)


def report(data: DataSet, looks: Sequence[Look]) -> ScanReport:
    """The data set's clips beside what they turned out to be, in the same order."""
    clips = tuple(
        ScannedClip(
            c.id, c.source.name, c.part, None if c.label is None else data.classes[c.label], c.group, look
        )
        for c, look in zip(data.clips, looks, strict=True)
    )
    return ScanReport(data.name, data.classes, clips, data.missing, data.notes)


def survived(source: Source, look: Callable[[Source], Look]) -> Look:
    """`look(source)`, or the reason why not: whatever a decoder does with a broken file, the scan goes on and names it.

    The reason goes without the recording's name, which every report puts before it.
    """
    try:
        return look(source)
    except UnreadableClip as error:
        return Look(reason=str(error).removeprefix(f"{source.name}: "))
    except Exception as error:
        return Look(reason=f"{type(error).__name__}: {error}")


def look_at(source: Source) -> Look:
    """Decode a recording from its first frame to its last."""
    return survived(source, decode)


def decode(source: Source) -> Look:
    """What `look_at` does; raises what the decoder raises."""
    count, shape = 0, None
    with source.open() as frames:
        for image in frames:
            shape = shape or image.shape
            count += 1
    if shape is None:
        raise UnreadableClip("holds no frames")
    return Look(count, shape[:2], shape[2])


def look_at_all(
    sources: Sequence[Source], workers: int, update: Callable[[int, int], None] | None = None
) -> list[Look]:
    """`look_at` for each, in order; by several processes where that pays."""
    if workers > 1 and len(sources) > IN_PROCESS:
        found: Iterator[tuple[Source, Look | None]] = in_processes(look_at, sources, workers)
    else:
        found = ((source, look_at(source)) for source in sources)
    looks: dict[Source, Look] = {}
    for source, look in found:
        looks[source] = look or Look(reason="its decoder crashed")
        if update is not None:
            update(len(looks), len(sources))
    return [looks[source] for source in sources]


def keep_all(
    sources: Sequence[Source],
    store: "FrameStore",
    workers: int,
    update: Callable[[int, int], None] | None = None,
) -> list[Look]:
    """The same through the frame store, which decodes each recording once."""
    reasons = store.build(sources, workers, update)

    def kept(source: Source) -> Look:
        if source.name in reasons:
            raise UnreadableClip(reasons[source.name])
        with source.open() as frames:
            shape = frames.read([0]).shape  # (1, H, W, C); the store keeps other sizes
        return Look(store.length(source), shape[1:3], shape[3])

    return [survived(source, kept) for source in sources]
