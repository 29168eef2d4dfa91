"""Where frames and windows lie on the time grid, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farview.deploy.watch.grid import Grid, plan
from farview.errors import FarviewError
from farview.frames.intervals import Intervals


def image(value: int) -> np.ndarray:
    return np.full((1, 1, 1), value, np.uint8)


def shown(grid: Grid) -> list[int]:
    return [int(grid.image(slot)[0, 0, 0]) for slot in range(grid.end - len(grid), grid.end)]


def test_frames_go_to_the_nearest_slot() -> None:
    grid = Grid(10.0, 20)
    for number, moment in enumerate([0.0, 0.11, 0.12, 0.29, 0.61, 0.58]):
        kept = grid.put(moment, image(number))
        assert kept == (number not in (2, 5))  # 0.12 shares a slot with 0.11, 0.58 is older than 0.61
    assert shown(grid) == [0, 1, 1, 3, 3, 3, 4]
    assert (grid.begin, grid.end) == (0, 7)


def test_only_the_newest_are_kept() -> None:
    grid = Grid(1.0, 3)
    for number in range(5):
        grid.put(number, image(number))
    assert shown(grid) == [2, 3, 4] and (grid.begin, grid.end) == (0, 5)


def test_a_pause_begins_anew() -> None:
    grid = Grid(1.0, 3)
    grid.put(10.0, image(1))
    assert (grid.begin, grid.end, shown(grid)) == (10, 11, [1])
    grid.put(13.0, image(2))  # two empty slots between
    assert shown(grid) == [1, 1, 2]
    grid.put(17.0, image(3))  # three: none of the window would be real
    assert (grid.begin, grid.end, shown(grid)) == (17, 18, [3])


@pytest.mark.parametrize(
    ("hop", "window", "expected"),
    [
        (1.0, None, (10, 10, 42)),  # K hops, and what an interval of 3 frames, 1 apart, reaches further
        (1.0, 4.2, (10, 10, 42)),
        (1.0, 8.0, (10, 20, 82)),  # an interval every second hop
        (1.0, 2.0, (10, 5, 22)),  # a hop is two distances
        (1.0, 1.4, (9, 3, 14)),  # and here three, as ten is no multiple of three
        (0.01, 0.01, (1, 1, 6)),
    ],
)
def test_plans(hop: float, window: float | None, expected: tuple[int, int, int]) -> None:
    made = plan(Intervals(4, 3, 1), 10.0, hop, window)
    assert (made.hop, made.distance, made.length) == expected


@given(
    st.integers(1, 8),
    st.integers(1, 6),
    st.integers(1, 3),
    st.floats(1, 60),
    st.floats(0.05, 10),
    st.floats(0.05, 60),
)
def test_intervals_recur_from_window_to_window(
    count: int, frames: int, stride: int, rate: float, hop: float, window: float
) -> None:
    intervals = Intervals(count, frames, stride)
    made = plan(intervals, rate, hop, window)
    starts = intervals.indices(made.length)[:, 0]
    assert (np.diff(starts) == made.distance).all()
    every = max(made.hop, made.distance) % min(made.hop, made.distance) == 0
    assert every and abs(made.hop - hop * rate) <= max(1.0, hop * rate / 2)


def test_wrong_wishes() -> None:
    for wrong in ({"rate": 0}, {"hop": -1}, {"window": float("nan")}):
        with pytest.raises(FarviewError, match=f"--{next(iter(wrong))}"):
            plan(Intervals(), **{"rate": 25.0, "hop": 1.0, **wrong})
