"""INI, as Python's configparser reads it: sections are tables, values are what their texts spell.

`%(name)s` and `${section:name}` are expressions that something else computes, as a program may turn them off.

Source: Python 3.11, configparser (`RawConfigParser`), whose reading of sections and values this is.
"""

import configparser
import re
from typing import Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.configurations.values import Computed, Tree, check_length, plain
from lstmcalc.readers.text.positions import Member
from lstmcalc.readers.text.source_text import SourceText, Span

_HEADER: Final = re.compile(r"\[(?P<name>[^\]\n]++)\]")
_OPTION: Final = re.compile(r"(?P<name>[^\s:=\[#;][^:=\n]*+)(?:[:=]|$)")
_EQUAL: Final = re.compile(r"[A-Za-z_][\w.\-]*+[ \t]*+=[^=]")
_FLAT: Final = "\0"  # the section of a text without any
_INTERPOLATED: Final = re.compile(r"%\((\w++)\)s|\$\{(\w++)\}|\$\{(\w++):(\w++)\}")


def read_ini_tree(source: SourceText) -> Tree:
    """The values of an INI text."""
    check_length(source)
    tree = Tree(source)
    parser = configparser.RawConfigParser(allow_no_value=True, inline_comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # configparser's way to keep capitals
    flat = not has_sections(source.lines)
    try:
        parser.read_string(f"[{_FLAT}]\n{source.text}" if flat else source.text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((item[0] for item in getattr(error, "errors", ())), 1)
        line = max(1, line - flat)
        what = "this is not INI"
        if isinstance(error, configparser.DuplicateOptionError | configparser.DuplicateSectionError):
            what = "the same name stands here for the second time"
        raise source.error(Span(line, 0, 200), what) from None
    except (ValueError, AttributeError, TypeError, IndexError):
        raise SourceError("this is not INI", where=source.name) from None
    spans = _spans(source)
    tree.root = tree.new(dict)
    start = Span(1, 0, 1)
    for section in parser.sections():
        table = tree.root if flat else tree.new(dict)
        header = spans.get((section, ""), start)
        for name, value in parser.items(section):
            tree.count()
            span = spans.get(("" if flat else section, name)) or spans.get((parser.default_section, name), header)
            tree.put(table, name, _value(value, section), Member(span, span))
        if not flat:
            tree.put(tree.root, section, table, Member(header, header))
    return tree


def _value(text: str | None, section: str) -> object:
    if text is None:
        return None
    found = _INTERPOLATED.search(text)
    if found is None:
        return plain(text)
    local, other, home, name = found.groups()
    whole = found.group() == text.strip()
    path = f"{home}.{name}" if home else f"{section}.{local or other}"
    return Computed(text[:200], path if whole else "")


def _spans(source: SourceText) -> dict[tuple[str, str], Span]:
    """The line of each section, under an empty name, and of each of its options."""
    found: dict[tuple[str, str], Span] = {}
    section = ""
    for number, line in enumerate(source.lines, 1):
        header = _HEADER.match(line)
        if header:
            section = header.group("name")
            found.setdefault((section, ""), Span(number, 0, header.end()))
        elif option := _OPTION.match(line):
            found.setdefault((section, option.group("name").rstrip()), Span(number, 0, len(line.rstrip())))
    return found


def has_sections(lines: list[str]) -> bool:
    """True if a line is the header of a section."""
    return any(_HEADER.match(line) for line in lines)


def looks_like_ini(lines: list[str]) -> bool:
    """True if a text has a section and lines with `name = value` or `name: value`, or nothing but `name = value`."""
    held = [line for line in lines if line.strip() and line.lstrip()[0] not in "#;"]
    if not any(_HEADER.fullmatch(line.split(" #")[0].split(" ;")[0].strip()) for line in held[:1]):
        return len(held) > 1 and all(_EQUAL.match(line) for line in held)
    return all(line[0] in " \t" or _HEADER.match(line) or _OPTION.match(line) for line in held)
