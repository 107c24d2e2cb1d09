"""An LSTM computed in chunks, as a stream is: its flag, what is refused, and its part of the report.

Not here: how chunks are computed and compared (`proof.streaming`), and how they are shown (`view`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lstmcalc.errors import UnsupportedError, UsageError, shorten
from lstmcalc.intake.flags import Typed, items_of, read_integer
from lstmcalc.intake.subject import Subject

if TYPE_CHECKING:
    from lstmcalc.commands.run.report import ChunksRow
    from lstmcalc.proof.result import Run

_FLAG = "--chunks"


def read_chunks(value: Typed) -> list[int]:
    """The steps of the chunks; none if they were not asked for."""
    sizes = [read_integer(_FLAG, item) for item in ([] if value is None else items_of(value))]
    if value is not None and min(sizes, default=0) < 1:
        raise UsageError("this is not a number of steps", "each at least 1, e.g. 1,7,3", shorten(sizes), where=_FLAG)
    return sizes


def check_streams(subjects: Sequence[Subject]) -> None:
    """Refuse an LSTM that cannot be computed in chunks."""
    for subject in subjects:
        if subject.config.bidirectional:
            raise UnsupportedError(
                f"{subject.name} cannot be computed in chunks",
                "an LSTM in one direction",
                "bidirectional True: its reverse direction begins with the last step, so output needs the end",
                "windows of steps can be computed, whose last steps lack what comes after them",
                _FLAG,
            )


def chunks_note(subject: Subject, sizes: Sequence[int]) -> list[str]:
    """A note if chunks were asked for, and one pass is computed or nothing at all."""
    data = subject.data
    if not sizes or (data.num_sequences and data.longest > sizes[0]):
        return []
    why = "one chunk has all steps" if data.num_sequences else "the batch is empty"
    return [f"{why}: nothing is carried over (--seq and --batch set the data, or --input FILE)"]


def in_chunks(subject: Subject, result: "Run", sizes: Sequence[int]) -> "ChunksRow | None":
    """The report on a run that is computed once more in chunks, which becomes one of its checks.

    None if no chunks were asked for, or if there is nothing to compare: no sequence, or numbers that are not finite.
    """
    if not sizes or not result.finite or not subject.data.num_sequences:
        return None
    from lstmcalc.commands.run.report import chunks_row
    from lstmcalc.proof.streaming import streamed
    from lstmcalc.report.progress import shown_progress

    with shown_progress("in chunks") as progress:
        found = streamed(subject.config, subject.data, result, sizes, progress)
    result.checks.append(found.check)
    return chunks_row(found)
