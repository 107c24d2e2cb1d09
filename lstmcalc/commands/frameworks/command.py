"""frameworks: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.commands.frameworks.report import frameworks_report
from lstmcalc.errors import UnsupportedError
from lstmcalc.intake.flags import Flag, read_frameworks
from lstmcalc.intake.resolve import read_subjects

ONLY: Final = Flag(
    "only", ("--only",), (), "NAME,...", "These in depth, with recipes from the first to the others", repeats=True
)


def _run(typed: TypedFlags) -> Outcome:
    """How each framework names, orders and stores the LSTM.

    With --only, a few in depth: their arrays side by side, and how to get from the first to each of the others, in
    steps and as NumPy code to paste.
    """
    only = read_frameworks("--only", typed["only"])
    try:
        return outcome(frameworks_report(read_subjects(typed, "pytorch"), only), typed)
    except UnsupportedError as error:
        raise error.at("--proj and --only" if typed["proj_size"] is not None else "--only") from None


COMMAND: Final = Command(
    _run,
    """
    lstmcalc frameworks --hidden 20 --layers 2 --bi
    lstmcalc frameworks --only keras,onnx
    lstmcalc frameworks --only tf1,pytorch --input 28 --hidden 128 --json
    """,
    panels({"Output": (ONLY,)}),
)
