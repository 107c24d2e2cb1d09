"""Names do no harm: wherever they are from and wherever they are printed, they are text and nothing else."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st

from lstmcalc.cli import run_command_line
from lstmcalc.errors import LstmcalcError, harmless
from lstmcalc.report.data_formats import write_csv
from tools.examples import examples
from tools.shell import Ran
from tools.weight_writers import write_safetensors

# What terminals, editors, spreadsheets and Markdown take for more than text.
ODD = (
    "\x1b[31m", "\x1b]0;t\x07", "\x9b2J", "\x90", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\b", "\r", "\n",
    "\t", "\x7f", "|", "\\|", "\\", "`", "```", "*", "_", "<b>", "[red]", "[x](y)", "$a$", "=1+1", "+1", "-1", "@a",
    ",", ";", '"', "'", " ", "&amp;", "~~", "e\u0301", "\u6f22", "\U0001f600",
)  # fmt: skip
names = st.lists(st.sampled_from([*ODD, "a", "b1", "."]), min_size=1, max_size=6).map("".join)

FORMATS = ("table", "json", "markdown", "csv")


def run(*arguments: str) -> Ran:
    """Run a command in this process, as often as an example needs it."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command_line(arguments)
    return Ran(code, out.getvalue(), err.getvalue())


def check(ran: Ran, style: str) -> None:
    """What is printed is lines of printable text; a table of Markdown has its columns, a cell of CSV no formula."""
    assert ran.code in (0, 1, 2)
    for text in (ran.out, ran.err):
        assert [line for line in text.split("\n") if not line.isprintable()] == []
        assert "this is a fault" not in text
    assert [line for line in ran.err.splitlines() if not line.startswith(("error: ", "note: ", "  "))] == []
    if style == "markdown":
        check_markdown(ran.out)
    elif style == "csv":
        check_csv(ran.out)
    elif style == "json" and ran.out:
        json.loads(ran.out)


def check_markdown(text: str) -> None:
    fence = ""
    for block in re.split(r"\n\n", text):
        rows = [line for line in block.splitlines() if line.startswith("|")] if not fence else []
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1, block
        for line in block.splitlines():
            ticks = re.match("`*", line)
            if ticks and len(ticks[0]) >= 3 and (not fence or line == fence):
                fence = "" if fence else ticks[0]
            elif not fence:
                bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line)  # without code
                assert not re.search(r"(?<!\\)<(?!/?code>)", bare), line
    assert not fence


def check_csv(text: str) -> None:
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            if cell.lstrip()[:1] in tuple("=+-@"):
                float(cell)


@contextmanager
def folder(path: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("COLUMNS", "100")
        yield


def weights(name: str, hidden: int = 2) -> dict[str, np.ndarray[Any, Any]]:
    shapes: dict[str, tuple[int, ...]] = {"weight_ih_l0": (4 * hidden, 3), "weight_hh_l0": (4 * hidden, hidden)}
    shapes |= {"bias_ih_l0": (4 * hidden,), "bias_hh_l0": (4 * hidden,)}
    return {f"{name}.{key}": np.zeros(shape, np.float32) for key, shape in shapes.items()}


COMMANDS = (
    "shapes", "params", "params --gate f", "explain", "frameworks", "frameworks --only keras,onnx", "cost", "run",
    "solve hidden --params 1M", "sweep --seq 2,3", "shapes --framework keras",
)  # fmt: skip
reports = st.tuples(st.sampled_from(COMMANDS), st.sampled_from(FORMATS))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("names")


FILE_COMMANDS = ("ls a", "ls a --stats", "diff a --hidden 5", "diff a a --values", "shapes a --module", "ls a --module")


@examples(30, HealthCheck.function_scoped_fixture)
@given(names, names, reports, st.sampled_from(FILE_COMMANDS))
@example("\x1b[31m", "=1+1", ("params", "csv"), "ls a --stats")
@example("a\\|b", "a|b", ("params", "markdown"), "ls a")
def test_names_in_a_weight_file(here: Path, name: str, other: str, report: tuple[str, str], too: str) -> None:
    command, style = report
    with folder(here):
        write_safetensors(Path("a"), {**weights(name), **weights(f"{other}.x", 1), other: np.zeros(2, np.float32)})
        check(run(*command.split(" "), "a", "--format", style), style)
        check(run(*too.split(" "), *[other] * too.endswith("--module"), "--format", style), style)


@examples(10, HealthCheck.function_scoped_fixture)
@given(names, names)
def test_names_are_whole_in_json(here: Path, name: str, other: str) -> None:
    with folder(here):
        arrays = {**weights(name), **weights(f"{other}.x", 1), other: np.zeros(2, np.float32)}
        write_safetensors(Path("a"), arrays)
        (listed,) = json.loads(run("ls", "a", "--json").out)["modules"]
        assert {row["name"] for row in listed["tensors"]} == arrays.keys()
        shown = [module["name"] for module in json.loads(run("shapes", "a", "--json").out)["modules"]]
        assert set(shown) == {row["name"] for row in listed["lstms"]}
        for module in shown:
            if sum(one == module or one.endswith(f".{module}") for one in shown) == 1 and module[:1] != "-":
                (picked,) = json.loads(run("shapes", "a", "--json", f"--module={harmless(module)}").out)["modules"]
                assert harmless(picked["name"]) == harmless(module)


@examples(30, HealthCheck.function_scoped_fixture)
@given(names, st.sampled_from(["printed", "code", "toml", "json", "keras"]), reports)
@example("a\x1b[31m|", "keras", ("shapes", "table"))
@example("=a\u202e", "toml", ("params", "csv"))
def test_names_in_a_text(here: Path, name: str, kind: str, report: tuple[str, str]) -> None:
    text = {
        "printed": f"Net(\n  ({name}): LSTM(3, 2)\n  (b): LSTM(2, 2, {name})\n)",
        "code": f"a = {{{name!r}: nn.LSTM(3, 2)}}\n# {name}\nb = nn.LSTM(args[{name!r}], 2)\n",
        "toml": f"[lstm.{json.dumps(name)}]\ninput_size = 3\nhidden_size = 2\n",
        "json": json.dumps({"lstm": {name: {"input_size": 3, "hidden_size": 2}}}),
        "keras": json.dumps(keras_model(name)),
    }[kind]
    command, style = report
    with folder(here):
        Path("a").write_text(text, encoding="utf-8")
        check(run(*command.split(" "), "a", "--format", style), style)
        check(run("shapes", text, "--format", style), style)
        check(run("diff", "a", "nn.LSTM(3, 4)", "--format", style), style)


def keras_model(name: str) -> dict[str, object]:
    layer = {"name": name, "units": 2, "activation": name, "recurrent_activation": name}
    inputs = {"class_name": "InputLayer", "config": {"name": name, "batch_shape": [None, 5, 3]}}
    layers = [inputs, {"class_name": "LSTM", "config": layer}, {"class_name": name, "config": {"name": name}}]
    return {"class_name": "Sequential", "config": {"name": name, "layers": layers}, "keras_version": name}


# Options that take any text, with the commands that have them.
OPTIONS = (
    "shapes --hidden", "shapes --lengths", "shapes --dtype", "shapes --framework", "shapes --module", "shapes --set",
    "shapes --format", "shapes --dropout", "shapes", "params --gate", "explain --topic", "frameworks --only",
    "cost --optimizer", "solve", "solve hidden --params", "solve hidden --memory", "sweep --hidden", "sweep --show",
    "sweep --hidden 2,3 --sort", "sweep --hidden 2,3 --plot", "ls", "ls --module", "diff", "diff a --tolerance",
    "run --seed", "run --against", "run --save", "run --input", "run --repeat", "", "shapes --head-on", "shapes LSTM(",
)  # fmt: skip


@examples(60, HealthCheck.function_scoped_fixture)
@given(names, st.sampled_from(OPTIONS), st.booleans())
def test_what_is_typed(here: Path, name: str, options: str, as_json: bool) -> None:
    assume("\0" not in name)
    with folder(here):
        check(run(*options.split(" "), name, *["--json"] * as_json), "json" if as_json else "table")


@examples(20, HealthCheck.function_scoped_fixture)
@given(names, st.sampled_from(["shapes", "ls", "params", "run", "diff"]), st.sampled_from(FORMATS))
def test_names_of_files(here: Path, name: str, command: str, style: str) -> None:
    path = name.replace("/", "").replace("\0", "") or "a"
    assume(path not in (".", "..") and not path.startswith("-"))
    with folder(here):
        write_safetensors(Path(path), weights("a"))
        check(run(command, path, *[path] * (command == "diff"), "--format", style), style)
        check(run("run", "--save", f"{path}.npz"), "table")
        check(run("diff", path, f"{path}.npz", "--format", style), style)
        Path(path).write_text("nn.LSTM(1, n)\n(", encoding="utf-8")
        check(run("shapes", path, "--format", style), style)
        Path(path).unlink()


@given(names)
def test_an_error_has_its_own_lines_and_no_others(name: str) -> None:
    error = LstmcalcError(name, name, name, name, name).showing(name, f"x = 1\n    ^{name}".replace("\n\n", "\n"))
    lines = str(error).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


@given(st.text())
def test_harmless_text_is_printable_and_loses_nothing_that_prints(text: str) -> None:
    shown = harmless(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()
    assert "".join(each for each in text if each.isprintable()) == "" or len(shown) >= 1


def test_a_long_text_is_cut_where_it_can_be_seen() -> None:
    assert harmless("a" * 99, most=10) == "a" * 7 + "..."
    assert harmless("a" * 10, most=10) == "a" * 10


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+a", "'+a"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\\t=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("-1.5", "-1.5"),
        ("+3", "+3"),
        ("-1e-05", "-1e-05"),
        (-1.5, "-1.5"),
        (-3, "-3"),
        ("a\x1b[0m", "a\\x1b[0m"),
        ("output[-1]", "output[-1]"),
        (["=a", "b"], "(=a, b)"),
        ({"=a": 1}, "'=a 1"),
        (True, "true"),
        (None, ""),
    ],
)
def test_a_cell_of_csv_is_no_formula_and_a_number_stays_one(value: object, cell: str) -> None:
    stream = io.StringIO()
    write_csv({"modules": [{"name": "=lstm", "rows": [{"value": value}]}]}, stream)
    assert list(csv.reader(io.StringIO(stream.getvalue()))) == [["module", "value"], ["'=lstm", cell]]
