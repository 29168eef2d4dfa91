"""Table V end to end on a tiny data set: rivals, two streams, their fused scores, cost and time."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from farview.errors import FarviewError
from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Request, rows_of
from farview.experiments.tables.choices import make_trials
from farview.experiments.tables.engine import plan, run_tasks, tasks_of
from farview.experiments.tables.results import Results
from farview.experiments.tables.systems import NARROW_UNITS, TABLE_5
from farview.experiments.tables.table import table
from farview.frames.intervals import Intervals
from farview.models.contract import read_contract
from farview.models.cost import cost_of
from farview.rivals.fully_coupled import FullyCoupledConfig
from farview.rivals.i3d import I3dConfig
from farview.rivals.isr import IsrConfig
from farview.rivals.multi_siamese import MultiSiameseConfig
from farview.rivals.network_file import load_rival
from farview.rivals.options import config_of
from farview.rivals.pot import PotConfig
from farview.rivals.pot_file import load_pot
from farview.rivals.purwanto import PurwantoConfig
from farview.rivals.semi_coupled import SemiCoupledConfig
from farview.training.optimiser import rate
from farview.training.recipe import read_recipe
from tests.experiments.tables.of_table import planned_cells
from tests.experiments.tables.test_table import tiny_request

SMALL = (
    "--network.width=2",
    "--input.intervals={count: 2, frames: 3, stride: 1}",
    "--fusion=[1,3]",
)


def request_of(folder: Path, **changes):
    made = tiny_request(folder, columns=None)
    return replace(made, overrides=(*made.overrides, *SMALL), **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("systems")


@pytest.fixture(scope="module")
def finished(folder: Path) -> Results:
    with pytest.MonkeyPatch.context() as patch:
        quick = {
            "ISR": IsrConfig(copies=2, pool=2, search_clips=4),
            "semi-coupled": SemiCoupledConfig(intervals=Intervals(2, 3), size=(16, 16)),
            "multi-Siamese": MultiSiameseConfig(
                intervals=Intervals(3, 2), size=(6, 8), width=1 / 8, copies=2, pool=2
            ),
            "fully-coupled": FullyCoupledConfig(intervals=Intervals(2, 3), size=(16, 16), width=1 / 16),
            "I3D": I3dConfig(intervals=Intervals(1, 5), size=(24, 32), width=1 / 16),
            "I3D, self-attention and KD": PurwantoConfig(
                intervals=Intervals(1, 9), size=(40, 40), width=1 / 16
            ),
        }
        rows = tuple(replace(row, rival=quick.get(row.name, row.rival)) for row in TABLE_5.rows)
        patch.setitem(TABLES, "5", replace(TABLE_5, rows=rows))
        return table("5", request_of(folder), quiet=True)


def read(folder: str | Path) -> tuple[list[str], np.ndarray]:
    with (Path(folder) / "test-predictions.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[1] for row in rows], np.array([[float(value) for value in row[3:]] for row in rows])


def test_every_row_is_there_with_the_papers_figures(finished: Results) -> None:
    assert {row["row"]: tuple((row["published"] or {}).values()) for row in finished["rows"]} == {
        "PoT": (26.57, 82.5),
        "ISR": (28.68, 85.1),
        "semi-coupled": (29.20, 93.7),
        "multi-Siamese": (37.70, 94.9),
        "fully-coupled": (44.96, 95.3),
        "I3D": (52.61, 93.89),
        "I3D, self-attention and KD": (57.84, 97.22),
        "CSTAT, ResNet": (),
        "pyramid, KD, ResNet": (),
        "R(2+1)D-34": (52.29, 94.2),
        "CSTAT, R(2+1)D-34": (59.41, 97.31),
    }


@pytest.mark.parametrize(("scale", "depth", "width"), [("small", "18", 16), ("paper", "34", 64)])
def test_the_method_stands_there_with_the_other_tables_backbone_too(
    folder: Path, scale, depth: str, width: int
) -> None:
    rows = ("CSTAT, ResNet", "CSTAT, R(2+1)D-34")
    request = Request("msr-action3d:somewhere", scale, rows=rows, out=str(folder / f"backbones-{scale}"))
    light, heavy = (cell.recipe for cell in planned_cells(TABLE_5, request))
    assert (light.network.backbone, light.network.width) == (f"resnet{depth}", width)
    assert heavy.network.backbone == "r2plus1d34" and light.input.intervals != heavy.input.intervals
    assert light.input.size == heavy.input.size and light.loss == heavy.loss and light.loss.rolling
    assert (
        light.input.intervals
        == read_recipe({"small": "msr-action3d", "paper": "paper/resnet34"}[scale]).input.intervals
    )


def test_two_streams_are_fused_by_the_recipes_weights(finished: Results) -> None:
    for row in finished["rows"][-2:]:
        for cell in row["cells"]:
            labels, rgb = read(cell["folder"])
            _, flow = read(cell["flow_folder"])
            assert read_contract(Path(cell["folder"]) / "model.safetensors").channels == 3
            assert read_contract(Path(cell["flow_folder"]) / "model.safetensors").channels == 2
            best = (rgb + 3 * flow).argmax(1)
            hits = [("left", "right")[b] == label for b, label in zip(best, labels, strict=True)]
            assert cell["prec1"] == pytest.approx(100 * sum(hits) / len(hits))


def test_cost_is_that_of_all_streams(finished: Results) -> None:
    pot, plain, cstat = (finished["rows"][i] for i in (0, -2, -1))
    counted = [
        cost_of(read_contract(Path(plain["cells"][0][key]) / "model.safetensors"))
        for key in ("folder", "flow_folder")
    ]
    assert plain["multiply_adds"] == cstat["multiply_adds"] == sum(each.video for each in counted)
    assert plain["parameters"] == sum(each.parameters_total for each in counted)
    model = load_pot(Path(pot["cells"][0]["folder"]) / "model.safetensors")
    support, length = model.vectors.shape
    assert model.network is not None
    frames = model.frames * model.network.multiply_adds
    assert pot["multiply_adds"] == frames + support * length + 2 * support
    numbers = support * length + 2 * support + 2 + len(model.scales)
    assert pot["parameters"] == numbers + model.network.parameters
    assert all(row["seconds_a_clip"] > 0 for row in finished["rows"])


def test_options_of_rivals_reach_each_row_that_has_them(folder: Path) -> None:
    """Beside the scale's own; the cell's recipe states all of them, and so trains that rival by itself."""
    request = request_of(folder, rows=("PoT", "ISR", "I3D", "fully-coupled", "R(2+1)D-34"))
    said = ("--rival.width", "0.1", "--rival.descriptors", "[hog,mbh]", "--rival.copies=4")
    for scale, units in (("paper", FullyCoupledConfig().intervals), ("small", NARROW_UNITS)):
        cells = planned_cells(TABLES["5"], replace(request, scale=scale, overrides=said))
        pot, isr, coupled, i3d, ours = [cell.row.rival for cell in cells]
        assert (
            pot == PotConfig(("hog", "mbh")) and isr == IsrConfig(("hog", "mbh"), copies=4) and ours is None
        )
        assert isinstance(i3d, I3dConfig) and isinstance(coupled, FullyCoupledConfig)
        assert i3d.width == coupled.width == 0.1 and coupled.intervals == units
        for cell in cells[:-1]:
            again = read_recipe(Path(cell.recipe.out).with_name(f"{Path(cell.recipe.out).name}.yaml"))
            assert config_of(again.rival) == cell.row.rival and again == cell.recipe
        assert cells[-1].recipe.rival is None  # so that farview train takes it too


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("--rival.width=-1", r"rival\.width: -1\.0 must be above 0"),
        ("--rival.copies=65", r"rival\.copies: 65 must be 1 to 64"),
        ("--rival.copies=some", r"rival\.copies: expected a value of type int"),
        ("--rival={copie: 3}", r"rival\.copie: no method has such an option; did you mean 'copies'"),
        ("--rival={method: isr}", r"rival\.method: each row has its own"),
    ],
)
def test_wrong_options_of_rivals_are_named(said: str, why: str, folder: Path) -> None:
    request = request_of(folder, rows=("ISR", "I3D"))
    with pytest.raises(FarviewError, match=why):
        planned_cells(TABLES["5"], replace(request, overrides=(*request.overrides, said)))


def test_a_wrong_choice_names_its_file(folder: Path) -> None:
    file = folder / "choices.yaml"
    for choice, why in (
        ("{rival.copis: 1}", "rival.copis: no method"),
        ("{rival.copies: 99}", "rival.copies: 99 must be"),
    ):
        file.write_text(f"- {choice}\n- {{student.lr: 0.1}}\n")
        with pytest.raises(FarviewError, match=f"{file}: {why}"):
            table("5", tiny_request(folder, columns=None, rows=("ISR",), choices=str(file)), quiet=True)


def test_a_choice_may_be_a_rivals_option(folder: Path) -> None:
    """Which a row without it does not try, nor the same twice."""
    request = request_of(folder, rows=("PoT", "ISR"), choices="given")
    rows, _ = rows_of(TABLES["5"], request)
    choices = [{"rival.copies": "2", "student.lr": "0.5"}, {"rival.copies": "16", "student.lr": "0.5"}]
    trials = make_trials(request, rows, ["r2plus1d34"], choices)
    assert [trial.cells[0].row.rival for trial in trials] == [
        PotConfig(),
        IsrConfig(copies=2),
        IsrConfig(copies=16),
    ]
    assert [trial.choice for trial in trials] == [{"student.lr": "0.5"}, *choices]


def test_small_scale_has_narrow_rivals_and_paper_scale_the_published_ones(folder: Path) -> None:
    request = request_of(
        folder, out=str(folder / "scales"), rows=("I3D", "semi-coupled", "multi-Siamese", "fully-coupled")
    )
    small = {cell.row.name: cell.row.rival for cell in planned_cells(TABLE_5, request)}
    assert {name: (rival.width, rival.size) for name, rival in small.items()} == {
        "I3D": (1 / 4, (48, 48)),
        "fully-coupled": (1 / 8, (48, 48)),
        "semi-coupled": (1 / 4, (32, 32)),
        "multi-Siamese": (1 / 4, (12, 16)),
    }
    published = planned_cells(TABLE_5, replace(request, scale="paper", overrides=()))
    assert {cell.row.name: cell.row.rival.width for cell in published} == dict.fromkeys(small, 1.0)


@pytest.mark.parametrize("scale", ["small", "paper"])
def test_sequences_of_the_fully_coupled_network_learn_by_rmsprop_at_one_rate(folder: Path, scale) -> None:
    request = Request("mime", scale, rows=("fully-coupled", "I3D"), out=str(folder / f"gru-{scale}"))
    coupled, other = (cell.recipe for cell in planned_cells(TABLE_5, request))
    gru = coupled.transfer
    assert (gru.optimizer, gru.lr, gru.weight_decay) == ("rmsprop", 0.001, 0)
    assert {rate(gru, epoch) for epoch in np.linspace(0, gru.epochs, 99)} == {1.0}
    assert gru.epochs == other.transfer.epochs and coupled.student == other.student


def test_rivals_are_as_large_as_their_files_say(finished: Results) -> None:
    for row in finished["rows"][2:7]:
        file = Path(row["cells"][0]["folder"]) / "model.safetensors"
        model = load_rival(file)
        assert row["multiply_adds"] == model.multiply_adds > 0 and row["parameters"] == model.parameters
        with safe_open(file, framework="numpy") as tensors:
            assert row["parameters"] <= sum(tensors.get_tensor(key).size for key in tensors.keys())  # noqa: SIM118
        assert model.config.width <= 1 / 4


def test_differences_to_the_method_are_paired(finished: Results) -> None:
    last = finished["rows"][-1]
    for row in finished["rows"][:-1]:
        assert row["to_last"]["points"] == pytest.approx(row["prec1"] - last["prec1"])
    assert last["to_last"] is None
    assert last["to_student"]["points"] == pytest.approx(last["prec1"] - finished["rows"][-2]["prec1"])


def test_what_rivals_build_on_is_trained_once_and_first(folder: Path) -> None:
    """PoT's S-Net and ISR's are that of CSTAT with ResNet; R(2+1)D-34's two streams share nothing."""
    request = request_of(folder, out=str(folder / "planned"))
    rows = ("PoT", "ISR", "CSTAT, ResNet", "R(2+1)D-34")
    tasks = tasks_of(plan(planned_cells(TABLE_5, replace(request, rows=rows)), quiet=True))
    kinds = [(task.phase, type(task.rival).__name__, task.recipe.input.stream) for task in tasks]
    assert kinds == [
        ("teacher", "NoneType", "rgb"),
        ("teacher", "NoneType", "flow"),
        ("student", "NoneType", "rgb"),
        ("student", "PotConfig", "rgb"),
        ("student", "IsrConfig", "rgb"),
        ("student", "NoneType", "flow"),
        ("student", "NoneType", "rgb"),
        ("student", "NoneType", "flow"),
        ("transfer", "NoneType", "rgb"),
        ("transfer", "NoneType", "flow"),
    ]
    network, pot, isr = tasks[2:5]
    assert pot.before == isr.before == [network.folder] and network.recipe.network.backbone == "resnet18"
    assert tasks[6].folder != network.folder


@pytest.mark.parametrize(
    ("rows", "hr"),
    [
        (("PoT", "I3D"), False),
        (("semi-coupled",), True),
        (("R(2+1)D-34",), False),
        (("PoT", "ISR"), True),
        (("I3D, self-attention and KD",), True),
        (("PoT", "CSTAT, ResNet"), True),
    ],
)
def test_hr_frames_are_decoded_where_a_row_learns_from_them(
    rows: tuple[str, ...], hr: bool, folder: Path, tmp_path: Path
) -> None:
    """Of HMDB51 at the paper's scale they are 160 GB (93 frames a clip); eLR recordings have none."""
    request = request_of(folder, rows=rows, out=str(tmp_path / "out"))
    own = replace(request, overrides=(*request.overrides, f"--store={tmp_path / 'store'}"))
    plan(planned_cells(TABLE_5, replace(own, rows=rows)), quiet=True)
    assert [bool(list((tmp_path / "store").glob(f"{kind}-*"))) for kind in ("elr", "hr")] == [True, hr]


def test_a_rival_whose_network_fails_fails_with_it(folder: Path) -> None:
    request = request_of(folder, out=str(folder / "failing"), rows=("PoT",))
    (folder / "broken.pth").write_bytes(b"broken")
    broken = replace(request, overrides=(*request.overrides, f"--student.initial={folder / 'broken.pth'}"))
    tasks = tasks_of(plan(planned_cells(TABLE_5, broken), quiet=True))
    failed = run_tasks(tasks, 1, "local", lambda task, done: None, quiet=True)
    network, pot = tasks
    assert network.rival is None and failed[pot.folder] == failed[network.folder]
    assert failed[pot.folder].startswith(f"{network.name}: {folder / 'broken.pth'}: not a readable")
    assert (network.name, pot.name) == (f"student (for {pot.name})", "PoT, r2plus1d34, split 1, seed 0")


def test_a_second_call_trains_and_measures_nothing(
    finished: Results, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("farview.experiments.tables.table.run_tasks", None)
    monkeypatch.setattr("farview.experiments.tables.finished._timed", None)
    rows = ("PoT", "R(2+1)D-34", "CSTAT, R(2+1)D-34")
    again = table("5", request_of(folder, rows=rows))
    kept = [row for row in finished["rows"] if row["row"] in rows]
    for new, old in zip(again["rows"], kept, strict=True):
        assert new["cells"] == old["cells"] and new["seconds_a_clip"] == old["seconds_a_clip"]
    shown = capsys.readouterr().out
    assert "0 phases to train" in shown and "52.29" in shown and "97.31" in shown and "ms a clip" in shown
    saved = json.loads((folder / "table" / "results.json").read_text())
    assert saved["rows"] == again["rows"]
    notes = [note.partition(":")[0] for note in again["notes"]]  # of the rows that are shown, each once
    assert notes[0] == "Time a clip" and notes[1].startswith("PoT and ISR") and len(set(notes)) == len(notes)
    assert not any(note.startswith("Rival networks") for note in notes) and len(notes) == 5
    assert len(finished["notes"]) > len(notes)
    with (folder / "table" / "table.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 and float(lines[1]["seconds_a_clip"]) == pytest.approx(
        kept[1]["seconds_a_clip"], abs=1e-6
    )
    assert [(line["paper_HMDB51"], line["paper_IXMAS"]) for line in lines[1:]] == [
        ("52.29", "94.2"),
        ("59.41", "97.31"),
    ]
