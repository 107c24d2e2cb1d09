"""The record of what the graph of a file says of its states, its axes, and of streaming."""

from collections.abc import Sequence
from typing import NamedTuple


class AxisRow(NamedTuple):
    """An axis of an input or output whose size is fixed."""

    tensor: str
    axis: int
    size: int


class GraphRow(NamedTuple):
    """The states and the axes of a graph."""

    state_in: Sequence[str]  # the graph's inputs that the initial states are made of
    state_out: Sequence[str]  # the graph's outputs that are made of the last states
    fixed_axes: Sequence[AxisRow]
    streams: bool | None  # None if it is not known
    why: str  # a sentence on that
    inputs: Sequence[str]  # with their shapes, `?` for an axis that is not fixed
    outputs: Sequence[str]


def shown(name: str, shape: Sequence[int | None] | None) -> str:
    """A value with its shape: `input (?, 1, 10)`; its name alone if no shape is stated."""
    if shape is None:
        return name
    sizes = ["?" if size is None else str(size) for size in shape]
    return f"{name} ({', '.join(sizes)}{',' * (len(sizes) == 1)})"
