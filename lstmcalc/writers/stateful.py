"""An ONNX graph with the states of its LSTMs as inputs and outputs: nodes are rewritten, all other bytes are copied.

A node that begins with zeros is given an input for each state, and a last state that goes nowhere becomes an output,
named after the node. A node whose initial state is computed, or is stored and not zeros, stays as it is, with a reason.

Sources: onnx/onnx.proto and the operator LSTM of opset 1 to 22 (docs/Operators.md) of onnx 1.23.2: initial_h and
initial_c are inputs 5 and 6, Y_h and Y_c outputs 1 and 2; DynamicQuantizeLSTM (docs/ContribOperators.md, onnxruntime
1.32.0) has them there too.

Not here: what a graph says of its states (`readers.onnx.streaming`), and graphs that are made anew (`onnx`).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, UnsupportedError, cannot_read, harmless, shorten, shown_name
from lstmcalc.readers.files.protobuf import BYTES, Field, Wire
from lstmcalc.readers.onnx.constants import Scope, scopes_of
from lstmcalc.readers.onnx.graphs import Graph, Node, read_model
from lstmcalc.readers.onnx.streaming import Flow, graph_row
from lstmcalc.readers.onnx.zeros import behind
from lstmcalc.spec.words import UniqueNames
from lstmcalc.writers.onnx import TYPES, node, value
from lstmcalc.writers.protobuf import Piece, Pieces, data, header, message, text
from lstmcalc.writers.stateful_runs import Carried, load_lines, measured
from lstmcalc.writers.target import Asked

_FLAG: Final = "--stateful"
_LSTMS: Final = (("LSTM", ""), ("LSTM", "ai.onnx"), ("DynamicQuantizeLSTM", "com.microsoft"))
_STATES: Final = ((5, 1, "h"), (6, 2, "c"))  # the input, the output, the letter
_LONGEST: Final = 200  # characters of a node's name in new names
_BLOCK: Final = 2**20
_DTYPES: Final = {number: dtype for dtype, number in TYPES.items()}
_GRAPH, _NODE = 7, 1  # fields of a ModelProto, and of a GraphProto

Span: TypeAlias = tuple[int, int]  # bytes of the file, copied as they are


class StatefulGraph(NamedTuple):
    """A graph that was written with its states."""

    states: Sequence[tuple[str, str]]  # the input and the output of each state, h before c, node by node
    notes: Sequence[str]  # LSTMs that stay as they are, each with the reason
    load: Sequence[str]  # lines that run the file, and give the states back in
    source: str  # the path of the original

    def compare(self, path: str) -> Sequence[tuple[str, float]] | None:
        """The distance of each output of the new file from the original's in ONNX Runtime, with states of zeros.

        Relative to the largest value if that is above 1. None if ONNX Runtime is not installed, or does not run the
        original on random numbers in time.
        """
        found = measured(self.source, path, self.states)
        return None if found is None else found.differences

    def streams(self, path: str) -> str:
        """A sentence on whether the new file can stream: measured in chunks, or else what follows from the graph."""
        found = measured(self.source, path, self.states)
        return (found.sentence if found else "") or f"streaming: {graph_row(path).why}"


class _State(NamedTuple):
    """A state of a node, and what becomes of it."""

    letter: str
    enters: str  # the graph's input
    leaves: str  # the graph's output
    is_new_input: bool
    is_new_output: bool


class _Change(NamedTuple):
    """A node with its states as inputs and outputs."""

    node: Node
    states: Sequence[_State]
    kind: int  # TensorProto.DataType
    hidden: int
    batch_axis: int  # of the states: 0 if layout is 1


def stateful_graph(source: str, stream: IO[bytes], asked: Asked) -> StatefulGraph:
    """Write the graph of an ONNX file with the states of its LSTMs as inputs and outputs.

    Args:
        source: The path of the file.
        stream: The new file.
        asked: What flags ask; its path is that of the new file.

    Raises:
        UnsupportedError: No LSTM of the main graph can be given its states, or steps are to be fixed, or the weights
            are in another file that the new one would not find.
    """
    if asked.steps is not None:
        raise UnsupportedError("a graph that exists keeps its steps", "--stateful alone", where="--steps")
    model = read_model(source)
    scopes = list(scopes_of(model, source))
    _check_outside(scopes, source, asked.path)
    flow = Flow(model)
    names = UniqueNames()
    for name in _all_names(scopes):
        names.add(name)
    changes: dict[int, _Change] = {}
    notes, known = list(_notes_inside(scopes)), list[_State]()
    for index, each in enumerate(model.graph.nodes):
        if (each.op, each.domain) not in _LSTMS:
            continue
        found = _change(scopes[0], flow, each, names)
        if isinstance(found, str):
            notes.append(f"{_name(each)} stays as it is: {found}")
            continue
        changes[index] = found
        known += found.states
    if not any(state.is_new_input or state.is_new_output for state in known):
        found = (
            "its states are inputs and outputs already" if known else "; ".join(notes) or "no LSTM in its main graph"
        )
        raise UnsupportedError(
            f"{shown_name(source)} has no LSTM to give states to", "one that begins with zeros", found, where=_FLAG
        )
    try:
        with open(source, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:  # noqa: PTH123
            _copy(stream, mapped, _model_parts(mapped, source, model.graph, changes))
    except OSError as error:
        raise cannot_read(shown_name(source), error) from None
    carried = {each.enters: each for change in changes.values() for each in _carried(change, model.graph)}
    states = [(each.enters, each.leaves) for each in carried.values()]
    return StatefulGraph(states, notes, load_lines(asked.path, model.graph, list(carried.values())), source)


# --- what is changed


def _change(scope: Scope, flow: Flow, each: Node, names: UniqueNames) -> _Change | str:
    """The change of a node, or the reason why it stays as it is."""
    direction = each.attributes.get("direction", b"forward")
    if not isinstance(direction, bytes) or direction.lower() != b"forward":
        return "it reads the sequence from its end"
    weight = scope.constant(each.inputs[2]) if len(each.inputs) > 2 and each.inputs[2] else None  # noqa: PLR2004
    hidden = each.attributes.get("hidden_size")
    if not isinstance(hidden, int) or hidden < 1:
        hidden = weight.shape[-1] if weight is not None and weight.shape else 0
    quantized = each.op != "LSTM"
    kind = TYPES["float32"] if quantized else TYPES.get(weight.dtype, 0) if weight is not None else 0
    if not hidden or not kind:
        return "the size or the dtype of its states is not stored"
    reasons = [why for index, _, letter in _STATES if (why := _obstacle(scope, flow, each, index, letter))]
    if reasons:
        return reasons[0]
    states = [_state(flow, each, *state, names) for state in _STATES]
    return _Change(each, states, kind, hidden, 0 if each.attributes.get("layout") == 1 else 1)


def _obstacle(scope: Scope, flow: Flow, each: Node, index: int, letter: str) -> str:
    """The reason why an initial state cannot become an input; empty if it can, or is one."""
    name = _at(each.inputs, index)
    if not name or flow.begins(each, index):
        return ""
    zeros = behind(scope, name).known
    if zeros:
        return ""
    if zeros is None:
        return f"its initial {letter} is stored as {shorten(name)}, was not read, and may not be zeros"
    if scope.constant(name) is not None:
        return f"its initial {letter} is stored as {shorten(name)}, and is not zeros"
    return f"its initial {letter} is computed, as {shorten(name)}"


def _state(flow: Flow, each: Node, index: int, output: int, letter: str, names: UniqueNames) -> _State:
    """The input and the output of one state: those that it has, or new ones named after the node."""
    given, results = list(flow.sources(each, index)), flow.results(each, output)
    if not given:  # what comes out of several nodes together cannot go into one of them
        results = [name for name in results if name == _at(each.outputs, output)]
    base = _name(each)
    enters = given[0] if given else names.add(f"{base}.initial_{letter}")
    leaves = results[0] if results else names.add(f"{base}.Y_{letter}")
    return _State(letter, enters, leaves, not given, not results)


def _name(each: Node) -> str:
    """The name of a node, or of what it gives, in new names and in notes."""
    named = each.name or next(filter(None, each.outputs), "") or "lstm"
    return harmless(named, most=_LONGEST)


def _at(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else ""


def _all_names(scopes: Sequence[Scope]) -> Iterator[str]:
    """Every name of a value in the file, which no new one may be."""
    for scope in scopes:
        yield from scope.graph.tensors
        yield from scope.graph.inputs
        yield from (name for each in scope.graph.nodes for name in (*each.inputs, *each.outputs))


def _notes_inside(scopes: Sequence[Scope]) -> Iterator[str]:
    """Notes on LSTMs in bodies and functions, whose states no input of the graph reaches."""
    for scope in scopes[1:]:
        for each in scope.graph.nodes:
            if (each.op, each.domain) in _LSTMS:
                where = shorten(scope.path.rstrip("/"))[1:-1]
                yield f"{_name(each)} stays as it is: it is in the body or function {where}"


def _check_outside(scopes: Sequence[Scope], source: str, target: str) -> None:
    """Refuse weights in another file that the new one, in another folder, would not find."""
    outside = next((tensor for scope in scopes for _, tensor in scope.tensors() if tensor.elsewhere), None)
    folders = [Path(os.path.realpath(path)).parent for path in (source, target)]
    if outside is not None and folders[0] != folders[1]:
        raise UnsupportedError(
            f"weights of {shown_name(source)} are in another file, beside it",
            f"an output in the same folder, {shorten(str(folders[0]))[1:-1]}",
            f"{outside.elsewhere}, for {shorten(outside.name)}",
            where="--output",
        )


def _carried(change: _Change, graph: Graph) -> Iterator[Carried]:
    """The states of a node, as a program gives them: those that are inputs already with the shapes they state."""
    for state in change.states:
        sizes = [1, 1, change.hidden] if state.is_new_input else graph.shape(state.enters) or [1, 1, change.hidden]
        yield Carried(state.enters, state.leaves, [size or 1 for size in sizes], _DTYPES[change.kind])


# --- the bytes


def _model_parts(mapped: mmap, source: str, graph: Graph, changes: Mapping[int, _Change]) -> Iterator[Piece | Span]:
    """The new file: bytes, and spans of the old one, in their order."""
    wire = Wire(mapped, shown_name(source))
    fields = list(wire.fields(0, len(wire)))
    if sum(field.number == _GRAPH for field in fields) != 1:
        raise SourceError(f"{shown_name(source)} cannot be changed", "one graph in it", "several", where=_FLAG)
    start = 0
    for field in fields:
        if field.number == _GRAPH:
            parts = list(_graph_parts(wire, field, graph, changes))
            length = sum(part[1] - part[0] if isinstance(part, tuple) else len(part) for part in parts)
            yield header(_GRAPH, length)
            yield from parts
        else:
            yield start, field.stop
        start = field.stop


def _graph_parts(wire: Wire, own: Field, graph: Graph, changes: Mapping[int, _Change]) -> Iterator[Piece | Span]:
    """The graph: its fields as they are, but for nodes that change, and behind them its new inputs and outputs."""
    index, start, copied = 0, own.start, own.start
    for field in wire.fields(own.start, own.stop):
        if field.number == _NODE and field.start != field.stop:
            if index in changes:
                yield copied, start
                yield from _node_parts(wire, field, changes[index])
                copied = field.stop
            index += 1
        start = field.stop
    if index != len(graph.nodes):
        raise SourceError("this graph cannot be changed", f"{len(graph.nodes):,} nodes", f"{index:,}", where=_FLAG)
    yield copied, own.stop
    for change in changes.values():
        sizes = [1, None, change.hidden] if change.batch_axis else [None, 1, change.hidden]
        for state in change.states:
            if state.is_new_input:
                yield from value(11, state.enters, change.kind, sizes)
            if state.is_new_output:
                yield from value(12, state.leaves, change.kind, sizes)


def _node_parts(wire: Wire, own: Field, change: _Change) -> Iterator[Piece]:
    """A node with its states, and behind it nodes that give out those which others read."""
    most = max(index for index, _, _ in _STATES) + 1
    inputs = [*change.node.inputs, *[""] * (most - len(change.node.inputs))]
    outputs = [*change.node.outputs, *[""] * (3 - len(change.node.outputs))]
    behind_it: Pieces = []
    for state, (index, output, _) in zip(change.states, _STATES, strict=True):
        if state.is_new_input:
            inputs[index] = state.enters
        if state.is_new_output and outputs[output]:
            behind_it += node("Identity", [outputs[output]], [state.leaves])
        elif state.is_new_output:
            outputs[output] = state.leaves
    names = [piece for number, listed in ((1, inputs), (2, outputs)) for name in listed for piece in text(number, name)]
    rest = [field for field in wire.fields(own.start, own.stop) if field.number not in (1, 2)]
    kept = [piece for field in rest for piece in _field(wire, field)]
    yield from message(_NODE, names, kept)
    yield from behind_it


def _field(wire: Wire, field: Field) -> Pieces:
    """A field of a node once more; a node has fields of bytes alone."""
    if field.wire != BYTES:
        raise SourceError("a node of this graph cannot be changed", "fields of bytes", f"field {field.number}")
    return data(field.number, wire.bytes(field))


def _copy(stream: IO[bytes], mapped: mmap, parts: Iterator[Piece | Span]) -> None:
    """Write bytes, and copy spans block by block."""
    for part in parts:
        if not isinstance(part, tuple):
            stream.write(part)
            continue
        for start in range(*part, _BLOCK):
            stream.write(mapped[start : min(start + _BLOCK, part[1])])
