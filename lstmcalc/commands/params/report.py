"""The report of params: every weight and bias with its gate rows, subtotals and totals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.surroundings import around_symbols, extras_symbolic, head_reads
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import notes_of
from lstmcalc.report.parameters import (
    ParameterRow,
    parameter_row,
)
from lstmcalc.report.record import internal, omitted
from lstmcalc.report.rows import AroundRow, ExtraRow, Module, around_row, extra_rows_of, extras_of, head_of
from lstmcalc.spec.config import AROUND_FIELDS, DTYPE_BYTES, HYPERPARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lstmcalc.commands.params.slices import SlicedForeignRow, SlicedRow
    from lstmcalc.frameworks.storage import Parameter, Storage, Subtotal
    from lstmcalc.readers.found import Found
    from lstmcalc.report.framework import ForeignParameterRow, LayoutRow


class SubtotalRow(NamedTuple):
    """The number of parameters of one direction of one layer; of both, if arrays hold both."""

    layer: int
    direction: str
    count_: int
    symbolic: str


@dataclass(kw_only=True, eq=False, repr=False)  # nothing compares or prints it
class ParamsModule(Module):
    """The stored arrays of one LSTM, subtotals and totals; with layers around it, grand totals that count them too."""

    layout: "LayoutRow | None" = omitted()
    around: AroundRow
    symbols: Mapping[str, int]  # their values
    gate: str | None = omitted()  # the letter of the gate whose slices are shown
    parameters: "Sequence[ParameterRow | ForeignParameterRow | SlicedRow | SlicedForeignRow]"  # sliced with `gate`
    subtotals: Sequence[SubtotalRow]
    total: int
    total_symbolic: str
    total_in_pytorch: int | None = omitted()  # None for PyTorch itself
    dtype: str
    total_bytes: int  # in `dtype`
    stored_bytes: int | None = omitted()  # of quantized weights, as the file has them; None for others
    extras: Sequence[ExtraRow]  # the parameters of the layers around
    head_reads: str | None  # the input of the head, as Python; None without a head
    grand_total: int
    grand_total_symbolic: str
    grand_total_bytes: int
    notes: list[str]
    names: Mapping[str, str] = internal()  # those of the arrays in the source's file, where they differ


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
        stored_bytes=_stored_bytes(found, storage) if found and found.quantized else None,
        extras=extra_rows_of(subject),
        head_reads=str(head_reads(subject.config, around)) if around.head else None,
        grand_total=grand_total,
        grand_total_symbolic=str(storage.num_parameters_symbolic + extras_symbolic(added)),
        grand_total_bytes=grand_total * DTYPE_BYTES[dtype],
        notes=notes_of(subject),
        names=_own_names(subject, storage),
    )


def _stored_bytes(found: "Found", storage: "Storage") -> int | None:
    """The bytes that a file has for quantized weights, by its index or by how they are quantized; None if unknown."""
    from lstmcalc.costs.quantized import SCHEMES, weight_bytes

    own = found.weights.own() if found.weights else []
    if own:
        return sum(tensor.nbytes for tensor in own)
    known = found.quantized in SCHEMES and not storage.config.proj_size  # with a projection torch stores less
    return weight_bytes(storage.config, found.quantized).at(storage.symbols) if known else None


def _own_names(subject: Subject, storage: "Storage") -> Mapping[str, str]:
    """The names that the arrays have in the source's file; empty without one, or in another framework's terms."""
    found = subject.found
    if found is None or found.weights is None or found.framework != subject.framework:
        return {}
    from lstmcalc.frameworks.storage import Storage
    from lstmcalc.readers.found import own_names

    names = own_names(found)
    usual = Storage(storage.config, subject.framework).parameters  # the names by which readers tell the arrays
    return {row.name: names[own.name] for row, own in zip(storage.parameters, usual, strict=True) if own.name in names}


def _layout_of(framework: str) -> "LayoutRow":
    """The facts of another framework, which are loaded for it alone."""
    from lstmcalc.report.framework import layout_row

    return layout_row(framework)


def _parameter_rows(subject: Subject, storage: "Storage", gate: str | None) -> Sequence[ParameterRow]:
    """The stored arrays, each made when it is read; with `gate`, each with its slice of that gate."""
    parameters, row = storage.parameters, _row_maker(subject, gate)
    return LazySequence(len(parameters), lambda index: row(parameters[index]))


def _row_maker(subject: Subject, gate: str | None) -> "Callable[[Parameter], ParameterRow]":
    """The function that makes the row of a stored array; what PyTorch does not need is loaded for others only."""
    foreign = subject.framework != "pytorch"
    if gate:
        from lstmcalc.commands.params.slices import slicer

        return slicer(subject.name, gate, foreign=foreign)
    if foreign:
        from lstmcalc.report.framework import foreign_parameter_row

        return foreign_parameter_row
    return parameter_row


def _subtotal_rows(subtotals: "Sequence[Subtotal]") -> Sequence[SubtotalRow]:
    """The subtotals, each made when it is read."""

    def row(index: int) -> SubtotalRow:
        subtotal = subtotals[index]
        return SubtotalRow(subtotal.layer, subtotal.direction, subtotal.numel, str(subtotal.symbolic))

    return LazySequence(len(subtotals), row)
