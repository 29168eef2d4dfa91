"""Kernel machines against slow sums and scikit-learn's own multi-channel pieces."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from farview.rivals.svm import (
    Svm,
    chi_square_kernel,
    fit,
    fit_validated,
    temperature_of,
    training_kernel,
)

SIZES = (3, 5)


def vectors_of(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).random((count, sum(SIZES))).astype(np.float32)


def slow_distance(a: np.ndarray, b: np.ndarray) -> float:
    return sum((x - y) ** 2 / (x + y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x + y)


def test_the_kernel_equals_its_sum_written_out() -> None:
    train, other = vectors_of(0, 6), vectors_of(1, 4)
    train[0, 1] = train[1, 1] = 0  # 0 / 0 counts nothing
    kernel, scales = training_kernel(train, SIZES)
    channels = [slice(0, 3), slice(3, 8)]
    means = [np.mean([slow_distance(a[c], b[c]) for a in train for b in train]) for c in channels]
    np.testing.assert_allclose(scales, means, rtol=1e-5)
    slow = [
        [
            np.exp(-np.mean([slow_distance(a[c], b[c]) / m for c, m in zip(channels, means, strict=True)]))
            for b in train
        ]
        for a in other
    ]
    np.testing.assert_allclose(chi_square_kernel(other, train, SIZES, scales), slow, rtol=1e-5)
    np.testing.assert_allclose(kernel, chi_square_kernel(train, train, SIZES, scales), rtol=1e-6)
    np.testing.assert_allclose(np.diag(kernel), 1)
    assert np.linalg.eigvalsh(kernel).min() > 0


def test_one_machine_a_class_gives_scikit_learns_margins() -> None:
    from sklearn.svm import SVC

    train, other = vectors_of(0, 30), vectors_of(1, 7)
    labels = np.arange(30) % 3
    kernel, scales = training_kernel(train, SIZES)
    across = chi_square_kernel(other, train, SIZES, scales)
    found = fit(kernel, labels, 4, 1.0).logits(across)
    for k in range(3):
        svc = SVC(C=1.0, kernel="precomputed").fit(kernel, labels == k)
        np.testing.assert_allclose(found[:, k], svc.decision_function(across), atol=1e-9)
    np.testing.assert_array_equal(found[:, 3], -1)  # a class that was never seen


def test_one_class_alone_is_always_the_answer() -> None:
    machine = fit(np.eye(3), np.array([1, 1, 1]), 2, 1.0)
    np.testing.assert_array_equal(machine.logits(np.zeros((2, 3))).argmax(1), [1, 1])


def test_cross_validation_never_divides_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins in one group: if they were divided, a high C that learns by heart would look perfect."""
    from farview.rivals import svm

    train = np.repeat(vectors_of(3, 60), 2, axis=0)
    labels = np.repeat(np.random.default_rng(0).permutation(60) % 2, 2)
    kernel, _ = training_kernel(train, SIZES)
    seen: list[float] = []
    honest = svm.temperature_of

    def spy(margins: np.ndarray, labels: np.ndarray) -> float:
        seen.append(float((margins.argmax(1) == labels).mean()))
        return honest(margins, labels)

    monkeypatch.setattr(svm, "temperature_of", spy)
    fit_validated(kernel, labels, [str(i // 2) for i in range(120)], 2)
    fit_validated(kernel, labels, [str(i) for i in range(120)], 2)
    together, divided = seen
    assert divided > 0.9 and together < 0.7  # the labels are random


def test_a_single_group_cannot_be_validated_on() -> None:
    machine = fit_validated(np.eye(4), np.array([0, 0, 1, 1]), ["a"] * 4, 2)
    assert (machine.c, machine.temperature) == (10.0, 1.0)


def test_the_temperature_is_the_one_that_was_drawn() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(20_000, 4))
    scores = np.exp(margins / 0.5)
    scores /= scores.sum(1, keepdims=True)
    labels = np.array([rng.choice(4, p=p) for p in scores])
    assert temperature_of(margins, labels) == pytest.approx(0.5, rel=0.05)
    halved = Svm(np.ones((1, 2)), np.zeros(1), 1.0, 0.5)
    np.testing.assert_array_equal(halved.logits(np.ones((1, 2))), [[4.0]])
