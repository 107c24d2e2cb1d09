"""Expressions: what each of Python's is, for values that may be unknown.

Not here: containers that are written down (`displays`), comprehensions (`comprehensions`), tests and
operators (`truths`).
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import plain, type_of
from lstmcalc.readers.python.core.comprehensions import Comprehensions
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.own_methods import text_by_class
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Descriptor,
    Items,
    Lib,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
    things,
    unknown_of,
)


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


class Expressions(Comprehensions):
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
        if isinstance(owner, Lib) and owner.path in _GENERIC:
            return owner
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
        self.calling = scope
        return self.call(function, args, node)

    def arguments(self, node: ast.Call, scope: Scope) -> Args:
        """The arguments of a call."""
        tainted: list[bool] = []
        pos, rest = self._call_parts(node.args, scope, tainted)
        args = Args(pos, {}, rest)
        names: set[int | str] = {place - len(pos) for place, part in enumerate(tainted) if part}
        for item in node.keywords:
            value = self.noted(item.value, scope)
            if item.arg is not None:
                if item.arg in args.kw:
                    self.throw("TypeError", "given twice")
                args.kw[item.arg] = value
                names |= {item.arg} if item.value in self.noted_nodes else set()
                continue
            content = self.updated(Items({}), value)
            for key, part in content.map.items():
                if not isinstance(key, str) or key in args.kw:
                    self.throw("TypeError", "given twice")
                if isinstance(part, Unknown) and part.absent:
                    args.more = unknown_of(part, *([args.more] if args.more else []))
                else:
                    args.kw[key] = part
                    names |= {key} if item.value in self.noted_nodes or self.holds_taint(value, key) else set()
            if content.rest is not None:
                args.more = replace(
                    unknown_of(content.rest, *([args.more] if args.more else [])), why=f"**{ast.unparse(item.value)}"
                )
        args.tainted = frozenset(names)
        self.noted_calls[node] = frozenset(len(pos) + item if isinstance(item, int) else item for item in names)
        return args

    def noted(self, node: ast.expr, scope: Scope) -> Value:
        """The value of an expression, of which is noted whether it is a default that a caller can change."""
        before, self.taint = self.taint, False
        value = self.evaluate(node, scope)
        if self.taint:
            self.noted_nodes.add(node)
        else:
            self.noted_nodes.discard(node)
        self.taint = self.taint or before
        return value

    def _call_parts(
        self, nodes: Sequence[ast.expr], scope: Scope, tainted: list[bool]
    ) -> tuple[list[Value], Unknown | None]:
        """As `_parts`; what stands behind arguments that are not known has no place either."""
        items: list[Value] = []
        rest: Unknown | None = None
        for node in nodes:
            value = self.noted(node.value if isinstance(node, ast.Starred) else node, scope)
            more = self.items(value) if isinstance(node, ast.Starred) else [value]
            if more is None or rest is not None:
                rest = unknown_of(value, *([rest] if rest else []))
                rest = replace(rest, why=rest.why or ast.unparse(node))
            else:
                items += more
                tainted += [(node.value if isinstance(node, ast.Starred) else node) in self.noted_nodes] * len(more)
        return items, rest

    def _joined_text(self, node: ast.JoinedStr, scope: Scope) -> Value:
        parts = [self.evaluate(item, scope) for item in node.values]
        if any(isinstance(item, Unknown) for item in parts):
            return unknown_of(*parts)
        text = "".join(str(item) for item in parts)
        return text if len(text) <= MAX_ITEMS else Unknown()

    def _formatted(self, node: ast.FormattedValue, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope)
        spec = self.evaluate(node.format_spec, scope) if node.format_spec else ""
        method = {-1: "__format__", 115: "__str__"}.get(node.conversion, "__repr__")
        own = text_by_class(self, value, method, spec) if isinstance(spec, str) else MISSING
        if not isinstance(own, Missing) and method == "__format__":
            return own
        value = plain(value) if isinstance(own, Missing) else own if node.conversion != ord("a") else Unknown()
        if (
            not (isinstance(value, bool | int | float | str | None) and isinstance(spec, str))
            or sum(map(str.isdigit, spec)) > 3
        ):  # no width of thousands
            self.may_raise()
            return unknown_of(value, spec)
        try:
            shown = {115: str(value), 114: repr(value), 97: ascii(value)}.get(node.conversion, value)
            text = format(shown if isinstance(own, Missing) else value, spec)
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

    # Yields, and waiting.


_GENERIC: Final = ("typing.Generic", "typing.Protocol", "typing_extensions.Generic", "typing_extensions.Protocol")
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
