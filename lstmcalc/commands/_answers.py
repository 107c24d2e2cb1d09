"""Reports as functions give them: each shows itself as a table, in a notebook, and as JSON.

Not here: the functions (`_functions`), and how reports are drawn (`report`).
"""

from collections.abc import Sequence
from io import StringIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lstmcalc.commands._output import Outcome
from lstmcalc.commands._screen import notes, view_of
from lstmcalc.errors import harmless
from lstmcalc.lazy import LazySequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, ConsoleOptions, RenderResult

    from lstmcalc.commands.convert.report import ConvertReport  # noqa: F401  # in a string below
    from lstmcalc.commands.diff.report import DiffReport  # noqa: F401  # as above
    from lstmcalc.commands.run.expected import ExpectRow
    from lstmcalc.commands.run.report import RunModule  # noqa: F401  # as above
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.report.document import Report  # noqa: F401  # as above

R = TypeVar("R")


class Answer(Generic[R]):
    """The report of a command, whose records are its attributes: `report.modules[0].name`.

    Attributes:
        record: The report itself, with the keys of the JSON as fields.
        ok: True if all is well: what the command line says with an exit code of 0.
        notes: What else there is to know, in sentences.
    """

    record: R
    ok: bool
    notes: Sequence[str]

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.record = outcome.report  # type: ignore[assignment]  # the function says which
        self.ok = not outcome.code
        self.notes = tuple(harmless(note) for note in notes(outcome))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any field of the record
        if name.startswith("_"):  # as a notebook asks for ways to show it, and `copy` before there is anything
            raise AttributeError(name)
        try:
            return getattr(self.record, name)
        except AttributeError:
            command = getattr(self.record, "command", "")
            fields = ", ".join(self._fields())
            raise AttributeError(f"the report of {command} has no {name!r}: it has {fields}") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._fields()})

    def _fields(self) -> Sequence[str]:
        from lstmcalc.report.record import fields_of

        return fields_of(self.record)

    def to_dict(self) -> dict[str, Any]:
        """The report as the JSON of the command line has it, as plain dictionaries, lists, texts and numbers."""
        from lstmcalc.report.record import plain

        tree: dict[str, Any] = _whole(plain(self._outcome.report))
        return tree

    def __str__(self) -> str:
        from lstmcalc.report.render import write_report

        stream = StringIO()
        if self._outcome.style == "table":  # without colours, also where FORCE_COLOR asks for them, as a kernel does
            self._print(stream, force_terminal=False, color_system=None)
            return stream.getvalue().rstrip("\n")
        write_report(self._outcome.report, self._outcome.style, stream, view_of(self._outcome))
        return stream.getvalue().rstrip("\n")

    def _print(self, stream: StringIO, **settings: Any) -> None:  # noqa: ANN401  # those of rich's console
        from lstmcalc.report.render import blocks_of
        from lstmcalc.report.terminal import console_for, print_blocks

        console = console_for(stream, **settings)
        print_blocks(console, blocks_of(self._outcome.report, view_of(self._outcome)))
        for note in self.notes:
            console.print(f"note: {note}", soft_wrap=True)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from lstmcalc.report.hypertext import hypertext

        return hypertext(self._outcome.report, view_of(self._outcome), self.notes)

    def _repr_markdown_(self) -> str:
        from lstmcalc.report.markdown import write_markdown
        from lstmcalc.report.render import blocks_of

        stream = StringIO()
        write_markdown(blocks_of(self._outcome.report, view_of(self._outcome)), stream)
        return "\n".join([stream.getvalue().rstrip("\n"), *(f"\n> note: {note}" for note in self.notes)])

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.text import Text

        stream, colours = StringIO(), console.color_system is not None
        self._print(
            stream,
            width=options.max_width,
            force_terminal=colours,
            color_system="truecolor" if colours else None,
        )
        yield Text.from_ansi(stream.getvalue().rstrip("\n"))


class Comparison(Answer["DiffReport"]):
    """The report of `diff`."""

    def raise_if_different(self) -> None:
        """Do nothing if one loads into the other, or if their LSTMs match.

        Raises:
            AssertionError: They differ; its text is the report.
        """
        if not self.ok:
            raise AssertionError(f"{self}")


class Conversion(Answer["ConvertReport"]):
    """The report of `convert`.

    Attributes:
        arrays: What was converted, by the names of the framework; empty if a file was written, or if the proof failed.
    """

    arrays: "Mapping[str, Array]" = MappingProxyType({})

    def keep(self, path: str) -> None:
        """Keep the arrays of a file, which goes."""
        from lstmcalc.readers.files.kinds import open_weights

        self.arrays = {tensor.name: tensor.whole() for tensor in open_weights(path).tensors}

    def raise_if_different(self) -> None:
        """Do nothing if the proof holds.

        Raises:
            AssertionError: It does not; its text is the report.
        """
        if not self.ok:
            raise AssertionError(f"{self}")


class Expectation(Answer["Report[RunModule]"]):
    """The report of `expect`."""

    @property
    def expect(self) -> "ExpectRow | None":
        """The row on what was expected, held against what was computed; None if nothing was."""
        return self.record.modules[0].expect

    @property
    def agrees(self) -> bool:
        """True if the port's numbers are those of the LSTM."""
        return self.expect is not None and self.expect.agrees

    def raise_if_different(self) -> None:
        """Do nothing if the port's numbers are those of the LSTM.

        Raises:
            AssertionError: They differ; its text is the report.
        """
        if not self.agrees:
            raise AssertionError(f"{self}")


def _whole(value: Any) -> Any:  # noqa: ANN401  # plain data
    """Plain data with every row made."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list | LazySequence):
        return [_whole(item) for item in value]
    return value
