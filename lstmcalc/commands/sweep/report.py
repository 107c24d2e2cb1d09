"""Many LSTMs side by side: every combination of some sizes, measured at once.

Not here: the flags (`request`), and the measuring (`grid`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from lstmcalc.commands._limits import check_stepping, limit_flag
from lstmcalc.commands.sweep.grid import Axis, Grid, Numbers, Value, ordered
from lstmcalc.commands.sweep.request import Request
from lstmcalc.costs.measures import LIMITED, Case
from lstmcalc.errors import ConfigError, ContradictionError, UsageError
from lstmcalc.intake.flags import flag_name
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.report.document import Report, check_rows, document, with_alone_note
from lstmcalc.report.notes import as_pytorch_note, notes_of
from lstmcalc.report.provenance import settings_in
from lstmcalc.report.rows import SETTINGS, AroundRow, Module, around_row, data_row, head_of
from lstmcalc.spec.config import HYPERPARAMETERS, MAX_SIZE
from lstmcalc.spec.words import counted

Combination: TypeAlias = Mapping[str, Value]  # an LSTM's swept settings and its measures, by name


@dataclass(frozen=True)  # as LSTMConfig is, whose place it takes
class SweptConfig:
    """The hyperparameters that all LSTMs of a sweep share; None for those that are swept."""

    input_size: int | None
    hidden_size: int | None
    num_layers: int | None
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool | None
    proj_size: int | None


class SweptData(NamedTuple):
    """The data that all LSTMs of a sweep are given; None for the settings that are swept."""

    seq_len: int | None
    batch: int | None
    lengths: Sequence[int] | None
    unbatched: bool
    dtype: str | None


class MeasureRow(NamedTuple):
    """A measure of every combination."""

    unit: str  # `parameters`, `MACs`, `FLOPs` or `bytes`
    counts: str  # what it counts, in words


@dataclass(kw_only=True)
class SweepModule(Module):
    """Every combination of some sizes that is an LSTM, with its measures."""

    config: SweptConfig  # type: ignore[assignment]  # an LSTMConfig has a value for each setting
    data: SweptData
    around: AroundRow
    axes: Mapping[str, Sequence[Value]]  # the values of each swept setting, in the order of the columns
    train: bool
    optimizer: str | None  # None if nothing is trained
    measures: Mapping[str, MeasureRow]  # by name
    combinations: int  # rows
    left_out: int  # combinations that are no LSTM
    rows: Sequence[Combination]
    notes: list[str]


def sweep_module(subject: Subject, request: Request, progress: Callable[[int, int], None] | None = None) -> SweepModule:
    """Every combination that is an LSTM, with its measures."""
    case = Case(subject.config, subject.data, subject.around, request.train, request.optimizer, request.input_grad)
    padded = [axis.field for axis in request.axes if axis.field in ("batch", "seq_len")]
    if case.data.lengths and padded:
        raise ContradictionError(f"the lengths settle {padded[0]}", "padded data", f"several {padded[0]} and lengths")
    _check_values(case, request.axes)
    both = any(True in axis.values for axis in request.axes if axis.field == "bidirectional")
    check_stepping(request.limits, bidirectional=case.config.bidirectional or both)
    grid = Grid(case, request.axes)
    check_rows(grid.size, "combination", "fewer values of each setting")
    shown = {measure.name for measure in request.measures}
    limiting = [LIMITED[name] for name in request.limits if name not in shown]
    columns = grid.measured((*request.measures, *limiting), progress)
    lstms = len(next(iter(columns.values())))
    if not lstms:
        raise UsageError("no combination is an LSTM", expected="proj_size < hidden_size", where="--proj")
    columns = _within(columns, request.limits, [measure.name for measure in limiting])
    count = len(next(iter(columns.values())))
    columns = ordered(columns, request.sort, reverse=request.reverse)
    left_out = grid.size - lstms
    notes = [*notes_of(subject), *as_pytorch_note(subject, "costs are those of")]
    if left_out:
        are = "combination is" if left_out == 1 else "combinations are"
        notes.append(f"{left_out:,} {are} left out: proj_size must be below hidden_size")
    if count < lstms:
        flags = " and ".join(map(limit_flag, request.limits))
        notes.append(f"{counted(lstms - count, 'combination')} over {flags} left out")
    swept, head = {axis.field for axis in request.axes}, head_of(subject, SETTINGS)
    return SweepModule(
        name=head["name"],
        framework=head["framework"],
        kind=head["kind"],
        certain=head["certain"],
        uncertain=head["uncertain"],
        text=_text(subject, swept),
        config=SweptConfig(**_shared(vars(subject.config), swept)),
        provenance=head["provenance"],
        source=head["source"],
        data=SweptData(**_shared(settings_in(data_row(subject)), swept)),
        around=around_row(subject),
        axes={axis.field: axis.values for axis in request.axes},
        train=case.train,
        optimizer=case.optimizer if case.train else None,
        measures={measure.name: MeasureRow(measure.unit, measure.counts(case)) for measure in request.measures},
        combinations=count,
        left_out=left_out,
        rows=LazySequence(count, lambda index: {name: values.item(index) for name, values in columns.items()}),
        notes=notes,
    )


def _within(columns: dict[str, Numbers], limits: Mapping[str, int], more: Sequence[str]) -> dict[str, Numbers]:
    """The rows that keep all limits, without the columns that were measured for these alone.

    Raises:
        UsageError: There is none.
    """
    fits = np.ones(len(next(iter(columns.values()))), bool)
    for name, limit in limits.items():
        fits &= columns[name] <= limit
    if not fits.any():
        name, limit = next((name, limit) for name, limit in limits.items() if (columns[name] > limit).any())
        least = f"{columns[name].min():,} {LIMITED[name].unit}"
        raise UsageError(
            "no combination is within the limits", f"at least {least}", f"{limit:,}", where=limit_flag(name)
        )
    return {name: values[fits] for name, values in columns.items() if name not in more}


def _shared(settings: Mapping[str, Value], swept: set[str]) -> dict[str, Value]:
    """The settings, with None for those that are swept."""
    return {field: None if field in swept else value for field, value in settings.items()}


def _check_values(case: Case, axes: Sequence[Axis]) -> None:
    """Refuse a value that no LSTM can have; the smallest and the largest value stand for those between."""
    widest = {"hidden_size": MAX_SIZE}  # the widest, as a projection is checked against the cell in each combination
    for axis in axes:
        for value in (min(axis.values), max(axis.values)):
            try:
                case.having({"proj_size": 0}).having({**widest, axis.field: value})
            except ConfigError as error:
                raise error.at(flag_name(axis.field)) from None


def _text(subject: Subject, swept_fields: set[str]) -> str:
    """The LSTM as PyTorch prints it, with the names of swept settings in place of their values."""
    config = subject.config
    first = [field if field in swept_fields else str(getattr(config, field)) for field in ("input_size", "hidden_size")]
    rest = [
        f"{field}={field if field in swept_fields else getattr(config, field)}"
        for field in HYPERPARAMETERS[2:]
        if field in swept_fields or getattr(config, field) != getattr(type(config), field)
    ]
    return f"LSTM({', '.join([*first, *rest])})"


def sweep_report(
    subjects: Sequence[Subject], request: Request, progress: Callable[[int, int], None] | None = None
) -> Report[SweepModule]:
    """Every combination of sizes that is an LSTM, with its measures, for each subject."""
    return document("sweep", with_alone_note([sweep_module(subject, request, progress) for subject in subjects]))
