"""The properties of pooled time series."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from farview.rivals.pooling import pool, windows

PAIRS = [(0, (1, 2)), (1, (3, 4)), (2, (5, 6)), (3, (7, 8)), (6, (13, 14))]
"""A window and its two halves."""


def series_of(seed: int, length: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((length, width)).astype(np.float32)


def by_window(series: np.ndarray) -> np.ndarray:
    """(4 operators, 15 windows, D)."""
    return pool(series).reshape(4, 15, -1)


@given(st.integers(1, 90))
def test_windows_cover_the_clip_and_are_their_own_mirror_image(length: int) -> None:
    found = windows(length)
    assert len(found) == 15 and all(a < b for a, b in found)
    for first in (0, 1, 3, 7):
        level = found[first : 2 * first + 1]
        assert level[0][0] == 0 and level[-1][1] == length
        assert all(a[1] >= b[0] for a, b in pairwise(level))
        assert level == [(length - b, length - a) for a, b in reversed(level)]


@given(st.integers(0, 1000), st.integers(1, 60))
def test_reversed_in_time_rises_and_falls_change_places(seed: int, length: int) -> None:
    series = series_of(seed, length)
    forward, backward = by_window(series), by_window(series[::-1])
    mirror = [0, *(first + count - 1 - i for first, count in ((1, 2), (3, 4), (7, 8)) for i in range(count))]
    np.testing.assert_array_equal(backward[2], forward[3][mirror])
    np.testing.assert_array_equal(backward[3], forward[2][mirror])
    np.testing.assert_array_equal(backward[0], forward[0][mirror])
    np.testing.assert_allclose(backward[1], forward[1][mirror], rtol=1e-5)


def test_a_series_that_only_rises_never_falls_and_a_constant_does_neither() -> None:
    rising = by_window(np.linspace(0, 1, 16)[:, None])
    assert rising[2, 0, 0] == 16 and not rising[3].any()
    constant = by_window(np.full((16, 2), 0.5))
    assert not constant[2:].any()
    np.testing.assert_allclose(constant[1, 0], 8.0)


def test_changes_within_the_dead_zone_do_not_count() -> None:
    wobble = np.array([0.5, 0.504, 0.509, 0.5, 0.505])[:, None]
    assert not by_window(wobble)[2:].any()


@given(st.integers(0, 1000), st.integers(1, 60))
def test_the_maximum_of_a_window_is_that_of_its_halves(seed: int, length: int) -> None:
    found = by_window(series_of(seed, length))[0]
    for whole, halves in PAIRS:
        if (
            windows(length)[halves[0]][0] == windows(length)[whole][0]
            and windows(length)[halves[1]][1] == (windows(length)[whole][1])
        ):
            np.testing.assert_array_equal(found[whole], found[list(halves)].max(0))


@given(st.integers(1, 60))
def test_the_vector_is_as_long_whatever_the_clip_is(length: int) -> None:
    assert pool(series_of(0, length)).shape == (4, 45)
