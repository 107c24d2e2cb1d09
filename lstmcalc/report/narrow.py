"""Grids on a terminal that is too narrow: a prefix that names share is shown once, names are cut in the middle.

Never in a pipe, where names stay whole.
"""

from collections.abc import Sequence
from os.path import commonprefix
from typing import Final

from lstmcalc.report.blocks import Facts, Grid, Line, Row

STACKED: Final = 60  # columns; below, each row takes a line for each of its cells
_SHORT: Final = 6  # characters of a prefix that is worth a line of its own
_LEAST: Final = 16  # characters of a name that is cut


def without_prefix(grid: Grid) -> tuple[Grid, str]:
    """The grid without the path that the names in its first column share, and that path; empty if there is none."""
    names = [
        row.cells[0] for row in grid.rows if row.kind in ("normal", "good", "bad") and row.cells[0] not in ("", "-")
    ]
    path = commonprefix(names)  # noqa: RUF071  # characters are meant: a separator ends it
    path = path[: max(path.rfind("/"), path.rfind(".")) + 1]
    if len(names) < 2 or len(path) < _SHORT:  # noqa: PLR2004  # a single name shares nothing
        return grid, ""
    rows = (row._replace(cells=(row.cells[0].removeprefix(path), *row.cells[1:])) for row in grid.rows)
    return Grid(grid.columns, tuple(rows)), path


def with_short_names(grid: Grid, excess: int) -> Grid:
    """The grid with the names in its first column cut in the middle, `model.enc...weight_hh_l0`, to save columns."""
    longest = max((len(row.cells[0]) for row in grid.rows), default=0)
    most = max(longest - excess, _LEAST)
    rows = (row._replace(cells=(_cut(row.cells[0], most), *row.cells[1:])) for row in grid.rows)
    return Grid(grid.columns, tuple(rows))


def _cut(name: str, most: int) -> str:
    if len(name) <= most:
        return name
    kept = most - 3
    return f"{name[: kept // 2]}...{name[len(name) - kept + kept // 2 :]}"


def stacked(grid: Grid) -> Sequence[Facts]:
    """Each row as labelled lines, the first cell above the others."""
    headers = [column.header for column in grid.columns]
    return [Facts(tuple(_lines(row, headers))) for row in grid.rows]


def _lines(row: Row, headers: Sequence[str]) -> list[Line]:
    cells = [(header, cell) for header, cell in zip(headers, row.cells, strict=True) if cell]
    return [(f"{'  ' * bool(number)}{header}", (cell,)) for number, (header, cell) in enumerate(cells)]
