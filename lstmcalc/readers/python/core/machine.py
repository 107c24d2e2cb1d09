"""The machine that runs a program over abstract values: its scopes, its frames, and what every part of it shares.

The promise: a value is either what every run of the file would give, or unknown with the names that would settle it.
Each part keeps it in the same way: where it does not know what Python would do, it says unknown, notes that an
exception may follow (`may_raise`), and gives up whatever the code that is not known could change (`give_up`).

Nothing of the file is run or imported.

Not here: statements, expressions, calls and classes, which are built on this one above the other.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from lstmcalc.readers.python.core.heap import Leave
from lstmcalc.readers.python.core.parts import Parts
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Items,
    Lib,
    Log,
    Missing,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    merged_names,
    things,
)
from lstmcalc.readers.python.core.variables import FunctionNode

MAX_DEPTH: Final = 60  # calls within calls
MAX_AGAIN: Final = 6  # calls of a function within itself where it is not known whether it calls itself
MAX_REACH: Final = 20_000  # things that unknown code may change


class Function(Obj):
    """A function of Python code."""

    __slots__ = ("defaults", "kw_defaults", "name", "native", "node", "outer", "owner")

    def __init__(self, node: FunctionNode, outer: Scope, birth: int, *, native: bool) -> None:
        super().__init__("function", None, birth)
        self.node = node
        self.name = getattr(node, "name", "<lambda>")
        self.outer = outer
        self.native = native  # whether it is ours, and not the file's
        self.owner: Class | None = None  # the class in whose body it stands
        self.defaults: tuple[Value, ...] = ()
        self.kw_defaults: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function that is done here."""

    name: str
    run: Callable[[Any, Args, ast.AST], Value]  # of a machine that has what it needs
    method: bool = False  # whether it becomes a method as an attribute of a class


class Frame:
    """A call that is being run. No value leads to it: whoever has an LSTM does not have what made it."""

    __slots__ = ("call", "function", "scope")

    def __init__(self, scope: Scope, function: Function | None, call: ast.AST | None) -> None:
        self.scope = scope
        self.function = function
        self.call = call  # where it is called


class Machine(Parts):
    """The state of the program that is run, and what its parts have in common."""

    def __init__(self, settings: Mapping[str, Value], asked: dict[str, None]) -> None:
        super().__init__()
        self.settings = settings  # the values of names, by their text
        self.asked = asked  # the names that were looked for and not known, in order
        self.collects = False  # True to note the keys that are read of settings which are not known, and `defaults`
        self.defaults: dict[str, None] = {}  # the names of the command line's options that have their defaults
        self.world = Obj("world", None, 0)
        self.world.slots |= {"made": Log(), "dtype": "float32", "escaped": Unknown()}
        self.module = Scope("module", None, 0)
        self.frames: list[Frame] = [Frame(self.module, None, None)]
        self.calling: Scope = self.module  # the scope in whose code the call stands that is being run
        self.examined: Class | None = None  # the class that is made to see what it makes, an abstract one too
        self.native = False  # whether code of ours is run
        self.site: ast.AST | None = None  # the call of the file that is being run
        self.tainted: set[tuple[int, str]] = set()  # slots whose values are defaults that a caller can change
        self.taint = False  # whether such a value has been read
        self.decided_taint = False  # whether such a value has decided that this code is run
        self.returned_taint = False  # whether what a function returns is such a value
        self.noted_nodes: set[ast.AST] = set()  # the arguments that are such values
        self.noted_calls: dict[ast.AST, frozenset[int | str]] = {}  # by call, as names and places
        self.called: set[ast.AST] = set()  # the functions and classes that were called
        self.undefined = ""  # a name that was read and that nothing binds
        self.notes: list[str] = []
        self.volatile: set[tuple[Obj, str]] = set()  # what functions change that unknown code was given
        self.handed: list[Value] = []  # the functions that are run as unknown code would
        self.first_yield: dict[
            int, tuple[int, object, Value]
        ] = {}  # the state at a generator's first item, by its scope
        self.texts: dict[ast.AST, str] = {}  # of expressions
        self.libraries: dict[str, Scope] = {}  # the classes of libraries that were asked for
        self.at_yield: dict[
            int, Callable[[Value], Value]
        ] = {}  # the code within a context manager, by the scope around

    @property
    def here(self) -> ast.AST:
        """The call of the file that is being run."""
        return self.site or _NOWHERE

    # What they share.

    def unknown(self, name: str, *values: Value, foreign: bool = True, lstm: bool = False) -> Unknown:
        """A value that `name` would settle."""
        self.asked.setdefault(name)
        return Unknown((name,), frozenset().union(*map(things, values)), foreign=foreign, lstm=lstm)

    def throw(self, kind: str, message: str = "") -> NoReturn:
        """Leave with an exception of Python's.

        Raises:
            Leave: Always.
        """
        from lstmcalc.readers.python.core.classes_of_python import TYPES

        error = Obj("object", TYPES[kind], self.born())
        error.slots["args"] = (message,)
        raise Leave("raise", error)

    def new(self, kind: str, content: Value = MISSING, cls: Class | None = None) -> Obj:
        """A new list, dictionary, set or the like."""
        from lstmcalc.readers.python.core.classes_of_python import TYPES

        made = Obj(kind, cls or TYPES.get(kind), self.born())
        if not isinstance(content, Missing):
            made.slots[CONTENT] = content
        return made

    def new_list(self, items: Iterable[Value]) -> Obj:
        """A new list."""
        return self.new("list", tuple(items))

    def new_dict(self, items: Mapping[Any, Value], rest: Unknown | None = None) -> Obj:
        """A new dictionary."""
        return self.new("dict", Items(dict(items), rest))

    def present(self, value: Value) -> Value:
        """A value that was read, which may not have been there."""
        if isinstance(value, Unknown) and value.absent:
            self.may_raise()
            return replace(value, absent=False)
        return value

    def is_tainted(self, node: ast.AST) -> bool:
        """True if an argument is a default that a caller, or the command line, can change."""
        return node in self.noted_nodes

    def holds_taint(self, owner: Value, key: str) -> bool:
        """True if what a dictionary has for a key is such a default."""
        if isinstance(owner, Obj) and owner.kind == "vars":
            owner = owner.slots["@of"]
        return (id(owner), key) in self.tainted

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Code around which something stops exceptions."""
        self.guards += 1
        try:
            yield
        finally:
            self.guards -= 1

    # Code that is not known.

    def unknown_call(self, name: str, args: Args, *owners: Value, lib: bool = False, lstm: bool = False) -> Value:
        """The value of a call of code that is not known; what it was given may be changed, unless it is a library's."""
        given = [*owners, *args.all]
        self.may_raise()
        self.run_handed(given, foreign=not lib)
        if not lib:
            self.give_up(given)
        names = merged_names(*(value.names for value in given if isinstance(value, Unknown)))
        if not lib or not names:
            self.asked.setdefault(name)
            names = merged_names((name,) if not lib or not names else (), names)
        return Unknown(names, frozenset().union(*map(things, given)), foreign=not lib, lstm=lstm)

    def run_handed(self, values: Iterable[Value], *, foreign: bool = False) -> None:
        """Run the functions among values any number of times, with arguments that are not known."""
        for value in list(values):
            for function in self._functions(value):
                if any(function == other for other in self.handed):  # it is being run as that already
                    continue
                unknown = Unknown(foreign=False)
                args = Args(rest=unknown, more=unknown)
                given: list[Value] = []

                def once(function: Value = function, args: Args = args, given: list[Value] = given) -> Value:
                    given.append(self._try_call(function, args))
                    return None

                self.handed.append(function)
                mark, before = len(self.trail), self.births
                try:
                    self.repeat(once)
                finally:
                    self.handed.pop()
                if foreign:  # it may call them whenever it is called again
                    self.volatile |= {key for key in self.delta(mark) if key[0].birth <= before}
                if foreign and given:  # what it returns is in the hands of that code
                    self.give_up(given[-1:])

    def _try_call(self, function: Value, args: Args) -> Value:
        with self.guarded():
            paths = self.collect(lambda: self.call(function, args, self.site or ast.Pass()))
        return self.settle([path for path in paths if path.kind in ("normal", "raise")], lambda _: True)

    def _functions(self, value: Value) -> list[Value]:
        if isinstance(value, Function):
            return [] if value.native else [value]
        if isinstance(value, Bound):
            return [value] if isinstance(value.function, Function) and not value.function.native else []
        if isinstance(value, Unknown):
            return [item for item in value.may if isinstance(item, Function) and not item.native]
        if isinstance(value, Obj) and value.kind in ("iter", "coroutine") and "@thunk" in value.slots:
            thunk = value.slots["@thunk"]
            return [thunk.function] if isinstance(thunk, Partial) else []
        parts: Iterable[Value] = ()
        if isinstance(value, tuple):
            parts = value
        elif isinstance(value, Obj) and value.kind in ("list", "dict"):
            content = value.slots.get(CONTENT)
            parts = (
                content if isinstance(content, tuple) else content.map.values() if isinstance(content, Items) else ()
            )
        return [item for part in parts if isinstance(part, Function | Bound) for item in self._functions(part)]

    def give_up(self, values: Iterable[Value]) -> None:
        """Say that everything that these values lead to may have been changed, now and whenever unknown code runs."""
        escaped = self.world.slots["escaped"]
        known = escaped.may if isinstance(escaped, Unknown) else frozenset[Obj]()
        given = frozenset(
            item for value in values for item in things(value) if _can_change(item) or isinstance(item, Function)
        )
        if not given <= known:
            self.put(self.world, "escaped", Unknown(may=known | given))
        for thing, slot in self.volatile:
            value = thing.slots.get(slot, MISSING)
            if slot not in ("made", "escaped") and not (isinstance(value, Unknown) and not value.alts):
                self.put(thing, slot, Unknown(may=things(value), foreign=True, absent=isinstance(value, Missing)))
        for thing in self.reach(known | given):
            self.spend(4 + 2 * len(thing.slots))
            for slot, value in list(thing.slots.items()):
                if _stays(thing, slot, value):
                    continue
                blurred = Unknown(may=things(value), foreign=True, absent=slot != CONTENT)
                if value != blurred:
                    self.put(thing, slot, blurred)
            if not isinstance(thing, Function | Scope) and "@changed" not in thing.slots:
                self.put(thing, "@changed", True)

    def reach(self, values: Iterable[Obj]) -> list[Obj]:
        """The things that others lead to, themselves too."""
        found: dict[Obj, None] = {}
        stack = sorted(values, key=lambda item: item.birth)
        while stack and len(found) < MAX_REACH:
            thing = stack.pop()
            if thing in found or not _can_change(thing):
                continue
            found[thing] = None
            for value in thing.slots.values():
                stack += things(value)
            if thing.cls is not None and thing.cls.bound is not None and thing.kind != "class":
                stack.append(thing.cls)
        return list(found)

    # Names.

    def load(self, name: str, scope: Scope) -> Value:
        """The value of a name in a scope, MISSING if nothing binds it.

        Raises:
            Leave: It is a variable without a value.
        """
        if scope.declared.get(name) == "global":
            at: Scope | None = self.module_of(scope)
        else:
            at = scope
        first = True
        while at is not None:
            if at.frame == "module" or (at.frame == "class" and first) or name in at.locals:
                value = at.slots.get(name, MISSING)
                if not isinstance(value, Missing):
                    self.taint = self.taint or (id(at), name) in self.tainted
                    return self.present(value)
                if at.frame in ("function", "comprehension"):
                    self.throw("UnboundLocalError", name)
            if not first or at.frame != "class":
                first = False
            first = False
            at = at.outer
        return MISSING

    def store(self, name: str, value: Value, scope: Scope) -> None:
        """Bind a name in a scope; MISSING unbinds it."""
        at = self.home(name, scope)
        self.put(at, name, value)

    def home(self, name: str, scope: Scope) -> Scope:
        """The scope in which code in another binds a name."""
        declared = scope.declared.get(name)
        if declared == "global":
            return self.module_of(scope)
        at: Scope | None = scope
        if declared == "nonlocal":
            at = scope.outer
            while at is not None and not (at.frame == "function" and name in at.locals):
                at = at.outer
        return at or scope

    def module_of(self, scope: Scope) -> Scope:
        """The module that a scope is in."""
        while scope.outer is not None:
            scope = scope.outer
        return scope


_NOWHERE: Final = ast.Pass()


def _can_change(thing: Obj) -> bool:
    """True if unknown code can change a thing that it is given."""
    return thing.kind not in ("function", "world") and not (isinstance(thing, Class) and thing.bound is None)


def _stays(thing: Obj, slot: str, value: Value) -> bool:
    """True if a slot is taken to be as it was, whatever unknown code does: methods, imported names, what a layer is."""
    if isinstance(thing, Scope):
        return True
    if slot == "@dtype":
        return False
    if slot.startswith("@") and slot != CONTENT:
        return True
    return isinstance(thing, Class) and isinstance(value, Function | Builtin | Lib)
