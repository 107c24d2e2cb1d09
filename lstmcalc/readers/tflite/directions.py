"""Two LSTMs of a TensorFlow Lite graph that are the directions of one: the second reads the sequence reversed.

The converter writes a Bidirectional layer of Keras as an LSTM, another between two REVERSE_V2, and CONCATENATION.
"""

from collections.abc import Sequence
from typing import Final

from lstmcalc.readers.tflite.fused import Unit
from lstmcalc.readers.tflite.values import Value, Values

_MAX_STEPS: Final = 16
_MOVES: Final = ("RESHAPE", "TRANSPOSE", "STRIDED_SLICE", "SLICE", "GATHER", "SQUEEZE", "EXPAND_DIMS", "UNPACK")
_REVERSE: Final = "REVERSE_V2"


def with_both_directions(units: Sequence[Unit], values: Values) -> list[Unit]:
    """The LSTMs, those that are directions of one joined, and a note on the others that read a reversed sequence."""
    by_output = {unit.output: index for index, unit in enumerate(units)}
    found, gone = list(units), set[int]()
    for index, graph in enumerate(values.model.graphs):
        for operator in graph.operators:
            if operator.op != "CONCATENATION" or len(operator.inputs) != 2 or min(operator.inputs) < 0:  # noqa: PLR2004
                continue
            sides = [_behind((index, at), values, by_output) for at in operator.inputs]
            pair = [side for side in sides if side is not None]
            if len(pair) == 2 and pair[0] != pair[1] and gone.isdisjoint(pair):  # noqa: PLR2004
                joined = _joined(found[pair[0]], found[pair[1]], values)
                if joined is not None:
                    found[pair[0]] = joined
                    gone.add(pair[1])
    return [_with_note(unit, values) for index, unit in enumerate(found) if index not in gone]


def _behind(value: Value, values: Values, by_output: dict[Value, int]) -> int | None:
    """The LSTM whose output a value is, its steps picked, moved or reversed; None if it is of none."""
    for _ in range(_MAX_STEPS):
        if value in by_output:
            return by_output[value]
        made = values.maker(value)
        if made is None or not made[0].inputs or made[0].inputs[0] < 0:
            return None
        operator, output = made
        if operator.op == "WHILE":
            body = values.model.graphs[int(operator.options["body"])]
            for unit_output, at in by_output.items():
                if unit_output[0] == int(operator.options["body"]) and _holds(
                    body.outputs, output, unit_output, values
                ):
                    return at
            return None
        if operator.op not in (*_MOVES, _REVERSE):
            return None
        value = value[0], operator.inputs[0]
    return None


def _holds(outputs: Sequence[int], output: int, wanted: Value, values: Values) -> bool:
    """True if an output of a loop's body is h of its LSTM, or the list of them."""
    pending, seen = [outputs[output]] if output < len(outputs) else [], set[int]()
    while pending and len(seen) < _MAX_STEPS:
        at = pending.pop()
        if at == wanted[1]:
            return True
        made = values.maker((wanted[0], at))
        if at in seen or at < 0 or made is None or made[0].op not in (*_MOVES, "CONCATENATION"):
            continue
        seen.add(at)
        pending += made[0].inputs
    return False


def _source(unit: Unit, values: Values) -> tuple[Value, bool]:
    """The input of an LSTM, and True if it reads that in reverse."""
    value, is_reversed = unit.input, False
    for _ in range(_MAX_STEPS):
        value = values.outer(value)
        made = values.maker(value)
        if made is None or not made[0].inputs or made[0].inputs[0] < 0:
            break
        if made[0].op == _REVERSE:
            is_reversed = not is_reversed
        elif made[0].op not in (*_MOVES, "DEQUANTIZE"):
            break
        value = value[0], made[0].inputs[0]
    return value, is_reversed


def _joined(forward: Unit, reverse: Unit, values: Values) -> Unit | None:
    """Both as one LSTM; None unless the second is the first one's other direction."""
    first, second = _source(forward, values), _source(reverse, values)
    alike = (forward.hidden, forward.width, forward.projected, forward.options, forward.unmodelled, forward.kind) == (
        (reverse.hidden, reverse.width, reverse.projected, reverse.options, reverse.unmodelled, reverse.kind)
    )
    if (
        not alike
        or first[1]
        or not second[1]
        or first[0] != second[0]
        or forward.bidirectional
        or reverse.bidirectional
    ):
        return None
    weights = {f"forward.{role}": item for role, item in forward.weights.items()}
    weights |= {f"reverse.{role}": item for role, item in reverse.weights.items()}
    note = "its directions are two LSTMs of the graph, the second one reads the sequence reversed, by REVERSE_V2"
    return forward._replace(
        weights=weights,
        beside=(*forward.beside, *reverse.beside),
        bidirectional=True,
        notes=tuple(dict.fromkeys((note, *forward.notes, *reverse.notes))),
        states=(*forward.states, *reverse.states),
        bias=forward.bias and reverse.bias,
    )


def _with_note(unit: Unit, values: Values) -> Unit:
    if unit.bidirectional or not _source(unit, values)[1]:
        return unit
    return unit._replace(notes=(*unit.notes, "the graph gives it the sequence reversed, by REVERSE_V2"))
