"""Text with a name, and places in it: a line's number, and its excerpt with carets below the part that is meant."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.spec.provenance import Pointer

_WIDTH = 100  # characters of an excerpt


class Span(NamedTuple):
    """A part of a line."""

    line: int  # its number, from 1
    start: int  # index of the first character, from 0
    stop: int  # index after the last character


class SourceText:
    """A text and its name.

    Args:
        text: The text.
        name: The file's name, or `stdin`; empty for text that was typed.
        parts: The first line and the name of each part, if the text consists of several, e.g. cells of a notebook.
    """

    def __init__(self, text: str, name: str = "", parts: Sequence[tuple[int, str]] = ()) -> None:
        self.text = text
        self.name = name
        self.parts = parts

    def of(self, lines: Sequence[str]) -> "SourceText":
        """A text of the same name with other lines, one for each of its own."""
        return SourceText("\n".join(lines), self.name, self.parts)

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends, separated as in Python, TOML and JSON."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def place(self, line: int) -> str:
        """The place of a line, e.g. `train.py:12`; empty in a typed text of one line."""
        if self.parts:
            first, part = self.parts[bisect_right(self.parts, line, key=lambda item: item[0]) - 1]
            return f"{self.name}, {part}:{line - first + 1}"
        if self.name:
            return f"{self.name}:{line}"
        return f"line {line}" if len(self.lines) > 1 else ""

    def span_of(self, start: int, stop: int | None = None) -> Span:
        """The span from `start` to before `stop` in the line of the first; `pointer` cuts it at the end of the line."""
        before = self.text.replace("\r\n", " \n")[:start].replace("\r", "\n")
        line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
        return Span(line + 1, column, column + max(1, (stop or start + 1) - start))

    def pointer(self, span: Span) -> Pointer:
        """The place of a span, and its line with carets below."""
        line = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        start = min(span.start, len(line))
        stop = max(start + 1, min(span.stop, len(line)))
        # A long line is cut on both sides of the span.
        first = (
            max(0, min(start - _WIDTH // 4, len(line) - _WIDTH))
            if len(line) > _WIDTH
            else len(line[:start]) - len(line[:start].lstrip())
        )
        first = min(first, start)
        last = min(len(line), first + _WIDTH)
        shown = line[first:last]
        if not shown.isprintable():
            shown = "".join(character if character.isprintable() else " " for character in shown)
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


class Pointers(Mapping[str, Pointer]):
    """The places of spans by name, each made when it is asked for: few are, of many LSTMs."""

    def __init__(self, source: SourceText, spans: Mapping[str, Span]) -> None:
        self._source = source
        self._spans = spans

    def __getitem__(self, name: str) -> Pointer:
        return self._source.pointer(self._spans[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


def _columns(text: str) -> int:
    """The columns of a text on a terminal, where some letters take two and some none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)
