"""Where and when a network looks (the paper's Fig. 3 and 9), from what it made of one recording."""

from typing import Any

import numpy as np

from farview.experiments.charts import COLOURS
from farview.experiments.pictures import Floats, Row, heat, pixels, relative, rgb
from farview.frames.resize import center_crop, hr_frames
from farview.frames.source import Images
from farview.models.recogniser import Recognition

WIDTH = 176
"""Columns of a picture."""


def channel_average(stage: Any) -> Floats:
    """Eq. 1 for a reader: mean over channels of absolute values of a stage's output (1, K, C, T, h, w).

    (K, h, w); the time steps that remain in a 3D network are averaged.
    """
    return stage[0].abs().mean((1, 2)).float().cpu().numpy()


def picture_size(aspect: tuple[int, int], width: int = WIDTH) -> tuple[int, int]:
    """Height and width of the pictures of a sensor's window of `aspect` (height, width)."""
    return max(1, round(width * aspect[0] / aspect[1])), width


def middle(frames: Images) -> Images:
    """The middle frame of each interval: (K, T, H, W, C) -> (K, H, W, C)."""
    return frames[:, frames.shape[1] // 2]


def recorded(recognition: Recognition, aspect: tuple[int, int], width: int = WIDTH) -> Images:
    """The window that the sensor sees of each interval's middle frame, for a reader: (K, H, `width`, 3).

    Enlarged in squares where the recording has no more pixels than a picture has: then they are worth seeing.
    """
    frames, size = middle(recognition.frames), picture_size(aspect, width)
    own = center_crop(frames.shape[1], frames.shape[2], *aspect)[2:]
    if 4 * own[0] <= size[0]:
        return pixels(rgb(hr_frames(frames, own, aspect)), size)
    return rgb(hr_frames(frames, size, aspect))


def seen_pixels(recognition: Recognition) -> Images:
    """What a student's sensor gives of each interval's middle frame, every pixel a square: (K, H, W, 3)."""
    seen = middle(recognition.seen)
    return pixels(rgb(seen), picture_size((seen.shape[1], seen.shape[2])))


def last_maps(recognition: Recognition) -> Floats:
    """Spatial attention of the last stage (K, h, w) over the largest value among all of them, 0..1."""
    return relative(channel_average(recognition.output.stages[-1]))


def attention_row(name: str, label: str, recognition: Recognition, frames: Images, note: str) -> Row:
    """Spatial attention of the last stage over `frames` (K, H, W, 3), and the temporal weights (Fig. 9).

    Blue to red, 0 to the largest value among all K maps: attention that is even everywhere has one colour.
    The paper multiplies frame and map (`spotlight`); colours also show attention beside a dark person.
    `name` is teacher, student or cstat.
    """
    weights = recognition.output.attention[0].float().cpu().numpy()
    return Row(label, heat(frames, last_maps(recognition)), weights, note, COLOURS[name])


def stage_rows(recognition: Recognition, frames: Images) -> list[Row]:
    """Spatial attention after each residual stage, blue (none) to red (most) over `frames` (Fig. 3)."""
    rows = []
    for number, stage in enumerate(recognition.output.stages, 1):
        maps = channel_average(stage)
        height, width = maps.shape[1:]
        rows.append(Row(f"stage {number}, {height}×{width}", heat(frames, relative(maps))))
    return rows


def said(recognition: Recognition, classes: tuple[str, ...], truth: int | None = None) -> str:
    """The most likely class with its probability, and whether it is right where the truth is known."""
    best = int(np.argmax(recognition.probabilities))
    mark = "" if truth is None else " ✓" if best == truth else " ✗"
    return f"{classes[best]} {100 * recognition.probabilities[best]:.0f} %{mark}"
