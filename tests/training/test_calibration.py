"""Temperature and threshold of held-out predictions, worked by hand."""

import numpy as np
import pytest

from farview.errors import FarviewError
from farview.training.calibration import (
    best_temperature,
    calibrate,
    tempered,
    threshold,
)


def test_temperature_divides_the_logits() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8]])  # odds 9 and 1/4; at temperature 2 their roots
    np.testing.assert_allclose(tempered(p, 2.0), [[0.75, 0.25], [1 / 3, 2 / 3]])
    np.testing.assert_allclose(tempered(p, 1.0), p)


def test_the_best_temperature_meets_the_share_that_is_right() -> None:
    """Ten answers of odds 99, of which eight are right: the likelihood is highest where the score is 0.8, odds 4."""
    p = np.tile([0.99, 0.01], (10, 1))
    labels = np.array([0] * 8 + [1] * 2)
    assert best_temperature(p, labels) == pytest.approx(np.log(99) / np.log(4), rel=1e-3)
    assert best_temperature(p[:8], labels[:8]) == pytest.approx(
        0.25, rel=1e-2
    )  # all right: as cool as it may be


def test_the_threshold_is_the_least_score_with_enough_right_above() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, False, True, False])
    assert threshold(scores, right, 1.0) == 0.8
    assert threshold(scores, right, 0.75) == 0.6  # three of four
    assert threshold(scores, right, 0.6) == 0.5
    assert threshold(scores, ~right, 0.9) is None
    assert threshold(scores[::-1], right[::-1], 0.75) == 0.6
    equal = np.array([0.9, 0.9, 0.5])  # one right, one wrong of the same score cannot be told apart
    assert threshold(equal, np.array([True, False, False]), 0.9) is None
    with pytest.raises(FarviewError, match="precision"):
        threshold(scores, right, 0.0)


def test_the_threshold_is_on_calibrated_scores() -> None:
    p = np.array([[0.99, 0.01]] * 8 + [[0.6, 0.4]] * 2)
    labels = np.array([0] * 8 + [1] * 2)
    made = calibrate(p, labels, 0.9)
    assert made.threshold == pytest.approx(tempered(p[0], made.temperature)[0])
