"""The values of a configuration, each with its place, and the limits of what is composed.

Not here: the syntax of each format (`yaml_texts`, `loose_json`, `ini_texts`), and what the values mean
(`recognition`, `names`).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.budget import Allowance, budget
from lstmcalc.readers.text.documents import depth_error
from lstmcalc.readers.text.positions import KeyPath, Member, Places
from lstmcalc.readers.text.source_text import SourceText, Span

MAX_TEXT: Final = 4 * 2**20  # characters; no configuration has a tenth of it
MAX_VALUES: Final = 100_000  # with those of aliases, each time they stand for something
MAX_DEPTH: Final = 100  # levels
VALUES: Final = Allowance("values of its configurations", 300_000, 0)  # some 5 seconds


class Computed(NamedTuple):
    """An expression that something else computes: `embedding_dim * 2`, `${oc.env:HIDDEN}`."""

    text: str  # as it stands in the document
    refers: str = ""  # the dotted path of the value that it stands for, if it is nothing but that


Container: TypeAlias = dict[str, Any] | list[Any]


class Repeat(NamedTuple):
    """A key that stands in one table for the second time, where the format's reader lets the last one win."""

    key: str
    first: Span
    again: Span


class Tree:
    """The values of a document. Containers that an alias repeats are the same object at several paths."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.root: Any = None
        self.names: dict[str, Any] = {}  # what a document binds apart from its value: `local hidden = 20;`
        self.repeats: dict[tuple[int, str], Repeat] = {}  # by the id of the table and the key
        self.said: dict[object, Any] = {}  # what was asked of tables and lists, by their ids
        self._members: dict[int, dict[str | int, Member]] = {}  # by the id of the container
        self._classes: dict[int, str] = {}  # the class that a tag names, by the id of its table
        self._kept: list[Container] = []  # so that ids stay those of these containers
        self._sizes: dict[int, int] = {}  # the values in each container, those of aliases each time
        self._count = 0

    # Composing.

    def new(self, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:  # noqa: ANN401  # a container
        """A new container."""
        made: Container = kind()
        self._kept.append(made)
        self._members[id(made)] = {}
        self._sizes[id(made)] = 1
        return made

    def count(self, amount: int = 1) -> None:
        """Count values before they are composed.

        Raises:
            SourceError: They are more than a document, or a command, may have.
        """
        self._count += amount
        if self._count > MAX_VALUES:
            raise self.too_many()
        if not self._count % 1000 or amount > 1:
            budget().take(VALUES, amount if amount > 1 else 1000)

    def too_many(self) -> SourceError:
        """The error about too many values."""
        return SourceError(
            "this has too many values, those of aliases counted each time they stand for something",
            f"at most {MAX_VALUES:,}",
            where=self.source.name,
        )

    def put(self, container: Any, key: str | int, value: object, member: Member) -> None:  # noqa: ANN401  # as above
        """Put a value into a container; of a key that is repeated the last one counts."""
        members = self._members[id(container)]
        size = self._sizes[id(container)] + self._sizes.get(id(value), 1)
        if size > MAX_VALUES:
            raise self.too_many()
        self._sizes[id(container)] = size
        members[key] = member
        if isinstance(container, list):
            container.append(value)
        else:
            container[key] = value

    def merge(self, table: dict[str, Any], others: list[dict[str, Any]]) -> None:
        """Take what a table lacks from others, of which the first has it wins, as YAML's merge key has it."""
        for other in others:
            self.count(len(other) + 1)
            for key, value in other.items():
                if key not in table:
                    self.put(table, key, value, self._members[id(other)][key])

    def name_class(self, table: dict[str, Any], name: str) -> None:
        """Note the class that a tag gives a table."""
        self._classes[id(table)] = name

    # Reading.

    def class_of(self, table: object) -> str:
        """The class that a tag gives a table; empty without a tag."""
        return self._classes.get(id(table), "")

    def member(self, path: KeyPath) -> Member | None:
        """The place of the key at a path, or of the nearest one above it; None if there is none."""
        found, at = None, self.root
        for key in path:
            member = self._members.get(id(at), {}).get(key)
            if member is None:
                break
            found, at = member, at[key]
        return found

    def place_in(self, table: object, key: str | int) -> Member | None:
        """The place of a key in a table; None if it has none."""
        return self._members.get(id(table), {}).get(key)

    def repeat_in(self, table: object, key: str) -> Repeat | None:
        """The repetition of a key in a table."""
        return self.repeats.get((id(table), key))


class TreePlaces(Places):
    """The places of the keys of a tree."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree.source, lambda _: {})
        self._tree = tree

    def _nearest(self, path: KeyPath) -> Member:
        start = Span(1, 0, 1)
        return self._tree.member(path) or Member(start, start)


class PlacesBelow(Places):
    """The places of the keys of a part of a document."""

    def __init__(self, places: Places, base: KeyPath) -> None:
        super().__init__(places.source, lambda _: {})
        self._places, self._base = places, base

    def _nearest(self, path: KeyPath) -> Member:
        whole = (*self._base, *path)
        return Member(self._places.key(whole), self._places.whole(whole))


def check_length(source: SourceText, most: int = MAX_TEXT) -> None:
    """Refuse a text that is longer than any configuration."""
    if len(source.text) > most:
        raise SourceError(
            "this is too long for a configuration",
            f"at most {most:,} characters",
            f"{len(source.text):,}",
            where=source.name,
        )


def check_level(source: SourceText, level: int) -> None:
    """Refuse more levels than any configuration has."""
    if level > MAX_DEPTH:
        raise depth_error(source)


def repeated_error(source: SourceText, key: str, again: Span) -> SourceError:
    """The error about a key that stands in one table twice."""
    return source.error(again, "the same key stands here for the second time", found=shorten(key))


def plain(value: object) -> object:
    """A text as the value it spells, for formats that have texts alone: `20`, `true`, `0.5`."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return number_of(text)


_WORDS: Final[Mapping[str, Any]] = {
    "true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "none": None, "null": None,
}  # fmt: skip
_LONGEST_NUMBER: Final = 400  # characters


def number_of(text: str) -> object:
    """The number that a text spells; the text itself if it is none."""
    if not text or len(text) > _LONGEST_NUMBER or not text.isascii() or text[-1] == "_" or text[0] == "_":
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
