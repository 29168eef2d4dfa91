"""The same choices of settings for every row, decided on clips held out of training."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from farview.errors import FarviewError
from farview.experiments.tables.cells import Cell, Request, make_cell, with_settings
from farview.experiments.tables.check import heeds
from farview.experiments.tables.engine import Planned
from farview.experiments.tables.rows import Row, Settings
from farview.training.recipe import one_line, recipe_path


@dataclass(frozen=True)
class Trial:
    """One choice, tried for one row in one column: its cells stand in for those of `split`."""

    row: Row
    column: str
    split: str | None
    """The split that it decides for; None: all."""
    choice: Settings
    cells: tuple[Cell, ...]


def read_choices(name: str) -> list[Settings]:
    """The choices of a YAML file: a list of mappings from recipe keys to values. Raises FarviewError."""
    try:
        path = recipe_path(name)
    except FarviewError:
        raise FarviewError(
            f"--choices: {name}: no such file, nor one that comes with Farview (choices/rates)"
        ) from None
    try:
        read = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FarviewError(f"{path}: not YAML: {one_line(error)}") from None
    if not isinstance(read, list) or len(read) < 2 or not all(isinstance(each, dict) for each in read):
        raise FarviewError(
            f"{path}: expected a list of at least two choices, each a mapping such as {{student.lr: 0.001}}"
        )
    # A text stays as it is: YAML takes 1e-3 for one.
    return [
        {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in each.items()}
        for each in read
    ]


def make_trials(
    request: Request, rows: Sequence[Row], columns: Sequence[str], choices: Sequence[Settings]
) -> list[Trial]:
    """Every choice for every row, with the request's first seed.

    With `request.choose_on` the splits of that name decide, by their test clips, for all of the request's; without,
    each split's own validation clips decide for it. Of a choice a row tries what can change it (see `heeds`), and the
    same once.
    """
    trials = []
    for row in rows:
        own: list[Settings] = []
        for choice in choices:
            heeded = {key: value for key, value in choice.items() if heeds(row, key)}
            if heeded not in own:
                own.append(heeded)
        for column in columns:
            for choice in own:
                asked = with_settings(request, choice)
                for decided in (None,) if request.choose_on else request.splits:
                    cells = tuple(
                        replace(
                            make_cell(asked, row, column, split, request.seeds[0]), tries=in_words(choice)
                        )
                        for split in (request.choose_on if decided is None else (decided,))
                    )
                    trials.append(Trial(row, column, decided, choice, cells))
    return trials


def refuse_test_clips(trials: Sequence[Planned], cells: Sequence[Planned]) -> None:
    """Raise FarviewError where a trial trains on, or is measured by, test clips of the table's own cells."""
    test = {clip.id: item.cell.split for item in cells for clip in item.clips.test}
    for trial in trials:
        shown = (*trial.clips.train, *trial.clips.val, *trial.clips.test)
        leaked = [clip.id for clip in shown if clip.id in test]
        if leaked:
            raise FarviewError(
                f"--choose-on {trial.cell.split}: {len(leaked)} of its clips, such as {leaked[0]}, are test clips of "
                f"split {test[leaked[0]]}, which must not decide anything; name a split of training clips alone (of "
                "MSR-Action3D held-out1 to held-out9), or leave it out and set data.val_share"
            )


def in_words(choice: Settings) -> str:
    """A choice for a reader."""
    return " ".join(f"{key} {value}" for key, value in choice.items()) or "the recipe as it is"


Tried = dict[str, Any]
"""`row`, `column`, `split`, `choice` (settings), `prec1` on held-out clips (None where it failed), `taken`."""


def decide(trials: Sequence[Trial], figures: Sequence[float | None]) -> list[Tried]:
    """What was tried, with the best of each row, column and split marked: the first of equals.

    `figures` are the trials' mean Prec@1 on the held-out clips, None where training failed. Raises FarviewError where
    all of a row's failed.
    """
    tried: list[Tried] = [
        {
            "row": trial.row.name,
            "column": trial.column,
            "split": trial.split,
            "choice": trial.choice,
            "prec1": figure,
            "taken": False,
        }
        for trial, figure in zip(trials, figures, strict=True)
    ]
    groups: dict[tuple[str, str, str | None], list[Tried]] = {}
    for each in tried:
        groups.setdefault((each["row"], each["column"], each["split"]), []).append(each)
    for (row, column, _), several in groups.items():
        done = [each for each in several if each["prec1"] is not None]
        if not done:
            raise FarviewError(f"{row}, {column}: every choice of --choices failed; see above")
        max(done, key=lambda each: each["prec1"])["taken"] = True
    return tried


def taken(tried: Sequence[Tried], row: str, column: str, split: str) -> Settings:
    """The choice of a cell; nothing where nothing was tried."""
    found = (
        each["choice"]
        for each in tried
        if each["taken"] and (each["row"], each["column"]) == (row, column) and each["split"] in (None, split)
    )
    return next(found, {})
