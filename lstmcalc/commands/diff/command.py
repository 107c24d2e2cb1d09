"""diff: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands.diff.report import diff_report
from lstmcalc.commands.diff.verdicts import GOOD
from lstmcalc.errors import ExitCode, UsageError, shorten
from lstmcalc.intake.flags import LSTM_FLAGS, Flag
from lstmcalc.report.progress import shown_progress

COMPARED: Final = Flag("file", (), (), "FILE", "A weight file, or any SOURCE")

AGAINST: Final = Flag("source", (), (), "SOURCE", "What it is compared with; without one, the flags")

ONE_OF_EACH: Final = Flag(
    "module",
    ("--module", "-m"),
    (),
    "NAME,...",
    "Compare only this LSTM: full module path or its ending; of two names, one of each",
    repeats=True,
)

VALUES: Final = Flag("values", ("--values",), (), "", "Compare the numbers of two weight files too")

TOLERANCE: Final = Flag("tolerance", ("--tolerance",), (), "NUMBER", "Allowed difference of two numbers (default 0)")

# The sizes of the example are not compared with a file.
_SAID_ALONE: Final = {"input_size": "H_in, features of a step", "hidden_size": "H_cell, cells of a layer"}

MODEL_FLAGS: Final = tuple(
    flag._replace(help=f"{_SAID_ALONE[flag.field]} (default: not compared)") if flag.field in _SAID_ALONE else flag
    for flag in LSTM_FLAGS
)


def _run(typed: TypedFlags) -> Outcome:
    """Compare a weight file with a model: does it load, what repairs it, and if neither, why not.

    All layers of a printed model or of another file are compared, by the keys of the state dict; of code, flags or a
    call the LSTMs alone. --json has PyTorch's own messages. Settings that the file does not store do not differ,
    nor is a dtype; of input and hidden size, what the flags do not say is not compared. The exit code is 0 if it loads,
    or if the LSTM that the other side describes matches, else 1.
    """
    style_of(typed)
    tolerance = _tolerance(typed)
    with shown_progress("comparing") as progress:
        report = diff_report(typed, tolerance, progress)
    fine = report.verdict in GOOD and all(row.status == "equal" for row in report.others)
    code = ExitCode.OK if fine and all(module.fits for module in report.modules) else ExitCode.FAILED
    return outcome(report, typed, code)


def _tolerance(typed: TypedFlags) -> float | None:
    """The largest difference of two numbers that is allowed; None if none are compared."""
    text = typed["tolerance"]
    if text is not None and not typed["values"]:
        raise UsageError("no numbers are compared", expected="--values too", where="--tolerance")
    if not typed["values"]:
        return None
    try:
        number = float(str(text)) if text is not None else 0.0
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError("not a tolerance", "a number from 0 up, e.g. 1e-6", shorten(text), where="--tolerance")
    return number


COMMAND: Final = Command(
    _run,
    """
    lstmcalc diff model.pt "nn.LSTM(10, 20, 2, bidirectional=True)"
    lstmcalc diff checkpoint.ckpt --module encoder.rnn --hidden 256 --layers 2
    lstmcalc diff before.safetensors after.safetensors --values --tolerance 1e-6
    """,
    panels({"Source": (ONE_OF_EACH,), "LSTM": MODEL_FLAGS, "Output": (VALUES, TOLERANCE)}, source=(COMPARED, AGAINST)),
)
