"""The PyTorch that computes what a run computes, as Python to paste.

Not here: the numbers that it draws (`torch_random`).
"""

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Final

from lstmcalc.around import embedded, logits
from lstmcalc.config import DataSpec, LSTMConfig, Surroundings
from lstmcalc.model import LSTMModel

WIDTH: Final = 80  # of a line of code
_SHOWN: Final = 8  # lengths in a line of code


def torch_script(config: LSTMConfig, data: DataSpec, around: Surroundings, seed: int) -> str:
    """Code that draws weights and data from a seed, in this order, and computes what comes out."""
    return "".join(f"{line}\n" for line in _script(config, data, around, seed))


def _script(config: LSTMConfig, data: DataSpec, around: Surroundings, seed: int) -> Iterator[str]:
    dtype = [] if data.dtype == "float32" else [f"dtype=torch.{data.dtype}"]
    yield "import torch"
    yield "from torch import nn"
    if data.lengths:
        yield "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence"
    yield f"\ntorch.manual_seed({seed})"
    if around.embed is not None:
        yield call("embedding", "nn.Embedding", [str(around.embed), str(config.input_size), *dtype])
    arguments = str(config).removeprefix("LSTM(").removesuffix(")").split(", ")
    yield call("lstm", "nn.LSTM", [*arguments, *dtype])
    if config.dropout and config.num_layers > 1:
        yield "lstm.eval()  # without dropout"
    if around.head is not None:
        yield call("head", "nn.Linear", [str(config.num_directions * config.output_size), str(around.head), *dtype])
    shapes = {tensor.name: tensor.shape for tensor in LSTMModel(config).tensors_of(data)}
    if around.embed is None:
        yield call("input", "torch.randn", [*map(str, shapes["input"]), *dtype])
    else:
        yield call("tokens", "torch.randint", [str(around.embed), str(shapes["input"][:-1])])
        yield f"input = {embedded()}"
    for name in ("h_0", "c_0"):
        yield call(name, "torch.randn", [*map(str, shapes[name]), *dtype])
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


def packed_calls(config: LSTMConfig, data: DataSpec, state: str = "") -> Iterator[str]:
    """Code that packs the input of an `nn.LSTM` called `lstm`, calls it, and unpacks its output.

    Args:
        config: The LSTM.
        data: Its data. Many lengths are a list called `lengths`.
        state: What the LSTM is called with besides, as `, (h_0, c_0)`.
    """
    lengths = list(data.lengths or ())
    layout = ["batch_first=True"] if config.batch_first else []
    order = [] if lengths == sorted(lengths, reverse=True) else ["enforce_sorted=False"]
    shown = str(lengths) if len(lengths) <= _SHOWN else "lengths"
    yield call("packed", "pack_padded_sequence", ["input", shown, *layout, *order])
    yield f"packed_output, (h_n, c_n) = lstm(packed{state})"
    yield call("output, _", "pad_packed_sequence", ["packed_output", *layout, f"total_length={data.seq_len}"])


def call(target: str, name: str, arguments: Sequence[str]) -> str:
    """An assignment of what a call returns: on one line, or with its arguments on the next or on a line each."""
    for text in (
        f"{target} = {name}({', '.join(arguments)})",
        f"{target} = {name}(\n    {', '.join(arguments)}\n)",
    ):
        if max(map(len, text.splitlines())) <= WIDTH:
            return text
    listed = "".join(f"    {argument},\n" for argument in arguments)
    return f"{target} = {name}(\n{listed})"
