"""When a camera's frame was taken, by this machine's clock, and how late it came."""

import math

WINDOW = 60.0
"""Seconds over which the quickest frame is remembered: clocks that drift apart are followed."""
JUMP = 10.0
"""Seconds by which the camera's times and ours must part at once to count as a new beginning of its times."""


class Clock:
    """Turns the times that a camera states into ours, so that a network's jitter does not shift frames.

    The frame that came quickest in the last minute defines the offset of the two clocks; all others came later
    than they were taken. What every frame needs to come here stays unknown and is not counted.
    """

    def __init__(self) -> None:
        self._quickest = self._next = math.inf  # least arrival - stated: so far, and since `_since`
        self._since = -math.inf
        self._last: tuple[float, float] | None = None

    def place(self, stated: float | None, arrived: float) -> float:
        """Our time of a frame, at most `arrived`; `arrived` where the camera states none. Seconds."""
        if stated is None:
            return arrived
        if self._last and abs((stated - self._last[0]) - (arrived - self._last[1])) > JUMP:
            self._quickest = self._next = math.inf
        self._last = stated, arrived
        if arrived - self._since > WINDOW / 2:
            self._quickest, self._next, self._since = self._next, math.inf, arrived
        self._next = min(self._next, arrived - stated)
        self._quickest = min(self._quickest, self._next)
        return stated + self._quickest
