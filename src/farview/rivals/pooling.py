"""Pooled time series: what a descriptor did in windows of a clip (Ryoo, Rothrock, Matthies, CVPR 2015)."""

import numpy as np
from numpy.typing import NDArray

OPERATORS = ("max", "sum", "rises", "falls")
LEVELS = 4
"""Windows of the whole clip, its halves, quarters and eighths: 15."""
LAG = 2
DEAD_ZONE = 0.01
"""A descriptor's change of at most that much is none."""


def windows(length: int, levels: int = LEVELS) -> list[tuple[int, int]]:
    """Start and end (not included) of 1 + 2 + 4 ... windows of a clip of `length` >= 1 frames, none of them empty.

    Those of a level cover the clip, share a frame where it lies across their border, and are their own mirror image.
    """
    bounds = []
    for level in range(levels):
        parts = 2**level
        bounds += [(i * length // parts, -(-(i + 1) * length // parts)) for i in range(parts)]
    return bounds


def pool(series: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, D) to (4, 15 * D): a row for each operator, window by window.

    max and sum are over the window's frames; rises and falls count the frames at which a value grows or shrinks by
    more than the dead zone from the frame before to the frame after (at the clip's ends: from or to that frame).
    """
    length = len(series)
    frames = np.arange(length)
    before, after = np.maximum(frames - LAG // 2, 0), np.minimum(frames + LAG // 2, length - 1)
    change = series[after] - series[before]  # (T, D)
    rises, falls = change > DEAD_ZONE, change < -DEAD_ZONE
    rows = [
        (series[a:b].max(0), series[a:b].sum(0), rises[a:b].sum(0), falls[a:b].sum(0))
        for a, b in windows(length)
    ]
    return np.stack([np.concatenate(each) for each in zip(*rows, strict=True)]).astype(np.float32)
