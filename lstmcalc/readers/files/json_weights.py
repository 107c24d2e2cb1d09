"""Weights that programs write as JSON: their arrays, and what their documents state.

- A state_dict of PyTorch as nested lists under its names, at the top or below other keys, as json.dump of
  `{name: tensor.tolist()}` writes it; among them the models of GuitarML's Proteus and NeuralPi, which state their
  sizes in `model_data` (AutomatedGuitarAmpModelling, networks.py: `SimpleRNN`). Other frameworks' names too.
- RTNeural and AIDA-X: layers with a type and the weights of Keras, of an LSTM `[kernel, recurrent kernel, bias]`
  (RTNeural, model_loader.h, and its python/model_utils.py).
- Neural Amp Modeler (.nam): one list of numbers. For each layer `[W_ih | W_hh]` row by row, gates i f g o, one bias,
  h_0 and c_0; then a linear layer (NeuralAmpModelerCore 0.5, lstm.cpp, and its example model).

JSON has no dtype: numbers are taken as float32 if each of them is one, else as float64.

Not here: JSON itself (`json_numbers`), indices of files (`shards`), and models in JSON without weights that are read
(`text.unread_json`).
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from sys import byteorder
from typing import Any, Final

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.budget import budget
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.json_numbers import MAX_TEXT, NotJsonError, Numbers, parse
from lstmcalc.readers.files.raw_numbers import View, named_blocks, numel, read_numbers, row_major
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import StateDict, Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of

_WORDS: Final = (b"weight", b"kernel")  # without any of these a text has no weights
_RECURRENT: Final = ("weight_hh", "recurrent_kernel")
_COUNTER: Final = "num_batches_tracked"  # of torch.nn.BatchNorm: a number among arrays
_MOST: Final = 100_000  # tensors
_MAX_DEPTH: Final = 20
_SIMPLE: Final = (bool, int, float, str)
_WIDTHS: Final = {"float32": 4, "float64": 8}


def json_document(file: File) -> Any:  # noqa: ANN401  # whatever it holds
    """The values of a JSON text that has weights, or names files that have; None for any other, and longer ones."""
    if isinstance(file, Inner):
        return _parsed(file)
    return budget().once("json", str(file), lambda: _parsed(file))


def _parsed(file: File) -> Any:  # noqa: ANN401
    section = section_of(file)
    data = section.read() if section.length <= MAX_TEXT else b""
    try:
        tree = parse(data) if any(word in data for word in _WORDS) else None
    except NotJsonError:
        return None
    return tree if _is_index(tree) or _reader(tree) else None  # what is of no use is not kept


def _is_index(tree: object) -> bool:
    """True for a document that names the files of tensors."""
    return isinstance(tree, dict) and isinstance(tree.get("weight_map"), dict) and bool(tree["weight_map"])


def json_kind(file: File) -> str:
    """`json` for a document with weights that are read, `index` for one with the files that hold them; else empty."""
    tree = json_document(file)
    if _is_index(tree):
        if isinstance(file, Inner):  # which has no folder
            return ""
        return "keras-index" if isinstance(next(iter(tree["weight_map"].values())), list) else "index"
    return "" if tree is None else "json"


def read_json_weights(file: File) -> WeightFile:
    """The weights of a JSON document, and the LSTMs that it states."""
    return weights_in(json_document(file), name_of(file), file)


def weights_of_text(text: str) -> WeightFile | None:
    """The weights in a text of JSON that is no file; None if it has none."""
    if not any(word.decode() in text for word in _WORDS):
        return None
    try:
        tree = parse(text.encode("utf-8", "replace"))
    except NotJsonError:
        return None
    return weights_in(tree, "the text") if _reader(tree) else None


def weights_in(tree: Any, name: str, file: File = "") -> WeightFile:  # noqa: ANN401  # the values of a document
    """The weights of a document; `file` is the one around which other files are looked for."""
    read = _reader(tree)
    if read is None:
        raise SourceError(f"{name} has no weights that are read", "a document of JSON with weights")
    return read(tree, name, file)


_Read = Callable[[Mapping[str, Any], str, File], WeightFile]


def _reader(tree: object) -> _Read | None:
    """The function that reads a document; None if it has no weights that are read."""
    if not isinstance(tree, dict):
        return None
    if {"architecture", "config", "weights"} <= tree.keys():
        listed, sizes = tree["weights"], tree["config"]
        fits = isinstance(listed, Numbers) and len(listed.shape) == 1 and isinstance(sizes, dict)
        return _read_amplifier if fits and tree["architecture"] == "LSTM" else None
    if "in_shape" in tree and isinstance(tree.get("layers"), list):
        return _read_layers if any("weights" in item for item in tree["layers"] if isinstance(item, dict)) else None
    named = any(word in path[-1] and len(numbers.shape) > 1 for path, numbers in _leaves(tree) for word in _RECURRENT)
    return _read_lists if named else None


# --- Tensors


def _dtype(parts: Sequence[Numbers]) -> str:
    """float32 if all numbers are such ones, else float64."""
    for numbers in parts:
        narrow = array("d", array("f", numbers.values))
        if narrow != numbers.values and any(a != b and b == b for a, b in zip(narrow, numbers.values, strict=True)):  # noqa: PLR0124  # NaN differs from itself
            return "float64"
    return "float32"


def _data(numbers: Numbers, dtype: str) -> Section:
    """The numbers as bytes in memory, the lowest byte first."""
    held = array("f", numbers.values) if dtype == "float32" else numbers.values
    if byteorder == "big":
        held = held[:]
        held.byteswap()
    return Section.of(held.tobytes())


def _stored(name: str, dtype: str, shape: tuple[int, ...], data: Section, view: View | None = None) -> Stored:
    """A tensor with its numbers in memory, which may be a part of others there."""
    view = view or View.whole(shape)

    def blocks() -> Iterator[Any]:
        return named_blocks(data, dtype, view, shorten(name))

    return Stored(name, dtype, shape, numel(shape) * _WIDTHS[dtype], partial(read_numbers, data, dtype, view), blocks)


# --- Lists under names


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Numbers]]:
    """The arrays of a document by their keys, in its order."""
    pending: list[Iterator[tuple[tuple[str, ...], Any]]] = [iter(((key,), item) for key, item in tree.items())]
    while pending:
        found = next(pending[-1], None)
        if found is None:
            pending.pop()
            continue
        keys, value = found
        if isinstance(value, Numbers):
            yield keys, value
        elif type(value) in (int, float) and keys[-1].endswith(_COUNTER):
            yield keys, Numbers((), array("d", [value]))
        elif isinstance(value, dict) and len(pending) < _MAX_DEPTH:
            pending.append(iter([((*keys, key), item) for key, item in value.items()]))


def _read_lists(tree: Mapping[str, Any], name: str, _file: File) -> WeightFile:
    """A document whose arrays stand under names."""
    leaves = list(_leaves(tree))
    if len(leaves) > _MOST:
        raise SourceError("this file has too many tensors", f"at most {_MOST:,}", f"{len(leaves):,}")
    dtype = _dtype([numbers for _, numbers in leaves])
    tensors = [_stored(".".join(keys), dtype, numbers.shape, _data(numbers, dtype)) for keys, numbers in leaves]
    folders = dict.fromkeys(keys[:-1] for keys, _ in leaves)
    states = []
    for folder in folders:
        held = {keys[-1]: tensor for (keys, _), tensor in zip(leaves, tensors, strict=True) if keys[:-1] == folder}
        states.append(StateDict(folder, held))
    flat = [state for state in states if len(state.keys) <= 1]
    return WeightFile(
        "lists in JSON",
        tuple(tensors),
        notes=(_dtype_note(dtype), *_model_notes(tree)),
        dictionaries=tuple(state.keys for state in flat),
        state_dicts=tuple(flat),
        code=_CODE.format(name=ascii(name), keys="{keys}"),
    )


_LISTS: Final = "json.loads(Path({name}).read_text()){keys}.items() if isinstance(v, list)"
_CODE: Final = f"import json\nfrom pathlib import Path\nstate = {{{{k: torch.tensor(v) for k, v in {_LISTS}}}}}"


def _dtype_note(dtype: str) -> str:
    return f"JSON has no dtype: its numbers {'are all exact in' if dtype == 'float32' else 'need'} {dtype}"


def _model_notes(tree: Mapping[str, Any]) -> Iterator[str]:
    """Notes on what a model of GuitarML states beside its weights, and on what contradicts them."""
    stated, state = tree.get("model_data"), tree.get("state_dict")
    if not isinstance(stated, dict):
        return
    said = [f"{key} = {value}" for key, value in stated.items() if isinstance(value, _SIMPLE)]
    yield f"model_data: {shorten(', '.join(said[:12]), 300)[1:-1]}"
    weight = state.get("rec.weight_hh_l0") if isinstance(state, dict) else None
    if isinstance(weight, Numbers) and weight.shape[-1] != stated.get("hidden_size"):
        yield f"model_data says hidden_size = {shorten(stated.get('hidden_size'))}, its arrays {weight.shape[-1]}"
    if stated.get("skip"):
        yield "skip: the model adds its input to its output, after the LSTM and the linear layer"


# --- RTNeural


def _parts(value: Any) -> list[Numbers]:  # noqa: ANN401  # of a document
    """The arrays in a list, which are joined if they have one shape."""
    if isinstance(value, Numbers):
        return value.rows() if len(value.shape) > 1 else []
    return [item for item in value if isinstance(item, Numbers)] if isinstance(value, list) else []


_ROLES: Final = ("kernel", "recurrent_kernel", "bias")
_GATES: Final = {"lstm": 4, "gru": 3}


def _read_layers(tree: Mapping[str, Any], name: str, _file: File) -> WeightFile:
    """A model of RTNeural: the arrays of each layer, and its recurrent ones."""
    layers = [item for item in tree["layers"] if isinstance(item, dict)]
    parts = [_parts(layer.get("weights")) for layer in layers]
    dtype = _dtype([numbers for held in parts for numbers in held])
    tensors, stated = list[Stored](), list[Found]()
    for index, (layer, held) in enumerate(zip(layers, parts, strict=True)):
        kind = layer.get("type")
        roles = _ROLES if kind in _GATES else ("kernel", "bias")
        names = [roles[at] if at < len(roles) else str(at) for at in range(len(held))]
        own = [
            _stored(f"layers.{index}.{role}", dtype, numbers.shape, _data(numbers, dtype))
            for role, numbers in zip(names, held, strict=True)
        ]
        tensors += own
        if kind in _GATES:
            stated.append(_recurrent(kind, index, layer, own, name))
    notes = (_dtype_note(dtype), "layers have no names in this file: they are called by their numbers")
    return WeightFile("RTNeural", tuple(tensors), tuple(stated), notes)


def _recurrent(kind: str, index: int, layer: Mapping[str, Any], own: Sequence[Stored], name: str) -> Found:
    """A recurrent layer, whose arrays have Keras' layout."""
    gates = _GATES[kind]
    fits = 2 <= len(own) <= 3 and all(len(tensor.shape) == 2 for tensor in own[:2])  # noqa: PLR2004
    if not fits or own[0].shape[1] % gates or own[0].shape[1] != own[1].shape[1]:
        shapes = ", ".join(str(tensor.shape) for tensor in own)
        expected = "[kernel, recurrent kernel, bias] as Keras has them"
        raise SourceError(f"the weights of layer {index}, {kind}, are none", expected, shapes, where=name)
    sizes = {"input_size": own[0].shape[0], "hidden_size": own[0].shape[1] // gates, "bias": len(own) == 3}  # noqa: PLR2004
    inferred = settings_of(sizes, tuple(sizes))
    fixed = settings_of({"num_layers": 1, "bidirectional": False, "batch_first": True})
    stated, notes = layer.get("shape"), list[str]()
    stated = stated.values if isinstance(stated, Numbers) else stated
    units = stated[-1] if isinstance(stated, list | array) and stated else None
    if units is not None and units != sizes["hidden_size"]:
        notes.append(f"its shape says {shorten(units)} units, its arrays {sizes['hidden_size']}")
    activation = layer.get("activation", "")
    named = {f"lstm/lstm_cell/{role}": tensor.name for role, tensor in zip(_ROLES, own, strict=False)}
    return Found(
        f"layers.{index}",
        "keras",
        kind=kind.upper(),
        options={"return_sequences": True} if kind == "lstm" else {},
        layer={**inferred, **fixed} if kind == "lstm" else inferred,
        notes=tuple(notes),
        unmodelled=(f"activation = {shorten(activation)}",) if activation not in ("tanh", "") else (),
        weights=Weights(named, names=tuple(tensor.name for tensor in own)),
    )


# --- Neural Amp Modeler


def _read_amplifier(tree: Mapping[str, Any], name: str, _file: File) -> WeightFile:
    """A model of Neural Amp Modeler: its list of numbers divided into arrays."""
    numbers, config = tree["weights"], tree["config"]
    sizes = [config.get(field) for field in ("input_size", "hidden_size", "num_layers")]
    if any(type(size) is not int or not 0 < size <= len(numbers.values) for size in sizes):
        raise SourceError(f"the sizes of {name} are none", "input_size, hidden_size, num_layers", shorten(config))
    width, hidden, count = sizes
    wanted = sum(4 * hidden * ((hidden if layer else width) + hidden + 1) + 2 * hidden for layer in range(count))
    outputs, left = divmod(len(numbers.values) - wanted, hidden + 1)
    if left or outputs < 1:
        raise SourceError(
            f"{name} has another number of weights than its sizes need",
            f"{wanted + hidden + 1:,} for LSTM({width}, {hidden}, num_layers={count}) and a linear layer",
            f"{len(numbers.values):,}",
        )
    return _divided(numbers, width, hidden, count, outputs)


def _divided(numbers: Numbers, width: int, hidden: int, count: int, outputs: int) -> WeightFile:
    """The arrays in the list of Neural Amp Modeler, by lstmcalc's names: the list has none."""
    dtype = _dtype([numbers])
    data, at, tensors = _data(numbers, dtype), 0, list[Stored]()
    named, zeros, states = dict[str, str](), list[Stored](), 0

    def add(name: str, *shape: int, offset: int | None = None, row: int = 0) -> Stored:
        """An array from the place where the list goes on, or from an offset, in rows that are that far apart."""
        nonlocal at
        strides = (row, 1) if row else row_major(shape)
        tensor = _stored(name, dtype, shape, data, View(shape, strides, at if offset is None else offset))
        at += 0 if row else numel(shape)
        tensors.append(tensor)
        return tensor

    for layer in range(count):
        start, row = at, width + hidden
        named[f"weight_ih_l{layer}"] = add(f"layers.{layer}.W_ih", 4 * hidden, width, row=row, offset=start).name
        named[f"weight_hh_l{layer}"] = add(
            f"layers.{layer}.W_hh", 4 * hidden, hidden, row=row, offset=start + width
        ).name
        at += 4 * hidden * row
        bias = add(f"layers.{layer}.b", 4 * hidden)
        none = Stored(f"layers.{layer}.zeros", dtype, bias.shape, 0, partial(_zeros, bias))
        named |= {f"bias_ih_l{layer}": bias.name, f"bias_hh_l{layer}": none.name}
        zeros.append(none)
        states += sum(numbers.values[at + index] != 0 for index in range(2 * hidden))
        for state in ("h_0", "c_0"):
            add(f"layers.{layer}.{state}", hidden)
        width = hidden
    add("head.weight", outputs, hidden)
    add("head.bias", outputs)
    begin = "are all zeros" if not states else f"are not zeros, in {states} of {2 * hidden * count} numbers"
    says = "" if not states else ": run begins with zeros, other states are --input FILE.npz with h_0 and c_0"
    notes = (
        f"the initial states h_0 and c_0 that are stored {begin}{says}",
        "each layer stores one bias: bias_hh is zeros, which PyTorch counts",
    )
    fields = {"input_size": tensors[0].shape[1], "hidden_size": hidden, "num_layers": count}
    fields |= {"bias": True, "bidirectional": False}
    own = tuple(tensor.name for tensor in tensors if tensor.name.startswith("layers."))
    found = Found(
        "lstm", "pytorch", layer=settings_of(fields), notes=notes, weights=Weights(named, tuple(zeros), names=own)
    )
    about = (_dtype_note(dtype), "the file has one list of numbers: the names of its parts are those of lstmcalc")
    return WeightFile("Neural Amp Modeler", tuple(tensors), (found,), about)


def _zeros(like: Stored) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    return np.zeros(like.shape, like.dtype)
