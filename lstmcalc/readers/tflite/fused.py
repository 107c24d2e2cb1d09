"""The operators of TensorFlow Lite that are LSTMs, with the constants that they read by their places among the inputs.

UNIDIRECTIONAL_SEQUENCE_LSTM has 24 inputs, LSTM the same for a single step, BIDIRECTIONAL_SEQUENCE_LSTM those of both
directions; each gate has arrays of its own. LSTM's basic kernel has one matrix for all gates, (4*H_cell, H_in + H_cell)
in the order i g f o.

Sources: tensorflow/lite/kernels/{unidirectional,bidirectional}_sequence_lstm.cc, lstm.cc, internal/reference/
lstm_cell.h of tensorflow 2.21.0; run with ai-edge-litert 2.3.0.

Not here: LSTMs that a graph computes of products and sums (`program`), and the record of an LSTM (`files`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.graphs.constants import Constant
from lstmcalc.readers.tflite.model import FUNCTIONS, Operator
from lstmcalc.readers.tflite.values import Value, Values, is_quantized
from lstmcalc.spec.words import with_rest

GATES: Final = ("input", "forget", "cell", "output")
_BASIC: Final = ("input", "cell", "forget", "output")  # the order of the rows in the basic kernel
_PEEPHOLES: Final = tuple(f"cell_to_{gate}_weights" for gate in ("input", "forget", "output"))
_OF_DIRECTION: Final = (
    *(f"input_to_{gate}_weights" for gate in GATES),
    *(f"recurrent_to_{gate}_weights" for gate in GATES),
    *_PEEPHOLES,
    *(f"{gate}_gate_bias" for gate in GATES),
    "projection_weights",
    "projection_bias",
)
_NORMS: Final = tuple(f"{gate}_layer_norm_coefficients" for gate in GATES)
_INPUTS: Final = ("input", *_OF_DIRECTION, "activation_state", "cell_state", *_NORMS)
_BOTH: Final = (
    "input",
    *(f"forward.{name}" for name in _OF_DIRECTION),
    *(f"reverse.{name}" for name in _OF_DIRECTION),
    *("forward.activation_state", "forward.cell_state", "reverse.activation_state", "reverse.cell_state"),
    "aux_input",
    *(f"{direction}.aux_input_to_{gate}_weights" for direction in ("forward", "reverse") for gate in GATES),
)
OPERATORS: Final[Mapping[str, Sequence[str]]] = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _INPUTS,
    "LSTM": _INPUTS,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _BOTH,
}
_BASIC_INPUTS: Final = ("input", "prev_activation", "weights", "biases", "prev_state")
STATES: Final = ("activation_state", "cell_state", "prev_activation", "prev_state")
# What nn.LSTM does not have, by the end of an input's name.
_UNMODELLED: Final = (
    ("peepholes", _PEEPHOLES),
    ("layer normalisation", _NORMS),
    ("a projection's bias", ("projection_bias",)),
    ("an auxiliary input", ("aux_input",)),
)


class Unit(NamedTuple):
    """An LSTM of a graph."""

    place: int  # the number of its graph
    name: str
    kind: str  # `LSTM`, or `LSTMCell` for a single step
    weights: Mapping[str, Constant]  # its parameters by the names of `frameworks`, those that are constants
    beside: tuple[Constant, ...]  # other constants that it reads: peepholes and the like
    hidden: int
    width: int  # input_size; 0 if it is not known
    projected: int  # proj_size; 0 without a projection
    bidirectional: bool
    batch_first: bool | None  # None if the graph does not say
    options: Mapping[str, str | float]
    unmodelled: tuple[str, ...]
    notes: tuple[str, ...]
    quantized: str
    input: Value
    output: Value
    time_axis: int = 1
    states: tuple[Value, ...] = ()  # its variable states
    bias: bool = True


def fused_units(values: Values) -> Iterator[Unit]:
    """The LSTMs that are operators."""
    for index, graph in enumerate(values.model.graphs):
        for operator in graph.operators:
            if operator.op in OPERATORS and operator.inputs and operator.outputs:
                yield _unit(values, index, operator)


def _unit(values: Values, index: int, operator: Operator) -> Unit:
    basic = operator.op == "LSTM" and operator.options["kernel"] == 1
    roles = _BASIC_INPUTS if basic else OPERATORS[operator.op]
    inputs = {role: (index, at) for role, at in zip(roles, operator.inputs, strict=False) if at >= 0}
    states = {role: value for role, value in inputs.items() if role.endswith(STATES)}
    arrays = {role: value for role, value in inputs.items() if role not in ("input", "aux_input", *states)}
    known = {role: found for role, value in arrays.items() if (found := values.constant(value))}
    missing = [role for role in arrays if role not in known]
    given = values.tensor(inputs["input"]) if "input" in inputs else None
    x = given.shape if given else ()
    if basic:
        known = _split(known, x[-1] if x else 0)
    both = operator.op.startswith("BIDIRECTIONAL")
    start = "forward." if both else ""
    recurrent, first = (known.get(f"{start}{what}_to_output_weights") for what in ("recurrent", "input"))
    hidden = first.shape[0] if first and len(first.shape) == _MATRIX else 0
    projection = known.get(f"{start}projection_weights")
    width = first.shape[1] if first and len(first.shape) == _MATRIX else (x[-1] if x else 0)
    own = {role: item for role, item in known.items() if not _is_beside(role)}
    time_major = bool(operator.options.get("time_major", 0))
    notes = [f"{with_rest(missing, 3)} not stored in the file: computed, or given to the model"] if missing else []
    notes += _notes(operator, values, states, known)
    return Unit(
        place=index,
        name=_name(values.tensor((index, operator.outputs[0])).name),
        kind="LSTMCell" if operator.op == "LSTM" else "LSTM",
        weights=own,
        beside=tuple(item for role, item in known.items() if _is_beside(role)),
        hidden=hidden,
        width=width,
        projected=projection.shape[0] if projection and len(projection.shape) == _MATRIX else 0,
        bidirectional=both,
        batch_first=None if operator.op == "LSTM" else not time_major,
        options=_options(operator, projection is not None),
        unmodelled=(*_unmodelled(operator, inputs, basic=basic), *_wrong(own, recurrent, hidden)),
        notes=tuple(notes),
        quantized=_quantized(values, arrays),
        input=inputs.get("input", (index, operator.outputs[0])),
        output=(index, operator.outputs[0]),
        time_axis=0 if time_major else 1,
        states=tuple(value for value in states.values() if values.tensor(value).variable),
    )


_MATRIX: Final = 2  # axes


def _name(text: str) -> str:
    """The name of an LSTM by that of its output; `lstm` if the converter called it by the operator."""
    own = text.partition(";")[0]
    return "lstm" if own.startswith(("tfl.", "StatefulPartitionedCall", "PartitionedCall")) or not own else own


def _is_beside(role: str) -> bool:
    return role.endswith(tuple(end for _, ends in _UNMODELLED for end in ends)) or "aux_input" in role


def _unmodelled(operator: Operator, inputs: Mapping[str, Value], *, basic: bool) -> Iterator[str]:
    """Everything that PyTorch's LSTM does not have, each as a text."""
    for what, ends in _UNMODELLED:
        if any(role.endswith(ends) for role in inputs):
            yield what
    directions = ("forward.", "reverse.") if operator.op.startswith("BIDIRECTIONAL") else ("",)
    if not basic and any(f"{direction}input_to_input_weights" not in inputs for direction in directions):
        yield "the input gate coupled to the forget gate, i = 1 - f"
    if operator.options.get("diagonal"):
        yield "diagonal recurrent weights"
    function = FUNCTIONS.get(int(operator.options["activation"]), "unknown")
    if function != "tanh":
        yield f"activation = {function or 'linear'}"
    yield from (f"{name} = {value:g}" for name, value in _clips(operator, "projection_weights" in str(inputs)))


def _clips(operator: Operator, projected: bool) -> Iterator[tuple[str, float]]:
    for name in ("cell_clip", "proj_clip"):
        bound = operator.options.get(name, 0)
        if isinstance(bound, int | float) and bound > 0 and (projected or name == "cell_clip"):
            yield name, float(bound)


def _options(operator: Operator, projected: bool) -> dict[str, str | float]:
    """The activation other than tanh, and the clips, as `spec.activations` computes them."""
    function = FUNCTIONS.get(int(operator.options["activation"]), "unknown")
    functions = {} if function == "tanh" else {"activation": function or "linear"}
    return {**functions, **dict(_clips(operator, projected))}


def _wrong(own: Mapping[str, Constant], recurrent: Constant | None, hidden: int) -> Iterator[str]:
    """A text on arrays whose shapes no LSTM of such an operator has."""
    rows = [f"{role} of shape {item.shape}" for role, item in own.items() if _first(item) not in (hidden, None)]
    rows = [text for text in rows if "projection" not in text]
    if rows:
        yield f"{with_rest(rows, 3)} where {hidden} rows are needed"
    if recurrent is not None and len(recurrent.shape) != _MATRIX:
        yield f"recurrent weights of shape {recurrent.shape}"


def _first(item: Constant) -> int | None:
    return item.shape[0] if item.shape else 0


def _notes(
    operator: Operator, values: Values, states: Mapping[str, Value], known: Mapping[str, Constant]
) -> Iterator[str]:
    """Notes on states, on quantized weights, and on a single step."""
    kept = [values.tensor(value).name for value in states.values() if values.tensor(value).variable]
    if kept:
        yield (
            f"its states are variable tensors of the model, {with_rest(kept, 4)}: they stay from one call of the "
            "interpreter to the next, until reset_all_variables()"
        )
    if operator.op == "LSTM":
        yield "the operator LSTM computes one step in a call"
    computed = {step for item in known.values() for step in item.computed}
    if "dequantized" in computed:
        yield "its weights are computed of the quantized ones, (q - zero_point) * scale: the integer kernel rounds more"
    if "float16" in computed:
        yield "its weights are stored in float16, of which the graph makes float32"
    if operator.op.startswith("BIDIRECTIONAL") and not operator.options.get("merge_outputs"):
        yield "the outputs of its directions are two tensors, which are not concatenated"


def _quantized(values: Values, arrays: Mapping[str, Value]) -> str:
    """The quantization of the weights: `tflite-int8` for all with int32 biases, else a dtype; empty for none."""
    tensors = {role: values.tensor(value) for role, value in arrays.items()}
    dtypes = {role: tensor.dtype for role, tensor in tensors.items() if is_quantized(tensor)}
    biases = {dtype for role, dtype in dtypes.items() if role.endswith("bias")}
    matrices = {dtype for role, dtype in dtypes.items() if not role.endswith("bias")}
    if matrices == {"int8"} and biases == {"int32"}:
        return "tflite-int8"
    return ", ".join(sorted(matrices | biases))


def _split(known: Mapping[str, Constant], width: int) -> dict[str, Constant]:
    """The arrays of each gate in the matrix and the bias of the basic kernel."""
    matrix, bias = known.get("weights"), known.get("biases")
    if matrix is None or len(matrix.shape) != _MATRIX or matrix.shape[0] % len(_BASIC) or width > matrix.shape[1]:
        return {}
    hidden = matrix.shape[0] // len(_BASIC)
    found: dict[str, Constant] = {}
    for index, gate in enumerate(_BASIC):
        rows = slice(index * hidden, (index + 1) * hidden)
        for what, columns in (("input", slice(0, width)), ("recurrent", slice(width, matrix.shape[1]))):
            found[f"{what}_to_{gate}_weights"] = part_of(matrix, (rows, columns))
        if bias is not None and bias.shape == (matrix.shape[0],):
            found[f"{gate}_gate_bias"] = part_of(bias, (rows,))
    return {role: found[role] for role in _OF_DIRECTION if role in found}


def part_of(whole: Constant, place: tuple[slice, ...]) -> Constant:
    """A part of a constant."""
    shape = tuple(axis.stop - axis.start for axis in place)
    text = ", ".join(f"{axis.start}:{axis.stop}" for axis in place)
    origin = (whole.origin, tuple((axis.start, axis.stop) for axis in place))
    return whole._replace(
        name=f"{whole.name}[{text}]",
        shape=shape,
        read=partial(_part, whole, place),
        computed=("a part", *whole.computed),
        parts=None,
        origin=origin,
    )


def _part(whole: Constant, place: tuple[slice, ...]) -> Any:  # noqa: ANN401  # an array
    from lstmcalc.readers.files.budget import FOLDED, budget

    budget().take(FOLDED, 8 * numel(whole.shape))
    return whole.read()[place].copy()
