"""Mistakes in the weights of one direction of one layer: read in another order, transposed, swapped, rounded.

Sources: torch 2.13.0 (`torch.ao.quantization`, default_weight_observer: qint8, symmetric, the range over 127.5) and
TFLite's specification of 8-bit quantization (symmetric, the range over 127, a scale for each output channel).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.mistakes.plans import Cell
from lstmcalc.readers.files.raw_numbers import to_bfloat16

Change: TypeAlias = Callable[[Cell], Cell]


def _each(change: Callable[[Array], Array], cell: Cell, *, biases: bool = True, projection: bool = True) -> Cell:
    """The cell with every array changed."""
    w_hr = change(cell.w_hr) if projection and cell.w_hr is not None else cell.w_hr
    own = (change(cell.b_ih), change(cell.b_hh)) if biases else (cell.b_ih, cell.b_hh)
    return Cell(change(cell.w_ih), change(cell.w_hh), *own, w_hr)


def _interleaved(array: Array) -> Array:
    """The rows, of which four that follow each other were taken for the gates of one unit."""
    return array.reshape(array.shape[1], 4, *array.shape[2:]).swapaxes(0, 1)


def _blocks(array: Array) -> Array:
    """The rows, which were written unit by unit and taken for blocks of gates."""
    return array.swapaxes(0, 1).reshape(array.shape)


def _transposed(field: str, cell: Cell) -> Cell:
    """Every gate's block of a matrix transposed; it must be square."""
    array: Array = getattr(cell, field)
    return cell._replace(**{field: array.swapaxes(1, 2)})


def _reshaped(field: str, cell: Cell) -> Cell:
    """A matrix that was stored transposed, `(inputs, 4*H_cell)`, and reshaped instead of transposed back."""
    array: Array = getattr(cell, field)
    stored = array.reshape(-1, array.shape[2]).T
    return cell._replace(**{field: stored.reshape(array.shape)})


def _swapped(cell: Cell) -> Cell:
    """W_ih in the place of W_hh, and the other way round."""
    return cell._replace(w_ih=cell.w_hh, w_hh=cell.w_ih)


def to_float16(array: Array) -> Array:
    """The numbers rounded to float16."""
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(array.dtype)


def to_float32(array: Array) -> Array:
    """The numbers rounded to float32."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32).astype(array.dtype)


def to_int8(array: Array, steps: float, axis: int | None) -> Array:
    """The numbers rounded to 255 steps of one scale, or of one scale for each row.

    Args:
        array: `(rows, columns)`, or `(4, H_cell, columns)`.
        steps: The steps that the largest number is.
        axis: That of the columns for a scale for each row, None for one scale.
    """
    largest: Any = np.abs(array).max(axis=axis, keepdims=axis is not None)
    scale = np.where(largest > 0, largest, 1) / array.dtype.type(steps)
    return np.asarray(np.clip(np.round(array / scale), -128, 127) * scale, dtype=array.dtype)


_INT8: Final = partial(_each, biases=False)

# Where a change can have happened without an error of shapes: elsewhere the weights stay. Others can anywhere.
POSSIBLE: Final[dict[str, Callable[[Cell], bool]]] = {
    "input-transposed": lambda cell: cell.w_ih.shape[1] == cell.w_ih.shape[2],
    "recurrent-transposed": lambda cell: cell.w_hh.shape[1] == cell.w_hh.shape[2],
    "swapped": lambda cell: cell.w_ih.shape == cell.w_hh.shape,
}
CHANGES: Final[dict[str, Change]] = {
    "interleaved": partial(_each, _interleaved, projection=False),
    "blocks": partial(_each, _blocks, projection=False),
    "input-transposed": partial(_transposed, "w_ih"),
    "input-reshaped": partial(_reshaped, "w_ih"),
    "recurrent-transposed": partial(_transposed, "w_hh"),
    "recurrent-reshaped": partial(_reshaped, "w_hh"),
    "swapped": _swapped,
    "float32": partial(_each, to_float32),
    "float16": partial(_each, to_float16),
    "bfloat16": partial(_each, to_bfloat16),
    "int8-tensor:127": partial(_INT8, partial(to_int8, steps=127, axis=None)),
    "int8-tensor:127.5": partial(_INT8, partial(to_int8, steps=127.5, axis=None)),
    "int8-channel:127": partial(_INT8, partial(to_int8, steps=127, axis=-1)),
    "int8-channel:127.5": partial(_INT8, partial(to_int8, steps=127.5, axis=-1)),
}
