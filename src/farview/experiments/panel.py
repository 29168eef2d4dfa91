"""Rows of pictures with their labels and temporal bars as one PNG."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from farview.experiments.pictures import Row, strip, tallest

Font = dict[str, Any]
COLUMN, GAP, MARGIN, HEAD, LABEL, BARS = 1.3, 0.09, 0.3, 0.68, 0.34, 0.42  # inches
WIDEST = 2 * COLUMN
"""Inches of a picture that few columns are enlarged to where the text above them needs more room."""
TITLE: Font = {"fontsize": 14, "weight": "bold"}
FACTS: Font = {"fontsize": 8.5}
NAME: Font = {"fontsize": 9.5, "weight": "bold"}
NOTE: Font = {"fontsize": 9.5}
DPI = 150


def panel(rows: Sequence[Row], title: str, facts: str, columns: Sequence[str]) -> bytes:
    """A PNG: title, a line of facts, a heading for each of the K columns, then the rows from top to bottom.

    As wide as the pictures or the longest line of text.
    """
    from matplotlib.figure import Figure

    names = [long(row.label, NAME) + MARGIN + long(row.note, NOTE) for row in rows]
    longest = max(long(title, TITLE), long(facts, FACTS), *names)
    column = min(max(COLUMN, (longest + GAP) / len(columns) - GAP), WIDEST)
    wide = len(columns) * (column + GAP) - GAP
    full = max(wide, longest) + 2 * MARGIN
    heights = [row_height(row, column) for row in rows]
    total = 2 * MARGIN + HEAD + sum(heights)
    drawn = Figure(figsize=(full, total), dpi=DPI, facecolor="white")
    drawn.text(MARGIN / full, 1 - MARGIN / total, title, va="top", **TITLE)
    drawn.text(MARGIN / full, 1 - (MARGIN + 0.3) / total, facts, va="top", color="#555", **FACTS)
    full_bar = tallest(rows)
    for k, text in enumerate(columns):
        x = MARGIN + k * (column + GAP) + column / 2
        drawn.text(x / full, 1 - (MARGIN + HEAD) / total, text, ha="center", fontsize=7.5, color="#555")
    top = MARGIN + HEAD
    for row, height in zip(rows, heights, strict=True):

        def place(above: float, tall: float, across: float, top: float = top) -> Any:
            return drawn.add_axes(
                (MARGIN / full, 1 - (top + above + tall) / total, across / full, tall / total)
            )

        name = place(0, LABEL, full - 2 * MARGIN)
        name.axis("off")
        name.text(0, 0.22, row.label, transform=name.transAxes, **NAME)
        name.text(1, 0.22, row.note, ha="right", transform=name.transAxes, **NOTE)
        below = LABEL
        if row.pictures is not None:
            tall = picture_height(row, column)
            pictures = place(below, tall, wide)
            pictures.imshow(strip(row.pictures, gap(row, column)), aspect="auto", interpolation="nearest")
            pictures.axis("off")
            below += tall
        if row.weights is not None:
            share = GAP / column  # the bars stand below their pictures
            spans = np.arange(len(columns)) * (1 + share)
            axes = place(below + 0.05, BARS - 0.17, wide)
            weight_bars(axes, row.weights, full_bar, spans, 1.0, row.colour)
            axes.set_xlim(0, spans[-1] + 1)
        top += height
    out = io.BytesIO()
    drawn.savefig(out, format="png")
    return out.getvalue()


def long(text: str, font: Font) -> float:
    """Inches of a line of text, and a little more: as drawn it is up to 2 % longer than its outline."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    properties = FontProperties(size=font["fontsize"], weight=font.get("weight"))
    points, _, _ = TextToPath().get_text_width_height_descent(text, properties, ismath=False)
    return 1.03 * float(points) / 72


def gap(row: Row, column: float) -> int:
    """Columns of pixels between the pictures of a row, which are `column` inches wide."""
    assert row.pictures is not None
    return max(1, round(row.pictures.shape[2] * GAP / column))


def picture_height(row: Row, column: float) -> float:
    """Inches of a row's pictures."""
    assert row.pictures is not None
    _, height, width, _ = row.pictures.shape
    return column * height / width


def row_height(row: Row, column: float) -> float:
    """Inches of a row with all that belongs to it."""
    pictures = 0 if row.pictures is None else picture_height(row, column)
    return LABEL + pictures + (0 if row.weights is None else BARS)


def weight_bars(
    axes: Any, weights: np.ndarray, full_bar: float, lefts: np.ndarray, width: float, colour: str
) -> None:
    """Temporal attention (K,) as bars of `width` in percent, and a dashed line at the even weight 1/K."""
    axes.bar(lefts, weights, width, align="edge", color=colour)
    axes.axhline(1 / len(weights), color="#333", linewidth=0.7, linestyle=(0, (3, 3)))
    for left, weight in zip(lefts, weights, strict=True):
        place = left + width / 2, 0
        axes.annotate(
            f"{100 * weight:.0f} %",
            place,
            (0, -2),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7,
        )
    axes.set_ylim(0, full_bar)
    axes.axis("off")
