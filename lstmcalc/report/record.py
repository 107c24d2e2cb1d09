"""Any record as plain data, from which JSON and CSV are written.

A report is made of frozen dataclasses: their fields, in their order, are the keys of the JSON. A field that would be a
word of Python ends in an underscore, which the key does not have; a field whose default is `omitted()` is no key where
it is None; one that is `internal()` is no key at all.
"""

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, Final

from lstmcalc.lazy import LazySequence


def omitted() -> Any:  # noqa: ANN401  # the default of a field, which has the type of the field
    """The default of a field that is no key of the JSON where it is None."""
    return field(default=None, metadata={"omitted": True})


def internal() -> Any:  # noqa: ANN401  # as above
    """The mark of a field that is for the view alone: it is no key of the JSON, and has no default."""
    return field(metadata={"internal": True})


def plain(value: Any) -> Any:  # noqa: ANN401  # any record, and what is in it
    """A record as dictionaries, lists, text and numbers; a lazy sequence stays lazy."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, LazySequence):
        return LazySequence(len(value), lambda index: plain(value[index]))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        items = ((key, getattr(value, name), optional) for name, key, optional in _keys_of(type(value)))
        return {key: plain(item) for key, item, optional in items if not (optional and item is None)}
    return str(value)  # a size in symbols


_KEYS: Final[dict[type, tuple[tuple[str, str, bool], ...]]] = {}  # found by `_keys_of`


def _keys_of(kind: Any) -> tuple[tuple[str, str, bool], ...]:  # noqa: ANN401  # a dataclass
    """The fields of a record: their names, their keys, and True for those that may be left out."""
    if kind not in _KEYS:
        shown = [item for item in fields(kind) if "internal" not in item.metadata]
        _KEYS[kind] = tuple((item.name, item.name.rstrip("_"), "omitted" in item.metadata) for item in shown)
    return _KEYS[kind]
