"""The outcome of a command on the screen: which view draws it, and the notes beside it.

Not here: how blocks are drawn (`report.terminal`).
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

from lstmcalc.commands._output import Outcome
from lstmcalc.spec.words import General, and_list

if TYPE_CHECKING:
    from lstmcalc.intake.open_lstms import Open
    from lstmcalc.report.blocks import Block
    from lstmcalc.report.document import Document
    from lstmcalc.report.progress import ProgressBar
    from lstmcalc.report.render import View


def progress_of(outcome: Outcome) -> AbstractContextManager["ProgressBar | None"]:
    """A bar for the rows of a long report that is written to a file or a pipe; None if nobody would see it."""
    is_seen = sys.stderr is not None and sys.stderr.isatty() and not sys.stdout.isatty()
    if outcome.style not in ("json", "csv") or not is_seen:
        return nullcontext()
    from lstmcalc.report.progress import shown_progress

    return shown_progress("writing")


def notes(outcome: Outcome) -> Iterator[str]:
    """The open LSTMs, and the notes on the modules, each once; of several modules, with the name of its own."""
    yield from map(_open_text, outcome.report.open)
    modules = outcome.report.modules
    owners: dict[str, list[str]] = {}
    for module in modules:
        for note in module.notes:
            owners.setdefault(note, []).append(module.name)
    for note, names in owners.items():
        told = len(modules) == 1 or len(names) > 1 or isinstance(note, General) or _names(note, names[0])
        yield note if told else f"{names[0]}: {note}"


def _names(note: str, name: str) -> bool:
    """True if a note names its LSTM itself."""
    return name in note.replace(":", " ").replace(",", " ").split()


def _open_text(item: "Open") -> str:
    """An open LSTM in a sentence, with what would settle it."""
    fields = [row.setting for row in item.unknown if row.setting]
    what = f"{item.name}: {and_list(fields)} unknown" if fields else f"{item.name} is unknown"
    hints = list(dict.fromkeys(row.hint for row in item.unknown if row.hint))
    return f"{what}, {item.where or 'in the source'}" + (f"; {', '.join(hints)}" if hints else "")


def view_of(outcome: Outcome) -> "View":
    """The view of a command, which is imported when a report is drawn: JSON and CSV draw none.

    It draws module by module, below its heading, unless it has a `screen` for the report as a whole. Without --full it
    is the `brief` one, if the command has one; a `footer` ends the report of several modules.
    """

    def view(report: "Document") -> Iterator["Block"]:
        from lstmcalc.report.blocks import Heading
        from lstmcalc.report.siblings import range_name, siblings

        module = import_module(f"lstmcalc.commands.{report.command}.view")
        if hasattr(module, "screen"):
            yield from module.screen(report, full=outcome.full)
            return
        if outcome.full:
            for one in report.modules:
                yield Heading(f"{one.name}: {one.text}")
                yield from module.view(one)
        else:
            draw = getattr(module, "brief", module.view)
            for group in siblings(report.modules, lambda one: (one.text, *draw(one))):
                yield Heading(f"{range_name(group)}: {group[0].text}")
                yield from draw(group[0])
        if len(report.modules) > 1 and hasattr(module, "footer"):
            yield module.footer(report.modules)

    return view
