"""From finished cells to the figures of a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from farview import __version__
from farview.experiments.tables.cells import Cell, Request
from farview.experiments.tables.engine import Planned
from farview.experiments.tables.finished import cost, facts, scores, seconds_a_clip
from farview.experiments.tables.rows import Table
from farview.experiments.tables.statistics import (
    Difference,
    Outcomes,
    difference,
    gap_share,
    mean_and_spread,
    outcomes_of,
)
from farview.training.metrics import accuracy
from farview.training.phases import MODEL
from farview.training.recipe import Phase

Part = Literal["test", "validation"]
Unit = Literal["clip", "group"]
LONG = "Student, as long"
Results = dict[str, Any]


def results_of(
    table: Table, request: Request, planned: list[Planned], part: Part = "test", unit: Unit = "clip"
) -> Results:
    """All figures of a table; rows that have no finished cell are not there.

    `rows` is a list of: `row`, `column`, `cells` (split, seed, `prec1`, `prec5`, `seconds`, `folder`, of two streams
    `flow_folder` and `fusion`), how many were
    `planned`, means over the finished ones `prec1`, `prec5` with their standard deviations `prec1_std`, `prec5_std`,
    `seconds`; `multiply_adds` (of a video) and `parameters` of the row's network; differences in points `to_student`
    (the row's own S-Net), `to_above`, `to_long` (the row Student, as long), `to_full` (the row whose network this
    one's is cheaper than) as `points`, `low`, `high`, 95 %; `gap_closed` as percent, low, high; `paper` (Prec@1, and
    Prec@5 where it has it). Of whole systems also `seconds_a_clip`, the difference `to_last` (the table's last row)
    and what is `published`, by data set. None where there is nothing to say. `classes` and `clips` count those of the
    first split.
    """
    rows: list[Results] = []
    lines: dict[tuple[str, str], list[Planned]] = {}
    wanted: Counter[tuple[str, str]] = Counter()
    for item in planned:
        line = item.cell.row.name, item.cell.column
        wanted[line] += 1
        if all(stream.last.is_file() for stream in item.streams):
            lines.setdefault(line, []).append(item)
    for column in dict.fromkeys(column for _, column in lines):
        above: list[Planned] | None = None
        for line, items in lines.items():
            if line[1] != column:
                continue
            full = items[0].cell.row.full
            others = Others(
                above,
                lines.get((LONG, column)),
                lines.get((full, column)) if full is not None else None,
                lines.get((table.rows[-1].name, column)) if table.systems else None,
            )
            row = row_of(items, others, part, unit)
            row["planned"] = wanted[line]
            row["seconds_a_clip"] = seconds_a_clip(items[0]) if table.systems else None
            rows.append(row)
            above = items
    return {
        "table": table.number,
        "title": table.title,
        "created": datetime.now().astimezone().isoformat(timespec="minutes"),
        "farview": __version__,
        "part": part,
        "unit": unit,
        "request": asdict(request),
        "classes": len(planned[0].clips.data.classes),
        "clips": {name: len(getattr(planned[0].clips, name)) for name in ("train", "val", "test")},
        "rows": rows,
        "notes": [*table.notes, *dict.fromkeys(note for item in planned for note in item.cell.row.notes)],
    }


class Others(NamedTuple):
    """The rows that a row is compared with, beside its own S-Net; None where there is none."""

    above: list[Planned] | None = None
    long: list[Planned] | None = None
    full: list[Planned] | None = None
    last: list[Planned] | None = None


def row_of(items: list[Planned], others: Others, part: Part, unit: Unit) -> Results:
    """The figures of one row in one column."""
    phase = items[0].cell.row.phase
    cells = [cell_of(item, part) for item in items]
    own = outcomes(items, phase, part, unit) if comparable(items, phase) else []

    def against(other: list[Planned] | None, kind: Phase | None = None) -> dict[str, float] | None:
        if not own or other is None or (other is items and kind in (None, phase)):
            return None
        of_other = kind or other[0].cell.row.phase
        if not same_cells(other, items) or not comparable(other, of_other):
            return None
        found: Difference = difference(outcomes(other, of_other, part, unit), own)
        return asdict(found)

    share = None
    if own and phase == "transfer" and comparable(items, "student"):
        references = [outcomes(items, reference, part, unit) for reference in ("teacher", "student")]
        share = gap_share(references[0], references[1], own)
    multiply_adds, parameters = cost(items[0])
    (prec1, prec1_std), (prec5, prec5_std) = (
        mean_and_spread([cell[key] for cell in cells]) for key in ("prec1", "prec5")
    )
    return {
        "row": items[0].cell.row.name,
        "column": items[0].cell.column,
        "phase": phase,
        "prec1": prec1,
        "prec1_std": prec1_std,
        "prec5": prec5,
        "prec5_std": prec5_std,
        "multiply_adds": multiply_adds,
        "parameters": parameters,
        "seconds": float(np.mean([cell["seconds"] for cell in cells])),
        "to_student": against(items, "student"),
        "to_above": against(others.above),
        "to_long": against(others.long),
        "to_full": against(others.full),
        "to_last": against(others.last),
        "gap_closed": list(share) if share else None,
        "published": items[0].cell.row.published or None,
        "paper": list(items[0].cell.row.paper.get(items[0].cell.column, ())) or None,
        "cells": cells,
    }


def comparable(items: list[Planned], phase: Phase) -> bool:
    """Whether `phase` of every cell is finished, and every split has the same seeds: what can be drawn anew."""
    seeds: dict[str, list[int]] = {}
    for item in items:
        seeds.setdefault(item.cell.split, []).append(item.cell.seed)
    models = [stream.folders[phase] / MODEL for item in items for stream in item.streams]
    return all(model.is_file() for model in models) and len({tuple(each) for each in seeds.values()}) == 1


def same_cells(first: list[Planned], second: list[Planned]) -> bool:
    """Whether two rows have the same splits and seeds, and so can be paired."""

    def places(items: list[Planned]) -> list[tuple[str, int]]:
        return [(item.cell.split, item.cell.seed) for item in items]

    return places(first) == places(second)


def cell_of(item: Planned, part: Part) -> Results:
    """The figures of one cell; of two streams those of their fused scores, and the seconds of both."""
    cell: Cell = item.cell
    phase = cell.row.phase
    folders = [stream.folders[phase] for stream in item.streams]
    read = [facts(folder / MODEL, cell.row.rival is not None) for folder in folders]
    if len(read) == 1:
        measured = read[0][0][part]
    else:
        fused = scores(item, phase, part)
        measured = asdict(accuracy(torch.from_numpy(fused.probabilities), torch.from_numpy(fused.labels)))
    return {
        "split": cell.split,
        "seed": cell.seed,
        "prec1": measured["prec1"],
        "prec5": measured["prec5"],
        "seconds": sum(trained["seconds"] for _, trained in read),
        "folder": str(folders[0]),
        "flow_folder": str(folders[1]) if len(folders) > 1 else None,
        "fusion": list(cell.recipe.fusion) if len(folders) > 1 else None,
    }


def outcomes(items: list[Planned], phase: Phase, part: Part, unit: Unit) -> list[Outcomes]:
    """What a phase of each cell got right, split by split."""
    hits, names = [], []
    for split in dict.fromkeys(item.cell.split for item in items):
        of_split = [item for item in items if item.cell.split == split]
        read = [read_hits(item, phase, part) for item in of_split]
        hits.append(np.stack([of_seed for _, of_seed in read]))
        names.append(units_of(of_split[0], read[0][0], unit))  # the clips are the same for every seed
    return outcomes_of(hits, names)


def read_hits(item: Planned, phase: Phase, part: Part) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Clip names and whether each was recognised."""
    found = scores(item, phase, part)
    return found.clips, found.hits.astype(float)


def units_of(item: Planned, clips: Sequence[str], unit: Unit) -> Sequence[str]:
    """What each clip is drawn with: itself, or its group (a clip without one itself)."""
    if unit == "clip":
        return clips
    groups = {clip.id: clip.group or clip.id for clip in item.clips.data.clips}
    return [groups[clip] for clip in clips]
