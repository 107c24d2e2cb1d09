"""Checks of arrays that come from outside: their names and shapes."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.errors import ArrayError, shorten
from lstmcalc.spec.words import with_rest

Array: TypeAlias = NDArray[np.floating[Any]]


def as_array(name: str, value: Any) -> Array:  # noqa: ANN401  # whatever NumPy can make an array of
    """`value` as an array in the machine's own byte order; ArrayError if NumPy cannot convert it."""
    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001  # conversions may raise anything, e.g. that of a tensor that needs gradients
        raise ArrayError("not an array", found=shorten(str(error), 100)[1:-1], where=name) from None
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def array_of_shape(name: str, value: Any, shape: tuple[int, ...]) -> Array:  # noqa: ANN401  # as above
    """`value` as an array of this shape; ArrayError if it has another shape or is not an array."""
    array = as_array(name, value)
    if array.shape != shape:
        swapped = name in ("h_0", "c_0") and array.ndim == 3 and array.swapaxes(0, 1).shape == shape  # noqa: PLR2004
        raise ArrayError(
            "the shape does not fit",
            expected=shape_text(shape),
            found=shape_text(array.shape),
            hint="batch_first does not apply to h_0 and c_0: swap the first two axes" if swapped else "",
            where=name,
        )
    return array


def check_names(where: str, found: Any, expected: Sequence[str], owner: str, what: str) -> None:  # noqa: ANN401
    """Refuse anything but a mapping with exactly these names.

    Args:
        where: The name of the mapping.
        found: The mapping, or whatever was given instead.
        expected: The names.
        owner: The arrays as errors call them, e.g. `the weights of this LSTM`.
        what: The expectation, in words.
    """
    if not isinstance(found, Mapping):
        raise ArrayError("not a mapping", expected="names to arrays", found=type(found).__name__, where=where)
    missing, unknown = sorted(set(expected) - found.keys()), sorted(map(str, found.keys() - set(expected)))
    if missing or unknown:
        listed = [
            f"{word} {with_rest(names, 4)}" for word, names in (("missing", missing), ("unknown", unknown)) if names
        ]
        raise ArrayError(f"these are not {owner}", expected=what, found="; ".join(listed), where=where)


def shape_text(shape: Sequence[int]) -> str:
    """A shape as Python writes it."""
    return str(tuple(shape))
