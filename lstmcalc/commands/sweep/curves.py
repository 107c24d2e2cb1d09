"""The contents of a sweep's picture, without drawing: lines, their labels, and the numbers at the axes."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import product
from math import ceil, floor, fsum, log2, log10, prod
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.commands.sweep.report import Combination, SweepModule, Value

Key: TypeAlias = tuple[Value, ...]  # the values of some settings

MANY: Final = 48  # lines of one colour that can still be told apart by their shades
MIXED: Final = 16  # lines of several colours
FEW: Final = 8  # lines that have room for a label each
HUES: Final = 5  # colours that can be told apart
DOTS: Final = 1000  # places on an axis; there are no more pixels
RATIOS: Final = 4  # from this ratio on, the axis of swept sizes is logarithmic
LOG: Final = 30  # from this ratio on, the axis of a measure is; if linear, it would show small values as 0
_UNORDERED: Final = ("dtype", "bidirectional")
_SHORT: Final = {
    "input_size": "input",
    "hidden_size": "hidden",
    "proj_size": "proj",
    "seq_len": "seq",
    "batch": "batch",
}
_COUNTS: Final = ("", " k", " M", " G", " T", " P", " E")
_BYTES: Final = (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")


class Plan(NamedTuple):
    """The values that are drawn, and the settings by which lines are placed and coloured."""

    x: str | None  # the setting of the x axis; None if no numeric one has several values
    shade: str | None  # the setting that makes a line darker
    hues: tuple[str, ...]  # the settings that give a line its colour
    drawn: dict[str, list[Value]]  # the drawn values of each setting with several, in order
    swept: dict[str, int]  # the number of swept values of each of them

    @property
    def beside(self) -> list[str]:
        """The settings that tell lines apart, in the order of a label."""
        return [field for field in self.drawn if field != self.x]

    @property
    def combinations(self) -> list[Key]:
        """Every combination of the drawn values of the settings in `beside`."""
        return list(product(*(self.drawn[field] for field in self.beside)))

    @property
    def colours(self) -> list[Key]:
        """Every combination of the drawn values of `hues`; each has its own colour."""
        return list(product(*(self.drawn[field] for field in self.hues)))


class Curve(NamedTuple):
    """One line in a panel: all combinations that have the same numbers there."""

    members: list[Mapping[str, Value]]  # the settings of each combination
    points: list[tuple[int, int]]  # from left to right; exact

    def value(self, fields: Sequence[str]) -> Key | None:
        """The values of some settings that all its combinations share; None if they differ."""
        found = {tuple(member[field] for field in fields) for member in self.members}
        return found.pop() if len(found) == 1 else None


def plan(module: SweepModule) -> Plan:
    """The plan to draw a sweep: the numeric setting with most values as the x axis, and lines for the others."""
    axes = {
        field: list(values) if field in _UNORDERED else sorted(values)
        for field, values in module.axes.items()
        if len(values) > 1
    }
    if "bidirectional" in axes:
        axes["bidirectional"].sort()
    swept = {field: len(values) for field, values in axes.items()}
    by_size = sorted(axes, key=lambda field: -swept[field])
    counted = [field for field in by_size if field not in _UNORDERED]
    x = counted[0] if counted else None
    if x is None:
        return Plan(None, None, tuple(axes), axes, swept)
    if len(axes[x]) > DOTS:  # the round ones too, since they get ticks
        low, high = axes[x][0], axes[x][-1]
        round_ones = set(axes[x]).intersection(_round_sizes(low, high, log=is_log(axes[x], RATIOS)))
        axes[x] = sorted({*spaced(axes[x], DOTS), *round_ones})
    others = [field for field in axes if field != x]
    ordered = [*counted[1:], *(["bidirectional"] if "bidirectional" in axes and len(others) > 1 else [])]
    shade = ordered[0] if ordered else None
    hues = tuple(field for field in others if field != shade)
    while prod(len(axes[field]) for field in hues) > HUES:
        longest = max(hues, key=lambda field: len(axes[field]))
        axes[longest] = spaced(axes[longest], (len(axes[longest]) + 1) // 2)
    colours = prod(len(axes[field]) for field in hues)
    if shade and len(axes[shade]) > (MIXED // colours if hues else MANY):
        axes[shade] = spaced(axes[shade], FEW // colours + 1 if hues else FEW)
    return Plan(x, shade, hues, axes, swept)


def spaced(values: Sequence[Value], count: int) -> list[Value]:
    """At most `count` of the values, evenly from the first to the last; by ratios if they span a ratio of `LOG`."""
    if len(values) <= count:
        return list(values)
    steps = range(count)
    first, last = values[0], values[-1]
    if isinstance(first, int) and is_log(values, LOG) and list(values) == sorted(values):
        wanted = (first * (last / first) ** (step / max(count - 1, 1)) for step in steps)
        places = [min(bisect_left(values, place * (1 - 1e-12)), len(values) - 1) for place in wanted]
    else:
        places = [round(step * (len(values) - 1) / max(count - 1, 1)) for step in steps]
    return [values[place] for place in dict.fromkeys(places)]


def read_lines(module: SweepModule, chosen: Plan) -> dict[Key, list[Combination]]:
    """The rows of every combination that is drawn, from left to right; all rows are read once."""
    fields, x = chosen.beside, chosen.x
    places = set(chosen.drawn[x]) if x else {None}
    lines: dict[Key, list[Combination]] = {key: [] for key in chosen.combinations}
    for row in module.rows:
        key = tuple([row[field] for field in fields])  # a list first: there may be a million rows
        if key in lines and (row[x] if x else None) in places:
            lines[key].append(row)
    if x is not None:
        for rows in lines.values():
            rows.sort(key=lambda row: row[x])
    return {key: rows for key, rows in lines.items() if rows}


def curves_of(lines: Mapping[Key, list[Combination]], chosen: Plan, measure: str) -> list[Curve]:
    """The lines of one panel; lines with equal points are merged."""
    alike: dict[tuple[tuple[int, int], ...], list[Mapping[str, Value]]] = {}
    for key, rows in lines.items():
        points = tuple((row[chosen.x or ""], row[measure]) for row in rows)
        alike.setdefault(points, []).append(dict(zip(chosen.beside, key, strict=True)))
    return [Curve(members, list(points)) for points, members in alike.items()]


def label(curve: Curve, chosen: Plan) -> str:
    """The label of a line: its values of each setting, without settings of which it has every drawn value."""
    parts = []
    for field in chosen.beside:
        found = list(dict.fromkeys(member[field] for member in curve.members))
        if len(found) < len(chosen.drawn[field]):
            parts.append(", ".join(setting_text(field, value) for value in found))
    return ", ".join(parts) if parts else " and ".join(f"every {field}" for field in chosen.beside)


def setting_text(field: str, value: Value) -> str:
    """A setting with its value, in few words."""
    if field == "dtype":
        return str(value)
    if field == "bidirectional":
        return "2 directions" if value else "1 direction"
    if field == "num_layers":
        return f"{size_text(value)} layer{'' if value == 1 else 's'}"
    return f"{_SHORT.get(field, field)} {size_text(value)}"


def size_text(value: int) -> str:
    """A size as a label: exact up to a million, then rounded."""
    return str(value) if value < 10**6 else amount_text(value, "")  # as code has it: no comma in 1024


def amount_text(number: float, unit: str) -> str:
    """A number for people: `1.2 M`; of bytes by 1024, `58.8 KiB`; `1e22` where no prefix is well known."""
    base, names = (1024, _BYTES) if unit == "bytes" else (1000, _COUNTS)
    if number >= base ** len(names):
        return f"{float(number):.3g}".replace("+", "") + (" B" if unit == "bytes" else "")
    power = 0
    while power < len(names) - 1 and number >= base ** (power + 1) * (1 - 0.5 / base):  # rounds up to the next
        power += 1
    scaled = number / base**power
    return f"{round(scaled) if 1000 <= scaled < base else f'{scaled:.3g}'}{names[power]}"  # noqa: PLR2004  # .3g: 1e+03


def is_log(values: Sequence[int], ratio: int) -> bool:
    """True if sizes differ so much that an axis should be logarithmic."""
    return min(values) > 0 and max(values) >= ratio * min(values)


def ticks(low: float, high: float, unit: str, *, log: bool) -> list[float]:
    """About five round numbers between two ends."""
    if not log:
        base = 1024 if unit == "bytes" else 1000
        scale = base ** floor(log2(max(high, 1)) / log2(base) + 1e-9)
        step = max(_round_up((high - low) / scale / 5) * scale, 1)
        return [step * count for count in range(ceil(low / step), floor(high / step) + 1)]
    if unit == "bytes":
        first, last = ceil(log2(low)), floor(log2(high))
        step = next(step for step in (1, 2, 5, *range(10, 2000, 10)) if (last - first) / step <= 6)  # noqa: PLR2004
        found = [2.0**power for power in range(first, last + 1) if power % step == 0]
        return [value for value in found if low <= value <= high]  # logarithms are rounded
    first, last = floor(log10(low)), ceil(log10(high))
    every = max(1, (last - first) // 5)
    factors = (1, 2, 5) if last - first <= 3 else (1,)  # noqa: PLR2004  # decades
    found = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return [value for value in found if low <= value <= high]


def _round_up(value: float) -> float:
    """The next number that is easy to count in: 1, 2, 2.5 or 5, times a power of ten."""
    power: float = 10.0 ** floor(log10(value))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= value * (1 - 1e-9))


def size_ticks(values: Sequence[int], *, log: bool) -> list[int]:
    """The swept values to write below an axis: the ends, and those between that have room; of many, round ones."""
    low, high = values[0], values[-1]

    def place(value: int) -> float:
        if low == high:
            return 0.5
        return log2(value / low) / log2(high / low) if log else (value - low) / (high - low)

    def apart(one: int, other: int) -> bool:
        width = 0.024 * (len(size_text(one)) + len(size_text(other))) / 2 + 0.03  # of the axis, in this font
        return abs(place(one) - place(other)) >= width

    swept = set(values)
    others = sorted(values, key=lambda value: not _is_power(value)) if len(values) <= FEW * 2 else []
    shown: list[int] = []
    for value in dict.fromkeys([high, low, *(others or _round_sizes(low, high, log=log))]):
        if value in swept and all(apart(value, other) for other in shown):
            shown.append(value)
    return sorted(shown)


def _is_power(value: int) -> bool:
    return value > 0 and not value & (value - 1)


def _round_sizes(low: int, high: int, *, log: bool) -> list[int]:
    """Round numbers between two: powers of two, of ten if there are many, or multiples."""
    if not log:
        step = max(round(_round_up((high - low) / 5)), 1)
        return list(range(-(-low // step) * step, high + 1, step))
    base = 2 if high < 2**10 * low else 10
    powers = (base**power for power in range(floor(log2(high) / log2(base)) + 1))
    return [power for power in powers if power >= low]


def spread(wanted: Sequence[float], gap: float, high: float = 1.0) -> list[float]:
    """Places at least `gap` apart, as near to the wanted ones as possible, in [0, `high`]; both from low to high.

    With the gaps subtracted, this is isotonic regression, solved by pooling adjacent violators.
    """
    pools: list[list[float]] = []
    for index, place in enumerate(wanted):
        pools.append([place - index * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    top = max(0.0, high - (len(wanted) - 1) * gap)
    rising = [min(max(_mean(pool), 0.0), top) for pool in pools for _ in pool]
    return [place + index * gap for index, place in enumerate(rising)]


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)
