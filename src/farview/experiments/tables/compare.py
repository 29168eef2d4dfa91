"""Rows of finished tables against each other, paired by split, seed and clip: the verb `farview compare`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from farview.data.layout import nearest
from farview.errors import FarviewError
from farview.experiments.tables.finished import fused
from farview.experiments.tables.results import Results
from farview.experiments.tables.show import points
from farview.experiments.tables.statistics import Difference, Outcomes, difference, outcomes_of, prec1
from farview.training.scores import Scores

RESULTS = "results.json"
Cells = dict[tuple[str, int], dict[str, Any]]
"""(split, seed) to what `results.json` says of the cell."""


@dataclass(frozen=True)
class Comparison:
    """One row less another, on the cells that both have."""

    row: str
    column: str
    other: str
    """The row that it is compared with."""
    prec1: float
    """Percent, mean over the shared cells; as `other_prec1`."""
    other_prec1: float
    difference: Difference
    """`row` - `other` in points."""
    splits: tuple[str, ...]
    seeds: tuple[int, ...]


def compare(
    first: str | Path, second: str | Path, to: str | None = None, rows: Sequence[str] | None = None
) -> list[Comparison]:
    """Each row of `second` less the row of the same name and column in `first`, or less `first`'s row `to` (its
    first column where none is the same).

    `first`, `second`: folders that `farview table` wrote, or a `results.json` of it; `rows`: only these of `second`.
    What both have of splits and seeds is compared; 95 % intervals draw clips and seeds anew. Left out are rows that
    `first` has not, that share no cell, or are the same. Raises FarviewError where a file is none of a table or its
    predictions are gone, a row is unknown, nothing is left, or the cells were measured on other clips.
    """
    one, two = read_results(first), read_results(second)
    found = []
    for row in two["rows"] if rows is None else chosen(two, rows, second):
        named = [] if to is None else chosen(one, [to], first)
        others = named if named else [other for other in one["rows"] if other["row"] == row["row"]]
        alike = [other for other in others if other["column"] == row["column"]]
        for other in alike or named[:1]:
            if other["cells"] != row["cells"]:
                found += between(row, other, (two["part"], one["part"]))
    if not found:
        raise FarviewError(
            f"{second} and {first} share no cells that differ: the same rows, splits and seeds are compared"
        )
    return found


def read_results(path: str | Path) -> Results:
    """A table's `results.json`, of its folder or by name. Raises FarviewError."""
    file = Path(path).expanduser()
    file = file / RESULTS if file.is_dir() else file
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
        cells = [cell for row in results["rows"] for cell in row["cells"]]
        for cell in cells:
            for key in ("folder", "flow_folder"):  # wherever the table's folder was moved since
                cell[key] = cell[key] and str(file.parent / "phases" / Path(cell[key]).name)
        if results["part"] and all("fusion" in cell for cell in cells):
            return results
        raise KeyError("fusion")
    except OSError as error:
        raise FarviewError(f"{file}: cannot be read: {error.strerror}; farview table writes it") from None
    except (ValueError, KeyError, TypeError):
        raise FarviewError(
            f"{file}: no results of farview table, or of an older one; run its command again (nothing trains anew)"
        ) from None


def chosen(results: Results, names: Sequence[str], where: str | Path) -> list[Results]:
    """The rows of these names, whatever their case. Raises FarviewError for a name that no row has."""
    have = list(dict.fromkeys(row["row"] for row in results["rows"]))
    for name in names:
        if name.lower() not in map(str.lower, have):
            listed = ", ".join(f"'{row}'" for row in have)
            raise FarviewError(f"{where}: has no row '{name}'{nearest(name, have)}; it has {listed}")
    return [row for row in results["rows"] if row["row"].lower() in {name.lower() for name in names}]


def between(row: Results, other: Results, parts: tuple[str, str]) -> list[Comparison]:
    """The comparison of two rows; none where no cell is shared."""
    mine, theirs = cells_of(row), cells_of(other)
    shared = [place for place in mine if place in theirs]
    splits = tuple(dict.fromkeys(split for split, _ in shared))
    # Seeds that all shared splits have: what is drawn anew.
    seeds = tuple(
        seed
        for seed in dict.fromkeys(s for _, s in shared)
        if all((split, seed) in shared for split in splits)
    )
    if not seeds:
        return []
    pairs = []
    for split in splits:
        of_split = []
        for seed in seeds:
            pair = scores(mine[split, seed], parts[0]), scores(theirs[split, seed], parts[1])
            if pair[0].clips != pair[1].clips:
                raise FarviewError(
                    f"'{row['row']}' and '{other['row']}', split {split}, seed {seed}: measured on other clips"
                )
            of_split.append(pair)
        pairs.append(of_split)
    ours, others = (outcomes([[pair[side] for pair in split] for split in pairs]) for side in (0, 1))
    found = difference(others, ours)
    return [
        Comparison(row["row"], row["column"], other["row"], prec1(ours), prec1(others), found, splits, seeds)
    ]


def cells_of(row: Results) -> Cells:
    """A row's cells by their places."""
    return {(cell["split"], cell["seed"]): cell for cell in row["cells"]}


def scores(cell: dict[str, Any], part: str) -> Scores:
    """What a cell made of the clips; of two streams, both together. Raises FarviewError where the file is gone."""
    folders = [Path(cell[key]) for key in ("folder", "flow_folder") if cell[key]]
    return fused(folders, part, cell["fusion"] or ())


def outcomes(splits: list[list[Scores]]) -> list[Outcomes]:
    """What each seed got right, split by split."""
    hits = [np.stack([each.hits.astype(float) for each in seeds]) for seeds in splits]
    return outcomes_of(hits, [seeds[0].clips for seeds in splits])


def print_comparisons(found: list[Comparison], first: str, second: str) -> None:
    """A line a row."""
    from rich.console import Console
    from rich.table import Table

    several = len({each.column for each in found}) > 1
    table = Table(
        "row", *(["backbone"] if several else []), "Prec@1", "less", "Prec@1", "difference", "seeds"
    )
    for each in found:
        table.add_row(
            each.row,
            *([each.column] if several else []),
            f"{each.prec1:.1f}",
            each.other,
            f"{each.other_prec1:.1f}",
            points(asdict(each.difference)),
            " ".join(map(str, each.seeds)) + (f", {len(each.splits)} splits" if len(each.splits) > 1 else ""),
        )
    console = Console()
    console.print(f"{second} less {first}" if first != second else first, highlight=False, markup=False)
    console.print(table)
    console.print("differences in points with 95 % intervals, paired by clip and seed")
