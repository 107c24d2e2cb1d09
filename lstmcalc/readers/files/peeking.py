"""The first fields of a protobuf in a file, by which its kind is told: a few KiB are looked at.

Not here: whole messages (`protobuf`).
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from lstmcalc.readers.files.varints import MAX_BYTES, varint_at

HEAD: Final = 4096  # bytes at the start of a file that are looked at
_MAX_FIELDS: Final = 64  # fields of a protobuf that are looked at


class Peeked(NamedTuple):
    """A field of a protobuf."""

    number: int
    wire: int
    value: int  # of a number; of bytes their count
    start: int  # offset of the bytes


def first_fields(stream: BinaryIO, size: int) -> Iterator[Peeked]:
    """The first fields of a protobuf that fills the file; none after one that is cut off or no field."""
    at = 0
    for _ in range(_MAX_FIELDS):
        field = field_at(bytes_at(stream, at, 3 * MAX_BYTES), at)
        if field is None:
            return
        yield field
        at = field.start + (field.value if field.wire == 2 else 0)  # noqa: PLR2004  # bytes
        if at >= size:
            return


def field_at(data: bytes, at: int = 0) -> Peeked | None:
    """The field at the start of some bytes, which are at an offset; None if there is none of a number or of bytes."""
    tag = varint_at(data)
    value = varint_at(data, tag[1]) if tag and tag[0] & 7 in (0, 2) and tag[0] >> 3 else None
    return Peeked(tag[0] >> 3, tag[0] & 7, value[0], at + value[1]) if tag and value else None


def first_within(stream: BinaryIO, field: Peeked | None, *numbers: int) -> Peeked | None:
    """The first field of a message, if it holds bytes and has one of these numbers."""
    inner = field_at(bytes_at(stream, field.start, 3 * MAX_BYTES), field.start) if field and field.wire == 2 else None  # noqa: PLR2004
    return inner if inner and inner.wire == 2 and inner.number in numbers else None  # noqa: PLR2004


def is_text(stream: BinaryIO, field: Peeked | None, pattern: str) -> bool:
    """True if a field's bytes are a text of this pattern."""
    if not field or not 0 < field.value < HEAD:
        return False
    data = bytes_at(stream, field.start, field.value)
    return len(data) == field.value and re.fullmatch(pattern.encode(), data) is not None


def bytes_at(stream: BinaryIO, offset: int, count: int) -> bytes:
    """Some bytes at an offset, fewer at the end of the file."""
    stream.seek(offset)
    return stream.read(count)
