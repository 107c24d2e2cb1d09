"""The report of explain: equations, states, packing, and common mistakes.

The executable parts are in `model.equations`, `model.claims` and `model.packing`; here are the words around them.

Source of the facts about training and initialisation: the documentation and the code of `torch.nn.LSTM`, torch 2.13.0
(`torch/nn/modules/rnn.py`); the tests check them in PyTorch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lstmcalc.commands.explain.facts import FACTS, forget_code, packing_code
from lstmcalc.commands.explain.streaming import streaming_code
from lstmcalc.commands.explain.topics import TOPICS
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.equations import Equation, Group, groups_of
from lstmcalc.model.lstm import LSTMModel, traced_name
from lstmcalc.model.packing import PackedStep, Packing
from lstmcalc.model.snippets import at, joined, tensor
from lstmcalc.model.surroundings import around_symbols, head_reads
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import as_pytorch_note, notes_of
from lstmcalc.report.record import internal
from lstmcalc.report.rows import (
    SETTINGS,
    AroundRow,
    DataRow,
    ExtraRow,
    Module,
    around_row,
    data_row,
    extra_rows_of,
    head_of,
)
from lstmcalc.report.tensors import StateRow, state_rows
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.symbols import DIRECTIONS


class GroupRow(NamedTuple):
    """Alike layers in one direction, with the expressions for x_t and the initial h and c of the first of them."""

    group: int  # its number, which its equations have too
    first_layer: int
    last_layer: int
    direction: str
    x_t: str
    x_t_above: str | None  # x_t of the layers above layer 0; None if there are none, or if layer 0 is another group
    begins_at: str  # the step of the initial h and c: `-1`, `L` or `length`
    begins_h: str
    begins_c: str


class EquationRow(NamedTuple):
    """An equation of each step."""

    group: int
    result: str  # its symbol
    symbolic: Sequence[str]  # the result's shape in symbols
    shape: Sequence[int]  # the same in numbers
    text: str
    shapes: str  # the equation in shapes
    latex: str
    role: str


class OperandRow(NamedTuple):
    """An operand of an equation."""

    group: int
    result: str  # the symbol of the equation's result
    symbol: str
    symbolic: Sequence[str]
    shape: Sequence[int]
    stored: str | None  # its place, e.g. `weight_ih_l0[20:40]`; None for a value of the step


class Layers(NamedTuple):
    """Alike layers, as the view shows them: their two directions, and the equations of the forward one."""

    forward: GroupRow
    reverse: GroupRow | None  # None without a reverse direction
    equations: Sequence[Equation]


class PackingRow(NamedTuple):
    """A packed batch."""

    batch_sizes: Sequence[int]
    sorted_indices: Sequence[int]
    unsorted_indices: Sequence[int]
    order_is_open: bool  # True if PyTorch may sort equal lengths in another order
    num_rows: int
    padding: int  # steps of the padded batch that are padding
    waste_percent: float


class PackedStepRow(NamedTuple):
    """A step of a packed batch; its rows belong to the first `batch_size` sequences of `sorted_indices`."""

    step: int
    batch_size: int
    rows: Sequence[int]  # the first, and the one after the last


class SequenceRow(NamedTuple):
    """The places of one sequence's last h in output."""

    sequence: int
    length: int
    last_forward: str
    last_reverse: str | None  # None without a reverse direction


class ClaimRow(NamedTuple):
    """A statement about a tensor."""

    topic: str
    framework: str  # `keras` if the expression is what Keras returns, else `pytorch`
    option: str | None  # the option with which Keras returns it
    expression: str
    symbolic: Sequence[str]
    shape: Sequence[int]
    says: str
    why: str | None


class RelationRow(NamedTuple):
    """A relation that proves a claim; `h_l0`, `c_l1_reverse`, ... are values of every step, as in a trace."""

    topic: str
    expression: str  # that of the claim
    left: str
    right: str
    equal: bool  # False if the two sides differ


class FactRow(NamedTuple):
    """A sentence on a topic."""

    topic: str
    label: str
    text: str


class CodeRow(NamedTuple):
    """Python to paste."""

    topic: str
    code: str
    framework: str  # that it is for: `pytorch`, `keras`, `onnxruntime` or `numpy`


@dataclass(kw_only=True)
class ExplainModule(Module):
    """The explanation of one LSTM; the lists of topics that were not asked for are empty."""

    data: DataRow
    around: AroundRow
    symbols: Mapping[str, int]
    topics: Sequence[str]
    groups: Sequence[GroupRow]
    equations: Sequence[EquationRow]
    operands: Sequence[OperandRow]
    states: Sequence[StateRow]
    packing: PackingRow | None  # None without lengths
    packed_steps: Sequence[PackedStepRow]
    sequences: Sequence[SequenceRow]
    extras: Sequence[ExtraRow]
    head_reads: str | None  # the input of the head; None without one
    claims: Sequence[ClaimRow]
    relations: Sequence[RelationRow]
    facts: Sequence[FactRow]
    code: Sequence[CodeRow]
    notes: list[str]
    layers: Sequence[Layers] = internal()  # of `groups`, with the equations themselves


def explain_module(subject: Subject, topics: Sequence[str]) -> ExplainModule:
    """The explanation of one LSTM; `topics` are some of `TOPICS`, or empty for all."""
    config, around = subject.config, subject.around
    model, data = LSTMModel(config), subject.data
    told = list(topics or TOPICS)
    groups = groups_of(model, data) if "equations" in told else []
    group_rows = [_group_row(number, group, config, data) for number, group in enumerate(groups)]
    if "states" in told:
        check_rows(model.num_cells, "index of h_n and c_n")
    lengths = data.lengths or () if "packing" in told else ()
    packing = _checked_packing(data) if lengths else None
    claims = claims_of(model, data, around, told)
    return ExplainModule(
        **head_of(subject, SETTINGS),
        data=data_row(subject),
        around=around_row(subject),
        symbols={**model.data_symbols(data), **around_symbols(around)},
        topics=told,
        groups=group_rows,
        equations=[row for number, group in enumerate(groups) for row in _equation_rows(number, group)],
        operands=[row for number, group in enumerate(groups) for row in _operand_rows(number, group)],
        states=state_rows(model, data) if "states" in told else [],
        packing=_packing_row(packing) if packing else None,
        packed_steps=_packed_step_rows(packing.steps) if packing else [],
        sequences=[_sequence_row(config, n, length) for n, length in enumerate(lengths)],
        extras=extra_rows_of(subject),
        head_reads=str(head_reads(config, around)) if around.head else None,
        claims=[_claim_row(claim) for claim in claims],
        relations=[row for claim in claims for row in _relation_rows(claim)],
        facts=[FactRow(topic, label, text) for topic in told for label, text in FACTS[topic](subject)],
        code=[CodeRow(topic, *row) for topic in told for row in _code(subject, topic)],
        notes=[*notes_of(subject), *as_pytorch_note(subject, "explained is")],
        layers=_layers(groups, group_rows),
    )


def _code(subject: Subject, topic: str) -> Iterator[tuple[str, str]]:
    """The code of a topic, each with the framework that it is for."""
    if topic == "streaming":
        yield from streaming_code(subject)
    elif topic == "packing" and subject.data.lengths:
        yield packing_code(subject), "pytorch"
    elif topic == "init" and subject.config.bias:
        yield forget_code(subject.config), "pytorch"


def _claim_row(claim: Claim) -> ClaimRow:
    symbolic = [str(size) for size in claim.symbolic]
    whose = claim.topic, claim.framework, claim.option or None
    return ClaimRow(*whose, claim.snippet.text, symbolic, claim.shape, claim.says, claim.why or None)


def _relation_rows(claim: Claim) -> Iterator[RelationRow]:
    """The relations that prove a claim."""
    for relation in claim.relations:
        sides = relation.left.text, relation.right.text
        yield RelationRow(claim.topic, claim.snippet.text, *sides, relation.equal)


def _equation_rows(number: int, group: Group) -> Iterator[EquationRow]:
    for equation in group.equations:
        result = equation.result
        symbolic = [str(size) for size in result.symbolic]
        written = equation.text, equation.shapes, equation.latex
        yield EquationRow(number, result.symbol, symbolic, result.shape, *written, equation.role)


def _operand_rows(number: int, group: Group) -> Iterator[OperandRow]:
    for equation in group.equations:
        for operand in equation.operands:
            symbolic = [str(size) for size in operand.symbolic]
            named = equation.result.symbol, operand.symbol
            yield OperandRow(number, *named, symbolic, operand.shape, operand.stored or None)


def _group_row(number: int, group: Group, config: LSTMConfig, data: DataSpec) -> GroupRow:
    """Alike layers in one direction, with the expressions for x_t and the initial h and c of the first of them.

    The initial h and c are those of step -1; in the reverse direction those of step L, or with lengths those of
    step `length` of each sequence.
    """
    first = config.batch_first and not data.unbatched
    step = at(tensor("input"), *((slice(None), "t") if first else ("t",))).text
    layer = max(group.first, 1)
    below = [tensor(traced_name("h", layer - 1, direction)) for direction in DIRECTIONS[: config.num_directions]]
    above = joined([at(each, "t") for each in below]).text
    position = group.first * config.num_directions + DIRECTIONS.index(group.direction)
    end = "length" if data.lengths else "L"  # in reverse, each sequence begins at its own end
    return GroupRow(
        group=number,
        first_layer=group.first,
        last_layer=group.last,
        direction=group.direction,
        x_t=step if group.first == 0 else above,
        x_t_above=above if group.first == 0 and group.last > 0 else None,
        begins_at="-1" if group.direction == "forward" else end,
        begins_h=f"h_0[{position}]",
        begins_c=f"c_0[{position}]",
    )


def _layers(groups: Sequence[Group], rows: Sequence[GroupRow]) -> list[Layers]:
    """The alike layers of some groups, whose rows are `rows`: both directions of the same layers together."""
    reverse = {row.first_layer: row for row in rows if row.direction == "reverse"}
    return [
        Layers(row, reverse.get(row.first_layer), group.equations)
        for group, row in zip(groups, rows, strict=True)
        if row.direction == "forward"
    ]


def _checked_packing(data: DataSpec) -> Packing:
    """The packed batch; an error if it has too many steps for a report."""
    check_rows(data.longest, "step of batch_sizes", "shorter sequences (--lengths)")
    return Packing(data)


def _packing_row(packing: Packing) -> PackingRow:
    return PackingRow(
        batch_sizes=packing.batch_sizes,
        sorted_indices=packing.sorted_indices,
        unsorted_indices=packing.unsorted_indices,
        order_is_open=packing.is_order_open,
        num_rows=packing.num_rows,
        padding=packing.padding,
        waste_percent=packing.waste,
    )


def _packed_step_rows(steps: Sequence[PackedStep]) -> Sequence[PackedStepRow]:
    """The steps of a packed batch, each made when it is read."""

    def make(index: int) -> PackedStepRow:
        step = steps[index]
        return PackedStepRow(step.step, step.batch_size, step.rows)

    return LazySequence(len(steps), make)


def _sequence_row(config: LSTMConfig, n: int, length: int) -> SequenceRow:
    """The places of one sequence's last h in output."""
    width, output = config.output_size, tensor("output")

    def place(step: int, columns: slice) -> str:
        return at(output, *((n, step) if config.batch_first else (step, n)), columns).text

    reverse = place(0, slice(width, 2 * width)) if config.bidirectional else None
    return SequenceRow(n, length, place(length - 1, slice(None, width)), reverse)


def explain_report(subjects: Sequence[Subject], topics: Sequence[str] = ()) -> Report[ExplainModule]:
    """The explanation of every LSTM; `topics` are some of `TOPICS`, or empty for all."""
    return document("explain", [explain_module(subject, topics) for subject in subjects])
