"""Documents of JSON that hold a model and are not read, by their keys; and what mentions an LSTM in any other.

Sources: NeuralAmpModelerCore 0.5 (get_dsp.cpp), RTNeural (model_loader.h), GuitarML's Proteus and NeuralPi
(AutomatedGuitarAmpModelling, networks.py), deeplearn.js 0.4 (dump_checkpoint_vars.py), each by a file that it reads;
TensorFlow.js 4 (io/types.ts), MXNet 1.9 (symbol.json) and Core ML from general knowledge.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lstmcalc.errors import printable, shorten
from lstmcalc.readers.files.unread import Unread
from lstmcalc.spec.words import with_dots

_MOST: Final = 10_000  # values that are looked at
_CLIPPED: Final = 200  # characters of a path
_ORIGIN: Final = "give the model that it was converted from"
_SAVE: Final = (
    "with PyTorch: torch.save({{k: torch.tensor(v) for k, v in json.load(open(FILE)){part}.items()}}, NEW), "
    "and read NEW"
)
_UNREAD: Final = "its numbers are not read"
# Kinds by keys at the top, all of which are there.
_KINDS: Final = (
    (("modelTopology", "weightsManifest"), "a model of TensorFlow.js"),
    (("weightsManifest",), "the weights' manifest of TensorFlow.js"),
    (("nodes", "arg_nodes", "heads"), "a graph of MXNet (symbol.json)"),
    (("fileFormatVersion", "itemInfoEntries"), "the manifest of a package of Core ML"),
)


def json_format(tree: Mapping[str, Any]) -> Unread | None:
    """The format of a document that holds a model or its weights and is not read; None if it is of no known one."""
    known = _state_dict(tree) or _manifest(tree) or _amplifier(tree) or _layers(tree)
    if known:
        return known
    fitting = ((keys, name) for keys, name in _KINDS if all(key in tree for key in keys))
    return next((Unread(name, _hint(name), f"its keys {', '.join(keys)}") for keys, name in fitting), None)


def _hint(name: str) -> str:
    return "give the file itself, beside the files of its numbers" if "TensorFlow.js" in name else _ORIGIN


def _state_dict(tree: Mapping[str, Any]) -> Unread | None:
    """Lists of numbers under names of a recurrent module of PyTorch, at the top or under `state_dict`."""
    for part in ("", "state_dict"):
        held: Any = tree.get(part) if part else tree
        items = held.items() if isinstance(held, Mapping) else ()
        recurrent = next((name for name, value in items if "weight_hh" in name and _is_matrix(value)), None)
        if recurrent is not None:
            seen = f"lists under names of PyTorch, e.g. {printable(recurrent)} {_sizes(held[recurrent])}"
            hint = _SAVE.format(part=f"[{part!r}]" if part else "")
            return Unread("a state_dict of PyTorch as lists", hint, seen, _UNREAD)
    return None


def _is_matrix(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _sizes(matrix: list[Any]) -> str:
    """The shape of a list of lists, by the first of them."""
    return f"({len(matrix)}, {len(matrix[0])})"


def _manifest(tree: Mapping[str, Any]) -> Unread | None:
    """Names of variables, each with the file of its numbers and its shape."""
    shaped = (
        isinstance(item, Mapping) and isinstance(item.get("shape"), list) and "filename" in item
        for item in tree.values()
    )
    if not tree or not all(shaped):
        return None
    named = next((name for name in tree if "lstm" in name.lower()), next(iter(tree)))
    seen = f"names and shapes, e.g. {printable(named)} {shorten(tuple(tree[named]['shape']))}"
    name = "the manifest of a checkpoint for deeplearn.js"
    return Unread(name, "give the file itself", seen, "numbers are in other files")


def _amplifier(tree: Mapping[str, Any]) -> Unread | None:
    """A model of Neural Amp Modeler, which states its architecture; its weights are one flat list."""
    if not {"architecture", "config", "weights"} <= tree.keys():
        return None
    kind, config = tree["architecture"], tree["config"]
    flags = {"input_size": "--input", "hidden_size": "--hidden", "num_layers": "--layers"}
    sizes = [config.get(field) if isinstance(config, Mapping) else None for field in flags]
    name, seen = "a model of Neural Amp Modeler (.nam)", f"architecture = {_brief(kind)}"
    if kind != "LSTM" or not all(type(size) is int for size in sizes):
        return Unread(name, _ORIGIN, seen, "its other parts are not read")
    given = " ".join(f"{flag} {size}" for flag, size in zip(flags.values(), sizes, strict=True))
    return Unread(name, f"give the sizes that it states as flags: {given}", f"{seen}, {_brief(config)}", _UNREAD)


def _layers(tree: Mapping[str, Any]) -> Unread | None:
    """A model of RTNeural: layers with a type, and weights as lists."""
    layers = tree.get("layers")
    if "in_shape" not in tree or not isinstance(layers, list):
        return None
    kinds = [
        printable(item["type"]) for item in layers if isinstance(item, Mapping) and isinstance(item.get("type"), str)
    ]
    seen = f"layers of the types {with_dots(kinds, 6)}" if kinds else "its keys in_shape, layers"
    hint = "give the Keras model that it was exported from" if "lstm" in kinds else _ORIGIN
    return Unread("a model of RTNeural", hint, seen, _UNREAD)


def _brief(value: object) -> str:
    """A value in a message."""
    return printable(value) if isinstance(value, str) else shorten(value)


def lstm_mention(tree: object) -> str:
    """The first key or text with the word LSTM, with its place: `encoder.type = lstm`; empty if none is found."""
    for path, key, value in _members(tree):
        if isinstance(value, str) and "lstm" in value.lower():
            return f"{printable(path)} = {_brief(value[:60])}"
        if "lstm" in key.lower():
            return printable(path)
    return ""


def _members(tree: object) -> Iterator[tuple[str, str, object]]:
    """The path, the key and the value of each member, level by level, as many as are looked at."""
    level: Sequence[tuple[str, object]] = [("", tree)]
    left = _MOST
    while level:
        below: list[tuple[str, object]] = []
        for path, node in level:
            items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
            for key, value in items:
                left -= 1
                if left < 0:
                    return
                inner = (f"{path}.{str(key)[:_CLIPPED]}" if path else str(key))[-_CLIPPED:]
                yield inner, str(key), value
                if isinstance(value, Mapping | list):
                    below.append((inner, value))
        level = below
