"""Arrays in memory, of any framework: name, dtype and shape at once, the numbers when they are asked for.

Sources: torch 2.13.0, numpy 2.4.6, jax 0.10.2, keras 3.15.1 and flax 0.12.8, all run.
"""

from functools import partial
from typing import Any, Final

from lstmcalc.errors import SourceError, printable
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.live.classes import class_name, class_names

_TORCH: Final = "torch.Tensor"
_UNBUILT: Final = "torch.nn.parameter.UninitializedTensorMixin"
# What an array is kept in: a variable of Keras, of NNX, and a box of Linen, with the attribute that has it.
_BOXES: Final = {
    "keras.src.backend.common.variables.Variable": "_value",
    "flax.nnx.variablelib.Variable": "_raw_value",
    "flax.core.meta.AxisMetadata": "value",
}
_PLAIN: Final = "biufc"  # kinds of NumPy's own dtypes
_OTHER_FLOATS: Final = "V"  # bfloat16 and the like, of ml_dtypes


def unboxed(value: Any) -> Any:  # noqa: ANN401  # any array
    """The array in a variable or box; any other value as it is."""
    names = class_names(value)
    attribute = next((attribute for box, attribute in _BOXES.items() if box in names), None)
    if attribute is None:
        return value
    inside = getattr(value, attribute, None)
    return value if inside is None else inside


def is_torch_tensor(value: object) -> bool:
    """True for a tensor or parameter of PyTorch."""
    return _TORCH in class_names(value)


def is_array(value: object) -> bool:
    """True for an array of any framework: it has a shape of integers and a dtype."""
    if isinstance(value, type | str | bytes | int | float | complex | bool | list | tuple | dict | None):
        return False
    if is_torch_tensor(value):
        return True
    value = unboxed(value)
    return all(hasattr(type(value), name) or hasattr(value, name) for name in ("shape", "dtype")) and _is_shape(value)


def _is_shape(value: Any) -> bool:  # noqa: ANN401  # anything
    try:
        return all(int(size) >= 0 for size in value.shape)
    except (TypeError, ValueError):
        return False


def is_unbuilt(value: object) -> bool:
    """True for a parameter that has no shape before its module is first called."""
    return _UNBUILT in class_names(value)


def dtype_of(value: Any) -> str:  # noqa: ANN401  # any array
    """The name of an array's dtype: `float32`, `bfloat16`, `qint8`."""
    dtype = value.dtype
    name = getattr(dtype, "name", None)
    return name if isinstance(name, str) else str(dtype).rpartition(".")[2]


def stored_of(name: str, value: Any, place: object = None) -> Stored:  # noqa: ANN401  # any array
    """An array as readers of files have it.

    Args:
        name: Its name.
        value: The array.
        place: A key that is equal for two arrays that share their numbers; of a tensor of PyTorch it is known.
    """
    array = unboxed(value)
    if is_unbuilt(array):
        raise SourceError("a parameter has no shape yet", "a module that was built", printable(name))
    try:
        shape = tuple(int(size) for size in array.shape)
    except (TypeError, ValueError, RuntimeError):
        raise SourceError("an array has no shape", "integers", class_name(array), where=printable(name)) from None
    dtype = dtype_of(array)
    if place is None and is_torch_tensor(array):
        place = _place_of(array)
    width = WIDTHS[dtype] if dtype in WIDTHS else int(getattr(array.dtype, "itemsize", 1))
    return Stored(name, dtype, shape, numel(shape) * width, partial(_numbers, name, array), place=place)


def _place_of(tensor: Any) -> object:  # noqa: ANN401  # a tensor
    """The storage and the view of a tensor; None if it has none, as a sparse one."""
    try:
        storage = tensor.untyped_storage()
        held = storage.data_ptr() or storage._cdata  # noqa: SLF001  # on the meta device there is no address
        return held, tensor.storage_offset(), tuple(tensor.shape), tensor.stride(), str(tensor.dtype)
    except (RuntimeError, NotImplementedError, AttributeError):
        return None


def _numbers(name: str, value: Any) -> Any:  # noqa: ANN401  # an array
    """The numbers of an array as one of NumPy, which shares its memory where it can.

    Raises:
        SourceError: There are none, as on the meta device, or they are in the memory of another device.
    """
    import numpy as np

    try:
        found = _torch_numbers(name, value) if is_torch_tensor(value) else _other_numbers(name, value)
    except SourceError:
        raise
    except (TypeError, RuntimeError, ValueError, NotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise SourceError("the numbers of an array cannot be had", found=first, where=printable(name)) from None
    array = np.asarray(found)
    if array.dtype.kind in _PLAIN:
        return array
    if array.dtype.kind == _OTHER_FLOATS and array.dtype.names is None and "float" in array.dtype.name:
        return array.astype(np.float32)  # which holds them exactly
    raise SourceError("no numbers", "floating-point numbers", str(array.dtype), where=printable(name))


def _torch_numbers(name: str, tensor: Any) -> Any:  # noqa: ANN401  # a tensor, an array
    _check_device(name, tensor.device.type)
    if tensor.is_quantized:
        raise SourceError("quantized numbers are not read", "floating-point numbers", str(tensor.dtype), where=name)
    tensor = tensor.detach()
    if str(tensor.dtype) == "torch.bfloat16" or "float8" in str(tensor.dtype):
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()


def _other_numbers(name: str, value: Any) -> Any:  # noqa: ANN401  # an array
    devices = getattr(value, "devices", None)
    for device in devices() if callable(devices) else ():
        _check_device(name, getattr(device, "platform", "cpu"))
    if "jax.ShapeDtypeStruct" in class_names(value):
        _check_device(name, "meta")
    if is_torch_tensor(inside := unboxed(value)):
        return _torch_numbers(name, inside)
    return inside


def _check_device(name: str, kind: str) -> None:
    """Refuse an array that is not in the memory of the processor."""
    if kind == "meta":
        raise SourceError(
            "there are no numbers",
            "an array in memory",
            "a shape alone, as on the meta device",
            "shapes, params and cost need none",
            printable(name),
        )
    if kind != "cpu":
        raise SourceError(
            "numbers of another device are not read",
            "an array in the memory of the CPU",
            f"one on {kind}",
            'move it: model.to("cpu"), x.cpu(), or jax.device_put(x, jax.devices("cpu")[0])',
            printable(name),
        )
