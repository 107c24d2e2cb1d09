"""The facts that explain says of each topic in words, for the LSTM at hand.

Not here: equations, packed steps and claims (`report`), and chunks (`streaming`).
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from lstmcalc.commands.explain.streaming import streaming_facts
from lstmcalc.intake.subject import Subject
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.model.packing import UNSTABLE, Packing
from lstmcalc.model.torch_code import packed_calls
from lstmcalc.report.notes import source_layout
from lstmcalc.spec.config import LSTMConfig

Phrases: TypeAlias = Iterator[tuple[str, str]]  # pairs of a label and a text


def _equation_facts(subject: Subject) -> Phrases:
    for item in subject.found.unmodelled if subject.found else ():
        yield "note", f"the source has {item}: these are the equations without it"


def _state_facts(subject: Subject) -> Phrases:
    config = subject.config
    shape = {item.name: item.shape for item in LSTMModel(config).tensors_of(subject.data)}
    ways = " and direction" if config.bidirectional else ""
    yield "call", "output, (h_n, c_n) = lstm(input, (h_0, c_0))"
    yield "output", f"{shape['output']}: h of the last layer, of every step"
    when = " (reverse: step 0)" if config.bidirectional else ""
    yield "h_n", f"{shape['h_n']}: final h of each layer{ways}{when}"
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
    both = "weights and biases" if config.bias else "weights"
    yield "weights", f"{both} are uniform from -k to k, k = {bound}, in PyTorch"
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


FACTS: Final[dict[str, Callable[[Subject], Phrases]]] = {
    "equations": _equation_facts,
    "states": _state_facts,
    "packing": _packing_facts,
    "streaming": streaming_facts,
    "dropout": _dropout_facts,
    "batch-first": _batch_first_facts,
    "init": _init_facts,
    "around": _around_facts,
}
