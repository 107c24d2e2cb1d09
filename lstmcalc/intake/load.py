"""The numbers of an LSTM in a weight file, under PyTorch's names, whatever framework stored them.

Not here: which LSTM is in a file (`recognition`), and how layouts are converted (`weights`).
"""

from typing import Any, Final

from lstmcalc.errors import SourceError, TooLargeError, bytes_text, printable
from lstmcalc.frameworks.storage import Storage
from lstmcalc.machine import available_memory
from lstmcalc.numerics.arrays import Array
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.recognise.recognition import Recognised

_FLOATS: Final = ("float16", "float32", "float64")
_COPIES: Final = 3  # the bytes, the array, and PyTorch's


def load(lstm: Recognised) -> dict[str, Array]:
    """The weights of an LSTM as PyTorch has them, in `state_dict` order.

    All of one dtype: the widest that the file has, float32 for bfloat16 and the like, which it holds exactly.

    Raises:
        SourceError: Tensors are missing, misshaped or damaged, or are no floating-point numbers.
        TooLargeError: They do not fit in memory.
        UnsupportedError: The file has what no LSTM of PyTorch has.
        ArrayError: There are biases that are not zero where there can be none.
    """
    _check(lstm)
    import numpy as np

    from lstmcalc.numerics.convert import unpack

    arrays: dict[str, Any] = {}
    for name, tensor in lstm.tensors.items():
        array = np.asarray(tensor.read())
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
    return unpack(
        {name: array.astype(widest, copy=False) for name, array in arrays.items()}, lstm.config, lstm.framework
    )


def _check(lstm: Recognised) -> None:
    """Refuse what cannot be whole, before any number is read."""
    for what, found in (("missing", lstm.missing), ("misshaped", lstm.misshaped), ("unknown", tuple(lstm.unknown))):
        if found:
            more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""  # noqa: PLR2004  # what can be read
            raise SourceError(
                f"the weights of {printable(lstm.name)} are not whole",
                f"all arrays of {lstm.config}",
                f"{what}: {', '.join(map(printable, found[:3]))}{more}",
            )
    if len(lstm.tensors) < Storage(lstm.config, lstm.framework).num_arrays:
        raise SourceError(
            f"the file has no weights of {printable(lstm.name)} that can be read",
            f"the arrays of {lstm.config}",
            " and ".join(map(printable, lstm.unmodelled)),
        )
    wanted = _COPIES * sum(max(tensor.nbytes, 4 * numel(tensor.shape)) for tensor in lstm.tensors.values())
    free = available_memory()
    if wanted > free:
        raise TooLargeError(
            f"the weights of {printable(lstm.name)} do not fit in memory",
            f"at most {bytes_text(free)}",
            f"{bytes_text(wanted)} while they are read",
        )
