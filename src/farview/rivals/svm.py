"""Support vector machines on a chi-square kernel of several channels, one class against the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farview.errors import FarviewError

Matrix = NDArray[np.float64]
Vectors = NDArray[np.float32]  # (N, D), at least 0
GRID = (0.1, 1.0, 10.0, 100.0)
"""Values of C among which cross-validation chooses."""
FOLDS = 5


@dataclass(frozen=True)
class Svm:
    """Margins `kernel @ coefficients.T + intercept` and the temperature that makes logits of them."""

    coefficients: Matrix
    """(classes, N) of the N training vectors, 0 where one is no support vector."""
    intercept: Matrix
    """(classes,)"""
    c: float
    temperature: float = 1.0

    def logits(self, kernel: Matrix) -> Matrix:
        """(M, N) kernel of M vectors with the training vectors to (M, classes)."""
        return (kernel @ self.coefficients.T + self.intercept) / self.temperature


def distances(first: Vectors, second: Vectors, sizes: Sequence[int]) -> Iterator[Vectors]:
    """Chi-square distances, sum of (a - b)^2 / (a + b), of one channel after the other: (N, M) each.

    `sizes` are the lengths of the channels that follow each other in the vectors.
    """
    chi2 = _sklearn("metrics.pairwise").additive_chi2_kernel
    ends = np.cumsum(sizes)
    for size, end in zip(sizes, ends, strict=True):
        yield -chi2(first[:, end - size : end], second[:, end - size : end])


def training_kernel(vectors: Vectors, sizes: Sequence[int]) -> tuple[Matrix, Matrix]:
    """The (N, N) kernel of the training vectors and its scales (channels,): each channel's mean distance.

    The scale of a channel in which all vectors are equal is 1.
    """
    total, scales = np.zeros((len(vectors), len(vectors))), np.ones(len(sizes))
    for i, distance in enumerate(distances(vectors, vectors, sizes)):
        scales[i] = float(distance.mean(dtype=np.float64)) or 1.0
        total += distance / scales[i]
    return np.exp(-total / len(sizes)), scales


def chi_square_kernel(first: Vectors, second: Vectors, sizes: Sequence[int], scales: Matrix) -> Matrix:
    """exp(-mean over channels of distance / scale), (N, M): 1 where two vectors are equal."""
    total = np.zeros((len(first), len(second)))
    for distance, scale in zip(distances(first, second, sizes), scales, strict=True):
        total += distance / scale
    return np.exp(-total / len(sizes))


def fit(kernel: Matrix, labels: NDArray[np.int64], classes: int, c: float) -> Svm:
    """One machine a class on the (N, N) training kernel.

    A class without training vectors has the margin -1 everywhere, one without others the margin 1: what the machine
    tends to.
    """
    svc = _sklearn("svm").SVC
    coefficients, intercept = np.zeros((classes, len(labels))), np.zeros(classes)
    for k in range(classes):
        target = labels == k
        if target.all() or not target.any():
            intercept[k] = 1.0 if target.any() else -1.0
            continue
        machine = svc(C=c, kernel="precomputed").fit(kernel, target)
        coefficients[k, machine.support_] = machine.dual_coef_[0]
        intercept[k] = machine.intercept_[0]
    return Svm(coefficients, intercept, c)


def fit_validated(kernel: Matrix, labels: NDArray[np.int64], groups: Sequence[str], classes: int) -> Svm:
    """The machines with the C of `GRID` that does best in cross-validation, the smaller of equals.

    Clips of one group are never in two folds. The temperature is the one that makes the held-out folds' labels most
    likely (Guo et al., ICML 2017). With a single group there is nothing to validate on: C is 10, the temperature 1.
    """
    folds = min(FOLDS, len(set(groups)))
    if folds < 2:
        return fit(kernel, labels, classes, 10.0)
    split = list(_sklearn("model_selection").GroupKFold(folds).split(kernel, labels, groups))
    best: tuple[float, float, Matrix] | None = None
    for c in GRID:
        margins = np.zeros((len(labels), classes))
        for train, held in split:
            machine = fit(kernel[np.ix_(train, train)], labels[train], classes, c)
            margins[held] = machine.logits(kernel[np.ix_(held, train)])
        hits = float((margins.argmax(1) == labels).mean())
        if best is None or hits > best[0]:
            best = hits, c, margins
    assert best is not None
    _, c, margins = best
    return replace(fit(kernel, labels, classes, c), temperature=temperature_of(margins, labels))


def temperature_of(margins: Matrix, labels: NDArray[np.int64]) -> float:
    """The temperature, 0.01 to 10, at which softmax(margins / temperature) gives the labels the highest likelihood."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    def loss(power: float) -> float:
        scores = log_softmax(margins / 10**power, axis=1)
        return -float(scores[np.arange(len(labels)), labels].mean())

    return float(10 ** minimize_scalar(loss, bounds=(-2, 1), method="bounded").x)


def _sklearn(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"sklearn.{module}")
    except ImportError:
        raise FarviewError("rivals with SVMs need scikit-learn: pip install 'farview[rivals]'") from None
