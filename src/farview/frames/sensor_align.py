"""A coarse and an HR recording of one scene: when one starts within the other, and about where its pixels look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from farview.frames.sensor_noise import Floats
from farview.frames.sensor_view import Geometry, View

PATIENCE = 30.0
"""Seconds by which the recordings' starts may differ."""

_CHUNK = 64  # HR frames at once
_SCALES = (0.71, 0.84, 1.0, 1.19, 1.41)
_OUTER = (-3.75, 0.0, 3.75)  # eLR pixels; each with
_INNER = (-1.5, -0.75, 0.0, 0.75, 1.5)  # around it
_LAG = 0.2  # seconds: motion shows in what changes meanwhile


@dataclass(frozen=True)
class Recording:
    """A coarse recording, or an HR one as `Geometry.keep` leaves it."""

    name: str
    frames: NDArray[np.uint8]
    """(N, H, W, C)"""
    times: Floats
    """(N,) seconds from the first frame"""
    assumed: float | None = None
    """Frames per second by which they are counted, where the recording itself states none."""
    cut: bool = False
    """Whether there was more than is kept in memory."""

    def grey(self, numbers: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.float32]:
        """Mean of the channels of some frames, (N, H, W); of HR ones, only few fit into memory at once."""
        first, *others = np.moveaxis(self.frames[numbers], 3, 0)
        total = first.astype(np.float32)
        for channel in others:
            total += channel
        return total / (1 + len(others))

    def at(
        self, times: Floats, frames: Callable[[NDArray[np.int64]], NDArray[np.generic]]
    ) -> NDArray[np.float32]:
        """What `frames` gives of frame numbers (N,), linearly between this recording's times, at `times`: (N, ...)."""
        place = np.interp(times, self.times, np.arange(len(self.times)))
        before = np.minimum(place.astype(int), len(self.times) - 2)
        first, second = frames(before), frames(before + 1)
        part = (place - before).astype(np.float32).reshape(-1, *[1] * (first.ndim - 1))
        return first * (1 - part) + second * part


def common(coarse: Recording, hr: Recording, later: float) -> NDArray[np.int64]:
    """The numbers of the coarse frames that lie within the HR recording."""
    times = coarse.times + later
    return np.flatnonzero((times >= hr.times[0]) & (times <= hr.times[-1]))


def spread(numbers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` of them, evenly."""
    return (
        numbers[np.unique(np.linspace(0, len(numbers) - 1, count).round().astype(int))]
        if len(numbers)
        else numbers
    )


def offset(coarse: Recording, hr: Recording, geometry: Geometry, view: View) -> tuple[float, float]:
    """Seconds after the HR recording's start at which the coarse one starts, and the correlation of their changes.

    To the nearest frame, by what changes in `_LAG` seconds beside the mean brightness, at all shifts that leave half of
    the shorter recording.
    """
    from scipy.signal import correlate

    parts = [
        geometry.degrade(geometry.look(hr.grey(slice(n, n + _CHUNK)), view)[0], 0.25)
        for n in range(0, len(hr.frames), _CHUNK)
    ]
    step = float(min(np.median(np.diff(coarse.times)), np.median(np.diff(hr.times))))
    one = _changes(coarse.grey(), coarse.times, step)
    other = _changes(np.concatenate(parts), hr.times, step)
    # Entry k: `one` starts k - (len(one) - 1) steps after `other`.
    product_ = sum(correlate(b, a, method="fft") for a, b in zip(one.T, other.T, strict=True))
    ones, others = np.ones(len(one)), np.ones(len(other))
    energy = correlate((other**2).sum(1), ones, method="fft") * correlate(
        others, (one**2).sum(1), method="fft"
    )
    overlap = correlate(others, ones, method="fft")
    shift = (np.arange(len(overlap)) - (len(one) - 1)) * step
    allowed = (overlap > 0.5 * min(len(one), len(other))) & (np.abs(shift) <= PATIENCE)
    score = np.where(allowed, product_ / np.sqrt(np.maximum(energy, 1e-9)), -1)
    best = int(np.argmax(score))
    return float(shift[best]), float(score[best])


def rough_view(coarse: Recording, hr: Recording, geometry: Geometry, later: float) -> tuple[View, float]:
    """The best of a grid of scales and shifts, and its correlation over space and time. Shifts reach 5 eLR pixels."""
    chosen = spread(common(coarse, hr, later), 6)
    if not len(chosen):
        return View(), 0.0
    grey = hr.at(coarse.times[chosen] + later, hr.grey)
    target = coarse.grey(chosen).astype(float)
    best, score = View(), -1.0
    for view in _views():
        seen, inside = geometry.look(grey, view)
        pictures = geometry.degrade_shifted(seen, 0.16, _INNER)  # (S, S, N, h, w)
        covered = geometry.degrade_shifted(inside, 0.16, _INNER)[:, :, None] > 0.95
        scores = _correlations(pictures, target, covered)
        y, x = np.unravel_index(np.argmax(scores), scores.shape)
        if scores[y, x] > score:
            score = float(scores[y, x])
            linear = np.eye(2) + np.reshape(view.turn, (2, 2))
            moved = np.array(view.shift) + linear @ [_INNER[x], _INNER[y]]
            best = View(view.turn, (float(moved[0]), float(moved[1])))
    return best, score


def _views() -> Iterator[View]:
    for x, y, right, down in product(_SCALES, _SCALES, _OUTER, _OUTER):
        if 0.7 < x / y < 1.42:
            yield View((x - 1, 0.0, 0.0, y - 1), (right, down))


def _changes(pictures: NDArray, times: Floats, step: float) -> Floats:
    """(N, h, w) at `times` -> (T, h w) every `step` seconds: what changed since `_LAG` before, without its mean."""
    flat = pictures.reshape(len(pictures), -1).astype(float)
    grid = np.arange(times[0], times[-1] + step / 2, step)
    even = np.stack([np.interp(grid, times, line) for line in flat.T], axis=1)
    lag = max(1, min(round(_LAG / step), len(grid) - 1))
    change = even[lag:] - even[:-lag]
    return change - change.mean(1, keepdims=True)


def _correlations(pictures: Floats, target: Floats, covered: NDArray[np.bool_]) -> Floats:
    """(S, S, N, h, w) with (N, h, w) where `covered` (S, S, 1, h, w), 0 where that is less than 2 in 5: (S, S)."""
    axes = (2, 3, 4)
    w = np.broadcast_to(covered, pictures.shape).astype(float)
    total = np.maximum(w.sum(axes, keepdims=True), 1)
    a = w * (pictures - (w * pictures).sum(axes, keepdims=True) / total)
    b = w * (target - (w * target).sum(axes, keepdims=True) / total)
    score = (a * b).sum(axes) / np.sqrt(np.maximum((a * a).sum(axes) * (b * b).sum(axes), 1e-9))
    return np.where(w.mean(axes) >= 0.4, score, 0.0)
