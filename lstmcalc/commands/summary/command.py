"""summary: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._limits import LIMITS, read_limits
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.errors import ExitCode
from lstmcalc.intake.flags import SOURCE_FLAGS
from lstmcalc.spec.words import General

SOURCES: Final = SOURCE_FLAGS[0]._replace(field="sources", metavar="SOURCE...", repeats=True)


def _run(typed: TypedFlags) -> Outcome:
    """What is in a file, in code or in a printed model: its LSTMs, their share of the whole, and what they give.

    It is what `lstmcalc SOURCE` does without the name of a command. Several sources are shown one after the other.
    """
    from lstmcalc.commands.summary.report import over_whole, summary_report  # which a completion does not need

    style_of(typed)  # refused before anything is read
    report = summary_report(typed)
    for error in report.failed:
        report.modules[-1].notes.append(General(f"{error.where}: {error.what}"))
    over = over_whole(read_limits(typed), report)
    report.modules[-1].notes.extend(over)
    failed = ExitCode.USAGE if report.failed and typed["strict"] else ExitCode.OK
    return outcome(report, typed, failed or (ExitCode.FAILED if over else ExitCode.OK))


COMMAND: Final = Command(
    _run,
    """
    lstmcalc model.pt
    lstmcalc train.py
    lstmcalc "nn.LSTM(10, 20, 2, bidirectional=True)"
    lstmcalc a.pt b.onnx --json
    """,
    panels({"Limits": LIMITS}, source=(SOURCES,)),
)
