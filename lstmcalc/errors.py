"""The exception family and the exit codes.

Whoever finds something wrong states the bare fact (what, expected, found, what to do); whoever knows where it
was asked (a flag, a line of a file) adds that once, with `at`. The command line catches the family in one place.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What the process returns; Ctrl-C is 130, 128 + SIGINT as shells report it, wherever it strikes."""

    OK = 0
    FAILED = 1  # a comparison or proof does not hold
    USAGE = 2  # the command line or the input is wrong


class LstmcalcError(Exception):
    """What was asked, what was expected, what was found, what to do.

    Attributes:
        what: The fact, as a phrase: `hidden_size is out of range`.
        expected: The rule, with its numbers: `proj_size < hidden_size = 20`.
        found: What was there instead, as it should be shown.
        hint: What to do about it.
        where: Where it was asked: `--hidden`, `train.py:12`.
        excerpt: The line it was asked in, with carets below; empty if it was no text.
    """

    excerpt = ""

    def __init__(self, what: str, expected: str = "", found: str = "", hint: str = "", where: str = "") -> None:
        super().__init__(what, expected, found, hint, where)
        self.what = what
        self.expected = expected
        self.found = found
        self.hint = hint
        self.where = where

    def at(self, where: str) -> Self:
        """The same error, with the place it was asked at."""
        return self._copied(type(self)(self.what, self.expected, self.found, self.hint, where))

    def showing(self, where: str, excerpt: str) -> Self:
        """The same error, with its place in a text and the line that stands there."""
        placed = self.at(where)
        placed.excerpt = excerpt
        return placed

    def _copied(self, other: Self) -> Self:
        other.excerpt = self.excerpt
        return other

    def __str__(self) -> str:
        facts = [f"expected {self.expected}"] if self.expected else []
        facts += [f"found {self.found}"] if self.found else []
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += self.excerpt.splitlines()
        lines += [", ".join(facts)] if facts else []
        lines += [f"hint: {self.hint}"] if self.hint else []
        return "\n  ".join(lines)


class UsageError(LstmcalcError, ValueError):
    """The command line does not make sense: an unknown flag, a contradiction, text that is not a number."""


class ConfigError(LstmcalcError, ValueError):
    """A hyperparameter or a size of the data breaks one of PyTorch's rules.

    Attributes:
        field: The setting's name, as `hidden_size`.
    """

    def __init__(
        self, what: str, expected: str = "", found: str = "", hint: str = "", where: str = "", field: str = ""
    ) -> None:
        super().__init__(what, expected, found, hint, where)
        self.args = (what, expected, found, hint, where, field)
        self.field = field

    def at(self, where: str) -> Self:
        """The same error, with the place the setting was given at."""
        return self._copied(type(self)(self.what, self.expected, self.found, self.hint, where, self.field))


class SourceError(LstmcalcError, ValueError):
    """A source cannot be read, or does not say what an LSTM needs."""


class NoLstmError(SourceError):
    """A source was read, and has no LSTM."""


class ArrayError(LstmcalcError, ValueError):
    """An array given to the forward pass is missing, unknown, misshaped or of another dtype."""


class TooLargeError(LstmcalcError):
    """The answer would have too many rows, or the computation would not fit in memory."""


class UnsupportedError(LstmcalcError):
    """Something this cannot express, refused by name: a dtype, a framework's missing feature."""


class MissingExtraError(LstmcalcError, ImportError):
    """An optional dependency is not installed; the hint names the extra to install."""


class OutputError(LstmcalcError):
    """A result could not be written."""


def nearest_hint(text: str, known: Sequence[str]) -> str:
    """A hint at what was probably meant: what begins like `text`, or is spelled alike; empty if nothing does."""
    from difflib import get_close_matches  # only where something is wrong

    begun = [name for name in known if text and name.startswith(text.lower())]
    nearest = begun or get_close_matches(text.lower(), known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else ""


def shorten(value: object, limit: int = 60) -> str:
    """Show what was found, whatever it was: quoted, escaped and never longer than `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"


def shown_name(path: str) -> str:
    """A file's name as messages have it."""
    return path if path.isprintable() else shorten(path)


_LONGEST = 300  # characters of a name in a message


def printable(text: str) -> str:
    """Text with names of a file in it, for a terminal: no control characters, and of bounded length."""
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def bytes_text(count: int) -> str:
    """Bytes for people, by 1024: `600 B`, `58.8 KiB`."""
    if count < 1024:  # noqa: PLR2004
        return f"{count} B"
    size, units = count / 1024, iter(("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))
    unit = next(units)
    while size >= 999.95 and unit != "EiB":  # noqa: PLR2004  # what still prints with three digits
        size, unit = size / 1024, next(units)
    return f"{size:,.1f} {unit}" if size < 10**6 else f"{size:.3g} {unit}"
