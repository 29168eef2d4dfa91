"""Eq. 4: the terms by name, what flows where, and what the weights do."""

import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from farview.models.network import ActionNetwork, ActionOutput, NetworkConfig
from farview.transfer.attention import spatial_attention
from farview.transfer.config import TransferConfig
from farview.transfer.sat import sat_loss
from farview.transfer.tat import tat_loss
from farview.transfer.total import TransferLoss, soft_labels

B, K, CLASSES = 2, 3, 5
STAGES = ((4, 12, 16), (8, 6, 8), (16, 3, 4), (32, 2, 2))
KINDS = ("none", "difference", "gradient", "mlp")


def output(seed: int, time: int = 1, dtype: torch.dtype = torch.float64) -> ActionOutput:
    """A made-up network's output; leaves of the graph."""
    g = torch.Generator().manual_seed(seed)

    def leaf(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype).requires_grad_()

    scores = leaf(B, K)
    stages = tuple(leaf(B, K, c, time, h, w) for c, h, w in STAGES)
    return ActionOutput(leaf(B, CLASSES), leaf(B, K, 32), stages, leaf(B, 64), scores, scores.softmax(1))


def videos(time: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """HR of 24x32 pixels and what 4x fewer pixels leave of it."""
    g = torch.Generator().manual_seed(9)
    hr = torch.rand(B, K, 3, time, 24, 32, generator=g, dtype=torch.float64) * 255
    low = F.avg_pool2d(hr.flatten(0, 2), 4)
    return hr, F.interpolate(low, (24, 32), mode="bilinear").view_as(hr)


def run(config: TransferConfig, student=None, teacher=None, progress=0.0, time=1) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    loss = TransferLoss(config, 3).double()
    targets = torch.eye(CLASSES, dtype=torch.float64)[:B]
    return loss(student or output(1), teacher or output(2), *videos(time), targets, progress)


@pytest.mark.parametrize("kind", KINDS)
def test_terms_add_up(kind):
    config = TransferConfig(
        ce=0.5,
        sat=0.3,
        tat=0.2,
        sat_inner=(0.1, 0.2, 0.3, 0.4),
        tat_inner=(0.7, 0.3),
        confidence=kind,
        spread=2,
        spread_floor=0.9,
    )
    terms = run(config)
    assert {term.shape for term in terms.values()} == {()}
    sat = sum(w * terms[f"sat{i}"] for i, w in enumerate(config.sat_inner, 1))
    tat = sum(w * terms[f"tat{j}"] for j, w in enumerate(config.tat_inner, 1))
    total = 0.5 * terms["ce"] + 0.3 * sat + 0.2 * tat
    if kind == "mlp":
        assert 0 < terms["spread"] < 0.9
        total = total + 2 * (0.9 - terms["spread"])
    for name, expected in (("sat", sat), ("tat", tat), ("total", total)):
        torch.testing.assert_close(terms[name], expected)


def test_plain_transfer_is_the_sum_of_the_papers_parts():
    student, teacher = output(1), output(2)
    terms = run(TransferConfig(confidence="none"), student, teacher)
    ce = F.cross_entropy(student.logits, torch.arange(B))
    sat = [
        sat_loss(spatial_attention(s), spatial_attention(t), 2).mean()
        for s, t in zip(student.stages, teacher.stages, strict=True)
    ]
    tat = [tat_loss(student.hidden, teacher.hidden).mean(), tat_loss(student.scores, teacher.scores).mean()]
    torch.testing.assert_close(terms["ce"], ce)
    torch.testing.assert_close(terms["total"], (ce + sum(sat) / 4 + sum(tat) / 2) / 3)
    assert (terms["kept"], terms["score"], terms["spread"], terms["empty"]) == (1, 1, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_identical_networks_differ_in_the_labels_only(kind):
    student = output(1)
    terms = run(TransferConfig(confidence=kind), student, student)
    assert terms["sat"].abs() < 1e-12 and terms["tat"].abs() < 1e-12 and terms["ce"] > 0.1


def test_the_score_weighs_each_video_and_not_the_spatial_part():
    config = TransferConfig(confidence="difference", threshold=0.7)
    student, teacher = output(1), output(2)
    targets = torch.eye(CLASSES, dtype=torch.float64)[:B]
    confident = TransferLoss(config, 3).terms(student, teacher, *videos(), targets)
    plain = TransferLoss(TransferConfig(confidence="none"), 3).terms(student, teacher, *videos(), targets)
    assert ((confident["score"] > 0) & (confident["score"] < 1)).all()
    torch.testing.assert_close(confident["tat1"], confident["score"] * plain["tat1"])
    torch.testing.assert_close(confident["tat2"], confident["score"] * plain["tat2"])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_student_and_the_extractor_never_the_teacher(kind):
    student, teacher = output(1), output(2)
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(confidence=kind, spread=0), 3).double()
    assert sum(1 for _ in loss.parameters()) == (3 if kind == "mlp" else 0)
    loss(student, teacher, *videos(), torch.eye(CLASSES, dtype=torch.float64)[:B])["total"].backward()
    for leaf in (student.logits, student.hidden, student.scores, *student.stages, *loss.parameters()):
        assert leaf.grad is not None and leaf.grad.abs().sum() > 0
    for leaf in (teacher.logits, teacher.hidden, teacher.scores, *teacher.stages):
        assert leaf.grad is None


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind):
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(confidence=kind, rolling=True, threshold=0.2), 3).double()
    student, teacher = output(1), output(2)
    last = student.stages[3]

    def total(logits, hidden, scores, stage):
        changed = student._replace(
            logits=logits, hidden=hidden, scores=scores, stages=(*student.stages[:3], stage)
        )
        return loss(changed, teacher, *videos(), soft_labels(teacher.logits), 0.6)["total"]

    inputs = student.logits, student.hidden, student.scores, last
    assert gradcheck(total, inputs, fast_mode=True)


def test_gradient_of_the_extractor_through_the_transfer():
    """Finite differences of the SAT term over every weight of the extractor, far from the threshold's steps."""
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(ce=0, sat=1, tat=0, spread=0, threshold=0), 3).double()
    student, teacher = output(1), output(2)
    names = [name for name, _ in loss.named_parameters()]
    targets = torch.eye(CLASSES, dtype=torch.float64)[:B]

    def total(*weights):
        state = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(loss, state, (student, teacher, *videos(), targets))["total"]

    weights = tuple(p.detach().clone().requires_grad_() for p in loss.parameters())
    assert gradcheck(total, weights, fast_mode=True)


def test_binary_maps_train_the_extractor_too():
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(binary=True, spread=0), 3).double()
    terms = loss(output(1), output(2), *videos(), torch.eye(CLASSES, dtype=torch.float64)[:B])
    terms["total"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in loss.parameters())


def test_binary_and_soft_differ():
    soft, binary = (run(TransferConfig(confidence="difference", binary=b)) for b in (False, True))
    assert soft["sat1"] != binary["sat1"] and soft["kept"] == binary["kept"]


def test_nothing_above_the_threshold_is_counted_and_costs_nothing(monkeypatch):
    loss = TransferLoss(TransferConfig(confidence="difference", threshold=0.6), 3)
    confidence = torch.full((B, K, 1, 24, 32), 0.5, dtype=torch.float64)
    confidence[0, 0, 0, 3, 4] = 0.7
    monkeypatch.setattr(loss, "confidence", lambda hr, elr: confidence)
    student = output(1)
    terms = loss.terms(student, output(2), *videos(), torch.eye(CLASSES, dtype=torch.float64)[:B])
    assert terms["empty"].tolist() == pytest.approx([2 / 3, 1])
    assert terms["kept"].tolist() == pytest.approx([1 / (K * 24 * 32), 0])
    assert terms["sat"][1] == 0 and terms["tat"][1] == 0 and terms["score"][1] == 0
    assert all(term.isfinite().all() for term in terms.values())
    terms["total"].sum().backward()
    for stage in student.stages:
        assert stage.grad is not None and stage.grad.isfinite().all() and stage.grad[1].eq(0).all()


def test_rolling_weights_follow_the_progress():
    for progress, weights in ((0.0, (0.4, 0.3, 0.2, 0.1)), (0.99, (0.1, 0.2, 0.3, 0.4))):
        terms = run(TransferConfig(confidence="none", rolling=True), progress=progress)
        expected = sum(w * terms[f"sat{i}"] for i, w in enumerate(weights, 1))
        torch.testing.assert_close(terms["sat"], expected)
        first = 2 / 3 if progress == 0 else 1 / 3
        torch.testing.assert_close(terms["tat"], first * terms["tat1"] + (1 - first) * terms["tat2"])


def test_soft_labels_stand_in_for_labels():
    teacher = output(2)
    labels = soft_labels(teacher.logits)
    assert not labels.requires_grad
    torch.testing.assert_close(labels.sum(1), torch.ones(B, dtype=torch.float64))
    torch.testing.assert_close(labels[0], teacher.logits[0].detach().exp() / teacher.logits[0].exp().sum())
    terms = TransferLoss(TransferConfig(confidence="none"), 3)(output(1), teacher, *videos(), labels)
    by_hand = -(labels * output(1).logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(terms["ce"], by_hand)


def test_a_term_that_is_not_finite_can_be_found_with_its_video():
    student = output(1)
    with torch.no_grad():
        student.stages[1][1, 0, 0, 0, 0, 0] = math.inf
    loss = TransferLoss(TransferConfig(confidence="difference"), 3)
    targets = torch.eye(CLASSES, dtype=torch.float64)[:B]
    terms = loss.terms(student, output(2), *videos(), targets)
    broken = [name for name, term in terms.items() if not term.isfinite().all()]
    assert broken == ["sat", "sat2", "total"]
    assert terms["sat2"].isfinite().tolist() == [True, False]


def test_half_precision_outputs_are_compared_in_single():
    outputs = [output(seed, dtype=torch.float16) for seed in (1, 2)]
    loss = TransferLoss(TransferConfig(confidence="difference"), 3)
    hr, elr = (video.float() for video in videos())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = loss(*outputs, hr, elr, soft_labels(outputs[1].logits))
    assert {term.dtype for term in terms.values()} == {torch.float32}
    exact = run(TransferConfig(confidence="difference"))
    assert terms["sat"].item() == pytest.approx(exact["sat"].item(), rel=1e-3)


@pytest.mark.parametrize("backbone", ["resnet18", "r2plus1d18"])
@pytest.mark.parametrize("kind", KINDS)
def test_real_networks_with_stacked_frames_and_with_time(backbone, kind):
    torch.manual_seed(0)
    config = NetworkConfig(backbone, width=4, stem="small")
    teacher, student = (ActionNetwork(config, CLASSES, 3, K, 5) for _ in range(2))
    hr, elr = (video.float() for video in videos(time=5))
    loss = TransferLoss(TransferConfig(confidence=kind, rolling=True), 3)
    with torch.no_grad():
        seen = teacher(hr / 255)
    terms = loss(student(elr / 255), seen, hr, elr, soft_labels(seen.logits), 0.3)
    assert all(term.isfinite() for term in terms.values())
    terms["total"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in student.parameters())
