"""Rows of two tables: on the cells that both have, by hand where nothing is drawn."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from farview.cli import main
from farview.errors import FarviewError
from farview.experiments.tables.compare import compare

CLIPS = [f"clip{n}" for n in range(4)]


def predictions(folder: Path, right: list[float], clips: list[str] = CLIPS) -> Path:
    """Two classes; `right` is the probability of the true one, class a."""
    folder.mkdir(parents=True)
    with (folder / "test-predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "label", "predicted", "a", "b"])
        for clip, score in zip(clips, right, strict=True):
            writer.writerow([clip, "a", "a" if score > 0.5 else "b", score, 1 - score])
    return folder


def cell(table: Path, split: str, seed: int, right: list[float], **more: Any) -> dict[str, Any]:
    phases = table / "phases"
    name = f"phase{len(list(phases.iterdir())) if phases.exists() else 0}"
    predictions(phases / name, right, more.pop("clips", CLIPS))
    old = f"/where/it/was/phases/{name}"  # the table's folder was moved since
    return {"split": split, "seed": seed, "folder": old, "flow_folder": None, "fusion": None} | more


def write(folder: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    listed = [{"row": name, "column": "resnet", "cells": cells} for name, cells in rows.items()]
    (folder / "results.json").write_text(json.dumps({"part": "test", "rows": listed}))
    return folder


HIT, MISS = 0.9, 0.1


def test_rows_of_the_same_name_are_compared_on_what_both_have(tmp_path: Path) -> None:
    first = write(
        tmp_path / "first",
        {
            "KD": [cell(tmp_path / "first", "1", seed, [HIT, MISS, MISS, MISS]) for seed in (0, 1)],
            "STAT": [cell(tmp_path / "first", "1", 0, [MISS] * 4)],
        },
    )
    second = write(
        tmp_path / "second",
        {
            "KD": [cell(tmp_path / "second", "1", seed, [HIT, HIT, HIT, MISS]) for seed in (1, 2)],
            "SAT": [cell(tmp_path / "second", "1", 0, [HIT] * 4)],
        },
    )
    (found,) = compare(first, second)
    assert (found.row, found.other, found.splits, found.seeds) == ("KD", "KD", ("1",), (1,))
    assert (found.prec1, found.other_prec1, found.difference.points) == (75, 25, 50)
    # Two of four clips changed: of four drawn anew, hardly ever all of them or none.
    assert found.difference.low == 0 and found.difference.high == 100
    (other,) = compare(first, second, to="stat", rows=["sat"])
    assert (other.row, other.other) == ("SAT", "STAT")
    assert (other.difference.low, other.difference.points, other.difference.high) == (100, 100, 100)


def test_seeds_that_not_every_split_has_are_left_out(tmp_path: Path) -> None:
    cells = [cell(tmp_path / "first", split, seed, [HIT] * 4) for split in "12" for seed in (0, 1)]
    table = write(tmp_path / "first", {"KD": cells, "SAT": cells[:3]})
    (found,) = compare(table, table, to="KD")
    assert (found.row, found.splits, found.seeds) == ("SAT", ("1", "2"), (0,))


def test_a_named_row_may_be_of_another_backbone(tmp_path: Path) -> None:
    first = write(tmp_path / "first", {"ISR": [cell(tmp_path / "first", "1", 0, [HIT] * 4)]})
    second = write(tmp_path / "second", {"ISR": [cell(tmp_path / "second", "1", 0, [MISS] * 4)]})
    results = json.loads((first / "results.json").read_text())
    results["rows"][0]["column"] = "r2plus1d34"
    (first / "results.json").write_text(json.dumps(results))
    (found,) = compare(first, second, to="ISR")
    assert (found.column, found.difference.points) == ("resnet", -100)
    with pytest.raises(FarviewError, match="share no cells"):  # rows of one name: the same backbone only
        compare(first, second)


def test_two_streams_are_added_by_their_weights(tmp_path: Path) -> None:
    predictions(tmp_path / "table" / "phases" / "flow", [HIT] * 4)
    frames = [0.3, 0.2, 0.05, 0.6]
    one = [cell(tmp_path / "table", "1", 0, frames)]
    two = [cell(tmp_path / "table", "1", 0, frames, flow_folder="old/phases/flow", fusion=[3, 1])]
    table = write(tmp_path / "table", {"frames": one, "both": two})
    (found,) = compare(table, table, to="frames")
    assert found.other_prec1 == 25  # one of four above a half
    assert found.prec1 == 25  # (3 * 0.3 + 0.9) / 4 = 0.45 is not enough
    two[0]["fusion"] = [1, 1]
    (found,) = compare(
        write(tmp_path / "table", {"frames": one, "both": two}), tmp_path / "table", to="frames"
    )
    assert found.prec1 == 75  # 0.6, 0.55, 0.475, 0.75


def test_what_cannot_be_compared_is_named(tmp_path: Path) -> None:
    table = write(tmp_path / "t", {"KD": [cell(tmp_path / "t", "1", 0, [HIT] * 4)]})
    other = write(
        tmp_path / "u", {"KD": [cell(tmp_path / "u", "1", 0, [HIT] * 4, clips=["w", "x", "y", "z"])]}
    )
    with pytest.raises(FarviewError, match="'KD' and 'KD', split 1, seed 0: measured on other clips"):
        compare(table, other)
    with pytest.raises(FarviewError, match=r"has no row 'KDD' \(did you mean 'KD'\?\); it has 'KD'"):
        compare(table, other, to="KDD")
    with pytest.raises(FarviewError, match="share no cells"):
        compare(table, write(tmp_path / "v", {"KD": [cell(tmp_path / "v", "2", 0, [HIT] * 4)]}))
    with pytest.raises(FarviewError, match=r"nowhere: cannot be read: .*farview table writes it"):
        compare(tmp_path / "nowhere", table)
    for wrong in ("no JSON", "[]", '{"rows": []}', '{"part": "test", "rows": [{"cells": [{"split": "1"}]}]}'):
        (tmp_path / "wrong.json").write_text(wrong)
        with pytest.raises(FarviewError, match=r"wrong\.json: no results of farview table.*again"):
            compare(tmp_path / "wrong.json", table)
    with pytest.raises(SystemExit, match="by --to, or a second table"):
        main(["compare", str(table)])
    (tmp_path / "t" / "phases" / "phase0" / "test-predictions.csv").unlink()
    with pytest.raises(
        FarviewError, match=r"phase0/test-predictions\.csv: cannot be read as predictions: No such"
    ):
        compare(table, other)


def test_the_command_prints_a_line_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {
        "KD": [cell(tmp_path / "t", "1", seed, [HIT, HIT, MISS, MISS]) for seed in (0, 1)],
        "[SAT]": [cell(tmp_path / "t", "1", seed, [HIT] * 4) for seed in (0, 1)],
    }
    table = write(tmp_path / "t", rows)
    main(["compare", str(table), "--to", "KD", "--json"])
    (figures,) = json.loads(capsys.readouterr().out)
    assert figures["difference"]["points"] == 50 and figures["seeds"] == [0, 1]
    main(["compare", str(table), "--to", "KD"])
    shown = capsys.readouterr().out
    assert "[SAT]" in shown and "+50.0 (" in shown
