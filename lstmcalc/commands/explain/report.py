"""The report of explain: equations, states, packing, and common mistakes.

The executable parts are in `model.equations`, `model.claims` and `model.packing`; here are the words around them.

Source of the facts about training and initialisation: the documentation and the code of `torch.nn.LSTM`, torch 2.13.0
(`torch/nn/modules/rnn.py`); the tests check them in PyTorch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.equations import Equation, Group, groups_of
from lstmcalc.model.lstm import LSTMModel, traced_name
from lstmcalc.model.packing import UNSTABLE, PackedStep, Packing
from lstmcalc.model.snippets import at, joined, tensor
from lstmcalc.model.surroundings import around_symbols, head_reads
from lstmcalc.model.torch_code import packed_calls
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import as_pytorch_note, notes_of, source_layout
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

Phrases: TypeAlias = Iterator[tuple[str, str]]  # pairs of a label and a text

# The topics, in reading order.
TOPICS: Final = ("equations", "states", "packing", "dropout", "batch-first", "init", "around")


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
    codes = {"packing": packing_code(subject) if data.lengths else "", "init": forget_code(config)}
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
        facts=[FactRow(topic, label, text) for topic in told for label, text in _FACTS[topic](subject)],
        code=[CodeRow(topic, codes[topic]) for topic in told if codes.get(topic)],
        notes=[*notes_of(subject), *as_pytorch_note(subject, "explained is")],
        layers=_layers(groups, group_rows),
    )


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


def _equation_facts(subject: Subject) -> Phrases:
    for item in subject.found.unmodelled if subject.found else ():
        yield "note", f"the source has {item}: these are the equations without it"


def _state_facts(subject: Subject) -> Phrases:
    config = subject.config
    shape = {item.name: item.shape for item in LSTMModel(config).tensors_of(subject.data)}
    ways = " and direction" if config.bidirectional else ""
    yield "call", "output, (h_n, c_n) = lstm(input, (h_0, c_0))"
    yield "output", f"{shape['output']}: h of the last layer, of every step"
    when = ": after the last step for forward, after step 0 for reverse" if config.bidirectional else ""
    yield "h_n", f"{shape['h_n']}: final hidden state of each layer{ways}{when}"
    yield "c_n", f"{shape['c_n']}: final cell state, same layout; not part of output"
    both = ", forward before reverse: l*D + d" if config.bidirectional else ""
    yield "index", f"the first axis of h_n and of c_n, layer by layer{both}"


def _packing_facts(subject: Subject) -> Phrases:
    data = subject.data
    if not data.lengths:
        if data.unbatched:
            yield "here", f"one sequence of L = {data.seq_len} steps, without a batch: nothing to pack"
        else:
            yield "here", f"no padding: every sequence has L = {data.seq_len} steps"
        yield "what", "packed, padding is not computed, and each sequence has its own h_n"
        yield "to see it", "--lengths 5,3,2 shows it"
        return
    packing = Packing(data)
    reverse = ", of the reverse direction from step 0" if subject.config.bidirectional else ""
    yield "h_n, c_n", f"in the order of the batch, each sequence's from where it ends{reverse}"
    yield "output", "after pad_packed_sequence(..., total_length=L) 0 behind each sequence"
    if list(packing.sorted_indices) != sorted(packing.sorted_indices):
        yield "order", "the batch is not sorted: pack_padded_sequence needs enforce_sorted=False"
    if packing.is_order_open:
        yield "order", f"of {UNSTABLE} sequences or more PyTorch sorts equal ones in any order: indices may differ"


def packing_code(subject: Subject) -> str:
    """Code that packs the input of the LSTM, and unpacks its output."""
    return "".join(f"{line}\n" for line in packed_calls(subject.config, subject.data))


def _dropout_facts(subject: Subject) -> Phrases:
    config, other = subject.config, source_layout(subject)
    if other:
        yield "whose", f"this is the dropout of PyTorch's nn.LSTM, not that of {other.title}"
    if config.num_layers == 1:
        yield "where", "acts between layers: with one layer nowhere"
    else:
        spans = "layer 0" if config.num_layers == 2 else f"layers 0 to {config.num_layers - 2}"  # noqa: PLR2004
        yield "where", f"acts on h_t of {spans}, where it becomes x_t of the layer above"
    yield "where not", "never on output, h_n or c_n, nor from step to step"
    yield "when", "in training only, lstm.eval() ends it"
    if config.num_layers > 1 and config.dropout == 1:
        yield "how", "with 1 the layers above read zeros in training"
    elif config.num_layers > 1 and config.dropout:
        kept = 1 - config.dropout
        yield "how", f"each number is 0 with probability {config.dropout:.12g}, else divided by {kept:.6g}"
    yield "changes", "changes no shape and no count"


def _batch_first_facts(subject: Subject) -> Phrases:
    config, data = subject.config, subject.data
    if data.unbatched:
        yield "here", "does nothing: unbatched input has no batch axis"
        return
    shape = {item.name: item.shape for item in LSTMModel(config).tensors_of(data)}
    sizes = {}
    for name in ("input", "output"):
        one, other, features = shape[name]
        length, batch = (other, one) if config.batch_first else (one, other)
        sizes[name] = (batch, length, features), (length, batch, features)
    first, second = sizes["input"]
    yield "input", f"input (N, L, H_in) = {first}, else (L, N, H_in) = {second}"
    yield "output", "output likewise: {} and {}".format(*sizes["output"])
    states = " and ".join(f"{name} {shape[name]}" for name in ("h_n", "c_n"))
    yield "h and c", f"h_0, c_0, h_n, c_n are the same with and without: {states}"
    yield "instead", "input.transpose(0, 1) makes one layout of the other"


def _init_facts(subject: Subject) -> Phrases:
    config, other = subject.config, source_layout(subject)
    bound = f"1/sqrt(H_cell) = {config.hidden_size**-0.5:.4g}"
    yield "weights", f"uniform from -k to k, k = {bound}, in PyTorch"
    yield "h_0, c_0", "h_0 and c_0 are zeros if left out"
    if config.bias:
        yield "forget", "the forget gate's bias, b_if + b_hf, is 0 on average: each step keeps about half of the cell"
        yield "to keep more", "to keep more, let one of these two begin with 1 and the other with 0"
    if other:
        from lstmcalc.frameworks.pytorch import PYTORCH

        if other.init != PYTORCH.init:
            yield "otherwise", f"{other.title} begins otherwise: {other.init}"


def forget_code(config: LSTMConfig) -> str:
    """Code that initialises the forget gates of an `nn.LSTM` called `lstm` to a bias of 1; empty without biases."""
    if not config.bias:
        return ""
    rows = f"{config.hidden_size}:{2 * config.hidden_size}"
    return (
        "with torch.no_grad():\n"
        "    for name, parameter in lstm.named_parameters():\n"
        '        if name.startswith("bias_"):\n'
        f'            parameter[{rows}] = 1.0 if name.startswith("bias_ih") else 0.0\n'
    )


def _around_facts(subject: Subject) -> Phrases:
    config, around = subject.config, subject.around
    width = config.num_directions * config.output_size
    if around.embed is not None:
        yield "embedding", f"nn.Embedding({around.embed}, {config.input_size}): tokens are below {around.embed}"
    if around.head is not None:
        yield "head", f"nn.Linear({width}, {around.head})"
    if around.head is None:
        yield "head", f"classifier: nn.Linear({width}, OUT) on the last h_n (--head OUT)"
    if around.embed is None:
        yield "embedding", f"words: nn.Embedding(VOCAB, {config.input_size}) before it (--embed VOCAB)"


_FACTS: Final[dict[str, Callable[[Subject], Phrases]]] = {
    "equations": _equation_facts,
    "states": _state_facts,
    "packing": _packing_facts,
    "dropout": _dropout_facts,
    "batch-first": _batch_first_facts,
    "init": _init_facts,
    "around": _around_facts,
}


def explain_report(subjects: Sequence[Subject], topics: Sequence[str] = ()) -> Report[ExplainModule]:
    """The explanation of every LSTM; `topics` are some of `report.tree.TOPICS`, or empty for all."""
    return document("explain", [explain_module(subject, topics) for subject in subjects])
