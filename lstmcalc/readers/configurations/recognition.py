"""The LSTMs that a configuration describes, wherever they stand in it.

A table is of an LSTM if it says so, if what it is in says so, or if PyTorch's input_size and hidden_size stand in it
together; the last is uncertain. Where something else is named, no size is taken for an LSTM's.

Not here: what a table says that it is of (`evidence`), names of tools (`tools`), and lists of layers (`layer_lists`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lstmcalc.errors import NoLstmError, SourceError, printable, shorten
from lstmcalc.readers.configurations.evidence import Evidence, evidence_of
from lstmcalc.readers.configurations.keras_tables import keras_reading, reads_as_keras
from lstmcalc.readers.configurations.references import resolved
from lstmcalc.readers.configurations.tables_in import Candidate, Entry, Group, tables_in
from lstmcalc.readers.configurations.values import Computed, PlacesBelow, Tree, plain
from lstmcalc.readers.configurations.words import (
    HOLDERS,
    MAYBE_INPUT,
    SYNONYMS,
    TORCH_CLASSES,
    both_ways,
    field_of,
    key_of,
)
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document, Settings, Value, key_list, value_text
from lstmcalc.readers.text.positions import KeyPath
from lstmcalc.readers.text.tables import REQUIRED, first_of, settings_of, text_of
from lstmcalc.spec.config import HYPERPARAMETERS
from lstmcalc.spec.provenance import Gap
from lstmcalc.spec.words import and_list

_SIZES: Final = ("input_size", "hidden_size", "num_layers", "proj_size")
_SWITCHES: Final = ("bias", "batch_first", "bidirectional")
_SHAPING: Final = ("num_layers", "bidirectional")  # settings that it may have by its program's default
_MENTIONED: Final = 3  # other names in a message
_MOST: Final = 10_000  # LSTMs of one document


def lstms_of_tree(document: Document, tree: Tree) -> list[Found]:
    """Every LSTM of a document, in order.

    Raises:
        NoLstmError: None is recognised; what stands there instead is named.
    """
    from lstmcalc.readers.configurations.layer_lists import with_inputs

    read = _Reader(document, tree)
    candidates = read.candidates()
    found = with_inputs(document, tree, candidates)
    if not found:
        raise read.nothing()
    return _with_repeats(tree, found)


def _with_repeats(tree: Tree, found: list[Found]) -> list[Found]:
    """The LSTMs with a note on keys that stand in one table twice."""
    if not tree.repeats:
        return found
    first = next(iter(tree.repeats.values()))
    more = f", and {len(tree.repeats) - 1} more" if len(tree.repeats) > 1 else ""
    place = " and ".join(tree.source.place(span.line) or f"line {span.line}" for span in (first.first, first.again))
    note = f"{printable(first.key)} stands in one table twice, {place}{more}: the last one counts"
    return [found[0]._replace(notes=(*found[0].notes, note)), *found[1:]]


class _Reader:
    """Reads one document."""

    def __init__(self, document: Document, tree: Tree) -> None:
        self._found: list[Candidate] = []
        self._document = document
        self._tree = tree
        self._inside: list[KeyPath] = []  # what is of Keras, and read as such
        self._told: set[KeyPath] = set()  # tables that were read as a tool has them
        self._refused: list[str] = []  # sizes that are not taken, with the reason

    def candidates(self) -> list[Candidate]:
        """Every LSTM, in order."""
        found = self._found
        for table in tables_in(self._tree.root):
            path = table.whole.path
            if len(found) > _MOST:
                raise SourceError("too many LSTMs", f"at most {_MOST:,}", where=self._document.source.name)
            if path in self._told or any(path[: len(inside)] == inside for inside in self._inside):
                continue
            if self._is_keras(table.whole) or self._is_of_a_tool(table.whole):
                continue
            for group in table.groups:
                one = self._candidate(group)
                if one is not None:
                    found.append(Candidate(one, group))
        return found

    def _is_keras(self, group: Group) -> bool:
        """True if a table is a model or a layer as Keras writes it; its LSTMs are read."""
        from lstmcalc.readers.keras.models import looks_like_keras, read_keras

        if not ("class_name" in group.table and isinstance(group.table.get("config"), Mapping | list)):
            return False
        if not looks_like_keras(group.table):
            return False
        try:
            places = PlacesBelow(self._document.places, group.path)
            read = read_keras(group.table, self._document.source, places)
        except SourceError:  # another program's, that only uses the same words
            return False
        self._found += [Candidate(item, group, alone=False) for item in read]
        self._inside.append(group.path)
        return True

    def _is_of_a_tool(self, group: Group) -> bool:
        """True if a table is of a tool that is known; its LSTMs are read."""
        from lstmcalc.readers.configurations.tools import lstms_of_tool

        read = lstms_of_tool(self._document, self._tree, group)
        if read is None:
            return False
        self._found += [Candidate(item, group, alone=len(read.found) == 1) for item in read.found]
        self._told |= read.told
        self._refused += read.refused
        return True

    def _candidate(self, group: Group) -> Found | None:
        """The LSTM that a group of names is of; None if it is of none."""
        sizes = [field for name, entry in group.entries.items() if (field := field_of(name)) and self._is_size(entry)]
        if "hidden_size" not in sizes and "input_size" not in sizes:
            return None
        evidence = evidence_of(self._tree, group.table, group.path, group.above)
        stated = [name for name in REQUIRED if name in group.entries and self._is_number(group.entries[name])]
        if evidence.verdict in ("rnn", "other", "unknown") or (not evidence.verdict and len(stated) < len(REQUIRED)):
            if evidence.verdict and "hidden_size" in sizes:
                self._refused.append(evidence.why)
            return None
        if not evidence.own and "hidden_size" not in stated:
            return None
        if "hidden_size" not in sizes and not evidence.exact:  # a part of one, as others are made of by an anchor
            return None
        if evidence.verdict != "like" and evidence.exact != "pytorch" and reads_as_keras(evidence, group):
            return self._of_keras_names(group, evidence)
        return _LstmReader(self._document, self._tree, group, evidence).read()

    def _is_size(self, entry: Entry) -> bool:
        value = resolved(self._tree, entry.value, entry.path)
        if isinstance(value, Mapping):  # a search space
            return key_of(entry.key) in REQUIRED
        return value is not None and not isinstance(value, bool)

    def _is_number(self, entry: Entry) -> bool:
        value = plain(resolved(self._tree, entry.value, entry.path))
        return type(value) is int

    def _of_keras_names(self, group: Group, evidence: Evidence) -> Found:
        values = {
            name: (resolved(self._tree, entry.value, entry.path), entry.path) for name, entry in group.entries.items()
        }
        return keras_reading(self._document, name_of(group.path), values, group.path, evidence)

    def nothing(self) -> NoLstmError:
        """The error about a document without an LSTM."""
        from lstmcalc.readers.text.unread_json import lstm_mention

        root = self._tree.root
        shown = key_list(root) if isinstance(root, Mapping) else self._document.kind(root)
        expected = self._document.grammar.expected
        mention = lstm_mention(root)
        if self._refused:
            shown += f"; sizes of something else: {and_list(list(dict.fromkeys(self._refused))[:_MENTIONED])}"
        if mention:
            shown += f"; {mention} mentions one"
        hint = "its sizes are taken as flags too: --input 10 --hidden 20" if mention else ""
        return NoLstmError("no LSTM is recognised in it", expected, shown, hint, where=self._document.source.name)


def name_of(path: KeyPath) -> str:
    """The name of an LSTM: its path in the document, without tables that only hold arguments."""
    parts = list(path)
    while len(parts) > 1 and key_of(str(parts[-1])) in HOLDERS:
        parts.pop()
    return ".".join(map(str, parts)) or "lstm"


class _LstmReader:
    """Reads the settings of one LSTM in PyTorch's names, or in what people call them."""

    def __init__(self, document: Document, tree: Tree, group: Group, evidence: Evidence) -> None:
        self._document = document
        self._tree = tree
        self._group = group
        self._evidence = evidence
        self._settings: Settings = {}
        self._gaps: dict[str, Gap] = {}
        self._inferred: dict[str, str] = {}  # the keys that are read as settings of other names
        self._pointed: dict[str, KeyPath] = {}  # the keys of settings that stay open

    def read(self) -> Found:
        """The LSTM."""
        fields = HYPERPARAMETERS
        if self._evidence.exact == "pytorch-cell":
            fields = tuple(field for field in fields if field in ("input_size", "hidden_size", "bias"))
        for field in fields:
            self._field(field)
        if self._evidence.verdict == "bilstm" and "bidirectional" not in {**self._settings, **self._gaps}:
            path = self._said_at()
            self._settings["bidirectional"] = Value(True, path)
            self._inferred["bidirectional"] = ""
        elif (
            self._evidence.verdict == "like"
            and both_ways(self._evidence.why)
            and "bidirectional" not in {**self._settings, **self._gaps}
        ):
            self._gaps["bidirectional"] = Gap(f"{self._evidence.why}, but no bidirectional")
            self._pointed["bidirectional"] = self._said_at()
        for field in REQUIRED:
            if field not in self._settings and field not in self._gaps:
                self._gaps[field] = Gap(self._missing(field))
        read = settings_of(self._document, self._settings)
        layer = {
            field: setting._replace(origin=setting.origin._replace(certainty="inferred"))
            if field in self._inferred
            else setting
            for field, (setting, _) in read.items()
        }
        pointers = {field: self._document.pointer(path) for field, path in self._pointed.items()}
        path = self._group.path or first_of(self._settings)
        return Found(
            name_of(self._group.path),
            self._evidence.exact if self._evidence.exact == "pytorch-cell" else "pytorch",
            text_of(self._settings) or printable(name_of(self._group.path)),
            self._document.where(path),
            layer,
            {"": self._document.pointer(path), **pointers, **{field: pointer for field, (_, pointer) in read.items()}},
            self._gaps,
            uncertain=tuple(self._doubts()),
        )

    def _said_at(self) -> KeyPath:
        """The place of what says that it is an LSTM."""
        said = self._evidence.why.partition(" = ")[0]
        entry = next((item for item in self._group.entries.values() if printable(item.key) == said), None)
        return entry.path if entry else self._group.path

    def _field(self, field: str) -> None:
        """Read one setting, by PyTorch's name or by another one."""
        entries = self._group.entries
        if field in entries and self._holds(entries[field]):
            self._take(field, entries[field])
            return
        others = [entries[name] for name in _other_names(field) if name in entries and self._holds(entries[name])]
        if not others and field in (*REQUIRED, "bidirectional"):
            around = self._group.around
            names = (field, *SYNONYMS[field])
            others = [around[name] for name in names if name in around and self._holds(around[name])]
        if len({repr(self._value(entry)) for entry in others}) > 1:
            listed = [f"{item.key} = {value_text(self._value(item))}" for item in others[:_MENTIONED]]
            self._open(field, others[0], f"no {field}, but {' and '.join(listed)}")
        elif others and not (field == "input_size" and self._may_be_words()):
            self._inferred[field] = others[0].key
            self._take(field, others[0])
        elif others:
            self._open(field, others[0], self._missing(field))
        elif field not in entries and (meant := self._misspelled(field)):
            self._open(field, meant, f"no {field}, but {meant.key} = {value_text(self._value(meant))}")

    def _may_be_words(self) -> bool:
        """True if a size of embeddings stands beside: then input_dim may be that of the words."""
        return any(name in self._group.entries for name in MAYBE_INPUT)

    def _misspelled(self, field: str) -> Entry | None:
        """A key that is nearly the name of a setting."""
        for name, entry in self._group.entries.items():
            if not field_of(name) and _is_misspelling(name, field) and self._holds(entry):
                return entry
        return None

    def _value(self, entry: Entry) -> Any:  # noqa: ANN401  # of any type
        return plain(resolved(self._tree, entry.value, entry.path))

    def _holds(self, entry: Entry) -> bool:
        return self._value(entry) is not None

    def _take(self, field: str, entry: Entry) -> None:
        """Take the value of a key, or leave its setting open."""
        value = self._value(entry)
        repeat = self._tree.repeat_in(self._group.table, entry.key)
        if isinstance(value, Computed):
            self._open(field, entry, f"{entry.key} = {value.text}, which is computed")
        elif repeat is not None:
            lines = f"lines {repeat.first.line} and {repeat.again.line}"
            self._open(field, entry, f"{entry.key} stands here twice, {lines}")
        elif isinstance(value, Mapping | list):
            if field != "dropout":
                kind = "a list of values" if isinstance(value, list) else "several values"
                self._open(field, entry, f"{entry.key} = {shorten(value)}, {kind}")
        elif field in _SWITCHES and type(value) is int and value in (0, 1):
            self._settings[field] = Value(bool(value), entry.path)
        elif field == "dropout" and not (isinstance(value, int | float) and not isinstance(value, bool)):
            self._inferred.pop(field, None)
        elif field == "bidirectional" and field in self._inferred and not isinstance(value, bool):
            self._open(field, entry, f"{entry.key} = {value_text(value)}")
        else:
            self._settings[field] = Value(value, entry.path)

    def _open(self, field: str, entry: Entry, why: str) -> None:
        self._inferred.pop(field, None)
        self._gaps[field] = Gap(printable(why))
        self._pointed[field] = entry.path

    def _missing(self, field: str) -> str:
        """The reason why a setting is open, with keys beside that may mean it."""
        names = (*SYNONYMS[field], *(MAYBE_INPUT if field == "input_size" else ()))
        beside = {**self._group.around, **self._group.entries}
        listed = [f"{beside[name].key} = {value_text(beside[name].value)}" for name in names if name in beside]
        return printable(f"no {field}, but {' or '.join(listed[:_MENTIONED])}" if listed else f"no {field}")

    def _doubts(self) -> Iterable[str]:
        """The reasons why it may not be so."""
        evidence, name = self._evidence, printable(self._document.source.name or "the text")
        if not evidence.verdict:
            yield f"read as an LSTM; {name} does not say so"
        elif evidence.verdict == "like":
            yield f"read as torch.nn.LSTM; {evidence.why} may be another LSTM, or more than one"
        elif not evidence.own:
            yield f"read as the LSTM that {evidence.why} names"
        unsaid = [field for field in _SHAPING if field not in self._settings and field not in self._gaps]
        renamed = [f"{printable(key)} is read as {field}" for field, key in self._inferred.items() if key]
        if renamed:
            yield and_list(renamed)
        if unsaid and (renamed or evidence.verdict in ("", "like") or not evidence.firm):
            yield f"{and_list(unsaid)} {'is' if len(unsaid) == 1 else 'are'} not stated"
        unknown = self._unknown_arguments()
        if unknown:
            yield f"torch.nn.LSTM has no {and_list(unknown)}"

    def _unknown_arguments(self) -> list[str]:
        """The keys beside torch.nn.LSTM's own name that are none of its arguments."""
        if self._evidence.exact != "pytorch" or not self._evidence.own:
            return []
        said = (*TORCH_CLASSES, *HYPERPARAMETERS, "device", "dtype", *HOLDERS)
        return [
            printable(entry.key)
            for name, entry in self._group.entries.items()
            if name not in said and not entry.key.startswith("_") and name not in ("class_path", "class_name", "target")
        ][:_MENTIONED]


def _other_names(field: str) -> Iterator[str]:
    """The other names of a setting, with what a program may put before each."""
    for start in ("", "rnn_", "lstm_"):
        for name in SYNONYMS.get(field, ()):
            yield f"{start}{name}"
        if start and field != "input_size":
            yield f"{start}{field}"


_NEAR: Final = 0.85  # of the letters are those of the setting, in their order


def _is_misspelling(name: str, field: str) -> bool:
    """True if a key is spelled nearly as a setting, and is no other word, as `output_size` is for `input_size`."""
    heads = {"input_size": "input", "hidden_size": "hidden", "num_layers": "num", "proj_size": "proj"}
    start = heads.get(field, field[:3])
    is_short = len(name) < 6  # noqa: PLR2004  # as `bias`
    if is_short or name[:2] != start[:2] or abs(len(name) - len(field)) > 3:  # noqa: PLR2004  # letters
        return False
    from difflib import SequenceMatcher

    return SequenceMatcher(None, name, field).ratio() >= _NEAR
