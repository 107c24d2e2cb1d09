"""One plain, versioned document for each command: the JSON schema. It knows no terminal.

Every document is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from lstmcalc.errors import TooLargeError
from lstmcalc.intake.open_lstms import Open, open_lstms
from lstmcalc.spec.words import General
from lstmcalc.version import __version__

SCHEMA: Final = 1
FORMATS: Final = ("table", "json", "markdown", "csv")
MAX_ROWS: Final = 10**6


if TYPE_CHECKING:  # for types alone
    from typing import Protocol

    class Reported(Protocol):
        """The record of an LSTM, or of what else a command reports on."""

        @property
        def name(self) -> str:
            """Its path in the source."""

        @property
        def text(self) -> str:
            """The heading, after the name."""

        @property
        def notes(self) -> list[str]:
            """Notes for the user, in sentences; more can be added."""

    class Document(Protocol):
        """The document of any command: some have more keys beside the modules."""

        @property
        def schema(self) -> int:
            """The version of the schema."""

        @property
        def lstmcalc(self) -> str:
            """The version of lstmcalc."""

        @property
        def command(self) -> str:
            """The name of the command."""

        @property
        def open(self) -> Sequence[Open]:
            """The LSTMs that were found and are not known whole."""

        @property
        def modules(self) -> Sequence[Reported]:
            """The document of a command, one record for each LSTM."""


M = TypeVar("M", bound="Reported")
M_co = TypeVar("M_co", bound="Reported", covariant=True)


class Report(NamedTuple, Generic[M_co]):
    """The document of a command."""

    schema: int
    lstmcalc: str  # the version
    command: str
    open: Sequence[Open]  # LSTMs that were found and are not known whole
    modules: Sequence[M_co]


def document(command: str, modules: Sequence[M]) -> Report[M]:
    """The document of a command, with a note if several LSTMs have layers around them."""
    around = getattr(modules[0], "around", None) if len(modules) > 1 else None
    if around is not None and (around.head or around.embed):
        modules[0].notes.append(General("each of these LSTMs has its own head and embedding; --module NAME picks one"))
    return Report(SCHEMA, __version__, command, open_lstms(), modules)


def with_alone_note(modules: Sequence[M]) -> Sequence[M]:
    """The modules; if there are several, with a note that the result of one is not the input of the next."""
    if len(modules) > 1:
        modules[0].notes.append(
            General("each of these LSTMs is taken alone, with the input size that the source gives it")
        )
    return modules


def check_rows(rows: int, what: str, cure: str = "fewer layers (--layers)") -> None:
    """Refuse a report of more than `MAX_ROWS` rows."""
    if rows > MAX_ROWS:
        raise TooLargeError(
            "this report would be too long",
            expected=f"at most {MAX_ROWS:,} rows",
            found=f"{rows:,} rows, one for each {what}",
            hint=f"{cure} make fewer rows",
        )
