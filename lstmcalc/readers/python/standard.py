"""Functions of Python's standard library, and of NumPy without arrays: those without effects are run on what is known.

Not here: Python's own functions (`functions`), and the classes (`library_code`).
"""

import ast
import itertools
import json
import math
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from lstmcalc.readers.python.blocks import Made
from lstmcalc.readers.python.classes_of_python import TYPES, content_of, plain
from lstmcalc.readers.python.command_line import COMMAND_LINE, is_command_line
from lstmcalc.readers.python.functions import constant, lifted, run_pure
from lstmcalc.readers.python.libraries import LIB_FUNCTIONS, Libraries, lib_function, primitive
from lstmcalc.readers.python.machine import Builtin, Function
from lstmcalc.readers.python.making import dataclass_of, field_of, named_tuple_of
from lstmcalc.readers.python.operators import MAX_ITEMS
from lstmcalc.readers.python.values import (
    CONTENT,
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
    Unknown,
    Value,
    is_constant,
    unknown_of,
)

_BOUNDED: Final = (
    "ceil",
    "floor",
    "sqrt",
    "log",
    "log2",
    "log10",
    "exp",
    "isqrt",
    "gcd",
    "lcm",
    "prod",
    "trunc",
    "fabs",
    "fmod",
    "isclose",
    "isnan",
    "isinf",
    "isfinite",
    "sin",
    "cos",
    "tan",
    "hypot",
    "copysign",
    "modf",
)
_OPERATORS: Final[Mapping[str, ast.operator]] = {
    "add": ast.Add(),
    "sub": ast.Sub(),
    "mul": ast.Mult(),
    "truediv": ast.Div(),
    "floordiv": ast.FloorDiv(),
    "mod": ast.Mod(),
    "pow": ast.Pow(),
    "or_": ast.BitOr(),
    "and_": ast.BitAnd(),
    "concat": ast.Add(),
    "iadd": ast.Add(),
}
_VALUES: Final[Mapping[str, Value]] = {
    "math.pi": math.pi,
    "math.e": math.e,
    "math.inf": math.inf,
    "math.tau": math.tau,
    "numpy.pi": math.pi,
    "numpy.e": math.e,
    "numpy.newaxis": None,
    "typing.TYPE_CHECKING": False,
    "string.ascii_lowercase": string.ascii_lowercase,
    "string.ascii_uppercase": string.ascii_uppercase,
    "string.ascii_letters": string.ascii_letters,
    "string.digits": string.digits,
    "string.punctuation": string.punctuation,
    "string.printable": string.printable,
    "string.whitespace": string.whitespace,
    "argparse.SUPPRESS": "==SUPPRESS==",
    "argparse.REMAINDER": "...",
    "argparse.OPTIONAL": "?",
    "argparse.ZERO_OR_MORE": "*",
    "argparse.ONE_OR_MORE": "+",
}


def _on_numbers(run: Callable[..., object], machine: Libraries, args: Args, _: ast.AST) -> Value:
    return run_pure(machine, run, args)


for _name in _BOUNDED:
    LIB_FUNCTIONS[f"math.{_name}"] = partial(_on_numbers, getattr(math, _name))
for _name, _op in _OPERATORS.items():
    LIB_FUNCTIONS[f"operator.{_name}"] = lambda machine, args, _, op=_op: machine.operate(op, *args.pos[:2])  # type: ignore[misc]  # as above


class Standard(Libraries):
    """Knows Python's standard library."""

    def lib_value(self, path: str) -> Value:
        """The value of a name in a library that is no function and no class of the tables."""
        if path in _VALUES:
            return _VALUES[path]
        if path in ("os.environ", "sys.argv", "sys.modules", "sys.path"):
            return self._global(path)
        if path in ("absl.flags.FLAGS", "tensorflow.app.flags.FLAGS", "tensorflow.flags.FLAGS"):
            return self.flags_of_absl()
        if path.startswith("builtins."):
            return self.unbound(path.partition(".")[2])
        return Lib(path)

    def flags_of_absl(self) -> Obj:
        """The flags that `absl.flags` holds: those that were not defined here are not known."""
        found = self.world.slots.get("global:flags")
        if isinstance(found, Obj):
            return found
        cls = self.class_of_lib("types.SimpleNamespace")
        made = Obj("object", cls if isinstance(cls, Class) else None, 0)
        made.slots["@changed"] = True
        self.put(self.world, "global:flags", made)
        return made

    def _global(self, path: str) -> Value:
        """A thing of a module that programs read and change."""
        slot = f"global:{path}"
        found = self.world.slots.get(slot)
        if found is not None:
            return found
        unknown = Unknown((path,), absent=True)
        if path == "sys.argv":
            argv = self.class_of_lib("sys.Argv")
            made = Obj("list", argv if isinstance(argv, Class) else TYPES["list"], 0)
            made.slots[CONTENT] = Unknown(("sys.argv",), why=COMMAND_LINE)
        elif path == "sys.modules":
            made = Obj("dict", TYPES["dict"], 0)
            made.slots[CONTENT] = Items({"__main__": self.module}, unknown)
        elif path == "os.environ":
            made = Obj("dict", TYPES["dict"], 0)
            made.slots[CONTENT] = Items({}, unknown)
        else:
            made = Obj("list", TYPES["list"], 0)
            made.slots[CONTENT] = Unknown()
        self.put(self.world, slot, made)
        return made


def _define(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """Define a flag; its default is what the command line can change."""
    name = plain(args.pos[0] if args.pos else args.kw.get("name"))
    default = args.pos[1] if len(args.pos) > 1 else args.kw.get("default", args.kw.get("default_value", Unknown()))
    if isinstance(name, str) and isinstance(machine, Standard):
        held = machine.flags_of_absl()
        value = Unknown((f"FLAGS.{name}",)) if isinstance(default, Unknown | type(None)) else default
        machine.put(held, name, value)
        machine.tainted.add((id(held), name))
    return None


for _kind in ("integer", "string", "float", "boolean", "bool", "enum", "list", "multi_integer"):
    for _home in ("absl.flags", "tensorflow.app.flags", "tensorflow.flags"):
        LIB_FUNCTIONS[f"{_home}.DEFINE_{_kind}"] = _define

# Copies.


def copied(machine: Libraries, value: Value, *, deep: bool, made: dict[int, Value] | None = None) -> Value:
    """A copy of a value, whose parts are copied too if it is deep."""
    made = {} if made is None else made
    value_id = id(value)
    if value_id in made:
        return made[value_id]
    if isinstance(value, tuple):
        return tuple(copied(machine, item, deep=deep, made=made) for item in value) if deep else value
    if isinstance(value, Unknown):
        return Unknown(value.names, value.may, foreign=value.foreign, absent=value.absent)
    if isinstance(value, Items):
        parts = {key: copied(machine, item, deep=deep, made=made) for key, item in value.map.items()}
        return Items(parts, value.rest, ordered=value.ordered)
    if not isinstance(value, Obj) or isinstance(value, Class | Function) or value.kind in ("scope", "world"):
        return value
    for name in ("__deepcopy__",) if deep else ("__copy__",):
        own = machine.lookup(value.cls, name) if value.cls is not None else MISSING
        if isinstance(own, Function):
            return machine.call(machine.bind(own, value), Args([machine.new_dict({})] if deep else []), machine.here)
    machine.spend(4)
    twin = Obj("dict" if value.kind == "vars" else value.kind, value.cls, machine.born())
    made[value_id] = twin
    machine.was_allocated(twin)
    slots = {CONTENT: content_of(value)} if value.kind == "vars" else value.slots
    for slot, item in slots.items():
        twin.slots[slot] = copied(machine, item, deep=deep, made=made) if deep else item
        if (id(value), slot) in machine.tainted:
            machine.tainted.add((id(twin), slot))
    return twin


@lib_function("copy.deepcopy", "copy.copy")
def _deepcopy(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return copied(machine, args.pos[0], deep=True)


@lib_function("copy.copy")
def _copy(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return copied(machine, args.pos[0], deep=False)


# Texts.


@lib_function("json.loads", "ast.literal_eval")
def _loads(machine: Libraries, args: Args, node: ast.AST) -> Value:
    text = plain(args.pos[0]) if args.pos else None
    if not isinstance(text, str | bytes) or len(text) > MAX_ITEMS or len(args.pos) > 1:
        machine.may_raise()
        return unknown_of(*args.all)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        machine.throw("ValueError", "json")
    hook = args.kw.get("object_hook")
    if set(args.kw) - {"object_hook"}:
        return unknown_of(*args.all)
    return _hooked(machine, value, hook, node) if hook is not None else lifted(machine, value)


def _hooked(machine: Libraries, value: object, hook: Value, node: ast.AST) -> Value:
    if isinstance(value, dict):
        made = machine.new_dict({key: _hooked(machine, item, hook, node) for key, item in value.items()})
        return machine.call(hook, Args([made]), node)
    if isinstance(value, list):
        return machine.new_list(_hooked(machine, item, hook, node) for item in value)
    return lifted(machine, value)


@lib_function("ast.literal_eval")
def _literal(machine: Libraries, args: Args, _: ast.AST) -> Value:
    text = plain(args.pos[0])
    if not isinstance(text, str) or len(text) > 10_000:  # nobody writes a longer one
        machine.may_raise()
        return unknown_of(text)
    try:
        return lifted(machine, ast.literal_eval(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        machine.throw("ValueError", "literal")


@lib_function("json.dumps")
def _dumps(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = constant(args.pos[0])
    if isinstance(value, Missing) or len(args.pos) > 1 or set(args.kw) - {"sort_keys"}:
        return unknown_of(*args.all)
    return run_pure(machine, json.dumps, Args([args.pos[0]], dict(args.kw)))


@primitive("_ini")
def _ini(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """The sections of a configuration file's text."""
    import configparser

    text = plain(args.pos[0])
    if not isinstance(text, str) or len(text) > MAX_ITEMS or "%" in text:
        return machine.new("dict", Items({}, replace(unknown_of(text), absent=True)))
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        machine.throw("ValueError", "ini")
    own = {
        name: {key: parser[name][key] for key in parser[name] if key not in parser.defaults()}
        for name in parser.sections()
    }
    return lifted(machine, {"DEFAULT": dict(parser.defaults()), **own})


@primitive("_boolean")
def _boolean(machine: Libraries, args: Args, _: ast.AST) -> Value:
    text = plain(args.pos[0])
    if not isinstance(text, str):
        return unknown_of(text)
    known = {**dict.fromkeys(("1", "yes", "true", "on"), True), **dict.fromkeys(("0", "no", "false", "off"), False)}
    if text.lower() not in known:
        machine.throw("ValueError", "boolean")
    return known[text.lower()]


@primitive("_unknown")
def _unknown(_: Libraries, __: Args, ___: ast.AST) -> Value:
    return Unknown()


@primitive("_is_command_line")
def _is_command_line(_: Libraries, args: Args, __: ast.AST) -> Value:
    return isinstance(args.pos[0], Obj) and is_command_line(args.pos[0].slots.get(CONTENT, MISSING))


@primitive("_named_unknown")
def _named_unknown(machine: Libraries, args: Args, _: ast.AST) -> Value:
    machine.may_raise()
    return machine.unknown(str(args.pos[0]), foreign=False)


# Functions of functions.


@lib_function("functools.partial")
def _partial(machine: Libraries, args: Args, _: ast.AST) -> Value:
    if not args.known or not args.pos:
        return machine.unknown_call("partial()", args)
    return Partial(args.pos[0], tuple(args.pos[1:]), tuple(args.kw.items()))


@lib_function("functools.partialmethod")
def _partial_method(_: Libraries, args: Args, __: ast.AST) -> Value:
    return Partial("partialmethod", tuple(args.pos), tuple(args.kw.items()))


def _as_it_is(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A decorator that changes nothing of what is called."""
    return args.pos[0] if args.pos else Unknown()


for _path in (
    *[
        "functools.total_ordering",
        "abc.abstractmethod",
        "typing.final",
        "typing.overload",
        "typing.override",
        "typing.runtime_checkable",
    ],
    *[
        "torch.no_grad()",
        "torch.jit.script",
        "torch.jit.ignore",
        "torch.jit.export",
        "torch.jit.unused",
        "functools.singledispatch",
    ],
    *[
        "torch.compile",
        "torch.compiler.disable",
        "atexit.register",
        "typing.no_type_check",
        "contextlib.asynccontextmanager",
        "enum.unique",
    ],
    *[
        "flax.linen.compact",
        "flax.linen.jit",
        "flax.linen.nowrap",
        "flax.nnx.jit",
        "flax.linen.remat",
        "jax.jit",
        "functools.wraps()",
        "numba.jit",
    ],
    *[
        "torch.nn.utils.weight_norm",
        "torch.nn.utils.spectral_norm",
        "torch.nn.utils.parametrizations.weight_norm",
        "asyncio.run",
    ],
    *[
        "torch.nn.utils.parametrizations.spectral_norm",
        "torch.nn.utils.parametrizations.orthogonal",
        "torch.nn.utils.skip_init_",
    ],
):
    LIB_FUNCTIONS[_path] = _as_it_is


@lib_function("typing.cast")
def _cast(_: Libraries, args: Args, __: ast.AST) -> Value:
    return args.pos[1] if len(args.pos) > 1 else unknown_of(*args.all)


@lib_function("asyncio.run", "asyncio.get_event_loop().run_until_complete")
def _run(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return machine.awaited(args.pos[0])


def _decorating(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A decorator that may be called with options first."""
    if args.pos and isinstance(args.pos[0], Function | Class | Bound | Partial | Descriptor | Builtin):
        return args.pos[0]
    return Builtin("decorator", lambda _, inner, __: inner.pos[0] if inner.pos else Unknown())


for _path in (
    *[
        "torch.no_grad",
        "torch.inference_mode",
        "torch.enable_grad",
        "functools.singledispatchmethod",
        "tensorflow.function",
    ],
    *[
        "typing.dataclass_transform",
        "torch.autocast",
        "torch.cuda.amp.autocast",
        "torch.set_grad_enabled",
        "tensorflow.keras.utils.register_keras_serializable",
    ],
    *[
        "keras.utils.register_keras_serializable",
        "keras.saving.register_keras_serializable",
        "hydra.main",
        "click.command",
    ],
):
    LIB_FUNCTIONS[_path] = _decorating


@lib_function("functools.wraps")
def _wraps(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A decorator that gives what it is put on, whose function keeps its own code."""
    del args
    return Builtin("decorator", lambda _, inner, __: inner.pos[0] if inner.pos else Unknown())


@lib_function("functools.lru_cache", "functools.cache")
def _cached(machine: Libraries, args: Args, _: ast.AST) -> Value:
    if not args.pos or not isinstance(args.pos[0], Function | Descriptor | Bound | Builtin | Partial | Class):
        return Builtin("cache", lambda _, inner, __: _with_cache(machine, inner.pos[0]))
    return _with_cache(machine, args.pos[0])


def _with_cache(machine: Libraries, function: Value) -> Value:
    if isinstance(function, Descriptor):
        return replace(function, getter=_with_cache(machine, function.getter))
    store = machine.new("list", ())

    def run(inner: Libraries, args: Args, node: ast.AST) -> Value:
        key = (tuple(args.pos), tuple(args.kw.items()))
        held = store.slots.get(CONTENT)
        if not args.known or not isinstance(held, tuple):
            return inner.call(function, args, node)
        from lstmcalc.readers.python.values import same

        for item in held:
            if isinstance(item, tuple) and same(item[0], key):
                return item[1]
        value = inner.call(function, args, node)
        if not any(isinstance(part, Unknown) for part in (*args.pos, *args.kw.values())):
            now = store.slots.get(CONTENT)
            inner.put(store, CONTENT, (*now, (key, value)) if isinstance(now, tuple) else now)
        return value

    return Builtin("cached", run, method=True)


@lib_function("functools.cached_property")
def _cached_property(_: Libraries, args: Args, __: ast.AST) -> Value:
    function = args.pos[0]
    return Descriptor("cached", function, function.name if isinstance(function, Function) else "")


@lib_function("functools.reduce")
def _reduce(machine: Libraries, args: Args, node: ast.AST) -> Value:
    items = machine.items(args.pos[1])
    if items is None:
        machine.run_handed(args.pos[:1])
        return unknown_of(*args.all)
    if len(args.pos) > 2:  # with a start
        items = [args.pos[2], *items]
    if not items:
        machine.throw("TypeError", "reduce")
    total, *others = items
    for item in others:
        total = machine.call(args.pos[0], Args([total, item]), node)
    return total


@lib_function("operator.itemgetter")
def _item_getter(machine: Libraries, args: Args, _: ast.AST) -> Value:
    names = list(args.pos)

    def run(inner: Libraries, given: Args, __: ast.AST) -> Value:
        found = [inner.subscript(given.pos[0], name) for name in names]
        return found[0] if len(found) == 1 else tuple(found)

    del machine
    return Builtin("itemgetter", run)


@lib_function("operator.attrgetter")
def _attribute_getter(machine: Libraries, args: Args, _: ast.AST) -> Value:
    names = [str(item) for item in args.pos]

    def run(inner: Libraries, given: Args, __: ast.AST) -> Value:
        found: list[Value] = []
        for name in names:
            value = given.pos[0]
            for part in name.split("."):
                value = inner.attribute(value, part)
            found.append(value)
        return found[0] if len(found) == 1 else tuple(found)

    del machine
    return Builtin("attrgetter", run)


@lib_function("operator.methodcaller")
def _method_caller(machine: Libraries, args: Args, _: ast.AST) -> Value:
    name, *given = args.pos
    del machine
    return Builtin(
        "methodcaller",
        lambda inner, more, node: inner.call(
            inner.attribute(more.pos[0], str(name)), Args(list(given), dict(args.kw)), node
        ),
    )


@lib_function("operator.getitem")
def _get_item(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return machine.subscript(args.pos[0], args.pos[1])


@lib_function("operator.setitem")
def _set_item(machine: Libraries, args: Args, _: ast.AST) -> Value:
    machine.set_item(*args.pos[:3])
    return None


@lib_function("contextlib.contextmanager")
def _context_manager(machine: Libraries, args: Args, _: ast.AST) -> Value:
    function = args.pos[0]

    def run(inner: Libraries, given: Args, node: ast.AST) -> Value:
        made = inner.new("object", MISSING, TYPES["object"])
        made.slots["@context"] = Made(function, given, node)
        return made

    del machine
    return Builtin("contextmanager", run, method=True)


# Iterating.


def _iterated(name: str, run: Callable[..., Iterable[Value]], limit: int = MAX_ITEMS) -> None:
    """A function of itertools, on items that are known."""

    def call(machine: Libraries, args: Args, _: ast.AST) -> Value:
        def later() -> Value:
            parts = [machine.items(item) for item in args.pos]
            if not args.known or any(part is None for part in parts) or args.kw:
                return unknown_of(*args.all)
            sizes = [len(part) for part in parts if part is not None]
            if (math.prod(sizes) > limit and name == "product") or sum(sizes) > limit:
                return unknown_of(*args.all)
            return tuple(run(*parts))

        return machine.later(name, later, *args.all)

    LIB_FUNCTIONS[f"itertools.{name}"] = call


_iterated("chain", itertools.chain)
_iterated("product", itertools.product)
_iterated("pairwise", itertools.pairwise)


@lib_function("itertools.chain.from_iterable")
def _chained(machine: Libraries, args: Args, _: ast.AST) -> Value:
    def later() -> Value:
        parts = [machine.items(item) for item in machine.items(args.pos[0]) or [Unknown()]]
        if any(part is None for part in parts):
            return unknown_of(*args.all)
        return tuple(item for part in parts for item in part or ())

    return machine.later("chain", later, *args.all)


@lib_function("itertools.repeat")
def _repeat(machine: Libraries, args: Args, _: ast.AST) -> Value:
    times = plain(args.pos[1]) if len(args.pos) > 1 else args.kw.get("times")
    return machine.iterator(
        (args.pos[0],) * times if isinstance(times, int) and times <= MAX_ITEMS else unknown_of(args.pos[0])
    )


@lib_function("itertools.islice")
def _slice(machine: Libraries, args: Args, _: ast.AST) -> Value:
    limits = [plain(item) for item in args.pos[1:]]
    source = args.pos[0]

    def later() -> Value:
        items = machine.live_items(source)
        stop = limits[0] if len(limits) == 1 else limits[1] if limits else None
        if items is None or not all(isinstance(item, int | None) for item in limits) or not isinstance(stop, int):
            return unknown_of(*args.all)
        from lstmcalc.readers.python.comprehensions import UNSURE

        taken: list[Value] = []
        while len(taken) < stop:
            item = next(items, MISSING)
            if item is UNSURE:
                return unknown_of(*args.all)
            if isinstance(item, Missing):
                break
            taken.append(item)
        return tuple(taken[slice(*(item for item in limits if isinstance(item, int | None)))])

    return machine.later("islice", later, *args.all)


@lib_function("itertools.starmap")
def _starmap(machine: Libraries, args: Args, node: ast.AST) -> Value:
    def later() -> Value:
        rows = machine.items(args.pos[1])
        parts = [machine.items(row) for row in rows] if rows is not None else [None]
        if any(part is None for part in parts):
            machine.run_handed(args.pos[:1])
            return unknown_of(*args.all)
        return tuple(machine.call(args.pos[0], Args(list(part or ())), node) for part in parts)

    return machine.later("starmap", later, *args.all)


@lib_function("itertools.accumulate")
def _accumulate(machine: Libraries, args: Args, node: ast.AST) -> Value:
    def later() -> Value:
        items = machine.items(args.pos[0])
        if items is None or args.kw:
            machine.run_handed(args.pos[1:2])
            return unknown_of(*args.all)
        made: list[Value] = []
        for item in items:
            if not made:
                made.append(item)
            elif len(args.pos) > 1:
                made.append(machine.call(args.pos[1], Args([made[-1], item]), node))
            else:
                made.append(machine.operate(ast.Add(), made[-1], item))
        return tuple(made)

    return machine.later("accumulate", later, *args.all)


@lib_function("itertools.count", "itertools.cycle")
def _endless(machine: Libraries, args: Args, node: ast.AST) -> Value:
    from lstmcalc.readers.python.comprehensions import UNSURE

    del node
    start, step = (*[plain(item) for item in args.pos], *(0, 1)[len(args.pos) :])[:2]
    if isinstance(start, int) and isinstance(step, int) and not args.kw:
        return machine.iterator((*range(start, start + 300 * step, step), UNSURE) if step else unknown_of(start))
    items = machine.items(args.pos[0]) if args.pos and not isinstance(start, int | float) else None
    if items:
        return machine.iterator((*(items * (300 // len(items) + 1)), UNSURE))
    return machine.iterator(unknown_of(*args.all))


LIB_FUNCTIONS["itertools.cycle"] = lambda machine, args, node: _cycle(machine, args, node)


def _cycle(machine: Libraries, args: Args, _: ast.AST) -> Value:
    from lstmcalc.readers.python.comprehensions import UNSURE

    items = machine.items(args.pos[0])
    return machine.iterator((*(items * (300 // len(items) + 1)), UNSURE) if items else unknown_of(*args.all))


# Heaps, and places in sorted lists: the list is as Python leaves it.


def _on_list(path: str, run: Callable[..., object]) -> None:
    def call(machine: Libraries, args: Args, _: ast.AST) -> Value:
        owner = args.pos[0]
        held = content_of(owner) if isinstance(owner, Obj) and owner.kind == "list" else None
        if (
            not isinstance(owner, Obj)
            or not is_constant(held)
            or not is_constant(tuple(args.pos[1:]))
            or args.kw
            or not isinstance(held, tuple)
        ):
            machine.may_raise()
            if isinstance(owner, Obj) and owner.kind == "list":
                machine.put(owner, CONTENT, unknown_of(held, *args.pos[1:]))
            return unknown_of(*args.all)
        items = list(held)
        try:
            value = run(items, *args.pos[1:])
        except (TypeError, IndexError):
            machine.throw("TypeError", path)
        machine.put(owner, CONTENT, tuple(items))
        return value

    LIB_FUNCTIONS[path] = call


def _fill_lists() -> None:
    import bisect
    import heapq

    for name in ("heappush", "heappop", "heapify", "heappushpop", "heapreplace"):
        _on_list(f"heapq.{name}", getattr(heapq, name))
    for name in ("insort", "insort_left", "insort_right", "bisect", "bisect_left", "bisect_right"):
        _on_list(f"bisect.{name}", getattr(bisect, name))


_fill_lists()

# What the others do.


@lib_function("os.getenv", "os.environ.get")
def _getenv(machine: Libraries, args: Args, node: ast.AST) -> Value:
    return machine.call(Bound(TYPES["dict"].slots["get"], machine.attribute(Lib("os"), "environ")), args, node)


@lib_function("sys.exit", "os._exit", "os.abort")
def _exit(machine: Libraries, _: Args, __: ast.AST) -> Value:
    machine.throw("SystemExit")


@lib_function("importlib.import_module")
def _import_module(machine: Libraries, args: Args, _: ast.AST) -> Value:
    name = plain(args.pos[0]) if args.pos else None
    return (
        machine.imported(name)
        if isinstance(name, str) and len(args.pos) == 1
        else machine.unknown_call("import_module()", args)
    )


@lib_function("enum.auto")
def _auto(_: Libraries, __: Args, ___: ast.AST) -> Value:
    return Lib("enum.auto()")


@lib_function("absl.app.run", "fire.Fire", "typer.run", "tensorflow.app.run")
def _app(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """A program's function, which the command line may give arguments."""
    function = args.pos[0] if args.pos else machine.module.slots.get("main", Unknown())
    if isinstance(function, Function):
        required = len(function.node.args.args) - len(function.defaults)
        return machine.call(
            function, Args([Unknown((item.arg,), foreign=True) for item in function.node.args.args[:required]]), node
        )
    machine.run_handed([function])
    return Unknown()


LIB_FUNCTIONS["dataclasses.dataclass"] = LIB_FUNCTIONS["pydantic.dataclasses.dataclass"] = dataclass_of
LIB_FUNCTIONS["flax.struct.dataclass"] = LIB_FUNCTIONS["chex.dataclass"] = dataclass_of
LIB_FUNCTIONS["dataclasses.field"] = field_of
LIB_FUNCTIONS["collections.namedtuple"] = LIB_FUNCTIONS["typing.NamedTuple"] = named_tuple_of


@lib_function("dataclasses.replace", "copy.replace")
def _replaced(machine: Libraries, args: Args, node: ast.AST) -> Value:
    from lstmcalc.readers.python.making import Field

    owner = args.pos[0]
    fields = machine.lookup(owner.cls, "@fields") if isinstance(owner, Obj) and owner.cls is not None else None
    if not isinstance(fields, tuple) or not isinstance(owner, Obj) or owner.cls is None:
        return machine.unknown_call("replace()", args)
    values = {
        item.name: machine.attribute(owner, item.name) for item in fields if isinstance(item, Field) and item.init
    }
    return machine.instantiate(owner.cls, Args([], {**values, **args.kw}), node)


@lib_function("dataclasses.asdict", "dataclasses.astuple")
def _as_dict(machine: Libraries, args: Args, node: ast.AST) -> Value:
    from lstmcalc.readers.python.making import Field

    owner = args.pos[0]
    fields = machine.lookup(owner.cls, "@fields") if isinstance(owner, Obj) and owner.cls is not None else None
    if not isinstance(fields, tuple):
        return copied(machine, owner, deep=True)
    values = {
        item.name: _as_dict(machine, Args([machine.attribute(owner, item.name)]), node)
        for item in fields
        if isinstance(item, Field)
    }
    return machine.new_dict(values)


@lib_function("dataclasses.astuple")
def _as_tuple(machine: Libraries, args: Args, node: ast.AST) -> Value:
    made = _as_dict(machine, args, node)
    content = content_of(made) if isinstance(made, Obj) else None
    return tuple(content.map.values()) if isinstance(content, Items) else unknown_of(*args.all)


@lib_function("omegaconf.OmegaConf.create")
def _omega(machine: Libraries, args: Args, node: ast.AST) -> Value:
    value = args.pos[0] if args.pos else machine.new_dict({})
    if not isinstance(value, Obj):
        return machine.unknown_call("OmegaConf.create()", args, lib=True)
    return _omega_of(machine, copied(machine, value, deep=True), node)


def _omega_of(machine: Libraries, value: Value, node: ast.AST) -> Value:
    if not isinstance(value, Obj) or value.kind != "dict":
        return value
    cls = machine.class_of_lib("pytorch_lightning.utilities.AttributeDict")
    content = content_of(value)
    if isinstance(content, Items) and isinstance(cls, Class):
        inner = {key: _omega_of(machine, item, node) for key, item in content.map.items()}
        value.slots[CONTENT] = Items(inner, content.rest, ordered=content.ordered)
        value.cls = cls
    return value


@primitive("_after")
def _after(machine: Libraries, args: Args, _: ast.AST) -> Value:
    machine.may_raise()
    return unknown_of(*args.all)


LIB_FUNCTIONS["copy.copy"] = _copy
