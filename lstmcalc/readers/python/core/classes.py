"""Classes and attributes: the order of bases, descriptors, and what an attribute of a value is.

A class may have bases that are not known: what is looked up there is unknown, and what is found before them is not.

Not here: what makes classes (`statements`), and how they are called (`calls`).
"""

import ast
import builtins
from dataclasses import replace
from functools import partial
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, has_of_its_own, is_plain, type_of, written
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.machine import Builtin, Function, Machine
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
    Super,
    Unknown,
    Value,
    things,
    unknown_of,
)

_CHANGING: Final = ("update", "pop", "popitem", "setdefault", "clear")  # which the dictionary of a class has not
_META: Final = ("__new__", "__init__", "__call__", "__prepare__", "__getattribute__", "__getattr__")


def _with_part(held: Descriptor, name: str, _: object, args: Args, __: ast.AST) -> Value:
    """A property with another function for setting or deleting."""
    if not args.pos or name == "getter":
        return held
    return replace(held, setter=args.pos[0]) if name == "setter" else replace(held, deleter=args.pos[0])


class Classes(Machine):
    """Looks up and sets attributes."""

    def lookup(self, cls: Value, name: str, after: Class | None = None) -> Value:
        """The attribute that a class, or one of its bases behind `after`, has under a name; MISSING if nothing."""
        if not isinstance(cls, Class):
            return Unknown() if cls is None else self.unknown_base(cls, name)
        order = cls.mro
        if after is not None:
            order = order[order.index(after) + 1 :] if after in order else ()
        self.spend()
        for item in order:
            if not isinstance(item, Class):
                return self.unknown_base(item, name)
            if name in item.slots:
                value = item.slots[name]
                return (
                    Unknown(value.names, things(value), foreign=True)
                    if cls.open and isinstance(value, Unknown)
                    else value
                )
            if item.open is not None:
                return replace(item.open, absent=True)
        return MISSING

    def unknown_base(self, base: Value, name: str) -> Value:
        """The attribute that a base which is not known may have."""
        del name
        return (
            replace(base, absent=True)
            if isinstance(base, Unknown)
            else Unknown(absent=True, foreign=not isinstance(base, Lib))
        )

    def attribute(self, owner: Value, name: str) -> Value:
        """The attribute of a value.

        Raises:
            Leave: It has none.
        """
        self.spend()
        if isinstance(owner, Unknown):
            return self._of_unknown(owner, name)
        if isinstance(owner, Lib):
            return self.lib_attribute(owner, name)
        if isinstance(owner, Class):
            return self._of_class(owner, name)
        if isinstance(owner, Super):
            found = self.lookup(_class_of(owner.owner, owner.cls), name, owner.cls)
            if isinstance(found, Missing):
                if self.is_left_out(_class_of(owner.owner, owner.cls), name):
                    self.may_raise()
                    return unknown_of(owner.owner)
                self.throw("AttributeError", name)
            return self.bind(found, owner.owner)
        if isinstance(owner, Scope):
            found = owner.slots.get(name, MISSING)
            return self.unknown(name) if isinstance(found, Missing) else self.present(found)
        if isinstance(owner, Function | Bound | Partial | Descriptor | Builtin):
            return self._of_function(owner, name)
        return self._of_instance(owner, name)

    def _of_unknown(self, owner: Unknown, name: str) -> Value:
        if owner.alts and all(isinstance(item, Obj | Lib | str) for item in owner.alts):
            return self.fork([lambda item=item: self.attribute(item, name) for item in owner.alts], owner.names)  # type: ignore[misc]  # bound now
        self.may_raise()
        return Unknown(
            tuple(f"{item}.{name}" for item in owner.names), owner.may, foreign=owner.foreign, lstm="LSTM" in name
        )

    def _of_class(self, cls: Class, name: str) -> Value:
        if name in ("__name__", "__qualname__"):
            own = name not in cls.slots and (name == "__name__" or getattr(cls.bound, "frame", "module") == "module")
            return written(cls.name) if own else Unknown()
        if name == "__bases__":
            return (cls.bases or (TYPES["object"],)) if is_plain(cls) else unknown_of(cls.bases)
        if name == "__mro__":
            return cls.mro if all(map(is_plain, cls.mro)) else unknown_of(cls.mro)
        if name == "__dict__":
            return self.vars_of(cls)
        if name == "__class__":
            return TYPES["type"]
        if name == "__subclasses__" and cls.bound is not None:
            return Builtin(name, lambda _, __, ___: self._subclasses_of(cls))
        found = self.lookup(cls, name)
        meta = cls.slots.get("@meta")
        if isinstance(found, Missing) and isinstance(meta, Class):
            found = self.lookup(meta, name)
            if not isinstance(found, Missing):
                return self.bind(found, cls, meta)
        if isinstance(found, Missing):
            if name in ("__doc__", "__module__", "__annotations__"):
                return Unknown()
            if cls.bound is None and cls.name not in TYPES:
                return Unknown()
            if has_of_its_own(type, name) or self.is_left_out(cls, name):  # that is not written down here
                self.may_raise()
                return Unknown(may=frozenset((cls,)))
            self.throw("AttributeError", name)
        if isinstance(found, Descriptor):
            if found.kind == "static":
                return found.getter
            return Bound(found.getter, cls) if found.kind == "class" else found
        if (
            isinstance(found, Obj)
            and found.kind == "object"
            and not isinstance(self.lookup(found.cls, "__get__"), Missing)
        ):
            return self.call(self.attribute(found, "__get__"), Args([None, cls]), self.here)
        return self.present(found)

    def _subclasses_of(self, cls: Class) -> Value:
        """The classes that are derived from one; of those that the same code made, none need be there any more."""
        held = self.world.slots.get(f"subclasses:{cls.birth}", ())
        nodes = (
            [item.slots.get("@node", item) for item in held if isinstance(item, Class)]
            if isinstance(held, tuple)
            else []
        )
        known = isinstance(held, tuple) and len(set(map(id, nodes))) == len(held)
        return self.new("list", held if known else unknown_of(held, cls))

    def _of_function(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Descriptor) and name in ("setter", "getter", "deleter"):
            return Builtin(name, partial(_with_part, owner, name))
        if isinstance(owner, Descriptor):
            return {"fget": owner.getter, "fset": owner.setter, "__func__": owner.getter}.get(name, Unknown())
        if isinstance(owner, Bound):
            if name == "__self__":
                return owner.owner
            if name == "__func__":
                return owner.function
            owner = owner.function
        if isinstance(owner, Partial) and name in ("func", "args", "keywords"):
            return {"func": owner.function, "args": owner.args, "keywords": self.new_dict(dict(owner.keywords))}[name]
        if isinstance(owner, Function):
            if name in owner.slots:
                return self.present(owner.slots[name])
            if name in ("__name__", "__qualname__"):
                own = name == "__name__" or (owner.owner is None and owner.outer.frame == "module")
                return written(owner.name) if own else Unknown()
            if name == "__dict__":
                return self.vars_of(owner)
            if name == "__defaults__":
                return owner.defaults or None
            if name == "__wrapped__" or not name.startswith("__"):
                self.throw("AttributeError", name)
        if name == "__get__":
            return Builtin(name, lambda _, args, __: Bound(owner, args.pos[0]))
        if name == "__call__":
            return owner
        return Unknown()

    def _of_instance(self, owner: Value, name: str) -> Value:
        cls = type_of(owner)
        if name == "__class__":
            return cls if cls is not None else Unknown()
        if name == "__dict__" and isinstance(owner, Obj):
            return self.vars_of(owner)
        hook = self.lookup(cls, "__getattribute__")
        if isinstance(hook, Function):
            return self.call(Bound(hook, owner), Args([name]), self.here)
        if isinstance(owner, Obj) and isinstance(owner.slots.get("@of"), Class) and name in _CHANGING:
            self.throw("AttributeError", name)
        found = self.lookup(cls, name)
        if isinstance(owner, Obj) and "@dict" in owner.slots and not self._is_data(found):
            return self._of_dictionary(owner, cls, name, found)
        if isinstance(owner, Obj) and name in owner.slots and not self._is_data(found):
            self.taint = self.taint or (id(owner), name) in self.tainted
            value = owner.slots[name]
            if isinstance(value, Unknown) and value.absent and not isinstance(found, Missing):
                return self.present(joined(replace(value, absent=False), self.bind(found, owner)))
            return self.present(value)
        if not isinstance(found, Missing):
            return self.bind(found, owner)
        return self._not_found(owner, cls, name)

    def _of_dictionary(self, owner: Obj, cls: Value, name: str, found: Value) -> Value:
        """The attribute of a thing whose `__dict__` was set: an item of it, else what its class has."""
        held = owner.slots["@dict"]
        content = content_of(held) if isinstance(held, Obj) else Unknown()
        if not isinstance(content, Items):
            self.may_raise()
            return Unknown(may=things(owner), foreign=True)
        value = content.map.get(name, MISSING)
        if not isinstance(value, Missing) and not (isinstance(value, Unknown) and value.absent):
            return value
        if not isinstance(value, Missing) or content.rest is not None:
            self.may_raise()
            return Unknown(may=things(owner), foreign=True)
        return self.bind(found, owner) if not isinstance(found, Missing) else self._not_found(owner, cls, name)

    def _not_found(self, owner: Value, cls: Value, name: str) -> Value:
        hook = self.lookup(cls, "__getattr__")
        if isinstance(hook, Unknown):
            self.may_raise()
            return Unknown()
        changed = isinstance(owner, Obj) and "@changed" in owner.slots  # it may have the attribute all the same
        if not isinstance(hook, Missing):
            asked = partial(self.call, self.bind(hook, owner), Args([name]), self.here)
            return self.fork([asked, lambda: Unknown(foreign=True)]) if changed else asked()
        if changed:
            self.may_raise()
            return Unknown(foreign=True)
        if isinstance(owner, Obj) and owner.kind == "array":
            self.may_raise()
            return Unknown()
        if isinstance(cls, Class) and any(isinstance(item, Class) and "@partly" in item.slots for item in cls.mro):
            self.may_raise()  # a library's class, of which only a part is written down
            return Unknown(may=things(owner))
        if self.is_left_out(cls, name):
            self.may_raise()
            return Unknown(may=things(owner))
        self.throw("AttributeError", name)

    def is_left_out(self, cls: Value, name: str) -> bool:
        """True for an attribute that a class of Python's own has, and that is not written down here."""
        return isinstance(cls, Class) and any(
            isinstance(item, Class)
            and TYPES.get(item.name) is item
            and has_of_its_own(getattr(builtins, item.name, None), name)
            for item in cls.mro
        )

    def _is_data(self, found: Value) -> bool:
        """True if what a class has comes before what its instance has."""
        if isinstance(found, Descriptor):
            return found.kind == "property"
        if isinstance(found, Obj) and found.kind == "object":
            return not isinstance(self.lookup(found.cls, "__set__"), Missing)
        return False

    def bind(self, found: Value, owner: Value, cls: Value = None) -> Value:
        """The attribute that a class has, as an attribute of its instance."""
        cls = cls or type_of(owner)
        if isinstance(found, Function) or (isinstance(found, Builtin) and found.method):
            return Bound(found, owner)
        if isinstance(found, Unknown):
            self.may_raise()
            return Unknown(found.names, found.may | things(owner), foreign=found.foreign)
        if isinstance(found, Descriptor):
            return self._bind_descriptor(found, owner, cls)
        if isinstance(found, Partial) and found.function == "partialmethod":
            inner = self.bind(found.args[0], owner, cls)
            return Partial(inner, found.args[1:], found.keywords)
        if isinstance(found, Obj) and found.kind == "object":
            getter = self.lookup(found.cls, "__get__")
            if not isinstance(getter, Missing):
                return self.call(self.bind(getter, found), Args([owner, cls]), self.here)
        return found

    def _bind_descriptor(self, found: Descriptor, owner: Value, cls: Value) -> Value:
        if found.kind == "static":
            return found.getter
        if found.kind == "class":
            return Bound(found.getter, owner if isinstance(owner, Class) else cls)
        value = self.call(found.getter, Args([owner]), self.here)
        if found.kind == "cached" and isinstance(owner, Obj):
            name = str(found.setter)
            held = owner.slots.get(name, MISSING)  # a path may have asked for it before, and have changed it since
            if isinstance(held, Unknown):
                value = joined(replace(held, absent=False), value, held.names)
            self.put(owner, name, value)
        return value


def _class_of(value: Value, after: Class) -> Value:
    """The class in which `super()` of another looks: that of a thing, a class itself, or the class of a class."""
    if not isinstance(value, Class):
        return type_of(value)
    return value if after in value.mro else value.slots.get("@meta", value)
