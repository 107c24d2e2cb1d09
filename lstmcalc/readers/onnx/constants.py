"""Constants of an ONNX graph: tensors of the file, and those that the graph itself computes from them.

Exporters put a few nodes between a stored tensor and the LSTM that has it as a weight: they reorder and slice gates, or
dequantize. Their shapes are found without reading any number; numbers are read when they are asked for.

Source: the operators of the default domain as onnx 1.23.2 documents them (docs/Operators.md).

Not here: the bytes of a tensor (`graphs`), and LSTMs (`nodes`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.budget import FOLDED, budget
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.graphs.constants import Constant, Leaf
from lstmcalc.readers.onnx.graphs import Graph, Model, Node, Tensor, bodies, has_zero_bytes, read_tensor, tensor_blocks

_MAX_SCOPES: Final = 20_000  # bodies, and calls of functions, in one file
_MAX_DEPTH: Final = 60  # bodies and calls in each other
_MAX_STEPS: Final = 64  # nodes in a chain between a stored tensor and an LSTM
_MAX_COST: Final = 1024  # nodes and tensors that one constant takes
_MOST_PARTS: Final = 8  # of a Split that are followed
_SMALL: Final = 4096  # numbers of an input that is read to find a shape: axes, starts, sizes
_DEFAULT: Final = ("", "ai.onnx")


class Maker(NamedTuple):
    """The node that makes a value."""

    scope: "Scope"  # the scope of the node
    node: Node
    output: int  # index of the value among the node's outputs


class Scope:
    """The names of one graph: a model's, a body's, or those of a function for one call.

    Args:
        path: The prefix of its tensors' names.
        graph: The graph.
        source: The file.
        outer: The scope around a body, whose names are visible in it.
        arguments: For a function, the scope of the call, and the inputs' names there.
    """

    def __init__(
        self,
        path: str,
        graph: Graph,
        source: str,
        outer: "Scope | None" = None,
        arguments: "tuple[Scope, Mapping[str, str]] | None" = None,
    ) -> None:
        self.path = path
        self.graph = graph
        self.source = source
        self.outer = outer
        self.arguments = arguments
        self.makers = {name: (node, index) for node in graph.nodes for index, name in enumerate(node.outputs) if name}
        self.inputs = frozenset(graph.inputs) - graph.tensors.keys()
        self.known: dict[str, Constant | None] = {}
        self.zeros: dict[str, bool | None] = {}  # for names of constants, True if they hold zeros; None if not read

    def tensors(self) -> "Iterator[tuple[str, Tensor]]":
        """The tensors of this graph under their full names: its initializers, then those of its Constant nodes."""
        for name, tensor in self.graph.tensors.items():
            yield f"{self.path}{name}", tensor
        for node in self.graph.nodes:
            value = node.attributes.get("value")
            if node.op == "Constant" and node.domain in _DEFAULT and isinstance(value, Tensor) and node.outputs:
                yield f"{self.path}{node.outputs[0]}", value

    def constants(self) -> Iterator[Constant]:
        """The tensors of this graph: its initializers, then those of its Constant nodes."""
        for name, tensor in self.tensors():
            yield self.stored(name.removeprefix(self.path), tensor)

    def stored(self, name: str, tensor: Tensor) -> Constant:
        """A tensor of this graph as a constant."""
        full = f"{self.path}{name}"
        how = self.source, tensor, full
        read, parts, zero = partial(read_tensor, *how), partial(tensor_blocks, *how), partial(has_zero_bytes, *how)
        return Constant(full, tensor.dtype, tensor.shape, read, (), 1, (full,), Leaf(full), parts, zero)

    def aliases(self, name: str) -> "Iterator[tuple[Scope, str]]":
        """The names of one value with their scopes: from this one, through Identity and calls, to its definition."""
        scope = self
        for _ in range(_MAX_STEPS):
            while not scope.defines(name) and scope.outer is not None:
                scope = scope.outer
            yield scope, name
            call, made = scope.arguments, None if name in scope.graph.tensors else scope.makers.get(name)
            if call and name in scope.inputs and name in call[1]:
                scope, name = call[0], call[1][name]
            elif made and made[0].op == "Identity" and made[0].domain in _DEFAULT and made[0].inputs and not made[1]:
                name = made[0].inputs[0]
            else:
                return

    def defines(self, name: str) -> bool:
        """True if the name is one of this graph, and not of one around it."""
        return name in self.graph.tensors or name in self.makers or name in self.inputs

    def home(self, name: str) -> "tuple[Scope, str]":
        """The scope in which a value is defined, and its name there."""
        *_, last = self.aliases(name)
        return last

    def origin(self, name: str) -> object:
        """A key that is equal for two values if they are the same value, or computed alike of the same tensors."""
        known = self.constant(name)
        if known is not None:
            return known.origin
        scope, own = self.home(name)
        return id(scope), own

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """The shape that the file states for a value under any of its names; None if it states none.

        An axis is None where no statement has a number for it.
        """
        stated = [found for scope, own in self.aliases(name) if (found := scope.graph.shape(own)) is not None]
        alike = [shape for shape in stated if len(shape) == len(stated[0])]
        return tuple(next(filter(None, sizes), None) for sizes in zip(*alike, strict=True)) if alike else None

    def maker(self, name: str) -> Maker | None:
        """The node that makes a value; None if the value is an input, a tensor of the file, or unknown."""
        scope, own = self.home(name)
        found = None if own in scope.graph.tensors else scope.makers.get(own)
        return Maker(scope, *found) if found else None

    def constant(self, name: str, steps: int = 0) -> Constant | None:
        """The constant that a value is; None if it depends on the model's inputs or on unknown operators."""
        scope, own = self.home(name)
        tensor = scope.graph.tensors.get(own)
        if tensor is not None:
            return scope.stored(own, tensor)
        found = scope.makers.get(own)
        if found is None or steps > _MAX_STEPS or found[0].domain not in _DEFAULT:
            return None
        if own not in scope.known:
            scope.known[own] = scope.made(own, *found, steps)
        return scope.known[own]

    def made(self, own: str, node: Node, index: int, steps: int) -> Constant | None:
        """The constant that a node of this graph computes; None if the result is not constant."""
        if node.op == "Constant":
            value = node.attributes.get("value")
            if isinstance(value, Tensor):
                return self.stored(own, value)
            return _listed_constant(f"{self.path}{own}", node)
        op = f"Split {index}" if node.op == "Split" else node.op
        folded = op in _FOLDED and (node.op == "Split" or not index)
        return self._folded_constant(own, node, steps, op) if folded else None

    def _folded_constant(self, name: str, node: Node, steps: int, op: str) -> Constant | None:
        """The constant that a node computes if all its inputs are constants, else None."""
        read: list[Constant | None] = []
        for given in node.inputs:
            found = self.constant(given, steps + 1) if given else None
            if given and found is None:
                return None
            read.append(found)
        cost = 1 + sum(item.cost for item in read if item)
        if not read or read[0] is None or cost > _MAX_COST:
            return None
        rule = _FOLDED[op]
        try:
            dtype, shape = _shape_of(rule, node, read)
        except (ArithmeticError, IndexError, KeyError, MemoryError, TypeError, ValueError):
            return None  # an invalid node: those that read it have no constant there
        how = tuple(dict.fromkeys((node.op, *(step for item in read if item for step in item.computed))))
        full = f"{self.path}{name}"
        size = sum(_nbytes(item.dtype, item.shape) for item in read if item) + _nbytes(dtype, shape)
        numbers = [item for index, item in enumerate(read) if item and index not in rule.small]
        sources = tuple(dict.fromkeys(source for item in numbers for source in item.sources))
        origin = (op, _settings_key(node), tuple(item and item.origin for item in read))
        return Constant(full, dtype, shape, lambda: _value_of(rule, node, read, full, size), how, cost, sources, origin)


def _settings_key(node: Node) -> tuple[object, ...]:
    """The attributes of a node as a key; equal attributes have equal keys."""
    plain = {name: value for name, value in node.attributes.items() if isinstance(value, int | float | bytes)}
    lists = {
        name: tuple(value)
        for name, value in node.attributes.items()
        if isinstance(value, list) and all(isinstance(item, int | float) for item in value)
    }
    rest = {name: id(value) for name, value in node.attributes.items() if name not in plain and name not in lists}
    return tuple(sorted(plain.items())), tuple(sorted(lists.items())), tuple(sorted(rest.items()))


def scopes_of(model: Model, source: str) -> Iterator[Scope]:
    """The scope of the main graph, then those of all bodies and of all calls of functions, the outer ones first."""
    waiting = [(Scope("", model.graph, source), 0)]
    paths = _Paths()
    count = 0
    while waiting:
        scope, depth = waiting.pop()
        count += 1
        if count > _MAX_SCOPES or depth > _MAX_DEPTH:
            limit = f"{_MAX_DEPTH} levels" if depth > _MAX_DEPTH else f"{_MAX_SCOPES:,}"
            raise SourceError("there are too many bodies and calls of functions in it", f"at most {limit}")
        yield scope
        waiting += [(inner, depth + 1) for inner in reversed(list(_inner_scopes(scope, model, source, paths)))]


class _Paths:
    """The prefixes of names in bodies and functions: the same for all calls of a function, else unique."""

    def __init__(self) -> None:
        self._given: dict[object, str] = {}
        self._taken: dict[str, int] = {}

    def of(self, key: object, wanted: str) -> str:
        """The prefix for a key: `wanted`, numbered if it is already used."""
        if key not in self._given:
            count = self._taken.get(wanted, 0) + 1
            self._taken[wanted] = count
            self._given[key] = f"{wanted}/" if count == 1 else f"{wanted}#{count}/"
        return self._given[key]


def _inner_scopes(scope: Scope, model: Model, source: str, paths: _Paths) -> Iterator[Scope]:
    """The bodies of a graph's nodes, and the functions that they call."""
    for index, node in enumerate(scope.graph.nodes):
        for name, body in bodies(node):
            key = (scope.path, index, name, id(body))
            yield Scope(paths.of(key, f"{scope.path}{node.name or node.op}.{name}"), body, source, scope)
        function = model.functions.get((node.domain, node.op, node.overload))
        if function is not None:
            arguments = {name: given for name, given in zip(function.inputs, node.inputs, strict=False) if given}
            path = paths.of((node.domain, node.op, node.overload), node.op)
            yield Scope(path, function, source, None, (scope, arguments))


# --- Numbers in attributes of Constant


_VALUES: Final = {"value_float": "float32", "value_int": "int64", "value_floats": "float32", "value_ints": "int64"}


def _listed_constant(name: str, node: Node) -> Constant | None:
    """The constant of a Constant node whose numbers are in its attributes; None if it has none there."""
    key = next((key for key in _VALUES if isinstance(node.attributes.get(key), int | float | list)), "")
    if not key:
        return None
    value, dtype = node.attributes[key], _VALUES[key]
    shape = (len(value),) if isinstance(value, list) else ()
    origin = (dtype, tuple(value) if isinstance(value, list) else value)
    return Constant(name, dtype, shape, lambda: _array(value, dtype), origin=origin)


def _array(value: object, dtype: str) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    try:
        return np.asarray(value, dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise SourceError("these are not numbers", found=str(error)) from None


# --- Computations of nodes


class _Rule(NamedTuple):
    """The computation of one operator."""

    value: Callable[[Node, Sequence[Any]], Any]  # the result from the node and its inputs
    small: tuple[
        int, ...
    ] = ()  # the inputs that are settings (axes, sizes), so that the shape depends on their numbers
    dtype: int = 0  # the input whose dtype the result has
    other: tuple[int, ...] = ()  # the inputs of other dtypes
    # The shape of the result from the node and inputs that have shapes alone, where numbers would take memory.
    shape: Callable[[Node, Sequence[Any]], tuple[int, ...]] | None = None


def _shape_of(rule: _Rule, node: Node, read: Sequence[Constant | None]) -> tuple[str, tuple[int, ...]]:
    """The dtype and the shape of a node's result, found with arrays that take no memory."""
    import numpy as np

    stand_in: list[Any] = []
    for index, item in enumerate(read):
        if item is None:
            stand_in.append(None)
        elif index in rule.small:
            stand_in.append(_small_array(item))
        else:
            stand_in.append(np.broadcast_to(np.zeros((), np.float32), item.shape))
    if node.op == "Concat":
        return _concat_shape(node, read)
    source = read[rule.dtype] if rule.dtype < len(read) else read[0]
    dtype = source.dtype if source else "float32"
    if node.op == "Cast":
        dtype = _CASTS.get(_integer(node, "to", 0), "")
        if not dtype:
            raise ValueError(node.op)
    if node.op in ("Cast", "DequantizeLinear"):
        return dtype, stand_in[0].shape
    if rule.shape is not None:
        settings = (*rule.small, *rule.other)
        if len({item.dtype for index, item in enumerate(read) if item and index not in settings}) != 1:
            raise ValueError(node.op)
        return dtype, rule.shape(node, stand_in)
    return dtype, tuple(rule.value(node, stand_in).shape)


def _concat_shape(node: Node, read: Sequence[Constant | None]) -> tuple[str, tuple[int, ...]]:
    shapes = [item.shape for item in read if item]
    axis = _axis(_integer(node, "axis", 0), len(shapes[0]))
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    dtypes = {item.dtype for item in read if item}
    if len(rest) != 1 or len(dtypes) != 1:
        raise ValueError(node.op)
    first = shapes[0]
    return dtypes.pop(), (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def _nbytes(dtype: str, shape: tuple[int, ...]) -> int:
    return numel(shape) * WIDTHS.get(dtype, 1)


def _value_of(rule: _Rule, node: Node, read: Sequence[Constant | None], name: str, size: int) -> Any:  # noqa: ANN401  # an array
    """The result of a node, whose inputs and result have `size` bytes."""
    import numpy as np

    budget().take(FOLDED, size)
    arrays = [None if item is None else item.read() for item in read]
    try:
        with np.errstate(all="ignore"):  # a cast that overflows gives Inf, as in ONNX
            return np.ascontiguousarray(rule.value(node, arrays))
    except (ArithmeticError, IndexError, KeyError, MemoryError, TypeError, ValueError) as error:
        raise SourceError("cannot be computed", f"what {node.op} takes", str(error), where=name) from None


def _small_array(constant: Constant) -> Any:  # noqa: ANN401  # an array
    if numel(constant.shape) > _SMALL:
        raise ValueError(constant.name)
    try:
        return constant.read()
    except SourceError:
        raise KeyError(constant.name) from None


def _integer(node: Node, name: str, default: int) -> int:
    value = node.attributes.get(name, default)
    if not isinstance(value, int):
        raise TypeError(name)
    return value


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise IndexError(axis)
    return axis % rank


def _integers(node: Node, name: str, arrays: Sequence[Any], index: int) -> list[int] | None:
    """A list of axes or the like: an attribute of older operators, an input of newer ones."""
    if index < len(arrays) and arrays[index] is not None:
        return [int(value) for value in arrays[index].reshape(-1)]
    value = node.attributes.get(name)
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return value
    return None


def _transpose(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    return arrays[0].transpose(_integers(node, "perm", (), 0))


def _squeeze(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    axes = _integers(node, "axes", arrays, 1)
    return arrays[0].squeeze(None if axes is None else tuple(axes))


def _unsqueeze(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    axes = _integers(node, "axes", arrays, 1) or []
    rank = arrays[0].ndim + len(axes)
    at = {_axis(axis, rank) for axis in axes}
    sizes = iter(arrays[0].shape)
    return arrays[0].reshape([1 if axis in at else next(sizes) for axis in range(rank)])


def _reshape(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    wanted = _integers(node, "shape", arrays, 1) or []
    if not _integer(node, "allowzero", 0):
        wanted = [arrays[0].shape[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    return arrays[0].reshape(wanted)


def _concat(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    return np.concatenate(arrays, _integer(node, "axis", 0))


def _slice(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    starts, ends = (_integers(node, name, arrays, index) for index, name in ((1, "starts"), (2, "ends")))
    if starts is None or ends is None:
        raise ValueError(node.op)
    axes = _integers(node, "axes", arrays, 3) or list(range(len(starts)))
    steps = _integers(node, "steps", arrays, 4) or [1] * len(starts)
    cuts = [slice(None)] * arrays[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at, size = _axis(axis, arrays[0].ndim), arrays[0].shape[axis]
        # With a negative step, an end before the first element is None in Python: negative ones count from the end.
        cuts[at] = slice(start, None if step < 0 and end < -size else end, step)
    return arrays[0][tuple(cuts)]


_CASTS: Final = {1: "float32", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}


def _cast(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    return arrays[0].astype(_CASTS[_integer(node, "to", 0)])


def _dequantize(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    """The numbers `(x - x_zero_point) * x_scale`, for the whole tensor or along an axis; blocks are not read."""
    x, scale = arrays[0], arrays[1]
    zero = arrays[2] if len(arrays) > 2 and arrays[2] is not None else None  # noqa: PLR2004
    if scale.size == 1:
        shape = [1] * x.ndim
    else:
        axis = _axis(_integer(node, "axis", 1), x.ndim)
        if scale.shape != (x.shape[axis],):
            raise ValueError("blocks")
        shape = [-1 if at == axis else 1 for at in range(x.ndim)]
    values = x.astype("int32")
    if zero is not None:
        values = values - zero.astype("int32").reshape(shape)
    return values.astype(scale.dtype) * scale.reshape(shape)


def _broadcast(_: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    import numpy as np

    found: tuple[int, ...] = np.broadcast_shapes(*(array.shape for array in arrays))
    return found


def _same_shape(_: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    return tuple(arrays[0].shape)


def _gathered(node: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    shape, axis = arrays[0].shape, _axis(_integer(node, "axis", 0), arrays[0].ndim)
    return (*shape[:axis], *arrays[1].shape, *shape[axis + 1 :])


def _gather(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    return arrays[0].take(arrays[1], _axis(_integer(node, "axis", 0), arrays[0].ndim))


def _norm_axes(node: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    """The axes that ReduceL2 sums: an attribute before opset 18, an input since; all of them without either."""
    rank = arrays[0].ndim
    axes = _integers(node, "axes", arrays, 1)
    if not axes and _integer(node, "noop_with_empty_axes", 0):
        raise ValueError(node.op)
    return tuple(dict.fromkeys(_axis(axis, rank) for axis in axes or range(rank)))


def _norm_shape(node: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    axes, kept = _norm_axes(node, arrays), _integer(node, "keepdims", 1)
    sizes = enumerate(arrays[0].shape)
    return tuple(1 if axis in axes else size for axis, size in sizes if kept or axis not in axes)


def _norm(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    kept = bool(_integer(node, "keepdims", 1))
    return np.sqrt(np.square(arrays[0]).sum(_norm_axes(node, arrays), keepdims=kept))


def _split_sizes(node: Node, sizes: list[int] | None, total: int) -> list[int]:
    """The sizes of the parts that Split gives: stated, or as equal as they can be."""
    if sizes is None:
        size = -(-total // len(node.outputs))
        sizes = [min(size, total - size * index) for index in range(len(node.outputs))]
    if len(sizes) != len(node.outputs) or sum(sizes) != total or min(sizes) < 0:
        raise ValueError(node.op)
    return sizes


def _split_at(index: int, node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    """One of the parts that Split gives."""
    axis = _axis(_integer(node, "axis", 0), arrays[0].ndim)
    sizes = _split_sizes(node, _integers(node, "split", arrays, 1), arrays[0].shape[axis])
    start = sum(sizes[:index])
    return arrays[0][(slice(None),) * axis + (slice(start, start + sizes[index]),)]


_FOLDED: Final = {
    "Transpose": _Rule(_transpose),
    "Squeeze": _Rule(_squeeze, (1,)),
    "Unsqueeze": _Rule(_unsqueeze, (1,)),
    "Reshape": _Rule(_reshape, (1,)),
    "Concat": _Rule(_concat),
    "Slice": _Rule(_slice, (1, 2, 3, 4)),
    "Cast": _Rule(_cast),
    "DequantizeLinear": _Rule(_dequantize, dtype=1),
    "Add": _Rule(lambda _, arrays: arrays[0] + arrays[1], shape=_broadcast),
    "Sub": _Rule(lambda _, arrays: arrays[0] - arrays[1], shape=_broadcast),
    "Mul": _Rule(lambda _, arrays: arrays[0] * arrays[1], shape=_broadcast),
    "Div": _Rule(lambda _, arrays: arrays[0] / arrays[1], shape=_broadcast),
    "Neg": _Rule(lambda _, arrays: -arrays[0], shape=_same_shape),
    "Gather": _Rule(_gather, other=(1,), shape=_gathered),
    "ReduceL2": _Rule(_norm, (1,), shape=_norm_shape),
    **{f"Split {index}": _Rule(partial(_split_at, index), (1,)) for index in range(_MOST_PARTS)},
}
