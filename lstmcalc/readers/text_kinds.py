"""The kind of a text, by its name and its content: code, a printed model, a configuration, ...

Not here: the reader of each kind (`text_readers`).
"""

import re
from typing import Final

from lstmcalc.readers.text.source_text import SourceText

_TOML_HEADER: Final = r"(?m)^[ \t]*+\[[ \t]*+[\"']?(tool|lstm|data)\b[^()\n]*\][ \t\r]*+(?:#|$)"
_SETTING: Final = r"(?m)^[ \t]*+(input_size|hidden_size)[ \t]*+="
# Words without which a text is none that programs print of names, shapes and counts.
_PASTED: Final = (
    r"weight|kernel|bias|recurrent|size mismatch|state_dict|Param|/w_[ih]|\bw\b|LSTMCell|op_type|LSTM ?[\[<]"
)
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
CONFIGURED: Final = r"(?i)lstm|rnn|hidden|units|neurons|eunits"
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
        not re.search(CONFIGURED, text) or re.search(_CALLED, text) or not re.search(_LINE, text)
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
