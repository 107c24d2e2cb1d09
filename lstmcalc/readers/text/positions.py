"""Positions of the keys in a TOML or JSON document: one linear pass over the text, which is known to be valid.

The parsers of the standard library give values and no positions, so positions are read apart from them, by the grammars
of TOML 1.0.0 and RFC 8259. A key that is not found gets the position of the table around it: positions are for people,
and no value depends on one.

Not here: values (`tomllib`, `json`), and their meaning (`tables`, `readers.keras.models`).
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.readers.text.source_text import SourceText, Span

KeyPath: TypeAlias = tuple[str | int, ...]  # ("lstm", "encoder", "hidden_size"), ("layers", 0, "config")

_DEEPEST: Final = 120  # levels that are recorded: a path is as long as its level is deep
_MOST_TOKENS: Final = 500_000  # tokens that are looked at: what comes later has no position
_START: Final = Span(1, 0, 1)


class Member(NamedTuple):
    """The positions of a key and its value."""

    key: Span  # the key alone
    whole: Span  # the key and its value


class Places:
    """The positions of a document's keys, read when the first is asked for.

    Args:
        source: The text.
        scan: `scan_toml` or `scan_json`.
    """

    def __init__(self, source: SourceText, scan: "Callable[[str], Mapping[KeyPath, Member]]") -> None:
        self.source = source
        self._scan = scan

    @cached_property
    def _members(self) -> Mapping[KeyPath, Member]:
        return self._scan(self.source.text)

    def key(self, path: KeyPath) -> Span:
        """The span of the key at `path`; if that is unknown, of the nearest key above it."""
        return self._nearest(path).key

    def whole(self, path: KeyPath) -> Span:
        """The span of the key at `path` and its value, up to the end of the line."""
        return self._nearest(path).whole

    def _nearest(self, path: KeyPath) -> Member:
        for length in range(len(path), 0, -1):
            found = self._members.get(path[:length])
            if found:
                return found
        return Member(_START, _START)


class Lines:
    """The lines of a text, to convert offsets to lines and columns."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]
        self._ends = [*(end.start() for end in re.finditer(r"\r\n|\r|\n", text)), len(text)]

    def span(self, start: int, stop: int) -> Span:
        """The span from `start` to before `stop`, cut at the end of the line that `start` is in."""
        line = bisect_right(self._starts, start) - 1
        column = start - self._starts[line]
        width = max(1, min(stop, self._ends[line]) - start)
        return Span(line + 1, column, column + width)


# --- JSON

# Compiled by the first use. A text without an end goes on to the end: looking for one from each quote takes for ever.
_JSON_LEXEME: Final = r'(?s:"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}:,]|[^\s\[\]{}:,"]+)'


def scan_json(text: str) -> dict[KeyPath, Member]:
    """The position of each member of an object and each item of a list; of a repeated key, of the first."""
    return _JsonScanner(text).members


def repeated_key(text: str) -> tuple[str, Span] | None:
    """The first key that is repeated in one object of a JSON text, and the span of its second occurrence."""
    return _JsonScanner(text).repeated


class _JsonScanner:
    """One pass over a JSON text, without recursion."""

    def __init__(self, text: str) -> None:
        self.members: dict[KeyPath, Member] = {}
        self.repeated: tuple[str, Span] | None = None
        self._lines = Lines(text)
        self._open: list[_Container] = []
        for found in islice(re.finditer(_JSON_LEXEME, text), _MOST_TOKENS):
            self._take(found.group(), found.start(), found.end())

    def _take(self, part: str, start: int, stop: int) -> None:
        top = self._open[-1] if self._open else None
        if part in "}]":
            self._open.pop()
            if self._open:
                self._end(self._open[-1], stop)
        elif part == ":":
            pass
        elif part == ",":
            if top:
                top.next()
        elif top and top.keys is not None and not top.named:
            self._name(top, part, start, stop)
        else:
            self._begin(top, start)
            if part in "{[":
                self._open.append(_Container(top.path() if top else (), {} if part == "{" else None))
            elif top:
                self._end(top, stop)

    def _name(self, top: "_Container", part: str, start: int, stop: int) -> None:
        """Take a key of an object."""
        key = _unquoted_key(part)
        top.name, top.named, top.start, top.key = key, True, start, self._lines.span(start, stop)
        assert top.keys is not None  # noqa: S101  # it is an object
        if key in top.keys and not self.repeated:
            self.repeated = (key, top.key)
        top.again = key in top.keys
        top.keys[key] = None

    def _begin(self, top: "_Container | None", start: int) -> None:
        """Take the first token of a value, where an item of a list begins."""
        if top and top.keys is None:
            top.start, top.again, top.key = start, False, self._lines.span(start, start + 1)

    def _end(self, top: "_Container", stop: int) -> None:
        """Record a member at the end of its value."""
        if len(self._open) <= _DEEPEST and not top.again:
            self.members[top.path()] = Member(top.key, self._lines.span(top.start, stop))


class _Container:
    """An object or a list that is being read, and its current member."""

    def __init__(self, base: KeyPath, keys: dict[str, None] | None) -> None:
        self.base = base
        self.keys = keys  # None for a list
        self.name: str | int = 0
        self.named = False
        self.again = False
        self.start = 0
        self.key = _START

    def path(self) -> KeyPath:
        """The path of the current member; of the container itself if the member is too deep to be recorded."""
        return (*self.base, self.name) if len(self.base) < _DEEPEST else self.base

    def next(self) -> None:
        """Go on to the next member, after a comma."""
        self.named = False
        if isinstance(self.name, int):
            self.name += 1


def _unquoted_key(part: str) -> str:
    if "\\" not in part:
        return part[1:-1]
    import json

    return str(json.loads(part))


# --- TOML

_TOML_LEXEME: Final = (  # as above
    r'(?s:"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?|'
    r"'''(?:[^']|'(?!''))*+(?:'{3,5})?|"
    r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|'
    r"'[^'\n]*+'?|"
    r"#[^\n]*|\r?\n|[\[\]{}=.,]|[^\s\[\]{}=.,#\"']+)"
)


def scan_toml(text: str) -> dict[KeyPath, Member]:
    """The position of each header and each key; of a table that is written in several parts, of the first."""
    scanner = _TomlScanner(text)
    for found in islice(re.finditer(_TOML_LEXEME, text), _MOST_TOKENS):
        if not found.group().startswith("#"):
            scanner.take(found.group(), found.start(), found.end())
    scanner.end_line()
    return scanner.members


class _TomlScanner:
    """One pass over a TOML text, which skips all but the brackets inside arrays."""

    def __init__(self, text: str) -> None:
        self.members: dict[KeyPath, Member] = {}
        self._lines = Lines(text)
        self._table: KeyPath = ()
        self._header = False
        self._open: list[tuple[str, KeyPath]] = []  # open brackets in values, each with the path of its key
        self._parts: list[str] = []
        self._start = 0
        self._stop = 0
        self._values: list[tuple[KeyPath, int, Span]] = []  # keys whose value is being read

    def take(self, part: str, start: int, stop: int) -> None:
        """Take the next token."""
        if part in ("\n", "\r\n"):
            if not self._open:
                self.end_line()
        elif self._reads_key():
            self._key(part, start, stop)
        else:
            self._value(part, stop)

    def _reads_key(self) -> bool:
        """True if a key is being read, not a value; in an inline table, keys follow `{` or a comma."""
        if self._open:
            return self._open[-1][0] == "{" and len(self._values) <= sum(kind == "{" for kind, _ in self._open)
        return not self._values

    def _key(self, part: str, start: int, stop: int) -> None:
        if part == "[" and not self._parts and not self._open:
            self._start = self._start if self._header else start  # of `[[`, the first bracket
            self._header = True
        elif part == "]" and self._header:
            self._stop = stop
        elif part == "=":
            path = (*(self._open[-1][1] if self._open else self._table), *self._parts)
            key = self._lines.span(self._start, self._stop)
            self._values.append((path, self._start, key))
            self._record(path, Member(key, key))
            self._parts = []
        elif part == "}":
            self._close(stop)
        elif part not in ".,":
            if not self._parts and not self._header:
                self._start = start
            self._stop = stop
            self._parts.append(_unquoted_part(part))

    def _value(self, part: str, stop: int) -> None:
        if part in "{[":
            self._open.append((part, self._values[-1][0]))
        elif part == "," and self._open and self._open[-1][0] == "{":
            self._end_value()
            return
        elif part == "}":
            self._end_value()
            self._close(stop)
            return
        elif part == "]" and self._open:
            self._open.pop()
        self._stop = stop

    def _close(self, stop: int) -> None:
        """End an inline table."""
        if self._open:
            self._open.pop()
        self._stop = stop

    def _end_value(self) -> None:
        if self._values:
            path, start, key = self._values.pop()
            if self.members.get(path) == Member(key, key):
                self.members[path] = Member(key, self._lines.span(start, self._stop))

    def _record(self, path: KeyPath, member: Member) -> None:
        """Keep the first position of a key and of the tables in its dotted parts; keys inside arrays have no path."""
        if all(kind == "{" for kind, _ in self._open):
            for length in range(1, min(len(path), _DEEPEST) + 1):
                self.members.setdefault(path[:length], member)

    def end_line(self) -> None:
        """End a line outside of brackets: a header, or a key and its value."""
        if self._header:
            self._table = tuple(self._parts)
            span = self._lines.span(self._start, self._stop)
            self._record(self._table, Member(span, span))
        while self._values:
            self._end_value()
        self._header, self._parts, self._open = False, [], []


def _unquoted_part(part: str) -> str:
    """A part of a key, without its quotes."""
    if part.startswith("'"):
        return part[1:-1]
    if not part.startswith('"'):
        return part
    if "\\" not in part:
        return part[1:-1]
    import tomllib

    return next(iter(tomllib.loads(f"{part} = 0")))
