"""Documents of JSON that hold a model and are not read, by their keys; and what mentions an LSTM in any other.

Sources: NeuralAmpModelerCore 0.5 (get_dsp.cpp), RTNeural (model_loader.h), each by a file that it reads; TensorFlow.js
4 (io/types.ts), MXNet 1.9 (symbol.json) and Core ML from general knowledge.

Not here: those whose weights are read (`files.json_weights`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lstmcalc.errors import printable, shorten
from lstmcalc.readers.files.unread import Unread
from lstmcalc.spec.words import with_dots

_MOST: Final = 10_000  # values that are looked at
_CLIPPED: Final = 200  # characters of a path
_ORIGIN: Final = "give the model that it was converted from"
# Kinds by keys at the top, all of which are there.
_KINDS: Final = (
    (("modelTopology", "weightsManifest"), "a model of TensorFlow.js"),
    (("weightsManifest",), "the weights' manifest of TensorFlow.js"),
    (("nodes", "arg_nodes", "heads"), "a graph of MXNet (symbol.json)"),
    (("fileFormatVersion", "itemInfoEntries"), "the manifest of a package of Core ML"),
)


def json_format(tree: Mapping[str, Any]) -> Unread | None:
    """The format of a document that holds a model or its weights and is not read; None if it is of no known one."""
    known = _amplifier(tree) or _layers(tree)
    if known:
        return known
    fitting = ((keys, name) for keys, name in _KINDS if all(key in tree for key in keys))
    return next((Unread(name, _hint(name), f"its keys {', '.join(keys)}") for keys, name in fitting), None)


def _hint(name: str) -> str:
    return "give the file itself, beside the files of its numbers" if "TensorFlow.js" in name else _ORIGIN


def _amplifier(tree: Mapping[str, Any]) -> Unread | None:
    """A model of Neural Amp Modeler that is no LSTM, or whose weights are no list of numbers."""
    if not {"architecture", "config", "weights"} <= tree.keys():
        return None
    seen = f"architecture = {_brief(tree['architecture'])}"
    return Unread("a model of Neural Amp Modeler (.nam)", _ORIGIN, seen, "its other parts are not read")


def _layers(tree: Mapping[str, Any]) -> Unread | None:
    """A model of RTNeural without weights."""
    layers = tree.get("layers")
    if "in_shape" not in tree or not isinstance(layers, list):
        return None
    kinds = [
        printable(item["type"]) for item in layers if isinstance(item, Mapping) and isinstance(item.get("type"), str)
    ]
    seen = f"layers of the types {with_dots(kinds, 6)}" if kinds else "its keys in_shape, layers"
    return Unread("a model of RTNeural", _ORIGIN, seen, "it has no weights that are read")


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
