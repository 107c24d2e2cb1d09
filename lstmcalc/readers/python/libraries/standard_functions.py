"""Functions of functions: `functools`, `operator`, `contextlib`, and decorators that change nothing of what is called.

Not here: Python's own decorators (`builtin.functions_of_classes`).
"""

import ast
from dataclasses import replace

from lstmcalc.readers.python.core.blocks import Made
from lstmcalc.readers.python.core.classes_of_python import TYPES
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Descriptor,
    Obj,
    Partial,
    Unknown,
    Value,
    is_constant,
    same,
    unknown_of,
)
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function
from lstmcalc.readers.python.libraries.libraries import Libraries


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
    *("functools.total_ordering", "typing.final", "typing.overload"),
    *("typing.override", "typing.runtime_checkable", "typing.no_type_check"),
    *("functools.wraps()", "contextlib.asynccontextmanager", "enum.unique"),
    *("torch.no_grad()", "torch.jit.script", "torch.jit.ignore", "torch.jit.export"),
    *("torch.jit.unused", "torch.compile", "torch.compiler.disable", "torch.nn.utils.skip_init_"),
    *("flax.linen.compact", "flax.linen.nowrap", "flax.nnx.jit", "jax.jit"),
    *("numba.jit",),
):
    LIB_FUNCTIONS[_path] = _as_it_is


@lib_function("functools.singledispatch", "functools.singledispatchmethod")
def _dispatching(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A function that is one of several, as its argument says."""
    return unknown_of(*args.all)


@lib_function("abc.abstractmethod")
def _abstract(machine: Libraries, args: Args, _: ast.AST) -> Value:
    if args.pos and isinstance(args.pos[0], Function):
        machine.put(args.pos[0], "__isabstractmethod__", True)
    return args.pos[0] if args.pos else Unknown()


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
        "click.command",
    ],
):
    LIB_FUNCTIONS[_path] = _decorating


@lib_function("hydra.main")
def _configured(_: Libraries, __: Args, ___: ast.AST) -> Value:
    """A decorator of a function whose argument is what files and the command line say."""

    def decorate(_: Libraries, inner: Args, __: ast.AST) -> Value:
        function = inner.pos[0] if inner.pos else Unknown()
        first = function.node.args.args[:1] if isinstance(function, Function) else []

        def run(machine: Libraries, given: Args, node: ast.AST) -> Value:
            return machine.call(
                function, given if given.all else Args([Unknown(tuple(item.arg for item in first))]), node
            )

        return Builtin("main", run)

    return Builtin("decorator", decorate)


@lib_function("functools.wraps")
def _wraps(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A decorator that gives what it is put on, whose function keeps its own code and is called as the other."""
    other = args.pos[0] if args.pos else Unknown()

    def wrap(machine: Libraries, given: Args, _: ast.AST) -> Value:
        made = given.pos[0] if given.pos else Unknown()
        if isinstance(made, Function):
            machine.put(made, "__wrapped__", other)
            for name in ("__name__", "__qualname__", "__doc__", "__module__"):
                own = isinstance(other, Function | Class | Bound)
                machine.put(made, name, machine.attribute(other, name) if own else Unknown())
        return made

    return Builtin("decorator", wrap)


@lib_function("functools.cache")
def _cached(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return _with_cache(machine, args.pos[0], None)


@lib_function("functools.lru_cache")
def _cached_in_part(machine: Libraries, args: Args, _: ast.AST) -> Value:
    first = args.pos[0] if args.pos else args.kw.get("maxsize", 128)
    if isinstance(first, Function | Descriptor | Bound | Builtin | Partial | Class):
        return _with_cache(machine, first, 128)
    most = first if args.known and set(args.kw) <= {"maxsize"} and len(args.pos) <= 1 else Unknown()
    return Builtin("cache", lambda _, inner, __: _with_cache(machine, inner.pos[0], most))


def _with_cache(machine: Libraries, function: Value, most: Value) -> Value:
    """A function whose values are kept, the last ones that were asked for."""
    if isinstance(function, Descriptor):
        return replace(function, getter=_with_cache(machine, function.getter, most))
    store = machine.new("list", ())

    def run(inner: Libraries, args: Args, node: ast.AST) -> Value:
        held = store.slots.get(CONTENT)
        key = (*args.pos, MISSING, *args.kw.items())
        given = (*args.pos, *args.kw.values())
        if any(isinstance(item, Obj) and item.kind in ("list", "dict", "set", "vars") for item in given):
            inner.throw("TypeError", "unhashable")
        kept = list(held) if isinstance(held, tuple) else []
        known = args.known and isinstance(held, tuple) and isinstance(most, int | None) and all(map(_has_key, kept))
        if not known or any(isinstance(item, Unknown) for item in given):
            runs = [lambda: inner.call(function, args, node)]
            if kept or not isinstance(held, tuple):
                runs.append(lambda: unknown_of(*kept, held))
            value = inner.fork(runs)
            inner.put(store, CONTENT, unknown_of(*kept, held, value))
            return value
        found = next((item for item in kept if isinstance(item, tuple) and _equal_keys(item[0], key)), None)
        if isinstance(found, tuple):
            inner.put(store, CONTENT, (*(item for item in kept if item is not found), found))
            return found[1]
        value = inner.call(function, args, node)
        now = store.slots.get(CONTENT)
        if not isinstance(now, tuple):
            return value
        rest = (*now, (key, value))
        inner.put(store, CONTENT, rest[max(len(rest) - most, 0) :] if isinstance(most, int) else rest)
        return value

    return Builtin("cached", run, method=True)


def _has_key(item: Value) -> bool:
    """True if it is known for which arguments a value is kept: paths may have asked in another order."""
    key = item[0] if isinstance(item, tuple) else None
    return isinstance(key, tuple) and not any(isinstance(part, Unknown) for part in key)


def _equal_keys(one: Value, other: Value) -> bool:
    """True if a cache takes the arguments of two calls for the same: 3 and 3.0 are."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal_keys, one, other))
    return same(one, other) or (is_constant(one) and is_constant(other) and one == other)


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
