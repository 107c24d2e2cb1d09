"""Damaged copies of files: what a broken download, a broken disk and a hostile mind make of them."""

import os
import random
from collections.abc import Iterator

# Damaged files in each test of such; more with the variable set, as 8000.
CASES = int(os.environ.get("LSTMCALC_FUZZ", "300"))
# What an integer of a file is set to: the ends of the ranges, and what comes just before and after.
_BITS = (7, 8, 15, 16, 31, 32, 63)
EXTREMES = (0, 1, *(value for bits in _BITS for value in (2**bits - 1, 2**bits)), 2**64 - 1)


def mutated(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """`count` copies of a file, each damaged in one to four ways; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311  # not for secrets
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            draw.choice(WAYS)(damaged, draw)
        yield bytes(damaged)


def flip(content: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(content)) if content else None
    if at is not None:
        content[at] ^= 1 << draw.randrange(8)


def replace(content: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(content) + 1)
    content[at : at + 1] = bytes([draw.randrange(256)])


def truncate(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content) + 1) :]


def splice(content: bytearray, draw: random.Random) -> None:
    """A piece of the file again, elsewhere, over what is there or between it."""
    start, at, length = draw.randrange(len(content) + 1), draw.randrange(len(content) + 1), draw.randrange(1, 64)
    content[at : at + draw.choice((0, length))] = content[start : start + length]


def cut(content: bytearray, draw: random.Random) -> None:
    at = draw.randrange(len(content) + 1)
    del content[at : at + draw.randrange(1, 32)]


def stretch(content: bytearray, draw: random.Random) -> None:
    """An integer that is far too large, or none at all: a length, an offset, a size."""
    at, width = draw.randrange(len(content) + 1), draw.choice((1, 2, 4, 8))
    value = draw.choice(EXTREMES) % 256**width
    content[at : at + width] = value.to_bytes(width, draw.choice(("little", "big")))


WAYS = (flip, replace, truncate, splice, cut, stretch, stretch)


def damaged(content: bytes, draw: random.Random) -> bytes:
    """A file with some of its bytes changed, most of them in its index, or cut off, or with a part of it moved."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 12))):
        at = draw.randrange(len(data)) if draw.random() < 0.6 else draw.randrange(min(len(data), 4096))
        kind = draw.randrange(6)
        if kind < 2:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 2:
            data[at] = draw.choice((0, 1, 127, 128, 255))
        elif kind == 3:
            size = draw.choice((2, 4, 8))
            data[at : at + size] = draw.choice((bytes(size), b"\xff" * size, draw.randbytes(size)))[: len(data) - at]
        elif kind == 4:
            source, size = draw.randrange(len(data)), draw.choice((8, 16, 64, 512))
            part = data[source : source + size]
            data[at : at + len(part)] = part
        elif draw.random() < 0.2:
            del data[at:]
            data = data or bytearray(b"\0")
    return bytes(data)
