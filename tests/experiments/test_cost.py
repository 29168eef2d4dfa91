"""What `farview cost` counts and what it says that it took for granted."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from farview.cli import main
from farview.errors import FarviewError
from farview.experiments.cost import costs
from farview.models.bundle import write_bundle
from farview.models.contract import CONTRACT, read_contract
from farview.models.cost import cost
from tests.deploy.watch.models import save
from tests.training.tiny import tiny_recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Two classes of RGB clips that are there."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(asdict(tiny_recipe(tmp_path))))))
    return path


def test_the_papers_figures_are_printed_with_and_without_outer_norms(capsys: pytest.CaptureFixture) -> None:
    main(["cost"])
    text = capsys.readouterr().out
    for figure in ("6.5144", "28.9882", "29.0236", "21.3365", "33.4329"):
        assert figure in text
    assert "assumed" not in text


def test_classes_and_channels_are_those_of_the_data(recipe: Path) -> None:
    (row,) = costs(recipe)
    assert (row["classes"], row["input"]["channels"]) == (2, 3)
    assert row["note"].startswith("2 classes and 3 channels: those of folder:")
    (grey,) = costs(recipe, channels=1)
    assert grey["input"]["channels"] == 1 and grey["note"].startswith("2 classes: those")
    (told,) = costs(recipe, 7, 1)
    assert told["classes"] == 7 and told["note"] is None
    network = tiny_recipe(recipe.parent).network
    assert told["interval"] == cost(network, 7, 1, 3, 1, (24, 32)).interval


def test_flow_has_two_channels(recipe: Path) -> None:
    recipe.write_text(recipe.read_text().replace("stream: rgb", "stream: flow"))
    (row,) = costs(recipe)
    network = tiny_recipe(recipe.parent).network
    assert row["interval"] == cost(network, 2, 2, 3, 1, (24, 32)).interval
    assert row["note"].startswith("2 classes: those of folder:")


def test_what_is_assumed_is_said(recipe: Path, capsys: pytest.CaptureFixture) -> None:
    recipe.write_text(recipe.read_text().replace("/clips", "/gone"))
    main(["cost", str(recipe)])
    text = " ".join(capsys.readouterr().out.split())
    assert "101 classes and 3 channels are assumed" in text and "no such folder" in text
    main(["cost", str(recipe), "--classes", "5", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert row["classes"] == 5 and row["note"].startswith("3 channels are assumed")


def test_a_model_states_its_own(recipe: Path) -> None:
    for target in (None, "model.safetensors"):
        with pytest.raises(FarviewError, match="--classes and --channels go with a recipe"):
            costs(target, classes=5)


def test_a_model_counts_the_same_as_a_file_and_exported(tmp_path: Path) -> None:
    model = save(tmp_path / "model.safetensors")
    handed = tmp_path / "model.zip"
    with handed.open("wb") as file:
        write_bundle(file, {CONTRACT: read_contract(model).to_json().encode()})
    assert costs(handed) == costs(model)
    with pytest.raises(FarviewError, match="--classes and --channels go with a recipe"):
        costs(handed, classes=5)


def test_a_file_that_is_no_text_is_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"\xac\xed\x00")
    with pytest.raises(FarviewError, match=f"{path}: not a text file; expected a recipe"):
        costs(path)


def test_an_s_net_of_its_own_has_its_own_row(recipe: Path, capsys: pytest.CaptureFixture) -> None:
    """Half the channels: about a quarter of the multiply-adds. All of the tiny ResNet-18 by hand."""
    settings = yaml.safe_load(recipe.read_text())
    settings["student_network"] = {"width_factor": 0.5}
    recipe.write_text(yaml.safe_dump(settings))
    teacher, student = costs(recipe)
    assert [row["name"] for row in (teacher, student)] == ["T-Net", "S-Net"]
    assert (teacher["network"]["width"], student["network"]["width"]) == (4, 2)
    assert 3.5 < teacher["interval"] / student["interval"] < 4
    for row, width in ((teacher, 4), (student, 2)):
        assert (row["interval"], row["parameters"]) == by_hand(width)
    main(["cost", str(recipe)])
    text = capsys.readouterr().out
    assert "T-Net: resnet18 x4" in text and "S-Net: resnet18 x2" in text
    assert text.count("those of folder:") == 1


def by_hand(width: int) -> tuple[int, int]:
    """Multiply-adds of an interval and parameters without temporal attention: 24x32 RGB, stem small, two classes."""
    pixels = 12 * 16
    adds, weights = pixels * width * 3 * 25, width * 3 * 25 + 2 * width
    inputs = width
    for stage, planes in enumerate((width, 2 * width, 4 * width, 8 * width)):
        pixels = (12, 6, 3, 2)[stage] * (16, 8, 4, 2)[stage]
        for block in range(2):
            adds += pixels * planes * 9 * (inputs + planes)
            weights += planes * 9 * (inputs + planes) + 4 * planes
            if block == 0 and stage:
                adds += pixels * planes * inputs
                weights += planes * inputs + 2 * planes
            inputs = planes
    return adds + 2 * inputs, weights + 2 * inputs + 2


def test_one_row_where_the_networks_are_alike(recipe: Path) -> None:
    (row,) = costs(recipe)
    assert row["name"] is None
    settings = yaml.safe_load(recipe.read_text())
    settings["input"]["elr_size"] = "native"
    recipe.write_text(yaml.safe_dump(settings))
    assert [(row["name"], row["input"]["size"]) for row in costs(recipe)] == [
        ("T-Net", [24, 32]),
        ("S-Net", [6, 8]),
    ]
