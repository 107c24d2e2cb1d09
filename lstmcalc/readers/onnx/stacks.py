"""Chains of LSTM nodes in an ONNX graph, each of which reads the one before: the layers of one LSTM.

Source: what `torch.onnx.export` of torch 2.13.0 makes of an LSTM of several layers.

Not here: the nodes (`layers`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.onnx.constants import Maker, Scope
from lstmcalc.readers.onnx.graphs import Node
from lstmcalc.readers.onnx.layers import DEFAULT, LSTMS, MAX_BETWEEN, Layer, module_of


def stacks_of(layers: Sequence[Layer]) -> list[list[Layer]]:
    """The layers as stacks, in which each layer reads the output of the one before."""
    places = {id(layer.node): layer for layer in layers}
    below: dict[int, Layer] = {}
    above: dict[int, Layer] = {}
    for layer in layers:
        under = _reads_layer(layer, places)
        # A layer that two others read is the last one of its LSTM, and not an inner one.
        if under and id(under) not in above:
            below[id(layer)], above[id(under)] = under, layer
        elif under:
            other = above[id(under)]
            below.pop(id(other), None)
    return [_chain(layer, below, above) for layer in layers if id(layer) not in below]


def _chain(layer: Layer, below: Mapping[int, Layer], above: Mapping[int, Layer]) -> list[Layer]:
    stack = [layer]
    while (following := above.get(id(stack[-1]))) is not None and below.get(id(following)) is stack[-1]:
        stack.append(following)
    return stack


def _reads_layer(layer: Layer, places: Mapping[int, Layer]) -> Layer | None:
    """The layer whose output, directions concatenated, this one reads; None unless both can be one LSTM."""
    name, scope = layer.inputs.get("X", ""), layer.scope
    passed: list[Maker] = []
    for _ in range(MAX_BETWEEN):
        made = scope.maker(name)
        if made is None or made.scope is not layer.scope:
            return None
        if (made.node.op, made.node.domain) in LSTMS:
            under = places.get(id(made.node))
            alike = under is not None and made.output == 0 and _can_stack(under, layer)
            return under if alike and under and _joins(under, passed) else None
        if made.output or not made.node.inputs or made.node.op not in _BETWEEN or made.node.domain not in DEFAULT:
            return None
        passed.append(made)
        name = made.node.inputs[0]
    return None


_BETWEEN: Final = ("Transpose", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Dropout")


def _can_stack(under: Layer, layer: Layer) -> bool:
    """True if two nodes can be layers of one LSTM: they agree in all that PyTorch sets once for all layers."""
    return (
        (under.node.op, under.directions, under.hidden, under.batch_first, under.unmodelled, under.options)
        == (layer.node.op, layer.directions, layer.hidden, layer.batch_first, layer.unmodelled, layer.options)
        and under.weights.keys() == layer.weights.keys()
        and layer.width == layer.directions * layer.hidden
        and module_of(under.node) == module_of(layer.node)
        and _lengths(under) == _lengths(layer)
    )


def _lengths(layer: Layer) -> object:
    """The key of the lengths that a layer is given; None without lengths."""
    name = layer.inputs.get("sequence_lens")
    return layer.scope.origin(name) if name else None


def _joins(under: Layer, passed: Sequence[Maker]) -> bool:
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
