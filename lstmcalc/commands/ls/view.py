"""The view of ls: the tensors of a weight file, and its recurrent modules."""

from collections.abc import Iterator
from typing import Final

from lstmcalc.commands.ls.report import LsModule, MeasuredRow, StoredRow
from lstmcalc.errors import bytes_text
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Line, Row, more_text, shape_text

_SHOWN: Final = 500  # tensors at either end of a long list
_NAMED: Final = 20  # modules that are listed
_LARGE, _SMALL = 1e5, 1e-4  # numbers beyond are written with an exponent


def view(module: LsModule) -> Iterator[Block]:
    """Every tensor, of very many the first and the last; then the recurrent modules."""
    rows = module.tensors
    statistics = ("min", "max", "mean", "norm", "nan", "inf") if rows and isinstance(rows[0], MeasuredRow) else ()
    columns = [Column("tensor"), Column("of"), Column("dtype", quiet=True), Column("shape", code=True)]
    columns += [Column(name, right=True) for name in ("count", "size", *statistics)]

    def shown(row: StoredRow) -> Row:
        sizes = f"{row.count:,}", bytes_text(row.bytes)
        return Row((row.name, row.owner or "-", row.dtype, shape_text(row.shape), *sizes, *_numbers(row)))

    hidden = len(rows) - 2 * _SHOWN
    facts: list[Line] = []
    if hidden > 0:
        dots = Row((more_text(hidden, "tensor"), *[""] * (len(columns) - 1)), "folded")
        listed = [*map(shown, rows[:_SHOWN]), dots, *map(shown, rows[len(rows) - _SHOWN :])]
        facts.append(("...", ("--format csv has all",)))
    else:
        listed = [shown(row) for row in rows]
    yield Grid(tuple(columns), tuple(listed))
    yield Facts((*facts, *_modules(module)))


def _modules(module: LsModule) -> Iterator[Line]:
    """The LSTMs, and the other recurrent modules."""
    lstms = [(item.name, f"{item.text} of {item.framework}") for item in module.lstms]
    relatives = [(item.name, item.kind) for item in module.relatives]
    for name, text in (lstms + relatives)[:_NAMED]:
        yield name, (text,)
    more = len(lstms) + len(relatives) - _NAMED
    if more > 0:
        yield "...", (more_text(more, "module"),)
    if not lstms:
        yield "LSTM", ("none is recognised in this file",)


def _numbers(row: StoredRow) -> tuple[str, ...]:
    """The statistics of a tensor as cells; empty if none were asked for."""
    if not isinstance(row, MeasuredRow):
        return ()
    return tuple(map(_number, (row.min, row.max, row.mean, row.norm, row.nan, row.inf)))


def _number(value: float | None) -> str:
    """A statistic as a cell."""
    if value is None or isinstance(value, int):
        return "-" if value is None else f"{value:,}"
    return f"{value:.4f}" if value == 0 or _SMALL <= abs(value) < _LARGE else f"{value:.3e}"
