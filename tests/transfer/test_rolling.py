"""Eq. 5."""

from fractions import Fraction

import pytest

from farview.transfer.rolling import rolling_weights, stage_of


def test_sat_by_hand():
    expected = [(4, 3, 2, 1), (3, 4, 3, 2), (2, 3, 4, 3), (1, 2, 3, 4)]
    for stage, row in enumerate(expected, 1):
        assert rolling_weights(4, stage) == pytest.approx([value / sum(row) for value in row])


def test_tat_by_hand():
    assert rolling_weights(2, 1) == pytest.approx((2 / 3, 1 / 3))
    assert rolling_weights(2, 2) == pytest.approx((1 / 3, 2 / 3))


def test_as_printed_the_weights_of_a_stage_would_not_sum_to_1():
    """Eq. 5 divides by the sum over stages j; undo our division by the sum over blocks, then do the paper's."""
    n = 4
    ours = [[Fraction(w).limit_denominator(100) for w in rolling_weights(n, j)] for j in range(1, n + 1)]
    assert all(sum(row) == 1 for row in ours)
    raw = [[w * sum(n - abs(b - j) for b in range(n)) for w in row] for j, row in enumerate(ours)]
    over_stages = [sum(raw[j][i] for j in range(n)) for i in range(n)]
    printed = [float(sum(raw[j][i] / over_stages[i] for i in range(n))) for j in range(n)]
    assert printed == pytest.approx([0.917, 1.083, 1.083, 0.917], abs=5e-4)


def test_stages_split_the_epochs_evenly():
    for epochs in (4, 8, 40, 52):
        stages = [stage_of(epoch / epochs, 4) for epoch in range(epochs)]
        assert stages == sorted(stages)
        assert [stages.count(stage) for stage in (1, 2, 3, 4)] == [epochs // 4] * 4
    fifty = [stage_of(epoch / 50, 4) for epoch in range(50)]
    assert {fifty.count(stage) for stage in (1, 2, 3, 4)} == {12, 13}
    assert [stage_of(epoch / 50, 2) for epoch in (0, 24, 25, 49)] == [1, 1, 2, 2]
    assert stage_of(1.0, 4) == 4


def test_a_stage_that_does_not_exist_is_refused():
    for stage in (0, 5):
        with pytest.raises(ValueError, match=r"1\.\.4"):
            rolling_weights(4, stage)
