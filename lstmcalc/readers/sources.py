"""SOURCE, from which LSTMs are read: a file, standard input or text, recognised by its content.

Not here: the readers of each kind (`python.reading`, `text.printed`, `text.tables`, `json_documents`,
`recognise.weights`).
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from lstmcalc.errors import (
    NotFoundError,
    SourceError,
    UsageError,
    cannot_read,
    harmless,
    nearest_hint,
    printable,
    shorten,
    shown_name,
)
from lstmcalc.readers.files.given import given
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.config import HYPERPARAMETERS
from lstmcalc.spec.provenance import Known, Origin, Setting, known_with

MAX_TEXT: Final = 16 * 2**20  # bytes; nobody writes a longer text

CONFIG_FILE: Final = "lstmcalc.toml"
_CONFIG_TOO: Final = "pyproject.toml"

_TOML_HEADER: Final = r"(?m)^[ \t]*+\[[ \t]*+[\"']?(tool|lstm|data)\b[^()\n]*\][ \t\r]*+(?:#|$)"
_SETTING: Final = r"(?m)^[ \t]*+(input_size|hidden_size)[ \t]*+="
_PRINTED_LINE: Final = r"\bLSTM(Cell)?\(\d+, \d+[,)]"
# Words without which a text is none that programs print of names, shapes and counts.
_PASTED: Final = (
    r"weight|kernel|bias|recurrent|size mismatch|state_dict|Param|/w_[ih]|\bw\b|LSTMCell|op_type|LSTM ?[\[<]"
)
_MAGIC: Final = r"\s*[%!?]|.*\w\?+\s*$"  # lines for the notebook, not for Python
_HEAD: Final = 4096  # bytes of a file that tell whether it is text
_CONTROL: Final = r"[\x00-\x06\x0e-\x1a\x1c-\x1f]"


def read_source(
    source: str, settings: Mapping[str, Any], framework: str = "", text: SourceText | None = None
) -> list[Found]:
    """Every LSTM that SOURCE describes, in order; nothing in it is executed.

    Args:
        source: A file that exists, `-` for standard input, or text that has a parenthesis or several lines.
        settings: The values of names in code.
        framework: The framework whose layout a weight file has, as `--from` says; empty if it says nothing.
        text: The text of the source, if it was read before.
    """
    if has_weights(source):
        from lstmcalc.readers.recognise.weights import read_weights

        _refuse_settings(settings)
        return read_weights(source, framework)
    text = text or source_text(source)
    found = read_text(text, settings, framework)
    if found[0].weights is not None:
        return found
    if framework and not any(item.framework == framework for item in found):
        stated = " and ".join(dict.fromkeys(item.framework for item in found))
        raise SourceError(f"it states its framework itself: {stated}", f"--from {stated}", framework, where="--from")
    return found


def read_text(text: SourceText, settings: Mapping[str, Any], framework: str = "") -> list[Found]:
    """Every LSTM that a text describes, as `read_source`; the framework is for names and shapes that fit several."""
    if not text.text.strip():
        raise SourceError(f"{text.name or 'SOURCE'} is empty", expected=_EXPECTED)
    _refuse_other_text(text)
    kind = text_kind(text)
    of_modules = {name: settings[name] for name in settings if _is_of_a_module(name, text.text)}
    settings = known_with(settings, {name: value for name, value in settings.items() if name not in of_modules})
    if kind not in _CODE:
        _refuse_settings(settings)
        return _with_settings(_READERS[kind](text, framework), of_modules)
    return _with_settings(_CODE[kind](text, settings), of_modules)


def is_code(text: SourceText) -> bool:
    """True if a text is code, whose names can be given values."""
    return bool(text.text.strip()) and text_kind(text) in _CODE


def _is_of_a_module(name: str, text: str) -> bool:
    """True for `encoder.input_size`, a hyperparameter of an LSTM, where the text has no such name itself."""
    return "." in name and name.rpartition(".")[2] in HYPERPARAMETERS and name not in text


def _with_settings(found: list[Found], settings: Mapping[str, Any]) -> list[Found]:
    """The LSTMs with settings that are open in the source, each by the name of its LSTM: `encoder.input_size`."""
    for name, value in settings.items():
        module, _, field = name.rpartition(".")
        try:
            picked = pick([item.name for item in found if field in item.gaps], module)
        except UsageError as error:
            what = f"{field} is not unknown in any LSTM of this name"
            raise UsageError(what, error.expected, error.found, error.hint, f"--set {name}") from None
        setting = Setting(value, Origin("flag", None, "stated"))
        found = [
            item._replace(
                layer={**item.layer, field: setting},
                gaps={other: gap for other, gap in item.gaps.items() if other != field},
            )
            if item.name == picked
            else item
            for item in found
        ]
    return found


def _refuse_settings(settings: Mapping[str, Any]) -> None:
    """Refuse `--set`, as only code has names to set."""
    if settings:
        raise UsageError(
            "there is nothing to set", expected="code with names in it", where=f"--set {next(iter(settings))}"
        )


def has_weights(source: str) -> bool:
    """True if a source has weights: an object in memory, or a file that begins with binary data of a known kind."""
    if given(source) is not None:
        return True
    if not os.path.isfile(source):  # noqa: PTH113  # as below
        return False
    try:
        with open(source, "rb") as stream:  # noqa: PTH123  # as below
            head = stream.read(_HEAD)
    except OSError:
        return False  # reading it as text reports why
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not re.search(_CONTROL.encode(), head) and start not in (b"{", b"["):  # JSON may hold weights
        return False
    from lstmcalc.readers.files.kinds import weight_kind

    return bool(weight_kind(source))


_MOST: Final = 10_000  # names among which the nearest one is searched
_EXPECTED: Final = "code, a printed model, a configuration that describes an LSTM, or a weight file"


def find_config() -> list[Found]:
    """The LSTMs of `lstmcalc.toml` in the working directory, else of `[tool.lstmcalc]` in its `pyproject.toml`."""
    if os.path.lexists(CONFIG_FILE):
        if os.path.exists(CONFIG_FILE) and not (os.path.isfile(CONFIG_FILE) or os.path.isdir(CONFIG_FILE)):  # noqa: PTH110, PTH112, PTH113  # as below
            raise SourceError(f"{CONFIG_FILE} is not a regular file", "a TOML file")  # a pipe would be waited for
        from lstmcalc.readers.text.tables import read_toml

        return read_toml(_file(CONFIG_FILE), "config")
    if os.path.isfile(_CONFIG_TOO):  # noqa: PTH113  # as below
        try:
            text = _file(_CONFIG_TOO)
        except SourceError:
            return []  # not readable as text, so it has no table for lstmcalc
        if "lstmcalc" in text.text:
            from lstmcalc.readers.text.tables import read_pyproject

            return read_pyproject(text)
    return []


def spellings(name: str) -> tuple[str, ...]:
    """The ways to write a name: as it is, and as it is shown."""
    return (name,) if name.isprintable() else (name, harmless(name), printable(name))


def pick(names: Sequence[str], module: str) -> str:
    """The name of the one LSTM whose path is `module` or ends with it."""
    name = module.removeprefix("self.")
    fitting = [item for item in names if name in spellings(item)]
    fitting = fitting or [item for item in names if any(one.endswith(f".{name}") for one in spellings(item))]
    if len(fitting) == 1:
        return fitting[0]
    told = fitting or names
    listed = f"{', '.join(map(printable, told[:20]))}{', ...' * (len(told) > 20)}"  # noqa: PLR2004  # what can be read at a glance
    raise (UsageError if fitting else NotFoundError)(
        "several modules are called so" if fitting else "no such module",
        expected=f"one of {listed}",
        found=shorten(module),
        hint="" if fitting else printable(nearest_hint(name, names[:_MOST])),
        where="--module",
    )


def source_text(source: str) -> SourceText:
    """The text of a source that is not a weight file."""
    if source == "-":
        if sys.stdin is None:
            raise SourceError("standard input is closed", expected=_EXPECTED, where="-")
        return _text(_bounded_bytes(sys.stdin.buffer, "stdin"), "stdin")
    if os.path.isdir(source):  # noqa: PTH112  # as above
        from lstmcalc.readers.files.containers import folder_error

        raise folder_error(source, shown_name(source), _EXPECTED)
    if os.path.lexists(source):
        return _file(source)
    if "(" in source or "\n" in source or " " in source.strip() or source.lstrip().startswith(("{", "[{")):
        try:
            return _text(source.encode("utf-8", "surrogateescape"), "")
        except UnicodeEncodeError:
            raise SourceError("SOURCE is not text", _EXPECTED, "half of a character") from None
    raise NotFoundError(
        "no such file",
        expected='a file, - for standard input, or text, e.g. "nn.LSTM(10, 20)"',
        hint="hyperparameters are flags, e.g. --hidden 20; lengths are separated by commas"
        if re.fullmatch(r"[\d.,\s]+", source)
        else "",
        where=shorten(source)[1:-1],
    )


def file_text(path: str, flag: str) -> SourceText:
    """The text of a file that a flag names."""
    if not os.path.isfile(path):  # noqa: PTH113  # as above
        if os.path.isdir(path) or os.path.lexists(path):  # noqa: PTH112  # as above
            raise SourceError(f"{shown_name(path)} is not a regular file", "a file of settings", where=flag)
        raise NotFoundError(f"no such file: {shown_name(path)}", "a file of settings", where=flag)
    if has_weights(path):
        raise SourceError(
            f"{shown_name(path)} is a weight file", "settings: YAML, TOML, JSON, INI or Python", where=flag
        )
    return _file(path)


def _file(path: str) -> SourceText:
    name = path if path.isprintable() else shorten(path)
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  # pathlib costs start-up
            return _text(_bounded_bytes(stream, name), name, path)
    except OSError as error:
        raise cannot_read(name, error) from None


def _bounded_bytes(stream: Any, name: str) -> bytes:  # noqa: ANN401  # a binary stream
    try:
        data: bytes = stream.read(MAX_TEXT + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {name}", found=str(getattr(error, "strerror", None) or error)) from None
    if len(data) > MAX_TEXT:
        if b"\0" in data[:_HEAD] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            return data[:_HEAD]  # binary data: the error is that it is not text
        _refuse_other_text(SourceText(data[:_HEAD].decode("latin-1"), name))
        raise SourceError(f"{name} is too large", expected=f"at most {MAX_TEXT:,} bytes of text")
    return data


def _text(data: bytes, name: str, path: str = "") -> SourceText:
    """The text in bytes: in UTF-8, in UTF-16 if it begins with its mark, or in Latin-1, e.g. old code."""
    if os.path.isfile(path) and re.search(_CONTROL.encode(), data[:_HEAD]):  # noqa: PTH113  # as above
        _refuse_other_format(path, name)
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text if encoding == "utf-8-sig" else not re.search(_CONTROL, text):
            return SourceText(text, name)
        break
    if os.path.isfile(path):  # noqa: PTH113  # as above
        from lstmcalc.readers.files.kinds import other_kind

        raise other_kind(path, _EXPECTED, binary=True)
    hint = "a weight file has to be a regular file, named instead of piped" if name else ""
    raise SourceError(f"{name or 'SOURCE'} is not text", _EXPECTED, "binary data", hint)


def _refuse_other_format(path: str, name: str) -> None:
    """Refuse a file of a binary format that is recognised and not read, even if its bytes are a text."""
    from lstmcalc.readers.files.containers import unread_format

    unread = unread_format(path)
    if unread:
        from lstmcalc.readers.files.unread import unread_error

        raise unread_error(name, unread, _EXPECTED)


def _refuse_other_text(source: SourceText) -> None:
    """Refuse a text of a format that is recognised and not read."""
    from lstmcalc.readers.files.texts import text_format

    unread = text_format(source.text)
    if unread:
        from lstmcalc.readers.files.unread import unread_error

        raise unread_error(source.name or "this text", unread, _EXPECTED)


# How an object and a list begin; not the time in `[10:00:00]` before the line of a log.
_JSON: Final = r"\{\s*+([\"}]|$)|\[\s*+(?:[\[{\"]|-?+\d++(?:\.\d++)?+(?:[eE][+-]?+\d++)?+\s*+[,\]])"


def text_kind(source: SourceText) -> str:
    """The kind of a text, by the suffix of its name if that tells, else by its content: `code`, `printed`, ..."""
    text, name = source.text.lstrip(), source.name.lower()
    if name.endswith((".toml", ".py")):
        return "toml" if name.endswith(".toml") else "code"
    if name.endswith(".ipynb") or (text.startswith("{") and '"nbformat"' in text and '"cells"' in text):
        return "notebook"
    if name.endswith(".json") or (text[0] in "{[" and re.match(_JSON, text)):
        return "json"
    return _pasted_kind(source) or _configuration_kind(source) or _other_kind(source)


def _pasted_kind(source: SourceText) -> str:
    """The kind of a text that programs print: `errors`, `summary`, `listed`; empty for any other."""
    if not re.search(_PASTED, source.text):
        return ""
    from lstmcalc.readers.pasted.kinds import pasted_kind

    return pasted_kind(source.text)


# Words without which a text is no configuration of an LSTM; and suffixes of configurations.
_CONFIGURED: Final = r"(?i)lstm|rnn|hidden|units|neurons|eunits"
_CALLED: Final = r"LSTM(?:Cell)?\("  # as code and printed models have it
_ANNOTATED: Final = r"(?m)^[ \t]*+\w++: ?+[A-Za-z][\w.\[\], |]*+ ?= "  # `hidden_size: int = 20`, of Python
# How a line of a configuration begins; other kinds of text have some of these too.
_LINE: Final = r"(?m)^[ \t]*+(?:- )?+[\"']?+[\w./-]++[\"']?+[ \t]*+[:=](?:[ \t]|$)|^[ \t]*+[{\[]|Namespace\("
_SUFFIXES: Final = (".yaml", ".yml", ".ini", ".cfg", ".conf", ".jsonc", ".json5", ".jsonnet", ".libsonnet")


def _configuration_kind(source: SourceText) -> str:
    """The kind of a configuration: `yaml`, `loose`, `ini`, `toml`; empty for code and any other text."""
    text, name = source.text, source.name.lower()
    if name.endswith(_SUFFIXES[:2]):
        return "yaml"
    if not name.endswith(_SUFFIXES) and (
        not re.search(_CONFIGURED, text) or re.search(_CALLED, text) or not re.search(_LINE, text)
    ):
        return ""
    from lstmcalc.readers.pasted.kinds import is_code

    if is_code(text) or re.match(_TOML_HEADER, text.lstrip()) or re.search(_ANNOTATED, text):
        return ""
    from lstmcalc.readers.configurations.kinds import configuration_kind

    return configuration_kind(source)


def _other_kind(source: SourceText) -> str:
    """The kind of a text that is no list, no summary and no error."""
    text = source.text.lstrip()
    if "\n" not in text.rstrip() and "(" in text[1:]:  # a tree, or a table, has several lines
        return "code"
    if re.search(_TOML_HEADER, text) or (re.search(_SETTING, text) and "LSTM" not in text):
        from lstmcalc.readers.pasted.kinds import is_code

        return "code" if is_code(source.text) else "toml"
    from lstmcalc.readers.text.printed import looks_printed

    return "printed" if looks_printed(source.text) else "code"


def _read_toml(source: SourceText, _framework: str) -> list[Found]:
    from lstmcalc.readers.text.tables import is_own, load_document, read_pyproject, read_toml_tables

    name = source.name.replace("\\", "/").rpartition("/")[2]
    found = read_pyproject(source, "source") if name == _CONFIG_TOO else []
    if found:
        return found
    document, tree = load_document(source)
    if is_own(tree) or not re.search(_CONFIGURED, source.text):
        return read_toml_tables(document, tree)
    from lstmcalc.readers.configurations.documents import lstms_of, tree_of

    return lstms_of(document, tree_of(source, tree))


def _read_configuration(source: SourceText, kind: str) -> list[Found]:
    from lstmcalc.readers.configurations.documents import read_configuration

    return read_configuration(source, kind)


def _read_yaml(source: SourceText, _framework: str) -> list[Found]:
    return _read_configuration(source, "yaml")


def _read_loose(source: SourceText, _framework: str) -> list[Found]:
    return _read_configuration(source, "loose")


def _read_ini(source: SourceText, _framework: str) -> list[Found]:
    return _read_configuration(source, "ini")


def _read_json(source: SourceText, framework: str) -> list[Found]:
    from lstmcalc.readers.json_documents import read_json

    return read_json(source, framework)


def _read_printed(source: SourceText, _framework: str = "") -> list[Found]:
    from lstmcalc.readers.text.printed import read_printed

    return read_printed(source)


def _read_listed(source: SourceText, framework: str) -> list[Found]:
    from lstmcalc.readers.pasted.shape_lists import read_listed

    return read_listed(source, framework)


def _read_summary(source: SourceText, _framework: str) -> list[Found]:
    from lstmcalc.readers.pasted.summaries import read_summary

    return read_summary(source)


def _read_errors(source: SourceText, _framework: str) -> list[Found]:
    from lstmcalc.readers.pasted.load_errors import read_errors

    return read_errors(source)


def _read_graph(source: SourceText, _framework: str) -> list[Found]:
    from lstmcalc.readers.pasted.onnx_text import read_onnx_text

    return read_onnx_text(source)


def _read_code(source: SourceText, settings: Mapping[str, Any]) -> list[Found]:
    """Read code, or lines of other text among which PyTorch printed an LSTM."""
    from lstmcalc.readers.python.reading import read_python

    if isinstance(settings, Known):
        from lstmcalc.readers.python.configured import read_configured
    given = source
    if not source.name.endswith((".py", ".ipynb")):
        source = _without_levels(source)
    try:
        return read_configured(source, settings) if isinstance(settings, Known) else read_python(source, settings)
    except SourceError as error:
        if not settings and len(source.lines) > 1 and re.search(_PRINTED_LINE, source.text):
            with suppress(SourceError):
                return _read_printed(source)
        if source.name.endswith((".py", ".ipynb")) or settings:
            raise error from None
        from lstmcalc.readers.pasted.kinds import is_python, not_understood

        raise (error if is_python(given.text) else not_understood(given)) from None


_LEVEL: Final = r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b"  # of logging, and its kin


def _without_levels(source: SourceText) -> SourceText:
    """The text without what a log puts before an LSTM: in `INFO: LSTM(1, 3)`, INFO is no name for it."""
    if not re.search(_LEVEL, source.text):
        return source
    return source.of([_without_level(line) for line in source.lines])


def _without_level(line: str) -> str:
    """A line without its log's level, and what else is before its first word with LSTM in it."""
    before, lstm, behind = line.partition("LSTM")
    path = re.match(r"[\w.]*", before[::-1])
    start = len(before) - (path.end() if path else 0)
    is_logged = bool(lstm) and re.search(_LEVEL, before[:start]) and not re.search("[(#=]", before)
    return before[start:] + lstm + behind if is_logged else line


def _read_notebook(source: SourceText, settings: Mapping[str, Any]) -> list[Found]:
    """Read the code of a notebook, cell after cell."""
    from json import loads

    try:
        cells = [*loads(source.text)["cells"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SourceError(f"{source.name or 'this text'} is not a notebook", expected="JSON with cells") from None
    lines: list[str] = []
    parts = []
    for number, cell in enumerate(cells, 1):
        code = cell.get("source") if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
        text = code if isinstance(code, str) else "".join(map(str, code)) if isinstance(code, list) else ""
        if text:
            parts.append((len(lines) + 1, f"cell {number}"))
            lines += [f"pass  # {line}" if re.match(_MAGIC, line) else line for line in text.split("\n")]
    return _read_code(SourceText("\n".join(lines), source.name, parts or [(1, "no code")]), settings)


_CODE: Final = {"code": _read_code, "notebook": _read_notebook}
_READERS: Final = {
    "toml": _read_toml,
    "yaml": _read_yaml,
    "loose": _read_loose,
    "ini": _read_ini,
    "json": _read_json,
    "printed": _read_printed,
    "listed": _read_listed,
    "summary": _read_summary,
    "errors": _read_errors,
    "graph": _read_graph,
}
