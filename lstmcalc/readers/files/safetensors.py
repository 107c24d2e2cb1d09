"""Files of safetensors: a length, a JSON index, and the bytes of every tensor.

The package `safetensors` is not used: its NumPy interface refuses bfloat16 and float8 ("data type 'bfloat16' not
understood"), and without PyTorch it has no other access to the bytes of one tensor.

Source: the section "Format" of the README of safetensors 0.8.0, and what its reader refuses; tests compare this reader
with that one.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.inner import File, name_of, section_of
from lstmcalc.readers.files.raw_numbers import (
    WIDTHS,
    View,
    block_section,
    checked_shape,
    file_blocks,
    numel,
    read_block,
)
from lstmcalc.readers.files.tensors import Spot, Stored, WeightFile

MAX_INDEX: Final = 32 * 2**20  # bytes; the format allows 10**8, but 10**5 tensors have about 10**7

# From the format's names to PyTorch's. Dtypes of less than a byte are missing: their tensors are listed, not read.
DTYPES: Final = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
}


def read_safetensors(file: File) -> WeightFile:
    """The index of a file of safetensors; tensors are read when they are asked for."""
    name = name_of(file)
    try:
        section = section_of(file)
        size = section.length
        length = int.from_bytes(section.read(0, min(size, 8)), "little")
        if length > size - 8:
            raise _damage_error(name, f"an index of {length:,} bytes", f"{max(size - 8, 0):,} bytes behind its length")
        if length > MAX_INDEX:
            raise SourceError(f"the index of {name} is too large", f"at most {MAX_INDEX:,} bytes", f"{length:,}")
        index = section.read(8, length)
    except OSError as error:
        raise SourceError(f"cannot read {name}", found=error.strerror or str(error)) from None
    entries = _entries(index, name)
    entries.pop("__metadata__", None)
    tensors = [_stored_tensor(file, key, entry, 8 + length, size) for key, entry in entries.items()]
    tensors.sort(key=lambda pair: pair[0])
    _check_layout([span for span, _ in tensors], name, size - 8 - length)
    return WeightFile("safetensors", tuple(tensor for _, tensor in tensors), dictionaries=((),))


def _entries(index: bytes, name: str) -> dict[str, Any]:
    """The index, from names to entries."""
    from json import loads

    try:
        entries = loads(index.decode("utf-8"), object_pairs_hook=_dict_of_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise error.at(name) from None
        raise _damage_error(name, "an index in JSON", shorten(str(error), 120)[1:-1]) from None
    if not isinstance(entries, dict):
        raise _damage_error(name, "an index in JSON that begins with {", type(entries).__name__)
    return entries


def _dict_of_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise SourceError("the index is damaged", "each name once", f"{shorten(twice)} twice")
    return made


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _stored_tensor(file: File, key: str, entry: object, base: int, size: int) -> tuple[tuple[int, int], Stored]:
    """One tensor, and the range of its bytes, counted from the end of the index."""
    name = name_of(file)
    where = f"{name}, {shorten(key)[1:-1]}"
    if not isinstance(entry, Mapping):
        raise _damage_error(where, "dtype, shape and data_offsets", shorten(entry))
    code, offsets = entry.get("dtype"), entry.get("data_offsets")
    shape = checked_shape(entry.get("shape"), where)
    if not isinstance(code, str):
        raise _damage_error(where, "a dtype", shorten(code))
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(item) is int for item in offsets):  # noqa: PLR2004
        raise _damage_error(where, "two data_offsets", shorten(offsets))
    start, stop = offsets
    if not 0 <= start <= stop <= size - base:
        raise _damage_error(
            where, f"data_offsets within the {size - base:,} bytes behind the index", f"{start}, {stop}"
        )
    dtype = DTYPES.get(code, shorten(code.lower())[1:-1])
    if code in DTYPES and numel(shape) * WIDTHS[dtype] != stop - start:
        wanted = numel(shape) * WIDTHS[dtype]
        raise _damage_error(where, f"{wanted:,} bytes of {dtype} {shape}", f"{stop - start:,} bytes")
    place = file, where, dtype, shape, base + start
    how = partial(read_block, *place), partial(file_blocks, *place)
    return (start, stop), Stored(key, dtype, shape, stop - start, *how, spot=partial(_spot, *place))


def _spot(file: File, _where: str, dtype: str, shape: tuple[int, ...], offset: int) -> Spot:
    """The place of a tensor's numbers in the file."""
    return Spot(block_section(file, dtype, shape, offset), dtype, View.whole(shape))


def _check_layout(spans: list[tuple[int, int]], name: str, size: int) -> None:
    """Refuse tensors that share bytes, and bytes that belong to no tensor, as the format does."""
    at = 0
    for start, stop in spans:
        if start != at:
            what = "tensors share bytes" if start < at else "bytes belong to no tensor"
            raise _damage_error(name, "tensors end to end", f"{what} at {min(start, at):,}")
        at = stop
    if at != size:
        raise _damage_error(name, f"{at:,} bytes of tensors", f"{size:,}")


def _damage_error(name: str, expected: str, found: str) -> SourceError:
    return SourceError(f"{name} is damaged", expected, found)
