"""Flax: its cells, and what is around them. A module of Linen makes its layers when it is first run.

Not here: what its constructors' arguments mean (`frameworks.constructors`).
"""

import ast
from collections.abc import Callable
from functools import partial

from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    Args,
    Bound,
    Class,
    Entry,
    Log,
    Missing,
    Obj,
    Unknown,
    Value,
    same,
)
from lstmcalc.readers.python.layers.arrays import array, shape_of
from lstmcalc.readers.python.layers.keras import Keras
from lstmcalc.readers.python.layers.keras_tensors import Around, wide_as
from lstmcalc.readers.python.layers.records import BY_NAME, Record
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries

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
        """True if a value is a module of Linen."""
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
    machine.record_call(owner, constructor, (given, places), call, args)
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
            machine.put(second, "@partner", True)
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


# What flows through them: the last axis of the first array is the input of a cell of Linen.


def _primitive_method(name: str, run: Callable[[Flax, Obj, Args], Value]) -> None:
    def method(machine: Flax, given: Args, _: ast.AST) -> Value:
        owner = given.pos[0] if given.pos else Unknown()
        return run(machine, owner, given) if isinstance(owner, Obj) else Unknown()

    @primitive(name)
    def make(_: Libraries, __: Args, ___: ast.AST) -> Value:
        return Builtin(name, method, method=True)


def _argument(args: Args, place: int, name: str) -> Value:
    return args.pos[place] if place < len(args.pos) else args.kw.get(name, Unknown())


def _through(machine: Flax, cell: Obj | None, shape: Value) -> Value:
    """The shape that a cell makes of one, or of all steps; its own input is noted."""
    if cell is None:
        return Unknown()
    machine.see_input(cell, shape)
    width = cell.slots.get("features", cell.slots.get("hidden_features", Unknown()))
    return wide_as((*shape[:-1], width), cell) if isinstance(shape, tuple) and shape else Unknown()


def _step(machine: Flax, cell: Obj, args: Args) -> Value:
    """A cell's states and output; lifted by `scan`, of all steps."""
    shape = shape_of(_argument(args, 2, "inputs"))
    made = _through(machine, cell, shape[-1:] if isinstance(shape, tuple) else shape)
    return (
        (Unknown(), Unknown()),
        array(machine, (*shape[:-1], *made) if isinstance(made, tuple) and isinstance(shape, tuple) else Unknown()),
    )


def _sequence(machine: Flax, owner: Obj, args: Args) -> Value:
    made = array(machine, _through(machine, _cell_of(owner), shape_of(_argument(args, 1, "inputs"))))
    carry = machine.truth(args.kw.get("return_carry", owner.slots.get("return_carry", False)))
    return made if carry is False else Unknown() if carry is None else (Unknown(), made)


def _both(machine: Flax, owner: Obj, args: Args) -> Value:
    shape = shape_of(_argument(args, 1, "inputs"))
    made = [_through(machine, _cell_of(owner.slots.get(name)), shape) for name in ("forward_rnn", "backward_rnn")]
    if not all(isinstance(item, tuple) for item in made) or "merge_fn" in owner.slots:
        return Unknown()
    first, second = (item for item in made if isinstance(item, tuple))
    width = first[-1] + second[-1] if isinstance(first[-1], int) and isinstance(second[-1], int) else Unknown()
    return array(machine, (*first[:-1], width))


for _primitive, _run in (("_flax_step", _step), ("_flax_sequence", _sequence), ("_flax_both", _both)):
    _primitive_method(_primitive, _run)


@primitive("_with_axis")
def _with_axis(machine: Flax, args: Args, _: ast.AST) -> Value:
    value, width, more = args.pos
    shape = shape_of(value)
    before = shape if isinstance(shape, tuple) else (..., ...)  # of which the last axis alone is known then
    return array(machine, (*(before if more and before[0] is not ... else before[:-1]), plain(width)))


@primitive("_same_array")
def _same_array(machine: Flax, args: Args, _: ast.AST) -> Value:
    return array(machine, shape_of(args.pos[0]))


@primitive("_fields")
def _fields(machine: Flax, args: Args, _: ast.AST) -> Value:
    return machine.make_dataclass(args.pos[0], {})


@primitive("_begin_flax")
def _begin_flax(machine: Flax, args: Args, _: ast.AST) -> Value:
    if isinstance(args.pos[0], Obj):
        machine.begin_flax(args.pos[0])
    return None


@primitive("_first_state")
def _first_state(machine: Flax, args: Args, _: ast.AST) -> Value:
    """The state that a cell begins with; a cell that is made for nothing else has no parameters."""
    site, cell = machine.site, args.pos[0]
    record = cell.slots.get("@lstm") if isinstance(cell, Obj) else None
    if isinstance(record, Record) and isinstance(site, ast.Call) and isinstance(site.func, ast.Attribute):
        log = machine.world.slots["made"]
        if site.func.value is record.call and isinstance(log, Log):
            machine.put(machine.world, "made", Log([entry for entry in log if cell not in entry.made]))
    return Unknown()


@primitive("_begin_run")
def _begin_run(machine: Flax, args: Args, _: ast.AST) -> Value:
    log = machine.world.slots["made"]
    if isinstance(args.pos[0], Obj) and isinstance(log, Log):
        machine.put(args.pos[0], "@before", len(log))
    return None


@primitive("_end_run")
def _end_run(machine: Flax, args: Args, _: ast.AST) -> Value:
    """Note the cells that a run made. Those of a later one are the same: they have the same names."""
    owner, log = args.pos[0], machine.world.slots["made"]
    before = owner.slots.get("@before") if isinstance(owner, Obj) else None
    if not isinstance(owner, Obj) or not isinstance(log, Log) or not isinstance(before, int):
        return None
    known = owner.slots.get("@cells", ())
    left = list(known) if isinstance(known, tuple) else []
    kept: list[Entry] = []
    for entry in log[before:]:
        twin = next((item for item in left if _same_cell(item, entry)), None)
        if twin is None:
            kept.append(entry)
        else:
            left.remove(twin)
    if len(kept) < len(log) - before:
        machine.put(machine.world, "made", Log([*log[:before], *kept]))
    machine.put(owner, "@cells", (*(known if isinstance(known, tuple) else ()), *kept))
    return None


def _same_cell(one: Value, other: Entry) -> bool:
    """True if two runs of a module made cells alike in one place, for inputs of one width."""
    if not isinstance(one, Entry) or one.site is not other.site or not (one.sure and other.sure):
        return False
    first, second = one.made[0].slots, other.made[0].slots
    widths = [
        item[-1] if isinstance(item, tuple) and item else item for item in (first.get("@fed"), second.get("@fed"))
    ]
    record, twin = first.get("@lstm"), second.get("@lstm")
    return isinstance(record, Record) and record.equals(twin) and isinstance(widths[0], int) and widths[0] == widths[1]


def _relative(path: str) -> None:
    def run(machine: Keras, args: Args, node: ast.AST) -> Value:
        machine.relative(machine.site or node, path)
        return machine.unknown_call(path, args, lib=True)

    LIB_FUNCTIONS[path] = run


for _home in ("flax.linen", "flax.nnx"):
    for _name in _RELATIVES:
        _relative(f"{_home}.{_name}")
