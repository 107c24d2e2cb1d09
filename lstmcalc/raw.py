"""Numbers as the bytes of a file have them: dtypes by name, sizes, shapes that can be, and reading one block.

Not here: what stands around them (`safetensors_files`, `numpy_files` and the other readers).
"""

from typing import Any, BinaryIO, Final

from lstmcalc.errors import SourceError, shorten

MAX_RANK: Final = 64  # NumPy 2's limit
_MAX_SIZE: Final = 2**63 - 1

# The bytes of one number. NumPy has no bfloat16 and no float8: they are read as float32, which holds all of them.
WIDTHS: Final = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "float8_e8m0fnu": 1,
}
_FLOAT8: Final = ("float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu")


def checked_shape(value: object, where: str) -> tuple[int, ...]:
    """A shape that an array can have.

    Raises:
        SourceError: It is none.
    """
    if not isinstance(value, list | tuple) or len(value) > MAX_RANK or not all(type(item) is int for item in value):
        raise SourceError("no shape", f"at most {MAX_RANK} integers", shorten(value), where=where)
    if not all(0 <= item <= _MAX_SIZE for item in value):
        raise SourceError("no shape", "sizes from 0 to 2**63 - 1", shorten(value), where=where)
    return tuple(value)


def numel(shape: tuple[int, ...]) -> int:
    """How many numbers an array of this shape has."""
    count = 1
    for size in shape:
        count *= size
    return count


def shown_name(path: str) -> str:
    """A file's name as messages have it."""
    return path if path.isprintable() else shorten(path)


_LONGEST: Final = 300  # characters of a name in a message


def printable(text: str) -> str:
    """Text with names of a file in it, for a terminal: no control characters, and of bounded length."""
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def read_block(path: str, where: str, dtype: str, shape: tuple[int, ...], offset: int) -> Any:  # noqa: ANN401
    """The numbers that stand end to end, little-endian, at an offset of a file.

    Raises:
        SourceError: The file is cut off or cannot be read, or the dtype is none of `WIDTHS`.
    """
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  # as in `sources`
            stream.seek(offset)
            return read_numbers(stream, where, dtype, shape)
    except OSError as error:
        raise SourceError("cannot be read", found=error.strerror or str(error), where=where) from None


def read_numbers(stream: BinaryIO, where: str, dtype: str, shape: tuple[int, ...], order: str = "<") -> Any:  # noqa: ANN401
    """The numbers that a stream has next, as an array of this shape, the last axis the fastest.

    Raises:
        SourceError: There are fewer, or the dtype is none of `WIDTHS`.
    """
    if dtype not in WIDTHS:
        raise SourceError(f"numbers of {dtype} are not read", "float32, bfloat16 or another float", where=where)
    wanted = numel(shape) * WIDTHS[dtype]
    data = stream.read(wanted)
    if len(data) != wanted:
        raise SourceError("cut off", f"{wanted:,} bytes", f"{len(data):,}", where=where)
    return decoded(data, dtype, order).reshape(shape)


def decoded(data: bytes, dtype: str, order: str = "<") -> Any:  # noqa: ANN401
    """Bytes as a vector of numbers, in the machine's own byte order; those that NumPy has not as float32.

    Sources: bfloat16 is the upper half of a float32, e5m2 that of a float16; e4m3fn is table 1 of "FP8 Formats for
    Deep Learning" (2209.05433), without infinities; e8m0fnu is 2**(code - 127), of "OCP Microscaling Formats" 1.0.
    """
    import numpy as np

    if dtype == "bfloat16":
        return (np.frombuffer(data, f"{order}u2").astype(np.uint32) << 16).view(np.float32)
    codes = np.frombuffer(data, np.uint8) if dtype in _FLOAT8 else None
    if codes is not None and dtype == "float8_e5m2":
        return (codes.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
    if codes is not None and dtype == "float8_e8m0fnu":
        return np.where(codes == 255, np.nan, np.ldexp(1.0, codes.astype(np.int32) - 127)).astype(np.float32)  # noqa: PLR2004
    if codes is not None:
        sign, exponent, fraction = codes >> 7, (codes >> 3 & 15).astype(np.int32), (codes & 7).astype(np.float32) / 8
        size = np.where(exponent > 0, np.ldexp(1 + fraction, exponent - 7), np.ldexp(fraction, -6))
        size[codes & 127 == 127] = np.nan  # noqa: PLR2004
        return np.where(sign, -size, size).astype(np.float32)
    return np.frombuffer(data, np.dtype(f"{order}{np.dtype(dtype).str[1:]}")).astype(dtype)
