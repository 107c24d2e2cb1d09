"""The states and the axes of a TensorFlow Lite graph: what goes in and comes out, fixed sizes, whether it streams.

The states of an operator are variable tensors, which the interpreter keeps from one call to the next, as variables that
the graph reads and assigns. A loop in the graph begins with what it is given.

Source: ai-edge-litert 2.3.0, run: a second call goes on where the first one ended, reset_all_variables() sets zeros.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.readers.graphs.cells import root_of
from lstmcalc.readers.graphs.rows import AxisRow, GraphRow, shown
from lstmcalc.readers.tflite.directions import with_both_directions
from lstmcalc.readers.tflite.fused import Unit, fused_units
from lstmcalc.readers.tflite.model import read_model
from lstmcalc.readers.tflite.program import Flow, cells_of, own_value
from lstmcalc.readers.tflite.values import Value, Values

_MOVES: Final = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "STRIDED_SLICE", "SLICE", "PACK", "UNPACK", "CONCATENATION")
_MAX_STEPS: Final = 1000


def graph_row(path: str) -> GraphRow:
    """The states and the axes of the main graph of a TensorFlow Lite file."""
    values = Values(read_model(path), path)
    graph = values.model.graphs[0]
    named = {
        side: [graph.tensors[at] for at in places if at >= 0]
        for side, places in (("in", graph.inputs), ("out", graph.outputs))
    }
    fixed = [
        AxisRow(tensor.name, axis, size)
        for tensors in named.values()
        for tensor in tensors
        for axis, size in enumerate(tensor.sizes)
        if size is not None
    ]
    units = with_both_directions(list(fused_units(values)), values)
    state_in, state_out, streams, why = _states(values, units)
    texts = [[shown(tensor.name, tensor.sizes) for tensor in tensors] for tensors in named.values()]
    return GraphRow(state_in, state_out, fixed, streams, why, *texts)


def _states(values: Values, units: Sequence[Unit]) -> tuple[list[str], list[str], bool | None, str]:
    """The inputs and outputs that are states, True if the graph streams, and a sentence on that."""
    begins, ends, kept = list[Value](), list[Value](), list[bool | None]()
    reverse = any(unit.bidirectional or "reversed" in " ".join(unit.notes) for unit in units)
    for unit in units:
        kept.append(True if len(unit.states) >= 2 else None)  # noqa: PLR2004  # h and c
    flow = Flow(values)
    for cell in cells_of(values, flow).found:
        if cell.how == "unrolled" or cell.begin is None:
            kept.append(None)
            continue
        roots = [root_of(flow, value) for value in cell.begin]
        before = [own_value(value if root is None else root) for root, value in zip(roots, cell.begin, strict=True)]
        for value in before:
            begins += _behind(values, value)
        after = [link.after for link in flow.links().values() if link.before in cell.begin]
        after = after if cell.how == "loop" else [cell.h, cell.c]
        ends += [result for value in after for result in _results(values, own_value(value))]
        kept.append(_is_kept(values, before))
    state_in, state_out = (list(dict.fromkeys(values.tensor(value).name for value in each)) for each in (begins, ends))
    return state_in, state_out, *_verdict(kept, state_in, state_out, reverse=reverse)


def _verdict(
    kept: Sequence[bool | None], state_in: Sequence[str], state_out: Sequence[str], *, reverse: bool
) -> tuple[bool | None, str]:
    """True if the graph streams, with a sentence; None if that is not known."""
    if not kept:
        return None, "not known: its LSTMs are in no graph that is followed"
    if reverse:
        return False, "no: an LSTM reads the sequence from its end"
    if any(each is False for each in kept):
        return False, "no: the initial state of an LSTM is fixed inside the graph, and not an input"
    if all(kept) and not state_in:
        return True, "yes: its states stay in the interpreter from one call to the next"
    if all(kept) and state_out:
        return True, "yes: give the states that come out back in with the next steps"
    return None, "not known: what the graph computes around its states is not followed"


def _is_kept(values: Values, begin: Sequence[Value]) -> bool | None:
    """True if the states before a loop are inputs, or assigned variables; False if constant; None if unknown."""
    found = [_origin(values, value) for value in begin]
    if all(each in ("input", "variable") for each in found):
        return True
    return False if all(each == "constant" for each in found) else None


def _origin(values: Values, value: Value) -> str:
    """`input`, `variable`, `constant`, or empty for anything else."""
    graph = values.graph(value)
    if value[0] == 0 and value[1] in graph.inputs:
        return "input"
    if values.constant(value) is not None:
        return "constant"
    made = values.maker(value)
    if made is None or not made[0].inputs:
        return ""
    operator = made[0]
    if operator.op == "READ_VARIABLE":
        name = values.variable((value[0], operator.inputs[0]))
        return "variable" if sum(1 for _ in dict(values.variables()).get(name, ())) > 1 else ""
    if operator.op in ("FILL", "ZEROS_LIKE"):
        return "constant"
    return _origin_behind(values, (value[0], operator.inputs[0])) if operator.op in _MOVES[:3] else ""


def _origin_behind(values: Values, value: Value) -> str:
    """The origin of a value behind one that moves axes; a second one is not followed."""
    graph = values.graph(value)
    return "input" if value[0] == 0 and value[1] in graph.inputs else "constant" if values.constant(value) else ""


def _behind(values: Values, value: Value) -> Iterator[Value]:
    """The input of the main graph that a state is, or is moved from."""
    for _ in range(_MAX_STEPS):
        if value[0] == 0 and value[1] in values.model.graphs[0].inputs:
            yield value
            return
        made = values.maker(value)
        if made is None or made[0].op not in _MOVES[:3] or not made[0].inputs or made[0].inputs[0] < 0:
            return
        value = value[0], made[0].inputs[0]


def _results(values: Values, after: Value) -> Iterator[Value]:
    """The outputs of the main graph that the last state of a loop is, or is moved to."""
    main, body = values.model.graphs[0], after[0]
    pending = [after] * (not body)
    pending += [
        (0, operator.outputs[place])
        for operator in main.operators
        if operator.op == "WHILE" and operator.options["body"] == body
        for place, at in enumerate(values.model.graphs[body].outputs)
        if at == after[1] and place < len(operator.outputs)
    ]
    seen = set[Value]()
    while pending and len(seen) < _MAX_STEPS:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        if value[1] in main.outputs:
            yield value
        for _, reader in values.readers.get(value, ()):
            if reader.op in _MOVES:
                pending += [(0, at) for at in reader.outputs if at >= 0]
