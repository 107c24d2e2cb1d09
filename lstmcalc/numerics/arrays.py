"""Arrays as they come from outside: what they are called, how they are shaped, and how they are refused."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.errors import ArrayError, shorten
from lstmcalc.spec.words import with_rest

Array: TypeAlias = NDArray[np.floating[Any]]


def as_array(name: str, value: Any) -> Array:  # noqa: ANN401  # whatever NumPy can make an array of
    """`value` as an array in the machine's own byte order.

    Raises:
        ArrayError: NumPy cannot make an array of it.
    """
    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001  # what makes an array of itself raises what it likes, as a tensor that needs gradients
        raise ArrayError("not an array", found=shorten(str(error), 100)[1:-1], where=name) from None
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def checked_array(name: str, value: Any, shape: tuple[int, ...]) -> Array:  # noqa: ANN401  # as above
    """`value` as an array of this shape.

    Raises:
        ArrayError: It has another shape, or is no array.
    """
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
        where: What the mapping is called.
        found: The mapping, or what was given instead of it.
        expected: The names.
        owner: Whose arrays these are, as in `these are not the weights of this LSTM`.
        what: What was expected, in words.

    Raises:
        ArrayError: Names are missing or unknown.
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
