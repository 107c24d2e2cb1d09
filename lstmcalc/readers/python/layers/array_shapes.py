"""Shapes that follow from others: parts of arrays, other orders of their axes, and operations on two.

Not here: arrays (`arrays`).
"""

import math
from collections.abc import Sequence

from lstmcalc.readers.python.core.values import (
    Unknown,
    Value,
    same,
)


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


def expanded(shape: Value, axis: Value) -> Value:
    """A shape with an axis more, of size 1."""
    if not isinstance(shape, tuple) or not isinstance(axis, int) or not -len(shape) - 1 <= axis <= len(shape):
        return Unknown()
    at = axis % (len(shape) + 1)
    return (*shape[:at], 1, *shape[at:])


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


def broadcast(one: Value, other: Value) -> Value:
    """The shape of an operation on two arrays."""
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return Unknown()
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True)
    return tuple(b if a == 1 else a if b == 1 or same(a, b) else Unknown() for a, b in pairs)
