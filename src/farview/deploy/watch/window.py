"""One source's frames as windows of K intervals, whose features are computed once."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from farview.deploy.runner import Runner
from farview.deploy.watch.grid import Grid, Plan
from farview.frames.flow import FlowConfig, flow
from farview.frames.intervals import Intervals
from farview.frames.source import Image, Images

BATCH = 64
"""Intervals that go through the network together, at most."""


class Window:
    """What is seen of one source: put frames in, ask what is `due`."""

    def __init__(self, plan: Plan, intervals: Intervals, flow: FlowConfig | None = None) -> None:
        """`flow` for a model that sees the motion between frames."""
        self.plan, self.intervals, self.flow = plan, intervals, flow
        self.grid = Grid(plan.rate, plan.length + plan.hop)
        self.skipped = 0
        """Decisions left out because a newer one was due as well."""
        self.fresh = True
        """Whether the last decision was the first one since the source began or paused."""
        self._features: dict[int, NDArray[np.float32]] = {}  # by the slot of an interval's first frame
        self._begin, self._next = -1, 0  # of the stretch; where the next decision's window starts

    def put(self, moment: float, image: Image) -> bool:
        """A frame (h, w, C) of the time `moment` (seconds); False where it has no slot of its own."""
        return self.grid.put(moment, image)

    def due(self) -> int | None:
        """First slot of the newest window that is complete and not decided yet; None where there is none.

        Windows start at multiples of the hop, so that those of several sources end together.
        """
        hop, begin = self.plan.hop, self.grid.begin
        if begin != self._begin and len(self.grid):
            self._begin, self._next, self.fresh = begin, -(-begin // hop) * hop, True
            self._features.clear()
        late = self.grid.end - self._next - self.plan.length
        if late < 0 or not len(self.grid):
            return None
        return self._next + late // hop * hop

    def shorten(self) -> None:
        """Make a window of what there is: for a recording that ended before its first one was complete."""
        self.plan = replace(self.plan, length=len(self.grid))

    def starts(self, start: int) -> list[int]:
        """Slots at which the K intervals of a window begin."""
        return (start + self.intervals.indices(self.plan.length)[:, 0]).tolist()

    def missing(self, start: int) -> list[int]:
        """Those of `starts` whose features are not known yet."""
        return [slot for slot in dict.fromkeys(self.starts(start)) if slot not in self._features]

    def interval(self, slot: int) -> Images:
        """Frames (T, h, w, C) of the interval that begins at `slot`, or the motion to each from the slot before."""
        offsets = range(0, self.intervals.frames * self.intervals.stride, self.intervals.stride)
        slots = [min(slot + offset, self.grid.end - 1) for offset in offsets]
        frames = [self.grid.image(each) for each in slots]
        if self.flow is not None:
            first = self.grid.end - len(self.grid)
            before = [self.grid.image(each - 1) if each > first else None for each in slots]
            frames = [flow(*pair, self.flow) for pair in zip(before, frames, strict=True)]
        return np.stack(frames)

    def learn(self, slot: int, features: NDArray[np.float32]) -> None:
        """Features (D,) of the interval that begins at `slot`."""
        self._features[slot] = features

    def decided(self, start: int) -> NDArray[np.float32]:
        """The features (K, D) of a window that is decided now; older windows' are forgotten."""
        self.skipped += (start - self._next) // self.plan.hop
        self._next = start + self.plan.hop
        features = np.stack([self._features[slot] for slot in self.starts(start)])
        self._features = {slot: value for slot, value in self._features.items() if slot >= self._next}
        return features


def decide(runner: Runner, due: list[tuple[Window, int]]) -> NDArray[np.float32]:
    """Probabilities (B, classes) over the windows of B sources, computed together.

    Each is given with its first slot, as `Window.due` says.
    """
    wanted = [(window, slot) for window, start in due for slot in window.missing(start)]
    for first in range(0, len(wanted), BATCH):
        part = wanted[first : first + BATCH]
        frames = np.stack([window.interval(slot) for window, slot in part])  # (N, T, h, w, C)
        for (window, slot), features in zip(part, runner.features(frames), strict=True):
            window.learn(slot, features)
    return runner.decide(np.stack([window.decided(start) for window, start in due]))
