"""Optical flow: how far each pixel moved since the frame before, two channels (right, down) of uint8.

Clipped and quantised as two-stream work does (Simonyan and Zisserman, NeurIPS 2014; Carreira and Zisserman, CVPR
2017), so that flow is stored, loaded and shown like frames.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError
from farview.frames.source import Image, Images

FlowKind = Literal["dis", "tvl1"]
WIDTH = 340
"""The paper's frame width in pixels: what `bound` refers to."""
STILL, STEPS = 128, 127
"""The level of no motion, and the steps from there to `bound` either way: levels are 1 to 255."""
SIDE = 60
"""Frames are enlarged by a whole factor until both sides have so many pixels: dis compares patches of 8."""


@dataclass(frozen=True)
class FlowConfig:
    """Section `input.flow` of a recipe. Validated; raises FarviewError."""

    kind: FlowKind = "dis"
    """tvl1: dual TV-L1 (Zach, Pock and Bischof, DAGM 2007), what two-stream work takes; dis: dense inverse search
    (Kroeger et al., ECCV 2016), about a hundred times as fast."""
    bound: float = 20.0
    """Largest motion that is told apart, in pixels of a frame 340 wide; it scales with the width, so that HR and eLR
    frames of one scene have the same levels."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(FlowKind):
            raise FarviewError(
                f"input.flow.kind is {self.kind!r}; it must be one of {', '.join(get_args(FlowKind))}"
            )
        if not isinstance(self.bound, int | float) or not 0 < self.bound <= WIDTH:
            raise FarviewError(f"input.flow.bound is {self.bound!r}; it must be above 0, at most {WIDTH}")


def flow(before: Image | None, frame: Image, config: FlowConfig) -> Image:
    """Motion from `before` to `frame`, (H, W, 1 or 3) each, as levels (H, W, 2); none where there is no frame before.

    Luma alone counts. Frames smaller than `SIDE` are enlarged for the search and the motion averaged back.
    """
    height, width = frame.shape[:2]
    if before is None:
        return np.full((height, width, 2), STILL, np.uint8)
    first, second = enlarged(np.stack([before, frame]))
    found = searcher(config.kind).calc(first, second, None)  # type: ignore[call-overload]
    factor = first.shape[1] // width  # `found` is in pixels of the enlarged frame
    if factor > 1:
        found = cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA) / factor
    return quantised(found, config.bound * width / WIDTH)


def searcher(kind: FlowKind) -> cv2.DenseOpticalFlow:
    """A fresh one, so that flow depends on its two frames alone."""
    if kind == "tvl1":
        return cv2.optflow.DualTVL1OpticalFlow_create()  # type: ignore[attr-defined]
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def enlarged(frames: Images) -> Images:
    """Grey frames (T, H, W) uint8 of (T, h, w, 1 or 3), both sides at least `SIDE`: bicubic, by one whole factor."""
    _, height, width, channels = frames.shape
    factor = -(-SIDE // min(height, width))
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) if channels == 3 else f[..., 0] for f in frames]
    if factor == 1:
        return np.stack(grey)
    size = (width * factor, height * factor)
    return np.stack([cv2.resize(f, size, interpolation=cv2.INTER_CUBIC) for f in grey])


def quantised(motion: NDArray[np.floating], bound: float) -> Image:
    """Motion in pixels, any shape, as levels 1..255: 128 is none, 1 and 255 are `bound` pixels and more."""
    return np.rint(STILL + STEPS * np.clip(motion / bound, -1, 1)).astype(np.uint8)


def motion(levels: Image, bound: float) -> NDArray[np.float32]:
    """What `quantised` made of motion within `bound`, in pixels; off by at most `bound` / 254."""
    return (levels.astype(np.float32) - STILL) * np.float32(bound / STEPS)
