"""Text with a name, and places in it: where something stands, and the line with carets below it.

Not here: what the text means.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.spec.provenance import Pointer

_WIDTH = 100  # of an excerpt, in characters


class Span(NamedTuple):
    """Part of a line: its number from 1, the first character from 0, and the one behind the last."""

    line: int
    start: int
    stop: int


class SourceText:
    """A text and what it is called.

    Args:
        text: The text.
        name: The file's name, or `stdin`; empty for text that was typed.
        parts: Where its parts begin, if it is put together of several: the first line of each, and its name.
    """

    def __init__(self, text: str, name: str = "", parts: Sequence[tuple[int, str]] = ()) -> None:
        self.text = text
        self.name = name
        self.parts = parts

    def of(self, lines: Sequence[str]) -> "SourceText":
        """The same text with other lines, one for each of its own."""
        return SourceText("\n".join(lines), self.name, self.parts)

    @cached_property
    def lines(self) -> list[str]:
        """Its lines, without their ends; numbered as Python, TOML and JSON do."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def place(self, line: int) -> str:
        """Where a line is, as `train.py:12`; empty in a typed text of one line."""
        if self.parts:
            first, part = self.parts[bisect_right(self.parts, line, key=lambda item: item[0]) - 1]
            return f"{self.name}, {part}:{line - first + 1}"
        if self.name:
            return f"{self.name}:{line}"
        return f"line {line}" if len(self.lines) > 1 else ""

    def span_of(self, start: int, stop: int | None = None) -> Span:
        """The span of characters `start` to `stop`, up to the end of the line that the first stands in."""
        before = self.text.replace("\r\n", " \n")[:start].replace("\r", "\n")
        line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
        return Span(line + 1, column, column + max(1, (stop or start + 1) - start))

    def pointer(self, span: Span) -> Pointer:
        """The place of a span and its line, with carets below."""
        line = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        start = min(span.start, len(line))
        stop = max(start + 1, min(span.stop, len(line)))
        # A long line is cut on both sides of what is meant.
        first = (
            max(0, min(start - _WIDTH // 4, len(line) - _WIDTH))
            if len(line) > _WIDTH
            else len(line[:start]) - len(line[:start].lstrip())
        )
        first = min(first, start)
        last = min(len(line), first + _WIDTH)
        shown = "".join(character if character.isprintable() else " " for character in line[first:last])
        carets = "^" * max(1, min(stop, last) - start)
        ahead, behind = "..." * (first > 0 and len(line) > _WIDTH), "..." * (last < len(line))
        margin = " " * _columns(ahead + shown[: start - first])
        return Pointer(self.place(span.line), f"{ahead}{shown.rstrip()}{behind}\n{margin}{carets}")

    def error(
        self,
        span: Span,
        what: str,
        expected: str = "",
        found: str = "",
        hint: str = "",
        kind: type[SourceError] = SourceError,
    ) -> SourceError:
        """An error that points at a span."""
        pointer = self.pointer(span)
        return kind(what, expected, found, hint).showing(pointer.place, pointer.excerpt)


def _columns(text: str) -> int:
    """How wide a text is on a terminal, where some letters take two columns and some none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)
