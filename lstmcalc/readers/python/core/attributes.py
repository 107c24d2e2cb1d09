"""Setting and deleting attributes, and the dictionaries of things.

Not here: what an attribute of a value is (`classes`).
"""

from typing import Final

from lstmcalc.readers.python.core.classes import Classes
from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, type_of
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Class,
    Descriptor,
    Items,
    Lib,
    Missing,
    Obj,
    Scope,
    Super,
    Unknown,
    Value,
    things,
)

_OF_TENSORS: Final = ("requires_grad", "grad")  # what a tensor has beside its numbers


class Attributes(Classes):
    """Sets attributes."""

    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Set or, with MISSING, delete an attribute."""
        if isinstance(owner, Unknown):
            self._set_of_unknown(owner, name, value)
        elif isinstance(owner, Lib):
            self.put(self.world, f"lib:{owner.path}.{name}", value)
        elif isinstance(owner, Super):
            self.set_plainly(owner.owner, name, value)
        elif isinstance(owner, Obj):
            hook = self.lookup(type_of(owner), "__delattr__" if isinstance(value, Missing) else "__setattr__")
            if isinstance(hook, Function) or (isinstance(hook, Builtin) and hook.name != "object.__setattr__"):
                self.call(
                    self.bind(hook, owner), Args([name] if isinstance(value, Missing) else [name, value]), self.here
                )
            else:
                self.set_plainly(owner, name, value)
        else:
            self.throw("AttributeError", name)

    def set_plainly(self, owner: Value, name: str, value: Value) -> None:
        """As `object.__setattr__` does."""
        if isinstance(owner, Unknown):
            self._set_of_unknown(owner, name, value)
            return
        if not isinstance(owner, Obj):
            self.may_raise()
            return
        if name == "__class__":
            self.put(owner, "@class", value)
            return
        if isinstance(owner, Class) and owner.bound is None and not self.native:
            self.may_raise()  # a class that is written in C takes no attributes
        cls = type_of(owner)
        if isinstance(cls, Class) and not isinstance(owner, Class):
            found = self.lookup(cls, name)
            if isinstance(found, Descriptor) and found.kind == "property":
                change = found.deleter if isinstance(value, Missing) else found.setter
                if change is None:
                    self.throw("AttributeError", name)
                self.call(change, Args([owner] if isinstance(value, Missing) else [owner, value]), self.here)
                return
            if self._is_data(found) and isinstance(found, Obj):
                if isinstance(value, Missing):
                    self.call(self.attribute(found, "__delete__"), Args([owner]), self.here)
                else:
                    self.call(self.attribute(found, "__set__"), Args([owner, value]), self.here)
                return
        if isinstance(owner, Function) and name in ("__defaults__", "__kwdefaults__", "__code__"):
            self.put(owner, name, value)
            return
        if name == "__dict__" and not isinstance(owner, Class):
            self._set_dictionary(owner, value)
            return
        if "@dict" in owner.slots:
            self._set_item(owner, name, value)
            return
        if isinstance(value, Missing) and name not in owner.slots:
            if "@changed" not in owner.slots:
                self.throw("AttributeError", name)
            return
        if self._has_no_place(owner, name):
            self.throw("AttributeError", name)
        self.put(owner, name, value)
        self.mark(owner, name)

    def _set_dictionary(self, owner: Obj, value: Value) -> None:
        """Make a dictionary that of a thing's attributes: `self.__dict__ = self` of a subclass of dict, too."""
        if not isinstance(value, Obj) or value.kind not in ("dict", "vars") or owner.kind not in ("object", "dict"):
            self.may_raise()
            self.give_up([owner])
            return
        if value.slots.get("@of") is owner:  # it is that already
            return
        for slot in [slot for slot in owner.slots if not slot.startswith("@") and slot != CONTENT]:
            self.put(owner, slot, MISSING)
        self.put(owner, "@dict", value)

    def _set_item(self, owner: Obj, name: str, value: Value) -> None:
        """Set an attribute of a thing whose `__dict__` was set."""
        held = owner.slots["@dict"]
        content = content_of(held) if isinstance(held, Obj) else Unknown()
        if not isinstance(held, Obj) or not isinstance(content, Items):
            self.give_up([owner, value])
            return
        items = dict(content.map)
        if not isinstance(value, Missing):
            items[name] = value
        elif name in items:
            del items[name]
        elif content.rest is None:
            self.throw("AttributeError", name)
        self.set_content(held, Items(items, content.rest, ordered=content.ordered))

    def _has_no_place(self, owner: Obj, name: str) -> bool:
        """True if the classes of a thing name all attributes that it can have, and this is none of them."""
        if owner.kind != "object" or owner.cls is None or self.native:
            return False
        held = [
            item.slots.get("__slots__")
            for item in owner.cls.mro[:-1]
            if isinstance(item, Class) and item.bound is not None
        ]
        places = [part for item in held for part in (item if isinstance(item, tuple) else (item,))]
        known = len(held) == len(owner.cls.mro) - 1 and all(isinstance(part, str) for part in places)
        return known and name not in places and "__dict__" not in places

    def mark(self, thing: Obj, name: str) -> None:
        """Note whether a slot holds what follows from a default that a caller can change."""
        if self.taint:
            self.tainted.add((id(thing), name))
        else:
            self.tainted.discard((id(thing), name))

    def _set_of_unknown(self, owner: Unknown, name: str, value: Value) -> None:
        self.may_raise()
        escaped = self.world.slots["escaped"]
        more = escaped.may if owner.foreign and isinstance(escaped, Unknown) else frozenset[Obj]()
        functions = [item for item in owner.may if isinstance(item, Function)]  # which other code leaves as they are
        for thing in (*self.reach(owner.may | more), *functions):
            if "@dtype" in thing.slots and name not in _OF_TENSORS:  # of a parameter of its, perhaps
                self.put(thing, "@dtype", Unknown())
            if "@dict" in thing.slots:
                self.give_up([thing])
            if isinstance(thing, Scope) or thing.kind in ("list", "dict", "set", "iter", "array"):
                continue
            self.put(thing, name, joined(thing.slots.get(name, MISSING), value, owner.names))
        if owner.foreign and things(value):
            known = escaped.may if isinstance(escaped, Unknown) else frozenset[Obj]()
            self.put(self.world, "escaped", Unknown(may=known | things(value)))

    def vars_of(self, owner: Obj) -> Obj:
        """The dictionary of a thing's attributes, which changes with it."""
        held = owner.slots.get("@dict")
        if isinstance(held, Obj):
            return held
        made = self.new("vars", MISSING, TYPES["dict"])
        made.slots["@of"] = owner
        return made

    def set_content(self, thing: Obj, content: Value) -> None:
        """Change what is in a list, a dictionary or a set."""
        if thing.kind != "vars":
            self.put(thing, CONTENT, content)
            return
        owner = thing.slots["@of"]
        if not isinstance(owner, Obj):
            return
        if isinstance(owner, Class):  # a mapping that cannot be changed
            self.throw("TypeError", "mappingproxy")
        old = content_of(thing)
        if not isinstance(content, Items) or not isinstance(old, Items):
            self.give_up([owner])
            return
        for key in [*old.map]:
            if key not in content.map:
                self.put(owner, str(key), MISSING)
        for key, value in content.map.items():
            if not isinstance(key, str):
                self.give_up([owner])
            elif key not in owner.slots or owner.slots[key] is not value:
                self.put(owner, key, value)
        if content.rest is not None:
            self.give_up([owner])
