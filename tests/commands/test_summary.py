"""summary: what is in a source, which is the answer of `lstmcalc SOURCE`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.commands._words import split_command
from lstmcalc.commands.registry import COMMANDS
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]

PRINTED = "Net(\n  (embed): Embedding(50, 3)\n  (first): LSTM(3, 4)\n  (fc): Linear(in_features=4, out_features=2, bias=True)\n)\n"
CODE = """\
import torch.nn as nn

VOCAB = 5000
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 128)
        self.lstm = nn.LSTM(128, 256, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * 256, 17)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path, extra: dict[str, tuple[int, ...]] | None = None) -> int:
    """Write an LSTM with other tensors; return how many numbers there are."""
    weights = random_weights(LSTMConfig(3, 4), 0)
    arrays = {f"lstm.{name}": array.astype("float32") for name, array in weights.items()}
    arrays |= {name: np.ones(shape, "float32") for name, shape in (extra or {}).items()}
    write_safetensors(path, arrays)
    return sum(array.size for array in arrays.values())


def read(cli: Cli, *arguments: str) -> Any:
    ran = cli(*arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        (["shapes", "--hidden", "3"], "shapes", ["--hidden", "3"]),
        (["--hidden", "3", "shapes"], "shapes", ["--hidden", "3"]),
        (["--hidden=3", "--bi", "params", "a.py"], "params", ["--hidden=3", "--bi", "a.py"]),
        (["--bi", "true", "cost"], "cost", ["--bi", "true"]),
        (["--module", "run", "a.py"], "summary", ["--module", "run", "a.py"]),
        (["./cost"], "summary", ["./cost"]),
        (["a.pt", "shapes"], "summary", ["a.pt", "shapes"]),
        (["--hidden_size", "3", "run"], "run", ["--hidden-size", "3"]),
        (["--", "ls", "a.pt"], "ls", ["a.pt"]),
        (["--version", "shapes"], "", ["--version", "shapes"]),
        ([], "", []),
    ],
)
def test_the_command_is_found_among_the_words(words: list[str], name: str, rest: list[str]) -> None:
    assert split_command(words, COMMANDS) == (name, rest)


def test_every_shared_flag_may_stand_before_any_command(cli: Cli) -> None:
    for command in ("shapes", "params", "cost", "explain", "frameworks", "summary"):
        flags = ["--hidden", "5", "--seq", "7", "--batch", "2", "--no-batch-first", "--dtype", "float16"]
        assert cli(*flags, command, "--json") == cli(command, *flags, "--json")


def test_a_weight_file(cli: Cli, here: Path) -> None:
    count = put(here / "a.safetensors", {"fc.weight": (2, 4), "fc.bias": (2,), "bn.running_mean": (9,)})
    tree = read(cli, "a.safetensors")
    assert tree["total"] == {"parameters": count - 9, "bytes": 4 * (count - 9), "exact": True}
    assert [(row["name"], row["parameters"], row["lstm"]) for row in tree["layers"]] == [
        ("lstm", 144, True),
        ("fc", 10, False),
    ]
    assert sum(row["share"] for row in tree["layers"]) == pytest.approx(1)
    assert tree["per_step"] == {"macs": 4 * 4 * 3 + 4 * 4 * 4, "state_bytes": 4 * (4 + 4)}
    assert tree["not_stored"] == ["batch_first", "dropout"]
    assert tree["graph"] is None
    assert cli("a.safetensors").out == cli("summary", "a.safetensors").out


def test_a_tensor_that_may_be_a_buffer_is_told(cli: Cli, here: Path) -> None:
    count = put(here / "a.safetensors", {"pos.pe": (1, 9)})
    tree = read(cli, "a.safetensors")
    assert tree["total"]["parameters"] == count
    assert tree["total"]["exact"] is False
    assert "counted     pos.pe may be a buffer" in cli("a.safetensors").out


def test_an_optimizer_is_not_the_model(cli: Cli, here: Path) -> None:
    count = put(here / "a.safetensors", {"optimizer.state.0.exp_avg": (100,)})
    assert read(cli, "a.safetensors")["total"]["parameters"] == count - 100


def test_the_total_is_that_of_the_file_whichever_lstm_is_picked(cli: Cli, here: Path) -> None:
    arrays = {
        f"{name}.{tensor}": array.astype("float32")
        for name, size in (("a", 4), ("b", 5))
        for tensor, array in random_weights(LSTMConfig(3, size), 0).items()
    }
    write_safetensors(here / "a.safetensors", arrays)
    tree = read(cli, "a.safetensors", "--module", "a")
    assert [module["name"] for module in tree["modules"]] == ["a"]
    assert tree["total"]["parameters"] == 144 + 200
    assert tree["modules"][0]["share"] == 144 / 344


@pytest.mark.parametrize(
    ("code", "heading", "exact"),
    [
        ("a = nn.LSTM(3, 4)\nb = nn.LSTM(3, 4)\n", "288 parameters", True),
        ("a = nn.LSTM(3, 4)\nb = nn.LSTM(3, width)\n", "at least 144 parameters", False),
        ("if flag:\n    a = nn.LSTM(3, 4)\nb = nn.LSTM(3, width)\n", "144 parameters without b", False),
    ],
)
def test_a_total_names_the_open_lstm_that_is_not_in_it(
    code: str, heading: str, exact: bool, cli: Cli, here: Path
) -> None:
    (here / "a.py").write_text(f"import torch.nn as nn\n{code}", encoding="utf-8")
    assert f", {heading}, " in cli("a.py").out.splitlines()[0]
    assert read(cli, "a.py")["total"]["exact"] is exact


def test_code_and_what_is_not_known_of_it(cli: Cli, here: Path) -> None:
    (here / "a.py").write_text(CODE, encoding="utf-8")
    tree = read(cli, "a.py")
    assert tree["total"]["parameters"] == 2367488 + 5000 * 128 + 512 * 17 + 17
    assert tree["total"]["exact"] is True
    (here / "b.py").write_text(CODE.replace("2 * 256, 17", "2 * 256, labels"), encoding="utf-8")
    assert "at least 3,007,488 parameters" in cli("b.py").out
    assert "not counted  fc (not known)" in cli("b.py").out
    shadowed = CODE.replace("def __init__(self)", "def __init__(self, VOCAB)")
    (here / "c.py").write_text(shadowed, encoding="utf-8")
    assert "not counted  embedding (not known)" in cli("c.py").out


def whole(cli: Cli, here: Path, body: str, before: str = "") -> tuple[int, bool]:
    """The parameters of a module with an LSTM(3, 4) and a body, without those 144, and whether they are all."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    head = "import torch, torch.nn as nn\nimport other\n"
    (here / "a.py").write_text(
        f"{head}{before}\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.rnn = nn.LSTM(3, 4)\n{lines}\nnet = Net()\n",
        encoding="utf-8",
    )
    total = read(cli, "a.py")["total"]
    return total["parameters"] - 144, total["exact"]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("self.conv = nn.Conv2d(1, 8, 3)", 80),
        ("self.all = nn.ModuleList([nn.Linear(2, 3) for _ in range(4)])", 36),
        ("one = nn.Linear(2, 3)\nself.all = nn.Sequential(one, nn.ReLU(), one)", 9),
        ("self.emb = nn.Embedding(5, 4)\nself.out = nn.Linear(4, 5)\nself.out.weight = self.emb.weight", 25),
        ("self.a = nn.Parameter(torch.zeros(2, 3))\nself.register_buffer('b', torch.zeros(9))", 6),
        ("self.a = torch.zeros(2, 3)\nself.list = [nn.Linear(2, 3)]", 0),
        ("layer = nn.TransformerEncoderLayer(4, 2, 8)\nself.enc = nn.TransformerEncoder(layer, 3)", 3 * 172),
        ("self.all = nn.ParameterList([nn.Parameter(torch.ones(2)) for _ in range(3)])", 6),
        ("self.loss = nn.CrossEntropyLoss()\nself.name = 'a'\nself.sizes = [1, 2]", 0),
        ("self.fc = nn.Linear(2, 3)\nself.fc = nn.Linear(3, 3)", 12),
    ],
)
def test_the_total_of_code_counts_every_parameter_once(cli: Cli, here: Path, body: str, count: int) -> None:
    assert whole(cli, here, body) == (count, True)


@pytest.mark.parametrize(
    "body",
    [
        "self.other = other.Net()",
        "self.fc = nn.Linear(2, other.size)",
        "for _ in other.layers:\n    self.add_module('fc', nn.Linear(2, 3))",
        "nn.utils.weight_norm(self.rnn)",
        "other.change(self)",
        "self.__dict__['hidden'] = nn.Linear(2, 3)",
        "self.lazy = nn.LazyLinear(3)",
        "self.a = nn.Parameter(other.zeros())",
        "if other.flag:\n    self.fc = nn.Linear(2, 3)",
    ],
)
def test_what_may_have_more_parameters_is_not_said_to_be_all(cli: Cli, here: Path, body: str) -> None:
    assert whole(cli, here, body)[1] is False


@pytest.mark.parametrize(
    ("layers", "count"),
    [
        ("Dense(6), LSTM(5, return_sequences=True), BatchNormalization(), Dense(2, use_bias=False)", 54 + 20 + 10),
        ("LSTM(5, return_sequences=True), Bidirectional(GRU(3)), Dense(2)", 2 * (3 * 3 * (5 + 3) + 18) + 14),
        ("LSTM(5), Mine(3)", None),
        ("LSTM(5), Dense(size)", None),
    ],
)
def test_the_layers_of_keras_code_are_counted(cli: Cli, here: Path, layers: str, count: int | None) -> None:
    head = "from keras import Sequential, Input\nfrom keras.layers import *\nfrom mine import Mine, size\n"
    (here / "a.py").write_text(f"{head}model = Sequential([Input((7, 8)), {layers}])\n", encoding="utf-8")
    tree = read(cli, "a.py")
    assert tree["total"]["exact"] is (count is not None)
    if count is not None:
        lstm = tree["modules"][0]["parameters"]
        assert tree["total"]["parameters"] == lstm + count


def test_a_module_that_is_there_under_too_many_paths_is_not_said_to_be_whole(cli: Cli, here: Path) -> None:
    twice = "one = nn.Linear(2, 2)\nfor _ in range(20):\n    one = nn.Sequential(one, one)\nself.all = one"
    assert whole(cli, here, twice) == (6, False)
    assert whole(cli, here, twice.replace("range(20)", "range(10)")) == (6, True)


def test_a_class_that_is_not_known_may_have_more(cli: Cli, here: Path) -> None:
    code = "class Net(other.Base):\n    def __init__(self):\n        self.rnn = nn.LSTM(3, 4)\n\nnet = Net()\n"
    (here / "a.py").write_text(f"import torch.nn as nn\nimport other\n{code}", encoding="utf-8")
    assert read(cli, "a.py")["total"]["exact"] is False


def test_a_printed_model(cli: Cli, here: Path) -> None:
    (here / "a.txt").write_text(PRINTED, encoding="utf-8")
    tree = read(cli, "a.txt")
    assert tree["total"] == {"parameters": 150 + 144 + 10, "bytes": 4 * 304, "exact": False}
    assert tree["doubts"] == ["parameters of Net itself, which print does not show"]


def test_several_sources_one_after_the_other(cli: Cli, here: Path) -> None:
    put(here / "a.safetensors")
    (here / "b.py").write_text("nn.LSTM(5, 6)\n", encoding="utf-8")
    (here / "c.py").write_text("x = 1\n", encoding="utf-8")
    tree = read(cli, "a.safetensors", "b.py")
    assert [row["name"] for row in tree["sources"]] == ["a.safetensors", "b.py"]
    assert [module["file"] for module in tree["modules"]] == ["a.safetensors", "b.py"]
    assert "total" not in tree
    ran = cli("a.safetensors", "c.py")
    assert ran.code == 0
    assert ran.err.splitlines()[-1].startswith("note: c.py: no LSTM")
    assert cli("a.safetensors", "c.py", "--strict").code == 2
    assert cli("a.safetensors", "missing.pt").code == 2


def test_a_folder_is_the_model_in_it(cli: Cli, here: Path) -> None:
    folder = here / "model"
    folder.mkdir()
    put(folder / "a.safetensors")
    (folder / "config.json").write_text('{"model_type": "lstm"}', encoding="utf-8")
    assert read(cli, "model")["total"] == read(cli, "model/a.safetensors")["total"]
    assert cli("params", "model", "--json") == cli("params", "model/a.safetensors", "--json")
    put(folder / "b.safetensors")
    assert [row["name"] for row in read(cli, "model")["sources"]] == ["a.safetensors", "b.safetensors"]
    listed = cli("model").out.splitlines()
    assert [line.split()[0] for line in listed[4:]] == ["a.safetensors", "b.safetensors"]
    assert len(cli("model", "--full").out.splitlines()) > 20
    ran = cli("params", "model")
    assert ran == Ran(
        2,
        "",
        "error: model has several models\n  expected one of them, found a.safetensors, b.safetensors\n"
        "  hint: lstmcalc model lists them\n",
    )


@pytest.mark.parametrize(
    ("flags", "lines"), [(("--hidden", "20"), 12), (("--hidden", "20", "--layers", "2", "--bi"), 14)]
)
def test_one_screen(cli: Cli, flags: tuple[str, ...], lines: int) -> None:
    assert len(cli(*flags).out.splitlines()) <= lines


def test_nothing_is_the_help_unless_there_is_a_configuration(cli: Cli, here: Path) -> None:
    assert cli() == cli("-h")
    (here / "lstmcalc.toml").write_text("[lstm]\ninput_size = 3\nhidden_size = 4\n", encoding="utf-8")
    assert cli() == cli("summary")
    assert "144" in cli().out


def test_csv_has_the_layers(cli: Cli, here: Path) -> None:
    put(here / "a.safetensors", {"fc.weight": (2, 4)})
    lines = cli("a.safetensors", "--format", "csv").out.splitlines()
    assert lines[:3] == [
        "name,type,parameters,share,lstm",
        f"lstm,LSTM,144,{144 / 152},true",
        f"fc,,8,{8 / 152},false",
    ]
    assert lines[3:5] == ["", "module,name,role,symbolic,shape,bytes"]


def test_two_sides_of_an_error_have_no_total_in_common(cli: Cli, here: Path) -> None:
    line = "size mismatch for {}: copying a param with shape torch.Size([{}]) from checkpoint, "
    line += "the shape in current model is torch.Size([{}])."
    rows = [("lstm.weight_ih_l0", "16, 3", "8, 3"), ("lstm.weight_hh_l0", "16, 4", "8, 2")]
    rows += [(f"lstm.bias_{name}_l0", "16", "8") for name in ("ih", "hh")]
    head = "RuntimeError: Error(s) in loading state_dict for Tagger:\n"
    (here / "error.txt").write_text(head + "\n".join(line.format(*row) for row in rows), encoding="utf-8")
    out = cli("error.txt").out
    assert out.splitlines()[0] == "error.txt: PyTorch's error, of a checkpoint and a model"
    assert re.search(r"^checkpoint.lstm +nn.LSTM\(3, 4\) +144$", out, re.MULTILINE)
    assert re.search(r"^model.lstm +nn.LSTM\(3, 2\) +56$", out, re.MULTILINE)
    assert not re.search(r"share|per step|200", out)
    assert "lstmcalc diff error.txt" in out
    assert read(cli, "error.txt")["total"]["exact"] is False
