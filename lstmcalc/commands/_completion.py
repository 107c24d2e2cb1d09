"""Completion in a shell: the words of its line, and the LSTMs of the file that stands in it.

The names of LSTMs are asked for in the middle of typing, and reading a file takes as long as typer's import. bash is
given a line for each name, which needs no typer; other shells are answered by typer, with the same names.

Not here: completion of anything else, and the scripts that shells install (`application`, by typer).
"""

import os
from contextlib import suppress
from typing import Final

from lstmcalc.errors import LstmcalcError

ASKED: Final = "_LSTMCALC_COMPLETE"  # the variable that the shell's script sets
# Where shells put the line that is to be completed: bash, and what typer's scripts for the others set.
LINES: Final = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
_BASH: Final = "complete_bash"  # of typer 0.26 to 0.29, _completion_classes.py: a line for each completion
_MODULE: Final = ("--module", "-m")
_LEAST: Final = 2  # words before the name: the program, and the flag


def line_words() -> list[str]:
    """The words of the line that a shell asks to complete; the last one is empty if it is still to come."""
    line = next((os.environ[name] for name in LINES if os.environ.get(name)), "")
    return [*line.split(), *([""] if line[-1:].isspace() else [])]


def modules_in_line() -> list[str]:
    """The LSTMs of the file that stands in the line."""
    from lstmcalc.intake.choosing import names_in

    with suppress(LstmcalcError):
        for word in line_words()[1:]:
            if os.path.isfile(word):  # noqa: PTH113  # start-up
                return names_in(word)
    return []


def answer_for_bash() -> str | None:
    """The answer to bash where it asks for the value of `--module`; None where typer is to answer."""
    words = line_words()
    at = os.environ.get("COMP_CWORD", "")
    asks = len(words) > _LEAST and words[-2] in _MODULE and at == str(len(words) - 1)
    if os.environ.get(ASKED) != _BASH or not asks:
        return None
    return "\n".join(name for name in modules_in_line() if name.startswith(words[-1]))
