"""Many LSTMs side by side: every combination of some sizes, measured at once.

The formulas of `costs.measures` are evaluated over whole arrays of sizes, in blocks of combinations that share their
formulas: in 64 bits if no intermediate value can be larger, else in Python's own integers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstmcalc.commands._limits import check_stepping, limit_flag, read_limits
from lstmcalc.commands._training import read_training
from lstmcalc.costs.measures import LIMITED, MEASURES, Case, Formulas, Measure
from lstmcalc.costs.memory import DEFAULT_OPTIMIZER
from lstmcalc.costs.regimes import kind_of
from lstmcalc.errors import ConfigError, ContradictionError, UsageError, shorten
from lstmcalc.intake.flags import Typed, flag_name, items_of, read_choice, read_dtype, read_values
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.report.document import Report, check_rows, document, with_alone_note
from lstmcalc.report.notes import as_pytorch_note, notes_of
from lstmcalc.report.provenance import settings_in
from lstmcalc.report.rows import SETTINGS, AroundRow, Module, around_row, data_row, head_of
from lstmcalc.spec.config import HYPERPARAMETERS, MAX_SIZE
from lstmcalc.spec.words import counted

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
# The settings that can be swept, in the order of a table's columns.
SWEPT: Final = ("dtype", "bidirectional", "input_size", "hidden_size", "proj_size", "num_layers", "seq_len", "batch")


Value: TypeAlias = Any  # a setting's value: an integer, True, False or a dtype, which code for all settings passes on
Numbers: TypeAlias = NDArray[Any]  # of 64 bits each or, if those are too few, Python's own integers
Combination: TypeAlias = Mapping[str, Value]  # an LSTM's swept settings and its measures, by name


class Axis(NamedTuple):
    """The values of one setting, in the order that they were asked for."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True)  # as LSTMConfig is, whose place it takes
class SweptConfig:
    """The hyperparameters that all LSTMs of a sweep share; None for those that are swept."""

    input_size: int | None
    hidden_size: int | None
    num_layers: int | None
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool | None
    proj_size: int | None


class SweptData(NamedTuple):
    """The data that all LSTMs of a sweep are given; None for the settings that are swept."""

    seq_len: int | None
    batch: int | None
    lengths: Sequence[int] | None
    unbatched: bool
    dtype: str | None


class MeasureRow(NamedTuple):
    """A measure of every combination."""

    unit: str  # `parameters`, `MACs`, `FLOPs` or `bytes`
    counts: str  # what it counts, in words


@dataclass(kw_only=True)
class SweepModule(Module):
    """Every combination of some sizes that is an LSTM, with its measures."""

    config: SweptConfig  # type: ignore[assignment]  # an LSTMConfig has a value for each setting
    data: SweptData
    around: AroundRow
    axes: Mapping[str, Sequence[Value]]  # the values of each swept setting, in the order of the columns
    train: bool
    optimizer: str | None  # None if nothing is trained
    measures: Mapping[str, MeasureRow]  # by name
    combinations: int  # rows
    left_out: int  # combinations that are no LSTM
    rows: Sequence[Combination]
    notes: list[str]


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


class Request(NamedTuple):
    """The settings, measures and order of a sweep."""

    axes: tuple[Axis, ...]
    measures: tuple[Measure, ...]
    sort: tuple[str, ...] = ()  # the columns to sort by
    reverse: bool = False  # True if the largest come first
    train: bool = False  # True for training, False for inference
    optimizer: str = DEFAULT_OPTIMIZER
    input_grad: bool = False  # True if training computes the gradient of the input too
    limits: Mapping[str, int] = MappingProxyType({})  # of measures in `LIMITED`, by name


DEFAULT_SHOWN: Final = ("params", "macs", "memory")


def request_of(typed: Mapping[str, Typed]) -> tuple[Request, dict[str, Typed]]:
    """The sweep that the flags ask for, and the flags of one of its LSTMs."""
    axes = list(_axes(typed))
    if not axes:
        flags = [flag_name(field) for field in SWEPT if field != "bidirectional"]
        raise UsageError(
            "there is nothing to sweep",
            "a list or a range, e.g. --hidden 64,128 or --layers 1:4",
            hint=f"{', '.join(flags)} and --directions take lists",
        )
    base = {field: _single(value) if field in SWEPT else value for field, value in typed.items()}
    for axis in axes:
        value = max(axis.values) if axis.field == "hidden_size" else axis.values[0]
        base[axis.field] = value if isinstance(value, bool) else str(value)
        if axis.field in ("batch", "seq_len") and typed.get("lengths") is not None:
            raise ContradictionError(
                f"the lengths settle {axis.field}", "padded data", f"several {axis.field}", where="--lengths"
            )
    if any(axis.field == "proj_size" for axis in axes):
        base["proj_size"] = None  # a projection is checked against the cell in each combination
    names = items_of(typed.get("show")) or DEFAULT_SHOWN
    shown = dict.fromkeys(read_choice("--show", name, MEASURES) for name in names)
    columns = (*(axis.field for axis in axes), *shown)
    request = Request(
        tuple(axes),
        tuple(MEASURES[name] for name in shown),
        tuple(_column(name, columns) for name in items_of(typed.get("sort"))),
        bool(typed.get("reverse")),
        *read_training(typed),
        read_limits(typed),
    )
    return request, base


def _axes(typed: Mapping[str, Typed]) -> Iterator[Axis]:
    """The settings with several values."""
    for field in SWEPT:
        value = typed.get("directions" if field == "bidirectional" else field)
        items = items_of(value)
        if not items or not (len(items) > 1 or ":" in items[0] or field == "bidirectional"):
            continue
        if field == "dtype":
            yield Axis(field, tuple(dict.fromkeys(read_dtype("--dtype", name) for name in items)))
        elif field == "bidirectional":
            yield Axis(field, _directions(items, typed))
        else:
            yield Axis(field, read_values(flag_name(field), value))


def _single(value: Typed) -> Typed:
    """The value of a setting that is not swept: of a list of one, its item."""
    return value[0] if isinstance(value, Sequence) and len(value) == 1 else value


def _directions(items: Sequence[str], typed: Mapping[str, Typed]) -> tuple[bool, ...]:
    """The values of `bidirectional` for the numbers of directions."""
    numbers = read_values("--directions", items)
    if typed.get("bidirectional") is not None:
        raise ContradictionError("contradictory directions", "one of the two", where="--bi and --directions")
    if not set(numbers) <= {1, 2}:
        raise UsageError(
            "no such number of directions", "1, 2 or both: 1,2", shorten(",".join(items)), where="--directions"
        )
    return tuple(number > 1 for number in numbers)


def _column(name: str, columns: Sequence[str]) -> str:
    """A column to sort by, by its name or by its flag's."""
    fields = [field for field in columns if field in SWEPT]
    flags = {flag_name(field)[2:]: field for field in fields}
    aliases = {**{field: field for field in fields}, **({"directions": "bidirectional"} if "bi" in flags else {})}
    measures = [column for column in columns if column not in fields]
    read_choice("--sort", name, (*flags, *measures), aliases)
    return {**aliases, **flags}.get(name, name)


def sweep_module(subject: Subject, request: Request, progress: Callable[[int, int], None] | None = None) -> SweepModule:
    """Every combination that is an LSTM, with its measures."""
    case = Case(subject.config, subject.data, subject.around, request.train, request.optimizer, request.input_grad)
    padded = [axis.field for axis in request.axes if axis.field in ("batch", "seq_len")]
    if case.data.lengths and padded:
        raise ContradictionError(f"the lengths settle {padded[0]}", "padded data", f"several {padded[0]} and lengths")
    _check_values(case, request.axes)
    both = any(True in axis.values for axis in request.axes if axis.field == "bidirectional")
    check_stepping(request.limits, bidirectional=case.config.bidirectional or both)
    grid = Grid(case, request.axes)
    check_rows(grid.size, "combination", "fewer values of each setting")
    shown = {measure.name for measure in request.measures}
    limiting = [LIMITED[name] for name in request.limits if name not in shown]
    columns = grid.measured((*request.measures, *limiting), progress)
    lstms = len(next(iter(columns.values())))
    if not lstms:
        raise UsageError("no combination is an LSTM", expected="proj_size < hidden_size", where="--proj")
    columns = _within(columns, request.limits, [measure.name for measure in limiting])
    count = len(next(iter(columns.values())))
    columns = ordered(columns, request.sort, reverse=request.reverse)
    left_out = grid.size - lstms
    notes = [*notes_of(subject), *as_pytorch_note(subject, "costs are those of")]
    if left_out:
        are = "combination is" if left_out == 1 else "combinations are"
        notes.append(f"{left_out:,} {are} left out: proj_size must be below hidden_size")
    if count < lstms:
        flags = " and ".join(map(limit_flag, request.limits))
        notes.append(f"{counted(lstms - count, 'combination')} over {flags} left out")
    swept, head = {axis.field for axis in request.axes}, head_of(subject, SETTINGS)
    return SweepModule(
        name=head["name"],
        framework=head["framework"],
        kind=head["kind"],
        certain=head["certain"],
        uncertain=head["uncertain"],
        text=_text(subject, swept),
        config=SweptConfig(**_shared(vars(subject.config), swept)),
        provenance=head["provenance"],
        source=head["source"],
        data=SweptData(**_shared(settings_in(data_row(subject)), swept)),
        around=around_row(subject),
        axes={axis.field: axis.values for axis in request.axes},
        train=case.train,
        optimizer=case.optimizer if case.train else None,
        measures={measure.name: MeasureRow(measure.unit, measure.counts(case)) for measure in request.measures},
        combinations=count,
        left_out=left_out,
        rows=LazySequence(count, lambda index: {name: values.item(index) for name, values in columns.items()}),
        notes=notes,
    )


def _within(columns: dict[str, Numbers], limits: Mapping[str, int], more: Sequence[str]) -> dict[str, Numbers]:
    """The rows that keep all limits, without the columns that were measured for these alone.

    Raises:
        UsageError: There is none.
    """
    fits = np.ones(len(next(iter(columns.values()))), bool)
    for name, limit in limits.items():
        fits &= columns[name] <= limit
    if not fits.any():
        name, limit = next((name, limit) for name, limit in limits.items() if (columns[name] > limit).any())
        least = f"{columns[name].min():,} {LIMITED[name].unit}"
        raise UsageError(
            "no combination is within the limits", f"at least {least}", f"{limit:,}", where=limit_flag(name)
        )
    return {name: values[fits] for name, values in columns.items() if name not in more}


def _shared(settings: Mapping[str, Value], swept: set[str]) -> dict[str, Value]:
    """The settings, with None for those that are swept."""
    return {field: None if field in swept else value for field, value in settings.items()}


def _check_values(case: Case, axes: Sequence[Axis]) -> None:
    """Refuse a value that no LSTM can have; the smallest and the largest value stand for those between."""
    widest = {"hidden_size": MAX_SIZE}  # the widest, as a projection is checked against the cell in each combination
    for axis in axes:
        for value in (min(axis.values), max(axis.values)):
            try:
                case.having({"proj_size": 0}).having({**widest, axis.field: value})
            except ConfigError as error:
                raise error.at(flag_name(axis.field)) from None


def _text(subject: Subject, swept_fields: set[str]) -> str:
    """The LSTM as PyTorch prints it, with the names of swept settings in place of their values."""
    config = subject.config
    first = [field if field in swept_fields else str(getattr(config, field)) for field in ("input_size", "hidden_size")]
    rest = [
        f"{field}={field if field in swept_fields else getattr(config, field)}"
        for field in HYPERPARAMETERS[2:]
        if field in swept_fields or getattr(config, field) != getattr(type(config), field)
    ]
    return f"LSTM({', '.join([*first, *rest])})"


def sweep_report(
    subjects: Sequence[Subject], request: Request, progress: Callable[[int, int], None] | None = None
) -> Report[SweepModule]:
    """Every combination of sizes that is an LSTM, with its measures, for each subject."""
    return document("sweep", with_alone_note([sweep_module(subject, request, progress) for subject in subjects]))
