"""What flows from layer to layer in code that uses Keras: the widths that the code never writes down.

`Sequential`, `model.add` and layers called on each other's results are followed statement by statement.

Not here: what each layer makes of what it is given (`keras.flow`), and which calls are LSTMs (`constructions`).
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.readers.keras.flow import Stream, merged_stream, stream_after, stream_of_shape
from lstmcalc.readers.python.evaluate import Program, show
from lstmcalc.readers.python.scopes import Branch, excluded
from lstmcalc.readers.python.shapes import Shaped
from lstmcalc.spec.provenance import Gap

_HOMES: Final = ("keras.", "tf_keras.")
_STACKS: Final = ("RNN", "StackedRNNCells")
_KEPT: Final = 8  # branches of a variable
_WRAPPERS: Final = ("Bidirectional", "TimeDistributed")
_INPUTS: Final = ("Input", "InputLayer")
_SHAPES: Final = ("input_shape", "batch_input_shape", "batch_shape", "input_dim")
_PROBE: Final = 7919  # a width that no layer has by chance

# The arguments that layers of Keras are usually given by position (keras 3.15.1, keras/src/layers).
_POSITIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "Conv1D": ("filters", "kernel_size", "strides", "padding"),
    "Convolution1D": ("filters", "kernel_size"),
    "Dense": ("units",),
    "Embedding": ("input_dim", "output_dim"),
    "GRU": ("units",),
    "Input": ("shape",),
    "InputLayer": ("shape",),
    "MaxPooling1D": ("pool_size", "strides", "padding"),
    "Permute": ("dims",),
    "RepeatVector": ("n",),
    "Reshape": ("target_shape",),
    "SimpleRNN": ("units",),
}


class Flow(NamedTuple):
    """What flows, and what is in the way where its width is not known; `begun` once there has been a layer."""

    stream: Stream = Stream()
    gap: Gap | None = None
    begun: bool = True


_START: Final = Flow(begun=False)


class Layers(NamedTuple):
    """What is known of the calls of a program.

    Attributes:
        lstm: The construction of an LSTM that an expression stands for, or None.
        name: What that LSTM is called.
        keeps: Whether it returns every step.
        names: The full names of what a call may call.
    """

    lstm: Callable[[ast.AST], ast.Call | None]
    name: Callable[[ast.Call], str]
    keeps: Callable[[ast.Call], bool]
    names: Callable[[ast.Call], list[str]]


def follow_keras(program: Program, layers: Layers) -> dict[ast.Call, Flow]:
    """What flows into each construction of an LSTM."""
    return _Follower(program, layers).follow()


class _Follower:
    def __init__(self, program: Program, layers: Layers) -> None:
        self._program = program
        self._layers = layers
        self._into: dict[ast.Call, Flow] = {}
        self._at: dict[tuple[object, str], list[tuple[Branch, Flow | None]]] = {}  # of what stands in variables
        self._done: dict[ast.AST, Flow] = {}
        self._seen: set[ast.Call] = set()

    def follow(self) -> dict[ast.Call, Flow]:
        kinds = (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)
        statements = [node for node in self._program.branches if isinstance(node, kinds) and node.value is not None]
        for statement in sorted(statements, key=lambda node: (node.lineno, node.col_offset)):
            flow = self._flow(statement.value) if statement.value is not None else None
            for target in _targets(statement):
                self._keep(statement, show(target), flow)
        for call in self._program.calls:  # cells that flow nowhere
            if call not in self._seen and self._kind(call) in _STACKS:
                self._through(call, _START)
        return self._into

    def _keep(self, node: ast.AST, name: str, flow: Flow | None) -> None:
        """Note what stands in a variable from a statement on, in its branch."""
        branch = self._program.branch_of(node)
        kept = self._at.setdefault((self._program.scopes[node], name), [])
        kept[:] = [*(item for item in kept if item[0][: len(branch)] != branch), (branch, flow)][-_KEPT:]

    def _kept(self, node: ast.AST, name: str) -> Flow | None:
        """What stands in a variable: what all branches that may have been taken agree on."""
        branch = self._program.branch_of(node)
        held: list[Flow | None] = []
        for own, flow in reversed(self._at.get((self._program.scopes[node], name), [])):
            if not excluded(own, branch):
                held.append(flow)
                if own == branch[: len(own)]:
                    break
        if not held:
            return None
        return held[0] if all(flow == held[0] for flow in held) else Flow()

    def _flow(self, node: ast.AST) -> Flow | None:
        """What an expression gives, if it is something that flows; layers called on the way are noted."""
        if isinstance(node, ast.Name | ast.Attribute):
            return self._kept(node, show(node))
        if isinstance(node, ast.Subscript):
            first = isinstance(node.slice, ast.Constant) and node.slice.value == 0
            return self._flow(node.value) if first else None
        if not isinstance(node, ast.Call):
            return None
        if node not in self._done:
            self._done[node] = self._called(node) or Flow()
        return self._done[node]

    def _called(self, call: ast.Call) -> Flow | None:
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr == "add" and len(call.args) == 1:
            name = show(function.value)
            self._keep(call, name, self._through(call.args[0], self._kept(call, name) or _START))
            return None
        kind = self._kind(call)
        if kind == "Sequential":
            return self._sequence(call, _START)
        if kind in _INPUTS:
            return self._after(kind, self._arguments(call, kind), Flow())
        layer = self._layer(function)
        if layer is None or not call.args:
            return None
        return self._on(layer, call.args[0])

    def _on(self, layer: ast.Call, node: ast.AST) -> Flow:
        """What a layer makes of an argument: of an array, or of several."""
        if isinstance(node, ast.List | ast.Tuple):
            flows = [self._flow(item) or Flow() for item in node.elts]
            kind = self._kind(layer)
            self._seen.add(layer)
            return Flow(merged_stream(kind, self._arguments(layer, kind), [flow.stream for flow in flows]))
        value = None if isinstance(node, ast.Name | ast.Attribute) and self._flow(node) else self._program.value(node)
        given = Flow(stream_of_shape(value.shape)) if isinstance(value, Shaped) else self._flow(node)
        return self._through(layer, given or _START)

    def _sequence(self, call: ast.Call, flow: Flow) -> Flow:
        listed = call.args[0] if call.args else _keyword(call, "layers")
        for item in listed.elts if isinstance(listed, ast.List | ast.Tuple) else []:
            flow = self._through(item, flow)
        return flow

    def _through(self, node: ast.AST, flow: Flow) -> Flow:
        """What comes out of a layer."""
        layer = self._layer(node)
        if layer is None:
            return Flow()
        kind = self._kind(layer)
        lstm = self._layers.lstm(layer) or (self._layers.lstm(_inner(layer)) if kind in _WRAPPERS else None)
        arguments = self._arguments(layer, kind)
        self._seen.add(layer)
        if not flow.begun and any(name in arguments for name in _SHAPES):
            flow = self._after("Input", arguments, _START)
        if kind in _STACKS and isinstance(_inner(layer), ast.List):
            return self._cells(_inner(layer), flow)
        if lstm is not None:
            if kind == "TimeDistributed":  # it sees what stands behind the first axis
                flow = flow._replace(stream=flow.stream._replace(seq_len=None))
            if flow.begun:
                self._into.setdefault(lstm, flow)
            kept = self._layers.keeps(lstm)
            length = flow.stream.seq_len if kept else None
            return Flow(Stream(None, self._layers.name(lstm), length, flow.stream.batch, 2 if kept else 1))
        if kind == "Sequential":
            return self._sequence(layer, flow)
        return self._after(kind, arguments, flow) if kind else Flow()

    def _cells(self, listed: ast.AST, flow: Flow) -> Flow:
        """What comes out of cells that are stacked."""
        for node in listed.elts if isinstance(listed, ast.List) else []:
            cell = self._layers.lstm(node)
            if cell is not None and flow.begun:
                self._into.setdefault(cell, flow)
            flow = Flow(Stream(None, self._layers.name(cell))) if cell is not None else Flow()
        return flow

    def _after(self, kind: str, arguments: Mapping[str, Any], flow: Flow) -> Flow:
        """What a layer makes of what flows, and what is in the way of knowing its width."""
        known = {name: _without_gaps(value) for name, value in arguments.items() if not isinstance(value, Gap)}
        made = stream_after(kind, known, flow.stream)
        if made.features is not None or made.reads:
            return Flow(made)
        own = next((gap for value in arguments.values() if (gap := _last_gap(value))), None)
        passed = stream_after(kind, known, flow.stream._replace(features=_PROBE)).features == _PROBE
        return Flow(made, own or (flow.gap if passed else None))

    def _layer(self, node: ast.AST) -> ast.Call | None:
        """The call that makes the layer which an expression stands for."""
        if isinstance(node, ast.Call):
            return node
        calls = [item.node for item in self._program.bindings_of(node) if isinstance(item.node, ast.Call)]
        return calls[-1] if calls else None

    def _kind(self, call: ast.Call) -> str:
        """The class of a layer of Keras; empty if it is none."""
        names = (name for name in self._layers.names(call) if name.startswith(_HOMES))
        return next(names, "").rpartition(".")[2]

    def _arguments(self, call: ast.Call, kind: str) -> dict[str, Any]:
        """The arguments of a layer; of a wrapper the layer inside, as Keras' own JSON has it."""
        names = _POSITIONAL.get(kind, ())
        nodes = [*zip(names, call.args, strict=False), *((item.arg, item.value) for item in call.keywords if item.arg)]
        arguments = {str(name): self._program.value(node) for name, node in nodes if name != "layer"}
        inner = _inner(call) if kind in _WRAPPERS else None
        if isinstance(inner, ast.Call):
            inside = self._kind(inner)
            arguments["layer"] = {"class_name": inside, "config": self._arguments(inner, inside)}
        return arguments


def _targets(statement: ast.Assign | ast.AnnAssign | ast.Expr | ast.Return) -> list[ast.expr]:
    """What a statement assigns to; of several results of a layer, what takes the first."""
    if isinstance(statement, ast.AnnAssign):
        return [statement.target]
    found = statement.targets if isinstance(statement, ast.Assign) else []
    return [item.elts[0] if isinstance(item, ast.Tuple | ast.List) and item.elts else item for item in found]


def _inner(call: ast.Call) -> ast.AST:
    """What a wrapper wraps."""
    return call.args[0] if call.args else _keyword(call, "layer") or call


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _without_gaps(value: Any) -> Any:  # noqa: ANN401  # whatever the code says
    if isinstance(value, tuple | list):
        return tuple(None if isinstance(item, Gap) else item for item in value)
    return value


def _last_gap(value: Any) -> Gap | None:  # noqa: ANN401  # as above
    """The gap in an argument: itself, or the last size of a shape."""
    last = value[-1] if isinstance(value, tuple | list) and value else value
    return last if isinstance(last, Gap) else None
