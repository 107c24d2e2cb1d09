"""What stands around an LSTM: an Embedding before it, a Linear behind it; what they store, take and give.

What is stored, and under which names, is in the table of `frameworks`; the rest is PyTorch's (torch 2.13.0).
"""

from functools import reduce
from operator import add, mul
from typing import Final, NamedTuple

from lstmcalc.errors import UnsupportedError
from lstmcalc.model.lstm import LSTMModel, Tensor
from lstmcalc.model.snippets import Snippet, at, joined, linear, looked_up, tensor
from lstmcalc.spec.config import DataSpec, LSTMConfig, Surroundings
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import OUT, VOCAB, D, H_in, H_out, L, sizes_of

HEAD, EMBEDDING = "head", "embedding"


class Extra(NamedTuple):
    """One array that a layer around the LSTM stores.

    Attributes:
        name: Its name, as `head.weight`.
        part: The layer: `embedding` or `head`.
        symbolic: Its shape in symbols.
        shape: Its shape in numbers.
        numel: How many numbers it holds.
    """

    name: str
    part: str
    symbolic: tuple[Dim, ...]
    shape: tuple[int, ...]
    numel: int


def around_symbols(around: Surroundings) -> dict[str, int]:
    """The value of every symbol of the layers around."""
    values = {"OUT": around.head, "VOCAB": around.embed}
    return {symbol: value for symbol, value in values.items() if value is not None}


_AXES: Final = {"word": VOCAB, "input": H_in, "feature": D * H_out, "output": OUT}


def extras(config: LSTMConfig, around: Surroundings, framework: str = "pytorch") -> list[Extra]:
    """Every array that the layers around store in a framework, in the order that data flows.

    Raises:
        UnsupportedError: What the framework stores there is not in the table.
    """
    parts = [part for part, said in ((EMBEDDING, around.embed), (HEAD, around.head)) if said is not None]
    if not parts:
        return []
    from lstmcalc.frameworks.catalog import LAYOUTS
    from lstmcalc.frameworks.storage import axis_names, find_layout

    layout, rows = find_layout(framework), []
    sizes = {**sizes_of(config), **around_symbols(around)}
    for part in parts:
        stored = {EMBEDDING: layout.embedding, HEAD: layout.head}[part]
        if not stored:
            having = [name for name, other in LAYOUTS.items() if {EMBEDDING: other.embedding, HEAD: other.head}[part]]
            raise UnsupportedError(
                f"what {layout.title} stores of {'a head' if part == HEAD else 'an embedding'} is not known",
                expected=f"a framework: one of {', '.join(having)}",
                hint="--framework pytorch shows it: as many numbers are stored everywhere",
            )
        for item in stored:
            symbolic = tuple(_AXES[axis] for axis in axis_names(item.axes))
            shape = tuple(size.at(sizes) for size in symbolic)
            rows.append(Extra(item.name, part, symbolic, shape, reduce(mul, shape)))
    return rows


def extras_symbolic(rows: list[Extra]) -> Dim:
    """How many numbers these arrays hold, as a formula."""
    return reduce(add, (reduce(mul, row.symbolic) for row in rows), Dim.of(0))


def tensors_around(config: LSTMConfig, data: DataSpec, around: Surroundings) -> tuple[list[Tensor], list[Tensor]]:
    """What goes into the Embedding, and what comes out of the head: `tokens`, integers, and `logits`."""
    model = LSTMModel(config)
    steps = next(item.symbolic for item in model.tensors_of(data) if item.name == "input")[:-1]
    return around_steps(steps, model.data_symbols(data), around)


def around_steps(
    steps: tuple[Dim, ...], values: dict[str, int], around: Surroundings
) -> tuple[list[Tensor], list[Tensor]]:
    """`tokens` and `logits`, where the axes of the input before its features are `steps`."""
    values = {**values, **around_symbols(around)}

    def tensor_of(name: str, role: str, symbolic: tuple[Dim, ...]) -> Tensor:
        return Tensor(name, role, symbolic, tuple(size.at(values) for size in symbolic))

    before = [tensor_of("tokens", "input", steps)._replace(dtype="int64")] if around.embed is not None else []
    read = steps if around.head_on == "all" else tuple(size for size in steps if size != L)
    behind = [tensor_of("logits", "output", (*read, OUT))] if around.head is not None else []
    return before, behind


def last_hidden(config: LSTMConfig) -> Snippet:
    """The last hidden state, `(N, D*H_out)`: what both directions know when they have read everything."""
    h_n = tensor("h_n")
    return joined([at(h_n, -2), at(h_n, -1)] if config.bidirectional else [at(h_n, -1)])


def head_reads(config: LSTMConfig, around: Surroundings) -> Snippet:
    """What the head is put on."""
    return tensor("output") if around.head_on == "all" else last_hidden(config)


def logits(config: LSTMConfig, around: Surroundings) -> Snippet:
    """What the head makes of it."""
    return linear(HEAD, head_reads(config, around))


def embedded() -> Snippet:
    """The input, if an Embedding makes it."""
    return looked_up(EMBEDDING, tensor("tokens"))
