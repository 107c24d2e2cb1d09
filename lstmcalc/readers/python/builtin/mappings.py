"""The methods of dictionaries and sets, and of views of them.

Not here: going through them (`core.iterators`).
"""

import ast
from dataclasses import replace

from lstmcalc.readers.python.builtin.lists import Method, blur, method_of
from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, plain, type_of
from lstmcalc.readers.python.core.iterators import Iterators
from lstmcalc.readers.python.core.joins import MAX_ALTS, joined
from lstmcalc.readers.python.core.machine import Builtin
from lstmcalc.readers.python.core.truths import hashable
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Class,
    Items,
    Missing,
    Obj,
    Unknown,
    Value,
    things,
    unknown_of,
)

# Dictionaries.


def _items_of(owner: Obj) -> Items:
    content = content_of(owner)
    return content if isinstance(content, Items) else Items({}, replace(unknown_of(content), absent=True))


def _found(machine: Iterators, owner: Obj, key: Value) -> Value:
    """The value of a key; MISSING if it is surely not there, absent if perhaps."""
    items, key = _items_of(owner), plain(key)
    if not hashable(key):
        few = tuple(dict.fromkeys(items.map.values())) if all(map(hashable, items.map.values())) else ()
        if items.rest is None and 0 < len(few) <= MAX_ALTS:
            return Unknown(unknown_of(key).names, things(few), few, absent=True)
        return replace(unknown_of(*items.map.values(), key, *([items.rest] if items.rest else [])), absent=True)
    if key in items.map:
        machine.taint = machine.taint or (isinstance(key, str) and machine.holds_taint(owner, key))
        return items.map[key]
    return MISSING if items.rest is None else replace(items.rest, absent=True)


def _or_default(machine: Iterators, value: Value, default: Value) -> Value:
    if isinstance(value, Missing):
        return default
    if isinstance(value, Unknown) and value.absent:
        return joined(replace(value, absent=False), default)
    return value


@method_of("dict", "__getitem__")
def _dict_item(machine: Iterators, owner: Obj, args: Args, node: ast.AST) -> Value:
    found = _found(machine, owner, args.pos[0])
    absent = isinstance(found, Unknown) and found.absent
    hook = machine.lookup(owner.cls, "__missing__") if isinstance(found, Missing) or absent else MISSING
    if not isinstance(hook, Missing):
        if isinstance(found, Missing):
            return machine.call(machine.bind(hook, owner), Args([args.pos[0]]), node)
        machine.give_up([owner])
        return unknown_of(found)
    if isinstance(found, Missing):
        machine.throw("KeyError", str(args.pos[0]))
    return machine.present(found)


@method_of("dict", "__setitem__")
def _set_dict(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    machine.spend(len(_items_of(owner).map) // 64)
    machine.set_content(owner, machine.with_item(_items_of(owner), args.pos[0], args.pos[1]))
    thing, key = owner.slots.get("@of"), args.pos[0]
    if owner.kind == "vars" and isinstance(thing, Obj) and isinstance(key, str) and key in thing.slots:
        machine.put(thing, key, thing.slots[key])  # noted even where it was that before: a later run may write another
    return None


@method_of("dict", "__delitem__")
def _delete_dict(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    _take(machine, owner, args.pos[0], MISSING)
    return None


def _take(machine: Iterators, owner: Obj, key: Value, default: Value) -> Value:
    items, key = _items_of(owner), plain(key)
    found = _found(machine, owner, key)
    if isinstance(found, Missing):
        if isinstance(default, Missing):
            machine.throw("KeyError", str(key))
        return default
    if hashable(key) and key in items.map:
        rest = {name: value for name, value in items.map.items() if name != key}
        machine.set_content(owner, Items(rest, items.rest, ordered=items.ordered))
    elif not hashable(key):
        doubtful = {name: unknown_absent(value) for name, value in items.map.items()}
        machine.set_content(owner, Items(doubtful, items.rest))
    if isinstance(default, Missing):
        return machine.present(found)
    return _or_default(machine, found, default)


def unknown_absent(value: Value) -> Unknown:
    """A value that is perhaps taken away."""
    made = joined(value, MISSING)
    return made if isinstance(made, Unknown) else Unknown(absent=True)


@method_of("dict", "get")
def _get(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    if not args.pos:
        machine.throw("TypeError", "get")
    found = _found(machine, owner, args.pos[0])
    return _or_default(machine, found, args.pos[1] if len(args.pos) > 1 else None)


@method_of("dict", "setdefault")
def _set_default(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    found = _found(machine, owner, args.pos[0])
    default = args.pos[1] if len(args.pos) > 1 else None
    value = _or_default(machine, found, default)
    if isinstance(found, Missing) or (isinstance(found, Unknown) and found.absent):
        machine.set_content(owner, machine.with_item(_items_of(owner), args.pos[0], value))
    return value


@method_of("dict", "pop")
def _pop_dict(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    return _take(machine, owner, args.pos[0], args.pos[1] if len(args.pos) > 1 else MISSING)


@method_of("dict", "popitem")
def _pop_last(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    items = _items_of(owner)
    if not items.whole:
        machine.may_raise()
        return blur(machine, owner)
    if not items.map:
        machine.throw("KeyError", "popitem")
    key = list(items.map)[-1]
    return (key, _take(machine, owner, key, MISSING))


@method_of("dict", "update", "__ior__", "__init__")
def _update(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    items = _items_of(owner)
    for value in args.pos[:1]:
        items = _with_pairs(machine, items, value)
    items = machine.updated(items, machine.new_dict(args.kw, replace(args.more, absent=True) if args.more else None))
    machine.set_content(owner, items)
    for key in args.kw:
        machine.tainted.discard((id(owner), key))
    return owner


def _with_pairs(machine: Iterators, items: Items, value: Value) -> Items:
    mapping = isinstance(value, Obj) and (
        value.kind in ("dict", "vars") or not isinstance(machine.lookup(type_of(value), "keys"), Missing | Unknown)
    )
    if mapping or isinstance(value, Unknown):
        return machine.updated(items, value)
    pairs = machine.items(value)
    if pairs is None:
        return machine.updated(items, unknown_of(value))
    for pair in pairs:
        parts = machine.items(pair)
        if parts is None or len(parts) != 2:  # a key and a value
            return machine.updated(items, unknown_of(value))
        items = machine.with_item(items, parts[0], parts[1])
    return items


def _view(which: str) -> Method:
    def run(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
        made = machine.new("view", MISSING, TYPES["view"])
        made.slots |= {"@of": owner, "@which": which}
        return made

    return run


for _name in ("keys", "values", "items"):
    method_of("dict", _name)(_view(_name))


@method_of("view", "__len__")
def _view_length(_: Iterators, owner: Obj, __: Args, ___: ast.AST) -> Value:
    content = content_of(owner)
    return len(content) if isinstance(content, tuple) else unknown_of(content)


@method_of("dict", "copy", "__copy__")
def _copy_dict(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    return machine.new("dict", content_of(owner))


@method_of("dict", "clear")
def _clear_dict(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    machine.set_content(owner, Items({}))
    return None


@method_of("dict", "__len__")
def _dict_length(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    items = _items_of(owner)
    absent = any(isinstance(value, Unknown) and value.absent for value in items.map.values())
    return len(items.map) if items.rest is None and not absent else unknown_of(items)


@method_of("dict", "__contains__", "has_key")
def _contains(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    found = _found(machine, owner, args.pos[0])
    if isinstance(found, Unknown) and found.absent:
        return Unknown(found.names, alts=(False, True))
    return not isinstance(found, Missing)


def _from_keys(machine: Iterators, args: Args, _: ast.AST) -> Value:
    pos = args.pos[1:] if args.pos and isinstance(args.pos[0], Class) else args.pos
    keys = machine.items(pos[0])
    if keys is None:
        return machine.new("dict", Items({}, replace(unknown_of(*pos), absent=True)))
    made = Items({})
    for key in keys:
        made = machine.with_item(made, key, pos[1] if len(pos) > 1 else None)
    return machine.new("dict", made)


TYPES["dict"].slots["fromkeys"] = Builtin("dict.fromkeys", _from_keys)


# Sets.


@method_of("set", "add", "update", "discard", "remove", "__ior__", "clear", "pop")
def _change_set(machine: Iterators, owner: Obj, args: Args, node: ast.AST) -> Value:
    del node
    machine.may_raise()
    return blur(machine, owner, *args.all)


@method_of("set", "add")
def _add(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    items, value = _items_of(owner), args.pos[0]
    more = machine.as_set([*items.map, value], items.rest)
    machine.spend(len(items.map) // 64)
    machine.put(owner, CONTENT, Items({**dict.fromkeys(more.map, True), **items.map}, more.rest, ordered=items.ordered))
    return None


@method_of("set", "discard", "remove")
def _discard(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    machine.may_raise()
    items, value = _items_of(owner), plain(args.pos[0])
    if not hashable(value) or items.rest is not None:
        return blur(machine, owner, value)
    machine.put(owner, CONTENT, Items({key: item for key, item in items.map.items() if key != value}))
    return None


@method_of("set", "update", "__ior__", "union", "__init__")
def _union(machine: Iterators, owner: Obj, args: Args, _: ast.AST) -> Value:
    items = _items_of(owner)
    for value in args.pos:
        content = content_of(value) if isinstance(value, Obj) and value.kind == "set" else None
        whole = list(content.map) if isinstance(content, Items) and content.whole else None
        more = machine.items(value) if content is None else whole
        items = (
            machine.as_set([*items.map, *more], items.rest)
            if more is not None
            else Items(items.map, replace(unknown_of(value), absent=True))
        )
    machine.put(owner, CONTENT, items)
    return owner


def _united(machine: Iterators, owner: Obj, args: Args, node: ast.AST) -> Value:
    made = machine.new("set", content_of(owner))
    return _union(machine, made, args, node)


method_of("set", "union")(_united)


def _set_operation(name: str) -> Method:
    def run(machine: Iterators, owner: Obj, args: Args, node: ast.AST) -> Value:
        other = _united(machine, machine.new("set", Items({})), args, node)
        operator = {"intersection": ast.BitAnd(), "difference": ast.Sub(), "symmetric_difference": ast.BitXor()}[name]
        return machine.operate(operator, machine.new("set", content_of(owner)), other)

    return run


for _name in ("intersection", "difference", "symmetric_difference"):
    method_of("set", _name)(_set_operation(_name))


@method_of("set", "clear")
def _clear_set(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    machine.put(owner, CONTENT, Items({}))
    return None


@method_of("set", "copy")
def _copy_set(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    return machine.new("set", content_of(owner))


@method_of("set", "__len__")
def _set_length(machine: Iterators, owner: Obj, _: Args, __: ast.AST) -> Value:
    items = _items_of(owner)
    absent = any(isinstance(value, Unknown) and value.absent for value in items.map.values())
    return len(items.map) if items.rest is None and not absent else unknown_of(items)
