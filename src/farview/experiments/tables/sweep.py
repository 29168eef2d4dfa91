"""What a resolution costs, and what it hides: the verb `farview sweep`."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from farview import __version__
from farview.data.datasets import open_data
from farview.data.recast import groups_as_classes
from farview.errors import FarviewError
from farview.experiments.pictures import need_viz
from farview.experiments.tables.cells import Request, first_cells, make_cells
from farview.experiments.tables.check import check_jobs, check_request
from farview.experiments.tables.engine import Engine, Planned, plan
from farview.experiments.tables.results import Others, row_of
from farview.experiments.tables.rows import Row, Settings
from farview.experiments.tables.sweep_chart import draw
from farview.experiments.tables.table import raise_failed, run_planned
from farview.frames.files import atomic_write
from farview.models.contract import read_contract
from farview.training.phases import MODEL, write_json

Point = dict[str, Any]
FRAMES_PER_SECOND = 30
"""What the bytes a second are reckoned at."""
WHO: Settings = {"data.recognise": "group"}


def sweep(
    request: Request,
    resolutions: tuple[tuple[int, int], ...],
    per_class: tuple[int, ...] = (),
    jobs: int = 1,
    engine: Engine = "local",
    quiet: bool = False,
) -> dict[str, Any]:
    """Accuracy against resolution and against clips per class; write `sweep.csv`, `results.json`, `sweep.png`, `.pdf`.

    At each resolution (height, width): S-Net by itself and the recipe's own method recognise the action, and a network
    of the same size, trained alike, recognises who it is, where the data name people in several recordings each. T-Net
    on HR stands beside them. `per_class` asks how the recipe's method does, at the recipe's own resolution, with that
    many training clips of each class, and with all of them.

    Returns `points`, a list of `what` (action, who, clips), `network` (teacher, student, method), `height`, `width`
    (None: HR), `per_class` (None: all), `clips_per_class` (on average, that trained), `prec1` with `prec1_std` and
    `low`, `high` over seeds, `chance`, `multiply_adds` (of a video), `bytes_per_second` (raw, at 30 frames/s),
    `seconds` (of training).
    """
    out = Path(request.out).expanduser()
    if not resolutions and not per_class:
        raise FarviewError("sweep: nothing to do; give --resolutions 12x16 ... or --per-class 5 10 ...")
    check_jobs(jobs)
    resolutions, per_class = tuple(dict.fromkeys(resolutions)), tuple(dict.fromkeys(per_class))
    check_request(request, [row for _, row in rows_of(resolutions, per_class, people=True)], ("resnet",))
    reason = why_not_who(request) if resolutions else None
    if reason is not None and not quiet:
        print(f"left out who it is: {reason}", flush=True)
    rows = rows_of(resolutions, per_class, people=reason is None)
    cells = make_cells(request, [row for _, row in rows], ("resnet",))
    planned = plan(cells, quiet)
    failed = run_planned(planned, jobs, engine, "test", quiet)
    raise_failed(failed)
    points = []
    for place, row in rows:
        items = [item for item in planned if item.cell.row.name == row.name]
        points.append(place | point_of(items))
    results = {
        "data": request.data,
        "seeds": list(request.seeds),
        "splits": list(request.splits),
        "recipe": request.recipe,
        "overrides": list(request.overrides),
        "farview": __version__,
        "points": points,
    }
    write_json(out / "results.json", results)
    with atomic_write(out / "sweep.csv") as file:
        file.write(to_csv(points).encode())
    need_viz()
    for path in draw(points, out):
        if not quiet:
            print(f"figure   {path}")
    return results


def why_not_who(request: Request) -> str | None:
    """Why `data.recognise: group` has no answer on one of the splits; None where it has on all."""
    for cell in first_cells(request, [Row("HR")], ("resnet",)):
        config = cell.recipe.data
        data = open_data(replace(config, recognise="action", per_class=None))
        try:
            people = groups_as_classes(data, config.test_share, config.split)
        except FarviewError as error:
            return str(error)
        if not people.part("test"):
            return f"{data.name} has no second recording of anybody for testing"
    return None


def rows_of(
    resolutions: tuple[tuple[int, int], ...], per_class: tuple[int, ...], people: bool
) -> list[tuple[Point, Row]]:
    """What each point is, and the row that gives it."""
    rows: list[tuple[Point, Row]] = []

    def add(what: str, network: str, size: tuple[int, int] | None, clips: int | None, row: Row) -> None:
        height, width = size or (None, None)
        rows.append(
            ({"what": what, "network": network, "height": height, "width": width, "per_class": clips}, row)
        )

    if resolutions:
        add("action", "teacher", None, None, Row("HR", phase="teacher"))
        if people:
            add("who", "teacher", None, None, Row("HR who", WHO, "teacher"))
    for height, width in resolutions:
        sensor = {"input.sensor.height": str(height), "input.sensor.width": str(width)}
        name = f"{height}x{width}"
        add("action", "student", (height, width), None, Row(f"{name} Student", sensor, "student"))
        add("action", "method", (height, width), None, Row(name, sensor))
        if people:
            add("who", "student", (height, width), None, Row(f"{name} who", sensor | WHO, "student"))
    for clips in per_class:
        add("clips", "method", None, clips, Row(f"{clips} a class", {"data.per_class": str(clips)}))
    if per_class:
        add("clips", "method", None, None, Row("all clips"))
    return rows


def point_of(items: list[Planned]) -> Point:
    """The figures of one point."""
    figures = row_of(items, Others(), "test", "clip")
    contract = read_contract(items[0].folders[items[0].cell.row.phase] / MODEL)
    sensor = contract.sensor
    size = (
        contract.input_size
        if sensor is None or contract.resolution == "hr"
        else (sensor.height, sensor.width)
    )
    return {
        **{key: figures[key] for key in ("prec1", "prec1_std", "multiply_adds", "seconds")},
        "low": min(cell["prec1"] for cell in figures["cells"]),
        "high": max(cell["prec1"] for cell in figures["cells"]),
        "chance": 100 / len(contract.classes),
        "clips_per_class": len(items[0].clips.train) / len(contract.classes),
        "bytes_per_second": size[0] * size[1] * contract.channels * FRAMES_PER_SECOND,
    }


def to_csv(points: list[Point]) -> str:
    """One line a point."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(points[0]))
    writer.writeheader()
    writer.writerows(points)
    return out.getvalue()
