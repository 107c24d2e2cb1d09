"""TOML and JSON with PyTorch's names, this program's own reports, and configurations that happen to have such names.

In TOML and in JSON alike:

    [lstm]                # one LSTM; or settings that all below share
    hidden_size = 20
    [lstm.encoder]        # one of several, called encoder
    input_size = 10
    [data]                # the data that each is given
    lengths = [4, 2, 3]

Without any table, PyTorch's names at the top are one LSTM. A key that is not known is an error, never ignored: a
misspelled setting would quietly be a default. Of TOML 1.0.0 and JSON (RFC 8259) nothing is added or left out; JSON that
repeats a key, or has NaN, is refused.

Not here: what a setting may be (`config`), where keys stand (`positions`), and Keras (`keras_json`).

Sources: a config.json has `model_type`, `architectures` and `transformers_version` (transformers 4.57.1,
configuration_utils.py, from general knowledge).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from lstmcalc.config import DATA_FIELDS, HYPERPARAMETERS
from lstmcalc.errors import SourceError, nearest_hint, shorten
from lstmcalc.positions import KeyPath, Places, repeated_key, scan_json, scan_toml
from lstmcalc.subject import Found, Gap, Origin, Pointer, Setting
from lstmcalc.texts import SourceText, Span

Table: TypeAlias = Mapping[str, Any]

_MAX_DEPTH: Final = 100  # levels; no configuration has a tenth of it
_REQUIRED: Final = ("input_size", "hidden_size")
_LSTM_KEYS: Final = (*HYPERPARAMETERS, "framework")
_TOP_KEYS: Final = ("lstm", "data", *_LSTM_KEYS)
# What this program's flags and other frameworks call a setting, where the nearest spelling would be another one.
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
    """The words of a format: what it is called, what a table is called there, and how an LSTM looks in it."""

    title: str
    table: str
    header: str
    example: str
    expected: str


_TOML: Final = Grammar(
    "TOML", "a table", "[{}]", "[lstm.encoder] and [lstm.decoder]", "a table [lstm] with input_size and hidden_size"
)
_JSON: Final = Grammar(
    "JSON",
    "an object",
    '"{}"',
    '{"lstm": {"encoder": {...}, "decoder": {...}}}',
    '{"lstm": {"input_size": 10, "hidden_size": 20}}, a report of lstmcalc, a model of Keras or a config.json',
)


class _Document(NamedTuple):
    """What is being read.

    Attributes:
        source: Its text.
        places: Where its keys stand.
        grammar: The words of its format.
        origin: What its settings come from, as in `Origin`.
        root: The path of the table that is read as the whole: `tool.lstmcalc` of a pyproject.toml.
    """

    source: SourceText
    places: Places
    grammar: Grammar
    origin: str = "source"
    root: KeyPath = ()

    def error(self, path: KeyPath, what: str, expected: str = "", found: str = "", hint: str = "") -> SourceError:
        """An error that points at a key."""
        return self.source.error(self.places.key((*self.root, *path)), what, expected, found, hint)

    def refuse(self, path: KeyPath, what: str, expected: str = "", found: str = "", hint: str = "") -> NoReturn:
        """Refuse what stands at a key."""
        raise self.error(path, what, expected, found, hint)

    def refuse_all(self, what: str, expected: str, found: str) -> NoReturn:
        """Refuse the whole, where no line is to blame."""
        raise SourceError(what, expected, found, where=self.source.name)

    def kind(self, value: object) -> str:
        """What sort of value it is, in a phrase."""
        sorts: tuple[tuple[type, str], ...] = ((Mapping, self.grammar.table), (list, "a list"), (str, "a text"))
        return next((kind for sort, kind in sorts if isinstance(value, sort)), _shown(value))

    def pointer(self, path: KeyPath) -> Pointer:
        """Where a key and its value stand."""
        return self.source.pointer(self.places.whole((*self.root, *path)))

    def where(self, path: KeyPath) -> str | None:
        """The line of a key, as `lstm.toml:3`."""
        return self.source.place(self.places.key((*self.root, *path)).line) or None

    def header(self, path: KeyPath) -> str:
        """A table as the format writes it."""
        return self.grammar.header.format(".".join(map(str, path)))


class _Value(NamedTuple):
    """A value and the path of its key."""

    value: Any
    path: KeyPath


_Settings: TypeAlias = dict[str, _Value]


# --- Text to values


def read_toml(source: SourceText, origin: str = "source") -> list[Found]:
    """The LSTMs of a TOML text; of a pyproject.toml, those of its table `tool.lstmcalc`.

    Args:
        source: The text.
        origin: What its settings come from; `config` may leave out what the example has.

    Raises:
        SourceError: It is not TOML, has no LSTM, or has a setting that is not known.
    """
    tree = _load_toml(source)
    document = _Document(source, Places(source, scan_toml), _TOML, origin)
    inner = tree.get("tool")
    if isinstance(inner, Mapping) and "lstmcalc" in inner:
        return _read_tool(document, inner["lstmcalc"])
    return _read_tables(document, tree)


# The name as a key: a dependency or a comment that mentions it says nothing about an LSTM.
_TOOL_TABLE: Final = re.compile(r"""^[^#\n]*\blstmcalc["']?[ \t]*(?:[\].]|=(?!=))""", re.MULTILINE)


def read_pyproject(source: SourceText, origin: str = "config") -> list[Found]:
    """The LSTMs of the table `tool.lstmcalc` of a pyproject.toml; none if it has no such table.

    Raises:
        SourceError: It mentions the table and is not TOML, or the table has a setting that is not known.
    """
    if not _TOOL_TABLE.search(source.text):
        return []
    tool = _load_toml(source).get("tool")
    if not isinstance(tool, Mapping) or "lstmcalc" not in tool:
        return []
    return _read_tool(_Document(source, Places(source, scan_toml), _TOML, origin), tool["lstmcalc"])


def _read_tool(document: _Document, table: object) -> list[Found]:
    """What stands in `tool.lstmcalc`."""
    document = document._replace(root=("tool", "lstmcalc"))
    if not isinstance(table, Mapping):
        document.refuse((), "tool.lstmcalc is no table", "a table [tool.lstmcalc.lstm]", shorten(table))
    return _read_tables(document, table)


def read_json(source: SourceText) -> list[Found]:
    """The LSTMs of a JSON text: PyTorch's names, a report of this program, a model of Keras, or a config.json.

    Raises:
        SourceError: It is not JSON, is none of these, or has a setting that is not known.
    """
    from lstmcalc.keras_json import looks_like_keras, read_keras

    tree = _load_json(source)
    places = Places(source, scan_json)
    document = _Document(source, places, _JSON)
    if looks_like_keras(tree):
        return read_keras(tree, source, places)
    if not isinstance(tree, dict):
        document.refuse_all("there is no LSTM in it", _JSON.expected, document.kind(tree))
    if "lstmcalc" in tree and "modules" in tree:
        return _read_report(document, tree)
    if any(key in tree for key in _FOREIGN_KEYS):
        return _read_foreign(document, tree)
    return _read_tables(document, tree)


_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def _load_toml(source: SourceText) -> dict[str, Any]:
    """The values of a TOML text."""
    import tomllib

    try:
        tree = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        placed = _TOML_PLACE.fullmatch(str(error))
        message, line, column = placed.groups() if placed else (str(error), "", "")
        # Of an error behind the last character it says no line.
        span = Span(int(line), int(column) - 1, int(column)) if line else source.span_of(len(source.text.rstrip()))
        raise source.error(span, _not(_TOML, message, span)) from None
    except ValueError:
        raise _too_long(source) from None
    except RecursionError:
        raise _too_deep(source) from None
    _check_depth(source, tree)
    return tree


def _load_json(source: SourceText) -> Any:  # noqa: ANN401  # whatever it holds
    """The values of a JSON text."""
    import json

    odd: list[str] = []  # the decoder's hooks do not know where they are: the place is looked for afterwards

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            odd.append("repeated")
        return members

    try:
        tree = json.loads(source.text, object_pairs_hook=unique, parse_constant=odd.append)
    except json.JSONDecodeError as error:
        span = source.span_of(error.pos)
        raise source.error(span, _not(_JSON, error.msg, span)) from None
    except ValueError:
        raise _too_long(source) from None
    except RecursionError:
        raise _too_deep(source) from None
    for oddity in odd:
        _refuse_oddity(source, oddity)
    _check_depth(source, tree)
    return tree


def _refuse_oddity(source: SourceText, oddity: str) -> NoReturn:
    """Refuse what Python's decoder takes and JSON does not, or what means two things."""
    repeated = repeated_key(source.text) if oddity == "repeated" else None
    if repeated:
        key, span = repeated
        raise source.error(span, "the same key stands here for the second time", found=shorten(key))
    for token in re.finditer(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b', source.text):
        if token.group() == oddity:
            raise source.error(source.span_of(*token.span()), f"this is not JSON: {oddity} is no number there")
    raise SourceError(f"this is not JSON: {oddity} is no number there", where=source.name)


def _not(grammar: Grammar, message: str, span: Span) -> str:
    return f"this is not {grammar.title}: {message[:1].lower()}{message[1:]}, in column {span.start + 1}"


def _too_long(source: SourceText) -> SourceError:
    """The error of a number that Python itself refuses to read."""
    digits = re.search(r"\d[\d_]{1000,}", source.text)
    start, stop = digits.span() if digits else (0, 1)
    return source.error(
        source.span_of(start, stop),
        "too large",
        expected="at most 2**63 - 1",
        found=f"a number of {stop - start:,} digits",
    )


def _too_deep(source: SourceText) -> SourceError:
    return SourceError("this is nested too deeply", expected=f"at most {_MAX_DEPTH} levels", where=source.name)


def _check_depth(source: SourceText, tree: object) -> None:
    """Refuse what is deeper than any configuration, so that no reader has to mind how deep it is."""
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
    raise _too_deep(source)


# --- Values to LSTMs


def _read_tables(document: _Document, tree: Table) -> list[Found]:
    """The LSTMs of a document in our own terms."""
    flat = [key for key in HYPERPARAMETERS if key in tree]
    _check_top(document, tree, has_lstm=bool(flat) or "lstm" in tree)
    data = _read_data(document, tree.get("data"))
    if "lstm" in tree:
        if flat:
            outside = f"{flat[0]} stands outside of {document.header(('lstm',))}"
            document.refuse((flat[0],), outside, hint="move it there")
        leaves = [*_leaves(document, ("lstm",), tree["lstm"], {})]
    elif flat or (document.origin == "config" and tree):
        leaves = [((), _read_settings(document, (), {key: tree[key] for key in _LSTM_KEYS if key in tree}, _LSTM_KEYS))]
    else:
        leaves = []
    shared = _settings_of(document, data)
    return [_found(document, path, settings, shared) for path, settings in leaves]


def _check_top(document: _Document, tree: Table, *, has_lstm: bool) -> None:
    """Refuse keys that are not known, and a document that has nothing to do with LSTMs."""
    ours = has_lstm or document.origin == "config"
    for key in tree:
        # Where nothing is ours, only what looks misspelled is pointed at.
        if key not in _TOP_KEYS and (ours or (len(key) > 1 and _hint(key, ("lstm", *_LSTM_KEYS)))):
            _refuse_key(document, (), key, _TOP_KEYS)
    if not ours:
        document.refuse_all("there is no LSTM in it", document.grammar.expected, _listed(tree))


def _leaves(
    document: _Document, path: KeyPath, table: object, shared: _Settings
) -> Iterator[tuple[KeyPath, _Settings]]:
    """Each innermost table and its settings, with those of the tables around it."""
    if not isinstance(table, Mapping):
        hint = f"give each a name: {document.grammar.example}" if isinstance(table, list) else ""
        document.refuse(path, f"{path[-1]} is {document.kind(table)}", document.grammar.table, hint=hint)
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping) and key not in _LSTM_KEYS}
    own = _read_settings(document, path, {key: table[key] for key in table if key not in inner}, _LSTM_KEYS)
    if not inner:
        yield path, {**shared, **own}
    for key, value in inner.items():
        yield from _leaves(document, (*path, key), value, {**shared, **own})


def _read_data(document: _Document, table: object) -> _Settings:
    """The settings of the data."""
    if table is None:
        return {}
    if not isinstance(table, Mapping):
        document.refuse(("data",), f"data is {document.kind(table)}", document.grammar.table)
    return _read_settings(document, ("data",), table, DATA_FIELDS)


def _read_settings(document: _Document, path: KeyPath, table: Table, known: tuple[str, ...]) -> _Settings:
    """The settings of one table; null says nothing."""
    for key, value in table.items():
        if key not in known:
            _refuse_key(document, path, key, known)
        _check_value(document, (*path, key), key, value)
    return {key: _Value(value, (*path, key)) for key, value in table.items() if value is not None}


def _check_value(document: _Document, path: KeyPath, key: str, value: object) -> None:
    """Refuse a table or a list where one value is expected, and anything else where a list is."""
    if key == "lengths":
        if not isinstance(value, list | None):
            document.refuse(path, "lengths is no list", "integers, as [4, 2, 3]", _shown(value))
    elif isinstance(value, Mapping | list):
        document.refuse(path, f"{key} is {document.kind(value)}", f"one value, as {_EXAMPLES[key]}")


_EXAMPLES: Final = {
    **dict.fromkeys((*HYPERPARAMETERS, *DATA_FIELDS), "20"),
    **dict.fromkeys(("bias", "batch_first", "bidirectional", "unbatched"), "true"),
    "num_layers": "2",
    "dropout": "0.5",
    "dtype": '"float32"',
    "framework": '"keras"',
}


def _refuse_key(document: _Document, path: KeyPath, key: str, known: tuple[str, ...]) -> NoReturn:
    """Refuse a key that is not known, and say which was meant or where it belongs."""
    document.refuse(
        (*path, key), "no such setting", f"one of {', '.join(known)}", shorten(key), _hint(key, known, document)
    )


def _hint(key: str, known: tuple[str, ...], document: _Document | None = None) -> str:
    """Which setting was meant, or where it belongs; empty if nobody knows."""
    meant = _SPELLINGS.get(key, key)
    for table, fields in (("data", DATA_FIELDS), ("lstm", _LSTM_KEYS)):
        if meant in fields and meant not in known and document:
            return f"{meant} belongs in {document.header((*document.root, table))}"
    return f"did you mean {meant}?" if meant in known else nearest_hint(key, known)


def _found(document: _Document, path: KeyPath, settings: _Settings, data: dict[str, tuple[Setting, Pointer]]) -> Found:
    """One LSTM of a document."""
    settings = dict(settings)
    framework = _framework(document, settings.pop("framework", None))
    read = {**data, **_settings_of(document, settings)}
    gaps = () if document.origin == "config" else tuple(field for field in _REQUIRED if field not in settings)
    return Found(
        name=".".join(map(str, path[1:])) or "lstm",
        framework=framework,
        text=_text(settings) or document.header(path or ("data",)),
        where=document.where(path or _first(settings)),
        layer={field: setting for field, (setting, _) in read.items()},
        pointers={
            "": document.pointer(path or _first(settings)),
            **{field: pointer for field, (_, pointer) in read.items()},
        },
        gaps={field: Gap(f"no {field}") for field in gaps},
    )


def _first(settings: _Settings) -> KeyPath:
    """The path of the first setting, which stands for an LSTM without a table."""
    return next((value.path for value in settings.values()), ())


def _settings_of(document: _Document, settings: _Settings) -> dict[str, tuple[Setting, Pointer]]:
    """Settings with where they come from, and where they stand."""
    return {
        field: (
            Setting(value.value, Origin(document.origin, document.where(value.path), "stated")),
            document.pointer(value.path),
        )
        for field, value in settings.items()
    }


def _framework(document: _Document, named: _Value | None) -> str:
    """The framework that a table names; PyTorch if it names none."""
    if named is None:
        return "pytorch"
    from lstmcalc.frameworks import ALIASES, LAYOUTS

    name = named.value
    if isinstance(name, str) and ALIASES.get(name, name) in LAYOUTS:
        return ALIASES.get(name, name)
    raise document.error(
        named.path,
        "no such framework",
        f"one of the {len(LAYOUTS)} that lstmcalc frameworks shows, as keras or onnx",
        _shown(name),
        nearest_hint(name, (*LAYOUTS, *ALIASES)) if isinstance(name, str) else "",
    )


def _text(settings: _Settings) -> str:
    """Settings in a line."""
    return ", ".join(f"{field} = {_shown(value.value)}" for field, value in settings.items())


def _shown(value: object) -> str:
    """A value as both formats write it."""
    return str(value).lower() if isinstance(value, bool) else shorten(value)


_LISTED: Final = 6  # keys of a document in a message


def _listed(keys: Iterable[str]) -> str:
    shown = [shorten(key)[1:-1] for key in keys]
    return ", ".join([*shown[:_LISTED], *(["..."] if len(shown) > _LISTED else [])])


# --- Reports of this program


def _read_report(document: _Document, tree: Table) -> list[Found]:
    """The modules of a report."""
    if tree.get("schema") != 1:
        found = f"schema = {_shown(tree.get('schema'))}"
        document.refuse(("schema",), "this report cannot be read", "schema = 1", found)
    modules = tree["modules"]
    if not isinstance(modules, list) or not modules:
        document.refuse(("modules",), "there is no module in this report", "a list of modules", _shown(modules))
    return [_read_module(document, ("modules", index), module) for index, module in enumerate(modules)]


def _read_module(document: _Document, path: KeyPath, module: object) -> Found:
    """One module of a report: its settings, as certain as the report says they are."""
    config = module.get("config") if isinstance(module, Mapping) else None
    if not isinstance(module, Mapping) or not isinstance(config, Mapping):
        document.refuse(path, "this is no module of a report", "an object with config", document.kind(module))
    data = module.get("data")
    settings = _known(document, (*path, "config"), config, _LSTM_KEYS)
    read = _settings_of(document, {**settings, **_known(document, (*path, "data"), data, DATA_FIELDS)})
    name, framework = module.get("name"), module.get("framework")
    named = None if framework is None else _Value(framework, (*path, "framework"))
    certainty, source = _certainties(module), module.get("source")
    said = source if isinstance(source, Mapping) else {}
    options, unmodelled, place = said.get("options"), said.get("unmodelled"), said.get("path")
    return Found(
        name=name if isinstance(name, str) and name else "lstm",
        framework=_framework(document, named),
        text=_text(settings) or document.header(path),
        where=document.where(path),
        layer={
            field: Setting(setting.value, setting.origin._replace(certainty=certainty.get(field, "stated")))
            for field, (setting, _) in read.items()
        },
        pointers={"": document.pointer(path), **{field: pointer for field, (_, pointer) in read.items()}},
        gaps={field: Gap(f"no {field}") for field in _REQUIRED if field not in settings},
        options={
            name: value
            for name, value in (options if isinstance(options, Mapping) else {}).items()
            if isinstance(value, str | bool | None)
        },
        unmodelled=tuple(item for item in unmodelled if isinstance(item, str)) if isinstance(unmodelled, list) else (),
        path=place if isinstance(place, str) else "",
    )


def _known(document: _Document, path: KeyPath, table: object, known: tuple[str, ...]) -> _Settings:
    """The settings of a part of a report, which may have further keys."""
    held = table if isinstance(table, Mapping) else {}
    return _read_settings(document, path, {key: held[key] for key in known if key in held}, known)


def _certainties(module: Table) -> dict[str, str]:
    """How certain a report says that each setting is: what was assumed once is no statement now."""
    provenance = module.get("provenance")
    rows = provenance.items() if isinstance(provenance, Mapping) else ()
    said = {field: row.get("certainty") for field, row in rows if isinstance(row, Mapping)}
    return {field: word for field, word in said.items() if word in ("inferred", "assumed", "unknown")}


# --- Configurations of other programs

_FOREIGN_KEYS: Final = ("model_type", "architectures", "transformers_version")
_NUMBERS: Final = {
    **dict.fromkeys(("input_size", "hidden_size", "num_layers", "proj_size"), (int,)),
    **dict.fromkeys(("bidirectional", "bias", "batch_first"), (bool,)),
    "dropout": (int, float),
}
# Where a configuration does not name a setting, what may be it, the likeliest first.
_SYNONYMS: Final = {
    "input_size": (
        "input_dim",
        "embedding_dim",
        "embedding_size",
        "embed_dim",
        "emb_dim",
        "d_embed",
        "word_embed_dim",
        "input_features",
        "num_features",
        "n_features",
        "feature_size",
        "num_mel_bins",
        "d_model",
        "vocab_size",
    ),
    "hidden_size": (
        "hidden_dim",
        "lstm_hidden_size",
        "lstm_hidden_dim",
        "rnn_hidden_size",
        "decoder_hidden_size",
        "encoder_hidden_size",
        "n_hidden",
        "num_units",
        "units",
        "lstm_dim",
        "lstm_size",
        "d_model",
        "n_embd",
        "dim",
    ),
    "num_layers": (
        "num_hidden_layers",
        "n_layers",
        "n_layer",
        "layers",
        "lstm_layers",
        "lstm_num_layers",
        "num_lstm_layers",
        "rnn_layers",
        "num_rnn_layers",
        "encoder_layers",
        "decoder_layers",
    ),
    "bidirectional": ("is_bidirectional", "use_bidirectional", "bidirectional_encoder", "bi", "bilstm", "use_bilstm"),
}
_MENTIONED: Final = 3  # synonyms in a message


def _read_foreign(document: _Document, tree: Table) -> list[Found]:
    """The LSTM of a config.json: what is named as PyTorch names it, and what may be meant for the rest."""
    kinds = [str(tree.get(key, "")) for key in ("model_type", "architectures")]
    if any(re.search("gru", kind, re.IGNORECASE) for kind in kinds):
        key = "model_type" if "model_type" in tree else "architectures"
        document.refuse((key,), "a GRU is not an LSTM", "the configuration of an LSTM", _shown(tree[key]))
    settings = {
        field: _Value(tree[field], (field,)) for field, sorts in _NUMBERS.items() if _is_a(tree.get(field), sorts)
    }
    if not settings:
        document.refuse_all(
            "there is no LSTM in it", "hidden_size, num_layers, ... as PyTorch names them", _listed(tree)
        )
    read = _settings_of(document, settings)
    return [
        Found(
            name="lstm",
            framework="pytorch",
            text=_text(settings),
            where=document.where(_first(settings)),
            layer={field: setting for field, (setting, _) in read.items()},
            pointers={
                "": document.pointer(_first(settings)),
                **{field: pointer for field, (_, pointer) in read.items()},
            },
            gaps={field: Gap(_may_be(tree, field)) for field in _SYNONYMS if field not in settings},
            notes=_foreign_notes(tree),
        )
    ]


def _is_a(value: object, sorts: tuple[type, ...]) -> bool:
    """Whether a value is of one of these sorts; true and false are no numbers."""
    return isinstance(value, sorts) and (sorts == (bool,) or not isinstance(value, bool))


def _may_be(tree: Table, field: str) -> str:
    """Why a setting is open: what may be it, or that nothing is."""
    found = [
        f"{key} = {_shown(tree[key])}" for key in _SYNONYMS[field] if key in tree and _is_a(tree[key], _NUMBERS[field])
    ]
    return f"no {field}, but {' or '.join(found[:_MENTIONED])}" if found else f"no {field}"


def _foreign_notes(tree: Table) -> tuple[str, ...]:
    """That nothing says it is an LSTM, if nothing does."""
    said = [str(tree.get(key, "")) for key in ("model_type", "architectures")]
    if any(re.search("lstm|rnn", text, re.IGNORECASE) for text in said):
        return ()
    kind = tree.get("model_type") or tree.get("architectures")
    said_to_be = f"model_type = {shorten(kind)}" if tree.get("model_type") else f"architectures = {shorten(kind)}"
    return (f"this configuration does not say that it is of an LSTM{f': {said_to_be}' if kind else ''}",)
