"""Interval sampling: every length works, centred means symmetric, random means uniform."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farview.errors import FarviewError
from farview.frames.intervals import Intervals

INTERVALS = st.builds(Intervals, st.integers(1, 12), st.integers(1, 9), st.integers(1, 5))


@pytest.mark.parametrize(
    "intervals", [Intervals(), Intervals(4, 5), Intervals(8, 3, 2), Intervals(4, 8), Intervals(1, 1)]
)
@pytest.mark.parametrize("random", [False, True])
def test_every_length_gives_frames_of_the_recording(intervals: Intervals, random: bool) -> None:
    for length in range(1, 201):
        indices = intervals.indices(length, np.random.default_rng(length) if random else None)
        assert indices.shape == (intervals.count, intervals.frames) and indices.dtype == np.int64
        assert indices.min() >= 0 and indices.max() < length
        assert np.all(np.diff(indices, axis=0) >= 0) and np.all(np.diff(indices, axis=1) >= 0)


@given(INTERVALS, st.integers(1, 300), st.none() | st.integers(0, 1000))
def test_intervals_keep_their_stride_and_clamp_only_where_the_recording_is_short(
    intervals: Intervals, length: int, seed: int | None
) -> None:
    indices = intervals.indices(length, None if seed is None else np.random.default_rng(seed))
    span = (intervals.frames - 1) * intervals.stride
    if length > span:
        assert np.all(np.diff(indices, axis=1) == intervals.stride)
    else:
        whole = np.minimum(np.arange(intervals.frames) * intervals.stride, length - 1)
        assert np.all(indices == whole)


@given(INTERVALS, st.integers(1, 300))
def test_centred_positions_are_symmetric(intervals: Intervals, length: int) -> None:
    starts = intervals.indices(length)[:, 0]
    last = max(length - (intervals.frames - 1) * intervals.stride, 1) - 1
    excess = starts + starts[::-1] - last
    assert set(excess.tolist()) <= {0, 1}


def test_centred_positions_worked_by_hand() -> None:
    assert Intervals(8).indices(8)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert Intervals(3).indices(9)[:, 0].tolist() == [1, 4, 7]
    assert Intervals(4, 5).indices(32).tolist() == [[s + i for i in range(5)] for s in (3, 10, 17, 24)]
    assert Intervals(2, 3, 2).indices(3).tolist() == [[0, 2, 2], [0, 2, 2]]
    assert Intervals(4).indices(2)[:, 0].tolist() == [0, 0, 1, 1]


def test_random_positions_cover_their_segments_uniformly() -> None:
    intervals, length, draws = Intervals(4, 3, 2), 44, 4000  # 40 positions, 10 in each segment
    rng = np.random.default_rng(0)
    starts = np.stack([intervals.indices(length, rng)[:, 0] for _ in range(draws)])
    for segment in range(4):
        counts = np.bincount(starts[:, segment], minlength=40)
        inside = counts[10 * segment : 10 * segment + 10]
        assert inside.sum() == draws
        chi_squared = ((inside - draws / 10) ** 2 / (draws / 10)).sum()
        assert chi_squared < 27.9  # 9 degrees of freedom, p = 0.001


def test_random_positions_are_a_function_of_the_generator() -> None:
    a, b = (Intervals().indices(100, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert np.any(a != Intervals().indices(100, np.random.default_rng(6)))


def test_wrong_values_are_refused() -> None:
    for wrong in ({"count": 0}, {"frames": -1}, {"stride": 0}, {"count": 1.5}):
        (name,) = wrong
        with pytest.raises(FarviewError, match=f"intervals.{name}"):
            Intervals(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 frames"):
        Intervals().indices(0)
