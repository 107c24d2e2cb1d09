"""solve: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._limits import LIMITS
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.commands._training import INPUT_GRAD, OPTIMIZER, TRAIN
from lstmcalc.commands.solve.report import OLDER, UNKNOWNS, question_of, solve_report
from lstmcalc.intake.flags import SOURCE_FLAGS, Flag
from lstmcalc.intake.resolve import read_subjects

UNKNOWN: Final = Flag("unknown", (), (), "UNKNOWN", "hidden, layers, batch or seq", tuple(UNKNOWNS))

# The first three had other names before.
BUDGETS: Final = tuple(
    flag._replace(names=(f"--{flag.field}", *flag.names)) if flag.field in OLDER else flag for flag in LIMITS
)


def _run(typed: TypedFlags) -> Outcome:
    """The largest hidden size, batch, sequence length or number of layers within a budget.

    Memory is that of inference on PyTorch's CPU kernels, or with --train that of a training step. Several budgets are
    kept all at once.
    """
    question = question_of(typed)
    subjects = read_subjects(typed, "pytorch", unknown=question.unknown)
    return outcome(solve_report(subjects, question), typed)


COMMAND: Final = Command(
    _run,
    """
    lstmcalc solve hidden --params 1M --input 128
    lstmcalc solve batch --memory 2GiB --train --input 128 --hidden 512 --layers 2 --seq 200
    lstmcalc solve hidden "nn.LSTM(128, 256, 2)" --params 1M --macs 100M
    """,
    panels({"Budget": (*BUDGETS, TRAIN, OPTIMIZER, INPUT_GRAD)}, source=(UNKNOWN, SOURCE_FLAGS[0])),
)
