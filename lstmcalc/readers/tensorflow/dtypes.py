"""Dtypes and shapes as TensorFlow's messages have them.

Source: tensorflow/core/framework/types.proto and tensor_shape.proto, TensorFlow 2.21.0.
"""

from typing import Final

from lstmcalc.readers.files.protobuf import BYTES, VARINT, Field, Wire, signed_value
from lstmcalc.readers.files.raw_numbers import checked_shape

STRING: Final = 7
DTYPES: Final = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    STRING: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "qint8",
    12: "quint8",
    13: "qint32",
    14: "bfloat16",
    15: "qint16",
    16: "quint16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    29: "int4",
    30: "uint4",
}


def dtype_name(number: int) -> str:
    """The name of a dtype in PyTorch's words, or its number."""
    return DTYPES.get(number, f"type {number}")


def shape_of(wire: Wire, field: Field, where: str) -> tuple[int, ...]:
    """The shape in a TensorShapeProto: dim 2; there size 1.

    Raises:
        SourceError: It is none of an array.
    """
    sizes = []
    for dim in wire.fields(field.start, field.stop):
        if dim.number == 2 and dim.wire == BYTES:  # noqa: PLR2004
            inner = [item.value for item in wire.fields(dim.start, dim.stop) if (item.number, item.wire) == (1, VARINT)]
            sizes.append(signed_value(inner[-1]) if inner else 0)
    return checked_shape(sizes, where)
