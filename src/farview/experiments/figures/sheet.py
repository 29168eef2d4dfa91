"""Rows of pictures for print: labels on the left, headings above, colour bars on the right, vector text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import fill
from typing import Any

import numpy as np

from farview.experiments.panel import weight_bars
from farview.experiments.pictures import Floats, Row, tallest
from farview.frames.source import Images

WIDTH, HEIGHT = 7.16, 9.0
"""Inches: the text of a two-column page, and what leaves room for a caption."""
LARGEST = 1.6
"""Inches of a picture's width, at most."""
GAP, LINE, GROUP, HEAD, LABEL, BAR, NOTE, WEIGHTS, EDGE = 0.05, 0.05, 0.13, 0.16, 0.92, 0.6, 0.14, 0.32, 0.05
STEP, LETTER = 0.115, 0.06
"""Inches from one line of text to the next, and of a letter's width, about."""
SMALL = 6.5
"""Points of all text but names and headings."""
STYLE: dict[Any, Any] = {
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure everywhere
    "font.size": 7,
    "axes.linewidth": 0.5,
    "axes.titlesize": 8,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
}


@dataclass(frozen=True)
class Scale:
    """What the colours of some rows mean: a colour bar."""

    label: str
    colours: str
    """matplotlib's name of a perceptually uniform map."""
    low: float = 0.0
    high: float = 1.0
    under: str | None = None
    """Colour of values below `low`."""
    ticks: tuple[float, ...] = (0, 0.5, 1)

    def mappable(self) -> Any:
        """Matplotlib's pairing of values with colours."""
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        colours = colormaps[self.colours]
        if self.under is not None:
            colours = colours.with_extremes(under=self.under)
        return ScalarMappable(Normalize(self.low, self.high), colours)


@dataclass(frozen=True)
class Line:
    """A row of the figure, one picture for each of its n columns."""

    name: str
    """Bold, on the left."""
    text: str
    """Below it."""
    pictures: Images | Floats
    """(n, H, W, 3) uint8; or maps (n, H, W), coloured by `scale`."""
    scale: Scale | None = None
    """Lines after one another with the same scale share its colour bar."""
    notes: tuple[str, ...] = ()
    """Below each picture."""
    weights: Floats | None = None
    """(n,) temporal attention, as bars below the pictures."""
    colour: str = "black"
    """Of the bars."""

    @property
    def ratio(self) -> float:
        """Height over width of a picture."""
        return self.pictures.shape[1] / self.pictures.shape[2]

    @property
    def label(self) -> float:
        """Inches that name and text take, from top to bottom."""
        return STEP * (1 + len(self.text.splitlines()))

    @property
    def below(self) -> float:
        """Inches of what stands below the pictures."""
        return (NOTE if self.notes else 0) + (0 if self.weights is None else WEIGHTS)


def sheet(groups: Sequence[Sequence[Line]], heads: Sequence[str]) -> tuple[Any, list[list[Any]]]:
    """A figure of `groups` of lines with a heading for each column, and the axes of each line's pictures.

    The units of these axes are the picture's pixels. The figure is as wide as a page's text, or narrower where it
    would be too high for the page.
    """
    from matplotlib.figure import Figure

    lines = [line for group in groups for line in group]
    columns, ratios = len(heads), sum(line.ratio for line in lines)
    bar = BAR if any(line.scale for line in lines) else 0.0
    fixed = HEAD + (len(lines) - len(groups)) * LINE + (len(groups) - 1) * GROUP + 2 * EDGE
    fixed += sum(line.below for line in lines)
    cell = (WIDTH - LABEL - bar - (columns - 1) * GAP - 2 * EDGE) / columns
    cell = min(cell, LARGEST, (HEIGHT - fixed) / ratios)
    heads = [fill(head, max(1, round(cell / LETTER))) for head in heads]
    more = STEP * max(head.count("\n") for head in heads)
    inner = columns * cell + (columns - 1) * GAP
    width = EDGE + LABEL + inner + bar + EDGE
    height = fixed + more + sum(max(cell * line.ratio, line.label) for line in lines)
    drawn = Figure(figsize=(width, height), facecolor="white")

    def place(left: float, top: float, wide: float, tall: float) -> Any:
        return drawn.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))

    left, top, full = (
        EDGE + LABEL,
        EDGE + HEAD + more,
        tallest([Row("", weights=line.weights) for line in lines]),
    )
    lefts = np.arange(columns) * (cell + GAP)
    spans: list[tuple[Line, float, float]] = []
    axes: list[list[Any]] = []
    for number, group in enumerate(groups):
        top += GROUP if number else 0
        for i, line in enumerate(group):
            top += LINE if i else 0
            tall, slot = cell * line.ratio, max(cell * line.ratio, line.label)
            axes.append([place(left + x, top + (slot - tall) / 2, cell, tall) for x in lefts])
            show(axes[-1], line)
            label(drawn, line, (left - 0.07) / width, 1 - (top + slot / 2) / height, height)
            spans.append((line, top, top + slot))
            top += slot
            if line.weights is not None:
                below = place(left, top + 0.03, inner, WEIGHTS - 0.15)
                weight_bars(below, line.weights, full, lefts, cell, line.colour)
                below.set_xlim(0, inner)
            top += line.below
    for picture, head in zip(axes[0], heads, strict=True):
        picture.set_title(head, size=STYLE["font.size"], pad=3.5)
    for scale, same in groupby(spans, key=lambda span: span[0].scale):
        if scale is not None:
            where = list(same)
            first, last = where[0][1], where[-1][2]
            beside = place(left + inner + 0.08, first, 0.07, last - first)
            colour_bar(drawn, scale, beside, int((last - first) / LETTER))
    return drawn, axes


def show(row: Sequence[Any], line: Line) -> None:
    """The pictures of a line, each in its own axes."""
    pictures = line.pictures
    if pictures.ndim == 3:
        assert line.scale is not None
        scale = line.scale.mappable()
        pictures = scale.cmap(scale.norm(pictures))[..., :3]
    for k, (axes, picture) in enumerate(zip(row, pictures, strict=True)):
        axes.imshow(picture, aspect="auto", interpolation="antialiased")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(linewidth=0.3, edgecolor="0.4")
        if line.notes:
            axes.set_xlabel(line.notes[k], size=SMALL, labelpad=2)


def label(drawn: Any, line: Line, x: float, y: float, height: float) -> None:
    """Name and text of a line, right-aligned at `x`, their middle at `y`; `height` of the figure, inches."""
    rows = [(line.name, "bold"), *((text, "normal") for text in line.text.splitlines())]
    for i, (text, weight) in enumerate(rows):
        at = y + ((len(rows) - 1) / 2 - i) * STEP / height
        size = STYLE["font.size"] if weight == "bold" else SMALL
        drawn.text(x, at, text, ha="right", va="center", weight=weight, size=size)


def colour_bar(drawn: Any, scale: Scale, axes: Any, letters: int) -> None:
    """The colours of a scale with what they mean, in lines of so many letters."""
    extend = "neither" if scale.under is None else "min"
    bar = drawn.colorbar(scale.mappable(), cax=axes, extend=extend, extendfrac=0.06, ticks=scale.ticks)
    bar.ax.tick_params(labelsize=SMALL, pad=1.5)
    bar.set_label(fill(scale.label, letters), size=SMALL, labelpad=2)
    bar.outline.set_linewidth(0.3)
