"""Checkpoints of TensorFlow before 0.12, in one file (V1): a table whose first entry describes all variables.

Every other entry has the numbers of a variable, or of a part of one, as a list. One block of the table is read for one.

Sources: tensorflow/core/util/saved_tensor_slice.proto and saved_tensor_slice_util.cc of TensorFlow 2.21.0, which wrote
the files that this was tested on.

Not here: the table (`tables`), and checkpoints with an index (`checkpoints`).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, named_error, printable, shown_name
from lstmcalc.readers.files.protobuf import BYTES, VARINT, Field, Wire
from lstmcalc.readers.files.raw_numbers import WIDTHS, array_from_bytes, numel
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.tensorflow.bundles import Extent, place_of, slice_key, slice_of
from lstmcalc.readers.tensorflow.checkpoints import keras_modules, named_modules, variables_in
from lstmcalc.readers.tensorflow.dtypes import dtype_name, shape_of
from lstmcalc.readers.tensorflow.tables import value_of

_MAX_VARIABLES: Final = 30_000  # each may be of an LSTM, which takes about a millisecond
# The field of TensorProto that lists the numbers of a dtype: float_val, double_val.
_LISTS: Final = {"float32": 5, "float64": 6}


class _Variable(NamedTuple):
    """SavedSliceMeta: name 1, shape 2, type 3, slice 4."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    parts: tuple[tuple[Extent, ...], ...]


def read_old_checkpoint(path: str) -> WeightFile:
    """A checkpoint in one file."""
    name = shown_name(path)
    try:
        value = value_of(Section.of(Path(path)), b"") or b""
        by_key = {item.name: _stored(path, item) for item in _variables(Wire(value, "its header"))}
    except SourceError as error:
        raise (error if error.where.startswith(name) else named_error(error, name)) from None
    variables = variables_in(by_key, ())
    stated = named_modules(keras_modules(variables, (), {}, name))
    return WeightFile("TensorFlow checkpoint (V1)", variables.tensors, stated, buffers=variables.others)


def _variables(wire: Wire) -> Iterator[_Variable]:
    """SavedTensorSlices: meta 1; there tensor 1."""
    left = _MAX_VARIABLES
    for meta in _messages(wire, Field(0, BYTES, 0, 0, len(wire)), 1):
        for tensor in _messages(wire, meta, 1):
            left -= 1
            if left < 0:
                raise SourceError("it has too many variables", f"at most {_MAX_VARIABLES:,}")
            yield _variable(wire, tensor)


def _messages(wire: Wire, around: Field, number: int) -> list[Field]:
    return [field for field in wire.fields(around.start, around.stop) if (field.number, field.wire) == (number, BYTES)]


def _variable(wire: Wire, tensor: Field) -> _Variable:
    name, kind, parts = "", 0, list[tuple[Extent, ...]]()
    shape: tuple[int, ...] = ()
    for field in wire.fields(tensor.start, tensor.stop):
        if (field.number, field.wire) == (1, BYTES):
            name = wire.text(field)
        elif (field.number, field.wire) == (2, BYTES):
            shape = shape_of(wire, field, printable(name))
        elif (field.number, field.wire) == (3, VARINT):
            kind = field.value
        elif (field.number, field.wire) == (4, BYTES):
            parts.append(slice_of(wire, field))
    return _Variable(name, dtype_name(kind), shape, tuple(parts))


def _stored(path: str, variable: _Variable) -> Stored:
    nbytes = numel(variable.shape) * WIDTHS.get(variable.dtype, 0)
    where = f"{shown_name(path)}, {printable(variable.name)}"
    return Stored(variable.name, variable.dtype, variable.shape, nbytes, partial(_array, path, variable, where))


def _array(path: str, variable: _Variable, where: str) -> Any:  # noqa: ANN401  # an array
    """The numbers of a variable, whose parts must fill it."""
    import numpy as np

    section = Section.of(Path(path))
    if numel(variable.shape) > section.length:  # a number takes four bytes or eight
        raise SourceError("the numbers of this variable are not in its file", f"{numel(variable.shape):,}", where=where)
    array = np.zeros(variable.shape, variable.dtype if variable.dtype in _LISTS else "float32")
    covered = np.zeros(variable.shape, bool)
    for extents in variable.parts:
        try:
            place = place_of(extents, variable.shape, where)
            value = value_of(section, slice_key(variable.name.encode(), extents))
            array[place] = _numbers(value or b"", variable.dtype, array[place].shape)
            covered[place] = True
        except SourceError as error:
            raise error.at(where) from None
    if not covered.all():
        raise SourceError("parts of this variable are missing", f"{covered.size:,}", f"{covered.sum():,}", where=where)
    return array


def _numbers(value: bytes, dtype: str, shape: Sequence[int]) -> Any:  # noqa: ANN401
    """SavedTensorSlices: data 2; SavedSlice: data 3; TensorProto: a list of numbers."""
    if dtype not in _LISTS:
        raise SourceError(f"numbers of {dtype} are not read from this format", "float32 or float64")
    wire = Wire(value, "an entry of its table")
    fields = [Field(0, BYTES, 0, 0, len(value))]
    for number in (2, 3, _LISTS[dtype]):
        fields = [inner for field in fields for inner in _messages(wire, field, number)]
    raw = b"".join(wire.bytes(field) for field in fields)
    if len(raw) != numel(shape) * WIDTHS[dtype]:
        raise SourceError("an entry is damaged", f"{numel(shape):,} numbers of {dtype}", f"{len(raw):,} bytes")
    return array_from_bytes(raw, dtype, tuple(shape))
