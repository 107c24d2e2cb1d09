"""The report of params: every weight and bias with its gate rows, subtotals and totals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.surroundings import around_symbols, extras_symbolic, head_reads
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import notes_of
from lstmcalc.report.record import omitted
from lstmcalc.report.rows import (
    AroundRow,
    ExtraRow,
    ForeignParameterRow,
    Module,
    ParameterRow,
    around_row,
    extra_rows_of,
    extras_of,
    foreign_parameter_row,
    head_of,
    parameter_row,
    symbolic_texts,
)
from lstmcalc.spec.config import AROUND_FIELDS, DTYPE_BYTES, HYPERPARAMETERS

if TYPE_CHECKING:
    from lstmcalc.frameworks.storage import Parameter, Storage, Subtotal
    from lstmcalc.report.framework import LayoutRow


@dataclass(frozen=True, slots=True)
class SlicedRow(ParameterRow):
    """A stored array, and its slice of one gate."""

    slice: str | None  # to paste, e.g. `lstm.weight_ih_l0[20:40]`; None if the gate is not in it


@dataclass(frozen=True, slots=True)
class SlicedForeignRow(ForeignParameterRow):
    """A stored array of another framework, and its slice of one gate."""

    slice: str | None  # an index, e.g. `[:, 20:40]`; None if the gate is not in it


@dataclass(frozen=True, slots=True)
class SubtotalRow:
    """The number of parameters of one direction of one layer; of both, if arrays hold both."""

    layer: int
    direction: str
    count: int
    symbolic: str


@dataclass(frozen=True, kw_only=True)
class ParamsModule(Module):
    """The stored arrays of one LSTM, subtotals and totals; with layers around it, grand totals that count them too."""

    layout: "LayoutRow | None" = omitted()
    around: AroundRow
    symbols: Mapping[str, int]  # their values
    gate: str | None = omitted()  # the letter of the gate whose slices are shown
    parameters: Sequence[ParameterRow]  # with `gate`, `SlicedRow`s; in another framework, the foreign ones
    subtotals: Sequence[SubtotalRow]
    total: int
    total_symbolic: str
    total_in_pytorch: int | None = omitted()  # None for PyTorch itself
    dtype: str
    total_bytes: int
    extras: Sequence[ExtraRow]  # the parameters of the layers around
    head_reads: str | None  # the input of the head, as Python; None without a head
    grand_total: int
    grand_total_symbolic: str
    grand_total_bytes: int
    notes: list[str]


def params_report(subjects: Sequence[Subject], gate: str | None = None) -> Report[ParamsModule]:
    """Every weight and bias, with subtotals, total and formula; with `gate`, the slice of that gate in each."""
    return document("params", [params_module(subject, gate) for subject in subjects])


def params_module(subject: Subject, gate: str | None) -> ParamsModule:
    """One LSTM: its stored arrays, subtotals and totals; with `gate`, its slice of each."""
    from lstmcalc.frameworks.storage import Storage

    foreign, found = subject.framework != "pytorch", subject.found
    own = found.path if found and found.framework == subject.framework else ""
    storage = Storage(subject.config, subject.framework, own)
    check_rows(storage.num_arrays, "parameter")
    added, around, dtype = extras_of(subject), subject.around, subject.data.dtype
    total = storage.num_parameters
    grand_total = total + sum(extra.numel for extra in added)
    return ParamsModule(
        **head_of(subject, (*HYPERPARAMETERS, *AROUND_FIELDS, "dtype")),
        layout=_layout_of(subject.framework) if foreign else None,
        around=around_row(subject),
        symbols={**storage.symbols, **around_symbols(around)},
        gate=gate or None,
        parameters=_parameter_rows(subject, storage, gate),
        subtotals=_subtotal_rows(storage.subtotals),
        total=total,
        total_symbolic=str(storage.num_parameters_symbolic),
        total_in_pytorch=Storage(subject.config, "pytorch").num_parameters if foreign else None,
        dtype=dtype,
        total_bytes=total * DTYPE_BYTES[dtype],
        extras=extra_rows_of(subject),
        head_reads=str(head_reads(subject.config, around)) if around.head else None,
        grand_total=grand_total,
        grand_total_symbolic=str(storage.num_parameters_symbolic + extras_symbolic(added)),
        grand_total_bytes=grand_total * DTYPE_BYTES[dtype],
        notes=notes_of(subject),
    )


def _layout_of(framework: str) -> "LayoutRow":
    """The facts of another framework, which are loaded for it alone."""
    from lstmcalc.report.framework import layout_row

    return layout_row(framework)


def _parameter_rows(subject: Subject, storage: "Storage", gate: str | None) -> Sequence[ParameterRow]:
    """The stored arrays, each made when it is read; with `gate`, each with its slice of that gate."""
    foreign, parameters = subject.framework != "pytorch", storage.parameters

    def row(index: int) -> ParameterRow:
        parameter = parameters[index]
        if not gate:
            return foreign_parameter_row(parameter) if foreign else parameter_row(parameter)
        stored = *parameter[:3], symbolic_texts(parameter), *parameter[4:8]  # the fields of a `ParameterRow`
        if foreign:  # its names are not Python expressions: the slice is the index alone
            foreign_row = *stored, *parameter[8:], _slice_text("", parameter, gate)
            return SlicedForeignRow(*foreign_row)
        text = _slice_text(_python_path(subject.name, parameter.name), parameter, gate)
        return SlicedRow(*stored, text)

    return LazySequence(len(parameters), row)


def _subtotal_rows(subtotals: "Sequence[Subtotal]") -> Sequence[SubtotalRow]:
    """The subtotals, each made when it is read."""

    def row(index: int) -> SubtotalRow:
        subtotal = subtotals[index]
        return SubtotalRow(subtotal.layer, subtotal.direction, subtotal.numel, str(subtotal.symbolic))

    return LazySequence(len(subtotals), row)


def _python_path(module: str, name: str) -> str:
    """A parameter as Python code: `net.layers[0].weight_ih_l0`; its name alone if its module's name is not a path."""
    parts = module.split(".")
    if not all(part.isidentifier() or part.isdecimal() for part in parts) or parts[0].isdecimal():
        return name
    path = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)
    return f"{path[1:]}.{name}"


def _slice_text(name: str, parameter: "Parameter", gate: str) -> str | None:
    """The slice of one gate in a stored array, to paste: `lstm.weight_ih_l0[20:40]`; None if it is not in it.

    An array that holds the gate several times has several slices.
    """
    if parameter.gate == gate:
        return f"{name}[:]"
    if parameter.gates is None or parameter.gate_axis is None:
        return None
    # The axis of the gates may hold all gates several times: for both directions, or for two biases.
    offsets = [0]
    for axis, ranges in ((parameter.direction_axis, parameter.directions), (parameter.part_axis, parameter.parts)):
        if axis == parameter.gate_axis and ranges is not None:
            offsets = [offset + start for start, _ in ranges.values() for offset in offsets]
    start, stop = parameter.gates[gate]
    before = ":, " * parameter.gate_axis
    return ", ".join(f"{name}[{before}{offset + start}:{offset + stop}]" for offset in sorted(offsets))
