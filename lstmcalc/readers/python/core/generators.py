"""Iterators that hold their items, or code that makes them, and generators.

A generator is run whole when its first item is asked for. That is right unless what it reads or changes is changed or
read between two items: then the items are not known.

Not here: the items of whatever can be gone through (`iterators`).
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of
from lstmcalc.readers.python.core.comprehensions import UNSURE
from lstmcalc.readers.python.core.heap import ORDER, Leave, Path
from lstmcalc.readers.python.core.joins import doubted, joined
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.statements import Statements
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Class,
    Log,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    same,
    things,
    unknown_of,
)

_MANY: Final = 400  # slots that a generator reads


class Generators(Statements):
    """Makes and runs iterators."""

    def iterator(self, items: Value) -> Obj:
        """An iterator over items that are known."""
        return self.new("iter", items, TYPES["generator"])

    def later(self, name: str, run: Callable[[], Value], *holds: Value) -> Obj:
        """An iterator whose items are made when they are asked for."""
        made = self.new("iter", MISSING, TYPES["generator"])
        made.slots["@thunk"] = Partial(Builtin(name, lambda _, __, ___: run()), holds)
        return made

    def fill(self, value: Obj, *, at_once: bool = False, whole: bool = False) -> None:
        """Run the code that makes an iterator's items, if it was not run yet.

        Args:
            value: The iterator.
            at_once: Whether all items are taken before anything else is run.
            whole: Whether all items are taken.
        """
        thunk = value.slots.get("@thunk")
        if not isinstance(thunk, Partial):
            return
        self.put(value, "@thunk", MISSING)
        before, mark, made = self.births, len(self.trail), self.world.slots["made"]
        raises_in_time = at_once or any(isinstance(item, Scope) for item in thunk.args)  # see `run_generator`
        content = self.call(thunk.function, Args(), self.here) if raises_in_time else self._made_one_by_one(thunk)
        self.put(value, CONTENT, content if isinstance(content, tuple) else unknown_of(content))
        if at_once:
            return
        self._blur_later(value, thunk, mark, before, made, whole=whole)
        self.put(value, "@default", self.world.slots["dtype"])
        generator = any(isinstance(item, Scope | Function) for item in thunk.args)
        self.put(value, "@code", generator)
        if isinstance(content, tuple) and len(content) < (1 if generator else 2):  # no code is run after an item
            return
        self.put(value, "@footprint", self.footprint(thunk.args))

    def _made_one_by_one(self, thunk: Partial) -> Value:
        """The items of an iterator; unknown if making one may raise, as those before it are taken all the same."""
        mark = len(self.trail)
        paths = self.collect(lambda: self.call(thunk.function, Args(), self.here))
        if all(path.kind == "normal" for path in paths):
            return self.settle(paths, lambda _: True)
        self.undo(mark)
        self.repeat(lambda: self.call(thunk.function, Args(), self.here))
        self.may_raise()
        return Unknown()

    def _blur_later(self, value: Obj, thunk: Partial, mark: int, before: int, made: Value, *, whole: bool) -> None:
        """Say that what a generator does after its first item is done perhaps, and some time."""
        scope = next((item for item in thunk.args if isinstance(item, Scope)), None)
        at, entry, log = self.first_yield.pop(id(scope), (mark, None, made))
        exact = scope is not None and mark <= at <= len(self.trail) and (at == 0 or self.trail[at - 1] is entry)
        if scope is None or not exact:
            at, log = mark, made
        now = self.world.slots["made"]
        if not whole and isinstance(now, Log) and isinstance(log, Log) and len(now) > len(log):
            self.put(self.world, "made", Log([*log, *(doubted(item, ()) for item in now[len(log) :])]))
        if isinstance(now, Log) and isinstance(log, Log) and len(now) > len(log):
            self.put(value, "@later", Log(now[len(log) :]))
        old: dict[tuple[Obj, str], Value] = {}
        for thing, slot, was in self.trail[at:]:
            if slot != ORDER:
                old.setdefault((thing, slot), was)
        writes: dict[tuple[Obj, str], Value] = {}
        for (thing, slot), was in old.items():
            if thing.birth > before or thing is value or thing is scope or (thing is self.world and slot == "made"):
                continue
            writes[thing, slot] = _either(was, thing.slots.get(slot, MISSING))
            self.put(thing, slot, writes[thing, slot])
        if writes:
            self.put(value, "@writes", Writes(writes))

    def _write_again(self, value: Obj) -> None:
        """Do again what a generator does some time after its first item: its next item is taken."""
        writes = value.slots.get("@writes")
        for (thing, slot), made in writes.slots.items() if isinstance(writes, Writes) else ():
            now = thing.slots.get(slot, MISSING)
            if not same(now, made):
                self.put(thing, slot, _either(now, made))

    def footprint(self, values: Sequence[Value]) -> Value:
        """The slots that code which is given as scopes and functions can read, with their values; None if many."""
        found: dict[tuple[Obj, str], Value] = {}
        stack, seen = [*values], set[int]()
        while stack and len(found) <= _MANY:
            value = stack.pop()
            if isinstance(value, Shallow):
                found |= (
                    {(value.source, slot): item for slot, item in value.source.slots.items()}
                    if isinstance(value.source, Obj)
                    else {}
                )
                continue
            for thing in things(value):
                native = (isinstance(thing, Class) and thing.bound is None) or (
                    isinstance(thing, Function) and thing.native
                )
                if id(thing) in seen or thing is self.world or native:
                    continue
                seen.add(id(thing))
                if isinstance(thing, Function):
                    stack += self._free_slots(thing.node, thing.outer, found)
                elif isinstance(thing, Scope):
                    stack += thing.slots.values()
                    found |= {(thing, slot): item for slot, item in thing.slots.items() if thing.frame != "module"}
                    if thing.frame == "comprehension" and thing.outer is not None:
                        stack.append(thing.outer)
                else:
                    found |= {(thing, slot): item for slot, item in (thing.slots or {CONTENT: MISSING}).items()}
                    stack += thing.slots.values()
                    if thing.cls is not None:
                        stack.append(thing.cls)
        return Footprint(found) if len(found) <= _MANY else None

    def _free_slots(self, node: ast.AST, scope: Scope, found: dict[tuple[Obj, str], Value]) -> list[Value]:
        """The values of the names that code reads from the scopes around it."""
        values: list[Value] = []
        for part in ast.walk(node):
            at: Scope | None = scope
            while isinstance(part, ast.Name) and at is not None:
                if part.id in at.slots:
                    found[at, part.id] = at.slots[part.id]
                    values.append(at.slots[part.id])
                    break
                at = at.outer
        return values

    def next_of(self, value: Obj) -> Value:
        """The next item of an iterator, which is taken; MISSING if there is none, UNSURE if that is not known."""
        self.fill(value)
        source = value.slots.get("@source")
        content = content_of(source) if isinstance(source, Obj) else value.slots.get(CONTENT)
        place = value.slots.get("@place", 0)
        resumed = bool(place) or not isinstance(content, tuple)
        changed = resumed and "@footprint" in value.slots and not self._unchanged(value.slots["@footprint"])
        if resumed:
            self._open_dtypes(value)
            self._write_again(value)
        if not isinstance(content, tuple) or not isinstance(place, int):
            return UNSURE
        if changed:
            self.put(value, CONTENT, unknown_of(content))
            self._open_later(value)
            if value.slots.get("@code") is True:  # code of the file's, which may go on in another way than it did
                self.doubt_all("what a generator reads is changed while it waits")
            return UNSURE
        if place >= len(content):
            return MISSING
        self.put(value, "@place", place + 1)
        return content[place]

    def _open_dtypes(self, value: Obj) -> None:
        """Say that the dtype of LSTMs that a generator made later is not known, if the default has changed."""
        now, later = self.world.slots["dtype"], value.slots.get("@later")
        if same(value.slots.get("@default", now), now):
            return
        for entry in later if isinstance(later, Log) else ():
            for thing in entry.made:
                self.put(thing, "@dtype", Unknown())

    def _open_later(self, value: Obj) -> None:
        """Say that nothing is known of the LSTMs that a generator made after its first item."""
        later = value.slots.get("@later")
        for entry in later if isinstance(later, Log) else ():
            for thing in entry.made:
                self.open_record(thing)

    def _unchanged(self, footprint: Value) -> bool:
        if not isinstance(footprint, Footprint):
            return False
        self.spend(len(footprint.slots) // 8)
        kept = all(same(thing.slots.get(slot, MISSING), value) for (thing, slot), value in footprint.slots.items())
        return kept and all(self._has_no_more(thing, names) for thing, names in footprint.names.items())

    @staticmethod
    def _has_no_more(thing: Obj, names: set[str]) -> bool:
        """True if a thing has no attribute that it had not: it would hide one of its class."""
        return isinstance(thing, Scope) or thing.slots.keys() <= names

    def run_generator(self, function: Function, scope: Scope) -> Value:
        """All that a generator yields."""
        self.put(scope, "@yielded", ())
        mark = len(self.trail)
        paths = self.collect(lambda: self.run_body(function, scope, self.here))
        raises_later = any(path.kind == "raise" and _has_yielded(path, scope) for path in paths)
        if raises_later or not any(path.kind in ("normal", "cut") for path in paths):
            only = paths[0] if len(paths) == 1 and paths[0].delta is None else None
            if only is not None and not raises_later:
                raise Leave(only.kind, only.value)
            self.undo(mark)
            self.repeat(lambda: self.run_body(function, scope, self.here))
            return Unknown()
        self.settle(paths, lambda path: path.kind in ("normal", "cut"))
        return scope.slots.get("@yielded", ())


def _has_yielded(path: Path, scope: Scope) -> bool:
    """True for a path on which a generator gave an item before it left: whoever asked for that one saw no exception."""
    return (path.delta or {}).get((scope, "@yielded"), scope.slots.get("@yielded", ())) != ()


class Shallow:
    """Something that is gone through, and whose items are not looked into."""

    def __init__(self, source: Value) -> None:
        self.source = source


class Footprint:
    """All that the code of a generator can read, as it was when it ran."""

    def __init__(self, slots: dict[tuple[Obj, str], Value]) -> None:
        self.slots = slots
        self.names = {thing: set(thing.slots) for thing, _ in slots if thing.kind != "world"}


class Writes:
    """The values that the code of a generator gives slots after its first item, perhaps and some time."""

    def __init__(self, slots: dict[tuple[Obj, str], Value]) -> None:
        self.slots = slots


def _either(one: Value, other: Value) -> Value:
    """A value that is one of two, or something made of them; perhaps there is none."""
    both = joined(one, other)
    return replace(unknown_of(both), absent=isinstance(both, Unknown) and both.absent)
