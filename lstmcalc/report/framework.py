"""Another framework in reports: its facts, as data and as lines for people, and its stored arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.report.blocks import Line
from lstmcalc.report.parameters import ParameterRow, Ranges, symbolic_texts
from lstmcalc.spec.config import LSTMConfig

if TYPE_CHECKING:
    from lstmcalc.frameworks.storage import Parameter


class CheckedRow(NamedTuple):
    """The check that the facts of a framework passed."""

    how: str  # `run`, `converter` or `source`
    version: str  # the version that was run, or read
    source: str  # the place of the facts


@dataclass(kw_only=True)
class LayoutRow:
    """The facts of a framework that do not depend on the LSTM."""

    title: str
    kind: str  # `layer` or `cell`
    gate_order: str  # the gates as they are stored, in PyTorch's letters
    gate_order_there: str  # the same in the framework's own letters
    biases: int  # 1 or 2
    bias_switch: str | None  # the way to leave out biases
    forget_offset: float  # added to the forget gate at run time, and not in the stored bias
    stacking: str | None  # the way to stack layers; None if the framework does it itself
    reversing: str | None  # the way to run both directions; None if the framework does it itself
    own_names: bool  # True if the framework names the arrays, not the user
    init: str  # the default initialisation
    unmodelled: Mapping[str, str]  # what may be stored too, and the pattern of its names
    usage: Sequence[str]  # common mistakes in calls
    storage: Sequence[str]  # common mistakes with weights
    checked: CheckedRow


@dataclass(slots=True)
class ForeignParameterRow(ParameterRow):
    """A stored array of another framework: the PyTorch parameters that it holds, and their place in it."""

    gate: str | None  # the gate that it holds alone
    holds: Sequence[str]  # e.g. `weight_ih`; `bias` is the sum of both biases
    part_axis: int | None  # the axis on which two of them are joined
    parts: Ranges | None
    direction_axis: int | None  # the axis on which both directions are joined
    directions: Ranges | None


def layout_row(name: str) -> LayoutRow:
    """The facts of a framework that do not depend on the LSTM, as data."""
    layout = LAYOUTS[name]
    held = [item for stored in layout.stored for item in stored.holds.split()]
    return LayoutRow(
        title=layout.title,
        kind=layout.kind,
        gate_order=" ".join(layout.gates),
        gate_order_there=layout.own or " ".join(layout.gates),
        biases=sum(item.startswith("bias") for item in held),
        bias_switch=layout.bias or None,
        forget_offset=layout.forget_offset,
        stacking=layout.stacking or None,
        reversing=layout.reversing or None,
        own_names=not layout.paths.yours,
        init=layout.init,
        unmodelled={what: pattern for pattern, what in layout.unmodelled},
        usage=layout.usage,
        storage=layout.notes,
        checked=CheckedRow(layout.evidence.how, layout.evidence.version, layout.evidence.source),
    )


def layout_lines(config: LSTMConfig, layout: LayoutRow, hints: Sequence[str]) -> list[Line]:
    """Lines on a framework: gates, biases, manual steps, hints, and how this was checked."""
    own = layout.gate_order_there
    gates = [layout.gate_order, *([f"there called {own}"] if own != layout.gate_order else [])]
    biases = {1: "one bias, the sum of PyTorch's two", 2: "two biases"}[layout.biases]
    switch = f"can be left out ({layout.bias_switch})" if layout.bias_switch else "cannot be left out"
    lines: list[Line] = [("gates", tuple(gates)), ("biases", (biases, switch))]
    if layout.forget_offset:
        lines.append(("forget gate", (f"{layout.forget_offset:g} is added at run time", "the stored bias lacks it")))
    lines += manual_lines(config, layout)
    lines += [("note", (hint,)) for hint in hints]
    return [*lines, evidence_line(layout)]


def manual_lines(config: LSTMConfig, layout: LayoutRow) -> list[Line]:
    """Lines on modules to combine by hand, if this LSTM has several layers or directions."""
    yours = [] if layout.own_names else [("manual step", ("the paths shown stand for your own",))]
    needs = {
        "several layers": layout.stacking if config.num_layers > 1 else None,
        "both directions": layout.reversing if config.bidirectional else None,
    }
    lines: list[Line] = [("manual step", (f"{what}: {how}",)) for what, how in needs.items() if how]
    return [*lines, *yours] if lines else []


def evidence_line(layout: LayoutRow) -> Line:
    """The line on how the facts were checked."""
    how = {
        "run": "by running",
        "converter": "by running the converter, not the LSTM itself:",
        "source": "in the source only, not run:",
    }[layout.checked.how]
    return "checked", (f"{how} {layout.checked.version}", layout.checked.source)


def foreign_parameter_row(parameter: "Parameter") -> ForeignParameterRow:
    """One stored array of another framework."""
    fields = *parameter[:3], symbolic_texts(parameter), *parameter[4:]  # of both, in the same order
    return ForeignParameterRow(*fields)


def gate_alone_in(row: ParameterRow) -> str | None:
    """The gate that a stored array of another framework holds alone; None if it holds several or none."""
    return row.gate if isinstance(row, ForeignParameterRow) else None
