"""TOML with PyTorch's names, and the settings that such names give, in TOML and in JSON.

The same tables in both:

    [lstm]                # one LSTM; or settings that all below share
    hidden_size = 20
    [lstm.encoder]        # one of several, named encoder
    input_size = 10
    [data]                # the data for each of them
    lengths = [4, 2, 3]

Without any table, PyTorch's names at the top are one LSTM. An unknown key is an error and never ignored: a misspelled
setting would silently become a default. TOML 1.0.0 is read as it is, without additions or omissions.

Not here: the values that a setting may have (`spec.config`), the positions of keys (`positions`), and other JSON
(`readers.json_documents`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from lstmcalc.errors import NoLstmError, SourceError, nearest_hint, shorten
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.positions import KeyPath, Places, scan_toml
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.spec.config import AROUND_FIELDS, DATA_FIELDS, HYPERPARAMETERS
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting
from lstmcalc.spec.words import with_dots

Table: TypeAlias = Mapping[str, Any]

_OPTIONAL: Final = ("config", "settings")  # origins whose settings complete others, so that none is required
_MAX_DEPTH: Final = 100  # levels; no configuration has a tenth of it
REQUIRED: Final = ("input_size", "hidden_size")
LSTM_KEYS: Final = (*HYPERPARAMETERS, "framework")
# Tables whose settings are for every LSTM of the document.
SHARED: Final = {"data": DATA_FIELDS, "around": AROUND_FIELDS}
_TOP_KEYS: Final = ("lstm", *SHARED, *LSTM_KEYS)
# Names of settings in this program's flags and in other frameworks whose nearest spelling would be another setting.
_SPELLINGS: Final = {
    "bi": "bidirectional",
    "layers": "num_layers",
    "n_layers": "num_layers",
    "units": "hidden_size",
    "features": "input_size",
    "use_bias": "bias",
    "batch_size": "batch",
    "seq": "seq_len",
    "length": "seq_len",
    "sequence_length": "seq_len",
}


class Grammar(NamedTuple):
    """The words of a format, for messages."""

    title: str  # the name of the format
    table: str  # its word for a table
    header: str  # a table's header, with {} for the path
    example: str  # two LSTMs
    expected: str  # one LSTM


_TOML: Final = Grammar(
    "TOML", "a table", "[{}]", "[lstm.encoder] and [lstm.decoder]", "a table [lstm] with input_size and hidden_size"
)


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


# --- Text to values


def read_toml(source: SourceText, origin: str = "source") -> list[Found]:
    """The LSTMs of a TOML text; of a pyproject.toml, those of its table `tool.lstmcalc`.

    With the origin `config`, input_size and hidden_size may be missing.
    """
    return read_toml_tables(*load_document(source, origin))


def load_document(source: SourceText, origin: str = "source") -> tuple[Document, dict[str, Any]]:
    """A TOML text as a document, and its values."""
    tree = _load_toml(source)
    return Document(source, Places(source, scan_toml), _TOML, origin), tree


def read_toml_tables(document: Document, tree: Table) -> list[Found]:
    """The LSTMs of a TOML document; of a pyproject.toml, those of its table `tool.lstmcalc`."""
    inner = tree.get("tool")
    if isinstance(inner, Mapping) and "lstmcalc" in inner:
        return _read_tool(document, inner["lstmcalc"])
    return read_tables(document, tree)


# The name as a key: a dependency or a comment that mentions it does not describe an LSTM.
_TOOL_TABLE: Final = r"""(?m:^[^#\n]*\blstmcalc["']?[ \t]*(?:[\].]|=(?!=)))"""  # compiled by the first use


def read_pyproject(source: SourceText, origin: str = "config") -> list[Found]:
    """The LSTMs of the table `tool.lstmcalc` of a pyproject.toml; none if it has no such table."""
    if not re.search(_TOOL_TABLE, source.text):
        return []
    tool = _load_toml(source).get("tool")
    if not isinstance(tool, Mapping) or "lstmcalc" not in tool:
        return []
    return _read_tool(Document(source, Places(source, scan_toml), _TOML, origin), tool["lstmcalc"])


def _read_tool(document: Document, table: object) -> list[Found]:
    """The LSTMs of the table `tool.lstmcalc`."""
    document = document._replace(root=("tool", "lstmcalc"))
    if not isinstance(table, Mapping):
        document.refuse((), "tool.lstmcalc is not a table", "a table [tool.lstmcalc.lstm]", shorten(table))
    return read_tables(document, table)


_TOML_PLACE: Final = r"(?s:(.*) \(at (?:line (\d+), column (\d+)|end of document)\))"  # compiled by the first use


def _load_toml(source: SourceText) -> dict[str, Any]:
    """The values of a TOML text."""
    import tomllib

    if any(_is_deep(line) for line in source.text.split("\n") if line.count(".") > _MAX_DEPTH):
        raise depth_error(source)  # for 20,000 levels the parser takes more than a gigabyte
    try:
        tree = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        placed = re.fullmatch(_TOML_PLACE, str(error))
        message, line, column = placed.groups() if placed else (str(error), "", "")
        # tomllib gives no line for an error at the end of the document.
        span = Span(int(line), int(column) - 1, int(column)) if line else source.span_of(len(source.text.rstrip()))
        raise source.error(span, format_message(_TOML, message, span)) from None
    except ValueError:
        raise digits_error(source) from None
    except RecursionError:
        raise depth_error(source) from None
    check_depth(source, tree)
    return tree


def _is_deep(line: str) -> bool:
    """True if a key in a line has more parts than a document may have levels."""
    bare = re.sub(r"\"[^\"]*+\"?|'[^']*+'?", "text", line)
    pieces = (re.sub(r"\s", "", piece) for piece in re.split(r"[=,{}\[\]#]", bare) if piece.count(".") > _MAX_DEPTH)
    return any(".." not in piece for piece in pieces)  # dots side by side are in no key


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
    return SourceError("this is nested too deeply", expected=f"at most {_MAX_DEPTH} levels", where=source.name)


def check_depth(source: SourceText, tree: object) -> None:
    """Refuse a tree that is deeper than any configuration, so that readers may recurse."""
    level = [tree]
    for _ in range(_MAX_DEPTH + 1):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise depth_error(source)


# --- Values to LSTMs


def read_tables(document: Document, tree: Table) -> list[Found]:
    """The LSTMs of a document with PyTorch's names."""
    flat = [key for key in HYPERPARAMETERS if key in tree]
    _check_top(document, tree, has_lstm=bool(flat) or "lstm" in tree)
    common: Settings = {}
    for name, fields in SHARED.items():
        common = {**common, **_read_shared(document, name, tree.get(name), fields)}
    if "lstm" in tree:
        if flat:
            outside = f"{flat[0]} stands outside of {document.header(('lstm',))}"
            document.refuse((flat[0],), outside, hint="move it there")
        leaves = [*_leaves(document, ("lstm",), tree["lstm"], {})]
    elif flat or (document.origin in _OPTIONAL and tree):
        leaves = [((), read_settings(document, (), {key: tree[key] for key in LSTM_KEYS if key in tree}, LSTM_KEYS))]
    else:
        leaves = []
    shared = settings_of(document, common)
    return [_lstm_of_table(document, path, settings, shared) for path, settings in leaves]


def is_own(tree: Table, origin: str = "source") -> bool:
    """True if a document is of this program's own tables, and not another program's.

    Where both sizes stand beside keys of others, or an unknown key is like none of ours, it is another program's.
    """
    if origin == "config" or isinstance(tree.get("tool"), Mapping):
        return True
    if isinstance(tree.get("lstm"), bool):  # a switch of another program
        return False
    unknown = [key for key in tree if key not in _TOP_KEYS]
    if not unknown:
        return "lstm" in tree or any(key in tree for key in LSTM_KEYS) or isinstance(tree.get("data"), Mapping)
    if not isinstance(tree.get("lstm"), Mapping) and all(field in tree for field in REQUIRED):
        return False
    ours = "lstm" in tree or any(key in tree for key in HYPERPARAMETERS)
    return ours and all(_is_misspelled(key) for key in unknown)


def _is_misspelled(key: str) -> bool:
    """True if an unknown key is like one of ours; `d` and `use_lstm` are another program's words."""
    return len(key) > 1 and "lstm" not in key.lower().split("_") and bool(_hint(key, _TOP_KEYS))


def _check_top(document: Document, tree: Table, *, has_lstm: bool) -> None:
    """Refuse unknown keys, and a document without LSTMs."""
    ours = has_lstm or document.origin in _OPTIONAL
    for key in tree:
        # In a document without LSTMs, only a key that looks misspelled gets an error of its own.
        is_one = len(key) > 1 and not isinstance(tree[key], Mapping | list) and _hint(key, ("lstm", *LSTM_KEYS))
        if key not in _TOP_KEYS and (ours or is_one):
            _refuse_key(document, (), key, _TOP_KEYS)
    if not ours:
        document.refuse_unknown(tree, document.grammar.expected, key_list(tree))


def _leaves(document: Document, path: KeyPath, table: object, shared: Settings) -> Iterator[tuple[KeyPath, Settings]]:
    """Each innermost table and its settings, with those of the tables around it."""
    if not isinstance(table, Mapping):
        hint = f"give each a name: {document.grammar.example}" if isinstance(table, list) else ""
        document.refuse(path, f"{path[-1]} is {document.kind(table)}", document.grammar.table, hint=hint)
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping) and key not in LSTM_KEYS}
    own = read_settings(document, path, {key: table[key] for key in table if key not in inner}, LSTM_KEYS)
    if not inner:
        yield path, {**shared, **own}
    for key, value in inner.items():
        yield from _leaves(document, (*path, key), value, {**shared, **own})


def _read_shared(document: Document, name: str, table: object, fields: tuple[str, ...]) -> Settings:
    """The settings of a table for all LSTMs: of the data, or of the layers around the LSTM."""
    if table is None:
        return {}
    if not isinstance(table, Mapping):
        document.refuse((name,), f"{name} is {document.kind(table)}", document.grammar.table)
    return read_settings(document, (name,), table, fields)


def read_settings(document: Document, path: KeyPath, table: Table, known: tuple[str, ...]) -> Settings:
    """The settings of one table; null counts as not given."""
    for key, value in table.items():
        if key not in known:
            _refuse_key(document, path, key, known)
        _check_value(document, (*path, key), key, value)
    return {key: Value(value, (*path, key)) for key, value in table.items() if value is not None}


def _check_value(document: Document, path: KeyPath, key: str, value: object) -> None:
    """Refuse a table or a list where one value is expected, and anything else where a list is."""
    if key == "lengths":
        if not isinstance(value, list | None):
            document.refuse(path, "lengths is not a list", "integers, e.g. [4, 2, 3]", value_text(value))
    elif isinstance(value, Mapping | list):
        document.refuse(path, f"{key} is {document.kind(value)}", f"one value, as {_EXAMPLES[key]}")


_EXAMPLES: Final = {
    **dict.fromkeys((*HYPERPARAMETERS, *DATA_FIELDS, *AROUND_FIELDS), "20"),
    "head_on": '"last"',
    **dict.fromkeys(("bias", "batch_first", "bidirectional", "unbatched"), "true"),
    "num_layers": "2",
    "dropout": "0.5",
    "dtype": '"float32"',
    "framework": '"keras"',
}


def _refuse_key(document: Document, path: KeyPath, key: str, known: tuple[str, ...]) -> NoReturn:
    """Refuse an unknown key, with a hint which one was meant or where it belongs."""
    document.refuse(
        (*path, key), "no such setting", f"one of {', '.join(known)}", shorten(key), _hint(key, known, document)
    )


def _hint(key: str, known: tuple[str, ...], document: Document | None = None) -> str:
    """A hint which setting was meant, or where it belongs; empty if there is none like it."""
    meant = _SPELLINGS.get(key, key)
    for table, fields in (*SHARED.items(), ("lstm", LSTM_KEYS)):
        if meant in fields and meant not in known and document:
            return f"{meant} belongs in {document.header((*document.root, table))}"
    return f"did you mean {meant}?" if meant in known else nearest_hint(key, known)


def _lstm_of_table(
    document: Document, path: KeyPath, settings: Settings, data: dict[str, tuple[Setting, Pointer]]
) -> Found:
    """One LSTM of a document."""
    settings = dict(settings)
    framework = framework_of(document, settings.pop("framework", None))
    read = {**data, **settings_of(document, settings)}
    gaps = () if document.origin in _OPTIONAL else tuple(field for field in REQUIRED if field not in settings)
    return Found(
        name=".".join(map(str, path[1:])) or "lstm",
        framework=framework,
        text=text_of(settings) or document.header(path or ("data",)),
        where=document.where(path or first_of(settings)),
        layer={field: setting for field, (setting, _) in read.items()},
        pointers={
            "": document.pointer(path or first_of(settings)),
            **{field: pointer for field, (_, pointer) in read.items()},
        },
        gaps={field: Gap(f"no {field}") for field in gaps},
    )


def first_of(settings: Settings) -> KeyPath:
    """The path of the first setting, used as the place of an LSTM without a table."""
    return next((value.path for value in settings.values()), ())


def settings_of(document: Document, settings: Settings) -> dict[str, tuple[Setting, Pointer]]:
    """Settings with their origins, each with its place."""
    return {
        field: (
            Setting(value.value, Origin(document.origin, document.where(value.path), "stated")),
            document.pointer(value.path),
        )
        for field, value in settings.items()
    }


def framework_of(document: Document, named: Value | None) -> str:
    """The framework that a table names; PyTorch if it names none."""
    if named is None:
        return "pytorch"
    from lstmcalc.frameworks.catalog import ALIASES, LAYOUTS

    name = named.value
    if isinstance(name, str) and ALIASES.get(name, name) in LAYOUTS:
        return ALIASES.get(name, name)
    raise document.error(
        named.path,
        "no such framework",
        f"one of the {len(LAYOUTS)} that lstmcalc frameworks shows, e.g. keras or onnx",
        value_text(name),
        nearest_hint(name, (*LAYOUTS, *ALIASES)) if isinstance(name, str) else "",
    )


def text_of(settings: Settings) -> str:
    """Settings in one line, `input_size = 10, hidden_size = 20`."""
    return ", ".join(f"{field} = {value_text(value.value)}" for field, value in settings.items())


def value_text(value: object) -> str:
    """A value as TOML and JSON write it."""
    return str(value).lower() if isinstance(value, bool) else shorten(value)


_LISTED: Final = 6  # keys of a document in a message


def key_list(keys: Iterable[str]) -> str:
    """The first keys of a document, for a message."""
    return with_dots([shorten(key)[1:-1] for key in keys], _LISTED)
