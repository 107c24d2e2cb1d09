"""Constants: their methods, and functions without effects, which are run as they are on what is small.

Not here: which functions of Python's are run so (`functions`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, plain
from lstmcalc.readers.python.core.machine import Builtin
from lstmcalc.readers.python.core.making import Making
from lstmcalc.readers.python.core.operators import MAX_BITS, MAX_ITEMS
from lstmcalc.readers.python.core.own_methods import behaves
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Items,
    Missing,
    Obj,
    Unknown,
    Value,
    is_constant,
    unknown_of,
)

_PARTS: Final = 20_000  # of a constant, lists within lists and all


# Methods without effects.
_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "str": tuple(
        name
        for name in dir(str)
        if not name.startswith("_") and name not in ("format", "format_map", "join", "maketrans")
    ),
    "bytes": ("decode", "hex", "startswith", "endswith", "split", "strip", "upper", "lower", "find", "count"),
    "int": ("bit_length", "bit_count", "conjugate", "is_integer", "as_integer_ratio"),
    "float": ("is_integer", "hex", "as_integer_ratio", "conjugate"),
    "complex": ("conjugate",),
    "tuple": ("index", "count"),
    "range": ("index", "count"),
}


_WIDE: Final = ("ljust", "rjust", "center", "zfill", "expandtabs", "replace")


_FIELDS: Final = {"real", "imag", "numerator", "denominator", "start", "stop", "step"}


def constant(value: Value, *, text: bool = False) -> Value:
    """A value as Python's own constant, of a list the list; MISSING if it is not known, or too large.

    It is not known of an instance of a class of the file's that says itself what it is; with `text`, of one that says
    how it is written.
    """
    return _constant(value, [_PARTS], text=text)


def _constant(value: Value, left: list[int], *, text: bool) -> Value:
    cls = value.cls if isinstance(value, Obj) else None
    if behaves(value) or (text and cls is not None and TYPES.get(cls.name) is not cls):
        return MISSING
    value = plain(value)
    if is_constant(value):
        return value
    left[0] -= 1
    if left[0] < 0:
        return MISSING
    if isinstance(value, Obj) and value.kind in ("list", "view"):
        content = content_of(value)
        return _constants(content, left, text=text) if isinstance(content, tuple) else MISSING
    if isinstance(value, Obj) and value.kind in ("dict", "set", "vars"):
        content = content_of(value)
        if isinstance(content, Items) and content.whole and is_constant(tuple(content.map)):
            if value.kind == "set":
                return set(content.map)
            parts = _constants(tuple(content.map.values()), left, text=text)
            return dict(zip(content.map, parts, strict=True)) if isinstance(parts, list) else MISSING
        return MISSING
    if isinstance(value, tuple):
        inner = _constants(value, left, text=text)
        return tuple(inner) if isinstance(inner, list) else MISSING
    return MISSING


def _constants(values: tuple[Value, ...], left: list[int], *, text: bool) -> Value:
    """Constants in a list; MISSING if one is not known."""
    made: list[Value] = []
    for item in values:
        found = _constant(item, left, text=text)
        if isinstance(found, Missing):
            return MISSING
        made.append(found)
    return made


def lifted(machine: Making, value: object) -> Value:
    """A value of Python's as one of the machine's: lists and dictionaries become things."""
    if isinstance(value, list):
        return machine.new_list(lifted(machine, item) for item in value)
    if isinstance(value, dict):
        return machine.new_dict({key: lifted(machine, item) for key, item in value.items()})
    if isinstance(value, set | frozenset):
        return machine.new("set", Items(dict.fromkeys(value, True)))
    if isinstance(value, tuple):
        return tuple(lifted(machine, item) for item in value)
    return value if is_constant(value) else Unknown()


def run_pure(machine: Making, run: Callable[..., object], args: Args) -> Value:
    """The value that a function of Python's without effects gives, if all that it is given is known and small."""
    given = [constant(item) for item in args.pos]
    keywords = {name: constant(item) for name, item in args.kw.items()}
    if (
        not args.known
        or any(isinstance(item, Missing) for item in (*given, *keywords.values()))
        or not all(map(is_small, (*given, *keywords.values())))
    ):
        machine.may_raise()
        return unknown_of(*args.all)
    try:
        value = run(*given, **keywords)
    except Exception as error:  # noqa: BLE001  # whatever the function says of its arguments, the program gets
        name = type(error).__name__
        machine.throw(name if name in TYPES else "ValueError", "")
    return lifted(machine, value) if is_small(value) else Unknown()


def is_small(value: object) -> bool:
    """True if a constant has few digits, letters and parts."""
    if isinstance(value, int):
        return value.bit_length() <= MAX_BITS
    if isinstance(value, str | bytes | range):
        return len(value) <= MAX_ITEMS
    if isinstance(value, list | tuple | set):
        return len(value) <= MAX_ITEMS and all(map(is_small, value))
    return all(map(is_small, value.values())) if isinstance(value, dict) else True


def method_of_constant(machine: Making, owner: Value, name: str) -> Value:
    """The method or field of a constant; MISSING if it has none."""
    kind = type(owner).__name__ if not isinstance(owner, bool) else "int"
    if name in _FIELDS and hasattr(owner, name):
        return getattr(owner, name)
    if name == "join" and isinstance(owner, str):
        return Builtin("join", lambda _, args, __: _join(machine, owner, args))
    if name == "format" and isinstance(owner, str):
        return Builtin("format", lambda _, args, __: _format(machine, owner, args))
    if name in _METHODS.get(kind, ()):
        return Builtin(name, lambda _, args, __: _run_method(machine, owner, name, args))
    if name in TYPES.get(kind, TYPES["object"]).slots and name == "__new__":
        return TYPES[kind].slots[name]
    return Unknown() if hasattr(owner, name) else MISSING


def _run_method(machine: Making, owner: Value, name: str, args: Args) -> Value:
    if name in _WIDE and any(isinstance(item, int) and abs(item) > MAX_ITEMS for item in args.pos):
        return Unknown()
    if name == "replace" and isinstance(owner, str) and len(owner) > 1_000:  # it may grow by its square
        return Unknown()
    return run_pure(machine, getattr(owner, name), args)


def _join(machine: Making, owner: str, args: Args) -> Value:
    items = machine.items(args.pos[0])
    texts = [plain(item) for item in items] if items is not None else [Unknown()]
    if all(isinstance(item, str) for item in texts):
        made = owner.join(str(item) for item in texts)
        return made if len(made) <= MAX_ITEMS else Unknown()
    if all(is_constant(item) for item in texts):
        machine.throw("TypeError", "join")
    machine.may_raise()
    return unknown_of(*args.all)


def _format(machine: Making, owner: str, args: Args) -> Value:
    given = [constant(item, text=True) for item in args.all]
    if (
        any(isinstance(item, Missing) for item in given)
        or not args.known
        or ":{" in owner
        or any(len(part) > 200 or _digits(part) for part in owner.split("{")[1:])
    ):  # a format with a long width
        machine.may_raise()
        return unknown_of(*args.all)
    return run_pure(machine, owner.format, args)


def _digits(text: str) -> bool:
    spec = text.partition(":")[2].partition("}")[0]
    return sum(letter.isdigit() for letter in spec) > 3  # a width of thousands
