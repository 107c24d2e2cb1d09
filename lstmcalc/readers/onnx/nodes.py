"""The LSTMs of an ONNX file: its recurrent nodes, with their weights and settings.

Nodes are searched in the main graph, in the bodies of If, Loop and Scan, and in functions, once for each call. A chain
of nodes, each of which reads the one before, is one LSTM of several layers; nodes with the same weights are one LSTM:
the same tensors, computed alike of the same tensors, or tensors that are equal to the byte.

Sources: the operators GRU and RNN of opset 1 to 22 (docs/Operators.md, onnx 1.23.2); what `torch.onnx.export` of torch
2.13.0 makes, with dynamo=False and True.

Not here: how the file is read (`graphs`), tensors that the graph computes (`constants`), LSTM nodes (`layers`), and
LSTMs that the graph computes of products and functions (`program`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.files.tensors import Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.graphs.constants import Constant, Leaf
from lstmcalc.readers.onnx.constants import Scope, scopes_of
from lstmcalc.readers.onnx.external import file_beside
from lstmcalc.readers.onnx.graphs import Node, Tensor, read_model
from lstmcalc.readers.onnx.layers import (
    DEFAULT,
    INPUTS,
    LSTMS,
    MICROSOFT,
    QUANTIZED,
    Layer,
    layer_of,
    module_of,
    text_setting,
)
from lstmcalc.readers.onnx.program import computed_lstms
from lstmcalc.readers.onnx.stacks import stacks_of
from lstmcalc.readers.onnx.tensors import tensor_digest
from lstmcalc.readers.onnx.zeros import behind
from lstmcalc.spec.words import counted, unique_names, with_dots

_MAX_FILES: Final = 100  # other files that are looked for
_MAX_STATED: Final = 20_000
_BEGINNING: Final = 4096  # bytes of each tensor that are compared before all of them
_RECURRENT: Final = {"GRU": INPUTS[:6], "RNN": INPUTS[:6]}
_CONTRIBUTED: Final = {"AttnLSTM": (*INPUTS, "QW", "MW", "V", "M")}


def read_onnx(path: str) -> WeightFile:
    """An ONNX file: every tensor in it, and its recurrent nodes.

    Only its index is read: numbers, of which some may be in other files, are read when they are asked for. Protobuf's
    own limit of 2 GiB for a file does not hold here.
    """
    model = read_model(path)
    scopes = list(scopes_of(model, path))
    tensors = {tensor.name: tensor for scope in scopes for tensor in _stored_tensors(scope)}
    computed, doubtful = computed_lstms(scopes)
    more = [_Said(item.found, item.weights) for item in computed]
    stated = _with_unique_names([*_lstms(scopes, path), *more, *_other_modules(scopes)])
    outside = [held.elsewhere for scope in scopes for held in scope.graph.tensors.values() if held.elsewhere]
    notes = [f"made by {shorten(model.producer)[1:-1]}"] if model.producer else []
    if outside:
        notes.append(_outside_note(path, [place.location for place in outside]))
    if doubtful:
        shown = ", ".join(shorten(name)[1:-1] for name in doubtful[:3])
        notes.append(
            f"{counted(len(doubtful), 'value')} of what looks like h of an LSTM that is not understood: {shown}"
        )
    stored = frozenset(f"{scope.path}{name}" for scope in scopes for name in scope.graph.tensors)
    return WeightFile(
        "ONNX",
        tuple(tensors.values()),
        tuple(_with_computed(item, tensors) for item in stated),
        tuple(notes),
        constants=frozenset({*(tensors.keys() - stored), *_zero_states(scopes)}),
    )


def _outside_note(path: str, locations: Sequence[str]) -> str:
    """A note on the tensors whose numbers are in other files, and on the one that cannot be read."""
    names = list(dict.fromkeys(locations))
    shown = with_dots([shorten(name)[1:-1] or "a file without a name" for name in names], 3)
    text = f"the numbers of {len(locations):,} of its tensors are in {shown}"
    for name in names[:_MAX_FILES]:
        try:
            file_beside(path, name)
        except SourceError as error:
            return f"{text}, which cannot be read: {error.found}"
    return text


def _zero_states(scopes: Sequence[Scope]) -> Iterator[str]:
    """The initializers that are initial states of zeros."""
    for scope in scopes:
        for node in scope.graph.nodes:
            if (node.op, node.domain) in LSTMS:
                named = (node.inputs[index] for index in (5, 6) if index < len(node.inputs))
                found = (behind(scope, name) for name in named if name)
                yield from (source for zeros in found if zeros.known for source in zeros.sources)


class _Said(NamedTuple):
    """A module and its parameters."""

    stated: Found
    weights: Mapping[str, Constant]
    copies: tuple[Constant, ...] = ()  # its parameters in other places of the file
    peepholes: tuple[Constant, ...] = ()
    given: int = 0  # peepholes that are not in the file


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
    held = (*said.weights.values(), *said.copies, *said.peepholes)
    sources = dict.fromkeys(name for weight in held for name in weight.sources)
    own = tuple(name for name in sources if name in tensors)
    return said.stated._replace(weights=Weights(names, tuple(computed.values()), names=own, given=said.given))


def _with_unique_names(found: Sequence[_Said]) -> list[_Said]:
    """Modules with names that no two of them share."""
    found = found[:_MAX_STATED]
    names = unique_names(said.stated.name for said in found)
    return [said._replace(stated=said.stated._replace(name=name)) for said, name in zip(found, names, strict=True)]


# --- LSTM


def _lstms(scopes: Sequence[Scope], path: str) -> Iterator[_Said]:
    """The LSTMs: stacks of nodes; stacks that share their weights count once."""
    layers = [
        layer_of(scope, node) for scope in scopes for node in scope.graph.nodes if (node.op, node.domain) in LSTMS
    ]
    groups: dict[tuple[object, ...], list[list[Layer]]] = {}
    for stack in stacks_of(layers):
        groups.setdefault(tuple(layer.key for layer in stack), []).append(stack)
    tensors = {name: tensor for scope in scopes for name, tensor in scope.tensors()}
    for same in _equal_groups(list(groups.values()), tensors, path):
        yield _lstm_of_stacks(same)


_Shared: TypeAlias = list[list[Layer]]  # stacks with the same weights


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


def _content(stack: Sequence[Layer], tensors: Mapping[str, Tensor], path: str, most: int | None) -> object:
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
    name = module_of(first.node) or first.node.name or (first.node.outputs or ("",))[0] or "lstm"
    stated = Found(
        f"{first.scope.path}{name}",
        "onnx",
        kind=first.node.op,
        layer=settings_of(fields, ("input_size", "num_layers")),
        notes=tuple(dict.fromkeys(notes)),
        options=dict(first.options),
        unmodelled=tuple(dict.fromkeys(item for layer in stack for item in layer.unmodelled)),
        quantized=QUANTIZED if first.node.op == QUANTIZED else "",
    )
    copies = (weight for shared in same[1:] for layer in shared[0] for weight in layer.weights.values())
    own = {layer.inputs["P"]: layer for layer in stack if "peepholes (the input P)" in layer.unmodelled}
    known = {name: layer.scope.constant(name) for name, layer in own.items()}
    given = sum(3 * own[name].hidden * own[name].directions for name, constant in known.items() if constant is None)
    return _Said(stated, weights, tuple(copies), tuple(filter(None, known.values())), given)


def _parameter(op: str, index: int, role: str) -> str:
    """The name of a node's weight as a parameter; quantized ones are none that `frameworks` has."""
    if op == QUANTIZED:
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


def _other_modules(scopes: Sequence[Scope]) -> Iterator[_Said]:
    """The recurrent nodes other than LSTM, e.g. GRU, as modules with their tensors."""
    for scope in scopes:
        for node in scope.graph.nodes:
            known = _RECURRENT if node.domain in DEFAULT else _CONTRIBUTED if node.domain == MICROSOFT else {}
            if node.op not in known:
                continue
            inputs = {role: name for role, name in zip(known[node.op], node.inputs, strict=False) if name}
            weights = {role: found for role, name in inputs.items() if role != "X" and (found := scope.constant(name))}
            name = module_of(node) or node.name or (node.outputs or ("",))[0] or node.op
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
    fields: dict[str, object] = {"bidirectional": text_setting(node, "direction", "forward") == "bidirectional"}
    fields |= {"bias": "B" in inputs, "num_layers": 1}
    hidden = node.attributes.get("hidden_size")
    if isinstance(hidden, int) and hidden > 0:
        fields["hidden_size"] = hidden
    shape = weights["W"].shape if "W" in weights else ()
    if len(shape) == 3 and all(shape):  # noqa: PLR2004
        fields["input_size"] = shape[2]
    return fields
