"""What Linen's `scan` and `vmap` do to the arrays of what they lift: it sees each without the axis that they go along.

Not here: the cells, which Linen runs on all steps together just as on one (`flax`).
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import Args, Bound, Class, Items, Lib, Obj, Unknown, Value, unknown_of
from lstmcalc.readers.python.layers.arrays import array, shape_of
from lstmcalc.readers.python.layers.flax import Flax
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function
from lstmcalc.readers.python.libraries.libraries import Libraries

_AROUND: Final = ("Module", "LSTMCell", "OptimizedLSTMCell", "RNN", "Bidirectional")  # an LSTM, or have one


@lib_function("flax.linen.scan", "flax.linen.vmap", "flax.linen.remat", "flax.linen.jit", "flax.linen.checkpoint")
def _lift(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A class that is lifted constructs as it does without, unless each of several has parameters of its own."""
    axes, target = args.kw.get("variable_axes"), args.pos[0] if args.pos else None
    content = content_of(axes) if isinstance(axes, Obj) else None
    apart = axes is not None and not (isinstance(content, Items) and content.whole and "params" not in content.map)
    if isinstance(target, Class | Function) and (apart or args.more is not None):
        plain_layer = isinstance(target, Class) and target.bound is None and target.name not in _AROUND
        return replace(unknown_of(*args.all, why="what is lifted"), names=(), lstm=not plain_layer)
    return target if args.pos else Unknown()


def _lift_along(name: str) -> None:
    def run(machine: Flax, args: Args, node: ast.AST) -> Value:
        target = _lift(machine, args, node)
        return _lifted(machine, name, target, args) if args.pos and target is args.pos[0] else target

    LIB_FUNCTIONS[f"flax.linen.{name}"] = run


for _name in ("scan", "vmap"):
    _lift_along(_name)


def _lifted(machine: Flax, name: str, target: Value, args: Args) -> Value:
    """A class or a method of the file's that `scan` or `vmap` lifts; anything else as it is."""
    axes = args.kw.get("in_axes", 0), args.kw.get("out_axes", 0)
    passed = 2 if name == "scan" else 1  # itself, and a carry that is not scanned

    def along(function: Value) -> Builtin:
        return Builtin(
            "lifted", lambda inner, given, node: _run(inner, function, given, node, passed, *axes), method=True
        )

    if isinstance(target, Function):
        return along(target)
    call = machine.lookup(target, "__call__") if isinstance(target, Class) else None
    if not isinstance(target, Class) or not isinstance(call, Function) or call.native:
        return target
    cls = Class(target.name, (target,), machine.born())
    cls.mro = (cls, *target.mro)
    cls.stores, cls.bound, cls.open = target.stores, target.bound, target.open
    cls.slots |= {"@node": target.slots.get("@node", target), "__call__": along(call)}
    return cls


def _run(
    machine: Flax, function: Value, given: Args, node: ast.AST, passed: int, inward: Value, outward: Value
) -> Value:
    """Call what is lifted with a part of each array, and give what it makes of all parts."""
    found: list[Value] = []
    whole, rest = given.pos[:passed], given.pos[passed:]
    many = list(inward) if isinstance(inward, tuple) else [inward] * len(rest)
    parts = [_along(machine, value, axis, _without(found)) for value, axis in zip(rest, many, strict=False)]
    parts += [Unknown()] * (len(rest) - len(parts))
    keywords = {name: _along(machine, value, Unknown(), _without(found)) for name, value in given.kw.items()}
    owner = whole[:1] if isinstance(function, Function) else []
    made = machine.call(
        Bound(function, owner[0]) if owner else function,
        Args([*whole[1:], *parts], keywords, given.rest, given.more),
        node,
    )
    number = found[0] if found else Unknown()
    with_axis = _with(number)
    if passed == 1:
        return _along(machine, made, outward, with_axis)
    return (
        (made[0], _along(machine, made[1], outward, with_axis))
        if isinstance(made, tuple) and len(made) == 2
        else Unknown()
    )


def _along(
    machine: Flax, value: Value, axis: Value, change: Callable[[tuple[Value, ...], int], tuple[Value, ...] | None]
) -> Value:
    """A value with another shape of each array in it; `axis` says where, None for nowhere."""
    axis = plain(axis)
    if axis is None or (isinstance(axis, Lib) and axis.path.endswith("broadcast")):
        return value
    if isinstance(value, tuple):
        return tuple(_along(machine, item, axis, change) for item in value)
    if isinstance(value, Obj) and value.kind == "dict" and isinstance(content := content_of(value), Items):
        parts = {key: _along(machine, item, axis, change) for key, item in content.map.items()}
        return machine.new("dict", Items(parts, content.rest, ordered=content.ordered))
    if isinstance(value, Obj) and value.kind == "array":
        shape = shape_of(value)
        known = isinstance(shape, tuple) and isinstance(axis, int) and ... not in shape
        made = change(shape, axis) if known and isinstance(shape, tuple) and isinstance(axis, int) else None
        return array(machine, made if made is not None else Unknown())
    return value if isinstance(value, bool | str | None) else Unknown()


def _without(found: list[Value]) -> Callable[[tuple[Value, ...], int], tuple[Value, ...] | None]:
    def change(shape: tuple[Value, ...], axis: int) -> tuple[Value, ...] | None:
        if not -len(shape) <= axis < len(shape):
            return None
        place = axis % len(shape)
        found.append(shape[place])
        return (*shape[:place], *shape[place + 1 :])

    return change


def _with(number: Value) -> Callable[[tuple[Value, ...], int], tuple[Value, ...] | None]:
    def change(shape: tuple[Value, ...], axis: int) -> tuple[Value, ...] | None:
        rank = len(shape) + 1
        if not -rank <= axis < rank:
            return None
        place = axis % rank
        return (*shape[:place], number, *shape[place:])

    return change
