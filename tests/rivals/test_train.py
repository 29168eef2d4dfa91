"""Training a rival network: cut and resumed, stopped where it diverges, its file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from farview.cli import main
from farview.errors import FarviewError
from farview.experiments.evaluate import evaluate
from farview.frames.flow import FlowConfig
from farview.frames.intervals import Intervals
from farview.rivals.fully_coupled import FullyCoupledConfig
from farview.rivals.i3d import I3dConfig, TwoStream
from farview.rivals.network_file import load_rival
from farview.rivals.pot import PotConfig
from farview.rivals.pot_file import load_pot, read_description
from farview.rivals.purwanto import PurwantoConfig
from farview.rivals.run import RivalConfig, rival_folder, run_rival
from farview.rivals.semi_coupled import SemiCoupledConfig
from farview.training.checkpoint import Keeper
from farview.training.data import prepare
from farview.training.recipe import PHASES, Phase
from tests.training.tiny import tiny_recipe

SMALL = I3dConfig(streams=("rgb",), intervals=Intervals(1, 2), size=(12, 16), width=1 / 16)


def test_a_run_that_was_cut_goes_on_and_ends_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny_recipe(tmp_path)
    whole = run_rival(replace(recipe, shared=str(tmp_path / "whole")), SMALL, quiet=True)
    honest, epochs = Keeper.on_train_epoch_end, []

    def cut(self: Keeper, trainer, module) -> None:
        honest(self, trainer, module)
        epochs.append(trainer.current_epoch)
        if epochs == [0]:
            raise ZeroDivisionError("cut")

    monkeypatch.setattr(Keeper, "on_train_epoch_end", cut)
    with pytest.raises(ZeroDivisionError):
        run_rival(recipe, SMALL, quiet=True)
    folder = run_rival(recipe, SMALL, quiet=True)
    assert epochs == [0, 1, 2] and folder.name == whole.name
    first, second = (load_file(each / "model.safetensors") for each in (whole, folder))
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = TwoStream.terms
    monkeypatch.setattr(
        TwoStream, "terms", lambda self, *a: {k: v * float("nan") for k, v in honest(self, *a).items()}
    )
    recipe = tiny_recipe(tmp_path)
    with pytest.raises(FarviewError, match="'ce-rgb' is nan on clips"):
        run_rival(recipe, SMALL, quiet=True)


def test_a_network_that_diverged_is_no_result(tmp_path: Path) -> None:
    settings = ["--student.epochs=1", "--student.batch=64", "--student.warmup=0", "--student.optimizer=sgd"]
    recipe = tiny_recipe(tmp_path, *settings, "--student.lr=1e30", "--data.val_share=0")
    with pytest.raises(FarviewError, match=r"logits are not finite on .* clips"):
        run_rival(recipe, SMALL, quiet=True)
    assert not list((tmp_path / "run").rglob("model.safetensors"))


def test_elr_frames_made_anew_are_refused(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--augment.fresh_elr=true")
    with pytest.raises(FarviewError, match=r"augment\.fresh_elr"):
        run_rival(recipe, SMALL, quiet=True)


def test_the_folder_depends_on_what_trains_it_and_on_nothing_else(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    clips = prepare(replace(recipe, phases=("student",)), quiet=True)
    folder = rival_folder(recipe, SMALL, clips)
    for other in (
        replace(recipe, seed=1),
        replace(recipe, student=replace(recipe.student, lr=0.5)),
        replace(recipe, augment=replace(recipe.augment, gain=0.5)),
    ):
        assert rival_folder(other, SMALL, clips) != folder
    assert rival_folder(recipe, replace(SMALL, width=0.5), clips) != folder
    motion = replace(recipe, input=replace(recipe.input, flow=FlowConfig(bound=10.0)))
    both = replace(SMALL, streams=("rgb", "flow"))
    assert rival_folder(motion, both, clips) != rival_folder(recipe, both, clips)
    assert rival_folder(motion, SMALL, clips) == folder
    for other in (
        replace(recipe, teacher=replace(recipe.teacher, lr=0.5)),  # it has no teacher
        replace(recipe, input=replace(recipe.input, size=(48, 64))),  # and sees no HR
        replace(recipe, network=replace(recipe.network, width=8)),
    ):
        assert rival_folder(other, SMALL, clips) == folder


def test_the_folder_depends_on_each_streams_file_of_first_weights(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    clips = prepare(replace(recipe, phases=("student",)), quiet=True)
    both = replace(SMALL, streams=("rgb", "flow"))
    files = [tmp_path / f"{stream}.pth" for stream in both.streams]
    for file in files:
        file.write_bytes(b"one")
    started = replace(recipe, student=replace(recipe.student, initial=str(tmp_path / "{stream}.pth")))
    seen = [rival_folder(started, both, clips)]
    for file in files:
        file.write_bytes(b"another")
        seen.append(rival_folder(started, both, clips))
    assert len(set(seen)) == 3


def test_its_file_says_what_it_is_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--student.epochs", "1")
    path = run_rival(recipe, SMALL, quiet=True) / "model.safetensors"
    text = read_description(path)
    assert text["method"] == "i3d" and text["config"]["width"] == 1 / 16
    assert text["trained"]["training"]["student"]["epochs"] == 1 and text["sensor"]["height"] == 6
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-10])
    with pytest.raises(FarviewError, match="cut: not a whole"):
        load_rival(tmp_path / "cut")
    with pytest.raises(FarviewError, match="holds 'i3d'"):
        load_pot(path)
    pytest.importorskip("sklearn")
    pot = run_rival(recipe, PotConfig(("hog",)), quiet=True) / "model.safetensors"
    with pytest.raises(FarviewError, match="holds 'pot'"):
        load_rival(pot)


@pytest.mark.parametrize(
    ("config", "section", "initial", "said"),
    [
        (SemiCoupledConfig(), "student", "w.pth", r"student\.initial: semi-coupled starts this from random"),
        (
            FullyCoupledConfig(),
            "transfer",
            "w.pth",
            r"transfer\.initial: fully-coupled starts this from random",
        ),
        (SMALL, "student", "teacher", r"student\.initial: teacher: a rival starts from a file"),
        (I3dConfig(), "student", "{stream}.pth", r"student\.initial: .*flow\.pth: no such file"),
        (PurwantoConfig(), "teacher", "none.pth", r"teacher\.initial: .*none\.pth: no such file"),
        (PotConfig(), "student", "none.pth", r"student\.initial: .*none\.pth: no such file"),
    ],
)
def test_first_weights_that_cannot_be_are_refused_before_anything_is_decoded(
    config: RivalConfig, section: Phase, initial: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "rgb.pth").touch()
    recipe = tiny_recipe(tmp_path)
    given = replace(
        getattr(recipe, section), initial=initial if initial in PHASES else str(tmp_path / initial)
    )
    with pytest.raises(FarviewError, match=said):
        run_rival(replace(recipe, **{section: given}), config, quiet=True)
    assert not Path(recipe.store).exists()


def test_a_support_vector_machine_refuses_first_weights(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    given = replace(recipe, student=replace(recipe.student, initial="weights.pt"))
    with pytest.raises(FarviewError, match=r"student\.initial: pot has no weights"):
        run_rival(given, PotConfig(("hog",)), quiet=True)


def test_the_verb_evaluate_gives_the_figures_of_training(tmp_path: Path) -> None:
    """Of a network and of a support vector machine; who wants a T-Net or S-Net is told what the file is."""
    recipe = tiny_recipe(tmp_path, "--student.epochs=1")
    for config in (SMALL, PotConfig()):
        model = run_rival(recipe, config, quiet=True) / "model.safetensors"
        trained = read_description(model)["accuracy"]
        for part, name in (("test", "test"), ("val", "validation")):
            found = evaluate(model, recipe.data, part, store=recipe.store, quiet=True)  # type: ignore[arg-type]
            assert found.accuracy.clips == trained[name]["clips"]
            assert found.accuracy.prec1 == pytest.approx(trained[name]["prec1"])
        if config is SMALL:
            grey = [np.zeros((3, 6, 8, 1), np.uint8)]
            with pytest.raises(
                FarviewError, match="the frames have 1 channels, and the i3d network was trained on 3"
            ):
                load_rival(model).logits(grey)
        with pytest.raises(SystemExit, match="is a rival of Table V, which farview evaluate can measure"):
            main(["predict", str(model), str(tmp_path / "clips")])
