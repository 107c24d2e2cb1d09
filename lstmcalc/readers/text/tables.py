"""Tables with PyTorch's names, and the settings that such names give, in TOML and in JSON.

The same tables in both:

    [lstm]                # one LSTM; or settings that all below share
    hidden_size = 20
    [lstm.encoder]        # one of several, named encoder
    input_size = 10
    [data]                # the data for each of them
    lengths = [4, 2, 3]

Without any table, PyTorch's names at the top are one LSTM. An unknown key is an error and never ignored: a misspelled
setting would silently become a default.

Not here: the text of TOML (`toml_texts`), documents and their errors (`documents`), the values that a setting may have
(`spec.config`), and other JSON (`readers.json_documents`).
"""

from collections.abc import Iterator, Mapping
from typing import Final, NoReturn

from lstmcalc.errors import nearest_hint, shorten
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document, Settings, Table, Value, key_list, value_text
from lstmcalc.readers.text.positions import KeyPath
from lstmcalc.spec.config import AROUND_FIELDS, DATA_FIELDS, HYPERPARAMETERS
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting

_OPTIONAL: Final = ("config", "settings")  # origins whose settings complete others, so that none is required
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
