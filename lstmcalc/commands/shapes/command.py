"""shapes: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, with_flags
from lstmcalc.errors import UnsupportedError


def _run(typed: TypedFlags) -> Outcome:
    """Every tensor in and out, and which slice of output each state is.

    What is left out is the example of PyTorch's documentation (input 10, hidden 20, sequence 5, batch 3), and
    PyTorch's own defaults for the rest; the report says which.
    """
    from lstmcalc.commands.shapes.report import shapes_report  # which a completion does not need
    from lstmcalc.intake.resolve import read_subjects

    try:
        return outcome(shapes_report(read_subjects(typed)), typed)
    except UnsupportedError as error:
        raise with_flags(error, typed) from None


COMMAND: Final = Command(
    _run,
    """
    lstmcalc shapes --hidden 20 --layers 2 --bi
    lstmcalc shapes --input 28 --hidden 128 --batch-first --seq 28 --batch 64
    lstmcalc shapes --framework keras --hidden 20 --bi
    lstmcalc shapes "nn.LSTM(10, 20, 2, bidirectional=True)" --lengths 4,2,3
    lstmcalc shapes train.py --module encoder --json
    """,
    panels(),
)
