"""What is noted of Keras' arrays: the shapes of several, what made one, and the LSTM that a width follows.

Not here: what flows from layer to layer (`keras`).
"""

import ast
from collections.abc import Callable, Mapping, Sequence

from lstmcalc.readers.keras.shapes import shape_after
from lstmcalc.readers.python.core.values import (
    Linked,
    Obj,
    Value,
)


def open_shape(kind: str, config: Mapping[str, object], shape: Value) -> tuple[Value, ...] | None:
    """The shape that a layer returns for one whose last size alone is known, or none: `(..., 9)`.

    It is what the layer makes of the last axis whatever the rank is.
    """
    last = {"Dense": "units", "Embedding": "output_dim"}.get(kind)
    if last is not None and last in config:
        return (..., config[last])
    if not isinstance(shape, tuple) or shape[:1] != (...,):
        return None
    made = [shape_after(kind, config, [(None,) * rank + shape[1:]]) for rank in range(1, 5)]
    sizes = {item[-1] for item in made if item}
    size = sizes.pop() if len(sizes) == 1 else None
    return (..., size) if isinstance(size, int) else None


class Width(int, Linked):
    """The size of the last axis of what an LSTM gives, which follows that LSTM."""

    lstm: Obj

    def with_parts(self, change: Callable[[Value], Value]) -> "Width":
        """The same size, of another LSTM."""
        made = Width(self)
        other = change(self.lstm)
        made.lstm = other if isinstance(other, Obj) else self.lstm
        return made


def wide_as(shape: tuple[Value, ...], lstm: Obj) -> tuple[Value, ...]:
    """A shape whose last size is that which an LSTM gives."""
    if not isinstance(shape[-1], int) or isinstance(shape[-1], bool):
        return shape
    width = Width(shape[-1])
    width.lstm = lstm
    return (*shape[:-1], width)


class Shapes:
    """The shapes of several arrays that a layer returns."""

    def __init__(self, shapes: Sequence[Value]) -> None:
        self.shapes = list(shapes)


class Graph(Linked):
    """The origin of an array: a layer, and the arrays that it was given."""

    def __init__(self, layer: Obj, inputs: tuple[Value, ...]) -> None:
        self.layer = layer
        self.inputs = inputs

    def with_parts(self, change: Callable[[Value], Value]) -> "Graph":
        """The same of another layer, and of other arrays."""
        layer = change(self.layer)
        return Graph(layer if isinstance(layer, Obj) else self.layer, tuple(map(change, self.inputs)))


class Around(Linked):
    """A wrapper around an LSTM, with its arguments."""

    def __init__(self, name: str, given: Mapping[str, Value], call: ast.AST) -> None:
        self.name = name
        self.given = given
        self.call = call

    def with_parts(self, change: Callable[[Value], Value]) -> "Around":
        """The same wrapper, of other things."""
        return Around(self.name, {name: change(value) for name, value in self.given.items()}, self.call)
