"""Shapes in the terms of another framework: its report and its view."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import NamedTuple

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.intake.subject import Subject, activations_in
from lstmcalc.lazy import LazySequence
from lstmcalc.model.interfaces import Face, ForeignState, faces, foreign_states, relations
from lstmcalc.model.lstm import LSTMModel, Tensor
from lstmcalc.model.surroundings import around_steps, around_symbols, head_reads
from lstmcalc.report.blocks import (
    Block,
    Column,
    Facts,
    Grid,
    Line,
    Row,
    layer_spans,
    rows_between,
    symbol_legend,
    tensor_table,
)
from lstmcalc.report.framework import LayoutRow, evidence_line, layout_row, manual_lines
from lstmcalc.report.notes import notes_of
from lstmcalc.report.provenance import origin_facts, settings_in
from lstmcalc.report.rows import SETTINGS, AroundRow, DataRow, Module, around_row, data_row, extras_of, head_of
from lstmcalc.report.tensors import tensor_bytes
from lstmcalc.spec.activations import ALL_OPTIONS
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import H_in


class ForeignTensorRow(NamedTuple):
    """A kind of array that goes in or comes out: as a `TensorRow`, and more."""

    name: str
    role: str  # `input` or `output`
    symbolic: Sequence[str]
    shape: Sequence[int]
    bytes: int
    each: str | None  # e.g. `layer`: there is one for each; None if there is only one
    copies: int  # the number of them
    when: str | None  # the option that makes it appear; None if it does by default
    equals: Sequence[str]  # its value in PyTorch's terms


class ForeignStateRow(NamedTuple):
    """The place of an index of PyTorch's h_n and c_n, as Python."""

    index_: int
    layer: int
    direction: str
    h_n_equals: str
    c_n_equals: str


@dataclass(kw_only=True)
class ForeignShapesModule(Module):
    """The inputs and outputs of one LSTM in another framework, and the places of PyTorch's h_n and c_n there."""

    activations: Mapping[str, str | None]  # of its source
    data: DataRow
    around: AroundRow
    layout: LayoutRow
    symbols: Mapping[str, int]  # their values
    tensors: Sequence[ForeignTensorRow]
    head_reads: str | None  # the input of the head in PyTorch, as Python; None without a head
    states: Sequence[ForeignStateRow]
    states_are: str  # the meaning of the names in `states`
    returns: str  # the results of a call
    lengths_by: str | None  # the way to give different lengths; None if there is none
    notes: list[str]


def foreign_shapes(subject: Subject, model: LSTMModel) -> ForeignShapesModule:
    """The inputs and outputs in another framework, and the places of PyTorch's h_n and c_n there."""
    data, layout = subject.data, LAYOUTS[subject.framework]
    symbols = model.data_symbols(data)
    if layout.batch == "never":
        symbols.pop("N", None)
    found = subject.found
    said = found.options if found and found.framework == subject.framework else {}
    options = {name: value for name, value in said.items() if name not in ALL_OPTIONS}
    shown = faces(subject.config, data, subject.framework, options)
    extras_of(subject)  # refuses layers around that are not known of the framework
    steps = next(face.symbolic for face in shown if H_in in face.symbolic)[:-1]
    before, behind = around_steps(steps, model.data_symbols(data), subject.around)
    if subject.framework != "pytorch-cell":  # elsewhere indices have 32 bits by default (keras 3.15.1, jax 0.10.2)
        before = [tensor._replace(dtype="int32") for tensor in before]
    states = foreign_states(subject.config, subject.framework)
    return ForeignShapesModule(
        **head_of(subject, SETTINGS),
        activations=activations_in(subject).functions,
        data=data_row(subject),
        around=around_row(subject),
        layout=layout_row(subject.framework),
        symbols={**symbols, **around_symbols(subject.around)},
        tensors=[
            *(_around_row(tensor, data.dtype) for tensor in before),
            *(_face_row(face, subject.config, data.dtype) for face in shown),
            *_head_rows(subject, model, behind),
        ],
        head_reads=str(head_reads(subject.config, subject.around)) if subject.around.head else None,
        states=LazySequence(len(states), lambda index: _state_row(states[index])),
        states_are=layout.states,
        returns=f"as called with {_options_text(options)}" if options else layout.returns,
        lengths_by=layout.lengths or None,
        notes=[*notes_of(subject), *_head_notes(subject, options)],
    )


def _head_notes(subject: Subject, options: Mapping[str, object]) -> list[str]:
    """A note if the layer returns other steps than the head reads."""
    if subject.around.head is None or "return_sequences" not in options:
        return []
    every = bool(options["return_sequences"])
    if every == (subject.around.head_on == "all"):
        return []
    wanted = "the head is put on the last of them" if every else "for a head on all of them it must be True"
    what = "returns every step" if every else "returns the last step only"
    return [f"with return_sequences={every} the layer {what}: {wanted}"]


def _around_row(tensor: Tensor, dtype: str) -> ForeignTensorRow:
    """An input or output of a layer around the LSTM."""
    symbolic, size = [str(size) for size in tensor.symbolic], tensor_bytes(tensor, dtype)
    return ForeignTensorRow(tensor.name, tensor.role, symbolic, tensor.shape, size, None, 1, None, ())


def _head_rows(subject: Subject, model: LSTMModel, behind: Sequence[Tensor]) -> Iterator[ForeignTensorRow]:
    """The outputs of the head: a Linear's, or those that the framework's own head has."""
    data, around = subject.data, subject.around
    ports = LAYOUTS[subject.framework].head_ports if behind else ()
    own = [port for port in ports if port.only in ("", around.head_on)]
    if not any(port.name == tensor.name for port in own for tensor in behind):
        yield from (_around_row(tensor, data.dtype) for tensor in behind)
    values = {**model.data_symbols(data), **around_symbols(around)}
    for port in own:
        axes = [reduce(mul, (Dim.symbol(symbol) for symbol in axis.split("*"))) for axis in port.axes.split()]
        shape = tuple(size.at(values) for size in axes)
        row = _around_row(Tensor(port.name, port.role, tuple(axes), shape), data.dtype)
        yield row._replace(when=port.when or None)


def _face_row(face: Face, config: LSTMConfig, dtype: str) -> ForeignTensorRow:
    """An input or output of the LSTM."""
    symbolic, size = [str(size) for size in face.symbolic], tensor_bytes(face, dtype)
    number = face.each or None, face.copies, face.when or None
    return ForeignTensorRow(face.name, face.role, symbolic, face.shape, size, *number, relations(face, config))


def _options_text(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.items())


def _state_row(state: ForeignState) -> ForeignStateRow:
    return ForeignStateRow(state.position, state.layer, state.direction, state.h, state.c)


def foreign_brief(module: ForeignShapesModule) -> Iterator[Block]:
    """The inputs and outputs in another framework, and the places of PyTorch's states; without symbols and notes."""
    yield _origins(module, brief=True)
    yield _tensor_grid(module.tensors)
    yield Facts(tuple(_tensor_lines(module, brief=True)))
    yield _state_grid(module)
    yield Facts((("...", ("--full has what the symbols mean, notes, and how this was checked",)),))


def foreign_view(module: ForeignShapesModule) -> Iterator[Block]:
    """The inputs and outputs in another framework, and the places of PyTorch's h_n and c_n there."""
    config, layout = module.config, module.layout
    yield _origins(module)
    yield _tensor_grid(module.tensors)
    yield Facts(tuple(_tensor_lines(module)))
    yield _state_grid(module)
    yield Facts(
        (
            ("index", ("the first axis of PyTorch's h_n and of c_n",)),
            ("states", (module.states_are,)),
            *manual_lines(config, layout),
            *(("note", (hint,)) for hint in layout.usage),
            evidence_line(layout),
        )
    )


def _state_grid(module: ForeignShapesModule) -> Grid:
    """The places of PyTorch's h_n and c_n."""
    rows = tuple(_foreign_state_rows(module))
    return Grid(
        (
            Column("index", right=True),
            Column("layer", right=True),
            Column("direction"),
            Column("of h_n", code=True),
            Column("of c_n", code=True, spare=("of c_n", tuple(row.cells[-1] for row in rows if row.cells[-1]))),
        ),
        rows,
    )


def _origins(module: ForeignShapesModule, *, brief: bool = False) -> Facts:
    """The origin of each setting that has an effect here."""
    axes = {size for tensor in module.tensors for size in tensor.symbolic}
    idle = {"batch_first"} if "N" in axes else {"batch_first", "batch"}
    return origin_facts(
        module, settings_in(module.data, module.around), title=module.layout.title, idle=idle, brief=brief
    )


def _tensor_grid(tensors: Sequence[ForeignTensorRow]) -> Grid:
    """The arrays; a star if one depends on an option; their number, if there are several of one."""
    several = any(tensor.copies > 1 for tensor in tensors)
    how_many = [_how_many(tensor) for tensor in tensors] if several else []
    return tensor_table(tensors, [bool(tensor.when) for tensor in tensors], how_many)


def _how_many(tensor: ForeignTensorRow) -> str:
    return f"{tensor.copies:,} {tensor.each}s" if tensor.copies > 1 else "1"


def _tensor_lines(module: ForeignShapesModule, *, brief: bool = False) -> Iterator[Line]:
    """Lines on the arrays: what a call returns, options, values in PyTorch's terms, lengths, and symbols."""
    tensors = module.tensors
    yield "returns", (module.returns,)
    when = dict.fromkeys((tensor.role, tensor.when) for tensor in tensors if tensor.when)
    if when:
        yield "*", tuple(f"{role}s with {option}" for role, option in when)
    whole = (None, "direction", "sequence", "step")  # outputs of the last layer
    yield from _relation_lines([tensor for tensor in tensors if tensor.equals and tensor.each in whole])
    if module.head_reads:
        yield "logits", (f"of what PyTorch calls {module.head_reads}",)
    if module.data.lengths and module.lengths_by:
        yield "variable lengths", (module.lengths_by,)
    if any(tensor.each == "cell" and tensor.copies > 1 for tensor in tensors):
        yield "cell", ("one direction of one layer",)
    if not brief:
        yield symbol_legend(module.symbols, module.config.proj_size)


def _relation_lines(tensors: Sequence[ForeignTensorRow]) -> Iterator[Line]:
    """The value of each output in PyTorch's terms."""
    for tensor in tensors:
        for d, text in enumerate(tensor.equals):
            several = len(tensor.equals) > 1
            yield f"{tensor.name}{f'[{d}]' * several} =", (text, "in PyTorch's terms")


def _foreign_state_rows(module: ForeignShapesModule) -> Iterator[Row]:
    for first, last in layer_spans(module.config.num_layers):
        states = rows_between(module.states, first, last)
        if last > first:
            yield Row((f"{states[0].index_} ... {states[-1].index_}", f"{first} ... {last}", "", "", ""), "folded")
            continue
        for state in states:
            h, c = f"h_n[{state.index_}] = {state.h_n_equals}", f"c_n[{state.index_}] = {state.c_n_equals}"
            yield Row((str(state.index_), str(state.layer), state.direction, h, c))
