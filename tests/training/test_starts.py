"""Where S-Net starts: T-Net's weights, refitted or not; and the run that goes on with labels alone."""

import csv
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from farview.data.augment import normalise
from farview.data.batches import ClipFrames
from farview.errors import FarviewError
from farview.models.model_file import read_contract
from farview.training.phases import Run, phase_digests, run
from tests.training.tiny import tiny_recipe

TEACHER = ["--phases=[teacher,transfer]", "--transfer.initial=teacher"]
STILL = ["--transfer.epochs=1", "--transfer.lr=1e-12", "--transfer.freeze_norm=true"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips, and a run's folder, so that T-Net is trained once."""
    return tmp_path_factory.mktemp("starts")


def trained(folder: Path, *settings: str) -> Run:
    return run(tiny_recipe(folder, *TEACHER, *settings), quiet=True)


def test_t_nets_weights_are_where_s_net_starts(folder: Path) -> None:
    """At a rate of nearly 0 and with frozen norms the result is the start: every tensor of T-Net."""
    done = trained(folder, *STILL)
    teacher, student = (load_file(done.models[phase]) for phase in ("teacher", "transfer"))
    assert teacher.keys() == student.keys()
    for key, tensor in teacher.items():
        torch.testing.assert_close(student[key], tensor, rtol=0, atol=1e-6, msg=key)


def test_refitted_start_changes_the_first_convolution_and_the_norms_statistics(folder: Path) -> None:
    done = trained(folder, *STILL, "--transfer.refit=true")
    teacher, student = (load_file(done.models[phase]) for phase in ("teacher", "transfer"))
    changed = {key for key in teacher if not torch.allclose(teacher[key], student[key], rtol=0, atol=1e-6)}
    statistics = {key for key in teacher if key.endswith(("running_mean", "running_var"))}
    assert changed - {key for key in teacher if key.endswith("num_batches_tracked")} == {
        "backbone.conv1.weight",
        *statistics,
    }

    contract, clips = read_contract(done.models["transfer"]), done.clips
    frames = ClipFrames(clips.train, clips.store, contract.intervals, hr=True, elr=True)
    hr, elr = (
        normalise(video, contract.mean, contract.std).flatten(0, 1).flatten(1, 2)  # (B*K, C*T, H, W)
        for video in frames.__getitems__([(0, i) for i in range(len(frames))]).videos(contract.input_size)
        if video is not None
    )
    wanted, before, after = (
        F.conv2d(images, state["backbone.conv1.weight"], None, 2, 2)
        for images, state in ((hr, teacher), (elr, teacher), (elr, student))
    )
    assert (after - wanted).square().mean() < 0.9 * (before - wanted).square().mean()
    # All training clips fit into one batch here, so that its statistics are the norm's.
    torch.testing.assert_close(
        student["backbone.bn1.running_mean"], after.mean((0, 2, 3)), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(
        student["backbone.bn1.running_var"], after.var((0, 2, 3)), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("setting", ["teacher.refit", "student.refit"])
def test_refit_is_the_transfers_alone(folder: Path, setting: str) -> None:
    with pytest.raises(FarviewError, match=rf"{setting}: only the transfer .* transfer\.initial: teacher"):
        tiny_recipe(folder, f"--{setting}=true")


def test_refit_of_s_nets_own_weights_is_refused(folder: Path) -> None:
    with pytest.raises(FarviewError, match=r"transfer\.refit: .* set transfer\.initial: teacher"):
        tiny_recipe(folder, "--transfer.refit=true")  # it starts from `student`


@pytest.mark.parametrize(
    "weights",
    [{}, {"kd": 0.5}, {"dkd": 0.5}, {"dist": 0.5}, {"feature": 0.5}],
    ids=lambda w: next(iter(w), "ce"),
)
def test_every_later_term_trains_and_is_logged(folder: Path, weights: dict[str, float]) -> None:
    settings = [f"--loss.{key}={value}" for key, value in ({"ce": 1, "sat": 0, "tat": 0} | weights).items()]
    settings.append("--loss.confidence=none")  # the map's own term would join the total
    done = trained(folder, "--transfer.epochs=2", *settings)
    rows = list(csv.DictReader((done.folders["transfer"] / "history.csv").open()))
    logged = {key.removeprefix("train/") for key in rows[0] if key.startswith("train/")}
    others = {"ce", "sat", "tat", "kd", "dkd", "dist", "feature", "total"}
    assert logged & others == {"ce", "total", *weights}
    for row in rows:
        total = sum(w * float(row[f"train/{key}"]) for key, w in weights.items()) + float(row["train/ce"])
        assert float(row["train/total"]) == pytest.approx(total, abs=1e-4)


def test_a_file_of_first_weights_that_is_not_there_is_named_before_anything_is_decoded(
    tmp_path: Path,
) -> None:
    recipe = tiny_recipe(tmp_path, f"--student.initial={tmp_path / 'none.pth'}")
    with pytest.raises(FarviewError, match=r"student\.initial: .*none\.pth: no such file of first weights"):
        run(recipe, quiet=True)
    assert not Path(recipe.store).exists()


def test_each_stream_starts_from_its_own_file(tmp_path: Path) -> None:
    """`{stream}` stands for the recipe's, also in the digest."""
    keys = ("--phases=[student]", "--student.epochs=1", "--input.stream=flow")
    still = ("--student.lr=1e-12", "--student.freeze_norm=true")
    for stream, seed in (("rgb", 1), ("flow", 2)):
        made = run(tiny_recipe(tmp_path, *keys, f"--seed={seed}", f"--out={tmp_path / stream}"), quiet=True)
        (tmp_path / f"{stream}.safetensors").write_bytes(made.models["student"].read_bytes())
    named = f"--student.initial={tmp_path / '{stream}.safetensors'}"
    done = run(tiny_recipe(tmp_path, *keys, *still, named), quiet=True)
    learned = load_file(done.models["student"])
    for key, tensor in load_file(tmp_path / "flow.safetensors").items():
        torch.testing.assert_close(learned[key], tensor, rtol=0, atol=1e-6, msg=key)
    plain = tiny_recipe(tmp_path, *keys, *still, f"--student.initial={tmp_path / 'flow.safetensors'}")
    before = phase_digests(done.recipe, done.clips)["student"]
    (tmp_path / "rgb.safetensors").write_bytes(b"changed")
    assert phase_digests(done.recipe, done.clips)["student"] == before
    (tmp_path / "flow.safetensors").write_bytes(b"changed")
    assert phase_digests(done.recipe, done.clips)["student"] != before
    with pytest.raises(FarviewError, match=r"flow\.safetensors"):
        run(plain, quiet=True)
