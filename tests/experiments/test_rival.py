"""`farview train` with a rival in place of the networks."""

import json
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
    out = tmp_path / "run"
    assert sorted(path.name for path in out.iterdir()) == [
        "isr.safetensors",
        "phases",
        "predictions.csv",
        "recipe.yaml",
        "results.json",
    ]
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


def test_the_command_trains_what_a_recipe_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tiny_recipe(tmp_path)
    write_yaml(tmp_path / "mine.yaml", asdict(recipe))
    arguments = ["train", str(tmp_path / "mine.yaml"), "--rival.method=pot", "--rival.descriptors=[hof,cnn]"]
    main([*arguments, "--student.epochs=1"])
    shown = capsys.readouterr().out
    assert "student" in shown and f"model    {tmp_path / 'run' / 'pot.safetensors'}" in shown
    model = load(tmp_path / "run" / "pot.safetensors")
    assert model.trained["options"] == {"descriptors": ["hof", "cnn"]}
    with pytest.raises(SystemExit, match=r"rival\.copies: pot has no such option"):
        main([*arguments, "--rival.copies=2"])


def test_what_cannot_be_trained_is_said_first(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--augment.fresh_elr=true", "--input.sensor.noise=0")
    with pytest.raises(FarviewError, match=r"augment\.fresh_elr: a rival sees stored frames"):
        train_rival(replace(recipe, rival=ISR))
    assert not (tmp_path / "run").exists()
