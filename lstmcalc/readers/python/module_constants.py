"""The constants of a Python file of settings: what its names, dictionaries and classes are after it was run.

Nothing of it is executed: the program is followed over abstract values, as code with LSTMs is.

Not here: which names of other code they are for (`readers.configurations.names`).
"""

import ast
from collections.abc import Mapping
from typing import Final, NamedTuple

from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.values import CONTENT, Class, Items, Missing, Obj, Unknown, Value
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.reading import deep
from lstmcalc.readers.python.syntax import parse_python
from lstmcalc.readers.text.source_text import SourceText

_DEEPEST: Final = 20  # dictionaries in dictionaries
_MOST: Final = 10_000  # names


class Constant(NamedTuple):
    """What a name of a module is."""

    value: object  # a number, a text, a list; a table of `Constant`s by name; None of these if it is not known
    known: bool
    line: int


def constants_in(source: SourceText) -> dict[str, Constant]:
    """The names of a module with what they are, in order; names that begin with an underscore are left out."""
    tree, _ = parse_python(source)
    with deep():
        program = Program({}, {}, tree)
        program.run()
        lines = _lines(tree)
        left = [_MOST]
        found = {}
        for name, value in program.module.slots.items():
            if name.startswith(("_", "@")) or name not in lines:
                continue
            made = _constant(value, name, lines, left, 0)
            if made is not None:
                found[name] = made
    return found


def _constant(value: Value, path: str, lines: Mapping[str, int], left: list[int], depth: int) -> Constant | None:
    """What a value is; None for a function, a module, or what is too deep."""
    left[0] -= 1
    line = lines.get(path) or lines.get(path.rpartition(".")[0]) or lines.get(path.partition(".")[0], 1)
    if isinstance(value, Unknown):
        return Constant(None, known=False, line=line)
    plain = constant(value)
    if not isinstance(plain, Missing) and not isinstance(plain, dict):
        return Constant(plain, known=True, line=line)
    members = _members(value)
    if members is None or depth >= _DEEPEST or left[0] < 0:
        return None
    table = {}
    for name, item in members.items():
        made = _constant(item, f"{path}.{name}", lines, left, depth + 1)
        if made is not None:
            table[name] = made
    return Constant(table, known=True, line=line)


def _members(value: Value) -> dict[str, Value] | None:
    """What is in a dictionary, a class or a thing, by name; None for anything else."""
    if not isinstance(value, Obj):
        return None
    if value.kind == "dict":
        held = value.slots.get(CONTENT)
        if not isinstance(held, Items) or held.rest is not None:
            return None
        return {key: item for key, item in held.map.items() if isinstance(key, str)}
    if isinstance(value, Class) or value.kind == "object":
        return {name: item for name, item in value.slots.items() if not name.startswith(("_", "@"))}
    return None


def _lines(tree: ast.Module) -> dict[str, int]:
    """The line of the last binding of each name: of a module, of a class, and of the keys of a dictionary's display."""
    found: dict[str, int] = {}
    stack: list[tuple[ast.stmt, str]] = [(node, "") for node in reversed(tree.body)]
    while stack:
        node, path = stack.pop()
        if isinstance(node, ast.ClassDef):
            found[f"{path}{node.name}"] = node.lineno
            stack += [(inner, f"{path}{node.name}.") for inner in reversed(node.body)]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                name = _target(target)
                if name:
                    found[f"{path}{name}"] = node.lineno
                    _keys(node.value, f"{path}{name}", found)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [item for item in ast.iter_child_nodes(node) if isinstance(item, ast.stmt)]
            stack += [(item, path) for item in reversed(inner)]
    return found


def _target(node: ast.expr) -> str:
    """The name that an assignment binds, `cfg.hidden` or `cfg["hidden"]` too; empty for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _target(node.value)
        return f"{before}.{node.attr}" if before else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        before = _target(node.value)
        return f"{before}.{node.slice.value}" if before else ""
    return ""


def _keys(node: ast.expr | None, path: str, found: dict[str, int]) -> None:
    """The lines of the keys of a dictionary's display, or of the arguments of `dict()`."""
    stack = [(node, path)]
    while stack:
        at, base = stack.pop()
        pairs: list[tuple[object, ast.expr]] = []
        if isinstance(at, ast.Dict):
            pairs = [
                (key.value, item) for key, item in zip(at.keys, at.values, strict=True) if isinstance(key, ast.Constant)
            ]
        elif isinstance(at, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in at.keywords if keyword.arg]
        for key, item in pairs:
            found[f"{base}.{key}"] = item.lineno
            stack.append((item, f"{base}.{key}"))
