"""Arrays as PyTorch prints tensors: four decimals, in columns; of more than a thousand numbers only the edges.

The same text as `str(tensor)`, with PyTorch's own settings. Source: `torch/_tensor_str.py`, torch 2.13.0.
"""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

_SUMMARIZED: Final = 1000  # larger arrays are abbreviated
_EDGE: Final = 3  # items printed at either end of an axis of an abbreviated array
_WIDTH: Final = 80  # of a line
_BEGIN: Final = "tensor("
_IMPLIED: Final = ("float32", "int64", "bool")  # dtypes that are not printed

_Write: TypeAlias = Callable[[Any], str]


def tensor_text(array: NDArray[Any]) -> str:
    """The text that PyTorch prints for a tensor of these numbers."""
    dtype = f"dtype=torch.{array.dtype}"
    if not array.size:
        sized = [] if array.ndim == 1 else [f"size={array.shape}"]
        return _full_text("[]", [*sized, *([] if array.dtype == np.float32 else [dtype])])
    folds = array.size > _SUMMARIZED
    write, width = _writer(_edges(array) if folds else array)
    text = _block(array, len(_BEGIN), write, width, folds=folds) if array.ndim else write(array.item())
    return _full_text(text, [] if array.dtype.name in _IMPLIED else [dtype])


def _full_text(text: str, suffixes: list[str]) -> str:
    """The complete text, `tensor(..., suffix)`; a suffix that does not fit goes on a line of its own."""
    text = _BEGIN + text
    last = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        fits = last + len(suffix) + 2 <= _WIDTH
        text += f", {suffix}" if fits else f",\n{' ' * len(_BEGIN)}{suffix}"
        last = last + len(suffix) + 2 if fits else len(_BEGIN) + len(suffix)
    return f"{text})"


def _edges(array: NDArray[Any]) -> NDArray[Any]:
    """The numbers that are printed, which alone decide the format."""
    for axis, size in enumerate(array.shape):
        if size > 2 * _EDGE:
            array = np.take(array, [*range(_EDGE), *range(size - _EDGE, size)], axis)
    return array


def _writer(array: NDArray[Any]) -> tuple[_Write, int]:
    """The function that formats a number, and the width of its text."""
    values = array.ravel().tolist()
    if array.dtype.kind != "f":
        width = max(len(str(value)) for value in values)
        return (lambda value: str(value).rjust(width)), width
    counted = [value for value in values if value and isfinite(value)]
    if not counted:
        return (lambda value: _whole(value).rjust(1)), 1
    whole = all(value == int(value) for value in counted)
    least, most = min(map(abs, counted)), max(map(abs, counted))
    form: _Write
    if most / least > 1000 or most > 1e8 or least < 1e-4:  # noqa: PLR2004  # PyTorch's own bounds
        form = "{:.4e}".format
    else:
        form = _whole if whole else "{:.4f}".format
    width = max(len(form(value)) for value in counted)
    return (lambda value: form(value).rjust(width)), width


def _whole(value: float) -> str:
    return f"{value:.0f}{'.' if isfinite(value) else ''}"


def _block(array: NDArray[Any], indent: int, write: _Write, width: int, *, folds: bool) -> str:
    """The numbers in brackets: the last axis in lines, the items of every other axis below each other."""
    folds_here = folds and len(array) > 2 * _EDGE
    if array.ndim == 1:
        ends = (array[:_EDGE].tolist(), array[-_EDGE:].tolist()) if folds_here else (array.tolist(), [])
        first, last = (list(map(write, end)) for end in ends)
        items = [*first, *([" ..."] if folds_here else []), *last]
        each = max(1, (_WIDTH - indent) // (width + 2))
        lines = [", ".join(items[start : start + each]) for start in range(0, len(items), each)]
        return f"[{_joined_text(lines, indent, 1)}]"

    def rows() -> Iterator[str]:
        places = [*range(_EDGE), None, *range(-_EDGE, 0)] if folds_here else range(len(array))
        for place in places:
            yield "..." if place is None else _block(array[place], indent + 1, write, width, folds=folds)

    return f"[{_joined_text(list(rows()), indent, array.ndim - 1)}]"


def _joined_text(parts: list[str], indent: int, breaks: int) -> str:
    return f",{breaks * chr(10)}{' ' * (indent + 1)}".join(parts)
