"""What several figures share: the input's rows, attention over frames, what a network says of a clip."""

from dataclasses import dataclass
from textwrap import fill
from typing import Any

import cv2
import numpy as np

from farview.experiments.attention_pictures import middle, recorded, said
from farview.experiments.charts import LABELS
from farview.experiments.figures.sheet import Line, Scale
from farview.experiments.figures.subject import Example, Subject
from farview.experiments.pictures import Floats, rgb, smooth
from farview.frames.source import Images
from farview.training.phases import NAMES
from farview.training.recipe import Phase

COLUMNS = 480
"""Pixels of a frame's width, at most what 300 dots per inch show of the widest picture."""
LETTERS = 16
"""In a line of a row's label, at most."""
SHAPES = 60.0
"""Levels by which the strongest shapes of a frame show through the colours."""
ATTENTION = Scale("attention, share of the row's largest", "plasma", ticks=(0, 0.25, 0.5, 0.75, 1))


@dataclass(frozen=True)
class Made:
    """A figure."""

    drawn: Any
    """Matplotlib's."""
    caption: str
    facts: dict[str, Any]
    """What it shows, for `figures.json`."""


def title(phase: Phase) -> str:
    """What a phase's network is called."""
    return LABELS[NAMES[phase]]


def inputs(subject: Subject, example: Example, phases: tuple[Phase, ...]) -> tuple[Images, list[Line]]:
    """Recorded frames (K, H, W, 3), and the rows of what networks see of a clip: HR, and eLR where a student looks.

    A recording that is eLR already has no HR row.
    """
    made = {phase: subject.recognise(phase, example) for phase in phases}
    first = made[phases[0]]
    frames = recorded(first, subject.aspect, COLUMNS)
    name, lines = fill(example.title, LETTERS), []
    if not subject.is_elr(first):
        lines.append(Line("HR", name, frames))
        name = ""
    for phase in [phase for phase in phases if phase != "teacher"][:1]:
        seen = rgb(middle(made[phase].seen))
        lines.append(Line("eLR", f"{name}\n{seen.shape[1]}×{seen.shape[2]} pixels".strip(), seen))
    return frames, lines


def overlay(frames: Images, maps: Floats) -> Images:
    """Maps (K, h, w) in 0..1 in the colours of `ATTENTION`, with the shapes of frames (K, H, W, 3): (K, H, W, 3).

    Of the frames only what differs from its surroundings is laid over, as a little lighter or darker: even areas
    have the very colours of the colour bar, whether the scene is bright or dark.
    """
    height, width = frames.shape[1:3]
    grey = frames.mean(-1, dtype=np.float32)
    around = np.stack([cv2.GaussianBlur(each, (0, 0), width / 12) for each in grey])
    shapes = (grey - around) / max(float(np.percentile(np.abs(grey - around), 99)), 1.0)
    scale = ATTENTION.mappable()
    colours = 255 * scale.cmap(scale.norm(smooth(maps, (height, width))))[..., :3]
    return np.rint((colours + SHAPES * shapes[..., None]).clip(0, 255)).astype(np.uint8)


def verdict(subject: Subject, phase: Phase, example: Example) -> dict[str, Any]:
    """What a network says of a clip, and whether that is right (None where the class is not known)."""
    probabilities = subject.recognise(phase, example).probabilities
    best = int(np.argmax(probabilities))
    return {
        "says": subject.contract.classes[best],
        "probability": round(float(probabilities[best]), 6),
        "right": None if example.label is None else best == example.label,
    }


def answer(subject: Subject, phase: Phase, example: Example) -> str:
    """The same for the label of a row: the class, below it how sure and whether it is right."""
    classes = subject.contract.classes
    text = said(subject.recognise(phase, example), classes, example.label)
    name = verdict(subject, phase, example)["says"]
    return f"{fill(name, LETTERS)}\n{text.removeprefix(name).strip()}"


def frame_numbers(subject: Subject, phase: Phase, example: Example) -> list[int]:
    """The middle frame of each interval, counted from 1."""
    indices = subject.recognise(phase, example).indices
    return [int(number) + 1 for number in indices[:, indices.shape[1] // 2]]


def identity(example: Example, subject: Subject) -> dict[str, Any]:
    """Which clip it is."""
    known = None if example.label is None else subject.contract.classes[example.label]
    return {"clip": example.name, "class": known}
