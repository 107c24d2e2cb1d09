"""explain: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.commands.explain.report import TOPICS, explain_report
from lstmcalc.intake.flags import Flag, items_of, read_choice
from lstmcalc.intake.resolve import read_subjects

TOPIC: Final = Flag(
    "topic", ("--topic",), (), "NAME,...", f"Of {', '.join(TOPICS)} (default all)", TOPICS, repeats=True
)


def _run(typed: TypedFlags) -> Outcome:
    """Every equation with its shapes, what each state is, how packing works, what goes around.

    In PyTorch's terms, for the LSTM at hand. Whatever it says of PyTorch's tensors, `lstmcalc run` proves.
    """
    told = list(dict.fromkeys(read_choice("--topic", topic, TOPICS) for topic in items_of(typed["topic"])))
    return outcome(explain_report(read_subjects(typed, "pytorch"), told), typed)


COMMAND: Final = Command(
    _run,
    """
    lstmcalc explain --hidden 20 --layers 2 --bi
    lstmcalc explain --topic packing --lengths 5,3,2
    lstmcalc explain "nn.LSTM(28, 100, batch_first=True)" --topic states,around --head 10
    lstmcalc explain --format markdown > lstm.md
    """,
    panels({"Output": (TOPIC,)}),
)
