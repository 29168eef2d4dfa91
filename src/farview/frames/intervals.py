"""Which frames of a recording are looked at: K short intervals spread over it, as TSN does."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError


@dataclass(frozen=True)
class Intervals:
    """How many intervals, of how many frames, how far apart."""

    count: int = 8
    """K, the number of intervals."""
    frames: int = 1
    """Frames in an interval."""
    stride: int = 1
    """Distance between the frames of an interval, in frames of the recording."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise FarviewError(
                    f"intervals.{field.name} is {value!r}; it must be a whole number of at least 1"
                )

    def indices(self, length: int, rng: np.random.Generator | None = None) -> NDArray[np.int64]:
        """Frame numbers in 0..`length`-1, (count, frames).

        The positions at which an interval fits are divided into `count` equal segments; each interval starts
        at a random position of its segment with `rng`, at the segment's middle without (symmetric up to one
        frame). A recording shorter than an interval repeats its last frame. ValueError for `length` < 1.
        """
        if length < 1:
            raise ValueError(f"a recording of {length} frames has no intervals")
        span = (self.frames - 1) * self.stride
        positions = max(length - span, 1)
        within = np.full(self.count, 0.5) if rng is None else rng.random(self.count)
        start = np.floor((np.arange(self.count) + within) * positions / self.count).astype(np.int64)
        start = np.minimum(start, positions - 1)  # against rounding up at the very end
        offsets = np.arange(self.frames, dtype=np.int64) * self.stride
        return np.minimum(start[:, None] + offsets, length - 1)  # (K, n)
