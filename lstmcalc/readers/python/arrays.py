"""Arrays: their shapes and dtypes, as far as code that is read says them.

An array is a thing with a shape, a tuple of sizes; what is not known of it is unknown, never guessed.

Not here: layers (`torch`, `keras`).
"""

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from lstmcalc.frameworks.constructors import Symbol, dtype_name
from lstmcalc.readers.python.classes_of_python import TYPES, plain
from lstmcalc.readers.python.libraries import LIB_FUNCTIONS, Libraries, lib_function
from lstmcalc.readers.python.machine import Builtin
from lstmcalc.readers.python.records import Records
from lstmcalc.readers.python.values import (
    MISSING,
    Args,
    Bound,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
    is_constant,
    same,
    unknown_of,
)

Shape = tuple[Value, ...]
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
_ELEMENTWISE: Final = frozenset(
    [
        "relu",
        "sigmoid",
        "tanh",
        "abs",
        "exp",
        "log",
        "sqrt",
        "softmax",
        "log_softmax",
        "dropout",
        "gelu",
        "elu",
        "leaky_relu",
        "silu",
        "square",
        "negative",
        "sin",
        "cos",
    ]
)
_RANK: Final = 64


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


def indexed(shape: Value, index: Value) -> Value:
    """The shape of a part of an array."""
    if not isinstance(shape, tuple):
        return Unknown()
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [part for part in parts if part is Ellipsis]:
        at = next(place for place, part in enumerate(parts) if part is Ellipsis)
        taken = sum(part is not None and part is not Ellipsis for part in parts)
        parts[at : at + 1] = [slice(None)] * (len(shape) - taken)
    sizes: list[Value] = []
    left = list(shape)
    for part in parts:
        if part is None:
            sizes.append(1)
            continue
        if not left:
            return Unknown()
        size = left.pop(0)
        if isinstance(part, bool) or not isinstance(part, int | slice):
            return Unknown()
        if isinstance(part, slice):
            sizes.append(_sliced(size, part))
    return (*sizes, *left)


def _sliced(size: Value, part: slice) -> Value:
    if part == slice(None):
        return size
    if not all(isinstance(item, int | None) for item in (part.start, part.stop, part.step)):
        return Unknown()
    if isinstance(size, int):
        return len(range(*part.indices(size)))
    return Unknown() if size is not None else None


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


def reshaped(old: Value, new: Value) -> Value:
    """A new shape, in which -1 follows from the number of values."""
    if not isinstance(new, tuple) or -1 not in [item for item in new if isinstance(item, int)]:
        return new
    known = [item for item in new if isinstance(item, int) and item != -1]
    fixed: int = math.prod(known)
    if isinstance(old, tuple) and all(isinstance(item, int) for item in old) and len(known) == len(new) - 1 and fixed:
        rest = math.prod(item for item in old if isinstance(item, int)) // fixed
        return tuple(rest if item == -1 else item for item in new)
    return tuple(Unknown() if item == -1 else item for item in new)


@_array_method("unsqueeze")
def _unsqueeze(machine: Records, owner: Obj, args: Args, _: ast.AST) -> Value:
    return array(
        machine, expanded(shape_of(owner), plain(args.all[0]) if args.all else Unknown()), owner.slots.get("@type")
    )


def expanded(shape: Value, axis: Value) -> Value:
    """A shape with an axis more, of size 1."""
    if not isinstance(shape, tuple) or not isinstance(axis, int) or not -len(shape) - 1 <= axis <= len(shape):
        return Unknown()
    at = axis % (len(shape) + 1)
    return (*shape[:at], 1, *shape[at:])


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


def exchanged(shape: Value, axes: Sequence[Value]) -> Value:
    """A shape with two axes exchanged."""
    rank = len(shape) if isinstance(shape, tuple) else 0
    places = [item % rank for item in axes if isinstance(item, int) and -rank <= item < rank]
    if not isinstance(shape, tuple) or len(places) != 2 or len(axes) != 2:  # two axes
        return Unknown()
    order = list(range(rank))
    order[places[0]], order[places[1]] = places[1], places[0]
    return tuple(shape[item] for item in order)


def transposed(shape: Value, axes: Sequence[Value]) -> Value:
    """A shape with two axes exchanged, or with all in another order."""
    if not isinstance(shape, tuple):
        return Unknown()
    rank = len(shape)
    if not axes:
        return shape[::-1]
    if len(axes) == 1 and isinstance(axes[0], tuple):
        axes = axes[0]
    if not all(isinstance(item, int) and -rank <= item < rank for item in axes):
        return Unknown()
    places = [item % rank for item in axes if isinstance(item, int)]
    if len(places) == 2 and (rank != 2 or places == [1, 0]):  # two are exchanged
        return exchanged(shape, places)
    if len(places) == 2 and rank == 2:  # PyTorch exchanges them, NumPy does not
        return Unknown()
    if sorted(places) == list(range(rank)):
        return tuple(shape[item] for item in places)
    return Unknown()


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


def broadcast(one: Value, other: Value) -> Value:
    """The shape of an operation on two arrays."""
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return Unknown()
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True)
    return tuple(b if a == 1 else a if b == 1 or same(a, b) else Unknown() for a, b in pairs)


from lstmcalc.readers.python.values import Class  # noqa: E402  # it needs what stands above

ARRAY: Final = Class("Tensor", (), 0)
ARRAY.mro = (ARRAY, TYPES["object"])
for _name, _run in METHODS.items():
    ARRAY.slots[_name] = Builtin(_name, _run, method=True)
ARRAY.slots["__new__"] = Builtin(
    "Tensor", lambda machine, args, node: _legacy(machine, Args(args.pos[1:], args.kw, args.rest, args.more), node)
)
for _name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        ARRAY.slots[_form] = Builtin(_form, _operate, method=True)


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
    from lstmcalc.readers.python.functions import constant

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
