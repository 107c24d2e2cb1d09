"""The view of convert, on one screen: the verdict, the proof, what was left out, and the lines that load the file."""

from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.commands.convert.making import FILE, REST, WHOLE, ProofRow
from lstmcalc.commands.convert.report import ConvertReport
from lstmcalc.errors import bytes_text, shown_name
from lstmcalc.report.blocks import Block, Code, Column, Facts, Grid, Heading, Line, Row
from lstmcalc.spec.words import and_list, counted, with_rest

_LISTED: Final = 3  # names in a line
_RESULTS: Final = ("output", "h_n", "c_n")
_RUN: Final = "run in "  # how a proof by another program is called


def screen(report: ConvertReport, *, full: bool = False) -> Iterator[Block]:
    """The LSTMs, the verdict and the proof in short, every row of it with `full`, and the code that loads the file."""
    yield Heading(_title(report))
    yield Facts(tuple(_verdict(report)))
    failed = [row for row in report.proof if not row.passed]
    if full or failed:
        yield _grid(report.proof if full else failed[:_MOST])
    if report.load:
        lines = list(report.load)
        shown = (
            lines if full or len(lines) <= _CODE + 1 else [*lines[:_CODE], f"# {len(lines) - _CODE} more lines: --full"]
        )
        yield Code("\n".join(shown), "c" if report.target == "c" else "python")


_MOST: Final = 8  # rows that do not hold
_CODE: Final = 13  # lines of code on one screen


def _title(report: ConvertReport) -> str:
    modules = report.modules
    if len(modules) == 1:
        return f"{modules[0].name}: {modules[0].text}"
    return f"{len(modules)} LSTMs: {with_rest([module.name for module in modules], _LISTED)}"


def _verdict(report: ConvertReport) -> Iterator[Line]:
    holds = all(row.passed for row in report.proof)
    if not holds:
        unread = any(row.name.rpartition(".")[2] == FILE for row in report.proof if not row.passed)
        what = "cannot be read" if unread else "does not give the source's numbers"
        yield "verdict", (f"NOT CONVERTED: what was written {what}, and was not left",)
        yield from (("explained", (sentence,)) for sentence in report.explanations)
    else:
        yield "verdict", ("CONVERTED", *report.proven_by)
        name = "arrays in memory" if report.written is None else shown_name(report.written)
        yield "written", (f"{name}: {report.title}", bytes_text(report.bytes or 0))
    yield from _sources(report)
    if holds:
        yield from _short(report)
    yield from (("changed", (change,)) for change in report.changes)
    if report.left_out:
        yield "left out", (with_rest(report.left_out, _LISTED * 2),)


def _sources(report: ConvertReport) -> Iterator[Line]:
    """The origin of the numbers."""
    sources = dict.fromkeys(
        f"{module.source.where or 'the source'}: {module.title}" for module in report.modules if module.source
    )
    if sources:
        yield "from", tuple(sources)


def _short(report: ConvertReport) -> Iterator[Line]:
    """The proof in a few lines: the weights, what was computed of them, and what other programs computed."""
    judges = [by.removeprefix(_RUN) for by in report.proven_by if by.startswith(_RUN)]
    run = {by: [row for row in report.proof if row.name.endswith(f" of {by}")] for by in judges}
    told = [row for rows in run.values() for row in rows]
    ours = [row for row in report.proof if _is_result(row) and row not in told]
    whole = [row for row in report.proof if row.name.endswith((REST, WHOLE))]
    weights = [row for row in report.proof if not any(row in rows for rows in (told, ours, whole))]
    if weights:
        exact = sum(not row.max_abs_error for row in weights)
        rest = max(row.max_abs_error or 0.0 for row in weights)
        rounded = [f"the others within {rest:.2g}, as they were added up"] if exact < len(weights) else []
        yield "weights", (f"{exact} of {counted(len(weights), 'tensor')} the same to the last bit", *rounded)
    for row in whole:
        if row.name == REST:
            yield "untouched", ("every other byte of the file",)
        else:
            yield "copied", (f"{row.name.removesuffix(WHOLE)}the same",)
    if ours:
        yield "computed", (f"{and_list(_RESULTS)} of random data, whole and packed: {_apart(ours)}",)
    yield from (("run in", (f"{by}: {_apart(rows)}",)) for by, rows in run.items())


def _is_result(row: ProofRow) -> bool:
    """True for what was computed: `output`, `packed h_n`, `encoder.output`."""
    return row.name.rpartition(" ")[2].rpartition(".")[2] in _RESULTS


def _apart(rows: Sequence[ProofRow]) -> str:
    """The largest difference in words."""
    largest = max((row.max_abs_error or 0.0 for row in rows), default=0.0)
    return f"within {largest:.2g}" if largest else "the same"


def _grid(rows: Sequence[ProofRow]) -> Grid:
    return Grid(
        (Column("tensor", breaks=True), Column("apart", right=True), Column("allowed", right=True), Column("result")),
        tuple(
            Row(
                (
                    row.name,
                    "not finite" if row.max_abs_error is None else f"{row.max_abs_error:.2g}",
                    f"{row.allowed:.2g}",
                    "same" if row.passed else "DIFFERS",
                ),
                "good" if row.passed else "bad",
            )
            for row in rows
        ),
    )
