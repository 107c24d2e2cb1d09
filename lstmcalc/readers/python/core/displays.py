"""Tuples, lists, sets and dictionaries that are written down, with starred parts, and what is put into them.

Not here: their methods (`builtin.lists`, `builtin.mappings`), and comprehensions (`comprehensions`).
"""

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.truths import Truths, hashable
from lstmcalc.readers.python.core.values import (
    Args,
    Items,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
    bounded,
    unknown_of,
)

_MANY: Final = 1_000  # keys, of which each is told apart where an unknown one is set


class Displays(Truths):
    """Makes containers of parts."""

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
