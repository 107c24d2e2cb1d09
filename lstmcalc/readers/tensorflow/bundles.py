"""The variables of a checkpoint: `.index`, a table with an entry for each, and `.data-00000-of-00001` with numbers.

The index alone is read; numbers are read from the files beside it when they are asked for. A variable that was saved in
parts is put together. Checksums are not verified.

Sources: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/tensor_bundle and
tensorflow/core/util/saved_tensor_slice_util.cc of TensorFlow 2.21.0, which wrote the files that this was tested on; and
checkpoints that others published of TensorFlow 1.

Not here: the table (`tables`), and the names of objects (`objects`).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, named_error, printable
from lstmcalc.readers.files.beside import section_beside
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.protobuf import BYTES, FIXED32, VARINT, Field, Wire, signed_value
from lstmcalc.readers.files.raw_numbers import WIDTHS, Block, View, named_blocks, numel, read_numbers
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.files.varints import varint_at
from lstmcalc.readers.tensorflow.dtypes import STRING, dtype_name, shape_of
from lstmcalc.readers.tensorflow.tables import entries_of

INDEX: Final = ".index"
_MAX_VARIABLES: Final = 30_000  # each may be of an LSTM, which takes about a millisecond
_MAX_SLICES: Final = 10_000
_FULL: Final = -1  # the length of a part that has all of an axis

Extent = tuple[int, int]  # where a part begins on an axis, and its length


class Entry(NamedTuple):
    """An entry of the index: BundleEntryProto."""

    dtype: int  # as `dtypes` numbers them
    shape: tuple[int, ...]
    shard: int  # the number of its data file
    offset: int  # of its bytes there
    size: int  # of these
    checksum: bytes = b""  # of these
    slices: tuple[tuple[Extent, ...], ...] = ()  # its parts, if it was saved in parts


class Bundle(NamedTuple):
    """A checkpoint."""

    file: File  # its index, which need not be there
    shards: int  # the number of its data files
    big_endian: bool
    entries: dict[bytes, Entry]  # by key; keys that begin with a zero are parts of variables

    def data_name(self, shard: int) -> str:
        """The name of a data file, without its folder."""
        index = self.file.member if isinstance(self.file, Inner) else str(self.file)
        return f"{Path(index).name.removesuffix(INDEX)}.data-{shard:05d}-of-{self.shards:05d}"

    def section(self, entry: Entry) -> Section:
        """The bytes of an entry, which are in another file."""
        return section_beside(self.file, self.data_name(entry.shard)).part(entry.offset, entry.size)


def read_bundle(index: File) -> Bundle:
    """The index of a checkpoint."""
    name = name_of(index)
    try:
        return _bundle(index)
    except SourceError as error:
        raise (error if error.where.startswith(name) else named_error(error, name)) from None


def _bundle(index: File) -> Bundle:
    entries: dict[bytes, Entry] = {}
    header: bytes | None = None
    for key, value in entries_of(section_of(index)):
        if header is None:
            if key:
                raise SourceError("its table has no header", "an empty first key", printable(_text(key)))
            header = value
            continue
        if len(entries) == _MAX_VARIABLES:
            raise SourceError("it has too many variables", f"at most {_MAX_VARIABLES:,}")
        entries[key] = _entry(value, printable(_text(key)))
    shards, big_endian = _header(header or b"")
    return Bundle(index, shards, big_endian, entries)


def _text(key: bytes) -> str:
    return key.decode("utf-8", "backslashreplace")


def _header(data: bytes) -> tuple[int, bool]:
    """BundleHeaderProto: num_shards 1, endianness 2."""
    wire = Wire(data, "the header of its table")
    found = {field.number: field.value for field in wire.fields(0, len(data)) if field.wire == VARINT}
    shards = found.get(1, 0)
    if not 0 <= shards < 10**5:  # what five digits can say
        raise SourceError("the header of its table is damaged", "fewer than 100,000 data files", f"{shards:,}")
    return shards, found.get(2) == 1


def _entry(data: bytes, name: str) -> Entry:
    """BundleEntryProto: dtype 1, shape 2, shard_id 3, offset 4, size 5, crc32c 6, slices 7."""
    wire = Wire(data, name)
    numbers: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    checksum, slices = b"", []
    for field in wire.fields(0, len(data)):
        if field.wire == VARINT:
            numbers[field.number] = signed_value(field.value)
        elif (field.number, field.wire) == (2, BYTES):
            shape = shape_of(wire, field, name)
        elif (field.number, field.wire) == (6, FIXED32):
            checksum = wire.bytes(field)
        elif (field.number, field.wire) == (7, BYTES):
            slices.append(slice_of(wire, field))
    entry = Entry(numbers.get(1, 0), shape, numbers.get(3, 0), numbers.get(4, 0), numbers.get(5, 0))
    if min(entry.shard, entry.offset, entry.size) < 0:
        raise SourceError("an entry is damaged", "a place in a data file", f"{entry.offset}, {entry.size}", where=name)
    width = WIDTHS.get(dtype_name(entry.dtype))
    if width and not slices and numel(shape) * width != entry.size:
        wanted = f"{numel(shape) * width:,} bytes of {dtype_name(entry.dtype)} {shape}"
        raise SourceError("an entry is damaged", wanted, f"{entry.size:,} bytes", where=name)
    return entry._replace(checksum=checksum, slices=tuple(slices[:_MAX_SLICES]))


def slice_of(wire: Wire, field: Field) -> tuple[Extent, ...]:
    """TensorSliceProto: extent 1; there start 1 and length 2, without which it is all of the axis."""
    found = []
    for extent in wire.fields(field.start, field.stop):
        if (extent.number, extent.wire) == (1, BYTES):
            own = {item.number: signed_value(item.value) for item in wire.fields(extent.start, extent.stop)}
            found.append((own.get(1, 0), own.get(2, _FULL)))
    return tuple(found)


# --- Tensors


def stored_tensor(bundle: Bundle, key: bytes, name: str) -> Stored:
    """A variable under a name of its own, not yet read."""
    entry, dtype = bundle.entries[key], dtype_name(bundle.entries[key].dtype)
    where = f"{name_of(bundle.file)}, {printable(name)}"
    if entry.slices:
        nbytes = numel(entry.shape) * WIDTHS.get(dtype, 0)
        return Stored(name, dtype, entry.shape, nbytes, partial(_joined, bundle, key, where))
    place = bundle, entry, dtype, where
    return Stored(name, dtype, entry.shape, entry.size, partial(_array, *place), partial(_blocks, *place))


def _array(bundle: Bundle, entry: Entry, dtype: str, where: str) -> Any:  # noqa: ANN401
    try:
        view = View.whole(entry.shape)
        return read_numbers(bundle.section(entry), dtype, view, big_endian=bundle.big_endian)
    except SourceError as error:
        raise error.at(where) from None


def _blocks(bundle: Bundle, entry: Entry, dtype: str, where: str) -> Iterator[Block]:
    try:
        section = bundle.section(entry)
    except SourceError as error:
        raise error.at(where) from None
    yield from named_blocks(section, dtype, View.whole(entry.shape), where, big_endian=bundle.big_endian)


def _joined(bundle: Bundle, key: bytes, where: str) -> Any:  # noqa: ANN401
    """The numbers of a variable that was saved in parts, which must fill it."""
    import numpy as np

    whole = bundle.entries[key]
    covered = np.zeros(whole.shape, bool)
    array: Any = None
    for extents in whole.slices:
        place = place_of(extents, whole.shape, where)
        part = bundle.entries.get(slice_key(key, extents))
        if part is None or part.slices or part.shape != tuple(axis.stop - axis.start for axis in place):
            raise SourceError("a part of this variable is missing", "all of its parts", f"{extents}", where=where)
        numbers = _array(bundle, part, dtype_name(part.dtype), where)
        array = np.zeros(whole.shape, numbers.dtype) if array is None else array
        array[place], covered[place] = numbers, True
    if array is None or not covered.all():
        raise SourceError("parts of this variable are missing", f"{covered.size:,}", f"{covered.sum():,}", where=where)
    return array


def place_of(extents: Sequence[Extent], shape: tuple[int, ...], where: str) -> tuple[slice, ...]:
    """The place of a part in its variable."""
    if len(extents) != len(shape):
        raise SourceError("a part of this variable has other axes", f"{len(shape)}", f"{len(extents)}", where=where)
    place = tuple(
        slice(0, size) if length == _FULL else slice(start, start + length)
        for (start, length), size in zip(extents, shape, strict=True)
    )
    if not all(0 <= axis.start < axis.stop <= size for axis, size in zip(place, shape, strict=True)):
        raise SourceError("a part of this variable is not in it", f"{shape}", f"{tuple(extents)}", where=where)
    return place


def slice_key(name: bytes, extents: Sequence[Extent]) -> bytes:
    """The key of a part: EncodeTensorNameSlice, in the ordered code of tensorflow/core/lib/strings/ordered_code.cc."""
    escaped = name.replace(b"\xff", b"\xff\0").replace(b"\0", b"\0\xff") if b"\0" not in name else name
    numbers = b"".join(_ordered(value) for extent in extents for value in extent)
    rank = bytes([1, len(extents)]) if extents else b"\0"
    return b"\0" + escaped + b"\0\1" + rank + numbers


def _ordered(value: int) -> bytes:
    """A signed number as bytes that sort as numbers do: the header's leading ones are the number of bytes."""
    magnitude = ~value if value < 0 else value
    length = magnitude.bit_length() // 7 + 1
    if length == 1:
        return bytes([0x80 ^ (value & 0xFF)])
    body = bytearray(value.to_bytes(length, "big", signed=True))
    header = ((1 << length) - 1) << (16 - length)
    body[0] ^= header >> 8
    body[1] ^= header & 0xFF
    return bytes(body)


def read_string(bundle: Bundle, key: bytes, limit: int) -> bytes | None:
    """The bytes of a variable that is one string; None if it is none, too long, or its file is missing.

    Behind the length of the string are four bytes of a checksum.
    """
    entry = bundle.entries.get(key)
    if entry is None or entry.dtype != STRING or entry.shape or entry.size > limit:
        return None
    try:
        data = bundle.section(entry).read()
    except SourceError:
        return None
    head = varint_at(data)
    return data[head[1] + 4 :] if head and head[0] == len(data) - head[1] - 4 else None
