"""Flax: its cells, and what is around them. A module of Linen makes its layers when it is first run.

Not here: what its constructors' arguments mean (`frameworks.constructors`).
"""

import ast
from functools import partial

from lstmcalc.readers.python.keras import Around, Keras
from lstmcalc.readers.python.libraries import LIB_FUNCTIONS, Libraries, lib_function, primitive
from lstmcalc.readers.python.machine import Builtin, Function
from lstmcalc.readers.python.records import BY_NAME, Record, shown
from lstmcalc.readers.python.values import Args, Bound, Class, Log, Missing, Obj, Unknown, Value, same

_RELATIVES = ("GRUCell", "ConvLSTMCell", "MGUCell", "SimpleCell")


class Flax(Keras):
    """Knows Flax."""

    def after_entry(self, made: Value) -> None:
        """Run what a module of Linen, or a model of Keras, runs when it is given arrays that are not known."""
        if isinstance(made, Obj) and isinstance(made.cls, Class) and not self.is_flax(made):
            method = self.lookup(made.cls, "call")
            if isinstance(method, Function) and not method.native and method.node not in self.called:
                with self.guarded():
                    paths = self.collect(
                        partial(self.call, Bound(method, made), self.unknown_arguments(method), ast.Pass())
                    )
                self.settle([path for path in paths if path.kind in ("normal", "raise")], lambda _: True)
        if self.is_flax(made) and isinstance(made, Obj):
            self.begin_flax(made)
            method = self.lookup(made.cls, "__call__")
            if isinstance(method, Function) and not method.native:
                self.call(Bound(method, made), self.unknown_arguments(method), ast.Pass())

    def unknown_arguments(self, method: Function) -> Args:
        """Arguments that are not known, for every parameter that needs one."""
        spec = method.node.args
        params = [*spec.posonlyargs, *spec.args][1:]
        required = params[: len(params) - len(method.defaults)]
        return Args([Unknown((item.arg,)) for item in required])

    def is_flax(self, value: Value) -> bool:
        """Whether a value is a module of Linen."""
        scope = self.libraries.get("library:flax")
        cls = value.cls if isinstance(value, Obj) else None
        return scope is not None and isinstance(cls, Class) and scope.slots.get("Module") in cls.mro

    def begin_flax(self, made: Obj) -> None:
        """Run `setup`, once."""
        method = self.lookup(made.cls, "setup")
        if isinstance(method, Function) and "@setup" not in made.slots:
            self.put(made, "@setup", True)
            self.call(Bound(method, made), Args(), ast.Pass())

    def usual_attribute(self, path: str) -> Value:
        """The attribute of a module that a text without imports most probably means."""
        name = path.rpartition(".")[2]
        if name in ("RNN", "Bidirectional") and path.startswith("~torch.nn"):
            linen, own = self.class_of_lib(f"flax.linen.{name}"), self.class_of_lib(f"torch.nn.{name}")

            def choose(machine: "Flax", args: Args, node: ast.AST) -> Value:
                cell = args.pos[0] if args.pos else args.kw.get("cell")
                return machine.call(linen if isinstance(cell, Obj) or isinstance(own, Missing) else own, args, node)

            return Builtin(f"usual {name}", choose)
        return super().usual_attribute(path)


def _make(machine: Flax, path: str, args: Args, node: ast.AST) -> Value:
    owner = args.pos[0]
    constructor = BY_NAME[path][0]
    call = machine.site or node
    given, places = machine.arguments_of(constructor, Args(args.pos[1:], args.kw, args.rest, args.more), call)
    if not isinstance(owner, Obj):
        return None
    for name, value in given.items():
        machine.put(owner, name, value)
    if "parent" in given and given["parent"] is None:
        return None  # it is only asked for its first state
    record = Record(
        constructor,
        given,
        places,
        call,
        shown(call),
        args.more or args.rest,
        frozenset(name for name in given if name in places and machine.is_tainted(places[name])),
        tuple(machine.frames),
    )
    machine.record(owner, record)
    return None


@primitive("_flax_lstm")
def _flax_lstm(machine: Libraries, args: Args, _: ast.AST) -> Value:
    path = str(args.pos[0])
    del machine
    return Builtin(path, lambda inner, given, node: _make(inner, path, given, node), method=True)


@primitive("_flax_around")
def _flax_around(machine: Libraries, args: Args, _: ast.AST) -> Value:
    name = str(args.pos[0])
    del machine
    return Builtin(name, lambda inner, given, node: _surround(inner, name, given, node), method=True)


def _surround(machine: Flax, name: str, args: Args, node: ast.AST) -> Value:
    """Note what is around a cell; of two directions that are alike, that they are one LSTM."""
    owner = args.pos[0]
    names = ("cell", "cell_size") if name == "RNN" else ("forward_rnn", "backward_rnn", "merge_fn")
    given = {**dict(zip(names, args.pos[1:], strict=False)), **args.kw}
    if isinstance(owner, Obj):
        for key, value in given.items():
            machine.put(owner, key, value)
    if name == "RNN":
        cell = _cell_of(given.get("cell"))
        if cell is not None:
            _add(
                machine,
                cell,
                Around(name, {key: value for key, value in given.items() if key != "cell"}, machine.site or node),
            )
        return None
    cells = [_cell_of(given.get(key)) for key in names[:2]]
    first, second = cells
    if first is None or second is None:
        return None
    if first is second or _alike(first, second):
        _add(machine, first, Around(name, {}, machine.site or node))
        if second is not first:
            log = machine.world.slots["made"]
            kept = [entry for entry in log if second not in entry.made] if isinstance(log, Log) else []
            machine.put(machine.world, "made", Log(kept))
    return None


def _cell_of(value: Value) -> Obj | None:
    """The cell that something is around, or is."""
    if isinstance(value, Obj) and "@lstm" in value.slots:
        return value
    inner = value.slots.get("cell") if isinstance(value, Obj) else None
    return _cell_of(inner) if inner is not None else None


def _alike(first: Obj, second: Obj) -> bool:
    one, other = first.slots["@lstm"], second.slots["@lstm"]
    if not isinstance(one, Record) or not isinstance(other, Record):
        return False
    keys = ("features", "in_features", "hidden_features")
    return one.constructor is other.constructor and all(same(one.given.get(key), other.given.get(key)) for key in keys)


def _add(machine: Flax, cell: Obj, around: Around) -> None:
    held = cell.slots.get("@around", ())
    machine.put(cell, "@around", (*(held if isinstance(held, tuple) else ()), around))


@primitive("_flax_cell")
def _flax_cell(machine: Libraries, args: Args, _: ast.AST) -> Value:
    del machine, args
    return Builtin("cell", lambda _, given, __: Unknown(), method=True)


@primitive("_fields")
def _fields(machine: Flax, args: Args, _: ast.AST) -> Value:
    return machine.make_dataclass(args.pos[0], {})


@primitive("_begin_flax")
def _begin_flax(machine: Flax, args: Args, _: ast.AST) -> Value:
    if isinstance(args.pos[0], Obj):
        machine.begin_flax(args.pos[0])
    return None


@lib_function("flax.linen.scan", "flax.linen.vmap", "flax.linen.remat", "flax.linen.jit", "flax.linen.checkpoint")
def _lifted(_: Libraries, args: Args, __: ast.AST) -> Value:
    """A class that is lifted constructs as it does without."""
    return args.pos[0] if args.pos else Unknown()


def _relative(path: str) -> None:
    def run(machine: Keras, args: Args, node: ast.AST) -> Value:
        machine.relative(machine.site or node, path)
        return machine.unknown_call(path, args, lib=True)

    LIB_FUNCTIONS[path] = run


for _home in ("flax.linen", "flax.nnx"):
    for _name in _RELATIVES:
        _relative(f"{_home}.{_name}")
