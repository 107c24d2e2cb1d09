"""The sorted tables of TensorFlow, which are LevelDB's: keys with values, in blocks that an index block lists.

A footer of 48 bytes at the end has the place of the index block. A block has entries, whose keys begin with a part of
the key before, the offsets of some entries, their number, and behind them its compression and a checksum, which is not
verified. Handles of blocks must point forward and keys must ascend, so a table costs what is linear in its size.

Sources: tensorflow/core/lib/io/format.h, format.cc, block_builder.cc and table_builder.cc of TensorFlow 2.21.0; files
that it wrote, and TensorFlow 1.

Not here: the meaning of keys and values (`bundles`, `old_checkpoints`).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.varints import MAX_BYTES, varint_at
from lstmcalc.readers.tensorflow.snappy import decompressed

MAGIC: Final = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER: Final = 48
_TRAILER: Final = 5  # bytes behind a block: its compression, and a checksum
_SNAPPY: Final = 1
_MAX_SIZE: Final = 64 << 20  # bytes of a table: 10**5 variables have about 10**7
_MAX_KEY: Final = 1 << 16  # bytes
_MAX_KEYS: Final = 64 << 20  # bytes of all keys, which share what they begin with


class _Parts:
    """The bytes of a section, of which those that are asked for are read."""

    def __init__(self, section: Section) -> None:
        self._section = section

    def __getitem__(self, key: slice) -> bytes:
        start = min(key.start or 0, len(self))
        return self._section.read(start, max(min(len(self) if key.stop is None else key.stop, len(self)) - start, 0))

    def __len__(self) -> int:
        return self._section.length


class _Handle(NamedTuple):
    """The place of a block."""

    offset: int
    size: int  # without what is behind it


def entries_of(section: Section) -> Iterator[tuple[bytes, bytes]]:
    """The keys of a table in their order, with their values.

    Raises:
        SourceError: It is no such table, or damaged, or too large; without the name of its file.
    """
    if section.length > _MAX_SIZE:
        raise SourceError("its table is too large", f"at most {_MAX_SIZE:,} bytes", f"{section.length:,}")
    data = section.read()
    if len(data) < FOOTER or data[-8:] != MAGIC:
        raise _damage_error("a table's last bytes", data[-8:].hex(" "))
    _, at = _handle(data, len(data) - FOOTER)
    index, _ = _handle(data, at)
    end = len(data) - FOOTER
    last, done, left = b"", 0, _MAX_KEYS
    for _, stored in _block_entries(data, index, end):
        handle, _ = _handle(stored, 0)
        if handle.offset < done or handle.offset + handle.size + _TRAILER > index.offset:
            raise _damage_error(f"blocks from {done:,} to {index.offset:,}, one after the other", f"{handle.offset:,}")
        done = handle.offset + handle.size + _TRAILER
        for key, value in _block_entries(data, handle, index.offset):
            if key <= last and (key or last):
                raise _damage_error("keys in ascending order", repr(key[:40])[1:])
            left -= len(key) + 1
            if left < 0:
                raise SourceError("the names in its table are too many", f"at most {_MAX_KEYS:,} bytes")
            last = key
            yield key, value


def value_of(section: Section, key: bytes) -> bytes | None:
    """The value of a key in a table of any size, of which only its index and one block are read; None without one.

    The index has for each block a key that is not before its last one.
    """
    data = _Parts(section)
    end = len(data) - FOOTER
    if end < 0 or data[len(data) - 8 :] != MAGIC:
        raise _damage_error("a table's last bytes", "others")
    _, at = _handle(data, end)
    index, _ = _handle(data, at)
    if index.size > _MAX_SIZE:
        raise SourceError("its table is too large", f"at most {_MAX_SIZE:,} bytes of an index", f"{index.size:,}")
    for last, stored in _block_entries(data, index, end):
        if last >= key:
            block, _ = _handle(stored, 0)
            return next((value for own, value in _block_entries(data, block, index.offset) if own == key), None)
    return None


def _handle(data: "bytes | _Parts", at: int) -> tuple[_Handle, int]:
    """A block's handle, and the offset after it."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return _Handle(offset, size), at


def _block_entries(data: "bytes | _Parts", handle: _Handle, end: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block that ends before `end`."""
    stop = handle.offset + handle.size
    if stop + _TRAILER > end:
        raise _damage_error(f"a block within {end:,} bytes", f"{handle.size:,} from {handle.offset:,} on")
    block, kind = data[handle.offset : stop], data[stop : stop + 1][0]
    if kind == _SNAPPY:
        block = decompressed(block)
    elif kind:
        raise SourceError("blocks of its table are compressed", "no compression, or Snappy", f"kind {kind}")
    restarts = 4 + 4 * int.from_bytes(block[-4:], "little")
    if restarts > len(block):
        raise _damage_error("offsets of entries within a block", f"{restarts:,} bytes of {len(block):,}")
    at, last, key = 0, len(block) - restarts, b""
    while at < last:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        size, at = _varint(block, at)
        if shared > len(key) or at + own + size > last or shared + own > _MAX_KEY:
            raise _damage_error("entries within their block", f"{shared:,} + {own:,} and {size:,} bytes")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size


def _varint(data: "bytes | _Parts", at: int) -> tuple[int, int]:
    found = varint_at(data[at : at + MAX_BYTES])
    if found is None:
        raise _damage_error("a number", "none, or one without an end")
    return found[0], at + found[1]


def _damage_error(expected: str, found: str) -> SourceError:
    return SourceError("its table is damaged", expected, found)
