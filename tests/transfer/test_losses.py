"""Eq. 2 and 3: worked values, limits, invariance, gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from farview.transfer.cosine import cosine_distance, video_norm
from farview.transfer.sat import sat_loss
from farview.transfer.tat import tat_loss


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random attention maps, above 0."""
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.01


def slow_sat(student, teacher, p, confidence=None):
    """Eq. 2 in plain Python, one number at a time."""
    losses = []
    for video in range(len(student)):
        distances = []
        for frame in range(student.shape[1]):
            s, t = student[video, frame].flatten().tolist(), teacher[video, frame].flatten().tolist()
            if confidence is not None:
                c = confidence[video, frame].flatten().tolist()
                if max(c) == 0:
                    distances.append(0.0)
                    continue
                s, t = [a * b for a, b in zip(s, c, strict=True)], [a * b for a, b in zip(t, c, strict=True)]
            dot = sum(a * b for a, b in zip(s, t, strict=True))
            distances.append(1 - dot / math.hypot(*s) / math.hypot(*t))
        n = len(distances)
        losses.append(sum(d**p for d in distances) ** (1 / p) / n ** (1 / p))
    return torch.tensor(losses, dtype=torch.float64)


def test_sat_by_hand():
    """Two frames: at 45 degrees and at 90 degrees."""
    student = torch.tensor([[[[1.0, 0.0]], [[1.0, 0.0]]]], dtype=torch.float64)
    teacher = torch.tensor([[[[1.0, 1.0]], [[0.0, 2.0]]]], dtype=torch.float64)
    first = 1 - 1 / math.sqrt(2)
    assert sat_loss(student, teacher, 1).item() == pytest.approx((first + 1) / 2)
    assert sat_loss(student, teacher, 2).item() == pytest.approx(math.sqrt((first**2 + 1) / 2))


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("confident", [False, True])
def test_sat_against_plain_python(p, confident):
    student, teacher = maps(3, 4, 5, 6), maps(3, 4, 5, 6, seed=1)
    confidence = maps(3, 4, 5, 6, seed=2) * (maps(3, 4, 5, 6, seed=3) > 0.6) if confident else None
    if confidence is not None:
        confidence[1, 2] = 0
    expected = slow_sat(student, teacher, p, confidence)
    torch.testing.assert_close(sat_loss(student, teacher, p, confidence), expected)


def test_tat_by_hand():
    student = torch.tensor([[3.0, 4.0], [1.0, 0.0], [-2.0, 0.0]])
    teacher = torch.tensor([[6.0, 8.0], [1.0, math.sqrt(3)], [1.0, 0.0]])
    torch.testing.assert_close(tat_loss(student, teacher), torch.tensor([0.0, 0.5, 2.0]))


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 100))
def test_scale_of_either_map_is_ignored(a, b, seed):
    student, teacher = maps(2, 3, 4, 4, seed=seed), maps(2, 3, 4, 4, seed=seed + 1)
    torch.testing.assert_close(sat_loss(a * student, b * teacher, 2), sat_loss(student, teacher, 2))


@pytest.mark.parametrize("p", [1, 2])
def test_identical_networks_cost_nothing_and_pull_nowhere(p):
    student = maps(2, 3, 4, 4).requires_grad_()
    loss = sat_loss(student, student.detach().clone(), p)
    torch.testing.assert_close(loss, torch.zeros_like(loss))
    (gradient,) = torch.autograd.grad(loss.sum(), student)
    assert gradient.abs().max() < 1e-8


def test_constant_confidence_equals_the_plain_loss():
    student, teacher = maps(2, 3, 4, 4), maps(2, 3, 4, 4, seed=1)
    for level in (1.0, 0.3):
        confident = sat_loss(student, teacher, 2, torch.full_like(student, level))
        torch.testing.assert_close(confident, sat_loss(student, teacher, 2))


def test_pixels_without_confidence_play_no_part():
    student, teacher = maps(1, 1, 4, 4), maps(1, 1, 4, 4, seed=1)
    confidence = torch.zeros_like(student)
    confidence[..., :2] = 1
    cropped = sat_loss(student[..., :2], teacher[..., :2], 2)
    torch.testing.assert_close(sat_loss(student, teacher, 2, confidence), cropped)
    student[..., 2:] = 1e6
    torch.testing.assert_close(sat_loss(student, teacher, 2, confidence), cropped)


def test_no_confidence_at_all_costs_nothing_and_pulls_nowhere():
    student = maps(2, 3, 4, 4).requires_grad_()
    loss = sat_loss(student, maps(2, 3, 4, 4, seed=1), 2, torch.zeros(2, 3, 4, 4, dtype=torch.float64))
    assert loss.tolist() == [0, 0]
    (gradient,) = torch.autograd.grad(loss.sum(), student)
    assert gradient.eq(0).all()


@pytest.mark.parametrize("p", [1, 2])
def test_zero_maps_are_finite(p):
    student = torch.zeros(1, 2, 3, 3, requires_grad=True)
    loss = sat_loss(student, torch.rand(1, 2, 3, 3), p)
    assert loss.item() == pytest.approx(1)
    (gradient,) = torch.autograd.grad(loss.sum(), student)
    assert gradient.isfinite().all() and gradient.abs().max() <= 1


def test_nan_is_not_hidden():
    student = torch.rand(1, 2, 3, 3)
    student[0, 0, 0, 0] = torch.nan
    assert sat_loss(student, torch.rand(1, 2, 3, 3), 2).isnan().all()
    assert sat_loss(student, torch.rand(1, 2, 3, 3), 2, torch.zeros(1, 2, 3, 3)).isnan().all()


@pytest.mark.parametrize("p", [1, 2])
def test_gradients(p):
    student, teacher = maps(2, 3, 2, 3).requires_grad_(), maps(2, 3, 2, 3, seed=1)
    confidence = maps(2, 3, 2, 3, seed=2).requires_grad_()
    assert gradcheck(lambda s: sat_loss(s, teacher, p), student)
    assert gradcheck(lambda s, c: sat_loss(s, teacher, p, c), (student, confidence))
    hidden = torch.randn(2, 8, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda h: tat_loss(h, maps(2, 8)), hidden)
    distances = maps(2, 5).requires_grad_()
    assert gradcheck(lambda d: video_norm(d, p), distances)


@given(st.integers(0, 1000))
def test_distance_lies_between_0_and_2(seed):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, 5, 7, generator=generator, dtype=torch.float64)
    distance = cosine_distance(a, b)
    expected = 1 - torch.nn.functional.cosine_similarity(a, b, dim=-1)
    torch.testing.assert_close(distance, expected)
    assert (distance >= 0).all() and (distance <= 2).all()


@pytest.mark.parametrize("confident", [False, True])
def test_centred_maps_are_compared_by_correlation(confident):
    generator = torch.Generator().manual_seed(3)
    student, teacher = (
        torch.rand(2, 4, 5, 6, dtype=torch.float64, generator=generator) + 3 for _ in range(2)
    )
    kept = torch.rand(2, 4, 5, 6, generator=generator) > 0.4
    confidence = kept.double() if confident else None
    for b in range(2):
        distances = []
        for n in range(4):
            pixels = kept[b, n] if confident else torch.ones(5, 6, dtype=torch.bool)
            pair = torch.stack([student[b, n][pixels], teacher[b, n][pixels]])
            distances.append(1 - torch.corrcoef(pair)[0, 1])
        expected = torch.stack(distances).square().mean().sqrt()
        found = sat_loss(student, teacher, 2, confidence, centred=True)[b]
        assert found == pytest.approx(float(expected), rel=1e-9)
    plain, centred = (sat_loss(student, teacher, 2, None, centred=c).mean() for c in (False, True))
    assert plain < 0.05 < 0.8 < centred  # unrelated positive maps look alike to the cosine


def test_centred_maps_without_confidence_anywhere_cost_nothing():
    maps = torch.rand(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    loss = sat_loss(
        maps, torch.rand(1, 2, 3, 3, dtype=torch.float64), 2, torch.zeros(1, 2, 3, 3).double(), True
    )
    loss.sum().backward()
    assert loss.item() == 0 and maps.grad is not None and not maps.grad.any()
