"""eLR video made of HR video while training: what the sensor would have seen of a scene that was varied before it."""

from functools import lru_cache

import torch
from torch import Tensor

from farview.frames.sensor import SensorModel


def sense(video: Tensor, sensor: SensorModel, noise: Tensor) -> Tensor:
    """HR grey levels 0..255 (B, K, C, T, H, W) of the sensor's window to whole eLR ones (B, K, C, T, h, w), 0..255.

    `noise` (B, K, C, T, h, w) in grey levels is the sensor's. The same as `SensorModel.degrade` of such frames but for
    the rounding of float32.
    """
    rows, columns = (matrix.to(video) for matrix in _matrices(sensor, *video.shape[-2:]))
    with torch.autocast(video.device.type, enabled=False):  # 16 bits do not hold a grey level of the noise
        return (rows @ video @ columns.mT + noise).round().clamp(0, 255)


@lru_cache(maxsize=16)
def _matrices(sensor: SensorModel, height: int, width: int) -> tuple[Tensor, Tensor]:
    rows, columns = sensor.window_matrices(height, width)
    return torch.from_numpy(rows), torch.from_numpy(columns)
