"""Maps averaged by area: from the input's resolution to that of a stage, from one network's stage to another's."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Grid = tuple[int, int, int]
"""Time steps, height and width of a stage's maps."""


def area_mean(maps: Tensor, size: Grid) -> Tensor:
    """Maps (B, K, T, H, W) averaged to `size` (T', H', W'): (B, K*T', H', W')."""
    return to_grid(maps, size).flatten(1, 2)


def to_grid(maps: Tensor, size: Grid) -> Tensor:
    """Maps (..., T, H, W) averaged to `size` (T', H', W'): (..., T', H', W').

    Exact where sizes do not divide (a pixel on a border counts in part on both sides), unlike adaptive pooling.
    """
    time, height, width = size
    maps = matrix(height, maps.shape[-2], maps) @ (maps @ matrix(width, maps.shape[-1], maps).T)
    if maps.shape[-3] != time:
        maps = (matrix(time, maps.shape[-3], maps) @ maps.flatten(-2)).unflatten(-1, (height, width))
    return maps


def common_grid(student: Tensor, teacher: Tensor) -> Grid:
    """Where outputs of a stage (..., T, H, W) of two networks are compared: the coarser of both, axis by axis."""
    time, height, width = map(min, student.shape[-3:], teacher.shape[-3:])
    return time, height, width


def matrix(out: int, size: int, like: Tensor) -> Tensor:
    """`area_matrix` with the type and the place of `like`."""
    return torch.as_tensor(area_matrix(out, size), dtype=like.dtype, device=like.device)


@lru_cache(maxsize=64)
def area_matrix(out: int, size: int) -> NDArray[np.float64]:
    """(out, size) weights of the average of `size` pixels over `out` equal cells; rows sum to 1."""
    edges = np.arange(out + 1)[:, None] * size / out
    pixel = np.arange(size)
    return (np.clip(edges[1:], pixel, pixel + 1) - np.clip(edges[:-1], pixel, pixel + 1)) * out / size
