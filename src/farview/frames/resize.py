"""The centred window that every resolution shows, and resizing to and from it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.frames.source import Image, Images


def center_crop(height: int, width: int, aspect_h: int, aspect_w: int) -> tuple[int, int, int, int]:
    """(top, left, h, w) of the largest centred window of aspect `aspect_h`:`aspect_w` in a frame, in pixels.

    The window leaves equally much on both sides, so that mirroring the frame mirrors the window; the side
    that is cut is therefore the nearest length of the frame's own parity (256x340 at 3:4 stays whole).
    """
    if width * aspect_h >= height * aspect_w:
        left = _margin(width, height * aspect_w, aspect_h)
        return 0, left, height, width - 2 * left
    top = _margin(height, width * aspect_h, aspect_w)
    return top, 0, height - 2 * top, width


def _margin(size: int, wanted: int, parts: int) -> int:
    """What to cut from either side so that about `wanted / parts` of `size` pixels remain."""
    margin = -(
        (wanted + parts - size * parts) // (2 * parts)
    )  # (size - wanted / parts) / 2, halves rounded down
    return min(max(margin, 0), (size - 1) // 2)


def bilinear_matrix(out: int, size: int) -> NDArray[np.float64]:
    """(out, size) weights of linear interpolation, half-pixel centres, clamped at the edges; rows sum to 1.

    `bilinear_matrix(H, h) @ x @ bilinear_matrix(W, w).T` equals PyTorch's
    `interpolate(x, (H, W), mode="bilinear", align_corners=False)`.
    """
    centre = np.clip((np.arange(out) + 0.5) * size / out - 0.5, 0, size - 1)
    return np.maximum(0.0, 1.0 - np.abs(centre[:, None] - np.arange(size)))


def hr_frames(frames: Images, size: tuple[int, int], aspect: tuple[int, int]) -> Images:
    """The centred window of `aspect` (h, w) of each frame, at `size` (H, W): (N, H, W, C) uint8.

    What is at least twice too large is halved (means of 2x2 pixels) until it is not, or averaged by area where
    odd lengths forbid halving; the rest, up or down, is interpolated linearly. That is many times faster than
    averaging by area from the start.
    """
    top, left, h, w = center_crop(frames.shape[1], frames.shape[2], *aspect)
    window = frames[:, top : top + h, left : left + w]
    out = np.empty((len(frames), *size, frames.shape[3]), np.uint8)
    for source, target in zip(window, out, strict=True):
        _resize(source, target)
    return out


def _resize(image: np.ndarray, out: Image) -> None:
    """Into `out`. OpenCV leaves out a channel axis of 1, where what it is given to write to is the same."""
    height, width, size = *image.shape[:2], out.shape[:2]
    while height >= 2 * size[0] and width >= 2 * size[1] and height % 2 == 0 and width % 2 == 0:
        height, width = height // 2, width // 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if height >= 2 * size[0] or width >= 2 * size[1]:
        height, width = min(height, size[0]), min(width, size[1])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if (height, width) == size:
        out[:] = image.reshape(out.shape)
    else:
        cv2.resize(image, size[::-1], dst=out, interpolation=cv2.INTER_LINEAR)
