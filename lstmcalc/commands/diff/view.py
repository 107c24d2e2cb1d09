"""The view of diff, on one screen: the differences, folded, then the verdict, its causes, the repair, and the rest."""

from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.commands.diff.report import DiffModule, DiffReport
from lstmcalc.commands.diff.rows import BAD, TensorRow, ValuedRow
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Heading, Line, Row, more_text, shape_text
from lstmcalc.report.terminal import facts_height
from lstmcalc.spec.words import counted, with_rest

_LINES: Final = 24  # of the whole
_WIDTH: Final = 80  # columns of a terminal of so many lines
_LISTED: Final = 3  # names in a line
_CAUSES: Final = 4
_STEPS: Final = 4
_FRAME: Final = 7  # lines of the heading, of a grid's head and its last row, and empty ones
_SECOND: Final = 2  # for another last row
_DIFFERENT: Final = (*BAD, "different")
_SHOWN: Final = {"misshaped": "size mismatch"}
_VERDICTS: Final = {
    "loads": "LOADS",
    "lstm-matches": "LSTM MATCHES",
    "loads-after-repair": "LOADS AFTER REPAIR",
    "does-not-load": "DOES NOT LOAD",
}


def screen(report: DiffReport, *, full: bool = False) -> Iterator[Block]:
    """The LSTMs that are compared, the tensors that differ, all of them with `full`, and the verdict."""
    modules = report.modules
    yield Heading(_title(modules))
    above, below = Facts(tuple(_sources(modules))), Facts(tuple(_verdict(report, _CAUSES)))
    causes = _CAUSES
    while causes > 1 and facts_height(above, _WIDTH) + facts_height(below, _WIDTH) > _LINES - _FRAME - _SECOND - 1:
        causes -= 1
        below = Facts(tuple(_verdict(report, causes)))
    yield above
    rows = [(module, row) for module in modules for row in module.tensors]
    bad = [(module, row) for module, row in rows if row.status in _DIFFERENT]
    others = [row for row in report.others if row.status in _DIFFERENT]
    if bad or others:
        equal = len(rows) - len(bad)
        left = _LINES - _FRAME - _SECOND * bool(equal) - sum(facts_height(part, _WIDTH) for part in (above, below))
        yield _grid(bad, others, equal, modules, len(bad) + len(others) if full else max(left, 1))
    yield below


def _title(modules: Sequence[DiffModule]) -> str:
    if len(modules) == 1:
        return f"{modules[0].name}: {modules[0].text}"
    return f"{len(modules)} LSTMs: {with_rest([module.name for module in modules], _LISTED)}"


def _sources(modules: Sequence[DiffModule]) -> Iterator[Line]:
    """A line for each side: its source, and its LSTM."""
    for number, word in enumerate(modules[0].words):
        sides = [(module.file, module.model)[number] for module in modules]
        known = [side for side in sides if side is not None]
        if not known:
            yield word, ("has no such LSTM",)
            continue
        prefix = known[0].prefix if len(known) == 1 else None
        name = [known[0].name] if len(modules) == 1 and known[0].name != "lstm" else []
        missing = [f"without {len(sides) - len(known)} of these LSTMs"] if len(known) < len(sides) else []
        begins = [f"whose names begin with {prefix}"] if prefix else []
        yield word, (*name, f"from {known[0].source}", *begins, *missing)


def _grid(
    bad: Sequence[tuple[DiffModule, TensorRow]],
    others: Sequence[ValuedRow],
    equal: int,
    modules: Sequence[DiffModule],
    most: int,
) -> Grid:
    """The first of the tensors that differ, and how many more there are."""
    several, valued = len(modules) > 1, modules[0].tolerance is not None
    named = [(f"{module.name}.{row.name}" if several else row.name, row) for module, row in bad]
    named += [(row.name, row) for row in others]
    shown = named[:most] if len(named) > most + 1 else named[: most + 1]
    headers = [Column(word.removeprefix("the "), code=True) for word in modules[0].words]
    columns = (Column("tensor"), *headers, *([Column("apart", right=True)] if valued else []), Column("status"))
    lines = []
    for name, row in shown:
        cells = [name, _shape(row.file_shape), _shape(row.model_shape), *([_apart(row)] if valued else [])]
        lines.append(Row((*cells, _SHOWN.get(row.status, row.status)), "bad"))
    blanks = [""] * (len(columns) - 1)
    if len(named) > len(shown):
        hidden = named[len(shown) :]
        statuses = {_SHOWN.get(row.status, row.status) for _, row in hidden}
        status = statuses.pop() if len(statuses) == 1 else "different"
        lines.append(Row((more_text(len(hidden), "tensor"), *blanks[1:], status), "folded"))
    if equal:
        lines.append(Row((counted(equal, "tensor"), *blanks[1:], "equal"), "folded"))
    return Grid(columns, tuple(lines))


def _verdict(report: DiffReport, most: int) -> Iterator[Line]:
    """The verdict with what it is about, its first causes, the code that repairs it, and what was not compared."""
    rest = report.not_compared
    total = sum(len(module.tensors) for module in report.modules)
    about = {
        "loads": f"into {report.root or 'the second'}: every tensor compared has its name and size there",
        "lstm-matches": f"{counted(total, 'tensor')} of the LSTM{'s' * (len(report.modules) > 1)}",
        "loads-after-repair": "not as it is: see fix",
        "does-not-load": f"into {report.root}" if report.root else "",
    }[report.verdict]
    mapped = ["once mapped to PyTorch's"] if report.modules[0].mapped and report.verdict == "lstm-matches" else []
    counts = [f"{counted(len(rest), 'other tensor')} not compared"] if rest else []
    good = report.verdict in ("loads", "lstm-matches")
    rows = [*(row for module in report.modules for row in module.tensors), *report.others]
    numbers = any(row.status == "different" for row in rows)
    if good and (numbers or not all(module.fits for module in report.modules)):
        yield "verdict", ("NUMBERS DIFFER" if numbers else "SETTINGS DIFFER", "names and sizes of all tensors agree")
        yield from (("cause", (cause,)) for cause in _causes(report))
        return
    yield "verdict", (_VERDICTS[report.verdict], *([about] if about else []), *mapped, *counts)
    causes = [] if good else _causes(report)
    shown = causes if len(causes) <= most else [*causes[: most - 1], f"{len(causes) - most + 1} more: --json"]
    yield from (("cause", (cause,)) for cause in shown)
    steps = list(report.repair)
    yield from (("fix", (step,)) for step in steps[:_STEPS])
    if rest:
        yield "not compared", (with_rest(rest, _LISTED),)


def _causes(report: DiffReport) -> list[str]:
    """The causes that the settings of the LSTMs are, and the others."""
    several = len(report.modules) > 1
    own = [
        f"{module.name}: {cause}" if several else cause
        for module in report.modules
        if not module.fits and report.verdict != "loads-after-repair"
        for cause in module.causes
    ]
    return list(dict.fromkeys([*own, *report.causes]))


def _apart(row: TensorRow) -> str:
    """The largest difference of the numbers."""
    if not isinstance(row, ValuedRow) or row.status not in ("equal", "different"):
        return "-"
    return "not finite" if row.max_abs_difference is None else f"{row.max_abs_difference:.3g}"


def _shape(shape: Sequence[int] | None) -> str:
    return "-" if shape is None else shape_text(shape)
