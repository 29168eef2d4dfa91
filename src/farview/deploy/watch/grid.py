"""Frames on a fixed time grid, and where on it the windows lie that decisions are made over."""

import math
from collections import deque
from dataclasses import dataclass

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.frames.source import Image


@dataclass(frozen=True)
class Plan:
    """When decisions are made, and over what; lengths in frames of the grid."""

    rate: float
    """Frames per second of the grid."""
    hop: int
    """From one decision to the next."""
    distance: int
    """From one interval to the next."""
    length: int
    """Of a window: K distances and what an interval reaches beyond its first frame."""

    @property
    def seconds(self) -> float:
        """Of a window."""
        return self.length / self.rate


def plan(intervals: Intervals, rate: float, hop: float, window: float | None = None) -> Plan:
    """A plan near the wish: a decision every `hop` seconds over the last `window` seconds (None: K hops).

    The hop is a whole number of distances or a whole part of one, so that intervals of one window are intervals of
    later ones: a decision then costs `max(1, hop / distance)` new intervals. The window's length makes
    `Intervals.indices` lay its intervals exactly `distance` apart. Raises FarviewError for what is not above 0.
    """
    for name, value in (("rate", rate), ("hop", hop), ("window", window)):
        if value is not None and not 0 < value < math.inf:
            raise FarviewError(f"--{name}: {value} must be above 0")
    span = (intervals.frames - 1) * intervals.stride
    step = max(1, round(hop * rate))
    distance = step
    if window is not None:
        distance = max(1, round((window * rate - span) / intervals.count))
        if distance >= step:
            distance = step * round(distance / step)
        else:
            distance = max(1, round(step / round(step / distance)))
            step = distance * round(step / distance)
    return Plan(rate, step, distance, intervals.count * distance + span)


class Grid:
    """The last `capacity` frames of a source at `rate` a second: each in the slot nearest to its time.

    A slot without a frame of its own shows the one before it; of several the first is kept. A pause longer than the
    capacity begins anew behind it. Slots are numbered from time 0.
    """

    def __init__(self, rate: float, capacity: int) -> None:
        self.rate = rate
        self.begin = self.end = 0
        """First slot since the last pause, and the one behind the newest; before the first frame both are 0."""
        self._kept: deque[Image] = deque(maxlen=capacity)

    def put(self, moment: float, image: Image) -> bool:
        """Place a frame, (h, w, C), of the time `moment`, seconds; False where it has no slot of its own."""
        slot = math.floor(moment * self.rate + 0.5)
        if slot < self.end:
            return False
        if not self._kept or slot - self.end >= (self._kept.maxlen or 0):
            self._kept.clear()
            self.begin = self.end = slot
        for _ in range(slot - self.end):
            self._kept.append(self._kept[-1])
        self._kept.append(image)
        self.end = slot + 1
        return True

    def image(self, slot: int) -> Image:
        """What a slot shows; it must be one of the last `capacity` since `begin`."""
        return self._kept[slot - self.end + len(self._kept)]

    def __len__(self) -> int:
        """Slots that can still be had."""
        return len(self._kept)
