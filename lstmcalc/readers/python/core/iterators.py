"""Iterating: the items of whatever can be gone through, and generators.

A generator is run whole when its first item is asked for. That is right unless what it reads or changes is changed or
read between two items: then the items are not known.

Not here: the methods of lists (`builtin.lists`), dictionaries and sets (`builtin.mappings`).
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, plain, type_of
from lstmcalc.readers.python.core.comprehensions import UNSURE
from lstmcalc.readers.python.core.generators import Generators
from lstmcalc.readers.python.core.joins import MAX_ALTS
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.own_methods import has_own
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Items,
    Missing,
    Obj,
    Unknown,
    Value,
    things,
    unknown_of,
)


class Iterators(Generators):
    """Goes through containers."""

    def items(self, value: Value) -> list[Value] | None:
        """All items of something that can be iterated, at once; None if they are not known."""
        if isinstance(value, Obj) and value.kind == "iter":
            self.fill(value, at_once=True)
        found = self.live_items(value)
        if found is None:
            return None
        items: list[Value] = []
        for item in found:
            if item is UNSURE or len(items) > MAX_ITEMS:
                return None
            items.append(item)
        self.spend(len(items) // 16)
        return items

    def live_items(self, value: Value) -> Iterator[Value] | None:
        """The items of something that can be iterated, one after the other; None if they are not known."""
        value = plain(value) if not has_own(value, "__iter__") else value
        if isinstance(value, tuple | str | range | bytes):
            return iter(value) if len(value) <= MAX_ITEMS else None
        if isinstance(value, Unknown):
            self.may_raise()
            return None
        if not isinstance(value, Obj):
            if type_of(value) is None:
                self.may_raise()
                return None
            self.throw("TypeError", "not iterable")
        own = self.lookup(type_of(value), "__iter__") if value.kind != "class" else self._class_iter(value)
        if isinstance(own, Function):
            return self.live_items(self.call(self.bind(own, value), Args(), self.here))
        if isinstance(own, Builtin) and value.kind == "class":
            return self.live_items(self.call(Bound(own, value), Args(), self.here))
        if isinstance(own, Unknown):
            self.may_raise()
            return None
        if value.kind in ("list", "view"):
            return self._of_list(value) if isinstance(content_of(value), tuple) else None
        if value.kind in ("dict", "vars", "set"):
            return self._of_items(value)
        if value.kind == "iter":
            return self._of_iterator(value)
        if value.kind == "array":
            return None
        stepper = self.lookup(type_of(value), "__next__")
        if isinstance(stepper, Function):
            return self._of_stepper(value, stepper)
        getter = self.lookup(type_of(value), "__getitem__")
        if isinstance(getter, Missing):
            self.throw("TypeError", "not iterable")
        if isinstance(getter, Function):
            return self._of_getter(value)
        self.may_raise()
        return None

    def _class_iter(self, value: Obj) -> Value:
        meta = value.slots.get("@meta")
        return self.lookup(meta, "__iter__") if isinstance(meta, Class) else value.slots.get("@iter", MISSING)

    def _of_list(self, value: Obj) -> Iterator[Value]:
        place = 0
        while True:
            content = content_of(value)
            if not isinstance(content, tuple):
                yield UNSURE
                return
            if place >= len(content):
                return
            yield content[place]
            place += 1

    def _of_items(self, value: Obj) -> Iterator[Value] | None:
        content = content_of(value)
        if not isinstance(content, Items) or not content.whole:
            return None
        if value.kind == "set" and len(content.map) > 1 and not all(isinstance(key, int) for key in content.map):
            any_key = unknown_of(*content.map)  # their order is another in every run
            alts = tuple(content.map) if len(content.map) <= MAX_ALTS else ()
            keys: tuple[Value, ...] = (replace(any_key, names=(), alts=alts),) * len(content.map)
        else:
            keys = tuple(set(content.map)) if value.kind == "set" else tuple(content.map)

        def step() -> Iterator[Value]:
            for key in keys:
                now = content_of(value)
                if not isinstance(now, Items) or now.rest is not None or len(now.map) != len(keys):
                    yield UNSURE
                    return
                yield key

        return step()

    def _of_iterator(self, value: Obj) -> Iterator[Value] | None:
        self.fill(value)
        if "@source" not in value.slots and not isinstance(value.slots.get(CONTENT), tuple):
            return None

        def step() -> Iterator[Value]:
            while True:
                item = self.next_of(value)
                if isinstance(item, Missing):
                    return
                yield item
                if item is UNSURE:
                    return

        return step()

    def _of_stepper(self, value: Obj, stepper: Function) -> Iterator[Value]:
        while True:
            paths = self.collect(lambda: self.call(Bound(stepper, value), Args(), self.here))
            if len(paths) != 1 or paths[0].delta is not None:
                self.put_aside([path for path in paths if path.kind != "normal" and not _ends(path.value)])
                self.join([path for path in paths if path.kind == "normal" or _ends(path.value)])
                yield UNSURE
                return
            if paths[0].kind == "raise" and _ends(paths[0].value):
                return
            yield self.settle(paths, lambda path: path.kind == "normal")

    def _of_getter(self, value: Obj) -> Iterator[Value]:
        place = 0
        while True:
            paths = self.collect(lambda: self.subscript(value, place))  # noqa: B023  # run at once
            if len(paths) != 1 or paths[0].delta is not None:
                self.join(paths)
                yield UNSURE
                return
            if paths[0].kind == "raise" and _named(paths[0].value, "IndexError"):
                return
            yield self.settle(paths, lambda path: path.kind == "normal")
            place += 1

    # Changes through what is not known.

    def set_of_unknown(self, owner: Unknown, index: Value, value: Value) -> None:
        """Set an item of something that is not known: of any list or dictionary that it may be."""
        self.may_raise()
        escaped = self.world.slots["escaped"]
        more = escaped.may if owner.foreign and isinstance(escaped, Unknown) else frozenset[Obj]()
        for thing in self.reach(owner.may | more):
            if thing.kind in ("list", "dict", "set", "vars"):
                self.change_perhaps(thing, lambda thing=thing: self.set_item(thing, index, value))  # type: ignore[misc]  # bound now
            elif isinstance(self.lookup(type_of(thing), "__setitem__"), Function) and thing.kind == "object":
                self.give_up([thing, value])
        if owner.foreign and things(value):
            known = escaped.may if isinstance(escaped, Unknown) else frozenset[Obj]()
            self.put(self.world, "escaped", Unknown(may=known | things(value)))

    def change_perhaps(self, thing: Obj, change: Callable[[], object]) -> None:
        """Make a change that perhaps happens."""

        def run() -> Value:
            paths = self.collect(lambda: change())
            return self.settle([path for path in paths if path.kind == "normal"], lambda _: True)

        del thing
        self.fork([lambda: None, run])


def _ends(value: Value) -> bool:
    return _named(value, "StopIteration")


def _named(value: Value, name: str) -> bool:
    return isinstance(value, Obj) and isinstance(value.cls, Class) and TYPES[name] in value.cls.mro


def _next(machine: Iterators, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    if not isinstance(owner, Obj) or owner.kind != "iter":
        machine.may_raise()
        return unknown_of(*args.all)
    return take_next(machine, owner)


def take_next(machine: Iterators, owner: Obj, default: Value = MISSING) -> Value:
    """The value that `next` gives."""
    machine.fill(owner)
    item = machine.next_of(owner)
    if item is UNSURE:
        machine.may_raise()
        content = owner.slots.get(CONTENT)
        return unknown_of(content, default)
    if isinstance(item, Missing):
        if isinstance(default, Missing):
            machine.throw("StopIteration")
        return default
    return item


TYPES["generator"].slots["__next__"] = Builtin("__next__", _next, method=True)
TYPES["generator"].slots["close"] = Builtin("close", lambda _, __, ___: None, method=True)


def _send(machine: Iterators, args: Args, node: ast.AST) -> Value:
    del node
    machine.may_raise()
    owner = args.pos[0]
    if isinstance(owner, Obj):
        machine.fill(owner)
        machine.put(owner, CONTENT, unknown_of(owner.slots.get(CONTENT)))
    return unknown_of(*args.all)


TYPES["generator"].slots["send"] = Builtin("send", _send, method=True)
