"""Printed modules of other frameworks in PyTorch's words, line by line, so that they are read as PyTorch's.

    (rnn): LSTM(input_dims=10, hidden_size=20, bias=True)      MLX 0.31
    (rnn): LSTM(10 -> 20, TNC, num_layers=2, bidirectional)    Gluon, of MXNet 1.9
    (rnn): LSTM(10, 20, num_layers=2                           Paddle 3.0, with its cells below
      (0): RNN(

Sources, from general knowledge of these versions: mlx, python/mlx/nn/layers/recurrent.py (`LSTM._extra_repr`);
incubator-mxnet, python/mxnet/gluon/rnn/rnn_layer.py (`_RNNLayer.__repr__`); Paddle, python/paddle/nn/layer/rnn.py
(`RNNBase.extra_repr`) and layers.py (`Layer.__repr__`).
"""

import re
from collections.abc import Mapping
from typing import Final

from lstmcalc.readers.text.source_text import SourceText

_MARKS: Final = ("input_dims=", " -> ", "RNN(")
_MLX: Final = re.compile(r"\bLSTM\(input_dims=(\d{1,200}+), hidden_size=(\d{1,200}+), bias=(True|False)\)")
_GLUON: Final = re.compile(
    r"\bLSTM\((\d{1,200}+) -> (\d{1,200}+), ([NTC]{3})((?:, [a-z_]{1,200}(?:=[\d.]{1,200}+)?+){0,4}+)\)"
)
_PADDLE: Final = re.compile(r"\bLSTM\((\d{1,200}+, \d{1,200}+)((?:, [a-z_]{1,200}=[\w.]{1,200}+){0,4}+)\s*+$")
_CELLS: Final = re.compile(r"\(0\): (Bi)?RNN\(")


def in_pytorchs_words(source: SourceText) -> tuple[SourceText, Mapping[int, str]]:
    """The text with the LSTMs of other frameworks as PyTorch prints them, and the framework of each by its line."""
    if not any(mark in source.text for mark in _MARKS):
        return source, {}
    lines, found = list(source.lines), dict[int, str]()
    for index, line in enumerate(lines):
        if "LSTM(" not in line:
            continue
        mlx, gluon, paddle = _MLX.search(line), _GLUON.search(line), _PADDLE.search(line)
        if mlx:
            bias = "" if mlx[3] == "True" else ", bias=False"
            lines[index] = f"{line[: mlx.start()]}LSTM({mlx[1]}, {mlx[2]}{bias}){line[mlx.end() :]}"
            found[index + 1] = "mlx"
        elif gluon:
            settings = gluon[4].replace("bidirectional", "bidirectional=True")
            lines[index] = f"{line[: gluon.start()]}LSTM({gluon[1]}, {gluon[2]}{settings}){line[gluon.end() :]}"
            found[index + 1] = "mxnet"
        elif paddle and index + 1 < len(lines) and (cells := _CELLS.search(lines[index + 1])):
            settings = re.sub(r", time_major=\w+", "", paddle[2]) + ", bidirectional=True" * bool(cells[1])
            lines[index] = f"{line[: paddle.start()]}LSTM({paddle[1]}{settings})"
            found[index + 1] = "paddle"
            _drop_cells(lines, index)
    return (source.of(lines), found) if found else (source, {})


def _drop_cells(lines: list[str], index: int) -> None:
    """Empty the lines of the modules that are in the one at a line, up to the bracket that closes it."""
    margin = len(lines[index]) - len(lines[index].lstrip())
    for number in range(index + 1, len(lines)):
        line = lines[number]
        lines[number] = ""
        if line.strip() == ")" and len(line) - len(line.lstrip()) <= margin:
            return
