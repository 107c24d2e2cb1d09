"""Operators on values that are known: Python's own operators on constants, as long as the result is small.

Not here: operators of the file's classes, and values that are unknown (`truths`).
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.own_methods import has_own
from lstmcalc.readers.python.core.values import (
    CONSTANTS,
    CONTENT,
    Bound,
    Class,
    Items,
    Lib,
    Obj,
    Partial,
    Unknown,
    Value,
    bounded,
    is_constant,
    same,
    unknown_of,
)

if TYPE_CHECKING:
    from lstmcalc.readers.python.core.truths import Truths

_DEEP: Final = 10  # lists within lists that are compared
MAX_BITS: Final = 4_096  # of an integer
MAX_ITEMS: Final = 100_000  # in a text or a list

_OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
    "Pow": operator.pow,
    "LShift": operator.lshift,
    "RShift": operator.rshift,
    "BitOr": operator.or_,
    "BitAnd": operator.and_,
    "BitXor": operator.xor,
    "MatMult": operator.matmul,
}
_COMPARISONS: Final[Mapping[str, Callable[..., object]]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}


def binary(machine: "Truths", op: ast.operator, left: Value, right: Value) -> Value:
    """The value that an operator makes of two others."""
    name = type(op).__name__
    if isinstance(left, Obj) and isinstance(right, Obj) and left.kind == right.kind == "list" and name == "Add":
        one, other = content_of(left), content_of(right)
        known = isinstance(one, tuple) and isinstance(other, tuple) and len(one) + len(other) <= MAX_ITEMS
        return machine.new("list", one + other if known else unknown_of(one, other))  # type: ignore[operator]  # tuples
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Obj) and one.kind == "list" and isinstance(other, int) and name == "Mult":
            return machine.new("list", repeated(content_of(one), other))
        if isinstance(one, tuple) and isinstance(other, int) and name == "Mult":
            return repeated(one, other)
    if isinstance(left, tuple) and isinstance(right, tuple) and name == "Add":
        return bounded(left + right) if len(left) + len(right) <= MAX_ITEMS else unknown_of(left, right)
    if _of_kind(left, "dict") and _of_kind(right, "dict") and name == "BitOr":
        content = content_of(left)  # type: ignore[arg-type]  # a dictionary
        return machine.new(
            "dict", machine.updated(content, right) if isinstance(content, Items) else unknown_of(left, right)
        )
    if _of_kind(left, "set") and _of_kind(right, "set"):
        return machine.new("set", _of_sets(name, content_of(left), content_of(right)))  # type: ignore[arg-type]  # sets
    if isinstance(left, str) and name == "Mod":
        return _formatted(machine, left, right)
    if isinstance(left, CONSTANTS) and isinstance(right, CONSTANTS):
        return _computed(machine, name, left, right)
    if (isinstance(left, Lib) and isinstance(right, Lib | type(None))) or (isinstance(left, Class) and name == "BitOr"):
        return Unknown()
    machine.may_raise()
    return unknown_of(left, right)


def _of_kind(value: Value, kind: str) -> bool:
    return isinstance(value, Obj) and (value.kind == kind or (kind == "dict" and value.kind == "vars"))


def repeated(content: Value, times: int) -> Value:
    """A sequence, several times."""
    if not isinstance(content, tuple) or len(content) * max(times, 0) > MAX_ITEMS:
        return unknown_of(content)
    return bounded(content * times)


def _of_sets(name: str, left: Value, right: Value) -> Items:
    if not (isinstance(left, Items) and isinstance(right, Items) and left.whole and right.whole):
        return Items({}, Unknown(absent=True))
    one, other = left.map, right.map
    known: dict[str, dict[Value, Value]] = {
        "BitOr": {**one, **other},
        "BitAnd": {key: True for key in one if key in other},
        "Sub": {key: True for key in one if key not in other},
        "BitXor": {key: True for key in (*one, *other) if (key in one) is not (key in other)},
    }
    return Items(known.get(name, {}))


def _formatted(machine: "Truths", text: str, args: Value) -> Value:
    values = content_of(args) if _of_kind(args, "dict") else args  # type: ignore[arg-type]  # a dictionary
    if isinstance(values, Items) and values.whole and is_constant(tuple(values.map.values())):
        values = dict(values.map)
    elif not is_constant(values):
        machine.may_raise()
        return unknown_of(args)
    if _has_width(text):
        return Unknown()
    try:
        made = text % values
    except (TypeError, ValueError, KeyError, OverflowError):
        machine.throw("TypeError", "format")
    return made if len(made) <= MAX_ITEMS else Unknown()


def _has_width(text: str) -> bool:
    """True if a format has a width of many digits, or one from an argument."""
    return any(part[:1] == "*" or part.lstrip("-+ #0.")[:4].isdigit() for part in text.split("%")[1:])


def _computed(machine: "Truths", name: str, left: Value, right: Value) -> Value:
    for one in (left, right):
        if isinstance(one, int) and one.bit_length() > MAX_BITS:
            return Unknown()
    if name in ("Pow", "LShift") and isinstance(right, int) and isinstance(left, int):  # noqa: SIM102  # two questions
        if right > MAX_BITS or (name == "Pow" and right > 0 and left.bit_length() * right > MAX_BITS):
            return Unknown()
    for one, other in ((left, right), (right, left)):
        if isinstance(one, str | bytes) and isinstance(other, int) and len(one) * max(other, 0) > MAX_ITEMS:
            return Unknown()
    try:
        value = _OPERATORS[name](left, right)
    except ZeroDivisionError:
        machine.throw("ZeroDivisionError")
    except OverflowError:
        machine.throw("OverflowError")
    except (TypeError, ValueError):
        machine.throw("TypeError", name)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return Unknown()
    return value if not isinstance(value, str | bytes) or len(value) <= MAX_ITEMS else Unknown()


def unary(machine: "Truths", op: ast.unaryop, value: Value) -> Value:
    """The value that a sign makes of another."""
    if isinstance(value, int | float | complex):
        if isinstance(op, ast.USub):
            return -value
        if isinstance(op, ast.UAdd):
            return +value
        if isinstance(value, int):
            return ~value
    if isinstance(value, Obj) and value.kind == "array":
        return value
    if isinstance(value, CONSTANTS):
        machine.throw("TypeError", "sign")
    machine.may_raise()
    return unknown_of(value)


def compare(machine: "Truths", op: ast.cmpop, left: Value, right: Value) -> Value:
    """The value that a comparison gives."""
    if isinstance(op, ast.Is | ast.IsNot):
        known = _is(left, right)
        return Unknown(alts=(False, True)) if known is None else known is isinstance(op, ast.Is)
    name = type(op).__name__
    if isinstance(left, CONSTANTS) and isinstance(right, CONSTANTS):
        try:
            return bool(_COMPARISONS[name](left, right))
        except TypeError:
            machine.throw("TypeError", "not comparable")
    if is_constant(left) and is_constant(right):
        try:
            return bool(_COMPARISONS[name](left, right))
        except TypeError:
            machine.throw("TypeError", "not comparable")
    if name in ("Eq", "NotEq"):
        known = equal(left, right)
        return Unknown(unknown_of(left, right).names, alts=(False, True)) if known is None else known is (name == "Eq")
    one, other = _constants_in(left), _constants_in(right)
    if one is not None and other is not None and type(left) is type(right):
        try:
            return bool(_COMPARISONS[name](one, other))
        except TypeError:
            machine.throw("TypeError", "not comparable")
    machine.may_raise()
    return Unknown(unknown_of(left, right).names, alts=(False, True))


def _constants_in(value: Value) -> Value:
    content = content_of(value) if _of_kind(value, "list") else value  # type: ignore[arg-type]  # a list
    return content if is_constant(content) else None


def _is(left: Value, right: Value) -> bool | None:
    if isinstance(left, Lib) and isinstance(right, Lib):
        return True if left == right else None
    if isinstance(left, Obj) or isinstance(right, Obj):
        return left is right
    if isinstance(left, bool | None) or isinstance(right, bool | None):
        return left is right
    if type(left) is not type(right):
        return False
    if isinstance(left, (Bound | Partial, tuple)):
        return None
    if same(left, right):
        small = range(-5, 257)
        return True if (isinstance(left, int) and left in small) or left is Ellipsis else None
    return False if isinstance(left, CONSTANTS) else None


def equal(left: Value, right: Value, depth: int = 0) -> bool | None:
    """True if two values are equal; None if that is not known."""
    if depth > _DEEP or has_own(left, "__eq__") or has_own(right, "__eq__"):
        return None
    left, right = plain(left), plain(right)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if isinstance(left, Lib) or isinstance(right, Lib):
        if isinstance(left, Lib) and isinstance(right, Lib):
            return True if left == right else None
        return None if isinstance(left if isinstance(right, Lib) else right, Class) else False
    if isinstance(left, tuple) and isinstance(right, tuple):
        return _all_equal(left, right, depth)
    if isinstance(left, Obj) and isinstance(right, Obj):
        if left is right:
            return True
        if {left.kind, right.kind} <= {"dict", "vars"}:
            return _equal_items(content_of(left), content_of(right), depth, keyed=True)
        if left.kind == right.kind == "set":
            return _equal_items(content_of(left), content_of(right), depth, keyed=False)
        if left.kind == right.kind == "list":
            one, other = left.slots.get(CONTENT), right.slots.get(CONTENT)
            return _all_equal(one, other, depth) if isinstance(one, tuple) and isinstance(other, tuple) else None
        if left.kind != "object" or right.kind != "object":
            return None if "array" in (left.kind, right.kind) else False
        return None if _has_own_equal(left) or _has_own_equal(right) else False
    if isinstance(left, Obj) or isinstance(right, Obj):
        thing = left if isinstance(left, Obj) else right
        return (
            None
            if isinstance(thing, Obj) and (thing.kind == "array" or (thing.kind == "object" and _has_own_equal(thing)))
            else False
        )
    if is_constant(left) and is_constant(right):
        return bool(left == right)
    return True if same(left, right) else None if type(left) is type(right) else False


def _has_own_equal(thing: Obj) -> bool:
    order = thing.cls.mro if thing.cls is not None else ()
    return any(not isinstance(item, Class) or "__eq__" in item.slots or "@fields" in item.slots for item in order)


def _all_equal(one: tuple[Value, ...], other: tuple[Value, ...], depth: int) -> bool | None:
    if len(one) != len(other):
        return False
    results = [True if a is b else equal(a, b, depth + 1) for a, b in zip(one, other, strict=True)]
    return False if False in results else None if None in results else True


def _equal_items(one: Value, other: Value, depth: int, *, keyed: bool) -> bool | None:
    if not (isinstance(one, Items) and isinstance(other, Items)) or one.rest is not None or other.rest is not None:
        return None
    if any(isinstance(value, Unknown) for value in (*one.map.values(), *other.map.values())):
        return None
    if set(one.map) != set(other.map):
        return False
    return _all_equal(tuple(one.map.values()), tuple(other.map[key] for key in one.map), depth) if keyed else True
