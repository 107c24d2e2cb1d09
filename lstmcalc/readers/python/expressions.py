"""Expressions: what each of Python's is, for values that may be unknown.

Not here: what operators make of values (`operators`).
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.calls import Calls
from lstmcalc.readers.python.classes_of_python import TYPES, content_of, plain, type_of
from lstmcalc.readers.python.heap import Dead, Leave
from lstmcalc.readers.python.machine import Builtin, Function
from lstmcalc.readers.python.operators import MAX_ITEMS, binary, compare, unary
from lstmcalc.readers.python.values import (
    CONTENT,
    MISSING,
    Args,
    Class,
    Descriptor,
    Items,
    Lib,
    Missing,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    bounded,
    is_constant,
    joined,
    merged_names,
    things,
    unknown_of,
)
from lstmcalc.readers.python.variables import target_names

_MANY: Final = 1_000  # keys, of which each is told apart where an unknown one is set
MAX_YIELDS: Final = 300  # of a generator that is run
MAX_ROUNDS: Final = 2_000  # of a loop that is unrolled
UNSURE: Final = Unknown(("an item",))  # among the items of something: what follows is not known

_REFLECTED: Final = {
    "Add": ("__add__", "__radd__", "__iadd__"),
    "Sub": ("__sub__", "__rsub__", "__isub__"),
    "Mult": ("__mul__", "__rmul__", "__imul__"),
    "Div": ("__truediv__", "__rtruediv__", "__itruediv__"),
    "FloorDiv": ("__floordiv__", "__rfloordiv__", "__ifloordiv__"),
    "Mod": ("__mod__", "__rmod__", "__imod__"),
    "Pow": ("__pow__", "__rpow__", "__ipow__"),
    "LShift": ("__lshift__", "__rlshift__", "__ilshift__"),
    "RShift": ("__rshift__", "__rrshift__", "__irshift__"),
    "BitOr": ("__or__", "__ror__", "__ior__"),
    "BitAnd": ("__and__", "__rand__", "__iand__"),
    "BitXor": ("__xor__", "__rxor__", "__ixor__"),
    "MatMult": ("__matmul__", "__rmatmul__", "__imatmul__"),
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


def _reads_key(node: ast.expr) -> bool:
    """True for what reads a key of some settings: `cfg["hidden"]`, `cfg.get("hidden")`, `getattr(cfg, "hidden")`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    if not isinstance(node, ast.Call) or not node.args:
        return False
    named, function = node.args[:2][-1], node.func
    is_get = isinstance(function, ast.Attribute) and function.attr == "get"
    is_getattr = isinstance(function, ast.Name) and function.id == "getattr"
    key = node.args[0] if is_get else named
    return (is_get or is_getattr) and isinstance(key, ast.Constant) and isinstance(key.value, str)


class Expressions(Calls):
    """Evaluates expressions."""

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """The value of an expression."""
        self.spend()
        if self.settings and not self.native and isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
            given = self.setting(node, scope)
            if not isinstance(given, Missing):
                return given
        method = _EVALUATED.get(type(node))
        if method is None:
            self.may_raise()
            return Unknown()
        found = method(self, node, scope)
        if self.collects and isinstance(found, Unknown) and not self.native and _reads_key(node):
            self.asked.setdefault(self.text_of(node))
        return found

    def text_of(self, node: ast.expr) -> str:
        """The text of an expression, as the user may give it a value."""
        found = self.texts.get(node)
        if found is None:
            found = self.texts[node] = ast.unparse(node)
        return found

    def _constant(self, node: ast.Constant, _: Scope) -> Value:
        return node.value

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        found = self.load(node.id, scope)
        return self.unbound(node.id) if isinstance(found, Missing) else found

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        owner = self.evaluate(node.value, scope)
        found = self.attribute(owner, node.attr)
        if self.collects and isinstance(owner, Obj) and not self.native and self._is_default(owner, node.attr):
            self.defaults.setdefault(self.text_of(node))
        if (
            isinstance(found, Unknown)
            and not self.native
            and (found.names == (node.attr,) or isinstance(owner, Unknown))
        ):
            name = self.text_of(node)
            self.asked.setdefault(name)
            return replace(found, names=(name,))
        return found

    def _is_default(self, owner: Obj, name: str) -> bool:
        """True for an option that the command line gives, and that has its default."""
        is_space = isinstance(owner.cls, Class) and owner.cls.name in ("Namespace", "SimpleNamespace")
        return is_space and (id(owner), name) in self.tainted

    # What is made of parts.

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Value:
        items, rest = self._parts(node.elts, scope)
        if rest is not None:
            return unknown_of(rest, *items)
        return bounded(tuple(items)) if any(isinstance(item, tuple) for item in items) else tuple(items)

    def _list(self, node: ast.List, scope: Scope) -> Value:
        items, rest = self._parts(node.elts, scope)
        return self.new("list", tuple(items) if rest is None else unknown_of(rest, *items))

    def _set(self, node: ast.Set, scope: Scope) -> Value:
        items, rest = self._parts(node.elts, scope)
        return self.new("set", self.as_set(items, rest))

    def as_set(self, items: Sequence[Value], rest: Unknown | None = None) -> Items:
        """All that is in a set of values; of values that are not known, they may be in it."""
        known = {item: True for item in items if hashable(item)}
        other = [item for item in items if not hashable(item)]
        if other:
            rest = replace(unknown_of(*other, *([rest] if rest else [])), absent=True)
        return Items(known, rest)

    def _parts(self, nodes: Sequence[ast.expr], scope: Scope) -> tuple[list[Value], Unknown | None]:
        """The values of expressions, with starred ones; what is not known behind them."""
        items: list[Value] = []
        rest: Unknown | None = None
        self.spend(len(nodes) // 16)
        for node in nodes:
            if isinstance(node, ast.Constant):  # of tables with many numbers
                items.append(node.value)
                continue
            if not isinstance(node, ast.Starred):
                items.append(self.evaluate(node, scope))
                continue
            value = self.evaluate(node.value, scope)
            more = self.items(value)
            if more is None:
                rest = unknown_of(value, *([rest] if rest else []))
            else:
                items += more
        return items, rest

    def _dict(self, node: ast.Dict, scope: Scope) -> Value:
        made = Items({})
        plainly = [part.value for part in node.keys if isinstance(part, ast.Constant)]
        if len(plainly) == len(node.keys):
            return self.new(
                "dict", Items({key: self.evaluate(part, scope) for key, part in zip(plainly, node.values, strict=True)})
            )
        for key, value in zip(node.keys, node.values, strict=True):
            self.spend(len(made.map) // 32)
            if key is None:
                made = self.updated(made, self.evaluate(value, scope))
            else:
                place = self.evaluate(key, scope)
                made = self.with_item(made, place, self.evaluate(value, scope))
        return self.new("dict", made)

    def with_item(self, items: Items, key: Value, value: Value) -> Items:
        """A dictionary's content with one item more."""
        key = plain(key)
        if hashable(key):
            return Items({**items.map, key: value}, items.rest, ordered=items.ordered)
        if len(items.map) > _MANY:
            return Items({}, replace(unknown_of(items, value, key), absent=True))
        map_ = {old: unknown_of(item, value, key) for old, item in items.map.items()}
        return Items(map_, replace(unknown_of(key, value, *([items.rest] if items.rest else [])), absent=True))

    def updated(self, items: Items, other: Value) -> Items:
        """A dictionary's content with that of a mapping."""
        content = content_of(other) if isinstance(other, Obj) and other.kind in ("dict", "vars") else None
        if isinstance(other, Obj) and other.kind == "object" and content is None:
            content = self._of_mapping(other)
        if not isinstance(content, Items):
            unknown = unknown_of(other)
            self.may_raise()
            blurred = {key: unknown_of(value, unknown) for key, value in items.map.items()}
            return Items(blurred, replace(unknown, absent=True))
        self.spend(len(content.map) // 8)
        map_: dict[Value, Value] = dict(items.map)
        if content.rest is not None:
            map_ = {
                key: unknown_of(value, content.rest) if key not in content.map else value for key, value in map_.items()
            }
        for key, value in content.map.items():
            if isinstance(value, Unknown) and value.absent and key in map_:
                map_[key] = joined(map_[key], replace(value, absent=False))
            else:
                map_[key] = value
        rest = content.rest or items.rest
        if content.rest is not None and items.rest is not None:
            rest = replace(unknown_of(content.rest, items.rest), absent=True)
        return Items(map_, rest, ordered=items.ordered and content.ordered)

    def _of_mapping(self, other: Obj) -> Value:
        """All that is in an instance of a class of mappings."""
        keys = self.lookup(other.cls, "keys")
        if isinstance(keys, Missing | Unknown):
            return None
        names = self.items(self.call(self.bind(keys, other), Args(), self.here))
        if names is None or not all(map(hashable, names)):
            return None
        return Items({name: self.subscript(other, name) for name in names})

    # Operators.

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
        value = plain(value)
        if isinstance(value, Unknown):
            if value.alts:
                sides = {self.truth(item) for item in value.alts}
                return sides.pop() if len(sides) == 1 else None
            self.may_raise()
            return None
        if isinstance(value, Obj) and value.kind in ("list", "dict", "set", "vars"):
            if (
                value.cls is not None
                and value.cls.bound is not None
                and isinstance(self.lookup(value.cls, "__bool__"), Function)
            ):
                return self._truth_of_object(value)
            return _truth_of_content(content_of(value))
        if isinstance(value, Obj) and value.kind == "object":
            return self._truth_of_object(value)
        if isinstance(value, Obj) and value.kind == "array":
            return None
        if isinstance(value, Lib):
            return None
        return True if isinstance(value, Obj) else bool(value)

    def _truth_of_object(self, value: Obj) -> bool | None:
        for name in ("__bool__", "__len__"):
            method = self.lookup(value.cls, name)
            if isinstance(method, Unknown):
                return None
            if not isinstance(method, Missing):
                return self.truth(self.call(self.bind(method, value), Args(), self.here))
        return True

    def _binary(self, node: ast.BinOp, scope: Scope) -> Value:
        left = self.evaluate(node.left, scope)
        return self.operate(node.op, left, self.evaluate(node.right, scope))

    def operate(self, op: ast.operator, left: Value, right: Value, *, place: bool = False) -> Value:
        """The value that an operator makes of two others; `place` if it is an augmented assignment."""
        names = _REFLECTED[type(op).__name__]
        if place and isinstance(left, Obj) and left.kind in ("list", "dict", "set", "object", "array", "const"):
            method = self.lookup(type_of(left), names[2])
            if isinstance(method, Function | Builtin):
                return self.call(self.bind(method, left), Args([right]), self.here)
        own = self._by_method(left, right, names[0], names[1])
        if not isinstance(own, Missing):
            return own
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
        if isinstance(container, Obj) and (
            container.cls is None or container.cls.bound is not None or container.kind == "object"
        ):
            method = self.lookup(type_of(container), "__contains__")
            if isinstance(method, Function):
                return self._negated(self.call(self.bind(method, container), Args([item]), self.here), negated)
        item, container = plain(item), plain(container)
        content = (
            content_of(container) if isinstance(container, Obj) and container.kind in ("dict", "set", "vars") else None
        )
        if isinstance(content, Items):
            return self._negated(_is_key(content, item), negated)
        if isinstance(item, str) and isinstance(container, str):
            return (item in container) is not negated
        items = self.items(container) if not isinstance(container, Unknown) else None
        if items is not None:
            results = [self.compared(ast.Eq(), item, other) for other in items]
            if any(result is True for result in results) or any(item is other for other in items):
                return not negated
            if all(result is False for result in results):
                return negated
        self.may_raise()
        return replace(unknown_of(item, container), may=frozenset(), alts=(False, True))

    def _negated(self, value: Value, negated: bool) -> Value:
        known = self.truth(value)
        return _unknown_truth(value) if known is None else known is not negated

    # Subscripts.

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        owner = self.evaluate(node.value, scope)
        index = self.evaluate(node.slice, scope)
        found = self.subscript(owner, index)
        if isinstance(found, Unknown) and isinstance(owner, Unknown) and owner.names and not self.native:
            return replace(found, names=(self.text_of(node),))
        return found

    def subscript(self, owner: Value, index: Value) -> Value:
        """The item of a value.

        Raises:
            Leave: There is none.
        """
        cls = type_of(owner)
        if isinstance(owner, Class):
            hook = self.lookup(owner, "__class_getitem__")
            if isinstance(hook, Function | Descriptor):
                return self.call(self.attribute(owner, "__class_getitem__"), Args([index]), self.here)
            meta = owner.slots.get("@meta")
            found = self.lookup(meta, "__getitem__") if isinstance(meta, Class) else MISSING
            return (
                owner
                if isinstance(found, Missing)
                else self.call(self.bind(found, owner, meta), Args([index]), self.here)
            )
        if isinstance(owner, Obj) and isinstance(cls, Class):
            method = self.lookup(cls, "__getitem__")
            if isinstance(method, Function | Builtin):
                return self.call(self.bind(method, owner), Args([index]), self.here)
            if isinstance(method, Unknown):
                self.may_raise()
                return Unknown(may=things(owner), foreign=method.foreign)
        owner, index = plain(owner), plain(index)
        if isinstance(owner, Unknown | Lib) or isinstance(index, Unknown):
            self.may_raise()
            return unknown_of(owner, index)
        if isinstance(owner, tuple | str | bytes | range):
            return self.item_of(owner, index)
        if isinstance(owner, Obj):
            self.may_raise()
            return unknown_of(owner, index)
        self.throw("TypeError", "not subscriptable")

    def item_of(self, items: "tuple[Value, ...] | str | bytes | range", index: Value) -> Value:
        """An item of a sequence that is known, or a slice of it."""
        if isinstance(index, bool | int | slice):
            if isinstance(index, slice) and not all(
                isinstance(part, int | None) for part in (index.start, index.stop, index.step)
            ):
                return unknown_of(index.start, index.stop, index.step)
            try:
                return items[index]
            except (IndexError, ValueError):
                self.throw("IndexError", "out of range")
        if isinstance(index, Obj):
            return unknown_of(items if isinstance(items, tuple) else None, index)
        self.throw("TypeError", "indices must be integers")

    def _slice(self, node: ast.Slice, scope: Scope) -> Value:
        parts = [plain(self.evaluate(part, scope)) if part else None for part in (node.lower, node.upper, node.step)]
        if any(isinstance(part, Unknown | Obj) for part in parts):
            return unknown_of(*parts)
        return slice(*parts)

    # Functions, calls, texts.

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Value:
        return self.make_function(node, scope)

    def make_function(self, node: "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda", scope: Scope) -> Function:
        """A function, with its defaults as they are now."""
        defaults = tuple(self.evaluate(item, scope) for item in node.args.defaults)
        names = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        keywords = {param.arg: self.evaluate(item, scope) for param, item in names if item is not None}
        made = Function(node, scope, self.born(), native=self.native)
        made.defaults, made.kw_defaults = defaults, keywords
        return made

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        function = self.evaluate(node.func, scope)
        args = self.arguments(node, scope)
        if isinstance(function, Lib) and function.path == "builtins.super" and not args.all:
            return self.call(function, args, node)
        return self.call(function, args, node)

    def arguments(self, node: ast.Call, scope: Scope) -> Args:
        """The arguments of a call."""
        pos, rest = self._call_parts(node.args, scope)
        args = Args(pos, {}, rest)
        for item in node.keywords:
            value = self.evaluate(item.value, scope)
            if item.arg is not None:
                if item.arg in args.kw:
                    self.throw("TypeError", "given twice")
                args.kw[item.arg] = value
                continue
            content = self.updated(Items({}), value)
            for key, part in content.map.items():
                if not isinstance(key, str) or key in args.kw:
                    self.throw("TypeError", "given twice")
                if isinstance(part, Unknown) and part.absent:
                    args.more = unknown_of(part, *([args.more] if args.more else []))
                else:
                    args.kw[key] = part
            if content.rest is not None:
                args.more = replace(
                    unknown_of(content.rest, *([args.more] if args.more else [])), why=f"**{ast.unparse(item.value)}"
                )
        return args

    def _call_parts(self, nodes: Sequence[ast.expr], scope: Scope) -> tuple[list[Value], Unknown | None]:
        """As `_parts`; what stands behind arguments that are not known has no place either."""
        items: list[Value] = []
        rest: Unknown | None = None
        for node in nodes:
            value = self.evaluate(node.value if isinstance(node, ast.Starred) else node, scope)
            more = self.items(value) if isinstance(node, ast.Starred) else [value]
            if more is None or rest is not None:
                rest = unknown_of(value, *([rest] if rest else []))
                rest = replace(rest, why=rest.why or ast.unparse(node))
            else:
                items += more
        return items, rest

    def _joined_text(self, node: ast.JoinedStr, scope: Scope) -> Value:
        parts = [self.evaluate(item, scope) for item in node.values]
        if any(isinstance(item, Unknown) for item in parts):
            return unknown_of(*parts)
        text = "".join(str(item) for item in parts)
        return text if len(text) <= MAX_ITEMS else Unknown()

    def _formatted(self, node: ast.FormattedValue, scope: Scope) -> Value:
        value = plain(self.evaluate(node.value, scope))
        spec = self.evaluate(node.format_spec, scope) if node.format_spec else ""
        if (
            not (isinstance(value, bool | int | float | str | None) and isinstance(spec, str))
            or sum(map(str.isdigit, spec)) > 3
        ):  # no width of thousands
            self.may_raise()
            return unknown_of(value, spec)
        try:
            shown = {115: str(value), 114: repr(value), 97: ascii(value)}.get(node.conversion, value)
            text = format(shown, spec)
        except (ValueError, TypeError):
            self.throw("ValueError", "format")
        return text if len(text) <= MAX_ITEMS else Unknown()

    def _named(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope)
        at = scope
        while at.frame == "comprehension" and at.outer is not None:
            at = at.outer
        self.store(node.target.id, value, at)
        return value

    # Comprehensions.

    def _list_comprehension(self, node: ast.ListComp, scope: Scope) -> Value:
        made = self.comprehended(node.generators, scope, lambda inner: self.evaluate(node.elt, inner))
        return self.new("list", made)

    def _set_comprehension(self, node: ast.SetComp, scope: Scope) -> Value:
        made = self.comprehended(node.generators, scope, lambda inner: self.evaluate(node.elt, inner))
        items = self.as_set(made) if isinstance(made, tuple) else Items({}, replace(unknown_of(made), absent=True))
        return self.new("set", items)

    def _dict_comprehension(self, node: ast.DictComp, scope: Scope) -> Value:
        made = self.comprehended(
            node.generators, scope, lambda inner: (self.evaluate(node.key, inner), self.evaluate(node.value, inner))
        )
        items = Items({})
        if not isinstance(made, tuple):
            return self.new("dict", Items({}, replace(unknown_of(made), absent=True)))
        for pair in made:
            if isinstance(pair, tuple) and len(pair) == 2:  # a key and a value
                items = self.with_item(items, *pair)
            else:
                items = Items({}, replace(unknown_of(made), absent=True))
                break
        return self.new("dict", items)

    def _generator(self, node: ast.GeneratorExp, scope: Scope) -> Value:
        first = self.evaluate(node.generators[0].iter, scope)
        made = self.new("iter", MISSING, TYPES["generator"])

        def run(_: object, __: Args, ___: ast.AST) -> Value:
            return self.comprehended(node.generators, scope, lambda inner: self.evaluate(node.elt, inner), first)

        reads = Function(node, scope, self.born(), native=self.native)  # type: ignore[arg-type]  # for the names in it
        made.slots["@thunk"] = Partial(Builtin("generator", run), (reads, first))
        return made

    def comprehended(
        self,
        generators: list[ast.comprehension],
        scope: Scope,
        element: Callable[[Scope], Value],
        first: Value = MISSING,
    ) -> Value:
        """The values of a comprehension, a tuple; unknown if their number is not known."""
        inner = Scope("comprehension", scope, self.born())
        inner.locals = frozenset().union(*(target_names(item.target) for item in generators))
        out = Obj("world", None, self.born())
        out.slots[CONTENT] = ()

        def emit() -> None:
            value = element(inner)
            held = out.slots[CONTENT]
            self.put(out, CONTENT, (*held, value) if isinstance(held, tuple) else unknown_of(held, value))

        def run(level: int) -> None:
            if level == len(generators):
                emit()
                return
            item = generators[level]
            if level:
                source = self.evaluate(item.iter, inner)
            else:
                source = self.evaluate(item.iter, scope) if isinstance(first, Missing) else first
            self.each(source, lambda value: self._element(item, value, inner, lambda: run(level + 1)))

        run(0)
        return out.slots[CONTENT]

    def _element(self, item: ast.comprehension, value: Value, inner: Scope, go: Callable[[], None]) -> None:
        self.assign(item.target, value, inner)
        tests = list(item.ifs)

        def check() -> Value:
            if not tests:
                go()
                return None
            test = tests.pop(0)
            kept = list(tests)

            def yes() -> Value:
                tests[:] = kept
                return check()

            return self.choose(self.tested(test, inner), yes, lambda: None)

        check()

    def each(self, source: Value, body: Callable[[Value], None]) -> None:
        """Run code for each item of something, without `break`."""
        if isinstance(source, Obj) and source.kind == "iter":
            self.fill(source, whole=True)
        items = self.live_items(source)
        if items is None:
            self.any_number(source, body)
            return
        for rounds, item in enumerate(items):
            if rounds > MAX_ROUNDS or item is UNSURE:
                self.any_number(source, body)
                return
            body(item)

    def any_number(self, source: Value, body: Callable[[Value], None]) -> None:
        """Run code for items whose number is not known."""
        item = self.item_of_unknown(source)
        names = source.names if isinstance(source, Unknown) else ()
        self.may_raise()
        self.repeat(lambda: body(item), names)

        def once() -> Value:
            body(item)
            raise Dead

        self.fork([lambda: None, once], names)

    def item_of_unknown(self, source: Value) -> Unknown:
        """An item of something that is not known."""
        if isinstance(source, Unknown):
            return Unknown(source.names, source.may, foreign=source.foreign)
        return replace(unknown_of(source), foreign=True)

    # Yields, and waiting.

    def _await(self, node: ast.Await, scope: Scope) -> Value:
        return self.awaited(self.evaluate(node.value, scope))

    def awaited(self, value: Value) -> Value:
        """The value that a coroutine returns."""
        thunk = value.slots.get("@thunk") if isinstance(value, Obj) and value.kind == "coroutine" else None
        if isinstance(thunk, Partial) and isinstance(value, Obj):
            self.put(value, "@thunk", None)
            return self.call(thunk.function, Args(), self.here)
        self.may_raise()
        return unknown_of(value)

    def _yield(self, node: ast.Yield, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope) if node.value else None
        within = self.at_yield.get(id(self.frames[-1].scope))
        if within is not None:
            within(value)
            return None
        self.yielded(value)
        return Unknown()

    def yielded(self, value: Value) -> None:
        """Add to what a generator yields."""
        scope = next(frame.scope for frame in reversed(self.frames))
        held = scope.slots.get("@yielded", ())
        self.first_yield.setdefault(
            id(scope), (len(self.trail), self.trail[-1] if self.trail else None, self.world.slots["made"])
        )
        if isinstance(held, tuple) and len(held) >= MAX_YIELDS:
            self.put(scope, "@yielded", (*held, UNSURE))
            raise Leave("cut", None)
        self.put(scope, "@yielded", (*held, value) if isinstance(held, tuple) else unknown_of(held, value))

    def _yield_from(self, node: ast.YieldFrom, scope: Scope) -> Value:
        source = self.evaluate(node.value, scope)
        self.each(source, self.yielded)
        return Unknown()


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
                "__eq__" in item.slots or "__hash__" in item.slots
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


_EVALUATED: Final[dict[type, Callable[..., Value]]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Tuple: Expressions._tuple,
    ast.List: Expressions._list,
    ast.Set: Expressions._set,
    ast.Dict: Expressions._dict,
    ast.BoolOp: Expressions._boolean,
    ast.IfExp: Expressions._if,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare,
    ast.Subscript: Expressions._subscript,
    ast.Slice: Expressions._slice,
    ast.Lambda: Expressions._lambda,
    ast.Call: Expressions._call,
    ast.JoinedStr: Expressions._joined_text,
    ast.FormattedValue: Expressions._formatted,
    ast.NamedExpr: Expressions._named,
    ast.ListComp: Expressions._list_comprehension,
    ast.SetComp: Expressions._set_comprehension,
    ast.DictComp: Expressions._dict_comprehension,
    ast.GeneratorExp: Expressions._generator,
    ast.Await: Expressions._await,
    ast.Yield: Expressions._yield,
    ast.YieldFrom: Expressions._yield_from,
}
