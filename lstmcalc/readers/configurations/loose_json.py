"""Loose JSON, as people write it, and as Python prints a dictionary or argparse's Namespace.

Comments, trailing commas, names without quotes, Jsonnet without computation are read. An expression that is not a
literal is kept as its text. `local name = VALUE;` of Jsonnet binds a name.

Sources: JSON5 1.0.0 (json5.org), Jsonnet 0.20 (its specification), Python 3.11 (`repr` of dict, list, tuple and
argparse.Namespace).
"""

import re
from typing import Any, Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.configurations.values import Computed, Tree, check_length, check_level, repeated_error
from lstmcalc.readers.text.positions import Lines, Member
from lstmcalc.readers.text.source_text import SourceText

# Compiled by the first use; a text or a comment without an end goes on to the end.
_TOKEN: Final = re.compile(
    r"""(?s:(?P<skip>\s+|//[^\n]*+|\#[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)"""
    r"""|(?P<text>"[^"\\]*+(?:\\.[^"\\]*+)*+"?|'[^'\\]*+(?:\\.[^'\\]*+)*+'?)"""
    r"""|(?P<word>[+-]?[A-Za-z0-9_$.][\w$.]*+(?:(?<=[eE])[+-]\d++)?|[+-]\.?\d[\w.]*+(?:(?<=[eE])[+-]\d++)?)"""
    r"""|(?P<mark>:{1,3}|[\[\]{}(),;=]|.))"""
)
_CLOSES: Final = {"{": "}", "[": "]", "(": ")"}
_LITERALS: Final[dict[str, Any]] = {
    "true": True, "false": False, "null": None, "True": True, "False": False, "None": None,
    "NaN": float("nan"), "nan": float("nan"), "Infinity": float("inf"), "inf": float("inf"),
    "-Infinity": float("-inf"), "-inf": float("-inf"), "+Infinity": float("inf"),
}  # fmt: skip
# Classes whose print has its attributes as arguments, or that are made of them.
_TABLES: Final = frozenset(
    ("Namespace", "SimpleNamespace", "dict", "OrderedDict", "Munch", "AttrDict", "EasyDict", "edict", "Box", "Config",
     "ConfigDict", "DotMap", "Dict", "AttributeDict", "HParams")
)  # fmt: skip
_DIGITS: Final = 4000  # Python reads no longer number


class _Token:
    __slots__ = ("kind", "start", "stop", "text")

    def __init__(self, kind: str, text: str, start: int, stop: int) -> None:
        self.kind, self.text, self.start, self.stop = kind, text, start, stop


def read_loose_tree(source: SourceText) -> Tree:
    """The values of a text; an error says where it is not as expected."""
    check_length(source)
    reader = _Reader(source)
    reader.read()
    return reader.tree


class _Open:
    """A table or a list that is being read."""

    def __init__(self, made: Any, closes: str, *, named: bool = False) -> None:  # noqa: ANN401  # a container
        self.made = made
        self.closes = closes
        self.named = named  # True if its keys are `name=`, as of arguments
        self.key: str | None = None
        self.key_token: _Token | None = None


class _Reader:
    """Reads one text, token by token, without recursion."""

    def __init__(self, source: SourceText) -> None:
        self.tree = Tree(source)
        self._source = source
        self._lines = Lines(source.text)
        self._at = 0
        self._next: _Token | None = None
        self._open: list[_Open] = []
        self._starts: list[int] = []  # the offsets where they begin
        self._last = 0  # the offset after the token that was taken last
        self._shadowed: set[str] = set()  # names that a table binds for itself, which may be another value there

    def read(self) -> None:
        """Read the text."""
        while self._peek().text == "local" and self._peek().kind == "word":
            self._take()
            name = self._take()
            if self._take().text != "=":
                raise self._error(name, "a name and a value: local NAME = VALUE;")
            self.tree.names[name.text] = self._one((";",))
            self._take()
        self.tree.root = self._one(())
        for bound in self._shadowed:
            self.tree.names.pop(bound, None)
        end = self._peek()
        if end.kind != "end" and end.text != ";":
            raise self._error(end, "the end")

    def _one(self, ends: tuple[str, ...]) -> Any:  # noqa: ANN401  # of any type
        """One value with all that is in it."""
        depth = len(self._open)
        value, start = self._begin(ends)
        while len(self._open) > depth or value is _OPENED:
            top = self._open[-1]
            token = self._peek()
            if token.kind == "end":
                raise self._error(token, f"{top.closes} at the end")
            if token.text == top.closes:
                self._take()
                self._open.pop()
                value, start = self._closed(top, ends)
                if len(self._open) > depth:
                    self._put(self._open[-1], value, start)
                    value = None
                continue
            if token.text in (",", ";"):
                self._take()
                continue
            if isinstance(top.made, dict) and not self._key(top):
                continue
            value, start = self._begin((",", top.closes))
            if value is not _OPENED:
                self._put(top, value, start)
        return value

    def _closed(self, top: _Open, ends: tuple[str, ...]) -> tuple[Any, int]:
        """A container that ends; one that is part of an expression is that expression."""
        around = (",", self._open[-1].closes) if self._open else ends
        start = self._starts.pop()
        after = self._peek()
        if after.kind == "end" or after.text in around or after.text == ";":
            return top.made, start
        return self._expression(start, around), start

    def _key(self, top: _Open) -> bool:
        """Take a key and what stands behind it; false if it was something else, which is left out."""
        token = self._take()
        after = self._peek()
        if token.kind in ("text", "word") and after.text in (
            (":", "::", ":::", "=") if top.named else (":", "::", ":::")
        ):
            self._take()
        elif token.kind in ("text", "word") and after.text == "+":  # Jsonnet adds to what a table had
            self._take()
            self._take()
        elif top.named and token.text in _CLOSES:  # OrderedDict({...}), OrderedDict([...])
            self._expression(token.start, (",", top.closes), first=token)
            return False
        elif token.text in ("local", "function") and after.kind == "word":
            self._shadowed.add(after.text)
            self._expression(token.start, (",", top.closes), first=token)
            return False
        elif token.text in ("local", "assert", "for", "if", "["):
            self._expression(token.start, (",", top.closes), first=token)
            return False
        else:
            raise self._error(token, "a key and a value")
        name = self._text(token) if token.kind == "text" else token.text
        if name in top.made:
            raise repeated_error(self._source, name, self._lines.span(token.start, token.stop))
        top.key, top.key_token = name, token
        return True

    def _put(self, top: _Open, value: Any, start: int) -> None:  # noqa: ANN401  # of any type
        stop = self._last
        if isinstance(top.made, list):
            member = Member(self._lines.span(start, start + 1), self._lines.span(start, stop))
            self.tree.put(top.made, len(top.made), value, member)
            return
        token = top.key_token
        assert token is not None and top.key is not None  # noqa: PT018, S101  # a key was read
        key = self._lines.span(token.start, token.stop)
        self.tree.put(top.made, top.key, value, Member(key, self._lines.span(token.start, stop)))
        top.key = top.key_token = None

    def _begin(self, ends: tuple[str, ...]) -> tuple[Any, int]:
        """A scalar; or _OPENED, with a container that begins."""
        self.tree.count()
        token = self._take()
        if token.kind == "end":
            raise self._error(token, "a value")
        if token.text in _CLOSES and token.kind == "mark":
            self._push(token, dict if token.text == "{" else list, named=False)
            return _OPENED, token.start
        after = self._peek()
        is_table = token.kind == "word" and token.text.rpartition(".")[2] in _TABLES
        if is_table and after.text == "(":
            self._take()
            self._push(token, dict, named=True, closes=")")
            return _OPENED, token.start
        if after.kind != "end" and after.text not in ends and after.text != ";":
            return self._expression(token.start, ends, first=token), token.start
        return self._scalar(token), token.start

    def _push(self, token: _Token, kind: type, *, named: bool, closes: str = "") -> None:
        check_level(self._source, len(self._open) + 1)
        self._starts.append(token.start)
        self._open.append(_Open(self.tree.new(kind), closes or _CLOSES[token.text], named=named))

    def _scalar(self, token: _Token) -> Any:  # noqa: ANN401  # of any type
        if token.kind == "text":
            return self._text(token)
        if token.text in _LITERALS:
            return _LITERALS[token.text]
        if len(token.text) <= _DIGITS:
            for kind in (lambda text: int(text, 0), int, float):
                try:
                    return kind(token.text)
                except ValueError:
                    continue
        plain = token.kind == "word" and token.text.replace(".", "").replace("_", "").isalnum()
        return Computed(token.text[:200], token.text if plain else "")

    def _expression(self, start: int, ends: tuple[str, ...], first: _Token | None = None) -> Computed:
        """The text of an expression up to one of the marks that end it."""
        depth = 1 if first is not None and first.text in _CLOSES else 0
        while True:
            token = self._peek()
            if token.kind == "end" or (
                not depth and (token.text in ends or token.text == ";") and token.kind == "mark"
            ):
                break
            self._take()
            if token.kind == "mark":
                depth += (token.text in _CLOSES) - (token.text in ("}", "]", ")"))
                if depth < 0:
                    raise self._error(token, "a value")
        return Computed(" ".join(self._source.text[start : min(self._last, start + 200)].split()))

    def _text(self, token: _Token) -> str:
        """A text without its quotes."""
        quote, body = token.text[0], token.text[1:-1]
        if len(token.text) < 2 or token.text[-1] != quote:  # noqa: PLR2004  # both quotes
            raise self._error(token, f"{quote} at the end of a text")
        return re.sub(r"(?s)\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|.)", _unescaped, body) if "\\" in body else body

    # Tokens.

    def _peek(self) -> _Token:
        while self._next is None:
            found = _TOKEN.match(self._source.text, self._at)
            if found is None:
                self._next = _Token("end", "", self._at, self._at)
                break
            start, self._at = found.span()
            kind = found.lastgroup or ""
            if kind != "skip":
                self._next = _Token(kind, found.group(), start, self._at)
        return self._next

    def _take(self) -> _Token:
        token = self._peek()
        self._next = None
        self._last = token.stop
        return token

    def _error(self, token: _Token, expected: str) -> SourceError:
        span = self._lines.span(min(token.start, max(0, len(self._source.text) - 1)), token.stop)
        what = f"this is not JSON, nor like it, in column {span.start + 1}"
        return self._source.error(span, what, expected, repr(token.text[:20]) if token.text else "the end")


_OPENED: Final = object()
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}


def _unescaped(found: "re.Match[str]") -> str:
    part = found.group(1)
    if len(part) > 1 and part[0] in "ux":
        return chr(int(part[1:], 16))
    return _ESCAPES.get(part, part)
