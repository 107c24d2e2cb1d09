"""The declaration and the outcome of a command, and the flags that say how its report is written."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from lstmcalc.errors import ContradictionError, ExitCode, UnsupportedError
from lstmcalc.intake.flags import Flag, Typed, read_choice, read_framework
from lstmcalc.report.document import FORMATS
from lstmcalc.spec.words import General

if TYPE_CHECKING:
    from lstmcalc.report.document import Document

TypedFlags: TypeAlias = dict[str, Typed]

OUTPUT: Final = (
    Flag("format", ("--format",), (), "NAME", f"{', '.join(FORMATS)} (default table)", FORMATS),
    Flag("json", ("--json",), (), "", "Short for --format json"),
    Flag("strict", ("--strict",), (), "", "Exit with 2 if a part of what was asked has no answer"),
    Flag("full", ("--full",), (), "", "Show everything on the screen: definitions, formulas, every layer"),
    Flag("quiet", ("--quiet", "-q"), (), "", "Print nothing if all is well, i.e. if the exit code is 0"),
)


# Commands that know PyTorch's LSTM alone, and what they say of it.
_OF_PYTORCH: Final = {
    "cost": "costs are those of",
    "solve": "costs are those of",
    "sweep": "costs are those of",
    "explain": "explained is",
    "run": "computed is",
}


class Outcome(NamedTuple):
    """The result of a command."""

    report: "Document"
    style: str  # one of `FORMATS`
    code: ExitCode = ExitCode.OK
    full: bool = False  # True to show everything on the screen
    quiet: bool = False  # True to show nothing if all is well


def outcome(report: "Document", typed: TypedFlags, code: ExitCode = ExitCode.OK) -> Outcome:
    """The result of a command, to be written as the flags ask; Markdown is to be kept, and has everything."""
    style = style_of(typed)
    if report.open and typed.get("strict"):
        code = code or ExitCode.USAGE
    if typed.get("framework") is not None and report.command in _OF_PYTORCH:
        from lstmcalc.frameworks.storage import find_layout

        other = find_layout(read_framework("--framework", str(typed["framework"])))
        done = _OF_PYTORCH[report.command]
        note = f"--framework {typed['framework']}: {other.title}; {done} the equivalent nn.LSTM"
        report.modules[0].notes.append(General(note))
    return Outcome(report, style, code, bool(typed["full"]) or style == "markdown", bool(typed["quiet"]))


class Command(NamedTuple):
    """A command as the command line knows it."""

    run: Callable[[TypedFlags], Outcome]  # its docstring is the help text
    examples: str  # command lines to begin with, one a line
    panels: Mapping[str, Sequence[Flag]]  # its flags by the panel of the help


def style_of(typed: TypedFlags) -> str:
    """The format that was asked for."""
    named = typed["format"]
    style = "table" if named is None else read_choice("--format", str(named), FORMATS)
    if typed["json"] and named is not None and style != "json":
        raise ContradictionError(
            "contradictory formats", expected="one of the two", where=f"--json and --format {style}"
        )
    return "json" if typed["json"] else style


def with_flags(error: UnsupportedError, typed: TypedFlags) -> UnsupportedError:
    """The error, at the flags that asked for what the framework does not take: data, or layers around the LSTM."""
    around = [name for field, name in (("head", "--head"), ("embed", "--embed")) if typed[field] is not None]
    named = [f"--framework {typed['framework']}"] if typed["framework"] else []
    return error if error.where else error.at(" and ".join([*around, *named]))
