"""The graphs of a TensorFlow Lite file: tensors, operators with the options that matter here, and where numbers are.

The file is mapped into memory, and no number of a tensor is read. Source: tensorflow/compiler/mlir/lite/schema/
schema.fbs of tensorflow 2.21.0 (schema version 3), whose fields are numbered below in its order.

Not here: the meaning of operators (`fused`, `program`).
"""

from collections.abc import Mapping, Sequence
from mmap import ACCESS_READ, mmap
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError, shorten, shown_name
from lstmcalc.readers.files.raw_numbers import WIDTHS, checked_shape, numel
from lstmcalc.readers.tflite.flatbuffers import Flat, Span, Table

_MAX_GRAPHS: Final = 20_000
_INSIDE: Final = 2  # an offset of a buffer's bytes from the beginning of the file is greater than 1, schema.fbs: Buffer

# TensorType by number.
_DTYPES: Final = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64"),
    *("complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4"),
)
_BITS: Final = {"int4": 4, "uint4": 4, "int2": 2}

# BuiltinOperator by number: those whose meaning is known here. Others have a number alone.
_CUSTOM: Final = 32
_OPERATORS: Final = {
    0: "ADD", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 7: "EMBEDDING_LOOKUP", 27: "SVDF",
    42: "DIV", 54: "PRELU", 67: "TRANSPOSE_CONV", 132: "CONV_3D", 6: "DEQUANTIZE",
    9: "FULLY_CONNECTED", 14: "LOGISTIC", 16: "LSTM", 18: "MUL",
    19: "RELU", 22: "RESHAPE", 24: "RNN", 28: "TANH", 31: "CALL", 32: "CUSTOM", 35: "UNIDIRECTIONAL_SEQUENCE_RNN",
    36: "GATHER", 39: "TRANSPOSE", 41: "SUB", 43: "SQUEEZE", 44: "UNIDIRECTIONAL_SEQUENCE_LSTM", 45: "STRIDED_SLICE",
    46: "BIDIRECTIONAL_SEQUENCE_RNN", 49: "SPLIT", 52: "BIDIRECTIONAL_SEQUENCE_LSTM", 53: "CAST", 55: "MAXIMUM",
    57: "MINIMUM", 58: "LESS", 65: "SLICE", 70: "EXPAND_DIMS", 83: "PACK", 86: "LOGICAL_AND", 88: "UNPACK",
    93: "ZEROS_LIKE", 94: "FILL", 102: "SPLIT_V", 105: "REVERSE_V2", 112: "REVERSE_SEQUENCE", 114: "QUANTIZE",
    118: "IF", 119: "WHILE", 124: "DENSIFY", 126: "BATCH_MATMUL", 129: "CALL_ONCE", 142: "VAR_HANDLE",
    143: "READ_VARIABLE", 144: "ASSIGN_VARIABLE", 152: "RELU_0_TO_1",
}  # fmt: skip
# The options that are read, by operator: the number of the table in the union BuiltinOptions, and for each its field
# and its kind.
_Fields = Mapping[str, tuple[int, str]]
_OPTIONS: Final[Mapping[str, tuple[int, _Fields]]] = {
    "ADD": (11, {"activation": (0, "int8")}),
    "SUB": (28, {"activation": (0, "int8")}),
    "MUL": (21, {"activation": (0, "int8")}),
    "CONCATENATION": (10, {"axis": (0, "int32"), "activation": (1, "int8")}),
    "FULLY_CONNECTED": (8, {"activation": (0, "int8"), "weights_format": (1, "int8")}),
    "GATHER": (23, {"axis": (0, "int32"), "batch_dims": (1, "int32")}),
    "SPLIT": (35, {}),
    "UNPACK": (64, {"axis": (1, "int32")}),
    "PACK": (59, {"axis": (1, "int32")}),
    "STRIDED_SLICE": (
        32,
        {
            "begin_mask": (0, "int32"), "end_mask": (1, "int32"), "ellipsis_mask": (2, "int32"),
            "new_axis_mask": (3, "int32"), "shrink_axis_mask": (4, "int32"), "offset": (5, "uint8"),
        },
    ),
    "BATCH_MATMUL": (101, {"adj_x": (0, "uint8"), "adj_y": (1, "uint8")}),
    "WHILE": (93, {"cond": (0, "int32"), "body": (1, "int32")}),
    "IF": (92, {"then": (0, "int32"), "else": (1, "int32")}),
    "CALL": (16, {"graph": (0, "uint32")}),
    "CALL_ONCE": (103, {"graph": (0, "int32")}),
    "VAR_HANDLE": (111, {"container": (0, "text"), "name": (1, "text")}),
    "LSTM": (
        14,
        {
            "activation": (0, "int8"), "cell_clip": (1, "float32"), "proj_clip": (2, "float32"),
            "kernel": (3, "int8"),
        },
    ),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        71,
        {
            "activation": (0, "int8"), "cell_clip": (1, "float32"), "proj_clip": (2, "float32"),
            "time_major": (3, "uint8"), "diagonal": (5, "uint8"),
        },
    ),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (
        69,
        {
            "activation": (0, "int8"), "cell_clip": (1, "float32"), "proj_clip": (2, "float32"),
            "merge_outputs": (3, "uint8"), "time_major": (4, "uint8"),
        },
    ),
}  # fmt: skip
_DEFAULTS: Final = {("BIDIRECTIONAL_SEQUENCE_LSTM", "time_major"): 1}  # `time_major: bool = true`, schema.fbs

Setting = int | float | str
FUNCTIONS: Final = {0: "", 1: "relu", 2: "relu_n1_to_1", 3: "relu6", 4: "tanh", 5: "sign_bit"}  # ActivationFunctionType


class Tensor(NamedTuple):
    """A tensor of a graph; a constant if the file has its numbers."""

    name: str
    dtype: str  # e.g. `float32`
    shape: tuple[int, ...]  # with 1 for a size that is not fixed
    sizes: tuple[int | None, ...]  # the same, with None for it
    span: Span | None  # its bytes in the file; None if it has none there
    buffer: int  # the number of the buffer that has them: tensors of one buffer share their numbers
    scales: tuple[float, ...]  # of quantized numbers: `(q - zero_point) * scale`
    zero_points: tuple[int, ...]
    axis: int  # on which the scales are, if there are several
    variable: bool  # a state, which stays from one call to the next
    sparse: bool

    @property
    def nbytes(self) -> int:
        """The size of its numbers in bytes."""
        return (numel(self.shape) * (_BITS.get(self.dtype) or 8 * WIDTHS.get(self.dtype, 1)) + 7) // 8


class Operator(NamedTuple):
    """An operator of a graph."""

    op: str  # e.g. `ADD`; `CUSTOM Name` for others' own, `operator 99` for one whose meaning is not known here
    inputs: tuple[int, ...]  # tensors of its graph; -1 for one that is left out
    outputs: tuple[int, ...]
    options: Mapping[str, Setting]


class Graph(NamedTuple):
    """A graph: the main one, or one that an operator runs."""

    name: str
    tensors: Sequence[Tensor]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: Sequence[Operator]


class Model(NamedTuple):
    """The contents of a file."""

    graphs: Sequence[Graph]  # the main one first
    description: str


def read_model(path: str) -> Model:
    """The graphs of a TensorFlow Lite file."""
    name = shown_name(path)
    try:
        with open(path, "rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as data:  # noqa: PTH123
            return _Reader(Flat(data, name), len(data), name).model()
    except (OSError, ValueError) as error:  # mmap refuses an empty file
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"cannot read {name}", found=getattr(error, "strerror", None) or str(error)) from None


class _Reader:
    """The reader of one file."""

    def __init__(self, flat: Flat, size: int, name: str) -> None:
        self._flat, self._size, self._name = flat, size, name

    def model(self) -> Model:
        """Model: version 0, operator_codes 1, subgraphs 2, description 3, buffers 4."""
        root = self._flat.root()
        codes = [self._code(table) for table in root.tables(1)]
        buffers = [self._buffer(table) for table in root.tables(4)]
        graphs = []
        for table in root.tables(2):
            graphs.append(self._graph(table, codes, buffers))
            if len(graphs) > _MAX_GRAPHS:
                raise SourceError(f"{self._name} has too many graphs", f"at most {_MAX_GRAPHS:,}")
        if not graphs:
            raise SourceError(f"{self._name} is not a TensorFlow Lite model", "a graph in it")
        return Model(graphs, root.text(3))

    def _code(self, table: Table) -> str:
        """OperatorCode: deprecated_builtin_code 0, custom_code 1, version 2, builtin_code 3."""
        code = max(table.int8(0), table.int32(3))  # the first one was too small for more than 127
        if code == _CUSTOM:
            return f"CUSTOM {table.text(1)}"
        return _OPERATORS.get(code, f"operator {code}")

    def _buffer(self, table: Table) -> Span | None:
        """Buffer: data 0, or offset 1 and size 2 of bytes behind the index."""
        offset, size = table.uint64(1), table.uint64(2)
        if offset >= _INSIDE:
            self._flat.check(offset, size)
            return Span(offset, size)
        return table.bytes(0)

    def _graph(self, table: Table, codes: Sequence[str], buffers: Sequence[Span | None]) -> Graph:
        """SubGraph: tensors 0, inputs 1, outputs 2, operators 3, name 4."""
        tensors = [self._tensor(item, buffers) for item in table.tables(0)]
        operators = [self._operator(item, codes, len(tensors)) for item in table.tables(3)]
        inputs, outputs = (self._indices(table.int32s(field) or (), len(tensors)) for field in (1, 2))
        return Graph(table.text(4), tensors, inputs, outputs, operators)

    def _tensor(self, table: Table, buffers: Sequence[Span | None]) -> Tensor:
        """Tensor: shape 0, type 1, buffer 2, name 3, quantization 4, is_variable 5, sparsity 6, shape_signature 7.

        QuantizationParameters: scale 2, zero_point 3, quantized_dimension 6.
        """
        name = table.text(3)
        shape = checked_shape(table.int32s(0) or (), f"{self._name}, {shorten(name)}")
        signature = table.int32s(7)
        fixed = signature if signature is not None and len(signature) == len(shape) else shape
        sizes = tuple(None if stated < 0 else size for size, stated in zip(shape, fixed, strict=True))
        buffer, quantization = table.uint32(2), table.table(4)
        if buffer >= max(len(buffers), 1):
            raise SourceError(f"{self._name} is damaged", f"{len(buffers):,} buffers", f"number {buffer:,}")
        span = buffers[buffer] if buffers else None
        scales: tuple[float, ...] = ()
        zero_points: tuple[int, ...] = ()
        axis = 0
        if quantization is not None:
            scales, zero_points, axis = quantization.float32s(2), quantization.int64s(3), quantization.int32(6)
        kind = table.int8(1)
        dtype = _DTYPES[kind] if 0 <= kind < len(_DTYPES) else f"type {kind}"
        variable, sparse = bool(table.uint8(5)), table.table(6) is not None
        held = span if span and span.length and buffer else None  # buffer 0 is the empty one
        return Tensor(name, dtype, shape, sizes, held, buffer, scales, zero_points, axis, variable, sparse)

    def _operator(self, table: Table, codes: Sequence[str], count: int) -> Operator:
        """Operator: opcode_index 0, inputs 1, outputs 2, builtin_options_type 3, builtin_options 4."""
        code = table.uint32(0)
        if code >= len(codes):
            raise SourceError(f"{self._name} is damaged", f"{len(codes):,} codes of operators", f"number {code:,}")
        op = codes[code]
        inputs, outputs = (self._indices(table.int32s(field) or (), count) for field in (1, 2))
        kind, fields = _OPTIONS.get(op, (0, {}))
        found = table.table(4) if kind and table.uint8(3) == kind else None
        options: dict[str, Setting] = {}
        for key, (field, what) in fields.items():
            if found is None:
                options[key] = "" if what == "text" else _DEFAULTS.get((op, key), 0)
            elif what == "text":
                options[key] = found.text(field)
            else:
                options[key] = getattr(found, what)(field, _DEFAULTS.get((op, key), 0))
        return Operator(op, inputs, outputs, options)

    def _indices(self, numbers: Sequence[int], count: int) -> tuple[int, ...]:
        """Numbers of tensors; refused if there are none of these."""
        if any(not -1 <= number < count for number in numbers):
            raise SourceError(f"{self._name} is damaged", f"{count:,} tensors of a graph", f"{shorten(list(numbers))}")
        return tuple(numbers)
