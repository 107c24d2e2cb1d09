"""The tables of a FlatBuffer, each offset checked against the file before anything is followed.

Source: "FlatBuffer Internals", flatbuffers.dev: an offset to a table, text or vector is unsigned, and counts from
itself; a table begins with a signed offset back to its vtable, which has its own size, the table's, and the
place of each field in it, 0 for one that is left out. All numbers are little-endian.

Not here: the meaning of the fields (`model`).
"""

from collections.abc import Iterator
from struct import unpack_from
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.varints import Bytes

# The most tables, and quadruples of numbers, that are read of one file: each takes 8 bytes of it, unless it is shared.
_SHARED: Final = 10_000
_SMALLEST: Final = 8
_MAX_TEXT: Final = 2**16  # bytes of a name
_HEAD: Final = 4  # bytes of a vtable before the places of the fields


class Span(NamedTuple):
    """A range of bytes of the file."""

    start: int
    length: int


class Flat:
    """The bytes of one file.

    Args:
        data: Its bytes, or the file mapped into memory.
        name: Its name for errors.
    """

    def __init__(self, data: Bytes, name: str) -> None:
        self._data = data
        self._size = len(data)
        self._name = name
        self._left = self._most = self._size // _SMALLEST + _SHARED

    def root(self) -> "Table":
        """The table that the file begins with."""
        return self.table(self._offset(0))

    def table(self, at: int) -> "Table":
        """The table at an offset."""
        self.count(1)
        vtable = at - self.number(at, "<i", 4)
        length, size = self.number(vtable, "<H", 2), self.number(vtable + 2, "<H", 2)
        if length < _HEAD or length % 2 or size < _HEAD:
            raise self.damage("the list of a table's fields", at)
        self.check(vtable, length)
        self.check(at, size)
        return Table(self, at, vtable, length, size)

    def number(self, at: int, code: str, width: int) -> int:
        """The integer at an offset."""
        self.check(at, width)
        found: int = unpack_from(code, self._data, at)[0]  # type: ignore[arg-type]  # a buffer
        return found

    def numbers(self, span: Span, code: str) -> tuple[int | float, ...]:
        """The numbers of a vector, whose bytes were checked."""
        width = {"i": 4, "q": 8, "f": 4, "I": 4}[code]
        count = span.length // width
        self.count(count // 4)
        return unpack_from(f"<{count}{code}", self._data, span.start)  # type: ignore[arg-type]  # as above

    def vector(self, at: int, width: int) -> Span:
        """The bytes of a vector of items of so many bytes, which an offset at `at` leads to."""
        start = self._offset(at)
        count = self.number(start, "<I", 4)
        self.check(start + 4, count * width)
        return Span(start + 4, count * width)

    def text(self, at: int) -> str:
        """The text that an offset at `at` leads to, with invalid UTF-8 escaped; refused if too long for a name."""
        span = self.vector(at, 1)
        if span.length > _MAX_TEXT:
            raise self.damage(f"a name of {span.length:,} bytes", at)
        self.count(span.length // 64)
        return self._data[span.start : span.start + span.length].decode("utf-8", "backslashreplace")

    def tables(self, at: int) -> Iterator["Table"]:
        """The tables of a vector, which an offset at `at` leads to."""
        span = self.vector(at, 4)
        for place in range(span.start, span.start + span.length, 4):
            yield self.table(self._offset(place))

    def _offset(self, at: int) -> int:
        """The place that the offset at `at` leads to."""
        step = self.number(at, "<I", 4)
        if not step:
            raise self.damage("an offset to itself", at)
        return at + step

    def child(self, at: int) -> "Table":
        """The table that an offset at `at` leads to."""
        return self.table(self._offset(at))

    def check(self, at: int, width: int) -> None:
        """Refuse bytes that are not there."""
        if at < 0 or width < 0 or at + width > self._size:
            raise self.damage(f"{width:,} bytes at {at:,}", at)

    def count(self, number: int) -> None:
        """Count what takes time and memory; refused if it is too much for one file."""
        self._left -= number
        if self._left < 0:
            raise SourceError(f"{self._name} has too many tables and numbers in its index", f"at most {self._most:,}")

    def damage(self, found: str, at: int) -> SourceError:
        """The error about bytes that no FlatBuffer has."""
        expected = f"tables within its {self._size:,} bytes"
        return SourceError(f"{self._name} is damaged", expected, found, where=f"byte {at:,}")


class Table:
    """A table of the file; its fields are asked for by number, from 0, in the order of the schema."""

    __slots__ = ("_at", "_flat", "_length", "_size", "_vtable")

    def __init__(self, flat: Flat, at: int, vtable: int, length: int, size: int) -> None:
        self._flat, self._at, self._vtable, self._length, self._size = flat, at, vtable, length, size

    def _place(self, field: int, width: int) -> int | None:
        """The offset of a field of so many bytes; None if it is left out."""
        entry = _HEAD + 2 * field
        if entry + 2 > self._length:
            return None
        inside = self._flat.number(self._vtable + entry, "<H", 2)
        if not inside:
            return None
        if inside + width > self._size:
            raise self._flat.damage(f"field {field} beyond its table", self._at)
        return self._at + inside

    def _number(self, field: int, code: str, width: int, default: int) -> int:
        place = self._place(field, width)
        return default if place is None else self._flat.number(place, code, width)

    def int8(self, field: int, default: int = 0) -> int:
        """A signed number of one byte."""
        return self._number(field, "<b", 1, default)

    def uint8(self, field: int, default: int = 0) -> int:
        """A number of one byte, or a truth value."""
        return self._number(field, "<B", 1, default)

    def int32(self, field: int, default: int = 0) -> int:
        """A signed number of four bytes."""
        return self._number(field, "<i", 4, default)

    def uint32(self, field: int, default: int = 0) -> int:
        """A number of four bytes."""
        return self._number(field, "<I", 4, default)

    def uint64(self, field: int, default: int = 0) -> int:
        """A number of eight bytes."""
        return self._number(field, "<Q", 8, default)

    def float32(self, field: int, default: float = 0.0) -> float:
        """A number of floating point."""
        return self._number(field, "<f", 4, default)  # type: ignore[arg-type]  # the code says which it is

    def text(self, field: int) -> str:
        """A text; empty if it is left out."""
        place = self._place(field, 4)
        return "" if place is None else self._flat.text(place)

    def bytes(self, field: int) -> Span | None:
        """The place of a vector of bytes; None if it is left out."""
        place = self._place(field, 4)
        return None if place is None else self._flat.vector(place, 1)

    def int32s(self, field: int) -> tuple[int, ...] | None:
        """A vector of signed numbers of four bytes; None if it is left out."""
        place = self._place(field, 4)
        return None if place is None else self._flat.numbers(self._flat.vector(place, 4), "i")  # type: ignore[return-value]

    def int64s(self, field: int) -> tuple[int, ...]:
        """A vector of signed numbers of eight bytes."""
        place = self._place(field, 4)
        return () if place is None else self._flat.numbers(self._flat.vector(place, 8), "q")  # type: ignore[return-value]

    def float32s(self, field: int) -> tuple[float, ...]:
        """A vector of numbers of floating point."""
        place = self._place(field, 4)
        return () if place is None else self._flat.numbers(self._flat.vector(place, 4), "f")

    def table(self, field: int) -> "Table | None":
        """A table in this one; None if it is left out."""
        place = self._place(field, 4)
        return None if place is None else self._flat.child(place)

    def tables(self, field: int) -> "Iterator[Table]":
        """A vector of tables."""
        place = self._place(field, 4)
        return iter(()) if place is None else self._flat.tables(place)
