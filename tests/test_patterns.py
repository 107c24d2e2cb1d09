"""No regular expression takes more than linear time, whatever text it is given."""

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from lstmcalc.readers.recognise import names
from test_structure import modules, source_of
from tools.patterns import slow_text

SEARCHES = {"search", "findall", "finditer", "sub", "subn", "split"}
METHODS = {*SEARCHES, "match", "fullmatch"}
# Patterns that are made of others at run time, by the text that makes them: they are looked at where they are kept.
MADE = {
    "fullmatch(text, unit)": "names.STACKS",
    "fullmatch(regex, plain)": "names._RELATIVES",
    "sub(pattern, replacement": "spellings._ALIASES",
}
ELSEWHERE = "readers.python"  # its texts are bounded by its own reader


class Used(NamedTuple):
    """A pattern, and how it is used."""

    module: str
    pattern: str | bytes
    flags: int
    method: str


class _Samples(dict[str, Any]):
    """Local names, which are words as far as a pattern goes."""

    def __missing__(self, name: str) -> str:
        if name.startswith("__") or hasattr(builtins, name):
            raise KeyError(name)
        return "word"


def value(node: ast.expr, module: str) -> Any:
    code = compile(ast.Expression(node), module, "eval")
    return eval(code, {}, _Samples(vars(import_module(f"lstmcalc.{module}"))))


def called(module: str) -> Iterator[Used]:
    """The patterns of calls like `re.search(pattern, text)`."""
    source = source_of(module)
    for node in ast.walk(ast.parse(source)) if re.search(r"\bre\s*\.", source) else ():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re") or node.func.attr == "escape":
            continue
        text = ast.unparse(node).removeprefix("re.")
        if node.func.attr == "compile" or any(text.startswith(begin) for begin in MADE):
            assert node.func.attr == "compile" or any(text.startswith(begin) for begin in MADE)
            continue
        flags = next((value(key.value, module) for key in node.keywords if key.arg == "flags"), 0)
        at = {"sub": 4, "subn": 4, "split": 3}.get(node.func.attr, 2)
        flags = value(node.args[at], module) if len(node.args) > at else flags
        yield Used(module, value(node.args[0], module), int(flags), node.func.attr)


def kept(module: str) -> Iterator[Used]:
    """The compiled patterns among a module's values, with the methods that are called by their names."""
    source = source_of(module)
    for name, held in vars(import_module(f"lstmcalc.{module}")).items():
        for pattern in compiled(held):
            methods = set(re.findall(rf"\b{name}\.(\w+)", source)) & METHODS
            others = set(re.findall(r"(?<!\bre)\.(\w+)\(", source)) & METHODS  # in a loop, by another name
            for method in methods or others:
                yield Used(module, pattern.pattern, pattern.flags, method)


def compiled(held: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(held, re.Pattern):
        yield held
    elif isinstance(held, list | tuple | Mapping) and not isinstance(held, str):
        for item in held.values() if isinstance(held, Mapping) else held:
            yield from compiled(item)


def made() -> Iterator[Used]:
    for pattern in names._patterns():  # noqa: SLF001  # they are made when they are needed
        yield Used("readers.recognise.names", names._expression(pattern).pattern, 0, "fullmatch")  # noqa: SLF001
    for _, regex, _ in names._RELATIVES:  # noqa: SLF001  # as above
        yield Used("readers.recognise.names", regex, 0, "fullmatch")
    for texts in names.STACKS.values():
        yield from (Used("readers.recognise.names", text, 0, "fullmatch") for text in texts)


def every_pattern() -> list[Used]:
    found = [used for module in modules() for used in (*called(module), *kept(module))]
    return [used for used in dict.fromkeys((*found, *made())) if not used.module.startswith(ELSEWHERE)]


@pytest.mark.parametrize("used", every_pattern(), ids=lambda used: f"{used.module}: {used.pattern!r}"[:80])
def test_no_pattern_takes_more_than_linear_time(used: Used) -> None:
    whole = used.method == "fullmatch"
    assert slow_text(used.pattern, used.flags, search=used.method in SEARCHES, whole=whole) == ""


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(?m)^\s*\[", "search"),
        (r"\s+$", "search"),
        (r"a*a*b", "match"),
        (r"(a*)*b", "match"),
        (r"(?:a|ab|b)*c", "match"),
        (r".*x.*y", "match"),
        (r"\w+\w+", "fullmatch"),
        (r'"[^"\\]*(?:\\.[^"\\]*)*"', "search"),
        (r"\d[\d_]{1000,}", "search"),
        (r"(?=.*x)y", "search"),
        (r"\w*+x", "search"),
    ],
)
def test_a_slow_pattern_is_seen(pattern: str, method: str) -> None:
    assert slow_text(pattern, search=method == "search", whole=method == "fullmatch")


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"^\s+$", "match"),
        (r"a+", "search"),
        (r"(?<!\w)\w*+x", "search"),
        (r"\b\w+x", "search"),
        (r"\d+,\d+;", "match"),
        (r"(?>a*)a*b", "match"),
        (r"a*+b*c", "match"),
        (r"\w+", "fullmatch"),
        (r"\([^()]*\)", "search"),
        (r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', "search"),
    ],
)
def test_a_fast_pattern_passes(pattern: str, method: str) -> None:
    assert slow_text(pattern, search=method == "search", whole=method == "fullmatch") == ""
