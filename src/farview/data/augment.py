"""One geometry for the HR and the eLR video of a sample: crop, flip, scale and shift as one affine map."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from farview.data.config import AugmentConfig
from farview.frames.flow import STILL


def sample_geometry(config: AugmentConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """Affine map (2, 3) from output to input, both in -1..1 as `torch.nn.functional.affine_grid` has them.

    A crop of `scale` times the frame lies anywhere inside it; a larger one lies anywhere around it.
    """
    scale = rng.uniform(*config.scale)
    stretch = 1 + rng.uniform(-config.aspect, config.aspect)
    height, width = scale, scale * stretch
    x = rng.uniform(-1, 1) * (abs(1 - width) + config.shift)
    y = rng.uniform(-1, 1) * (abs(1 - height) + config.shift)
    mirror = -1.0 if config.flip and rng.random() < 0.5 else 1.0
    return np.array([[mirror * width, 0, x], [0, height, y]], np.float32)


def sample_gain(config: AugmentConfig, rng: np.random.Generator) -> float:
    """Factor on the grey levels of a video."""
    return float(1 + rng.uniform(-config.gain, config.gain))


def warp(video: Tensor, geometry: Tensor) -> Tensor:
    """Apply one affine map per video: video (B, K, C, T, H, W), geometry (B, 2, 3), same shape out."""
    b, *_, h, w = video.shape
    grid = F.affine_grid(geometry.to(video.dtype), [b, 1, h, w], align_corners=False)  # (B, H, W, 2)
    flat = video.reshape(b, -1, h, w)  # (B, K*C*T, H, W)
    return F.grid_sample(flat, grid, padding_mode="zeros", align_corners=False).reshape(video.shape)


def warp_flow(video: Tensor, geometry: Tensor) -> Tensor:
    """As `warp`, of the levels of flow, C = 2: what moves in a picture is turned and scaled with it.

    Motion to the right in a mirrored video goes to the left; a crop that is enlarged moves faster. Nothing moves in
    what comes in from outside.
    """
    scale = geometry[:, [0, 1], [0, 1]].to(video.dtype)  # (B, 2), the x one negative where mirrored
    moved = warp(video - STILL, geometry) / scale.view(-1, 1, 2, 1, 1, 1)
    return (moved + STILL).clamp(0, 255)


def enlarge(video: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear up-sampling of (B, K, C, T, h, w) to (B, K, C, T, *size); paper, Sec. IV-B."""
    if tuple(video.shape[-2:]) == size:
        return video
    flat = video.flatten(0, 2)  # (B*K*C, T, h, w)
    return F.interpolate(flat, size=size, mode="bilinear", align_corners=False).unflatten(0, video.shape[:3])


def as_video(frames: Tensor) -> Tensor:
    """Stored frames (B, K, T, H, W, C) uint8 as grey levels (B, K, C, T, H, W) float, 0..255."""
    return frames.permute(0, 1, 5, 2, 3, 4).float()


def normalise(video: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Grey levels 0..255 (B, K, C, T, H, W) to what the networks were trained on, `(x / 255 - mean) / std`."""
    shape = (1, 1, -1, 1, 1, 1)
    shift = torch.tensor(mean, dtype=video.dtype, device=video.device).view(shape)
    scale = torch.tensor(std, dtype=video.dtype, device=video.device).view(shape)
    return (video / 255 - shift) / scale
