"""The differences of the numbers of two weight files, read in blocks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from lstmcalc.commands.diff.causes import mapping_faults
from lstmcalc.commands.diff.records import Item, Side, Sides
from lstmcalc.commands.diff.rows import TensorRow, ValuedRow, judged_row, row_of
from lstmcalc.errors import printable
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import paired_blocks
from lstmcalc.report.progress import Tally

if TYPE_CHECKING:
    from lstmcalc.numerics.arrays import Array


def with_differences(
    rows: Sequence[TensorRow],
    file: Side,
    model: Side,
    items: Sequence[Mapping[str, Item]],
    terms: str,
    tolerance: float,
    tally: Tally,
) -> list[ValuedRow]:
    """The rows with the largest difference of the numbers, which are counted.

    It is None if only one side is NaN or infinite, or if the numbers cannot be compared.
    """
    from lstmcalc.numerics.block_statistics import largest_difference

    mapped = {file.framework, model.framework} != {terms}
    loaded: list[Mapping[str, Array]] = []
    if mapped and not (mapping_faults(file, terms) or mapping_faults(model, terms)):
        loaded = [_loaded_arrays(side) for side in (file, model)]
    keys = {printable(name): name for listed in items for name in listed}

    def apart(row: TensorRow) -> float | None:
        if row.status != "equal":
            return None
        name = keys[row.name]
        if mapped:
            return largest_difference([(tally.counted(loaded[0][name]), loaded[1][name])]) if loaded else None
        return _stored_distance(items[0][name], items[1][name], tally)

    return [judged_row(row, apart(row), tolerance) for row in rows]


def numbers_in(rows: Iterable[TensorRow]) -> int:
    """The count of numbers that are compared in these rows."""
    return sum(numel(row.file_shape or ()) for row in rows if row.status == "equal")


def _loaded_arrays(side: Side) -> Mapping[str, "Array"]:
    """The arrays under PyTorch's names; `bias_ih` is the sum of both biases, since other frameworks have one bias."""
    from lstmcalc.intake.load import load_weights

    arrays = dict(load_weights(side.found))
    for name in [name for name in arrays if name.startswith("bias_ih")]:
        other = name.replace("bias_ih", "bias_hh")
        arrays[name] = arrays[name] + arrays[other]
        arrays[other] = arrays[other] * 0
    return arrays


def _stored_distance(file: Item, model: Item, tally: Tally) -> float | None:
    """The largest difference of two stored tensors; None if it is not finite."""
    from lstmcalc.numerics.block_statistics import largest_difference

    assert file.stored is not None  # noqa: S101  # both sides are files
    assert model.stored is not None  # noqa: S101
    return largest_difference((tally.counted(a), b) for a, b in paired_blocks(file.stored, model.stored))


class Shared(NamedTuple):
    """An array that two files have outside of their LSTMs, under one name."""

    row: TensorRow
    file: Item
    model: Item


def shared_arrays(sides: Sides) -> list[Shared]:
    """The arrays of numbers that two files have outside of their LSTMs, under one name."""
    files = [read.file for read in sides.read]
    found = [
        {tensor.name: tensor for tensor in file.tensors if tensor.name not in file.owners} for file in files if file
    ]
    both = {
        name: (Item(tensor.shape, tensor.dtype, tensor), Item(other.shape, other.dtype, other))
        for name, tensor in found[0].items()
        if (other := found[1].get(name)) and all(item.dtype.startswith(_NUMBERS) for item in (tensor, other))
    }
    return [Shared(row_of(name, *items), *items) for name, items in both.items()]


def other_values(shared: Sequence[Shared], tolerance: float, tally: Tally) -> list[ValuedRow]:
    """Rows with the largest difference of the numbers of arrays outside of the LSTMs, which are counted."""
    return [
        judged_row(row, _stored_distance(file, model, tally) if row.status == "equal" else None, tolerance)
        for row, file, model in shared
    ]


_NUMBERS: Final = ("float", "bfloat", "int", "uint", "bool")
