"""`--config`: values for names in code, and lstmcalc's own settings, told apart by what is in the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.shell import Ran

Cli = Callable[..., Ran]

TRAIN = """\
import argparse, yaml
import torch.nn as nn
parser = argparse.ArgumentParser()
parser.add_argument("--hidden-size", type=int, default=128)
parser.add_argument("--layers", type=int, required=True)
args = parser.parse_args()
with open("x") as stream:
    config = yaml.safe_load(stream)

class Net(nn.Module):
    def __init__(self, width, cfg):
        super().__init__()
        self.a = nn.LSTM(width, args.hidden_size, args.layers)
        self.b = nn.LSTM(2 * cfg.model.hidden, config["model"]["hidden"], bidirectional=config.get("bi", False))

net = Net(config["model"]["width"], config)
"""
VALUES = {"hidden-size": 64, "layers": 3, "model": {"hidden": 20, "width": 10}, "other": {"bi": True}}
YAML = "hidden-size: 64\nlayers: 3\nmodel:\n  hidden: 20\n  width: 10\nother:\n  bi: true\n"
PYTHON = (
    "hidden_size = 60 + 4\nlayers = 3\nmodel = dict(\n    hidden=20,\n    width=10,\n)\nclass other:\n    bi = True\n"
)
TOML = "hidden-size = 64\nlayers = 3\n[model]\nhidden = 20\nwidth = 10\n[other]\nbi = true\n"
INI = "[top]\nhidden-size = 64\nlayers = 3\n[model]\nhidden = 20\nwidth = 10\n[other]\nbi = yes\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    return tmp_path


def modules(ran: Ran) -> dict[str, dict[str, Any]]:
    assert ran.code == 0, ran.err
    return {module["name"]: module for module in json.loads(ran.out)["modules"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [("c.yaml", YAML), ("c.json", json.dumps(VALUES, indent=1)), ("c.py", PYTHON), ("c.toml", TOML), ("c.txt", YAML),
     ("c.jsonc", f"// c\n{json.dumps(VALUES)[:-1]},}}")],
)  # fmt: skip
def test_names_get_the_values_of_a_file(name: str, text: str, here: Path, cli: Cli) -> None:
    (here / name).write_text(text, encoding="utf-8")
    read = modules(cli("shapes", "train.py", "--config", name, "--json"))
    a, b = read["a"], read["b"]
    assert [a["config"][field] for field in ("input_size", "hidden_size", "num_layers")] == [10, 64, 3]
    assert [b["config"][field] for field in ("input_size", "hidden_size", "bidirectional")] == [40, 20, True]
    lines = text.splitlines()
    for module, field, key in ((a, "num_layers", "layers"), (a, "input_size", "width"), (b, "hidden_size", "hidden")):
        origin = module["provenance"][field]
        assert (origin["from"], origin["certainty"]) == ("settings", "stated")
        assert key in lines[int(origin["where"].rpartition(":")[2]) - 1]
    assert (b["provenance"]["input_size"]["from"], b["provenance"]["input_size"]["certainty"]) == (
        "settings",
        "inferred",
    )


def test_ini_gives_values_by_the_last_name(here: Path, cli: Cli) -> None:
    (here / "c.ini").write_text(INI, encoding="utf-8")
    read = modules(cli("params", "train.py", "--config", "c.ini", "--json"))
    assert read["a"]["config"]["num_layers"] == 3
    assert read["a"]["config"]["hidden_size"] == 128  # the code's own default: only a whole path comes before it


def test_a_name_at_several_places_is_asked_for(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("a:\n  hidden: 3\nb:\n  hidden: 4\n", encoding="utf-8")
    ran = cli("params", "nn.LSTM(10, args.hidden)", "--config", "c.yaml")
    assert ran.code == 2
    assert "hidden stands at a.hidden and b.hidden in c.yaml" in ran.err
    assert "--set args.hidden=VALUE" in ran.err
    for name, hidden in (("args.a.hidden", 3), ('cfg["b"]["hidden"]', 4), ("b.hidden", 4), ("self.cfg.a.hidden", 3)):
        read = modules(cli("params", f"nn.LSTM(10, {name})", "--config", "c.yaml", "--json"))
        assert read["lstm"]["config"]["hidden_size"] == hidden


def test_the_whole_path_comes_before_the_last_name(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: 5\nb:\n  hidden: 4\n", encoding="utf-8")
    read = modules(cli("params", "nn.LSTM(10, args.hidden)", "--config", "c.yaml", "--json"))
    assert read["lstm"]["config"]["hidden_size"] == 5


def test_flags_and_set_come_before_the_file(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: 5\nwidth: 6\n", encoding="utf-8")
    source = ("params", "nn.LSTM(args.width, args.hidden)", "--config", "c.yaml", "--json")
    read = modules(cli(*source, "--set", "args.hidden=7", "--input", "8"))["lstm"]
    assert (read["config"]["input_size"], read["config"]["hidden_size"]) == (8, 7)
    assert [read["provenance"][field]["from"] for field in ("input_size", "hidden_size")] == ["flag", "flag"]


def test_a_condition_and_an_argument_as_a_whole(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("kind: lstm\nnet:\n  input_size: 3\n  hidden_size: 4\n", encoding="utf-8")
    code = (
        "import torch.nn as nn\nif cfg.kind == 'lstm':\n    rnn = nn.LSTM(**cfg.net)\nelse:\n    rnn = nn.GRU(3, 4)\n"
    )
    (here / "m.py").write_text(code, encoding="utf-8")
    read = modules(cli("params", "m.py", "--config", "c.yaml", "--json"))["rnn"]
    assert (read["config"]["input_size"], read["config"]["hidden_size"]) == (3, 4)


def test_what_the_code_says_itself_is_not_from_the_file(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("kind: LSTM\nhidden: 10\n", encoding="utf-8")
    code = "import torch.nn as nn\nrnn = getattr(nn, args.kind)(10, args.hidden)\n"
    (here / "m.py").write_text(code, encoding="utf-8")
    origins = modules(cli("params", "m.py", "--config", "c.yaml", "--json"))["rnn"]["provenance"]
    assert [origins[field]["from"] for field in ("input_size", "hidden_size")] == ["source", "settings"]


def test_values_of_wandb(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: {desc: null, value: 5}\nother: {desc: x}\n", encoding="utf-8")
    read = modules(cli("params", "nn.LSTM(10, args.hidden)", "--config", "c.yaml", "--json"))
    assert read["lstm"]["config"]["hidden_size"] == 5
    assert cli("params", "nn.LSTM(10, args.other.desc.x)", "--config", "c.yaml").code == 2


def test_a_value_that_is_computed_is_asked_for(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: ${oc.env:H}\n", encoding="utf-8")
    ran = cli("params", "nn.LSTM(10, args.hidden)", "--config", "c.yaml")
    assert (ran.code, "hidden in c.yaml is computed" in ran.err) == (2, True)


def test_a_file_that_gives_nothing_says_so(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("lr: 0.1\n", encoding="utf-8")
    ran = cli("params", "nn.LSTM(10, 20)", "--config", "c.yaml")
    assert ran.code == 0
    assert "c.yaml has no value for a name that the code leaves open" in ran.err


def test_own_settings_come_before_the_source(here: Path, cli: Cli) -> None:
    (here / "own.toml").write_text("[lstm]\nhidden_size = 7\n[data]\nseq_len = 9\n", encoding="utf-8")
    (here / "own.yaml").write_text("lstm:\n  hidden_size: 7\ndata:\n  seq_len: 9\n", encoding="utf-8")
    for name in ("own.toml", "own.yaml"):
        read = modules(cli("shapes", "nn.LSTM(10, 20)", "--config", name, "--json"))["lstm"]
        assert (read["config"]["hidden_size"], read["provenance"]["hidden_size"]["where"]) == (7, f"{name}:2")
        assert read["provenance"]["seq_len"] == {"from": "settings", "where": f"{name}:4", "certainty": "stated"}
        alone = modules(cli("shapes", "--config", name, "--json"))["lstm"]
        assert (alone["config"]["hidden_size"], alone["config"]["input_size"]) == (7, 10)
        assert modules(cli("shapes", "--config", name, "--hidden", "8", "--json"))["lstm"]["config"]["hidden_size"] == 8


def test_own_settings_of_one_of_several(here: Path, cli: Cli) -> None:
    (here / "own.toml").write_text("[lstm.b]\nhidden_size = 7\n", encoding="utf-8")
    (here / "m.py").write_text("import torch.nn as nn\na = nn.LSTM(3, 4)\nb = nn.LSTM(3, 4)\n", encoding="utf-8")
    read = modules(cli("shapes", "m.py", "--config", "own.toml", "--json"))
    assert (read["a"]["config"]["hidden_size"], read["b"]["config"]["hidden_size"]) == (4, 7)
    (here / "own.toml").write_text("[lstm.c]\nhidden_size = 7\n", encoding="utf-8")
    assert cli("shapes", "m.py", "--config", "own.toml").code == 2


def test_own_settings_may_not_contradict_a_weight_file(here: Path, cli: Cli) -> None:
    import numpy as np

    np.savez(here / "w.npz", weight_ih_l0=np.zeros((16, 3), "f4"), weight_hh_l0=np.zeros((16, 4), "f4"))
    (here / "own.toml").write_text("[lstm]\nhidden_size = 7\n", encoding="utf-8")
    ran = cli("shapes", "w.npz", "--config", "own.toml")
    assert (ran.code, "another hidden_size" in ran.err) == (2, True)
    (here / "own.toml").write_text("[data]\nseq_len = 7\n", encoding="utf-8")
    assert (
        modules(cli("shapes", "w.npz", "--config", "own.toml", "--json"))["lstm"]["provenance"]["seq_len"]["from"]
        == "settings"
    )


def test_another_programs_file_alone_is_the_source(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("net:\n  type: lstm\n  input_size: 3\n  hidden_size: 4\n", encoding="utf-8")
    assert modules(cli("shapes", "--config", "c.yaml", "--json"))["net"]["config"]["hidden_size"] == 4


@pytest.mark.parametrize(
    ("source", "text", "why"),
    [
        ("c.yaml", "net:\n  type: lstm\n  input_size: 3\n  hidden_size: 4\n", "there is nothing to set"),
        ("nn.LSTM(3, h)", "", "is empty"),
        ("nn.LSTM(3, h)", "- 1\n- 2\n", "no names"),
        ("nn.LSTM(3, h)", "a: [1\n", "not YAML"),
        ("nn.LSTM(3, h)", "lstm:\n  hiden_size: 3\n", "no such setting"),
    ],
)
def test_what_is_wrong_is_said(source: str, text: str, why: str, here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text(text, encoding="utf-8")
    ran = cli("shapes", source, "--config", "c.yaml")
    assert (ran.code, why in ran.err) == (2, True), ran.err


@pytest.mark.parametrize("name", ["nothing.yaml", "."])
def test_a_file_that_is_not_there(name: str, cli: Cli) -> None:
    ran = cli("shapes", "train.py", "--config", name)
    assert (ran.code, "--config" in ran.err) == (2, True)


def test_diff_takes_it_for_the_second_side(here: Path, cli: Cli) -> None:
    import numpy as np

    np.savez(here / "w.npz", weight_ih_l0=np.zeros((16, 3), "f4"), weight_hh_l0=np.zeros((16, 4), "f4"), bias_ih_l0=np.zeros(16, "f4"), bias_hh_l0=np.zeros(16, "f4"))  # fmt: skip
    (here / "c.yaml").write_text("hidden: 4\n", encoding="utf-8")
    assert cli("diff", "w.npz", "nn.LSTM(3, args.hidden)", "--config", "c.yaml").code == 0
    (here / "c.yaml").write_text("hidden: 5\n", encoding="utf-8")
    ran = cli("diff", "w.npz", "nn.LSTM(3, args.hidden)", "--config", "c.yaml")
    assert (ran.code, "size mismatch" in ran.out) == (1, True)
    (here / "c.yaml").write_text("lstm: {input_size: 3, hidden_size: 4}\n", encoding="utf-8")
    assert cli("diff", "w.npz", "--config", "c.yaml").code == 0


def test_a_python_file_is_not_run(here: Path, cli: Cli) -> None:
    (here / "c.py").write_text("import os\nopen('made', 'w')\nhidden = 4\nother = os.getpid()\n", encoding="utf-8")
    read = modules(cli("params", "nn.LSTM(3, cfg.hidden)", "--config", "c.py", "--json"))["lstm"]
    assert (read["config"]["hidden_size"], read["provenance"]["hidden_size"]["where"]) == (4, "c.py:3")
    assert not (here / "made").exists()
    ran = cli("params", "nn.LSTM(3, cfg.other)", "--config", "c.py")
    assert (ran.code, "other in c.py is computed" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        "layers: 3\nmodel: {hidden: 20, width: 10}\nmodel: {hidden: 21, width: 11}\n",
        "layers: 3\nmodel: {hidden: 20, hidden: 21, width: 10, width: 11}\n",
    ],
)
def test_a_key_that_stands_twice_gives_no_value(text: str, here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text(text, encoding="utf-8")
    ran = cli("shapes", "train.py", "--config", "c.yaml", "--module", "a")
    assert ran.code == 2
    assert "stands in one table twice, lines 2 and" in ran.err
    assert " of c.yaml" in ran.err


def test_the_next_commands_keep_the_file(here: Path, cli: Cli) -> None:
    (here / "my c.yaml").write_text(YAML, encoding="utf-8")
    said = cli("summary", "train.py", "--config", "my c.yaml", "--set", "args.layers=2").out
    assert "run train.py --config 'my c.yaml' --set args.layers=2" in " ".join(said.split())


@pytest.mark.parametrize("more", ["", "z: 1\nz: 2\n"])
def test_tables_that_are_wrapped_with_a_description_are_looked_into(more: str, here: Path, cli: Cli) -> None:
    text = f"layers: {{value: 3}}\nmodel: {{value: {{hidden: 20, width: 10}}, desc: null}}\n{more}"
    (here / "c.yaml").write_text(text, encoding="utf-8")
    (here / "train.py").write_text(TRAIN.replace('config["model"]["width"]', "config.model.width"), encoding="utf-8")
    read = modules(cli("shapes", "train.py", "--config", "c.yaml", "--module", "a", "--json"))
    assert (read["a"]["config"]["input_size"], read["a"]["config"]["num_layers"]) == (10, 3)
    (here / "train.py").write_text("import torch.nn as nn\nm = nn.LSTM(3, cfg.x.hidden)\n", encoding="utf-8")
    read = modules(cli("shapes", "train.py", "--config", "c.yaml", "--json"))
    assert read["m"]["config"]["hidden_size"] == 20


def test_a_weight_file_has_no_settings(here: Path, cli: Cli) -> None:
    (here / "w.json").write_text(json.dumps({"lstm.weight_ih_l0": [[0.5]] * 4, "lstm.weight_hh_l0": [[0.5]] * 4}))
    ran = cli("shapes", "train.py", "--config", "w.json")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: --config: w.json is a weight file")


@pytest.mark.parametrize(
    "line",
    [
        'config["hidden"] = config["hidden"] * 2', 'config["hidden"] *= 2', 'config.update({"hidden": 12})', "config.update(hidden=1)",
        "args.hidden = 64", "args.hidden += 1", 'setattr(args, "hidden", 9)', 'del config["hidden"]', 'config.setdefault("hidden", 5)',
        'if config["x"]: config["hidden"] = 7', 'config["hidden"], b = 7, 8', 'def f(c):\n    c["hidden"] = 3\nf(config)',
        'OmegaConf.update(config, "model.hidden", 3)', "config.update(dict(hidden=4))", 'width = config.pop("hidden")',
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ['config["hidden"]', "args.hidden"])
def test_a_name_that_the_code_writes_gets_no_value(line: str, name: str, here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: 8\nx: 0\n", encoding="utf-8")
    head = "import torch.nn as nn, json\nconfig = json.load(open('c'))\n"
    (here / "t.py").write_text(f"{head}{line}\nm = nn.LSTM(3, {name})\n", encoding="utf-8")
    ran = cli("shapes", "t.py", "--config", "c.yaml")
    assert ran.code == 2
    assert f"hidden is set in t.py:{3 + line.count('f(c)')}" in ran.err


@pytest.mark.parametrize(
    "line",
    [
        'args.hidden = config["hidden"]', "self.hidden = 2 * cfg.hidden", "args.width = 3", 'setattr(args, "hidden", cfg.hidden)',
        "for key, value in config.items(): setattr(args, key, value)", "args.__dict__.update(config)", "args.hidden: int",
        'config.update({"width": 3})', "args.update(hidden=config.hidden)", "hidden = 3",
    ],
)  # fmt: skip
def test_what_copies_a_configuration_writes_nothing_else(line: str, here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: 8\n", encoding="utf-8")
    (here / "t.py").write_text(f"import torch.nn as nn\n{line}\nm = nn.LSTM(3, args.hidden)\n", encoding="utf-8")
    assert modules(cli("shapes", "t.py", "--config", "c.yaml", "--json"))["m"]["config"]["hidden_size"] == 8


def test_a_default_that_the_code_writes_over_is_not_changed(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("hidden: 8\nz: 1\n", encoding="utf-8")
    code = (
        "import argparse\nimport torch.nn as nn\np = argparse.ArgumentParser()\n"
        'p.add_argument("--hidden", type=int, default=16)\nargs = p.parse_args()\n'
        "args.hidden = args.hidden * 2\nm = nn.LSTM(3, args.hidden)\n"
    )
    (here / "t.py").write_text(code, encoding="utf-8")
    ran = cli("shapes", "t.py", "--config", "c.yaml")
    assert "LSTM(3, 32)" in ran.out
    assert "note: hidden is set in t.py:6: c.yaml does not change it" in ran.err


def test_places_of_a_value_that_follows_from_many_are_the_file(here: Path, cli: Cli) -> None:
    (here / "c.yaml").write_text("a: 2\nb: 3\nc: 4\nd: [1, 2]\n", encoding="utf-8")
    (here / "t.py").write_text("import torch.nn as nn\nm = nn.LSTM(cfg.a + cfg.b, cfg.c * cfg.a, len(cfg.d))\n")
    said = modules(cli("shapes", "t.py", "--config", "c.yaml", "--json"))["m"]["provenance"]
    assert (said["num_layers"]["where"], said["num_layers"]["certainty"]) == ("c.yaml:4", "inferred")
    assert said["input_size"]["where"] == "c.yaml:1 and c.yaml:2"


@pytest.mark.parametrize(
    ("line", "known"), [("config[k] = 3", False), ("config[k] *= 2", False), ("config[k] = v", True)]
)
def test_a_value_that_is_made_under_a_computed_name_may_be_any(cli: Cli, line: str, known: bool) -> None:
    Path("c.yaml").write_text("hidden: 64\n", encoding="utf-8")
    code = f"import torch.nn as nn\nconfig = load()\nk, v = names()\n{line}\nnn.LSTM(10, config['hidden'])\n"
    Path("t.py").write_text(code, encoding="utf-8")
    ran = cli("shapes", "t.py", "--config", "c.yaml")
    assert ("LSTM(10, 64)" in ran.out) is known
    assert ("config is set in t.py:4" in ran.err) is not known
