"""The slice of one gate in each stored array, to paste (`params --gate f`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lstmcalc.report.framework import ForeignParameterRow
from lstmcalc.report.parameters import ParameterRow, symbolic_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from lstmcalc.frameworks.storage import Parameter


@dataclass(slots=True)
class SlicedRow(ParameterRow):
    """A stored array, and its slice of one gate."""

    slice: str | None  # to paste, e.g. `lstm.weight_ih_l0[20:40]`; None if the gate is not in it


@dataclass(slots=True)
class SlicedForeignRow(ForeignParameterRow):
    """A stored array of another framework, and its slice of one gate."""

    slice: str | None  # an index, e.g. `[:, 20:40]`; None if the gate is not in it


def slicer(module: str, gate: str, *, foreign: bool) -> "Callable[[Parameter], SlicedRow | SlicedForeignRow]":
    """The function that makes the row of a stored array, with its slice of the gate with this letter."""

    def row(parameter: "Parameter") -> SlicedRow | SlicedForeignRow:
        stored = *parameter[:3], symbolic_texts(parameter), *parameter[4:8]  # the fields of a `ParameterRow`
        if foreign:  # its names are not Python expressions: the slice is the index alone
            foreign_row = *stored, *parameter[8:], _slice_text("", parameter, gate)
            return SlicedForeignRow(*foreign_row)
        return SlicedRow(*stored, _slice_text(_python_path(module, parameter.name), parameter, gate))

    return row


def slice_in(row: ParameterRow) -> str | None:
    """The slice of the gate in a row that `slicer` made; None if the gate is not in the array."""
    return row.slice if isinstance(row, SlicedRow | SlicedForeignRow) else None


def _python_path(module: str, name: str) -> str:
    """A parameter as Python code: `net.layers[0].weight_ih_l0`; its name alone if its module's name is not a path."""
    parts = module.split(".")
    if not all(part.isidentifier() or part.isdecimal() for part in parts) or parts[0].isdecimal():
        return name
    path = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)
    return f"{path[1:]}.{name}"


def _slice_text(name: str, parameter: "Parameter", gate: str) -> str | None:
    """The slice of one gate in a stored array, to paste: `lstm.weight_ih_l0[20:40]`; None if it is not in it.

    An array that holds the gate several times has several slices.
    """
    if parameter.gate == gate:
        return f"{name}[:]"
    if parameter.gates is None or parameter.gate_axis is None:
        return None
    # The axis of the gates may hold all gates several times: for both directions, or for two biases.
    offsets = [0]
    for axis, ranges in ((parameter.direction_axis, parameter.directions), (parameter.part_axis, parameter.parts)):
        if axis == parameter.gate_axis and ranges is not None:
            offsets = [offset + start for start, _ in ranges.values() for offset in offsets]
    start, stop = parameter.gates[gate]
    before = ":, " * parameter.gate_axis
    return ", ".join(f"{name}[{before}{offset + start}:{offset + stop}]" for offset in sorted(offsets))
