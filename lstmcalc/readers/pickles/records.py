"""The inert values of a pickle: the names of functions and classes, and what they would be called with."""

import re
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.sections import Section


class Global(NamedTuple):
    """The name of a class or function, which is not imported."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """The module and the name, joined by a dot."""
        return f"{self.module}.{self.name}"


class Persistent(NamedTuple):
    """An object outside of the pickle, which refers to it by a key."""

    key: Any


class LongString(NamedTuple):
    """A string that was left in the file."""

    section: Section  # its bytes as they are in the file
    coding: str = ""  # empty for bytes, `utf-8`, or in a line of protocol 0 `escaped` or `raw-unicode-escape`


class Table:
    """A dictionary as pairs in the order of the file; of equal keys, the last counts."""

    __slots__ = ("_named", "_seen", "pairs", "state")

    def __init__(self, pairs: list[tuple[Any, Any]] | None = None) -> None:
        self.pairs = [] if pairs is None else pairs
        self.state: Any = None  # the attributes it would get, e.g. `_metadata` of a state dict
        self._named: dict[str, Any] | None = None
        self._seen = 0

    def get(self, name: str) -> Any:  # noqa: ANN401  # anything that a pickle can hold
        """The value of a key that is text; None if there is none."""
        return self._by_name().get(name)

    def __contains__(self, name: str) -> bool:
        """True if there is a value for a key that is text."""
        return name in self._by_name()

    def _by_name(self) -> dict[str, Any]:
        """The pairs whose keys are text, whose hashes no file can make collide."""
        if self._named is None or self._seen != len(self.pairs):
            self._named, self._seen = {key: value for key, value in self.pairs if isinstance(key, str)}, len(self.pairs)
        return self._named


class Call:
    """The record of a call that would construct an object."""

    __slots__ = ("arguments", "function", "items", "keywords", "pairs", "state")

    def __init__(self, function: Any, arguments: tuple[Any, ...], keywords: Any = None) -> None:  # noqa: ANN401
        self.function = function  # mostly a `Global`; in a hostile file anything
        self.arguments = arguments
        self.keywords = keywords  # arguments by name, or None
        self.state: Any = None  # the attributes it would get, mostly a `Table`
        self.items: list[Any] = []  # items that would be appended to it
        self.pairs: list[tuple[Any, Any]] = []  # keys and values that would be set in it

    @property
    def path(self) -> str:
        """The name of the function or class; empty if it is not a `Global`."""
        return self.function.path if isinstance(self.function, Global) else ""


def text_of(value: Any) -> str | None:  # noqa: ANN401  # anything that a pickle can hold
    """Text, from text or from the bytes of Python 2; None for anything else, and for a long string."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


def bytes_of(value: Any) -> bytes | None:  # noqa: ANN401  # as above
    """Bytes, from memory, from the file if they were left there, or from text of Latin-1; None for anything else."""
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, str):
            return value.encode("latin-1")
        if isinstance(value, LongString):
            raw = value.section.read()
            if value.coding == "escaped":
                return unescaped_bytes(raw)
            return raw.decode(value.coding).encode("latin-1") if value.coding else raw
    except UnicodeError as error:
        raise damage_error(type(error).__name__) from None
    return None


def section_of(value: Any) -> Section:  # noqa: ANN401  # as above
    """Bytes as a section: of the file if they were left there without a coding, else in memory."""
    if isinstance(value, LongString) and not value.coding:
        return value.section
    return Section.of(bytes_of(value) or b"")


def unescaped_bytes(raw: bytes) -> bytes:
    """The bytes of a string of protocol 0, from what Python 2's `repr` wrote between the quotes."""
    return _ESCAPE.sub(_unescape, raw)


def _unescape(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if escape[:1] == b"x":
        return bytes([int(escape[1:], 16)])
    if escape.isdigit():
        return bytes([int(escape, 8) & 0xFF])
    return _ESCAPES.get(escape, found[0])


def kind_of(value: Any) -> str:  # noqa: ANN401  # anything that a pickle can hold
    """The name of the class of a value."""
    return type(value).__name__


def damage_error(found: str) -> SourceError:
    """The error on what no pickle has."""
    return SourceError("this is not a pickle, or it is damaged", found=found)


def cut_off_error() -> SourceError:
    """The error on a pickle that does not end."""
    return SourceError("this pickle is cut off", expected="a pickle up to its end")


_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES: Final = {
    b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b",
    b"f": b"\f", b"v": b"\v", b"\n": b"",
}  # fmt: skip
