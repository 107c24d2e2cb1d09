"""Protobuf messages as pieces of bytes: fields of numbers and text, and messages in messages.

A message is a list of pieces, so that an array of many numbers is written from where it lies and never copied.

Source: "Encoding", protobuf.dev, as `readers.files.protobuf` reads it.
"""

from collections.abc import Iterable
from struct import pack
from typing import TypeAlias

Piece: TypeAlias = bytes | memoryview
Pieces: TypeAlias = list[Piece]

_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # wire types


def varint(value: int) -> bytes:
    """A number of 64 bits, seven in each byte, the lowest first; a negative one as its two's complement."""
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:  # noqa: PLR2004  # more follows
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field: int, value: int) -> Pieces:
    """A field with an integer."""
    return [varint(field << 3 | _VARINT) + varint(value)]


def real(field: int, value: float) -> Pieces:
    """A field with a float of 32 bits."""
    return [varint(field << 3 | _FIXED32) + pack("<f", value)]


def text(field: int, value: str) -> Pieces:
    """A field with text; what UTF-8 cannot encode is escaped."""
    return data(field, value.encode("utf-8", "backslashreplace"))


def data(field: int, value: Piece) -> Pieces:
    """A field with bytes."""
    return [header(field, len(value)), value]


def message(field: int, *parts: Iterable[Piece]) -> Pieces:
    """A field with a message of these parts."""
    inside = [piece for part in parts for piece in part]
    return [header(field, size(inside)), *inside]


def header(field: int, length: int) -> bytes:
    """The bytes before those of a field."""
    return varint(field << 3 | _BYTES) + varint(length)


def size(pieces: Iterable[Piece]) -> int:
    """The bytes of pieces."""
    return sum(map(len, pieces))
