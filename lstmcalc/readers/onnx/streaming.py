"""The states and the axes of an ONNX graph: what goes in and comes out, which sizes are fixed, whether it can stream.

A graph streams if its LSTMs read forward alone, begin with states that are inputs of the graph, and give their last
states to outputs of the graph. What lies between may move, join and cut axes; anything else makes it unknown. So does
any other operator that may use several steps at once, as a convolution and attention do.

Source: the operators LSTM, Slice, Squeeze, ... of opset 1 to 22 (docs/Operators.md, onnx 1.23.2).
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lstmcalc.errors import shorten
from lstmcalc.readers.onnx.graphs import Graph, Model, Node, bodies, read_model

# The operators that only move, cut or join axes: what they give is what they are given.
_MOVES: Final = frozenset(
    (
        "Identity",
        "Squeeze",
        "Unsqueeze",
        "Reshape",
        "Transpose",
        "Slice",
        "Split",
        "Gather",
        "Concat",
        "Flatten",
        "Cast",
    )
)
_LSTMS: Final = ("LSTM", "DynamicQuantizeLSTM")
# Those that compute each step of itself, whatever its axis.
_BY_STEP: Final = _MOVES | frozenset(
    (
        *_LSTMS,
        *("Constant", "ConstantOfShape", "Shape", "Expand", "Size", "Dropout", "Where", "Equal", "Less", "Greater"),
        *("Add", "Sub", "Mul", "Div", "Neg", "Abs", "Sqrt", "Pow", "Exp", "Log", "Erf", "Reciprocal", "Min", "Max"),
        *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign"),
        *("Gelu", "HardSwish", "Mish", "Clip", "Not", "And", "Or", "QuantizeLinear", "DequantizeLinear"),
    )
)
_PRODUCTS: Final = ("MatMul", "Gemm")  # of each step if their second operand is constant
_LAST_AXIS: Final = ("Softmax", "LogSoftmax", "LayerNormalization")  # of each step if the last axis is meant
_STATES: Final = (5, 6)  # the inputs initial_h and initial_c
_LAST: Final = (1, 2)  # the outputs Y_h and Y_c
_DEFAULT: Final = ("", "ai.onnx", "com.microsoft")
_MAX_STEPS: Final = 100_000


class AxisRow(NamedTuple):
    """An axis of an input or output whose size is fixed."""

    tensor: str
    axis: int
    size: int


class GraphRow(NamedTuple):
    """The states and the axes of a graph."""

    state_in: Sequence[str]  # the graph's inputs that the initial states are made of
    state_out: Sequence[str]  # the graph's outputs that are made of the last states
    fixed_axes: Sequence[AxisRow]
    streams: bool | None  # None if it is not known
    why: str  # a sentence on that
    inputs: Sequence[str]  # with their shapes, `?` for an axis that is not fixed
    outputs: Sequence[str]


def graph_row(path: str) -> GraphRow:
    """The states and the axes of the main graph of an ONNX file."""
    model = read_model(path)
    graph = model.graph
    flow = Flow(model)
    nodes = [node for node in graph.nodes if node.op in _LSTMS and node.domain in _DEFAULT]
    state_in = list(dict.fromkeys(name for node in nodes for index in _STATES for name in flow.sources(node, index)))
    state_out = list(dict.fromkeys(name for node in nodes for index in _LAST for name in flow.results(node, index)))
    streams, why = _verdict(nodes, flow, any(True for node in graph.nodes for _ in bodies(node)))
    given = [name for name in graph.inputs if name not in graph.tensors or name in state_in]
    fixed = [
        AxisRow(name, axis, size)
        for name in (*given, *graph.outputs)
        for axis, size in enumerate(graph.shape(name) or ())
        if size is not None
    ]
    shown = [[_shown(graph, name) for name in names] for names in (given, graph.outputs)]
    return GraphRow(state_in, state_out, fixed, streams, why, *shown)


def _shown(graph: Graph, name: str) -> str:
    """A value with its shape: `input (?, 1, 10)`; its name alone if no shape is stated. An optional one says so."""
    shape = graph.shape(name)
    if shape is None:
        return name
    sizes = ["?" if size is None else str(size) for size in shape]
    optional = " optional" if name in graph.tensors else ""
    return f"{name} ({', '.join(sizes)}{',' * (len(sizes) == 1)}){optional}"


def _verdict(nodes: Sequence[Node], flow: "Flow", nested: bool) -> tuple[bool | None, str]:
    """True if the graph streams, with a sentence; None if that is not known."""
    if not nodes:
        return None, "not known: its LSTMs are not nodes of the main graph"
    if any(node.attributes.get("direction", b"forward") != b"forward" for node in nodes):
        return False, "no: an LSTM reads the sequence from its end"
    for index, what in zip(_STATES, ("h", "c"), strict=True):
        if any(flow.begins(node, index) is False for node in nodes):
            return (
                False,
                f"no: the initial {what} of an LSTM is fixed in the graph; convert --stateful makes zeros an input",
            )
    for index, what in zip(_LAST, ("h", "c"), strict=True):
        if any(flow.is_lost(node, index) for node in nodes):
            return False, f"no: the last {what} of an LSTM is not given out; convert --stateful makes it an output"
    put_in = all(flow.begins(node, index) for node in nodes for index in _STATES)
    given_out = all(flow.results(node, index) for node in nodes for index in _LAST)
    odd = next((node for node in flow.nodes if not flow.is_by_step(node)), None)
    why = "what the graph computes between its states and its inputs or outputs is not followed"
    if put_in and given_out and not nested:
        if odd is None:
            return True, "yes: give the states that come out back in with the next steps"
        why = f"{shorten(odd.op)[1:-1]} may use several steps at once"
    return None, f"not known: {why}"


class Flow:
    """The way of values through a graph."""

    def __init__(self, model: Model) -> None:
        graph = self._graph = model.graph
        self.nodes = graph.nodes
        self._makers = {name: node for node in graph.nodes for name in node.outputs if name}
        self._readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)
        self._inner = {name for node in graph.nodes for _, body in bodies(node) for name in _named(body)}
        known = () if model.has_optional_inputs else graph.tensors.keys()
        self._given = frozenset(graph.inputs).difference(known)
        self._results = frozenset(graph.outputs)

    def begins(self, node: Node, index: int) -> bool | None:
        """True if an initial state is made of the graph's inputs; False if it is constant; None if not known."""
        name = node.inputs[index] if index < len(node.inputs) else ""
        if not name:
            return False
        found, whole = self._behind(name)
        return bool(found) if whole else None

    def sources(self, node: Node, index: int) -> Iterator[str]:
        """The graph's inputs that an initial state is made of."""
        name = node.inputs[index] if index < len(node.inputs) else ""
        found, whole = self._behind(name) if name else ([], True)
        return iter(found if whole else [])

    def _behind(self, name: str) -> tuple[list[str], bool]:
        """The graph's inputs from which a value is moved; False if something else is computed on the way.

        A state that is filled with zeros for a batch of any size (Expand, ConstantOfShape) is a constant.
        """
        found, seen, pending = list[str](), set[str](), [name]
        while pending and len(seen) < _MAX_STEPS:
            value = pending.pop()
            if value in seen:
                continue
            seen.add(value)
            maker = self._makers.get(value)
            if value in self._given:
                found.append(value)
            elif value in self._graph.tensors or maker is None or maker.op in ("Constant", "ConstantOfShape"):
                continue
            elif maker.op == "Expand":
                pending.append(maker.inputs[0])
            elif maker.op == "Concat" and maker.domain in _DEFAULT:
                pending += maker.inputs
            elif maker.op in _MOVES and maker.domain in _DEFAULT:
                pending.append(maker.inputs[0])
            else:
                return found, False
        return found, not pending

    def is_by_step(self, node: Node) -> bool:
        """True if a node is known to compute every step of the sequence of itself."""
        if node.domain not in _DEFAULT:
            return False
        if node.op in _PRODUCTS:
            found, whole = self._behind(node.inputs[1]) if len(node.inputs) > 1 else ([], False)
            constant = whole and self._graph.tensors.keys() >= set(found)
            return constant and not node.attributes.get("transA")
        if node.op in _LAST_AXIS:
            return node.attributes.get("axis", -1 if node.op == "LayerNormalization" else None) == -1
        return node.op in _BY_STEP

    def is_lost(self, node: Node, index: int) -> bool:
        """True if nothing reads a last state."""
        name = node.outputs[index] if index < len(node.outputs) else ""
        if index == 1 and not name:  # h may be taken from the output of all steps
            return False
        used = name in self._readers or name in self._results or name in self._inner
        return not name or not used

    def results(self, node: Node, index: int) -> list[str]:
        """The graph's outputs to which a last state is moved."""
        name = node.outputs[index] if index < len(node.outputs) else ""
        found, seen, pending = list[str](), set[str](), [name] if name else []
        while pending and len(seen) < _MAX_STEPS:
            value = pending.pop()
            if value in seen:
                continue
            seen.add(value)
            found += [value] if value in self._results else []
            for reader in self._readers.get(value, ()):
                moved = reader.op in _MOVES and reader.domain in _DEFAULT
                if moved and (reader.op == "Concat" or reader.inputs[0] == value):
                    pending += [name for name in reader.outputs if name]
        return found


def _named(graph: Graph) -> Iterator[str]:
    """Every name that the nodes of a body read."""
    for node in graph.nodes:
        yield from node.inputs
        for _, body in bodies(node):
            yield from _named(body)
