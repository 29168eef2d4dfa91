"""`farview train` with a rival in place of the networks."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from farview.cli import main
from farview.errors import FarviewError
from farview.experiments.rival import train_rival
from farview.rivals.network_file import load
from farview.rivals.options import config_of
from farview.training.phases import write_yaml
from farview.training.recipe import read_recipe
from tests.training.tiny import tiny_recipe

ISR = {"method": "isr", "descriptors": ["hog", "hof"], "copies": 2, "pool": 2, "search_clips": 4}


def test_it_is_trained_written_and_not_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(tiny_recipe(tmp_path), rival=ISR)
    results = train_rival(recipe)
    out = tmp_path / "run" / "isr"
    assert sorted(path.name for path in out.iterdir()) == [
        "isr.safetensors",
        "predictions.csv",
        "recipe.yaml",
        "results.json",
    ]
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "isr",
        "phases",
    ]  # CSTAT's run may lie there
    model = load(out / "isr.safetensors")
    assert json.loads((out / "results.json").read_text()) == results
    assert results["test"]["prec1"] == model.accuracy["test"]["prec1"] and results["test"]["clips"] == 4
    assert results["clips"]["train"] == model.trained["clips"] and results["parameters"] == model.parameters
    assert results["rival"] == ISR and config_of(read_recipe(out / "recipe.yaml").rival) == config_of(ISR)
    written = (out / "predictions.csv").read_text().splitlines()
    assert len(written) == 5 and written[0].startswith("clip,label,predicted")
    capsys.readouterr()
    again = train_rival(recipe)
    assert "done before" in capsys.readouterr().out
    assert {**again, "created": None} == {**results, "created": None}


def test_the_command_trains_what_a_recipe_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    recipe = tiny_recipe(tmp_path)
    write_yaml(tmp_path / "mine.yaml", asdict(recipe))
    arguments = ["train", str(tmp_path / "mine.yaml"), "--rival.method=pot", "--rival.descriptors=[hof,cnn]"]
    main([*arguments, "--student.epochs=1"])
    shown = capsys.readouterr().out
    assert "student" in shown and f"model    {tmp_path / 'run' / 'pot' / 'pot.safetensors'}" in shown
    model = load(tmp_path / "run" / "pot" / "pot.safetensors")
    assert model.trained["options"] == {"descriptors": ["hof", "cnn"]}
    with pytest.raises(SystemExit, match=r"rival\.copies: pot has no such option"):
        main([*arguments, "--rival.copies=2"])
    with pytest.raises(
        SystemExit, match=r"rival\.copies: an option of a rival, and rival\.method names none"
    ):
        main(["train", str(tmp_path / "mine.yaml"), "--rival.copies=2"])
    capsys.readouterr()
    out = tmp_path / "run" / "pot"
    main(["evaluate", str(out / "pot.safetensors"), recipe.data.source, "--json"])
    expected = json.loads((out / "results.json").read_text())["test"]["prec1"]
    assert json.loads(capsys.readouterr().out)["prec1"] == pytest.approx(expected)
    with pytest.raises(
        SystemExit, match=r"pot: a run of the rival pot; the figures are those of T-Net and S-Net"
    ):
        main(["figures", str(out)])
    with pytest.raises(SystemExit, match=r"recipe\.yaml: trains the rival pot; its results\.json"):
        main(["cost", str(out / "recipe.yaml")])


def test_two_processes_train_its_network_together_and_one_writes(tmp_path: Path) -> None:
    """The second did wait for the first one's lock, which waited for the second to train."""
    write_yaml(tmp_path / "mine.yaml", asdict(tiny_recipe(tmp_path)))
    words = ["--rival.method=pot", "--machine.devices=2", "--student.epochs=1"]
    command = [sys.executable, "-m", "farview", "train", str(tmp_path / "mine.yaml"), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=240)
    assert done.returncode == 0 and done.stdout.count("pot.safetensors") == 1
    assert load(tmp_path / "run" / "pot" / "pot.safetensors").network is not None


def test_what_cannot_be_trained_is_said_first(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--augment.fresh_elr=true", "--input.sensor.noise=0")
    with pytest.raises(FarviewError, match=r"augment\.fresh_elr: a rival sees stored frames"):
        train_rival(replace(recipe, rival=ISR))
    assert not (tmp_path / "run").exists()
