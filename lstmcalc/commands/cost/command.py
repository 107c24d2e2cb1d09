"""cost: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._output import OUTPUT, Command, Outcome, TypedFlags, style_of
from lstmcalc.commands._training import INPUT_GRAD, OPTIMIZER, read_optimizer
from lstmcalc.commands.cost.report import cost_report
from lstmcalc.intake.flags import AROUND_FLAGS, DATA_FLAGS, LSTM_FLAGS, SOURCE_FLAGS
from lstmcalc.intake.resolve import read_subjects


def _run(typed: TypedFlags) -> Outcome:
    """MACs, FLOPs and memory, for inference and for training, each with its formula.

    Exact for padded, packed and unbatched data. What PyTorch allocates is told for its own CPU kernels, by which of
    them applies; estimates say how far they were off.
    """
    optimizer = read_optimizer(typed["optimizer"])
    subjects = read_subjects(typed, "pytorch")
    return Outcome(cost_report(subjects, optimizer, input_grad=bool(typed["input_grad"])), style_of(typed))


COMMAND: Final = Command(
    _run,
    """
    lstmcalc cost --hidden 20 --layers 2 --bi
    lstmcalc cost --input 128 --hidden 512 --layers 2 --seq 200 --batch 32 --optimizer adamw
    lstmcalc cost "nn.LSTM(80, 320, 3, bidirectional=True)" --lengths 120,95,40 --json
    """,
    {
        "Source": SOURCE_FLAGS,
        "LSTM": LSTM_FLAGS,
        "Data": DATA_FLAGS,
        "Around": AROUND_FLAGS,
        "Cost": (OPTIMIZER, INPUT_GRAD),
        "Output": OUTPUT,
    },
)
