"""The semi-coupled network: what both resolutions share, and what they never share."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from farview.errors import FarviewError
from farview.frames.intervals import Intervals
from farview.rivals.network import Step
from farview.rivals.semi_coupled import SemiCoupled, SemiCoupledConfig, Towers, hr_turn
from tests.rivals.networks import batch, loss_after_steps, run_end_to_end, without_hr

NARROW = SemiCoupledConfig(intervals=Intervals(2, 3), size=(16, 16), width=1 / 4)
SHARED = {
    "towers.rgb.conv1": 0,
    "towers.rgb.conv2": 4,
    "towers.rgb.conv3": 16,
    "towers.flow.conv1": 0,
    "towers.flow.conv2": 4,
    "towers.flow.conv3": 16,
    "fc1": 24,
    "fc2": 3,
}
"""Filters of NARROW (8, 16, 32; 32, 3 classes) that the published shares make common."""


def after(config: SemiCoupledConfig, epochs: tuple[int, ...]) -> SemiCoupled:
    torch.manual_seed(0)
    network = config.build(3, 1)
    for epoch in epochs:
        loss_after_steps(network, batch(config, [0, 1, 2], hr=True), Step("student", epoch, 3), steps=2)
    return network


def test_it_has_the_published_layers() -> None:
    """Counted by hand: 3 colours, 11 flow images of 2 channels, 51 classes."""
    config = SemiCoupledConfig()
    convolutions = 25 * 32 * 64 + 64 + 25 * 64 * 128 + 128
    towers = sum(25 * c * 32 + 32 + convolutions + 2 * (32 + 64 + 128) for c in (3, 22))
    head = 16 * 128 * 128 + 128 + 128 * 51 + 51
    for fusion, more in (("sum", 0), ("concat", 16 * 128 * 128), ("conv", 256 * 128 + 128)):
        net = Towers(replace(config, fusion=fusion), 51, 3)
        assert sum(p.numel() for p in net.parameters()) == towers + head + more
        inputs = {"rgb": torch.zeros(2, 3, 32, 32), "flow": torch.zeros(2, 22, 32, 32)}
        assert net(inputs).shape == (2, 51)
    assert net.towers["rgb"](inputs["rgb"]).shape == (2, 128, 4, 4)


@pytest.mark.parametrize("fusion", ["sum", "concat", "conv"])
def test_towers_are_summed_place_by_place_after_the_last_convolution(fusion) -> None:
    """Published: sum. What one tower's 4x4 map lacks the other may bring, at the same place; neither counts more."""
    net = Towers(replace(SemiCoupledConfig(), fusion=fusion), 5, 3).eval()
    rgb, flow, moved = torch.rand(3, 2, 128, 4, 4).unbind()

    def fused(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        hooks = [
            net.towers[stream].register_forward_hook(lambda *_, maps=maps: maps)
            for stream, maps in (("rgb", first), ("flow", second))
        ]
        logits = net({"rgb": torch.zeros(2, 3, 32, 32), "flow": torch.zeros(2, 22, 32, 32)})
        for hook in hooks:
            hook.remove()
        return logits

    published = SemiCoupledConfig().fusion == fusion
    assert published == (fusion == "sum")
    assert torch.allclose(fused(rgb, flow), fused(rgb + moved, flow - moved), atol=1e-4) == published
    assert torch.allclose(fused(rgb, flow), fused(flow, rgb), atol=1e-4) == published
    assert not torch.allclose(fused(rgb, flow), fused(rgb.flip(3), flow), atol=1e-4)


@pytest.mark.parametrize("epochs", [(0,), (1,), (0, 1)])
def test_after_a_turn_the_first_filters_are_common_and_the_others_not(epochs: tuple[int, ...]) -> None:
    network = after(NARROW, epochs)
    elr, hr = dict(network.elr.named_modules()), dict(network.hr.named_modules())
    for name, count in SHARED.items():
        for part, mine in elr[name].named_parameters():
            other, common = hr[name].get_parameter(part), 0 if (name, part) == ("fc2", "bias") else count
            assert torch.equal(mine[:common], other[:common])
            rest = zip(mine[common:], other[common:], strict=True)
            assert not any(torch.equal(one, two) for one, two in rest)
    norms = [name for name in elr if name.rpartition(".")[2].startswith("bn")]
    assert len(norms) == 6
    assert not any(torch.equal(elr[name].running_var, hr[name].running_var) for name in norms)


def test_with_none_in_common_each_learns_as_if_alone() -> None:
    config = replace(NARROW, coupling=(0.0,) * 5)
    both, first = after(config, (0, 1)), after(config, (0,))
    for one, two in zip(both.elr.parameters(), first.elr.parameters(), strict=True):
        assert torch.equal(one, two)
    fresh = after(config, ())
    for one, two in zip(first.hr.parameters(), fresh.hr.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("fusion", ["sum", "concat", "conv"])
def test_with_all_in_common_only_the_norms_and_the_classes_biases_differ(fusion) -> None:
    network = after(replace(NARROW, coupling=(1.0,) * 5, fusion=fusion), (0, 1))
    hr = dict(network.hr.named_parameters())
    for name, mine in network.elr.named_parameters():
        assert torch.equal(mine, hr[name]) != (".bn" in name or name == "fc2.bias")


def test_resolutions_take_turns_and_testing_sees_elr_alone() -> None:
    assert [hr_turn(Step("student", epoch, 3)) for epoch in range(3)] == [False, True, False]
    assert [hr_turn(Step("student", epoch, 4)) for epoch in range(4)] == [True, False, True, False]
    torch.manual_seed(0)
    network = NARROW.build(3, 1).eval()
    seen = batch(NARROW, [0, 1], hr=True)
    assert torch.equal(network(seen), network(without_hr(seen))) and network(seen).shape == (2, 2, 3)
    network.terms(without_hr(seen), Step("student", 0, 3))
    with pytest.raises(ValueError, match="HR"):
        network.terms(without_hr(seen), Step("student", 1, 3))


def test_an_interval_is_its_middle_frame_and_its_own_flow() -> None:
    network = NARROW.build(3, 1).eval()
    seen = batch(NARROW, [0, 1])
    before = network.inputs(seen, hr=False)
    assert before["rgb"].shape == (4, 1, 16, 16) and before["flow"].shape == (4, 6, 16, 16)
    seen.parts["flow"].elr[0, 1] = 0  # the second interval of the first clip
    now = network.inputs(seen, hr=False)
    changed = [not torch.equal(a, b) for a, b in zip(before["flow"], now["flow"], strict=True)]
    assert changed == [True, True, False, False]  # by the video's mean
    torch.testing.assert_close(now["flow"][0].diff(dim=0)[:2], before["flow"][0].diff(dim=0)[:2])
    mean = now["flow"].unflatten(0, (2, 2)).unflatten(2, (2, 3)).mean((1, 3))
    torch.testing.assert_close(mean, torch.zeros(2, 2, 16, 16))
    video = seen.see("rgb", (16, 16))
    torch.testing.assert_close(now["rgb"][1], (video[0, 1, :, 1] - video[0].mean((0, 2))))


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_few_steps_lower_the_loss(epoch: int) -> None:
    torch.manual_seed(0)
    seen = batch(NARROW, [0, 1, 2, 0], hr=True)
    first, last = loss_after_steps(NARROW.build(3, 1), seen, Step("student", epoch, 3))
    assert last < 0.7 * first


def test_it_runs_end_to_end_and_shares_filters_at_the_end(tmp_path: Path) -> None:
    folder = run_end_to_end(tmp_path, NARROW)
    weights = load_file(folder / "student" / "weights.safetensors")
    for name, count in SHARED.items():
        elr, hr = weights[f"elr.{name}.weight"], weights[f"hr.{name}.weight"]
        assert torch.equal(elr[:count], hr[:count]) and torch.equal(elr, hr) == (name == "fc2")
    assert not any(key.startswith("hr.") for key in load_file(folder / "model.safetensors"))


def test_one_stream_is_a_network_too() -> None:
    config = replace(NARROW, streams=("flow",), fusion="conv")
    assert config.build(3, 1)(batch(config, [0, 1])).shape == (2, 2, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"fusion": "max"}, {"coupling": (0.5,) * 4}, {"coupling": (2.0,) * 5}, {"intervals": Intervals(1, 1)}],
)
def test_options_that_cannot_work_are_refused(wrong: dict) -> None:
    with pytest.raises(FarviewError, match=next(iter(wrong))):
        SemiCoupledConfig(**wrong)
