"""Cells of a table: one run each, with a recipe of its own that `farview train` takes too."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from farview.errors import FarviewError
from farview.experiments.tables.rows import Row, Settings, Table, choose
from farview.experiments.tables.systems import narrow
from farview.rivals.options import options_of, with_options
from farview.training.phases import write_yaml
from farview.training.recipe import Recipe, read_recipe

Scale = Literal["paper", "small"]
PAPER = {"resnet": "paper/resnet34", "r2plus1d": "paper/r2plus1d18", "r2plus1d34": "paper/r2plus1d34"}
SMALL = {"mime": "mime", "msr-action3d": "msr-action3d"}
"""Kind of data to the recipe of its small tables; `folder` for the others."""
NARROW: Settings = {
    "network.backbone": "r2plus1d18",
    "network.width": "8",
    "network.differences": "false",
    "input.intervals": "{count: 4, frames: 5, stride: 2}",
}
"""Small scale: what makes the column r2plus1d of the column resnet's recipe."""
SIZE_34: Settings = {"input.size": "[36,48]"}
"""Small scale: of all networks in the column r2plus1d34."""
NARROW_34: Settings = {
    "network.width": "8",
    "network.differences": "false",
    "input.intervals": "{count: 4, frames: 8, stride: 1}",
}
"""Small scale: what makes the column r2plus1d34 of the column resnet's recipe. The user's keys come after these two."""


@dataclass(frozen=True)
class Request:
    """What a user asks of `farview table`."""

    data: str
    """Kind and folder, as `data.source` of a recipe."""
    scale: Scale = "small"
    seeds: tuple[int, ...] = (0,)
    splits: tuple[str, ...] = ("1",)
    rows: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    pool: str | None = None
    """Unlabeled clips for the rows with `ut`."""
    recipe: str | None = None
    """Recipe of the column resnet in place of the scale's."""
    out: str = "runs/table"
    overrides: tuple[str, ...] = ()
    """Recipe keys for all cells, as on the command line."""
    choices: str | None = None
    """YAML file of settings that are tried for every row on held-out clips; each row takes what does best."""
    choose_on: tuple[str, ...] = ()
    """Splits whose test clips decide between the choices; none: each split's own validation clips."""


@dataclass(frozen=True)
class Cell:
    """One run of a table."""

    row: Row
    column: str
    split: str
    seed: int
    recipe: Recipe
    tries: str = ""
    """The choice that it is made to try, for a reader."""

    @property
    def flow(self) -> "Cell | None":
        """The same on flow, of a row of two streams."""
        if not self.row.two_streams or self.recipe.input.motion:
            return None
        return replace(self, recipe=flow_recipe(self.recipe))

    @property
    def name(self) -> str:
        """For a reader."""
        stream = ", flow" if self.recipe.input.motion else ""
        tries = f", {self.tries}" if self.tries else ""
        return f"{self.row.name}, {self.column}, split {self.split}, seed {self.seed}{stream}{tries}"


def rows_of(table: Table, request: Request) -> tuple[list[Row], list[str]]:
    """The rows that can be run, at the request's scale, and those left out, each with its reason."""
    for column in request.columns or ():
        if column not in table.columns:
            raise FarviewError(
                f"--columns: table {table.number} has no column '{column}'; it has {', '.join(table.columns)}"
            )
    rows, left_out = [], []
    for row in choose(table, list(request.rows) if request.rows is not None else None):
        if row.pool and request.pool is None:
            left_out.append(f"{row.name}: needs unlabeled clips; give them by --pool kind:folder")
        else:
            rows.append(replace(row, rival=narrow(row.rival)) if request.scale == "small" else row)
    return rows, left_out


def make_cell(request: Request, row: Row, column: str, split: str, seed: int) -> Cell:
    """One cell; its rival has the options that the recipe states."""
    recipe = cell_recipe(request, row, column, split, seed)
    if row.rival is None:
        return Cell(row, column, split, seed, replace(recipe, rival=None))
    config = with_options(row.rival, recipe.rival or {})
    return Cell(replace(row, rival=config), column, split, seed, replace(recipe, rival=options_of(config)))


def make_cells(
    request: Request,
    rows: Sequence[Row],
    columns: Sequence[str],
    chosen: Callable[[str, str, str], Settings] | None = None,
) -> list[Cell]:
    """The cells of a table, row by row, with what may be `chosen` for a row, column and split.

    Each cell's recipe is written to `out/cells/...yaml`. All cells share the phases in `out/phases`.
    """
    cells = []
    for row in rows:
        for column in columns:
            for split in request.splits:
                asked = with_settings(request, chosen(row.name, column, split)) if chosen else request
                for seed in request.seeds:
                    cell = make_cell(asked, row, column, split, seed)
                    for recipe in (cell.recipe, cell.flow.recipe) if cell.flow else (cell.recipe,):
                        path = Path(recipe.out)
                        write_yaml(path.with_name(f"{path.name}.yaml"), asdict(recipe))
                    cells.append(cell)
    return cells


def first_cells(request: Request, rows: Sequence[Row], columns: Sequence[str]) -> list[Cell]:
    """One cell of every row, column and split, as the recipes are, with the first seed; nothing is written."""
    seed = request.seeds[0]
    return [
        make_cell(request, row, column, split, seed)
        for row in rows
        for column in columns
        for split in request.splits
    ]


def with_settings(request: Request, settings: Settings) -> Request:
    """The request with further recipe keys for all cells."""
    return replace(
        request, overrides=request.overrides + tuple(f"--{key}={value}" for key, value in settings.items())
    )


def flow_recipe(recipe: Recipe) -> Recipe:
    """The flow stream's recipe of an RGB stream's."""
    return replace(recipe, input=replace(recipe.input, stream="flow"), out=f"{recipe.out}-flow")


def cell_recipe(request: Request, row: Row, column: str, split: str, seed: int) -> Recipe:
    """A cell's recipe: the scale's, the user's keys, the column's, the row's, then split and seed."""
    settings: Settings = {"data.source": request.data}
    if request.scale == "small" and column == "r2plus1d34":
        settings = settings | SIZE_34 | ({} if row.recipe == "resnet" else NARROW_34)
    if request.scale == "paper":
        base = PAPER[row.recipe or column]
    else:
        base = request.recipe or SMALL.get(request.data.partition(":")[0], "folder")
    arguments = [word for key, value in settings.items() for word in (f"--{key}", value)]
    arguments += request.overrides
    settings = NARROW if request.scale == "small" and column == "r2plus1d" else {}
    settings = settings | row.settings
    if row.pool or (row.pool is None and request.pool):
        settings = settings | {"data.pool": str(request.pool)}
    out = Path(request.out).expanduser()
    slug = "".join(c if c.isalnum() or c in "+-." else "_" for c in row.name)
    settings = settings | {
        "data.split": split,
        "seed": str(seed),
        "out": str(out / "cells" / f"{slug}-{column}-split{split}-seed{seed}"),
        "shared": str(out / "phases"),
        "phases": "[teacher,student,transfer]",
    }
    arguments += [word for key, value in settings.items() for word in (f"--{key}", value)]
    return read_recipe(base, arguments)
