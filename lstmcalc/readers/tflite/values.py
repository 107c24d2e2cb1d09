"""The values of a TensorFlow Lite model: what makes each, and which are constants, as numbers of floating point.

A constant is a tensor with numbers in the file. Quantized ones are `(q - zero_point) * scale`, with one scale, or one
for each index of an axis. Float16 weights pass through DEQUANTIZE. A variable is a constant if it is assigned once.

Sources: schema.fbs of tensorflow 2.21.0 (QuantizationParameters); files of its converter.

Not here: which operators are LSTMs (`fused`, `program`).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, TypeAlias

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.budget import FOLDED, budget
from lstmcalc.readers.files.raw_numbers import WIDTHS, Block, file_blocks, numel, read_block
from lstmcalc.readers.graphs.constants import Constant, Leaf
from lstmcalc.readers.tflite.model import Graph, Model, Operator, Tensor
from lstmcalc.spec.words import unique_names

_MAX_STEPS: Final = 64  # graphs, and operators, between a stored tensor and what reads it
_SMALL: Final = 16  # numbers of a list of axes or sizes
_PASSES: Final = ("DEQUANTIZE", "TRANSPOSE", "RESHAPE", "READ_VARIABLE")
_INTEGERS: Final = ("int8", "uint8", "int16", "uint16", "int32", "int64")

Value: TypeAlias = tuple[int, int]  # the number of a graph, and of a tensor in it


class Values:
    """The values of one model.

    Args:
        model: The model.
        path: Its file.
    """

    def __init__(self, model: Model, path: str) -> None:
        self.model, self._path = model, path
        self._makers: dict[Value, tuple[Operator, int]] = {}
        self.readers: dict[Value, list[tuple[int, Operator]]] = {}
        self.callers: dict[int, list[tuple[int, Operator]]] = {}
        self._assigned: dict[str, list[Value]] = {}
        for index, graph in enumerate(model.graphs):
            for operator in graph.operators:
                self._note(index, operator)
        firsts: dict[object, Value] = {}
        self._first: dict[Value, Value] = {}  # of the tensors that are one in the file, the first
        for value in ((index, at) for index, graph in enumerate(model.graphs) for at in _stored(graph)):
            tensor = self.tensor(value)
            key = (tensor.buffer, tensor.dtype, tensor.shape, tensor.scales, tensor.zero_points, tensor.axis)
            self._first[value] = firsts.setdefault(key, value)
        texts = unique_names(self.tensor(value).name.partition(";")[0] or "tensor" for value in firsts.values())
        self.names = dict(zip(firsts.values(), texts, strict=True))
        self._known: dict[Value, Constant | None] = {}

    def _note(self, index: int, operator: Operator) -> None:
        for output, at in enumerate(operator.outputs):
            if at >= 0:
                self._makers.setdefault((index, at), (operator, output))
        for at in dict.fromkeys(operator.inputs):
            if at >= 0:
                self.readers.setdefault((index, at), []).append((index, operator))
        for key in ("body", "cond", "graph", "then", "else"):
            inner = operator.options.get(key)
            if isinstance(inner, int) and 0 <= inner < len(self.model.graphs) and operator.op != "CALL_ONCE":
                self.callers.setdefault(inner, []).append((index, operator))
        if operator.op == "ASSIGN_VARIABLE" and len(operator.inputs) > 1:
            handle = self.variable((index, operator.inputs[0]))
            self._assigned.setdefault(handle, []).append((index, operator.inputs[1]))

    def graph(self, value: Value) -> Graph:
        """The graph of a value."""
        return self.model.graphs[value[0]]

    def tensor(self, value: Value) -> Tensor:
        """The tensor of a value."""
        return self.model.graphs[value[0]].tensors[value[1]]

    def maker(self, value: Value) -> tuple[Operator, int] | None:
        """The operator that makes a value, and which of its outputs it is; None for inputs and constants."""
        return self._makers.get(value)

    def variable(self, value: Value) -> str:
        """The name of the variable that a handle is of; empty if it is not known."""
        made = self._makers.get(self.outer(value))
        return str(made[0].options.get("name", "")) if made and made[0].op == "VAR_HANDLE" else ""

    def variables(self) -> Iterator[tuple[str, list[Value]]]:
        """The variables, each with the values that are assigned to it."""
        yield from self._assigned.items()

    def outer(self, value: Value) -> Value:
        """The value itself, or the one around a loop that passes it on unchanged."""
        for _ in range(_MAX_STEPS):
            graph, callers = self.model.graphs[value[0]], self.callers.get(value[0], ())
            if value[1] not in graph.inputs or len(callers) != 1:
                return value
            place, (index, operator) = graph.inputs.index(value[1]), callers[0]
            if operator.op == "WHILE" and graph is not self.model.graphs[int(operator.options["cond"])]:
                kept = place < len(graph.outputs) and graph.outputs[place] == value[1]
            else:
                kept = operator.op == "CALL"
            if not kept or place >= len(operator.inputs) or operator.inputs[place] < 0:
                return value
            value = index, operator.inputs[place]
        return value

    def stored(self, value: Value) -> Constant | None:
        """A tensor of the file as it is stored; None if the file has no numbers of it."""
        tensor = self.tensor(value)
        if tensor.span is None or tensor.variable:
            return None
        name = self.names[self._first[value]]
        read, parts = partial(self._read, tensor, name), partial(self._blocks, tensor, name)
        leaf = Leaf(f"buffer {tensor.buffer}")
        return Constant(name, tensor.dtype, tensor.shape, read, (), 1, (name,), leaf, parts)

    def source(self, value: Value) -> Value | None:
        """The tensor of the file whose numbers a value has, dequantized, transposed or read of a variable."""
        for _ in range(_MAX_STEPS):
            value = self.outer(value)
            if value in self._first:
                return self._first[value]
            made = self.maker(value)
            if made is None or made[0].op not in _PASSES or not made[0].inputs or made[0].inputs[0] < 0:
                return None
            value = value[0], made[0].inputs[0]
            if made[0].op == "READ_VARIABLE":
                assigned = self._assigned.get(self.variable(value), [])
                if not assigned:
                    return None
                value = assigned[0]
        return None

    def _offset(self, tensor: Tensor, name: str) -> int:
        """The place of a tensor's numbers."""
        assert tensor.span is not None  # noqa: S101  # as the caller knows
        if tensor.sparse or tensor.dtype not in WIDTHS:
            what = "sparse" if tensor.sparse else tensor.dtype
            raise SourceError(f"numbers of {what} tensors are not read", "float32, or another number", where=name)
        if tensor.span.length != tensor.nbytes:
            expected, found = f"{tensor.nbytes:,} bytes", f"{tensor.span.length:,}"
            raise SourceError("the tensor is not as large as its shape", expected, found, where=name)
        return tensor.span.start

    def _read(self, tensor: Tensor, name: str) -> Any:  # noqa: ANN401  # an array
        return read_block(self._path, name, tensor.dtype, tensor.shape, self._offset(tensor, name))

    def _blocks(self, tensor: Tensor, name: str) -> Iterator[Block]:
        yield from file_blocks(self._path, name, tensor.dtype, tensor.shape, self._offset(tensor, name))

    def constant(self, value: Value, steps: int = 0) -> Constant | None:
        """The constant that a value is, as numbers of floating point; None if it depends on inputs or states."""
        value = self.outer(value)
        if value not in self._known:
            self._known[value] = None  # while it is looked for: a graph may lead to itself
            self._known[value] = self._found(value, steps) if steps <= _MAX_STEPS else None
        return self._known[value]

    def _found(self, value: Value, steps: int) -> Constant | None:  # noqa: PLR0911  # one for each operator
        held = self.stored(value)
        if held is not None:
            tensor = self.tensor(value)
            return _dequantized(held, tensor) if tensor.scales and tensor.dtype in _INTEGERS else held
        made = self.maker(value)
        if made is None or not made[0].inputs or made[0].inputs[0] < 0:
            return None
        operator, given = made[0], (value[0], made[0].inputs[0])
        if operator.op == "READ_VARIABLE":
            assigned = self._assigned.get(self.variable(given), [])
            return self.constant(assigned[0], steps + 1) if len(assigned) == 1 else None
        if operator.op == "DEQUANTIZE":
            known = self.constant(given, steps + 1)
            if known is None or known.dtype == "float32":
                return known
            how = (known.dtype, *known.computed)
            return known._replace(dtype="float32", read=partial(_as_float32, known), parts=None, computed=how)
        if operator.op == "TRANSPOSE" and len(operator.inputs) > 1:
            known, order = self.constant(given, steps + 1), self.small((value[0], operator.inputs[1]))
            return _transposed(known) if known and order == [1, 0] and len(known.shape) == len(order) else None
        return None

    def small(self, value: Value) -> list[int] | None:
        """A short list of integers that is constant; None if it is not one."""
        if value[1] < 0:
            return None
        held = self.stored(self.outer(value))
        if held is None or numel(held.shape) > _SMALL or not held.dtype.startswith("int"):
            return None
        try:
            return [int(number) for number in held.read().reshape(-1)]
        except SourceError:
            return None


def _stored(graph: Graph) -> Iterator[int]:
    """The numbers of the tensors of a graph that have numbers in the file."""
    return (at for at, tensor in enumerate(graph.tensors) if tensor.span is not None and not tensor.variable)


def is_quantized(tensor: Tensor) -> bool:
    """True for integers that stand for other numbers."""
    return bool(tensor.scales) and tensor.dtype in _INTEGERS


def _transposed(known: Constant) -> Constant:
    """A matrix with its axes swapped."""
    how, origin = ("TRANSPOSE", *known.computed), ("TRANSPOSE", known.origin)
    return known._replace(shape=known.shape[::-1], read=lambda: known.read().T, parts=None, computed=how, origin=origin)


def _as_float32(known: Constant) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    return known.read().astype(np.float32)


def _dequantized(held: Constant, tensor: Tensor) -> Constant:
    """The numbers that quantized ones stand for."""

    def read() -> Any:  # noqa: ANN401  # an array
        import numpy as np

        budget().take(FOLDED, 12 * numel(tensor.shape))
        scales, zero_points = np.array(tensor.scales, np.float32), np.array(tensor.zero_points or (0,), np.int64)
        if len(scales) > 1:
            fits = 0 <= tensor.axis < len(tensor.shape) and len(scales) == tensor.shape[tensor.axis]
            if not fits or len(zero_points) not in (1, len(scales)):
                expected = f"as many as an axis of {tensor.shape} has"
                raise SourceError("the scales do not fit the tensor", expected, f"{len(scales):,}", where=held.name)
            along = [-1 if axis == tensor.axis else 1 for axis in range(len(tensor.shape))]
            scales = scales.reshape(along)
            zero_points = zero_points.reshape(along) if len(zero_points) > 1 else zero_points[0]
        else:
            scales, zero_points = scales[0], zero_points[0]
        return ((held.read().astype(np.int64) - zero_points) * scales.astype(np.float64)).astype(np.float32)

    origin = (held.origin, tensor.scales, tensor.zero_points, tensor.axis)
    return held._replace(dtype="float32", read=read, computed=("dequantized",), origin=origin, parts=None)
