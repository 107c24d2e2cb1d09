"""NumPy's files: `.npy`, and `.npz`, a zip archive of them. Only headers are read until a tensor is asked for.

Arrays of objects are pickles and are never read.

Source: NEP 1 and the docstring of `numpy.lib.format`, format versions 1.0 to 3.0 (NumPy 2.4.6).
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from warnings import catch_warnings, simplefilter

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.archives import read_archive
from lstmcalc.readers.files.inner import File, name_of, section_of
from lstmcalc.readers.files.raw_numbers import (
    WIDTHS,
    Block,
    View,
    checked_shape,
    column_major,
    number_blocks,
    numel,
    placed_blocks,
    read_numbers,
    row_major,
)
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Spot, Stored, WeightFile

MAGIC: Final = b"\x93NUMPY"
_MAX_HEADER: Final = 10_000  # bytes, the limit of `numpy.load`
_KINDS: Final = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool"}
_OTHERS: Final = {"O": "object", "U": "text", "S": "bytes", "V": "void", "M": "datetime64", "m": "timedelta64"}


class Header(NamedTuple):
    """The header of an array in an `.npy` file."""

    dtype: str  # e.g. `float32`
    order: str  # byte order, `<` or `>`
    width: int  # bytes per number; 0 for objects and structured dtypes
    fortran: bool  # True if the first axis varies fastest
    shape: tuple[int, ...]
    size: int  # bytes of the header itself


def read_npy(file: File) -> WeightFile:
    """The index of a file with one array, which is named after the file without its suffix."""
    name = name_of(file)
    section = section_of(file)
    header = read_header(section, name)
    _check_readable(header, name)
    stem = Path(name).name.removesuffix(".npy")
    return WeightFile("NumPy (npy)", (_stored_array(stem, header, lambda: section, name),))


def read_npz(file: File) -> WeightFile:
    """The index of an archive of arrays; other members are not read, and a note says how many there are."""
    name, tensors, others = name_of(file), [], 0
    for member, entry in read_archive(file).items():
        if not member.endswith(".npy"):
            others += not member.endswith("/")
            continue
        key = member.removesuffix(".npy")
        where = f"{name}, {shorten(key)[1:-1]}"
        try:
            header = read_header(entry.section(), where)
        except SourceError as error:
            raise (error if error.where else error.at(where)) from None
        tensors.append(_stored_array(key, header, entry.checked, where))
    left = "1 member that is not an array is" if others == 1 else f"{others:,} members that are not arrays are"
    notes = (f"{left} left alone",) if others else ()
    return WeightFile("NumPy (npz)", tuple(tensors), notes=notes, dictionaries=((),))


def _stored_array(name: str, header: Header, find: Callable[[], Section], where: str) -> Stored:
    nbytes = numel(header.shape) * header.width
    how = find, header, where
    read = partial(_numbers, *how), partial(_blocks, *how)
    spot = partial(_spot, find, header) if header.dtype in WIDTHS else None
    return Stored(name, header.dtype, header.shape, nbytes, *read, spot=spot)


def _spot(find: Callable[[], Section], header: Header) -> Spot:
    """The place of an array's numbers in the file."""
    return Spot(find(), header.dtype, _view(header), header.order == ">", header.size)


def read_header(section: Section, where: str) -> Header:
    """The header at the start of an array; the rest of the section must be exactly its numbers."""
    start = section.read(0, min(section.length, len(MAGIC) + 6))
    if len(start) < len(MAGIC) + 6 or not start.startswith(MAGIC) or start[6] not in (1, 2, 3):
        expected = f"{MAGIC!r} and a version from 1 to 3"
        raise SourceError("no array of NumPy", expected, shorten(start), where=where)
    counted = 2 if start[6] == 1 else 4
    length, begins = int.from_bytes(start[8 : 8 + counted], "little"), 8 + counted
    if length > _MAX_HEADER:
        raise SourceError("the header is too long", f"at most {_MAX_HEADER:,} bytes", f"{length:,}", where=where)
    text = section.read(0, min(section.length, begins + length))[begins:]
    try:
        with catch_warnings():
            simplefilter("ignore")  # of Python, about an odd escape or number
            entries = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1"))  # noqa: PLR2004
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        entries = None
    if len(text) != length or not isinstance(entries, dict):
        raise SourceError("no header of NumPy", "a dictionary", shorten(text), where=where)
    shape, fortran = checked_shape(entries.get("shape"), where), entries.get("fortran_order")
    if not isinstance(fortran, bool):
        raise SourceError("no header of NumPy", "fortran_order = True or False", shorten(fortran), where=where)
    dtype, order, width = _dtype(entries.get("descr"), where)
    header = Header(dtype, order, width, fortran, shape, begins + length)
    _check_size(header, section.length, where)
    return header


def _dtype(descr: object, where: str) -> tuple[str, str, int]:
    """The dtype's name, e.g. `float32`, its byte order, and the bytes of one number."""
    if isinstance(descr, list):
        return "structured", "<", 0
    match = (
        re.fullmatch(r"([<>|=]?)([a-zA-Z])(\d{0,9})(\[\d{0,9}\w{1,2}\])?", descr) if isinstance(descr, str) else None
    )
    if not match:
        raise SourceError("no dtype of NumPy", "as '<f4'", shorten(descr), where=where)
    order, kind, digits = ">" if match[1] == ">" else "<", match[2], int(match[3] or 0)
    known = "bool" if kind == "b" else f"{_KINDS.get(kind, kind)}{digits * 8}"
    if known in WIDTHS and WIDTHS[known] == digits:
        return known, order, digits
    if kind == "O":
        return "object", order, 0
    return f"{_OTHERS.get(kind, kind)}{digits or ''}", order, digits * (4 if kind == "U" else 1)


def _check_size(header: Header, size: int, where: str) -> None:
    """Refuse an array with fewer or more bytes than its header describes."""
    wanted = header.size + numel(header.shape) * header.width
    if header.dtype not in ("object", "structured") and wanted != size:
        raise SourceError(
            "cut off" if size < wanted else "too long",
            f"{wanted:,} bytes for {header.dtype} {header.shape}",
            f"{size:,}",
            where=where,
        )


def _check_readable(header: Header, where: str) -> None:
    if header.dtype == "object":
        raise SourceError(
            "an array of objects, which is a pickle, is not read",
            "arrays of numbers",
            hint="save each array under its own name: np.savez('weights.npz', **arrays)",
            where=where,
        )
    if header.dtype not in WIDTHS:
        raise SourceError(f"numbers of {header.dtype} are not read", "float32 or another float", where=where)


def _numbers(find: Callable[[], Section], header: Header, where: str) -> Any:  # noqa: ANN401
    _check_readable(header, where)
    big_endian = header.order == ">"
    try:
        return read_numbers(find(), header.dtype, _view(header), big_endian=big_endian, skip=header.size)
    except SourceError as error:
        raise (error if error.where else error.at(where)) from None


def _blocks(find: Callable[[], Section], header: Header, where: str) -> Iterator[Block]:
    _check_readable(header, where)
    big_endian = header.order == ">"
    blocks = number_blocks(find(), header.dtype, _view(header), big_endian=big_endian, skip=header.size)
    yield from placed_blocks(blocks, where)


def _view(header: Header) -> View:
    return View(header.shape, column_major(header.shape) if header.fortran else row_major(header.shape))
