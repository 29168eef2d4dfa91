"""KD, DKD, DIST: worked values, slower references, limits, gradients."""

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from farview.transfer.dist import dist_loss
from farview.transfer.dkd import dkd_loss
from farview.transfer.kd import kd_loss

B, CLASSES = 4, 6


def logits(seed: int, scale: float = 3.0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return scale * torch.randn(B, CLASSES, dtype=torch.float64, generator=g)


def softmax(row: list[float]) -> list[float]:
    powers = [math.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


def kl(teacher: list[float], student: list[float]) -> float:
    return sum(t * math.log(t / s) for t, s in zip(teacher, student, strict=True))


def test_kd_by_hand():
    """At T = 2 the logits (2 ln 3, 0) say 3/4 and 1/4; against 1/2 and 1/2: ln 2 - 0.5623."""
    teacher = torch.tensor([[2 * math.log(3), 0.0]], dtype=torch.float64)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert kd_loss(torch.zeros(1, 2).double(), teacher, 2).item() == pytest.approx(4 * expected)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kd_equals_plain_python(temperature):
    student, teacher = logits(0), logits(1)
    rows = zip((student / temperature).tolist(), (teacher / temperature).tolist(), strict=True)
    expected = [temperature**2 * kl(softmax(t), softmax(s)) for s, t in rows]
    assert kd_loss(student, teacher, temperature).tolist() == pytest.approx(expected)


def test_kd_when_hot_is_half_the_squared_distance_of_centred_logits_per_class():
    """Sec. 2.1 of Hinton et al."""
    student, teacher = logits(0), logits(1)
    centred = [x - x.mean(1, keepdim=True) for x in (student, teacher)]
    expected = (centred[0] - centred[1]).square().sum(1) / (2 * CLASSES)
    torch.testing.assert_close(kd_loss(student, teacher, 1e4), expected, rtol=1e-3, atol=0)


def slow_dkd(student, teacher, target, alpha, beta, temperature):
    """TCKD and NCKD by their definitions, one number at a time."""
    losses = []
    for s, t, y in zip(
        (student / temperature).tolist(), (teacher / temperature).tolist(), target, strict=True
    ):
        ps, pt = softmax(s), softmax(t)
        tckd = kl([pt[y], 1 - pt[y]], [ps[y], 1 - ps[y]])
        rest = [c for c in range(CLASSES) if c != y]
        nckd = kl([pt[c] / (1 - pt[y]) for c in rest], [ps[c] / (1 - ps[y]) for c in rest])
        losses.append(temperature**2 * (alpha * tckd + beta * nckd))
    return losses


@pytest.mark.parametrize(("alpha", "beta", "temperature"), [(1, 8, 4.0), (0, 1, 1.0), (1, 0, 2.0)])
def test_dkd_equals_plain_python(alpha, beta, temperature):
    target = [0, 5, 2, 2]
    loss = dkd_loss(logits(0), logits(1), torch.tensor(target), alpha, beta, temperature)
    assert loss.tolist() == pytest.approx(slow_dkd(logits(0), logits(1), target, alpha, beta, temperature))


def test_kd_is_a_special_case_of_dkd():
    """With beta = 1 - the teacher's probability of the target, which differs from video to video."""
    student, teacher, temperature = logits(0), logits(1), 4.0
    target = torch.tensor([3, 0, 1, 5])
    sure = (teacher / temperature).softmax(1)[torch.arange(B), target]
    one = dkd_loss(student, teacher, target, 1, 0, temperature)
    rest = dkd_loss(student, teacher, target, 0, 1, temperature)
    torch.testing.assert_close(one + (1 - sure) * rest, kd_loss(student, teacher, temperature))


def test_dkd_of_a_sure_teacher_is_finite():
    """Probabilities of the rest that underflow: 1 - p would be 0 and its logarithm infinite."""
    student, teacher = (x.float().requires_grad_() for x in (logits(0), logits(1, 300)))
    loss = dkd_loss(student, teacher, teacher.argmax(1), 1, 8, 1.0)
    loss.sum().backward()
    assert loss.isfinite().all() and student.grad is not None and student.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_dist_equals_numpys_correlations(temperature):
    student, teacher = ((x / temperature).softmax(1).numpy() for x in (logits(0), logits(1)))
    inter = [1 - np.corrcoef(s, t)[0, 1] for s, t in zip(student, teacher, strict=True)]
    intra = np.mean([1 - np.corrcoef(student[:, c], teacher[:, c])[0, 1] for c in range(CLASSES)])
    expected = [temperature**2 * (video + intra) for video in inter]
    assert dist_loss(logits(0), logits(1), temperature).tolist() == pytest.approx(expected)


def test_dist_by_hand():
    """Video 1 agrees, video 2 is turned round: inter 0 and 2; over the batch each class's correlation is undefined
    for a student that says the same of both videos: intra 1."""
    s = torch.tensor([[2.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    t = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert dist_loss(s, t, 1).tolist() == pytest.approx([1, 3])


def test_dist_ignores_how_sure_the_teacher_is():
    """Probabilities a * p + b have the same correlations, video by video and class by class."""
    sure = logits(1).softmax(1)
    unsure = 0.3 * sure + 0.7 / CLASSES
    student = logits(0)
    torch.testing.assert_close(dist_loss(student, unsure.log(), 1), dist_loss(student, sure.log(), 1))
    assert not torch.allclose(kd_loss(student, unsure.log(), 1), kd_loss(student, sure.log(), 1))


def test_dist_of_one_video_has_no_batch_to_speak_of():
    student, teacher = logits(0)[:1].requires_grad_(), logits(1)[:1]
    loss = dist_loss(student, teacher, 1)
    inter = 1 - np.corrcoef(student.detach().softmax(1)[0], teacher.softmax(1)[0])[0, 1]
    assert loss.item() == pytest.approx(inter + 1)
    loss.sum().backward()
    assert student.grad is not None and student.grad.isfinite().all()


LOSSES = {
    "kd": lambda s, t: kd_loss(s, t, 3),
    "dkd": lambda s, t: dkd_loss(s, t, torch.tensor([1, 0, 5, 5]), 1, 8, 3),
    "dist": lambda s, t: dist_loss(s, t, 3),
}


@pytest.mark.parametrize("name", LOSSES)
def test_each_is_0_alike_above_0_otherwise_and_blind_to_a_constant(name):
    loss, student, teacher = LOSSES[name], logits(0), logits(1)
    torch.testing.assert_close(loss(student, student), torch.zeros(B, dtype=torch.float64))
    assert (loss(student, teacher) > 0.01).all()
    torch.testing.assert_close(loss(student + 7, teacher - 2), loss(student, teacher))


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name):
    assert gradcheck(LOSSES[name], (logits(0).requires_grad_(), logits(1).requires_grad_()))


@pytest.mark.parametrize("name", LOSSES)
def test_following_the_gradient_makes_the_student_say_what_the_teacher_says(name):
    student, teacher = logits(0).requires_grad_(), logits(1)
    optimiser = torch.optim.Adam([student], 0.1)
    for _ in range(300):
        optimiser.zero_grad()
        LOSSES[name](student, teacher).sum().backward()
        optimiser.step()
    assert torch.equal(student.argmax(1), teacher.argmax(1))
    assert F.cosine_similarity((student / 3).softmax(1), (teacher / 3).softmax(1)).min() > 0.95
