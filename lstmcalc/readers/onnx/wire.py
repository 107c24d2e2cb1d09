"""The fields of a protobuf message, found in its bytes without reading those that are long.

Source: "Encoding", protobuf.dev: a tag is `number << 3 | wire type`; a varint has seven bits in each byte, the lowest
first; type 1 has 8 bytes, type 5 has 4, type 2 a length and so many bytes. Groups (3 and 4) are in no message of ONNX.

Not here: what the fields are called (`onnx_files`).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.varints import MAX_BYTES, varint_at

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_MAX_FIELDS: Final = 5_000_000  # in one file: a graph of 10**5 nodes has a tenth of it
_MAX_TEXT: Final = 2**20  # bytes of a name


class Bytes(Protocol):
    """A file that is mapped into memory, or its bytes."""

    def __getitem__(self, key: slice, /) -> bytes: ...

    def __len__(self) -> int: ...


class Field(NamedTuple):
    """One field: its number, its wire type, the number if it is a varint, and where its bytes are."""

    number: int
    wire: int
    value: int
    start: int
    stop: int


class Wire:
    """The messages of one file.

    Args:
        data: Its bytes.
        name: What errors call it.
    """

    def __init__(self, data: Bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._left = _MAX_FIELDS

    def __len__(self) -> int:
        return len(self._data)

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """The fields of the message whose bytes are `start` to `stop`.

        Raises:
            SourceError: They are no message.
        """
        at = start
        while at < stop:
            self._left -= 1
            if self._left < 0:
                raise SourceError(f"{self._name} has too many fields", f"at most {_MAX_FIELDS:,}")
            tag, at = self._varint(at, stop)
            number, wire = tag >> 3, tag & 7
            value = 0
            begin = at
            if wire == VARINT:
                value, at = self._varint(at, stop)
            elif wire == BYTES:
                length, begin = self._varint(at, stop)
                at = begin + length
            elif wire in (FIXED64, FIXED32):
                at += 8 if wire == FIXED64 else 4
            else:
                raise self._damaged(f"wire type {wire}", begin)
            if at > stop or not number:
                raise self._damaged(f"field {number} of {at - begin:,} bytes", begin)
            yield Field(number, wire, value, begin, at)

    def varints(self, start: int, stop: int) -> Iterator[int]:
        """Numbers that stand end to end.

        Raises:
            SourceError: The last is cut off.
        """
        at = start
        while at < stop:
            value, at = self._varint(at, stop)
            yield value

    def bytes(self, field: Field) -> bytes:
        """The bytes of a field."""
        return self._data[field.start : field.stop]

    def text(self, field: Field) -> str:
        """The bytes of a field as text; what is no UTF-8 is shown as it is escaped.

        Raises:
            SourceError: It is too long for a name.
        """
        if field.stop - field.start > _MAX_TEXT:
            raise self._damaged(f"a name of {field.stop - field.start:,} bytes", field.start)
        return self.bytes(field).decode("utf-8", "backslashreplace")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """A number, and what stands behind it."""
        found = varint_at(self._data[at : min(at + MAX_BYTES, stop)])
        if found is None:
            raise self._damaged("a number without an end", at)
        return found[0], at + found[1]

    def _damaged(self, found: str, at: int) -> SourceError:
        return SourceError(
            f"{self._name} is damaged", "fields that lie within their message", found, where=f"byte {at:,}"
        )


def signed(value: int) -> int:
    """A varint as the signed number that int32 and int64 write in it."""
    return value - 2**64 if value >= 2**63 else value
