"""Every combination of some sizes, measured over whole arrays.

The formulas of `costs.measures` are evaluated in blocks of combinations that share their formulas: in 64 bits if no
intermediate value can be larger, else in Python's own integers.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstmcalc.costs.measures import Case, Formulas, Measure
from lstmcalc.costs.regimes import kind_of

SAFE: Final = 2.0**62  # half of what 64 bits hold: the bound itself is in floats, which round
CELLS: Final = 2**15  # combinations in a block
_SYMBOLS: Final = {
    "input_size": "H_in",
    "hidden_size": "H_cell",
    "proj_size": "H_out",
    "num_layers": "num_layers",
    "seq_len": "L",
    "batch": "N",
}
Value: TypeAlias = Any  # a setting's value: an integer, True, False or a dtype, which code for all settings passes on
Numbers: TypeAlias = NDArray[Any]  # of 64 bits each or, if those are too few, Python's own integers


class Axis(NamedTuple):
    """The values of one setting, in the order that they were asked for."""

    field: str
    values: tuple[Value, ...]


class Block:
    """Combinations that share their formulas.

    Args:
        case: The settings that are not swept.
        axes: The settings that are.
        picked: For each axis, the positions of the values that are in the block.
    """

    def __init__(self, case: Case, axes: Sequence[Axis], picked: Sequence[NDArray[np.intp]]) -> None:
        self._fixed = case
        self._axes = axes
        self.picked = picked
        self.shape = tuple(len(positions) for positions in picked)

    def _values(self, field: str) -> list[Value]:
        """The values of a setting in this block; one if it is not swept."""
        for axis, positions in zip(self._axes, self.picked, strict=True):
            if axis.field == field:
                return [axis.values[position] for position in positions]
        return [self._fixed.setting(field)]

    @property
    def case(self) -> Case | None:
        """One combination that is an LSTM: its projection is narrower than its cell; None if there is none."""
        chosen = {axis.field: self._values(axis.field)[0] for axis in self._axes}
        widest, narrowest = max(self._values("hidden_size")), min(self._values("proj_size"))
        return (
            self._fixed.having({**chosen, "hidden_size": widest, "proj_size": narrowest})
            if narrowest < widest
            else None
        )

    def _along(self, field: str, dtype: DTypeLike) -> Numbers:
        """The values of a setting in this block, on its own axis."""
        shape = [-1 if axis.field == field else 1 for axis in self._axes]
        return np.array(self._values(field), dtype).reshape(shape)

    def _symbols(self, case: Case, dtype: DTypeLike) -> dict[str, int | Numbers]:
        """The value of every symbol: a number, or an array along the axis of its setting."""
        values: dict[str, int | Numbers] = dict(case.values)
        for axis in self._axes:
            if axis.field in _SYMBOLS:
                values[_SYMBOLS[axis.field]] = self._along(axis.field, dtype)
        if not case.config.proj_size:
            values["H_out"] = values["H_cell"]
        return values

    @property
    def are_lstms(self) -> NDArray[np.bool_]:
        """True for each combination that is an LSTM: its projection is narrower than its cell."""
        return np.broadcast_to(self._along("proj_size", np.int64) < self._along("hidden_size", np.int64), self.shape)

    def measured(self, formulas: Formulas, case: Case) -> Numbers:
        """The measure of every combination, in an array of shape `self.shape`; exact."""
        formula = formulas.of(case)
        bound = formula.bound(self._symbols(case, np.float64))
        dtype = np.int64 if np.max(bound) < SAFE else object
        return np.broadcast_to(np.asarray(formula.over(self._symbols(case, dtype)), dtype), self.shape)


class Grid:
    """Every combination of the values of `axes`; `case` has the other settings."""

    def __init__(self, case: Case, axes: Sequence[Axis]) -> None:
        self._case = case
        self._axes = axes
        self._shape = tuple(len(axis.values) for axis in axes)

    @property
    def size(self) -> int:
        """The number of combinations, including those that are not LSTMs."""
        return prod(self._shape)

    def _blocks(self) -> list[Block]:
        """All combinations, in blocks of one kind that are small enough to stay in the processor's cache."""
        blocks = []
        for picked in product(*(_parts(axis) for axis in self._axes)):
            longest = max(range(len(picked)), key=lambda axis: len(picked[axis]))
            along = picked[longest]
            each = max(1, CELLS * len(along) // prod(map(len, picked)))
            parts = [along[start : start + each] for start in range(0, len(along), each)]
            blocks += [
                Block(self._case, self._axes, (*picked[:longest], part, *picked[longest + 1 :])) for part in parts
            ]
        return blocks

    def measured(
        self, measures: Sequence[Measure], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Numbers]:
        """The settings and the measures of every LSTM, by name: columns of equal length, in the order of the axes.

        `progress` is called with the numbers of measurements that are done and that there are.
        """
        formulas = [Formulas(measure) for measure in measures]
        blocks = self._blocks()
        found: dict[str, Numbers] = {measure.name: np.zeros(self._shape, np.int64) for measure in measures}
        are_lstms = np.zeros(self._shape, bool)
        for number, block in enumerate(blocks):
            case, place = block.case, np.ix_(*block.picked)
            if case is None:
                continue
            are_lstms[place] = block.are_lstms
            for position, (measure, formula) in enumerate(zip(measures, formulas, strict=True)):
                values = block.measured(formula, case)
                if values.dtype == object:
                    found[measure.name] = found[measure.name].astype(object)
                found[measure.name][place] = values
                if progress:
                    progress(number * len(measures) + position + 1, len(blocks) * len(measures))
        settings = np.meshgrid(*(np.array(axis.values) for axis in self._axes), indexing="ij")
        columns = {axis.field: values for axis, values in zip(self._axes, settings, strict=True)} | found
        return {name: values[are_lstms] for name, values in columns.items()}


def _parts(axis: Axis) -> list[NDArray[np.intp]]:
    """The positions of an axis, in groups whose formulas may differ."""
    kinds: dict[object, list[int]] = {}
    for position, value in enumerate(axis.values):
        kinds.setdefault(kind_of(axis.field, value), []).append(position)
    return [np.array(positions, np.intp) for positions in kinds.values()]


def ordered(columns: Mapping[str, Numbers], keys: Sequence[str], *, reverse: bool) -> dict[str, Numbers]:
    """The columns sorted by some of them, the first key first; equal rows stay in their order."""
    count = len(next(iter(columns.values())))
    order = np.arange(count)
    for key in reversed(keys):
        own = columns[key][order]
        # Of a reversed array the stable order is reversed too: equal rows keep theirs.
        ranks = (
            np.argsort(own, kind="stable") if not reverse else count - 1 - np.argsort(own[::-1], kind="stable")[::-1]
        )
        order = order[ranks]
    return {name: values[order] for name, values in columns.items()}
