"""The script that computes a run in PyTorch; the tests of the extra `peers` execute it."""

import ast
from typing import Any

import pytest
from hypothesis import given

from lstmcalc import DataSpec, LSTMConfig
from lstmcalc.model.torch_code import WIDTH, call, torch_script
from lstmcalc.spec.config import Surroundings
from tools.strategies import configs, data


def script(config: LSTMConfig, spec: DataSpec | None = None, around: Surroundings | None = None, seed: int = 0) -> str:
    return torch_script(config, spec or DataSpec(), around or Surroundings(), seed)


def test_the_script_of_everything() -> None:
    config = LSTMConfig(3, 5, 2, bidirectional=True, batch_first=True, proj_size=2, dropout=0.5)
    spec = DataSpec.given(lengths=[4, 2], dtype="float64")
    assert script(config, spec, Surroundings(6, "all", 7), -1) == (
        "import torch\n"
        "from torch import nn\n"
        "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence\n"
        "\n"
        "torch.manual_seed(-1)\n"
        "embedding = nn.Embedding(7, 3, dtype=torch.float64)\n"
        "lstm = nn.LSTM(\n"
        "    3,\n"
        "    5,\n"
        "    proj_size=2,\n"
        "    num_layers=2,\n"
        "    batch_first=True,\n"
        "    dropout=0.5,\n"
        "    bidirectional=True,\n"
        "    dtype=torch.float64,\n"
        ")\n"
        "lstm.eval()  # without dropout\n"
        "head = nn.Linear(4, 6, dtype=torch.float64)\n"
        "tokens = torch.randint(7, (2, 4))\n"
        "input = embedding(tokens)\n"
        "h_0 = torch.randn(4, 2, 2, dtype=torch.float64)\n"
        "c_0 = torch.randn(4, 2, 5, dtype=torch.float64)\n"
        "packed = pack_padded_sequence(input, [4, 2], batch_first=True)\n"
        "packed_output, (h_n, c_n) = lstm(packed, (h_0, c_0))\n"
        "output, _ = pad_packed_sequence(packed_output, batch_first=True, total_length=4)\n"
        "logits = head(output)\n"
    )


def test_dropout_is_named_only_where_it_acts() -> None:
    assert "eval" not in script(LSTMConfig(3, 4, dropout=0.5))
    assert "eval" not in script(LSTMConfig(3, 4, 2))
    assert "lstm.eval()" in script(LSTMConfig(3, 4, 2, dropout=0.5))


@pytest.mark.parametrize("count", [8, 9, 12, 100])
def test_many_lengths_are_a_list_of_their_own(count: int) -> None:
    lengths = [n % 7 + 1 for n in range(count)]
    names: dict[str, Any] = {}
    for statement in ast.parse(script(LSTMConfig(3, 4), DataSpec.given(lengths=lengths))).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names[statement.targets[0].id] = statement.value
    assert ("lengths" in names) is (count > 8)
    listed = names["lengths"] if count > 8 else names["packed"].args[1]
    assert ast.literal_eval(listed) == lengths


@given(config=configs(), spec=data())
def test_it_is_python_and_narrow(config: LSTMConfig, spec: DataSpec) -> None:
    text = script(config, spec)
    ast.parse(text)
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_call_is_broken_where_it_does_not_fit() -> None:
    assert call("x", "f", ["1", "b=2"]) == "x = f(1, b=2)"
    assert call("x", "f", ["a" * 40, "b" * 34]) == f"x = f(\n    {'a' * 40}, {'b' * 34}\n)"
    assert call("x", "f", ["a" * 40, "b" * 40]) == f"x = f(\n    {'a' * 40},\n    {'b' * 40},\n)"
