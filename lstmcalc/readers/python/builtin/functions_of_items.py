"""Python's own functions that go through things: `map`, `zip`, `sorted`, `sum`, `max` and the others.

Not here: what is gone through (`core.iterators`).
"""

import ast
from collections.abc import Callable

from lstmcalc.readers.python.builtin.functions import Function_, are_classes, function
from lstmcalc.readers.python.builtin.lists import members_of, ordered
from lstmcalc.readers.python.core.classes_of_python import TYPES, plain, type_of
from lstmcalc.readers.python.core.generators import Shallow
from lstmcalc.readers.python.core.iterators import take_next
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.making import Making
from lstmcalc.readers.python.core.own_methods import COMPARED, has_own
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Obj,
    Unknown,
    Value,
    is_constant,
    unknown_of,
)


@function("iter")
def _iter(machine: Making, args: Args, node: ast.AST) -> Value:
    value = args.pos[0]
    if len(args.pos) > 1:
        return machine.unknown_call("iter()", args)
    if isinstance(value, Obj) and value.kind == "iter":
        return value
    own = machine.lookup(type_of(value), "__iter__") if isinstance(value, Obj) else MISSING
    if isinstance(own, Function):
        return machine.call(machine.bind(own, value), Args(), node)
    if isinstance(value, Obj) and value.kind == "list":
        made = machine.new("iter", MISSING, TYPES["generator"])
        made.slots["@source"] = value
        return made
    items = machine.items(value)
    return machine.iterator(tuple(items)) if items is not None else machine.iterator(unknown_of(value))


@function("next")
def _next(machine: Making, args: Args, node: ast.AST) -> Value:
    owner = args.pos[0]
    if isinstance(owner, Obj) and owner.kind == "iter":
        return take_next(machine, owner, args.pos[1] if len(args.pos) > 1 else MISSING)
    method = machine.lookup(type_of(owner), "__next__") if isinstance(owner, Obj) else Unknown()
    if isinstance(method, Function) and len(args.pos) == 1:
        return machine.call(machine.bind(method, owner), Args(), node)
    machine.may_raise()
    return machine.unknown_call("next()", args, lib=not (isinstance(owner, Unknown) and owner.foreign))


@function("reversed")
def _reversed(machine: Making, args: Args, node: ast.AST) -> Value:
    own = machine.lookup(type_of(args.pos[0]), "__reversed__") if isinstance(args.pos[0], Obj) else MISSING
    if isinstance(own, Function):
        return machine.call(machine.bind(own, args.pos[0]), Args(), node)
    if has_own(args.pos[0], "__reversed__", "__len__", "__getitem__", "__iter__"):
        machine.may_raise()
        return machine.iterator(unknown_of(args.pos[0]))
    items = machine.items(args.pos[0])
    return machine.iterator(tuple(items[::-1])) if items is not None else machine.iterator(unknown_of(args.pos[0]))


@function("enumerate")
def _enumerate(machine: Making, args: Args, _: ast.AST) -> Value:
    source = args.pos[0]
    start = plain(args.pos[1] if len(args.pos) > 1 else args.kw.get("start", 0))

    def run() -> Value:
        items = machine.items(source)
        if items is None or not isinstance(start, int):
            return unknown_of(source)
        return tuple((start + place, item) for place, item in enumerate(items))

    return _lazily(machine, "enumerate", run, Shallow(source))


@function("zip")
def _zip(machine: Making, args: Args, _: ast.AST) -> Value:
    def run() -> Value:
        parts = [machine.items(item) for item in args.pos]
        if not args.known or any(part is None for part in parts):
            return unknown_of(*args.all)
        return tuple(zip(*(part for part in parts if part is not None), strict=False))

    return _lazily(machine, "zip", run, *map(Shallow, args.all))


def _lazily(machine: Making, name: str, run: Callable[[], Value], *sources: Value) -> Value:
    return machine.later(name, run, *sources)


@function("map")
def _map(machine: Making, args: Args, node: ast.AST) -> Value:
    def run() -> Value:
        parts = [machine.items(item) for item in args.pos[1:]]
        if not args.known or any(part is None for part in parts):
            machine.run_handed(args.pos[:1])
            out: list[Value] = []
            unknown = [machine.item_of_unknown(item) for item in args.pos[1:]]
            machine.each(
                unknown_of(*args.all), lambda _: out.append(machine.call(args.pos[0], Args(list(unknown)), node))
            )
            return unknown_of(*args.all, *out)
        rows = zip(*(part for part in parts if part is not None), strict=False)
        return tuple(machine.call(args.pos[0], Args(list(row)), node) for row in rows)

    return _lazily(machine, "map", run, *args.all)


@function("filter")
def _filter(machine: Making, args: Args, node: ast.AST) -> Value:
    def run() -> Value:
        items = machine.items(args.pos[1])
        kept: list[Value] = []
        if items is None:
            machine.run_handed(args.pos[:1])
            return unknown_of(*args.all)
        for item in items:
            known = machine.truth(item if args.pos[0] is None else machine.call(args.pos[0], Args([item]), node))
            if known is None:
                return unknown_of(*args.all)
            kept += [item] if known else []
        return tuple(kept)

    return _lazily(machine, "filter", run, *args.all)


are_classes("map", "zip", "filter", "enumerate", "reversed")


@function("sorted")
def _sorted(machine: Making, args: Args, node: ast.AST) -> Value:
    source = args.pos[0]
    content = members_of(source) if not has_own(source, "__iter__") else None
    items = list(content.map) if content is not None else machine.items(source)
    if items is None:
        machine.run_handed([args.kw.get("key")])
        return machine.new("list", unknown_of(*args.all))
    if content is not None and args.kw.get("key") is not None and len(items) > 1:
        machine.run_handed([args.kw["key"]])
        return machine.new("list", unknown_of(*items))  # what is equal keeps an order that is not known
    return machine.new("list", ordered(machine, items, args.kw, node))


def _quantified(ends: bool) -> Function_:
    def run(machine: Making, args: Args, _: ast.AST) -> Value:
        items = machine.items(args.pos[0])
        if items is None:
            return Unknown(unknown_of(*args.all).names, alts=(False, True))
        sides = [machine.truth(item) for item in items]
        if ends in [side for side in sides if side is not None]:
            return ends
        return Unknown(unknown_of(*items).names, alts=(False, True)) if None in sides else not ends

    return run


function("any")(_quantified(True))


function("all")(_quantified(False))


@function("sum")
def _sum(machine: Making, args: Args, _: ast.AST) -> Value:
    items = machine.items(args.pos[0])
    total = args.pos[1] if len(args.pos) > 1 else args.kw.get("start", 0)
    if items is None:
        return unknown_of(*args.all)
    for item in items:
        total = machine.operate(ast.Add(), total, item)
    return total


def _extreme(greatest: bool) -> Function_:
    def run(machine: Making, args: Args, node: ast.AST) -> Value:
        items = machine.items(args.pos[0]) if len(args.pos) == 1 else list(args.pos)
        key = args.kw.get("key")
        if items is None or not args.known:
            machine.run_handed([key])
            return unknown_of(*args.all)
        if not items:
            if "default" in args.kw:
                return args.kw["default"]
            machine.throw("ValueError", "empty")
        keys = [machine.call(key, Args([item]), node) if key is not None else item for item in items]
        keys = [item if has_own(item, *COMPARED) else plain(item) for item in keys]
        if not is_constant(tuple(keys)):
            machine.may_raise()
            return unknown_of(*items)
        try:
            chosen = (max if greatest else min)(range(len(items)), key=lambda place: keys[place])  # type: ignore[arg-type,return-value]  # Python says so
        except TypeError:
            machine.throw("TypeError", "not comparable")
        return items[chosen]

    return run


function("max")(_extreme(True))


function("min")(_extreme(False))
