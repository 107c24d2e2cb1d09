"""Python's own classes, as classes of the machine: their order of bases, and the methods that `functions` gives them.

Not here: what the methods do (`builtin.lists`, `builtin.mappings`, `builtin.functions`).
"""

import builtins
from typing import Final

from lstmcalc.readers.python.core.heap import REORDERED
from lstmcalc.readers.python.core.values import (
    CONTENT,
    Class,
    Descriptor,
    Items,
    Lib,
    Obj,
    Scope,
    Unknown,
    Value,
    things,
)

_STORED: Final = {
    "list": "list",
    "dict": "dict",
    "set": "set",
    "frozenset": "set",
    "type": "class",
    **dict.fromkeys(
        ("int", "bool", "float", "complex", "str", "bytes", "tuple", "range", "slice", "NoneType"), "const"
    ),
}
_OTHERS: Final = ("view", "NoneType", "function", "method", "module", "generator", "ellipsis", "builtin")


def _made() -> dict[str, Class]:
    made: dict[str, Class] = {}
    real = {name: item for name, item in vars(builtins).items() if isinstance(item, type)}
    for item in real.values():
        made.setdefault(item.__name__, Class(item.__name__, (), 0))
    for name in _OTHERS:
        made[name] = Class(name, (), 0)
        made[name].mro = (made[name], made["object"])
    for item in real.values():
        cls = made[item.__name__]
        cls.mro = tuple(made[base.__name__] for base in item.__mro__)
        cls.bases = tuple(made[base.__name__] for base in item.__bases__)
    for name, kind in _STORED.items():
        made[name].stores = kind
    made["IOError"] = made["EnvironmentError"] = made["OSError"]
    made["iter"] = made["generator"]
    return made


TYPES: Final = _made()


def type_of(value: Value) -> "Class | Lib | None":
    """The class of a value; None if it is not known."""
    if isinstance(value, Class):
        return TYPES["type"]
    if isinstance(value, Scope):
        return TYPES["module"]
    if isinstance(value, Obj):
        if "@class" in value.slots:
            other = value.slots["@class"]
            return other if isinstance(other, Class) else None
        return value.cls if value.cls is not None else TYPES.get(value.kind)
    if isinstance(value, Unknown | Lib | Descriptor):
        return None
    return TYPES.get(type(value).__name__)


def plain(value: Value) -> Value:
    """The constant in an instance of a subclass of int, str, tuple or the like."""
    return (
        value.slots[CONTENT] if isinstance(value, Obj) and value.kind == "const" and CONTENT in value.slots else value
    )


def is_subclass(cls: Value, other: Value) -> bool | None:
    """True if a class is derived from another; None if that is not known."""
    if not isinstance(cls, Class):
        return cls == other if isinstance(cls, Lib) and isinstance(other, Lib) and cls == other else None
    if other in cls.mro:
        before = cls.mro[: cls.mro.index(other)]
        return not any(isinstance(item, Class) and "__unlike__" in item.slots for item in before)
    return False if all(isinstance(item, Class) for item in cls.mro) and isinstance(other, Class) else None


def linearized(cls: Class, bases: tuple[Value, ...]) -> tuple[Value, ...] | None:
    """The order in which attributes are looked up; None if there is none."""
    chains = [list(base.mro) if isinstance(base, Class) else [base] for base in bases]
    chains.append(list(bases))
    order: list[Value] = [cls]
    while any(chains):
        chains = [chain for chain in chains if chain]
        head = next((chain[0] for chain in chains if not any(chain[0] in other[1:] for other in chains)), None)
        if head is None:
            return None
        order.append(head)
        chains = [chain[1:] if chain[0] == head else chain for chain in chains]
    if TYPES["object"] in order:
        order.remove(TYPES["object"])
    return (*order, TYPES["object"])


def content_of(thing: Obj) -> Value:
    """All that is in a list, a dictionary or a set; of a `vars(x)`, the attributes of `x`; of a view, what it is of."""
    if thing.kind == "view":
        return _content_of_view(thing)
    if thing.kind != "vars":
        return thing.slots.get(CONTENT, Unknown())
    owner = thing.slots["@of"]
    slots = owner.slots if isinstance(owner, Obj) else {}
    rest = Unknown(foreign=True, absent=True) if "@changed" in slots else None
    named = {key: value for key, value in slots.items() if not key.startswith("@")}
    return Items(named, rest, ordered=REORDERED not in slots)


def _content_of_view(view: Obj) -> Value:
    owner, which = view.slots["@of"], view.slots["@which"]
    content = content_of(owner) if isinstance(owner, Obj) else None
    if not isinstance(content, Items) or not content.whole:
        return Unknown(may=things(content))
    if which == "items":
        return tuple(content.map.items())
    return tuple(content.map) if which == "keys" else tuple(content.map.values())


def written(name: str) -> Value:
    """A name as it is written; that of something private to a class is not known any more."""
    return Unknown() if name.startswith("_") and "__" in name[1:].rstrip("_") else name


def is_plain(cls: Value) -> bool:
    """True if a class has no bases but those that are seen."""
    return (
        isinstance(cls, Class) and "@mixed" not in cls.slots and (cls.bound is not None or TYPES.get(cls.name) is cls)
    )


def has_of_its_own(real: object, name: str) -> bool:
    """True if a class of Python's has an attribute, itself or from a base."""
    return isinstance(real, type) and any(name in vars(item) for item in real.__mro__)
