"""The reader of each kind of text, loaded when one is read."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.config_file import CONFIG_TOO
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import CONFIGURED
from lstmcalc.spec.provenance import Known

_PRINTED_LINE: Final = r"\bLSTM(Cell)?\(\d+, \d+[,)]"
_MAGIC: Final = r"\s*[%!?]|.*\w\?+\s*$"  # lines for the notebook, not for Python


def _read_toml(source: SourceText, _framework: str) -> list[Found]:
    from lstmcalc.readers.text.tables import is_own
    from lstmcalc.readers.text.toml_texts import load_document, read_pyproject, read_toml_tables

    name = source.name.replace("\\", "/").rpartition("/")[2]
    found = read_pyproject(source, "source") if name == CONFIG_TOO else []
    if found:
        return found
    document, tree = load_document(source)
    if is_own(tree) or not re.search(CONFIGURED, source.text):
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


CODE: Final = {"code": _read_code, "notebook": _read_notebook}
READERS: Final = {
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
