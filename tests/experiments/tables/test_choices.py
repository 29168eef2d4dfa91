"""Choices of settings: each row takes what does best on clips held out of training."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from farview.cli import main
from farview.errors import FarviewError
from farview.experiments.tables.choices import Trial, decide, read_choices, taken
from farview.experiments.tables.rows import Row
from farview.experiments.tables.table import table
from farview.training.recipe import read_recipe, recipe_path
from tests.experiments.tables.test_table import tiny_request

CHOICES = [{"student.lr": "1e-9"}, {"student.lr": "0.01"}, {"student.lr": "1e30"}]


def trial(row: str, choice: int, split: str | None = None) -> Trial:
    return Trial(Row(row), "resnet", split, CHOICES[choice], ())


def test_each_row_and_split_takes_its_own_best_and_the_first_of_equals() -> None:
    trials = [trial(row, i, split) for row in ("A", "B") for i in range(3) for split in ("1", "2")]
    #          A: choice 0      1           2         B: 0        1           2
    figures = [10.0, 30.0, 20.0, 30.0, None, 20.0, None, None, 5.0, 6.0, 5.0, 7.0]
    tried = decide(trials, figures)
    assert [each["prec1"] for each in tried] == figures
    found = {(row, split): taken(tried, row, "resnet", split) for row in "AB" for split in "12"}
    assert found == {
        ("A", "1"): CHOICES[1],
        ("A", "2"): CHOICES[0],
        ("B", "1"): CHOICES[1],
        ("B", "2"): CHOICES[2],
    }
    assert taken([], "A", "resnet", "1") == {}


def test_splits_that_decide_do_so_for_all() -> None:
    tried = decide([trial("A", 0), trial("A", 1)], [1.0, 2.0])
    assert taken(tried, "A", "resnet", "1") == taken(tried, "A", "resnet", "7") == CHOICES[1]


def test_a_row_whose_choices_all_failed_is_named() -> None:
    with pytest.raises(FarviewError, match="A, resnet"):
        decide([trial("A", 0), trial("A", 1)], [None, None])


@pytest.mark.parametrize("text", ["{student.lr: 1}", "[{student.lr: 1}]", "[1, 2]", "[{a: ", "\x00"])
def test_a_file_that_holds_no_choices_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "choices.yaml"
    path.write_text(text)
    with pytest.raises(FarviewError, match=str(path)):
        read_choices(str(path))


def test_a_file_of_choices_that_is_not_there_is_named() -> None:
    with pytest.raises(FarviewError, match=r"--choices: choices/rate: no such file, nor .*choices/rates"):
        read_choices("choices/rate")


def test_a_broken_file_of_choices_is_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "choices.yaml"
    path.write_text("- {student.lr: [1\n")
    with pytest.raises(FarviewError, match=r"choices\.yaml: not YAML: .* line 2") as caught:
        read_choices(str(path))
    assert "\n" not in str(caught.value)


def test_numbers_may_be_written_as_1e_3(tmp_path: Path) -> None:
    """YAML takes these for texts; a recipe does not."""
    path = tmp_path / "choices.yaml"
    path.write_text("- {student.lr: 1e-3}\n- {student.lr: 2e-3, student.optimizer: sgd}\n")
    read = [
        read_recipe(None, ["--data.source=mime", *(f"--{key}={value}" for key, value in choice.items())])
        for choice in read_choices(str(path))
    ]
    assert [recipe.student.lr for recipe in read] == [0.001, 0.002]


def test_the_choices_that_come_with_farview_are_recipe_keys() -> None:
    for choice in read_choices("choices/rates"):
        assert set(choice) == {"teacher.lr", "student.lr", "transfer.lr"}
    assert len(yaml.safe_load(recipe_path("choices/rates").read_text())) == 3


def test_a_table_by_choices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One choice fails; the table's cells are runs of the better of the others."""
    path = tmp_path / "choices.yaml"
    rates = [1e30, 1e-9, 0.01]
    path.write_text(yaml.safe_dump([{"student.lr": rate} for rate in rates]))
    changes: dict[str, Any] = {"rows": ("Student",), "seeds": (3, 4), "choices": str(path)}
    keys = ("--student.epochs=3", "--student.optimizer=adamw", "--data.val_share=0.4")
    request = tiny_request(tmp_path, **changes)
    results = table("4", tiny_request(tmp_path, **changes, overrides=(*request.overrides, *keys)))
    shown = capsys.readouterr().out
    assert "a choice failed" in shown and "chosen   Student, resnet, split 1" in shown
    for rate in ("1e-09", "0.01"):
        assert f"student of Student, resnet, split 1, seed 3, student.lr {rate}: validation prec@1" in shown
    tried = results["tried"]
    assert [each["choice"]["student.lr"] for each in tried] == ["1e+30", "1e-09", "0.01"]
    assert tried[0]["prec1"] is None and [each["taken"] for each in tried].count(True) == 1
    best = max(tried[1:], key=lambda each: each["prec1"])
    assert best["taken"]
    for cell in results["rows"][0]["cells"]:
        saved = tmp_path / "table" / "cells" / f"Student-resnet-split1-seed{cell['seed']}.yaml"
        assert yaml.safe_load(saved.read_text())["student"]["lr"] == float(best["choice"]["student.lr"])
    with (Path(results["rows"][0]["cells"][0]["folder"]) / "validation-predictions.csv").open() as file:
        hits = [line["label"] == line["predicted"] for line in csv.DictReader(file)]
    assert best["prec1"] == pytest.approx(100 * sum(hits) / len(hits))  # by the first seed
    assert "What was tried" in (tmp_path / "table" / "table.html").read_text()
    assert json.loads((tmp_path / "table" / "results.json").read_text())["tried"] == tried


@pytest.mark.parametrize("key", ["seed", "loss.ce"])
def test_a_choice_that_would_reach_no_cell_is_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "choices.yaml"
    path.write_text(f"[{{student.lr: 0.1}}, {{{key}: 0.5}}]")
    with pytest.raises(FarviewError, match=f"--{key}: "):
        table("4", tiny_request(tmp_path, rows=("Student",), choices=str(path)), quiet=True)


def test_test_clips_decide_nothing(tmp_path: Path) -> None:
    """What split 2 tests, split 1 trains on, and the other way round."""
    request = tiny_request(tmp_path, rows=("Student",), choices="choices/rates", choose_on=("2",))
    with pytest.raises(
        FarviewError, match=r"--choose-on 2: \d+ of its clips, such as .*, are test clips of split 1"
    ):
        table("4", request, quiet=True)
    assert not (tmp_path / "table").exists()


def test_splits_without_choices_decide_nothing() -> None:
    with pytest.raises(SystemExit, match="--choices"):
        main(["table", "4", "--choose-on", "held-out3"])
