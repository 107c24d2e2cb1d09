"""Numbers in a file, with their dtype, shape, strides and byte order, read as NumPy arrays.

NumPy has no bfloat16 and no float8: they are read as float32, which represents all of them exactly.

Sources: torch 2.13.0 (c10/util/BFloat16.h, Float8_e4m3fn.h, Float8_e5m2.h, Float8_e4m3fnuz.h, Float8_e5m2fnuz.h,
Float8_e8m0fnu.h), run; NumPy 2.4 for the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.inner import File, section_of
from lstmcalc.readers.files.sections import Section, Stream

BLOCK: Final = 1 << 18  # the most numbers that are read at a time
_GAPS: Final = 4  # numbers that are read for each one that is wanted, where they are far apart in the file
MAX_RANK: Final = 64  # the most axes in NumPy 2
_MAX_COUNT: Final = 2**62  # numbers of an array, below the limit of a 64-bit count
# A view can have more elements than there are numbers, e.g. by `expand`: the most elements that are written out then.
_MAX_EXPANDED: Final = 1 << 24


class NumberFormat(NamedTuple):
    """The bytes of a dtype's numbers."""

    code: str  # NumPy's code for the stored values, without the byte order
    itemsize: int  # bytes per number
    decode: Callable[[Any], Any] | None = None  # from stored values to float32 or complex64; None if not needed


def _bfloat16(stored: Any) -> Any:  # noqa: ANN401  # arrays, as below
    """Decode bfloat16, the upper half of a float32."""
    import numpy as np

    return (stored.astype(np.uint32) << 16).view(np.float32)


def to_bfloat16(array: Any) -> Any:  # noqa: ANN401
    """The numbers rounded to bfloat16, to the nearest even one, in their own dtype; NaN and infinity stay."""
    import numpy as np

    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(array, dtype=np.float32)
    bits = single.view(np.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isfinite(single), rounded, single).astype(array.dtype)


def _float8_e5m2(stored: Any) -> Any:  # noqa: ANN401
    """Decode float8_e5m2, the upper half of a float16."""
    import numpy as np

    return (stored.astype(np.uint16) << 8).view(np.float16).astype(np.float32)


def _complex32(stored: Any) -> Any:  # noqa: ANN401
    """Decode two numbers of float16, the real and the imaginary part."""
    import numpy as np

    found = np.empty(stored.shape, np.complex64)
    found.real, found.imag = stored["real"], stored["imag"]
    return found


def _float8(mantissa: int, bias: int, nans: Sequence[int]) -> Callable[[Any], Any]:
    """A decoder for a float8 without infinities: a sign, an exponent, and a mantissa of `mantissa` bits."""

    def value(byte: int) -> float:
        sign, exponent, fraction = byte >> 7, (byte & 0x7F) >> mantissa, byte & ((1 << mantissa) - 1)
        if byte in nans:
            return float("nan")
        scaled = (fraction + (1 << mantissa if exponent else 0)) * 2.0 ** (max(exponent, 1) - bias - mantissa)
        return -scaled if sign else scaled

    def decode(stored: Any) -> Any:  # noqa: ANN401
        import numpy as np

        return np.array([value(byte) for byte in range(256)], np.float32)[stored]

    return decode


def _float8_e8m0(stored: Any) -> Any:  # noqa: ANN401
    """Decode float8_e8m0, powers of two."""
    import numpy as np

    powers = [2.0 ** (byte - 127) for byte in range(255)]
    return np.array([*powers, float("nan")], np.float32)[stored]


_PLAIN: Final = {
    "float64": "f8", "float32": "f4", "float16": "f2", "complex128": "c16", "complex64": "c8",
    "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1", "bool": "?",
}  # fmt: skip
# The dtypes that can be read, by their names in PyTorch and NumPy.
FORMATS: Final = {
    **{name: NumberFormat(code, int(code[1:] or 1)) for name, code in _PLAIN.items()},
    "bfloat16": NumberFormat("u2", 2, _bfloat16),
    "complex32": NumberFormat("complex32", 4, _complex32),
    "float8_e4m3fn": NumberFormat("u1", 1, _float8(3, 7, (0x7F, 0xFF))),
    "float8_e5m2": NumberFormat("u1", 1, _float8_e5m2),
    "float8_e4m3fnuz": NumberFormat("u1", 1, _float8(3, 8, (0x80,))),
    "float8_e5m2fnuz": NumberFormat("u1", 1, _float8(2, 16, (0x80,))),
    "float8_e8m0fnu": NumberFormat("u1", 1, _float8_e8m0),
}
WIDTHS: Final = {name: form.itemsize for name, form in FORMATS.items()}  # bytes per number


class View(NamedTuple):
    """The elements of an array among the numbers of a section."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]  # for each axis, the numbers from one element to the next
    offset: int = 0  # index of the first element's number

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> "View":
        """All numbers of a section, the last axis varying fastest."""
        return cls(shape, row_major(shape))

    @property
    def numel(self) -> int:
        """The number of elements of the array."""
        return prod(self.shape)

    @property
    def extent(self) -> int:
        """The length of the range of numbers from the first to the last element; 0 if there are no elements."""
        if not self.numel:
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))

    def part(self, place: Sequence[slice]) -> "View":
        """The elements of a part, whose slices have a start and a stop."""
        offset = self.offset + sum(axis.start * stride for axis, stride in zip(place, self.strides, strict=True))
        return View(tuple(axis.stop - axis.start for axis in place), self.strides, offset)


def numel(shape: Sequence[int]) -> int:
    """The number of elements of an array of this shape."""
    return prod(shape)


def checked_shape(shape: Any, where: str = "") -> tuple[int, ...]:  # noqa: ANN401  # whatever a file says
    """The shape as a tuple; refused if no array can have it."""
    if not isinstance(shape, tuple | list) or len(shape) > MAX_RANK or any(type(size) is not int for size in shape):
        raise SourceError("a tensor's shape is none", f"at most {MAX_RANK} integers", _shape_text(shape), where=where)
    if not all(0 <= size <= _MAX_COUNT for size in shape):
        raise SourceError("a tensor's shape is none", "sizes from 0 to 2**62", _shape_text(shape), where=where)
    if prod(size for size in shape if size) > _MAX_COUNT:
        raise SourceError("a tensor's shape is too large", "at most 2**62 numbers", _shape_text(shape), where=where)
    return tuple(shape)


def checked_strides(strides: Any, shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ANN401  # as above
    """The strides as a tuple; refused if they do not fit the shape or are negative, as none are in PyTorch."""
    steps = tuple(strides) if isinstance(strides, tuple | list) else (strides,)
    if len(steps) != len(shape) or not all(type(step) is int and 0 <= step <= _MAX_COUNT for step in steps):
        raise SourceError("a tensor's strides do not fit its shape", found=_shape_text(steps))
    return steps


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous array whose last axis varies fastest."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def column_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous array whose first axis varies fastest (Fortran order)."""
    return tuple(prod(shape[:axis]) for axis in range(len(shape)))


# Some numbers of an array: their place in it, and themselves.
Block: TypeAlias = tuple[tuple[slice, ...], Any]


def number_blocks(
    section: Section, dtype: str, view: View, *, big_endian: bool = False, skip: int = 0
) -> Iterator[Block]:
    """The numbers of an array in blocks of at most `BLOCK`, in native byte order and read-only.

    Blocks come in the order in which the numbers are stored. Arrays of one shape whose axes are stored in the same
    order have the same blocks, whatever their dtypes. Dtypes that NumPy lacks become float32 or complex64.

    The shape and strides of `view` must have been checked (`checked_shape`, `checked_strides`).

    Args:
        section: The bytes.
        dtype: The dtype of the stored numbers.
        view: The elements among the numbers.
        big_endian: The byte order of the numbers.
        skip: The bytes of the section before its first number.
    """
    form = FORMATS.get(dtype)
    if form is None:
        raise SourceError(f"numbers of {dtype} are not read", "float32, bfloat16 or another float")
    if view.numel > max(_MAX_EXPANDED, view.extent):
        raise SourceError(
            "this tensor is a view that repeats its numbers",
            expected=f"at most {_MAX_EXPANDED:,}",
            found=f"{view.numel:,}",
        )
    section.check(skip + view.offset * form.itemsize, view.extent * form.itemsize)
    try:
        order = sorted(range(len(view.shape)), key=lambda axis: -view.strides[axis])
        dense = _is_dense(view, order)
        section = section.remembered(shared=view.offset > 0 or not dense)
        if not (dense or section.in_any_order):
            section = Section.of(section.read())
        with section.stream() as stream:
            for place in _places([view.shape[axis] for axis in order]):
                slices = tuple(place[order.index(axis)] for axis in range(len(order)))
                yield slices, _gathered(stream, form, view.part(slices), skip, big_endian=big_endian)
    except MemoryError:
        raise SourceError("this tensor does not fit in memory", found=f"{view.numel:,} numbers of {dtype}") from None
    except SourceError:
        raise
    except ValueError:  # NumPy 1 has 32 axes at most
        raise SourceError("this tensor is not an array that NumPy can have", found=_shape_text(view.shape)) from None


def _is_dense(view: View, order: Sequence[int]) -> bool:
    """True if the numbers are stored without gaps and repetitions, in this order of axes."""
    sizes = tuple(view.shape[axis] for axis in order)
    steps = zip(sizes, row_major(sizes), (view.strides[axis] for axis in order), strict=True)
    return all(size == 1 or step == stride for size, step, stride in steps)


def _places(sizes: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """The parts of an array of these sizes, of at most `BLOCK` numbers; the first axis is the slowest."""
    if not prod(sizes):
        return
    if prod(sizes) <= BLOCK:
        yield tuple(slice(0, size) for size in sizes)
        return
    first, *others = sizes
    step = BLOCK // prod(others)
    for start in range(0, first, step or 1):
        part = slice(start, min(start + (step or 1), first))
        for place in [tuple(slice(0, size) for size in others)] if step else _places(others):
            yield (part, *place)


def _gathered(stream: Stream, form: NumberFormat, view: View, skip: int, *, big_endian: bool) -> Any:  # noqa: ANN401
    """The numbers of a view; where they are far apart, they are read in several pieces."""
    import numpy as np

    if view.extent <= max(_GAPS * view.numel, BLOCK):
        raw = stream.read(skip + view.offset * form.itemsize, view.extent * form.itemsize)
        return _strided_array(raw, form, view, big_endian=big_endian)
    spans = [(size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True)]
    axis = spans.index(max(spans))
    half = view.shape[axis] // 2
    whole = [slice(0, size) for size in view.shape]
    halves = [
        view.part((*whole[:axis], part, *whole[axis + 1 :])) for part in (slice(0, half), slice(half, view.shape[axis]))
    ]
    return np.concatenate([_gathered(stream, form, part, skip, big_endian=big_endian) for part in halves], axis)


def whole_array(shape: tuple[int, ...], blocks: Iterator[Block]) -> Any:  # noqa: ANN401
    """The array that blocks are parts of, of at least one number; it is new, and may be written to."""
    import numpy as np

    array: Any = None
    for place, numbers in blocks:
        array = np.empty(shape, numbers.dtype) if array is None else array
        array[place] = numbers
    return array


def read_numbers(section: Section, dtype: str, view: View, *, big_endian: bool = False, skip: int = 0) -> Any:  # noqa: ANN401
    """The numbers of an array, as `number_blocks` has them in blocks."""
    blocks = number_blocks(section, dtype, view, big_endian=big_endian, skip=skip)
    try:
        found = whole_array(view.shape, blocks)
        return _strided_array(b"", FORMATS[dtype], view, big_endian=big_endian) if found is None else found
    except MemoryError:
        raise SourceError("this tensor does not fit in memory", found=f"{view.numel:,} numbers of {dtype}") from None
    except SourceError:
        raise
    except ValueError:  # as above
        raise SourceError("this tensor is not an array that NumPy can have", found=_shape_text(view.shape)) from None


def read_block(file: File, where: str, dtype: str, shape: tuple[int, ...], offset: int) -> Any:  # noqa: ANN401
    """The contiguous, little-endian numbers at an offset of a file; `where` is the place that errors name."""
    try:
        return read_numbers(block_section(file, dtype, shape, offset), dtype, View.whole(shape))
    except SourceError as error:
        raise error.at(where) from None


def file_blocks(file: File, where: str, dtype: str, shape: tuple[int, ...], offset: int) -> Iterator[Block]:
    """The numbers of `read_block` in blocks."""
    section = block_section(file, dtype, shape, offset)
    return named_blocks(section, dtype, View.whole(shape), where)


def block_section(file: File, dtype: str, shape: tuple[int, ...], offset: int) -> Section:
    """The bytes of contiguous numbers at an offset of a file."""
    whole = section_of(file)  # a file that was cut off since it was listed is found by reading
    return Section(whole.origin, whole.start + offset, numel(shape) * WIDTHS.get(dtype, 0))


def named_blocks(section: Section, dtype: str, view: View, where: str, *, big_endian: bool = False) -> Iterator[Block]:
    """The numbers of an array in blocks, as `number_blocks`; an error has this place."""
    return placed_blocks(number_blocks(section, dtype, view, big_endian=big_endian), where)


def placed_blocks(blocks: Iterator[Block], where: str) -> Iterator[Block]:
    """The blocks; an error that has no place gets this one."""
    try:
        yield from blocks
    except SourceError as error:
        raise (error if error.where else error.at(where)) from None


def array_from_bytes(data: bytes, dtype: str, shape: tuple[int, ...], *, big_endian: bool = False) -> Any:  # noqa: ANN401
    """Bytes in memory as a contiguous array whose last axis varies fastest."""
    return read_numbers(Section.of(data), dtype, View.whole(shape), big_endian=big_endian)


def _strided_array(raw: bytes, form: NumberFormat, view: View, *, big_endian: bool) -> Any:  # noqa: ANN401
    import numpy as np

    half = ">f2" if big_endian else "<f2"
    parts = np.dtype([("real", half), ("imag", half)])
    dtype = parts if form.code == "complex32" else np.dtype(form.code).newbyteorder(">" if big_endian else "<")
    # Any nonzero byte is True, in PyTorch as in NumPy.
    stored = np.frombuffer(raw, np.uint8) != 0 if form.code == "?" else np.frombuffer(raw, dtype)
    if not view.numel:
        picked = stored[:0].reshape(view.shape)
    else:
        axes = zip(view.shape, view.strides, strict=True)
        steps = [stride * form.itemsize if size > 1 else 0 for size, stride in axes]
        picked = np.ndarray(view.shape, stored.dtype, stored, strides=steps)
    found = form.decode(picked) if form.decode else picked
    return found.astype(found.dtype.newbyteorder("="), order="C", copy=False)


def _shape_text(sizes: Any) -> str:  # noqa: ANN401  # whatever a file says
    """A shape for a message; sizes that are too large, or not integers, become `?`."""
    if not isinstance(sizes, tuple | list):
        return shorten(sizes) if isinstance(sizes, str) or sizes is None else type(sizes).__name__
    return shorten(tuple(size if type(size) is int and abs(size) <= _MAX_COUNT else "?" for size in sizes[:MAX_RANK]))
