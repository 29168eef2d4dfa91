"""What a clip and a data set are."""

from dataclasses import dataclass
from typing import Literal

from farview.frames.source import Source

Part = Literal["train", "val", "test", "unused"]


@dataclass(frozen=True)
class Clip:
    """One recording of one action."""

    id: str
    """Unique and stable within its data set (for files: the path below the data set's folder)."""
    source: Source
    """Opens the frames."""
    label: int | None
    """Index into the data set's classes; None in an unlabeled pool."""
    part: Part
    """Where the data set's protocol puts it; validation clips are held out of `train` later."""
    group: str | None = None
    """Person, source video or session: clips of one group are never divided between parts by us."""
    recording: str | None = None
    """Where clips share one: what it was cut from, or what several cameras saw at once."""


@dataclass(frozen=True)
class DataSet:
    """Clips with their class names, as one protocol (split) arranges them."""

    name: str
    """As the user gave it, for example `ucf101:/data/ucf101`."""
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    missing: tuple[str, ...] = ()
    """Ids that the protocol lists and the folder lacks (only with `available_only`)."""
    notes: tuple[str, ...] = ()
    """What the user should know about how the parts came about, one line each; `scan` and training say them."""
    per_class: int | None = None
    """At most that many clips of each class train, once validation clips are held out; None: all."""
    people: bool = True
    """Whether groups are people, or whatever a user groups clips by, and not source videos."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes and, where clips are missing, how many of those that the protocol lists."""
        if not self.missing:
            return self.notes
        listed = len(self.clips) + len(self.missing)
        return (
            *self.notes,
            f"{len(self.missing)} of {listed} listed clips are missing, first: {self.missing[0]}",
        )

    def part(self, part: Part) -> tuple[Clip, ...]:
        """The clips of one part, in stable order."""
        return tuple(clip for clip in self.clips if clip.part == part)
