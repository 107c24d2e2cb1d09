"""What every command takes alike: flags, values as people type them, limits, and notes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.commands.registry import COMMANDS
from lstmcalc.numerics.convert import pack
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]


def only(cli: Cli, *arguments: str) -> Any:
    ran = cli(*arguments, "--json")
    assert ran.code == 0, ran.err
    (module,) = json.loads(ran.out)["modules"]
    return module


ASKED = {
    "solve": ("hidden", "--params", "1M"),
    "sweep": ("--layers", "1:2"),
    "ls": ("a.npz",),
    "diff": ("a.npz",),
    "convert": ("--seed", "0", "--output", "b.npz"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_every_shared_flag(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", **random_weights(LSTMConfig(3, 4), 0))  # type: ignore[arg-type]  # no array is called allow_pickle
    sizes = () if command == "solve" else ("--hidden", "4")
    flags = ("--input", "3", *sizes, "--seq", "2", "--batch", "1", "--no-bi", "--no-batch-first", "--dropout", "0")
    ran = cli(*flags, "--dtype", "float32", "--strict", command, *ASKED.get(command, ()), "--full", "--json")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        (("--dtype", "fp16"), ("--dtype", "float16")),
        (("--dtype", "half"), ("--dtype", "float16")),
        (("--dtype", "torch.double"), ("--dtype", "float64")),
        (("--dtype", "BF16"), ("--dtype", "bfloat16")),
        (("--framework", "Keras"), ("--framework", "keras")),
        (("--framework", "TensorFlow"), ("--framework", "keras2")),
        (("--framework", "jax"), ("--framework", "flax-linen")),
        (("--framework", "flax_nnx"), ("--framework", "flax-nnx")),
        (("--hidden", "1K"), ("--hidden", "1000")),
        (("--hidden", "1.5k"), ("--hidden", "1500")),
        (("--hidden_size", "7"), ("--hidden", "7")),
        (("--bidirectional", "true"), ("--bi",)),
        (("--bi=1",), ("--bi",)),
        (("--bi", "False"), ("--no-bi",)),
        (("--no-bias", "yes"), ("--no-bias",)),
        (("--bias", "off"), ("--no-bias",)),
    ],
)
def test_values_are_read_as_people_type_them(cli: Cli, typed: tuple[str, ...], plain: tuple[str, ...]) -> None:
    assert cli("params", *typed, "--json") == cli("params", *plain, "--json")


@pytest.mark.parametrize("value", ["1.5", "1.0001K", "K", "1KB", "-1K"])
def test_what_is_no_size_stays_none(cli: Cli, value: str) -> None:
    assert cli("shapes", "--hidden", value).code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("frameworks", "kera"), "no such framework or file: kera|did you mean keras?"),
        (("frameworks", "onnx", "nope"), "no such framework or file: nope|"),
        (("explain", "forgett"), "no such topic or file: forgett|did you mean forget?"),
        (("frameworks", "nope.pt"), "nope.pt: no such file|"),
    ],
)
def test_a_word_that_means_nothing_is_told_with_what_is_known(
    arguments: tuple[str, ...], message: str, cli: Cli
) -> None:
    ran = cli(*arguments, "--json")
    error = json.loads(ran.out)["error"]
    assert (ran.code, error["kind"]) == (2, "not-found")
    what, _, hint = message.partition("|")
    assert ran.err.startswith(f"error: {what}\n")
    assert (error["hint"] or "") == hint


def test_words_name_topics_and_frameworks(cli: Cli) -> None:
    assert cli("explain", "h_n", "--json") == cli("explain", "--topic", "states", "--json")
    assert cli("explain", "packing", "init", "--json") == cli("explain", "--topic", "packing,init", "--json")
    assert cli("frameworks", "Keras", "--json") == cli("frameworks", "--only", "keras", "--json")
    source = "nn.LSTM(3, 4)"
    assert cli("frameworks", "keras", source, "--json") == cli("frameworks", source, "--only", "keras", "--json")
    refused = cli("explain", "states", source, source)
    assert refused == Ran(2, "", f"error: unexpected argument: {source}\n  hint: one SOURCE, after the other words\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("explain", "stat"), "no such topic or file: stat\n  expected one of equations, states, packing,"),
        (
            ("frameworks", "kerras"),
            "no such framework or file: kerras\n  expected one of those that lstmcalc frameworks lists,",
        ),
        (("explain", "missing.pt"), "missing.pt: no such file\n"),
        (
            ("shapes", "nn.LSTM(1, 2)", "nn.LSTM(3, 4)"),
            "unexpected argument: nn.LSTM(3, 4)\n  hint: shapes takes one SOURCE",
        ),
        (
            ("nn.LSTM(3, 4)", "--rate", "48000"),
            "no such option: --rate\n  hint: --rate belongs to cost, not to summary",
        ),
    ],
)
def test_a_word_that_is_wrong_is_told_with_what_would_be_right(cli: Cli, words: tuple[str, ...], message: str) -> None:
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {message}")


def test_a_topic_that_is_named_has_no_defaults_above_it(cli: Cli) -> None:
    assert "PyTorch's default" not in cli("explain", "states").out
    assert "PyTorch's default" in cli("explain", "states", "--full").out


def test_unknowns_have_the_names_of_settings_too(cli: Cli) -> None:
    told = {cli("solve", word, "--params", "1M") for word in ("hidden", "hidden_size", "hidden-size")}
    assert len(told) == 1


@pytest.mark.parametrize("command", [("cost",), ("summary",), ()])
def test_a_limit_that_is_exceeded_is_a_line_and_an_exit_code(cli: Cli, command: tuple[str, ...]) -> None:
    sizes = ("--input", "10", "--hidden", "20")
    assert cli(*command, *sizes, "--max-params", "2560", "--max-weights", "10KiB").code == 0
    ran = cli(*command, *sizes, "--max-params", "2559")
    assert ran.code == 1
    assert ran.err.endswith("params 2,560, over the limit of 2,559 (--max-params)\n")
    assert cli(*command, *sizes, "--max-state", "280").code == 0
    assert "state 280 B (280 B), over the limit of 279 B (279 B)" in cli(*command, *sizes, "--max-state", "279").err
    refused = cli(*command, *sizes, "--bi", "--max-state", "1MiB")
    assert refused.code == 2
    assert "a bidirectional LSTM cannot run step by step" in refused.err


def test_limits_choose_sizes(cli: Cli) -> None:
    found = only(cli, "solve", "hidden", "--input", "40", "--max-weights", "64KiB", "--max-state", "500")
    used = {row["measure"]: (row["used"], row["next"], row["limit"]) for row in found["budgets"]}
    assert all(used[name][0] <= used[name][2] for name in used)
    assert any(used[name][1] > used[name][2] for name in used)
    rows = only(cli, "sweep", "--hidden", "8:64:8", "--max-weights", "32KiB", "--show", "params")["rows"]
    assert [row["hidden_size"] for row in rows] == [8, 16, 24, 32]
    assert all(row.keys() == {"hidden_size", "params"} for row in rows)
    ran = cli("sweep", "--hidden", "8:64:8", "--max-params", "10")
    assert (
        ran.err
        == "error: --max-params: no combination is within the limits\n  expected at least 640 parameters, found 10\n"
    )


def test_the_work_of_a_stream(cli: Cli) -> None:
    module = only(cli, "cost", "--hidden", "20", "--rate", "48K")
    step = module["compute"]["forward"]["per_step"]["macs"]
    assert module["rate"] == {"steps_per_second": 48000, "macs_per_second": 48000 * step}
    assert f"{48000 * step:,} MACs at 48,000 steps per second" in cli("cost", "--hidden", "20", "--rate", "48K").out
    assert cli("cost", "--rate", "0").code == 2


def test_one_of_two_passes(cli: Cli) -> None:
    trained, run, both = (cli("cost", *flags) for flags in (("--train",), ("--inference",), ()))
    assert "training" in trained.out
    assert "forward" not in trained.out
    assert "forward" in run.out
    assert "training" not in run.out
    assert {line.split()[0] for line in both.out.splitlines() if line} >= {"forward", "training"}
    assert cli("cost", "--train", "--json") == cli("cost", "--json")
    assert cli("cost", "--train", "--inference").code == 2


def test_notes_are_said_once_and_name_their_lstm(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("a = nn.LSTM(3, 4, dropout=0.5)\nb = nn.LSTM(4, 5)\n", encoding="utf-8")
    (note,) = cli("params", "a.py").err.splitlines()
    assert note.startswith("note: a: dropout = 0.5 does nothing with num_layers = 1")
    Path("b.py").write_text("a = nn.LSTM(3, 4, dropout=0.5)\nb = nn.LSTM(4, 5, dropout=0.5)\n", encoding="utf-8")
    (note,) = cli("params", "b.py").err.splitlines()
    assert note.startswith("note: dropout = 0.5 does nothing")
    assert "sum  364 parameters in 2 LSTMs" in cli("params", "a.py").out


@pytest.mark.parametrize("target", ["keras", "onnx", "flax-linen"])
@pytest.mark.parametrize("prefix", ["", "model.encoder.rnn."])
def test_a_recipe_runs_on_the_arrays_of_its_file(cli: Cli, tmp_path: Path, target: str, prefix: str) -> None:
    config = LSTMConfig(3, 4, 2, bidirectional=True)
    weights = random_weights(config, 0)
    arrays = {f"{prefix}{name}": array for name, array in weights.items()}
    path = write_safetensors(tmp_path / "a.safetensors", arrays)
    (recipe,) = only(cli, "frameworks", target, path)["recipes"]
    names: dict[str, Any] = {}
    exec(recipe["code"], names)
    made = names[f"pytorch_to_{target.replace('-', '_')}"](arrays)
    wanted = pack(weights, config, target)
    assert made.keys() == wanted.keys()
    assert all(np.array_equal(made[name], wanted[name]) for name in wanted)


def test_names_of_a_file_are_shown_as_they_are(cli: Cli, tmp_path: Path) -> None:
    arrays = {f"net.rnn.{name}": array for name, array in random_weights(LSTMConfig(3, 4), 0).items()}
    out = cli("params", write_safetensors(tmp_path / "a.safetensors", arrays)).out
    assert "names      begin with net.rnn.\n" in out
