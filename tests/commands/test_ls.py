"""`lstmcalc ls`: every tensor of a weight file, whose it is, and what its numbers are like."""

import csv
import io
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc.commands.ls.view import _SHOWN
from tools.shell import Ran
from tools.weight_writers import safetensors_bytes, write_safetensors

Cli = Callable[..., Ran]

ARRAYS: dict[str, Any] = {
    "enc.weight_ih_l0": np.arange(48, dtype=np.float32).reshape(16, 3) - 3,
    "enc.weight_hh_l0": np.ones((16, 4), np.float32),
    "g.weight_hh_l0": np.full((12, 4), np.nan, np.float32),
    "odd": np.array([np.nan, np.inf, -np.inf, 3, -4], np.float64),
    "count": np.array(7, np.int64),
    "huge": np.array([1e308, 1e308]),
}


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_safetensors(Path("model"), ARRAYS)


def module(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    (found,) = json.loads(ran.out)["modules"]
    assert isinstance(found, dict)
    return found


def rows(ran: Ran) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in module(ran)["tensors"]}


def test_every_tensor_is_listed_with_its_owner(cli: Cli) -> None:
    found = rows(cli("ls", "model", "--json"))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        row = found[name]
        assert (row["dtype"], row["shape"]) == (array.dtype.name, list(array.shape))
        assert (row["count"], row["bytes"]) == (array.size, array.nbytes)
        assert row["owner"] == {"enc": "enc", "g": "g"}.get(name.partition(".")[0])
        assert "min" not in row


def test_modules_and_totals_are_there(cli: Cli) -> None:
    found = module(cli("ls", "model", "--json"))
    assert found["lstms"] == [{"name": "enc", "framework": "pytorch", "text": "LSTM(3, 4, bias=False)"}]
    assert found["relatives"] == [{"name": "g", "kind": "GRU", "input_size": None, "hidden_size": 4}]
    assert found["total"] == sum(array.size for array in ARRAYS.values())
    assert found["total_bytes"] == sum(array.nbytes for array in ARRAYS.values())


def test_statistics_are_those_of_the_numbers(cli: Cli) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = rows(cli("ls", "model", "--stats", "--json"))
    wanted = ARRAYS["enc.weight_ih_l0"].astype(float)
    row = found["enc.weight_ih_l0"]
    assert (row["min"], row["max"], row["nan"], row["inf"]) == (-3, 44, 0, 0)
    assert row["mean"] == pytest.approx(wanted.mean())
    assert row["norm"] == pytest.approx(np.linalg.norm(wanted))
    odd = found["odd"]
    assert (odd["min"], odd["max"], odd["mean"], odd["norm"], odd["nan"], odd["inf"]) == (-4, 3, -0.5, 5, 1, 2)
    nothing = found["g.weight_hh_l0"]
    assert (nothing["min"], nothing["norm"], nothing["nan"], nothing["inf"]) == (None, None, 48, 0)
    assert found["count"]["mean"] == 7
    assert found["huge"]["mean"] == pytest.approx(1e308)
    assert found["huge"]["norm"] == pytest.approx(2**0.5 * 1e308)


def test_a_module_is_picked(cli: Cli) -> None:
    assert list(rows(cli("ls", "model", "-m", "g", "--json"))) == ["g.weight_hh_l0"]
    ran = cli("ls", "model", "--module", "nothing")
    assert (ran.code, "no such module" in ran.err) == (2, True)


def test_the_table_names_everything(cli: Cli) -> None:
    out = cli("ls", "model", "--stats").out
    assert out.startswith("model: safetensors, 6 tensors, 168 numbers, 704 B\n")
    assert "enc.weight_ih_l0" in out
    assert "(16, 3)" in out
    assert re.search(r"(?m)^enc +LSTM\(3, 4, bias=False\) of pytorch$", out)
    assert "1.000e+308" in out


def test_markdown_and_csv_say_the_same(cli: Cli) -> None:
    assert (
        "| `enc.weight_ih_l0` | enc | float32 | `(16, 3)` | 48 | 192 B |"
        in cli("ls", "model", "--format", "markdown").out
    )
    section = cli("ls", "model", "--format", "csv").out.partition("\n\n")[0]
    table = list(csv.DictReader(io.StringIO(section)))
    assert [row["name"] for row in table] == list(ARRAYS)
    assert table[0] == {
        "module": "model",
        "name": "enc.weight_ih_l0",
        "owner": "enc",
        "dtype": "float32",
        "shape": "(16, 3)",
        "count": "48",
        "bytes": "192",
    }


def test_a_long_list_is_folded_in_the_table_alone(cli: Cli) -> None:
    count = 2 * _SHOWN + 3
    write_safetensors(Path("many"), {f"t{number:05}": np.zeros(1, np.float32) for number in range(count)})
    out = cli("ls", "many").out
    assert "3 more tensors" in out
    assert (f"t{_SHOWN - 1:05}" in out, f"t{_SHOWN:05}" in out, f"t{count - 1:05}" in out) == (True, False, True)
    assert len(rows(cli("ls", "many", "--json"))) == count


def test_a_file_without_tensors_is_listed(cli: Cli) -> None:
    Path("empty").write_bytes(safetensors_bytes({}, b""))
    assert module(cli("ls", "empty", "--stats", "--json"))["tensors"] == []
    assert "none is recognised in this file" in cli("ls", "empty").out


def test_numbers_that_are_not_read_are_noted(cli: Cli) -> None:
    np.savez(
        "a.npz", w=np.zeros(2), c=np.zeros(2, complex), t=np.array(["x"]), o=np.array([[]], object), s=np.array("x")
    )
    ran = cli("ls", "a.npz", "--stats", "--json")
    assert rows(ran)["w"]["max"] == 0
    assert rows(ran)["o"]["max"] is None
    assert ran.err.splitlines() == [
        "note: no statistics of c: numbers of complex128 have no order",
        "note: no statistics of t: numbers of text1 are not read",
        "note: no statistics of o: an array of objects, which is a pickle, is not read",
        "note: no statistics of 1 more",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no file is named"),
        (["nothing"], "cannot read nothing"),
        (["nowhere/"], "cannot read nowhere/"),
        (["text"], "text is not a weight file that is read"),
        (["model", "--format", "x"], "--format"),
    ],
)
def test_refusals(cli: Cli, arguments: list[str], words: str) -> None:
    Path("text").write_text("nn.LSTM(10, 20)", encoding="utf-8")
    ran = cli("ls", *arguments)
    assert ran.code == 2
    assert words in ran.err.partition("\n")[0]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"architecture": "WaveNet", "config": {"layers": []}, "weights": [0.5]},
            "a model of Neural Amp Modeler (.nam), which is not read",
        ),
        ({"in_shape": [1], "layers": [{"type": "lstm"}]}, "a model of RTNeural, which is not read"),
    ],
)
def test_models_that_are_text_are_named_by_their_content(document: dict[str, Any], words: str, cli: Cli) -> None:
    Path("model.txt").write_text(json.dumps(document), encoding="utf-8")
    ran, told = cli("ls", "model.txt"), cli("shapes", "model.txt")
    assert (ran.code, told.code) == (2, 2)
    assert ran.err.startswith(f"error: model.txt looks like {words}\n")
    assert ran.err.splitlines()[-1] == told.err.splitlines()[-1]  # what helps


def test_names_have_no_control_characters_on_a_terminal(cli: Cli) -> None:
    arrays = {"a\x1b[31m.weight_hh_l0": np.zeros((16, 4), np.float32), "b\x1b" + "x" * 999: np.zeros(1, np.float32)}
    write_safetensors(Path("a"), arrays)
    for style in ("table", "csv", "markdown", "json"):
        ran = cli("ls", "a", "--stats", "--format", style)
        assert ran.code == 0
        assert "\x1b" not in ran.out + ran.err
        assert ("x" * 400 in ran.out) == (
            style in ("csv", "json")
        )  # for people a name has an end, for scripts it is whole
    ran = cli("params", "a", "--input", "3")
    assert "\x1b" not in ran.out + ran.err


def test_a_narrow_screen_says_in_a_line_what_is_the_same_everywhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {name: np.ones((300, 400), np.float32) for name in ("lstm.weight_ih_l0_of_it", "b")}
    path = write_safetensors(tmp_path / "a.safetensors", arrays)
    monkeypatch.setenv("COLUMNS", "70")
    shown = cli("ls", path, "--stats").out.splitlines()
    assert [line.split() for line in shown if line.startswith(("dtype", "nan", "inf", "size"))] == [
        ["inf", "none"],
        ["nan", "none"],
        ["size", "937.5", "KiB", "in", "all"],
        ["dtype", "float32,", "all", "of", "them"],
    ]
    arrays["b"][0, 0] = np.nan
    write_safetensors(tmp_path / "a.safetensors", {**arrays, "c": np.ones(1, np.float16)})
    assert "nan" in cli("ls", path, "--stats").out.splitlines()[2].split()
    assert not any(line.startswith("dtype") for line in cli("ls", path).out.splitlines())
