"""The tables of a configuration, with the names in each, however they are written.

Flat keys with dots, `model.rnn.hidden_size`, and keys that begin with an LSTM's name, `lstm_hidden_size`, are names in
a table of their own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.readers.configurations.evidence import Level
from lstmcalc.readers.configurations.words import FIELD_OF, key_of
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.positions import KeyPath

_SEPARATED: Final = re.compile(r"(?P<prefix>[\w\-./]+)[./](?P<name>[\w\-]+)")


class Entry(NamedTuple):
    """A key and its value."""

    key: str  # as the document has it
    value: Any
    path: KeyPath


class Group(NamedTuple):
    """Names that stand together."""

    path: KeyPath  # what the LSTM would be called
    table: Mapping[str, Any]  # with what stands beside them
    entries: Mapping[str, Entry]  # by their names in the spelling of PyTorch
    above: Sequence[Level]
    around: Mapping[str, Entry] = {}  # the names of the table that flat ones are in


class Candidate(NamedTuple):
    """An LSTM of a document, with the names that it is read from."""

    found: Found
    group: Group
    alone: bool = True  # True if the table is this LSTM, and nothing else


class Named(NamedTuple):
    """A table of a document, and the groups of names in it."""

    whole: Group  # all its names
    groups: Sequence[Group]


def tables_in(root: object) -> Iterator[Named]:
    """Every table of a document, in the order in which they begin."""
    yield from _tables(root, (), [])


def _tables(node: object, path: KeyPath, above: list[Level]) -> Iterator[Named]:
    if isinstance(node, Mapping):
        names: dict[str, Entry] = {}
        for key, value in node.items():
            names.setdefault(key_of(key), Entry(key, value, (*path, key)))
        yield Named(Group(path, node, names, above), list(_of_table(node, names, path, above)))
    items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if isinstance(value, Mapping) or (isinstance(value, list) and _holds_tables(value)):
            yield from _tables(value, (*path, key), [*above, Level(node, key)])


def _holds_tables(items: list[Any]) -> bool:
    """True for a list with a table in it, or with lists that may have one; most lists are of numbers."""
    return any(isinstance(item, Mapping | list) for item in items)


def _of_table(
    table: Mapping[str, Any], own: Mapping[str, Entry], path: KeyPath, above: Sequence[Level]
) -> Iterator[Group]:
    """The group of a table itself, and of each beginning of flat keys."""
    flat: dict[tuple[str, ...], dict[str, Entry]] = {}
    for key, value in table.items():
        entry = Entry(key, value, (*path, key))
        dotted = _SEPARATED.fullmatch(key) if "." in key or "/" in key else None
        before, lstm, name = key_of(key).partition("lstm_")
        if dotted:
            parts = tuple(re.split(r"[./]", dotted.group("prefix")))
            flat.setdefault(parts, {})[key_of(dotted.group("name"))] = entry
        elif lstm and name in FIELD_OF and (before in ("", "b", "bi") or before.endswith("_")):
            flat.setdefault((f"{before}lstm",), {})[name] = entry
    whole = [
        (parts, names) for parts, names in flat.items() if any(FIELD_OF.get(name) == "hidden_size" for name in names)
    ]
    taken = {entry.key for _, names in whole for entry in names.values()}
    rest = {name: entry for name, entry in own.items() if entry.key not in taken}
    if not whole or not all(len(parts) == 1 for parts, _ in whole):
        yield Group(path, table, rest, above)
    for parts, names in whole:
        beside = {entry.key.rpartition(".")[2]: entry.value for entry in names.values()}
        levels = [*above, *(Level(table if not number else {}, part) for number, part in enumerate(parts))]
        yield Group((*path, *parts), beside, names, levels, rest)
