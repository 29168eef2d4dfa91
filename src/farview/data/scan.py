"""Looking at every clip of a data set: what is there, how long, how large, and what is broken and why."""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, get_args

from farview.console import progress
from farview.data.clip import DataSet, Part
from farview.data.config import DataConfig
from farview.data.datasets import open_data
from farview.errors import UnreadableClip
from farview.frames.source import Source

if TYPE_CHECKING:
    from rich.console import Console

    from farview.frames.store import FrameStore

IN_PROCESS = 8
"""Up to so many clips, starting processes takes longer than they save."""


@dataclass(frozen=True)
class Look:
    """What one recording turned out to be."""

    frames: int = 0
    """Frames that were really decoded."""
    size: tuple[int, int] | None = None
    """Height and width."""
    channels: int | None = None
    reason: str | None = None
    """Why it cannot be read; None where it can."""


@dataclass(frozen=True)
class ScannedClip:
    """One clip of the report."""

    id: str
    name: str
    """What messages call it: its path."""
    part: Part
    label: str | None
    group: str | None
    look: Look


@dataclass(frozen=True)
class ScanReport:
    """A data set as it was found."""

    name: str
    classes: tuple[str, ...]
    clips: tuple[ScannedClip, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def unreadable(self) -> tuple[ScannedClip, ...]:
        """Clips that cannot be read; `look.reason` says why."""
        return tuple(clip for clip in self.clips if clip.look.reason is not None)

    @property
    def readable(self) -> tuple[ScannedClip, ...]:
        """The others."""
        return tuple(clip for clip in self.clips if clip.look.reason is None)

    @property
    def parts(self) -> dict[Part, int]:
        """Clips of each part that has any, unreadable ones included."""
        counts = Counter(clip.part for clip in self.clips)
        return {part: counts[part] for part in get_args(Part) if counts[part]}

    @property
    def counts(self) -> dict[str, dict[Part, int]]:
        """Clips of each class in each part, unreadable ones included; clips without a label are `(unlabeled)`."""
        counts = Counter((clip.label, clip.part) for clip in self.clips)
        labels = [*self.classes] + [None] * any(clip.label is None for clip in self.clips)
        return {
            label or "(unlabeled)": {part: counts[label, part] for part in self.parts} for label in labels
        }

    @property
    def lengths(self) -> tuple[int, float, int] | None:
        """Fewest, median and most frames of the readable clips."""
        frames = [clip.look.frames for clip in self.readable]
        return (min(frames), statistics.median(frames), max(frames)) if frames else None

    @property
    def sizes(self) -> dict[str, int]:
        """Readable clips of each frame size, `240x320x3` for height, width, channels; the commonest first."""
        looks = [clip.look for clip in self.readable if clip.look.size]
        return dict(Counter("x".join(map(str, (*(k.size or ()), k.channels))) for k in looks).most_common())

    def to_json(self) -> str:
        """Everything above as one JSON object, and every clip."""
        summary: dict[str, Any] = {
            "name": self.name,
            "notes": self.notes,
            "classes": self.classes,
            "parts": self.parts,
            "counts": self.counts,
            "frames": dict(zip(("min", "median", "max"), self.lengths, strict=True))
            if self.lengths
            else None,
            "sizes": self.sizes,
            "unreadable": {clip.id: clip.look.reason for clip in self.unreadable},
            "missing": self.missing,
            "clips": [asdict(clip) for clip in self.clips],
        }
        return json.dumps(summary, indent=1, ensure_ascii=False)


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


def look_at(source: Source) -> Look:
    """Decode a recording from its first frame to its last."""
    count, shape = 0, None
    try:
        with source.open() as frames:
            for image in frames:
                shape = shape or image.shape
                count += 1
    except UnreadableClip as error:
        return Look(reason=str(error))
    except Exception as error:  # whatever a decoder does with a broken file, the scan goes on and names it
        return Look(reason=f"{source.name}: {type(error).__name__}: {error}")
    if shape is None:
        return Look(reason=f"{source.name}: holds no frames")
    return Look(count, shape[:2], shape[2])


def look_at_all(
    sources: Sequence[Source], workers: int, update: Callable[[int, int], None] | None = None
) -> list[Look]:
    """`look_at` for each, in order; by several processes where that pays."""
    several = workers > 1 and len(sources) > IN_PROCESS
    found = in_processes(sources, workers) if several else enumerate(map(look_at, sources))
    looks: dict[int, Look] = {}
    for i, look in found:
        looks[i] = look
        if update is not None:
            update(len(looks), len(sources))
    return [looks[i] for i in range(len(sources))]


def in_processes(sources: Sequence[Source], workers: int) -> Iterator[tuple[int, Look]]:
    """(index, look) of each source, in any order, though a decoder may kill its process."""
    left = dict.fromkeys(range(len(sources)))
    for i, look in attempt(sources, list(left), workers):
        del left[i]
        yield i, look
    while left:  # a crash took all the others with it; one process works in order, so it names the culprit
        for i, look in attempt(sources, list(left), 1):
            del left[i]
            yield i, look
        if left:
            culprit = next(iter(left))
            del left[culprit]
            yield culprit, Look(reason=f"{sources[culprit].name}: its decoder crashed")


def attempt(sources: Sequence[Source], indices: list[int], workers: int) -> Iterator[tuple[int, Look]]:
    """The looks of those sources whose process lived to report."""
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn")
    ) as pool:  # forking with threads may hang
        try:
            futures = {pool.submit(look_at, sources[i]): i for i in indices}
            for future in as_completed(futures):
                if future.exception() is None:
                    yield futures[future], future.result()
        except BrokenProcessPool:
            return


def keep_all(
    sources: Sequence[Source],
    store: "FrameStore",
    workers: int,
    update: Callable[[int, int], None] | None = None,
) -> list[Look]:
    """The same through the frame store, which decodes each recording once."""
    reasons = store.build(sources, workers, update)
    looks = []
    for source in sources:
        if source.name in reasons:
            looks.append(Look(reason=reasons[source.name]))
            continue
        with source.open() as frames:
            shape = frames.read([0]).shape  # the store keeps other sizes  # (1, H, W, C)
        looks.append(Look(store.length(source), shape[1:3], shape[3]))
    return looks


def print_report(report: ScanReport, console: "Console | None" = None) -> None:
    """The report as tables for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = console or Console()
    table = Table(title=escape(report.name))
    table.add_column("class")
    for part in report.parts:
        table.add_column(part, justify="right")
    for name, parts in report.counts.items():
        table.add_row(escape(name), *(str(parts[part]) for part in report.parts))
    table.add_section()
    table.add_row(f"{len(report.classes)} classes", *map(str, report.parts.values()))
    console.print(table)
    if report.lengths:
        low, median, high = report.lengths
        console.print(f"frames a clip: {low} to {high}, median {median:g}", highlight=False)
    sizes = [f"{size} ({n})" for size, n in report.sizes.items()]
    console.print("height x width x channels (clips): " + ", ".join(sizes[:8]), highlight=False)
    if len(sizes) > 8:
        console.print(f"  and {len(sizes) - 8} other sizes", highlight=False)
    for note in report.notes:
        console.print(f"note: {escape(note)}", highlight=False)
    if report.missing:
        console.print(f"{len(report.missing)} listed clips are missing:", style="yellow")
        for name in report.missing[:20]:
            console.print(f"  {escape(name)}", highlight=False)
        if len(report.missing) > 20:
            console.print(f"  and {len(report.missing) - 20} more; all of them by --json", highlight=False)
    if report.unreadable:
        console.print(f"{len(report.unreadable)} of {len(report.clips)} clips are unreadable:", style="red")
        for clip in report.unreadable:
            console.print(f"  {escape(clip.look.reason or '')}", highlight=False, soft_wrap=True)
    else:
        console.print(f"all {len(report.clips)} clips can be read", style="green")
