"""The rows of a comparison: LSTMs, settings and tensors on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from lstmcalc.commands.diff.records import Item
from lstmcalc.errors import printable

BAD: Final = ("missing", "unexpected", "misshaped")


LISTED: Final = 4  # names in a sentence


Words = tuple[str, str]


SettingStatus: TypeAlias = Literal["equal", "different", "aside", "unknown"]  # `aside`: no weight depends on it


# In the words of PyTorch; `different` if the numbers differ by more than the tolerance.
TensorStatus: TypeAlias = Literal["equal", "missing", "unexpected", "misshaped", "different"]


class SideRow(NamedTuple):
    """An LSTM that is compared."""

    source: str  # in words
    name: str  # its path in the source
    framework: str
    text: str
    prefix: str | None  # the beginning of its tensors' names; None if unknown


class SettingRow(NamedTuple):
    """A hyperparameter on both sides."""

    name: str
    file: bool | float | None  # None if unknown
    model: bool | float | None
    status: SettingStatus


@dataclass(frozen=True, slots=True)
class TensorRow:
    """A tensor on both sides; what is of a side that does not have it is None."""

    name: str
    status: TensorStatus
    file_shape: Sequence[int] | None
    model_shape: Sequence[int] | None
    file_dtype: str | None  # None, too, if unknown
    model_dtype: str | None


@dataclass(frozen=True, slots=True)
class ValuedRow(TensorRow):
    """A tensor whose numbers are compared."""

    max_abs_difference: float | None  # None if it is not finite, or if the numbers cannot be compared
    made_by: str | None = None  # what makes the second side's numbers of the first side's; None if nothing known does


def row_of(name: str, file: Item | None, model: Item | None) -> TensorRow:
    """The row of a tensor that at least one side has."""
    status: TensorStatus = "unexpected" if file else "missing"
    if file and model:
        status = "equal" if file.shape == model.shape else "misshaped"
    shapes = file.shape if file else None, model.shape if model else None
    return TensorRow(printable(name), status, *shapes, file.dtype if file else None, model.dtype if model else None)


def is_beyond(row: TensorRow, tolerance: float) -> bool:
    """True if the numbers of a tensor differ by more than the tolerance, or by no finite number."""
    if not isinstance(row, ValuedRow) or row.status not in ("equal", "different"):
        return False
    return row.max_abs_difference is None or row.max_abs_difference > tolerance


def judged_row(row: TensorRow, apart: float | None, tolerance: float) -> ValuedRow:
    """The row with the largest difference of its numbers, and its status."""
    shapes, dtypes = (row.file_shape, row.model_shape), (row.file_dtype, row.model_dtype)
    valued = ValuedRow(row.name, row.status, *shapes, *dtypes, apart)
    return ValuedRow(row.name, "different", *shapes, *dtypes, apart) if is_beyond(valued, tolerance) else valued
