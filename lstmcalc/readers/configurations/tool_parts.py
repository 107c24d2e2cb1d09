"""The parts of a tool's configuration: its keys, and the LSTMs that it makes of them.

Not here: the table of tools (`tools`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import printable
from lstmcalc.readers.configurations.references import resolved
from lstmcalc.readers.configurations.tables_in import Entry, Group
from lstmcalc.readers.configurations.values import Computed, Tree, plain
from lstmcalc.readers.configurations.words import key_of
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document, value_text
from lstmcalc.readers.text.positions import KeyPath
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting

MAX_PARTS: Final = 1000  # LSTMs of one tool; no real model has more


class Term(NamedTuple):
    """A value with its key, as a tool has it."""

    value: Any  # a `Gap` if it is not known
    path: KeyPath = ()  # empty if the tool's code says it and not the file
    certainty: str = "stated"
    default: str = ""  # what is said if the file does not have it: `num_layers = 4`

    @property
    def size(self) -> int | None:
        """The value, if it is a number of something."""
        return self.value if type(self.value) is int else None

    def computed(self, value: Any) -> "Term":  # noqa: ANN401  # of any type
        """A value that follows from this one."""
        return self._replace(value=value, certainty="inferred")


class View:
    """The keys of one table, as a tool reads them."""

    def __init__(self, tree: Tree, entries: Mapping[str, Entry], path: KeyPath, cls: str = "") -> None:
        self.tree = tree
        self._entries = entries
        self.path = path
        self.cls = cls  # the class that its tag or `_target_` names
        self.around: list[Any] = []  # the list that it is in

    @staticmethod
    def of(tree: Tree, group: Group) -> "View":
        """The keys of a group."""
        named = next((group.table[key] for key in ("_target_", "class_path") if key in group.table), "")
        cls = tree.class_of(group.table) or (named if isinstance(named, str) else "")
        view = View(tree, group.entries, group.path, cls)
        around = group.above[-1].table if group.above else None
        view.around = around if isinstance(around, list) else []
        return view

    @staticmethod
    def empty(other: "View") -> "View":
        """No keys, in the place of another table's."""
        return View(other.tree, {}, other.path)

    @property
    def first(self) -> KeyPath:
        """The path of the table, or of its first key if it is the whole document."""
        return self.path or next((entry.path for entry in self._entries.values()), ())

    def has_any(self, *names: str) -> bool:
        """True if one of the keys is there and has a value."""
        return any(self.value(name) is not None for name in names)

    def has(self, *names: str) -> bool:
        """True if all keys are there and have a value."""
        return all(self.value(name) is not None for name in names)

    def value(self, name: str) -> Any:  # noqa: ANN401  # of any type
        """The value of a key; None if it is not there."""
        entry = self._entries.get(name)
        return None if entry is None else plain(resolved(self.tree, entry.value, entry.path))

    def text(self, name: str) -> str:
        """The text of a key in small letters; empty if it has none."""
        value = self.value(name)
        return value.lower() if isinstance(value, str) else ""

    def term(self, name: str, default: object = None, meaning: str = "") -> Term:
        """The value of a key, or the tool's default, or what is not known; `meaning` is the setting that it gives."""
        value, entry = self.value(name), self._entries.get(name)
        if value is None or entry is None:
            if default is None:
                return Term(Gap(f"no {name}"))
            return Term(default, certainty="assumed", default=f"{meaning or name} = {value_text(default)}")
        if isinstance(value, Computed):
            return Term(Gap(printable(f"{entry.key} = {value.text}, which is computed")), entry.path)
        if isinstance(value, Mapping | list):
            return Term(Gap(printable(f"{entry.key} has several values")), entry.path)
        return Term(value, entry.path)

    def is_beside(self, *names: str) -> bool:
        """True if a table of the list that it is in has one of these keys; it is remembered for all of them."""
        key = (id(self.around), names)
        if key not in self.tree.said:
            self.tree.said[key] = any(
                isinstance(item, Mapping) and any(name in item for name in names) for item in self.around
            )
        return bool(self.tree.said[key])

    def is_below(self, name: str) -> bool:
        """True if a table right below has this key too."""
        tables = (entry.value for entry in self._entries.values() if isinstance(entry.value, Mapping))
        return any(key_of(key) == name for table in tables for key in table)

    def below(self, name: str) -> "View | None":
        """The keys of the table under a key; None if there is none."""
        value, entry = self.value(name), self._entries.get(name)
        if isinstance(value, str) and entry is not None:
            value = _printed(value)
        if not isinstance(value, Mapping) or entry is None:
            return None
        entries = {key_of(key): Entry(key, item, (*entry.path, key)) for key, item in value.items()}
        return View(self.tree, entries, entry.path)


_MOST_PRINTED: Final = 10_000  # characters of arguments in a text


def _printed(text: str) -> object:
    """The table that a text prints, `dict(lstm_hidden_size=64)`; the text itself if it is none."""
    from lstmcalc.errors import SourceError
    from lstmcalc.readers.configurations.loose_json import read_loose_tree
    from lstmcalc.readers.text.source_text import SourceText

    if not text.rstrip().endswith((")", "}")) or len(text) > _MOST_PRINTED:
        return text
    try:
        return read_loose_tree(SourceText(text)).root
    except SourceError:
        return text


class Part(NamedTuple):
    """One LSTM that a tool makes."""

    name: str  # its path in the tool's model, below the table's own
    terms: Mapping[str, Term]
    framework: str = "pytorch"
    options: Mapping[str, Any] = {}  # the framework's own settings


Parts: TypeAlias = Sequence[Part]


def depending(term: Term, *others: Term) -> Term:
    """A value that is so only if those of other keys are."""
    said = [item.default for item in (term, *others) if item.default]
    return term._replace(default=" and ".join(dict.fromkeys(said)))


def stack(
    name: str, inputs: tuple[Term, Term], layers: Term, terms: Mapping[str, Term], framework: str = "pytorch"
) -> list[Part]:
    """An LSTM for each layer, numbered in its name; `inputs` are those of the first and of the others."""
    count = layers.size
    if count is None or not 1 <= count <= MAX_PARTS:
        why = layers.value.why if isinstance(layers.value, Gap) else f"{value_text(layers.value)} layers"
        first = Term(Gap(f"the number of LSTMs is not known: {why}"), layers.path)
        return [Part(name.format(0), {**terms, "input_size": first}, framework)]
    terms = {**terms, "hidden_size": depending(terms["hidden_size"], layers)}
    return [
        Part(name.format(number), {"input_size": inputs[min(number, 1)], **terms}, framework) for number in range(count)
    ]


class Tool(NamedTuple):
    """A tool, by the keys of its configurations."""

    title: str
    source: str  # the repository, the file and the commit of the code that these facts are of
    tells: Callable[[View], bool]
    # The LSTMs; an empty text if there are none; None if the tool is only named.
    parts: Callable[[View], "Parts | str"] | None
    told: tuple[str, ...] = ()  # keys below which nothing else is looked for


class Read(NamedTuple):
    """The result of reading a table."""

    found: list[Found]
    told: set[KeyPath]
    refused: list[str]


def found_of(document: Document, tool: Tool, view: View, part: Part) -> Found:
    """An LSTM of a tool, as every reader gives it."""
    layer: dict[str, Setting] = {}
    gaps: dict[str, Gap] = {}
    pointers: dict[str, Pointer] = {"": document.pointer(view.first)}
    defaults: list[str] = []
    for field, term in part.terms.items():
        if term.path:
            pointers[field] = document.pointer(term.path)
        if isinstance(term.value, Gap):
            gaps[field] = Gap(f"{term.value.why}, in a configuration of {tool.title}")
            continue
        where = document.where(term.path) if term.path else document.where(view.path)
        layer[field] = Setting(term.value, Origin(document.origin, where, term.certainty))
        defaults += [term.default] if term.default else []
    for field in ("input_size", "hidden_size"):
        if field not in layer and field not in gaps:
            gaps[field] = Gap(f"no {field}, in a configuration of {tool.title}")
    name = ".".join(map(str, (*view.path, *([part.name] if part.name else ())))) or "lstm"
    doubts = [
        f"{default} are defaults of {tool.title}" if " and " in default else f"{default} is {tool.title}'s default"
        for default in dict.fromkeys(defaults)
    ]
    return Found(
        name,
        part.framework,
        f"an LSTM of {tool.title}",
        document.where(view.first),
        layer,
        pointers,
        gaps,
        options=part.options,
        uncertain=tuple(doubts),
    )
