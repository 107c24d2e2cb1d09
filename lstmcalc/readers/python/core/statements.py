"""Statements: what each does to the state, and the paths that leave it.

Two helpers make all of them: `collect` runs code up to a boundary and gives every way in which it ends, `fork` goes on
with several.

Not here: loops (`loops`), exceptions and context managers (`blocks`), expressions, and what classes are made of
(`making`).
"""

import ast
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import type_of
from lstmcalc.readers.python.core.heap import Leave
from lstmcalc.readers.python.core.loops import Loops
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Lib,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
)


class Statements(Loops):
    """Runs statements."""

    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run statements in order."""
        for statement in body:
            self.spend()
            taint, self.taint = self.taint, self.decided_taint
            method = _EXECUTED.get(type(statement))
            if method is None:
                self.may_raise()
            else:
                method(self, statement, scope)
            self.taint = taint

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        self.evaluate(node.value, scope)

    def _nothing(self, node: ast.stmt, scope: Scope) -> None:
        pass

    # Assignments.

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if isinstance(node.target, ast.Name) and scope.frame == "class":
            held = scope.slots.get("@annotations", ())
            fields = (
                tuple(item for item in held if isinstance(item, tuple) and item[0] != node.target.id)
                if isinstance(held, tuple)
                else ()
            )
            known = (
                next((item for item in held if isinstance(item, tuple) and item[0] == node.target.id), None)
                if isinstance(held, tuple)
                else None
            )
            text = ast.unparse(node.annotation)
            if known is None:
                self.put(scope, "@annotations", (*fields, (node.target.id, text)))
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, scope), scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            old = self.evaluate(ast.copy_location(ast.Name(target.id, ast.Load()), target), scope)
            value = self.operate(node.op, old, self.evaluate(node.value, scope), place=True)
            self.assign(target, value, scope)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, scope)
            old = self.attribute(owner, target.attr)
            value = self.operate(node.op, old, self.evaluate(node.value, scope), place=True)
            self.set_attribute(owner, target.attr, value)
        else:
            owner, index = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
            old = self.subscript(owner, index)
            value = self.operate(node.op, old, self.evaluate(node.value, scope), place=True)
            self.set_item(owner, index, value)

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign to a target."""
        if isinstance(target, ast.Name):
            at = self.home(target.id, scope)
            self.put(at, target.id, value)
            self.mark(at, target.id)
        elif isinstance(target, ast.Attribute):
            self.set_attribute(self.evaluate(target.value, scope), target.attr, value)
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value, scope)
            self.set_item(owner, self.evaluate(target.slice, scope), value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value, scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)

    def _unpack(self, targets: Sequence[ast.expr], value: Value, scope: Scope) -> None:
        items = self.items(value)
        if items is None:
            self.may_raise()
            unknown = self.item_of_unknown(value)
            for place, target in enumerate(targets):
                names = (
                    tuple(f"{name}[{place}]" for name in unknown.names) if isinstance(value, Unknown) else unknown.names
                )
                part = replace(unknown, names=names)
                self.assign(target, self.new("list", part) if isinstance(target, ast.Starred) else part, scope)
            return
        star = next((place for place, item in enumerate(targets) if isinstance(item, ast.Starred)), None)
        if star is None:
            if len(items) != len(targets):
                self.throw("ValueError", "unpack")
            parts: list[Value] = items
        else:
            behind = len(targets) - star - 1
            if len(items) < star + behind:
                self.throw("ValueError", "unpack")
            parts = [*items[:star], self.new_list(items[star : len(items) - behind]), *items[len(items) - behind :]]
        for target, item in zip(targets, parts, strict=True):
            self.assign(target, item, scope)

    def set_item(self, owner: Value, index: Value, value: Value) -> None:
        """Set, or with MISSING delete, an item."""
        cls = type_of(owner)
        if isinstance(owner, Obj) and isinstance(cls, Class):
            method = self.lookup(cls, "__delitem__" if isinstance(value, Missing) else "__setitem__")
            if not isinstance(method, Missing | Unknown):
                self.call(
                    self.bind(method, owner), Args([index] if isinstance(value, Missing) else [index, value]), self.here
                )
                return
            if isinstance(method, Unknown):
                self.unknown_call("an item", Args([index, value]), owner, lib=not method.foreign)
                return
        if isinstance(owner, Obj) and owner.kind == "array":
            return
        if isinstance(owner, Unknown):
            self.set_of_unknown(owner, index, value)
            return
        if isinstance(owner, Lib):
            self.may_raise()
            return
        self.throw("TypeError", "no items")

    def _delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                at = self.home(target.id, scope)
                if target.id not in at.slots:
                    self.throw("NameError", target.id)
                self.present(at.slots[target.id])
                self.put(at, target.id, MISSING)
            elif isinstance(target, ast.Attribute):
                self.set_attribute(self.evaluate(target.value, scope), target.attr, MISSING)
            elif isinstance(target, ast.Subscript):
                self.set_item(self.evaluate(target.value, scope), self.evaluate(target.slice, scope), MISSING)
            elif isinstance(target, ast.Tuple | ast.List):
                self._delete(ast.Delete(list(target.elts)), scope)

    # Paths.

    def _return(self, node: ast.Return, scope: Scope) -> None:
        value = self.evaluate(node.value, scope) if node.value else None
        self.returned_taint = self.returned_taint or self.taint
        raise Leave("return", value)

    def _break(self, node: ast.Break, scope: Scope) -> None:
        raise Leave("break", None)

    def _continue(self, node: ast.Continue, scope: Scope) -> None:
        raise Leave("continue", None)

    def _raise(self, node: ast.Raise, scope: Scope) -> None:
        if node.exc is None:
            raise Leave("raise", self.load_error())
        error = self.evaluate(node.exc, scope)
        if isinstance(error, Class):
            error = self.call(error, Args(), node)
        raise Leave("raise", replace(error, absent=False) if isinstance(error, Unknown) else error)

    def load_error(self) -> Value:
        """The exception that is being handled."""
        return self.world.slots.get("error", Unknown())

    def _if(self, node: ast.If, scope: Scope) -> None:  # type: ignore[override]  # a statement, no expression
        test = self.tested(node.test, scope)
        decided, self.decided_taint = self.decided_taint, self.taint
        try:
            self.choose(test, lambda: self.execute(node.body, scope), lambda: self.execute(node.orelse, scope))
        finally:
            self.decided_taint = decided

    def _assert(self, node: ast.Assert, scope: Scope) -> None:
        known = self.truth(self.tested(node.test, scope))
        if known is False:
            self.throw("AssertionError")
        if known is None:
            self.may_raise()

    # Functions and classes.

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        decorators = [self.evaluate(item, scope) for item in node.decorator_list]
        made: Value = self.make_function(node, scope)
        for item, decorator in zip(reversed(node.decorator_list), reversed(decorators), strict=True):
            made = self.decorated(decorator, made, item)
        at = self.home(node.name, scope)
        self.put(at, node.name, made)

    def decorated(self, decorator: Value, made: Value, node: ast.expr) -> Value:
        """The value that a decorator makes of a function or a class."""
        return self.call(decorator, Args([made]), node)

    @abstractmethod
    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        """Run a `class` statement (`making`)."""

    # Modules.

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for item in node.names:
            module = self.imported(item.name)
            head = item.name.partition(".")[0]
            if item.asname is None and head != item.name:
                module = self.imported(head)
            self.put(self.home(item.asname or head, scope), item.asname or head, module)

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = self.imported("." * node.level + (node.module or ""))
        for item in node.names:
            if item.name == "*":
                self.import_all(module, scope)
                continue
            name = item.asname or item.name
            self.put(self.home(name, scope), name, self.from_module(module, item.name))

    def _match(self, node: ast.Match, scope: Scope) -> None:
        subject = self.evaluate(node.subject, scope)
        self._cases(node.cases, subject, scope)

    def _cases(self, cases: Sequence[ast.match_case], subject: Value, scope: Scope) -> Value:
        fits: bool | None = False
        others = list(cases)
        while fits is False:
            if not others:
                return None
            case = others.pop(0)
            fits = self.matches(case.pattern, subject, scope)

        def guarded() -> Value:
            if case.guard is None:
                self.execute(case.body, scope)
                return None
            test = self.tested(case.guard, scope)
            return self.choose(
                test, lambda: self.execute(case.body, scope), lambda: self._cases(others, subject, scope)
            )

        def other() -> Value:
            return self._cases(others, subject, scope)

        if fits is None:
            names = subject.names if isinstance(subject, Unknown) else ()
            return self.fork([guarded, other], names)
        return guarded()


def _method(name: str) -> Callable[..., None]:
    return lambda machine, node, scope: getattr(machine, name)(node, scope)


_EXECUTED: Final[dict[type, Callable[..., None]]] = {
    ast.Expr: Statements._expression,
    ast.Assign: Statements._assign,
    ast.AnnAssign: Statements._annotated,
    ast.AugAssign: Statements._augmented,
    ast.Delete: Statements._delete,
    ast.Return: Statements._return,
    ast.Break: Statements._break,
    ast.Continue: Statements._continue,
    ast.Raise: Statements._raise,
    ast.If: Statements._if,
    ast.Assert: Statements._assert,
    ast.For: Statements._for,
    ast.AsyncFor: Statements._for,
    ast.While: Statements._while,
    ast.Try: Statements._try,
    ast.TryStar: Statements._try,
    ast.With: Statements._with,
    ast.AsyncWith: Statements._with,
    ast.FunctionDef: Statements._function,
    ast.AsyncFunctionDef: Statements._function,
    ast.ClassDef: _method("_class"),
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
    ast.Match: Statements._match,
    ast.Pass: Statements._nothing,
    ast.Global: Statements._nothing,
    ast.Nonlocal: Statements._nothing,
}
