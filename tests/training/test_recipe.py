"""Every recipe that ships is read against the real types; wrong ones are answered with the key and a remedy."""

from pathlib import Path

import pytest

from farview.errors import FarviewError
from farview.training.recipe import PHASES, digest, known_keys, read_recipe, recipe_path

RECIPES = sorted((Path(__file__).parents[2] / "recipes").rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_recipes_parse_and_say_how_to_run_them(path: Path) -> None:
    recipe = read_recipe(path)
    assert set(recipe.phases) <= set(PHASES)
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any("farview train" in line or "farview demo" in line for line in head)


@pytest.mark.parametrize("name", ["paper/resnet34", "paper/r2plus1d18"])
def test_paper_recipes_are_the_papers(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.input.size == (256, 340)
    assert (recipe.input.sensor.height, recipe.input.sensor.width) == (12, 16)
    k = recipe.input.intervals
    assert (k.count, k.frames) == ((8, 1) if name.endswith("34") else (4, 5))
    for phase in (recipe.teacher, recipe.student, recipe.transfer):
        assert (phase.batch, phase.lr, phase.epochs, phase.step, phase.warmup) == (256, 0.001, 50, 20, 5)
        assert (phase.optimizer, phase.momentum, phase.schedule) == ("sgd", 0.9, "step")
    assert recipe.network.width == 64 and recipe.network.stem == "imagenet"
    assert recipe.loss.confidence == "mlp" and recipe.loss.norm == 2


def test_every_key_can_be_overridden() -> None:
    recipe = read_recipe(
        "mime", ["--student.lr=0.5", "--input.sensor.height=6", "--loss.rolling=true", "--seed=3"]
    )
    assert (recipe.student.lr, recipe.input.sensor.height, recipe.loss.rolling, recipe.seed) == (
        0.5,
        6,
        True,
        3,
    )
    assert {"data.source", "input.sensor.blur", "loss.sat_inner", "machine.precision"} <= set(known_keys())


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("--student.lrr=1", "did you mean 'student.lr'"),
        ("--nettwork.width=3", "did you mean 'network.width'"),
        ("--student.lr=fast", "student.lr.*float"),
        ("--student.epochs=0", "student.epochs.*above 0"),
        ("--student.micro_batch=7", "student.micro_batch.*divide"),
        ("--phases=[transfer,teacher]", "phases"),
        ("--network.backbone=vgg", "network.backbone|resnet18"),
    ],
)
def test_wrong_keys_and_values_are_named(override: str, expected: str) -> None:
    with pytest.raises(FarviewError, match=expected) as caught:
        read_recipe("mime", [override])
    assert "\n" not in str(caught.value)


def test_unknown_key_in_a_file_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("data: {source: mime}\nstudent: {epoch: 3}\n")
    with pytest.raises(FarviewError, match=r"mine\.yaml.*did you mean 'student.epochs'"):
        read_recipe(path)


def test_unknown_recipe_lists_those_there_are() -> None:
    with pytest.raises(FarviewError, match=r"nonsense.*paper/resnet34"):
        recipe_path("nonsense")


def test_digest_depends_on_values_alone() -> None:
    one, other = read_recipe("mime"), read_recipe("mime")
    assert digest(one) == digest(other)
    assert digest(one) != digest(read_recipe("mime", ["--seed=1"]))
