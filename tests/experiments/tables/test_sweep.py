"""Accuracy against resolution and clips, and who it is, on a tiny data set with people."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest

from farview.cli.training import height_and_width
from farview.errors import FarviewError
from farview.experiments.tables.sweep import rows_of, sweep, why_not_who
from tests.experiments.tables.test_table import tiny_request

SIZES = ((6, 8), (9, 12))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("sweep")
    tiny_request(folder)  # makes the clips
    lines = ["path,label,group,split"]
    for number, clip in enumerate(sorted((folder / "clips").glob("*/*"))):
        split = "test" if number % 10 > 6 else "train"
        lines.append(f"{clip.relative_to(folder)},{clip.parent.name},person{number % 10 % 5},{split}")
    (folder / "clips.csv").write_text("\n".join(lines).replace("person2,test", "person9,test"))
    request = tiny_request(
        folder, data=f"folder:{folder / 'clips.csv'}", out=str(folder / "out"), seeds=(0, 1)
    )
    return folder, sweep(request, SIZES, (2,), quiet=True)


def test_every_question_has_its_point(finished: tuple[Path, dict]) -> None:
    _, results = finished
    points = results["points"]
    kinds = [(p["what"], p["network"], p["height"], p["per_class"]) for p in points]
    assert kinds == [
        ("action", "teacher", None, None),
        ("who", "teacher", None, None),
        *(
            (what, network, height, None)
            for height in (6, 9)
            for what, network in (("action", "student"), ("action", "method"), ("who", "student"))
        ),
        ("clips", "method", None, 2),
        ("clips", "method", None, None),
    ]
    few, every = (p["clips_per_class"] for p in points[-2:])
    assert few <= 2 < every == points[0]["clips_per_class"]
    for point in points:
        assert point["low"] <= point["prec1"] <= point["high"]
        assert point["chance"] == (pytest.approx(50) if point["what"] != "who" else pytest.approx(100 / 6))
    rates = {p["height"]: p["bytes_per_second"] for p in points if p["what"] == "action"}
    assert rates == {None: 24 * 32 * 3 * 30, 6: 6 * 8 * 3 * 30, 9: 9 * 12 * 3 * 30}


def test_figure_csv_and_json(finished: tuple[Path, dict]) -> None:
    folder, results = finished
    assert json.loads((folder / "out" / "results.json").read_text()) == results
    with (folder / "out" / "sweep.csv").open() as file:
        assert [float(line["prec1"]) for line in csv.DictReader(file)] == [
            p["prec1"] for p in results["points"]
        ]
    picture = cv2.imread(str(folder / "out" / "sweep.png"))
    assert picture is not None and picture.shape[1] > 1.8 * picture.shape[0]  # two panels
    assert (folder / "out" / "sweep.pdf").read_bytes().startswith(b"%PDF")


def test_without_people_the_action_alone() -> None:
    assert [place["what"] for place, _ in rows_of(SIZES, (), people=False)] == ["action"] * 5


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 1] * 10, None),
        (range(20), "no second recording of anybody"),
        ([0] * 20, "there is one group, person0"),
    ],
)
def test_why_not_who(tmp_path: Path, groups: Sequence[int], message: str | None) -> None:
    tiny_request(tmp_path)  # makes the clips
    names = sorted((tmp_path / "clips").glob("*/*"))
    lines = [
        f"{clip.relative_to(tmp_path)},{clip.parent.name},person{group},{'train' if number % 3 else 'test'}"
        for number, (clip, group) in enumerate(zip(names, groups, strict=True))
    ]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,group,split", *lines]))
    reason = why_not_who(tiny_request(tmp_path, data=f"folder:{tmp_path / 'clips.csv'}"))
    assert reason is None if message is None else message in str(reason)


def test_sizes_are_height_by_width() -> None:
    assert height_and_width("12x16") == (12, 16)
    for wrong in ("12", "x16", "12x", "12*16", "-1x4"):
        with pytest.raises(FarviewError, match="expected height x width"):
            height_and_width(wrong)


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(FarviewError, match="nothing to do"):
        sweep(tiny_request(tmp_path), ())
    with pytest.raises(FarviewError, match=r"--data\.split: each cell has its own"):
        sweep(tiny_request(tmp_path, overrides=("--data.split=2",)), SIZES)
