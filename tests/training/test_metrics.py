"""Figures against values worked by hand and SciPy's interval."""

import pytest
import torch
from scipy.stats import binomtest

from farview.training.metrics import accuracy, confusion, gap_closed, wilson

# Six classes; hits at rank 1: clips 0 and 2; clip 1 at rank 2; clip 3 at rank 6.
LOGITS = torch.tensor(
    [[9.0, 1, 2, 3, 4, 5], [5, 9, 1, 2, 3, 4], [0, 9, 1, 2, 3, 4], [6, 5, 4, 3, 2, 1]], dtype=torch.float64
)
LABELS = torch.tensor([0, 0, 1, 5])


def test_figures_by_hand() -> None:
    figures = accuracy(LOGITS, LABELS)
    assert figures.prec1 == 50
    assert figures.prec5 == 75
    assert figures.class_mean == pytest.approx(100 * (1 / 2 + 1 + 0) / 3)
    assert figures.clips == 4


def test_clip_level_counts_single_intervals() -> None:
    intervals = torch.stack(
        [LOGITS, LOGITS.flip(1)], 1
    )  # (4, 2, 6); the second one is right for no clip but the last
    assert accuracy(LOGITS, LABELS, intervals).clip_prec1 == pytest.approx(100 * 3 / 8)


def test_fewer_than_five_classes_are_all_within_five() -> None:
    assert accuracy(LOGITS[:, :3], torch.tensor([0, 0, 1, 2])).prec5 == 100


@pytest.mark.parametrize(("hits", "clips"), [(0, 7), (3, 7), (7, 7), (181, 273)])
def test_interval_is_wilsons(hits: int, clips: int) -> None:
    expected = binomtest(hits, clips).proportion_ci(method="wilson")
    assert wilson(hits, clips) == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-6)


def test_confusion_rows_are_labels() -> None:
    counts = confusion(LOGITS, LABELS, 6)
    assert counts.sum() == 4
    assert counts[0, 0] == 1 and counts[0, 1] == 1 and counts[1, 1] == 1 and counts[5, 0] == 1


def test_gap_closed() -> None:
    assert gap_closed(90, 50, 60) == pytest.approx(25)
    assert gap_closed(50, 50, 60) is None
