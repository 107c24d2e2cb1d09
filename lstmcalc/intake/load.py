"""The numbers of an LSTM in a weight file, under PyTorch's names, whatever framework stored them.

Not here: the LSTMs in a file (`readers.recognise`), and how layouts are converted (`numerics.convert`).
"""

from collections.abc import Callable
from typing import Any, Final

from lstmcalc.errors import SourceError, TooLargeError, bytes_text, printable
from lstmcalc.frameworks.storage import Parameter, Storage
from lstmcalc.intake.computable import check_order
from lstmcalc.machine import available_memory
from lstmcalc.numerics.arrays import Array
from lstmcalc.readers.files.raw_numbers import numel, whole_array
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.found import Found
from lstmcalc.spec.words import with_rest

_FLOATS: Final = ("float16", "float32", "float64")
_COPIES: Final = 2  # the array, and the array in PyTorch's layout


def load_weights(found: Found, counted: Callable[[Any], Any] = lambda numbers: numbers) -> dict[str, Array]:
    """The weights of an LSTM under PyTorch's names and in its layouts, in `state_dict` order.

    All have the widest dtype in the file; bfloat16 and the like become float32, which holds them exactly.

    Args:
        found: The LSTM.
        counted: Called with each block of numbers that is read, which it gives back.
    """
    check_order(found)
    _check(found)
    import numpy as np

    from lstmcalc.numerics.convert import unpack

    arrays: dict[str, Any] = {}
    for name, tensor in found.stored.tensors.items():
        array = np.asarray(_numbers(tensor, counted))
        if array.dtype.name not in _FLOATS:
            raise SourceError(
                "no floating-point numbers",
                "float32 or another float",
                tensor.dtype,
                "quantized weights are numbers only with their scales",
                where=printable(tensor.name),
            )
        if array.shape != tensor.shape:
            raise SourceError("not as its file says", str(tensor.shape), str(array.shape), where=printable(tensor.name))
        arrays[name] = array
    widest = max((array.dtype for array in arrays.values()), key=lambda dtype: dtype.itemsize)
    arrays = {name: array.astype(widest, copy=False) for name, array in arrays.items()}
    arrays |= {row.name: np.zeros(row.shape, widest) for row in _left_out(found)}
    if found.framework == "pytorch":  # nothing is to be converted, and a copy would take as much memory again
        names = (parameter.name for parameter in Storage(found.stored.config, "pytorch").parameters)
        return {name: np.ascontiguousarray(arrays[name]) for name in names}
    return unpack(arrays, found.stored.config, found.framework)


def _numbers(tensor: Stored, counted: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # an array
    """The numbers of a tensor, each block counted."""
    if tensor.parts is None or not numel(tensor.shape):
        return counted(tensor.read())
    return whole_array(tensor.shape, ((place, counted(numbers)) for place, numbers in tensor.parts()))


def _left_out(found: Found) -> list[Parameter]:
    """The biases that the framework always has, and that a file without any leaves out: they are zeros."""
    config, tensors = found.stored.config, found.stored.tensors
    if config.bias or not tensors:
        return []
    return [
        row
        for row in Storage(config, found.framework).parameters
        if row.name not in tensors and all(held.startswith("bias") for held in row.holds)
    ]


def _check(found: Found) -> None:
    """Refuse weights that are incomplete or exceed memory, before any number is read."""
    config, weights = found.stored.config, found.stored
    wrong = (("missing", weights.missing), ("size mismatch", weights.misshaped), ("unknown", tuple(found.gaps)))
    for what, names in wrong:
        if names:
            raise SourceError(
                f"the weights of {printable(found.name)} are not whole",
                f"all arrays of {config}",
                f"{what}: {with_rest([printable(name) for name in names], 3)}",
            )
    if len(weights.tensors) + len(_left_out(found)) < Storage(config, found.framework).num_arrays:
        raise SourceError(
            f"the file has no weights of {printable(found.name)} that can be read",
            f"the arrays of {config}",
            " and ".join(map(printable, found.unmodelled)),
        )
    wanted = _COPIES * sum(max(tensor.nbytes, 4 * numel(tensor.shape)) for tensor in weights.tensors.values())
    free = available_memory()
    if wanted > free:
        raise TooLargeError(
            f"the weights of {printable(found.name)} do not fit in memory",
            f"at most {bytes_text(free)}",
            f"{bytes_text(wanted)} while they are read",
        )
