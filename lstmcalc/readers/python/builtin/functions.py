"""Python's own functions: what `len`, `range`, `isinstance`, `getattr` and the others give.

A function without effects is simply run, if all it is given is known and small.

Not here: the methods of containers (`lists`, `mappings`), and the functions of modules (`libraries.standard`).
"""

import ast
import builtins
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lstmcalc.readers.python.builtin import mappings
from lstmcalc.readers.python.builtin.constants import run_pure
from lstmcalc.readers.python.core.classes_of_python import TYPES, is_subclass, plain, type_of
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.making import Making
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Bound,
    Class,
    Items,
    Lib,
    Missing,
    Obj,
    Partial,
    Unknown,
    Value,
    is_constant,
    things,
    unknown_of,
)

if TYPE_CHECKING:
    from lstmcalc.readers.python.libraries.libraries import Libraries

Function_ = Callable[[Any, Args, ast.AST], Value]
FUNCTIONS: Final[dict[str, Builtin]] = {}

# Run as they are, on constants.
_PURE: Final = ("abs", "bin", "chr", "divmod", "hex", "oct", "ord", "round", "ascii", "pow", "hash")


def function(*names: str) -> Callable[[Function_], Function_]:
    """Make a function that of Python with these names."""

    def add(run: Function_) -> Function_:
        for name in names:
            FUNCTIONS[name] = Builtin(name, run)
        return run

    return add


def _without_class(run: Function_, machine: Making, args: Args, node: ast.AST) -> Value:
    return run(machine, replace(args, pos=args.pos[1:]), node)


def are_classes(*names: str) -> None:
    """Make functions what classes of these names make."""
    for name in names:
        TYPES[name].slots["__new__"] = Builtin(name, partial(_without_class, FUNCTIONS[name].run))


def _pure(run: Callable[..., object], machine: Making, args: Args, _: ast.AST) -> Value:
    return run_pure(machine, run, args)


for _name in _PURE:
    FUNCTIONS[_name] = Builtin(_name, partial(_pure, getattr(builtins, _name)))


@function("pow")
def _pow(machine: Making, args: Args, _: ast.AST) -> Value:
    if len(args.pos) == 2:  # as the operator, with its limits
        return machine.operate(ast.Pow(), args.pos[0], args.pos[1])
    return (
        run_pure(machine, pow, args)
        if all(isinstance(item, int) and abs(item) < MAX_ITEMS for item in args.pos)
        else Unknown()
    )


@function("round")
def _round(machine: Making, args: Args, _: ast.AST) -> Value:
    if len(args.pos) > 1 and isinstance(args.pos[1], int) and abs(args.pos[1]) > 100:  # its cost grows with it
        return Unknown()
    return run_pure(machine, round, args)


@function("hash", "id")
def _hash(_: Making, args: Args, __: ast.AST) -> Value:
    return Unknown(unknown_of(*args.all).names)


@function("len")
def _len(machine: Making, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else Unknown()
    own = (
        machine.lookup(type_of(value), "__len__")
        if isinstance(value, Obj) and not isinstance(value, Class)
        else MISSING
    )
    if not isinstance(own, Missing | Unknown):
        return machine.call(machine.bind(own, value), Args(), _)
    value = plain(value)
    if isinstance(value, tuple | str | bytes | range):
        return len(value)
    if isinstance(value, Class):
        members = machine.items(value)
        return len(members) if members is not None else Unknown()
    machine.may_raise()
    if isinstance(value, Unknown):
        return Unknown(tuple(f"len({name})" for name in value.names), foreign=value.foreign)
    if isinstance(value, Obj) and isinstance(own, Missing) and value.kind == "object" and "@changed" not in value.slots:
        machine.throw("TypeError", "no len")
    if is_constant(value) and not isinstance(value, tuple):
        machine.throw("TypeError", "no len")
    return unknown_of(value)


@function("isinstance")
def _is_instance(machine: Making, args: Args, _: ast.AST) -> Value:
    known = machine.is_instance(args.pos[0], args.pos[1]) if len(args.pos) > 1 else None
    return Unknown(unknown_of(*args.all).names, alts=(False, True)) if known is None else known


@function("issubclass")
def _is_subclass(_: Making, args: Args, __: ast.AST) -> Value:
    kinds = args.pos[1] if isinstance(args.pos[1], tuple) else (args.pos[1],)
    results = [is_subclass(args.pos[0], kind) for kind in kinds]
    known = True if True in results else None if None in results else False
    return Unknown(alts=(False, True)) if known is None else known


@function("callable")
def _callable(machine: Making, args: Args, _: ast.AST) -> Value:
    value = args.pos[0]
    if isinstance(value, Function | Class | Bound | Builtin | Partial):
        return True
    if is_constant(value):
        return False
    found = machine.lookup(type_of(value), "__call__") if isinstance(value, Obj) else Unknown()
    return Unknown(alts=(False, True)) if isinstance(found, Unknown) else not isinstance(found, Missing)


@function("getattr")
def _getattr(machine: "Libraries", args: Args, node: ast.AST) -> Value:
    if not args.known or len(args.pos) < 2:  # the thing, and a name
        machine.may_raise()
        return unknown_of(*args.all)
    owner, name = args.pos[0], plain(args.pos[1])
    if not isinstance(name, str):
        return machine.any_attribute(owner, name, node)
    if len(args.pos) == 2:  # without a default
        return machine.attribute(owner, name)
    default = args.pos[2]
    with machine.guarded():
        paths = machine.collect(lambda: machine.attribute(owner, name))
    alone = len(paths) == 1 and paths[0].delta is None
    if alone and paths[0].kind == "normal":
        return paths[0].value
    if alone and paths[0].kind == "raise":
        return default
    ended = [path._replace(kind="normal", value=path.value if path.kind == "normal" else default) for path in paths]
    return machine.settle(ended, lambda path: path.kind == "normal")


@function("hasattr")
def _hasattr(machine: Making, args: Args, _: ast.AST) -> Value:
    owner, name = args.pos[0], plain(args.pos[1])
    if not isinstance(name, str) or isinstance(owner, Unknown | Lib):
        machine.may_raise()
        return Unknown(unknown_of(owner, name).names, alts=(False, True))
    with machine.guarded():
        paths = machine.collect(lambda: machine.attribute(owner, name))
    kinds = {path.kind for path in paths}
    machine.settle([path._replace(kind="normal") for path in paths], lambda _: True)
    return True if kinds == {"normal"} else False if kinds == {"raise"} else Unknown(alts=(False, True))


@function("setattr", "delattr")
def _setattr(machine: Making, args: Args, _: ast.AST) -> Value:
    owner, name = args.pos[0], plain(args.pos[1])
    value = args.pos[2] if len(args.pos) > 2 else MISSING  # a thing, a name and a value
    if isinstance(name, str):
        machine.set_attribute(owner, name, value)
        return None
    machine.may_raise()
    machine.give_up([owner])
    return None


def _vars_of(machine: "Libraries", args: Args) -> Value:
    if args.pos and isinstance(args.pos[0], Obj):
        return machine.vars_of(args.pos[0])
    if args.pos and isinstance(args.pos[0], Lib):
        return machine.lib_vars(args.pos[0])
    machine.may_raise()
    return unknown_of(*args.all)


@function("globals")
def _globals(machine: Making, _: Args, __: ast.AST) -> Value:
    return machine.vars_of(machine.module)


@function("locals", "vars")
def _locals(machine: "Libraries", args: Args, _: ast.AST) -> Value:
    if args.pos:
        return _vars_of(machine, args)
    scope = machine.calling
    if scope.frame == "comprehension":  # what else it sees depends on the version of Python (PEP 709)
        return machine.new("dict", Unknown())
    if scope.frame == "function":
        return machine.new("dict", Items({key: value for key, value in scope.slots.items() if not key.startswith("@")}))
    return machine.vars_of(scope)


@function("dir")
def _dir(machine: Making, args: Args, _: ast.AST) -> Value:
    return machine.new("list", unknown_of(*args.all))


@function("range")
def _range(machine: Making, args: Args, _: ast.AST) -> Value:
    values = [plain(item) for item in args.pos]
    if args.known and all(isinstance(item, int) for item in values):
        try:
            return range(*(item for item in values if isinstance(item, int)))
        except ValueError:
            machine.throw("ValueError", "range")
    if any(isinstance(item, float | str | None) for item in values):
        machine.throw("TypeError", "range")
    return unknown_of(*args.all)


@function("slice")
def _slice(_: Making, args: Args, __: ast.AST) -> Value:
    return slice(*args.pos) if all(isinstance(item, int | None) for item in args.pos) else unknown_of(*args.all)


are_classes("range", "slice")


@function("print", "breakpoint", "help")
def _print(machine: Making, args: Args, _: ast.AST) -> Value:
    del machine, args
    return None


@function("input", "open", "memoryview", "bytearray", "aiter", "anext")
def _foreign(machine: Making, args: Args, node: ast.AST) -> Value:
    machine.may_raise()
    name = ast.unparse(node) if isinstance(node, ast.Call) else "input()"
    machine.asked.setdefault(name)
    return Unknown((name,), things(tuple(args.all)))


@function("exit", "quit")
def _exit(machine: Making, _: Args, __: ast.AST) -> Value:
    machine.throw("SystemExit")


@function("__import__")
def _import(machine: Making, args: Args, _: ast.AST) -> Value:
    name = plain(args.pos[0])
    return (
        machine.imported(name.partition(".")[0])
        if isinstance(name, str)
        else machine.unknown_call("__import__()", args)
    )


# The methods of containers stand in `mappings`.
__all__ = ["FUNCTIONS", "mappings"]
