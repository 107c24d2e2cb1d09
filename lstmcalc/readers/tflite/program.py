"""LSTMs that a TensorFlow Lite graph computes of FULLY_CONNECTED, ADD, LOGISTIC, ..., in a WHILE or unrolled.

Here operators are put into the words of `readers.graphs.program`. Source: the operators of tensorflow 2.21.0
(tensorflow/lite/g3doc and kernels); what its converter makes of Keras layers that it does not fuse.

Not here: the pattern of a cell (`readers.graphs.cells`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, Final

from lstmcalc.readers.graphs.cells import Cell, Cells, Gate, cells_in, notes_on
from lstmcalc.readers.graphs.constants import Constant
from lstmcalc.readers.graphs.linear import Block
from lstmcalc.readers.graphs.program import Link, Step
from lstmcalc.readers.graphs.program import Value as Anything
from lstmcalc.readers.tflite.fused import GATES, Unit
from lstmcalc.readers.tflite.model import FUNCTIONS, Operator
from lstmcalc.readers.tflite.values import Value, Values
from lstmcalc.spec.activations import option_words
from lstmcalc.spec.words import with_rest

_FUNCTIONS: Final = {"LOGISTIC": "sigmoid", "TANH": "tanh", "RELU": "relu"}
_ARITHMETIC: Final = {"ADD": "add", "MUL": "multiply"}
_KEEP: Final = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # if the last axis stays as long as it is
_BOUNDS: Final = ("MINIMUM", "MAXIMUM", "RELU_0_TO_1")
_SAME: Final = ("DEQUANTIZE", "QUANTIZE")
_MOVES: Final = (*_KEEP, "GATHER", "UNPACK", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V")


class Flow:
    """A model in the words of `graphs.program`."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self.sums: dict[Anything, Any] = {}
        self._links: dict[Anything, Link] = dict(_links(values))

    def links(self) -> Mapping[Anything, Link]:
        """The states of WHILE operators."""
        return self._links

    def is_input(self, value: Anything) -> bool:
        """True for an input of the main graph, and for a variable."""
        if not isinstance(value[0], int):  # type: ignore[index]  # values here are pairs
            return False
        made = self._values.maker(value)  # type: ignore[arg-type]
        main = value[0] == 0 and value[1] in self._values.model.graphs[0].inputs  # type: ignore[index]
        return main or (made is not None and made[0].op == "READ_VARIABLE")

    def width(self, value: Anything) -> int | None:
        """The size of the last axis."""
        shape = self._values.tensor(own_value(value)).sizes
        return shape[-1] if shape else None

    def constant(self, value: Anything) -> Constant | None:
        """The constant that a value is."""
        return None if _is_bare(value) else self._values.constant(own_value(value))

    def step(self, value: Anything) -> Step | None:
        """The step that makes a value."""
        own = own_value(value)
        outer = self._values.outer(own)
        if outer != own:
            return Step("same", (outer,))
        made = self._values.maker(own)
        if made is None:
            return None
        operator, output = made
        function = FUNCTIONS.get(int(operator.options.get("activation", 0)), "unknown")
        if function and not _is_bare(value):
            return Step(function, (("bare", own),)) if function in ("relu", "tanh") else None
        inputs = tuple((own[0], at) for at in operator.inputs if at >= 0)
        if not inputs:
            return None
        found = self._step(own, operator, output, inputs)
        if found is None and operator.op in _MOVES:
            return Step("moved", (inputs[1 if operator.op == "SPLIT" and len(inputs) > 1 else 0],))
        return found

    def _step(  # noqa: PLR0911  # one for each operator
        self, value: Value, operator: Operator, output: int, inputs: tuple[Value, ...]
    ) -> Step | None:
        op = operator.op
        if op in _FUNCTIONS or op in _SAME:
            return Step(_FUNCTIONS.get(op, "same"), inputs[:1])
        if op in _ARITHMETIC and len(inputs) == 2:  # noqa: PLR2004  # both
            return Step(_ARITHMETIC[op], inputs)
        if op == "FULLY_CONNECTED" and not operator.options["weights_format"]:
            return Step("product", inputs, swapped=True)
        if op == "BATCH_MATMUL" and not operator.options["adj_x"]:
            return Step("product", inputs, swapped=bool(operator.options["adj_y"]))
        if op in _BOUNDS:
            return self._clip(op, inputs)
        rank = len(self._values.tensor(inputs[0]).shape)
        if op == "CONCATENATION":
            return Step("join", inputs) if _last(operator.options["axis"], rank) else None
        if op in _KEEP:
            shapes = [self._values.tensor(item).shape for item in (value, inputs[0])]
            return Step("same", inputs[:1]) if all(shapes) and shapes[0][-1] == shapes[1][-1] else None
        if op in ("GATHER", "UNPACK"):
            whole = not _last(operator.options["axis"], rank) and not operator.options.get("batch_dims", 0)
            return Step("same", inputs[:1]) if whole else None
        if op == "TRANSPOSE" and len(inputs) > 1:
            order = self._values.small(inputs[1])
            return Step("same", inputs[:1]) if order and order[-1] == rank - 1 else None
        return self._cut(value, operator, output, inputs)

    def _clip(self, op: str, inputs: tuple[Value, ...]) -> Step | None:
        """MINIMUM or MAXIMUM with a number, and both one after the other."""
        found = self._bounded(op, inputs)
        if found is None:
            return None
        given, low, high = found
        made = self._values.maker(given)
        operator = made[0] if made else None
        if operator is not None and operator.op in _BOUNDS:
            below = self._bounded(operator.op, tuple((given[0], at) for at in operator.inputs if at >= 0))
            if below is not None and max(low, below[1]) <= min(high, below[2]):
                given, low, high = below[0], max(low, below[1]), min(high, below[2])
        return Step("clip", (given,), low=low, high=high)

    def _bounded(self, op: str, inputs: tuple[Value, ...]) -> tuple[Value, float, float] | None:
        """The value that one operator keeps within bounds, and these."""
        if op == "RELU_0_TO_1" and inputs:
            return inputs[0], 0.0, 1.0
        for given, bound in (inputs[:2], inputs[1::-1]) if len(inputs) > 1 else ():
            known = self._values.constant(bound)
            if known is None or any(size != 1 for size in known.shape) or self._values.constant(given):
                continue
            number = float(known.read().reshape(-1)[0])
            return (given, -inf, number) if op == "MINIMUM" else (given, number, inf)
        return None

    def _cut(self, value: Value, operator: Operator, output: int, inputs: tuple[Value, ...]) -> Step | None:
        """SPLIT, SPLIT_V, SLICE and STRIDED_SLICE: of the last axis a part, of others whatever is picked."""
        if operator.op in ("SPLIT", "SPLIT_V") and len(inputs) > 1:
            given, axis = (inputs[1], inputs[0]) if operator.op == "SPLIT" else (inputs[0], inputs[-1])
            sizes = [self._values.tensor((value[0], at)).shape for at in operator.outputs]
            at, shape = self._values.small(axis), self._values.tensor(given).shape
            if not at or not shape or not all(sizes):
                return None
            if not _last(at[0], len(shape)):
                return Step("same", (given,))
            start = sum(size[-1] for size in sizes[:output])
            return Step("part", (given,), start, start + sizes[output][-1])
        if operator.op in ("SLICE", "STRIDED_SLICE"):
            span = self._sliced(operator, inputs)
            shape = self._values.tensor(inputs[0]).shape
            if span is None or not shape:
                return None
            whole = span == (0, shape[-1])
            return Step("same", inputs[:1]) if whole else Step("part", inputs[:1], *span)
        return None

    def _sliced(self, operator: Operator, inputs: tuple[Value, ...]) -> tuple[int, int] | None:
        """The range of the last axis that SLICE or STRIDED_SLICE takes; None if it is not known."""
        lists = [self._values.small(item) for item in inputs[1:4]]
        shape = self._values.tensor(inputs[0]).shape
        if len(lists) < 2 or any(not item or len(item) != len(shape) for item in lists):  # noqa: PLR2004
            return None
        begin, end = (item[-1] if item else 0 for item in lists[:2])
        size, last = shape[-1], len(shape) - 1
        if operator.op == "SLICE":
            stop = size if end == -1 else begin + end
        else:
            options = operator.options
            odd = [options[name] for name in ("ellipsis_mask", "new_axis_mask", "offset")]
            steps = lists[2] if len(lists) > 2 else None  # noqa: PLR2004
            if any(odd) or not steps or steps[-1] != 1 or int(options["shrink_axis_mask"]) >> last & 1:
                return None
            begin = 0 if int(options["begin_mask"]) >> last & 1 else begin + size * (begin < 0)
            stop = size if int(options["end_mask"]) >> last & 1 else end + size * (end < 0)
        return (begin, min(stop, size)) if 0 <= begin < stop else None


def _is_bare(value: Anything) -> bool:
    return isinstance(value, tuple) and value[0] == "bare"


def own_value(value: Anything) -> Value:
    """The value of the file behind one before a function."""
    assert isinstance(value, tuple)  # noqa: S101  # values here are pairs
    return value[1] if value[0] == "bare" else value


def _last(axis: float | str, rank: int) -> bool:
    return axis in (-1, rank - 1)


def _links(values: Values) -> Iterator[tuple[Value, Link]]:
    """The states of loops, by their values in the body."""
    for index, graph in enumerate(values.model.graphs):
        for operator in graph.operators:
            body = int(operator.options.get("body", -1))
            if operator.op != "WHILE" or not 0 <= body < len(values.model.graphs) or len(values.callers[body]) != 1:
                continue
            inner = values.model.graphs[body]
            for at, given, after in zip(inner.inputs, operator.inputs, inner.outputs, strict=False):
                if min(at, given, after) >= 0 and after != at:
                    yield (body, at), Link((body, after), (index, given))


def cells_of(values: Values, flow: Flow) -> Cells:
    """The LSTMs that the graphs compute."""
    products = [
        (index, at)
        for index, graph in enumerate(values.model.graphs)
        for operator in graph.operators
        if operator.op == "MUL"
        for at in operator.outputs[:1]
        if at >= 0
    ]
    return cells_in(flow, products)


def computed_units(values: Values) -> tuple[list[Unit], list[str]]:
    """The LSTMs that the graphs compute, and the names of values that look like those of one."""
    found = cells_of(values, Flow(values))
    names = [values.tensor(own_value(value)).name for value in found.doubtful]
    return [_unit(values, cell) for cell in found.found], names


def _unit(values: Values, cell: Cell) -> Unit:
    """A cell with the arrays of each gate, as the operators have them."""
    weights: dict[str, Constant] = {}
    gates = dict(zip(GATES, (cell.weights[name] for name in "ifgo"), strict=True))
    for word, gate in gates.items():
        weights[f"input_to_{word}_weights"] = _matrix(gate.inputs[0][1])
    for word, gate in gates.items():
        weights[f"recurrent_to_{word}_weights"] = _matrix(gate.recurrent)
    for word, gate in gates.items():
        if gate.biases:
            weights[f"{word}_gate_bias"] = _bias(gate)
    own = own_value(cell.h)
    options = cell.options
    dtypes = {"dequantized" for constant in weights.values() if "dequantized" in constant.computed}
    return Unit(
        place=own[0],
        name=_name(values.tensor(own).name),
        kind="LSTM" if cell.how != "step" else "LSTMCell",
        weights=weights,
        beside=(),
        hidden=cell.hidden,
        width=cell.width,
        projected=0,
        bidirectional=False,
        batch_first=None,
        options=options,
        unmodelled=option_words(options),
        notes=tuple(_notes(cell, quantized=bool(dtypes))),
        quantized="int8" if dtypes else "",
        input=values.outer(own_value(cell.inputs[0])),
        output=own,
        bias="input_gate_bias" in weights,
    )


def _name(text: str) -> str:
    """The name of an LSTM by that of its h: `lstm_10/while/mul_2` is of `lstm_10`."""
    parts = [part for part in text.partition(";")[0].split("/") if part]
    named = [part for part in parts if "lstm" in part.lower() and "cell" not in part.lower()]
    return named[-1] if named else "lstm"


def _matrix(block: Block) -> Constant:
    """A matrix as (outputs, inputs)."""
    rows, columns = block.columns, block.rows
    constant = block.constant
    if block.swapped and (rows, columns) == ((0, constant.shape[0]), (0, constant.shape[-1])):
        return constant
    axes = (rows, columns) if block.swapped else (columns, rows)
    text = ", ".join(f"{start}:{stop}" for start, stop in axes)
    return constant._replace(
        name=f"{constant.name}[{text}]",
        shape=(rows[1] - rows[0], columns[1] - columns[0]),
        read=partial(_numbers_of, block),
        computed=("a part", *constant.computed),
        parts=None,
        origin=block.origin,
    )


def _numbers_of(block: Block) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    return np.ascontiguousarray(block.read().T)


def _bias(gate: Gate) -> Constant:
    """The sum of a gate's biases."""
    first = gate.biases[0]
    texts = [f"{block.constant.name}[{block.columns[0]}:{block.columns[1]}]" for block in gate.biases]
    return first.constant._replace(
        name=" + ".join(texts),
        shape=(first.shape[1],),
        read=partial(_total, gate.biases),
        computed=("a part", *first.constant.computed),
        sources=tuple(dict.fromkeys(name for block in gate.biases for name in block.constant.sources)),
        parts=None,
        origin=tuple(block.origin for block in gate.biases),
    )


def _total(blocks: Sequence[Block]) -> Any:  # noqa: ANN401  # an array
    return sum(block.read()[0] for block in blocks)


def _notes(cell: Cell, *, quantized: bool) -> Iterator[str]:
    yield from notes_on(cell, "operator", "in a loop, WHILE")
    arrays = dict.fromkeys(
        name
        for gate in cell.weights.values()
        for block in (gate.recurrent, gate.inputs[0][1])
        for name in block.constant.sources
    )
    yield f"its gates are parts of {with_rest(list(arrays), 4)}"
    if quantized:
        yield "its weights are computed of the quantized ones, (q - zero_point) * scale: the graph's kernels round more"
