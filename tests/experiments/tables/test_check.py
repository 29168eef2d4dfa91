"""Requests that would mislead are refused before anything is decoded or trained."""

from typing import Any

import pytest

from farview.errors import FarviewError
from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Request
from farview.experiments.tables.check import check_jobs, check_request
from farview.experiments.tables.rows import choose


def check(number: str, *overrides: str, **changes: Any) -> None:
    table = TABLES[number]
    request = Request("folder:nowhere", overrides=overrides, **changes)
    check_request(request, table.rows, request.columns or table.columns)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": (0, 1, 0)}, "--seeds: 0 is named twice"),
        ({"splits": ("1", "1")}, "--splits: 1 is named twice"),
        ({"columns": ("resnet", "resnet")}, "--columns: resnet is named twice"),
        ({"scale": "paper", "recipe": "mine.yaml"}, "--recipe: --scale paper has its own"),
        ({"seeds": (0, -1)}, "--seeds: -1; expected whole numbers from 0"),
        ({"seeds": (2**32,)}, "--seeds: 4294967296; expected"),
    ],
)
def test_what_would_count_twice_or_not_at_all_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(FarviewError, match=said):
        check("4", **changes)


@pytest.mark.parametrize(
    ("number", "word", "said"),
    [
        ("4", "--data.split=2", "--splits"),
        ("4", "--data.source=mime", "data that the command itself names"),
        ("4", "--shared=elsewhere", "--out"),
        ("4", "--loss.sat=1", "every row says otherwise"),
        ("4", "--data.pool=mime", "give --pool"),
        ("2", "--input.sensor.height=9", "every row says otherwise"),
        ("5", "--input.stream=flow", "every row says otherwise"),
    ],
)
def test_keys_that_reach_no_cell_are_refused(number: str, word: str, said: str) -> None:
    with pytest.raises(FarviewError, match=said):
        check(number, word)
    with pytest.raises(FarviewError, match=said):
        check(number, *word.split("="))


@pytest.mark.parametrize(
    ("rows", "reach", "miss"),
    [
        (["PoT"], "--rival.descriptors=[hog]", "--rival.copies=3"),
        (["ISR"], "--rival.descriptors=[hog]", "--rival.fusion=sum"),
        (["ISR", "I3D"], "--rival.copies=3", "--rival.coupling=[0,0,0,0,0]"),
        (["semi-coupled"], "--rival.fusion=conv", "--rival.copies=3"),
        (["I3D"], "--rival.intervals.frames=16", "--network.width=8"),
        (["I3D", "semi-coupled"], "--student.lr=0.1", "--input.intervals.count=3"),
        (["PoT", "I3D"], "--network.width=8", "--fusion=[1,2]"),
        (["ISR", "semi-coupled"], "--input.flow.kind=tvl1", "--loss.threshold=0.5"),
        (["pyramid, KD, ResNet"], "--transfer.lr=0.1", "--fusion=[1,2]"),
        (["I3D"], "--augment.flip=true", "--fusion=[1,2]"),
        (["CSTAT, ResNet"], "--fusion=[1,2]", "--rival.width=0.5"),
        (["CSTAT, ResNet", "I3D"], "--rival.width=0.5", "--rival.weight=2"),
    ],
)
def test_keys_that_change_no_row_are_refused(rows: list[str], reach: str, miss: str) -> None:
    chosen = choose(TABLES["5"], rows)
    check_request(Request("mime", overrides=(reach,)), chosen, ("r2plus1d34",))
    with pytest.raises(FarviewError, match=f"{miss.split('=')[0]}: it changes no row"):
        check_request(Request("mime", overrides=(miss,)), chosen, ("r2plus1d34",))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--rival={copies: 3}",), r"--rival\.copies: it changes no row"),
        (("--rival", "{descriptors: [hog], copies: 3}"), r"--rival\.copies: it changes no row"),
        (
            ("--rival.descripters=[hog]",),
            r"rival\.descripters: no method has such an option; did you mean 'descriptors'",
        ),
        (("--rival.method=isr",), r"rival\.method: each row has its own; name rows by --rows"),
        (("--rival={method: isr}",), r"rival\.method: each row has its own"),
    ],
)
def test_options_that_no_row_can_have_are_told_apart(words: tuple[str, ...], why: str) -> None:
    with pytest.raises(FarviewError, match=why):
        check_request(Request("mime", overrides=words), choose(TABLES["5"], ["PoT"]), ("r2plus1d34",))


@pytest.mark.parametrize(
    ("row", "option", "miss"),
    [
        ("PoT", "--rival.descriptors=[hog]", "--network.width=8"),
        ("ISR", "--rival={descriptors: [hog], copies: 3}", "--input.intervals.count=4"),
        ("PoT", "--rival.descriptors=[hog,hof]", "--input.flow.kind=tvl1"),
        ("I3D", "--rival.streams=[rgb]", "--input.flow.kind=tvl1"),
    ],
)
def test_keys_that_a_rivals_options_leave_without_effect_are_refused(
    row: str, option: str, miss: str
) -> None:
    rows = choose(TABLES["5"], [row])
    if "descriptors" not in option or "flow" not in miss:  # PoT's flow is its own
        check_request(Request("mime", overrides=(miss,)), rows, ("r2plus1d34",))
    with pytest.raises(FarviewError, match=f"{miss.split('=')[0]}: it changes no row"):
        check_request(Request("mime", overrides=(option, miss)), rows, ("r2plus1d34",))


def test_keys_that_reach_some_cells_pass() -> None:
    check("4", "--loss.threshold", "0.5", "--student.epochs=3", "--store=there")
    check("beyond", "--transfer.initial", "student")  # what rows from T-Net say otherwise
    check("4", "--input.sensor.height=9")
    check("5", "--network.backbone", "r2plus1d34")  # as the rows do
    check("4", "--network.width=16")  # the column resnet heeds it
    with pytest.raises(FarviewError, match=r"--network\.width"):
        check("4", "--network.width=16", columns=("r2plus1d",))
    check("4", "--network.width=16", columns=("r2plus1d",), scale="paper")


def test_a_request_without_keys_passes() -> None:
    check("4")


def test_a_pool_that_no_row_uses_is_refused() -> None:
    with pytest.raises(FarviewError, match="--pool: no row that is asked for"):
        check("1", pool="folder:there")
    check("4", pool="folder:there")


@pytest.mark.parametrize("jobs", [0, -2])
def test_no_jobs_are_refused(jobs: int) -> None:
    check_jobs(1)
    with pytest.raises(FarviewError, match=f"--jobs: {jobs}; expected 1 or more"):
        check_jobs(jobs)
