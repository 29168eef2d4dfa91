"""Spatial attention (paper, Eq. 1)."""

import torch
from torch import Tensor

from farview.transfer.area import Grid, area_mean


def spatial_attention(stage: Tensor, grid: Grid | None = None) -> Tensor:
    """Eq. 1: sum over channels of absolute values, for each frame.

    Output of a residual stage (B, K, C, T, H, W) -> (B, K*T, H, W), in float32 or finer. Ours: 3D features have one map
    for each time step that remains. With `grid` (T', H', W') the maps are averaged to it by area, (B, K*T', H', W'):
    where two networks' maps differ in size they are compared on the coarser grid, and no detail is made up.
    """
    dtype = torch.promote_types(stage.dtype, torch.float32)
    maps = stage.abs().sum(2, dtype=dtype)  # (B, K, T, H, W)
    return maps.flatten(1, 2) if grid in (None, maps.shape[2:]) else area_mean(maps, grid)
