"""frameworks: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels, with_words, words_flag
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.errors import UnsupportedError, UsageError
from lstmcalc.intake.flags import Flag, framework_names, read_framework, read_frameworks, several

WORDS: Final = words_flag("NAME|SOURCE...", "Frameworks to show in depth, and a source", framework_names)

ONLY: Final = Flag(
    "only",
    ("--only",),
    (),
    "NAME,...",
    "These in depth, with recipes from the first to the others",
    framework_names,
    True,
)


def _run(typed: TypedFlags) -> Outcome:
    """How each framework names, orders and stores the LSTM.

    With --only, a few in depth: their arrays side by side, and how to get from the first to each of the others, in
    steps and as NumPy code to paste.
    """
    from lstmcalc.commands.frameworks.report import frameworks_report  # which a completion does not need
    from lstmcalc.intake.resolve import read_subjects

    typed, named = with_words(typed, _named, framework_names)
    only = read_frameworks("--only", [*named, *several(typed["only"]), *several(typed["framework"])])
    try:
        return outcome(frameworks_report(read_subjects(typed, "pytorch"), only), typed)
    except UnsupportedError as error:
        raise error.at("--proj and --only" if typed["proj_size"] is not None else "--only") from None


def _named(word: str) -> str:
    """The framework that a word names; empty if it names none."""
    try:
        return read_framework("", word)
    except UsageError:
        return ""


COMMAND: Final = Command(
    _run,
    """
    lstmcalc frameworks --hidden 20 --layers 2 --bi
    lstmcalc frameworks keras onnx
    lstmcalc frameworks --only tf1,pytorch --input 28 --hidden 128 --json
    """,
    panels({"Output": (ONLY,)}, source=(WORDS,)),
)
