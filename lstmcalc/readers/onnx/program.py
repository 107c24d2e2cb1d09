"""LSTMs that an ONNX graph computes of MatMul, Add, Split, Sigmoid and Tanh, in a Loop or Scan, or unrolled.

Here nodes are put into the words of `readers.graphs.program`. Sources: the operators of opset 1 to 22
(docs/Operators.md, onnx 1.23.2); what tf2onnx 1.17.0 and `torch.onnx.export` of torch 2.13.0 make of cells.

Not here: the pattern of a cell (`readers.graphs.cells`), and nodes that are LSTMs (`nodes`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.frameworks.storage import Storage
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.graphs.cells import Cell, cells_in, notes_on
from lstmcalc.readers.graphs.constants import Constant
from lstmcalc.readers.graphs.linear import Block
from lstmcalc.readers.graphs.program import Link, Step
from lstmcalc.readers.graphs.program import Value as Anything
from lstmcalc.readers.onnx.constants import Scope
from lstmcalc.readers.onnx.graphs import Node, bodies
from lstmcalc.spec.activations import option_words
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.words import with_rest

_DEFAULT: Final = ("", "ai.onnx")
_FUNCTIONS: Final = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu"}
_ARITHMETIC: Final = {"Add": "add", "Mul": "multiply"}
_BOUNDS: Final = ("Clip", "Min", "Max")
_MOVES: Final = ("Slice", "Gather", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Split")
_SMALL: Final = 16  # numbers of a list of axes or sizes

_Value: TypeAlias = tuple[Scope, str]


class Flow:
    """A model in the words of `graphs.program`; a value is a name in the scope that defines it."""

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self.sums: dict[Anything, Any] = {}
        self._main = scopes[0]
        inner: dict[tuple[int, int], list[Scope]] = {}
        for scope in scopes:
            if scope.outer is not None:
                inner.setdefault((id(scope.outer), id(scope.graph)), []).append(scope)
        self._links: dict[Anything, Link] = {}
        self._kept: dict[_Value, _Value] = {}  # values that a loop passes on unchanged
        for scope in scopes:
            for node in scope.graph.nodes:
                if node.op in ("Loop", "Scan") and node.domain in _DEFAULT:
                    for _, body in bodies(node):
                        for found in inner.get((id(scope), id(body)), ())[:1]:
                            self._link(scope, node, found)

    def _link(self, scope: Scope, node: Node, body: Scope) -> None:
        """The states of a Loop or a Scan."""
        inputs, outputs = body.graph.inputs, body.graph.outputs
        if node.op == "Loop":  # the count and the condition come first
            rows = zip(inputs[2:], node.inputs[2:], outputs[1:], strict=False)
        else:
            scanned = node.attributes.get("num_scan_inputs")
            count = len(node.inputs) - scanned if isinstance(scanned, int) else 0
            rows = zip(inputs[:count], node.inputs[:count], outputs[:count], strict=False)
        for own, given, after in rows:
            if not (own and given and after):
                continue
            before, end = scope.home(given), body.home(after)
            if end == (body, own):
                self._kept[body, own] = before
            else:
                self._links[body, own] = Link(end, before)

    def links(self) -> Mapping[Anything, Link]:
        """The states of Loop and Scan nodes."""
        return self._links

    def is_input(self, value: Anything) -> bool:
        """True for an input of the main graph."""
        scope, name = _pair(value)
        return scope is self._main and name in scope.inputs

    def width(self, value: Anything) -> int | None:
        """The size of the last axis, if the file states it."""
        scope, name = _pair(value)
        shape = scope.shape(name)
        return shape[-1] if shape else None

    def constant(self, value: Anything) -> Constant | None:
        """The constant that a value is."""
        scope, name = self._kept.get(_pair(value), _pair(value))
        return scope.constant(name)

    def step(self, value: Anything) -> Step | None:
        """The step that makes a value."""
        scope, name = _pair(value)
        kept = self._kept.get((scope, name))
        if kept is not None:
            return Step("same", (kept,))
        made = scope.maker(name)
        if made is None or made.node.domain not in _DEFAULT or not all(made.node.inputs[:1]) or not made.node.inputs:
            return None
        inputs = tuple(made.scope.home(given) for given in made.node.inputs if given)
        found = self._step(made.scope, made.node, made.output, inputs)
        return Step("moved", inputs[:1]) if found is None and made.node.op in _MOVES else found

    def _step(  # noqa: PLR0911  # one for each operator
        self, scope: Scope, node: Node, output: int, inputs: tuple[_Value, ...]
    ) -> Step | None:
        op = node.op
        if op in _FUNCTIONS:
            return Step(_FUNCTIONS[op], inputs[:1])
        if op in _ARITHMETIC and len(inputs) == 2:  # noqa: PLR2004  # both
            return Step(_ARITHMETIC[op], inputs)
        if op == "MatMul" and len(inputs) == 2:  # noqa: PLR2004  # as above
            return Step("product", inputs)
        if op == "Gemm":
            plainly = node.attributes.get("alpha", 1.0) == node.attributes.get("beta", 1.0) == 1.0
            fits = plainly and not node.attributes.get("transA", 0)
            return Step("product", inputs, swapped=bool(node.attributes.get("transB", 0))) if fits else None
        if op == "HardSigmoid":
            low, high = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
            return (
                Step("hard", inputs[:1], low=low, high=high)
                if isinstance(low, float) and isinstance(high, float)
                else None
            )
        if op in _BOUNDS:
            return self._clip(scope, node, inputs)
        return self._moved(scope, node, output, inputs)

    def _clip(self, scope: Scope, node: Node, inputs: tuple[_Value, ...]) -> Step | None:
        """Clip with its bounds as attributes or inputs, and Min and Max with a number, one after the other."""
        found = self._bounded(scope, node, inputs)
        if found is None:
            return None
        given, low, high = found
        made = given[0].maker(given[1])
        if made is not None and made.node.op in _BOUNDS and made.node.domain in _DEFAULT:
            behind = tuple(made.scope.home(name) for name in made.node.inputs if name)
            below = self._bounded(made.scope, made.node, behind)
            if below is not None and max(low, below[1]) <= min(high, below[2]):
                given, low, high = below[0], max(low, below[1]), min(high, below[2])
        return Step("clip", (given,), low=low, high=high)

    def _bounded(self, scope: Scope, node: Node, inputs: tuple[_Value, ...]) -> tuple[_Value, float, float] | None:
        """The value that one node keeps within bounds, and these."""
        if node.op == "Clip" and inputs:
            given = [self._bound(scope, node, name, at) for at, name in ((1, "min"), (2, "max"))]
            low, high = (default if bound is None else bound for bound, default in zip(given, (-inf, inf), strict=True))
            return inputs[0], low, high
        for value, bound in (inputs, inputs[::-1]) if len(inputs) == 2 else ():  # noqa: PLR2004
            number = _number(self.constant(bound))
            if number is not None and self.constant(value) is None:
                return (value, -inf, number) if node.op == "Min" else (value, number, inf)
        return None

    def _bound(self, scope: Scope, node: Node, name: str, at: int) -> float | None:
        """A bound of Clip; not a number if it is given and not known."""
        if at < len(node.inputs) and node.inputs[at]:
            number = _number(scope.constant(node.inputs[at]))
            return float("nan") if number is None else number
        stated = node.attributes.get(name)
        return stated if isinstance(stated, float) else None

    def _moved(  # noqa: PLR0911  # as above
        self, scope: Scope, node: Node, output: int, inputs: tuple[_Value, ...]
    ) -> Step | None:
        """A step that moves, cuts or joins axes. An axis is the last one if that is stated, or can be no other one."""
        op = node.op
        rank = self._rank(inputs[0])
        if op == "Cast":
            return Step("same", inputs[:1]) if node.attributes.get("to") in (1, 10, 11) else None
        if op in ("Squeeze", "Unsqueeze"):
            axes = _integers(scope, node, "axes", 1)
            inner = axes is not None and all(
                axis >= 0 and (rank is None or axis < rank - (op == "Squeeze")) for axis in axes
            )
            return Step("same", inputs[:1]) if inner else None
        if op == "Transpose":
            order = node.attributes.get("perm")
            kept = isinstance(order, list) and bool(order) and order[-1] == len(order) - 1
            return Step("same", inputs[:1]) if kept else None
        if op == "Reshape":
            sizes = _integers(scope, node, "shape", 1)
            width = self.width(inputs[0])
            same = bool(sizes) and sizes is not None and sizes[-1] > 0 and sizes[-1] == width
            return Step("same", inputs[:1]) if same else None
        axis = node.attributes.get("axis", 0 if op in ("Gather", "Split") else None)
        if op == "Gather":
            inner = isinstance(axis, int) and (axis == 0 or (axis > 0 and rank is not None and axis < rank - 1))
            return Step("same", inputs[:1]) if inner else None
        if op == "Concat" and isinstance(axis, int):
            return Step("join", inputs) if _is_last(axis, rank) else None
        if op == "Split" and isinstance(axis, int):
            return self._split(scope, node, output, inputs, last=_is_last(axis, rank))
        return self._slice(scope, node, inputs, rank) if op == "Slice" else None

    def _rank(self, value: _Value) -> int | None:
        shape = value[0].shape(value[1])
        return None if shape is None else len(shape)

    def _split(self, scope: Scope, node: Node, output: int, inputs: tuple[_Value, ...], *, last: bool) -> Step | None:
        if not last:
            return Step("same", inputs[:1])
        sizes = _integers(scope, node, "split", 1)
        if sizes is None:
            return Step("part", inputs[:1], output, output + 1, len(node.outputs))
        return Step("part", inputs[:1], sum(sizes[:output]), sum(sizes[: output + 1])) if len(sizes) > output else None

    def _slice(self, scope: Scope, node: Node, inputs: tuple[_Value, ...], rank: int | None) -> Step | None:
        starts, ends = _integers(scope, node, "starts", 1), _integers(scope, node, "ends", 2)
        axes, steps = _integers(scope, node, "axes", 3), _integers(scope, node, "steps", 4)
        if starts is None or ends is None or len(starts) != 1 or len(ends) != 1 or steps not in (None, [1]):
            return None
        axis = axes[0] if axes else 0
        if not _is_last(axis, rank):
            return Step("same", inputs[:1])
        width = self.width(inputs[0])
        stop = ends[0] if width is None else min(ends[0], width)
        return Step("part", inputs[:1], starts[0], stop) if 0 <= starts[0] < stop else None


def _pair(value: Anything) -> _Value:
    assert isinstance(value, tuple)  # noqa: S101  # values here are pairs
    return value


def _is_last(axis: int, rank: int | None) -> bool:
    """True if an axis is the last one; of a value of no stated rank the second one is.

    Of more axes than two that would be wrong, and then no gate has as many numbers as its recurrent matrix has columns.
    """
    return axis == -1 or (axis == rank - 1 if rank is not None else axis == 1)


def _number(known: Constant | None) -> float | None:
    """A constant of one number; None for anything else."""
    if known is None or numel(known.shape) != 1:
        return None
    return float(known.read().reshape(-1)[0])


def _integers(scope: Scope, node: Node, name: str, at: int) -> list[int] | None:
    """A short list of integers, an attribute or an input; None if there is none that is constant."""
    stated = node.attributes.get(name)
    if isinstance(stated, list) and all(isinstance(item, int) for item in stated):
        return stated
    known = scope.constant(node.inputs[at]) if at < len(node.inputs) and node.inputs[at] else None
    if known is None or numel(known.shape) > _SMALL or not known.dtype.startswith("int"):
        return None
    return [int(item) for item in known.read().reshape(-1)]


# --- Descriptions


class Computed(NamedTuple):
    """An LSTM that a graph computes, and its parameters."""

    found: Found
    weights: Mapping[str, Constant]


def computed_lstms(scopes: Sequence[Scope]) -> tuple[list[Computed], list[str]]:
    """The LSTMs that the graphs compute, and the names of values that look like those of one."""
    products = [
        scope.home(node.outputs[0])
        for scope in scopes
        for node in scope.graph.nodes
        if node.op == "Mul" and node.domain in _DEFAULT and node.outputs and node.outputs[0]
    ]
    if not products:
        return [], []
    flow = Flow(scopes)
    cells = cells_in(flow, products)
    doubtful = [f"{_pair(value)[0].path}{_pair(value)[1]}" for value in cells.doubtful]
    return [_computed(cell) for cell in cells.found], doubtful


def _computed(cell: Cell) -> Computed:
    """A cell, its parameters as Keras stores them, or with two biases as PyTorch does: their exporters write such."""
    counts = {len(gate.biases) for gate in cell.weights.values()}
    two, step = counts == {2}, cell.how == "step"
    framework = "keras" if not two else "pytorch-cell" if step else "pytorch"
    fields: dict[str, object] = {"input_size": cell.width, "hidden_size": cell.hidden, "num_layers": 1}
    fields |= {"bias": min(counts) > 0, "bidirectional": False}
    names = [row.name for row in Storage(LSTMConfig(**fields), framework).parameters]  # type: ignore[arg-type]
    matrices = [
        _joined([cell.weights[gate].inputs[0][1] for gate in "ifgo"], rows=two),
        _joined([cell.weights[gate].recurrent for gate in "ifgo"], rows=two),
    ]
    weights = dict(zip(names, [*matrices, *_biases(cell, two=two)], strict=False))
    scope, name = _pair(cell.h)
    found = Found(
        f"{scope.path}{_name(name)}",
        framework,
        kind="LSTMCell" if step else "LSTM",
        layer=settings_of(fields, tuple(fields)),
        options=cell.options,
        unmodelled=option_words(cell.options),
        notes=tuple(_notes(cell, weights)),
    )
    module = re.fullmatch(r"(.+)\.weight_ih(_l0)?", next(iter(matrices[0].sources), ""))
    return Computed(found._replace(name=module[1]) if module and two else found, weights)


def _name(text: str) -> str:
    """The name of an LSTM by that of its h: `model/lstm_10/while/mul_2:0` is of `lstm_10`."""
    parts = text.partition(":")[0].split("/")
    named = [part for part in parts if "lstm" in part.lower() and "cell" not in part.lower()]
    return named[-1] if named else "lstm"


def _joined(blocks: Sequence[Block], *, rows: bool) -> Constant:
    """The matrices of the gates, (inputs, 4*outputs), or with `rows` the reverse; the stored one if it is that."""
    first, size = blocks[0], blocks[0].shape[1]
    shape = (first.shape[0], len(blocks) * size)
    whole = all(
        block.constant.origin == first.constant.origin
        and block.swapped == rows
        and block.columns == (index * size, (index + 1) * size)
        for index, block in enumerate(blocks)
    )
    shape = shape[::-1] if rows else shape
    if whole and first.constant.shape == shape:
        return first.constant
    return _made(blocks, shape, partial(_side_by_side, blocks, rows=rows))


def _made(blocks: Sequence[Block], shape: tuple[int, ...], read: Any) -> Constant:  # noqa: ANN401  # a function
    sources = tuple(dict.fromkeys(name for block in blocks for name in block.constant.sources))
    named = dict.fromkeys(f"{block.constant.name}[{block.rows[0]}:{block.rows[1]}]" for block in blocks)
    return blocks[0].constant._replace(
        name=f"gates of {', '.join(named)}",
        shape=shape,
        read=read,
        computed=("a part",),
        sources=sources,
        origin=tuple(block.origin for block in blocks),
        parts=None,
        has_zero_bytes=None,
    )


def _side_by_side(blocks: Sequence[Block], *, rows: bool) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    whole = np.concatenate([block.read() for block in blocks], 1)
    return np.ascontiguousarray(whole.T) if rows else whole


def _biases(cell: Cell, *, two: bool) -> list[Constant]:
    """The bias of all gates, of each the sum of what is added; or both, that of the input first if names tell them."""
    gates = [cell.weights[gate].biases for gate in "ifgo"]
    if not all(gates):
        return []
    if not two:
        return [_summed(gates)]
    sides = [_summed([[blocks[side]] for blocks in gates]) for side in (0, 1)]
    return sides[::-1] if "bias_ih" in sides[1].name else sides


def _summed(gates: Sequence[Sequence[Block]]) -> Constant:
    blocks = [block for each in gates for block in each]
    size, first = gates[0][0].shape[1], blocks[0].constant
    whole = len(blocks) == len(gates) and all(
        block.constant.origin == first.origin and block.columns == (index * size, (index + 1) * size)
        for index, block in enumerate(blocks)
    )
    if whole and first.shape == (len(gates) * size,):
        return first
    return _made(blocks, (len(gates) * size,), partial(_sums, gates))


def _sums(gates: Sequence[Sequence[Block]]) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    return np.concatenate([sum(block.read()[0] for block in each) for each in gates])


def _notes(cell: Cell, weights: Mapping[str, Constant]) -> Iterator[str]:
    yield from notes_on(cell, "LSTM node", "in a Loop or Scan")
    stored = dict.fromkeys(name for item in weights.values() for name in item.sources)
    yield f"its weights are in {with_rest(list(stored), 4)}"
