"""PyTorch's tensors in pickles, from the inert records of `readers.pickles.records`.

Sources: torch 2.13.0 (torch/_utils.py: the `_rebuild_...` functions; torch/_tensor.py: `_reduce_ex_internal`,
`_rebuild_from_type_v2`; torch/storage.py: `_load_from_bytes`), run; older files as others published them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.raw_numbers import FORMATS, Block, View, checked_shape, checked_strides
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.arrays import RawArray, raw_array
from lstmcalc.readers.pickles.records import Call, Global, Table, text_of

# torch/storage.py: the storage classes, each with its dtype.
_STORAGES: Final = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128", "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8", "_UntypedStorage": "uint8",
}  # fmt: skip
_INTEGERS: Final = {"qint8": "int8", "quint8": "uint8", "qint32": "int32"}
_QUANTIZED: Final = {"qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1}  # bytes of an item
_SHORT: Final = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32"}
_MAX_WRAPPED: Final = 8  # a parameter of a subclass of a tensor is a call in a call
_MAX_NAME: Final = 40  # characters of a dtype's name
_MAX_ARGUMENTS: Final = 8  # arguments of the functions below; a file can have a million


class Storage(NamedTuple):
    """A storage, which has the numbers of tensors."""

    key: str  # its name in the file
    dtype: str  # dtype of its numbers; `uint8` if only the tensor has one
    numel: int  # how many numbers it has
    offset: int = 0  # bytes before it, if it is a part of another storage

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return self.numel * itemsize(self.dtype)


class Quantizer(NamedTuple):
    """The numbers that a quantized tensor stands for: `(q - zero_point) * scale`."""

    scale: "float | Tensor"  # one, or one for each index of an axis
    zero_point: "int | Tensor"
    axis: int = 0

    def numbers(self, stored: Any, place: Sequence[slice]) -> Any:  # noqa: ANN401  # arrays
        """The numbers that those at a place stand for, in float32 as PyTorch computes them."""
        import numpy as np

        shape = [1] * stored.ndim
        parts: list[Any] = []
        for part in (self.zero_point, self.scale):
            if isinstance(part, Tensor):
                shape[self.axis] = -1
                parts.append(part.read()[place[self.axis]].astype(np.float32).reshape(shape))
            else:
                parts.append(np.float32(part))
        with np.errstate(all="ignore"):  # scales of a damaged file
            return (stored.astype(np.float32) - parts[0]) * parts[1]


class Tensor(NamedTuple):
    """A tensor of a file."""

    raw: RawArray  # its dtype, shape and numbers as stored
    conjugated: bool = False  # True if its numbers are stored conjugated
    negated: bool = False  # True if its numbers are stored negated
    why: str = ""  # the reason why its numbers cannot be read; empty if they can
    quantizer: Quantizer | None = None  # of a quantized tensor

    @property
    def dtype(self) -> str:
        """The dtype of its numbers."""
        return self.raw.dtype

    @property
    def nbytes(self) -> int:
        """The size of its numbers in the file, in bytes."""
        if self.raw.data == b"":
            return 0
        return self.raw.view.numel * _QUANTIZED.get(self.dtype, 0) or self.raw.nbytes

    def read(self) -> Any:  # noqa: ANN401  # an array
        """The numbers of the tensor."""
        self._check_readable()
        return self._meant(self._stored().read(), [slice(None)] * len(self.raw.view.shape))

    def blocks(self) -> Iterator[Block]:
        """The numbers of the tensor in blocks."""
        self._check_readable()
        for place, numbers in self._stored().blocks():
            yield place, self._meant(numbers, place)

    def _stored(self) -> RawArray:
        """Its numbers as they are stored, integers if it is quantized."""
        return self.raw._replace(dtype=_INTEGERS[self.dtype]) if self.quantizer else self.raw

    def _check_readable(self) -> None:
        if self.why:
            raise SourceError(self.why)

    def _meant(self, stored: Any, place: Sequence[slice]) -> Any:  # noqa: ANN401  # arrays
        """The numbers that stored ones, at a place of the tensor, stand for."""
        import numpy as np

        if self.quantizer:
            return self.quantizer.numbers(stored, place)

        found = np.conj(stored) if self.conjugated else stored
        return np.negative(found) if self.negated else found


class Unreadable(NamedTuple):
    """A tensor or array that is not one array of numbers."""

    what: str  # a description, e.g. `sparse`


Locate = Callable[[Any], tuple[Section, str, bool]]  # from a storage to its bytes, its dtype, True if big-endian


def itemsize(dtype: str) -> int:
    """The bytes of one number of a dtype."""
    if dtype in FORMATS:
        return FORMATS[dtype].itemsize
    if dtype in _QUANTIZED:
        return _QUANTIZED[dtype]
    raise SourceError("a dtype is not known", found=shorten(dtype))


def storage_dtype(kind: Any) -> str:  # noqa: ANN401  # a record of a pickle
    """The dtype of a storage class."""
    if isinstance(kind, Global) and kind.name in _STORAGES:
        return _STORAGES[kind.name]
    raise SourceError("a tensor's storage is of an unknown class", found=shorten(getattr(kind, "name", "?")))


def tensor_of(call: Call, locate: Locate) -> Tensor | Unreadable | None:
    """The tensor that a call would make; None if it would not make one."""
    for _ in range(_MAX_WRAPPED):
        inner = _inner_call(call)
        if inner is None:
            break
        call = inner
    name = call.path.rpartition(".")[2]
    if not call.path.startswith("torch.") or name not in _REBUILDERS:
        return None
    try:
        return _REBUILDERS[name](call.arguments[:_MAX_ARGUMENTS], locate)
    except SourceError:
        raise
    except (IndexError, TypeError, ValueError, AttributeError):  # arguments that are missing, or of another type
        raise SourceError(
            "a tensor in this file is damaged", found=f"{name} of {len(call.arguments)} arguments"
        ) from None


def _inner_call(call: Call) -> Call | None:
    """The call inside of a parameter or of a subclass of a tensor; None if this is neither."""
    path, arguments = call.path, call.arguments
    if path in ("copyreg.__newobj__", "copy_reg.__newobj__") and arguments and isinstance(arguments[0], Global):
        return Call(arguments[0], arguments[1:_MAX_ARGUMENTS])
    if path in _WRAPPERS and arguments and isinstance(arguments[0], Call):
        return arguments[0]
    if path in _FROM_TYPE and len(arguments) > 2 and isinstance(arguments[2], tuple):  # noqa: PLR2004  # function, type, arguments
        return Call(arguments[0], arguments[2])
    return None


_WRAPPERS: Final = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer",
    "torch.autograd.variable.Variable",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
)
_FROM_TYPE: Final = tuple(
    f"torch.{module}._rebuild_from_type{version}" for module in ("_tensor", "tensor") for version in ("", "_v2")
)


def _strided_tensor(storage: Any, offset: Any, size: Any, stride: Any, locate: Locate, dtype: str = "") -> Tensor:  # noqa: ANN401
    """A tensor that is a view of a storage."""
    section, found, big_endian = locate(storage)
    shape = checked_shape(_sizes(size))
    strides = checked_strides(_sizes(stride), shape)
    if type(offset) is not int or offset < 0:
        raise SourceError("a tensor's storage_offset is none", found=shorten(offset) if type(offset) is int else "?")
    raw = RawArray(dtype or found, View(shape, strides, offset), section, big_endian)
    raw.check()
    return Tensor(raw)


def _sizes(given: Any) -> Any:  # noqa: ANN401  # a tuple, if it is right
    """The tuple of a size or stride, which may be inside of a `torch.Size`."""
    return given.arguments[0] if isinstance(given, Call) and given.path == "torch.Size" else given


def _with_metadata(tensor: Tensor, metadata: Any) -> Tensor:  # noqa: ANN401  # a record of a pickle
    """A tensor that may be stored conjugated or negated (torch/csrc/Module.cpp, `_get_tensor_metadata`)."""
    if not isinstance(metadata, Table):
        return tensor
    return tensor._replace(conjugated=metadata.get("conj") is True, negated=metadata.get("neg") is True)


def _tensor(arguments: tuple[Any, ...], locate: Locate) -> Tensor:
    """The tensor of `_rebuild_tensor` and `_rebuild_tensor_v2`."""
    storage, offset, size, stride, *others = arguments
    tensor = _strided_tensor(storage, offset, size, stride, locate)
    return _with_metadata(tensor, others[2] if len(others) > 2 else None)  # noqa: PLR2004  # after the hooks


def _typed_tensor(arguments: tuple[Any, ...], locate: Locate) -> Tensor:
    """The tensor of `_rebuild_tensor_v3`: its dtype is an argument, and its storage has only bytes."""
    storage, offset, size, stride, _, _, dtype, *others = arguments
    name = torch_dtype(dtype)
    tensor = _strided_tensor(storage, offset, size, stride, locate, name)
    if name not in FORMATS:
        tensor = tensor._replace(why=f"numbers of {name} are not read")
    return _with_metadata(tensor, others[0] if others else None)


def _quantized_tensor(arguments: tuple[Any, ...], locate: Locate) -> Tensor:
    """The tensor of `_rebuild_qtensor`: integers, and what they stand for."""
    storage, offset, size, stride, quantizer, *_ = arguments
    _, dtype, _ = locate(storage)
    if dtype not in _INTEGERS:
        plain = _strided_tensor(storage, offset, size, stride, locate)
        return plain._replace(why=f"numbers of {dtype} are not read")
    tensor = _strided_tensor(storage, offset, size, stride, locate, _INTEGERS[dtype])
    meaning = _quantizer(quantizer, tensor.raw.view.shape, locate)
    tensor = tensor._replace(raw=tensor.raw._replace(dtype=dtype), quantizer=meaning)
    return tensor if meaning else tensor._replace(why="what the integers of this tensor stand for is not known")


def _quantizer(given: Any, shape: tuple[int, ...], locate: Locate) -> Quantizer | None:  # noqa: ANN401  # as above
    """The meaning of integers: one scale, or one for each index of an axis; None if it is another."""
    scheme, scale, zero, *axis = given
    name = scheme.name if isinstance(scheme, Global) and scheme.module == "torch" else ""
    if name == "per_tensor_affine" and type(scale) in (float, int) and type(zero) is int:
        return Quantizer(float(scale), zero)
    if name != "per_channel_affine" or type(axis[0]) is not int or not 0 <= axis[0] < len(shape):
        return None
    found = [tensor_of(item, locate) if isinstance(item, Call) else None for item in (scale, zero)]
    scales, zeros = (item if isinstance(item, Tensor) else None for item in found)
    if scales is None or zeros is None or {(shape[axis[0]],)} != {item.raw.view.shape for item in (scales, zeros)}:
        return None
    return Quantizer(scales, zeros, axis[0])


def _meta_tensor(arguments: tuple[Any, ...], _locate: Locate) -> Tensor:
    dtype, size, stride, *_ = arguments
    shape = checked_shape(_sizes(size))
    view = View(shape, checked_strides(_sizes(stride), shape))
    return Tensor(
        RawArray(torch_dtype(dtype), view, b""), why="this is a tensor of the device meta, which has no numbers"
    )


def _from_numpy(arguments: tuple[Any, ...], _locate: Locate) -> Tensor:
    data, *_ = arguments
    array = raw_array(data) if isinstance(data, Call) else None
    if array is None:
        raise SourceError("a tensor in this file is damaged", expected="an array of NumPy")
    return Tensor(array)  # PyTorch would convert it to a dtype that is at most narrower


def torch_dtype(dtype: Any) -> str:  # noqa: ANN401  # a record of a pickle
    """The name of a dtype."""
    name = dtype.name if isinstance(dtype, Global) and dtype.module == "torch" else text_of(dtype) or ""
    name = _SHORT.get(name, name)
    if not name.isidentifier() or len(name) > _MAX_NAME:
        raise SourceError("a tensor's dtype is none", found=shorten(name))
    return name


def _rebuilder_of_unreadable(what: str) -> Callable[[tuple[Any, ...], Locate], Unreadable]:
    return lambda _arguments, _locate: Unreadable(what)


_REBUILDERS: Final[dict[str, Callable[[tuple[Any, ...], Locate], Tensor | Unreadable]]] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_tensor_v3": _typed_tensor,
    "_rebuild_qtensor": _quantized_tensor,
    "_rebuild_meta_tensor_no_storage": _meta_tensor,
    "_rebuild_device_tensor_from_numpy": _from_numpy,
    "_rebuild_xla_tensor": _from_numpy,
    "_rebuild_sparse_tensor": _rebuilder_of_unreadable("sparse"),
    "_rebuild_sparse_csr_tensor": _rebuilder_of_unreadable("sparse"),
    "_rebuild_nested_tensor": _rebuilder_of_unreadable("nested"),
    "_rebuild_wrapper_subclass": _rebuilder_of_unreadable("of a subclass of a tensor"),
}
