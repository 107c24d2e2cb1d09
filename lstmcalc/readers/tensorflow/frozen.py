"""Graphs of TensorFlow with their weights in them (frozen): the constants under the names of their variables.

Only constants are read. The names of TensorFlow 1's cells tell what they are; in graphs of TensorFlow 2, whose
constants are called by functions, no cell is recognised. The bias that a cell adds at run time is a constant of the
graph, but is not looked for.

Sources: tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto and tensor.proto of TensorFlow 2.21.0,
which wrote the files that this was tested on.

Not here: which LSTMs constants are of (`recognise`).
"""

from collections.abc import Iterator
from functools import partial
from mmap import ACCESS_READ, mmap
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, shown_name
from lstmcalc.readers.files.budget import DECODED, budget
from lstmcalc.readers.files.protobuf import BYTES, FIXED32, VARINT, Field, Wire
from lstmcalc.readers.files.raw_numbers import WIDTHS, array_from_bytes, file_blocks, numel, read_block
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.tensorflow.dtypes import dtype_name, shape_of

_CONST: Final = b"Const"
_FLOATS: Final = 5  # TensorProto.float_val
_FLOAT: Final = 1  # DT_FLOAT


class _Tensor(NamedTuple):
    """A TensorProto."""

    dtype: str
    shape: tuple[int, ...]
    content: Field | None  # its bytes, in tensor_content
    listed: tuple[Field, ...]  # its numbers in float_val, of which the last one is repeated


def read_graph(path: str) -> WeightFile:
    """The constants of a graph."""
    name = shown_name(path)
    try:
        with open(path, "rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as data:  # noqa: PTH123
            wire = Wire(data, name)
            tensors = tuple(_tensors(path, wire))
    except (OSError, ValueError) as error:  # mmap refuses an empty file
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"cannot read {name}", found=getattr(error, "strerror", None) or str(error)) from None
    return WeightFile("graph of TensorFlow", tensors)


def _tensors(path: str, wire: Wire) -> Iterator[Stored]:
    """GraphDef: node 1; NodeDef: name 1, op 2, attr 5."""
    for node in wire.fields(0, len(wire)):
        if (node.number, node.wire) != (1, BYTES):
            continue
        fields = [field for field in wire.fields(node.start, node.stop) if field.wire == BYTES]
        if not any(field.number == 2 and wire.bytes(field) == _CONST for field in fields if _is_short(field)):  # noqa: PLR2004
            continue
        names = [wire.text(field) for field in fields if field.number == 1]
        values = [tensor for field in fields if field.number == 5 and (tensor := _value(wire, field))]  # noqa: PLR2004
        if names and values:
            yield _stored(path, names[-1], values[-1], wire)


def _is_short(field: Field) -> bool:
    return field.stop - field.start == len(_CONST)


def _value(wire: Wire, attribute: Field) -> _Tensor | None:
    """The tensor in an attribute `value`: key 1, value 2 (AttrValue: tensor 8)."""
    fields = {field.number: field for field in wire.fields(attribute.start, attribute.stop) if field.wire == BYTES}
    if not {1, 2} <= fields.keys() or not _is_short(fields[1]) or wire.bytes(fields[1]) != b"value":
        return None
    tensors = [
        field for field in wire.fields(fields[2].start, fields[2].stop) if (field.number, field.wire) == (8, BYTES)
    ]
    return _tensor(wire, tensors[-1]) if tensors else None


def _tensor(wire: Wire, field: Field) -> _Tensor:
    """TensorProto: dtype 1, tensor_shape 2, tensor_content 4, float_val 5."""
    dtype, content, listed = 0, None, list[Field]()
    shape: tuple[int, ...] = ()
    for item in wire.fields(field.start, field.stop):
        if (item.number, item.wire) == (1, VARINT):
            dtype = item.value
        elif (item.number, item.wire) == (2, BYTES):
            shape = shape_of(wire, item, "a constant")
        elif (item.number, item.wire) == (4, BYTES):
            content = item
        elif item.number == _FLOATS and item.wire in (BYTES, FIXED32):
            listed.append(item)
    return _Tensor(dtype_name(dtype), shape, content if dtype != 0 else None, tuple(listed) if dtype == _FLOAT else ())


def _stored(path: str, name: str, tensor: _Tensor, wire: Wire) -> Stored:
    """A constant, not yet read."""
    where = f"{shown_name(path)}, {name}"
    count = numel(tensor.shape)
    nbytes = count * WIDTHS.get(tensor.dtype, 0)
    content = tensor.content
    if content is not None and nbytes and content.stop - content.start == nbytes:
        place = path, where, tensor.dtype, tensor.shape, content.start
        return Stored(
            name, tensor.dtype, tensor.shape, nbytes, partial(read_block, *place), partial(file_blocks, *place)
        )
    raw = b"".join(wire.bytes(field) for field in tensor.listed)
    return Stored(name, tensor.dtype, tensor.shape, nbytes, partial(_filled, raw, tensor, where))


def _filled(raw: bytes, tensor: _Tensor, where: str) -> Any:  # noqa: ANN401  # an array
    """The numbers of a constant that is stored as a list, of which the last number fills the rest."""
    import numpy as np

    count = numel(tensor.shape)
    if not raw or len(raw) % 4 or len(raw) // 4 > count:
        raise SourceError("the numbers of this constant are not read", "its bytes, or a list of floats", where=where)
    budget().take(DECODED, count)
    listed = array_from_bytes(raw, "float32", (len(raw) // 4,))
    return np.concatenate([listed, np.full(count - len(listed), listed[-1], listed.dtype)]).reshape(tensor.shape)
