"""The fully-coupled network: one set of weights whatever the resolution, and what its sequences may ignore."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from farview.frames.intervals import Intervals
from farview.rivals.fully_coupled import Aggregation, FullyCoupledConfig
from farview.rivals.network import Step
from farview.rivals.network_file import load_rival
from farview.rivals.run import run_rival
from farview.training.checkpoint import Keeper
from tests.rivals.networks import batch, loss_after_steps, run_end_to_end, without_hr
from tests.training.tiny import tiny_recipe

NARROW = FullyCoupledConfig(intervals=Intervals(3, 4), size=(16, 16), width=1 / 16)
SEQUENCES = ("--transfer.epochs", "2", "--transfer.optimizer", "rmsprop", "--transfer.keep", "last")
FEATURES, SEQUENCE = Step("features", 0, 2), Step("sequence", 0, 2)


def test_no_weight_belongs_to_a_resolution() -> None:
    names = [name for name, _ in NARROW.build(3, 1).named_parameters()]
    parts = {part for name in names for part in name.split(".")}
    assert {"c3d", "rgb", "flow"} < parts and not {"hr", "elr", "lr", "low", "high"} & parts


def test_removing_hr_changes_the_data_alone() -> None:
    seen, losses, counts = batch(NARROW, [0, 1, 2], hr=True), [], []
    for hr in (True, False):
        torch.manual_seed(0)
        network = replace(NARROW, hr=hr).build(3, 1).eval()
        features, labels = network.samples(seen)
        counts.append(sum(p.numel() for p in network.parameters()))
        losses.append((features["rgb"], features["flow"], labels))
        assert torch.equal(network(seen), network(without_hr(seen)))  # testing sees eLR alone
    for both, alone in zip(*losses, strict=True):
        assert len(both) == 2 * len(alone)
        torch.testing.assert_close(both[: len(alone)], alone)
    assert counts[0] == counts[1]


def test_one_batch_norm_sees_both_resolutions_at_once() -> None:
    """Else each would learn behind statistics of its own, and testing on eLR alone behind a mixture."""
    torch.manual_seed(0)
    config = replace(NARROW, norm=True, streams=("rgb",))
    network, seen = config.build(3, 1), batch(config, [0, 1, 2], hr=True)
    convolution, norm = network.c3d["rgb"].convolutions[:2]
    network.terms(seen, FEATURES)
    assert norm.num_batches_tracked == 1
    both = torch.cat([seen.see("rgb", config.size, hr).flatten(0, 1) for hr in (False, True)])
    torch.testing.assert_close(norm.running_mean, 0.1 * convolution(both).mean((0, 2, 3, 4)))


@pytest.fixture
def aggregation() -> Aggregation:
    torch.manual_seed(0)
    return Aggregation(5, ("rgb", "flow"), 6, 4).double()


def units(count: int) -> dict:
    return {stream: torch.rand(2, count, 6, dtype=torch.float64) for stream in ("rgb", "flow")}


def test_padding_with_zeros_changes_no_logit(aggregation: Aggregation) -> None:
    features = units(3)
    padded = {stream: torch.cat([each, torch.zeros(2, 4, 6)], 1) for stream, each in features.items()}
    torch.testing.assert_close(aggregation(padded), aggregation(features), rtol=0, atol=1e-12)
    padded["rgb"][0, 3] = 1.0  # one clip has a unit more
    changed = (aggregation(padded) - aggregation(features)).abs().amax(1)
    assert changed[0] > 1e-3 and changed[1] < 1e-12
    empty = {stream: torch.zeros(2, 3, 6, dtype=torch.float64) for stream in features}
    assert aggregation(empty).isfinite().all()


def test_scaling_a_unit_changes_nothing(aggregation: Aggregation) -> None:
    features = units(3)
    larger = {stream: each * torch.rand(2, 3, 1) * 9 for stream, each in features.items()}
    torch.testing.assert_close(aggregation(larger), aggregation(features), rtol=0, atol=1e-12)


def test_the_order_of_units_matters_and_states_of_all_directions_are_summed(aggregation: Aggregation) -> None:
    features = units(3)
    backwards = {stream: each.flip(1) for stream, each in features.items()}
    assert (aggregation(backwards) - aggregation(features)).abs().max() > 1e-3
    total = torch.zeros(2, 4, dtype=torch.float64)
    for stream, each in features.items():
        each = each / each.norm(dim=2, keepdim=True)
        output, _ = aggregation.grus[stream](each)
        total += output[:, -1, :4] + output[:, 0, 4:]  # the last forward state, the last backward one
    torch.testing.assert_close(aggregation(features), aggregation.fc(total))


def test_a_few_steps_lower_the_loss_of_each_stage_and_change_no_other_weights() -> None:
    torch.manual_seed(0)
    network = NARROW.build(3, 1)
    seen = batch(NARROW, [0, 1, 2, 0], hr=True)
    before = {name: p.clone() for name, p in network.named_parameters()}
    first, last = loss_after_steps(network, seen, FEATURES, steps=20)
    assert last < 0.8 * first
    between = {name: p.clone() for name, p in network.named_parameters()}
    changed = {name.split(".")[0] for name, p in between.items() if not torch.equal(p, before[name])}
    assert changed == {"c3d"}
    first, last = loss_after_steps(network, seen, SEQUENCE, steps=40)
    assert last < 0.8 * first
    changed = {
        name.split(".")[0] for name, p in network.named_parameters() if not torch.equal(p, between[name])
    }
    assert changed == {"aggregation"}


def test_it_runs_end_to_end_with_features_that_stay_fixed(tmp_path: Path) -> None:
    folder = run_end_to_end(tmp_path, NARROW, *SEQUENCES)
    learned = load_file(folder / "features" / "weights.safetensors")
    model = load_file(folder / "model.safetensors")
    classify = {name for name in learned if ".fc7." in name or ".fc8." in name}
    assert (
        len(classify) == 8 and classify == learned.keys() - model.keys()
    )  # units are classified in training alone
    kept = [name for name in learned if name.startswith("c3d") and name not in classify]
    assert kept and all(torch.equal(learned[name], model[name]) for name in kept)
    numbers = sum(p.numel() for p in load_rival(folder / "model.safetensors").network.parameters())
    assert numbers == load_rival(folder / "model.safetensors").parameters
    assert not torch.equal(learned["aggregation.fc.weight"], model["aggregation.fc.weight"])


def test_a_run_cut_in_its_second_stage_goes_on_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(NARROW, streams=("rgb",), hr=False)
    recipe = tiny_recipe(tmp_path, "--student.epochs", "2", *SEQUENCES)
    whole = run_rival(replace(recipe, shared=str(tmp_path / "whole")), config, quiet=True)
    honest, epochs = Keeper.on_train_epoch_end, []

    def cut(self: Keeper, trainer, module) -> None:
        honest(self, trainer, module)
        epochs.append((module.stage, trainer.current_epoch))
        if len(epochs) == 3:
            raise ZeroDivisionError("cut")

    monkeypatch.setattr(Keeper, "on_train_epoch_end", cut)
    with pytest.raises(ZeroDivisionError):
        run_rival(recipe, config, quiet=True)
    folder = run_rival(recipe, config, quiet=True)
    assert epochs == [("features", 0), ("features", 1), ("sequence", 0), ("sequence", 1)]
    first, second = (load_file(each / "model.safetensors") for each in (whole, folder))
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
