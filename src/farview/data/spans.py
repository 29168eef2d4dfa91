"""Long recordings with labelled spans: a CSV with path, start, end, label; what lies between them is background."""

import math
import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from farview.data.clip import Clip, DataSet, Part
from farview.data.config import DataConfig
from farview.data.layout import read_csv
from farview.errors import FarviewError, UnreadableClip
from farview.frames.decoder import frame_times
from farview.frames.open import source_of
from farview.frames.recording import ElrRecording
from farview.frames.segment import Segment
from farview.frames.source import Source
from farview.frames.video import VideoFile

BACKGROUND = "background"
"""The class of clips without an action."""
COLUMNS = ("path", "start", "end", "label")


@dataclass(frozen=True)
class Span:
    """An action in a recording; seconds from its beginning."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Labelled:
    """A recording of the table."""

    path: Path
    spans: tuple[Span, ...]
    """In order of their starts; none in a recording without any action."""
    facts: dict[str, str]
    """What its lines say in other columns, alike in all of them."""
    where: str
    """For messages: the first of its lines."""


def read_spans(table: Path) -> list[Labelled]:
    """The recordings of a CSV with the columns path (relative to the CSV), start, end (seconds) and label.

    A line with a path alone names a recording without any action. Raises `FarviewError` that names the line.
    """
    found: dict[str, Labelled] = {}
    for row, where in read_csv(table, COLUMNS):
        if not row["path"]:
            raise FarviewError(f"{where}: no path; expected {','.join(COLUMNS)}")
        path = os.path.normpath(row["path"])
        facts = {key: value for key, value in row.items() if key not in COLUMNS}
        known = found.setdefault(path, Labelled(table.parent / path, (), facts, where))
        if known.facts != facts:
            raise FarviewError(f"{where}: another group or split than in {known.where}: a recording has one")
        if not (row["start"] or row["end"] or row["label"]):
            continue
        try:
            start, end = float(row["start"]), float(row["end"])
        except ValueError:
            start = end = math.nan
        if not 0 <= start < end < math.inf:
            raise FarviewError(
                f"{where}: from '{row['start']}' to '{row['end']}'; expected seconds, the end behind the start"
            )
        if not row["label"]:
            raise FarviewError(f"{where}: no label; every span needs one")
        spans = sorted((*known.spans, Span(start, end, row["label"])), key=lambda span: span.start)
        found[path] = Labelled(known.path, tuple(spans), facts, known.where)
    if not found:
        raise FarviewError(f"{table}: names no recordings")
    return list(found.values())


def span_clips(table: Path, parts: dict[str, Part], config: DataConfig) -> tuple[DataSet, bool]:
    """Each span as a clip, and the time between spans as clips of the class `background`, and whether parts are given.

    Windows of background are as long as the median span, one after the other, as many as fit. A recording's clips
    have its group (column `group`, else its path) and its part (column `split`: one of `parts`). Raises
    `FarviewError` naming the line.
    """
    recordings = read_spans(table)
    lengths = [span.end - span.start for each in recordings for span in each.spans]
    if not lengths:
        raise FarviewError(f"{table}: labels no spans; without an action there is nothing to learn")
    made: list[tuple[str, Source, str, Part, str, str]] = []
    for each in recordings:
        part = each.facts.get("split", "train").lower()
        if part not in parts:
            raise FarviewError(f"{each.where}: unknown split '{part}'; expected train, val, test or unused")
        source = source_of(each.path)
        times = times_of(source)
        name = Path(os.path.relpath(each.path, table.parent)).as_posix()
        for span in (*each.spans, *background(each.spans, times[-1], median(lengths))):
            start, stop = bisect_left(times, span.start - 1e-6), bisect_left(times, span.end - 1e-6)
            if stop <= start:
                raise FarviewError(
                    f"{each.where}: no frames from {span.start:g} to {span.end:g} s of {each.path}"
                )
            where = f"{name}[{start}:{stop}]"
            group = each.facts.get("group") or name
            made.append((where, Segment(source, start, stop), span.label, parts[part], group, name))
    classes = tuple(sorted({label for _, _, label, *_ in made}))
    clips = tuple(
        Clip(where, source, classes.index(label), part, group, name)
        for where, source, label, part, group, name in made
    )
    cut = sum(clip.label == classes.index(BACKGROUND) for clip in clips) if BACKGROUND in classes else 0
    notes = (f"{len(recordings)} recordings: {len(clips) - cut} spans with an action, {cut} of background",)
    return DataSet(config.source, classes, clips, notes=notes), "split" in recordings[0].facts


def background(spans: Sequence[Span], end: float, length: float) -> Iterator[Span]:
    """Windows of `length` seconds between `spans` (in order of their starts) and up to `end`, as many as fit."""
    bounds, free = [(0.0, 0.0), *((span.start, span.end) for span in spans), (end, end)], 0.0
    for (_, before), (after, _) in pairwise(bounds):
        free = max(free, before)  # spans may lie within one another
        for number in range(int((after - free) / length + 1e-9)):
            yield Span(free + number * length, free + (number + 1) * length, BACKGROUND)


def times_of(source: Source) -> list[float]:
    """When each frame was taken, in seconds from the first one, and when the last one ends.

    From the file's packets where these tell, else by the frames per second that it states. Raises `UnreadableClip`.
    """
    times = frame_times(source.path) if isinstance(source, VideoFile | ElrRecording) else None
    if times is None:
        with source.open() as frames:
            if not frames.fps:
                raise UnreadableClip(
                    f"{source.name}: states no frames per second, so seconds mean nothing in it"
                )
            return [number / frames.fps for number in range(len(frames) + 1)]
    return [*times, times[-1] + (times[-1] / (len(times) - 1) if len(times) > 1 else 1.0)]
