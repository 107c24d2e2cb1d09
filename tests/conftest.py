"""Run `lstmcalc` the way a shell does, and keep what it prints in files that can be looked at."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


def shell_environment(**changes: str) -> dict[str, str]:
    """The environment of a plain pipe of 80 columns, whatever this process was started in."""
    ours = ("PYTHON", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "TTY_", "LC_", "LANG", "_LSTMCALC")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Not what is installed, but what these tests stand beside.
    own = {"PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": "utf-8"}
    return {**kept, "COLUMNS": "80", "TERM": "xterm-256color", **own, **changes}


def run_lstmcalc(*arguments: str, stdin: str = "", cwd: str | Path = ".", **environment: str) -> Ran:
    """Run a command in a process of its own, with stdin, stdout and stderr as pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "lstmcalc", *arguments],
        capture_output=True,
        encoding="utf-8",
        env=shell_environment(**environment),
        check=False,
        input=stdin,
        cwd=cwd,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def without_last_digits(text: str) -> str:
    """A run's report without the errors that another processor would compute differently."""
    return re.sub(r"(\d\.?\d*e-\d\d|\b0)(?=`?[ |]+yes)", "small".ljust(8), text)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command in this process: the same path from arguments to exit code, without starting Python."""
    from lstmcalc.cli import run_command_line

    for name in list(os.environ):
        if name not in shell_environment():
            monkeypatch.delenv(name)
    for name, value in shell_environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        code = run_command_line(arguments)
        return Ran(code, *capfd.readouterr())

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--overwrite", action="store_true", help="replace the golden files and the README's outputs")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Hold a text against its golden file; `--overwrite` replaces the file, to be looked at before it is kept."""

    def compare(name: str, text: str) -> None:
        path = HERE / "golden" / name
        if request.config.getoption("--overwrite"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Slow ones last, so that a mistake is seen early."""
    items.sort(key=lambda item: "test_verify" in item.nodeid or "test_oracle" in item.nodeid)
