"""The JSON contract: keys, types and order are a promise; what they hold is tested against PyTorch elsewhere."""

import csv
import io
import json
import operator
import re
from collections.abc import Callable
from typing import Any

import pytest

from lstmcalc import LSTMModel, __version__
from tools.documents import HEAD, document, module
from tools.shell import Ran

Cli = Callable[..., Ran]


@pytest.mark.parametrize("command", ["shapes", "params", "run"])
def test_every_document_has_the_same_head(cli: Cli, command: str) -> None:
    tree = document(cli(command, "--json"))
    assert list(tree) == ["schema", "lstmcalc", "command", "open", "modules"]
    assert (tree["schema"], tree["lstmcalc"], tree["command"]) == (1, __version__, command)
    (found,) = tree["modules"]
    assert list(found)[: len(HEAD)] == HEAD
    assert (found["name"], found["framework"], found["kind"], found["text"]) == (
        "lstm",
        "pytorch",
        "layer",
        "LSTM(10, 20)",
    )
    assert found["config"] == {
        "input_size": 10,
        "hidden_size": 20,
        "num_layers": 1,
        "bias": True,
        "batch_first": False,
        "dropout": 0.0,
        "bidirectional": False,
        "proj_size": 0,
    }


def test_shapes(cli: Cli) -> None:
    found = module(cli("shapes", "--hidden", "20", "--layers", "2", "--bi", "--json"))
    assert list(found) == [
        *HEAD,
        *("activations", "data", "around", "symbols", "tensors", "head_reads", "states", "notes"),
    ]
    assert found["data"] == {"seq_len": 5, "batch": 3, "lengths": None, "unbatched": False, "dtype": "float32"}
    assert found["symbols"] == {"N": 3, "L": 5, "D": 2, "H_in": 10, "H_cell": 20, "H_out": 20, "num_layers": 2}
    assert found["tensors"][3] == {
        "name": "output",
        "role": "output",
        "symbolic": ["L", "N", "D*H_out"],
        "shape": [5, 3, 40],
        "bytes": 2400,
    }
    assert [tensor["name"] for tensor in found["tensors"]] == ["input", "h_0", "c_0", "output", "h_n", "c_n"]
    assert found["states"] == [
        {"index": 0, "layer": 0, "direction": "forward", "h_n_equals": None, "h_n_differs_from": None},
        {"index": 1, "layer": 0, "direction": "reverse", "h_n_equals": None, "h_n_differs_from": None},
        {
            "index": 2,
            "layer": 1,
            "direction": "forward",
            "h_n_equals": "output[-1, :, :20]",
            "h_n_differs_from": None,
        },
        {
            "index": 3,
            "layer": 1,
            "direction": "reverse",
            "h_n_equals": "output[0, :, 20:40]",
            "h_n_differs_from": "output[-1, :, 20:40]",
        },
    ]


def test_shapes_of_packed_and_of_unbatched_input(cli: Cli) -> None:
    packed = module(cli("shapes", "--lengths", "4,2,3", "--json"))
    assert [tensor["name"] for tensor in packed["tensors"]][6:] == ["packed.data", "packed.batch_sizes"]
    assert packed["tensors"][6]["symbolic"] == ["S", "H_in"]
    assert packed["data"]["lengths"] == [4, 2, 3]
    assert packed["packed"] == {"batch_sizes": [3, 3, 2, 1]}
    assert packed["states"][0]["h_n_equals"] == "output[[3, 1, 2], [0, 1, 2], :20]"
    unbatched = module(cli("shapes", "--unbatched", "--json"))
    assert unbatched["data"] == {"seq_len": 5, "batch": None, "lengths": None, "unbatched": True, "dtype": "float32"}
    assert "N" not in unbatched["symbols"]


def test_params(cli: Cli) -> None:
    found = module(cli("params", "--hidden", "20", "--layers", "2", "--bi", "--json"))
    own = ["around", "symbols", "parameters", "subtotals", "total", "total_symbolic", "dtype", "total_bytes"]
    around = ["extras", "head_reads", "grand_total", "grand_total_symbolic", "grand_total_bytes"]
    assert list(found) == [*HEAD, *own, *around, "notes"]
    assert (found["extras"], found["head_reads"], found["grand_total"]) == ([], None, 15040)
    assert found["parameters"][0] == {
        "name": "weight_ih_l0",
        "layer": 0,
        "direction": "forward",
        "symbolic": ["4*H_cell", "H_in"],
        "shape": [80, 10],
        "count": 800,
        "gate_axis": 0,
        "gates": {"i": [0, 20], "f": [20, 40], "g": [40, 60], "o": [60, 80]},
    }
    assert found["total"] == 15040
    assert eval(found["total_symbolic"], {}, found["symbols"]) == 15040
    assert found["total_bytes"] == 4 * 15040
    assert found["subtotals"][0] == {
        "layer": 0,
        "direction": "forward",
        "count": 2560,
        "symbolic": "4*H_cell*H_in + 4*H_cell*H_out + 8*H_cell",
    }
    assert sum(row["count"] for row in found["parameters"]) == sum(row["count"] for row in found["subtotals"]) == 15040


def test_gates_are_null_where_there_are_none(cli: Cli) -> None:
    found = module(cli("params", "--proj", "5", "--gate", "forget", "--json"))
    assert found["gate"] == "f"
    assert [row["slice"] for row in found["parameters"]] == [
        "lstm.weight_ih_l0[20:40]",
        "lstm.weight_hh_l0[20:40]",
        "lstm.bias_ih_l0[20:40]",
        "lstm.bias_hh_l0[20:40]",
        None,
    ]
    assert found["parameters"][-1]["gates"] is found["parameters"][-1]["gate_axis"] is None
    assert found["total"] == sum(row["count"] for row in found["parameters"])  # counts and totals stay


def test_run(cli: Cli) -> None:
    found = module(cli("run", "--bi", "--json"))
    assert list(found) == [
        *HEAD,
        "activations",
        "data",
        "around",
        "symbols",
        "seed",
        "generator",
        "drawn",
        "weights_from",
        "input_from",
        "reproduce",
        "checks",
        "passed",
        "tensors",
        "notes",
    ]
    assert (found["seed"], found["generator"], found["passed"]) == (0, "torch", True)
    for check in found["checks"]:
        assert list(check) == ["name", "relation", "expected", "actual", "max_abs_error", "passed"]
        assert not isinstance(check["expected"], str)
        compare = {"=": operator.eq, "<=": operator.le, ">": operator.gt}[check["relation"]]
        assert compare(check["actual"], check["expected"]) is check["passed"] is True
    assert list(found["tensors"][0])[-4:] == ["min", "max", "mean", "std"]
    assert found["tensors"][0]["min"] < found["tensors"][0]["mean"] < found["tensors"][0]["max"]


def test_show_adds_every_tensor_as_pytorch_prints_it(cli: Cli) -> None:
    arguments = ("run", "--hidden", "2", "--layers", "7", "--embed", "9", "--head", "3")
    plain, found = (module(cli(*arguments, *more, "--json")) for more in ((), ("--show",)))
    assert {name: value for name, value in found.items() if name != "shown"} == plain
    assert [row["name"] for row in found["shown"][:2]] == ["weight_ih_l0", "weight_hh_l0"]
    around = ["embedding.weight", "head.weight", "head.bias"]
    data = ["tokens", "input", "h_0", "c_0", "output", "h_n", "c_n", "logits"]
    assert [row["name"] for row in found["shown"] if row["layer"] == 7] == [*around, *data]
    assert found["shown"][-8]["text"].startswith("tensor([[")
    out = cli(*arguments, "--show").out
    assert found["shown"][-1]["text"] in out
    shown = re.findall(r"^# (\S+) \(", out, re.MULTILINE)
    assert shown == [row["name"] for row in found["shown"] if row["layer"] not in (3, 4, 5)]
    assert "\n# the weights of 3 more layers\n" in out
    assert "more layer" not in cli("run", "--hidden", "2", "--show").out


def test_tensors_without_values_have_null_statistics(cli: Cli) -> None:
    found = module(cli("run", "--batch", "0", "--json"))
    assert all(tensor[name] is None for tensor in found["tensors"] for name in ("min", "max", "mean", "std"))


def test_a_failed_check_is_in_the_json_and_the_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LSTMModel, "num_parameters", 7)
    ran = cli("run", "--json")
    assert ran.code == 1
    (found,) = json.loads(ran.out)["modules"]
    assert found["passed"] is False
    assert [check["name"] for check in found["checks"] if not check["passed"]] == ["number of weights"]
    table = cli("run")
    assert table.code == 1
    assert "1 of 21 checks FAILED: number of weights" in table.out


def origin(source: str, certainty: str) -> dict[str, Any]:
    return {"from": source, "where": None, "certainty": certainty}


def test_provenance(cli: Cli) -> None:
    found = module(cli("shapes", "--hidden", "512", "--lengths", "4,2", "--json"))["provenance"]
    assert found["hidden_size"] == origin("flag", "stated")
    assert found["input_size"] == origin("default", "assumed")
    assert found["num_layers"] == origin("default", "stated")  # PyTorch's own default
    assert found["lengths"] == origin("flag", "stated")
    assert found["seq_len"] == found["batch"] == origin("flag", "inferred")
    plain = module(cli("shapes", "--json"))["provenance"]
    assert plain["seq_len"] == plain["batch"] == origin("default", "assumed")
    assert (
        set(plain)
        == set(found)
        == {*module(cli("shapes", "--json"))["config"], *module(cli("shapes", "--json"))["data"]}
    )
    assert "seq_len" not in module(cli("params", "--json"))["provenance"]


def test_notes_are_in_the_json_and_on_stderr(cli: Cli) -> None:
    ran = cli("shapes", "--dropout", "0.5", "--json")
    (found,) = json.loads(ran.out)["modules"]
    note = (
        "dropout = 0.5 does nothing with num_layers = 1: it acts after every layer but the last, "
        "and PyTorch warns of it"
    )
    assert found["notes"] == [note]
    assert ran.err == f"note: {note}\n"
    assert cli("shapes", "--dropout", "0.5", "--layers", "2").err == ""
    assert cli("shapes", "--batch-first", "--unbatched").err == (
        "note: batch_first does nothing here: unbatched input has no batch axis\n"
    )


def test_thousands_of_layers_are_listed(cli: Cli) -> None:
    found = module(cli("params", "--layers", "2000", "--bi", "--json"))
    assert len(found["parameters"]) == 16_000
    assert sum(row["count"] for row in found["parameters"]) == found["total"]
    assert found["parameters"][-1]["name"] == "bias_hh_l1999_reverse"


def test_json_has_one_line_for_each_row(cli: Cli) -> None:
    lines = cli("params", "--json").out.splitlines()
    assert sum('"weight_ih_l0"' in line for line in lines) == 1
    assert json.loads(next(line for line in lines if '"weight_ih_l0"' in line).rstrip(","))["count"] == 800


def sections(text: str) -> list[list[dict[str, str]]]:
    return [list(csv.DictReader(io.StringIO(part))) for part in text.split("\n\n")]


def test_csv_has_a_section_for_each_list(cli: Cli) -> None:
    parameters, subtotals = sections(cli("params", "--bi", "--format", "csv").out)
    assert list(parameters[0])[:2] == ["module", "name"]
    assert {row["module"] for row in parameters} == {"lstm"}
    assert sum(int(row["count"]) for row in parameters) == sum(int(row["count"]) for row in subtotals) == 5120
    assert parameters[0]["shape"] == "(80, 10)"
    assert parameters[0]["gates"] == "i 0:20, f 20:40, g 40:60, o 60:80"
    tensors, states = sections(cli("shapes", "--bi", "--format", "csv").out)
    assert [row["name"] for row in tensors] == ["input", "h_0", "c_0", "output", "h_n", "c_n"]
    assert states[1]["h_n_equals"] == "output[0, :, 20:40]"
    checks, _ = sections(cli("run", "--format", "csv").out)
    assert {row["passed"] for row in checks} == {"true"}


@pytest.mark.parametrize("style", ["table", "json", "markdown", "csv"])
def test_too_many_rows_are_refused_with_their_number(cli: Cli, style: str) -> None:
    for command, rows, what in (
        ("params", "4,000,000,000", "parameter"),
        ("shapes", "1,000,000,000", "index of h_n and c_n"),
    ):
        ran = cli(command, "--layers", "1000000000", "--format", style)
        assert (ran.code, "this report would be too long" in ran.out) == (2, style == "json")
        assert ran.err == (
            "error: this report would be too long\n"
            f"  expected at most 1,000,000 rows, found {rows} rows, one for each {what}\n"
            "  hint: fewer layers (--layers) make fewer rows\n"
        )
