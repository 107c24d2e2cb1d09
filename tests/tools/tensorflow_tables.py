"""Tables of TensorFlow as its own writer makes them, and with mutated entries; objects that refer to each other."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.tensorflow.tables import MAGIC, entries_of
from tools.mutated_structures import mutate_protobuf, varint
from tools.mutations import damaged

Entries = list[tuple[bytes, bytes]]


def block(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block without its trailer: keys share what they begin with."""
    made, last = b"", b""
    for key, value in entries:
        shared = next(
            (at for at, (one, two) in enumerate(zip(last, key, strict=False)) if one != two), min(len(last), len(key))
        )
        made += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return made + bytes(4) + (1).to_bytes(4, "little")


def table(
    entries: Entries, *, per_block: int = 1000, packed: Callable[[bytes], bytes] | None = None, kind: int = 0
) -> bytes:
    """A table of blocks of so many entries, each of them packed, of a kind of compression."""
    made, handles = b"", Entries()
    for at in range(0, len(entries), per_block):
        own = entries[at : at + per_block]
        body = packed(block(own)) if packed else block(own)
        handles.append((own[-1][0], varint(len(made)) + varint(len(body))))
        made += body + bytes([kind]) + bytes(4)
    return made + footer(len(made), block(handles))


def footer(start: int, index: bytes) -> bytes:
    """An index block at an offset, and what ends a table."""
    place = varint(start) + varint(len(index))
    return index + bytes(5) + (place + place).ljust(40, b"\0") + MAGIC


def mutate_table(data: bytes, draw: random.Random) -> bytes:
    """A table with entries removed, repeated, renamed and changed; or its bytes damaged."""
    if draw.random() < 0.25:
        return damaged(data, draw)
    try:
        entries = list(entries_of(Section.of(data)))
    except SourceError:
        return damaged(data, draw)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at, kind = draw.randrange(len(entries)), draw.randrange(6)
        key, value = entries[at]
        if kind == 0:
            del entries[at : at + draw.randrange(1, 4)]
        elif kind == 1:
            entries.insert(at, (key + draw.choice((b"", b"x", b"\0", b"\xff", b"\x1b[31m", b"y" * 5000)), value))
        elif kind == 2:
            entries[at] = (damaged(key, draw) if key else b"k", value)
        else:
            entries[at] = (key, mutate_protobuf(value, draw))
        entries = entries or [(b"", b"")]
    if draw.random() < 0.8:
        entries = sorted(dict(entries).items())
    return table(entries, per_block=draw.choice((1, 3, 1000)))


_MODEL = b"\x0a\x09\x08\x01\x12\x05model"  # how the first object of a Checkpoint(model=...) begins


def mutate_objects(data: bytes, draw: random.Random) -> bytes:
    """The data of a checkpoint whose graph of objects is mutated, in as many bytes; or its bytes are damaged."""
    start = data.find(_MODEL) - 2
    if start < 0 or draw.random() < 0.2:
        return damaged(data, draw)
    size = (data[start - 6] & 127) | data[start - 5] << 7  # behind the length are four bytes of a checksum
    graph = data[start : start + size]
    for _ in range(draw.choice((1, 1, 3))):
        graph = mutate_protobuf(graph, draw)
    left = size - len(graph) - 3  # an unknown field fills the rest
    graph = (
        graph + varint(15 << 3 | 2) + varint(left | 1 << 7)[:2] + bytes(size) if left >= 128 else graph + bytes(size)
    )
    return data[:start] + graph[:size] + data[start + size :]


def read_table(path: Path) -> Entries:
    """The entries of a table."""
    return list(entries_of(Section.of(path)))
