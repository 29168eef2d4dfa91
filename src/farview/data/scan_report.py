"""What a scan found, as figures, JSON and tables."""

import json
import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, get_args

from farview.data.clip import Part

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20
"""So many missing clips are named on the terminal."""


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
            "unreadable": {clip.name: clip.look.reason for clip in self.unreadable},
            "missing": self.missing,
            "clips": [asdict(clip) for clip in self.clips],
        }
        return json.dumps(summary, indent=1, ensure_ascii=False)


def print_report(report: ScanReport, console: "Console | None" = None) -> None:
    """The report as tables for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = console or Console()

    def say(line: str, style: str = "") -> None:
        console.print(escape(line), style=style, highlight=False, soft_wrap=True)

    say(report.name, "bold")
    table = Table("class")
    for part in report.parts:
        table.add_column(part, justify="right")
    found = {name: parts for name, parts in report.counts.items() if any(parts.values())}
    for name, parts in found.items():
        table.add_row(escape(name), *(str(parts[part]) for part in report.parts))
    table.add_section()
    table.add_row(f"{len(report.classes)} classes", *map(str, report.parts.values()))
    console.print(table)
    empty = len(report.counts) - len(found)
    if empty:
        say(f"{empty} classes have no clips here")
    if report.lengths:
        low, median, high = report.lengths
        say(f"frames a clip: {low} to {high}, median {median:g}")
    sizes = [f"{size} ({n})" for size, n in report.sizes.items()]
    more = f" and {len(sizes) - 8} others" if len(sizes) > 8 else ""
    say(f"height x width x channels (clips): {', '.join(sizes[:8]) or 'none'}{more}")
    for note in report.notes:
        say(f"note: {note}")
    if report.missing:
        say(f"{len(report.missing)} listed clips are missing:", "yellow")
        for name in report.missing[:SHOWN]:
            say(f"  {name}")
        if len(report.missing) > SHOWN:
            say(f"  and {len(report.missing) - SHOWN} more; all of them in the JSON report")
    if report.unreadable:
        say(f"{len(report.unreadable)} of {len(report.clips)} clips are unreadable:", "red")
        for clip in report.unreadable:
            say(f"  {clip.name}: {clip.look.reason}")
    else:
        say(f"all {len(report.clips)} clips can be read", "green")
