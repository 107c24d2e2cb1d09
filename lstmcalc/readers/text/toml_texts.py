"""TOML: its values, and the LSTMs of a TOML text or of a pyproject.toml.

TOML 1.0.0 is read as it is, without additions or omissions.

Not here: what tables mean (`tables`), and the positions of keys (`positions`).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from lstmcalc.errors import shorten
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import (
    MAX_DEPTH,
    Document,
    Grammar,
    Table,
    check_depth,
    depth_error,
    digits_error,
    format_message,
)
from lstmcalc.readers.text.positions import Places, scan_toml
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.readers.text.tables import read_tables

_TOML: Final = Grammar(
    "TOML", "a table", "[{}]", "[lstm.encoder] and [lstm.decoder]", "a table [lstm] with input_size and hidden_size"
)


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

    if any(_is_deep(line) for line in source.text.split("\n") if line.count(".") > MAX_DEPTH):
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
    pieces = (re.sub(r"\s", "", piece) for piece in re.split(r"[=,{}\[\]#]", bare) if piece.count(".") > MAX_DEPTH)
    return any(".." not in piece for piece in pieces)  # dots side by side are in no key
