"""Models and layers of Keras 3 in memory: what they have, without a call of them.

A layer's settings are read as its own configuration would have them; the sizes of its input are those of its arrays,
and open as long as it is not built.

Source: keras 3.15.1, run (keras/src/layers/layer.py: `_layers`, `weights`; keras/src/layers/rnn/lstm.py, rnn.py,
stacked_rnn_cells.py, bidirectional.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lstmcalc.readers.files.tensors import Described, Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.keras.array_places import Placed
from lstmcalc.readers.keras.cells import Cell
from lstmcalc.readers.keras.described import described_lstm
from lstmcalc.readers.keras.models import read_placed
from lstmcalc.readers.live.arrays import stored_of
from lstmcalc.readers.live.classes import attributes_of, class_name, class_names
from lstmcalc.readers.text.positions import Places
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap
from lstmcalc.spec.words import UniqueNames, unique_names, with_rest

LAYER: Final = "keras.src.layers.layer.Layer"
OLDER: Final = ("tf_keras.", "tensorflow.python.keras.", "keras.engine.", "keras.src.engine.")
_ROOM: Final = "keras.src.layers.rnn."
_LSTM: Final = f"{_ROOM}lstm.LSTM"
_CELL: Final = f"{_ROOM}lstm.LSTMCell"
_RNN: Final = f"{_ROOM}rnn.RNN"
_STACK: Final = f"{_ROOM}stacked_rnn_cells.StackedRNNCells"
_BOTH: Final = f"{_ROOM}bidirectional.Bidirectional"
_RELATIVES: Final = {
    f"{_ROOM}{kind}": kind.rpartition(".")[2]
    for kind in ("gru.GRU", "gru.GRUCell", "simple_rnn.SimpleRNN", "simple_rnn.SimpleRNNCell", "conv_lstm.ConvLSTM")
}
_CELL_SETTINGS: Final = ("units", "activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout")
_LAYER_SETTINGS: Final = ("return_sequences", "return_state", "go_backwards", "stateful", "zero_output_for_mask")
_ROLES: Final = ("kernel", "recurrent_kernel", "bias")
_NOT_BUILT: Final = Gap("nothing: it is not built, and Keras takes the width from the data")
_LISTED: Final = 3  # names in a note


def is_layer(value: object) -> bool:
    """True for a layer or a model of Keras 3."""
    return LAYER in class_names(value)


def read_layer(value: Any) -> WeightFile:  # noqa: ANN401  # a layer or a model
    """A layer or a model: its LSTMs with their settings, its weights, and its layers."""
    named = _named_variables(value)
    tensors = {key: stored_of(name, variable, key) for key, (name, variable) in named.items()}
    recurrent = list(_recurrent(value, (), set()))
    stated = [item for found in recurrent for item in _stated(*found, tensors)]
    names = unique_names(item.name for item in stated)
    inside = {id(part) for layer, _ in recurrent for part in _layers(layer)}
    described = tuple(_described(layer, tensors) for layer in _layers(value) if id(layer) not in inside)
    kind = "Keras model" if any(name.endswith(".models.model.Model") for name in class_names(value)) else "Keras layer"
    return WeightFile(
        kind,
        tuple(tensors.values()),
        tuple(item._replace(name=name) for item, name in zip(stated, names, strict=True)),
        tuple(_notes(named, described)),
        kind="keras",
        described=described,
    )


def _own(layer: Any) -> dict[str, Any]:  # noqa: ANN401  # a layer
    """The attributes of a layer; on PyTorch the layers among them stand apart, as modules."""
    found = attributes_of(layer)
    return {**(found.get("_modules") or {}), **found}


def _inner(layer: Any) -> Sequence[Any]:  # noqa: ANN401  # a layer
    """The layers that a layer has of its own."""
    return [inner for inner in _own(layer).get("_layers") or () if is_layer(inner)]


def layers_in(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # a layer
    """The recurrent layers of a layer, each once, with the names that reports have for them."""
    for layer, above in _recurrent(value, (), set()):
        yield ".".join((*above[1:], _name(layer))), layer


def _layers(value: Any) -> Iterator[Any]:  # noqa: ANN401  # as above
    """A layer and all in it, each once, depth first."""
    pending, met = [value], set[int]()
    while pending:
        layer = pending.pop()
        if id(layer) not in met:
            met.add(id(layer))
            yield layer
            pending += reversed(_inner(layer))


def _variables(layer: Any) -> list[Any]:  # noqa: ANN401  # as above
    """The variables that are a layer's own, without those of its random numbers."""
    own = _own(layer)
    return [*(own.get("_trainable_variables") or ()), *(own.get("_non_trainable_variables") or ())]


def _named_variables(value: Any) -> dict[int, tuple[str, Any]]:  # noqa: ANN401  # as above
    """The variables of a layer and of all in it, each once, by identity, under unique names."""
    found: dict[int, tuple[str, Any]] = {}
    names = UniqueNames()
    for layer in _layers(value):
        for variable in _variables(layer):
            if id(variable) not in found:
                path = getattr(variable, "path", "") or getattr(variable, "name", "")
                found[id(variable)] = (names.add(str(path)), variable)
    return found


def _described(layer: Any, tensors: Mapping[int, Stored]) -> Described:  # noqa: ANN401  # a layer
    """A layer with its weights; one that is not built has none yet."""
    own = [tensors[id(variable)] for variable in _variables(layer)]
    path = own[0].name.rpartition("/")[0] if own else _name(layer)
    shapes = " ".join(f"({', '.join(map(str, item.shape))}{',' * (len(item.shape) == 1)})" for item in own)
    plain = class_names(layer)[0].startswith("keras.src.models.")  # which never has weights of its own
    built = _own(layer).get("built") is not False or bool(own) or plain
    return Described(path, class_name(layer), f"{class_name(layer)} {shapes}".strip(), known=built)


def _name(layer: Any) -> str:  # noqa: ANN401  # a layer
    name = _own(layer).get("name")
    return name if isinstance(name, str) else class_name(layer).lower()


# --- recurrent layers


def _recurrent(layer: Any, above: tuple[str, ...], met: set[int]) -> Iterator[tuple[Any, tuple[str, ...]]]:  # noqa: ANN401
    """The recurrent layers in a layer, the outermost of each, with the names of the layers around it."""
    if id(layer) in met:
        return
    met.add(id(layer))
    if _node(layer) is not None or _relative(layer):
        met.update(map(id, _layers(layer)))
        yield layer, above
        return
    for inner in _inner(layer):
        yield from _recurrent(inner, (*above, _name(layer)), met)


def _relative(layer: Any) -> str:  # noqa: ANN401  # a layer
    """The kind of a recurrent layer that is not an LSTM; empty if it is none."""
    inner = _own(layer).get("forward_layer") if _BOTH in class_names(layer) else layer
    names = class_names(inner)
    return next((word for name, word in _RELATIVES.items() if any(kind.startswith(name) for kind in names)), "")


def _node(layer: Any) -> dict[str, Any] | None:  # noqa: ANN401  # a layer
    """A recurrent layer as Keras would write it; None if it is another one, or has no LSTM."""
    kinds, own = class_names(layer), _own(layer)
    name = {"name": _name(layer), "dtype": _dtype(layer)}
    if _CELL in kinds:
        return {"class_name": "LSTMCell", "config": {**name, **_settings(layer, _CELL_SETTINGS)}}
    if _LSTM in kinds:
        cell = _settings(own.get("cell"), _CELL_SETTINGS)
        return {"class_name": "LSTM", "config": {**name, **cell, **_settings(layer, _LAYER_SETTINGS)}}
    if _STACK in kinds:
        cells = [_node(cell) for cell in own.get("cells") or ()]
        return {"class_name": "StackedRNNCells", "config": {**name, "cells": cells}} if cells and all(cells) else None
    if _RNN in kinds:
        inside = _node(own.get("cell"))
        config = {**name, **_settings(layer, _LAYER_SETTINGS), "cell": inside}
        return {"class_name": "RNN", "config": config} if inside else None
    if _BOTH in kinds:
        forward, backward = (_node(own.get(part)) for part in ("forward_layer", "backward_layer"))
        config = {**name, "merge_mode": own.get("merge_mode"), "layer": forward, "backward_layer": backward}
        return {"class_name": "Bidirectional", "config": config} if forward and backward else None
    return None


def _settings(layer: Any, names: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401  # a layer
    """The settings of a layer; of a function, its name."""
    own = _own(layer)
    return {name: getattr(own[name], "__name__", own[name]) for name in names if name in own}


def _dtype(layer: Any) -> object:  # noqa: ANN401  # a layer
    """The dtype of a layer's weights."""
    policy = _own(layer).get("_dtype_policy")
    return getattr(policy, "variable_dtype", None)


def _cells(layer: Any) -> list[Any]:  # noqa: ANN401  # a layer
    """The cells of a recurrent layer of one direction."""
    own = _own(layer)
    cell = layer if {_CELL, _STACK} & {*class_names(layer)} else own.get("cell")
    return list(_own(cell).get("cells") or ()) if _STACK in class_names(cell) else [cell]


def _stated(layer: Any, above: tuple[str, ...], tensors: Mapping[int, Stored]) -> Iterator[Found]:  # noqa: ANN401
    """The LSTMs of a recurrent layer, or what it is instead, with their arrays."""
    name = ".".join((*above[1:], _name(layer)))
    node = _node(layer)
    if node is None:
        yield _other(layer, name, tensors)
        return
    own = _own(layer)
    sides = [own["forward_layer"], own["backward_layer"]] if _BOTH in class_names(layer) else [layer]
    for found, placed in _placed(layer, node):
        cells = [_cells(side)[placed.cell] for side in sides]
        suffix = found.name.removeprefix(_name(layer))
        yield _with_arrays(found._replace(name=f"{name}{suffix}"), cells, tensors)


def _placed(layer: Any, node: Mapping[str, Any]) -> list[tuple[Found, Placed]]:  # noqa: ANN401  # a layer
    """The LSTMs of a layer, with the sizes of the data that it was built with."""
    shapes = _own(layer).get("_build_shapes_dict")
    built = {"build_config": {"shapes_dict": _plain(shapes)}} if isinstance(shapes, Mapping) and shapes else {}
    tree = {**node, **built, "keras_version": "3"}
    return read_placed(tree, source := SourceText("", "Keras"), Places(source, lambda _: {}))


def _plain(value: Any) -> Any:  # noqa: ANN401  # shapes
    """Shapes as they are in JSON."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _with_arrays(found: Found, cells: Sequence[Any], tensors: Mapping[int, Stored]) -> Found:
    """An LSTM with the arrays of its cells; without them its width is open."""
    foreign = [name for cell in cells if (name := class_names(cell)[0]) != _CELL]
    notes = [
        f"its cell is {name}: what that computes beyond an LSTMCell is not known" for name in dict.fromkeys(foreign)
    ]
    arrays = [_arrays(cell, tensors) for cell in cells]
    if not all("kernel" in own and "recurrent_kernel" in own for own in arrays):
        return found._replace(gaps={"input_size": _NOT_BUILT}, weights=Weights(), notes=(*found.notes, *notes))
    made = [
        Cell(
            path=own["kernel"].name.rpartition("/")[0],
            top="",
            names=(),
            kind="LSTM",
            arrays={role: item.name for role, item in own.items()},
            width=own["kernel"].shape[0],
            units=own["recurrent_kernel"].shape[0],
            biases=own["bias"].shape[-1] if "bias" in own else 0,
            form="named",
        )
        for own in arrays
    ]
    joined = described_lstm(found, made)
    return joined._replace(notes=(*joined.notes, *notes))


def _arrays(cell: Any, tensors: Mapping[int, Stored]) -> dict[str, Stored]:  # noqa: ANN401  # a cell
    """The arrays of a cell by Keras' names for them."""
    own = _own(cell)
    return {role: tensors[id(own[role])] for role in _ROLES if id(own.get(role)) in tensors}


def _other(layer: Any, name: str, tensors: Mapping[int, Stored]) -> Found:  # noqa: ANN401  # a layer
    """A recurrent layer that is not an LSTM."""
    own = [tensors[id(variable)] for inner in _layers(layer) for variable in _variables(inner)]
    inner = _own(layer).get("forward_layer", layer)
    sizes = {"hidden_size": _own(_cells(inner)[0]).get("units")}
    known = {field: size for field, size in sizes.items() if isinstance(size, int)}
    kind = _relative(layer)
    return Found(
        name,
        "keras",
        kind="ConvLSTM" if "Conv" in kind else kind,
        layer=settings_of(known),
        weights=Weights({item.name: item.name for item in own}),
    )


def _notes(named: Mapping[int, tuple[str, Any]], described: Sequence[Described]) -> Iterator[str]:
    still = [(name, variable) for name, variable in named.values() if getattr(variable, "trainable", True) is False]
    if still:
        names = with_rest([name for name, _ in still], _LISTED)
        yield f"weights that are not trained: {names}"
    if unbuilt := [item.path for item in described if not item.known]:
        yield f"not built, so that its weights have no shapes: {with_rest(unbuilt, _LISTED)}"
