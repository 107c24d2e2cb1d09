"""The report of explain: equations, states, packing, and common mistakes.

The executable parts are in `model.equations`, `model.claims` and `model.packing`; here are the words around them.

Source of the facts about training and initialisation: the documentation and the code of `torch.nn.LSTM`, torch 2.13.0
(`torch/nn/modules/rnn.py`); the tests check them in PyTorch.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from lstmcalc.intake.subject import Subject
from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.equations import Group, groups_of
from lstmcalc.model.lstm import LSTMModel, traced_name
from lstmcalc.model.packing import UNSTABLE, PackedStep, Packing
from lstmcalc.model.snippets import at, joined, tensor
from lstmcalc.model.surroundings import around_symbols
from lstmcalc.model.torch_code import packed_calls
from lstmcalc.report.document import document
from lstmcalc.report.tree import (
    SETTINGS,
    TOPICS,
    Tree,
    around_tree,
    as_pytorch_note,
    check_rows,
    data_tree,
    extras_tree,
    mapped,
    module_tree,
    source_layout,
    states_tree,
)
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.symbols import DIRECTIONS

Phrases: TypeAlias = Iterator[tuple[str, str]]  # pairs of a label and a text


def explain_module(subject: Subject, topics: Sequence[str]) -> Tree:
    """The explanation of one LSTM; `topics` are some of `TOPICS`, or empty for all."""
    model, data = LSTMModel(subject.config), subject.data
    told = list(topics or TOPICS)
    groups = groups_of(model, data) if "equations" in told else []
    if "states" in told:
        check_rows(model.num_cells, "index of h_n and c_n")
    claims = [claim for claim in claims_of(model, data, subject.around) if claim.topic in told]
    codes = {"packing": packing_code(subject) if data.lengths else "", "init": forget_code(subject.config)}
    own: Tree = {
        "data": data_tree(subject),
        "around": around_tree(subject),
        "symbols": {**model.data_symbols(data), **around_symbols(subject.around)},
        "topics": told,
        "groups": [_group(number, group, subject.config, data) for number, group in enumerate(groups)],
        "equations": [row for number, group in enumerate(groups) for row in _equation_rows(number, group)],
        "operands": [row for number, group in enumerate(groups) for row in _operand_rows(number, group)],
        "states": states_tree(model, data) if "states" in told else [],
        **_packing(subject.config, data if "packing" in told else DataSpec()),
        **extras_tree(subject),
        "claims": [_claim(claim) for claim in claims],
        "relations": [row for claim in claims for row in _relation_rows(claim)],
        "facts": [
            {"topic": topic, "label": label, "text": text} for topic in told for label, text in _FACTS[topic](subject)
        ],
        "code": [{"topic": topic, "code": codes[topic]} for topic in told if codes.get(topic)],
    }
    tree = module_tree(subject, SETTINGS, own)
    tree["notes"] += as_pytorch_note(subject, "explained")
    return tree


def _claim(claim: Claim) -> Tree:
    return {
        "topic": claim.topic,
        "framework": claim.framework,
        "option": claim.option or None,
        "expression": claim.snippet.text,
        "symbolic": [str(size) for size in claim.symbolic],
        "shape": list(claim.shape),
        "says": claim.says,
        "why": claim.why or None,
    }


def _relation_rows(claim: Claim) -> Iterator[Tree]:
    """The relations that prove a claim; `h_l0`, `c_l1_reverse`, ... are values of every step, as in a trace."""
    for relation in claim.relations:
        yield {
            "topic": claim.topic,
            "expression": claim.snippet.text,
            "left": relation.left.text,
            "right": relation.right.text,
            "equal": relation.equal,
        }


def _equation_rows(number: int, group: Group) -> Iterator[Tree]:
    for equation in group.equations:
        yield {
            "group": number,
            "result": equation.result.symbol,
            "symbolic": [str(size) for size in equation.result.symbolic],
            "shape": list(equation.result.shape),
            "text": equation.text,
            "shapes": equation.shapes,
            "latex": equation.latex,
            "role": equation.role,
        }


def _operand_rows(number: int, group: Group) -> Iterator[Tree]:
    for equation in group.equations:
        for operand in equation.operands:
            yield {
                "group": number,
                "result": equation.result.symbol,
                "symbol": operand.symbol,
                "symbolic": [str(size) for size in operand.symbolic],
                "shape": list(operand.shape),
                "stored": operand.stored or None,
            }


def _group(number: int, group: Group, config: LSTMConfig, data: DataSpec) -> Tree:
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
    return {
        "group": number,
        "first_layer": group.first,
        "last_layer": group.last,
        "direction": group.direction,
        "x_t": step if group.first == 0 else above,
        "x_t_above": above if group.first == 0 and group.last > 0 else None,
        "begins_at": "-1" if group.direction == "forward" else end,
        "begins_h": f"h_0[{position}]",
        "begins_c": f"c_0[{position}]",
    }


def _packing(config: LSTMConfig, data: DataSpec) -> Tree:
    """The packed batch: its sizes, orders, steps and sequences; empty without lengths."""
    if not data.lengths:
        return {"packing": None, "packed_steps": [], "sequences": []}
    check_rows(data.longest, "step of batch_sizes", "shorter sequences (--lengths)")
    packing = Packing(data)
    return {
        "packing": {
            "batch_sizes": list(packing.batch_sizes),
            "sorted_indices": list(packing.sorted_indices),
            "unsorted_indices": list(packing.unsorted_indices),
            "order_is_open": packing.is_order_open,
            "num_rows": packing.num_rows,
            "padding": packing.padding,
            "waste_percent": packing.waste,
        },
        "packed_steps": mapped(packing.steps, _packed_step),
        "sequences": [_sequence(config, n, length) for n, length in enumerate(data.lengths)],
    }


def _packed_step(step: PackedStep) -> Tree:
    """One step; its rows belong to the first `batch_size` sequences of `sorted_indices`, so they are not repeated."""
    return {"step": step.step, "batch_size": step.batch_size, "rows": list(step.rows)}


def _sequence(config: LSTMConfig, n: int, length: int) -> Tree:
    """The places of one sequence's last h in output."""
    width, output = config.output_size, tensor("output")

    def place(step: int, columns: slice) -> str:
        return at(output, *((n, step) if config.batch_first else (step, n)), columns).text

    reverse = place(0, slice(width, 2 * width)) if config.bidirectional else None
    return {
        "sequence": n,
        "length": length,
        "last_forward": place(length - 1, slice(None, width)),
        "last_reverse": reverse,
    }


def _equation_facts(subject: Subject) -> Phrases:
    for item in subject.found.unmodelled if subject.found else ():
        yield "take care", f"the source has {item}: these are the equations without it"


def _state_facts(subject: Subject) -> Phrases:
    config = subject.config
    shape = {item.name: item.shape for item in LSTMModel(config).tensors_of(subject.data)}
    ways = " and direction" if config.bidirectional else ""
    yield "call", "output, (h_n, c_n) = lstm(input, (h_0, c_0))"
    yield "output", f"{shape['output']}: h of the last layer, of every step"
    yield "h_n", f"{shape['h_n']}: h of every layer{ways}, where it has read everything"
    yield "c_n", f"{shape['c_n']}: the cell there; it is nowhere in output"
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
    yield "input", f"input is (N, L, H_in) = {first} with it, (L, N, H_in) = {second} without"
    yield "output", "output likewise: {} and {}".format(*sizes["output"])
    states = " and ".join(f"{name} {shape[name]}" for name in ("h_n", "c_n"))
    yield "h and c", f"h_0, c_0, h_n, c_n are the same with and without: {states}"
    yield "instead", "input.transpose(0, 1) makes one layout of the other"


def _init_facts(subject: Subject) -> Phrases:
    config, other = subject.config, source_layout(subject)
    bound = f"1/sqrt(H_cell) = {config.hidden_size**-0.5:.4g}"
    yield "weights", f"PyTorch's weights{' and biases' if config.bias else ''} are uniform from -k to k, k = {bound}"
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
        yield "head", f"a classifier is nn.Linear({width}, OUT) on the last hidden state: --head OUT"
    if around.embed is None:
        yield "embedding", f"words become input by nn.Embedding(VOCAB, {config.input_size}): --embed VOCAB"


_FACTS: Final[dict[str, Callable[[Subject], Phrases]]] = {
    "equations": _equation_facts,
    "states": _state_facts,
    "packing": _packing_facts,
    "dropout": _dropout_facts,
    "batch-first": _batch_first_facts,
    "init": _init_facts,
    "around": _around_facts,
}


def explain_report(subjects: Sequence[Subject], topics: Sequence[str] = ()) -> Tree:
    """The explanation of every LSTM; `topics` are some of `report.tree.TOPICS`, or empty for all."""
    return document("explain", [explain_module(subject, topics) for subject in subjects])
