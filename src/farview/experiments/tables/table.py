"""The verb `farview table`."""

from functools import partial
from pathlib import Path

import numpy as np

from farview.errors import FarviewError
from farview.experiments.pictures import need_viz
from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Request, first_cells, make_cells, rows_of, with_settings
from farview.experiments.tables.check import check_jobs, check_request
from farview.experiments.tables.choices import (
    Tried,
    decide,
    in_words,
    make_trials,
    read_choices,
    refuse_test_clips,
    taken,
)
from farview.experiments.tables.engine import Engine, Opened, Planned, Task, plan, run_tasks, tasks_of
from farview.experiments.tables.finished import facts
from farview.experiments.tables.results import Part, Results, Unit, cell_of, results_of
from farview.experiments.tables.rows import Row, choose
from farview.experiments.tables.show import print_table, to_csv, to_page
from farview.frames.files import atomic_write
from farview.training.phases import MODEL, write_json

LEAST_GROUPS = 3
"""Groups from which on drawing them anew says something."""


def table(
    number: str,
    request: Request,
    jobs: int = 1,
    engine: Engine = "local",
    part: Part = "test",
    unit: Unit = "clip",
    quiet: bool = False,
) -> Results:
    """Run what is not done of a table's cells; write `results.json`, `table.csv` and `table.html` into its folder, of
    the validation clips `results-validation.json` and so on.

    Killed at any moment, the same command goes on. Where cells fail, the others are still run and shown, then
    `FarviewError` names the first that failed.
    """
    chosen = TABLES[number]
    out = Path(request.out).expanduser()
    columns = request.columns or chosen.columns
    named = choose(chosen, list(request.rows) if request.rows is not None else None)
    check_jobs(jobs)
    check_request(request, named, columns)
    rows, left_out = rows_of(chosen, request)
    if not rows:
        raise FarviewError(f"nothing is left of table {number}: {left_out[0]}")
    for reason in left_out if not quiet else []:
        print(f"left out {reason}", flush=True)
    opened: Opened = {}
    tried = try_choices(request, rows, columns, jobs, engine, quiet, opened) if request.choices else []
    planned = plan(make_cells(request, rows, columns, partial(taken, tried)), quiet, opened)
    failed = run_planned(planned, jobs, engine, part, quiet, unit)
    results = results_of(chosen, request, planned, part, unit) | {"tried": tried}
    of = "" if part == "test" else f"-{part}"
    write_json(out / f"results{of}.json", results)
    with atomic_write(out / f"table{of}.csv") as file:
        file.write(to_csv(results).encode())
    if not quiet:
        print_table(results)
    raise_failed(failed)
    need_viz()
    with atomic_write(out / f"table{of}.html") as file:
        file.write(to_page(results).encode())
    if not quiet:
        print(f"page     {out / f'table{of}.html'}")
    return results


def try_choices(
    request: Request,
    rows: list[Row],
    columns: tuple[str, ...],
    jobs: int,
    engine: Engine,
    quiet: bool,
    opened: Opened,
) -> list[Tried]:
    """Run every choice of every row on clips held out of training; what was tried, the best of each row marked.

    Raises FarviewError where `--choose-on` would let the table's test clips decide.
    """
    assert request.choices is not None
    choices = read_choices(request.choices)
    try:
        for choice in choices:
            check_request(with_settings(request, choice), rows, columns)
        trials = make_trials(request, rows, columns, choices)
    except FarviewError as error:
        raise FarviewError(f"{request.choices}: {error}") from None
    part: Part = "test" if request.choose_on else "validation"
    planned = plan([cell for trial in trials for cell in trial.cells], quiet, opened)
    if request.choose_on:
        refuse_test_clips(planned, plan(first_cells(request, rows, columns), quiet, opened))
    failed = run_planned(planned, jobs, engine, part, quiet)
    for reason in failed.values():
        print(f"a choice failed: {reason}", flush=True)
    done = iter(planned)
    figures: list[float | None] = []
    for trial in trials:
        items = [next(done) for _ in trial.cells]
        whole = all(stream.last.is_file() for item in items for stream in item.streams)
        figures.append(float(np.mean([cell_of(item, part)["prec1"] for item in items])) if whole else None)
    tried = decide(trials, figures)
    for each in tried if not quiet else []:
        if each["taken"]:
            where = f"{each['row']}, {each['column']}" + (f", split {each['split']}" if each["split"] else "")
            print(
                f"chosen   {where}: {in_words(each['choice'])} (held-out prec@1 {each['prec1']:.1f})",
                flush=True,
            )
    return tried


def run_planned(
    planned: list[Planned], jobs: int, engine: Engine, part: Part, quiet: bool, unit: Unit = "clip"
) -> dict[Path, str]:
    """Run what is not done of the cells; returns the folders of the phases that failed, and why."""
    for item in planned:
        clips = item.clips.test if part == "test" else item.clips.val
        if not clips:
            remedy = "choose another split" if part == "test" else "set data.val_share"
            raise FarviewError(f"{item.clips.data.name}: no {part} clips; {remedy}")
        if unit == "group" and all(clip.group is None for clip in clips):
            raise FarviewError(
                f"--unit group: the {part} clips of {item.clips.data.name} have no groups; leave it out"
            )
    if unit == "group" and (groups := len(groups_of(planned, part))) < LEAST_GROUPS:
        raise FarviewError(
            f"--unit group: an interval needs clips of {LEAST_GROUPS} groups or more, and the {part} clips are of "
            f"{groups}; name more splits or leave it out"
        )
    refuse_same_splits(planned)
    tasks = tasks_of(planned)
    if not quiet:
        print(f"{len(planned)} cells; {len(tasks)} phases to train", flush=True)

    def report(task: Task, done: int) -> None:
        if quiet or not (task.folder / MODEL).is_file():
            return
        measured, trained = facts(task.folder / MODEL, task.rival is not None)
        prec1, seconds = measured[part]["prec1"], trained["seconds"]
        print(f"[{done}/{len(tasks)}] {task.name}: {part} prec@1 {prec1:.1f} ({seconds:.0f} s)", flush=True)

    return run_tasks(tasks, jobs, engine, report, quiet) if tasks else {}


def refuse_same_splits(planned: list[Planned]) -> None:
    """Raise `FarviewError` where two splits divide the data alike: the same run would count twice."""
    of_run: dict[tuple[str, Path, int], str] = {}
    for item in planned:
        split, run = item.cell.split, (item.cell.row.name, item.last, item.cell.seed)
        if of_run.setdefault(run, split) != split:
            raise FarviewError(
                f"--splits: {of_run[run]} and {split} divide {item.clips.data.name} in the same way; name one of them"
            )


def groups_of(planned: list[Planned], part: Part) -> set[str]:
    """Groups that the cells' test or validation clips come from; a clip without one is one by itself."""
    clips = {clip for item in planned for clip in (item.clips.test if part == "test" else item.clips.val)}
    return {clip.group or clip.id for clip in clips}


def raise_failed(failed: dict[Path, str]) -> None:
    """Name the first of the phases that failed, if any did."""
    if failed:
        raise FarviewError(f"{len(failed)} phases failed; first: {next(iter(failed.values()))}")
