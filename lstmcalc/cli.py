"""The program: run the command that is named, write its report, say what went wrong, give the exit code."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

from lstmcalc.application import Application, asks_for_json
from lstmcalc.commands._colours import ERROR, NOTE, styled
from lstmcalc.commands._output import Outcome
from lstmcalc.errors import ExitCode, LstmcalcError, OutputError, TooLargeError, harmless
from lstmcalc.readers.files.budget import one_command

PROGRAM: Final = Application(
    "lstmcalc",
    "Shapes, parameters, cost and proof of any LSTM that PyTorch accepts: lstmcalc SOURCE says what is in it.",
    """
    lstmcalc model.pt
    lstmcalc "nn.LSTM(10, 20, 2, bidirectional=True)"
    lstmcalc shapes --hidden 20 --layers 2 --bi
    lstmcalc params train.py
    """,
)


@one_command()
def run_command_line(args: Sequence[str]) -> int:
    """Run one command; return the exit code. Results go to stdout, notes and errors to stderr."""
    stdout = sys.stdout
    if "-" in args and sys.stdin is not None and sys.stdin.isatty():
        _say("reading standard input, which Ctrl-D ends")
    try:
        outcome = PROGRAM.run(args)
        return _show(outcome) if isinstance(outcome, Outcome) else _flushed(outcome)
    except SystemExit as ended:
        # typer ends so after a completion, and, with another stdout in place, when the reader of a help text has gone.
        return ended.code if isinstance(ended.code, int) and sys.stdout is stdout else ExitCode.OK
    except LstmcalcError as error:
        return _fail(error, args)
    except ImportError as error:
        return _fail(LstmcalcError("a part of lstmcalc cannot be imported", found=str(error)), args)
    except OSError as error:
        return _cannot_write(error)
    except MemoryError:
        cure = "a smaller batch, sequence or LSTM fits"
        return _fail(TooLargeError("this does not fit in memory", hint=cure), args)


def report_fault(error: Exception, args: Sequence[str]) -> int:
    """Say that lstmcalc itself is wrong, and where; return the exit code."""
    from traceback import extract_tb

    place = extract_tb(error.__traceback__)[-1]
    found = f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})"  # noqa: PTH119
    hint = "please report it, with the command and what it was given"
    return _fail(LstmcalcError("this is a fault of lstmcalc", found=found, hint=hint), args)


def _show(outcome: Outcome) -> int:
    """Write the report to stdout and its notes to stderr."""
    from lstmcalc.commands._screen import notes, progress_of, view_of
    from lstmcalc.report.render import write_report

    if outcome.quiet and not outcome.code:
        return outcome.code
    if sys.stdout is None:
        return _fail(OutputError("standard output is closed"))
    if hasattr(sys.stdout, "reconfigure"):  # a name from a source may have letters that a terminal has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with progress_of(outcome) as progress:
            write_report(outcome.report, outcome.style, sys.stdout, view_of(outcome), progress)
    except (BrokenPipeError, SystemExit):  # rich ends so when the reader has gone
        _hang_up(sys.stdout)
    except OSError as error:
        return _cannot_write(error)
    code = _flushed(outcome.code)
    for note in notes(outcome):
        _say(f"{styled('note:', NOTE, sys.stderr)} {harmless(note)}")
    return code


def _flushed(code: int) -> int:
    """The exit code, once everything is written: a reader that has what it wanted changes nothing."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _hang_up(sys.stdout)
    except OSError as error:
        return _cannot_write(error)
    return code


def _say(text: str) -> None:
    """Tell the user something on stderr, if anybody listens."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # this is a command line
    except OSError:
        _hang_up(sys.stderr)


def _fail(error: LstmcalcError, args: Sequence[str] = ()) -> int:
    """Say what is wrong, on stderr, and where a command line asks for JSON as a document on stdout too."""
    if asks_for_json(args) and sys.stdout is not None:
        from json import dumps

        from lstmcalc.report.document import SCHEMA

        facts = {key: getattr(error, key) or None for key in ("expected", "found", "hint", "where")}
        document = {"schema": SCHEMA, "error": {"kind": error.kind, "message": error.what, **facts}}
        with suppress(OSError):  # of the two ways to say it, one is left
            sys.stdout.write(f"{dumps(document)}\n")
        _flushed(ExitCode.USAGE)
    _say(f"{styled('error:', ERROR, sys.stderr)} {error}")
    return ExitCode.USAGE


def _cannot_write(error: OSError) -> int:
    _hang_up(sys.stdout)
    return _fail(OutputError(f"cannot write to standard output: {error.strerror or error}"))


def _hang_up(stream: IO[str]) -> None:
    """Nobody reads on: leave nothing that Python would try to flush when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
