"""The request of a sweep, from its flags: the settings with several values, the measures, their order and limits."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from lstmcalc.commands._limits import read_limits
from lstmcalc.commands._training import read_training
from lstmcalc.commands.sweep.grid import Axis
from lstmcalc.costs.measures import MEASURES, Measure
from lstmcalc.costs.memory import DEFAULT_OPTIMIZER
from lstmcalc.errors import ContradictionError, UsageError, shorten
from lstmcalc.intake.flags import Typed, flag_name, items_of, read_choice, read_dtype, read_values

# The settings that can be swept, in the order of a table's columns.
SWEPT: Final = ("dtype", "bidirectional", "input_size", "hidden_size", "proj_size", "num_layers", "seq_len", "batch")


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
