"""Lists of layers in a configuration that feed one another: what an LSTM reads that does not say so itself.

Not here: the settings of each (`recognition`), and Keras' own lists (`readers.keras.models`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lstmcalc.readers.configurations.references import at
from lstmcalc.readers.configurations.tables_in import Candidate
from lstmcalc.readers.configurations.values import Tree, plain
from lstmcalc.readers.configurations.words import KIND_KEYS, key_of, listed
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document
from lstmcalc.readers.text.positions import KeyPath
from lstmcalc.spec.provenance import Gap, Origin, Setting

# Layers whose output has the features of their input.
_KEEPING: Final = frozenset(
    listed(
        """
    dropout spatialdropout1d spatialdropout gaussiannoise gaussiandropout alphadropout batchnorm
    batchnormalization layernorm layernormalization norm normalization activation relu leakyrelu tanh sigmoid
    elu gelu selu prelu silu softmax masking identity
    """
    )
)
# Layers that state the features of their output, with the names for it.
_SIZED: Final = {
    **dict.fromkeys(
        ("dense", "linear", "fc"), ("units", "neurons", "out_features", "output_size", "output_dim", "size")
    ),
    "embedding": ("output_dim", "embedding_dim", "dim", "size"),
}


# What a list of layers is called; experiments, models and results are lists of other things.
_STACKS: Final = re.compile(
    r"layers?|stack|sequential|seq|modules|blocks|network|net|architecture|arch|model|encoder|decoder"
)


def with_inputs(document: Document, tree: Tree, candidates: Sequence[Candidate]) -> list[Found]:
    """The LSTMs, those in lists of layers with the layer that they read."""
    places = [_place_in_list(tree, item.group.path) for item in candidates]
    before = {place: item for place, item in zip(places, candidates, strict=True) if item.alone and place}
    found: list[Found] = []
    for item, place in zip(candidates, places, strict=True):
        open_ = item.alone and "input_size" in item.found.gaps
        fed = _fed(document, tree, before, item.found, place) if place and open_ else item.found
        if fed is not item.found and "input_size" not in fed.gaps and not _is_stack(tree, place[:-1]):
            doubt = "it reads what stands before it in its list, if these are layers of one network"
            fed = fed._replace(uncertain=(*fed.uncertain, doubt))
        found.append(fed)
    return found


def _is_stack(tree: Tree, path: KeyPath) -> bool:
    """True if a list is said to be of layers that feed one another: by its name, or by what else is in it."""
    if path and isinstance(path[-1], str) and _STACKS.fullmatch(key_of(path[-1]).rpartition("_")[2]):
        return True
    items = at(tree.root, path)
    for kind, inside in map(_kind, items if isinstance(items, list) else ()):
        if kind in _KEEPING or kind in _SIZED or any(name.startswith("return_seq") for name in inside):
            return True
    return False


def _place_in_list(tree: Tree, path: KeyPath) -> KeyPath:
    """The path of the item of a list that an LSTM is; empty if it is in none."""
    for length in range(len(path), 0, -1):
        if isinstance(path[length - 1], int):
            item = at(tree.root, path[:length])
            whole = length == len(path) or (isinstance(item, Mapping) and (len(path) == length + 1))
            return path[:length] if whole and not _is_wired(tree, path[: length - 1], item) else ()
    return ()


# Keys that say what feeds what: then the order of a list does not.
_WIRES: Final = frozenset(("edges", "connections", "links", "inputs", "inbound", "inbound_nodes", "from", "source"))


def _is_wired(tree: Tree, path: KeyPath, item: object) -> bool:
    """True if a list of layers, or a layer of it, names what it reads."""
    around = at(tree.root, path[:-1]) if path else None
    tables = [table for table in (around, item) if isinstance(table, Mapping)]
    return any(key_of(key) in _WIRES for table in tables for key in table)


def _fed(document: Document, tree: Tree, by_place: Mapping[KeyPath, Candidate], found: Found, place: KeyPath) -> Found:
    """An LSTM with what the layer before it in its list gives."""
    *base, number = place
    gaps = {field: gap for field, gap in found.gaps.items() if field != "input_size"}
    for index in range(int(number) - 1, -1, -1):
        path = (*base, index)
        before = by_place.get(path)
        if before is not None:
            return found._replace(reads=before.found.name, gaps=gaps)
        layer = at(tree.root, path)
        kind, inside = _kind(layer)
        if kind in _KEEPING:
            continue
        size = next((inside[name] for name in _SIZED.get(kind, ()) if type(inside.get(name)) is int), None)
        if size is None:
            what = f"no input_size, and what {kind or 'the layer'} before it gives is not known"
            return found._replace(gaps={**found.gaps, "input_size": Gap(what)})
        setting = Setting(size, Origin(document.origin, document.where(path), "inferred"))
        pointers = {**found.pointers, "input_size": document.pointer(path)}
        return found._replace(gaps=gaps, layer={**found.layer, "input_size": setting}, pointers=pointers)
    return found


def _kind(layer: Any) -> tuple[str, Mapping[str, Any]]:  # noqa: ANN401  # an item of a list
    """The kind of a layer, and its settings by the names of PyTorch's spelling."""
    if not isinstance(layer, Mapping):
        return (_word(layer), {}) if isinstance(layer, str) else ("", {})
    inside = {key_of(key): plain(value) for key, value in layer.items()}
    named = [inside[key] for key in ("type", "class_name", "_target_", *KIND_KEYS) if isinstance(inside.get(key), str)]
    if named:
        return _word(str(named[0])), inside
    if len(layer) == 1:
        key, value = next(iter(layer.items()))
        held = {key_of(name): plain(item) for name, item in value.items()} if isinstance(value, Mapping) else {}
        return _word(str(key)), held
    return "", inside


def _word(text: str) -> str:
    return "".join(letter for letter in text.rpartition(".")[2].lower() if letter.isalnum())
