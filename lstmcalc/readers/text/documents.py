"""A document of tables, in TOML or JSON: its values, the places of its keys, and the errors on both."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from lstmcalc.errors import NoLstmError, SourceError, shorten
from lstmcalc.readers.text.positions import KeyPath, Places
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.spec.provenance import Pointer
from lstmcalc.spec.words import with_dots

Table: TypeAlias = Mapping[str, Any]
MAX_DEPTH: Final = 100  # levels; no configuration has a tenth of it


class Grammar(NamedTuple):
    """The words of a format, for messages."""

    title: str  # the name of the format
    table: str  # its word for a table
    header: str  # a table's header, with {} for the path
    example: str  # two LSTMs
    expected: str  # one LSTM


class Document(NamedTuple):
    """A document that is being read."""

    source: SourceText
    places: Places  # the positions of its keys
    grammar: Grammar
    origin: str = "source"  # the origin of its settings, `source` or `config`, as in `Origin`
    root: KeyPath = ()  # path of the table that is read as the whole document, e.g. `tool.lstmcalc` in pyproject.toml

    def error(self, path: KeyPath, what: str, expected: str = "", found: str = "", hint: str = "") -> SourceError:
        """An error that points at a key."""
        return self.source.error(self.places.key((*self.root, *path)), what, expected, found, hint)

    def refuse(self, path: KeyPath, what: str, expected: str = "", found: str = "", hint: str = "") -> NoReturn:
        """Refuse a key or its value."""
        raise self.error(path, what, expected, found, hint)

    def refuse_unknown(self, tree: object, expected: str, found: str) -> NoReturn:
        """Refuse a document in which no LSTM is recognised; what mentions one is named."""
        from lstmcalc.readers.text.unread_json import lstm_mention

        mention = lstm_mention(tree)
        found += f"; {mention} mentions one" if mention else ""
        hint = "its sizes are taken as flags too: --input 10 --hidden 20" if mention else ""
        raise NoLstmError("no LSTM is recognised in it", expected, found, hint, where=self.source.name)

    def kind(self, value: object) -> str:
        """The type of a table, a list or a text, in a phrase; any other value itself."""
        sorts: tuple[tuple[type, str], ...] = ((Mapping, self.grammar.table), (list, "a list"), (str, "a text"))
        return next((kind for sort, kind in sorts if isinstance(value, sort)), value_text(value))

    def pointer(self, path: KeyPath) -> Pointer:
        """The place of a key and its value, with an excerpt."""
        return self.source.pointer(self.places.whole((*self.root, *path)))

    def where(self, path: KeyPath) -> str | None:
        """The line of a key, e.g. `lstm.toml:3`."""
        return self.source.place(self.places.key((*self.root, *path)).line) or None

    def header(self, path: KeyPath) -> str:
        """The header of a table as the format writes it."""
        return self.grammar.header.format(".".join(map(str, path)))


class Value(NamedTuple):
    """A value and the path of its key."""

    value: Any
    path: KeyPath


Settings: TypeAlias = dict[str, Value]


def format_message(grammar: Grammar, message: str, span: Span) -> str:
    """The message about a text that is not of the format."""
    return f"this is not {grammar.title}: {message[:1].lower()}{message[1:]}, in column {span.start + 1}"


def digits_error(source: SourceText) -> SourceError:
    """The error about a number with more digits than Python converts."""
    digits = re.search(r"(?<![\d_])\d[\d_]{1000,}+", source.text)
    start, stop = digits.span() if digits else (0, 1)
    return source.error(
        source.span_of(start, stop),
        "too large",
        expected="at most 2**63 - 1",
        found=f"a number of {stop - start:,} digits",
    )


def depth_error(source: SourceText) -> SourceError:
    """The error about too many levels of nesting."""
    return SourceError("this is nested too deeply", expected=f"at most {MAX_DEPTH} levels", where=source.name)


def check_depth(source: SourceText, tree: object) -> None:
    """Refuse a tree that is deeper than any configuration, so that readers may recurse."""
    level = [tree]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise depth_error(source)


def value_text(value: object) -> str:
    """A value as TOML and JSON write it."""
    return str(value).lower() if isinstance(value, bool) else shorten(value)


_LISTED: Final = 6  # keys of a document in a message


def key_list(keys: Iterable[str]) -> str:
    """The first keys of a document, for a message."""
    return with_dots([shorten(key)[1:-1] for key in keys], _LISTED)
