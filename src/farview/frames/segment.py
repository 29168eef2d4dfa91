"""A range of another recording's frames as a recording of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

from farview.errors import UnreadableClip
from farview.frames.source import Frames, Image, Images, Source


@dataclass(frozen=True)
class Segment:
    """Frames start..stop-1 of `source`."""

    source: Source
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"a segment from {self.start} to {self.stop} holds no frames")

    @property
    def name(self) -> str:
        return f"{self.source.name}[{self.start}:{self.stop}]"

    def fingerprint(self) -> str:
        return f"{self.source.fingerprint()}[{self.start}:{self.stop}]"

    def open(self) -> "SegmentFrames":
        """Raises `UnreadableClip` where `source` cannot be read or ends before `stop`."""
        whole = self.source.open()
        if len(whole) < self.stop:
            whole.close()
            raise UnreadableClip(
                f"{self.source.name}: has {len(whole)} frames, but frames {self.start} to {self.stop - 1} are listed"
            )
        return SegmentFrames(whole, self.start, self.stop)


class SegmentFrames:
    """An opened segment; closes the whole recording."""

    def __init__(self, whole: Frames, start: int, stop: int) -> None:
        self.whole, self.start, self.stop = whole, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def read(self, indices: Sequence[int]) -> Images:
        """(N, H, W, C) uint8; see `Frames.read`."""
        for i in indices:
            if not 0 <= i < len(self):
                raise IndexError(f"frame {i} of a segment of {len(self)}")
        return self.whole.read([self.start + int(i) for i in indices])

    def __iter__(self) -> Iterator[Image]:
        return islice(iter(self.whole), self.start, self.stop)

    def close(self) -> None:
        self.whole.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
