"""The values that nodes of an ONNX graph compute of constants: shapes without reading any number, and numbers.

Source: the operators of the default domain as onnx 1.23.2 documents them (docs/Operators.md).

Not here: which nodes make a constant (`constants`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.budget import FOLDED, budget
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.graphs.constants import Constant
from lstmcalc.readers.onnx.graphs import Node

_MOST_PARTS: Final = 8  # of a Split that are followed
_SMALL: Final = 4096  # numbers of an input that is read to find a shape: axes, starts, sizes


class Rule(NamedTuple):
    """The computation of one operator."""

    value: Callable[[Node, Sequence[Any]], Any]  # the result from the node and its inputs
    small: tuple[
        int, ...
    ] = ()  # the inputs that are settings (axes, sizes), so that the shape depends on their numbers
    dtype: int = 0  # the input whose dtype the result has
    other: tuple[int, ...] = ()  # the inputs of other dtypes
    # The shape of the result from the node and inputs that have shapes alone, where numbers would take memory.
    shape: Callable[[Node, Sequence[Any]], tuple[int, ...]] | None = None


def shape_of(rule: Rule, node: Node, read: Sequence[Constant | None]) -> tuple[str, tuple[int, ...]]:
    """The dtype and the shape of a node's result, found with arrays that take no memory."""
    import numpy as np

    stand_in: list[Any] = []
    for index, item in enumerate(read):
        if item is None:
            stand_in.append(None)
        elif index in rule.small:
            stand_in.append(_small_array(item))
        else:
            stand_in.append(np.broadcast_to(np.zeros((), np.float32), item.shape))
    if node.op == "Concat":
        return _concat_shape(node, read)
    source = read[rule.dtype] if rule.dtype < len(read) else read[0]
    dtype = source.dtype if source else "float32"
    if node.op == "Cast":
        dtype = _CASTS.get(_integer(node, "to", 0), "")
        if not dtype:
            raise ValueError(node.op)
    if node.op in ("Cast", "DequantizeLinear"):
        return dtype, stand_in[0].shape
    if rule.shape is not None:
        settings = (*rule.small, *rule.other)
        if len({item.dtype for index, item in enumerate(read) if item and index not in settings}) != 1:
            raise ValueError(node.op)
        return dtype, rule.shape(node, stand_in)
    return dtype, tuple(rule.value(node, stand_in).shape)


def _concat_shape(node: Node, read: Sequence[Constant | None]) -> tuple[str, tuple[int, ...]]:
    shapes = [item.shape for item in read if item]
    axis = _axis(_integer(node, "axis", 0), len(shapes[0]))
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    dtypes = {item.dtype for item in read if item}
    if len(rest) != 1 or len(dtypes) != 1:
        raise ValueError(node.op)
    first = shapes[0]
    return dtypes.pop(), (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def nbytes_of(dtype: str, shape: tuple[int, ...]) -> int:
    """The size of an array in bytes."""
    return numel(shape) * WIDTHS.get(dtype, 1)


def value_of(rule: Rule, node: Node, read: Sequence[Constant | None], name: str, size: int) -> Any:  # noqa: ANN401  # an array
    """The result of a node, whose inputs and result have `size` bytes."""
    import numpy as np

    budget().take(FOLDED, size)
    arrays = [None if item is None else item.read() for item in read]
    try:
        with np.errstate(all="ignore"):  # a cast that overflows gives Inf, as in ONNX
            return np.ascontiguousarray(rule.value(node, arrays))
    except (ArithmeticError, IndexError, KeyError, MemoryError, TypeError, ValueError) as error:
        raise SourceError("cannot be computed", f"what {node.op} takes", str(error), where=name) from None


def _small_array(constant: Constant) -> Any:  # noqa: ANN401  # an array
    if numel(constant.shape) > _SMALL:
        raise ValueError(constant.name)
    try:
        return constant.read()
    except SourceError:
        raise KeyError(constant.name) from None


def _integer(node: Node, name: str, default: int) -> int:
    value = node.attributes.get(name, default)
    if not isinstance(value, int):
        raise TypeError(name)
    return value


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise IndexError(axis)
    return axis % rank


def _integers(node: Node, name: str, arrays: Sequence[Any], index: int) -> list[int] | None:
    """A list of axes or the like: an attribute of older operators, an input of newer ones."""
    if index < len(arrays) and arrays[index] is not None:
        return [int(value) for value in arrays[index].reshape(-1)]
    value = node.attributes.get(name)
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return value
    return None


def _transpose(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    return arrays[0].transpose(_integers(node, "perm", (), 0))


def _squeeze(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    axes = _integers(node, "axes", arrays, 1)
    return arrays[0].squeeze(None if axes is None else tuple(axes))


def _unsqueeze(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    axes = _integers(node, "axes", arrays, 1) or []
    rank = arrays[0].ndim + len(axes)
    at = {_axis(axis, rank) for axis in axes}
    sizes = iter(arrays[0].shape)
    return arrays[0].reshape([1 if axis in at else next(sizes) for axis in range(rank)])


def _reshape(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    wanted = _integers(node, "shape", arrays, 1) or []
    if not _integer(node, "allowzero", 0):
        wanted = [arrays[0].shape[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    return arrays[0].reshape(wanted)


def _concat(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    return np.concatenate(arrays, _integer(node, "axis", 0))


def _slice(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    starts, ends = (_integers(node, name, arrays, index) for index, name in ((1, "starts"), (2, "ends")))
    if starts is None or ends is None:
        raise ValueError(node.op)
    axes = _integers(node, "axes", arrays, 3) or list(range(len(starts)))
    steps = _integers(node, "steps", arrays, 4) or [1] * len(starts)
    cuts = [slice(None)] * arrays[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at, size = _axis(axis, arrays[0].ndim), arrays[0].shape[axis]
        # With a negative step, an end before the first element is None in Python: negative ones count from the end.
        cuts[at] = slice(start, None if step < 0 and end < -size else end, step)
    return arrays[0][tuple(cuts)]


_CASTS: Final = {1: "float32", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}


def _cast(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    return arrays[0].astype(_CASTS[_integer(node, "to", 0)])


def _dequantize(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    """The numbers `(x - x_zero_point) * x_scale`, for the whole tensor or along an axis; blocks are not read."""
    x, scale = arrays[0], arrays[1]
    zero = arrays[2] if len(arrays) > 2 and arrays[2] is not None else None  # noqa: PLR2004
    if scale.size == 1:
        shape = [1] * x.ndim
    else:
        axis = _axis(_integer(node, "axis", 1), x.ndim)
        if scale.shape != (x.shape[axis],):
            raise ValueError("blocks")
        shape = [-1 if at == axis else 1 for at in range(x.ndim)]
    values = x.astype("int32")
    if zero is not None:
        values = values - zero.astype("int32").reshape(shape)
    return values.astype(scale.dtype) * scale.reshape(shape)


def _broadcast(_: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    import numpy as np

    found: tuple[int, ...] = np.broadcast_shapes(*(array.shape for array in arrays))
    return found


def _same_shape(_: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    return tuple(arrays[0].shape)


def _gathered(node: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    shape, axis = arrays[0].shape, _axis(_integer(node, "axis", 0), arrays[0].ndim)
    return (*shape[:axis], *arrays[1].shape, *shape[axis + 1 :])


def _gather(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    return arrays[0].take(arrays[1], _axis(_integer(node, "axis", 0), arrays[0].ndim))


def _norm_axes(node: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    """The axes that ReduceL2 sums: an attribute before opset 18, an input since; all of them without either."""
    rank = arrays[0].ndim
    axes = _integers(node, "axes", arrays, 1)
    if not axes and _integer(node, "noop_with_empty_axes", 0):
        raise ValueError(node.op)
    return tuple(dict.fromkeys(_axis(axis, rank) for axis in axes or range(rank)))


def _norm_shape(node: Node, arrays: Sequence[Any]) -> tuple[int, ...]:
    axes, kept = _norm_axes(node, arrays), _integer(node, "keepdims", 1)
    sizes = enumerate(arrays[0].shape)
    return tuple(1 if axis in axes else size for axis, size in sizes if kept or axis not in axes)


def _norm(node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    import numpy as np

    kept = bool(_integer(node, "keepdims", 1))
    return np.sqrt(np.square(arrays[0]).sum(_norm_axes(node, arrays), keepdims=kept))


def _split_sizes(node: Node, sizes: list[int] | None, total: int) -> list[int]:
    """The sizes of the parts that Split gives: stated, or as equal as they can be."""
    if sizes is None:
        size = -(-total // len(node.outputs))
        sizes = [min(size, total - size * index) for index in range(len(node.outputs))]
    if len(sizes) != len(node.outputs) or sum(sizes) != total or min(sizes) < 0:
        raise ValueError(node.op)
    return sizes


def _split_at(index: int, node: Node, arrays: Sequence[Any]) -> Any:  # noqa: ANN401  # an array
    """One of the parts that Split gives."""
    axis = _axis(_integer(node, "axis", 0), arrays[0].ndim)
    sizes = _split_sizes(node, _integers(node, "split", arrays, 1), arrays[0].shape[axis])
    start = sum(sizes[:index])
    return arrays[0][(slice(None),) * axis + (slice(start, start + sizes[index]),)]


RULES: Final = {
    "Transpose": Rule(_transpose),
    "Squeeze": Rule(_squeeze, (1,)),
    "Unsqueeze": Rule(_unsqueeze, (1,)),
    "Reshape": Rule(_reshape, (1,)),
    "Concat": Rule(_concat),
    "Slice": Rule(_slice, (1, 2, 3, 4)),
    "Cast": Rule(_cast),
    "DequantizeLinear": Rule(_dequantize, dtype=1),
    "Add": Rule(lambda _, arrays: arrays[0] + arrays[1], shape=_broadcast),
    "Sub": Rule(lambda _, arrays: arrays[0] - arrays[1], shape=_broadcast),
    "Mul": Rule(lambda _, arrays: arrays[0] * arrays[1], shape=_broadcast),
    "Div": Rule(lambda _, arrays: arrays[0] / arrays[1], shape=_broadcast),
    "Neg": Rule(lambda _, arrays: -arrays[0], shape=_same_shape),
    "Gather": Rule(_gather, other=(1,), shape=_gathered),
    "ReduceL2": Rule(_norm, (1,), shape=_norm_shape),
    **{f"Split {index}": Rule(partial(_split_at, index), (1,)) for index in range(_MOST_PARTS)},
}
