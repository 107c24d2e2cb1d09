"""The report of convert: what was written, how that was proven, and how it is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lstmcalc.commands.convert.making import Proof, ProofRow
from lstmcalc.intake.open_lstms import Open, open_lstms
from lstmcalc.report.document import SCHEMA
from lstmcalc.report.notes import notes_of
from lstmcalc.report.record import internal
from lstmcalc.report.rows import SETTINGS, Module, head_of
from lstmcalc.version import __version__

if TYPE_CHECKING:
    from lstmcalc.commands.convert.taking import Taken


@dataclass(kw_only=True)
class ConvertModule(Module):
    """One LSTM that was converted."""

    activations: dict[str, str | None]  # that it computes
    notes: list[str]
    title: str = internal()  # of the framework that it comes from


class ConvertReport(NamedTuple):
    """The document of a conversion."""

    schema: int
    lstmcalc: str  # the version
    command: str
    open: Sequence[Open]  # LSTMs that were found and are not known whole
    modules: Sequence[ConvertModule]
    written: str | None  # the name of the file; None if the proof failed, and nothing was left
    target: str  # the framework
    title: str  # the framework's, for people
    bytes: int | None  # of the file; None if nothing was left
    proof: Sequence[ProofRow]
    proven_by: Sequence[str]  # `read back by lstmcalc`, `run in PyTorch 2.13.0`
    explanations: Sequence[str]  # of a proof that failed: known mistakes that give the same numbers
    changes: Sequence[str]  # what was changed on the way, in sentences
    left_out: Sequence[str]  # what could not be taken
    load: Sequence[str]  # the lines of code that load the file


class Made(NamedTuple):
    """The outcome of a conversion."""

    path: str
    framework: str
    title: str
    proof: Proof
    changes: Sequence[str]
    left_out: Sequence[str]
    load: Sequence[str]


def convert_report(taken: "Taken", made: Made) -> ConvertReport:
    """The report on a conversion."""
    from lstmcalc.frameworks.storage import find_layout

    modules = []
    for subject, lstm in zip(taken.subjects, taken.lstms, strict=True):
        own = next((array.dtype.name for array in lstm.weights.values()), subject.data.dtype)
        head = head_of(subject._replace(data=replace(subject.data, dtype=own)), SETTINGS)
        found, functions = subject.found, lstm.activations.functions
        title = find_layout(found.framework).title if found and not taken.drawn else ""
        rest = {found.beside, *found.around} if found else set()  # `left_out` has it, and names are made anew
        told = [note for note in notes_of(subject) if note not in rest]
        modules.append(ConvertModule(**head, activations=functions, notes=told, title=title))
    proof = made.proof
    modules[0].notes.extend(proof.notes)
    return ConvertReport(
        SCHEMA,
        __version__,
        "convert",
        open_lstms(),
        modules,
        made.path if proof.holds else None,
        made.framework,
        made.title,
        proof.nbytes if proof.holds else None,
        proof.rows,
        proof.proven_by,
        proof.explanations,
        made.changes,
        made.left_out,
        made.load if proof.holds else [],
    )
