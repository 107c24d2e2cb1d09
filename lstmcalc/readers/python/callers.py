"""Who calls what in one file: its names, its calls, its classes, and the settings it declares to argparse.

Not here: what an expression stands for (`evaluate`, which this is the ground of).
"""

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lstmcalc.readers.python.scopes import Binding, Branch, Scope, Scopes, instance_owner, may_hold, visible

_DEPTH: Final = 50  # classes that are derived from classes


@dataclass(frozen=True)
class Instance:
    """An object of a class of the same file, and the call that makes it."""

    scope: Scope
    call: ast.Call
    caller: Scope
    stored: Mapping[Any, Any] | None = None  # attributes that are set afterwards


@dataclass(frozen=True)
class Local:
    """A class or a function of the same file."""

    node: ast.AST


class Code(ABC):
    """One file's syntax tree: names, calls and classes.

    Args:
        tree: The tree.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        read = Scopes(tree)
        self.top, self.scopes, self.parents, self.branches = read.top, read.of, read.parents, read.branches
        self.stores, self.loops = read.stores, read.loops

    @abstractmethod
    def _value(self, node: ast.AST, scope: Scope) -> Any:  # noqa: ANN401  # whatever the code says
        """What an expression stands for."""

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, in the order of the text."""
        found = [node for node in self.scopes if isinstance(node, ast.Call)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def calls_by_name(self) -> dict[str, list[ast.Call]]:
        """The calls by the last part of what they call."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            last = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            found.setdefault(last, []).append(call)
        return found

    @cached_property
    def declared(self) -> dict[str, ast.expr | None]:
        """The default of every argument that is declared to argparse or absl, by its name; None without one."""
        found: dict[str, ast.expr | None] = {}
        for name, calls in self.calls_by_name.items():
            if name == "add_argument":
                for own, default in (pair for call in calls if (pair := _declaration(call))):
                    # Of two parsers that differ nobody can say which.
                    same = own not in found or _text(found[own]) == _text(default)
                    found[own] = default if same else None
            elif name == "set_defaults":
                found.update({item.arg: item.value for call in calls for item in call.keywords if item.arg})
            elif name.startswith("DEFINE_"):
                pairs = (call.args[:2] for call in calls if len(call.args) > 1)
                found.update((str(first.value), node) for first, node in pairs if isinstance(first, ast.Constant))
        return found

    def callers(self, scope: Scope) -> list[tuple[ast.Call, int]]:
        """The calls of a function in this file, and how many of its arguments they do not give (`self`)."""
        function, owner = scope.node, scope.parent
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or owner is None:
            return []
        if not isinstance(owner.node, ast.ClassDef):
            return [(call, 0) for call in self.calls_by_name.get(function.name, []) if self._calls_it(call, function)]
        if function.name == "__init__":
            return self.makers(owner)
        if function.name in ("forward", "call", "__call__"):
            return [(call, 1) for call in self.calls_of_instances.get(owner, [])]
        alone = sum(function.name in level.bindings for level in self.classes) == 1
        own = (call for call in self.calls_by_name.get(function.name, []) if isinstance(call.func, ast.Attribute))
        return [(call, 0 if scope.is_static else 1) for call in own if alone or self.scopes[call].owner is owner]

    @cached_property
    def classes(self) -> list[Scope]:
        """The classes of the file."""
        return [self.scopes[node] for node in self.scopes if isinstance(node, ast.ClassDef)]

    def bases(self, owner: Scope) -> list[Scope]:
        """The classes of this file that a class is derived from."""
        found = (self._value(base, owner.parent or owner) for base in getattr(owner.node, "bases", []))
        nodes = [item.node for item in found if isinstance(item, Local) and isinstance(item.node, ast.ClassDef)]
        return [self.scopes[node] for node in nodes if node is not owner.node]

    @cached_property
    def derived(self) -> dict[Scope, list[Scope]]:
        """The classes that are derived from each class."""
        found: dict[Scope, list[Scope]] = {}
        for level in self.classes:
            for base in self.bases(level):
                found.setdefault(base, []).append(level)
        return found

    def makers(self, owner: Scope, depth: int = 0) -> list[tuple[ast.Call, int]]:
        """The calls that run a class' `__init__`: its own name, `cls`, those of derived classes, `super().__init__`."""
        name = owner.node.name if isinstance(owner.node, ast.ClassDef) else ""
        found = [(call, 1) for call in self.calls_by_name.get(name, []) if self._calls_it(call, owner.node)]
        found += [(call, 1) for call in self.calls_by_name.get("cls", []) if self.scopes[call].owner is owner]
        for level in self.derived.get(owner, []) if depth < _DEPTH else []:
            if "__init__" not in level.bindings:
                found += self.makers(level, depth + 1)
                continue
            for call in self.calls_by_name.get("__init__", []):
                if self.scopes[call].owner is level and isinstance(call.func, ast.Attribute):
                    # Base.__init__(self, ...) gives every argument, super().__init__(...) all but the first.
                    found.append((call, 1 if isinstance(call.func.value, ast.Call) else 0))
        return found

    def made_in(self, scope: Scope) -> list[int]:
        """The lines of the calls that run the function, or make an object of the class, around an expression."""
        if isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef) and scope.node.name != "forward":
            return sorted(call.lineno for call, _ in self.callers(scope))
        return []

    def _calls_it(self, call: ast.Call, node: ast.AST) -> bool:
        found = self._value(call.func, self.scopes[call])
        return isinstance(found, Local) and found.node is node

    @cached_property
    def calls_of_instances(self) -> dict[Scope, list[ast.Call]]:
        """The calls of an object of this file's classes, `model(x)`, by its class."""
        found: dict[Scope, list[ast.Call]] = {}
        self.__dict__["calls_of_instances"] = found  # what is asked for meanwhile sees what is found so far
        for call in self.calls:
            called = (
                self._value(call.func, self.scopes[call]) if isinstance(call.func, ast.Name) and call.args else None
            )
            if isinstance(called, Instance):
                found.setdefault(called.scope, []).append(call)
        return found

    def fields(self, owner: Scope, depth: int = 0) -> list[str] | None:
        """The fields of a class that lists them, those of its bases first; None if it has an `__init__`."""
        if "__init__" in owner.bindings or depth > _DEPTH:
            return None
        inherited: list[str] = []
        for base in self.bases(owner):
            more = self.fields(base, depth + 1)
            if more is None:
                return None
            inherited += more
        return list(dict.fromkeys([*inherited, *owner.fields]))

    def lookup(self, node: ast.Name, scope: Scope) -> list[Binding]:
        """The bindings of a name that may hold where it is used."""
        for level, inner in visible(scope):
            bound = level.bindings.get(node.id)
            if bound:
                if not inner:  # `size = size or 3`: what a statement binds is not yet bound in it
                    line = self.line_of(node)
                    bound = [item for item in bound if item.line != line or not self._holds(item.node, node)] or bound
                return self.may_hold(bound, node, inner=inner)
        return []

    def may_hold(self, bound: Sequence[Binding], node: ast.AST, *, inner: bool) -> list[Binding]:
        """The bindings that may hold where an expression stands."""
        place = self.line_of(node), int(getattr(node, "col_offset", 0))
        return may_hold(bound, place, self.branch_of(node), self.loops, inner=inner)

    def _holds(self, whole: ast.AST | None, part: ast.AST) -> bool:
        """Whether an expression stands inside of another."""
        while whole is not None and part in self.parents:
            if part is whole:
                return True
            part = self.parents[part]
        return False

    def bindings_of(self, node: ast.AST) -> list[Binding]:
        """The bindings of a name, or of an attribute of `self`; none of any other expression."""
        scope = self.scopes.get(node)
        if scope is None:
            return []
        if isinstance(node, ast.Name):
            return self.lookup(node, scope)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = instance_owner(node.value.id, scope)
            return owner.attributes.get(node.attr, []) if owner else []
        return []

    def branch_of(self, node: ast.AST) -> Branch:
        """The branches that an expression stands in."""
        while node not in self.branches and node in self.parents:
            node = self.parents[node]
        return self.branches.get(node, ())

    @staticmethod
    def line_of(node: ast.AST) -> int:
        """The line of a node."""
        return int(getattr(node, "lineno", 0))


def _declaration(call: ast.Call) -> tuple[str, ast.expr | None] | None:
    """The name and the default of one argument of argparse."""
    spellings = [item.value for item in call.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if not spellings:
        return None
    keywords = {item.arg: item.value for item in call.keywords}
    long = [spelling for spelling in spellings if spelling.startswith("--")] or spellings
    name, given = long[0].lstrip("-").replace("-", "_"), keywords.get("dest")
    if isinstance(given, ast.Constant):
        name = str(given.value)
    action = keywords.get("action")
    switch = action.value if isinstance(action, ast.Constant) else None
    if switch in ("store_true", "store_false") and "default" not in keywords:
        return name, ast.Constant(switch == "store_false")
    default, kind = keywords.get("default"), getattr(keywords.get("type"), "id", "")
    if isinstance(default, ast.Constant) and isinstance(default.value, str) and kind in ("int", "float"):
        try:  # argparse itself converts a default that is a text
            return name, ast.Constant(int(default.value) if kind == "int" else float(default.value))
        except ValueError:
            return name, None
    return name, default


def _text(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)
