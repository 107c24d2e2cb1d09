"""Arrays: their shapes and dtypes, as far as code that is read says them.

An array is a thing with a shape, a tuple of sizes; what is not known of it is unknown, never guessed.

Not here: layers (`torch`, `keras`).
"""

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from lstmcalc.frameworks.constructors import Symbol, dtype_name
from lstmcalc.readers.python.core.classes_of_python import TYPES, plain
from lstmcalc.readers.python.core.machine import Builtin
from lstmcalc.readers.python.core.values import (
    Args,
    Bound,
    Class,
    Lib,
    Obj,
    Unknown,
    Value,
    unknown_of,
)
from lstmcalc.readers.python.layers.array_shapes import broadcast, exchanged, expanded, indexed, reshaped, transposed
from lstmcalc.readers.python.layers.records import Records
from lstmcalc.readers.python.libraries.libraries import Libraries

_SAME: Final = frozenset(
    (
        *[
            "to",
            "cuda",
            "cpu",
            "requires_grad_",
            "detach",
            "clone",
            "contiguous",
            "astype",
            "type",
            "numpy",
            "copy",
            "pin_memory",
            "relu",
            "sigmoid",
            "tanh",
            "abs",
            "exp",
            "log",
        ],
        *[
            "sqrt",
            "neg",
            "clamp",
            "normal_",
            "uniform_",
            "zero_",
            "fill_",
            "random_",
            "softmax",
            "log_softmax",
            "cumsum",
            "clip",
            "round",
            "floor",
            "ceil",
        ],
    )
)
_CASTS: Final = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "long": "",
    "int": "",
}


def array(machine: Libraries, shape: Value, dtype: Value = None) -> Obj:
    """An array of a shape; Unknown for one that is not known."""
    made = Obj("array", ARRAY, machine.born())
    made.slots["@shape"] = shape
    made.slots["@type"] = dtype
    return made


def shape_of(value: Value) -> Value:
    """The shape of an array, a tuple; Unknown if it is not known."""
    return value.slots.get("@shape", Unknown()) if isinstance(value, Obj) and value.kind == "array" else Unknown()


def sizes_of(machine: Libraries, values: Sequence[Value]) -> Value:
    """A shape from arguments: sizes, or one sequence of them."""
    if len(values) == 1 and not isinstance(plain(values[0]), int):
        if isinstance(values[0], Unknown):
            return Unknown(values[0].names)
        items = machine.items(values[0]) if isinstance(values[0], Obj | tuple | range) else None
        return tuple(map(plain, items)) if items is not None else Unknown()
    return tuple(map(plain, values))


# Attributes and methods.

_METHOD = Callable[[Any, Obj, Args, ast.AST], Value]


class Arrays(Records):
    """Knows arrays."""

    def attribute(self, owner: Value, name: str) -> Value:
        """The attribute of a value."""
        if isinstance(owner, Obj) and owner.kind == "array" and owner.cls is ARRAY:
            return self._of_array(owner, name)
        return super().attribute(owner, name)

    def _of_array(self, owner: Obj, name: str) -> Value:
        shape = shape_of(owner)
        if name in owner.slots:
            return owner.slots[name]
        if name == "shape":
            return shape if isinstance(shape, tuple) else Unknown(getattr(shape, "names", ()))
        if name in ("T", "mT", "mH", "H"):
            rows: Value = Unknown()
            if isinstance(shape, tuple) and (name == "T" or len(shape) > 1):
                rows = shape[::-1] if name == "T" else (*shape[:-2], *shape[:-3:-1])
            return array(self, rows, owner.slots.get("@type"))
        if name == "ndim":
            return len(shape) if isinstance(shape, tuple) else Unknown()
        if name == "dtype":
            return owner.slots["@type"] if owner.slots.get("@type") is not None else Unknown()
        if name in ("data", "grad", "real"):
            return owner
        if name in METHODS:
            return Bound(Builtin(name, METHODS[name]), owner)
        self.may_raise()
        return Unknown()

    def array_item(self, owner: Obj, index: Value) -> Value:
        """An item, or a part, of an array."""
        shape = shape_of(owner)
        held = owner.slots.get("@items")
        if isinstance(held, tuple) and isinstance(index, int) and -len(held) <= index < len(held):
            made = array(self, (), owner.slots.get("@type"))
            made.slots["@value"] = held[index]
            return made
        return array(self, indexed(shape, index), owner.slots.get("@type"))

    def cast_name(self, value: Value) -> str:
        """Our name of the dtype that a value stands for; empty if it is none."""
        if isinstance(value, Lib):
            return dtype_name(Symbol(value.path))
        if isinstance(value, Obj) and value.kind == "array":
            return self.cast_name(value.slots.get("@type"))
        return dtype_name(value) if isinstance(value, str) else ""


METHODS: Final[dict[str, Callable[[Any, Args, ast.AST], Value]]] = {}


def _array_method(*names: str) -> Callable[[_METHOD], _METHOD]:
    def add(run: _METHOD) -> _METHOD:
        def call(machine: Records, args: Args, node: ast.AST) -> Value:
            owner = args.pos[0]
            if not isinstance(owner, Obj) or owner.kind != "array":
                return unknown_of(*args.all)
            return run(machine, owner, Args(args.pos[1:], args.kw, args.rest, args.more), node)

        for name in names:
            METHODS[name] = call
        return run

    return add


@_array_method(*_SAME)
def _same(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    dtype = next((item for item in args.all if isinstance(item, Lib)), owner.slots.get("@type"))
    made = array(machine, shape_of(owner), dtype)
    if "@value" in owner.slots:
        made.slots["@value"] = owner.slots["@value"]
    return made


def _cast(dtype: str) -> _METHOD:
    return lambda machine, owner, _, __: array(machine, shape_of(owner), Lib(f"torch.{dtype}") if dtype else Unknown())


for _name, _dtype in _CASTS.items():
    _array_method(_name)(_cast(_dtype))


@_array_method("size")
def _size(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    shape = shape_of(owner)
    if not args.all:
        return shape
    axis = plain(args.all[0])
    if isinstance(shape, tuple) and isinstance(axis, int):
        if not -len(shape) <= axis < len(shape):
            machine.throw("IndexError", "size")
        return shape[axis]
    return Unknown()


@_array_method("dim", "ndimension")
def _dim(_: Records, owner: Obj, __: Args, ___: ast.AST) -> Value:
    shape = shape_of(owner)
    return len(shape) if isinstance(shape, tuple) else Unknown()


@_array_method("numel", "nelement")
def _numel(_: Records, owner: Obj, __: Args, ___: ast.AST) -> Value:
    shape = shape_of(owner)
    return math.prod(shape) if isinstance(shape, tuple) and all(isinstance(item, int) for item in shape) else Unknown()


@_array_method("item", "tolist", "__int__", "__float__", "__index__")
def _item(machine: Records, owner: Obj, _: Args, __: ast.AST) -> Value:
    if "@value" in owner.slots:
        return owner.slots["@value"]
    held = owner.slots.get("@items")
    return machine.new_list(held) if isinstance(held, tuple) else Unknown()


@_array_method("view", "reshape")
def _view(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    if len(args.pos) == 1 and isinstance(args.pos[0], Lib | str):
        return array(machine, Unknown(), args.pos[0])
    shape = sizes_of(machine, args.pos) if args.known and args.pos else Unknown()
    return array(machine, reshaped(shape_of(owner), shape), owner.slots.get("@type"))


@_array_method("unsqueeze")
def _unsqueeze(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    return array(
        machine, expanded(shape_of(owner), plain(args.all[0]) if args.all else Unknown()), owner.slots.get("@type")
    )


@_array_method("squeeze")
def _squeeze(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    shape, axis = shape_of(owner), plain(args.all[0]) if args.all else None
    if not isinstance(shape, tuple) or not all(isinstance(item, int) for item in shape):
        return array(machine, Unknown())
    if axis is None:
        return array(machine, tuple(item for item in shape if item != 1), owner.slots.get("@type"))
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return array(machine, Unknown())
    at = axis % len(shape)
    return array(machine, shape if shape[at] != 1 else (*shape[:at], *shape[at + 1 :]), owner.slots.get("@type"))


@_array_method("transpose")
def _transpose(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    return array(machine, transposed(shape_of(owner), [plain(item) for item in args.all]), owner.slots.get("@type"))


@_array_method("swapaxes", "swapdims")
def _swap(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    return array(machine, exchanged(shape_of(owner), [plain(item) for item in args.all]), owner.slots.get("@type"))


@_array_method("permute")
def _permute(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    axes = sizes_of(machine, args.pos)
    shape = shape_of(owner)
    rank = len(shape) if isinstance(shape, tuple) else -1
    known = (
        isinstance(axes, tuple)
        and isinstance(shape, tuple)
        and len(axes) == rank
        and all(isinstance(item, int) and -rank <= item < rank for item in axes)
    )
    order = [item % rank for item in axes if isinstance(item, int)] if known and isinstance(axes, tuple) else []
    return array(
        machine,
        tuple(shape[item] for item in order)
        if known and isinstance(shape, tuple) and sorted(order) == list(range(rank))
        else Unknown(),
        owner.slots.get("@type"),
    )


@_array_method("flatten", "ravel")
def _flatten(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    shape = shape_of(owner)
    if args.all or not isinstance(shape, tuple) or not all(isinstance(item, int) for item in shape):
        return array(machine, Unknown())
    return array(machine, (math.prod(item for item in shape if isinstance(item, int)),), owner.slots.get("@type"))


@_array_method("sum", "mean", "max", "min", "argmax", "std", "var", "prod", "norm", "all", "any", "argmin")
def _reduced(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    return Unknown() if args.all else array(machine, (), owner.slots.get("@type"))


@_array_method("__len__")
def _len(_: Records, owner: Obj, __: Args, ___: ast.AST) -> Value:
    shape = shape_of(owner)
    return shape[0] if isinstance(shape, tuple) and shape else Unknown()


@_array_method("__getitem__")
def _get(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    return machine.array_item(owner, args.pos[0]) if isinstance(machine, Arrays) else Unknown()


def _operate(machine: Records, args: Args, _: ast.AST) -> Value:
    one, other = args.pos[:2]
    return array(machine, broadcast(shape_or_scalar(one), shape_or_scalar(other)))


def shape_or_scalar(value: Value) -> Value:
    """The shape of an operand."""
    return () if isinstance(plain(value), int | float | complex) else shape_of(value)


ARRAY: Final = Class("Tensor", (), 0)
ARRAY.mro = (ARRAY, TYPES["object"])
for _name, _run in METHODS.items():
    ARRAY.slots[_name] = Builtin(_name, _run, method=True)
for _name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        ARRAY.slots[_form] = Builtin(_form, _operate, method=True)
