"""Functions of TensorFlow 1, and of others, that make arrays of known shapes.

Not here: the functions that Keras and JAX have too (`operations`), and the cells (`cells`).
"""

import ast
from collections.abc import Callable
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.values import MISSING, Args, Missing, Obj, Unknown, Value
from lstmcalc.readers.python.layers.arrays import array, shape_of, sizes_of
from lstmcalc.readers.python.layers.cells import MOST_STEPS, Cells, before_last
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function


def _given(args: Args, names: str) -> dict[str, Value]:
    return {**dict(zip(names.split(), args.pos, strict=False)), **args.kw}


def _shaped_by(names: str) -> Callable[[Cells, Args, ast.AST], Value]:
    def run(machine: Cells, args: Args, _: ast.AST) -> Value:
        shape = _given(args, names).get("shape", MISSING)
        known = args.known and not isinstance(shape, Missing | type(None))
        return array(machine, sizes_of(machine, [shape]) if known else Unknown())

    return run


_SHAPE_FIRST: Final = (
    *(f"mxnet.{home}.{name}" for home in ("nd", "ndarray", "np") for name in ("zeros", "ones")),
    *(f"mlx.core.{name}" for name in ("zeros", "ones", "random.normal")),
    *(f"paddle.{name}" for name in ("zeros", "ones", "randn", "rand")),
)
lib_function(*_SHAPE_FIRST)(_shaped_by("shape"))
lib_function(
    *(f"mxnet.{home}.random.{name}" for home in ("nd", "ndarray") for name in ("normal", "uniform")),
    "mlx.core.random.uniform",
)(_shaped_by("low high shape"))


@lib_function("jax.random.split")
def _keys(machine: Cells, args: Args, _: ast.AST) -> Value:
    number = plain(_given(args, "key num").get("num", 2))  # two by default
    return array(machine, (number, Unknown()) if type(number) is int else Unknown())


lib_function("jax.random.normal", "jax.random.uniform")(_shaped_by("key shape"))
lib_function("tensorflow.placeholder")(_shaped_by("dtype shape name"))
lib_function("tensorflow.placeholder_with_default")(_shaped_by("input shape name"))
lib_function("tensorflow.get_variable")(_shaped_by("name shape dtype initializer"))
lib_function(
    *(f"tensorflow.{name}" for name in ("random_uniform", "random_normal", "truncated_normal")),
    "tensorflow.random.truncated_normal",
)(_shaped_by("shape"))


@lib_function("tensorflow.Variable")
def _variable(machine: Cells, args: Args, _: ast.AST) -> Value:
    value = _given(args, "initial_value").get("initial_value", Unknown())
    if isinstance(value, Obj) and value.kind == "array":
        return array(machine, shape_of(value))
    return array(machine, Unknown())


@lib_function("tensorflow.nn.embedding_lookup")
def _looked_up(machine: Cells, args: Args, _: ast.AST) -> Value:
    given = _given(args, "params ids")
    table, ids = shape_of(given.get("params", Unknown())), given.get("ids", Unknown())
    if not isinstance(table, tuple) or len(table) != 2:  # a matrix
        return array(machine, Unknown())
    shape = shape_of(ids)
    return array(machine, (*(shape if isinstance(shape, tuple) else (...,)), table[-1]))


def _dense_by(names: str, size: str) -> Callable[[Cells, Args, ast.AST], Value]:
    def run(machine: Cells, args: Args, _: ast.AST) -> Value:
        given = _given(args, names)
        width = plain(given.get(size, Unknown())) if args.known else Unknown()
        return array(machine, (*before_last(given.get(names.partition(" ")[0], Unknown())), width))

    return run


lib_function("tensorflow.layers.dense")(_dense_by("inputs units", "units"))
lib_function("tensorflow.contrib.layers.fully_connected", "tensorflow.contrib.layers.linear")(
    _dense_by("inputs num_outputs", "num_outputs")
)
for _name in ("stack", "pack"):
    LIB_FUNCTIONS[f"tensorflow.{_name}"] = LIB_FUNCTIONS["torch.stack"]
lib_function("tensorflow.nn.xw_plus_b")(lambda machine, args, node: _multiplied(machine, args, node))


@lib_function("tensorflow.matmul", "tensorflow.linalg.matmul")
def _multiplied(machine: Cells, args: Args, _: ast.AST) -> Value:
    first, second = (shape_of(value) for value in (*args.pos, Unknown(), Unknown())[:2])
    plainly = not {"transpose_a", "transpose_b"} & {*args.kw} and len(args.pos) >= 2  # both by position
    known = isinstance(first, tuple) and isinstance(second, tuple) and len(second) >= 2 and first  # matrices
    if not plainly or not known or not isinstance(first, tuple) or not isinstance(second, tuple):
        return array(machine, Unknown())
    return array(machine, (*first[:-1], second[-1]))


@lib_function("tensorflow.unstack", "tensorflow.unpack")
def _unstacked(machine: Cells, args: Args, _: ast.AST) -> Value:
    given = _given(args, "value num axis name")
    shape, axis = shape_of(given.get("value", Unknown())), plain(given.get("axis", 0))
    known = isinstance(shape, tuple) and isinstance(axis, int) and shape[:1] != (...,)
    if not known or not isinstance(shape, tuple) or not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return Unknown()
    at = axis % len(shape)
    steps = plain(given.get("num"))
    count = shape[at] if isinstance(shape[at], int) else steps
    part = (*shape[:at], *shape[at + 1 :])
    if type(count) is not int or not 0 < count <= MOST_STEPS:
        return Unknown()
    machine.spend(count)
    return machine.new_list([array(machine, part) for _ in range(count)])


@lib_function("tensorflow.split")
def _split(machine: Cells, args: Args, _: ast.AST) -> Value:
    """Equal parts along an axis; up to TensorFlow 0.12 the axis comes first."""
    pos = list(args.pos)
    if len(pos) > 2 and isinstance(plain(pos[0]), int):  # axis, number, array
        pos = [pos[2], pos[1], pos[0]]
    given = {**dict(zip(("value", "num_or_size_splits", "axis"), pos, strict=False)), **args.kw}
    shape, axis = shape_of(given.get("value", Unknown())), plain(given.get("axis", 0))
    count = plain(given.get("num_or_size_splits", Unknown()))
    if (
        not isinstance(shape, tuple)
        or not isinstance(axis, int)
        or type(count) is not int
        or not 0 < count <= MOST_STEPS
    ):
        return Unknown()
    if shape[:1] == (...,) or not -len(shape) <= axis < len(shape):
        return Unknown()
    machine.spend(count)
    at = axis % len(shape)
    size = shape[at]
    part = (*shape[:at], size // count if isinstance(size, int) else Unknown(), *shape[at + 1 :])
    return machine.new_list([array(machine, part) for _ in range(count)])
