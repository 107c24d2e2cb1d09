"""The methods of lists.

Not here: going through them (`core.iterators`).
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, plain
from lstmcalc.readers.python.core.iterators import Iterators
from lstmcalc.readers.python.core.machine import Builtin
from lstmcalc.readers.python.core.operators import MAX_ITEMS, repeated
from lstmcalc.readers.python.core.own_methods import COMPARED, has_own
from lstmcalc.readers.python.core.values import (
    CONTENT,
    Args,
    Items,
    Obj,
    Unknown,
    Value,
    is_constant,
    unknown_of,
)

Method = Callable[[Any, Obj, Args, ast.AST], Value]


def method_of(kind: str, *names: str) -> Callable[[Method], Method]:
    """Make a function a method of a class of Python's, under these names."""

    def add(run: Method) -> Method:
        for name in names:
            TYPES[kind].slots[name] = Builtin(f"{kind}.{name}", _checked(kind, run), method=True)
        return run

    return add


def _checked(kind: str, run: Method) -> Callable[..., Value]:
    """The method for a thing that is of its kind; for anything else, unknown."""

    def checked(machine: "Iterators", args: Args, node: ast.AST) -> Value:
        owner = args.pos[0] if args.pos else None
        kinds = ("dict", "vars") if kind == "dict" else (kind,) if kind != "frozenset" else ("set",)
        if not isinstance(owner, Obj) or owner.kind not in kinds:
            machine.may_raise()
            return machine.unknown_call(kind, args)
        return run(machine, owner, replace(args, pos=args.pos[1:]), node)

    return checked


def blur(machine: Iterators, owner: Obj, *values: Value) -> Unknown:
    """Say that what is in a container is not known."""
    unknown = unknown_of(content_of(owner), *values)
    if owner.kind == "list":
        machine.put(owner, CONTENT, replace(unknown, absent=False))
    else:
        machine.set_content(owner, Items({}, replace(unknown, absent=True)))
    return unknown


def _tuple_of(machine: Iterators, owner: Obj, *values: Value) -> tuple[Value, ...] | None:
    content = content_of(owner)
    if isinstance(content, tuple) and len(content) <= MAX_ITEMS:
        machine.spend(len(content) // 64)
        return content
    blur(machine, owner, *values)
    return None


@method_of("list", "append")
def _append(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content = _tuple_of(machine, owner, *args.all)
    if content is not None:
        machine.put(owner, CONTENT, (*content, *args.pos[:1]) if args.known else unknown_of(content, *args.all))
    return None


@method_of("list", "extend", "__iadd__")
def _extend(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    more = machine.items(args.pos[0]) if args.pos else None
    content = _tuple_of(machine, owner, *args.all)
    if content is not None:
        machine.put(owner, CONTENT, (*content, *more) if more is not None else unknown_of(content, *args.all))
    return owner


@method_of("list", "insert")
def _insert(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content = _tuple_of(machine, owner, *args.all)
    place = args.pos[0] if args.pos else None
    if content is None or not isinstance(place, int) or len(args.pos) < 2:  # place and item
        blur(machine, owner, *args.all)
        return None
    made = list(content)
    made.insert(place, args.pos[1])
    machine.put(owner, CONTENT, tuple(made))
    return None


@method_of("list", "pop")
def _pop(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content = _tuple_of(machine, owner, *args.all)
    place = plain(args.pos[0]) if args.pos else -1
    if content is None or not isinstance(place, int):
        machine.may_raise()
        return blur(machine, owner, *args.all)
    if not -len(content) <= place < len(content):
        machine.throw("IndexError", "pop")
    made = list(content)
    value = made.pop(place)
    machine.put(owner, CONTENT, tuple(made))
    return value


@method_of("list", "remove")
def _remove(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content = _tuple_of(machine, owner, *args.all)
    for place, item in enumerate(content or ()):
        found = machine.truth(machine.compared(ast.Eq(), item, args.pos[0]))
        if found is None:
            break
        if found:
            machine.put(owner, CONTENT, (*(content or ())[:place], *(content or ())[place + 1 :]))
            return None
    else:
        if content is not None:
            machine.throw("ValueError", "remove")
    machine.may_raise()
    blur(machine, owner, *args.all)
    return None


@method_of("list", "clear")
def _clear(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    machine.put(owner, CONTENT, ())
    return None


@method_of("list", "reverse")
def _reverse(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    content = _tuple_of(machine, owner)
    if content is not None:
        machine.put(owner, CONTENT, content[::-1])
    return None


@method_of("list", "sort")
def _sort(machine: Iterators, owner: Obj, args: Args, node: ast.AST) -> Value:
    members = members_of(owner) if args.kw.get("key") is None else None
    content = tuple(members.map) if members is not None else _tuple_of(machine, owner, *args.all)
    if content is not None:
        made = ordered(machine, content, args.kw, node)
        machine.put(owner, CONTENT, made)
    return None


@method_of("list", "copy", "__copy__")
def _copy(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    return machine.new("list", content_of(owner))


@method_of("list", "index", "count")
def _index(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    machine.may_raise()
    return unknown_of(content_of(owner), *args.all)


def _list_index(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content = content_of(owner)
    if is_constant(content) and is_constant(tuple(args.pos)) and isinstance(content, tuple):
        try:
            return content.index(*args.pos)  # type: ignore[arg-type]  # checked by Python
        except (ValueError, TypeError):
            machine.throw("ValueError", "index")
    return _index(machine, owner, args, _)


def _list_count(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content = content_of(owner)
    if is_constant(content) and is_constant(tuple(args.pos)) and isinstance(content, tuple) and args.pos:
        return content.count(args.pos[0])
    return _index(machine, owner, args, _)


method_of("list", "index")(_list_index)
method_of("list", "count")(_list_count)


@method_of("list", "__getitem__")
def _get_item(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content, index = content_of(owner), plain(args.pos[0])
    if isinstance(content, tuple) and not isinstance(index, Unknown):
        value = machine.item_of(content, index)
        return machine.new("list", value) if isinstance(index, slice) else value
    machine.may_raise()
    unknown = unknown_of(content, index)
    return machine.new("list", unknown) if isinstance(index, slice) else unknown


@method_of("list", "__setitem__", "__delitem__")
def _set_item(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    content, index = _tuple_of(machine, owner, *args.all), plain(args.pos[0])
    deletes = len(args.pos) == 1
    if content is None or not isinstance(index, int | slice):
        machine.may_raise()
        blur(machine, owner, *args.all)
        return None
    made = list(content)
    try:
        if deletes:
            del made[index]
        elif isinstance(index, slice):
            more = machine.items(args.pos[1])
            if more is None:
                blur(machine, owner, *args.all)
                return None
            made[index] = more
        else:
            made[index] = args.pos[1]
    except (IndexError, ValueError, TypeError):
        machine.throw("IndexError", "out of range")
    machine.put(owner, CONTENT, tuple(made))
    return None


@method_of("list", "__len__")
def _length(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    content = content_of(owner)
    return len(content) if isinstance(content, tuple) else unknown_of(content)


@method_of("list", "__imul__")
def _multiply(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    times = plain(args.pos[0])
    machine.put(
        owner, CONTENT, repeated(content_of(owner), times) if isinstance(times, int) else unknown_of(content_of(owner))
    )
    return owner


class Members:
    """All that is in a list that was made of a set: its order is not known. Once it changes, this says nothing."""

    def __init__(self, content: Value, members: Items) -> None:
        self.content = content
        self.members = members


def members_of(value: Value) -> Items | None:
    """All that is in a set, or in a list that was made of one; None if that is not known."""
    if not isinstance(value, Obj):
        return None
    held, content = value.slots.get("@members"), content_of(value)
    found = held.members if isinstance(held, Members) and held.content is content else content
    whole = isinstance(found, Items) and value.kind in ("set", "list") and found.rest is None
    return (
        found
        if isinstance(found, Items) and whole and not any(isinstance(item, Unknown) for item in found.map.values())
        else None
    )


@method_of("list", "__init__")
def _init_list(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    if args.pos:
        source = args.pos[0]
        members = members_of(source) if isinstance(source, Obj) and source.kind == "set" else None
        items = machine.items(source)
        machine.put(owner, CONTENT, unknown_of(source) if items is None else tuple(items))
        if members is not None:
            machine.put(owner, "@members", Members(owner.slots[CONTENT], members))
    return None


def ordered(machine: Iterators, content: Sequence[Value], keywords: dict[str, Value], node: ast.AST) -> Value:
    """Items in order, a tuple; unknown if their order is not known."""
    key, reverse = keywords.get("key"), machine.truth(keywords.get("reverse", False))
    keys = [machine.call(key, Args([item]), node) if key is not None else item for item in content]
    keys = _decisive([item if has_own(item, *COMPARED) else plain(item) for item in keys])
    if not is_constant(tuple(keys)) or reverse is None:
        if len(keys) < 2:  # in any order
            return tuple(content)
        machine.may_raise()
        return unknown_of(tuple(content))
    try:
        order = sorted(range(len(keys)), key=lambda place: keys[place], reverse=reverse)  # type: ignore[arg-type,return-value]  # Python says so
    except TypeError:
        machine.throw("TypeError", "not comparable")
    return tuple(content[place] for place in order)


def _decisive(keys: list[Value]) -> list[Value]:
    """The keys; of tuples that all differ in what they begin with, that alone: Python looks no further."""
    begin = [tuple(takewhile(_is_simple, key)) if isinstance(key, tuple) else () for key in keys]
    known = min(map(len, begin), default=0)
    short: list[Value] = [key[:known] for key in begin]
    return short if len(set(short)) == len(keys) else keys


def _is_simple(value: Value) -> bool:
    return isinstance(value, int | str | bytes)
