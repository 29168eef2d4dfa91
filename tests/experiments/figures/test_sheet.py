"""The layout of rows of pictures: nothing cut off, nothing over another, whatever the numbers and names."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from farview.experiments.figures.features import COLOURS, MARKERS, picture
from farview.experiments.figures.sheet import HEIGHT, STYLE, WIDTH, Line, Scale, sheet

SCALE = Scale("share of the largest", "plasma")


def texts(drawn: Any) -> Iterator[tuple[str, Bbox]]:
    """Every text that is seen, and where."""
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    renderer = canvas.get_renderer()
    for text in drawn.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            yield text.get_text(), text.get_window_extent(renderer)


def check(drawn: Any) -> None:
    """No text leaves the page, none lies over another, none over a picture."""
    width, height = drawn.get_size_inches() * drawn.dpi
    shown = list(texts(drawn))
    for name, box in shown:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, name
    for (first, one), (second, other) in combinations(shown, 2):
        assert not one.padded(-0.5).overlaps(other.padded(-0.5)), (first, second)
    for axes in drawn.axes:
        if axes.images:
            for name, box in shown:
                assert not axes.get_window_extent().padded(-0.5).overlaps(box.padded(-0.5)), name


def lines(count: int, height: int, width: int, **options: Any) -> list[Line]:
    """An input and a network's maps with all that may stand beside them."""
    weights = np.linspace(0.2, 1, count) / np.linspace(0.2, 1, count).sum()
    return [
        Line("HR", "a class of two\nlong lines", np.zeros((count, height, width, 3), np.uint8)),
        Line(
            "T-Net", "horizontal\narm wave\n100 % ✓", np.ones((count, height, width)), SCALE, weights=weights
        ),
        Line("MLP", "used in training", np.ones((count, height, width)), SCALE, ("100 % kept",) * count),
    ]


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (32, 128)])
def test_nothing_overlaps(count: int, shape: tuple[int, int]) -> None:
    with rc_context(STYLE):
        rows = lines(count, *shape)
        drawn, axes = sheet([rows[:1], rows[1:]], ["horizontal arm wave"] * count)
        check(drawn)
        width, height = drawn.get_size_inches()
        assert width <= WIDTH + 1e-9 and height <= HEIGHT + 0.5
        for row in axes:
            assert len(row) == count
            for each in row:
                box = each.get_window_extent()
                assert box.height / box.width == pytest.approx(shape[0] / shape[1], rel=1e-6)


@pytest.mark.parametrize("count", [12, 16])
def test_many_intervals_and_long_names(count: int) -> None:
    with rc_context(STYLE):
        rows = lines(count, 48, 64)
        drawn, _ = sheet([rows[:1], [rows[1]] * 3], [f"frame {99 + k}" for k in range(count)])
        check(drawn)
    with rc_context(STYLE):
        drawn, _ = sheet([lines(4, 48, 64)], ["v_HandstandPushups_g01_c01"] * 4)
        check(drawn)


def test_a_colour_bar_stands_beside_its_rows() -> None:
    with rc_context(STYLE):
        rows = lines(2, 48, 64)
        drawn, axes = sheet([rows[:1], rows[1:]], ["a", "b"])
        (bar,) = [each for each in drawn.axes if not each.images and each.yaxis.get_label_text()]
        box = bar.get_window_extent()
        assert box.y1 == pytest.approx(axes[1][0].get_window_extent().y1)
        assert box.y0 == pytest.approx(axes[2][0].get_window_extent().y0)
        assert box.x0 > axes[1][-1].get_window_extent().x1


def test_t_sne_of_twelve_classes() -> None:
    assert len(COLOURS) == len(set(COLOURS)) == len(MARKERS) == len(set(MARKERS)) == 12
    rng = np.random.default_rng(0)
    points = {"student": rng.normal(size=(60, 2)), "transfer": 9 * rng.normal(size=(60, 2))}
    labels = np.arange(60) % 12
    names = [f"horizontal arm wave {number}" for number in range(12)]
    with rc_context(STYLE):
        drawn = picture(points, {"student": -0.1, "transfer": 0.2}, labels, names)  # type: ignore[arg-type]
        check(drawn)
        before, after = drawn.axes
        assert before.get_xlim() == after.get_xlim() and before.get_ylim() == after.get_ylim()
        for axes, place in zip((before, after), points.values(), strict=True):
            assert axes.get_xlim()[1] >= np.abs(place[:, 0]).max()
