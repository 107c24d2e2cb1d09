"""The records of summary: each LSTM in short, the layers beside them, and the whole of each source."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lstmcalc.commands.summary.inventory import Inventory
from lstmcalc.errors import LstmcalcError
from lstmcalc.intake.open_lstms import Open
from lstmcalc.intake.subject import Subject
from lstmcalc.report.document import SCHEMA
from lstmcalc.report.record import internal, omitted
from lstmcalc.report.rows import Module
from lstmcalc.report.tensors import TensorRow
from lstmcalc.version import __version__

if TYPE_CHECKING:
    from lstmcalc.readers.graphs.rows import GraphRow


class TotalRow(NamedTuple):
    """The parameters of a whole model."""

    parameters: int
    bytes: int
    exact: bool  # False if the model may have others: `doubts` says why


class LayerRow(NamedTuple):
    """A layer of the model."""

    name: str
    type: str | None  # its class; None if the source does not say
    parameters: int | None  # None if they are not known
    share: float | None  # of the total
    lstm: bool


class StepRow(NamedTuple):
    """The LSTMs' work for one step of one sequence, and what they keep between two steps."""

    macs: int
    state_bytes: int


@dataclass(kw_only=True)
class Whole:
    """The layers of a source beside its LSTMs, and all in all."""

    total: TotalRow
    layers: Sequence[LayerRow]
    per_step: StepRow
    graph: "GraphRow | None"  # of a file that has one
    not_stored: Sequence[str]  # settings that a weight file does not have
    doubts: Sequence[str]  # why the total may be another one
    next: Sequence[str]  # commands to go on with


@dataclass(kw_only=True)
class SourceRow(Whole):
    """One of several sources."""

    name: str  # as it was named
    what: str  # its format, in words


@dataclass(kw_only=True)
class SummaryModule(Module):
    """One LSTM, in short."""

    file: str | None  # the source that it is of, as it was named; None for flags alone
    call: str  # as code
    parameters: int
    parameters_bytes: int
    share: float  # of its source's total
    tensors: Sequence[TensorRow]  # output, h_n and c_n
    per_step: StepRow
    notes: list[str]


class Part(NamedTuple):
    """A source as the view shows it."""

    title: str
    what: str
    whole: Whole
    inventory: Inventory
    modules: Sequence[SummaryModule]
    subjects: Sequence[Subject]
    open: Sequence[Open]


@dataclass(kw_only=True)
class SummaryReport:
    """The document of summary: of one source its own keys, of several a list of them."""

    schema: int = SCHEMA
    lstmcalc: str = __version__
    command: str = "summary"
    open: Sequence[Open]  # LSTMs that were found and are not known whole
    total: TotalRow | None = omitted()
    layers: Sequence[LayerRow] | None = omitted()
    per_step: StepRow | None = omitted()
    graph: "GraphRow | None" = None
    not_stored: Sequence[str] | None = omitted()
    doubts: Sequence[str] | None = omitted()
    next: Sequence[str] | None = omitted()
    sources: Sequence[SourceRow] | None = omitted()
    modules: Sequence[SummaryModule]
    parts: Sequence[Part] = internal()
    failed: Sequence[LstmcalcError] = internal()  # the sources that have no answer
    folder: str = internal()  # whose models these are; empty if they were named
