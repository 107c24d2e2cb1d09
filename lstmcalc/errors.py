"""The exception family and the exit codes.

Code that finds a fault states the bare fact (what, expected, found, hint); code that knows its place (a flag, a line
of a file) adds that once, with `at`. The command line catches the family in one place.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, Self


class ExitCode(IntEnum):
    """Exit code of the process; Ctrl-C gives 130 at any moment (128 + SIGINT, as shells report it)."""

    OK = 0
    FAILED = 1  # a comparison or proof does not hold
    USAGE = 2  # the command line or the input is wrong


class LstmcalcError(Exception):
    """Base class of all errors: the fault, its place, what was expected and found, and a hint.

    Attributes:
        what: The fact, as a phrase: `hidden_size is out of range`.
        expected: The rule, with its numbers: `proj_size < hidden_size = 20`.
        found: The value found instead, as text to show.
        hint: The suggested remedy.
        where: The place of the fault: `--hidden`, `train.py:12`.
        excerpt: The faulty line, with carets below; empty if the fault is not in a text.
    """

    excerpt = ""
    kind = "internal"  # in the JSON: a subclass has its own, so that scripts need not read sentences

    def __init__(self, what: str, expected: str = "", found: str = "", hint: str = "", where: str = "") -> None:
        super().__init__(what, expected, found, hint, where)
        self.what = what
        self.expected = expected
        self.found = found
        self.hint = hint
        self.where = where

    def at(self, where: str) -> Self:
        """A copy of the error with its place."""
        return self._with_own_excerpt(type(self)(self.what, self.expected, self.found, self.hint, where))

    def showing(self, where: str, excerpt: str) -> Self:
        """A copy of the error with its place in a text and the line at that place."""
        placed = self.at(where)
        placed.excerpt = excerpt
        return placed

    def _with_own_excerpt(self, other: Self) -> Self:
        other.excerpt = self.excerpt
        return other

    def __str__(self) -> str:
        facts = [f"expected {self.expected}"] if self.expected else []
        facts += [f"found {self.found}"] if self.found else []
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += self.excerpt.splitlines()
        lines += [", ".join(facts)] if facts else []
        lines += [f"hint: {self.hint}"] if self.hint else []
        return "\n  ".join(harmless(line) for line in lines)


class UsageError(LstmcalcError, ValueError):
    """Invalid command line or argument: an unknown flag or name, text that is not a number."""

    kind = "usage"


class ConfigError(LstmcalcError, ValueError):
    """A hyperparameter or a size of the data breaks one of PyTorch's rules."""

    kind = "usage"

    def __init__(
        self, what: str, expected: str = "", found: str = "", hint: str = "", where: str = "", field: str = ""
    ) -> None:
        super().__init__(what, expected, found, hint, where)
        self.args = (what, expected, found, hint, where, field)
        self.field = field  # the setting's name, e.g. `hidden_size`

    def at(self, where: str) -> Self:
        """A copy of the error with the place of the setting."""
        return self._with_own_excerpt(type(self)(self.what, self.expected, self.found, self.hint, where, self.field))


class ClashError(ConfigError):
    """Two settings contradict each other."""

    kind = "contradiction"


class SourceError(LstmcalcError, ValueError):
    """A source cannot be read, or lacks a setting that an LSTM needs."""

    kind = "unreadable"


class UnknownSettingError(SourceError):
    """A source leaves settings of an LSTM open, and nothing else gives them."""

    kind = "unknown-setting"


class NotFoundError(UsageError, SourceError):
    """There is no such file, or no such module in it."""

    kind = "not-found"


class ContradictionError(UsageError, SourceError):
    """Two flags contradict each other, or a flag contradicts the source."""

    kind = "contradiction"


class NoLstmError(SourceError):
    """A source was read, and has no LSTM."""

    kind = "no-lstm"


class ArrayError(LstmcalcError, ValueError):
    """An array is missing, unknown, of the wrong shape or of the wrong dtype."""

    kind = "usage"


class TooLargeError(LstmcalcError):
    """The answer would have too many rows, or the computation would not fit in memory."""

    kind = "limit"


class UnsupportedError(LstmcalcError):
    """Something unsupported, refused by name: a dtype, a feature that a framework lacks."""

    kind = "unsupported"


class ProgramError(UnsupportedError):
    """Another program that is installed failed at what it was given, for no reason that is known."""


class MissingExtraError(LstmcalcError, ImportError):
    """An optional dependency is not installed; the hint names the extra to install."""

    kind = "missing-extra"


class OutputError(LstmcalcError):
    """A result could not be written."""

    kind = "usage"


def cannot_read(name: str, error: OSError | ValueError) -> SourceError:
    """The error about a file that cannot be opened: it is not there, or the system says why not."""
    kind = NotFoundError if isinstance(error, FileNotFoundError) else SourceError
    return kind(f"cannot read {name}", found=getattr(error, "strerror", None) or str(error))


def nearest_hint(text: str, known: Sequence[str]) -> str:
    """Suggest a known name that begins with `text`, or is spelled alike; empty if there is none."""
    from difflib import get_close_matches  # only where something is wrong

    begun = [name for name in known if text and name.startswith(text.lower())]
    nearest = begun or get_close_matches(text.lower(), known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else ""


_LONGEST_LINE: Final = 10_000  # characters; no message of ours, and no name that a person wrote, is longer


def harmless(text: str, keep: str = "", most: int = _LONGEST_LINE) -> str:
    r"""Text for a screen: characters that do not print are spelled out (`\x1b`), but for `keep`; the end is cut off.

    They are what moves the cursor, turns the direction of writing, or begins a line that is not ours.
    """
    text = text if len(text) <= most else f"{text[: most - 3]}..."
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else repr(each)[1:-1] for each in text)


def shorten(value: object, limit: int = 60) -> str:
    """The repr of any value, cut to at most `limit` characters."""
    try:
        text = repr(value)
    except ValueError:  # Python makes no text of integers of more than 4,300 digits
        digits = f" of about {value.bit_length() * 0.30103:,.0f} digits" if isinstance(value, int) else ""
        text = f"a number{digits}" if digits else f"a {type(value).__name__} with a number of too many digits"
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"


def shown_name(path: str) -> str:
    """A file's name for messages: quoted, escaped and cut if it is not printable."""
    return path if path.isprintable() else shorten(path)


def named_error(error: SourceError, name: str) -> SourceError:
    """The error of a reader that does not know the file's name, with the name in front of its place."""
    return error.at(f"{name}, {error.where}" if error.where else name)


_LONGEST = 300  # characters of a name in a message


def printable(text: str) -> str:
    """Text that contains names from a file, safe for a terminal: no control characters, bounded length."""
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def bytes_text(count: int) -> str:
    """A byte count as text, in units of 1024: `600 B`, `58.8 KiB`."""
    if count < 1024:  # noqa: PLR2004
        return f"{count} B"
    size, units = count / 1024, iter(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    unit = next(units)
    while size >= 999.95 and unit != "EiB":  # noqa: PLR2004  # what still prints with three digits
        size, unit = size / 1024, next(units)
    return f"{size:,.1f} {unit}" if size < 10**6 else f"{size:.3g} {unit}"
