"""The names of the LSTMs of a program: as `named_modules()` names them, where they hang on a module of a variable.

An LSTM that no variable leads to has the name of what its construction is assigned to in the code.

Not here: what names must be to be unique in a report (`intake.resolve`).
"""

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import content_of
from lstmcalc.readers.python.core.values import Class, Entry, Items, Obj, Scope, Unknown, Value
from lstmcalc.readers.python.library_classes.cells import CODE_OF_CELLS
from lstmcalc.readers.python.library_classes.lists import LISTS
from lstmcalc.readers.python.program import Program

_LISTS: Final = ("Sequential", "ModuleList", "ModuleDict", "OrderedDict")  # whose items PyTorch numbers or names
_TRANSPARENT: Final = (ast.BinOp, ast.keyword, ast.Starred, ast.Attribute, ast.ListComp, ast.IfExp, ast.GeneratorExp)
_DEEP: Final = 60


def names_of(program: Program, entries: Sequence[Entry], own: Mapping[int, str]) -> list[str]:
    """The name of each LSTM; `own` has those that the code gives itself, by the thing."""
    walked = _Walk(program)
    parents: dict[ast.AST, ast.AST] = {}
    names: list[str] = []
    roots: list[str] = []
    for entry in entries:
        found = next((walked.names[id(thing)] for thing in entry.made if id(thing) in walked.names), ("", ""))
        given = next((own[id(thing)] for thing in entry.made if own.get(id(thing))), "")
        name = given.removeprefix("@") if given and not given.startswith("@") else found[0]
        if not name:
            parents = parents or _parents_of(program.tree)
            name = _assigned(program, entry, parents) or given.removeprefix("@") or "lstm"
        names.append(name)
        roots.append(found[1])
    return _told_apart(entries, names, roots)


def _told_apart(entries: Sequence[Entry], names: list[str], roots: Sequence[str]) -> list[str]:
    """The names; where two are the same, with their variable or class, and then with their line."""
    qualify: tuple[Callable[[int, str], str], ...] = (
        lambda place, name: (
            f"{roots[place]}.{name}"
            if roots[place] and not name.startswith(f"{roots[place]}.") and name != roots[place]
            else name
        ),
        lambda place, name: (
            f"{owner}.{name}" if (owner := _owner_of(entries[place])) and roots[place] != owner else name
        ),
        lambda place, name: f"{name}:{getattr(entries[place].site, 'lineno', 1)}",
    )
    several = len({getattr(entry.site, "lineno", 1) for entry in entries}) > 1
    for number, change in enumerate(qualify):
        twice = Counter(names)
        if number == len(qualify) - 1:
            lines: dict[str, set[int]] = {}
            for entry, name in zip(entries, names, strict=True):
                lines.setdefault(name, set()).add(getattr(entry.site, "lineno", 1))
            names = [
                change(place, name) if several and twice[name] > 1 and len(lines[name]) > 1 else name
                for place, name in enumerate(names)
            ]
        else:
            names = [change(place, name) if twice[name] > 1 else name for place, name in enumerate(names)]
    return names


def _owner_of(entry: Entry) -> str:
    record = entry.made[0].slots.get("@lstm")
    for frame in reversed(getattr(record, "frames", ())):
        if frame.function is not None and not frame.function.native and isinstance(frame.function.owner, Class):
            return frame.function.owner.name
    return ""


class _Walk:
    """Goes from the variables of the module to every LSTM."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names: dict[int, tuple[str, str]] = {}  # the path of a thing, and its variable
        self._seen: set[int] = set()
        torch = program.libraries.get("library:torch")
        self._lists = (
            {torch.slots[name] for name in ("Sequential", "ModuleList", "ModuleDict", "DataParallel")}
            if torch
            else set()
        )
        for home in CODE_OF_CELLS:
            scope = program.libraries.get(f"library:{home}")
            held = (scope.slots.get(name) for name in LISTS) if scope is not None else ()
            self._lists |= {cls for cls in held if cls is not None}
        for name, value in list(program.module.slots.items()):
            if not name.startswith("@"):
                self._root(name, value)
        for name, value in program.entries:
            self._root(name, value, entry=True)

    def _root(self, name: str, value: Value, *, entry: bool = False) -> None:
        for item in sorted(value.may, key=lambda thing: thing.birth) if isinstance(value, Unknown) else [value]:
            if not isinstance(item, Obj) or isinstance(item, Class | Scope) or item.kind == "function":
                continue
            lists = any(kind in self._lists for kind in item.cls.mro) if item.cls is not None else False
            named = item.cls is not None and not lists and item.kind == "object" and "@lstm" not in item.slots
            self._walk(item, "" if named or entry else name, name, 0)

    def _walk(self, value: Value, path: str, root: str, depth: int) -> None:
        if isinstance(value, tuple):
            for place, item in enumerate(value):
                self._walk(item, f"{path}.{place}" if path else str(place), root, depth + 1)
        if isinstance(value, Unknown):
            for item in sorted(value.may, key=lambda thing: thing.birth):
                self._walk(item, path, root, depth + 1)
        if (
            not isinstance(value, Obj)
            or isinstance(value, Class | Scope)
            or id(value) in self._seen
            or depth > _DEEP
            or value.kind == "function"
        ):
            return
        self._seen.add(id(value))
        self.program.spend()
        if "@lstm" in value.slots:
            self.names.setdefault(id(value), (path, root))
        for name, item in self._parts(value):
            if isinstance(item, Obj | Unknown | tuple):
                self._walk(item, f"{path}.{name}" if path else name, root, depth + 1)

    def _parts(self, value: Obj) -> list[tuple[str, Value]]:
        content = content_of(value) if value.kind in ("list", "dict") else None
        if isinstance(content, tuple):
            return [(str(place), item) for place, item in enumerate(content)]
        if isinstance(content, Items):
            return [(str(key), item) for key, item in content.map.items()]
        return [(name, item) for name, item in value.slots.items() if not name.startswith("@")]


# What a construction is assigned to.


def _parents_of(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def _assigned(program: Program, entry: Entry, parents: Mapping[ast.AST, ast.AST]) -> str:
    """The path of what an expression is assigned to: `encoder`, `layers.0`; empty if it is to nothing."""
    node = entry.site if isinstance(entry.site, ast.AST) else ast.Pass()
    path: list[str] = []
    while node in parents:
        child, node = node, parents[node]
        step = _step(child, node, path)
        if step is None:  # of a list that is assigned to nothing, the place in it
            return ".".join(reversed(path)) if isinstance(node, ast.Expr | ast.Return) else ""
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            goal: ast.AST = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if (
                isinstance(goal, ast.Tuple)
                and isinstance(child, ast.Tuple)
                and len(goal.elts) == len(child.elts)
                and path
            ):
                goal = goal.elts[int(path.pop())]  # a, b = nn.LSTM(...), nn.LSTM(...)
            target = _text_of(goal)
            return ".".join([target, *reversed(path)]) if target else ""
        path += [step] if step else []
        if step and isinstance(node, ast.Call) and not _is_list(node.func):  # add_module("rnn", nn.LSTM(...))
            return ".".join(reversed(path))
    return ""


def _step(child: ast.AST, node: ast.AST, path: Sequence[str]) -> str | None:
    """The part that one level around an expression adds to its path; None if nothing is assigned through it."""
    if isinstance(node, ast.List | ast.Tuple):
        first = node.elts[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):  # ("rnn", nn.LSTM(...))
            return first.value
        return "" if path and not path[-1].isdigit() else _position(child, node.elts)
    if isinstance(node, ast.Dict):
        place = _position(child, node.values)
        key = node.keys[int(place)] if place else None
        return str(key.value) if isinstance(key, ast.Constant) else ""
    if isinstance(node, ast.Call):
        return _step_of_call(child, node)
    transparent = isinstance(node, (*_TRANSPARENT, ast.Assign, ast.AnnAssign, ast.NamedExpr))
    return "" if transparent else None


def _step_of_call(child: ast.AST, node: ast.Call) -> str | None:
    """The part that a call around an expression adds to its path."""
    if child is node.func:
        # lstm = nn.LSTM(10, 20).to(device) is that LSTM; x = LSTM(64)(inputs) is its output.
        return "" if isinstance(child, ast.Attribute) else None
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = node.args[1 if called == "setattr" else 0] if len(node.args) > 1 else None
    if called in ("add_module", "register_module", "setattr") and isinstance(given, ast.Constant):
        return str(given.value)
    if called in ("append", "insert") and isinstance(node.func, ast.Attribute):
        return _text_of(node.func.value) or None
    if not _is_list(node.func) or called == "OrderedDict":
        return None if called == "add" else ""
    if called == "Sequential" and isinstance(child, ast.List):
        return None  # Keras
    collected = isinstance(child, ast.List | ast.Starred | ast.Dict | ast.ListComp | ast.GeneratorExp | ast.BinOp) or (
        isinstance(child, ast.Call) and _is_list(child.func) and called == "Sequential" and len(node.args) == 1
    )
    return "" if collected else _position(child, node.args)


def _position(child: ast.AST, nodes: Sequence[ast.AST]) -> str:
    return next((str(position) for position, node in enumerate(nodes) if node is child), "")


def _is_list(function: ast.expr) -> bool:
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return last in _LISTS


def _text_of(target: ast.AST) -> str:
    """The name of an assignment's target: `self.encoder` is `encoder`."""
    if not isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
        return ""
    return ast.unparse(target).removeprefix("self.").replace(" ", "")
