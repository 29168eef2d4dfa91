"""A coarse camera apart from `SensorModel`: SciPy's affine map, Gaussian filter and block means; and a scene for it."""

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter

PARTS = 16  # of a coarse pixel, along each side
MARGIN = 3  # coarse pixels around


def scene(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """RGB frames (count, height, width, 3) uint8: a textured ground, and a bar that wanders over it."""
    rng = np.random.default_rng(seed)
    ground = sum(s * gaussian_filter(rng.normal(size=(height, width)), s) for s in (3, 8, 20))
    ground = 60 + 120 * (ground - ground.min()) / np.ptp(ground)
    rows, columns = np.mgrid[:height, :width]
    place = np.array([height / 2, width / 2]) + np.cumsum(rng.normal(0, 5, (count, 2)), axis=0)
    frames = []
    for y, x in place:
        y, x = np.abs(
            (np.array([y, x]) % (2 * np.array([height, width]))) - [height, width]
        )  # back from the edges
        grey = np.where((abs(columns - x) < width / 12) & (abs(rows - y) < height / 5), 210, ground)
        frames.append(np.stack([0.9 * grey, 0.8 * grey + 20, 0.7 * grey + 30], axis=-1))
    return np.rint(frames).astype(np.uint8)


def between(frames: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Frames at fractional numbers, by linear interpolation: floats."""
    before = np.minimum(places.astype(int), len(frames) - 2)
    part = (places - before)[:, None, None, None]
    return frames[before] * (1 - part) + frames[before + 1] * part


def coarse(
    frames: np.ndarray,
    size: tuple[int, int],
    blur: float,
    noise: float,
    scale: float = 1.0,
    degrees: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    gain: float = 1.0,
    base: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """What the camera gives of `frames` (N, H, W, C): (N, *size, C) uint8.

    It sees `scale` times the centred window of its own aspect, turned, and shifted by (x, y) coarse pixels.
    """
    pixel = min(frames.shape[1] / size[0], frames.shape[2] / size[1])
    a = np.deg2rad(degrees)
    linear = (
        scale * pixel / PARTS * np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    )  # (row, column)
    grid = (np.array(size) + 2 * MARGIN) * PARTS
    start = np.array(frames.shape[1:3]) / 2 - 0.5 + pixel * np.array(shift[::-1]) - linear @ (grid / 2 - 0.5)
    seen = np.empty((len(frames), *size, frames.shape[3]))
    edge = MARGIN * PARTS
    for n, c in np.ndindex(len(frames), frames.shape[3]):
        fine = affine_transform(
            frames[n, ..., c].astype(float), linear, start, tuple(grid), order=1, mode="nearest"
        )
        if blur:
            fine = gaussian_filter(fine, blur * PARTS)
        fine = fine[edge:-edge, edge:-edge]
        seen[n, ..., c] = fine.reshape(size[0], PARTS, size[1], PARTS).mean((1, 3))
    noisy = gain * seen + base + np.random.default_rng(seed).normal(0, noise, seen.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
