"""A range of another recording's frames as a recording of its own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farview.errors import UnreadableClip
from farview.frames.reader import Reader
from farview.frames.source import Frames, Image, Images, Source

CHUNK = 16
"""Frames read at once when all are wanted in order."""


@dataclass(frozen=True)
class Segment:
    """Frames start..stop-1 of `source`, at least one."""

    source: Source
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"{self.source.name}[{self.start}:{self.stop}]"

    def fingerprint(self) -> str:
        """Changes with the whole recording and the range."""
        return f"{self.source.fingerprint()}[{self.start}:{self.stop}]"

    def open(self) -> Reader:
        """Raises `UnreadableClip` where the whole cannot be read or has no such frames."""
        whole = self.source.open()
        if not 0 <= self.start < self.stop <= len(whole):
            count = len(whole)
            whole.close()
            raise UnreadableClip(f"{self.name}: no such frames: there are {count}")
        return _SegmentReader(self.name, whole, self.start, self.stop)


class _SegmentReader(Reader):
    """Closing it closes the whole recording."""

    def __init__(self, name: str, whole: Frames, start: int, stop: int) -> None:
        super().__init__(name)
        self.sensor = getattr(whole, "sensor", None)
        self.fps = whole.fps
        self._whole, self._start, self._stop = whole, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[Image]:
        for start in range(self._start, self._stop, CHUNK):
            yield from self._whole.read(range(start, min(start + CHUNK, self._stop)))

    def _read(self, numbers: NDArray[np.int64]) -> Images:
        return self._whole.read([self._start + int(number) for number in numbers])

    def close(self) -> None:
        self._whole.close()
