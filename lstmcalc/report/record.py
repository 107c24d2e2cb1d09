"""Any record as plain data, from which JSON and CSV are written.

A report is made of named tuples, whose classes are made in a fifth of the time of dataclasses at each start, and of
dataclasses where a record extends another or has a field with a mark. Their fields, in their order, are the keys of the
JSON. A field that would be a word of Python, or hide a method of tuples, ends in an underscore, which the key does not
have; one that is `omitted()` is no key where it is None; one that is `internal()` is no key at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, Final, TypeAlias

from lstmcalc.lazy import LazySequence


def omitted() -> Any:  # noqa: ANN401  # the default of a field, which has the type of the field
    """The default of a field that is no key of the JSON where it is None."""
    return field(default=None, metadata={"omitted": True})


def internal() -> Any:  # noqa: ANN401  # as above
    """The mark of a field that is for the view alone: it is no key of the JSON, and has no default."""
    return field(metadata={"internal": True})


def plain(value: Any) -> Any:  # noqa: ANN401  # any record, and what is in it
    """A record as dictionaries, lists, text and numbers; a lazy sequence stays lazy."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if kind not in _MAKERS:
        _MAKERS[kind] = _maker_for(kind)
    return _MAKERS[kind](value)


def fields_of(record: Any) -> list[str]:  # noqa: ANN401  # a record
    """The names of a record's fields that are keys of its JSON."""
    if not is_dataclass(record):
        return list(record._fields)
    marks = {item.name: item.metadata for item in fields(record) if "internal" not in item.metadata}
    return [name for name, mark in marks.items() if "omitted" not in mark or getattr(record, name) is not None]


# A long report has a million values, so that what to make of each kind is found once. Most values are leaves.
_LEAVES: Final = frozenset({type(None), bool, int, float, str})
_Maker: TypeAlias = Callable[[Any], Any]  # of a value, the value as plain data
_MAKERS: Final[dict[type, _Maker]] = {}  # filled by `plain`


def _maker_for(kind: type) -> _Maker:
    """The function that makes values of this kind plain."""
    if issubclass(kind, str | int | float):
        return lambda value: value
    if issubclass(kind, LazySequence):
        return lambda value: LazySequence(len(value), lambda index: plain(value[index]))
    if issubclass(kind, Mapping):
        return lambda value: {key: item if type(item) in _LEAVES else plain(item) for key, item in value.items()}
    if hasattr(kind, "_fields") or is_dataclass(kind):
        return _record_maker(kind)
    if issubclass(kind, list | tuple):
        return lambda value: [item if type(item) in _LEAVES else plain(item) for item in value]
    return str  # a size in symbols


def _record_maker(kind: Any) -> _Maker:  # noqa: ANN401  # a class of records
    """The function that makes a record of this kind a dictionary."""
    marks = {item.name: item.metadata for item in fields(kind)} if is_dataclass(kind) else {}
    keys = {name: name.rstrip("_") for name in marks or kind._fields if "internal" not in marks.get(name, ())}
    optional = [keys[name] for name, mark in marks.items() if "omitted" in mark]

    def make(value: object) -> object:
        made = {
            key: item if type(item := getattr(value, name)) in _LEAVES else plain(item) for name, key in keys.items()
        }
        for key in optional:
            if made[key] is None:
                del made[key]
        return made

    return make
