"""Colours of a terminal, for what is written without rich: errors, notes and the help."""

import os
import re
from typing import IO, Final

NOTE: Final = "1;36"  # bold cyan, as ANSI has it
ERROR: Final = "1;31"  # bold red
_HEADING: Final = "1"
_OPTION: Final = "36"
_METAVAR: Final = "33"

_WORD: Final = r"(?<![^ ])(?:(-[\w-]+|[a-z]+(?=$)|docs\S+)|(?!/ )[^ ,]\S*)"  # an option or a command, else a metavar
_EXAMPLES: Final = "  Examples:"
_FIRST_COLUMN: Final = r"  \S+(?: \S+)*"  # two spaces end it


def shows_colours(stream: IO[str] | None) -> bool:
    """True if a stream is a terminal with colours; NO_COLOR and TERM=dumb turn them off, FORCE_COLOR on."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream is not None and stream.isatty())


def styled(text: str, style: str, stream: IO[str] | None) -> str:
    """The text in a style of ANSI if the stream shows colours."""
    return _painted(text, style) if shows_colours(stream) else text


def help_in_colour(text: str) -> str:
    """A help text with its headings, options and metavars in colour."""
    lines, in_table, in_examples = [], False, False
    for line in text.split("\n"):
        if line.startswith("Usage:"):
            lines.append(_painted("Usage:", _HEADING) + line.removeprefix("Usage:"))
            continue
        if line == _EXAMPLES or (line.endswith(":") and not line.startswith(" ")):
            in_examples, in_table = line == _EXAMPLES, line != _EXAMPLES
            lines.append(_painted(line, _HEADING))
            continue
        in_examples = in_examples and bool(line)
        column = re.match(_FIRST_COLUMN, line) if in_table else None
        if column:
            lines.append(_painted_names(column[0]) + line[column.end() :])
        else:
            lines.append(_painted(line, _OPTION) if in_examples else line)
    return "\n".join(lines)


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m"


def _painted_names(column: str) -> str:
    """The first column of a table of the help: options and commands in one colour, metavars in another."""
    return re.sub(_WORD, lambda word: _painted(word[0], _METAVAR if word[1] is None else _OPTION), column)
