"""A TensorFlow Lite file as a weight file: every tensor with numbers, and the LSTMs of its graphs.

Read are the LSTM operators (`fused`) and LSTMs that a graph computes step by step in a WHILE, or unrolled (`program`),
in float32, float16, and int8 with scales and zero points, as the converter of tensorflow 2.21.0 writes them, and older
ones (schema version 3). Not read: sparse tensors, int4, operators of others (`CUSTOM`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lstmcalc.errors import shorten
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.files.tensors import Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.tflite.directions import with_both_directions
from lstmcalc.readers.tflite.fused import OPERATORS, STATES, Unit, fused_units
from lstmcalc.readers.tflite.model import Tensor, read_model
from lstmcalc.readers.tflite.program import computed_units
from lstmcalc.readers.tflite.values import Value, Values, is_quantized
from lstmcalc.spec.words import counted, unique_names


def read_tflite(path: str) -> WeightFile:
    """The index of a TensorFlow Lite file; no numbers are read."""
    values = Values(read_model(path), path)
    units = list(fused_units(values))
    more, doubtful = computed_units(values)
    units = with_both_directions([*units, *more], values)
    shown = unique_names(unit.name for unit in units)
    tensors = tuple(_tensors(values))
    return WeightFile(
        "TensorFlow Lite",
        tensors,
        tuple(_found(unit._replace(name=name)) for unit, name in zip(units, shown, strict=True)),
        tuple(_notes(values, doubtful)),
        buffers=_constants(values),
    )


def _tensors(values: Values) -> Iterator[Stored]:
    """Every tensor with numbers; those of one buffer share them."""
    for value, name in values.names.items():
        held, tensor = values.stored(value), values.tensor(value)
        if held is not None:
            place = (tensor.buffer, tensor.dtype, tensor.shape)
            yield Stored(name, tensor.dtype, tensor.shape, tensor.nbytes, held.read, held.parts, place)


# The inputs that are weights of a layer, by operator; a number without an axis is none.
_PARAMETERS: Final[Mapping[str, Sequence[int]]] = {
    **dict.fromkeys(("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_3D"), (1, 2)),
    **dict.fromkeys(("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "SVDF"), (1, 2, 3)),
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV", "BATCH_MATMUL"), (0, 1)),
    "BIDIRECTIONAL_SEQUENCE_RNN": (1, 2, 3, 5, 6, 7, 10, 11),
    "TRANSPOSE_CONV": (1, 3),
    "PRELU": (1,),
    "EMBEDDING_LOOKUP": (1,),
    "GATHER": (0,),
    **{
        op: [at for at, role in enumerate(roles) if at and not role.endswith(STATES)] for op, roles in OPERATORS.items()
    },
}


def _constants(values: Values) -> frozenset[str]:
    """The names of the tensors that are no parameters: shapes, axes, first states, numbers that are added."""
    found = set[Value]()
    for index, graph in enumerate(values.model.graphs):
        for operator in graph.operators:
            for place in _PARAMETERS.get(operator.op, ()):
                if place < len(operator.inputs) and operator.inputs[place] >= 0:
                    source = values.source((index, operator.inputs[place]))
                    if source is not None and _may_be_trained(values.tensor(source)):
                        found.add(source)
    return frozenset(name for value, name in values.names.items() if value not in found)


def _may_be_trained(tensor: Tensor) -> bool:
    """True for numbers of floating point with an axis, or integers that stand for such."""
    return (tensor.dtype.startswith(("float", "bfloat")) or is_quantized(tensor)) and bool(tensor.shape)


def _found(unit: Unit) -> Found:
    """The record of an LSTM."""
    fields: dict[str, object] = {"num_layers": 1, "bias": unit.bias, "bidirectional": unit.bidirectional}
    if unit.hidden:
        fields["hidden_size"] = unit.hidden
    if unit.width:
        fields["input_size"] = unit.width
    if unit.projected:
        fields["proj_size"] = unit.projected
    if unit.batch_first is not None:
        fields["batch_first"] = unit.batch_first
    sources = dict.fromkeys(name for item in (*unit.weights.values(), *unit.beside) for name in item.sources)
    notes = list(unit.notes)
    if unit.beside:
        more = sum(numel(item.shape) for item in unit.beside)
        own = sum(numel(item.shape) for item in unit.weights.values())
        shown = ", ".join(f"{item.name} {item.shape}" for item in unit.beside[:4])
        notes.append(f"beside the LSTM's arrays it reads {shown}: {more:,} parameters more, {own + more:,} in all")
    computed = tuple(
        Stored(item.name, item.dtype, item.shape, numel(item.shape) * WIDTHS.get(item.dtype, 1), item.read, item.parts)
        for item in unit.weights.values()
        if item.computed
    )
    return Found(
        unit.name,
        "tflite",
        kind=unit.kind,
        layer=settings_of(fields, ("input_size", "hidden_size", "num_layers", "bidirectional")),
        options=unit.options,
        unmodelled=unit.unmodelled,
        notes=tuple(notes),
        quantized=unit.quantized,
        weights=Weights({role: item.name for role, item in unit.weights.items()}, computed, names=tuple(sources)),
    )


def _notes(values: Values, doubtful: Sequence[str]) -> Iterator[str]:
    """Notes on what was not understood of the file."""
    if doubtful:
        shown = ", ".join(shorten(name)[1:-1] for name in doubtful[:3])
        yield f"{counted(len(doubtful), 'value')} of what looks like h of an LSTM that is not understood: {shown}"
    custom = dict.fromkeys(
        operator.op.removeprefix("CUSTOM ")
        for graph in values.model.graphs
        for operator in graph.operators
        if operator.op.startswith("CUSTOM ")
    )
    if custom:
        yield f"operators of its own that are not read: {', '.join(shorten(name)[1:-1] for name in list(custom)[:4])}"
