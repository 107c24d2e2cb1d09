"""Constants of a graph: tensors of the file, and what the graph computes of them alone."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lstmcalc.readers.files.raw_numbers import Block


class Constant(NamedTuple):
    """A tensor that does not depend on the model's inputs."""

    name: str  # its name in the file with its path; if it is computed, the name of the value
    dtype: str  # e.g. `float32`
    shape: tuple[int, ...]
    read: Callable[[], Any]  # loads its numbers as an array
    computed: tuple[str, ...] = ()  # operators that compute it, from the last to the first; empty if it is stored
    cost: int = 1  # nodes and tensors that this takes; those that are needed twice count twice
    sources: tuple[str, ...] = ()  # the tensors of the file that its numbers are in
    origin: object = None  # equal for constants that the same operators compute of the same tensors
    parts: Callable[[], Iterator[Block]] | None = None  # its numbers in blocks; None if they are only read as a whole
    has_zero_bytes: Callable[[], bool] | None = None  # true if it is plainly zeros; None if it is computed


class Leaf(NamedTuple):
    """A tensor of the file in an origin."""

    name: str
