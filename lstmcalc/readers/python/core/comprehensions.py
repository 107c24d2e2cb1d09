"""Comprehensions, what is run for each item of something, and yields.

Not here: the items of whatever can be gone through (`iterators`), and loops (`loops`).
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES
from lstmcalc.readers.python.core.displays import Displays
from lstmcalc.readers.python.core.heap import Dead, Leave
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Items,
    Missing,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    unknown_of,
)
from lstmcalc.readers.python.core.variables import target_names

MAX_YIELDS: Final = 300  # of a generator that is run


MAX_ROUNDS: Final = 2_000  # of a loop that is unrolled


UNSURE: Final = Unknown(("an item",))  # among the items of something: what follows is not known


class Comprehensions(Displays):
    """Goes through what comprehensions and generators name."""

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
        self.calling = scope
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
        held = source.slots.get(CONTENT) if isinstance(source, Obj) and source.kind == "iter" else source
        if isinstance(held, Unknown):
            return Unknown(held.names, held.may, foreign=held.foreign)
        return replace(unknown_of(source), foreign=True)

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
