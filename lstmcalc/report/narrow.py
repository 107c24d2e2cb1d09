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
    """The grid with the names in its first column cut in the middle, `model.enc...weight_hh_l0`, to save columns.

    They stay whole where that would not be enough; where two of them would look the same, they take two lines.
    """
    names = [row.cells[0] for row in grid.rows]
    most = max(map(len, names), default=0) - excess
    if most < _LEAST:
        return grid
    middle = (most - 3) // 2
    for head in sorted(range(most - 3), key=lambda place: abs(place - middle)):
        cut = [_cut(name, most, head) for name in names]
        if len(set(cut)) == len(set(names)):
            break
    else:
        cut = [_broken(name, most) for name in names]
    rows = (row._replace(cells=(name, *row.cells[1:])) for name, row in zip(cut, grid.rows, strict=True))
    return Grid(grid.columns, tuple(rows))


def _broken(name: str, most: int) -> str:
    """The name in lines of at most so many characters, broken behind a separator if there is one."""
    lines = []
    while len(name) > most:
        end = max(name.rfind(mark, 0, most) for mark in "./_") + 1 or most
        lines.append(name[:end])
        name = f"  {name[end:]}"
    return "\n".join((*lines, name))


def _cut(name: str, most: int, head: int) -> str:
    """The name in `most` characters, the first `head` and the last ones."""
    return name if len(name) <= most else f"{name[:head]}...{name[len(name) - most + head + 3 :]}"


def stacked(grid: Grid) -> Sequence[Facts]:
    """Each row as labelled lines, the first cell above the others."""
    headers = [column.header for column in grid.columns]
    return [Facts(tuple(_lines(row, headers))) for row in grid.rows]


def _lines(row: Row, headers: Sequence[str]) -> list[Line]:
    cells = [(header, cell) for header, cell in zip(headers, row.cells, strict=True) if cell]
    return [(f"{'  ' * bool(number)}{header}", (cell,)) for number, (header, cell) in enumerate(cells)]
