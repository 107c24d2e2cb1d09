"""params: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, with_flags
from lstmcalc.errors import UnsupportedError
from lstmcalc.intake.computable import check_order
from lstmcalc.intake.flags import Flag, read_choice
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.model.lstm import GATES

GATE_NAMES: Final = {key: gate.letter for gate in GATES for key in (gate.letter, gate.name)}

GATE: Final = Flag("gate", ("--gate",), (), "i|f|g|o", "One gate only, with slices to paste", tuple(GATE_NAMES))


def _run(typed: TypedFlags) -> Outcome:
    """Every weight and bias with its name, shape, count and gate rows.

    In `state_dict` order, with subtotals by layer and direction, the total, and the total's formula.
    """
    from lstmcalc.commands.params.report import params_report  # which a completion does not need

    gate = typed["gate"]
    letter = None if gate is None else GATE_NAMES[read_choice("--gate", str(gate), GATE_NAMES)]
    try:
        subjects = read_subjects(typed)
        for subject in subjects:
            if letter and subject.found and not typed["framework"]:
                check_order(subject.found)
        return outcome(params_report(subjects, letter), typed)
    except UnsupportedError as error:
        raise with_flags(error, typed) from None


COMMAND: Final = Command(
    _run,
    """
    lstmcalc params --input 28 --hidden 128
    lstmcalc params --hidden 20 --layers 2 --bi --gate f
    lstmcalc params "keras.layers.LSTM(128)" --input 28
    python train.py | lstmcalc params - --format csv
    """,
    panels({"Output": (GATE,)}),
)
