"""Errors as documents: with --json, on stdout, whatever is wrong."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import cli as program
from lstmcalc import errors
from lstmcalc.__main__ import main
from lstmcalc.application import asks_for_json
from lstmcalc.commands._output import Outcome, TypedFlags
from lstmcalc.commands.registry import COMMANDS, load_command
from lstmcalc.errors import ExitCode, LstmcalcError
from lstmcalc.proof import run as verify
from tools.shell import Ran

Cli = Callable[..., Ran]

KINDS = {
    "usage",
    "not-found",
    "unreadable",
    "unsupported",
    "no-lstm",
    "unknown-setting",
    "contradiction",
    "limit",
    "missing-extra",
    "internal",
}
KEYS = ["kind", "message", "expected", "found", "hint", "where"]

FAILING = [
    ("shapes --hidden 0", "usage"),
    ("shapes --hiden 3", "usage"),
    ("shapes --hidden", "usage"),
    ("shapes --bi=maybe", "usage"),
    ("shapes LSTM(1,2) LSTM(3,4)", "usage"),
    ("shpes", "not-found"),
    ("params --repeat 4", "usage"),
    ("shapes --framework nothing", "usage"),
    ("run --save run.npy", "usage"),
    ("run --save /no/such/run.npz", "usage"),
    ("solve hidden", "usage"),
    ("diff", "usage"),
    ("ls", "usage"),
    ("shapes missing.py", "not-found"),
    ("ls missing.npz", "not-found"),
    ("run --input missing.npy", "not-found"),
    ("shapes a.py --module b", "not-found"),
    ("shapes .", "unreadable"),
    ("shapes broken.toml", "unreadable"),
    ("ls a.py", "unreadable"),
    ("shapes open.py", "unknown-setting"),
    ("shapes --unbatched --batch 4", "contradiction"),
    ("shapes --lengths 4,2,3 --batch 2", "contradiction"),
    ("shapes --lengths 4,2,3 --seq 3", "contradiction"),
    ("sweep --bi --directions 1,2", "contradiction"),
    ("shapes --lengths 1000000000", "limit"),
    ("shapes nn.LSTM(1,2,proj_size=1) --framework keras", "unsupported"),
    ("run --against onnxruntime --proj 3", "unsupported"),
    ("shapes nothing.py", "no-lstm"),
    ("run --against keras", "missing-extra"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "keras", None)
    Path("a.py").write_text("a = nn.LSTM(1, 2)\n", encoding="utf-8")
    Path("open.py").write_text("a = nn.LSTM(1, args.hidden)\n", encoding="utf-8")
    Path("nothing.py").write_text("a = nn.Linear(1, 2)\n", encoding="utf-8")
    Path("broken.toml").write_text("[lstm\n", encoding="utf-8")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("asked", [["--json"], ["--format", "json"], ["--format=json"]])
@pytest.mark.parametrize(("line", "kind"), FAILING)
def test_an_error_is_a_document_on_stdout(cli: Cli, line: str, kind: str, asked: Sequence[str]) -> None:
    plain = cli(*line.split(" "))
    command, *rest = line.split(" ")
    ran = cli(command, *asked, *rest)
    assert (ran.code, ran.err) == (plain.code, plain.err) == (2, ran.err)
    document = json.loads(ran.out)
    assert list(document) == ["schema", "error"]
    assert document["schema"] == 1
    error = document["error"]
    assert list(error) == KEYS
    assert error["kind"] == kind
    assert all(value is None or (isinstance(value, str) and value) for value in error.values())
    assert error["message"] in ran.err
    assert plain.out == ""


def test_a_contradiction_of_formats_is_a_document_where_one_of_them_is_json(cli: Cli) -> None:
    ran = cli("shapes", "--json", "--format", "csv")
    assert json.loads(ran.out)["error"]["kind"] == "contradiction"
    assert ran.err == "error: --json and --format csv: contradictory formats\n  expected one of the two\n"
    assert cli("shapes", "--format", "jsn").out == ""
    assert cli("shapes", "--module", "--json").out == ""  # the value of --module


def test_every_kind_has_an_error_and_every_error_a_kind() -> None:
    family = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, LstmcalcError)]
    assert {item.kind for item in family} == KINDS
    assert {kind for _, kind in FAILING} == KINDS - {"internal"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [(MemoryError(), "limit"), (ImportError("libblas: no"), "internal"), (errors.ArrayError("no"), "usage")],
)
def test_what_the_machine_refuses_is_a_document_too(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, kind: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(verify, "run", refuse)
    ran = cli("run", "--json")
    assert (ran.code, json.loads(ran.out)["error"]["kind"]) == (2, kind)


@pytest.mark.parametrize("asked", [[], ["--json"]])
def test_a_fault_of_ours_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("one by \x1b[31mzero")

    monkeypatch.setattr(program.PROGRAM, "run", fail)
    monkeypatch.setattr(sys, "argv", ["lstmcalc", "shapes", *asked])
    assert main() == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert err.startswith("error: this is a fault of lstmcalc\n  found ZeroDivisionError: one by ")
    assert "Traceback" not in err
    assert bool(out) == bool(asked)
    if asked:
        assert json.loads(out)["error"]["kind"] == "internal"


WORDS = st.sampled_from(
    [
        "--json",
        "--format",
        "--format=json",
        "--format=csv",
        "json",
        "table",
        "--module",
        "-m",
        "-mjson",
        "--hidden",
        "3",
    ]
) | st.sampled_from(["--bi", "--", "a", "-H", "--set", "--set=x=--json", "--lengths", "4,2"])


@given(st.sampled_from([*COMMANDS]), st.lists(WORDS, max_size=7))
def test_json_is_asked_for_where_the_command_takes_it_so(name: str, words: list[str]) -> None:
    command = load_command(name)
    styles = []

    def run(typed: TypedFlags) -> Outcome:
        styles.append((typed["format"], typed["json"]))
        raise LstmcalcError("read")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"lstmcalc.commands.{name}.command.COMMAND", command._replace(run=run))
        patch.setattr(sys, "stdout", None)
        patch.setattr(sys, "stderr", None)
        program.run_command_line([name, *words])
    for style, short in styles:
        assert asks_for_json([name, *words]) == (style == "json" or bool(short))
