"""Siblings that are equal are shown as one, by every command; JSON, CSV and --full have each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lstmcalc import LSTMConfig
from lstmcalc.report.siblings import siblings
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]

SMALL, LARGE = LSTMConfig(3, 4), LSTMConfig(3, 5)


def written(folder: Path, **modules: LSTMConfig) -> str:
    """A weight file with an LSTM for each name, in which an underscore is a dot."""
    arrays = {}
    for seed, (name, config) in enumerate(modules.items()):
        for tensor, array in random_weights(config, seed).items():
            arrays[f"{name.replace('_', '.')}.{tensor}"] = array.astype("float32")
    return write_safetensors(folder / "a.safetensors", arrays)


@pytest.fixture
def blocks(tmp_path: Path) -> str:
    """Three equal LSTMs, a larger one between equal names, and one that is called otherwise."""
    return written(tmp_path, b_0_rnn=SMALL, b_1_rnn=SMALL, b_2_rnn=SMALL, b_3_rnn=LARGE, b_4_rnn=SMALL, last=SMALL)


FOLDED = ["b.0.rnn ... b.2.rnn, 3 alike", "b.3.rnn", "b.4.rnn", "last"]
EACH = ["b.0.rnn", "b.1.rnn", "b.2.rnn", "b.3.rnn", "b.4.rnn", "last"]


def heads(text: str) -> list[str]:
    return [line.partition(":")[0] for line in text.splitlines() if ": LSTM(" in line]


@pytest.mark.parametrize("command", ["shapes", "params", "cost", "explain"])
def test_equal_siblings_are_one(command: str, cli: Cli, blocks: str) -> None:
    assert heads(cli(command, blocks).out) == FOLDED
    assert heads(cli(command, blocks, "--full").out) == EACH
    assert [module["name"] for module in json.loads(cli(command, blocks, "--json").out)["modules"]] == EACH


def test_a_run_of_each_is_shown_as_its_numbers_differ(cli: Cli, blocks: str) -> None:
    assert heads(cli("run", blocks).out) == EACH


def test_the_summary_counts_them_together(cli: Cli, blocks: str) -> None:
    rows = [line.split("   ") for line in cli(blocks).out.splitlines() if "nn.LSTM(" in line]
    assert [[cell.strip() for cell in row if cell] for row in rows] == [
        ["b.0.rnn ... b.2.rnn", "3 x nn.LSTM(3, 4)", "432", "47 %"],
        ["b.3.rnn", "nn.LSTM(3, 5)", "200", "22 %"],
        ["b.4.rnn", "nn.LSTM(3, 4)", "144", "16 %"],
        ["last", "nn.LSTM(3, 4)", "144", "16 %"],
    ]
    full = [line.split()[0] for line in cli(blocks, "--full").out.splitlines() if "nn.LSTM(" in line]
    assert full == EACH
    assert [layer["name"] for layer in json.loads(cli(blocks, "--json").out)["layers"]] == EACH


def test_the_shapes_of_equal_siblings_are_said_once_without_a_name(cli: Cli, tmp_path: Path) -> None:
    shown = cli(written(tmp_path, b_0=SMALL, b_1=SMALL)).out
    assert "\noutput      (L, N, 4): h of the last layer at every step\n" in shown
    assert "\nb.0 output  (L, N, 4)" in cli(written(tmp_path, b_0=SMALL, b_1=LARGE)).out


class Thing(NamedTuple):
    name: str
    text: str


@pytest.mark.parametrize(
    ("things", "groups"),
    [
        ([("b.3", "of b.3, 8"), ("b.4", "of b.4, 8")], [2]),
        ([("b.3", "of b.3, 8"), ("b.4", "of b.4, 9")], [1, 1]),
        ([("b.3", ""), ("c.4", "")], [1, 1]),
        ([("b.3", ""), ("c", ""), ("b.4", "")], [1, 1, 1]),
        ([("3", "LSTM(3, 8)"), ("4", "LSTM(4, 8)")], [1, 1]),  # a size is not taken for the number in a name
        ([("3", "LSTM(8, 8)"), ("4", "LSTM(8, 8)")], [2]),
    ],
)
def test_siblings_are_alike_but_for_their_names(things: list[tuple[str, str]], groups: list[int]) -> None:
    found = siblings([Thing(*thing) for thing in things], lambda thing: thing.text)
    assert [len(group) for group in found] == groups


def test_shares_of_a_total_that_is_not_known_whole_are_bounds(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("import torch.nn as nn\na = nn.LSTM(3, 4)\nb = nn.Linear(4, unknown)\n", encoding="utf-8")
    lines = [line.split() for line in cli(str(path)).out.splitlines()]
    assert next(line for line in lines if line[:1] == ["a"])[-4:] == ["up", "to", "100", "%"]
    assert next(line for line in lines if line[:1] == ["other"])[-2:] == ["unknown", "-"]


@pytest.mark.parametrize("command", ["summary", "shapes", "params", "cost", "run", "explain"])
@pytest.mark.parametrize("config", [LSTMConfig(8, 16), LSTMConfig(8, 16, num_layers=2, bidirectional=True)])
def test_the_answer_on_a_file_is_one_screen(command: str, config: LSTMConfig, cli: Cli, tmp_path: Path) -> None:
    """24 lines of 80 columns; settings that the heading has are not repeated."""
    ran = cli(command, written(tmp_path, encoder_lstm=config))
    assert ran.code == 0
    assert len(ran.out.splitlines()) <= 24
    if command != "summary":
        assert "follows from a.safetensors   the call above, dtype float32" in ran.out
        assert "hidden_size 16, num_layers" in cli(command, written(tmp_path, a=config), "--full").out


def test_settings_of_several_places_are_said_one_by_one(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch.nn as nn\nm = nn.LSTM(8, width, 2)\n", encoding="utf-8")
    out = cli("shapes", str(tmp_path / "a.py"), "--hidden", "5").out
    assert "\nfrom flags   hidden_size 5\nfrom a.py:2  input_size 8, num_layers 2\n" in out


def test_the_sum_is_that_of_every_lstm(cli: Cli, blocks: str) -> None:
    modules = json.loads(cli("cost", blocks, "--json").out)["modules"]
    macs = sum(module["compute"]["forward"]["macs"] for module in modules)
    assert f"\nsum  {macs:,} MACs forward in 6 LSTMs, " in cli("cost", blocks).out
    numbers = sum(module["grand_total"] for module in json.loads(cli("params", blocks, "--json").out)["modules"])
    assert f"\nsum  {numbers:,} parameters in 6 LSTMs, " in cli("params", blocks).out
