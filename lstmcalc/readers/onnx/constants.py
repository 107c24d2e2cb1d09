"""Constants of an ONNX graph: tensors of the file, and those that the graph itself computes from them.

Exporters put a few nodes between a stored tensor and the LSTM that has it as a weight: they reorder and slice gates, or
dequantize. Their shapes are found without reading any number; numbers are read when they are asked for.

Not here: the bytes of a tensor (`graphs`), what nodes compute (`folding`), and LSTMs (`nodes`).
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.graphs.constants import Constant, Leaf
from lstmcalc.readers.onnx.folding import RULES, nbytes_of, shape_of, value_of
from lstmcalc.readers.onnx.graphs import Graph, Model, Node, Tensor, bodies
from lstmcalc.readers.onnx.tensors import has_zero_bytes, read_tensor, tensor_blocks

_MAX_SCOPES: Final = 20_000  # bodies, and calls of functions, in one file
_MAX_DEPTH: Final = 60  # bodies and calls in each other
_MAX_STEPS: Final = 64  # nodes in a chain between a stored tensor and an LSTM
_MAX_COST: Final = 1024  # nodes and tensors that one constant takes
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
        folded = op in RULES and (node.op == "Split" or not index)
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
        rule = RULES[op]
        try:
            dtype, shape = shape_of(rule, node, read)
        except (ArithmeticError, IndexError, KeyError, MemoryError, TypeError, ValueError):
            return None  # an invalid node: those that read it have no constant there
        how = tuple(dict.fromkeys((node.op, *(step for item in read if item for step in item.computed))))
        full = f"{self.path}{name}"
        size = sum(nbytes_of(item.dtype, item.shape) for item in read if item) + nbytes_of(dtype, shape)
        numbers = [item for index, item in enumerate(read) if item and index not in rule.small]
        sources = tuple(dict.fromkeys(source for item in numbers for source in item.sources))
        origin = (op, _settings_key(node), tuple(item and item.origin for item in read))
        return Constant(full, dtype, shape, lambda: value_of(rule, node, read, full, size), how, cost, sources, origin)


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
