"""The models that code defines, as far as the LSTMs that were found in it tell: by class, with their paths.

Only the LSTMs of a class are known, and the classes that it constructs as `self.name = Class(...)`; nothing is run.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from lstmcalc.commands.diff.loading import Model, Shape, model_of_parts
from lstmcalc.commands.diff.sides import Side
from lstmcalc.readers.text.source_text import SourceText

_DEPTH: Final = 8  # classes in classes


def models_of_code(text: SourceText, sides: Sequence[Side]) -> list[Model]:
    """The models of a text of Python with these LSTMs; none if one of them is no attribute of a class."""
    try:
        tree = ast.parse(text.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    own: dict[str, dict[str, Mapping[str, Shape]]] = {}
    for side in sides:
        line = _line_of(text, side)
        owner = next((name for name, node in classes.items() if node.lineno <= line <= (node.end_lineno or 0)), None)
        attribute = side.name.rpartition(".")[2]
        if owner is None or not re.search(rf"\bself\.{re.escape(attribute)}\s*[:=]", text.lines[line - 1]):
            return []
        own.setdefault(owner, {})[attribute] = {name: item.shape for name, item in side.items.items()}
    made = _made_alone(tree, classes)
    roots = [name for name in made if _holds(name, classes, own)] or list(own)
    return [model_of_parts(dict(_parts(name, classes, own)), name) for name in roots]


def _line_of(text: SourceText, side: Side) -> int:
    """The line of an LSTM, from 1; 0 if unknown."""
    found = re.search(r":(\d{1,9})$|^line (\d{1,9})$", side.found.where or "")
    line = int(found[1] or found[2]) if found else 0
    return line if line <= len(text.lines) else 0


def _made_alone(tree: ast.Module, classes: Mapping[str, ast.ClassDef]) -> list[str]:
    """The classes that are instantiated outside of every class, in order."""
    within = {id(node) for item in classes.values() for node in ast.walk(item)}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and id(node) not in within)
    names = (node.func.id for node in calls if isinstance(node.func, ast.Name))
    return [name for name in dict.fromkeys(names) if name in classes]


_Own: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Shape]]]  # LSTMs' parameters by class and attribute


def _holds(name: str, classes: Mapping[str, ast.ClassDef], own: _Own) -> bool:
    return any(True for _ in _parts(name, classes, own))


def _parts(
    name: str, classes: Mapping[str, ast.ClassDef], own: _Own, depth: int = 0
) -> Iterator[tuple[str, Mapping[str, Shape]]]:
    """The LSTMs in a class, and in the classes that it constructs, by path."""
    yield from own.get(name, {}).items()
    for node in ast.walk(classes[name]) if depth < _DEPTH else ():
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Call)):
            continue
        target, called = node.targets[0], node.value.func
        is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
        if isinstance(target, ast.Attribute) and is_own and isinstance(called, ast.Name) and called.id in classes:
            for path, tensors in _parts(called.id, classes, own, depth + 1):
                yield f"{target.attr}.{path}", tensors
