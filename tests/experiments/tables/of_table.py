"""The cells of a table, for tests."""

from farview.experiments.tables.cells import Cell, Request, make_cells, rows_of
from farview.experiments.tables.rows import Table


def planned_cells(table: Table, request: Request) -> list[Cell]:
    return make_cells(request, rows_of(table, request)[0], request.columns or table.columns)
