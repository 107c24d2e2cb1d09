"""JSON of any kind: PyTorch's names, a report of this program, a model of Keras, another program's configuration.

JSON (RFC 8259) that repeats a key, or has NaN, is refused.

Not here: tables in PyTorch's names (`text.tables`), and models of Keras (`keras.models`).

Sources: a config.json has `model_type`, `architectures` and `transformers_version` (transformers 4.57.1,
configuration_utils.py, from general knowledge).
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn

from lstmcalc.errors import NoLstmError, SourceError, printable, shorten
from lstmcalc.readers.files.unread import Unread, unread_error
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import (
    Document,
    Grammar,
    Settings,
    Table,
    Value,
    check_depth,
    depth_error,
    digits_error,
    format_message,
    key_list,
    value_text,
)
from lstmcalc.readers.text.positions import KeyPath, Places, repeated_key, scan_json
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text.tables import (
    LSTM_KEYS,
    REQUIRED,
    SHARED,
    first_of,
    framework_of,
    read_settings,
    settings_of,
    text_of,
)
from lstmcalc.readers.text.unread_json import json_format
from lstmcalc.spec.provenance import Gap, Setting

_JSON: Final = Grammar(
    "JSON",
    "an object",
    '"{}"',
    '{"lstm": {"encoder": {...}, "decoder": {...}}}',
    '{"lstm": {"input_size": 10, "hidden_size": 20}}, a report of lstmcalc, a model of Keras or a config.json',
)


def read_json(source: SourceText, framework: str = "") -> list[Found]:
    """The LSTMs of a JSON text: PyTorch's names, a report of this program, a model of Keras, or a config.json.

    Names with shapes are read as those of a weight file, in the layout of a framework or in any.
    """
    from lstmcalc.readers.keras.models import looks_like_keras, read_keras

    try:
        tree = _load_json(source)
    except _SyntaxError as error:
        return _read_loose(source, error)
    places = Places(source, scan_json)
    document = Document(source, places, _JSON)
    if looks_like_keras(tree):
        return read_keras(tree, source, places)
    if not isinstance(tree, dict):
        return _read_settings(document, tree)
    return _read_weights(source, tree, framework) or _read_object(document, tree)


def _read_weights(source: SourceText, tree: dict[str, Any], framework: str) -> list[Found]:
    """The LSTMs of weights, or of names with shapes, in JSON; none if it is something else."""
    from lstmcalc.readers.files.json_weights import weights_of_text
    from lstmcalc.readers.recognise.weights import contents_of, lstms_of_contents

    name = source.name or "the text"
    if file := weights_of_text(source.text):
        return lstms_of_contents(contents_of(file, name, framework), name)
    if unread := json_format(tree):
        raise unread_error(source.name or "this JSON", unread, _JSON.expected)
    if any(isinstance(item, list | dict) for item in tree.values()):
        from lstmcalc.readers.pasted.shape_lists import entries_of_json, lstms_of_entries

        if entries := entries_of_json(tree):
            return lstms_of_entries(entries, name, framework)
    return []


def _read_object(document: Document, tree: dict[str, Any]) -> list[Found]:
    """The LSTMs of an object that describes them, in one of several vocabularies."""
    if isinstance(tree.get("weight_map"), dict):
        _refuse_index(document, tree["weight_map"])
    if "lstmcalc" in tree and "modules" in tree:
        return _read_report(document, tree)
    return _read_settings(document, tree)


def _read_settings(document: Document, tree: object) -> list[Found]:
    """The LSTMs of this program's own tables, or of another program's configuration."""
    from lstmcalc.readers.configurations.documents import lstms_of, tree_of

    if not isinstance(tree, dict) or not any(key in tree for key in _FOREIGN_KEYS):
        return lstms_of(document, tree_of(document.source, tree))
    with suppress(NoLstmError):
        found = lstms_of(document, tree_of(document.source, tree))
        if any(item.name != "lstm" for item in found):  # in a table of its own
            return found
    return _read_foreign(document, tree)


class _SyntaxError(SourceError):
    """A text is not JSON as it should be."""


def _read_loose(source: SourceText, error: SourceError) -> list[Found]:
    """The LSTMs of a text that is nearly JSON, with comments or trailing commas; else the error on the JSON."""
    from lstmcalc.readers.configurations.documents import read_configuration, read_tree

    try:
        read_tree(source, "loose")
    except SourceError:
        raise error from None
    return read_configuration(source, "loose")


def unread_document(source: SourceText) -> Unread | None:
    """The format of a document that holds a model and is not read; None for any other text."""
    if not source.text.lstrip().startswith("{"):
        return None
    try:
        tree = _load_json(source)
    except SourceError:
        return None
    return json_format(tree)


def _load_json(source: SourceText) -> Any:  # noqa: ANN401  # whatever it holds
    """The values of a JSON text."""
    import json

    odd: list[str] = []  # the decoder's hooks get no position: it is searched afterwards

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            odd.append("repeated")
        return members

    try:
        tree = json.loads(source.text, object_pairs_hook=unique, parse_constant=odd.append)
    except json.JSONDecodeError as error:
        span = source.span_of(error.pos)
        raise source.error(span, format_message(_JSON, error.msg, span), kind=_SyntaxError) from None
    except ValueError:
        raise digits_error(source) from None
    except RecursionError:
        raise depth_error(source) from None
    for oddity in odd:
        _refuse_oddity(source, oddity)
    check_depth(source, tree)
    return tree


def _refuse_oddity(source: SourceText, oddity: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's decoder accepts and JSON does not, and keys that are repeated."""
    repeated = repeated_key(source.text) if oddity == "repeated" else None
    if repeated:
        key, span = repeated
        raise source.error(span, "the same key stands here for the second time", found=shorten(key))
    for token in re.finditer(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|-?\bInfinity\b|\bNaN\b', source.text):
        if token.group() == oddity:
            raise source.error(source.span_of(*token.span()), f"this is not JSON: it has no number {oddity}")
    raise SourceError(f"this is not JSON: it has no number {oddity}", where=source.name)


# --- Reports of this program


def _read_report(document: Document, tree: Table) -> list[Found]:
    """The modules of a report."""
    if tree.get("schema") != 1:
        found = f"schema = {value_text(tree.get('schema'))}"
        document.refuse(("schema",), "this report cannot be read", "schema = 1", found)
    modules = tree["modules"]
    if not isinstance(modules, list) or not modules:
        document.refuse(
            ("modules",), "the list of modules in this report is empty", "a list of modules", value_text(modules)
        )
    return [_read_module(document, ("modules", index), module) for index, module in enumerate(modules)]


def _read_module(document: Document, path: KeyPath, module: object) -> Found:
    """One module of a report, each setting with the certainty that the report gives it."""
    config = module.get("config") if isinstance(module, Mapping) else None
    if not isinstance(module, Mapping) or not isinstance(config, Mapping):
        document.refuse(path, "this is not a module of a report", "an object with config", document.kind(module))
    settings = _known_settings(document, (*path, "config"), config, LSTM_KEYS)
    shared: Settings = {}
    for table, fields in SHARED.items():
        shared |= _known_settings(document, (*path, table), module.get(table), fields)
    read = settings_of(document, {**settings, **shared})
    name, framework = module.get("name"), module.get("framework")
    named = None if framework is None else Value(framework, (*path, "framework"))
    certainty, source = _certainties(module), module.get("source")
    said = source if isinstance(source, Mapping) else {}
    options, unmodelled, place = said.get("options"), said.get("unmodelled"), said.get("path")
    return Found(
        name=name if isinstance(name, str) and name else "lstm",
        framework=framework_of(document, named),
        text=text_of(settings) or document.header(path),
        where=document.where(path),
        layer={
            field: Setting(setting.value, setting.origin._replace(certainty=certainty.get(field, "stated")))
            for field, (setting, _) in read.items()
        },
        pointers={"": document.pointer(path), **{field: pointer for field, (_, pointer) in read.items()}},
        gaps={field: Gap(f"no {field}") for field in REQUIRED if field not in settings},
        options={
            name: value
            for name, value in (options if isinstance(options, Mapping) else {}).items()
            if isinstance(value, str | bool | None)
        },
        unmodelled=tuple(item for item in unmodelled if isinstance(item, str)) if isinstance(unmodelled, list) else (),
        path=place if isinstance(place, str) else "",
    )


def _known_settings(document: Document, path: KeyPath, table: object, known: tuple[str, ...]) -> Settings:
    """The settings in a part of a report, whose other keys are ignored."""
    held = table if isinstance(table, Mapping) else {}
    return read_settings(document, path, {key: held[key] for key in known if key in held}, known)


def _certainties(module: Table) -> dict[str, str]:
    """The certainty of each setting that the report does not call stated: an assumed value stays assumed."""
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
# Where a configuration lacks PyTorch's name of a setting, other names that may mean it, the likeliest first.
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


def _refuse_index(document: Document, files: Table) -> NoReturn:
    """Refuse the index of weights in several files: no other file than SOURCE is opened.

    Source: keras 3.15.1, keras/src/saving/saving_lib.py (`model.weights.json`); `model.safetensors.index.json` has its
    names under the same key.
    """
    recurrent = [key for key in files if re.search("weight_hh|recurrent_kernel|lstm", key)] or list(files)
    named = files[recurrent[0]] if recurrent else ""
    first = named[0] if isinstance(named, list) and named else named
    hint = "give the file that has the LSTM" + (f": {printable(first)}?" if isinstance(first, str) and first else "")
    raise SourceError(
        "this is the index of weights in several files",
        "one of them",
        f"{len(files):,} names",
        hint,
        document.source.name,
    )


def _read_foreign(document: Document, tree: Table) -> list[Found]:
    """The LSTM of a config.json: settings with PyTorch's names; for missing ones, other names are only mentioned.

    If it does not say that it is of an LSTM, no setting is taken: `hidden_size` of encodec is its codec's.
    """
    kinds = [str(tree.get(key, "")) for key in ("model_type", "architectures")]
    if any(re.search("gru", kind, re.IGNORECASE) for kind in kinds):
        key = "model_type" if "model_type" in tree else "architectures"
        document.refuse((key,), "a GRU is not an LSTM", "the configuration of an LSTM", value_text(tree[key]))
    settings = {
        field: Value(tree[field], (field,)) for field, sorts in _NUMBERS.items() if _is_a(tree.get(field), sorts)
    }
    if not settings:
        document.refuse_unknown(tree, "hidden_size, num_layers, ... as PyTorch names them", key_list(tree))
    notes = _foreign_notes(tree)
    taken = {} if notes else settings  # where no LSTM is named, its sizes are not known to be those of one
    read = settings_of(document, taken)
    return [
        Found(
            name="lstm",
            framework="pytorch",
            text=text_of(settings),
            where=document.where(first_of(settings)),
            layer={field: setting for field, (setting, _) in read.items()},
            pointers={
                "": document.pointer(first_of(settings)),
                **{field: pointer for field, (_, pointer) in read.items()},
            },
            gaps={
                field: Gap(_not_its_own(settings, field) if field in settings else _may_be(tree, field))
                for field in _SYNONYMS
                if field not in taken
            },
            notes=notes,
            partial=True,
        )
    ]


def _not_its_own(settings: Settings, field: str) -> str:
    """The reason why a setting with PyTorch's name is open in a configuration that is not said to be of an LSTM."""
    return f"{field} = {value_text(settings[field].value)}, which may be another module's"


def _is_a(value: object, sorts: tuple[type, ...]) -> bool:
    """True if a value is of one of these types; true and false are not numbers."""
    return isinstance(value, sorts) and (sorts == (bool,) or not isinstance(value, bool))


def _may_be(tree: Table, field: str) -> str:
    """The reason why a setting is open, with the keys that may mean it."""
    found = [
        f"{key} = {value_text(tree[key])}"
        for key in _SYNONYMS[field]
        if key in tree and _is_a(tree[key], _NUMBERS[field])
    ]
    return f"no {field}, but {' or '.join(found[:_MENTIONED])}" if found else f"no {field}"


def _foreign_notes(tree: Table) -> tuple[str, ...]:
    """A note if `model_type` and `architectures` do not say that this is an LSTM or RNN."""
    said = [str(tree.get(key, "")) for key in ("model_type", "architectures")]
    if any(re.search("lstm|rnn", text, re.IGNORECASE) for text in said):
        return ()
    kind = tree.get("model_type") or tree.get("architectures")
    said_to_be = f"model_type = {shorten(kind)}" if tree.get("model_type") else f"architectures = {shorten(kind)}"
    return (f"this configuration does not say that it is of an LSTM{f': {said_to_be}' if kind else ''}",)
