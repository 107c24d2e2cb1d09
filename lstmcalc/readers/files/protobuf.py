"""The fields of a protobuf message, found in its bytes without reading those that are long.

Source: "Encoding", protobuf.dev: a tag is `number << 3 | wire type`; a varint has seven bits in each byte, the lowest
first; type 1 has 8 bytes, type 5 has 4, type 2 a length and that many bytes. None that is read has groups (3, 4).

Not here: the names of the fields (`onnx.graphs`, `tensorflow.bundles`).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.varints import MAX_BYTES, Bytes, varint_at

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_MAX_FIELDS: Final = 5_000_000  # in one file: a graph of 10**5 nodes has a tenth of it
_MAX_TEXT: Final = 2**20  # bytes of a name


class Field(NamedTuple):
    """One field of a message."""

    number: int
    wire: int  # wire type
    value: int  # the number of a varint; else 0
    start: int  # offset of its bytes
    stop: int  # offset after them


class Wire:
    """The messages of one file.

    Args:
        data: Its bytes.
        name: Its name for errors.
    """

    def __init__(self, data: Bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._left = _MAX_FIELDS

    def __len__(self) -> int:
        return len(self._data)

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """The fields of the message in the bytes from `start` to before `stop`."""
        at, data = start, self._data
        while at < stop:
            self.count(1)
            tag, at = (byte, at + 1) if (byte := data[at]) < 128 else self._varint(at, stop)  # noqa: PLR2004  # as there
            number, wire = tag >> 3, tag & 7
            value = 0
            begin = at
            if wire == BYTES:
                length, begin = self._varint(at, stop)
                at = begin + length
            elif wire == VARINT:
                value, at = self._varint(at, stop)
            elif wire in (FIXED64, FIXED32):
                at += 8 if wire == FIXED64 else 4
            else:
                raise self._damage_error(f"wire type {wire}", begin)
            if at > stop or not number:
                raise self._damage_error(f"field {number} of {at - begin:,} bytes", begin)
            yield Field(number, wire, value, begin, at)

    def varints(self, start: int, stop: int) -> Iterator[int]:
        """The varints in the bytes from `start` to before `stop`, each of which counts as a field."""
        at = start
        while at < stop:
            self.count(1)
            value, at = self._varint(at, stop)
            yield value

    def bytes(self, field: Field) -> bytes:
        """The bytes of a field."""
        return self._data[field.start : field.stop]

    def text(self, field: Field) -> str:
        """The bytes of a field as text, with invalid UTF-8 escaped; refused if too long for a name."""
        if field.stop - field.start > _MAX_TEXT:
            raise self._damage_error(f"a name of {field.stop - field.start:,} bytes", field.start)
        return self.bytes(field).decode("utf-8", "backslashreplace")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """A number, and what stands behind it."""
        if at < stop and (byte := self._data[at]) < 128:  # noqa: PLR2004  # most of them have a single byte
            return byte, at + 1
        found = varint_at(self._data[at : min(at + MAX_BYTES, stop)])
        if found is None:
            raise self._damage_error("a number without an end", at)
        return found[0], at + found[1]

    def count(self, number: int) -> None:
        """Count what takes as much memory as so many fields; refused if they are too many for a file."""
        self._left -= number
        if self._left < 0:
            raise SourceError(f"{self._name} has too many fields", f"at most {_MAX_FIELDS:,}")

    def _damage_error(self, found: str, at: int) -> SourceError:
        return SourceError(
            f"{self._name} is damaged", "fields that lie within their message", found, where=f"byte {at:,}"
        )


def signed_value(value: int) -> int:
    """The signed number that int32 and int64 encode in a varint."""
    return value - 2**64 if value >= 2**63 else value
