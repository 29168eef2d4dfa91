"""On a GPU: what it computes is what a CPU computes, in each precision, and a run may change between the two."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farview.experiments.evaluate import evaluate
from farview.frames.arrays import MemoryFrames
from farview.frames.intervals import Intervals
from farview.models.model_file import load_model, read_contract
from farview.models.recogniser import Recogniser
from farview.rivals.i3d import I3dConfig
from farview.rivals.network_file import load_rival
from farview.rivals.pot import PotConfig
from farview.rivals.run import RivalConfig, run_rival
from farview.training.checkpoint import Keeper
from farview.training.data import prepare
from farview.training.phases import run
from farview.training.recipe import Recipe
from farview.training.scores import read_scores
from tests.training.tiny import tiny_recipe

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA GPU")
DEEP = ("--network.backbone=r2plus1d18", "--input.intervals={count: 2, frames: 3, stride: 1}")
SGD = tuple(
    f"--{phase}.{key}" for phase in ("teacher", "student", "transfer") for key in ("optimizer=sgd", "lr=0.01")
)


@pytest.fixture(autouse=True)
def whole_float32() -> Iterator[None]:
    """Convolutions of float32 numbers in float32: by default a GPU takes 10 bits of each."""
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = True


def on(recipe: Recipe, accelerator: str, out: Path, precision: str = "32-true") -> Recipe:
    machine = replace(recipe.machine, accelerator=accelerator, precision=precision)
    return replace(recipe, machine=machine, out=str(out))


@pytest.mark.parametrize("settings", [(), DEEP, ("--augment.fresh_noise=true",), ("--loss.confidence=mlp",)])
def test_it_trains_as_a_cpu_does(tmp_path: Path, settings: tuple[str, ...]) -> None:
    recipe = tiny_recipe(tmp_path, *SGD, *settings)
    runs = {name: run(on(recipe, name, tmp_path / name), quiet=True) for name in ("cpu", "gpu")}
    for phase, folder in runs["cpu"].folders.items():
        expected, found = (read_scores(run.folders[phase] / "test-predictions.csv") for run in runs.values())
        assert folder.name == runs["gpu"].folders[phase].name  # a digest knows of no processor
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=0.01)


@pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed"])
@pytest.mark.parametrize("settings", [(), DEEP])
def test_16_bits_train_a_model_that_any_machine_runs(
    tmp_path: Path, precision: str, settings: tuple[str, ...]
) -> None:
    recipe = on(tiny_recipe(tmp_path, *settings), "gpu", tmp_path / "run", precision)
    done = run(recipe, quiet=True)
    for phase, model in done.models.items():
        network, _ = load_model(model)
        assert all(p.dtype == torch.float32 and p.isfinite().all() for p in network.parameters())
        measured = evaluate(model, recipe.data, store=recipe.store, accelerator="cpu", quiet=True).accuracy
        assert measured.prec1 == pytest.approx(read_contract(done.models[phase]).accuracy["test"]["prec1"])


def test_a_run_cut_on_a_gpu_goes_on_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny_recipe(tmp_path, *SGD, "--phases=[student]")
    whole = run(on(recipe, "cpu", tmp_path / "whole"), quiet=True)
    honest = Keeper.on_train_epoch_end

    def cut(self: Keeper, trainer, module) -> None:
        honest(self, trainer, module)
        if trainer.current_epoch == 0:
            raise ZeroDivisionError("cut")

    monkeypatch.setattr(Keeper, "on_train_epoch_end", cut)
    with pytest.raises(ZeroDivisionError):
        run(on(recipe, "gpu", tmp_path / "cut"), quiet=True)
    monkeypatch.setattr(Keeper, "on_train_epoch_end", honest)
    again = run(on(recipe, "cpu", tmp_path / "cut"), quiet=True)
    expected, found = (read_scores(run.folders["student"] / "test-predictions.csv") for run in (whole, again))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=0.01)


def test_what_is_measured_and_recognised_there_is_the_same(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    model = run(on(recipe, "cpu", tmp_path / "run"), quiet=True).models["transfer"]
    asked = {"config": recipe.data, "store": recipe.store, "quiet": True}
    there, here = (evaluate(model, accelerator=name, **asked).predictions for name in ("gpu", "cpu"))
    for name in ("logits", "interval_logits", "features", "attention"):
        torch.testing.assert_close(getattr(there, name), getattr(here, name), atol=1e-4, rtol=1e-4)
    video = np.random.default_rng(0).integers(0, 256, (9, 6, 8, 3), np.uint8)
    first, second = (Recogniser(model, device).recognise(MemoryFrames(video)) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-4)


def test_a_rival_trains_as_a_cpu_does(tmp_path: Path) -> None:
    config = I3dConfig(streams=("rgb",), intervals=Intervals(1, 2), size=(12, 16), width=1 / 16, dropout=0.0)
    recipe = tiny_recipe(tmp_path, *SGD)
    folders = [run_rival(on(recipe, name, tmp_path / name), config, quiet=True) for name in ("cpu", "gpu")]
    clips = prepare(recipe, quiet=True)
    assert len({folder.name for folder in folders}) == 1
    expected, found = (read_scores(folder / "test-predictions.csv") for folder in folders)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=0.02)
    videos = [clips.store.elr(clip.source) for clip in clips.test[:2]]
    assert np.isfinite(load_rival(folders[1] / "model.safetensors").logits(videos)).all()


@pytest.mark.parametrize(
    "config",
    [
        I3dConfig(streams=("rgb",), intervals=Intervals(1, 2), size=(12, 16), width=1 / 16),
        PotConfig(("hof", "cnn")),
    ],
)
def test_a_rival_is_measured_there_as_on_a_cpu(tmp_path: Path, config: RivalConfig) -> None:
    pytest.importorskip("sklearn")
    recipe = on(tiny_recipe(tmp_path), "gpu", tmp_path / "run")
    model = run_rival(recipe, config, quiet=True) / "model.safetensors"
    asked = {"config": recipe.data, "store": recipe.store, "quiet": True}
    there, here = (evaluate(model, accelerator=name, **asked).predictions for name in ("gpu", "cpu"))
    torch.testing.assert_close(there.logits, here.logits, atol=1e-4, rtol=1e-4)
