"""The layers around an LSTM, an Embedding before it and a Linear after it: arrays, inputs and outputs.

Names and axes of the arrays are in the table of `frameworks`; the rest is PyTorch's (torch 2.13.0).
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
    """One array that a layer around the LSTM stores."""

    name: str  # e.g. `head.weight`
    part: str  # the layer: `embedding` or `head`
    symbolic: tuple[Dim, ...]  # its shape in symbols
    shape: tuple[int, ...]  # its shape in numbers
    numel: int  # the number of its elements


def around_symbols(around: Surroundings) -> dict[str, int]:
    """The value of every symbol of the layers around."""
    values = {"OUT": around.head, "VOCAB": around.embed}
    return {symbol: value for symbol, value in values.items() if value is not None}


_AXES: Final = {"word": VOCAB, "input": H_in, "feature": D * H_out, "output": OUT}


def extras(config: LSTMConfig, around: Surroundings, framework: str = "pytorch") -> list[Extra]:
    """Every array that the layers around store, in the order that data flows.

    UnsupportedError if the framework's table lacks such a layer.
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
    """The number of elements in these arrays, as a formula."""
    return reduce(add, (reduce(mul, row.symbolic) for row in rows), Dim.of(0))


def tensors_around(config: LSTMConfig, data: DataSpec, around: Surroundings) -> tuple[list[Tensor], list[Tensor]]:
    """The input of the Embedding, `tokens` (integers), and the output of the head, `logits`."""
    model = LSTMModel(config)
    steps = next(item.symbolic for item in model.tensors_of(data) if item.name == "input")[:-1]
    return around_steps(steps, model.data_symbols(data), around)


def around_steps(
    steps: tuple[Dim, ...], values: dict[str, int], around: Surroundings
) -> tuple[list[Tensor], list[Tensor]]:
    """`tokens` and `logits` for an input whose axes before the features are `steps`."""
    values = {**values, **around_symbols(around)}

    def tensor_of(name: str, role: str, symbolic: tuple[Dim, ...]) -> Tensor:
        return Tensor(name, role, symbolic, tuple(size.at(values) for size in symbolic))

    before = [tensor_of("tokens", "input", steps)._replace(dtype="int64")] if around.embed is not None else []
    read = steps if around.head_on == "all" else tuple(size for size in steps if size != L)
    behind = [tensor_of("logits", "output", (*read, OUT))] if around.head is not None else []
    return before, behind


def last_hidden(config: LSTMConfig) -> Snippet:
    """The last hidden state, `(N, D*H_out)`: that of each direction after it has read everything."""
    h_n = tensor("h_n")
    return joined([at(h_n, -2), at(h_n, -1)] if config.bidirectional else [at(h_n, -1)])


def head_reads(config: LSTMConfig, around: Surroundings) -> Snippet:
    """The input of the head."""
    return tensor("output") if around.head_on == "all" else last_hidden(config)


def logits(config: LSTMConfig, around: Surroundings) -> Snippet:
    """The output of the head."""
    return linear(HEAD, head_reads(config, around))


def embedding_output() -> Snippet:
    """The output of the Embedding, which is the LSTM's input."""
    return looked_up(EMBEDDING, tensor("tokens"))
