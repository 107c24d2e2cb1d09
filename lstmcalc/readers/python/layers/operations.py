"""Functions on arrays of Keras, TensorFlow and JAX: what each makes of a shape. What is not in the table is not known.

Not here: the arrays of PyTorch and NumPy (`arrays`), and layers (`keras`).
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from lstmcalc.readers.keras.shapes import shape_after
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.values import Args, Obj, Unknown, Value
from lstmcalc.readers.python.layers.array_shapes import expanded, transposed
from lstmcalc.readers.python.layers.arrays import array, shape_of, sizes_of
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS

_HOMES: Final = (
    "keras.ops",
    "tensorflow",
    "tensorflow.math",
    "keras.backend",
    "jax.numpy",
    "jax.nn",
    "tensorflow.nn",
    "keras.activations",
)


def _names(text: str) -> list[str]:
    return text.split()


_KEEPS: Final = _names(
    "relu sigmoid tanh softmax log_softmax exp log sqrt square abs cast identity stop_gradient dropout gelu elu selu "
    "silu clip clip_by_value negative sin cos softplus leaky_relu l2_normalize flip reverse roll cumsum zeros_like "
    "ones_like"
)
_ACTIVATIONS: Final = _names(
    "relu relu6 sigmoid log_sigmoid hard_sigmoid tanh hard_tanh softmax log_softmax gelu elu celu selu silu swish "
    "softplus soft_sign leaky_relu standardize"
)
_REDUCES: Final = _names("sum mean max min prod std var any all reduce_sum reduce_mean reduce_max reduce_min")

_Rule = Callable[[Any, tuple[Value, ...], Mapping[str, Value]], Value]


def _axis(given: Mapping[str, Value]) -> Value:
    return plain(given.get("axis"))


def _reduced(_: object, shape: tuple[Value, ...], given: Mapping[str, Value]) -> Value:
    axis, keeps = _axis(given), plain(given.get("keepdims", given.get("keep_dims", False)))
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape) or not isinstance(keeps, bool):
        return Unknown()
    at = axis % len(shape)
    return (*shape[:at], *((1,) if keeps else ()), *shape[at + 1 :])


def _squeezed(_: object, shape: tuple[Value, ...], given: Mapping[str, Value]) -> Value:
    axis = _axis(given)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return Unknown()
    at = axis % len(shape)
    return (*shape[:at], *shape[at + 1 :])


def _one_hot(_: object, shape: tuple[Value, ...], given: Mapping[str, Value]) -> Value:
    depth, axis = plain(given.get("depth", given.get("num_classes"))), plain(given.get("axis", -1))
    return (*shape, depth) if axis == -1 else Unknown()


def _reshaped(machine: Any, shape: tuple[Value, ...], given: Mapping[str, Value]) -> Value:  # noqa: ANN401  # any machine
    target = sizes_of(machine, [given.get("shape", given.get("newshape", Unknown()))])
    if not isinstance(target, tuple) or not target or not shape:
        return Unknown()
    if target[0] == -1 and shape[0] is None and -1 not in target[1:]:
        return (None, *target[1:])
    made = shape_after("Reshape", {"target_shape": target}, [(None, *shape)])
    return made[1:] if made is not None else Unknown()


def _transposed(machine: Any, shape: tuple[Value, ...], given: Mapping[str, Value]) -> Value:  # noqa: ANN401  # as above
    axes = given.get("perm", given.get("axes", given.get("pattern")))
    places = sizes_of(machine, [axes]) if axes is not None else ()
    if not isinstance(places, tuple):
        return Unknown()
    return shape[::-1] if not places else transposed(shape, [places])


_RULES: Final[Mapping[str, tuple[str, _Rule]]] = {
    **dict.fromkeys(_REDUCES, ("axis keepdims", _reduced)),
    "expand_dims": ("axis", lambda _, shape, given: expanded(shape, _axis(given))),
    "squeeze": ("axis", _squeezed),
    "one_hot": ("depth", _one_hot),
    "reshape": ("shape", _reshaped),
    "transpose": ("perm", _transposed),
    "permute_dimensions": ("pattern", _transposed),
}


def _apply(rule: _Rule, order: str) -> Callable[[Any, Args, ast.AST], Value]:
    names = order.split()

    def run(machine: Any, args: Args, _: ast.AST) -> Value:  # noqa: ANN401  # as above
        value = args.pos[0] if args.pos else Unknown()
        shape = shape_of(value)
        given = {**dict(zip(names, args.pos[1:], strict=False)), **args.kw}
        if not isinstance(value, Obj) or not isinstance(shape, tuple) or shape[:1] == (...,) or not args.known:
            machine.may_raise()
            return array(machine, Unknown())
        return array(machine, rule(machine, shape, given))

    return run


def _joined(machine: Any, args: Args, _: ast.AST) -> Value:  # noqa: ANN401  # as above
    """Several arrays along an axis."""
    parts = machine.items(args.pos[0]) if args.pos else None
    axis = plain(args.pos[1] if len(args.pos) > 1 else args.kw.get("axis", 0))
    shapes = [shape if isinstance(shape := shape_of(item), tuple) else None for item in parts or ()]
    made = shape_after("Concatenate", {"axis": axis}, shapes) if isinstance(axis, int) else None
    return array(machine, made if made is not None else Unknown())


for _home in _HOMES:
    for _name in _KEEPS:
        LIB_FUNCTIONS.setdefault(f"{_home}.{_name}", _apply(lambda _, shape, __: shape, ""))
    for _name, (_order, _rule) in _RULES.items():
        LIB_FUNCTIONS.setdefault(f"{_home}.{_name}", _apply(_rule, _order))
    for _name in ("concatenate", "concat"):
        LIB_FUNCTIONS.setdefault(f"{_home}.{_name}", _joined)
for _home in ("flax.linen", "flax.nnx", "jax.nn"):
    for _name in _ACTIVATIONS:
        LIB_FUNCTIONS.setdefault(f"{_home}.{_name}", _apply(lambda _, shape, __: shape, ""))
