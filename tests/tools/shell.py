"""Run `lstmcalc` the way a shell does."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

TESTS: Final = Path(__file__).parent.parent


class Ran(NamedTuple):
    """The outcome of a command."""

    code: int
    out: str
    err: str


def shell_environment(**changes: str) -> dict[str, str]:
    """The environment of a plain pipe of 80 columns, whatever this process was started in."""
    ours = ("PYTHON", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "TTY_", "LC_", "LANG", "_LSTMCALC")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Not what is installed, but what these tests stand beside.
    own = {"PYTHONPATH": str(TESTS.parent), "PYTHONIOENCODING": "utf-8"}
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
    text = re.sub(r"(\d\.?\d*e-\d\d|\b0)(?=`?[ |]+pass)", "small".ljust(8), text)
    return re.sub(r"(?<=agrees within )[\d.e-]+", "a little", text)
