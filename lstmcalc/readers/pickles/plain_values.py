"""The plain values that a pickle constructs by a call: lists, dictionaries, bytes."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from lstmcalc.readers.pickles.records import Call, Global, LongString, Table, text_of


def as_call(function: Global, arguments: tuple[Any, ...]) -> Call:
    """The record of any other call."""
    return Call(function, arguments)


def _as_list(function: Global, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  # the list, or a call
    """The list for a list, tuple or set that is made from nothing, or from a list, which is not copied."""
    if not arguments:
        return []
    fits = len(arguments) == 1 and isinstance(arguments[0], list | tuple)
    return arguments[0] if fits else Call(function, arguments)


def _as_table(function: Global, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  # the table, or a call
    """The table for a dictionary that is made from nothing, another one, or a list of pairs as in Python 2."""
    given = arguments[0] if arguments else None
    if isinstance(given, Table):
        return given
    if not isinstance(given, list):
        return Table()
    if any(not isinstance(item, list | tuple) or len(item) != 2 for item in given):  # noqa: PLR2004  # key and value
        return Call(function, arguments)
    return Table([(item[0], item[1]) for item in given])


def _as_bytes(function: Global, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  # bytes, or a call
    """The bytes that a protocol before 3 stores as text of Latin-1."""
    if not arguments:
        return b""
    text, *coding = arguments
    if isinstance(text, bytes) or (isinstance(text, LongString) and not text.coding):
        return text
    if not coding or str(text_of(coding[0])).lower() not in ("latin1", "latin-1", "iso-8859-1"):
        return Call(function, arguments)
    return text.encode("latin-1") if isinstance(text, str) else text


Constructor: TypeAlias = Callable[[Global, tuple[Any, ...]], Any]
_BUILTINS: Final = ("builtins", "__builtin__")
# The constructors of plain values. Nothing else is constructed: any other call stays a record.
PLAIN: Final[Mapping[str, Constructor]] = {
    **{f"{module}.{name}": _as_list for module in _BUILTINS for name in ("set", "frozenset", "list", "tuple")},
    **{f"{module}.{name}": _as_bytes for module in _BUILTINS for name in ("bytes", "bytearray")},
    **{f"{module}.dict": _as_table for module in _BUILTINS},
    "collections.OrderedDict": _as_table,
    "collections.defaultdict": _as_table,
    "_codecs.encode": _as_bytes,
}
