"""Tensors to be written: a name, a dtype, a shape, and the numbers in blocks, so that memory stays bounded.

A block is an array of numbers that follow one another, the last axis fastest; NumPy has no bfloat16 and no float8,
whose numbers are handed over as float32, which holds all of them, and become their own bytes again here.
"""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from lstmcalc.errors import SourceError, UnsupportedError, printable
from lstmcalc.numerics.arrays import Array
from lstmcalc.readers.files.raw_numbers import BLOCK, FORMATS
from lstmcalc.readers.files.tensors import Stored

_UPPER: Final = 16  # bits of a float32 that bfloat16 leaves out


class Entry(NamedTuple):
    """One tensor of a file to be written."""

    name: str
    dtype: str  # as PyTorch and NumPy call it: `float32`, `bfloat16`, `int64`
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Any]]  # its numbers, one block behind the other; empty ones are left out
    place: object = None  # equal for two entries that share their numbers; None if they share them with none

    @property
    def nbytes(self) -> int:
        """The number of bytes that are written."""
        return prod(self.shape) * FORMATS[self.dtype].itemsize

    def data(self) -> Iterator[bytes]:
        """The bytes, little-endian, block by block."""
        for block in self.blocks():
            yield encoded(block, self.dtype)


def entry_of(name: str, array: Array, dtype: str = "") -> Entry:
    """The entry of an array in memory, in its own dtype or in one that holds all of its numbers."""

    def blocks() -> Iterator[Any]:
        flat = np.ascontiguousarray(array).reshape(-1)
        for start in range(0, flat.size, BLOCK):
            yield flat[start : start + BLOCK]

    return Entry(name, dtype or array.dtype.name, array.shape, blocks)


def copied_entry(tensor: Stored, name: str) -> Entry:
    """The entry of a tensor of a file, under a name; UnsupportedError if its numbers cannot be copied exactly."""
    if tensor.dtype not in FORMATS or FORMATS[tensor.dtype].code == "complex32":
        raise UnsupportedError("a tensor cannot be copied", "a dtype of numbers", tensor.dtype, where=printable(name))
    return Entry(name, tensor.dtype, tensor.shape, lambda: _in_order(tensor), tensor.place)


def _in_order(tensor: Stored) -> Iterator[Any]:
    """The numbers of a tensor, the last axis fastest; read as a whole if they are stored in another order."""
    done = 0
    for place, numbers in tensor.blocks():
        if not _follows(place, tensor.shape, done):
            if done:  # the order of axes is that of the whole tensor, which the first block tells
                raise SourceError("a tensor's blocks are not in order", where=printable(tensor.name))
            yield np.ascontiguousarray(tensor.whole())
            return
        yield np.ascontiguousarray(numbers)
        done += numbers.size


def _follows(place: Any, shape: tuple[int, ...], done: int) -> bool:  # noqa: ANN401  # the place of a Block
    """True if a block is the numbers after the first `done` ones, the last axis fastest."""
    start, inside = 0, True
    for axis, size in zip(place, shape, strict=True):
        start = start * size + axis.start
    for axis, size in zip(reversed(place), reversed(shape), strict=True):
        # Behind the first axis that is a part, counted from the last, all are of one index.
        if not inside and axis.stop - axis.start != 1:
            return False
        inside = inside and axis.stop - axis.start == size
    return start == done


def encoded(block: Any, dtype: str) -> bytes:  # noqa: ANN401  # an array
    """The bytes of numbers in a dtype, little-endian; each number is one that the dtype has."""
    form = FORMATS[dtype]
    if form.decode is None:
        stored: bytes = np.ascontiguousarray(block).astype(np.dtype(form.code).newbyteorder("<"), copy=False).tobytes()
        return stored
    numbers = np.ascontiguousarray(block, np.float32)
    if dtype == "bfloat16":
        return (numbers.view(np.uint32) >> _UPPER).astype("<u2").tobytes()
    every = np.asarray(form.decode(np.arange(256, dtype=np.uint8)), np.float32)
    codes = {number.tobytes(): code for code, number in reversed(list(enumerate(every)))}
    missing = int(np.flatnonzero(np.isnan(every))[0]) if np.isnan(every).any() else 0
    found, places = np.unique(numbers.view(np.uint32), return_inverse=True)
    table = np.array([codes.get(bits.tobytes(), missing) for bits in found], np.uint8)
    return table[places].tobytes()


_LONGEST: Final = 10_000  # bytes of a name; that of a member of a zip archive has at most 65,535


def check_name(name: str) -> None:
    """Refuse a name that files cannot have: one that is no text, too long, or that means something else to them."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise UnsupportedError("a name is no text", "letters that UTF-8 has", where=printable(name)) from None
    if size > _LONGEST or name == _METADATA:
        found = f"{size:,} bytes" if size > _LONGEST else "the name of what safetensors keeps about a file"
        raise UnsupportedError(
            "a tensor cannot be called so", f"at most {_LONGEST:,} bytes", found, where=printable(name)
        )


_METADATA: Final = "__metadata__"


def holds(dtype: str, array: Array) -> bool:
    """True if every number of an array is one of the dtype: nothing is lost."""
    if dtype == "bfloat16":
        return array.dtype == np.float32 and not np.any(array.view(np.uint32) & 0xFFFF)
    with np.errstate(over="ignore"):
        return bool(np.array_equal(array.astype(dtype).astype(array.dtype), array, equal_nan=True))
