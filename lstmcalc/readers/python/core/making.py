"""The makers of classes: the `class` statement, dataclasses, named tuples and enumerations.

Not here: what is looked up in them (`classes`).
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, linearized
from lstmcalc.readers.python.core.generated import Generated
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Bound,
    Class,
    Descriptor,
    Items,
    Lib,
    Missing,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    things,
    unknown_of,
)
from lstmcalc.readers.python.core.variables import declared_in

# Bases that add nothing that is looked up.
_EMPTY: Final = frozenset(
    f"{home}.{name}"
    for home in ("typing", "typing_extensions", "abc", "collections.abc")
    for name in ("Generic", "Protocol", "ABC", "Callable", "Hashable", "Sized")
)
_NAMED_TUPLES: Final = ("typing.NamedTuple", "typing_extensions.NamedTuple")
_TYPED_DICTS: Final = ("typing.TypedDict", "typing_extensions.TypedDict")
_ENUMS: Final = ("enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag")
_ABSTRACT: Final = ("abc.ABC", "abc.ABCMeta")
_MOST_BASES: Final = 300  # classes that one is derived from
_PLAIN_METAS: Final = ("abc.ABCMeta", "enum.EnumMeta", "enum.EnumType")


class Making(Generated):
    """Makes classes."""

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        decorators = [self.evaluate(item, scope) for item in node.decorator_list]
        bases, rest = self._parts(node.bases, scope)
        keywords = {item.arg: self.evaluate(item.value, scope) for item in node.keywords if item.arg}
        inner = Scope("class", scope, self.born())
        inner.declared = declared_in(node.body)
        self.execute(node.body, inner)
        self.calling = scope
        made: Value = self.make_class(
            node.name, [*bases, *([rest] if rest else [])], inner.slots, keywords, scope, node
        )
        for item, decorator in zip(reversed(node.decorator_list), reversed(decorators), strict=True):
            made = self.decorated(decorator, made, item)
        self.put(self.home(node.name, scope), node.name, made)

    def make_class(
        self,
        name: str,
        bases: Sequence[Value],
        slots: Mapping[str, Value],
        keywords: dict[str, Value],
        scope: Scope,
        node: ast.AST | None = None,
    ) -> Value:
        """A class with these attributes."""
        known, special = self._known_bases(bases)
        depth = sum(len(base.mro) for base in known if isinstance(base, Class))
        self.spend(depth)
        if depth > _MOST_BASES:
            return Unknown(may=things(tuple(known)), foreign=True)
        cls = Class(name, tuple(known), self.born())
        cls.bound = scope if not self.native else None
        cls.slots |= slots
        if node is not None:
            cls.slots["@node"] = node
        if special or len(known) != len(bases):  # bases of a library that are left out
            cls.slots["@mixed"] = True
        if "@annotations" in slots:
            cls.slots["__annotations__"] = Unknown()
        order = linearized(cls, tuple(known))
        if order is None and all(
            isinstance(item, Class | Lib)
            for base in known
            for item in (base.mro if isinstance(base, Class) else (base,))
        ):
            self.throw("TypeError", "bases")
        if order is None:  # what is not known of the bases may have another order
            self.may_raise()
            return Unknown(may=things(tuple(known)), foreign=True)
        cls.mro = order
        cls.stores = next(
            (item.stores for item in order if isinstance(item, Class) and item.stores != "object"), "object"
        )
        for value in slots.values():
            _own(value, cls)
        for base in known:
            if isinstance(base, Class) and base.bound is not None:
                slot = f"subclasses:{base.birth}"
                held = self.world.slots.get(slot, ())
                self.put(self.world, slot, (*held, cls) if isinstance(held, tuple) else held)
        self._set_abstract(cls, [*bases, keywords.get("metaclass")])
        self._set_meta(cls, keywords.pop("metaclass", None))
        if special in _ENUMS:
            self._enumerate(cls, special)
        elif special == "NamedTuple":
            self._name_tuple(cls)
        self._tell(cls, keywords)
        return cls

    def _known_bases(self, bases: Sequence[Value]) -> tuple[list[Value], str]:
        """The bases of a class, those of libraries as classes where they are written down; and what is special."""
        known: list[Value] = []
        special = ""
        for base in bases:
            if isinstance(base, Builtin):
                base = self.usual_class(base) if base.name.startswith("usual:") else Lib(base.name)  # noqa: PLW2901  # as it is used
            found = base
            if isinstance(base, Lib):
                if base.path in _EMPTY:
                    continue
                if base.path in _NAMED_TUPLES:
                    special, found = "NamedTuple", TYPES["tuple"]
                elif base.path in _TYPED_DICTS:
                    found = TYPES["dict"]
                elif base.path in _ENUMS:
                    special = base.path
                    found = {"enum.IntEnum": TYPES["int"], "enum.StrEnum": TYPES["str"]}.get(base.path, TYPES["object"])
                    if found is TYPES["object"]:
                        continue
                else:
                    made = self.class_of_lib(base.path)
                    found = base if isinstance(made, Missing) else made
            if isinstance(found, Class) and "@enum" in found.slots and not special:
                special = str(found.slots["@enum"])
            if not isinstance(found, Class | Lib | Unknown):
                hook = self.lookup(found.cls, "__mro_entries__") if isinstance(found, Obj) else MISSING
                found = Unknown(may=things(found), foreign=isinstance(hook, Missing))
            known.append(found)
        return known, special

    def _set_abstract(self, cls: Class, origins: Sequence[Value]) -> None:
        """Note the methods by which Python makes no instance of a class whose metaclass is `abc.ABCMeta`."""
        inherited = any(isinstance(item, Class) and "@abstract" in item.slots for item in cls.mro)
        if not inherited and not any(isinstance(item, Lib) and item.path in _ABSTRACT for item in origins):
            return
        names = {
            name: None for item in cls.mro if isinstance(item, Class) and item.bound is not None for name in item.slots
        }
        found = [name for name in names if not name.startswith("@") and _is_abstract(self.lookup(cls, name))]
        cls.slots["@abstract"] = tuple(found)

    def _set_meta(self, cls: Class, meta: Value) -> None:
        if meta is None:
            meta = next(
                (item.slots["@meta"] for item in cls.mro if isinstance(item, Class) and "@meta" in item.slots), None
            )
        if meta is None or meta is TYPES["type"] or (isinstance(meta, Lib) and meta.path in _PLAIN_METAS):
            return
        cls.slots["@meta"] = meta
        own = [
            name
            for name in ("__new__", "__init__", "__prepare__", "__getattribute__", "__getattr__")
            if isinstance(meta, Class) and not isinstance(self.lookup(meta, name), Missing)
        ]
        if own or not isinstance(meta, Class):
            cls.open = Unknown(foreign=True)
            for slot, value in list(cls.slots.items()):
                if not slot.startswith("@") and not isinstance(value, Function):
                    cls.slots[slot] = Unknown(may=things(value), foreign=True)

    def _tell(self, cls: Class, keywords: dict[str, Value]) -> None:
        """Tell the attributes and the bases of a new class, as Python does."""
        for name, value in list(cls.slots.items()):
            if isinstance(value, Obj) and value.kind == "object" and not name.startswith("@"):
                hook = self.lookup(value.cls, "__set_name__")
                if isinstance(hook, Function):
                    self.call(Bound(hook, value), Args([cls, name]), self.here)
        hook = self.lookup(cls, "__init_subclass__", cls)
        if isinstance(hook, Function | Descriptor):
            function = hook.getter if isinstance(hook, Descriptor) else hook
            self.call(Bound(function, cls), Args([], dict(keywords)), self.here)


def _is_abstract(value: Value) -> bool:
    """True if a method or property is marked as abstract."""
    parts = (value.getter, value.setter) if isinstance(value, Descriptor) else (value,)
    return any(isinstance(item, Function) and item.slots.get("__isabstractmethod__") is True for item in parts)


def _own(value: Value, cls: Class) -> None:
    """Note the class in whose body a function stands, for `super()`."""
    if isinstance(value, Function) and value.owner is None:
        value.owner = cls
    elif isinstance(value, Descriptor):
        _own(value.getter, cls)
        _own(value.setter, cls)
    elif isinstance(value, Partial):
        _own(value.function, cls)
        for item in value.args:
            _own(item, cls)


def type_call(machine: Making, args: Args, node: ast.AST) -> Value:
    """The value that `type(x)` or `type(name, bases, attributes)` gives."""
    from lstmcalc.readers.python.core.classes_of_python import type_of

    if len(args.pos) == 1:
        found = type_of(args.pos[0])
        return found if found is not None else unknown_of(args.pos[0])
    name, bases, attributes = (args.pos + [Unknown()] * 3)[:3]
    content = content_of(attributes) if isinstance(attributes, Obj) else None
    parts = machine.items(bases)
    if not (isinstance(name, str) and parts is not None and isinstance(content, Items) and content.whole):
        machine.may_raise()
        return unknown_of(*args.all)
    slots = {str(key): value for key, value in content.map.items()}
    return machine.make_class(
        name, parts, slots, dict(args.kw), machine.frames[-1].scope, node if isinstance(node, ast.Call) else None
    )
