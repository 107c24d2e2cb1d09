"""The LSTM nodes of an ONNX graph, each with its weights, its settings and what PyTorch's LSTM does not have.

Sources: the operator LSTM of opset 1 to 22 (docs/Operators.md, onnx 1.23.2); DynamicQuantizeLSTM of com.microsoft
(docs/ContribOperators.md, onnxruntime 1.31.1); what `torch.onnx.export` of torch 2.13.0 calls its nodes.

Not here: chains of nodes that are one LSTM (`stacks`), and the record of an LSTM (`nodes`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import shorten
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.graphs.constants import Constant
from lstmcalc.readers.onnx.constants import Scope
from lstmcalc.readers.onnx.graphs import Node
from lstmcalc.readers.onnx.zeros import behind
from lstmcalc.spec.activations import CELLS, CLIP, HARD, clip_text

DEFAULT: Final = ("", "ai.onnx")
MICROSOFT: Final = "com.microsoft"
_GATES: Final = 4
MAX_BETWEEN: Final = 16  # nodes between two layers

# The inputs of each operator, by position.
INPUTS: Final = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
QUANTIZED_INPUTS: Final = (*INPUTS, "W_scale", "W_zero_point", "R_scale", "R_zero_point")
QUANTIZED: Final = "DynamicQuantizeLSTM"
LSTMS: Final = {("LSTM", ""): INPUTS, ("LSTM", "ai.onnx"): INPUTS, (QUANTIZED, MICROSOFT): QUANTIZED_INPUTS}
_ACTIVATIONS: Final = ("sigmoid", "tanh", "tanh")
WEIGHTS: Final[tuple[str, ...]] = ("W", "R", "B")
_STATES: Final[tuple[str, ...]] = ("sequence_lens", "initial_h", "initial_c", "P")


class Layer(NamedTuple):
    """One LSTM node."""

    scope: Scope  # the scope of the node
    node: Node
    inputs: Mapping[str, str]  # by the operator's names for them, without those that are left out
    weights: Mapping[str, Constant]  # those of W, R and B that are constants, and what quantized ones need
    directions: int  # 1 or 2
    hidden: int  # hidden_size
    width: int  # input_size, by the shapes of W or X; 0 if neither is known
    batch_first: bool  # True if layout is 1
    notes: tuple[str, ...]  # for the user, in sentences
    unmodelled: tuple[str, ...]  # the parts of it that PyTorch's LSTM does not have
    options: tuple[tuple[str, str | float], ...] = ()  # activations other than PyTorch's that are computed, and a clip

    @property
    def key(self) -> tuple[object, ...]:
        """The key that is equal for two nodes that share their weights."""
        roles = (*WEIGHTS, *QUANTIZED_INPUTS[len(INPUTS) :])
        origins = tuple((role, self.scope.origin(self.inputs[role])) for role in roles if role in self.inputs)
        return (origins, self.node.op, self.directions, self.batch_first, self.unmodelled, self.options)

    @property
    def alike(self) -> tuple[object, ...]:
        """The key that is equal for two nodes whose weights have the same dtypes and shapes."""
        shapes = tuple((role, weight.dtype, weight.shape) for role, weight in self.weights.items())
        same = self.directions, self.hidden, self.batch_first, self.unmodelled, self.options
        return (shapes, self.node.op, *same)


def module_of(node: Node) -> str:
    """The module that a node belongs to, as PyTorch's exporters name it; empty if they do not.

    With dynamo=True it is in the node's metadata, e.g. "['', 'enc', 'lstm']", without, in its name: `/enc/LSTM_1`.
    """
    if node.scopes:
        scopes = re.findall(r"'([^']*)'", node.scopes)
        return scopes[-2] if len(scopes) > 2 else ""  # noqa: PLR2004
    if node.name.startswith("/"):
        return node.name.rpartition("/")[0].strip("/").replace("/", ".")
    return ""


def layer_of(scope: Scope, node: Node) -> Layer:
    """An LSTM node as a layer."""
    inputs = {role: name for role, name in zip(LSTMS[node.op, node.domain], node.inputs, strict=False) if name}
    direction = text_setting(node, "direction", "forward")
    directions = 2 if direction == "bidirectional" else 1
    unmodelled = [] if direction in ("forward", "bidirectional") else [f"direction = {shorten(direction)}"]
    # In a DynamicQuantizeLSTM the last two axes of W and R are swapped.
    rows, columns = (2, 1) if node.op == QUANTIZED else (1, 2)
    roles = [role for role in inputs if role not in ("X", *_STATES)]
    weights = {role: found for role in roles if (found := scope.constant(inputs[role]))}
    shapes = {role: weights[role].shape if role in weights else scope.shape(inputs[role]) for role in roles}
    hidden = _hidden_size(node, shapes, rows)
    wrong = _wrong_shapes(shapes, directions, hidden, rows)
    if wrong:
        weights, shapes = {}, {}
    width = _size_at(shapes.get("W"), columns) or _size_at(scope.shape(inputs.get("X", "")), 2)
    notes = [
        f"{role} is not stored in the file: {shorten(inputs[role])} is computed, or given to the model"
        for role in WEIGHTS
        if role in inputs and role not in weights and not wrong
    ]
    notes += _state_notes(scope, inputs)
    if "P" in inputs and not behind(scope, inputs["P"]).known:
        stored = scope.constant(inputs["P"])
        shape = stored.shape if stored else (directions, 3 * hidden)  # what the operator requires
        own = sum(numel(_whole(shapes.get(role))) for role in WEIGHTS if _whole(shapes.get(role)))
        more = f"{numel(shape):,} parameters more" + f", {own + numel(shape):,} in all" * bool(own)
        notes.append(f"beside W, R and B it has peepholes, P {shape}: {more}")
    unmodelled += [*wrong, *_unmodelled_parts(scope, node, inputs, directions)]
    if node.op == QUANTIZED:
        quantized, why = _quantized_notes(weights)
        notes, unmodelled = [*quantized, *notes], [*why, *unmodelled]
    first = node.attributes.get("layout") == 1
    clip = _clip(node)
    computed: dict[str, str | float] = {**_functions(node, directions), **({CLIP: clip} if 0 < clip < inf else {})}
    rest = tuple(notes), tuple(unmodelled), tuple(computed.items())
    return Layer(scope, node, inputs, weights, directions, hidden, width, first, *rest)


_Sizes: TypeAlias = Sequence[int | None]


def _whole(shape: _Sizes | None) -> tuple[int, ...]:
    """A shape of which every size is known; empty for any other."""
    sizes = tuple(size for size in shape or () if size is not None)
    return sizes if shape and len(sizes) == len(shape) else ()


def _size_at(shape: _Sizes | None, axis: int) -> int:
    """The size of an axis of W, R or X; 0 if it is not known."""
    return (shape[axis] or 0) if shape and len(shape) == 3 else 0  # noqa: PLR2004


def _hidden_size(node: Node, shapes: Mapping[str, _Sizes | None], rows: int) -> int:
    """hidden_size, from the node if it has it, else from the shapes of R and W; 0 if they do not tell."""
    hidden = node.attributes.get("hidden_size")
    if isinstance(hidden, int) and hidden > 0:
        return hidden
    gates = _size_at(shapes.get("R"), rows) or _size_at(shapes.get("W"), rows)
    return _size_at(shapes.get("R"), 3 - rows) or (0 if gates % _GATES else gates // _GATES)


def _wrong_shapes(shapes: Mapping[str, _Sizes | None], directions: int, hidden: int, rows: int) -> tuple[str, ...]:
    """A text on each weight whose shape is not the one that the operator requires."""
    size, gates, biases = (hidden * factor or None for factor in (1, _GATES, 2 * _GATES))
    wanted: dict[str, _Sizes] = {
        "W": (directions, gates, None) if rows == 1 else (directions, None, gates),
        "R": (directions, gates, size) if rows == 1 else (directions, size, gates),
        "B": (directions, biases),
    }
    return tuple(
        f"{role} of shape {_shape(shape)} where {_shape(wanted[role], 'H_in')} is needed"
        for role, shape in shapes.items()
        if role in wanted and shape is not None and not _fits(shape, wanted[role])
    )


def _fits(shape: _Sizes, wanted: _Sizes) -> bool:
    """True if the sizes are those wanted, as far as both are known, and none is 0."""
    same = len(shape) == len(wanted)
    return same and all(
        size != 0 and (None in (size, other) or size == other) for size, other in zip(shape, wanted, strict=True)
    )


def _shape(sizes: _Sizes, unknown: str = "?") -> str:
    return f"({', '.join(unknown if size is None else str(size) for size in sizes)})"


def text_setting(node: Node, name: str, default: str) -> str:
    """An attribute of a node that is text, in small letters."""
    value = node.attributes.get(name)
    return value.decode("utf-8", "backslashreplace").lower() if isinstance(value, bytes) else default


def _unmodelled_parts(scope: Scope, node: Node, inputs: Mapping[str, str], directions: int) -> list[str]:
    """The parts of a node that PyTorch's LSTM does not have, each as a text."""
    found = []
    names = _function_names(node)
    if names and [name.lower() for name in names] != list(_ACTIVATIONS) * directions:
        found.append(f"activations = {shorten(names, 100)}")
    if clip := _clip(node):
        found.append(clip_text(clip))
    if node.attributes.get("input_forget") == 1:
        found.append("input_forget = 1")
    if "P" in inputs and not behind(scope, inputs["P"]).known:
        found.append("peepholes (the input P)")
    return found


def _clip(node: Node) -> float:
    """The bound of what a node's activations are given; 0 without one."""
    clip = node.attributes.get(CLIP)
    return float(clip) if isinstance(clip, int | float) and clip > 0 else 0.0


def _function_names(node: Node) -> list[str]:
    """The activations of a node as it writes them; empty if it does not."""
    given = node.attributes.get("activations")
    return (
        [item.decode("utf-8", "backslashreplace") for item in given or () if isinstance(item, bytes)]
        if isinstance(given, list)
        else []
    )


def _functions(node: Node, directions: int) -> dict[str, str]:
    """The activations of a node as options, if they are not PyTorch's and are computed; else nothing.

    HardSigmoid(x) = clip(alpha*x + beta), by default clip(0.2x + 0.5): the ONNX operators LSTM and HardSigmoid.
    """
    names = _function_names(node)
    first, plain = names[:3], [name.lower() for name in names]
    if not names or names != first * directions or plain[:3] == list(_ACTIVATIONS) or plain[1:2] != plain[2:3]:
        return {}
    gates = {"sigmoid": "sigmoid", "hardsigmoid": _slope(node, directions)}.get(plain[0], "")
    if not gates or plain[1] not in CELLS:
        return {}
    return {"activations": shorten(names, 100), "activations: gates": gates, "activations: cell": plain[1]}


def _slope(node: Node, directions: int) -> str:
    """The HardSigmoid of a node's gates as `spec.activations` has it; empty if it is another."""
    alphas, betas = (node.attributes.get(name) for name in ("activation_alpha", "activation_beta"))
    alphas, betas = [0.2] * directions if alphas is None else alphas, [0.5] * directions if betas is None else betas
    known = (
        word
        for word, slope in HARD.items()
        if isinstance(alphas, list)
        and isinstance(betas, list)
        and len(alphas) == len(betas) == directions
        and all(isinstance(alpha, float) and abs(alpha - slope) < _FLOAT for alpha in alphas)
        and all(beta == 0.5 for beta in betas)  # noqa: PLR2004
    )
    return next(known, "")


_FLOAT: Final = 2.0**-25  # half a unit of float32 at these slopes


def _state_notes(scope: Scope, inputs: Mapping[str, str]) -> Iterator[str]:
    """Notes on the source of the initial states, unless they are zeros, and of the sequence lengths."""
    for role in ("initial_h", "initial_c"):
        zeros = behind(scope, inputs[role]).known if role in inputs else True
        if not zeros:
            known = scope.constant(inputs[role])
            state = "it is not zeros" if zeros is False else "it was not read, and may not be zeros"
            yield (
                f"{role} is stored in the file, as {shorten(known.name)}: {state}"
                if known
                else f"{role} is given to it, as {shorten(inputs[role])}"
            )
    if "sequence_lens" in inputs:
        yield f"sequence_lens is given to it, as {shorten(inputs['sequence_lens'])}"


def _quantized_notes(weights: Mapping[str, Constant]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The notes on a DynamicQuantizeLSTM, and the reason why it is not computed."""
    dtype = weights["W"].dtype if "W" in weights else "8 bits"
    note = "its W and R are transposed, (D, H_in, 4*H_cell) and (D, H_cell, 4*H_cell), with scales and zero points"
    return (note,), (f"weights quantized to {dtype}, and its input at run time",)
