"""Smoothing and the unsure answer, worked by hand."""

import math

import numpy as np
import pytest

from farview.deploy.watch.answer import Answers
from farview.errors import FarviewError
from farview.training.calibration import Calibration

CLASSES = ("walk", "fall", "background")


def test_unsure_below_the_threshold_and_background_is_no_action() -> None:
    answers = Answers(CLASSES, Calibration(1.0, 0.7), hop=1.0)
    said = [answers.answer(np.array(p)) for p in ([0.71, 0.19, 0.1], [0.1, 0.69, 0.21], [0.1, 0.1, 0.8])]
    assert [answer.label for answer in said] == ["walk", "unsure", "background"]
    assert [answer.action for answer in said] == ["walk", None, None]
    assert [answer.best for answer in said] == ["walk", "fall", "background"]
    assert said[1].score == pytest.approx(0.69) and said[1].scores["background"] == pytest.approx(0.21)


def test_smoothing_forgets_by_e_in_its_time() -> None:
    answers = Answers(("a", "b"), Calibration(), hop=0.5, smooth=0.5)
    first = answers.answer(np.array([1.0, 0.0]))
    second = answers.answer(np.array([0.0, 1.0]))
    assert first.scores["a"] == pytest.approx(1)  # the first one has nothing before it
    assert second.scores["a"] == pytest.approx(1 / math.e)
    assert answers.answer(np.array([0.0, 1.0])).scores["a"] == pytest.approx(1 / math.e**2)
    assert answers.answer(np.array([1.0, 0.0]), fresh=True).scores["a"] == pytest.approx(1)
    with pytest.raises(FarviewError, match="--smooth"):
        Answers(("a", "b"), Calibration(), 1.0, -1)


def test_temperature_comes_first() -> None:
    answers = Answers(("a", "b"), Calibration(2.0, 0.8), hop=1.0)
    answer = answers.answer(np.array([0.9, 0.1]))  # odds 9 become 3
    assert answer.score == pytest.approx(0.75) and answer.label == "unsure"
