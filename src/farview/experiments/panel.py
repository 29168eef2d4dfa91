"""Rows of pictures with their labels and temporal bars as one PNG."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from farview.experiments.pictures import Row, strip, tallest

COLUMN, GAP, MARGIN, HEAD, LABEL, BARS = 1.3, 0.09, 0.3, 0.68, 0.34, 0.42  # inches
DPI = 150


def panel(rows: Sequence[Row], title: str, facts: str, columns: Sequence[str]) -> bytes:
    """A PNG: title, a line of facts, a heading for each of the K columns, then the rows from top to bottom."""
    from matplotlib.figure import Figure

    full = len(columns) * (COLUMN + GAP) - GAP + 2 * MARGIN
    heights = [row_height(row) for row in rows]
    total = 2 * MARGIN + HEAD + sum(heights)
    drawn = Figure(figsize=(full, total), dpi=DPI, facecolor="white")
    drawn.text(MARGIN / full, 1 - MARGIN / total, title, va="top", fontsize=14, weight="bold")
    drawn.text(MARGIN / full, 1 - (MARGIN + 0.3) / total, facts, va="top", fontsize=8.5, color="#555")
    full_bar = tallest(rows)
    for k, text in enumerate(columns):
        x = MARGIN + (k + 0.5) * (COLUMN + GAP) - GAP / 2
        drawn.text(x / full, 1 - (MARGIN + HEAD) / total, text, ha="center", fontsize=7.5, color="#555")
    top = MARGIN + HEAD
    for row, height in zip(rows, heights, strict=True):

        def place(above: float, tall: float, top: float = top) -> Any:
            left = MARGIN / full
            return drawn.add_axes((left, 1 - (top + above + tall) / total, 1 - 2 * left, tall / total))

        name = place(0, LABEL)
        name.axis("off")
        name.text(0, 0.22, row.label, fontsize=9.5, weight="bold", transform=name.transAxes)
        name.text(1, 0.22, row.note, fontsize=9.5, ha="right", transform=name.transAxes)
        below = LABEL
        if row.pictures is not None:
            tall = picture_height(row)
            pictures = place(below, tall)
            pictures.imshow(strip(row.pictures, gap(row)), aspect="auto", interpolation="nearest")
            pictures.axis("off")
            below += tall
        if row.weights is not None:
            share = GAP / COLUMN  # the bars stand below their pictures
            spans = np.arange(len(columns)) * (1 + share)
            axes = place(below + 0.05, BARS - 0.17)
            weight_bars(axes, row.weights, full_bar, spans, 1.0, row.colour)
            axes.set_xlim(0, spans[-1] + 1)
        top += height
    out = io.BytesIO()
    drawn.savefig(out, format="png")
    return out.getvalue()


def gap(row: Row) -> int:
    """Columns of pixels between the pictures of a row."""
    assert row.pictures is not None
    return max(1, round(row.pictures.shape[2] * GAP / COLUMN))


def picture_height(row: Row) -> float:
    """Inches of a row's pictures."""
    assert row.pictures is not None
    _, height, width, _ = row.pictures.shape
    return COLUMN * height / width


def row_height(row: Row) -> float:
    """Inches of a row with all that belongs to it."""
    return LABEL + (0 if row.pictures is None else picture_height(row)) + (0 if row.weights is None else BARS)


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
