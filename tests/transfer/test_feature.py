"""Similarity of features: worked values, a slower reference, what confidence and channels do, gradients."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from farview.transfer.feature import feature_loss

B, K, C, T, H, W = 2, 3, 4, 2, 3, 5


def stage(seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(B, K, C, T, H, W, dtype=torch.float64, generator=g)


def slow(student, teacher, p, confidence=None):
    """Frame by frame with NumPy; frames are intervals first, then time."""
    losses = []
    for b in range(B):
        distances = []
        for n in range(K * T):
            s, t = (x[b, n // T, :, n % T].numpy() for x in (student, teacher))  # (C, H, W)
            c = np.ones((H, W)) if confidence is None else confidence[b, n].numpy()
            s, t = (s * c).ravel(), (t * c).ravel()
            cosine = s @ t / np.sqrt((s @ s) * (t @ t)) if c.any() else 1
            distances.append(1 - cosine)
        losses.append(np.mean(np.abs(distances) ** p) ** (1 / p))
    return losses


def test_by_hand():
    """Two channels, two pixels: (3, 0; 4, 0) and (0, 0; 1, 1): cosine 4 / (5 sqrt 2); the first pixel alone: 0.8."""
    s = torch.tensor([[3.0, 0.0], [4.0, 0.0]]).view(1, 1, 2, 1, 1, 2)
    t = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).view(1, 1, 2, 1, 1, 2)
    assert feature_loss(s, t, 2).item() == pytest.approx(1 - 4 / (5 * 2**0.5))
    confidence = torch.tensor([0.7, 0.0]).view(1, 1, 1, 2)
    assert feature_loss(s, t, 2, confidence).item() == pytest.approx(0.2)


@pytest.mark.parametrize("p", [1, 2])
def test_equals_the_slow_reference(p):
    g = torch.Generator().manual_seed(5)
    confidence = torch.rand(B, K * T, H, W, dtype=torch.float64, generator=g)
    confidence[0, 1] = 0  # a frame without any
    for held in (None, confidence):
        expected = slow(stage(0), stage(1), p, held)
        assert feature_loss(stage(0), stage(1), p, held).tolist() == pytest.approx(expected)


def test_scale_plays_no_part_and_the_meaning_of_a_channel_does():
    student = stage(0)
    torch.testing.assert_close(
        feature_loss(3 * student, student, 2), torch.zeros(B).double(), atol=1e-9, rtol=0
    )
    assert (feature_loss(student.flip(2), student, 2) > 0.3).all()  # attention maps would be the same


def test_gradients():
    inputs = (
        stage(0).requires_grad_(),
        stage(1),
        torch.rand(B, K * T, H, W, dtype=torch.float64).requires_grad_(),
    )
    assert gradcheck(lambda s, t, c: feature_loss(s, t, 2, c), inputs, fast_mode=True)


def test_half_precision_is_compared_in_single():
    student, teacher = (1000 * stage(seed) for seed in (0, 1))
    loss = feature_loss(student.half(), teacher.half(), 2)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), feature_loss(student, teacher, 2), rtol=1e-3, atol=0)


def test_stages_of_two_sizes_are_compared_on_the_coarser_grid():
    """S-Net has one pixel, T-Net two with channels (3, 5) and (4, -4): their averages are (4, 0)."""
    s = torch.tensor([3.0, 4.0]).view(1, 1, 2, 1, 1, 1)
    t = torch.tensor([[3.0, 5.0], [4.0, -4.0]]).view(1, 1, 2, 1, 1, 2)
    assert feature_loss(s, t, 2).item() == feature_loss(t, s, 2).item() == pytest.approx(1 - 3 / 5)
