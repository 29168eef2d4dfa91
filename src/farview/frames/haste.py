"""What a stream leaves out so that it catches up with its camera."""

import math

LATE = 1.0
"""Seconds behind its camera from which on a source leaves out what it can."""
SHOWN = 1.0
"""Seconds from one frame that is shown to the next where all are late."""
KEYFRAMES = 5.0
"""Seconds between keyframes up to which they alone are enough for a while."""
LOST = 10.0
"""Seconds behind, or by which a camera's times jump, after which only a new beginning helps."""


class Haste:
    """What to do with each packet of a stream, by how late it is.

    Where keyframes are frequent, all others are left undecoded, from the first late packet to the first keyframe in
    time, so that no frame lacks those it leans on. Elsewhere (one keyframe at the start, intra refresh) all are
    decoded, and but one late frame a second dropped.
    """

    def __init__(self) -> None:
        self.skip = False
        """Whether to decode keyframes alone."""
        self.drop = False
        """Whether to drop what is decoded."""
        self.behind = 0.0
        """Seconds by which the newest packet came too late."""
        self._ahead: float | None = None  # our time less the stated one, of the newest frame that was taken
        self._given = -math.inf  # when that one was handed on
        self._last: float | None = None  # stated time of the newest packet
        self._key, self._gap = -math.inf, math.inf  # of the newest keyframe; from the one before to it

    def gave(self, stated: float | None, taken: float | None, now: float) -> None:
        """A frame was handed on that states the one time and was taken at the other, by our clock; None: unknown."""
        self._ahead = None if stated is None or taken is None else taken - stated
        self._given = now

    def judge(self, stated: float, keyframe: bool, now: float) -> None:
        """A packet has come."""
        if self._last is not None and abs(stated - self._last) > LOST:
            self._ahead = None  # until a frame shows how the new times lie
        self._last = stated
        if keyframe:
            self._gap, self._key = abs(stated - self._key), stated
        self.behind = 0.0 if self._ahead is None else now - self._ahead - stated
        late = self.behind > LATE
        frequent = max(self._gap, stated - self._key) < KEYFRAMES
        if late and frequent:
            self.skip = True
        elif keyframe or not frequent:
            self.skip = False
        self.drop = late and not frequent and now - self._given < SHOWN
