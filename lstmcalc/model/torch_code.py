"""PyTorch code that computes the same as a run, to paste.

Not here: the numbers that it draws (`numerics.torch_random`).
"""

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Final, NamedTuple

from lstmcalc.model.lstm import LSTMModel
from lstmcalc.model.surroundings import embedding_output, logits
from lstmcalc.spec.config import DataSpec, LSTMConfig, Surroundings

WIDTH: Final = 80  # of a line of code
_SHOWN: Final = 8  # lengths in a line of code


class Given(NamedTuple):
    """Weights and inputs that a run is given and does not draw."""

    weights: tuple[str, ...] = ()  # code that loads the weights of `lstm`, imports first; empty if they are drawn
    weights_from: str = ""  # the file that has them
    inputs: tuple[str, ...] = ()  # code that reads `input`, and `h_0` and `c_0` if given; empty if they are drawn
    inputs_from: str = ""  # the file that has them


def drawn_parts(around: Surroundings, given: Given) -> tuple[str, ...]:
    """The names of the parts that a run draws: layers around, the LSTM's weights, the data."""
    parts = (
        ("embedding", around.embed is not None),
        ("weights", not given.weights),
        ("head", around.head is not None),
        ("data", not given.inputs),
    )
    return tuple(name for name, is_drawn in parts if is_drawn)


NOTHING_GIVEN: Final = Given()


def torch_script(
    config: LSTMConfig, data: DataSpec, around: Surroundings, seed: int, given: Given = NOTHING_GIVEN
) -> str:
    """Code that draws weights and data from a seed, in this order, and computes the results.

    Given weights and inputs are read instead, the weights before the seed is set.
    """
    return "".join(f"{line}\n" for line in _script(config, data, around, seed, given))


def _script(config: LSTMConfig, data: DataSpec, around: Surroundings, seed: int, given: Given) -> Iterator[str]:
    dtype = [] if data.dtype == "float32" else [f"dtype=torch.{data.dtype}"]
    yield from _imports(data, given)
    yield ""
    if given.weights:
        yield from _lstm_lines(config, dtype)
        yield from (line for line in given.weights if not line.startswith(_IMPORT))
        yield ""
    if drawn_parts(around, given):
        yield f"torch.manual_seed({seed})"
    if around.embed is not None:
        yield call("embedding", "nn.Embedding", [str(around.embed), str(config.input_size), *dtype])
    if not given.weights:
        yield from _lstm_lines(config, dtype)
    if around.head is not None:
        yield call("head", "nn.Linear", [str(config.num_directions * config.output_size), str(around.head), *dtype])
    yield from _data(config, data, around, given, dtype)
    if data.lengths and len(data.lengths) > _SHOWN:
        line = f"lengths = {list(data.lengths)}"
        listed = fill(str(list(data.lengths))[1:-1], WIDTH, initial_indent="    ", subsequent_indent="    ")
        yield line if len(line) <= WIDTH else f"lengths = [\n{listed}\n]"
    if data.lengths:
        yield from packed_calls(config, data, ", (h_0, c_0)")
    else:
        yield "output, (h_n, c_n) = lstm(input, (h_0, c_0))"
    if around.head is not None:
        yield f"logits = {logits(config, around)}"


_IMPORT: Final = "from "


def _imports(data: DataSpec, given: Given) -> Iterator[str]:
    if any("np." in line for line in (*given.weights, *given.inputs)):
        yield "import numpy as np"
    yield "import torch"
    yield from (line for line in given.weights if line.startswith(_IMPORT))
    yield "from torch import nn"
    if data.lengths:
        yield "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence"


def _lstm_lines(config: LSTMConfig, dtype: Sequence[str]) -> Iterator[str]:
    arguments = str(config).removeprefix("LSTM(").removesuffix(")").split(", ")
    yield call("lstm", "nn.LSTM", [*arguments, *dtype])
    if config.dropout and config.num_layers > 1:
        yield "lstm.eval()  # without dropout"


def _data(
    config: LSTMConfig, data: DataSpec, around: Surroundings, given: Given, dtype: Sequence[str]
) -> Iterator[str]:
    """Lines that make the inputs, drawn or read; beside given data, a missing state is zeros."""
    shapes = {tensor.name: tensor.shape for tensor in LSTMModel(config).tensors_of(data)}
    if given.inputs:
        yield from given.inputs
    elif around.embed is None:
        yield call("input", "torch.randn", [*map(str, shapes["input"]), *dtype])
    else:
        yield call("tokens", "torch.randint", [str(around.embed), str(shapes["input"][:-1])])
        yield f"input = {embedding_output()}"
    for name in ("h_0", "c_0"):
        if not any(line.startswith(f"{name} =") for line in given.inputs):
            function = "torch.zeros" if given.inputs else "torch.randn"
            yield call(name, function, [*map(str, shapes[name]), *dtype])


def packed_calls(config: LSTMConfig, data: DataSpec, state: str = "") -> Iterator[str]:
    """Code that packs the input of an `nn.LSTM` called `lstm`, calls it, and unpacks its output.

    Many lengths are a list called `lengths`. `state` is a further argument of the call, e.g. `, (h_0, c_0)`.
    """
    lengths = list(data.lengths or ())
    layout = ["batch_first=True"] if config.batch_first else []
    order = [] if lengths == sorted(lengths, reverse=True) else ["enforce_sorted=False"]
    shown = str(lengths) if len(lengths) <= _SHOWN else "lengths"
    yield call("packed", "pack_padded_sequence", ["input", shown, *layout, *order])
    yield f"packed_output, (h_n, c_n) = lstm(packed{state})"
    yield call("output, _", "pad_packed_sequence", ["packed_output", *layout, f"total_length={data.seq_len}"])


def call(target: str, name: str, arguments: Sequence[str]) -> str:
    """The assignment of a call's result: on one line, or with its arguments on the next or on a line each."""
    for text in (
        f"{target} = {name}({', '.join(arguments)})",
        f"{target} = {name}(\n    {', '.join(arguments)}\n)",
    ):
        if max(map(len, text.splitlines())) <= WIDTH:
            return text
    listed = "".join(f"    {argument},\n" for argument in arguments)
    return f"{target} = {name}(\n{listed})"
