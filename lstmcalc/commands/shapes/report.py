"""The report of shapes: every input and output tensor, and the slice of output that equals each state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lstmcalc.intake.subject import Subject, activations_in
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.model.surroundings import around_symbols, head_reads, tensors_around
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import notes_of
from lstmcalc.report.record import omitted
from lstmcalc.report.rows import SETTINGS, AroundRow, DataRow, Module, around_row, data_row, head_of
from lstmcalc.report.tensors import StateRow, TensorRow, state_rows, tensor_row

if TYPE_CHECKING:
    from lstmcalc.commands.shapes.foreign import ForeignShapesModule


class PackedRow(NamedTuple):
    """The parts of a PackedSequence."""

    batch_sizes: Sequence[int]  # the number of sequences at each step


@dataclass(kw_only=True, eq=False, repr=False)  # nothing compares or prints it
class ShapesModule(Module):
    """The tensors of one LSTM in PyTorch, and the map of its states."""

    activations: Mapping[str, str | None]  # of its source
    data: DataRow
    around: AroundRow
    symbols: Mapping[str, int]  # their values
    tensors: Sequence[TensorRow]
    head_reads: str | None  # the input of the head, as Python; None without a head
    states: Sequence[StateRow]
    packed: PackedRow | None = omitted()
    notes: list[str]


def shapes_report(subjects: Sequence[Subject]) -> Report["ShapesModule | ForeignShapesModule"]:
    """Every input and output tensor, and the map of the states."""
    return document("shapes", [shapes_module(subject, LSTMModel(subject.config)) for subject in subjects])


def shapes_module(subject: Subject, model: LSTMModel) -> "ShapesModule | ForeignShapesModule":
    """One LSTM: its tensors, and the map of its states."""
    data = subject.data
    check_rows(model.num_cells, "index of h_n and c_n")
    if subject.framework != "pytorch":
        from lstmcalc.commands.shapes.foreign import foreign_shapes

        return foreign_shapes(subject, model)
    before, behind = tensors_around(subject.config, data, subject.around)
    tensors = [tensor_row(tensor, data.dtype) for tensor in (*before, *model.tensors_of(data), *behind)]
    if data.lengths:
        check_rows(data.longest, "step of batch_sizes", "shorter sequences (--lengths)")
    return ShapesModule(
        **head_of(subject, SETTINGS),
        activations=activations_in(subject).functions,
        data=data_row(subject),
        around=around_row(subject),
        symbols={**model.data_symbols(data), **around_symbols(subject.around)},
        tensors=tensors,
        head_reads=str(head_reads(subject.config, subject.around)) if subject.around.head else None,
        states=state_rows(model, data),
        packed=PackedRow(data.batch_sizes) if data.lengths else None,
        notes=notes_of(subject),
    )
