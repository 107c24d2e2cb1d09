"""Arrays of NumPy and JAX in pickles, from the inert records of `machine`.

Sources: numpy 2.4.6 and 1.26 (numpy/_core/src/multiarray/methods.c, descriptor.c: `array_reduce_ex`, `array_setstate`,
`arraydescr_reduce`; numpy/_core/numeric.py: `_frombuffer`), jax 0.10.2 (jax/_src/array.py: `_reconstruct_array`), run.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.raw_numbers import (
    FORMATS,
    Block,
    View,
    checked_shape,
    column_major,
    number_blocks,
    read_numbers,
    row_major,
)
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.records import Call, Global, LongString, Table, section_of, text_of


class RawArray(NamedTuple):
    """An array whose numbers are in a pickle or in the file around it."""

    dtype: str  # e.g. `float32`
    view: View  # its shape and elements among the numbers
    data: Any  # its numbers: a value that `machine.bytes_of` takes, or a section of the file
    big_endian: bool = False

    @property
    def nbytes(self) -> int:
        """The size of the elements in bytes; 0 if the dtype is unknown."""
        form = FORMATS.get(self.dtype)
        return self.view.numel * form.itemsize if form else 0

    def check(self) -> None:
        """Refuse an array that refers to more bytes than its data has."""
        form = FORMATS.get(self.dtype)
        held = self._byte_count()
        if form is None or held is None or not self.view.numel:
            return
        if (self.view.offset + self.view.extent) * form.itemsize > held:
            raise SourceError(
                "a tensor is larger than its numbers in the file",
                expected=f"{(self.view.offset + self.view.extent) * form.itemsize:,} bytes",
                found=f"{held:,}",
            )

    def read(self) -> Any:  # noqa: ANN401  # an array
        """The numbers of the array."""
        return read_numbers(self._section(), self.dtype, self.view, big_endian=self.big_endian)

    def blocks(self) -> Iterator[Block]:
        """The numbers of the array in blocks."""
        return number_blocks(self._section(), self.dtype, self.view, big_endian=self.big_endian)

    def _section(self) -> Section:
        return self.data if isinstance(self.data, Section) else section_of(self.data)

    def _byte_count(self) -> int | None:
        """The number of bytes in `data`; None if only decoding them tells."""
        if isinstance(self.data, Section):
            return self.data.length
        if isinstance(self.data, LongString):
            return None if self.data.coding else self.data.section.length
        return len(self.data)


_MULTIARRAY: Final = ("numpy.core.multiarray.", "numpy._core.multiarray.")
_RECONSTRUCT: Final = tuple(f"{module}_reconstruct" for module in _MULTIARRAY)
INLINE: Final = "joblib.numpy_pickle.NumpyArrayWrapper"  # whose state `joblib` makes an array
_FROM_BUFFER: Final = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
# The first of jax 0.4 and later, the others of earlier versions.
_JAX: Final = (
    "jax._src.array._reconstruct_array",
    "jax._src.device_array.reconstruct_device_array",
    "jax.interpreters.xla.reconstruct_device_array",
)
_STATE: Final = 5  # a version, the shape, the dtype, True for Fortran order, the numbers
# From NumPy's short codes to the names of dtypes.
_CODES: Final = {form.code: name for name, form in FORMATS.items() if form.decode is None} | {"b1": "bool"}


def is_array(call: Call) -> bool:
    """True if this call would make an array of NumPy or JAX, whatever it holds."""
    return call.path in _RECONSTRUCT or call.path in _FROM_BUFFER or call.path in _JAX or call.path == INLINE


def raw_array(call: Call) -> RawArray | None:
    """The array of numbers that this call would make; None if it would not make one."""
    if call.path == INLINE:
        return call.state if isinstance(call.state, RawArray) else None
    if call.path in _JAX and len(call.arguments) > 2:  # noqa: PLR2004  # the function, its arguments and the state
        state = call.arguments[2]
    elif call.path in _RECONSTRUCT:
        state = call.state
    elif call.path in _FROM_BUFFER and len(call.arguments) in (4, 5):
        return _from_buffer(*call.arguments)
    else:
        return None
    if not isinstance(state, tuple) or len(state) not in (_STATE - 1, _STATE):  # a version comes first since 2006
        raise SourceError("an array in this pickle is damaged", expected="its shape, dtype and numbers")
    return _from_state(*state[-4:])


def _from_state(shape: Any, dtype: Any, in_columns: Any, data: Any) -> RawArray | None:  # noqa: ANN401
    found = dtype_of(dtype)
    if found is None or not isinstance(data, bytes | str | LongString):
        return None
    name, big_endian = found
    sizes = checked_shape(shape)
    strides = column_major(sizes) if in_columns is True or in_columns == 1 else row_major(sizes)
    array = RawArray(name, View(sizes, strides), data, big_endian)
    array.check()
    return array


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> RawArray | None:  # noqa: ANN401
    """The array that `_frombuffer` makes: in order `K`, `axes` transposes it from the order in which it is stored."""
    array = _from_state(shape, dtype, text_of(order) == "F", data)
    if array is None or text_of(order) != "K":
        return array
    sizes, strides, _ = array.view
    fits = isinstance(axes, tuple) and len(axes) == len(sizes) and all(type(axis) is int for axis in axes)
    if not fits or sorted(axes) != list(range(len(sizes))):
        raise SourceError("an array in this pickle is damaged", expected="its axes in some order")
    return array._replace(view=View(tuple(sizes[axis] for axis in axes), tuple(strides[axis] for axis in axes)))


def dtype_of(dtype: Any) -> tuple[str, bool] | None:  # noqa: ANN401  # a record of a pickle
    """A dtype's name, and True if it is big-endian; None if it is not a dtype of `FORMATS`."""
    if not isinstance(dtype, Call) or dtype.path != "numpy.dtype" or not dtype.arguments:
        return None
    first = dtype.arguments[0]
    if isinstance(first, Global):
        name = first.name if first.module == "ml_dtypes" else None
    else:
        code = text_of(first) or ""
        name = _CODES.get(code.lstrip("<>=|"), code)
    state = dtype.state
    order = text_of(state[1]) if isinstance(state, tuple) and len(state) > 1 else None
    return (name, order == ">") if name in FORMATS else None


def objects_of(call: Call) -> list[Any] | None:
    """The elements of an array of objects, which may be arrays; None if this is not one."""
    if call.path == INLINE and isinstance(call.state, Call) and call.state.path != INLINE:
        call = call.state
    held = call.state[-1] if is_array(call) and isinstance(call.state, tuple) and call.state else None
    return held if isinstance(held, list) else None


def array_description(call: Call) -> str:
    """A description of an array without numbers, for a note."""
    state = call.state if isinstance(call.state, tuple) else ()
    if isinstance(call.state, Table):  # of joblib
        state = (call.state.get("dtype"),)
    for part in (*state[:_STATE], *call.arguments[:_STATE]):
        if isinstance(part, Call) and part.path == "numpy.dtype" and part.arguments:
            return f"an array of dtype {shorten(text_of(part.arguments[0]) or '?', 20)}"
    return "an array of no numbers"
