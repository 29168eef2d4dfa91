"""Maps averaged by area: from the input's resolution to that of a stage."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def area_mean(maps: Tensor, size: tuple[int, int, int]) -> Tensor:
    """Maps (B, K, T, H, W) averaged to `size` (T', H', W'): (B, K*T', H', W').

    Exact where sizes do not divide (a pixel on a border counts in part on both sides), unlike adaptive pooling.
    """
    time, height, width = size
    maps = matrix(height, maps.shape[3], maps) @ (maps @ matrix(width, maps.shape[4], maps).T)
    if maps.shape[2] != time:
        maps = (matrix(time, maps.shape[2], maps) @ maps.flatten(3)).unflatten(3, (height, width))
    return maps.flatten(1, 2)


def matrix(out: int, size: int, like: Tensor) -> Tensor:
    """`area_matrix` with the type and the place of `like`."""
    return torch.as_tensor(area_matrix(out, size), dtype=like.dtype, device=like.device)


@lru_cache(maxsize=64)
def area_matrix(out: int, size: int) -> NDArray[np.float64]:
    """(out, size) weights of the average of `size` pixels over `out` equal cells; rows sum to 1."""
    edges = np.arange(out + 1)[:, None] * size / out
    pixel = np.arange(size)
    return (np.clip(edges[1:], pixel, pixel + 1) - np.clip(edges[:-1], pixel, pixel + 1)) * out / size
