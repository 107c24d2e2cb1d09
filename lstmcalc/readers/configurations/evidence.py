"""The evidence in a table of a configuration: that it is of an LSTM, of something else, or of nothing.

The nearest statement counts: the class of the table, words beside its sizes, the names of the tables that it is in,
and what stands beside those.

Not here: the words themselves (`words`), and the settings (`recognition`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.errors import printable
from lstmcalc.readers.configurations.references import is_wrapped
from lstmcalc.readers.configurations.values import Tree
from lstmcalc.readers.configurations.words import (
    CLASS_KEYS,
    HOLDERS,
    KERAS_CLASSES,
    KIND_KEYS,
    MODEL_KEYS,
    TORCH_CELLS,
    TORCH_CLASSES,
    key_of,
    kind_of,
    names_lstm,
    names_other,
)
from lstmcalc.readers.text.positions import KeyPath


class Evidence(NamedTuple):
    """The evidence for what a table is of."""

    # `lstm`, `bilstm`, `like`; `rnn`, `other`, `unknown`, which are no LSTM's; or empty: nothing is said
    verdict: str = ""
    why: str = ""  # the statement, e.g. `type = gru`
    own: bool = True  # False if it is said of something around the table
    exact: str = ""  # the framework whose class it names: `pytorch`, `pytorch-cell`, `keras`
    firm: bool = True  # False if it is said of a model, which may be made of more: `model = lstm`
    strong: bool = False  # True if it speaks of the recurrent layer alone, and so outweighs what is said of the whole


class Level(NamedTuple):
    """A table around another one, with the key that leads on from it."""

    table: Any  # a table or a list
    key: str | int


# Keys that speak of the recurrent layer alone.
_RECURRENT: Final = re.compile(r"rnn|cell|recurrent|unit|lstm|layer_type|^_target|^class|^cls$")
# Keys whose text, if it names no layer that is known, names one that is not.
_TELLING: Final = frozenset(
    ("type", "class", "cell_type", "rnn_type", "rnn_cell", "layer_type", "unit_type", "_type", "rnn_cell_type")
)
_SWITCH: Final = re.compile(r"(?:use|is|with|enable)_?(?P<kind>lstm|gru|rnn)|(?P<bare>lstm)")


def evidence_of(tree: Tree, table: Mapping[str, Any], path: KeyPath, above: Sequence[Level]) -> Evidence:
    """The evidence for what a table is of, by its own words, or those of the tables around it."""
    own = _said_in(tree, table)
    if own.verdict:
        return own
    held = True  # True as long as the tables in between only hold arguments
    for level, part in zip(reversed(above), reversed(path), strict=True):
        if isinstance(part, str) and key_of(part) not in HOLDERS:
            if names_lstm(part):
                return Evidence("lstm", printable(part), own=held)
            if names_other(part):
                return Evidence("other", f"its name, {printable(part)}")
            held = False
        around = _said_in(tree, level.table) if isinstance(level.table, Mapping) else Evidence()
        if around.verdict and (held or around.exact or around.verdict != "unknown"):
            return around._replace(own=held)
    return Evidence()


def _said_in(tree: Tree, table: Mapping[str, Any]) -> Evidence:
    """The evidence of the keys of a table; it is remembered, as a table may be around many others."""
    if id(table) not in tree.said:
        tree.said[id(table)] = _weighed(tree, table)
    said: Evidence = tree.said[id(table)]
    return said


def _weighed(tree: Tree, table: Mapping[str, Any]) -> Evidence:
    """The statement of a table that counts."""
    found = [item for item in _statements(tree, table) if item.verdict]
    chosen = [item for item in found if item.strong] or found
    if not chosen:
        return Evidence()
    for verdict in ("lstm", "bilstm", "like"):
        positive = next((item for item in chosen if item.verdict == verdict), None)
        if positive:
            against = next((item for item in found if item.verdict in ("other", "unknown")), None)
            if against and verdict != "like" and not positive.exact:
                return Evidence("like", f"{against.why} and {positive.why}")
            return positive
    return next((item for item in chosen if item.verdict == "other"), chosen[0])


def _statements(tree: Tree, table: Mapping[str, Any]) -> Iterator[Evidence]:
    """Each statement in a table."""
    tagged = tree.class_of(table)
    if tagged:
        yield _of_class(tagged, f"!{tagged}")
    for key, held in table.items():
        name = key_of(key)
        value = held["value"] if is_wrapped(held) else held
        if key in CLASS_KEYS and isinstance(value, str):
            yield _of_class(value, f"{key} = {printable(value[:80])}")
        elif key in MODEL_KEYS:
            yield _of_model(key, value)
        elif isinstance(value, str) and (name in KIND_KEYS or name.endswith(("_type", "_cell", "_arch", "_model"))):
            yield _of_kind(name, key, value)
        elif isinstance(value, bool) and (found := _SWITCH.fullmatch(name)):
            kind = found.group("kind") or "lstm"
            verdict = {("lstm", True): "lstm", ("gru", True): "other", ("lstm", False): "other"}.get((kind, value), "")
            yield Evidence(verdict, f"{printable(key)} = {str(value).lower()}", strong=True)


def _of_class(text: str, why: str) -> Evidence:
    """The evidence of the name of a class: a class of a program's own may be called LSTM too."""
    exact = {
        **dict.fromkeys(TORCH_CLASSES, "pytorch"),
        **dict.fromkeys(TORCH_CELLS, "pytorch-cell"),
        **dict.fromkeys(KERAS_CLASSES, "keras"),
    }.get(text.strip(), "")
    kind = "lstm" if exact else kind_of(text)
    if "." in text and kind in ("lstm", "bilstm") and not exact:
        kind = "like"
    if not kind and kind_is_blank(text):
        return Evidence()
    return Evidence(kind or "unknown", why, strong=True, exact=exact)


def kind_is_blank(text: str) -> bool:
    """True if a class says nothing of a layer, as argparse's Namespace."""
    return text.rpartition(".")[2].lower() in (
        "namespace", "simplenamespace", "ordereddict", "easydict", "attrdict", "attributedict", "munch", "dotmap",
        "box", "omegaconf", "dictconfig", "dict",
    )  # fmt: skip


def _of_model(key: str, value: object) -> Evidence:
    """The evidence of a configuration of Hugging Face: a model that does not call itself an LSTM is another one."""
    text = value if isinstance(value, str) else " ".join(map(str, value)) if isinstance(value, list) else ""
    if key == "model_type" and kind_of(text) in ("lstm", "bilstm", "like"):
        return Evidence(kind_of(text), f"{key} = {printable(text[:80])}", strong=True)
    if "lstm" in text.lower():
        return Evidence("like", f"{key} = {printable(text[:80])}", strong=True)
    return Evidence("other", f"{key} = {printable(text[:80])}", strong=True)


def _of_kind(name: str, key: str, value: str) -> Evidence:
    """The evidence of a word that stands under a key for one."""
    kind = kind_of(value)
    why = f"{printable(key)} = {printable(value[:80])}"
    if name not in KIND_KEYS and kind not in ("lstm", "bilstm"):
        return Evidence()
    if kind == "like" and name not in _TELLING and " " in value.strip():
        return Evidence()  # a sentence
    if not kind and name in _TELLING and value.strip():
        return Evidence("unknown", why, strong=bool(_RECURRENT.search(name)))
    strong = bool(_RECURRENT.search(name))
    return Evidence(kind, why, firm=strong or name in _TELLING, strong=strong)
