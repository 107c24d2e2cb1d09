"""SOURCE on the command line: what it can be, what wins, where each setting came from, and what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig
from lstmcalc.errors import LstmcalcError, SourceError, UsageError
from lstmcalc.intake.resolve import lstms_in, read_subjects
from lstmcalc.readers.sources import read_source
from lstmcalc.readers.texts import MAX_TEXT
from tools.files import rewrite
from tools.shell import Ran, run_lstmcalc, shell_environment
from tools.strategies import configs

Cli = Callable[..., Ran]

TWO = "import torch.nn as nn\nencoder = nn.LSTM(10, 20)\ndecoder = nn.LSTM(20, 30, 2, bidirectional=True)\n"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def modules(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)["modules"]
    return found


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


# The text of a config is a call that makes it.


@given(configs())
def test_the_text_of_a_config_reads_back(config: LSTMConfig) -> None:
    (subject,) = read_subjects({"source": str(config)})
    assert subject.config == config


@given(configs())
def test_no_part_of_the_text_could_be_left_out(config: LSTMConfig) -> None:
    *parts, last = str(config).removeprefix("LSTM(").removesuffix(")").split(", ")
    parts.append(last)
    for position in range(2, len(parts)):
        shorter = f"LSTM({', '.join(parts[:position] + parts[position + 1 :])})"
        (subject,) = read_subjects({"source": shorter})
        assert subject.config != config


def test_the_text_is_what_pytorch_prints() -> None:
    assert str(LSTMConfig(10, 20, 2, False, True, 0.5, True, 5)) == (
        "LSTM(10, 20, proj_size=5, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)"
    )


# What it can be.


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train.py", TWO),
        ("train.txt", TWO),
        ("no_suffix", TWO),
        (
            "printed",
            "Net(\n  (encoder): LSTM(10, 20)\n  (decoder): LSTM(20, 30, num_layers=2, bidirectional=True)\n)\n",
        ),
        (
            "lstms.toml",
            (
                "[lstm.encoder]\ninput_size = 10\nhidden_size = 20\n"
                "[lstm.decoder]\ninput_size = 20\nhidden_size = 30\nnum_layers = 2\nbidirectional = true\n"
            ),
        ),
        (
            "lstms.json",
            (
                '{"lstm": {"encoder": {"input_size": 10, "hidden_size": 20}, '
                '"decoder": {"input_size": 20, "hidden_size": 30, "num_layers": 2, "bidirectional": true}}}'
            ),
        ),
        (
            "notebook.ipynb",
            json.dumps(
                {
                    "nbformat": 4,
                    "cells": [
                        {"cell_type": "markdown", "source": ["# nn.LSTM(1, 2)"]},
                        {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch.nn as nn"]},
                        {"cell_type": "code", "source": TWO.splitlines(keepends=True)[1:]},
                    ],
                }
            ),
        ),
        ("README.md", f"# It\n\n```python\n{TWO}```\n"),
    ],
)
def test_a_file_is_read_as_what_it_contains_and_so_is_standard_input(cli: Cli, name: str, text: str) -> None:
    write(name, text)
    found = modules(cli("params", name, "--json"))
    assert [(module["name"], module["text"], module["total"]) for module in found] == [
        ("encoder", "LSTM(10, 20)", 2560),
        ("decoder", "LSTM(20, 30, num_layers=2, bidirectional=True)", 34560),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "lstmcalc", "params", "-", "--json"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        env=shell_environment(),
        check=True,
    )
    assert [module["total"] for module in json.loads(done.stdout)["modules"]] == [2560, 34560]


@pytest.mark.parametrize("command", ["shapes", "params", "frameworks", "run"])
def test_every_command_takes_it(cli: Cli, command: str) -> None:
    assert [module["text"] for module in modules(cli(command, write("a.py", TWO), "--json"))] == [
        "LSTM(10, 20)",
        "LSTM(20, 30, num_layers=2, bidirectional=True)",
    ]


@pytest.mark.parametrize("style", ["table", "markdown", "csv"])
def test_every_format_names_each_lstm(cli: Cli, style: str) -> None:
    for command in ("shapes", "params", "run"):
        out = cli(command, write("a.py", TWO), "--format", style).out
        assert "encoder" in out
        assert "decoder" in out


@pytest.mark.parametrize(
    "source",
    [
        TWO,
        "Sequential([Input((7, 10)), LSTM(4, return_sequences=True, name='a'), Bidirectional(LSTM(5), merge_mode='sum')])",
        "Sequential([Input((7, 10)), LSTM(4, activation='relu')])",
    ],
)
@pytest.mark.parametrize("command", ["shapes", "params"])
def test_a_report_is_a_source(cli: Cli, source: str, command: str) -> None:
    before = cli(command, write("a.py", source), "--json")
    write("report.json", before.out)
    # But for where it is from, and what is said once of what was read.
    own = {"provenance": 0, "source": 0, "notes": 0}
    for first, again in zip(modules(before), modules(cli(command, "report.json", "--json")), strict=True):
        assert {**first, **own} == {**again, **own}


def test_other_lines_around_what_is_printed(cli: Cli) -> None:
    text = "Epoch 1: loss 0.3 (best)\nLSTM(10, 20, num_layers=2)\n100%|####| 3/3 [00:00<00:00]\ndone (ok)\n"
    assert [module["text"] for module in modules(cli("params", write("log", text), "--json"))] == [
        "LSTM(10, 20, num_layers=2)"
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings(cli: Cli, encoding: str) -> None:
    Path("a.py").write_text("größe = 20\nlstm = nn.LSTM(10, größe)\n", encoding=encoding)
    (module,) = modules(cli("params", "a.py", "--json"))
    assert module["text"] == "LSTM(10, 20)"


# What wins, and where it came from.


def test_flags_come_before_the_source_and_each_setting_says_where_it_is_from(cli: Cli) -> None:
    (module,) = modules(
        cli("shapes", write("a.py", "\nx = nn.LSTM(10, 20, 2)"), "--hidden", "30", "--seq", "9", "--json")
    )
    assert module["config"]["hidden_size"] == 30
    assert module["source"] == {
        "text": "nn.LSTM(10, 20, 2)",
        "where": "a.py:2",
        "framework": "pytorch",
        "path": None,
        "options": {},
        "unmodelled": [],
    }
    origins = {field: tuple(origin.values()) for field, origin in module["provenance"].items()}
    assert origins["input_size"] == ("source", "a.py:2", "stated")
    assert origins["hidden_size"] == ("flag", None, "stated")
    assert origins["num_layers"] == ("source", "a.py:2", "stated")
    assert origins["bias"] == ("default", None, "stated")
    assert origins["seq_len"] == ("flag", None, "stated")
    assert origins["batch"] == ("default", None, "assumed")


def test_flags_of_the_data_make_void_what_the_source_says_of_it(cli: Cli) -> None:
    source = "lstm = nn.LSTM(10, 20)\nlstm(torch.randn(7, 4, 10))"
    for flags, expected in [
        ((), (7, 4, None)),
        (("--batch", "2"), (7, 2, None)),
        (("--lengths", "3,2"), (3, 2, [3, 2])),
        (("--unbatched",), (7, None, None)),
        (("--seq", "9"), (9, 4, None)),
    ]:
        (module,) = modules(cli("shapes", source, *flags, "--json"))
        assert (module["data"]["seq_len"], module["data"]["batch"], module["data"]["lengths"]) == expected


def test_the_configuration_file_is_used_when_there_is_no_source(cli: Cli) -> None:
    write("lstmcalc.toml", "[lstm]\nhidden_size = 30\n\n[data]\nbatch = 8\n")
    (module,) = modules(cli("shapes", "--json"))
    assert module["text"] == "LSTM(10, 30)"
    assert module["data"]["batch"] == 8
    assert module["provenance"]["hidden_size"] == {"from": "config", "where": "lstmcalc.toml:2", "certainty": "stated"}
    assert module["provenance"]["input_size"] == {"from": "default", "where": None, "certainty": "assumed"}
    assert "from lstmcalc.toml:2  hidden_size 30" in cli("shapes").out
    (module,) = modules(cli("shapes", "--hidden", "40", "--json"))
    assert module["text"] == "LSTM(10, 40)"
    (module,) = modules(cli("shapes", "nn.LSTM(1, 2)", "--json"))
    assert (module["text"], module["data"]["batch"]) == ("LSTM(1, 2)", 3)


def test_pyprojects_table_is_used_when_there_is_no_other_file(cli: Cli) -> None:
    write("pyproject.toml", '[project]\nname = "x"\n[tool.lstmcalc.lstm]\ninput_size = 7\nhidden_size = 9\n')
    (module,) = modules(cli("params", "--json"))
    assert (module["text"], module["provenance"]["input_size"]["where"]) == ("LSTM(7, 9)", "pyproject.toml:4")
    write("lstmcalc.toml", "[lstm]\nhidden_size = 30\n")
    (module,) = modules(cli("params", "--json"))
    assert module["text"] == "LSTM(10, 30)"


@pytest.mark.parametrize(
    "text", ["", "this is = = no TOML", '[project]\nname = "lstmcalc"\n', "[tool.other]\nlstm = 3\n", "\0", "tool = 3"]
)
def test_a_pyproject_without_our_table_is_none_of_ours(cli: Cli, text: str) -> None:
    write("pyproject.toml", text)
    assert cli("params").code == 0


def test_what_a_source_leaves_open_is_asked_for(cli: Cli) -> None:
    write(
        "a.py",
        "import torch.nn as nn\nclass N:\n  def __init__(self, args, n):\n    self.rnn = nn.LSTM(args.size, n, args.layers)\n",
    )
    assert cli("shapes", "a.py") == Ran(
        2,
        "",
        "error: a.py:4: input_size, hidden_size and num_layers of rnn are unknown\n"
        "  self.rnn = nn.LSTM(args.size, n, args.layers)\n"
        "                     ^^^^^^^^^\n"
        "  expected numbers, found args.size, n, args.layers\n"
        "  hint: give --input, --hidden and --layers, or --set args.size=VALUE --set n=VALUE --set args.layers=VALUE\n",
    )
    (module,) = modules(cli("params", "a.py", "--set", "args.size=5", "--set", "n = 6", "--layers", "2", "--json"))
    assert module["text"] == "LSTM(5, 6, num_layers=2)"


def test_a_source_that_says_too_little_is_not_filled_up_with_the_example(cli: Cli) -> None:
    assert cli("shapes", "keras.layers.LSTM(20)").err == (
        "error: input_size of lstm is unknown\n  keras.layers.LSTM(20)\n  ^^^^^^^^^^^^^^^^^^^^^\n"
        "  expected a number, found nothing: keras.layers.LSTM takes it from the data\n  hint: give --input\n"
    )
    assert cli("shapes", write("a.toml", "[lstm]\nhidden_size = 3\n")).code == 2


# Of several one.


@pytest.mark.parametrize("name", ["decoder", "net.decoder", "self.net.decoder"])
def test_a_module_is_picked_by_its_path_or_the_end_of_it(cli: Cli, name: str) -> None:
    text = "Model(\n  (net): Net(\n    (encoder): LSTM(1, 2)\n    (decoder): LSTM(3, 4)\n  )\n)\n"
    (module,) = modules(cli("params", text, "--module", name, "--json"))
    assert (module["name"], module["text"]) == ("net.decoder", "LSTM(3, 4)")


def test_a_name_that_there_is_not_lists_what_there_is(cli: Cli) -> None:
    source = write("a.py", TWO)
    assert cli("params", source, "--module", "decodr").err == (
        "error: --module: no such module\n  expected one of encoder, decoder, found 'decodr'\n"
        "  hint: did you mean decoder?\n"
    )
    twice = "A(\n  (x): B(\n    (rnn): LSTM(1, 2)\n  )\n  (y): B(\n    (rnn): LSTM(1, 2)\n  )\n)"
    assert cli("params", twice, "--module", "rnn").err == (
        "error: --module: several modules are called so\n  expected one of x.rnn, y.rnn, found 'rnn'\n"
    )
    assert cli("params", "--module", "lstm").code == 0
    assert cli("params", "--module", "encoder").code == 2


def test_only_the_one_that_is_picked_has_to_be_settled(cli: Cli) -> None:
    source = write("a.py", "encoder = nn.LSTM(n, 20)\ndecoder = nn.LSTM(3, 4)\n")
    (module,) = modules(cli("params", source, "--module", "decoder", "--json"))
    assert module["text"] == "LSTM(3, 4)"
    both = cli("params", source)
    assert (both.code, both.err) == (0, "note: encoder: input_size unknown, a.py:1; --set n=...\n")
    assert cli("params", source, "--module", "encoder").code == 2


# Of another framework.


def test_a_source_is_reported_in_its_own_framework(cli: Cli) -> None:
    (keras,) = modules(cli("params", "keras.layers.LSTM(20)", "--input", "10", "--json"))
    assert (keras["framework"], keras["total"]) == ("keras", 2480)
    assert keras["parameters"][0]["name"] == "lstm/lstm_cell/kernel"
    (torch,) = modules(cli("params", "keras.layers.LSTM(20)", "--input", "10", "--framework", "pytorch", "--json"))
    assert (torch["framework"], torch["total"]) == ("pytorch", 2560)
    assert torch["config"]["batch_first"] is True
    (onnx,) = modules(cli("params", "keras.layers.LSTM(20)", "--input", "10", "--framework", "onnx", "--json"))
    assert onnx["parameters"][0]["name"] == "lstm0.W"
    (cell,) = modules(cli("shapes", "nn.LSTMCell(10, 20)", "--json"))
    assert (cell["framework"], cell["kind"]) == ("pytorch-cell", "cell")
    (linen,) = modules(cli("params", "flax.linen.LSTMCell(features=20)", "--input", "10", "--json"))
    assert (linen["framework"], linen["total"]) == ("flax-linen", 2480)


def test_its_own_options_are_in_the_shapes(cli: Cli) -> None:
    def output(source: str) -> list[list[int]]:
        (module,) = modules(cli("shapes", source, "--input", "10", "--json"))
        return [tensor["shape"] for tensor in module["tensors"] if tensor["name"] == "output"]

    assert output("keras.layers.LSTM(20)") == [[3, 20]]
    assert output("keras.layers.LSTM(20, return_sequences=True)") == [[3, 5, 20]]
    assert output("Bidirectional(LSTM(20))") == [[3, 40]]
    assert output("Bidirectional(LSTM(20, return_sequences=True))") == [[3, 5, 40]]
    assert output("Bidirectional(LSTM(20), merge_mode='sum')") == [[3, 20]]
    assert output("Bidirectional(LSTM(20, return_sequences=True), merge_mode=None)") == [[3, 5, 20]]
    (module,) = modules(cli("shapes", "LSTM(20, return_state=True)", "--input", "10", "--json"))
    assert [tensor["when"] for tensor in module["tensors"] if tensor["role"] == "output"] == [None, None, None]


def test_a_stack_of_keras_layers_hangs_together_whatever_the_flags_say(cli: Cli) -> None:
    source = "Sequential([LSTM(64, return_sequences=True), LSTM(32)])"
    found = modules(cli("params", source, "--input", "10", "--json"))
    assert [module["text"] for module in found] == ["LSTM(10, 64, batch_first=True)", "LSTM(64, 32, batch_first=True)"]
    assert found[1]["provenance"]["input_size"]["certainty"] == "inferred"
    found = modules(cli("params", source, "--input", "10", "--hidden", "7", "--json"))
    assert [module["text"] for module in found] == ["LSTM(10, 7, batch_first=True)", "LSTM(7, 7, batch_first=True)"]
    (module,) = modules(cli("params", source, "--input", "10", "--module", "lstm_1", "--json"))
    assert module["text"] == "LSTM(10, 32, batch_first=True)"


def test_what_is_not_modelled_is_noted_and_never_computed(cli: Cli) -> None:
    source = "keras.layers.LSTM(20, activation='gelu', dropout=0.2)"
    ran = cli("params", source, "--input", "10")
    assert ran.code == 0
    assert ran.err == (
        "note: dropout = 0.2 acts in training only: no shape and no count depends on it\n"
        "note: activation = 'gelu' is not modelled: shapes and counts are of the LSTM without it\n"
    )
    assert cli("run", source, "--input", "10").err == (
        "error: lstm computes something else than an LSTM of PyTorch\n"
        "  keras.layers.LSTM(20, activation='gelu', dropout=0.2)\n"
        f"  {'^' * 53}\n"
        "  expected its arrays alone, sigmoid or hard_sigmoid for gates, tanh or relu for the rest, in the order of time, "
        "found activation = 'gelu'\n"
        "  hint: shapes and params are of the LSTM without it, which run --as-lstm computes\n"
    )
    computed = source.replace("gelu", "relu")
    assert "note: activation = 'relu': run computes it;" in cli("params", computed, "--input", "10").err
    assert cli("run", computed, "--input", "10").code == 0


def test_run_computes_and_saves_each(cli: Cli) -> None:
    ran = cli("run", write("a.py", TWO), "--save", "out.npz", "--json")
    assert [module["passed"] for module in modules(ran)] == [True, True]
    with np.load("out.npz") as saved:
        assert saved["encoder.weight_ih_l0"].shape == (80, 10)
        assert saved["decoder.weight_ih_l0"].shape == (120, 20)


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nn.LSTM(10, 20, proj_size=20)"],
            (
                "proj_size is out of range\n  nn.LSTM(10, 20, proj_size=20)\n                            ^^\n"
                "  expected 0 <= proj_size < hidden_size = 20, found 20\n"
                "  hint: a projection makes h narrower than the cell; 0 means no projection"
            ),
        ),
        (
            ["nn.LSTM(10, 0)"],
            ("hidden_size is out of range\n  nn.LSTM(10, 0)\n              ^\n  expected hidden_size >= 1, found 0"),
        ),
        (
            ["nn.LSTM(10, 'x')"],
            (
                "hidden_size is not an integer\n  nn.LSTM(10, 'x')\n              ^^^\n"
                "  expected hidden_size >= 1, found 'x'"
            ),
        ),
        (
            ["nn.LSTM(10, 20, bidirectional='yes')"],
            (
                "bidirectional is not a Boolean\n  nn.LSTM(10, 20, bidirectional='yes')\n"
                "                                ^^^^^\n  expected True or False, found 'yes'"
            ),
        ),
        (
            ["nn.LSTM(10, 20, dropout=1.5)"],
            (
                "dropout is not a probability\n  nn.LSTM(10, 20, dropout=1.5)\n                          ^^^\n"
                "  expected 0 <= dropout <= 1, found 1.5"
            ),
        ),
        (
            ["missing.py"],
            ('missing.py: no such file\n  expected a file, - for standard input, or text, e.g. "nn.LSTM(10, 20)"'),
        ),
        (["."], "cannot read .\n  expected a file, found a folder; nothing is in it"),
        (
            ["nn.LSTM(1, 2)", "--set", "x"],
            "--set: not a setting\n  expected NAME=VALUE, e.g. hidden=20, found 'x'",
        ),
        (["nn.LSTM(1, x)", "--set", "x=1", "--set", "x=2"], "--set: x is set twice"),
        (
            ["LSTM(\n  (lstm): LSTM(1, 2)\n)", "--set", "x=1"],
            "--set x: there is nothing to set\n  expected code with names in it",
        ),
        (["--set", "x=1"], "--set: there is nothing to set\n  expected a SOURCE with names in it"),
        (
            ["keras.layers.LSTM(20)", "--input", "3", "--proj", "5"],
            (
                "--proj: Keras 3 has no projection\n  expected proj_size = 0, found proj_size = 5\n"
                "  hint: these have one: pytorch, tf1, paddle, mxnet, tflite, ncnn, cudnn, onednn"
            ),
        ),
    ],
)
def test_bad_input_in_exact_words(cli: Cli, arguments: list[str], message: str) -> None:
    assert cli("shapes", *arguments) == Ran(2, "", f"error: {message}\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a is empty"),
        (b"  \n\t\n", "a is empty"),
        (bytes(range(256)), "a is not text"),
        (b"PK\x03\x04\x00\x00", "a: this zip archive is damaged"),
        (b"{", "a:1: this is not JSON"),
        (b'{"lstm": {"input_size" 1}}', "a:1: this is not JSON"),
        (b"[lstm]\nhidden_size = = 3\n", "a:2: this is not TOML"),
        (b"[lstm]\nhidden = 3\n", "a:2: no such setting"),
        (b"hello (world)\n", "no LSTM in a"),
        (b"x" * (MAX_TEXT + 1), "a is too large"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_files_that_cannot_be_read(data: bytes, message: str) -> None:
    Path("a").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read_source("a", {})
    assert str(caught.value).startswith(message)


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    os.symlink("nowhere", "link")  # noqa: PTH211  # short
    with pytest.raises(SourceError, match="cannot read link\n  found No such file"):
        read_source("link", {})


def test_standard_input_that_is_closed() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m lstmcalc params - <&-"],
        capture_output=True,
        encoding="utf-8",
        env=shell_environment(),
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: -: standard input is closed\n")


def test_text_with_escape_sequences_is_shown_without_them() -> None:
    ran = run_lstmcalc("shapes", "x = nn.LSTM(10, 20, \x1b[31mbad=3)")
    assert ran.code == 2
    assert "\x1b" not in ran.err


@given(st.text(max_size=60))
def test_any_source_gives_lstms_or_one_kind_of_error(text: str) -> None:
    if text == "-" or os.path.lexists(text.replace("\0", "")):
        return
    try:
        assert read_subjects({"source": text})
    except LstmcalcError as error:
        assert isinstance(error, SourceError | UsageError | LstmcalcError)  # noqa: PT017  # and no other


@given(st.binary(max_size=80))
def test_any_file_gives_lstms_or_one_kind_of_error(data: bytes) -> None:
    rewrite(Path("any"), data)
    try:
        assert read_subjects({"source": "any"})
    except LstmcalcError as error:
        assert str(error)  # noqa: PT017  # and no other


def test_merged_directions_give_their_width_to_the_next(cli: Cli) -> None:
    source = "Sequential([Input((7, 10)), Bidirectional(LSTM(20, return_sequences=True), merge_mode='sum'), LSTM(5)])"
    texts = [module["text"] for module in modules(cli("params", source, "--hidden", "6", "--json"))]
    assert texts == ["LSTM(10, 6, batch_first=True, bidirectional=True)", "LSTM(6, 6, batch_first=True)"]


def test_a_flag_for_what_some_leave_open_is_for_those(cli: Cli) -> None:
    source = "a = nn.LSTM(n, 20)\nb = nn.LSTM(5, 6)\n"
    texts = [module["text"] for module in modules(cli("params", source, "--input", "40", "--json"))]
    assert texts == ["LSTM(40, 20)", "LSTM(5, 6)"]
    both = [module["text"] for module in modules(cli("params", TWO, "--input", "40", "--json"))]
    assert both == ["LSTM(40, 20)", "LSTM(40, 30, num_layers=2, bidirectional=True)"]


def test_several_modules_can_be_picked(cli: Cli) -> None:
    source = "a = nn.LSTM(1, 2)\nb = nn.LSTM(3, 4)\nc = nn.LSTM(5, 6)\n"
    found = modules(cli("params", source, "--module", "c", "--module", "a", "--json"))
    assert [module["name"] for module in found] == ["a", "c"]


def test_names_are_made_unique_and_printable(cli: Cli) -> None:
    found = modules(cli("params", "nn.LSTM(1, 2); nn.LSTM(3, 4)", "--json"))
    assert [module["name"] for module in found] == ["lstm", "lstm_2"]
    write("a.json", '{"lstm": {"x\\u001b[31m": {"input_size": 1, "hidden_size": 2}}}')
    ran = cli("params", "a.json")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert ran.out.startswith("x\\x1b[31m: LSTM(1, 2)")


def test_letters_that_standard_output_does_not_have_are_escaped() -> None:
    ran = run_lstmcalc("params", "größe = nn.LSTM(1, 2)", PYTHONIOENCODING="ascii")
    assert ran.code == 0
    assert ran.out.startswith("gr\\xf6\\xdfe: LSTM(1, 2)")


def test_too_many_lstms_are_refused_with_the_number(cli: Cli) -> None:
    text = "M(\n  (m): ModuleList(\n    (0-1000): 1001 x LSTM(10, 20)\n  )\n)\n"
    assert cli("params", text).err == (
        "error: this report would be too long\n  expected at most 1,000 LSTMs, found 1,001\n"
        "  hint: --module m.1000 reports one of them\n"
    )
    assert cli("params", text, "--module", "m.1000").code == 0


@pytest.mark.parametrize(
    ("command", "most"), [(("frameworks",), 250), (("cost", "--full"), 400), (("cost", "--format", "markdown"), 400)]
)
def test_a_report_that_is_long_for_each_lstm_has_fewer(cli: Cli, command: Sequence[str], most: int) -> None:
    text = f"M(\n  (m): ModuleList(\n    (0-{most}): {most + 1} x LSTM(10, 20)\n  )\n)\n"
    ran = cli(*command, text)
    assert (ran.code, f"expected at most {most} LSTMs, found {most + 1}" in ran.err) == (2, True)


def test_a_long_chain_of_layers_is_followed(cli: Cli) -> None:
    code = "m = Sequential()\nm.add(Input((7, 10)))\n" + "m.add(LSTM(8, return_sequences=True))\n" * 300
    found = modules(cli("params", code, "--module", "lstm_299", "--json"))
    assert found[0]["text"] == "LSTM(8, 8, batch_first=True)"


def test_slices_are_python_where_the_path_is(cli: Cli) -> None:
    def slices(source: str) -> str:
        (module,) = modules(cli("params", source, "--gate", "f", "--json"))
        text: str = module["parameters"][0]["slice"]
        return text

    assert slices("layers = nn.ModuleList([nn.LSTM(1, 2)])") == "layers[0].weight_ih_l0[2:4]"
    assert slices("a['x y'] = nn.LSTM(1, 2)") == "weight_ih_l0[2:4]"


def test_an_unknown_merge_mode_is_refused(cli: Cli) -> None:
    ran = cli("shapes", "Bidirectional(LSTM(2), merge_mode='banana')", "--input", "3")
    assert "no such merge_mode" in ran.err
    assert ran.code == 2


def test_input_without_steps_is_refused_where_it_stands(cli: Cli) -> None:
    assert cli("shapes", "nn.LSTM(10, 20)(torch.randn(0, 3, 10))").err == (
        "error: seq_len is out of range\n  nn.LSTM(10, 20)(torch.randn(0, 3, 10))\n"
        f"                  {'^' * 21}\n  expected seq_len >= 1, found 0\n"
    )


def test_backticks_in_a_name_do_not_end_the_code_in_markdown(cli: Cli) -> None:
    write("a.toml", '[lstm."x`y"]\ninput_size = 1\nhidden_size = 2\n')
    assert cli("params", "a.toml", "--format", "markdown").out.startswith("## `` x`y: LSTM(1, 2) ``\n")


def test_a_flag_for_the_first_of_a_chain_does_not_reach_the_next(cli: Cli) -> None:
    source = "Sequential([Input((7, 10)), LSTM(8, return_sequences=True), LSTM(3)])"
    texts = [module["text"] for module in modules(cli("params", source, "--input", "12", "--json"))]
    assert texts == ["LSTM(12, 8, batch_first=True)", "LSTM(8, 3, batch_first=True)"]


def test_a_batch_that_agrees_with_the_lengths_keeps_them(cli: Cli) -> None:
    source = write("a.toml", "[lstm]\ninput_size = 1\nhidden_size = 2\n[data]\nlengths = [3, 1]\n")
    for batch, lengths in (("2", [3, 1]), ("4", None)):
        (module,) = modules(cli("shapes", source, "--batch", batch, "--json"))
        assert module["data"]["lengths"] == lengths


@pytest.mark.parametrize("key", ['"model_type": "gru"', '"architectures": ["MyGRU"]'])
def test_the_configuration_of_a_gru_is_refused_by_name(cli: Cli, key: str) -> None:
    ran = cli("params", write("config.json", f'{{{key}, "hidden_size": 20, "input_size": 10}}'))
    assert ran.code == 2
    assert "a GRU is not an LSTM" in ran.err


def test_both_directions_apart_are_two_outputs(cli: Cli) -> None:
    source = "Bidirectional(LSTM(20), merge_mode=None)"
    (module,) = modules(cli("shapes", source, "--input", "10", "--json"))
    (output,) = (tensor for tensor in module["tensors"] if tensor["name"] == "output")
    assert (output["shape"], output["copies"], output["equals"]) == ([3, 20], 2, ["h_n[0]", "h_n[1]"])


TWO_OPEN = "enc = keras.layers.LSTM(20)\ndec = keras.layers.LSTM(30)\n"


def test_one_input_for_several_open_lstms_is_refused_with_both_named(cli: Cli) -> None:
    ran = cli("params", write("two.py", TWO_OPEN), "--input", "40")
    assert ran.code == 2
    assert ran.err == (
        "error: --input: input_size is unknown in enc and dec, and may differ\n  expected the value of one of them, found "
        "40\n  hint: --module enc --input 40, or --set enc.input_size=40\n"
    )
    assert "hint: give --module enc --input; --module NAME picks another" in cli("params", "two.py").err
    (module,) = modules(cli("params", "two.py", "--module", "dec", "--input", "40", "--json"))
    assert module["text"] == "LSTM(40, 30, batch_first=True)"


def test_a_setting_of_one_lstm_is_given_by_its_name(cli: Cli) -> None:
    path = write("two.py", TWO_OPEN)
    ran = cli("params", path, "--set", "enc.input_size=40", "--set", "dec.input_size=7", "--json")
    assert [module["text"] for module in modules(ran)] == [
        "LSTM(40, 20, batch_first=True)",
        "LSTM(7, 30, batch_first=True)",
    ]
    assert [module["provenance"]["input_size"]["from"] for module in modules(ran)] == ["flag", "flag"]
    ran = cli("params", path, "--set", "enc.input_size=40", "--input", "8", "--json")
    assert [module["text"] for module in modules(ran)] == [
        "LSTM(40, 20, batch_first=True)",
        "LSTM(8, 30, batch_first=True)",
    ]
    said = cli("params", path, "--set", "x.input_size=40").err
    assert "--set x.input_size: input_size is not unknown in any LSTM of this name\n  expected one of enc, dec" in said
    said = cli("params", path, "--set", "enc.hidden_size=40").err
    assert "--set enc.hidden_size: hidden_size is not unknown in any LSTM of this name" in said


@pytest.mark.parametrize(
    ("code", "flags", "texts"),
    [
        ("a = nn.LSTM(args.x, 2)\nb = nn.LSTM(args.x, 3)", ["--input", "4"], ["LSTM(4, 2)", "LSTM(4, 3)"]),
        ("a = nn.LSTM(1, args.h)\nb = nn.LSTM(2, args.h)", ["--hidden", "4"], ["LSTM(1, 4)", "LSTM(2, 4)"]),
        ("a = nn.LSTM(args.x, 2)\nb = nn.LSTM(args.y, 3)", ["--input", "4"], None),
        ("a = nn.LSTM(1, args.h)\nb = nn.LSTM(2, args.g)", ["--hidden", "4"], None),
        ("a = nn.LSTM(args.x, 2)\nb = nn.LSTM(args.x + 1, 3)", ["--input", "4"], None),
        ("a = nn.LSTM(1, args.h * 2)\nb = nn.LSTM(2, args.h * 3)", ["--hidden", "4"], None),
        ("a = nn.LSTM(1, args.h * 2)\nb = nn.LSTM(2, args.h * 2)", ["--hidden", "4"], ["LSTM(1, 4)", "LSTM(2, 4)"]),
        ("x = args.x\na = nn.LSTM(x, 2)\nx = x * 2\nb = nn.LSTM(x, 3)", ["--input", "4"], None),
        ("x = args.x\na = nn.LSTM(args.x, 2)\nb = nn.LSTM(x, 3)", ["--input", "4"], ["LSTM(4, 2)", "LSTM(4, 3)"]),
        ("a = nn.LSTM(args.x, 2)\nb = nn.LSTM(2, 3)", ["--input", "4"], ["LSTM(4, 2)", "LSTM(2, 3)"]),
        ("a = nn.LSTM(1, args.hidden_size)", ["--set", "args.hidden_size=4"], ["LSTM(1, 4)"]),
    ],
)
def test_one_flag_is_for_several_lstms_only_if_they_share_a_name(
    cli: Cli, code: str, flags: list[str], texts: list[str] | None
) -> None:
    path = write("a.py", f"import torch.nn as nn\n{code}\n")
    for command in ("params", "summary"):
        ran = cli(command, path, *flags, "--json")
        if texts is None:
            assert (ran.code, "is unknown in a and b, and may differ" in ran.err) == (2, True)
        else:
            assert [module["text"] for module in modules(ran)] == texts


def test_no_source_is_no_example() -> None:
    source: Any = None
    with pytest.raises(TypeError, match="takes a source"):
        lstms_in(source)


def test_strict_asks_for_every_lstm(cli: Cli) -> None:
    source = "a = nn.LSTM(3, 4)\nb = nn.LSTM(n, 20)\n"
    assert cli("params", source).code == 0
    assert [cli(command, source, "--strict").code for command in ("params", "summary", "shapes")] == [2, 2, 2]
    assert cli("params", source, "--strict", "--set", "n=5").code == 0
