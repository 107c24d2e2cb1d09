"""Data that Snappy compressed, in bounded memory.

Source: format_description.txt of snappy 1.2.2: the length, then literals and copies of what was written before; the two
lowest bits of a tag tell the kind.
"""

from typing import Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.budget import INFLATED, budget
from lstmcalc.readers.files.varints import varint_at

_MAX_RATIO: Final = 22  # a copy of 64 bytes takes three; the length and a few more bytes are in the constant below
_MORE: Final = 64
_EXTRA: Final = 60  # a literal whose length does not fit the tag has it in the next bytes


def decompressed(data: bytes) -> bytes:
    """The bytes that were compressed; refused if they are damaged, or more than such bytes can be."""
    head = varint_at(data)
    if head is None or head[0] > _MAX_RATIO * len(data) + _MORE:
        raise _damage_error("a length that its bytes can have", f"{head[0] if head else '?'} from {len(data):,}")
    length, at = head
    budget().take(INFLATED, length)
    made = bytearray()
    while at < len(data):
        at = _next_element(data, at, made, length)
    if len(made) != length:
        raise _damage_error(f"{length:,} bytes", f"{len(made):,}")
    return bytes(made)


def _next_element(data: bytes, at: int, made: bytearray, length: int) -> int:
    """Append one literal or copy; the offset after it."""
    tag, kind, at = data[at], data[at] & 3, at + 1
    if kind == 0:
        count = (tag >> 2) + 1
        if count > _EXTRA:
            width = count - _EXTRA
            count, at = int.from_bytes(data[at : at + width], "little") + 1, at + width
        if count > len(data) - at or len(made) + count > length:
            raise _damage_error("a literal within the data", f"{count:,} bytes")
        made += data[at : at + count]
        return at + count
    count = (tag >> 2 & 7) + 4 if kind == 1 else (tag >> 2) + 1
    width = (1, 2, 4)[kind - 1]
    offset = int.from_bytes(data[at : at + width], "little") + ((tag >> 5) << 8 if kind == 1 else 0)
    if len(data) - at < width or not 0 < offset <= len(made) or len(made) + count > length:
        raise _damage_error("a copy of bytes that were written", f"{count} from {offset:,} before {len(made):,}")
    start = len(made) - offset
    piece = bytes(made[start : start + count])
    made += (piece * -(-count // len(piece)))[:count]  # a copy may read what it writes
    return at + width


def _damage_error(expected: str, found: str) -> SourceError:
    return SourceError("data of Snappy are damaged", expected, found)
