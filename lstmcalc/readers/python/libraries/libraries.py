"""Libraries: what a module is that is imported, what an attribute of it is, and what a call of its functions does.

What libraries do that matters here is a table of functions (`known`), and classes in ordinary Python that are
interpreted like the file (`library_classes.table`).

Not here: the functions of Python's standard library (`standard`), PyTorch (`layers.torch`) and Keras (`layers.keras`).
"""

import ast
import builtins
from functools import lru_cache, partial

from lstmcalc.readers.python.builtin.constants import method_of_constant
from lstmcalc.readers.python.builtin.functions import FUNCTIONS
from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, has_of_its_own
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.making import Making
from lstmcalc.readers.python.core.own_methods import has_own
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Lib,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
    is_constant,
    things,
    unknown_of,
)
from lstmcalc.readers.python.libraries.known import FRAMEWORKS, LIB_FUNCTIONS, OTHERS, PRIMITIVES, STANDARD_LIBRARY
from lstmcalc.readers.python.libraries.spellings import IN_KERAS, KNOWN_STARS, USUAL, USUAL_NAMES, canonical
from lstmcalc.readers.python.library_classes.table import CODE, HOMES, real_class


@lru_cache(maxsize=16)
def _parsed(home: str) -> ast.Module:
    return ast.parse(CODE[home])


class Libraries(Making):
    """Knows libraries."""

    guess = True  # whether a name that nothing binds may be what it usually is

    def imported(self, name: str) -> Value:
        """A module."""
        head = name.partition(".")[0]
        if head not in STANDARD_LIBRARY and head not in FRAMEWORKS:
            self.may_raise()
        if head == "__main__":
            return self.module
        if head and (head in STANDARD_LIBRARY or head in FRAMEWORKS or head in OTHERS):
            if "lib:" + name in self.world.slots:
                return self.world.slots["lib:" + name]
            return Lib(canonical(name))
        return Unknown((name.lstrip("."),) if name.strip(".") else (), foreign=True)

    def from_module(self, module: Value, name: str) -> Value:
        """The value that is imported from a module."""
        if isinstance(module, Unknown):
            self.may_raise()
            self.asked.setdefault(name)
            return Unknown((name,), foreign=True, lstm="LSTM" in name)
        return self.attribute(module, name)

    def import_all(self, module: Value, scope: Scope) -> None:
        """Bind everything that a module has."""
        if isinstance(module, Lib):
            stars = scope.slots.get("@stars", ())
            self.put(scope, "@stars", (*stars, module) if isinstance(stars, tuple) else (module,))
            for name, value in list(scope.slots.items()):
                if not name.startswith("@") and not isinstance(value, Lib) and self._star(module, name) is not None:
                    self.put(scope, name, self._star(module, name))
            return
        self.may_raise()
        self.put(scope, "@foreign", True)
        for name, value in list(scope.slots.items()):
            if not name.startswith(("@", "_")) and not isinstance(value, Lib | Class | Function | Builtin):
                self.put(scope, name, Unknown((name,), things(value), foreign=True))

    def _star(self, module: Lib, name: str) -> Value:
        """The value that `from module import *` binds a name to; None if nothing is known of it."""
        path = canonical(f"{module.path}.{name}")
        known = path in LIB_FUNCTIONS or path in HOMES or path in KNOWN_STARS or self.lib_class_like(path)
        return self.attribute(module, name) if known else None

    def unbound(self, name: str) -> Value:
        """The value of a name that no code binds: a builtin, or unknown."""
        if self.native and name in PRIMITIVES:
            return Builtin(name, PRIMITIVES[name])
        stars = self.module.slots.get("@stars", ())
        for module in reversed(stars) if isinstance(stars, tuple) else ():
            found = self._star(module, name) if isinstance(module, Lib) else None
            if found is not None:
                return found
        if name in TYPES and isinstance(getattr(builtins, name, None), type):
            return TYPES[name]
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        if name == "__name__":
            return "__main__"
        if name == "__file__":
            return Unknown(("__file__",))
        if name == "__debug__":
            return True
        if name == "NotImplemented":
            return NotImplemented
        if name == "__doc__":
            return None
        return self._usual(name)

    def _usual(self, name: str) -> Value:
        self.may_raise()
        if "@foreign" not in self.module.slots and self.guess:
            if name in USUAL and name not in self.settings:
                return Lib("~" + USUAL[name]) if name in ("nn", "layers", "L") else Lib(USUAL[name])
            if name in ("LSTM", "LSTMCell"):
                return self.usual_attribute("~." + name)
            if name in IN_KERAS:
                return self.attribute(Lib("keras.layers"), name)
            if name in USUAL_NAMES:
                return self.attribute(Lib(USUAL_NAMES[name].rpartition(".")[0]), name)
        self.undefined = self.undefined or name
        self.asked.setdefault(name)
        return Unknown((name,), foreign=True, lstm="LSTM" in name)

    def lib_attribute(self, owner: Lib, name: str) -> Value:
        """The attribute of a name in a library."""
        if name == "__dict__":
            return self.lib_vars(owner)
        path = canonical(f"{owner.path}.{name}")
        changed = self.world.slots.get(f"lib:{path}")
        if changed is not None and not isinstance(changed, Missing):
            return self.present(changed)
        if path.startswith("~"):
            return self.usual_attribute(path)
        made = self.class_of_lib(path)
        if not isinstance(made, Missing):
            return made
        if path in LIB_FUNCTIONS:
            return Builtin(path, LIB_FUNCTIONS[path])
        return self.lib_value(path)

    def _of_function(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Builtin) and f"{owner.name}.{name}" in LIB_FUNCTIONS:  # chain.from_iterable
            return self.lib_attribute(Lib(owner.name), name)
        return super()._of_function(owner, name)

    def class_of_lib(self, path: str) -> Value:
        """The class of a library by its path, if it is written down here."""
        home = HOMES.get(path)
        if home is None:
            return MISSING
        scope = self.library(home)
        name = path.rpartition(".")[2]
        return scope.slots.get(name, MISSING)

    def is_left_out(self, cls: Value, name: str) -> bool:
        """True for an attribute that a class of Python's own, or of its library, has, and that is not written down."""
        own = self.libraries.get("library:standard")
        slots = own.slots if own is not None else {}
        return super().is_left_out(cls, name) or any(
            isinstance(item, Class) and slots.get(item.name) is item and has_of_its_own(real_class(item.name), name)
            for item in (cls.mro if isinstance(cls, Class) else ())
        )

    def library(self, home: str) -> Scope:
        """The module with the classes of a library, run when it is first asked for."""
        slot = f"library:{home}"
        found = self.libraries.get(slot)
        if found is not None:
            return found
        scope = Scope("module", None, 0)
        self.libraries[slot] = scope
        native, base, births = self.native, self.guards, self.births
        self.native, self.guards = True, 0
        mark = len(self.trail)
        try:
            self.execute(_parsed(home).body, scope)
        finally:
            self.native, self.guards = native, base
        # What a library is does not depend on the path on which it is first asked for.
        del self.trail[mark:]
        self.births = births
        for value in scope.slots.values():
            if isinstance(value, Obj):
                value.birth = 0
        return scope

    def lib_vars(self, owner: Lib) -> Value:
        """The value that `vars` of a module of a library gives."""
        made = self.new("object", MISSING, TYPES["object"])
        cls = Class("module vars", (TYPES["object"],), 0)
        cls.mro = (cls, TYPES["object"])
        cls.slots["__getitem__"] = Builtin(
            "vars", lambda machine, args, _: machine.attribute(owner, str(args.pos[1])), method=True
        )
        made.cls = cls
        return made

    def call_lib(self, function: Lib, args: Args, node: ast.AST) -> Value:
        """The value that a call of a library's function gives."""
        known = LIB_FUNCTIONS.get(function.path)
        if known is not None:
            return known(self, args, node)
        found = self.lib_result(function.path, args, node)
        if not isinstance(found, Missing):
            return found
        if "LSTM" in function.path.rpartition(".")[2]:
            self.perhaps_lstm(Unknown((function.path,)), args, node)
        return self.unknown_call(f"{function.path}()", args, lib=True)

    def any_attribute(self, owner: Value, name: Value, node: ast.AST) -> Value:
        """An attribute whose name is not known."""
        del node
        self.may_raise()
        alts = name.alts if isinstance(name, Unknown) else ()
        if alts and all(isinstance(item, str) for item in alts):
            return self.fork([partial(self.attribute, owner, str(item)) for item in alts], unknown_of(name).names)
        home = owner.path.lstrip("~") if isinstance(owner, Lib) else ""
        lstm = home in (
            "torch.nn",
            "keras.layers",
            "torch.nn.modules",
            "torch.nn.modules.rnn",
            "flax.linen",
            "flax.nnx",
        )
        found = unknown_of(owner, name)
        return Unknown(found.names, found.may, foreign=found.foreign, lstm=lstm)

    def forget(self) -> None:
        """Say that every variable may have changed, as by code that is not known in this module."""
        self.may_raise()
        scope: Scope | None = self.calling
        values: list[Value] = []
        while scope is not None:
            for name, value in list(scope.slots.items()):
                values.append(value)
                if not name.startswith("@"):
                    self.put(scope, name, Unknown((name,), things(value), foreign=True))
            self.put(scope, "@foreign", True)
            scope = scope.outer
        self.give_up(values)
        self.doubt_all("code that is made while it runs")

    def attribute(self, owner: Value, name: str) -> Value:
        """The attribute of a value."""
        if (is_constant(owner) and not isinstance(owner, range | slice | type(None))) or isinstance(
            owner, tuple | range | slice
        ):
            found = method_of_constant(self, owner, name)
            if not isinstance(found, Missing):
                return found
            if name == "__class__":
                return TYPES.get(type(owner).__name__, TYPES["object"])
            self.throw("AttributeError", name)
        if isinstance(owner, Obj) and owner.kind == "const" and not isinstance(owner, Class):
            own = self.lookup(owner.cls, name)
            inner = content_of(owner)
            asked = has_own(owner, "__getattribute__") or (
                has_own(owner, "__getattr__") and isinstance(method_of_constant(self, inner, name), Missing)
            )
            builtin = isinstance(own, Missing) or (isinstance(own, Builtin) and not own.method)
            if name not in owner.slots and builtin and not asked:
                return self.attribute(inner, name) if not isinstance(inner, Unknown) else unknown_of(inner)
        return super().attribute(owner, name)
