"""Python's own functions: what `len`, `range`, `isinstance`, `getattr` and the others give.

A function without effects is simply run, if all it is given is known and small.

Not here: the methods of containers (`lists`, `mappings`), and the functions of modules (`standard`).
"""

import ast
import builtins
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lstmcalc.readers.python import mappings
from lstmcalc.readers.python.classes_of_python import TYPES, content_of, is_subclass, plain, type_of
from lstmcalc.readers.python.iterators import Shallow, take_next
from lstmcalc.readers.python.lists import ordered
from lstmcalc.readers.python.machine import Builtin, Function
from lstmcalc.readers.python.making import Making, type_call
from lstmcalc.readers.python.operators import MAX_BITS, MAX_ITEMS
from lstmcalc.readers.python.values import (
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
    is_constant,
    things,
    unknown_of,
)

if TYPE_CHECKING:
    from lstmcalc.readers.python.libraries import Libraries

Function_ = Callable[[Any, Args, ast.AST], Value]
FUNCTIONS: Final[dict[str, Builtin]] = {}
_PARTS: Final = 20_000  # of a constant, lists within lists and all

# Run as they are, on constants.
_PURE: Final = ("abs", "bin", "chr", "divmod", "hex", "oct", "ord", "round", "ascii", "pow", "format", "hash")
# Of constants, without effects: the methods that are run as they are.
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


def function(*names: str) -> Callable[[Function_], Function_]:
    """Make a function that of Python with these names."""

    def add(run: Function_) -> Function_:
        for name in names:
            FUNCTIONS[name] = Builtin(name, run)
        return run

    return add


def constant(value: Value) -> Value:
    """A value as Python's own constant, of a list the list; MISSING if it is not known, or too large."""
    return _constant(value, [_PARTS])


def _constant(value: Value, left: list[int]) -> Value:
    value = plain(value)
    if is_constant(value):
        return value
    left[0] -= 1
    if left[0] < 0:
        return MISSING
    if isinstance(value, Obj) and value.kind in ("list", "view"):
        content = content_of(value)
        return _constants(content, left) if isinstance(content, tuple) else MISSING
    if isinstance(value, Obj) and value.kind in ("dict", "set", "vars"):
        content = content_of(value)
        if isinstance(content, Items) and content.whole and is_constant(tuple(content.map)):
            if value.kind == "set":
                return set(content.map)
            parts = _constants(tuple(content.map.values()), left)
            return dict(zip(content.map, parts, strict=True)) if isinstance(parts, list) else MISSING
        return MISSING
    if isinstance(value, tuple):
        inner = _constants(value, left)
        return tuple(inner) if isinstance(inner, list) else MISSING
    return MISSING


def _constants(values: tuple[Value, ...], left: list[int]) -> Value:
    """Constants in a list; MISSING if one is not known."""
    made: list[Value] = []
    for item in values:
        found = _constant(item, left)
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
        or not all(map(_small, (*given, *keywords.values())))
    ):
        machine.may_raise()
        return unknown_of(*args.all)
    try:
        value = run(*given, **keywords)
    except Exception as error:  # noqa: BLE001  # whatever the function says of its arguments, the program gets
        name = type(error).__name__
        machine.throw(name if name in TYPES else "ValueError", "")
    return lifted(machine, value) if _small(value) else Unknown()


def _small(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= MAX_BITS
    if isinstance(value, str | bytes | range):
        return len(value) <= MAX_ITEMS
    if isinstance(value, list | tuple | set):
        return len(value) <= MAX_ITEMS and all(map(_small, value))
    return all(map(_small, value.values())) if isinstance(value, dict) else True


def _pure(run: Callable[..., object], machine: Making, args: Args, _: ast.AST) -> Value:
    return run_pure(machine, run, args)


for _name in _PURE:
    FUNCTIONS[_name] = Builtin(_name, partial(_pure, getattr(builtins, _name)))


@function("pow")
def _pow(machine: Making, args: Args, _: ast.AST) -> Value:
    if len(args.pos) == 2:  # as the operator, with its limits
        return machine.operate(ast.Pow(), args.pos[0], args.pos[1])
    return (
        run_pure(machine, pow, args)
        if all(isinstance(item, int) and abs(item) < MAX_ITEMS for item in args.pos)
        else Unknown()
    )


@function("round")
def _round(machine: Making, args: Args, _: ast.AST) -> Value:
    if len(args.pos) > 1 and isinstance(args.pos[1], int) and abs(args.pos[1]) > 100:  # its cost grows with it
        return Unknown()
    return run_pure(machine, round, args)


@function("hash", "id")
def _hash(_: Making, args: Args, __: ast.AST) -> Value:
    return Unknown(unknown_of(*args.all).names)


@function("len")
def _len(machine: Making, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else Unknown()
    own = (
        machine.lookup(type_of(value), "__len__")
        if isinstance(value, Obj) and not isinstance(value, Class)
        else MISSING
    )
    if not isinstance(own, Missing | Unknown):
        return machine.call(machine.bind(own, value), Args(), _)
    value = plain(value)
    if isinstance(value, tuple | str | bytes | range):
        return len(value)
    if isinstance(value, Class):
        members = machine.items(value)
        return len(members) if members is not None else Unknown()
    machine.may_raise()
    if isinstance(value, Unknown):
        return Unknown(tuple(f"len({name})" for name in value.names), foreign=value.foreign)
    if isinstance(value, Obj) and isinstance(own, Missing) and value.kind == "object" and "@changed" not in value.slots:
        machine.throw("TypeError", "no len")
    if is_constant(value) and not isinstance(value, tuple):
        machine.throw("TypeError", "no len")
    return unknown_of(value)


@function("isinstance")
def _is_instance(machine: Making, args: Args, _: ast.AST) -> Value:
    known = machine.is_instance(args.pos[0], args.pos[1]) if len(args.pos) > 1 else None
    return Unknown(unknown_of(*args.all).names, alts=(False, True)) if known is None else known


@function("issubclass")
def _is_subclass(_: Making, args: Args, __: ast.AST) -> Value:
    kinds = args.pos[1] if isinstance(args.pos[1], tuple) else (args.pos[1],)
    results = [is_subclass(args.pos[0], kind) for kind in kinds]
    known = True if True in results else None if None in results else False
    return Unknown(alts=(False, True)) if known is None else known


@function("callable")
def _callable(machine: Making, args: Args, _: ast.AST) -> Value:
    value = args.pos[0]
    if isinstance(value, Function | Class | Bound | Builtin | Partial):
        return True
    if is_constant(value):
        return False
    found = machine.lookup(type_of(value), "__call__") if isinstance(value, Obj) else Unknown()
    return Unknown(alts=(False, True)) if isinstance(found, Unknown) else not isinstance(found, Missing)


@function("getattr")
def _getattr(machine: "Libraries", args: Args, node: ast.AST) -> Value:
    if not args.known or len(args.pos) < 2:  # the thing, and a name
        machine.may_raise()
        return unknown_of(*args.all)
    owner, name = args.pos[0], plain(args.pos[1])
    if not isinstance(name, str):
        return machine.any_attribute(owner, name, node)
    if len(args.pos) == 2:  # without a default
        return machine.attribute(owner, name)
    default = args.pos[2]
    with machine.guarded():
        paths = machine.collect(lambda: machine.attribute(owner, name))
    alone = len(paths) == 1 and paths[0].delta is None
    if alone and paths[0].kind == "normal":
        return paths[0].value
    if alone and paths[0].kind == "raise":
        return default
    ended = [path._replace(kind="normal", value=path.value if path.kind == "normal" else default) for path in paths]
    return machine.settle(ended, lambda path: path.kind == "normal")


@function("hasattr")
def _hasattr(machine: Making, args: Args, _: ast.AST) -> Value:
    owner, name = args.pos[0], plain(args.pos[1])
    if not isinstance(name, str) or isinstance(owner, Unknown | Lib):
        machine.may_raise()
        return Unknown(unknown_of(owner, name).names, alts=(False, True))
    with machine.guarded():
        paths = machine.collect(lambda: machine.attribute(owner, name))
    kinds = {path.kind for path in paths}
    machine.settle([path._replace(kind="normal") for path in paths], lambda _: True)
    return True if kinds == {"normal"} else False if kinds == {"raise"} else Unknown(alts=(False, True))


@function("setattr", "delattr")
def _setattr(machine: Making, args: Args, _: ast.AST) -> Value:
    owner, name = args.pos[0], plain(args.pos[1])
    value = args.pos[2] if len(args.pos) > 2 else MISSING  # a thing, a name and a value
    if isinstance(name, str):
        machine.set_attribute(owner, name, value)
        return None
    machine.may_raise()
    machine.give_up([owner])
    return None


@function("vars", "locals", "globals", "dir")
def _vars(machine: "Libraries", args: Args, node: ast.AST) -> Value:
    del node
    if args.pos and isinstance(args.pos[0], Obj):
        return machine.vars_of(args.pos[0])
    if args.pos and isinstance(args.pos[0], Lib):
        return machine.lib_vars(args.pos[0])
    machine.may_raise()
    return unknown_of(*args.all)


@function("globals")
def _globals(machine: Making, _: Args, __: ast.AST) -> Value:
    return machine.vars_of(machine.module)


@function("locals", "vars")
def _locals(machine: "Libraries", args: Args, node: ast.AST) -> Value:
    if args.pos:
        return _vars(machine, args, node)
    scope = machine.frames[-1].scope
    if scope.frame == "function":
        return machine.new("dict", Items({key: value for key, value in scope.slots.items() if not key.startswith("@")}))
    return machine.vars_of(scope)


@function("dir")
def _dir(machine: Making, args: Args, _: ast.AST) -> Value:
    return machine.new("list", unknown_of(*args.all))


@function("range")
def _range(machine: Making, args: Args, _: ast.AST) -> Value:
    values = [plain(item) for item in args.pos]
    if args.known and all(isinstance(item, int) for item in values):
        try:
            return range(*(item for item in values if isinstance(item, int)))
        except ValueError:
            machine.throw("ValueError", "range")
    if any(isinstance(item, float | str | None) for item in values):
        machine.throw("TypeError", "range")
    return unknown_of(*args.all)


@function("slice")
def _slice(_: Making, args: Args, __: ast.AST) -> Value:
    return slice(*args.pos) if all(isinstance(item, int | None) for item in args.pos) else unknown_of(*args.all)


@function("iter", "reversed", "enumerate", "zip", "map", "filter")
def _iterators(machine: Making, args: Args, _: ast.AST) -> Value:
    return unknown_of(*args.all)


@function("iter")
def _iter(machine: Making, args: Args, node: ast.AST) -> Value:
    value = args.pos[0]
    if len(args.pos) > 1:
        return machine.unknown_call("iter()", args)
    if isinstance(value, Obj) and value.kind == "iter":
        return value
    own = machine.lookup(type_of(value), "__iter__") if isinstance(value, Obj) else MISSING
    if isinstance(own, Function):
        return machine.call(machine.bind(own, value), Args(), node)
    if isinstance(value, Obj) and value.kind == "list":
        made = machine.new("iter", MISSING, TYPES["generator"])
        made.slots["@source"] = value
        return made
    items = machine.items(value)
    return machine.iterator(tuple(items)) if items is not None else machine.iterator(unknown_of(value))


@function("next")
def _next(machine: Making, args: Args, node: ast.AST) -> Value:
    owner = args.pos[0]
    if isinstance(owner, Obj) and owner.kind == "iter":
        return take_next(machine, owner, args.pos[1] if len(args.pos) > 1 else MISSING)
    method = machine.lookup(type_of(owner), "__next__") if isinstance(owner, Obj) else Unknown()
    if isinstance(method, Function) and len(args.pos) == 1:
        return machine.call(machine.bind(method, owner), Args(), node)
    machine.may_raise()
    return machine.unknown_call("next()", args, lib=not (isinstance(owner, Unknown) and owner.foreign))


@function("reversed")
def _reversed(machine: Making, args: Args, _: ast.AST) -> Value:
    items = machine.items(args.pos[0])
    return machine.iterator(tuple(items[::-1])) if items is not None else machine.iterator(unknown_of(args.pos[0]))


@function("enumerate")
def _enumerate(machine: Making, args: Args, _: ast.AST) -> Value:
    source = args.pos[0]
    start = plain(args.pos[1] if len(args.pos) > 1 else args.kw.get("start", 0))

    def run() -> Value:
        items = machine.items(source)
        if items is None or not isinstance(start, int):
            return unknown_of(source)
        return tuple((start + place, item) for place, item in enumerate(items))

    return _lazily(machine, "enumerate", run, Shallow(source))


@function("zip")
def _zip(machine: Making, args: Args, _: ast.AST) -> Value:
    def run() -> Value:
        parts = [machine.items(item) for item in args.pos]
        if not args.known or any(part is None for part in parts):
            return unknown_of(*args.all)
        return tuple(zip(*(part for part in parts if part is not None), strict=False))

    return _lazily(machine, "zip", run, *map(Shallow, args.all))


def _lazily(machine: Making, name: str, run: Callable[[], Value], *sources: Value) -> Value:
    return machine.later(name, run, *sources)


@function("map")
def _map(machine: Making, args: Args, node: ast.AST) -> Value:
    def run() -> Value:
        parts = [machine.items(item) for item in args.pos[1:]]
        if not args.known or any(part is None for part in parts):
            machine.run_handed(args.pos[:1])
            out: list[Value] = []
            unknown = [machine.item_of_unknown(item) for item in args.pos[1:]]
            machine.each(
                unknown_of(*args.all), lambda _: out.append(machine.call(args.pos[0], Args(list(unknown)), node))
            )
            return unknown_of(*args.all, *out)
        rows = zip(*(part for part in parts if part is not None), strict=False)
        return tuple(machine.call(args.pos[0], Args(list(row)), node) for row in rows)

    return _lazily(machine, "map", run, *args.all)


@function("filter")
def _filter(machine: Making, args: Args, node: ast.AST) -> Value:
    def run() -> Value:
        items = machine.items(args.pos[1])
        kept: list[Value] = []
        if items is None:
            machine.run_handed(args.pos[:1])
            return unknown_of(*args.all)
        for item in items:
            known = machine.truth(item if args.pos[0] is None else machine.call(args.pos[0], Args([item]), node))
            if known is None:
                return unknown_of(*args.all)
            kept += [item] if known else []
        return tuple(kept)

    return _lazily(machine, "filter", run, *args.all)


@function("sorted")
def _sorted(machine: Making, args: Args, node: ast.AST) -> Value:
    source = args.pos[0]
    content = content_of(source) if isinstance(source, Obj) and source.kind == "set" else None
    whole = (
        isinstance(content, Items)
        and content.rest is None
        and not any(isinstance(item, Unknown) for item in content.map.values())
    )
    items = list(content.map) if isinstance(content, Items) and whole else machine.items(source)
    if items is None:
        machine.run_handed([args.kw.get("key")])
        return machine.new("list", unknown_of(*args.all))
    if isinstance(content, Items) and args.kw.get("key") is not None and len(items) > 1:
        machine.run_handed([args.kw["key"]])
        return machine.new("list", unknown_of(*items))  # what is equal keeps an order that is not known
    return machine.new("list", ordered(machine, items, args.kw, node))


@function("any", "all")
def _any_all(machine: Making, args: Args, _: ast.AST) -> Value:
    return unknown_of(*args.all)


def _quantified(ends: bool) -> Function_:
    def run(machine: Making, args: Args, _: ast.AST) -> Value:
        items = machine.items(args.pos[0])
        if items is None:
            return Unknown(unknown_of(*args.all).names, alts=(False, True))
        sides = [machine.truth(item) for item in items]
        if ends in [side for side in sides if side is not None]:
            return ends
        return Unknown(unknown_of(*items).names, alts=(False, True)) if None in sides else not ends

    return run


function("any")(_quantified(True))
function("all")(_quantified(False))


@function("sum")
def _sum(machine: Making, args: Args, _: ast.AST) -> Value:
    items = machine.items(args.pos[0])
    total = args.pos[1] if len(args.pos) > 1 else args.kw.get("start", 0)
    if items is None:
        return unknown_of(*args.all)
    for item in items:
        total = machine.operate(ast.Add(), total, item)
    return total


def _extreme(greatest: bool) -> Function_:
    def run(machine: Making, args: Args, node: ast.AST) -> Value:
        items = machine.items(args.pos[0]) if len(args.pos) == 1 else list(args.pos)
        key = args.kw.get("key")
        if items is None or not args.known:
            machine.run_handed([key])
            return unknown_of(*args.all)
        if not items:
            if "default" in args.kw:
                return args.kw["default"]
            machine.throw("ValueError", "empty")
        keys = [plain(machine.call(key, Args([item]), node) if key is not None else item) for item in items]
        if not is_constant(tuple(keys)):
            machine.may_raise()
            return unknown_of(*items)
        try:
            chosen = (max if greatest else min)(range(len(items)), key=lambda place: keys[place])  # type: ignore[arg-type,return-value]  # Python says so
        except TypeError:
            machine.throw("TypeError", "not comparable")
        return items[chosen]

    return run


function("max")(_extreme(True))
function("min")(_extreme(False))


@function("print", "breakpoint", "help")
def _print(machine: Making, args: Args, _: ast.AST) -> Value:
    del machine, args
    return None


@function("input", "open", "memoryview", "bytearray", "aiter", "anext")
def _foreign(machine: Making, args: Args, node: ast.AST) -> Value:
    machine.may_raise()
    name = ast.unparse(node) if isinstance(node, ast.Call) else "input()"
    machine.asked.setdefault(name)
    return Unknown((name,), things(tuple(args.all)))


@function("exit", "quit")
def _exit(machine: Making, _: Args, __: ast.AST) -> Value:
    machine.throw("SystemExit")


@function("repr", "str")
def _text(machine: Making, args: Args, node: ast.AST) -> Value:
    value = args.pos[0] if args.pos else ""
    for name in ("__str__", "__repr__"):
        own = machine.lookup(type_of(value), name) if isinstance(value, Obj) else MISSING
        if isinstance(own, Function):
            return machine.call(machine.bind(own, value), Args(), node)
    value = constant(value)
    if isinstance(value, Missing) or len(args.pos) > 1:
        return unknown_of(*args.all)
    return run_pure(machine, str, Args([value]))


@function("repr")
def _repr(machine: Making, args: Args, _: ast.AST) -> Value:
    value = constant(args.pos[0])
    return repr(value) if not isinstance(value, Missing) and _small(value) else unknown_of(*args.all)


# Classes, as functions.

_NUMBERS: Final = {"int": int, "float": float, "bool": bool, "complex": complex, "str": str, "bytes": bytes}


def _number(name: str) -> Function_:
    def run(machine: Making, args: Args, node: ast.AST) -> Value:
        given = args.pos[1:]
        if not given and not args.kw:
            return _NUMBERS[name]()
        value = given[0] if given else Unknown()
        if name == "bool":
            known = machine.truth(value)
            return Unknown(unknown_of(value).names, alts=(False, True)) if known is None else known
        if name == "str" and len(given) == 1:
            return _text(machine, Args(list(given)), node)
        for hook in (f"__{name}__", "__index__"):
            own = machine.lookup(type_of(value), hook) if isinstance(value, Obj) else MISSING
            if isinstance(own, Function | Builtin):
                return machine.call(machine.bind(own, value), Args(), node)
        return run_pure(machine, _NUMBERS[name], replace(args, pos=given))

    return run


for _name in _NUMBERS:
    TYPES[_name].slots["__new__"] = Builtin(_name, _number(_name))


def _new_container(kind: str) -> Function_:
    def run(machine: Making, args: Args, node: ast.AST) -> Value:
        cls = args.pos[0]
        if isinstance(cls, Class) and cls.bound is not None:
            return machine.allocate(cls)
        if kind == "tuple":
            items = machine.items(args.pos[1]) if len(args.pos) > 1 else []
            return tuple(items) if items is not None else unknown_of(*args.all)
        if kind == "dict":
            made = machine.new("dict", Items({}))
            machine.call(Bound(TYPES["dict"].slots["update"], made), replace(args, pos=args.pos[1:]), node)
            return made
        if kind == "list":
            items = machine.items(args.pos[1]) if len(args.pos) > 1 else []
            return machine.new("list", tuple(items) if items is not None else unknown_of(*args.pos[1:]))
        made = machine.new("set", Items({}))
        if len(args.pos) > 1:
            machine.call(Bound(TYPES["set"].slots["update"], made), Args(args.pos[1:]), node)
        return made

    return run


for _name in ("list", "dict", "set", "frozenset"):
    TYPES[_name].slots["__new__"] = Builtin(_name, _new_container(_name))
TYPES["tuple"].slots["__new__"] = Builtin("tuple", _new_container("tuple"))
for _name, _method in TYPES["set"].slots.items():
    if _name not in ("add", "update", "discard", "remove", "clear", "pop", "__new__"):
        TYPES["frozenset"].slots.setdefault(_name, _method)
TYPES["type"].slots["__new__"] = Builtin(
    "type", lambda machine, args, node: type_call(machine, replace(args, pos=args.pos[1:]), node)
)


def _new_object(machine: Making, args: Args, _: ast.AST) -> Value:
    cls = args.pos[0] if args.pos else Unknown()
    return machine.allocate(cls) if isinstance(cls, Class) else unknown_of(*args.all)


TYPES["object"].slots |= {
    "__new__": Builtin("object.__new__", _new_object),
    "__setattr__": Builtin(
        "object.__setattr__",
        lambda machine, args, _: machine.set_hidden(args.pos[0], str(args.pos[1]), args.pos[2]),
        method=True,
    ),
    "__delattr__": Builtin(
        "object.__setattr__",
        lambda machine, args, _: machine.set_plainly(args.pos[0], str(args.pos[1]), MISSING),
        method=True,
    ),
    "__init__": Builtin("object.__init__", lambda _, __, ___: None, method=True),
    "__init_subclass__": Builtin("object.__init_subclass__", lambda _, __, ___: None, method=True),
}


def _init_error(machine: Making, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    if isinstance(owner, Obj):
        machine.put(owner, "args", tuple(args.pos[1:]))
    return None


TYPES["BaseException"].slots["__init__"] = Builtin("error", _init_error, method=True)


@function("super")
def _super(machine: Making, args: Args, _: ast.AST) -> Value:
    if len(args.pos) == 2 and isinstance(args.pos[0], Class):  # a class and a thing
        return Super(args.pos[0], args.pos[1])
    for frame in reversed(machine.frames):
        if frame.function is not None and frame.function.owner is not None:
            spec = frame.function.node.args
            first = [*spec.posonlyargs, *spec.args][:1]
            owner = frame.scope.slots.get(first[0].arg, MISSING) if first else MISSING
            if not isinstance(owner, Missing | Unknown):
                return Super(frame.function.owner, owner)
    machine.may_raise()
    return Unknown(foreign=True)


@function("property", "classmethod", "staticmethod")
def _descriptors(machine: Making, args: Args, _: ast.AST) -> Value:
    del machine
    return Descriptor(
        "property",
        args.pos[0] if args.pos else args.kw.get("fget"),
        args.pos[1] if len(args.pos) > 1 else args.kw.get("fset"),
    )


function("classmethod")(lambda _, args, __: Descriptor("class", args.pos[0]))
function("staticmethod")(lambda _, args, __: Descriptor("static", args.pos[0]))


@function("eval")
def _eval(machine: "Libraries", args: Args, _: ast.AST) -> Value:
    text = plain(args.pos[0])
    if isinstance(text, str) and len(args.pos) == 1 and len(text) <= 1_000:  # nobody evaluates more
        try:
            node = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            machine.throw("SyntaxError")
        return machine.evaluate(node.body, machine.frames[-1].scope)
    machine.forget()
    return unknown_of(*args.all)


@function("exec")
def _exec(machine: "Libraries", args: Args, _: ast.AST) -> Value:
    text = plain(args.pos[0])
    if isinstance(text, str) and len(args.pos) == 1 and len(text) <= MAX_ITEMS:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            machine.throw("SyntaxError")
        scope = machine.frames[-1].scope
        if scope.frame == "function":
            inner = Scope("module", None, machine.born())
            inner.slots |= machine.module.slots
        machine.execute(tree.body, scope if scope.frame != "function" else inner)
        return None
    machine.forget()
    return None


@function("__import__")
def _import(machine: Making, args: Args, _: ast.AST) -> Value:
    name = plain(args.pos[0])
    return (
        machine.imported(name.partition(".")[0])
        if isinstance(name, str)
        else machine.unknown_call("__import__()", args)
    )


def _without_class(run: Function_, machine: Making, args: Args, node: ast.AST) -> Value:
    return run(machine, replace(args, pos=args.pos[1:]), node)


for _name in (
    "range",
    "slice",
    "super",
    "property",
    "classmethod",
    "staticmethod",
    "map",
    "zip",
    "filter",
    "enumerate",
    "reversed",
):
    TYPES[_name].slots["__new__"] = Builtin(_name, partial(_without_class, FUNCTIONS[_name].run))


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
    given = [constant(item) for item in args.all]
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


__all__ = ["FUNCTIONS", "constant", "lifted", "mappings", "method_of_constant", "run_pure"]
