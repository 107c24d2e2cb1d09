"""The graphs of an ONNX file: nodes, attributes and the headers of tensors, whose numbers are not read here.

The file is mapped into memory and only its index is read, so that a large one takes no more than a small one. Nothing
outside of it is opened before numbers are asked for (`external`).

Source: onnx/onnx.proto of onnx 1.23.2 (IR version 14), whose field numbers are below.

Not here: the meaning of nodes (`constants`, `nodes`).
"""

from collections.abc import Callable, Iterator, Mapping
from mmap import ACCESS_READ, mmap
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, shorten, shown_name
from lstmcalc.readers.files.protobuf import BYTES, VARINT, Field, Wire, signed_value
from lstmcalc.readers.files.raw_numbers import (
    WIDTHS,
    checked_shape,
    numel,
)
from lstmcalc.readers.onnx.external import External

_MAX_DEPTH: Final = 50  # bodies in bodies
_MAX_ATTRIBUTE: Final = 16 * 2**20  # bytes; a larger one is not a setting of an LSTM and is skipped
_MAX_TYPE: Final = 2**16  # bytes; a larger one is not the type of a tensor with a few axes
_MAX_TENSOR_FIELDS: Final = 5_000_000  # numbers that each have a field of their own, as old writers store them

# TensorProto.DataType by number.
_DTYPES: Final = (
    *("undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16"),
    *("float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e5m2", "float8_e5m2fnuz", "uint4", "int4", "float4_e2m1fn", "float8_e8m0fnu", "uint2", "int2"),
    *("float6_e2m3fn", "float6_e3m2fn"),
)
_BITS: Final = {"uint4": 4, "int4": 4, "float4_e2m1fn": 4, "uint2": 2, "int2": 2}
_BITS_6: Final = dict.fromkeys(("float6_e2m3fn", "float6_e3m2fn"), 6)
_RAW: Final = 9
# The fields for numbers of one type, and the dtypes that use them; all others use int32_data.
FLOATS, _INT32S, _STRINGS, _INT64S, DOUBLES, _UINT64S = 4, 5, 6, 7, 10, 11
TYPED: Final = {
    "float32": FLOATS,
    "complex64": FLOATS,
    "int64": _INT64S,
    "float64": DOUBLES,
    "complex128": DOUBLES,
    "uint32": _UINT64S,
    "uint64": _UINT64S,
    "string": _STRINGS,
}

Value: TypeAlias = "int | float | bytes | Tensor | Graph | list[Any]"


class Tensor(NamedTuple):
    """The header of a tensor."""

    name: str  # empty in an attribute
    dtype: str  # e.g. `float32`
    shape: tuple[int, ...]
    spans: tuple[tuple[int, int], ...] = ()  # offsets of each piece of its numbers, and of the byte after the piece
    raw: bool = True  # True if the numbers are stored as in memory, little-endian; False if in fields of their type
    elsewhere: External | None = None  # its numbers in another file; None if this one has them

    @property
    def nbytes(self) -> int:
        """The size of its numbers in bytes; those of less than a byte are packed."""
        bits = _BITS.get(self.dtype) or _BITS_6.get(self.dtype) or 8 * WIDTHS.get(self.dtype, 1)
        return (numel(self.shape) * bits + 7) // 8


class Node(NamedTuple):
    """A node of a graph."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Value]
    overload: str  # tells apart functions of one name
    scopes: str  # the modules that it belongs to, as PyTorch's exporter writes them with dynamo=True


class Graph(NamedTuple):
    """A graph, or the body of a function."""

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]  # its initializers by name
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    types: Mapping[str, bytes] = {}  # the TypeProto of each value that has one, by the value's name

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """The stated shape of a value, None for an axis without a number; None if no shape is stated."""
        return _stated_shape(self.types[name]) if name in self.types else None

    def dtype(self, name: str) -> str:
        """The stated dtype of a value, e.g. `float32`; empty if none is stated."""
        return _stated_dtype(self.types[name]) if name in self.types else ""


class Model(NamedTuple):
    """The contents of a file."""

    graph: Graph  # the main one
    functions: Mapping[tuple[str, str, str], Graph]  # by domain, name and overload
    producer: str  # name and version of the program that made the file
    ir: int = 0  # the version of the format

    @property
    def has_optional_inputs(self) -> bool:
        """True if an input that has an initializer may be left out; before IR 4 every initializer was an input."""
        return self.ir >= 4  # noqa: PLR2004


def read_model(path: str) -> Model:
    """The graphs of an ONNX file."""
    name = shown_name(path)
    try:
        with open(path, "rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as data:  # noqa: PTH123
            return _Reader(Wire(data, name), name).model()
    except (OSError, ValueError) as error:  # mmap refuses an empty file
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"cannot read {name}", found=getattr(error, "strerror", None) or str(error)) from None


_NO_ATTRIBUTES: Final[Mapping[str, Value]] = {}  # of the many nodes that have none
_EMPTY: Final = Node("", "", "", (), (), _NO_ATTRIBUTES, "", "")


def _external(said: Mapping[str, str]) -> External:
    """The place that a tensor states, with impossible numbers as -1, which are in no file."""
    numbers = {key: _decimal(said[key]) for key in ("offset", "length") if said.get(key)}
    return External(said.get("location", ""), numbers.get("offset", 0), numbers.get("length"))


def _decimal(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1  # noqa: PLR2004  # 64 bits


def _stated_shape(stated: bytes) -> tuple[int | None, ...] | None:
    """The shape in a TypeProto: tensor_type 1; there shape 2; there dim 1; there dim_value 1. None if it has none."""
    wire = Wire(stated, "the type of a value")
    at = Field(0, BYTES, 0, 0, len(stated))
    for number in (1, 2):
        inner = [item for item in wire.fields(at.start, at.stop) if item.number == number and item.wire == BYTES]
        if not inner:
            return None
        at = inner[-1]
    sizes: list[int | None] = []
    for dim in wire.fields(at.start, at.stop):
        if dim.number == 1 and dim.wire == BYTES:
            values = [
                item.value for item in wire.fields(dim.start, dim.stop) if item.number == 1 and item.wire == VARINT
            ]
            sizes.append(values[-1] if values and 0 < values[-1] < 2**63 else None)
    return tuple(sizes)


def _stated_dtype(stated: bytes) -> str:
    """The dtype in a TypeProto: tensor_type 1; there elem_type 1. Empty if it has none, or one that is not known."""
    wire = Wire(stated, "the type of a value")
    tensors = [item for item in wire.fields(0, len(wire)) if item.number == 1 and item.wire == BYTES]
    kinds = [
        item.value
        for tensor in tensors[-1:]
        for item in wire.fields(tensor.start, tensor.stop)
        if item.number == 1 and item.wire == VARINT
    ]
    return _DTYPES[kinds[-1]] if kinds and 0 < kinds[-1] < len(_DTYPES) else ""


class _Reader:
    """The reader of one file."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire = wire
        self._name = name
        self._depth = 0

    def model(self) -> Model:
        graph, producer, functions, ir = None, "", {}, 0
        for field in self._wire.fields(0, len(self._wire)):
            if field.number == 7:  # noqa: PLR2004  # graph
                graph = self._graph(self._bytes(field))
            elif field.number == 1:  # ir_version
                ir = field.value
            elif field.number in (2, 3):  # producer_name, producer_version
                producer = f"{producer} {self._wire.text(self._bytes(field))}".strip()
            elif field.number == 25:  # noqa: PLR2004  # functions
                key, body = self._function(self._bytes(field))
                functions[key] = body
        if graph is None:
            raise SourceError(f"{self._name} is not an ONNX model", "a graph in it")
        return Model(graph, functions, producer, ir)

    def _bytes(self, field: Field) -> Field:
        """The field itself; refused unless it holds bytes."""
        if field.wire != BYTES:
            raise SourceError(
                f"{self._name} is damaged", "a message", f"field {field.number} of wire type {field.wire}"
            )
        return field

    def _graph(self, field: Field) -> Graph:
        """A GraphProto: node 1, name 2, initializer 5, input 11, output 12, value_info 13, sparse_initializer 15."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise SourceError(f"the graphs of {self._name} are nested too deeply", f"at most {_MAX_DEPTH} levels")
        nodes: list[Node] = []
        tensors: dict[str, Tensor] = {}
        names: dict[int, list[str]] = {2: [], 11: [], 12: [], 13: []}
        types: dict[str, bytes] = {}
        for item in self._wire.fields(field.start, field.stop):
            if item.number == 1 and item.start == item.stop:
                self._bytes(item)  # a node without an operator, and without a value that another could read
            elif item.number == 1:
                nodes.append(self._node(self._bytes(item)))
            elif item.number in (5, 15):
                read = self._tensor if item.number == 5 else self._sparse_tensor  # noqa: PLR2004
                tensor = read(self._bytes(item))
                tensors[tensor.name] = tensor
            elif item.number == 2:  # noqa: PLR2004
                names[2].append(self._wire.text(self._bytes(item)))
            elif item.number in (11, 12, 13):
                names[item.number].append(self._value_info(self._bytes(item), types))
        self._depth -= 1
        return Graph("".join(names[2][-1:]), tuple(nodes), tensors, tuple(names[11]), tuple(names[12]), types)

    def _function(self, field: Field) -> tuple[tuple[str, str, str], Graph]:
        """A FunctionProto: name 1, input 4, output 5, node 7, domain 10, value_info 12, overload 13."""
        texts: dict[int, list[str]] = {1: [], 4: [], 5: [], 10: [], 13: []}
        types: dict[str, bytes] = {}
        nodes = []
        for item in self._wire.fields(field.start, field.stop):
            if item.number == 7:  # noqa: PLR2004
                nodes.append(self._node(self._bytes(item)))
            elif item.number == 12:  # noqa: PLR2004
                self._value_info(self._bytes(item), types)
            elif item.number in texts:
                texts[item.number].append(self._wire.text(self._bytes(item)))
        domain, name, overload = ("".join(texts[number][-1:]) for number in (10, 1, 13))
        return (domain, name, overload), Graph(name, tuple(nodes), {}, tuple(texts[4]), tuple(texts[5]), types)

    def _value_info(self, field: Field, types: dict[str, bytes]) -> str:
        """The name (1) of a ValueInfoProto, whose type (2) is put into `types`."""
        name, stated = "", b""
        for item in self._wire.fields(field.start, field.stop):
            if item.number == 1:
                name = self._wire.text(self._bytes(item))
            elif item.number == 2 and item.stop - item.start <= _MAX_TYPE:  # noqa: PLR2004
                stated = self._wire.bytes(self._bytes(item))
        if stated:
            types[name] = stated
        return name

    def _text_in(self, field: Field, number: int) -> str:
        """The text of one field of a message; empty if it has none."""
        found = [item for item in self._wire.fields(field.start, field.stop) if item.number == number]
        return self._wire.text(self._bytes(found[-1])) if found else ""

    def _node(self, field: Field) -> Node:
        """A NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7, overload 8, metadata_props 9."""
        if field.start == field.stop:
            return _EMPTY
        texts: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: [], 7: [], 8: []}
        attributes = {}
        scopes = ""
        for item in self._wire.fields(field.start, field.stop):
            if item.number in texts:
                texts[item.number].append(self._wire.text(self._bytes(item)))
            elif item.number == 5:  # noqa: PLR2004
                name, value = self._attribute(self._bytes(item))
                attributes[name] = value
            elif item.number == 9:  # noqa: PLR2004
                key = self._text_in(self._bytes(item), 1)
                scopes = self._text_in(item, 2) if key == "pkg.torch.onnx.name_scopes" else scopes
        op, domain, called, overload = ("".join(texts[number][-1:]) for number in (4, 7, 3, 8))
        inputs, outputs = tuple(texts[1]), tuple(texts[2])
        return Node(op, domain, called, inputs, outputs, attributes or _NO_ATTRIBUTES, overload, scopes)

    def _attribute(self, field: Field) -> tuple[str, Value]:
        """An AttributeProto: name 1, f 2, i 3, s 4, t 5, g 6, floats 7, ints 8, strings 9, graphs 11.

        Its type is not needed, as it has only one value. An attribute of a function that refers to one of the call
        (ref_attr_name 21) has an empty list here.
        """
        name = ""
        value: Any = None
        for item in self._wire.fields(field.start, field.stop):
            if item.number == 1:
                name = self._wire.text(self._bytes(item))
            elif item.number in (4, 7, 8, 9) and item.stop - item.start > _MAX_ATTRIBUTE:
                value = []
            elif item.number in _ATTRIBUTES:
                read, many = _ATTRIBUTES[item.number]
                found = read(self, item)
                # A list has items of one type: if there are several lists, the last one counts.
                if many and found and isinstance(value, list) and value and type(value[0]) is type(found[0]):
                    value += found
                else:
                    value = found
            elif item.number == 21:  # noqa: PLR2004
                value = []
        return name, value

    def _floats(self, field: Field) -> list[float]:
        import struct

        self._wire.count((field.stop - field.start) // 4)
        data = self._wire.bytes(field)
        if field.wire == VARINT or len(data) % 4:
            raise SourceError(f"{self._name} is damaged", "numbers of 4 bytes", f"{len(data):,} bytes")
        return list(struct.unpack(f"<{len(data) // 4}f", data))

    def _ints(self, field: Field) -> list[int]:
        if field.wire == VARINT:
            return [signed_value(field.value)]
        return [signed_value(value) for value in self._wire.varints(self._bytes(field).start, field.stop)]

    def _tensor(self, field: Field) -> Tensor:
        """A TensorProto: dims 1, data_type 2, numbers 4 to 7, 9 to 11, name 8, external_data 13, data_location 14."""
        dims: list[int] = []
        spans: dict[int, list[tuple[int, int]]] = {}
        name, kind, elsewhere = "", 0, False
        outside: dict[str, str] = {}
        for item in self._wire.fields(field.start, field.stop):
            if item.number == 1:
                dims += self._ints(item)
            elif item.number == 2:  # noqa: PLR2004
                kind = item.value
            elif item.number == 8:  # noqa: PLR2004
                name = self._wire.text(self._bytes(item))
            elif item.number in (4, 5, 6, 7, 9, 10, 11):
                spans.setdefault(item.number, []).append((item.start, item.stop))
                if len(spans[item.number]) > _MAX_TENSOR_FIELDS:
                    raise SourceError(
                        f"{self._name} has too many fields", f"at most {_MAX_TENSOR_FIELDS:,} numbers apart"
                    )
            elif item.number == 13:  # noqa: PLR2004
                outside[self._text_in(self._bytes(item), 1)] = self._text_in(item, 2)
            elif item.number == 14:  # noqa: PLR2004
                elsewhere = item.value == 1
        shape = checked_shape(dims, f"{self._name}, {shorten(name)}")
        dtype = _DTYPES[kind] if kind < len(_DTYPES) else f"type {kind}"
        typed = spans.get(TYPED.get(dtype, _INT32S), [])
        raw = spans.get(_RAW, [])[-1:]
        kept = raw if raw or not typed else typed
        place = _external(outside) if elsewhere else None
        return Tensor(name, dtype, shape, tuple(kept), bool(raw) or not typed, place)

    def _sparse_tensor(self, field: Field) -> Tensor:
        """A SparseTensorProto, values 1 and dims 3: its name, its shape as if it were dense, and no numbers."""
        values, dims = Tensor("", "undefined", ()), []
        for item in self._wire.fields(field.start, field.stop):
            if item.number == 1:
                values = self._tensor(self._bytes(item))
            elif item.number == 3:  # noqa: PLR2004
                dims += self._ints(item)
        return Tensor(values.name, f"sparse {values.dtype}", checked_shape(dims, self._name))


_Read: TypeAlias = Callable[[_Reader, Field], Any]
_ATTRIBUTES: Final[Mapping[int, tuple[_Read, bool]]] = {
    2: (lambda reader, field: (reader._floats(field) or [0.0])[-1], False),  # noqa: SLF001
    3: (lambda _, field: signed_value(field.value), False),
    4: (lambda reader, field: reader._wire.bytes(field), False),  # noqa: SLF001
    5: (lambda reader, field: reader._tensor(reader._bytes(field)), False),  # noqa: SLF001
    6: (lambda reader, field: reader._graph(reader._bytes(field)), False),  # noqa: SLF001
    7: (lambda reader, field: reader._floats(field), True),  # noqa: SLF001
    8: (lambda reader, field: reader._ints(field), True),  # noqa: SLF001
    9: (lambda reader, field: [reader._wire.bytes(field)], True),  # noqa: SLF001
    11: (lambda reader, field: [reader._graph(reader._bytes(field))], True),  # noqa: SLF001
}


def bodies(node: Node) -> Iterator[tuple[str, Graph]]:
    """The graphs in a node's attributes, each with the attribute's name."""
    for name, value in node.attributes.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Graph):
                yield name, item
