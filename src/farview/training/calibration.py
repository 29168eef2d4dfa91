"""How far a model's scores can be trusted, from predictions on clips that it did not learn from."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError

PRECISION = 0.9
"""Share of the sure answers that shall be right."""
_COOLEST, _HOTTEST = 0.25, 20.0  # temperatures


@dataclass(frozen=True)
class Calibration:
    """What turns scores into probabilities that are met, and answers into sure and unsure ones."""

    temperature: float = 1.0
    """Scores are `softmax(logits / temperature)`."""
    threshold: float | None = None
    """Least such score of a sure answer; None where no threshold makes the sure ones right often enough."""


def calibrate(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], precision: float = PRECISION
) -> Calibration:
    """Temperature, then threshold, from held-out predictions (N, classes), N >= 1, and their labels (N,)."""
    temperature = best_temperature(probabilities, labels)
    scores = tempered(probabilities, temperature)
    right = scores.argmax(1) == labels
    return Calibration(temperature, threshold(scores.max(1), right, precision))


def tempered(probabilities: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Probabilities (..., classes) at another temperature: `softmax(log p / temperature)`."""
    logits = np.log(np.maximum(probabilities, 1e-12, dtype=np.float64)) / temperature
    scores = np.exp(logits - logits.max(-1, keepdims=True))
    return scores / scores.sum(-1, keepdims=True)


def best_temperature(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature at which the labels' mean log-probability is highest, within 0.25 to 20.

    Temperature scaling (Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017, section 4.2). The bounds
    matter where every prediction is right, when no temperature would be low enough.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scores = tempered(probabilities, math.exp(log_temperature))
        return -float(np.log(np.maximum(scores[rows, labels], 1e-300)).mean())

    found = minimize_scalar(loss, bounds=(math.log(_COOLEST), math.log(_HOTTEST)), method="bounded")
    return math.exp(float(found.x))


def threshold(scores: NDArray[np.float64], right: NDArray[np.bool_], precision: float) -> float | None:
    """The least score from which on at least `precision` (0..1) of the answers (N,) are right; None: there is none."""
    if not 0 < precision <= 1:
        raise FarviewError(f"precision: {precision} must be above 0 and at most 1")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(ranked[1:] < ranked[:-1], True)
    reached = np.flatnonzero(last_of_equals & (share >= precision - 1e-12))
    return float(ranked[reached[-1]]) if len(reached) else None
