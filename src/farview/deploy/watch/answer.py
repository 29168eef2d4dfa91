"""From a decision's probabilities to an answer: calibrated, smoothed, sure or not."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farview.data.spans import BACKGROUND
from farview.errors import FarviewError
from farview.training.calibration import Calibration, tempered

UNSURE = "unsure"


@dataclass(frozen=True)
class Answer:
    """What is said of one source at one moment."""

    best: str
    """The class of the highest score."""
    score: float
    """Its smoothed probability, 0..1."""
    sure: bool
    """Whether that reaches the threshold."""
    scores: dict[str, float]
    """Every class with its smoothed probability, in the model's order."""

    @property
    def label(self) -> str:
        """The class, or `unsure`."""
        return self.best if self.sure else UNSURE

    @property
    def action(self) -> str | None:
        """The class, where it is a sure one and an action."""
        return self.best if self.sure and self.best != BACKGROUND else None


class Answers:
    """The answers of one source, one after the other."""

    def __init__(
        self, classes: tuple[str, ...], calibration: Calibration, hop: float, smooth: float = 0
    ) -> None:
        """`hop` and `smooth` in seconds: after `smooth` of them a decision weighs 1 / e of what it did; 0: none."""
        if not 0 <= smooth < math.inf:
            raise FarviewError(f"--smooth: {smooth} must be at least 0, in seconds")
        self._classes, self._calibration = classes, calibration
        self._kept = math.exp(-hop / smooth) if smooth else 0.0
        self._mean: NDArray[np.float64] | None = None

    def answer(self, probabilities: NDArray[np.floating], fresh: bool = False) -> Answer:
        """What to say after a decision (classes,); `fresh` forgets those before it."""
        scores = tempered(probabilities, self._calibration.temperature)
        if self._mean is not None and not fresh:
            scores = self._kept * self._mean + (1 - self._kept) * scores
        self._mean = scores
        best = int(scores.argmax())
        score = float(scores[best])
        sure = score >= (self._calibration.threshold or 0.0)
        return Answer(
            self._classes[best], score, sure, dict(zip(self._classes, map(float, scores), strict=True))
        )
