"""Frames as pictures: enlarging, colouring, joining, encoding. Arrays in, uint8 RGB arrays or file contents out."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError
from farview.frames.flow import STEPS, STILL
from farview.frames.source import Image, Images

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Row:
    """A line of pictures, one for each interval."""

    label: str
    """What it is; exact."""
    pictures: Images | None = None
    """(K, H, W, 3), or None for a line of weights alone."""
    weights: Floats | None = None
    """(K,) temporal attention, drawn as a bar below the pictures."""
    note: str = ""
    """What a network says, for example `wave 93 %`."""
    colour: str = "#1f9d8a"
    """Of the bar."""


def tallest(rows: Sequence[Row]) -> float:
    """The weight that a bar of full height stands for, the same in all rows: at least twice the even weight."""
    weights = [row.weights for row in rows if row.weights is not None]
    return max((max(float(each.max()), 2 / len(each)) for each in weights), default=1.0)


def need_viz() -> None:
    """Raise FarviewError where the extra `viz` (matplotlib with Pillow, scikit-learn) is not installed."""
    try:
        import matplotlib  # noqa: F401
        import PIL  # noqa: F401
        import sklearn  # noqa: F401
    except ImportError as error:
        raise FarviewError(f"pictures need {error.name}; install it by: pip install farview[viz]") from None


def rgb(frames: Images) -> Images:
    """Frames (N, H, W, 1 or 3) as (N, H, W, 3); of flow (C = 2) the colours."""
    if frames.shape[-1] == 2:
        return flow_colours(frames)
    return np.repeat(frames, 3 // frames.shape[-1], axis=-1)


def flow_colours(levels: Images) -> Images:
    """Flow (N, H, W, 2) as colours (N, H, W, 3): hue is direction (right red, down green-yellow, left cyan, up violet),
    brightness the root of the speed, which makes slow motion visible; what stands still is black.
    """
    x, y = np.moveaxis(levels.astype(np.float32) - STILL, -1, 0) / STEPS  # (N, H, W)
    hue = np.degrees(np.arctan2(y, x)) % 360 / 2  # OpenCV's, in half degrees
    value = 255 * np.sqrt(np.minimum(np.hypot(x, y), 1))
    hsv = np.stack([np.rint(hue) % 180, np.full_like(hue, 255), np.rint(value)], -1).astype(np.uint8)
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_HSV2RGB) for frame in hsv])


def pixels(frames: Images, size: tuple[int, int]) -> Images:
    """Frames (N, h, w, C) enlarged to `size` (H, W) so that every pixel shows as a square: nearest neighbour."""
    height, width = size
    rows = np.arange(height) * frames.shape[1] // height
    columns = np.arange(width) * frames.shape[2] // width
    return frames[:, rows][:, :, columns]


def shrink(frames: Images, width: int) -> Images:
    """Frames (N, H, W, C) averaged to at most `width` columns; smaller ones stay as they are."""
    if frames.shape[2] <= width:
        return frames
    size = width, max(1, round(frames.shape[1] * width / frames.shape[2]))
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack(small).reshape(len(frames), size[1], size[0], frames.shape[-1])


def relative(maps: Floats) -> Floats:
    """Maps (N, h, w) >= 0 over the largest value among all of them: 0..1, so that an even map stays even."""
    return maps / max(float(maps.max()), 1e-12)


def smooth(maps: Floats, size: tuple[int, int]) -> Floats:
    """Maps (N, h, w) resized to `size` (H, W) by bilinear interpolation, as in the paper's Fig. 3 and 9."""
    large = [cv2.resize(m.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) for m in maps]
    return np.stack(large)


def spotlight(frames: Images, maps: Floats) -> Images:
    """Frames (N, H, W, C) times maps (N, h, w) in 0..1, resized to the frames (Fig. 9): (N, H, W, 3)."""
    light = smooth(maps, frames.shape[1:3])[..., None].clip(0, 1)
    return np.rint(rgb(frames) * light).astype(np.uint8)


def heat(frames: Images, maps: Floats, opacity: float = 0.5) -> Images:
    """Maps (N, h, w) in 0..1, blue to red, laid over grey frames (N, H, W, C) (Fig. 3): (N, H, W, 3)."""
    levels = np.rint(255 * smooth(maps, frames.shape[1:3]).clip(0, 1)).astype(np.uint8)
    colours = np.stack([cv2.applyColorMap(m, cv2.COLORMAP_TURBO)[..., ::-1] for m in levels])
    grey = rgb(frames).mean(-1, keepdims=True)
    return np.rint((1 - opacity) * grey + opacity * colours).astype(np.uint8)


def grey_picture(maps: Floats) -> Images:
    """Maps (N, H, W) in 0..1 as pictures, black to white, in a thin frame that shows on white paper: (N, H, W, 3)."""
    pictures = rgb(np.rint(255 * maps.clip(0, 1)).astype(np.uint8)[..., None])
    pictures[:, [0, -1]] = pictures[:, :, [0, -1]] = 150
    return pictures


def strip(frames: Images, gap: int = 2) -> NDArray[np.uint8]:
    """Frames (N, H, W, 3) side by side with transparent gaps: (H, W', 4) RGBA."""
    n, height, width, _ = frames.shape
    out = np.zeros((height, n * (width + gap) - gap, 4), np.uint8)
    for i, frame in enumerate(frames):
        left = i * (width + gap)
        out[:, left : left + width, :3] = frame
        out[:, left : left + width, 3] = 255
    return out


def encode(image: Image, kind: str = ".png", quality: int = 80) -> bytes:
    """A file's content: `.png` (exact) or `.webp` (`quality` 1..100, small) of an RGB or RGBA image (H, W, 3 or 4)."""
    order = cv2.COLOR_RGBA2BGRA if image.shape[-1] == 4 else cv2.COLOR_RGB2BGR
    settings = [cv2.IMWRITE_WEBP_QUALITY, quality] if kind == ".webp" else []
    done, content = cv2.imencode(kind, cv2.cvtColor(image, order), settings)
    if not done:
        raise ValueError(f"no encoder for {kind}")
    return content.tobytes()


def animation(frames: Images, seconds: float, lossless: bool = False) -> bytes:
    """Frames (N, H, W, C) as an endless animated WebP in which each stands for `seconds`."""
    from PIL import Image as Pillow

    images = [Pillow.fromarray(frame) for frame in rgb(frames)]
    out = io.BytesIO()
    images[0].save(
        out,
        "WEBP",
        save_all=True,
        append_images=images[1:],
        duration=round(1000 * seconds),
        loop=0,
        lossless=lossless,
        quality=100 if lossless else 60,
    )
    return out.getvalue()


def data_uri(content: bytes, kind: str) -> str:
    """A file's content for the `src` of a page; `kind` is a MIME type such as image/webp."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
