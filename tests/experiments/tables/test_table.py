"""A whole table on a tiny data set: run, reused, resumed, shown; and what happens where cells fail."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from multiprocessing import active_children
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from farview.errors import FarviewError
from farview.experiments.tables import engine
from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Request, rows_of
from farview.experiments.tables.compare import compare
from farview.experiments.tables.engine import Task, plan, run_tasks, tasks_of, work
from farview.experiments.tables.results import Results, results_of
from farview.experiments.tables.show import digits, name_of, setting, shown, unbroken
from farview.experiments.tables.table import refuse_same_splits, table
from farview.models.model_file import load_model, read_contract
from farview.training.phases import MODEL, run
from farview.training.recipe import Recipe, read_recipe
from tests.experiments.tables.of_table import planned_cells
from tests.training.tiny import make_clips

KEYS = {
    "input.size": "[24,32]",
    "input.sensor": "{height: 6, width: 8}",
    "input.intervals": "{count: 3, frames: 1, stride: 1}",
    "network": "{backbone: resnet18, width: 4, stem: small}",
    "machine": "{accelerator: cpu, decoders: 1, threads: 1}",
}


def tiny_request(folder: Path, **changes: Any) -> Request:
    if not (folder / "clips").exists():
        make_clips(folder / "clips", each=10)
    keys = dict(KEYS)
    for phase in ("teacher", "student", "transfer"):
        keys |= {f"{phase}.epochs": "1", f"{phase}.batch": "7"}
    overrides = [f"--{key}={value}" for key, value in keys.items()] + [f"--store={folder / 'store'}"]
    settings = {"data": f"folder:{folder / 'clips'}", "out": str(folder / "table"), "columns": ("resnet",)}
    return Request(**{**settings, "overrides": tuple(overrides), **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def finished(folder: Path) -> Results:
    return table(
        "4",
        tiny_request(folder, rows=("Teacher", "Student", "SAT", "Student, as long"), seeds=(0, 1)),
        quiet=True,
    )


def test_compared_by_command_a_row_differs_as_in_its_table(finished: Results, folder: Path) -> None:
    out = folder / "table"
    found = {each.row: each for each in compare(out, out / "results.json", to="student, AS long")}
    assert list(found) == ["Teacher", "Student", "SAT"]
    for row in finished["rows"][:3]:
        assert asdict(found[row["row"]].difference) == row["to_long"]
        assert found[row["row"]].prec1 == pytest.approx(row["prec1"])


def test_shared_phases_are_trained_once(folder: Path) -> None:
    request = tiny_request(folder, out=str(folder / "planned"), seeds=(0, 1))
    left_out, cells = rows_of(TABLES["4"], request)[1], planned_cells(TABLES["4"], request)
    assert len(cells) == 16 and [text.split(":")[0] for text in left_out] == ["CSTAT+rc+ut"]
    tasks = tasks_of(plan(cells, quiet=True))
    kinds = [task.phase for task in tasks]
    assert kinds == ["teacher"] * 2 + ["student"] * 2 + ["transfer"] * 12
    assert len({task.folder for task in tasks}) == 16
    for task in tasks[4:]:
        assert set(task.before) < {other.folder for other in tasks[:4]} and len(task.before) == 2


def test_the_figures_are_those_of_the_cells(finished: Results, folder: Path) -> None:
    assert [row["row"] for row in finished["rows"]] == ["Teacher", "Student", "SAT", "Student, as long"]
    saved = json.loads((folder / "table" / "results.json").read_text())
    assert saved["rows"] == finished["rows"]
    for row in finished["rows"]:
        figures = []
        for cell in row["cells"]:
            with (Path(cell["folder"]) / "test-predictions.csv").open() as file:
                hits = [line["label"] == line["predicted"] for line in csv.DictReader(file)]
            figures.append(100 * sum(hits) / len(hits))
        assert row["prec1"] == pytest.approx(sum(figures) / 2)
    teacher, student, sat, long = finished["rows"]
    assert teacher["to_student"]["points"] == pytest.approx(teacher["prec1"] - student["prec1"])
    assert sat["to_above"]["points"] == pytest.approx(sat["prec1"] - student["prec1"])
    assert sat["to_long"]["points"] == pytest.approx(sat["prec1"] - long["prec1"])
    assert student["to_student"] is None and long["to_long"] is None and teacher["to_above"] is None
    assert teacher["paper"] == [78.82] and long["paper"] is None


def test_a_cells_recipe_gives_its_run(finished: Results, folder: Path) -> None:
    path = folder / "table" / "cells" / "SAT-resnet-split1-seed1.yaml"
    done = run(read_recipe(path), quiet=True)
    assert str(done.folders["transfer"]) == finished["rows"][2]["cells"][1]["folder"]


def test_a_second_call_trains_nothing(
    finished: Results, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("farview.experiments.tables.table.run_tasks", None)
    again = table(
        "4", tiny_request(folder, rows=("teacher", "Student", "SAT", "Student, as long"), seeds=(0, 1))
    )
    assert again["rows"] == finished["rows"]
    shown = capsys.readouterr().out
    assert "0 phases to train" in shown and "78.82" in shown and "42.79 here and 43.13 in Table II" in shown


def test_validation_figures_stand_beside_those_of_the_test_clips(finished: Results, folder: Path) -> None:
    names = ("results.json", "table.csv", "table.html")
    before = {name: (folder / "table" / name).read_bytes() for name in names}
    request = tiny_request(folder, rows=("Teacher", "Student", "SAT", "Student, as long"), seeds=(0, 1))
    table("4", request, part="validation", quiet=True)
    assert {name: (folder / "table" / name).read_bytes() for name in names} == before
    saved = json.loads((folder / "table" / "results-validation.json").read_text())
    assert saved["part"] == "validation" and len(saved["rows"]) == len(finished["rows"])
    assert (folder / "table" / "table-validation.html").is_file()


def test_csv_and_page_hold_every_cell(finished: Results, folder: Path) -> None:
    with (folder / "table" / "table.csv").open() as file:
        lines = list(csv.DictReader(file))
    cells = [cell for row in finished["rows"] for cell in row["cells"]]
    assert [float(line["prec1"]) for line in lines] == pytest.approx(
        [cell["prec1"] for cell in cells], abs=1e-3
    )
    assert [line["seed"] for line in lines] == ["0", "1"] * 4
    page = (folder / "table" / "table.html").read_text()
    assert (
        page.count("<svg") == 1
        and "Student, as long" in page
        and "http" not in page.replace("http://www.w3.org", "")
    )


def test_cheaper_rows_stand_beside_their_cost(folder: Path) -> None:
    rows = ("Student", "KD", "KD, half width")
    request = tiny_request(folder, rows=rows, out=str(folder / "beyond"))
    student, full, half = table("beyond", request, quiet=True)["rows"]
    for row in (student, full, half):
        network, _ = load_model(Path(row["cells"][0]["folder"]) / MODEL)
        assert row["parameters"] == sum(each.numel() for each in network.parameters())
    assert student["multiply_adds"] == full["multiply_adds"]
    assert 3.5 < full["multiply_adds"] / half["multiply_adds"] < 4
    assert student["to_full"] is None and full["to_full"] is None
    assert half["to_full"]["points"] == pytest.approx(half["prec1"] - full["prec1"])
    narrow = [
        contract.accuracy["test"]["prec1"]
        for path in (folder / "beyond" / "phases").glob(f"student-*/{MODEL}")
        if (contract := read_contract(path)).network.width == 2
    ]
    assert len(narrow) == 1 and half["to_student"]["points"] == pytest.approx(half["prec1"] - narrow[0])
    assert len(list((folder / "beyond" / "phases").glob("teacher-*"))) == 1
    with (folder / "beyond" / "table.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [int(line["parameters"]) for line in lines] == [r["parameters"] for r in (student, full, half)]
    page = (folder / "beyond" / "table.html").read_text()
    assert "to full size" in page and "G multiply-adds" in page


@pytest.mark.parametrize(
    ("count", "shown"), [(6.4936, "6.49"), (0.012345, "0.0123"), (1234.5, "1230"), (0.5, "0.5"), (20, "20")]
)
def test_counts_have_three_digits(count: float, shown: str) -> None:
    assert digits(count) == shown


def test_the_page_says_what_was_trained_on(finished: Results) -> None:
    said = setting(finished)
    assert f"2 classes, {finished['clips']['train']} training" in said and "seeds 0, 1" in said
    assert sum(finished["clips"].values()) == 20 and "--teacher.epochs=1" in said
    assert "Prec@5" not in shown(finished)[0]  # of two classes it is always 100 %
    assert "Prec@5" in shown({**finished, "classes": 6})[0]
    assert unbroken("-2.5 (-10.0 to +0.0)").split(" ") == ["-2.5", "(-10.0\u00a0to\u00a0+0.0)"]


def test_groups_are_not_drawn_where_there_are_none(folder: Path) -> None:
    request = tiny_request(folder, rows=("Teacher", "Student"), seeds=(0, 1))
    with pytest.raises(FarviewError, match=r"--unit group: the test clips of .* have no groups"):
        table("4", request, unit="group", quiet=True)


def test_two_jobs_equal_one(folder: Path, finished: Results) -> None:
    request = tiny_request(folder, rows=("Teacher", "Student", "SAT"), seeds=(0,), out=str(folder / "two"))
    both = table("4", request, jobs=2, quiet=True)
    one = {row["row"]: row["cells"][0]["prec1"] for row in finished["rows"]}
    assert {row["row"]: row["cells"][0]["prec1"] for row in both["rows"]} == {
        name: one[name] for name in ("Teacher", "Student", "SAT")
    }


def test_a_cell_that_fails_leaves_the_others(folder: Path) -> None:
    request = tiny_request(folder, rows=("Student", "SAT"), seeds=(0,), out=str(folder / "failing"))
    bad = tiny_request(folder, rows=("SAT",), seeds=(7,), out=str(folder / "failing"))
    bad = Request(**{**vars(bad), "overrides": (*bad.overrides, "--teacher.lr=1e30", "--teacher.epochs=3")})
    cells = planned_cells(TABLES["4"], request) + planned_cells(TABLES["4"], bad)
    tasks = tasks_of(plan(cells, quiet=True))
    failed = run_tasks(tasks, 1, "local", lambda task, done: None, quiet=True)
    assert len(failed) == 2  # a teacher, and the transfer that builds on it
    assert all("teacher of SAT, resnet, split 1, seed 7" in why for why in failed.values())
    for task in tasks:
        assert (task.folder / MODEL).is_file() != (task.folder in failed)


def test_what_did_not_fail_is_shown_and_the_culprit_named(folder: Path) -> None:
    """Where S-Net fails, T-Net's row is there, compared with nothing; where a seed fails, the row says so."""
    broken = ("--student.lr=1e30", "--student.epochs=3")
    request = tiny_request(folder, rows=("Teacher", "SAT"), seeds=(0,), out=str(folder / "broken"))
    with pytest.raises(FarviewError, match="first: student of "):
        table("4", replace(request, overrides=(*request.overrides, *broken)), quiet=True)
    results = json.loads((folder / "broken" / "results.json").read_text())
    assert [(row["row"], row["to_student"]) for row in results["rows"]] == [("Teacher", None)]


def test_a_row_of_which_a_seed_failed_says_so(folder: Path) -> None:
    request = tiny_request(folder, rows=("Teacher", "Student"), seeds=(0, 1), out=str(folder / "short"))
    table("4", request, quiet=True)
    both = replace(request, splits=("1", "2"))
    planned = plan(planned_cells(TABLES["4"], both), quiet=True)  # of split 2 nothing is trained
    one = [item for item in planned if item.cell.split == "1"]
    (one[0].last).rename(one[0].last.with_suffix(".away"))
    try:
        results = results_of(TABLES["4"], both, planned)
    finally:
        one[0].last.with_suffix(".away").rename(one[0].last)
    teacher, student = results["rows"]
    assert name_of(teacher) == "Teacher (1 of 4 cells)" and teacher["to_student"] is not None
    assert name_of(student) == "Student (2 of 4 cells)" and student["to_above"] is None  # of one cell


def test_splits_that_are_the_same_do_not_count_twice(folder: Path) -> None:
    request = tiny_request(folder, rows=("Student",), splits=("1", "2"), out=str(folder / "alike"))
    planned = plan(planned_cells(TABLES["4"], request), quiet=True)
    refuse_same_splits(planned)
    alike = [planned[0], replace(planned[0], cell=replace(planned[0].cell, split="2"))]
    with pytest.raises(FarviewError, match=r"--splits: 1 and 2 divide folder:.* in the same way"):
        refuse_same_splits(alike)


def test_too_few_groups_are_not_drawn(tmp_path: Path) -> None:
    make_clips(tmp_path / "clips", each=10)
    listed = ["path,label,group"]
    for i, clip in enumerate(sorted((tmp_path / "clips").glob("*/*"))):
        listed.append(f"{clip.relative_to(tmp_path / 'clips')},{clip.parent.name},g{i % 5}")
    (tmp_path / "clips" / "clips.csv").write_text("\n".join(listed) + "\n")
    request = tiny_request(tmp_path, rows=("Teacher", "Student"), data=f"folder:{tmp_path / 'clips'}")
    with pytest.raises(FarviewError, match=r"--unit group: .* of 3 groups or more.* of 1;"):
        table("4", request, unit="group", quiet=True)


def die(*arguments: Any) -> None:
    os._exit(9)


def test_a_killed_worker_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "work", die)
    request = tiny_request(folder, rows=("SAT",), seeds=(0,), out=str(folder / "killed"))
    tasks = tasks_of(plan(planned_cells(TABLES["4"], request), quiet=True))
    failed = run_tasks(tasks, 1, "local", lambda task, done: None, quiet=True)
    assert len(failed) == 3 and all("its process was killed" in why for why in failed.values())


def die_of_seed_7(task: Task, *arguments: Any) -> None:
    """Whichever runs beside the one that dies is lost with it."""
    if task.recipe.seed == 7:
        time.sleep(1)
        os._exit(9)
    work(task, *arguments)


def test_what_ran_beside_a_killed_worker_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "work", die_of_seed_7)
    request = tiny_request(folder, rows=("Student",), seeds=(7, 0, 1), out=str(folder / "beside"))
    tasks = tasks_of(plan(planned_cells(TABLES["4"], request), quiet=True))
    failed = run_tasks(tasks, 2, "local", lambda task, done: None, quiet=True)
    assert list(failed) == [tasks[0].folder] and "its process was killed" in failed[tasks[0].folder]
    assert [(task.folder / MODEL).is_file() for task in tasks] == [False, True, True]


def killed_idle(task: Task, *arguments: Any) -> None:
    """The process ends shortly after its task."""
    Timer(0.5, os._exit, (9,)).start()


def test_a_worker_that_is_killed_between_tasks_costs_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "work", killed_idle)
    request = tiny_request(folder, rows=("Student",), seeds=(0, 1), out=str(folder / "idle"))
    tasks = tasks_of(plan(planned_cells(TABLES["4"], request), quiet=True))
    assert run_tasks(tasks, 1, "local", lambda task, done: time.sleep(2), quiet=True) == {}


def slow(task: Task, recipe: Recipe, quiet: bool) -> None:
    """Tells that it began, and takes a while."""
    Path(f"{recipe.out}-{task.phase}.begun").touch()
    time.sleep(5)


def test_an_interrupt_ends_what_runs_and_begins_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "work", slow)
    request = tiny_request(folder, rows=("Student",), seeds=(0, 1, 2), out=str(folder / "interrupted"))
    tasks = tasks_of(plan(planned_cells(TABLES["4"], request), quiet=True))

    def begun() -> list[Path]:
        return list((folder / "interrupted").rglob("*.begun"))

    def interrupt() -> None:
        while not begun():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(tasks, 1, "local", lambda task, done: None, quiet=True)
    assert len(tasks) == 3 and len(begun()) == 1
    assert active_children() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("verb", ["table", "train"])
def test_signals_end_training_in_order(verb: str, number: signal.Signals, tmp_path: Path) -> None:
    """Nothing of Python's own or of the engine's is the last word, nor is a worker left."""
    request = tiny_request(tmp_path)
    words = [*request.overrides, f"--out={tmp_path / 'out'}", "--student.epochs=5000"]
    if verb == "table":
        words = ["4", f"--data={request.data}", "--jobs=2", "--rows=Student", *words]
    else:
        words = ["folder", f"--data.source={request.data}", "--phases=[student]", *words]
    command = [sys.executable, "-m", "farview", verb, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.rglob("history.csv")):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.splitlines()[-1] == (
        "farview: interrupted; the same command goes on from the last finished epoch"
    )


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import os, signal, time\n"
        "from farview.experiments.tables.engine import executor\n"
        "if __name__ == '__main__':\n"
        "    pool = executor(1, 'local')\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    pool.submit(time.sleep, 600)\n"
        "    time.sleep(0.5)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run([sys.executable, tmp_path / "script.py"], stdout=subprocess.PIPE, timeout=120)
    worker = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(worker, 9)
    pytest.fail("the worker outlived its parent")


def test_wrong_requests_are_refused(folder: Path) -> None:
    with pytest.raises(FarviewError, match="--columns: table 1 has no column 'r2plus1d'; it has resnet"):
        planned_cells(TABLES["1"], tiny_request(folder, columns=("r2plus1d",)))
    with pytest.raises(FarviewError, match="did you mean"):
        planned_cells(TABLES["1"], tiny_request(folder, overrides=("--teacher.epocs=1",)))
    with pytest.raises(FarviewError, match=r"nothing is left of table 4: .* give them by --pool"):
        table("4", tiny_request(folder, rows=("CSTAT+rc+ut",)), quiet=True)
    with pytest.raises(FarviewError, match="--seeds: 0 is named twice"):
        table("4", tiny_request(folder, seeds=(0, 0)), quiet=True)


@pytest.mark.slow
def test_ray_equals_local(folder: Path, finished: Results) -> None:
    pytest.importorskip("ray", reason="pip install 'farview[cluster]'")
    request = tiny_request(folder, rows=("Teacher", "Student", "SAT"), seeds=(0,), out=str(folder / "ray"))
    found = table("4", request, engine="ray", quiet=True)
    one = {row["row"]: row["cells"][0]["prec1"] for row in finished["rows"]}
    assert {row["row"]: row["cells"][0]["prec1"] for row in found["rows"]} == {
        name: one[name] for name in ("Teacher", "Student", "SAT")
    }
