"""The numbers of a port: an `.npy` or `.npz` file with its output, and its last states if there are any.

Not here: how such a file is read (`files.npz`), and what it is compared with.
"""

import os
from typing import Any, Final

from lstmcalc.errors import (
    LstmcalcError,
    NotFoundError,
    SourceError,
    TooLargeError,
    bytes_text,
    shorten,
    shown_name,
)
from lstmcalc.machine import available_memory
from lstmcalc.readers.files.given import given
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.spec.words import or_list, with_dots

KEYS: Final = ("output", "h_n", "c_n")
_NUMBERS: Final = ("float", "int", "uint", "bfloat")  # how the names of numeric dtypes begin
_COPIES: Final = 6  # the bytes, the array, that of another dtype, and what is subtracted from it


def read_expected(path: str, key: str, where: str) -> dict[str, Any]:
    """The arrays of a port in a file: those of an `.npz` by their names, that of an `.npy` as `key`.

    Args:
        path: The file.
        key: What the flag asks for: one of `KEYS`.
        where: The flag.
    """
    try:
        found = _found(path, key)
        return {name: _numbers(name, item) for name, item in found.items()}
    except LstmcalcError as error:
        raise error.at(f"{where}, {error.where}" if error.where else where) from None


def _found(path: str, key: str) -> dict[str, Stored]:
    from lstmcalc.readers.files.kinds import open_weights, weight_kind

    if given(path) is None and not os.path.lexists(path):
        raise NotFoundError(f"no such file: {shown_name(path)}", ".npy, or .npz with an array called output")
    kind = weight_kind(path)
    if kind not in ("npy", "npz"):
        raise SourceError(
            f"{shown_name(path)} is not a NumPy file",
            f".npy, or .npz with an array called {or_list(KEYS)}",
            hint="np.save('y.npy', output.detach().numpy()) writes one",
        )
    tensors = {item.name: item for item in open_weights(path).tensors}
    if kind == "npy":
        return {key: next(iter(tensors.values()))}
    wanted = KEYS if key == "output" else (key,)
    found = {name: tensors[name] for name in wanted if name in tensors}
    if not found:
        listed = with_dots([shorten(name) for name in tensors], 4) or "no arrays"
        raise SourceError(f"none of the port's arrays in {shown_name(path)}", or_list(wanted), listed)
    return found


def _numbers(name: str, item: Stored) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    if not item.dtype.startswith(_NUMBERS):
        raise SourceError("no real numbers", "float32, or another float or integer", item.dtype, where=name)
    needed, free = _COPIES * max(item.nbytes, 8 * numel(item.shape)), available_memory()
    if needed > free:
        raise TooLargeError(
            "what is expected does not fit in memory",
            f"at most {bytes_text(free)}",
            f"{bytes_text(needed)} while it is compared",
            where=name,
        )
    array = np.asarray(item.read())
    return array if array.dtype.kind == "f" else array.astype(np.float64)
