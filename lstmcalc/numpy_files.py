"""Files of NumPy: `.npy`, and `.npz`, a zip archive of them. Headers only, until a tensor is asked for.

Objects in them are pickles and are never read.

Source: NEP 1 and the docstring of `numpy.lib.format`, format versions 1.0 to 3.0 (NumPy 2.4.6).
"""

import ast
import os
import re
from collections.abc import Callable
from typing import Any, BinaryIO, Final, NamedTuple

from lstmcalc.errors import SourceError, shorten
from lstmcalc.raw import WIDTHS, checked_shape, numel, read_numbers, shown_name
from lstmcalc.tensors import Stored, WeightFile
from lstmcalc.zips import check_member, opened_zip

MAGIC: Final = b"\x93NUMPY"
_MAX_HEADER: Final = 10_000  # characters, as `numpy.load` has it
_KINDS: Final = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool"}
_OTHERS: Final = {"O": "object", "U": "text", "S": "bytes", "V": "void", "M": "datetime64", "m": "timedelta64"}


class Header(NamedTuple):
    """What stands before the numbers of an array.

    Attributes:
        dtype: As `float32`.
        order: `<` or `>`, for the bytes of a number.
        width: The bytes of a number; 0 of an object.
        fortran: Whether the first axis is the fastest.
        shape: The shape.
        size: The bytes of the header itself.
    """

    dtype: str
    order: str
    width: int
    fortran: bool
    shape: tuple[int, ...]
    size: int


def read_npy(path: str) -> WeightFile:
    """A file with one array, called as the file without its suffix.

    Raises:
        SourceError: The file cannot be read or is cut off, or it holds objects.
    """
    name = shown_name(path)
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  # as in `sources`
            header = read_header(stream, name)
            _check_size(header, os.fstat(stream.fileno()).st_size, name)
    except OSError as error:
        raise SourceError(f"cannot read {name}", found=error.strerror or str(error)) from None
    _check_readable(header, name)

    def read() -> Any:  # noqa: ANN401
        try:
            with open(path, "rb") as stream:  # noqa: PTH123
                stream.seek(header.size)
                return _numbers(stream, header, name)
        except OSError as error:
            raise SourceError(f"cannot read {name}", found=error.strerror or str(error)) from None

    stem = os.path.basename(name).removesuffix(".npy")  # noqa: PTH119  # pathlib costs start-up
    count = numel(header.shape) * header.width
    return WeightFile("NumPy (npy)", (Stored(stem, header.dtype, header.shape, count, read),))


def read_npz(path: str) -> WeightFile:
    """The arrays of an archive, by their names; what else is in it is left alone.

    Raises:
        SourceError: The archive cannot be read, is damaged or encrypted, or has two arrays of one name.
    """
    name, tensors, others = shown_name(path), {}, 0
    with opened_zip(path, name) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                others += not info.filename.endswith("/")
                continue
            key = info.filename.removesuffix(".npy")
            if key in tensors:
                raise SourceError(f"{name} is damaged", "each name once", f"{shorten(key)} twice")
            check_member(info, name)
            where = f"{name}, {shorten(key)[1:-1]}"
            with archive.open(info) as stream:
                header = read_header(stream, where)
            _check_size(header, info.file_size, where)
            count = numel(header.shape) * header.width
            reader = _member_reader(path, where, info.filename, header)
            tensors[key] = Stored(key, header.dtype, header.shape, count, reader)
    left = "1 member that is no array is" if others == 1 else f"{others:,} members that are no arrays are"
    notes = (f"{left} left alone",) if others else ()
    return WeightFile("NumPy (npz)", tuple(tensors.values()), notes=notes, dictionaries=((),))


def _member_reader(path: str, where: str, member: str, header: Header) -> Callable[[], Any]:
    def read() -> Any:  # noqa: ANN401
        _check_readable(header, where)
        with opened_zip(path, shown_name(path)) as archive, archive.open(member) as stream:
            stream.read(header.size)
            return _numbers(stream, header, where)

    return read


def read_header(stream: Any, where: str) -> Header:  # noqa: ANN401  # a binary stream
    """The header that a stream begins with.

    Raises:
        SourceError: It is none, or describes no array.
    """
    start = stream.read(len(MAGIC) + 2)
    if len(start) < len(MAGIC) + 2 or not start.startswith(MAGIC) or start[-2] not in (1, 2, 3):
        raise SourceError(
            "no array of NumPy", f"{MAGIC!r} and a version from 1 to 3", shorten(bytes(start)), where=where
        )
    counted = 2 if start[-2] == 1 else 4
    length = int.from_bytes(stream.read(counted), "little")
    if length > _MAX_HEADER:
        raise SourceError("the header is too long", f"at most {_MAX_HEADER:,} bytes", f"{length:,}", where=where)
    text = stream.read(length)
    try:
        entries = ast.literal_eval(text.decode("utf-8" if start[-2] == 3 else "latin-1"))  # noqa: PLR2004
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        entries = None
    if len(text) != length or not isinstance(entries, dict):
        raise SourceError("no header of NumPy", "a dictionary", shorten(text), where=where)
    shape, fortran = checked_shape(entries.get("shape"), where), entries.get("fortran_order")
    if not isinstance(fortran, bool):
        raise SourceError("no header of NumPy", "fortran_order = True or False", shorten(fortran), where=where)
    dtype, order, width = _dtype(entries.get("descr"), where)
    return Header(dtype, order, width, fortran, shape, len(start) + counted + length)


def _dtype(descr: object, where: str) -> tuple[str, str, int]:
    """A dtype by our name, its byte order, and its bytes."""
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
    """Refuse an array whose numbers are not all there, or not alone."""
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


def _numbers(stream: BinaryIO | Any, header: Header, where: str) -> Any:  # noqa: ANN401
    shape = header.shape[::-1] if header.fortran else header.shape
    array = read_numbers(stream, where, header.dtype, shape, header.order)
    return array.T if header.fortran else array
