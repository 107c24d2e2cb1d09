"""The names that code writes on things whose values a configuration may give: `config["hidden"] = 64`.

What the interpreter does not know it does not keep, so it asks for `config["hidden"]` as if nothing had been written.
Such a name gets no value of a configuration, whatever thing it is read of: another variable may stand for the same.

A value that is handed on under a computed name, `setattr(args, key, value)`, is taken for what programs do that take
over a configuration; one that is made, `config[key] = 3`, may be under any name of the thing.
"""

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from lstmcalc.readers.text.names_in_code import parts_of


class Written(NamedTuple):
    """A name that code writes."""

    name: str  # its last part, `hidden`
    line: int


def written_names(tree: ast.AST) -> dict[str, int]:
    """The last parts of the names that code writes, each with the first line that does."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        for name, line in _written_by(node):
            found.setdefault(name, line)
    return found


def computed_writes(tree: ast.AST) -> dict[str, int]:
    """The things on which code writes made values under computed names, each with the first line that does."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        made = isinstance(node, ast.AugAssign) or (
            isinstance(node, ast.Assign) and not isinstance(node.value, _HANDED_ON)
        )
        for target in targets if made else []:
            if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant):
                found.setdefault(".".join(parts_of(ast.unparse(target.value))), target.lineno)
    found.pop("", None)
    return found


_HANDED_ON = ast.Name | ast.Attribute | ast.Subscript | ast.Call


def _written_by(node: ast.AST) -> Iterator[Written]:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        value = None if isinstance(node, ast.AugAssign) else node.value
        if value is None and isinstance(node, ast.AnnAssign):
            return  # which only says a type
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _targets(target, value)
    elif isinstance(node, ast.Delete):
        for target in node.targets:
            yield from _targets(target, None)
    elif isinstance(node, ast.Call):
        yield from _called(node)


def _targets(target: ast.expr, value: ast.expr | None) -> Iterator[Written]:
    """The names that an assignment writes, but for a copy of what has the same name elsewhere."""
    if isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from _targets(item, None)
        return
    name = _last_of(target)
    if name and not (value is not None and _last_of(value) == name):
        yield Written(name, target.lineno)


def _last_of(node: ast.expr) -> str:
    """The last part of an attribute or an item; empty for an attribute of `self`, which is no configuration."""
    if not isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        return ""
    parts = parts_of(ast.unparse(node))
    if not parts:  # of what a function gives, `load()["a"]`
        return node.attr if isinstance(node, ast.Attribute) else _text(getattr(node, "slice", None))
    return parts[-1] if len(parts) > 2 or (len(parts) > 1 and parts[0] not in ("self", "cls")) else ""


def _called(node: ast.Call) -> Iterator[Written]:
    """The names that a call writes: `setattr(a, "b", c)`, `a.update({"b": c})`, `a.update(b=c)`, `a.pop("b")`."""
    function, arguments = node.func, node.args
    if isinstance(function, ast.Name) and function.id in ("setattr", "delattr") and len(arguments) > 1:
        name = _text(arguments[1])
        copied = len(arguments) > 2 and _last_of(arguments[2]) == name
        if name and not copied and not (isinstance(arguments[0], ast.Name) and arguments[0].id in ("self", "cls")):
            yield Written(name, node.lineno)
    if not isinstance(function, ast.Attribute):
        return
    if function.attr in ("pop", "setdefault", "__setitem__", "__setattr__", "__delitem__") and arguments:
        if name := _text(arguments[0]):
            yield Written(name, node.lineno)
    elif function.attr == "update":
        for keyword in node.keywords:
            if keyword.arg and _last_of(keyword.value) != keyword.arg:
                yield Written(keyword.arg, node.lineno)
        for argument in arguments:
            yield from _keys_of(argument, node.lineno)


def _keys_of(argument: ast.expr, line: int) -> Iterator[Written]:
    """The keys of a dictionary that updates another; those of `OmegaConf.update(cfg, "a.b", 3)` are a text."""
    if isinstance(argument, ast.Dict):
        for key, value in zip(argument.keys, argument.values, strict=True):
            if (name := _text(key)) and _last_of(value) != name:
                yield Written(name, line)
    elif isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name) and argument.func.id == "dict":
        yield from (
            Written(item.arg, line) for item in argument.keywords if item.arg and _last_of(item.value) != item.arg
        )
    elif name := _text(argument):
        yield Written(name.rpartition(".")[2], line)


def _text(node: Any) -> str:  # noqa: ANN401  # a part of a tree, or none
    """A text that is written out."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
