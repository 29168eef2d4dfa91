"""Purwanto et al.'s network: what its attention is, and that HR teaches but is never needed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.rivals.i3d import each_stream
from farview.rivals.network import Step
from farview.rivals.purwanto import AttentionNetwork, PurwantoConfig
from farview.rivals.streams import Streams
from tests.rivals.networks import batch, loss_after_steps, run_end_to_end, without_hr

NARROW = PurwantoConfig(intervals=Intervals(1, 9), size=(40, 40), width=1 / 16)
TEACHER, STUDENT = Step("teacher", 0, 2), Step("student", 0, 2)


@pytest.fixture
def net() -> AttentionNetwork:
    torch.manual_seed(0)
    return AttentionNetwork(NARROW, 3, 1).eval()


def test_32_frames_of_224_pixels_are_196_tokens_of_256() -> None:
    """I3D's body has 12,287,264 weights with 3 channels (its 12,697,264 less 400 classes); the rest by hand."""
    with torch.device("meta"):
        net = AttentionNetwork(PurwantoConfig(), 51, 3)
        assert net.tokens(torch.empty(2, 3, 32, 224, 224)).shape == (2, 4 * 7 * 7, 256)
    rest = 1025 * 256 + 196 * 256 + 4 * 257 * 256 + 2 * 256 + 257 * 51
    assert sum(p.numel() for p in net.parameters()) == 12_287_264 + rest


def test_every_token_looks_at_all_and_its_attention_sums_to_1(net: AttentionNetwork) -> None:
    net.body.train()  # its norms know no statistics yet
    tokens = net.tokens(torch.randn(2, 1, 9, 40, 40))
    assert tokens.shape == (2, 2 * 2 * 2, 16)
    _, weights = net.attention(tokens, tokens, tokens, average_attn_weights=False)
    assert weights.shape == (2, 8, 8, 8) and (weights > 0).all()
    torch.testing.assert_close(weights.sum(3), torch.ones(2, 8, 8))


def test_the_order_of_tokens_matters_by_their_positions_alone(net: AttentionNetwork) -> None:
    tokens, order = torch.randn(2, 8, 16), torch.tensor([3, 1, 0, 2, 7, 6, 5, 4])
    with torch.no_grad():
        net.positions.normal_()
        found, moved = net.attend(tokens).mean(1), net.attend(tokens[:, order]).mean(1)
        assert (found - moved).abs().max() > 1e-2
        net.positions.zero_()
        found, moved = net.attend(tokens).mean(1), net.attend(tokens[:, order]).mean(1)
    torch.testing.assert_close(found, moved)


def test_a_student_that_says_what_the_teacher_says_has_nothing_to_learn_from_it() -> None:
    torch.manual_seed(0)
    network = NARROW.build(3, 1).eval()
    network.student.load_state_dict(network.teacher.state_dict())
    seen = batch(NARROW, [0, 1, 2], hr=True)
    alike = Streams({name: replace(part, hr=part.elr) for name, part in seen.parts.items()})
    terms = network.terms(alike, STUDENT)
    assert set(terms) == {"ce-rgb", "ce-flow", "kd-rgb", "kd-flow", "total"}
    assert abs(terms["kd-rgb"].item()) < 1e-6 and abs(terms["kd-flow"].item()) < 1e-6
    other = network.terms(seen, STUDENT)
    kd = other["kd-rgb"] + other["kd-flow"]
    assert kd.item() > 1e-6
    torch.testing.assert_close(other["total"], other["ce-rgb"] + other["ce-flow"] + 0.5 * kd)


def test_hr_is_seen_by_the_teacher_alone_and_never_in_testing() -> None:
    torch.manual_seed(0)
    network = NARROW.build(3, 1).eval()
    seen = batch(NARROW, [0, 1], hr=True)
    each = each_stream(network.student, seen, network.size)
    assert torch.equal(network(seen), network(without_hr(seen))) and network(seen).shape == (2, 1, 3)
    torch.testing.assert_close(network(seen), (each["rgb"] + each["flow"]) / 2)
    assert not torch.equal(network.judged(seen, "teacher"), network(seen))
    for step in (TEACHER, STUDENT):
        with pytest.raises(ValueError, match="HR"):
            network.terms(without_hr(seen), step)


def test_a_few_steps_lower_the_loss_and_the_teacher_stays_as_it_was() -> None:
    torch.manual_seed(0)
    config = replace(NARROW, streams=("rgb",))
    network = config.build(3, 1)
    seen = batch(config, [0, 1, 2, 0], hr=True)
    first, last = loss_after_steps(network, seen, TEACHER, steps=12)
    assert last < 0.7 * first
    before = {name: value.clone() for name, value in network.teacher.state_dict().items()}
    first, last = loss_after_steps(network, seen, STUDENT, steps=12)
    assert last < 0.7 * first
    assert all(torch.equal(value, before[name]) for name, value in network.teacher.state_dict().items())


def test_it_runs_end_to_end_and_its_file_holds_no_teacher(tmp_path: Path) -> None:
    config = replace(NARROW, intervals=Intervals(2, 2), size=(24, 32))
    folder = run_end_to_end(tmp_path, config)
    assert (folder / "teacher" / "history.csv").is_file()
    names = load_file(folder / "model.safetensors")
    assert names and all(name.startswith("student.") for name in names)
    learned = load_file(folder / "teacher" / "weights.safetensors")
    kept = load_file(folder / "student" / "weights.safetensors")
    assert all(
        torch.equal(kept[name], value) for name, value in learned.items() if name.startswith("teacher.")
    )


@pytest.mark.parametrize("wrong", [{"weight": -1.0}, {"temperature": 0.0}])
def test_options_that_cannot_work_are_refused(wrong: dict) -> None:
    with pytest.raises(FarviewError, match=next(iter(wrong))):
        PurwantoConfig(**wrong)
