"""Truth, operators and comparisons, for values that may be unknown.

Not here: what operators make of values of Python's own (`operators`).
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.calls import Calls
from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, plain, type_of
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.operators import binary, compare, unary
from lstmcalc.readers.python.core.own_methods import behaves_as_text, has_own
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Items,
    Lib,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
    is_constant,
    merged_names,
    unknown_of,
)

_REFLECTED: Final = {
    operator: (f"__{name}__", f"__r{name}__", f"__i{name}__")
    for operator, name in (
        *(
            ("Add", "add"),
            ("Sub", "sub"),
            ("Mult", "mul"),
            ("Div", "truediv"),
            ("FloorDiv", "floordiv"),
            ("Mod", "mod"),
        ),
        *(("Pow", "pow"), ("LShift", "lshift"), ("RShift", "rshift"), ("BitOr", "or"), ("BitAnd", "and")),
        *(("BitXor", "xor"), ("MatMult", "matmul")),
    )
}
_COMPARED: Final = {"Eq": "__eq__", "NotEq": "__ne__", "Lt": "__lt__", "LtE": "__le__", "Gt": "__gt__", "GtE": "__ge__"}
_SWAPPED: Final = {
    "__lt__": "__gt__",
    "__gt__": "__lt__",
    "__le__": "__ge__",
    "__ge__": "__le__",
    "__eq__": "__eq__",
    "__ne__": "__ne__",
}
_UNARY: Final = {"USub": "__neg__", "UAdd": "__pos__", "Invert": "__invert__"}


class Truths(Calls):
    """Tests and operates."""

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Value:
        return self._any_of(node.values, isinstance(node.op, ast.Or), scope)

    def _any_of(self, nodes: Sequence[ast.expr], ends: bool, scope: Scope) -> Value:
        value = self.evaluate(nodes[0], scope)
        if len(nodes) == 1:
            return value
        test = self.truth(value)
        if test is None:
            names = merged_names(value.names) if isinstance(value, Unknown) else ()
            return self.fork([lambda: narrowed(value, ends), lambda: self._any_of(nodes[1:], ends, scope)], names)
        return value if test is ends else self._any_of(nodes[1:], ends, scope)

    def tested(self, node: ast.expr, scope: Scope) -> Value:
        """The truth of an expression, as far as it is known: `unknown and False` is false, whatever the first is."""
        if isinstance(node, ast.BoolOp):
            return self._any_tested(node.values, isinstance(node.op, ast.Or), scope)
        value = self.evaluate(node, scope)
        known = self.truth(value)
        return _unknown_truth(value) if known is None else known

    def _any_tested(self, nodes: Sequence[ast.expr], ends: bool, scope: Scope) -> Value:
        value = self.tested(nodes[0], scope)
        if len(nodes) == 1 or value is ends:
            return value
        if isinstance(value, Unknown):
            return self.fork([lambda: ends, lambda: self._any_tested(nodes[1:], ends, scope)], value.names)
        return self._any_tested(nodes[1:], ends, scope)

    def _if(self, node: ast.IfExp, scope: Scope) -> Value:
        return self.choose(
            self.tested(node.test, scope),
            lambda: self.evaluate(node.body, scope),
            lambda: self.evaluate(node.orelse, scope),
        )

    def choose(self, test: Value, yes: Callable[[], Value], no: Callable[[], Value]) -> Value:
        """Run the side that a test takes; both if it is not known."""
        known = self.truth(test)
        if known is None:
            return self.fork([yes, no], test.names if isinstance(test, Unknown) else ())
        return yes() if known else no()

    def truth(self, value: Value) -> bool | None:
        """True if a value counts as true; None if that is not known."""
        if isinstance(value, Obj) and value.kind != "object" and has_own(value, "__bool__", "__len__"):
            return self._truth_of_object(value)
        value = plain(value)
        if isinstance(value, Unknown):
            if value.alts:
                sides = {self.truth(item) for item in value.alts}
                return sides.pop() if len(sides) == 1 else None
            self.may_raise()
            return None
        if isinstance(value, Obj) and value.kind in ("list", "dict", "set", "vars"):
            return _truth_of_content(content_of(value))
        if isinstance(value, Obj) and value.kind == "object":
            return self._truth_of_object(value)
        if isinstance(value, Obj) and value.kind == "array":
            return None
        if isinstance(value, Lib):
            return None
        return True if isinstance(value, Obj) else bool(value)

    def _truth_of_object(self, value: Obj) -> bool | None:
        number = isinstance(plain(value), int | float | complex)  # which has a truth of its own
        for name in ("__bool__",) if number else ("__bool__", "__len__"):
            method = self.lookup(value.cls, name)
            if isinstance(method, Unknown):
                return None
            if not isinstance(method, Missing):
                return self.truth(self.call(self.bind(method, value), Args(), self.here))
        return True if value.kind == "object" else self.truth(plain(value))

    def _binary(self, node: ast.BinOp, scope: Scope) -> Value:
        left = self.evaluate(node.left, scope)
        return self.operate(node.op, left, self.evaluate(node.right, scope))

    def operate(self, op: ast.operator, left: Value, right: Value, *, place: bool = False) -> Value:
        """The value that an operator makes of two others; `place` if it is an augmented assignment."""
        names = _REFLECTED[type(op).__name__]
        if place and isinstance(left, Obj) and left.kind in ("list", "dict", "set", "vars", "object", "array", "const"):
            method = self.lookup(type_of(left), names[2])
            if isinstance(method, Function | Builtin):
                return self.call(self.bind(method, left), Args([right]), self.here)
        own = self._by_method(left, right, names[0], names[1])
        if not isinstance(own, Missing):
            return own
        if isinstance(op, ast.Mod) and isinstance(plain(left), str) and behaves_as_text(right):
            self.may_raise()
            return unknown_of(left, right)
        left, right = plain(left), plain(right)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            self.may_raise()
            handed = [item for item in (left, right) if isinstance(item, Obj)]
            if any(isinstance(item, Unknown) and item.foreign for item in (left, right)) and handed:
                self.give_up(handed)
            return unknown_of(left, right)
        return binary(self, op, left, right)

    def _by_method(self, left: Value, right: Value, name: str, swapped: str) -> Value:
        """The value that a class of the file's makes of an operator; MISSING if it says nothing."""
        for owner, other, method_name in ((left, right, name), (right, left, swapped)):
            cls = type_of(owner)
            if not (isinstance(owner, Obj) and isinstance(cls, Class)) or (cls.bound is None and cls.name in TYPES):
                continue
            method = self.lookup(cls, method_name)
            if isinstance(method, Unknown):
                self.may_raise()
                return Unknown(foreign=method.foreign)
            if isinstance(method, Function) or (isinstance(method, Builtin) and cls.name not in TYPES):
                result = self.call(self.bind(method, owner), Args([other]), self.here)
                if result is not NotImplemented:
                    return result
        return MISSING

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Value:
        if isinstance(node.op, ast.Not):
            test = self.tested(node.operand, scope)
            return test if isinstance(test, Unknown) else not test
        value = self.evaluate(node.operand, scope)
        cls = type_of(value)
        if isinstance(value, Obj) and isinstance(cls, Class):
            method = self.lookup(cls, _UNARY[type(node.op).__name__])
            if isinstance(method, Function | Builtin):
                return self.call(self.bind(method, value), Args(), self.here)
        value = plain(value)
        if isinstance(value, Unknown):
            self.may_raise()
            return unknown_of(value)
        return unary(self, node.op, value)

    def _compare(self, node: ast.Compare, scope: Scope) -> Value:
        left = self.evaluate(node.left, scope)
        return self._chain(left, node.ops, node.comparators, scope)

    def _chain(self, left: Value, ops: Sequence[ast.cmpop], nodes: Sequence[ast.expr], scope: Scope) -> Value:
        right = self.evaluate(nodes[0], scope)
        result = self.compared(ops[0], left, right)
        if len(ops) == 1:
            return result
        return self.choose(result, lambda: self._chain(right, ops[1:], nodes[1:], scope), lambda: result)

    def compared(self, op: ast.cmpop, left: Value, right: Value) -> Value:
        """The value that a comparison gives."""
        if isinstance(op, ast.In | ast.NotIn):
            return self._contains(left, right, negated=isinstance(op, ast.NotIn))
        if not isinstance(op, ast.Is | ast.IsNot):
            name = _COMPARED[type(op).__name__]
            own = self._by_method(left, right, name, _SWAPPED[name])
            if not isinstance(own, Missing):
                return own
            left, right = plain(left), plain(right)
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Unknown) and one.alts:
                known = {
                    truth_key(self.compared(op, *((item, other) if one is left else (other, item))))
                    for item in one.alts
                }
                if len(known) == 1 and isinstance(value := known.pop(), bool):
                    return value
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            if not isinstance(op, ast.Is | ast.IsNot):
                self.may_raise()
            return replace(unknown_of(left, right), may=frozenset(), alts=(False, True))
        return compare(self, op, left, right)

    def _contains(self, item: Value, container: Value, *, negated: bool) -> Value:
        if isinstance(container, Obj) and (container.cls is None or container.cls is not TYPES.get(container.kind)):
            method = self.lookup(type_of(container), "__contains__")
            if isinstance(method, Function):
                return self._negated(self.call(self.bind(method, container), Args([item]), self.here), negated)
        own, item = item, item if has_own(item, "__eq__", "__hash__") else plain(item)
        container = plain(container)
        content = (
            content_of(container) if isinstance(container, Obj) and container.kind in ("dict", "set", "vars") else None
        )
        if isinstance(content, Items):
            return self._negated(_is_key(content, item), negated)
        if isinstance(item, str) and isinstance(container, str):
            return (item in container) is not negated
        held = content_of(container) if isinstance(container, Obj) and container.kind == "list" else container
        items = self.items(held) if not isinstance(held, Unknown) else None
        if items is not None:
            results = [self.compared(ast.Eq(), own, other) for other in items]
            if any(result is True for result in results) or any(own is other for other in items):
                return not negated
            if all(result is False for result in results):
                return negated
        self.may_raise()
        return replace(unknown_of(item, container), may=frozenset(), alts=(False, True))

    def _negated(self, value: Value, negated: bool) -> Value:
        known = self.truth(value)
        return _unknown_truth(value) if known is None else known is not negated


def _unknown_truth(value: Value) -> Unknown:
    """The truth of a value of which it is not known."""
    return Unknown(value.names if isinstance(value, Unknown) else (), alts=(False, True))


def narrowed(value: Value, side: bool) -> Value:
    """A value of which is known whether it is true."""
    if isinstance(value, Unknown) and value.alts and all(is_constant(item) for item in value.alts):
        kept = tuple(item for item in value.alts if bool(item) is side)
        return kept[0] if len(kept) == 1 else replace(value, alts=kept)
    return value


def truth_key(value: Value) -> Value:
    """A Boolean, or None for anything else."""
    return value if isinstance(value, bool) else None


def hashable(value: Value) -> bool:
    """True if a value can be a key that is told apart from others."""
    if isinstance(value, Obj):
        return value.kind in ("class", "function") or (
            value.kind == "object"
            and isinstance(value.cls, Class)
            and not any(
                not item.slots.keys().isdisjoint(("__eq__", "__hash__", "@fields"))  # a dataclass has its own
                for item in value.cls.mro
                if isinstance(item, Class) and item.name != "object"
            )
        )
    if isinstance(value, tuple):
        return all(map(hashable, value))
    return not isinstance(value, Unknown | Items | Missing | slice) and value == value  # noqa: PLR0124  # no NaN


def _is_key(content: Items, item: Value) -> Value:
    if not hashable(item):
        return Unknown(item.names if isinstance(item, Unknown) else (), alts=(False, True))
    value = content.map.get(item, MISSING)
    if not isinstance(value, Missing):
        return Unknown(value.names, alts=(False, True)) if isinstance(value, Unknown) and value.absent else True
    if content.rest is not None:
        return Unknown(content.rest.names, alts=(False, True))
    return False


def _truth_of_content(content: Value) -> bool | None:
    if isinstance(content, tuple):
        return bool(content)
    if isinstance(content, Items):
        if any(not (isinstance(value, Unknown) and value.absent) for value in content.map.values()):
            return True
        return None if content.map or content.rest is not None else False
    return None
