"""What can be read as frames: the two protocols that every kind of recording follows."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, C), C = 1 (grey, depth, thermal) or 3 (RGB)
Images = NDArray[np.uint8]  # (N, H, W, C)


class Frames(Protocol):
    """An opened recording. Use as a context manager: closing frees the decoder."""

    @property
    def fps(self) -> float | None:
        """Frames per second as the recording states it; None where it states none."""
        ...

    def __len__(self) -> int:
        """Number of frames that can really be decoded is at most this; see the concrete class."""
        ...

    def read(self, indices: Sequence[int]) -> Images:
        """Frames at `indices` (any order, repeats allowed), (N, H, W, C) uint8.

        Raises IndexError outside 0..len-1 and `UnreadableClip` where decoding fails.
        """
        ...

    def __iter__(self) -> Iterator[Image]:
        """Every frame once, in order, (H, W, C) uint8."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Source(Protocol):
    """Where frames come from: a small, frozen, hashable, picklable description that opens nothing until asked."""

    @property
    def name(self) -> str:
        """What messages call it: a path, or a path and an index."""
        ...

    def fingerprint(self) -> str:
        """A short text that changes when the frames may have changed (size, mtime, settings).

        Raises `UnreadableClip` where the file is missing.
        """
        ...

    def open(self) -> Frames:
        """Raises `UnreadableClip` with the reason where that fails."""
        ...
