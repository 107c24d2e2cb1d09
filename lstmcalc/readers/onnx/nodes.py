"""The LSTMs of an ONNX file: its recurrent nodes, with their weights and settings.

Nodes are searched in the main graph, in the bodies of If, Loop and Scan, and in functions, once for each call. A chain
of nodes, each of which reads the one before, is one LSTM of several layers; nodes with the same weights are one LSTM:
the same tensors, computed alike of the same tensors, or tensors that are equal to the byte.

Sources: the operators LSTM, GRU and RNN of opset 1 to 22 (docs/Operators.md, onnx 1.23.2); DynamicQuantizeLSTM of
com.microsoft (docs/ContribOperators.md, onnxruntime 1.31.1); what `torch.onnx.export` of torch 2.13.0 makes, with
dynamo=False and True.

Not here: how the file is read (`graphs`), and tensors that the graph computes (`constants`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.files.tensors import Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.onnx.constants import Constant, Leaf, Maker, Scope, scopes_of
from lstmcalc.readers.onnx.graphs import Node, Tensor, read_model, tensor_digest
from lstmcalc.readers.onnx.zeros import behind
from lstmcalc.spec.activations import CELLS, CLIP, HARD, clip_text
from lstmcalc.spec.words import unique_names, with_dots

_DEFAULT: Final = ("", "ai.onnx")
_MICROSOFT: Final = "com.microsoft"
_GATES: Final = 4
_MAX_BETWEEN: Final = 16  # nodes between two layers
_MAX_STATED: Final = 20_000
_BEGINNING: Final = 4096  # bytes of each tensor that are compared before all of them

# The inputs of each operator, by position.
_INPUTS: Final = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
_QUANTIZED_INPUTS: Final = (*_INPUTS, "W_scale", "W_zero_point", "R_scale", "R_zero_point")
_QUANTIZED: Final = "DynamicQuantizeLSTM"
_LSTMS: Final = {("LSTM", ""): _INPUTS, ("LSTM", "ai.onnx"): _INPUTS, (_QUANTIZED, _MICROSOFT): _QUANTIZED_INPUTS}
_RECURRENT: Final = {"GRU": _INPUTS[:6], "RNN": _INPUTS[:6]}
_CONTRIBUTED: Final = {"AttnLSTM": (*_INPUTS, "QW", "MW", "V", "M")}
_ACTIVATIONS: Final = ("sigmoid", "tanh", "tanh")
_WEIGHTS: Final[tuple[str, ...]] = ("W", "R", "B")
_STATES: Final[tuple[str, ...]] = ("sequence_lens", "initial_h", "initial_c", "P")


class _Layer(NamedTuple):
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
        roles = (*_WEIGHTS, *_QUANTIZED_INPUTS[len(_INPUTS) :])
        origins = tuple((role, self.scope.origin(self.inputs[role])) for role in roles if role in self.inputs)
        return (origins, self.node.op, self.directions, self.batch_first, self.unmodelled, self.options)

    @property
    def alike(self) -> tuple[object, ...]:
        """The key that is equal for two nodes whose weights have the same dtypes and shapes."""
        shapes = tuple((role, weight.dtype, weight.shape) for role, weight in self.weights.items())
        same = self.directions, self.hidden, self.batch_first, self.unmodelled, self.options
        return (shapes, self.node.op, *same)


def read_onnx(path: str) -> WeightFile:
    """An ONNX file: every tensor in it, and its recurrent nodes.

    Only its index is read, and no other file: a tensor whose numbers are in another file has a name, a dtype and a
    shape, and its `read` raises SourceError. Protobuf's own limit of 2 GiB for a file does not hold here.
    """
    model = read_model(path)
    scopes = list(scopes_of(model, path))
    tensors = {tensor.name: tensor for scope in scopes for tensor in _stored_tensors(scope)}
    stated = _with_unique_names([*_lstms(scopes, path), *_other_modules(scopes)])
    outside = sum(1 for scope in scopes for tensor in scope.graph.tensors.values() if tensor.elsewhere)
    notes = [f"made by {shorten(model.producer)[1:-1]}"] if model.producer else []
    if outside:
        notes.append(f"the numbers of {outside:,} of its tensors are in another file, which is not read")
    stored = frozenset(f"{scope.path}{name}" for scope in scopes for name in scope.graph.tensors)
    return WeightFile(
        "ONNX",
        tuple(tensors.values()),
        tuple(_with_computed(item, tensors) for item in stated),
        tuple(notes),
        constants=frozenset({*(tensors.keys() - stored), *_zero_states(scopes)}),
    )


def _zero_states(scopes: Sequence[Scope]) -> Iterator[str]:
    """The initializers that are initial states of zeros."""
    for scope in scopes:
        for node in scope.graph.nodes:
            if (node.op, node.domain) in _LSTMS:
                named = (node.inputs[index] for index in (5, 6) if index < len(node.inputs))
                found = (behind(scope, name) for name in named if name)
                yield from (source for zeros in found if zeros.known for source in zeros.sources)


class _Said(NamedTuple):
    """A module and its parameters."""

    stated: Found
    weights: Mapping[str, Constant]
    copies: tuple[Constant, ...] = ()  # its parameters in other places of the file


def _stored_tensors(scope: Scope) -> Iterator[Stored]:
    for name, tensor in scope.graph.tensors.items():
        constant = scope.constant(name)
        if constant:
            yield Stored(constant.name, constant.dtype, constant.shape, tensor.nbytes, constant.read, constant.parts)
    for constant in scope.constants():
        if constant.name.removeprefix(scope.path) not in scope.graph.tensors:
            nbytes = numel(constant.shape) * WIDTHS.get(constant.dtype, 1)
            yield Stored(constant.name, constant.dtype, constant.shape, nbytes, constant.read, constant.parts)


def _with_computed(said: _Said, tensors: Mapping[str, Stored]) -> Found:
    """The module, with those of its parameters that the file has not as they are."""
    computed = {
        weight.name: Stored(
            weight.name, weight.dtype, weight.shape, numel(weight.shape) * WIDTHS.get(weight.dtype, 1), weight.read
        )
        for weight in said.weights.values()
        if weight.name not in tensors
    }
    names = {parameter: weight.name for parameter, weight in said.weights.items()}
    sources = dict.fromkeys(name for weight in (*said.weights.values(), *said.copies) for name in weight.sources)
    own = tuple(name for name in sources if name in tensors)
    return said.stated._replace(weights=Weights(names, tuple(computed.values()), names=own))


def _with_unique_names(found: Sequence[_Said]) -> list[_Said]:
    """Modules with names that no two of them share."""
    found = found[:_MAX_STATED]
    names = unique_names(said.stated.name for said in found)
    return [said._replace(stated=said.stated._replace(name=name)) for said, name in zip(found, names, strict=True)]


# --- LSTM


def _lstms(scopes: Sequence[Scope], path: str) -> Iterator[_Said]:
    """The LSTMs: stacks of nodes; stacks that share their weights count once."""
    layers = [_layer(scope, node) for scope in scopes for node in scope.graph.nodes if (node.op, node.domain) in _LSTMS]
    groups: dict[tuple[object, ...], list[list[_Layer]]] = {}
    for stack in _stacks(layers):
        groups.setdefault(tuple(layer.key for layer in stack), []).append(stack)
    tensors = {name: tensor for scope in scopes for name, tensor in scope.tensors()}
    for same in _equal_groups(list(groups.values()), tensors, path):
        yield _lstm_of_stacks(same)


_Shared: TypeAlias = list[list[_Layer]]  # stacks with the same weights


def _equal_groups(groups: Sequence[_Shared], tensors: Mapping[str, Tensor], path: str) -> list[list[_Shared]]:
    """The groups of stacks, those together whose weights are equal to the byte.

    Only weights of the same dtypes and shapes are compared, first their beginnings: distinct ones differ there.
    """
    found = [list(groups)]
    for most in (0, _BEGINNING, None):
        parts: list[list[_Shared]] = []
        for part in found:
            equal: dict[object, list[_Shared]] = {}
            for shared in part:
                key = _content(shared[0], tensors, path, most) if len(part) > 1 else None
                equal.setdefault(key, []).append(shared)
            parts += equal.values()
        found = parts
    place = {id(shared): index for index, shared in enumerate(groups)}
    return sorted(found, key=lambda part: place[id(part[0])])


def _content(stack: Sequence[_Layer], tensors: Mapping[str, Tensor], path: str, most: int | None) -> object:
    """A key that is equal for stacks of layers with equal weights, by the first `most` bytes; by shapes alone for 0."""
    if any(not {"W", "R"} <= layer.weights.keys() for layer in stack):
        return id(stack)
    if most == 0:
        return tuple(layer.alike for layer in stack)

    def content(origin: object) -> object:
        if isinstance(origin, Leaf):
            tensor = tensors[origin.name]
            stored = not tensor.elsewhere and tensor.spans
            return (tensor.dtype, tensor.shape, tensor_digest(path, tensor, most)) if stored else origin
        return tuple(map(content, origin)) if isinstance(origin, tuple) else origin

    return tuple(content(weight.origin) for layer in stack for weight in layer.weights.values())


def _layer(scope: Scope, node: Node) -> _Layer:
    inputs = {role: name for role, name in zip(_LSTMS[node.op, node.domain], node.inputs, strict=False) if name}
    direction = _text(node, "direction", "forward")
    directions = 2 if direction == "bidirectional" else 1
    unmodelled = [] if direction in ("forward", "bidirectional") else [f"direction = {shorten(direction)}"]
    # In a DynamicQuantizeLSTM the last two axes of W and R are swapped.
    rows, columns = (2, 1) if node.op == _QUANTIZED else (1, 2)
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
        for role in _WEIGHTS
        if role in inputs and role not in weights and not wrong
    ]
    notes += _state_notes(scope, inputs)
    if "P" in inputs and not behind(scope, inputs["P"]).known:
        stored = scope.constant(inputs["P"])
        shape = stored.shape if stored else (directions, 3 * hidden)  # what the operator requires
        notes.append(f"beside W, R and B it has peepholes, P {shape}: {numel(shape):,} parameters more")
    unmodelled += [*wrong, *_unmodelled_parts(scope, node, inputs, directions)]
    if node.op == _QUANTIZED:
        quantized, why = _quantized_notes(weights)
        notes, unmodelled = [*quantized, *notes], [*why, *unmodelled]
    first = node.attributes.get("layout") == 1
    clip = _clip(node)
    computed: dict[str, str | float] = {**_functions(node, directions), **({CLIP: clip} if 0 < clip < inf else {})}
    rest = tuple(notes), tuple(unmodelled), tuple(computed.items())
    return _Layer(scope, node, inputs, weights, directions, hidden, width, first, *rest)


_Sizes: TypeAlias = Sequence[int | None]


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


def _text(node: Node, name: str, default: str) -> str:
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
        found = behind(scope, inputs[role]) if role in inputs else None
        if found is not None and not found.known:
            known = scope.constant(inputs[role])
            state = "it is not zeros" if found.known is False else "it was not read, and may not be zeros"
            yield (
                f"{role} is stored in the file, as {shorten(known.name)}: {state}"
                if known
                else f"{role} is given to it, as {shorten(found.root or inputs[role])}"
            )
    if "sequence_lens" in inputs:
        yield f"sequence_lens is given to it, as {shorten(inputs['sequence_lens'])}"


# --- Stacks


def _stacks(layers: Sequence[_Layer]) -> list[list[_Layer]]:
    """The layers as stacks, in which each layer reads the output of the one before."""
    places = {id(layer.node): layer for layer in layers}
    below: dict[int, _Layer] = {}
    above: dict[int, _Layer] = {}
    for layer in layers:
        under = _reads_layer(layer, places)
        # A layer that two others read is the last one of its LSTM, and not an inner one.
        if under and id(under) not in above:
            below[id(layer)], above[id(under)] = under, layer
        elif under:
            other = above[id(under)]
            below.pop(id(other), None)
    return [_chain(layer, below, above) for layer in layers if id(layer) not in below]


def _chain(layer: _Layer, below: Mapping[int, _Layer], above: Mapping[int, _Layer]) -> list[_Layer]:
    stack = [layer]
    while (following := above.get(id(stack[-1]))) is not None and below.get(id(following)) is stack[-1]:
        stack.append(following)
    return stack


def _reads_layer(layer: _Layer, places: Mapping[int, _Layer]) -> _Layer | None:
    """The layer whose output, directions concatenated, this one reads; None unless both can be one LSTM."""
    name, scope = layer.inputs.get("X", ""), layer.scope
    passed: list[Maker] = []
    for _ in range(_MAX_BETWEEN):
        made = scope.maker(name)
        if made is None or made.scope is not layer.scope:
            return None
        if (made.node.op, made.node.domain) in _LSTMS:
            under = places.get(id(made.node))
            alike = under is not None and made.output == 0 and _can_stack(under, layer)
            return under if alike and under and _joins(under, passed) else None
        if made.output or not made.node.inputs or made.node.op not in _BETWEEN or made.node.domain not in _DEFAULT:
            return None
        passed.append(made)
        name = made.node.inputs[0]
    return None


_BETWEEN: Final = ("Transpose", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Dropout")


def _can_stack(under: _Layer, layer: _Layer) -> bool:
    """True if two nodes can be layers of one LSTM: they agree in all that PyTorch sets once for all layers."""
    return (
        (under.node.op, under.directions, under.hidden, under.batch_first, under.unmodelled, under.options)
        == (layer.node.op, layer.directions, layer.hidden, layer.batch_first, layer.unmodelled, layer.options)
        and under.weights.keys() == layer.weights.keys()
        and layer.width == layer.directions * layer.hidden
        and _module(under.node) == _module(layer.node)
        and _lengths(under) == _lengths(layer)
    )


def _lengths(layer: _Layer) -> object:
    """The key of the lengths that a layer is given; None without lengths."""
    name = layer.inputs.get("sequence_lens")
    return layer.scope.origin(name) if name else None


def _joins(under: _Layer, passed: Sequence[Maker]) -> bool:
    """True if the nodes between two layers only convert Y, `(L, D, N, H)`, to `(L, N, D*H)`.

    Axes are tracked by name. With layout = 1 they are `(N, L, D, H)` and `(N, L, D*H)`.
    """
    one = under.directions == 1
    axes = ["N", "L", "D", "H"] if under.batch_first else ["L", "D", "N", "H"]
    for made in reversed(passed):
        arrays = [None, *(_numbers(made.scope, name) for name in made.node.inputs[1:])]
        moved = _moved_axes(made.node, axes, arrays, under.directions * under.hidden, one=one)
        if moved is None:
            return False
        axes = moved
    wanted = ["N", "L"] if under.batch_first else ["L", "N"]
    return axes == [*wanted, "H"]


def _moved_axes(node: Node, axes: list[str], arrays: Sequence[Any], width: int, *, one: bool) -> list[str] | None:
    """The axes after a node; None if they are unknown. `H` is D*H once D is gone."""
    if node.op in ("Identity", "Dropout"):
        return axes
    if node.op == "Transpose":
        order = node.attributes.get("perm")
        if isinstance(order, list) and sorted(order) == list(range(len(axes))):
            return [axes[index] for index in order]
        return None
    if node.op == "Squeeze":
        at = _integer_list(node, "axes", arrays)
        gone = {axis % len(axes) for axis in at} if at else {axes.index("D")} if "D" in axes else set()
        return (
            [axis for index, axis in enumerate(axes) if index not in gone]
            if one and gone == {axes.index("D") if "D" in axes else -1}
            else None
        )
    if node.op == "Reshape":
        return _reshaped_axes(axes, _integer_list(node, "shape", arrays), width, one=one)
    return None


def _reshaped_axes(axes: list[str], sizes: Sequence[int] | None, width: int, *, one: bool) -> list[str] | None:
    """The axes after a Reshape that joins directions and features, which must be adjacent; None for any other."""
    if sizes is None or len(sizes) != 3 or sizes[2] not in (-1, width) or len(axes) != 4:  # noqa: PLR2004
        return None
    joined = axes[2:] == ["D", "H"] or (one and "D" in axes)
    # A size of 0 copies that of the same axis in the input, -1 is inferred from the others.
    kept = [axis for axis in axes if axis != "D"]
    zeros_fit = all(size != 0 or kept[index] == axes[index] for index, size in enumerate(sizes))
    return kept if joined and zeros_fit else None


def _numbers(scope: Scope, name: str) -> list[int] | None:
    """A short list of integers that is constant; None if it is not one."""
    known = scope.constant(name) if name else None
    if known is None or numel(known.shape) > 8 or not known.dtype.startswith("int"):  # noqa: PLR2004
        return None
    try:
        return [int(value) for value in known.read().reshape(-1)]
    except SourceError:
        return None


def _integer_list(node: Node, name: str, arrays: Sequence[Any]) -> Sequence[int] | None:
    value = arrays[1] if len(arrays) > 1 else node.attributes.get(name)
    return value if isinstance(value, list) else None


# --- Descriptions


def _lstm_of_stacks(same: Sequence[_Shared]) -> _Said:
    """The LSTM of stacks that share their weights; the groups of them have weights that are equal to the byte."""
    stack = same[0][0]
    first = stack[0]
    fields: dict[str, object] = {"hidden_size": first.hidden, "batch_first": first.batch_first}
    fields["num_layers"] = len(stack)
    fields["bidirectional"] = first.directions == 2  # noqa: PLR2004
    fields["bias"] = "B" in first.inputs
    if first.width:
        fields["input_size"] = first.width
    if not first.hidden:
        del fields["hidden_size"]
    notes = [note for layer in stack for note in layer.notes]
    if len(stack) > 1:
        names = with_dots([_node_name(layer.node) for layer in stack], 4)
        notes.insert(0, f"{len(stack)} chained LSTM nodes read as one {len(stack)}-layer LSTM: {names}")
    notes += _sharing_notes(same)
    weights = {
        _parameter(first.node.op, index, role): constant
        for index, layer in enumerate(stack)
        for role, constant in layer.weights.items()
    }
    how = dict.fromkeys(step for constant in weights.values() for step in constant.computed)
    if how:
        notes.append(f"the graph computes its weights of the file's tensors: {', '.join(how)}")
    name = _module(first.node) or first.node.name or (first.node.outputs or ("",))[0] or "lstm"
    stated = Found(
        f"{first.scope.path}{name}",
        "onnx",
        kind=first.node.op,
        layer=settings_of(fields, ("input_size", "num_layers")),
        notes=tuple(dict.fromkeys(notes)),
        options=dict(first.options),
        unmodelled=tuple(dict.fromkeys(item for layer in stack for item in layer.unmodelled)),
        quantized=_QUANTIZED if first.node.op == _QUANTIZED else "",
    )
    copies = (weight for shared in same[1:] for layer in shared[0] for weight in layer.weights.values())
    return _Said(stated, weights, tuple(copies))


def _parameter(op: str, index: int, role: str) -> str:
    """The name of a node's weight as a parameter; quantized ones are none that `frameworks` has."""
    if op == _QUANTIZED:
        return f"{role}_l{index}" if index else role
    return f"lstm{index}.{role}"


def _sharing_notes(same: Sequence[_Shared]) -> Iterator[str]:
    """Notes on stacks that share their weights, and on the bodies that these are in."""
    stacks = [stack for shared in same for stack in shared]
    if len(stacks) == 1:
        return
    bodies = dict.fromkeys(stack[0].scope.path.rstrip("/") for stack in stacks)
    where = f": in {with_dots([shorten(body)[1:-1] or 'the main graph' for body in bodies], 4)}" * (len(bodies) > 1)
    yield f"{len(stacks)} times in the graph, with the same weights{where}"
    if len(same) > 1:
        yield f"its weights are stored {len(same)} times, equal to the byte"


def _node_name(node: Node) -> str:
    return shorten(node.name or (node.outputs or ("",))[0])[1:-1]


def _module(node: Node) -> str:
    """The module that a node belongs to, as PyTorch's exporters name it; empty if they do not.

    With dynamo=True it is in the node's metadata, e.g. "['', 'enc', 'lstm']", without, in its name: `/enc/LSTM_1`.
    """
    if node.scopes:
        scopes = re.findall(r"'([^']*)'", node.scopes)
        return scopes[-2] if len(scopes) > 2 else ""  # noqa: PLR2004
    if node.name.startswith("/"):
        return node.name.rpartition("/")[0].strip("/").replace("/", ".")
    return ""


def _other_modules(scopes: Sequence[Scope]) -> Iterator[_Said]:
    """The recurrent nodes other than LSTM, e.g. GRU, as modules with their tensors."""
    for scope in scopes:
        for node in scope.graph.nodes:
            known = _RECURRENT if node.domain in _DEFAULT else _CONTRIBUTED if node.domain == _MICROSOFT else {}
            if node.op not in known:
                continue
            inputs = {role: name for role, name in zip(known[node.op], node.inputs, strict=False) if name}
            weights = {role: found for role, name in inputs.items() if role != "X" and (found := scope.constant(name))}
            name = _module(node) or node.name or (node.outputs or ("",))[0] or node.op
            fields = _sizes(node, inputs, weights)
            stated = Found(
                f"{scope.path}{name}",
                "onnx",
                kind=node.op,
                layer=settings_of(fields, ("input_size",)),
                unmodelled=("attention",) if node.op == "AttnLSTM" else (),
            )
            yield _Said(stated, weights)


def _sizes(node: Node, inputs: Mapping[str, str], weights: Mapping[str, Constant]) -> dict[str, object]:
    """The settings of a node other than LSTM."""
    fields: dict[str, object] = {"bidirectional": _text(node, "direction", "forward") == "bidirectional"}
    fields |= {"bias": "B" in inputs, "num_layers": 1}
    hidden = node.attributes.get("hidden_size")
    if isinstance(hidden, int) and hidden > 0:
        fields["hidden_size"] = hidden
    shape = weights["W"].shape if "W" in weights else ()
    if len(shape) == 3 and all(shape):  # noqa: PLR2004
        fields["input_size"] = shape[2]
    return fields


def _quantized_notes(weights: Mapping[str, Constant]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The notes on a DynamicQuantizeLSTM, and the reason why it is not computed."""
    dtype = weights["W"].dtype if "W" in weights else "8 bits"
    note = "its W and R are transposed, (D, H_in, 4*H_cell) and (D, H_cell, 4*H_cell), with scales and zero points"
    return (note,), (f"weights quantized to {dtype}, and its input at run time",)
