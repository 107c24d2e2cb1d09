"""solve: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.commands._training import INPUT_GRAD, OPTIMIZER, TRAIN
from lstmcalc.commands.solve.report import question_of, solve_report
from lstmcalc.intake.flags import SOURCE_FLAGS, Flag
from lstmcalc.intake.resolve import read_subjects

UNKNOWN: Final = Flag("unknown", (), (), "UNKNOWN", "hidden, layers, batch or seq")

BUDGETS: Final = (
    Flag("params", ("--params",), (), "AMOUNT", "At most so many parameters, as 1M (10**6)"),
    Flag("macs", ("--macs",), (), "AMOUNT", "At most so many multiply-accumulates, as 1G"),
    Flag("memory", ("--memory",), (), "SIZE", "At most so many bytes, as 2GiB (1024**3) or 2GB (1000**3)"),
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
