"""Damaged texts: an LSTM, or an error that says what is wrong; and never another exception, nor a long time."""

import contextlib
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest

from lstmcalc.errors import LstmcalcError
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from tools.examples import spread

PARTS = (
    *("lstm.weight_ih_l0", "torch.Size([80, 10])", "(80, 20)", "rnn/kernel:0", "{'a': ", "}", "│", "├─LSTM: 1-1   [4, 7]   12"),
    *("Layer (type)  Output Shape  Param #", " lstm (LSTM)  (None, 4)  12", "size mismatch for ", "Missing key(s) in state_dict: "),
    *("% y = LSTM[hidden_size = 20](%x, %W)", 'op_type: "LSTM"', 'DATASET "kernel" {', "DATASPACE  SIMPLE { ( 1 ) / ( 1 ) }"),
    *("  (rnn): LSTM(input_dims=3, ", "hidden_size=4, bias=True)", "[1, 2", "99999999999999999999", "-1", "\x1b[1m", "\x00", "\ud800"),
    *("import torch", "x = LSTM(3)", "…", "'", '"', "=", ":", "path  module  params", "kernel: float32[1,2]", "| a | LSTM | 1.0 K |"),
    *("| Name | Type | Params", "bias_ih_l0 80", "?", "(None, ", "Bidirectional", "ParametrizedLSTM(", "\t", "  ", "3 x 4", "f32[3,4]"),
)  # fmt: skip


def damaged(seed: int) -> str:
    chance = random.Random(seed)  # noqa: S311  # of tests
    count = chance.randint(1, 40)
    return "".join(chance.choice(PARTS) + chance.choice(("\n", "\n", " ", "")) for _ in range(count))


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_damaged_texts_raise_nothing_but_errors(first: int) -> None:
    for seed in range(first, first + 50):
        with contextlib.suppress(LstmcalcError):
            assert all(found.name for found in read_text(SourceText(damaged(seed), "text.txt"), {}))


def calls_of(function: Callable[[], object]) -> int:
    """The number of calls that a function makes, of functions in Python and in C."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def read_lines(part: str, count: int) -> None:
    with contextlib.suppress(LstmcalcError):
        read_text(SourceText(f"{part}\n" * count, "text.txt"), {})


@pytest.mark.parametrize("part", PARTS)
def test_long_texts_are_read_in_linear_time(part: str) -> None:
    """Four times as many lines take some four times as many calls, and not sixteen times."""
    read_lines(part, 1)  # what is imported for it is imported
    few, many = (calls_of(partial(read_lines, part, count)) for count in (150, 600))
    assert many < 5 * few


@pytest.mark.thorough
@pytest.mark.parametrize("part", spread(PARTS, len(PARTS)))
def test_no_call_takes_more_than_linear_time(part: str) -> None:
    taken = []
    for count in (1500, 6000):
        start = time.process_time()
        read_lines(part, count)
        taken.append(time.process_time() - start)
    assert taken[1] < 9 * max(taken[0], 0.05)
