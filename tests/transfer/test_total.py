"""Eq. 4: the terms by name, what flows where, and what the weights do."""

import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from farview.models.network import ActionNetwork, ActionOutput, NetworkConfig
from farview.transfer.attention import spatial_attention
from farview.transfer.config import TransferConfig
from farview.transfer.dist import dist_loss
from farview.transfer.dkd import dkd_loss
from farview.transfer.feature import feature_loss
from farview.transfer.kd import kd_loss
from farview.transfer.pair import Pair, soft_labels
from farview.transfer.sat import sat_loss
from farview.transfer.tat import tat_loss
from farview.transfer.total import TransferLoss

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


def labels() -> torch.Tensor:
    """Video b has the label b."""
    return torch.eye(CLASSES, dtype=torch.float64)[:B]


def run(config: TransferConfig, student=None, teacher=None, progress=0.0, time=1) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    loss = TransferLoss(config, 3).double()
    targets = labels()
    return loss(Pair(student or output(1), teacher or output(2), *videos(time), targets, progress))


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
    targets = labels()
    pair = Pair(student, teacher, *videos(), targets)
    confident = TransferLoss(config, 3).terms(pair)
    plain = TransferLoss(TransferConfig(confidence="none"), 3).terms(pair)
    assert ((confident["score"] > 0) & (confident["score"] < 1)).all()
    torch.testing.assert_close(confident["tat1"], confident["score"] * plain["tat1"])
    torch.testing.assert_close(confident["tat2"], confident["score"] * plain["tat2"])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_student_and_the_extractor_never_the_teacher(kind):
    student, teacher = output(1), output(2)
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(confidence=kind, spread=0), 3).double()
    assert sum(1 for _ in loss.parameters()) == (3 if kind == "mlp" else 0)
    loss(Pair(student, teacher, *videos(), labels()))["total"].backward()
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
        return loss(Pair(changed, teacher, *videos(), soft_labels(teacher.logits), 0.6))["total"]

    inputs = student.logits, student.hidden, student.scores, last
    assert gradcheck(total, inputs, fast_mode=True)


def test_gradient_of_the_extractor_through_the_transfer():
    """Finite differences of the SAT term over every weight of the extractor, far from the threshold's steps."""
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(ce=0, sat=1, tat=0, spread=0, threshold=0), 3).double()
    student, teacher = output(1), output(2)
    names = [name for name, _ in loss.named_parameters()]
    targets = labels()

    def total(*weights):
        state = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(loss, state, (Pair(student, teacher, *videos(), targets),))["total"]

    weights = tuple(p.detach().clone().requires_grad_() for p in loss.parameters())
    assert gradcheck(total, weights, fast_mode=True)


def test_binary_maps_train_the_extractor_too():
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(binary=True, spread=0), 3).double()
    terms = loss(Pair(output(1), output(2), *videos(), labels()))
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
    terms = loss.terms(Pair(student, output(2), *videos(), labels()))
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
    soft = soft_labels(teacher.logits)
    assert not soft.requires_grad
    torch.testing.assert_close(soft.sum(1), torch.ones(B, dtype=torch.float64))
    torch.testing.assert_close(soft[0], teacher.logits[0].detach().exp() / teacher.logits[0].exp().sum())
    terms = TransferLoss(TransferConfig(confidence="none"), 3)(Pair(output(1), teacher, *videos(), soft))
    by_hand = -(soft * output(1).logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(terms["ce"], by_hand)


def test_a_term_that_is_not_finite_can_be_found_with_its_video():
    student = output(1)
    with torch.no_grad():
        student.stages[1][1, 0, 0, 0, 0, 0] = math.inf
    loss = TransferLoss(TransferConfig(confidence="difference"), 3)
    targets = labels()
    terms = loss.terms(Pair(student, output(2), *videos(), targets))
    broken = [name for name, term in terms.items() if not term.isfinite().all()]
    assert broken == ["sat", "sat2", "total"]
    assert terms["sat2"].isfinite().tolist() == [True, False]


def test_half_precision_outputs_are_compared_in_single():
    outputs = [output(seed, dtype=torch.float16) for seed in (1, 2)]
    loss = TransferLoss(TransferConfig(confidence="difference"), 3)
    hr, elr = (video.float() for video in videos())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = loss(Pair(*outputs, hr, elr, soft_labels(outputs[1].logits)))
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
    terms = loss(Pair(student(elr / 255), seen, hr, elr, soft_labels(seen.logits), 0.3))
    assert all(term.isfinite() for term in terms.values())
    terms["total"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in student.parameters())


def test_later_terms_join_the_total_by_their_weights():
    config = TransferConfig(
        ce=0.5, sat=0, tat=0, kd=0.1, dkd=0.2, dist=0.3, feature=0.4,
        temperature=3, dkd_alpha=0.5, dkd_beta=2, sat_inner=(0.1, 0.2, 0.3, 0.4), norm=1, confidence="none",
    )  # fmt: skip
    student, teacher = output(1), output(2)
    terms = run(config, student, teacher)
    stages = list(zip(student.stages, teacher.stages, strict=True))
    expected = {
        "ce": F.cross_entropy(student.logits, torch.arange(B)),
        "kd": kd_loss(student.logits, teacher.logits, 3).mean(),
        "dkd": dkd_loss(student.logits, teacher.logits, torch.arange(B), 0.5, 2, 3).mean(),
        "dist": dist_loss(student.logits, teacher.logits, 3).mean(),
        "feature": sum(i / 10 * feature_loss(s, t, 1).mean() for i, (s, t) in enumerate(stages, 1)),
    }
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value)
    total = sum(w * expected[n] for n, w in zip(expected, (0.5, 0.1, 0.2, 0.3, 0.4), strict=True))
    torch.testing.assert_close(terms["total"], total)


def test_unlabeled_clips_are_decoupled_by_the_teachers_first_choice():
    teacher, student = output(2), output(1)
    soft = soft_labels(teacher.logits)
    terms = TransferLoss(TransferConfig(dkd=1), 3).double()(Pair(student, teacher, *videos(), soft))
    expected = dkd_loss(student.logits, teacher.logits, teacher.logits.argmax(1), 1, 8, 4).mean()
    torch.testing.assert_close(terms["dkd"], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_trusted_as_attention_is(kind):
    """Where the map says nothing was kept, the feature term adds nothing; elsewhere it teaches the student alone."""
    student, teacher = output(1), output(2)
    torch.manual_seed(0)
    loss = TransferLoss(TransferConfig(ce=0, sat=0, tat=0, feature=1, confidence=kind, spread=0), 3).double()
    terms = loss(Pair(student, teacher, *videos(), labels()))
    terms["total"].backward()
    for ours, theirs in zip(student.stages, teacher.stages, strict=True):
        assert ours.grad is not None and ours.grad.abs().sum() > 0 and theirs.grad is None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in loss.parameters())
    plain = run(TransferConfig(feature=1, confidence="none"))
    assert (terms["feature"] == plain["feature"]) == (kind == "none")


LATER = ("kd", "dkd", "dist", "feature")


@pytest.mark.parametrize("name", LATER)
def test_later_terms_in_half_precision(name):
    outputs = [output(seed, dtype=torch.float16) for seed in (1, 2)]
    config = TransferConfig(confidence="none", **{name: 1.0})
    hr, elr = (video.float() for video in videos())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = TransferLoss(config, 3)(Pair(*outputs, hr, elr, labels().float()))
    assert terms[name].dtype == torch.float32
    assert terms[name].item() == pytest.approx(run(config)[name].item(), rel=5e-3)


def test_a_term_of_weight_0_is_not_computed():
    """T-Net's stages are missing: whoever looked at them would fail. Without any weight T-Net is missing whole."""
    nothing = {"sat": 0.0, "tat": 0.0}
    blind = output(2)._replace(stages=(), hidden=torch.empty(0), scores=torch.empty(0))
    for name in ("kd", "dkd", "dist"):
        assert set(run(TransferConfig(**nothing, **{name: 1.0}), teacher=blind)) == {"ce", name, "total"}
    alone = TransferLoss(TransferConfig(ce=0.5, **nothing), 3)
    assert not list(
        alone.parameters()
    )  # the extractor would have no gradient: distributed training stops then
    terms = alone(Pair(output(1), None, None, videos()[1], labels()))
    assert set(terms) == {"ce", "total"} and terms["total"] == 0.5 * terms["ce"]
    for name in ("sat", "tat", *LATER):
        with pytest.raises(ValueError, match="T-Net, whose output is missing"):
            TransferLoss(TransferConfig(**nothing | {name: 1.0}), 3)(
                Pair(output(1), None, *videos(), labels())
            )


def halved(maps: torch.Tensor) -> torch.Tensor:
    """Stage or video (B, K, C, T, H, W) averaged over 2x2 pixels."""
    return F.avg_pool2d(maps.flatten(0, 2), 2).unflatten(0, maps.shape[:3])


def small_output(seed: int) -> ActionOutput:
    """An S-Net's output on half the input, with half the channels."""
    full = output(seed)
    stages = tuple(halved(stage)[:, :, ::2].detach().requires_grad_() for stage in full.stages)
    return full._replace(stages=stages)


def test_a_smaller_s_net_is_compared_on_its_own_grid():
    """T-Net's 12x16 to 2x2 and the confidence meet S-Net's 6x8 to 1x1; sizes divide, so pooling is a reference."""
    student, teacher = small_output(1), output(2)
    config = TransferConfig(confidence="difference", threshold=0.5)
    loss, pair = TransferLoss(config, 3), Pair(student, teacher, *videos(), labels())
    terms = loss.terms(pair)
    assert pair.hr is not None
    confidence = loss.confidence(pair.hr, pair.elr)
    assert confidence is not None
    held = confidence * (confidence >= 0.5)  # (B, K, 1, 24, 32)
    for i, (s, t) in enumerate(zip(student.stages, teacher.stages, strict=True), 1):
        maps = held[:, :, 0], s.abs().sum(2)[:, :, 0], t.abs().sum(2)[:, :, 0]
        weight, ours, theirs = (F.adaptive_avg_pool2d(m, s.shape[-2:]).flatten(2) for m in maps)
        cosine = F.cosine_similarity(weight * ours, weight * theirs, dim=2)
        torch.testing.assert_close(terms[f"sat{i}"], (1 - cosine).square().mean(1).sqrt())
    alike = loss.terms(Pair(output(1), teacher, *videos(), labels()))
    for name in ("score", "kept", "spread", "empty"):  # what is told of the map and of T-Net
        assert torch.equal(terms[name], alike[name]), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("learn", ["joint", "lookahead"])
def test_networks_of_other_width_size_stem_and_backbone(kind, learn):
    torch.manual_seed(0)
    teacher = ActionNetwork(NetworkConfig("r2plus1d18", 6, "small"), CLASSES, 3, K, 5)
    student = ActionNetwork(NetworkConfig("resnet18", 4, "tiny"), CLASSES, 3, K, 5)
    hr, elr = (video.float() for video in videos(time=5))
    loss = TransferLoss(TransferConfig(confidence=kind, kd=1, dkd=1, dist=1, learn=learn), 3)
    with torch.no_grad():
        seen = teacher(hr / 255)
    said = student(halved(halved(elr)) / 255)  # 6x8 pixels
    assert [s.shape[3:] for s in said.stages] != [t.shape[3:] for t in seen.stages]
    terms = loss(Pair(said, seen, hr, elr, soft_labels(seen.logits), 0.3))
    assert all(term.isfinite() for term in terms.values())
    terms["total"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in student.parameters())
