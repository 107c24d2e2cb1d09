"""The stored arrays of an LSTM in PyTorch, as records of reports; those of other frameworks stand in `framework`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstmcalc.frameworks.storage import Parameter

Ranges = Mapping[str, Sequence[int]]  # from a label to its first row and the row after its last


@dataclass(slots=True)  # not frozen: that would take as long again, at each start
class ParameterRow:
    """A stored array."""

    name: str
    layer: int
    direction: str
    symbolic: Sequence[str]
    shape: Sequence[int]
    count: int
    gate_axis: int | None
    gates: Ranges | None


def parameter_row(parameter: "Parameter") -> ParameterRow:
    """One stored array."""
    symbolic = [str(size) for size in parameter.symbolic]
    named = parameter.name, parameter.layer, parameter.direction
    return ParameterRow(*named, symbolic, parameter.shape, parameter.numel, parameter.gate_axis, parameter.gates)


def symbolic_texts(parameter: "Parameter") -> list[str]:
    """The shape of a stored array in symbols, each as text."""
    return [str(size) for size in parameter.symbolic]
