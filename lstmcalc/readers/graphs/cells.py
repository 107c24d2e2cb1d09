"""LSTMs that a graph computes itself, of products, sums and functions: found by the pattern of their cell.

    c' = f * c + i * g,  h' = o * act(c'),  i, f, o = sigmoid(x W + h U + b),  g = act(x W + h U + b)

A cell is read only if the whole of it was matched: the function of every gate, the matrices of each, the update of c.
It is an LSTM if its h and c are states of a loop, or those of the step before where the loop is unrolled, or inputs of
the graph. Whatever looks like a cell and is none is named.

Sources: the graphs that TensorFlow Lite's converter 2.21.0 makes of Keras layers, and tf2onnx 1.17.0 of the same.

Not here: the words in which formats say what makes a value (`program`), and sums of products (`linear`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.readers.graphs.linear import Block, Linear, linear_of, plain
from lstmcalc.readers.graphs.program import Program, Step, Value

GATES: Final = "ifgo"
_FUNCTIONS: Final = ("tanh", "relu")  # of g, and of c
_SLOPES: Final = {0.2: "hard_sigmoid:0.2", 1 / 6: "hard_sigmoid:1/6"}  # words of `spec.activations`
_NEAR: Final = 1e-6
_MAX_CUTS: Final = 40  # steps between an input and a state
_ORDER: Final = "which steps of the sequence the graph gives it, and in which order, is not followed"


class Gate(NamedTuple):
    """The inputs of one gate, and its matrices, (inputs, outputs)."""

    recurrent: Block
    inputs: tuple[tuple[Value, Block], ...]
    biases: tuple[Block, ...]

    @property
    def origin(self) -> object:
        """The key that is equal for equal weights."""
        return (
            self.recurrent.origin,
            tuple(block.origin for _, block in self.inputs),
            frozenset(block.origin for block in self.biases),
        )


class _Shape(NamedTuple):
    """A cell without the meaning of what its gates read."""

    h: Value
    c: Value
    before: Value | None  # c of the step before; None in a first step, whose c is i * g
    sums: Mapping[str, Linear]  # of each gate; without f in a first step
    gates: str  # the function of i, f and o
    cell: str  # of g and c
    clip: float  # of c; 0 without one


class Cell(NamedTuple):
    """An LSTM that a graph computes."""

    h: Value
    c: Value
    inputs: tuple[Value, ...]  # what it reads beside its own h: one value
    weights: Mapping[str, Gate]
    gates: str
    cell: str
    clip: float
    how: str  # `loop`, `unrolled` or `step`
    steps: int  # that are written one after another
    begin: tuple[Value, Value] | None  # h and c before the first step; None where these are left out

    @property
    def hidden(self) -> int:
        """hidden_size."""
        return self.weights["o"].recurrent.shape[1]

    @property
    def width(self) -> int:
        """input_size."""
        return sum(block.shape[0] for _, block in self.weights["o"].inputs)

    @property
    def options(self) -> dict[str, str | float]:
        """The functions and the clip other than PyTorch's, as `spec.activations` computes them."""
        said: dict[str, str | float] = {"recurrent_activation": self.gates, "activation": self.cell}
        own = {name: value for name, value in said.items() if value not in ("sigmoid", "tanh")}
        return {**own, "cell_clip": self.clip} if self.clip else own


class Cells(NamedTuple):
    """The LSTMs that a graph computes, and the values that look like those of one and are not understood."""

    found: Sequence[Cell]
    doubtful: Sequence[Value]


def cells_in(program: Program, products: Sequence[Value]) -> Cells:
    """The LSTMs among the values that are products of two others."""
    shapes: dict[Value, _Shape] = {}
    doubtful: list[Value] = []
    for value in products:
        matched = list(_shapes(program, value))
        if len(matched) == 1:
            shapes[value] = matched[0]
        elif matched or _looks_like(program, value):
            doubtful.append(value)
    return _linked(program, shapes, doubtful)


def _shapes(program: Program, value: Value) -> Iterator[_Shape]:
    """The ways in which a value is h of a cell: one, unless it is none."""
    for gate, rest in _factors(program, value):
        cell = _function(program, rest)
        o = _gate(program, gate) if cell else None
        sum_o = o and linear_of(program, o[1])
        if o is None or sum_o is None or cell is None:
            continue
        c, clip = _unclipped(program, cell[1])
        step = program.step(c)
        terms = step.inputs if step and step.kind == "add" else (c,)
        for first, second in (terms, terms[::-1]) if len(terms) == 2 else ((c, None),):  # i*g alone  # noqa: PLR2004
            for sums, functions in _written(program, first):
                if functions != (o[0], cell[0]):
                    continue
                if second is None:
                    yield _Shape(value, cell[1], None, {**sums, "o": sum_o}, *functions, clip)
                    continue
                for sum_f, before in _kept(program, second, o[0]):
                    yield _Shape(value, cell[1], before, {**sums, "f": sum_f, "o": sum_o}, *functions, clip)


def _factors(program: Program, value: Value) -> Iterator[tuple[Value, Value]]:
    """Both orders of the two factors of a product."""
    step = program.step(plain(program, value))
    if step and step.kind == "multiply" and len(step.inputs) == 2:  # noqa: PLR2004
        first, second = step.inputs
        yield first, second
        if first != second:
            yield second, first


def _written(program: Program, value: Value) -> Iterator[tuple[dict[str, Linear], tuple[str, str]]]:
    """The product i * g, as the sums of both and the functions of gates and of g."""
    for gate, rest in _factors(program, value):
        i, g = _gate(program, gate), _function(program, rest)
        sums = (linear_of(program, i[1]), linear_of(program, g[1])) if i and g else (None, None)
        if i and g and sums[0] and sums[1]:
            yield {"i": sums[0], "g": sums[1]}, (i[0], g[0])


def _kept(program: Program, value: Value, function: str) -> Iterator[tuple[Linear, Value]]:
    """The product f * c, as the sum of f and the value of c."""
    for gate, rest in _factors(program, value):
        f = _gate(program, gate)
        found = linear_of(program, f[1]) if f and f[0] == function else None
        if found is not None:
            yield found, plain(program, rest)


def _gate(program: Program, value: Value) -> tuple[str, Value] | None:
    """The function of a gate, and what it is given; None if it is none that is computed."""
    step = program.step(plain(program, value))
    if step is None:
        return None
    if step.kind == "sigmoid":
        return "sigmoid", step.inputs[0]
    if step.kind == "hard":
        slope = next((word for known, word in _SLOPES.items() if abs(step.low - known) < _NEAR), "")
        return (slope, step.inputs[0]) if slope and abs(step.high - 0.5) < _NEAR else None
    return _composed(program, step)


def _composed(program: Program, step: Step) -> tuple[str, Value] | None:
    """A hard sigmoid that is written as clip(x * slope + 0.5, 0, 1); None for anything else."""
    low, high = step.low, step.high
    if step.kind == "relu":  # of what is at most 1
        below = program.step(plain(program, step.inputs[0]))
        if below is None or below.kind != "clip" or below.low > 0:
            return None
        step, low, high = below, 0.0, below.high
    if step.kind != "clip" or low != 0 or high != 1:
        return None
    moved = program.step(plain(program, step.inputs[0]))
    if moved is None or moved.kind != "add":
        return None
    for line, half in (moved.inputs, moved.inputs[::-1]):
        scaled = program.step(plain(program, line))
        if _number(program, half) != 0.5 or scaled is None or scaled.kind != "multiply":  # noqa: PLR2004
            continue
        for given, factor in (scaled.inputs, scaled.inputs[::-1]):
            slope = _number(program, factor)
            word = next((word for known, word in _SLOPES.items() if slope and abs(slope - known) < _NEAR), "")
            if word:
                return word, given
    return None


def _number(program: Program, value: Value) -> float | None:
    """A constant of one number; None for anything else."""
    known = program.constant(value)
    if known is None or any(size != 1 for size in known.shape):
        return None
    numbers: Any = known.read().reshape(-1)
    return float(numbers[0])


def _function(program: Program, value: Value) -> tuple[str, Value] | None:
    """The function of g or of c, and what it is given."""
    step = program.step(plain(program, value))
    return (step.kind, plain(program, step.inputs[0])) if step and step.kind in _FUNCTIONS else None


def _unclipped(program: Program, value: Value) -> tuple[Value, float]:
    """The value of c before it is clipped, and the bound; 0 without one."""
    step = program.step(value)
    if step and step.kind == "clip" and 0 < step.high == -step.low:
        return plain(program, step.inputs[0]), step.high
    return value, 0.0


def _looks_like(program: Program, value: Value) -> bool:
    """True for a gate times a function of a sum of products, which is an LSTM's h in all that was looked at."""
    for gate, rest in _factors(program, value):
        cell = _function(program, rest)
        step = program.step(plain(program, gate)) if cell else None
        if step is None or step.kind not in ("sigmoid", "hard", "clip", "relu") or cell is None:
            continue
        made = program.step(_unclipped(program, cell[1])[0])
        if made and made.kind == "add" and all(any(_factors(program, term)) for term in made.inputs):
            return True
    return False


# --- States


def _linked(program: Program, shapes: Mapping[Value, _Shape], doubtful: list[Value]) -> Cells:
    """The cells whose states are known: in loops, in chains of steps, then single ones."""
    links = program.links()
    found: list[Cell] = []
    chains: dict[object, list[Cell]] = {}
    for shape in shapes.values():
        if shape.before is None:
            continue
        made = _looped(program, shape, links) or _following(shape, shapes) or _alone(program, shape)
        if made is None:
            doubtful.append(shape.h)
        elif made.how == "unrolled":
            chains.setdefault(_weights_key(made), []).append(made)
        else:
            found.append(made)
    started = set[Value]()
    for key, steps in chains.items():
        known = {cell.h for cell in steps}
        heads = [cell for cell in steps if cell.begin and cell.begin[0] not in known]
        first = shapes.get(heads[0].begin[0]) if len(heads) == 1 and heads[0].begin else None
        if len(heads) != 1 or first is None:
            doubtful += [cell.h for cell in steps]
            continue
        begin = _begin(first, heads[0], key)
        started.add(first.h)
        count = len(steps) + (begin is not _OTHER)
        found = [cell for cell in found if cell.h != first.h]
        doubtful = [value for value in doubtful if value != first.h]
        found.append(heads[0]._replace(steps=count, begin=heads[0].begin if begin is _OTHER else begin))
    alone = (shape.h for shape in shapes.values() if shape.before is None and shape.h not in started)
    return Cells(found, [*doubtful, *alone])


_OTHER: Final = ("", "")


def _begin(first: _Shape, cell: Cell, key: object) -> tuple[Value, Value] | None:
    """The states before the first step, None if it leaves them out; `_OTHER` if it is no step with these weights."""
    if first.before is None:
        return None if _is_first(first, cell) else _OTHER
    for source in _sources(first):
        made = _cell(first, source, "step", (source, first.before))
        if made is not None and _weights_key(made) == key:
            return source, first.before
    return _OTHER


def _weights_key(cell: Cell) -> object:
    return tuple((name, cell.weights[name].origin) for name in GATES), cell.gates, cell.cell, cell.clip


def _looped(program: Program, shape: _Shape, links: Mapping[Value, Any]) -> Cell | None:
    """The cell of a loop whose states h and c are."""
    before = links.get(shape.before)
    if before is None or plain(program, before.after) != shape.c:
        return None
    for source in _sources(shape):
        link = links.get(source)
        if link is not None and plain(program, link.after) == shape.h:
            return _cell(shape, source, "loop", (link.before, before.before))
    return None


def _following(shape: _Shape, shapes: Mapping[Value, _Shape]) -> Cell | None:
    """The cell that reads h and c of another one."""
    for source in _sources(shape):
        other = shapes.get(source)
        if other is not None and other.c == shape.before:
            return _cell(shape, source, "unrolled", (source, other.c))
    return None


def _alone(program: Program, shape: _Shape) -> Cell | None:
    """A single step of a cell, whose h and c are cut from inputs of the graph, or constant.

    Of two values of h's width the one is h that is cut from what c is cut from; or the only one that is of an input.
    """
    hidden = shape.sums["o"].width
    fitting = [source for source in _sources(shape) if _rows(shape, source) == hidden]
    given = {source: root for source in fitting if (root := root_of(program, source)) is not None}
    with_c = root_of(program, shape.before)
    beside = [source for source, root in given.items() if root == with_c]
    chosen = list(given) if len(given) == 1 else beside
    if with_c is None or len(chosen) != 1:
        return None
    return _cell(shape, chosen[0], "step", (chosen[0], shape.before))


def root_of(program: Program, value: Value | None) -> Value | None:
    """The input of the graph, or the constant, that a value is cut from; None if it is computed."""
    for _ in range(_MAX_CUTS):
        if value is None or program.is_input(value) or program.constant(value) is not None:
            return value
        step = program.step(value)
        if step is None or step.kind not in ("same", "part", "moved"):
            return None
        value = step.inputs[0]
    return None


def _sources(shape: _Shape) -> list[Value]:
    """The values that the sums read, each once."""
    return list(dict.fromkeys(term.source for term in shape.sums["o"].terms))


def _rows(shape: _Shape, source: Value) -> int:
    return next(term.block.shape[0] for term in shape.sums["o"].terms if term.source == source)


def _cell(shape: _Shape, h: Value, how: str, begin: tuple[Value, Value | None]) -> Cell | None:
    """The cell with the meaning of what its gates read; None unless all gates read the same."""
    gates: dict[str, Gate] = {}
    hidden = shape.sums["o"].width
    for name in GATES:
        terms = shape.sums[name].terms
        recurrent = [term.block for term in terms if term.source == h]
        others = [(term.source, term.block) for term in terms if term.source != h]
        fits = len(recurrent) == 1 and recurrent[0].shape == (hidden, hidden) and len(others) == 1
        if not fits or shape.sums[name].width != hidden:
            return None
        gates[name] = Gate(recurrent[0], tuple(others), shape.sums[name].biases)
    read = {gate.inputs[0][0] for gate in gates.values()}
    widths = {gate.inputs[0][1].shape[0] for gate in gates.values()}
    if len(read) != 1 or len(widths) != 1:
        return None
    start = (begin[0], begin[1]) if begin[1] is not None else None
    return Cell(shape.h, shape.c, tuple(read), gates, shape.gates, shape.cell, shape.clip, how, 1, start)


def _is_first(shape: _Shape, cell: Cell) -> bool:
    """True if a first step, without h and c, has the weights of a cell."""
    if (shape.gates, shape.cell, shape.clip) != (cell.gates, cell.cell, cell.clip):
        return False
    for name, found in shape.sums.items():
        gate = cell.weights[name]
        own = [term.block.origin for term in found.terms]
        if own != [block.origin for _, block in gate.inputs]:
            return False
        # h is zeros: its product may be left out, or be computed of zeros.
        if {block.origin for block in gate.biases} - {block.origin for block in found.biases}:
            return False
    return True


def notes_on(cell: Cell, missing: str, loop: str) -> Iterator[str]:
    """Notes on an LSTM that a graph computes itself.

    Args:
        cell: The LSTM.
        missing: The thing that the graph has none of, e.g. `LSTM node`.
        loop: The place of a cell in a loop, e.g. `in a Loop or Scan`.
    """
    how = {"loop": loop, "unrolled": f"unrolled, {cell.steps} steps one after another", "step": "one step of it"}
    yield f"no {missing}: the graph computes it of products, sums and functions, {how[cell.how]}"
    if cell.how != "step":
        yield _ORDER
