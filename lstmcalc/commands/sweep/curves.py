"""The contents of a sweep's picture, without drawing: lines, their labels, and numbers in few words."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import product
from math import log2, prod
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.commands.sweep.grid import Value
from lstmcalc.commands.sweep.report import Combination, SweepModule

Key: TypeAlias = tuple[Value, ...]  # the values of some settings

MANY: Final = 48  # lines of one colour that can still be told apart by their shades
MIXED: Final = 16  # lines of several colours, and entries of a legend
FEW: Final = 8  # lines that are drawn, or named, where there are too many
HUES: Final = 5  # colours that can be told apart
RATIOS: Final = 4  # from this ratio on, the axis of swept sizes is logarithmic
LOG: Final = 30  # from this ratio on, the axis of a measure is; if linear, it would show small values as 0
_UNORDERED: Final = ("dtype", "bidirectional")
_SHORT: Final = {"input_size": "input", "hidden_size": "hidden", "proj_size": "proj", "seq_len": "seq"}
_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class Plan(NamedTuple):
    """The values that are drawn, and the settings by which lines are placed and coloured."""

    x: str | None  # the setting of the x axis; None if no numeric one has several values
    shade: str | None  # the setting that makes a line darker
    hues: tuple[str, ...]  # the settings that give a line its colour
    drawn: dict[str, list[Value]]  # the drawn values of each setting with several, in order

    @property
    def beside(self) -> list[str]:
        """The settings that tell lines apart, in the order of a label."""
        return [field for field in self.drawn if field != self.x]

    def keys(self, fields: Sequence[str]) -> list[Key]:
        """Every combination of the drawn values of some settings."""
        return list(product(*(self.drawn[field] for field in fields)))


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
        field: list(values) if field == "dtype" else sorted(values)
        for field, values in module.axes.items()
        if len(values) > 1
    }
    counted = sorted((field for field in axes if field not in _UNORDERED), key=lambda field: -len(axes[field]))
    if not counted:
        return Plan(None, None, tuple(axes), axes)
    x = counted[0]
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
    return Plan(x, shade, hues, axes)


def spaced(values: Sequence[Value], count: int) -> list[Value]:
    """At most `count` of the values, evenly from the first to the last; by ratios if they span a ratio of `LOG`."""
    if len(values) <= count:
        return list(values)
    shares = [step / max(count - 1, 1) for step in range(count)]
    places = [round(share * (len(values) - 1)) for share in shares]
    if isinstance(values[0], int) and is_log(values, LOG):
        wanted = (values[0] * (values[-1] / values[0]) ** share * (1 - 1e-12) for share in shares)
        places = [min(bisect_left(values, place), len(values) - 1) for place in wanted]
    return [values[place] for place in dict.fromkeys(places)]


def curves_of(module: SweepModule, chosen: Plan) -> dict[str, list[Curve]]:
    """The lines of each measure's panel, the highest first; lines with equal points are merged."""
    fields, x = chosen.beside, chosen.x
    lines: dict[Key, list[Combination]] = {key: [] for key in chosen.keys(fields)}
    for row in module.rows:
        key = tuple([row[field] for field in fields])  # a list first: there may be a million rows
        if key in lines:
            lines[key].append(row)
    panels = {}
    for measure in module.measures:
        alike: dict[tuple[tuple[int, int], ...], list[Mapping[str, Value]]] = {}
        for key, rows in lines.items():
            points = tuple(sorted((row[x or ""], row[measure]) for row in rows))
            alike.setdefault(points, []).append(dict(zip(fields, key, strict=True)))
        drawn = [Curve(members, list(points)) for points, members in alike.items() if points]
        panels[measure] = sorted(drawn, key=lambda curve: curve.points[-1][1], reverse=True)
    return panels


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
    """A number for people: `1.2 M`; of bytes by 1024, `58.75 KiB`; `1e+22` where no prefix is well known."""
    from matplotlib.ticker import EngFormatter

    if unit == "bytes" and 1 <= number < 1024 ** len(_BYTES):
        power = int(log2(number)) // 10
        return f"{number / 1024**power:.4g} {_BYTES[power]}"
    return EngFormatter()(number) if number < 10**21 else f"{float(number):.3g}{' B' if unit == 'bytes' else ''}"


def is_log(values: Sequence[int], ratio: int) -> bool:
    """True if sizes differ so much that an axis should be logarithmic."""
    return min(values) > 0 and max(values) >= ratio * min(values)
