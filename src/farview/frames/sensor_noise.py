"""The noise of a coarse camera: what differs from frame to frame where the scene does not.

Differences of successive frames hold neither the scene nor slow drifts. What the whole picture does together (flicker,
exposure) is taken out of each frame, and blocks of pixels that move are left out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BLOCK = 8
"""Differences of one pixel that are kept or left out together."""
APART = 8
"""Frames after which white noise differs as much as after one, and other noise more."""
LEAST = 2 * BLOCK + 1
"""Frames that an estimate needs."""

_MOVES = 4.0  # times the median variance of pixels as bright: nothing but motion, or a defect
_ROUNDED = 0.5  # the variance that rounding alone never reaches
BRIGHTNESSES = 4
"""Equal parts of the pixels, from dark to bright, that are judged by their own."""


@dataclass(frozen=True)
class Noise:
    """What one recording, of T frames with P = h w C pixels, tells of the noise. In grey levels, squared."""

    variance: Floats
    """Of each block of each pixel (B, P), rounding included."""
    seen: Mask
    """Which of them count (B, P)."""
    moving: float
    """Share of the blocks that were left out because something moves there."""
    level: Floats
    """Mean grey level of each pixel (P,)."""
    apart: float
    """Variance of one frame, from frames that are `APART` apart, over that from neighbouring frames."""
    beside: float
    """Correlation between neighbouring pixels, the larger of both directions."""
    between: float
    """Correlation between colour channels; 0 where there is one."""
    tails: float
    """Excess kurtosis, 0 for a Gaussian."""
    shake: float
    """Share of the differences that shifts of the whole mean picture explain."""


def noise_of(series: Floats, level: Floats, usable: Mask, motion: Floats | None = None) -> Noise | None:
    """The noise of `series` (T, h, w, C), T at least `LEAST`: grey levels of a still scene, or a fit's residuals.

    `level` (h, w, C) is the mean picture, whose multiples flicker may add. Only samples that are `usable` (T, h, w, C)
    count. With `motion` (T, h, w, C), the noiseless picture, only the half of the blocks in which that changes least.
    None where less than a hundredth is usable.
    """
    shape = series.shape
    count, pixels = shape[0], level.size
    blocks = (count - 1) // BLOCK
    steps = BLOCK * blocks  # differences that fill blocks
    both = (usable[1:] & usable[:-1]).reshape(count - 1, pixels)[:steps]
    candidates: Any = both.reshape(blocks, BLOCK, pixels).all(axis=1)
    if motion is not None:
        energy = _in_blocks(np.square(np.diff(motion, axis=0)).reshape(count - 1, pixels)[:steps])
        if candidates.any():
            candidates &= energy <= np.median(energy[candidates])
    if candidates.mean() < 0.01:
        return None
    seen = candidates
    for _ in range(2):  # flicker is found on what is still, and what is still once flicker is gone
        still = np.repeat(seen, BLOCK, axis=0)
        rest = _without_flicker(series[: steps + 1], level, np.concatenate([still, still[-1:]]))
        difference = np.diff(rest.reshape(steps + 1, pixels), axis=0)
        variance = _in_blocks(difference**2) / 2 * _freedom(seen, shape[3])
        seen = candidates & ~_moves(variance, candidates, level.ravel())
    still = np.repeat(seen, BLOCK, axis=0)
    far = (rest[APART:-1] - rest[: -APART - 1]).reshape(-1, pixels) ** 2 / 2
    near = difference[: len(far)] ** 2 / 2
    alike = still[: len(far)] & still[APART : APART + len(far)]
    apart = float(far[alike].mean() / max(near[alike].mean(), 1e-12)) if alike.any() else 1.0
    standard = np.where(still, difference, np.nan).reshape(steps, *shape[1:])
    beside = max(
        _correlation(standard[:, :, 1:], standard[:, :, :-1]), _correlation(standard[:, 1:], standard[:, :-1])
    )
    between = _correlation(standard[..., 1:], standard[..., :-1]) if shape[3] > 1 else 0.0
    return Noise(
        variance,
        seen,
        1 - float(seen.sum() / candidates.sum()),
        level.ravel(),
        apart,
        beside,
        between,
        _tails(difference, still),
        _shake(difference, still, level),
    )


def _in_blocks(values: Floats) -> Floats:
    """Means of `BLOCK` successive rows: (B BLOCK, P) -> (B, P)."""
    return values.reshape(-1, BLOCK, values.shape[1]).mean(1)


def parts(levels: Floats) -> NDArray[np.int64]:
    """Which part of the brightnesses each level belongs to."""
    return np.searchsorted(np.quantile(levels, np.arange(1, BRIGHTNESSES) / BRIGHTNESSES), levels)


def _moves(variance: Floats, candidates: Mask, level: Floats) -> Mask:
    """Blocks (B, P) that vary more than noise: beyond `_MOVES` medians of those as bright."""
    part, limit = parts(level), np.empty(len(level))
    for p in np.unique(part):
        alike = variance[:, part == p][candidates[:, part == p]]
        limit[part == p] = max(_MOVES * np.median(alike), _ROUNDED) if alike.size else _ROUNDED
    return variance > limit


def _freedom(seen: Mask, channels: int) -> float:
    """What the flicker's two parameters a frame and channel have taken from the variance."""
    return 1 / (1 - min(2 * channels * len(seen) / seen.sum(), 0.5))


def _without_flicker(series: Floats, level: Floats, weight: Mask) -> Floats:
    """Each frame and channel without its gain and offset against `level`, fitted where `weight` (T, P)."""
    w = weight.reshape(series.shape).astype(float)
    change = series - series.mean(0)
    base = level - level.mean((0, 1))
    sums = {
        name: (w * value).sum((1, 2), keepdims=True)
        for name, value in (("1", 1.0), ("x", base), ("xx", base**2), ("y", change), ("xy", base * change))
    }
    total = np.maximum(sums["1"], 1)
    spread = sums["xx"] - sums["x"] ** 2 / total
    # On a flat scene a gain is an offset: there is nothing to tell them apart by.
    gain = np.where(
        spread > total, (sums["xy"] - sums["x"] * sums["y"] / total) / np.maximum(spread, 1e-9), 0
    )
    return change - gain * base - (sums["y"] - gain * sums["x"]) / total


def _correlation(one: Floats, other: Floats) -> float:
    """Of two arrays of mean 0, where neither is NaN."""
    both = ~(np.isnan(one) | np.isnan(other))
    a, b = one[both], other[both]
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12)) if a.size else 0.0


def _tails(difference: Floats, still: Mask) -> float:
    """Excess kurtosis of single frames: that of their differences is half of it. Each pixel by its own variance."""
    count = np.maximum(still.sum(0), 1)
    square = np.where(still, difference**2, 0)
    variance = square.sum(0) / count
    kept = variance > 0
    if not kept.any():
        return 0.0
    z = square[:, kept] / variance[kept]
    return 2 * (float((z**2).sum() / still[:, kept].sum()) - 3)


def _shake(difference: Floats, still: Mask, level: Floats) -> float:
    """The part of `difference` (T, P) that lies along the mean picture's slopes, beyond what noise has there."""
    slopes = np.stack([slope.ravel() for slope in np.gradient(level, axis=(0, 1))], axis=1)
    along = np.where(still, difference, 0) @ np.linalg.qr(slopes)[0]
    return float((along**2).sum() / max((difference[still] ** 2).sum(), 1e-12)) - 2 / level.size
