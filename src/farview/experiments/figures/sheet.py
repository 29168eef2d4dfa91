"""Rows of pictures for print: labels on the left, headings above, colour bars on the right, vector text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
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
    names: tuple[str, ...] | None = None
    """Of the ticks, where their values do not say enough."""

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
    def beside(self) -> float:
        """Inches of what stands below the pictures."""
        return (NOTE if self.notes else 0) + (0 if self.weights is None else WEIGHTS)


def sheet(groups: Sequence[Sequence[Line]], heads: Sequence[str]) -> tuple[Any, list[Any]]:
    """A figure of `groups` of lines with a heading for each column, and the axes of each line's pictures.

    In these axes picture k covers x from `left_of(k)` to 1 more, and y from 0 to 1, downwards. The figure is
    as wide as a page's text, or narrower where it would be too high for the page.
    """
    lines = [line for group in groups for line in group]
    columns = len(heads)
    gaps = (len(lines) - len(groups)) * LINE + (len(groups) - 1) * GROUP
    fixed = HEAD + gaps + sum(line.beside for line in lines) + 2 * EDGE
    bar = BAR if any(line.scale for line in lines) else 0.0
    cell = (WIDTH - LABEL - bar - (columns - 1) * GAP - 2 * EDGE) / columns
    cell = min(cell, LARGEST, (HEIGHT - fixed) / sum(line.ratio for line in lines))
    inner = columns * cell + (columns - 1) * GAP
    width = EDGE + LABEL + inner + bar + EDGE
    height = fixed + cell * sum(line.ratio for line in lines)
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), facecolor="white")

    def place(left: float, top: float, wide: float, tall: float) -> Any:
        return drawn.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))

    left, top, full = EDGE + LABEL, EDGE + HEAD, tallest([Row("", weights=line.weights) for line in lines])
    share = GAP / cell
    spans: list[tuple[Line, float, float]] = []
    axes: list[Any] = []
    for k, head in enumerate(heads):
        x = left + k * (cell + GAP) + cell / 2
        drawn.text(x / width, 1 - (top - 0.05) / height, head, ha="center", va="bottom")
    for number, group in enumerate(groups):
        top += GROUP if number else 0
        for i, line in enumerate(group):
            top += LINE if i else 0
            tall = cell * line.ratio
            axes.append(place(left, top, inner, tall))
            show(axes[-1], line, share)
            label(drawn, line, (left - 0.07) / width, 1 - (top + tall / 2) / height, height)
            for k, note in enumerate(line.notes):
                x = left + k * (cell + GAP) + cell / 2
                drawn.text(
                    x / width, 1 - (top + tall + 0.025) / height, note, ha="center", va="top", size=6.5
                )
            spans.append((line, top, top + tall))
            top += tall
            if line.weights is not None:
                below = place(left, top + 0.03, inner, WEIGHTS - 0.15)
                weight_bars(below, line.weights, full, np.arange(columns) * (1 + share), 1.0, line.colour)
                below.set_xlim(0, columns * (1 + share) - share)
            top += line.beside
    for scale, same in groupby(spans, key=lambda span: span[0].scale):
        if scale is not None:
            where = list(same)
            first, last = where[0][1], where[-1][2]
            colour_bar(drawn, scale, place(left + inner + 0.08, first, 0.07, last - first))
    return drawn, axes


def left_of(axes: Any, column: int, columns: int) -> float:
    """Where a picture begins in the axes of its line."""
    right = axes.get_xlim()[1]
    return column * (1 + (right - columns) / max(1, columns - 1))


def show(axes: Any, line: Line, share: float) -> None:
    """The pictures of a line, `share` of a picture's width apart."""
    from matplotlib.patches import Rectangle

    pictures = line.pictures
    if pictures.ndim == 3:
        assert line.scale is not None
        scale = line.scale.mappable()
        pictures = scale.cmap(scale.norm(pictures))[..., :3]
    for k, picture in enumerate(pictures):
        left = k * (1 + share)
        axes.imshow(picture, extent=(left, left + 1, 1, 0), aspect="auto", interpolation="antialiased")
        axes.add_patch(Rectangle((left, 0), 1, 1, fill=False, linewidth=0.3, edgecolor="0.4", clip_on=False))
    axes.set_xlim(0, len(pictures) * (1 + share) - share)
    axes.set_ylim(1, 0)
    axes.axis("off")


def label(drawn: Any, line: Line, x: float, y: float, height: float) -> None:
    """Name and text of a line, right-aligned at `x`, their middle at `y`; `height` of the figure, inches."""
    step = 0.115 / height
    rows = [(line.name, "bold"), *((text, "normal") for text in line.text.splitlines())]
    for i, (text, weight) in enumerate(rows):
        at = y + ((len(rows) - 1) / 2 - i) * step
        drawn.text(x, at, text, ha="right", va="center", weight=weight, size=7 if weight == "bold" else 6.5)


def colour_bar(drawn: Any, scale: Scale, axes: Any) -> None:
    """The colours of a scale with what they mean."""
    extend = "neither" if scale.under is None else "min"
    bar = drawn.colorbar(scale.mappable(), cax=axes, extend=extend, extendfrac=0.06, ticks=scale.ticks)
    if scale.names is not None:
        bar.set_ticklabels(scale.names)
    bar.ax.tick_params(labelsize=6.5, pad=1.5)
    bar.set_label(scale.label, size=6.5, labelpad=2)
    bar.outline.set_linewidth(0.3)
