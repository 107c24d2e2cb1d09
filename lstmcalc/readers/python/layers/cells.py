"""LSTMs of TensorFlow 1, Paddle, Gluon, MLX, Haiku, Equinox, tinygrad and Chainer, and the widths that flow into them.

Some of them take their input size from the first array that they are given. What is not seen of it stays open.

Not here: their classes, which are ordinary Python (`library_classes.cells`, `library_classes.tensorflow1`), and what
their arguments mean (`frameworks.constructors`).
"""

import ast
import math
from collections.abc import Iterator
from functools import partial
from typing import Final

from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    Args,
    Bound,
    Class,
    Lib,
    Obj,
    Partial,
    Unknown,
    Value,
    same,
    things,
    unknown_of,
)
from lstmcalc.readers.python.layers.arrays import array, shape_of
from lstmcalc.readers.python.layers.flax_layers import FlaxLayers
from lstmcalc.readers.python.layers.keras_tensors import wide_as
from lstmcalc.readers.python.layers.records import BY_NAME, Record, shown
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries
from lstmcalc.readers.python.library_classes.cells import CODE_OF_CELLS

MOST_STEPS: Final = 10_000  # steps of an unrolled cell
_MOST_PARTS: Final = 1000  # of an array that is gone through
_CALLED: Final = ("forward", "hybrid_forward", "call", "__call__")
_OF_CHAINER: Final = ("NStepLSTM", "NStepBiLSTM", "StatelessLSTM")  # links of no other library
_SHAPE_WORDS: Final = ("as_list", "ndims", "num_elements", "rank", "dims", "with_rank", "is_fully_defined")


class Cells(FlaxLayers):
    """Knows TensorFlow 1, and the cells of other libraries."""

    def attribute(self, owner: Value, name: str) -> Value:
        """The attribute of a value; shapes and sizes of TensorFlow 1 have some that Python's do not."""
        if isinstance(owner, tuple) and name in _SHAPE_WORDS and not hasattr(owner, name):
            if name == "as_list":
                return Builtin(name, lambda machine, _, __: machine.new_list(owner))
            self.may_raise()
            return Unknown()
        if name == "value" and type(owner) in (int, type(None)) and self._has_tensorflow():
            return owner
        if name == "get_shape" and isinstance(owner, Obj) and owner.kind == "array":
            return Builtin(name, lambda machine, _, __: machine.attribute(owner, "shape"))
        return super().attribute(owner, name)

    def live_items(self, value: Value) -> Iterator[Value] | None:
        """The items of something that can be iterated, one after the other; those of an array are its parts."""
        shape = shape_of(value)
        if isinstance(value, Obj) and isinstance(shape, tuple) and shape and type(shape[0]) is int:
            number = shape[0]
            return (self.array_item(value, place) for place in range(number)) if number <= _MOST_PARTS else None
        return super().live_items(value)

    def usual_attribute(self, path: str) -> Value:
        """The attribute of a module that a text without imports most probably means."""
        name = path.rpartition(".")[2]
        return super().usual_attribute(f"~chainer.links.{name}" if name in _OF_CHAINER else path)

    def _has_tensorflow(self) -> bool:
        return any(isinstance(value, Lib) and value.path == "tensorflow" for value in self.module.slots.values())

    def after_entry(self, made: Value) -> None:
        """Run what a module does with arrays, where that decides what there is: with arguments that are not known."""
        super().after_entry(made)
        if not isinstance(made, Obj) or not isinstance(made.cls, Class) or not self._is_of_a_cell(made.cls):
            return
        method = next((found for name in _CALLED if (found := self._own_method(made.cls, name)) is not None), None)
        if method is not None and method.node not in self.called:
            args = self.unknown_arguments(method)
            if method.name == "hybrid_forward":
                args.pos[:1] = [Lib("mxnet.ndarray")]
            with self.guarded():
                paths = self.collect(partial(self.call, Bound(method, made), args, ast.Pass()))
            self.settle([path for path in paths if path.kind in ("normal", "raise")], lambda _: True)

    def _own_method(self, cls: Class, name: str) -> Function | None:
        found = self.lookup(cls, name)
        return found if isinstance(found, Function) and not found.native else None

    def _is_of_a_cell(self, cls: Class) -> bool:
        """True for a class of the file's that is derived from one of these libraries."""
        scopes = [self.libraries[f"library:{home}"] for home in CODE_OF_CELLS if f"library:{home}" in self.libraries]
        known = [value for scope in scopes for value in scope.slots.values() if isinstance(value, Class)]
        return cls.bound is not None and any(item is value for item in cls.mro for value in known)


# Making cells.


@primitive("_recurrent")
def _recurrent(machine: Libraries, args: Args, _: ast.AST) -> Value:
    path = str(args.pos[0])
    del machine
    return Builtin(path, lambda inner, given, node: _make(inner, path, given, node), method=True)


def _make(machine: Cells, path: str, args: Args, node: ast.AST) -> Value:
    """Make an LSTM of the thing that is the first argument."""
    owner, call = args.pos[0], machine.site or node
    rest = Args(args.pos[1:], args.kw, args.rest, args.more)
    constructor = _fitting(path, rest)
    given, places = machine.arguments_of(constructor, rest, call)
    if not isinstance(owner, Obj):
        machine.perhaps_lstm(unknown_of(owner), args, call)
        return None
    if path.startswith("chainer.") and constructor.deferred and rest.known:
        given, places = _in_order(given, places)
    unseen = rest.more or rest.rest
    for name, value in given.items():
        machine.put(owner, name, value)
    machine.put(owner, "output_size", _width_of(machine, constructor, given, unseen))
    kept = {
        name: value
        for name, value in given.items()
        if constructor.fields.get(name) != "input_size" or not _is_deferred(constructor, value)
    }
    called = shown(call) if isinstance(call, ast.Call) else path.rpartition(".")[2]
    machine.record_call(owner, constructor, (kept, places), call, rest, name=called)
    return None


def _fitting(path: str, args: Args) -> Constructor:
    """Of the versions of a constructor the first, or that whose third argument is a size."""
    versions = BY_NAME[path]
    sized = "input_size" in args.kw or (len(args.pos) > 2 and type(plain(args.pos[2])) is int)  # the third
    return versions[-1 if sized else 0]


def _is_deferred(constructor: Constructor, value: Value) -> bool:
    return any(same(value, item) for item in constructor.deferred)


def _in_order(given: dict[str, Value], places: dict[str, ast.AST]) -> tuple[dict[str, Value], dict[str, ast.AST]]:
    """The sizes of a link of Chainer: one alone is that of the output."""
    if given.get("out_size") is not None or "in_size" not in given:
        return given, places
    places = {name: node for name, node in places.items() if name != "out_size"}
    if "in_size" in places:
        places["out_size"] = places.pop("in_size")
    rest = {name: value for name, value in given.items() if name not in ("in_size", "out_size")}
    return {"in_size": None, "out_size": given["in_size"], **rest}, places


def _width_of(machine: Cells, constructor: Constructor, given: dict[str, Value], unseen: Unknown | None) -> Value:
    """The number of features that an LSTM gives."""
    by_field = {field: given[name] for name, field in constructor.fields.items() if name in given}
    if unseen is not None:
        return Unknown(unseen.names)
    out = by_field.get("proj_size") or by_field.get("hidden_size", Unknown())
    both: Value = by_field.get("bidirectional", constructor.implied.get("bidirectional", False))
    if "direction" in by_field:
        word = plain(by_field["direction"])
        both = Unknown() if isinstance(word, Unknown) else word in ("bidirect", "bidirectional")
    known = machine.truth(both)
    if known is None or not isinstance(out, int):
        return Unknown(out.names) if isinstance(out, Unknown) else Unknown()
    return out * (2 if known else 1)


@primitive("_no_lstm")
def _no_lstm(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """The constructor of a layer that is no LSTM; `size` is its argument with the width of what it gives."""
    path, size = str(args.pos[0]), str(args.pos[1])
    del machine

    def make(inner: Cells, given: Args, node: ast.AST) -> Value:
        owner = given.pos[0]
        inner.relative(inner.site or node, path)
        if isinstance(owner, Obj):
            width = given.kw.get(size, given.pos[1] if len(given.pos) > 1 else Unknown())
            inner.put(owner, "output_size", plain(width) if given.known else Unknown())
        return None

    return Builtin(path, make, method=True)


@primitive("_share")
def _share(machine: Cells, args: Args, _: ast.AST) -> Value:
    """Note one cell that is in several layers."""
    cells = machine.items(args.pos[0]) if isinstance(args.pos[0], Obj | tuple) else None
    for cell in {id(item): item for item in cells or () if isinstance(item, Obj)}.values():
        times = sum(item is cell for item in cells or ())
        for lstm in _lstms_in(cell) if times > 1 else ():
            reason = (
                f"one object is {times} layers of a MultiRNNCell: TensorFlow shares its weights since 1.2, refuses it "
                "in 1.1, and made one LSTM for each layer before"
            )
            machine.put(lstm, "@doubts", (reason,))
    return None


def _lstms_in(cell: Obj) -> list[Obj]:
    """The LSTM that a cell is, or wraps."""
    if "@lstm" in cell.slots:
        return [cell]
    inner = cell.slots.get("_cell")
    return _lstms_in(inner) if isinstance(inner, Obj) and inner is not cell else []


@primitive("_is_function")
def _is_function(_: Libraries, args: Args, __: ast.AST) -> Value:
    """True for what is surely a function, and no thing with a class."""
    return isinstance(args.pos[0], Function | Builtin | Lib | Partial)


# What flows through them.


@primitive("_see")
def _see(machine: Cells, args: Args, _: ast.AST) -> Value:
    """Note the width of an LSTM's first input, unless it states it itself."""
    cell, shape = args.pos[0], shape_of(args.pos[1])
    record = cell.slots.get("@lstm") if isinstance(cell, Obj) else None
    if isinstance(cell, Obj) and isinstance(record, Record) and record.constructor is not None:
        fields = record.constructor.fields
        if not any(fields.get(name) == "input_size" for name in record.given) and record.unseen is None:
            machine.see_input(cell, (None, shape[-1]) if isinstance(shape, tuple) and shape else Unknown())
    return None


@primitive("_wide")
def _wide(machine: Cells, args: Args, _: ast.AST) -> Value:
    """The array that an LSTM gives for another."""
    cell = args.pos[0]
    if not isinstance(cell, Obj):
        return Unknown()
    made = (*before_last(args.pos[1]), cell.slots.get("output_size", Unknown()))
    record = cell.slots.get("@lstm")
    follows = isinstance(record, Record) and record.constructor is not None and not _is_projected(record)
    return array(machine, wide_as(made, cell) if follows else made)


def _is_projected(record: Record) -> bool:
    """True if what an LSTM gives has the width of its projection, which no flag can change."""
    fields = record.constructor.fields if record.constructor else {}
    return any(fields.get(name) == "proj_size" and value for name, value in record.given.items())


def before_last(value: Value) -> tuple[Value, ...]:
    """The sizes of an array but the last one, `...` where it is not known how many there are."""
    shape = shape_of(value)
    return shape[:-1] if isinstance(shape, tuple) and shape else (...,)


@primitive("_flat")
def _flat(machine: Cells, args: Args, _: ast.AST) -> Value:
    """An array with one axis beside that of the batch."""
    return array(machine, _flattened(shape_of(args.pos[0])))


def _flattened(shape: Value) -> Value:
    if not isinstance(shape, tuple) or not shape or shape[0] is ...:
        return Unknown()
    rest = [size for size in shape[1:] if isinstance(size, int)]
    return (shape[0], math.prod(rest) if len(rest) == len(shape) - 1 and rest else Unknown())


@primitive("_dense")
def _dense(machine: Cells, args: Args, _: ast.AST) -> Value:
    """The array that a dense layer gives: of several axes it makes one, or keeps all but the last."""
    value, width, flat = args.pos
    first = machine.truth(flat)
    shape = shape_of(value)
    if first is None or (first and (not isinstance(shape, tuple) or shape[:1] == (...,))):
        return array(machine, (..., plain(width)))
    return array(
        machine, ((shape[0],) if first and isinstance(shape, tuple) and shape else before_last(value)) + (plain(width),)
    )


@primitive("_one_step")
def _one_step(machine: Cells, args: Args, node: ast.AST) -> Value:
    """A step of a sequence, or of each of several."""
    value, time_major = args.pos
    if isinstance(value, tuple):
        return tuple(_one_step(machine, Args([item, time_major]), node) for item in value)
    shape, first = shape_of(value), machine.truth(time_major)
    if not isinstance(shape, tuple) or shape[:1] == (...,):
        return value if isinstance(value, Obj) and value.kind == "array" else array(machine, Unknown())
    if first is None or len(shape) < 2:  # a sequence has two axes
        return array(machine, (..., shape[-1]) if shape else Unknown())
    return array(machine, shape[1:] if first else (shape[0], *shape[2:]))


@primitive("_all_steps")
def _all_steps(machine: Cells, args: Args, _: ast.AST) -> Value:
    """The sequence of what a cell gives for each step of another."""
    made, inputs = shape_of(args.pos[0]), args.pos[1]
    before = before_last(inputs) if isinstance(inputs, Obj) and inputs.kind == "array" else (...,)
    return array(machine, (*before, made[-1]) if isinstance(made, tuple) and made else Unknown())


@primitive("_step_of")
def _step_of(machine: Cells, args: Args, _: ast.AST) -> Value:
    """The first step that a cell of Gluon is unrolled over."""
    value = args.pos[0]
    if isinstance(value, Obj) and value.kind == "list":
        items = machine.items(value)
        return items[0] if items else array(machine, Unknown())
    shape, layout = shape_of(value), plain(args.pos[1])
    if not isinstance(shape, tuple) or not shape or layout not in ("NTC", "TNC"):
        return array(machine, Unknown())
    return array(machine, (None, shape[-1]))


@primitive("_unrolled")
def _unrolled(machine: Cells, args: Args, _: ast.AST) -> Value:
    """The outputs of an unrolled cell: one array if they are merged, else a list."""
    made, inputs, length, merge = args.pos
    if machine.truth(merge) is True:
        return _all_steps(machine, Args([made, inputs]), ast.Pass())
    steps = plain(length)
    known = machine.truth(merge) is False and type(steps) is int and 0 < steps <= MOST_STEPS
    machine.spend(steps if known and isinstance(steps, int) else 1)
    return machine.new_list([made] * steps) if known and isinstance(steps, int) else Unknown(may=things(made))


@primitive("_beside")
def _beside(machine: Cells, args: Args, _: ast.AST) -> Value:
    """Arrays side by side on their last axis."""
    parts = machine.items(args.pos[0]) or []
    shapes = [shape_of(item) for item in parts]
    sizes = [shape[-1] if isinstance(shape, tuple) and shape else Unknown() for shape in shapes]
    known = [size for size in sizes if isinstance(size, int)]
    width: Value = sum(map(int, known)) if len(known) == len(sizes) and sizes else unknown_of(*sizes)
    return array(machine, (*(before_last(parts[0]) if parts else (...,)), width))


@primitive("_a_list")
def _a_list(machine: Cells, args: Args, _: ast.AST) -> Value:
    """The items of what is a list; of what is not known, nothing that is known."""
    items = machine.items(args.pos[0]) if isinstance(args.pos[0], Obj | tuple) else None
    return machine.new_list(items) if items is not None else machine.new("list", unknown_of(args.pos[0]))


@primitive("_in_part")
def _in_part(_: Libraries, args: Args, __: ast.AST) -> Value:
    """Say that of classes only a part is written down."""
    for cls in args.pos:
        if isinstance(cls, Class):
            cls.slots["@partly"] = True
    return None


LIB_FUNCTIONS["equinox.field"] = LIB_FUNCTIONS["dataclasses.field"]


@primitive("_eqx_fields")
def _eqx_fields(machine: Cells, args: Args, _: ast.AST) -> Value:
    """Make a class a dataclass, unless it, or one that it is derived from, has a constructor of its own."""
    cls = args.pos[0]
    own = isinstance(cls, Class) and isinstance(machine.lookup(cls, "__init__"), Function)
    return machine.make_dataclass(cls, {"init": not own})
