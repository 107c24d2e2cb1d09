"""Arrays that joblib writes between the opcodes of a pickle: where the bytes of each are.

After the opcode that gives a `NumpyArrayWrapper` its attributes stand, since joblib 1.2, a byte with a length and so
many bytes of padding, and then the numbers, in C or Fortran order; of an array of objects there is a pickle instead.

Source: joblib 1.6.0 (joblib/numpy_pickle.py: `NumpyArrayWrapper`), run; its files of 0.10 to 1.1 have no padding.
Before 0.10 (joblib/numpy_pickle_compat.py) each array was in a file of its own: these are named, and not read.
"""

from typing import Any, Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.raw_numbers import WIDTHS, View, checked_shape, column_major, numel, row_major
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.arrays import INLINE, RawArray, dtype_of
from lstmcalc.readers.pickles.machine import Pickled, interpret_pickle
from lstmcalc.readers.pickles.records import Call, Table, text_of

_MAX_DEPTH: Final = 10  # arrays of objects in arrays of objects
_HAS_OBJECTS: Final = 1  # NPY_ITEM_REFCOUNT among the flags of a dtype (numpy 2.4.6, ndarraytypes.h)
_LARGEST: Final = 1 << 32  # bytes of an element
_OUTSIDE: Final = ("NDArrayWrapper", "ZNDArrayWrapper")


def interpret_joblib(section: Section, depth: int = _MAX_DEPTH) -> Pickled:
    """A pickle in which arrays may stand as joblib writes them, as `interpret_pickle`.

    The state of each wrapper becomes its array: a `RawArray`, or of an array of objects the record of one. It stays if
    the elements are neither numbers nor objects.
    """

    def pass_array(call: Call, at: int) -> int:
        """Read the array of a wrapper, which stands at an offset; the offset where it ends."""
        state = call.state
        dtype = state.get("dtype") if isinstance(state, Table) else None
        if not isinstance(state, Table) or not isinstance(dtype, Call):
            raise SourceError("an array of joblib in this file is damaged", "its shape and dtype")
        size = _item_size(dtype)
        if not size:
            if not depth:
                raise SourceError("arrays of objects are nested too deeply", f"at most {_MAX_DEPTH} levels")
            inner = interpret_joblib(section.part(at, section.length - at), depth - 1)
            call.state = inner.value
            return at + inner.end
        shape = checked_shape(state.get("shape"))
        if isinstance(state.get("numpy_array_alignment_bytes"), int):
            at += 1 + section.read(at, 1)[0]
        data = section.part(at, numel(shape) * size)
        told = dtype_of(dtype)
        strides = column_major(shape) if text_of(state.get("order")) == "F" else row_major(shape)
        call.state = RawArray(told[0], View(shape, strides), data, told[1]) if told else state
        return at + data.length

    return interpret_pickle(section, inline={INLINE: pass_array})


def is_outside(called: tuple[str, ...]) -> bool:
    """True for a pickle of joblib before 0.10, whose arrays are in other files."""
    return any(path.startswith("joblib.") and path.rpartition(".")[2] in _OUTSIDE for path in called)


def _item_size(dtype: Call) -> int:
    """The bytes of an element; 0 for objects."""
    told = dtype_of(dtype)
    if told:
        return WIDTHS[told[0]]
    code = (text_of(dtype.arguments[0]) if dtype.arguments else None) or ""
    state: Any = dtype.state if isinstance(dtype.state, tuple) else ()
    flags, size = (state[at] if len(state) > at and type(state[at]) is int else 0 for at in (7, 5))
    if code[:1] == "O" or flags & _HAS_OBJECTS:
        return 0
    digits = code.lstrip("<>=|")[1:]
    size = size if size > 0 else int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0  # noqa: PLR2004
    if not 0 < size < _LARGEST:
        raise SourceError("an array of joblib in this file is damaged", "its dtype")
    return size
