"""The view of ls: the tensors of a weight file, and its recurrent modules."""

from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.commands.ls.report import LsModule, MeasuredRow, StoredRow
from lstmcalc.errors import bytes_text
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Line, Row, more_text, shape_text
from lstmcalc.report.siblings import range_name, siblings

_SHOWN: Final = 500  # tensors at either end of a long list
_NAMED: Final = 20  # modules that are listed
_ASKED: Final = 2 * _SHOWN  # rows that are looked at to shorten the table; of more only some are shown
_LARGE, _SMALL = 1e5, 1e-4  # numbers beyond are written with an exponent


def view(module: LsModule) -> Iterator[Block]:
    """Every tensor, of very many the first and the last; then the recurrent modules."""
    rows = module.tensors
    statistics = ("min", "max", "mean", "norm", "nan", "inf") if rows and isinstance(rows[0], MeasuredRow) else ()
    whole = Column(
        "size", right=True, spare=("size", (f"{bytes_text(module.total_bytes)} in all",)) if statistics else None
    )
    columns = [Column("tensor"), Column("of"), _dtype_column(rows), Column("shape", code=True)]
    columns += [Column("count", right=True), whole, *(_statistics_column(name, rows) for name in statistics)]

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


def _dtype_column(rows: Sequence[StoredRow]) -> Column:
    """The column of dtypes; one that all tensors have can be said in a line."""
    dtypes = {row.dtype for row in rows[:_ASKED]} if len(rows) <= _ASKED else set()
    return Column("dtype", quiet=True, spare=("dtype", (f"{dtypes.pop()}, all of them",)) if len(dtypes) == 1 else None)


def _statistics_column(name: str, rows: Sequence[StoredRow]) -> Column:
    """The column of a statistic; a count that is 0 everywhere can be said in a line."""
    none = name in ("nan", "inf") and len(rows) <= _ASKED and not any(getattr(row, name) for row in rows)
    return Column(name, right=True, spare=(name, ("none",)) if none else None)


def _modules(module: LsModule) -> Iterator[Line]:
    """The LSTMs, and the other recurrent modules."""
    alike = siblings(module.lstms, lambda item: (item.text, item.framework))
    lstms = [(range_name(group), f"{group[0].text} of {group[0].framework}") for group in alike]
    relatives = [(range_name(group), group[0].kind) for group in siblings(module.relatives, lambda item: item[1:])]
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
