"""The kind of a text that may be a configuration, by its content: `yaml`, `loose`, `ini`, `toml`.

Nearly any text is YAML, so a text is only taken for it if most of its lines look like it and an LSTM is recognised in
it. Code and what programs print are told before.

Not here: the readers of each kind (`documents`), and what is told before (`readers.text_kinds`).
"""

import re
from contextlib import suppress
from typing import Final

from lstmcalc.errors import MissingExtraError, NoLstmError, SourceError
from lstmcalc.readers.configurations.documents import read_configuration
from lstmcalc.readers.configurations.ini_texts import has_sections, looks_like_ini
from lstmcalc.readers.configurations.values import MAX_TEXT
from lstmcalc.readers.configurations.yaml_texts import looks_like_yaml
from lstmcalc.readers.text.source_text import SourceText

SUFFIXES: Final = {
    ".yaml": "yaml", ".yml": "yaml", ".jsonc": "loose", ".json5": "loose", ".jsonnet": "loose", ".libsonnet": "loose",
}  # fmt: skip
# What loose JSON begins with, after comments.
_COMMENT: Final = re.compile(r"(?s:\s+|//[^\n]*+|\#[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)")
_LOOSE: Final = re.compile(r"[{\[]|local\s+\w+\s*=|(?:\w+\.)?(?:Namespace|OrderedDict|dict)\(")


def configuration_kind(source: SourceText) -> str:
    """The kind of a text; empty if it is not taken for a configuration."""
    text, suffix = source.text, _suffix(source.name)
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if len(text) > MAX_TEXT:
        return ""
    if _LOOSE.match(text, _start(text)) and _is_recognised(source, "loose"):
        return "loose"
    if looks_like_ini(source.lines):
        return _kind_of_ini(source, is_named=suffix in (".ini", ".cfg", ".conf"))
    return "yaml" if looks_like_yaml(source.lines) and _is_recognised(source, "yaml") else ""


def _kind_of_ini(source: SourceText, *, is_named: bool) -> str:
    """The kind of a text that looks like INI, as TOML does too."""
    kind = "toml" if _is_toml(source.text) else "ini"
    if has_sections(source.lines):
        return kind if kind == "toml" or is_named or _is_recognised(source, kind) else ""
    is_ours = kind == "toml" and "lstm" not in source.text.lower()
    return "ini" if not is_ours and _is_recognised(source, "ini") else ""  # without sections it may be Python as well


def _suffix(name: str) -> str:
    return f".{name.lower().rpartition('.')[2]}" if "." in name else ""


def _start(text: str) -> int:
    """The offset behind the comments at the beginning of a text."""
    at = 0
    while found := _COMMENT.match(text, at):
        at = found.end()
    return at


def _is_toml(text: str) -> bool:
    import tomllib

    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_recognised(source: SourceText, kind: str) -> bool:
    """True if an LSTM is recognised in a text that is read as a kind, or what is wrong with one."""
    with suppress(NoLstmError):
        try:
            return bool(read_configuration(source, kind))
        except MissingExtraError:
            return True  # whose error says what to install
        except SourceError as error:
            return bool(error.excerpt) and "this is not" not in error.what
    return False
