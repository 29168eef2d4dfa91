"""Spatial attention (paper, Eq. 1)."""

import torch
from torch import Tensor


def spatial_attention(stage: Tensor) -> Tensor:
    """Eq. 1: sum over channels of absolute values, for each frame.

    Output of a residual stage (B, K, C, T, H, W) -> (B, K*T, H, W), in float32 or finer. Ours: 3D features have one map
    for each time step that remains.
    """
    dtype = torch.promote_types(stage.dtype, torch.float32)
    return stage.abs().sum(2, dtype=dtype).flatten(1, 2)
