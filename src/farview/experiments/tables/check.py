"""What a request may not say: what would be trained twice, or would reach no cell."""

from collections.abc import Sequence

import yaml

from farview.errors import FarviewError
from farview.experiments.tables.cells import NARROW, Request, make_cell
from farview.experiments.tables.rows import Row
from farview.rivals.network import StreamsConfig
from farview.rivals.options import names, refuse_unknown
from farview.rivals.pot import PotConfig

OWN = {
    "data.source": "the data that the command itself names",
    "data.split": "--splits",
    "seed": "--seeds",
    "out": "--out",
    "shared": "--out",
    "phases": "--rows",
}
"""Keys that each cell has of its own, and what says them."""


def check_jobs(jobs: int) -> None:
    """Raise `FarviewError` where nothing could be run."""
    if jobs < 1:
        raise FarviewError(f"--jobs: {jobs}; expected 1 or more")


def check_request(request: Request, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Raise `FarviewError` for what is named twice and for keys of the user's that no cell would heed.

    A seed named twice would count as two runs that agree.
    """
    for option, values in (
        ("seeds", request.seeds),
        ("splits", request.splits),
        ("columns", columns),
        ("choose-on", request.choose_on),
    ):
        for value in values:
            if values.count(value) > 1:
                raise FarviewError(f"--{option}: {value} is named twice; name each once")
    for seed in request.seeds:
        if not 0 <= seed < 2**32:
            raise FarviewError(f"--seeds: {seed}; expected whole numbers from 0 to {2**32 - 1}")
    if request.pool is not None and all(row.pool is False for row in rows):
        raise FarviewError("--pool: no row that is asked for learns from unlabeled clips; leave it out")
    if request.choose_on and request.choices is None:
        raise FarviewError("--choose-on: there is nothing to choose; give --choices, or leave it out")
    if request.recipe is not None and request.scale == "paper":
        raise FarviewError("--recipe: --scale paper has its own recipes; leave one of the two out")
    narrow = request.scale == "small"
    said = [
        row.settings | (NARROW if narrow and column == "r2plus1d" else {})
        for row in rows
        for column in columns
    ]
    asked: list[str] = []
    for word, after in zip(request.overrides, (*request.overrides, "")[1:], strict=True):
        if not word.startswith("--"):
            continue
        key, equals, value = word.removeprefix("--").partition("=")
        asked += parts(key, value if equals else after)
        if key in OWN:
            raise FarviewError(f"--{key}: each cell has its own; it follows from {OWN[key]}")
        if said and all(
            key in settings and settings[key] != (value if equals else after) for settings in said
        ):
            remedy = "give --pool" if key == "data.pool" else "leave it out"
            raise FarviewError(f"--{key}: every row says otherwise, so it would change nothing; {remedy}")
    options = [key.split(".")[1] for key in asked if key.startswith("rival.")]
    refuse_unknown(options)
    if options:
        place = columns[0], request.splits[0], request.seeds[0]
        rows = [row if row.rival is None else make_cell(request, row, *place).row for row in rows]
    for key in asked:
        if not any(heeds(row, key) for row in rows):
            raise FarviewError(f"--{key}: it changes no row that is asked for; leave it out")


def parts(key: str, value: str) -> list[str]:
    """The keys that a word of the command sets: of `--rival '{copies: 2}'` rival.copies."""
    if key != "rival":
        return [key]
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        return []  # the recipe's parser says what is wrong
    return [f"rival.{name}" for name in read] if isinstance(read, dict) else []


def heeds(row: Row, key: str) -> bool:
    """Whether a key of the recipe can change a row: rivals have options, networks and flow of their own.

    How networks are trained (`teacher`, `student`, `transfer`) may be said of any rows, as may data and machine.
    """
    section, _, name = key.partition(".")
    rival = row.rival
    if section == "fusion":
        return row.two_streams
    if section == "loss":
        return row.phase == "transfer"
    if section == "rival":
        return rival is not None and name.partition(".")[0] in names(type(rival))
    if rival is None:
        return True
    if section in ("network", "student_network") or key.startswith("input.intervals"):
        return isinstance(rival, PotConfig) and rival.uses_network
    if key.startswith("input.flow"):
        return isinstance(rival, StreamsConfig) and "flow" in rival.streams
    return True
