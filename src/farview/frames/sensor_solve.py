"""What a robust fit needs beside SciPy: brightness fitted on the way, slopes of a function with steps, a bootstrap."""

from collections.abc import Callable

import numpy as np

from farview.frames.sensor_noise import Floats, Mask

DRAWS = 1000
"""Of the bootstrap."""
BLOCKS, TILES = 15, 4
"""Of frames, and of pixels along each side, that are drawn anew together: neighbours err alike."""


def line(expected: Floats, target: Floats, weight: Floats | Mask) -> tuple[float, float]:
    """Gain and offset of `target` against `expected`, by weighted least squares."""
    w = np.asarray(weight, np.float64)
    total = w.sum()
    x, y = (w * expected).sum() / total, (w * target).sum() / total
    gain = (w * (expected - x) * (target - y)).sum() / max((w * (expected - x) ** 2).sum(), 1e-9)
    return float(gain), float(y - gain * x)


def robust_scale(expected: Floats, target: Floats, weight: Floats) -> float:
    """A robust sigma of the errors, beyond which they count less."""
    gain, base = line(expected, target, weight)
    error = np.abs(target - gain * expected - base)[np.asarray(weight) > 0]
    return float(1.4826 * np.median(error)) + 0.1


def slopes(errors: Callable[[Floats], Floats], x: Floats, steps: Floats, low: Floats, high: Floats) -> Floats:
    """Jacobian by central differences of `steps`, within the bounds."""
    columns = []
    for n, step in enumerate(steps):
        up, down = x.copy(), x.copy()
        up[n], down[n] = min(x[n] + step, high[n]), max(x[n] - step, low[n])
        columns.append((errors(up) - errors(down)) / (up[n] - down[n]))
    return np.stack(columns, axis=1)


def moves(error: Floats, slope: Floats, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """How the parameters move when blocks of frames and tiles of the picture are drawn anew (DRAWS, parameters).

    One Gauss-Newton step each, with the weights of SciPy's soft_l1. `error` and `slope` (, parameters) are of pixels of
    `shape` (N, h, w), at the solution.
    """
    free = slope.shape[1]
    robust = 1 / np.sqrt(1 + error**2)  # the slope of soft_l1
    block, row, column = (
        np.arange(side) * parts // side for side, parts in zip(shape, (BLOCKS, TILES, TILES), strict=True)
    )
    piece = (block[:, None, None] * TILES + row[:, None]) * TILES + column
    piece, tiles = piece.ravel(), TILES**2
    curve, pull = np.zeros((BLOCKS * tiles, free, free)), np.zeros((BLOCKS * tiles, free))
    for n in np.unique(piece):
        j, w = slope[piece == n], robust[piece == n]
        curve[n], pull[n] = (j * w[:, None]).T @ j, j.T @ (w * error[piece == n])
    in_time = rng.multinomial(BLOCKS, np.full(BLOCKS, 1 / BLOCKS), DRAWS)
    in_space = rng.multinomial(tiles, np.full(tiles, 1 / tiles), DRAWS)
    times = (in_time[:, :, None] * in_space[:, None]).reshape(DRAWS, -1).astype(float)
    ridge = 1e-9 * np.trace(curve.sum(0)) * np.eye(free)
    moved = np.linalg.solve(np.tensordot(times, curve, 1) + ridge, (times @ pull)[..., None])
    return -moved[..., 0]
