"""Functions of libraries that make arrays, of sizes, of numbers, or of other arrays.

Not here: methods of arrays (`arrays`).
"""

import ast
import math
from collections.abc import Callable
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.machine import Builtin
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
    is_constant,
    same,
    unknown_of,
)
from lstmcalc.readers.python.layers.array_shapes import expanded
from lstmcalc.readers.python.layers.arrays import ARRAY, METHODS, array, shape_of, sizes_of
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function
from lstmcalc.readers.python.libraries.libraries import Libraries

_MAKERS: Final = (
    *(f"torch.{name}" for name in ("randn", "rand", "zeros", "ones", "empty")),
    *(f"numpy.{name}" for name in ("random.rand", "random.randn")),
)


_SHAPED: Final = (
    *(
        f"numpy.{name}"
        for name in (
            "zeros",
            "ones",
            "empty",
            "random.random",
            "random.random_sample",
            "random.standard_normal",
            "full",
        )
    ),
    *["torch.full", "torch.normal"],
    *(
        f"{home}.{name}"
        for home in ("keras.ops", "jax.numpy", "tensorflow", "keras.backend")
        for name in ("zeros", "ones", "full", "fill", "empty")
    ),
    *["keras.random.normal", "keras.random.uniform", "tensorflow.random.normal", "tensorflow.random.uniform"],
)


_RANK: Final = 64


def _made(machine: Libraries, args: Args, _: ast.AST) -> Value:
    given = [args.kw["size"]] if "size" in args.kw else args.pos
    dtype = args.kw.get("dtype")
    if len(given) > 1 and isinstance(plain(given[0]), tuple | Obj):  # np.ones((2, 3), np.float32)
        given, dtype = given[:1], given[1]
    return array(machine, sizes_of(machine, given) if args.rest is None else Unknown(), dtype)


def _shaped(machine: Libraries, args: Args, _: ast.AST) -> Value:
    given = args.pos[0] if args.pos else args.kw.get("shape", args.kw.get("size", Unknown()))
    dtype = args.kw.get("dtype", args.pos[1] if len(args.pos) > 1 and isinstance(args.pos[1], Lib) else None)
    return array(machine, sizes_of(machine, [given]), dtype)


def _typed(run: Callable[[Libraries, Args, ast.AST], Value]) -> Callable[[Libraries, Args, ast.AST], Value]:
    """A maker of PyTorch's, whose arrays have the default dtype."""

    def make(machine: Libraries, args: Args, node: ast.AST) -> Value:
        made = run(machine, args, node)
        if isinstance(made, Obj) and made.slots.get("@type") is None:
            dtype = machine.world.slots["dtype"]
            made.slots["@type"] = Lib(f"torch.{dtype}") if isinstance(dtype, str) else dtype
        return made

    return make


for _path in _MAKERS:
    LIB_FUNCTIONS[_path] = _typed(_made) if _path.startswith("torch.") else _made


for _path in _SHAPED:
    LIB_FUNCTIONS[_path] = _shaped


for _path in ("FloatTensor", "Tensor", "DoubleTensor", "HalfTensor", "LongTensor", "IntTensor"):
    LIB_FUNCTIONS[f"torch.{_path}"] = lambda machine, args, node: _legacy(machine, args, node)


def _legacy(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """`torch.Tensor(2, 3)` has that shape, `torch.Tensor([2, 3])` these values."""
    if len(args.pos) == 1 and not isinstance(plain(args.pos[0]), int):
        return _array_of(machine, args, node)
    return _made(machine, args, node)


def _named(run: Callable[[Libraries, Args, str], Value], *paths: str) -> None:
    """Make one function several of libraries; it is told its last name."""
    for path in paths:
        name = path.rpartition(".")[2]
        LIB_FUNCTIONS[path] = lambda machine, args, _, name=name: run(machine, args, name)  # type: ignore[misc]  # bound now


def _drawn(machine: Libraries, args: Args, name: str) -> Value:
    size = args.kw.get("size", args.pos[2] if len(args.pos) > 2 else MISSING)  # after two numbers
    if isinstance(size, Missing) and name == "randint" and args.pos and not isinstance(plain(args.pos[-1]), int):
        size = args.pos[-1]
    return array(machine, sizes_of(machine, [size])) if not isinstance(size, Missing | type(None)) else Unknown()


_named(
    _drawn,
    "numpy.random.normal",
    "numpy.random.uniform",
    "numpy.random.randint",
    "torch.randint",
    "numpy.random.choice",
)


@lib_function(
    "torch.tensor",
    "numpy.array",
    "numpy.asarray",
    "torch.as_tensor",
    "torch.from_numpy",
    "keras.ops.convert_to_tensor",
    "tensorflow.constant",
    "jax.numpy.array",
    "tensorflow.convert_to_tensor",
    "torch.autograd.Variable",
    "numpy.asanyarray",
    "numpy.ascontiguousarray",
)
def _array_of(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else Unknown()
    if isinstance(value, Obj) and value.kind == "array":
        return value
    shape = _nested(machine, value, 0)
    made = array(machine, shape, args.kw.get("dtype"))
    if shape == () and is_constant(plain(value)):
        made.slots["@value"] = plain(value)
    elif isinstance(shape, tuple) and len(shape) == 1:
        made.slots["@items"] = tuple(machine.items(value) or ())
    return made


def _nested(machine: Libraries, value: Value, depth: int) -> Value:
    """The shape of nested lists."""
    value = plain(value)
    machine.spend(4)
    if isinstance(value, int | float | complex):
        return ()
    if isinstance(value, Obj) and value.kind == "array":
        return shape_of(value)
    if (
        depth > _RANK
        or isinstance(value, Unknown)
        or not (isinstance(value, tuple | range) or (isinstance(value, Obj) and value.kind == "list"))
    ):
        return Unknown()
    items = machine.items(value)
    if items is None:
        return Unknown()
    inner = [_nested(machine, item, depth + 1) for item in items]
    if not inner:
        return (0,)
    return (
        (len(items), *inner[0])
        if isinstance(inner[0], tuple) and all(same(inner[0], item) for item in inner)
        else Unknown()
    )


def _arange(machine: Libraries, args: Args, name: str) -> Value:
    values = [plain(item) for item in args.pos]
    if (
        name == "arange" and all(isinstance(item, int) for item in values) and 0 < len(values) <= 3 and not args.kw
    ):  # start, stop, step
        try:
            return array(machine, (len(range(*(item for item in values if isinstance(item, int)))),))
        except ValueError:
            return array(machine, Unknown())
    return array(machine, Unknown())


_named(_arange, "torch.arange", "numpy.arange", "numpy.linspace", "torch.linspace")


@lib_function("torch.eye", "numpy.eye", "numpy.identity")
def _eye(machine: Libraries, args: Args, _: ast.AST) -> Value:
    sizes = [plain(item) for item in args.pos[:2]]
    return array(machine, (sizes[0], sizes[-1]) if sizes and not args.kw else Unknown())


@lib_function(
    "torch.zeros_like",
    "torch.ones_like",
    "torch.randn_like",
    "torch.rand_like",
    "numpy.zeros_like",
    "numpy.ones_like",
    "keras.ops.zeros_like",
    "keras.ops.ones_like",
)
def _alike(machine: Libraries, args: Args, _: ast.AST) -> Value:
    return array(
        machine, shape_of(args.pos[0]), args.pos[0].slots.get("@type") if isinstance(args.pos[0], Obj) else None
    )


ARRAY.slots["__new__"] = Builtin(
    "Tensor", lambda machine, args, node: _legacy(machine, Args(args.pos[1:], args.kw, args.rest, args.more), node)
)


def _by_function(machine: Libraries, args: Args, name: str) -> Value:
    """The functions that are methods too."""
    name = "unsqueeze" if name == "expand_dims" else name
    owner = args.pos[0] if args.pos else None
    if not isinstance(owner, Obj) or owner.kind != "array" or name not in METHODS:
        machine.may_raise()
        return unknown_of(*args.all)
    return METHODS[name](machine, args, machine.here)


_named(
    _by_function,
    "numpy.reshape",
    "torch.reshape",
    "numpy.swapaxes",
    "torch.transpose",
    "numpy.transpose",
    "torch.permute",
    "torch.unsqueeze",
    "numpy.expand_dims",
    "torch.squeeze",
    "numpy.squeeze",
    "torch.flatten",
    "numpy.ravel",
)


@lib_function("torch.cat", "torch.concat", "numpy.concatenate", "torch.concatenate")
def _cat(machine: Libraries, args: Args, _: ast.AST) -> Value:
    parts = machine.items(args.pos[0]) if args.pos else None
    axis = plain(args.pos[1] if len(args.pos) > 1 else args.kw.get("dim", args.kw.get("axis", 0)))
    shapes = [shape_of(item) for item in parts or ()]
    if not shapes or not isinstance(axis, int) or not all(isinstance(item, tuple) for item in shapes):
        return array(machine, Unknown())
    first = shapes[0]
    known = [item for item in shapes if isinstance(item, tuple)]
    if (
        not isinstance(first, tuple)
        or any(len(item) != len(first) for item in known)
        or not -len(first) <= axis < len(first)
    ):
        return array(machine, Unknown())
    at = axis % len(first)
    total: Value = 0
    for item in known:
        total = total + item[at] if isinstance(total, int) and isinstance(item[at], int) else Unknown()
    return array(machine, (*first[:at], total, *first[at + 1 :]))


@lib_function("torch.stack", "numpy.stack")
def _stack(machine: Libraries, args: Args, _: ast.AST) -> Value:
    parts = machine.items(args.pos[0]) if args.pos else None
    axis = plain(args.pos[1] if len(args.pos) > 1 else args.kw.get("dim", args.kw.get("axis", 0)))
    first = shape_of(parts[0]) if parts else Unknown()
    made = expanded(first, axis)
    if not isinstance(made, tuple) or not isinstance(axis, int) or parts is None:
        return array(machine, Unknown())
    at = axis % len(made)
    return array(machine, (*made[:at], len(parts), *made[at + 1 :]))


def _number(machine: Libraries, args: Args, name: str) -> Value:
    """Functions of NumPy on plain numbers."""
    from lstmcalc.readers.python.builtin.constants import constant

    value = constant(args.pos[0]) if args.pos else MISSING
    numbers = value if isinstance(value, list | tuple) else [value]
    if isinstance(args.pos[0] if args.pos else None, Obj) and getattr(args.pos[0], "kind", "") == "array":
        if name in ("ceil", "floor", "sqrt", "log2", "log", "abs", "round"):
            return array(machine, shape_of(args.pos[0]))
        return Unknown()
    if args.kw or len(args.pos) != 1 or not numbers or not all(isinstance(item, int | float) for item in numbers):
        machine.may_raise()
        return unknown_of(*args.all)
    single = numbers[0] if not isinstance(value, list | tuple) else None
    with_all = {"prod": math.prod, "sum": sum, "max": max, "min": min}
    if name in with_all:
        return with_all[name](numbers)  # type: ignore[operator]  # numbers
    if single is None or isinstance(single, complex):
        return Unknown()
    try:
        return {
            "ceil": lambda x: float(math.ceil(x)),
            "floor": lambda x: float(math.floor(x)),
            "sqrt": math.sqrt,
            "log2": math.log2,
            "log": math.log,
            "abs": abs,
            "mean": float,
            "round": lambda x: float(round(x)),
            "int32": int,
            "int64": int,
            "float32": float,
            "float64": float,
        }[name](single)  # type: ignore[operator]  # as above
    except (KeyError, ValueError, OverflowError):
        return Unknown()


_named(
    _number,
    "numpy.prod",
    "numpy.sum",
    "numpy.max",
    "numpy.min",
    "numpy.ceil",
    "numpy.floor",
    "numpy.sqrt",
    "numpy.log2",
    "numpy.log",
    "numpy.abs",
    "numpy.mean",
    "numpy.round",
    "numpy.int32",
    "numpy.int64",
    "numpy.float32",
    "numpy.float64",
)
