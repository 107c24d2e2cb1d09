"""Copies of values, and what `dataclasses` and OmegaConf make of the fields of one.

Not here: the classes themselves (`core.making`, `library_classes.table`).
"""

import ast
from dataclasses import replace

from lstmcalc.readers.python.core.classes_of_python import content_of
from lstmcalc.readers.python.core.generated import Field, dataclass_of
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Items,
    Linked,
    Obj,
    Unknown,
    Value,
    unknown_of,
)
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function
from lstmcalc.readers.python.libraries.libraries import Libraries


def copied(machine: Libraries, value: Value, *, deep: bool, made: dict[int, Value] | None = None) -> Value:
    """A copy of a value, whose parts are copied too if it is deep."""
    made = {} if made is None else made
    value_id = id(value)
    if value_id in made:
        return made[value_id]
    if isinstance(value, tuple):
        return tuple(copied(machine, item, deep=deep, made=made) for item in value) if deep else value
    if isinstance(value, Unknown):
        if deep:
            machine.was_copied(value)
        return Unknown(value.names, value.may, foreign=value.foreign, absent=value.absent)
    if isinstance(value, Items):
        parts = {key: copied(machine, item, deep=deep, made=made) for key, item in value.map.items()}
        rest = copied(machine, value.rest, deep=deep, made=made)
        return Items(parts, rest if isinstance(rest, Unknown) else None, ordered=value.ordered)
    if isinstance(value, Linked) and deep:
        return value.with_parts(lambda part: copied(machine, part, deep=True, made=made))
    if isinstance(value, Bound) and deep:
        return Bound(value.function, copied(machine, value.owner, deep=True, made=made))
    if not isinstance(value, Obj) or isinstance(value, Class | Function) or value.kind in ("scope", "world"):
        return value
    for name in ("__deepcopy__",) if deep else ("__copy__",):
        own = machine.lookup(value.cls, name) if value.cls is not None else MISSING
        if isinstance(own, Function):
            return machine.call(machine.bind(own, value), Args([machine.new_dict({})] if deep else []), machine.here)
    machine.spend(4)
    twin = Obj("dict" if value.kind == "vars" else value.kind, value.cls, machine.born())
    made[value_id] = twin
    machine.was_allocated(twin)
    slots = {CONTENT: content_of(value)} if value.kind == "vars" else value.slots
    for slot, item in slots.items():
        if slot == "@copy":
            continue
        twin.slots[slot] = copied(machine, item, deep=deep, made=made) if deep else item
        if (id(value), slot) in machine.tainted:
            machine.tainted.add((id(twin), slot))
    if deep:
        machine.was_copied(twin)
    return twin


@lib_function("copy.deepcopy")
def _deepcopy(machine: Libraries, args: Args, _: ast.AST) -> Value:
    made: dict[int, Value] = {}
    copy = copied(machine, args.pos[0], deep=True, made=made)
    for twin in made.values():
        if isinstance(twin, Obj) and isinstance(copy, Obj):
            twin.slots["@copy"] = copy.birth  # it has just been made: nothing knows it yet
    return copy


@lib_function("copy.copy")
def _copy(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return copied(machine, args.pos[0], deep=False)


@lib_function("dataclasses.replace", "copy.replace")
def _replaced(machine: Libraries, args: Args, node: ast.AST) -> Value:
    owner = args.pos[0]
    fields = machine.lookup(owner.cls, "@fields") if isinstance(owner, Obj) and owner.cls is not None else None
    if not isinstance(fields, tuple) or not isinstance(owner, Obj) or owner.cls is None:
        return machine.unknown_call("replace()", args)
    values = {
        item.name: machine.attribute(owner, item.name)
        for item in fields
        if isinstance(item, Field) and item.init and not item.passed
    }
    return machine.instantiate(owner.cls, Args([], {**values, **args.kw}), node)


@lib_function("flax.struct.dataclass", "chex.dataclass")
def _struct(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """A dataclass with a method `replace`."""
    if not args.pos:
        return Builtin(
            "dataclass", lambda inner, given, at: _struct(inner, replace(given, kw={**args.kw, **given.kw}), at)
        )
    made = dataclass_of(machine, args, node)
    if isinstance(made, Class) and "replace" not in made.slots:
        machine.put(made, "replace", Builtin("replace", _replaced, method=True))
    return made


@lib_function("dataclasses.asdict")
def _as_dict(machine: Libraries, args: Args, node: ast.AST) -> Value:
    owner = args.pos[0]
    fields = machine.lookup(owner.cls, "@fields") if isinstance(owner, Obj) and owner.cls is not None else None
    if not isinstance(fields, tuple):
        return copied(machine, owner, deep=True)
    values = {
        item.name: _as_dict(machine, Args([machine.attribute(owner, item.name)]), node)
        for item in fields
        if isinstance(item, Field) and not item.passed
    }
    return machine.new_dict(values)


@lib_function("dataclasses.astuple")
def _as_tuple(machine: Libraries, args: Args, node: ast.AST) -> Value:
    made = _as_dict(machine, args, node)
    content = content_of(made) if isinstance(made, Obj) else None
    return tuple(content.map.values()) if isinstance(content, Items) else unknown_of(*args.all)


@lib_function("omegaconf.OmegaConf.create")
def _omega(machine: Libraries, args: Args, node: ast.AST) -> Value:
    value = args.pos[0] if args.pos else machine.new_dict({})
    if not isinstance(value, Obj):
        return machine.unknown_call("OmegaConf.create()", args, lib=True)
    return _omega_of(machine, copied(machine, value, deep=True), node)


def _omega_of(machine: Libraries, value: Value, node: ast.AST) -> Value:
    if not isinstance(value, Obj) or value.kind != "dict":
        return value
    cls = machine.class_of_lib("pytorch_lightning.utilities.AttributeDict")
    content = content_of(value)
    if isinstance(content, Items) and isinstance(cls, Class):
        inner = {key: _omega_of(machine, item, node) for key, item in content.map.items()}
        value.slots[CONTENT] = Items(inner, content.rest, ordered=content.ordered)
        value.cls = cls
    return value


LIB_FUNCTIONS["copy.copy"] = _copy
