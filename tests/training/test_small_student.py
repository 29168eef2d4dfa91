"""An S-Net that is not built as T-Net: its own input size, width, stem, backbone. Trained, used from its file alone."""

import csv
import math
from pathlib import Path

import pytest
import torch

from farview.errors import FarviewError
from farview.experiments.cost import costs
from farview.experiments.evaluate import evaluate
from farview.experiments.explain import explain
from farview.experiments.report import write_report
from farview.models.model_file import load_model, read_contract
from farview.models.recogniser import Recogniser
from farview.training.phases import Run, run
from farview.training.recipe import read_recipe
from farview.transfer.attention import spatial_attention
from tests.training.tiny import tiny_recipe

QUICK = ["--teacher.epochs=1", "--student.epochs=1", "--transfer.epochs=1"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """CSTAT with an S-Net whose input is the sensor's 6x8 pixels."""
    return run(
        tiny_recipe(tmp_path_factory.mktemp("small"), *QUICK, "--input.elr_size=native", "--loss.kd=1"),
        quiet=True,
    )


@pytest.fixture(scope="module")
def cheapest(finished: Run) -> Run:
    """CSTAT with an S-Net of half the channels and the stem tiny besides, beside `finished`."""
    changes = ["--student_network.width_factor=0.5", "--student_network.stem=tiny"]
    folder = Path(finished.recipe.out)
    places = [f"--out={folder.parent / 'cheapest'}", f"--shared={folder / 'phases'}"]
    return run(
        tiny_recipe(folder.parent, *QUICK, "--input.elr_size=native", "--loss.kd=1", *changes, *places),
        quiet=True,
    )


def test_each_model_file_states_its_own_network(cheapest: Run) -> None:
    contracts = {phase: read_contract(path) for phase, path in cheapest.models.items()}
    built = {phase: (c.network.width, c.network.stem, c.input_size) for phase, c in contracts.items()}
    assert built == {
        "teacher": (4, "small", (24, 32)),
        "student": (2, "tiny", (6, 8)),
        "transfer": (2, "tiny", (6, 8)),
    }
    for path in cheapest.models.values():
        network, contract = load_model(path)
        assert network.backbone.conv1.weight.shape[0] == contract.network.width  # type: ignore[union-attr]


def test_t_net_is_trained_once_for_every_s_net(finished: Run, cheapest: Run) -> None:
    assert finished.folders["teacher"] == cheapest.folders["teacher"]
    for phase in ("student", "transfer"):
        assert finished.folders[phase] != cheapest.folders[phase]
    whole = finished.models["teacher"].read_bytes()
    assert cheapest.models["teacher"].read_bytes() == whole


def test_attention_passes_between_unequal_networks(cheapest: Run) -> None:
    with (cheapest.folders["transfer"] / "history.csv").open() as file:
        (line,) = csv.DictReader(file)
    for term in ("sat", "tat", "kd"):
        assert 0 < float(line[f"train/{term}"]) < math.inf
    stage = torch.randn(2, 3, 4, 1, 5, 6)  # half the channels, each for two of half its size
    twice = torch.cat([stage / 2, -stage / 2], 2)
    torch.testing.assert_close(spatial_attention(stage), spatial_attention(twice))


def test_a_narrow_s_net_is_evaluated_from_its_file(cheapest: Run, tmp_path: Path) -> None:
    path = cheapest.models["transfer"]
    figures = evaluate(path, cheapest.recipe.data, store=tmp_path, workers=1, quiet=True)
    assert figures.accuracy.prec1 == pytest.approx(read_contract(path).accuracy["test"]["prec1"])


def test_a_3d_s_net_learns_from_a_2d_t_net(finished: Run) -> None:
    """Their stages have 3 time steps and 1: compared on the coarser grid, the features too."""
    folder = Path(finished.recipe.out).parent
    changes = ["--student_network.backbone=r2plus1d18", "--input.intervals.frames=3", "--loss.feature=1"]
    done = run(tiny_recipe(folder, *QUICK, *changes, f"--out={folder / 'mixed'}"), quiet=True)
    names = {phase: read_contract(path).network.backbone for phase, path in done.models.items()}
    assert names == {"teacher": "resnet18", "student": "r2plus1d18", "transfer": "r2plus1d18"}
    with (done.folders["transfer"] / "history.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert 0 < float(line["train/sat"]) < math.inf and 0 < float(line["train/feature"]) < math.inf


def test_each_model_file_states_its_own_input(finished: Run) -> None:
    sizes = {phase: read_contract(path).input_size for phase, path in finished.models.items()}
    assert sizes == {"teacher": (24, 32), "student": (6, 8), "transfer": (6, 8)}


def test_s_net_is_used_from_its_file_alone(finished: Run, tmp_path: Path) -> None:
    path = finished.models["transfer"]
    clip = finished.clips.test[0]
    made = Recogniser(path).recognise(clip.source)
    assert made.video.shape == (1, 3, 3, 1, 6, 8)
    expected = torch.from_numpy(made.seen)[None].permute(0, 1, 5, 2, 3, 4).float()
    assert torch.equal(made.video, expected)  # native: no pixel is made up
    figures = evaluate(path, finished.recipe.data, store=tmp_path, workers=1, quiet=True)
    assert figures.accuracy.prec1 == pytest.approx(load_model(path)[1].accuracy["test"]["prec1"])
    (row,) = costs(path)
    assert row["input"]["size"] == [6, 8]


def test_evidence_is_shown_at_t_nets_input(finished: Run, tmp_path: Path) -> None:
    source = finished.clips.test[0].source
    explained = explain(
        finished.models["transfer"], source.name, tmp_path / "a.png", finished.models["teacher"]
    )
    assert explained.stat().st_size > 1000
    results = write_report(finished, tmp_path, "a smaller S-Net")
    assert results["student"]["multiply_adds"] == results["cstat"]["multiply_adds"]
    assert results["student"]["multiply_adds"] < results["teacher"]["multiply_adds"] / 4
    assert "built otherwise than T-Net" in (tmp_path / "report.html").read_text()


def test_any_size_from_the_sensors_up(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--input.elr_size=[12,16]")
    assert (recipe.input_size("teacher"), recipe.input_size("student")) == ((24, 32), (12, 16))
    assert tiny_recipe(tmp_path).input_size("transfer") == (24, 32)
    with pytest.raises(
        FarviewError, match=r"input\.elr_size: \[6, 7\] is smaller than the sensor's 6x8 .* set input"
    ):
        tiny_recipe(tmp_path, "--input.elr_size=[6,7]")
    with pytest.raises(FarviewError, match=r"elr_size"):
        tiny_recipe(tmp_path, "--input.elr_size=small")


def test_an_input_too_small_is_refused_before_t_net_trains(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--input.elr_size=native", "--network.stem=imagenet")
    with pytest.raises(FarviewError, match=r"6x8 .* 'imagenet', which takes 9x9 .*input\.elr_size"):
        run(recipe, quiet=True)
    assert not Path(recipe.out).exists()


def test_a_refitted_start_needs_one_input_size() -> None:
    with pytest.raises(
        FarviewError, match=r"transfer\.refit: .* leave out transfer\.refit or input\.elr_size"
    ):
        read_recipe(
            "mime", ["--transfer.initial=teacher", "--transfer.refit=true", "--input.elr_size=native"]
        )
