"""Gradient-based confidence map (paper, Sec. III-C1b)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from farview.transfer.confidence import confidence_of

WIDTH = 340
"""The paper's input width in pixels: what `blur` and `dilation` refer to."""


def gradient_confidence(hr: Tensor, elr: Tensor, same: float, blur: float, dilation: int) -> Tensor:
    """Confidence 0..1 of grey frames (B, K, T, H, W), levels 0..255: gradient, Gaussian blur, dilation, difference.

    `blur` (sigma in pixels) and `dilation` (iterations of 3x3) are meant at 340 pixels of width and scale with it.
    Ours: the gradient is Sobel's magnitude in OpenCV's units, and `same` holds for it too, so that camera noise on
    a flat frame is no loss.
    """
    scale = hr.shape[-1] / WIDTH
    edges = [
        dilate(gaussian_blur(sobel(frames.flatten(0, 2)), blur * scale), round(dilation * scale))
        for frames in (hr, elr)
    ]
    change = (edges[0] - edges[1]).abs()
    return confidence_of(change * (change >= same)).unflatten(0, hr.shape[:3])


def sobel(frames: Tensor) -> Tensor:
    """Magnitude of Sobel's 3x3 derivatives of (N, H, W), borders replicated; a slope of 1 a pixel gives 8."""
    padded = F.pad(frames[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]  # (N, H+2, W+2)
    across, down = padded[:, :, 2:] - padded[:, :, :-2], padded[:, 2:] - padded[:, :-2]
    x = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]
    y = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
    return torch.hypot(x, y)


def gaussian_blur(frames: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (N, H, W) with a kernel cut at 3 sigma, borders replicated; too small a sigma does nothing."""
    radius = round(3 * sigma)
    if radius == 0:
        return frames
    half = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(radius + 1)]
    weights = [weight / (2 * sum(half) - half[0]) for weight in half]
    padded = F.pad(frames[:, None], (radius,) * 4, mode="replicate")[:, 0]
    for axis in (1, 2):
        size = frames.shape[axis]
        total = weights[0] * padded.narrow(axis, radius, size)
        for offset in range(1, radius + 1):  # sums of shifted frames: half the time of a convolution
            total += weights[offset] * padded.narrow(axis, radius - offset, size)
            total += weights[offset] * padded.narrow(axis, radius + offset, size)
        padded = total
    return padded


def dilate(frames: Tensor, iterations: int) -> Tensor:
    """`iterations` dilations of (N, H, W) by a 3x3 square: one maximum over 2 * iterations + 1 pixels a side."""
    side = 2 * iterations + 1
    frames = F.pad(frames, (iterations,) * 4, value=-torch.inf)
    for axis in (1, 2):
        window = 1
        while window < side:  # windows double: a hundred times as fast as max-pooling on a CPU
            step = min(window, side - window)
            size = frames.shape[axis] - step
            frames = torch.maximum(frames.narrow(axis, 0, size), frames.narrow(axis, step, size))
            window += step
    return frames
