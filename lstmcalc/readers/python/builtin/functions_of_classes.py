"""Python's own classes as functions: numbers, texts, containers, `object`, `super`, and the decorators of methods.

Not here: classes of the file (`core.making`).
"""

import ast
from dataclasses import replace
from functools import partial
from typing import Final

from lstmcalc.readers.python.builtin.constants import constant, is_small, run_pure
from lstmcalc.readers.python.builtin.functions import Function_, are_classes, function
from lstmcalc.readers.python.core.classes_of_python import TYPES, plain, type_of
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.making import Making, type_call
from lstmcalc.readers.python.core.own_methods import text_by_class
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Descriptor,
    Items,
    Missing,
    Obj,
    Super,
    Unknown,
    Value,
    is_constant,
    things,
    unknown_of,
)


@function("str")
def _text(machine: Making, args: Args, node: ast.AST) -> Value:
    value = args.pos[0] if args.pos else ""
    own = text_by_class(machine, value, "__str__")
    if not isinstance(own, Missing):
        return own
    value = constant(plain(value), text=True)
    if isinstance(value, Missing) or len(args.pos) > 1:
        return unknown_of(*args.all)
    return run_pure(machine, str, Args([value]))


@function("repr")
def _repr(machine: Making, args: Args, _: ast.AST) -> Value:
    own = text_by_class(machine, args.pos[0], "__repr__")
    if not isinstance(own, Missing):
        return own
    value = constant(plain(args.pos[0]), text=True)
    return repr(value) if not isinstance(value, Missing) and is_small(value) else unknown_of(*args.all)


@function("format")
def _format(machine: Making, args: Args, _: ast.AST) -> Value:
    spec = plain(args.pos[1]) if len(args.pos) > 1 else ""
    own = text_by_class(machine, args.pos[0], "__format__", spec) if isinstance(spec, str) else MISSING
    return run_pure(machine, format, replace(args, pos=list(map(plain, args.pos)))) if isinstance(own, Missing) else own


_NUMBERS: Final = {"int": int, "float": float, "bool": bool, "complex": complex, "str": str, "bytes": bytes}


def _number(name: str) -> Function_:
    def run(machine: Making, args: Args, node: ast.AST) -> Value:
        given = args.pos[1:]
        if not given and not args.kw:
            return _NUMBERS[name]()
        value = given[0] if given else Unknown()
        if name == "bool":
            known = machine.truth(value)
            return Unknown(unknown_of(value).names, alts=(False, True)) if known is None else known
        if name == "str" and len(given) == 1:
            return _text(machine, Args(list(given)), node)
        for hook in (f"__{name}__", "__index__"):
            own = machine.lookup(type_of(value), hook) if isinstance(value, Obj) else MISSING
            if isinstance(own, Function | Builtin) and not (hook == "__index__" and is_constant(plain(value))):
                return machine.call(machine.bind(own, value), Args(), node)
        return run_pure(machine, _NUMBERS[name], replace(args, pos=[plain(item) for item in given]))

    return run


def _of_class(run: Function_, machine: Making, args: Args, node: ast.AST) -> Value:
    """An instance of the class that `__new__` is given: of one of the file's, what holds the constant."""
    cls, value = args.pos[0] if args.pos else None, run(machine, args, node)
    if not isinstance(cls, Class) or cls.bound is None:
        return value
    made = machine.allocate(cls)
    made.slots[CONTENT] = value if is_constant(value) or isinstance(value, tuple) else Unknown(may=things(value))
    return made


for _name in _NUMBERS:
    TYPES[_name].slots["__new__"] = Builtin(_name, partial(_of_class, _number(_name)))


def _new_container(kind: str) -> Function_:
    def run(machine: Making, args: Args, node: ast.AST) -> Value:
        cls = args.pos[0]
        if isinstance(cls, Class) and cls.bound is not None and kind != "tuple":
            return machine.allocate(cls)
        if kind == "tuple":
            items = machine.items(args.pos[1]) if len(args.pos) > 1 else []
            return tuple(items) if items is not None else unknown_of(*args.all)
        if kind == "dict":
            made = machine.new("dict", Items({}))
            machine.call(Bound(TYPES["dict"].slots["update"], made), replace(args, pos=args.pos[1:]), node)
            return made
        if kind == "list":
            made = machine.new("list", ())
            machine.call(Bound(TYPES["list"].slots["__init__"], made), replace(args, pos=args.pos[1:]), node)
            return made
        made = machine.new("set", Items({}))
        if len(args.pos) > 1:
            machine.call(Bound(TYPES["set"].slots["update"], made), Args(args.pos[1:]), node)
        return made

    return run


for _name in ("list", "dict", "set", "frozenset"):
    TYPES[_name].slots["__new__"] = Builtin(_name, _new_container(_name))


TYPES["tuple"].slots["__new__"] = Builtin("tuple", partial(_of_class, _new_container("tuple")))


for _name, _method in TYPES["set"].slots.items():
    if _name not in ("add", "update", "discard", "remove", "clear", "pop", "__new__"):
        TYPES["frozenset"].slots.setdefault(_name, _method)


TYPES["type"].slots["__new__"] = Builtin(
    "type", lambda machine, args, node: type_call(machine, replace(args, pos=args.pos[1:]), node)
)


def _new_object(machine: Making, args: Args, _: ast.AST) -> Value:
    cls = args.pos[0] if args.pos else Unknown()
    return machine.allocate(cls) if isinstance(cls, Class) else unknown_of(*args.all)


TYPES["object"].slots |= {
    "__new__": Builtin("object.__new__", _new_object),
    "__setattr__": Builtin(
        "object.__setattr__",
        lambda machine, args, _: (
            machine.throw("TypeError", "object.__setattr__ of a class")
            if isinstance(args.pos[0], Class)
            else machine.set_hidden(args.pos[0], str(args.pos[1]), args.pos[2])
        ),
        method=True,
    ),
    "__delattr__": Builtin(
        "object.__setattr__",
        lambda machine, args, _: machine.set_plainly(args.pos[0], str(args.pos[1]), MISSING),
        method=True,
    ),
    "__init__": Builtin("object.__init__", lambda _, __, ___: None, method=True),
    "__init_subclass__": Builtin("object.__init_subclass__", lambda _, __, ___: None, method=True),
}


def _init_error(machine: Making, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    if isinstance(owner, Obj):
        machine.put(owner, "args", tuple(args.pos[1:]))
    return None


TYPES["BaseException"].slots["__init__"] = Builtin("error", _init_error, method=True)


@function("super")
def _super(machine: Making, args: Args, _: ast.AST) -> Value:
    if len(args.pos) == 2 and isinstance(args.pos[0], Class):  # a class and a thing
        return Super(args.pos[0], args.pos[1])
    for frame in reversed(machine.frames):
        if frame.function is not None and frame.function.owner is not None:
            spec = frame.function.node.args
            first = [*spec.posonlyargs, *spec.args][:1]
            owner = frame.scope.slots.get(first[0].arg, MISSING) if first else MISSING
            if not isinstance(owner, Missing | Unknown):
                return Super(frame.function.owner, owner)
    machine.may_raise()
    return Unknown(foreign=True)


@function("property")
def _property(machine: Making, args: Args, _: ast.AST) -> Value:
    del machine
    return Descriptor(
        "property",
        args.pos[0] if args.pos else args.kw.get("fget"),
        args.pos[1] if len(args.pos) > 1 else args.kw.get("fset"),
    )


function("classmethod")(lambda _, args, __: Descriptor("class", args.pos[0]))


function("staticmethod")(lambda _, args, __: Descriptor("static", args.pos[0]))


are_classes("super", "property", "classmethod", "staticmethod")
