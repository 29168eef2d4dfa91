"""The look-ahead: what it predicts is what a step on the SAT loss does to the cross-entropy."""

import pytest
import torch
from torch.nn import functional as F

from farview.models.network import ActionNetwork, ActionOutput, NetworkConfig
from farview.transfer.area import area_mean
from farview.transfer.attention import spatial_attention
from farview.transfer.config import TransferConfig
from farview.transfer.lookahead import lookahead_loss
from farview.transfer.pair import Pair, soft_labels
from farview.transfer.sat import sat_loss
from farview.transfer.total import TransferLoss

B, K, CLASSES = 3, 2, 4


def head(stage: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross-entropy (B,) of a linear classifier on the pooled stage, label 0."""
    logits = stage.mean((1, 3, 4, 5)) @ weight
    return F.cross_entropy(logits, torch.zeros(B, dtype=torch.long), reduction="none")


def test_predicts_the_change_of_the_cross_entropy():
    """Moving the stage against the gradient of SAT changes the cross-entropy in proportion to the loss."""
    torch.manual_seed(0)
    stage = torch.randn(B, K, 6, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, CLASSES, dtype=torch.float64)
    teacher = torch.rand(B, K, 3, 4, dtype=torch.float64)
    confidence = torch.rand(B, K, 3, 4, dtype=torch.float64)
    ce = head(stage, weight)
    (slope,) = torch.autograd.grad(ce.sum(), stage, retain_graph=True)
    loss = lookahead_loss(ce, stage, teacher, 2, confidence)
    sat = sat_loss(spatial_attention(stage), teacher, 2, confidence)
    (step,) = torch.autograd.grad(sat.sum(), stage)
    eta = 1e-5
    change = (head(stage - eta * step, weight) - ce).detach() / eta
    lengths = step.flatten(1).norm(dim=1) * slope.flatten(1).norm(dim=1)
    torch.testing.assert_close(loss, change / lengths, rtol=1e-3, atol=1e-5)


def test_following_it_makes_the_step_better():
    """Confidence moved against the loss's gradient: the cross-entropy falls faster along the new step."""
    torch.manual_seed(1)
    stage = torch.randn(B, K, 6, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    weight, teacher = (
        torch.randn(6, CLASSES, dtype=torch.float64),
        torch.rand(B, K, 3, 4, dtype=torch.float64),
    )
    confidence = torch.full((B, K, 3, 4), 0.8, dtype=torch.float64, requires_grad=True)
    losses = []
    for _ in range(20):
        loss = lookahead_loss(head(stage, weight), stage, teacher, 2, confidence)
        losses.append(loss.detach())
        (gradient,) = torch.autograd.grad(loss.sum(), confidence)
        confidence = (confidence - 0.5 * gradient).detach().clamp(0.1, 1).requires_grad_()
    assert (losses[-1] < losses[0] - 0.01).all()


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
def test_teaches_the_extractor_alone_and_once(backbone):
    torch.manual_seed(0)
    config = NetworkConfig(backbone, width=4, stem="small")
    teacher, student = (ActionNetwork(config, CLASSES, 1, K, 2) for _ in range(2))
    hr = torch.rand(B, K, 1, 2, 24, 32) * 255
    elr = F.interpolate(F.avg_pool3d(hr.flatten(0, 1), (1, 4, 4)), hr.shape[3:]).view_as(hr)
    settings = {"threshold": 0.3, "spread": 0.0}
    with torch.no_grad():
        seen: ActionOutput = teacher(hr / 255)
    gradients = {}
    for learn in ("joint", "lookahead"):
        torch.manual_seed(0)
        loss = TransferLoss(TransferConfig(learn=learn, **settings), 1)
        student.zero_grad()
        terms = loss(Pair(student(elr / 255), seen, hr, elr, soft_labels(seen.logits)))
        assert ("lookahead" in terms) == (learn == "lookahead")
        terms["total"].backward()
        gradients[learn] = [p.grad for p in student.parameters()], [p.grad for p in loss.parameters()]
    for joint, ahead in zip(gradients["joint"][0], gradients["lookahead"][0], strict=True):
        torch.testing.assert_close(joint, ahead)
    for joint, ahead in zip(gradients["joint"][1], gradients["lookahead"][1], strict=True):
        assert ahead.abs().sum() > 0 and not torch.allclose(joint, ahead)


def test_finite_where_nothing_is_trusted_or_nothing_differs():
    stage = torch.randn(B, K, 6, 1, 3, 4, requires_grad=True)
    weight = torch.randn(6, CLASSES)
    for teacher, level in ((torch.rand(B, K, 3, 4), 0.0), (spatial_attention(stage).detach(), 1.0)):
        confidence = torch.full((B, K, 3, 4), level, requires_grad=True)
        loss = lookahead_loss(head(stage, weight), stage, teacher, 2, confidence)
        (gradient,) = torch.autograd.grad(loss.sum(), confidence)
        assert loss.isfinite().all() and gradient.isfinite().all()


def test_a_smaller_s_net_is_moved_where_it_is_compared():
    """As the prediction above, with T-Net's map on the coarser grid of 2x2 and S-Net's stage of 3x4."""
    torch.manual_seed(2)
    stage = torch.randn(B, K, 6, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, CLASSES, dtype=torch.float64)
    teacher, confidence = (torch.rand(B, K, 2, 2, dtype=torch.float64) for _ in range(2))
    ce = head(stage, weight)
    (slope,) = torch.autograd.grad(ce.sum(), stage, retain_graph=True)
    loss = lookahead_loss(ce, stage, teacher, 2, confidence)
    sat = sat_loss(area_mean(stage.abs().sum(2), (1, 2, 2)), teacher, 2, confidence)
    (step,) = torch.autograd.grad(sat.sum(), stage)
    change = (head(stage - 1e-5 * step, weight) - ce).detach() / 1e-5
    lengths = step.flatten(1).norm(dim=1) * slope.flatten(1).norm(dim=1)
    torch.testing.assert_close(loss, change / lengths, rtol=1e-3, atol=1e-5)
