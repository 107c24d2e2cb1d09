"""The special methods that a file's class gives instances of Python's own: Python calls them, and not what it had.

An instance of `class Size(int)` is the constant that it holds only where Python asks no method of its class.

Not here: operators and comparisons, which ask the class themselves (`truths`).
"""

from typing import TYPE_CHECKING, Final

from lstmcalc.readers.python.core.classes_of_python import TYPES
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.values import MISSING, Args, Class, Missing, Obj, Unknown, Value

if TYPE_CHECKING:
    from lstmcalc.readers.python.core.truths import Truths

# Special methods that say nothing of what a constant is.
_HARMLESS: Final = frozenset(
    (
        *("__init__", "__new__", "__init_subclass__", "__set_name__", "__class_getitem__", "__call__", "__members__"),
        *("__enter__", "__exit__", "__getattr__", "__setattr__", "__delattr__", "__missing__", "__post_init__"),
        *("__module__", "__doc__", "__qualname__", "__slots__", "__annotations__", "__match_args__", "__dict__"),
        *("__reduce__", "__getstate__", "__setstate__", "__getnewargs__", "__str__", "__repr__", "__format__"),
    )
)
COMPARED: Final = ("__lt__", "__gt__", "__le__", "__ge__")
# The classes of Python's that have the method that gives a text (Python 3.11; the others have that of `object`).
_NUMBERS: Final = ("int", "float", "complex", "bool")
_TEXTS: Final = {
    "__str__": ("str",),
    "__repr__": (*_NUMBERS, "str", "bytes", "tuple", "list", "dict", "set", "frozenset"),
    "__format__": (*_NUMBERS, "str"),
}


def has_own(value: Value, *names: str) -> bool:
    """True if a class of the file's gives a value one of these methods, or may."""
    return any(
        not isinstance(item, Class)
        or item.open is not None
        or (item.bound is not None and not item.slots.keys().isdisjoint(names))
        for item in _order_of(value)
    )


def behaves(value: Value) -> bool:
    """True if a class of the file's has special methods by which an instance is not the constant that it holds."""
    return any(
        not isinstance(item, Class)
        or (
            item.bound is not None
            and any(name[:2] == name[-2:] == "__" and name not in _HARMLESS for name in item.slots)
        )
        for item in _order_of(value)
    )


def behaves_as_text(value: Value) -> bool:
    """True if a class of the file's says how an instance is written, or may."""
    order = _order_of(value)
    member = any(isinstance(item, Class) and "@enum" in item.slots for item in order)
    return member or behaves(value) or has_own(value, "__str__", "__repr__", "__format__")


def _order_of(value: Value) -> tuple[Value, ...]:
    """The classes of an instance of a class of the file's; none of others."""
    cls = value.cls if isinstance(value, Obj) and value.kind != "class" else None
    return cls.mro if isinstance(cls, Class) and cls.bound is not None else ()


def text_by_class(machine: "Truths", value: Value, method: str, spec: str = "") -> Value:
    """The text that `__str__`, `__repr__` or `__format__` of a file's class gives; MISSING if it has none."""
    order = _order_of(value)
    if not order or not isinstance(value, Obj):
        return MISSING
    kind = next((item.slots["@enum"] for item in order if isinstance(item, Class) and "@enum" in item.slots), None)
    for item in order:
        if not isinstance(item, Class):
            return Unknown(foreign=True)
        found = item.slots.get(method, MISSING)
        if isinstance(found, Function):
            args = Args([spec] if method == "__format__" else [])
            return machine.call(machine.bind(found, value), args, machine.here)
        if not isinstance(found, Missing) and item.bound is not None:
            return Unknown()
        if kind is None and TYPES.get(item.name) is item and item.name in _TEXTS[method]:
            return _of_python(machine, value, method, spec)
    if kind is not None:
        return _of_member(machine, value, str(kind), method, spec)
    if method == "__repr__":
        return MISSING
    if method == "__format__" and spec:
        machine.throw("TypeError", "format")
    return text_by_class(machine, value, "__str__" if method == "__format__" else "__repr__")


def _of_python(machine: "Truths", value: Obj, method: str, spec: str) -> Value:
    """The text that a class of Python's gives an instance of a file's class."""
    if method == "__format__" and not spec:  # `PyObject_Str` of what is no int, float or str itself
        return text_by_class(machine, value, "__str__")
    return Unknown() if value.kind == "const" and "_fields" in _names(value) else MISSING


def _names(value: Obj) -> set[str]:
    return {name for item in _order_of(value) if isinstance(item, Class) for name in item.slots}


def _of_member(machine: "Truths", value: Obj, kind: str, method: str, spec: str) -> Value:
    """The text of a member of an enumeration, where it is the same in all versions of Python (3.8 to 3.13)."""
    if method == "__format__" and (has_own(value, "__str__") or value.kind != "const"):
        text = text_by_class(machine, value, "__str__")
        return text if not spec else Unknown()
    if method == "__format__":
        return MISSING if kind in ("enum.IntEnum", "enum.StrEnum") else Unknown()
    if method == "__str__" and kind == "enum.StrEnum":
        return MISSING
    name = value.slots.get("_name_")
    if method == "__str__" and kind == "enum.Enum" and isinstance(name, str) and value.cls is not None:
        return f"{value.cls.name}.{name}"
    return Unknown()
