"""Intervals against a plain loop, a second implementation and hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farview.experiments.results import paired_difference
from farview.experiments.tables import statistics
from farview.experiments.tables.statistics import (
    Outcomes,
    difference,
    draws,
    gap_share,
    mean_and_spread,
    prec1,
)


def outcome(hits: list[list[int]], units: list[int] | None = None) -> Outcomes:
    array = np.array(hits, dtype=np.float64)
    return Outcomes(array, np.array(units if units is not None else range(array.shape[1])))


def test_means_by_hand() -> None:
    first, second = outcome([[1, 0, 1, 1], [1, 0, 0, 0]]), outcome([[1, 1], [0, 0]])
    assert prec1([first]) == 50
    assert prec1([first, second]) == 50
    assert prec1([first, outcome([[1, 1], [1, 1]])]) == 75  # splits count alike, whatever their size
    assert mean_and_spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_and_spread([7.0]) == (7.0, None)


def test_one_seed_agrees_with_the_bootstrap_over_clips_of_the_report() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.random((2, 150)) < np.array([[0.6], [0.75]])
    found = difference([outcome([list(first)])], [outcome([list(second)])])
    points, (low, high) = paired_difference(first, second)
    assert found.points == pytest.approx(points)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.8), pytest.approx(high, abs=0.8))


def test_draws_against_a_plain_loop_over_groups_and_seeds() -> None:
    generator = np.random.default_rng(1)
    units = np.repeat(np.arange(6), [3, 5, 2, 8, 1, 4])
    hits = (generator.random((3, len(units))) < np.linspace(0.2, 0.9, len(units))).astype(float)
    plain = []
    for _ in range(4000):
        seeds, groups = generator.integers(0, 3, 3), generator.integers(0, 6, 6)
        places = np.concatenate([np.flatnonzero(units == g) for g in groups])
        plain.append(100 * hits[np.ix_(seeds, places)].mean())
    found = draws([Outcomes(hits, units)])
    assert found.mean() == pytest.approx(np.mean(plain), abs=1.0)
    assert found.std() == pytest.approx(np.std(plain), rel=0.08)
    assert np.percentile(found, [2.5, 97.5]) == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=2.5)


def test_a_clip_of_several_splits_is_one_clip() -> None:
    """The same split named three times tells no more than once."""
    generator = np.random.default_rng(6)
    first, second = (outcome(generator.integers(0, 2, (2, 30)).tolist()) for _ in range(2))
    once, thrice = difference([first], [second]), difference([first] * 3, [second] * 3)
    assert (thrice.low, thrice.high) == (pytest.approx(once.low), pytest.approx(once.high))


def test_splits_of_one_group_each_are_drawn_themselves() -> None:
    """Leave one group out, against a plain loop."""
    generator = np.random.default_rng(7)
    sizes, shares = [30, 12, 25, 40, 18], [0.2, 0.5, 0.6, 0.8, 0.9]
    splits = [
        outcome([list((generator.random(size) < share).astype(int))], [number] * size)
        for number, (size, share) in enumerate(zip(sizes, shares, strict=True))
    ]
    means = np.array([100 * split.hits.mean() for split in splits])
    plain = [means[generator.integers(0, 5, 5)].mean() for _ in range(4000)]
    found = draws(splits)
    assert found.std() == pytest.approx(np.std(plain), rel=0.06)
    assert np.percentile(found, [2.5, 97.5]) == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=2.5)


def test_disjoint_splits_against_a_plain_loop_over_all_clips() -> None:
    generator = np.random.default_rng(8)
    hits = [(generator.random((1, size)) < share).astype(float) for size, share in ((40, 0.4), (60, 0.8))]
    splits = [Outcomes(hits[0], np.arange(40)), Outcomes(hits[1], np.arange(40, 100))]
    plain = []
    for _ in range(4000):
        often = np.bincount(generator.integers(0, 100, 100), minlength=100)
        right = (often[:40] @ hits[0][0]) / 40 + (often[40:] @ hits[1][0]) / 60
        plain.append(100 * right / (often[:40].sum() / 40 + often[40:].sum() / 60))
    assert draws(splits).std() == pytest.approx(np.std(plain), rel=0.06)


def test_groups_widen_an_interval_whose_clips_go_together() -> None:
    hits = [[1] * 10 + [0] * 10 + [1] * 10 + [0] * 10]
    groups = list(np.repeat(range(4), 10))
    base = outcome([[0] * 40]), outcome([[0] * 40], groups)
    by_clip = difference([base[0]], [outcome(hits)])
    by_group = difference([base[1]], [outcome(hits, groups)])
    assert by_group.high - by_group.low > 2 * (by_clip.high - by_clip.low)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_a_row_does_not_differ_from_itself_and_the_sign_turns(seeds: int, clips: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = (outcome(generator.integers(0, 2, (seeds, clips)).tolist()) for _ in range(2))
    same = difference([first], [first])
    assert (same.points, same.low, same.high) == (0, 0, 0)
    there, back = difference([first], [second]), difference([second], [first])
    assert there.points == pytest.approx(-back.points)
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))


def test_the_share_of_a_gap_by_hand_and_its_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "DRAWS", 500)
    student, teacher = [outcome([[1] * 40 + [0] * 60])], [outcome([[1] * 80 + [0] * 20])]
    row = [outcome([[1] * 50 + [0] * 50])]
    share = gap_share(teacher, student, row)
    assert share is not None and share[0] == pytest.approx(25) and share[1] < 25 < share[2]
    assert gap_share(student, teacher, row) is None  # the teacher is worse
    near = [outcome([[1] * 42 + [0] * 58])]
    noisy = [outcome([[0] * 58 + [1] * 42])]
    assert gap_share(noisy, student, near) is None  # 2 points, many clips swapped: not above twice the error
