"""A graph in the few words that LSTMs computed of products need, whatever the format of the file.

Each format says what makes a value, as a `Step`, in these words; whatever has none is opaque.
"""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from lstmcalc.readers.graphs.constants import Constant

Value: TypeAlias = Hashable


class Step(NamedTuple):
    """The way in which a value is made of others."""

    # `product` (x times a constant matrix, plus a third input if there is one), `add`, `multiply`, `sigmoid`, `tanh`,
    # `relu`, `hard` (clip(alpha*x + beta, 0, 1)), `clip` (to `low`, `high`), `part` (of the last axis, from `start` to
    # before `stop`, or the one at `start` of so many equal ones), `join` (along the last axis), `same` (axes before the
    # last one are moved, cut or picked), `moved` (any axes are).
    kind: str
    inputs: tuple[Value, ...]
    start: int = 0
    stop: int = 0
    equal: int = 0
    low: float = 0.0  # for `hard` alpha
    high: float = 0.0  # for `hard` beta
    swapped: bool = False  # of a `product`: the matrix is stored as (outputs, inputs)


class Link(NamedTuple):
    """A state of a loop."""

    after: Value  # its value after a round, in the body
    before: Value  # its value before the loop


class Program(Protocol):
    """A graph in these words."""

    sums: dict[Value, Any]  # what `linear.linear_of` has found, by value

    def step(self, value: Value) -> Step | None:
        """The step that makes a value; None if it is opaque, e.g. an input."""

    def constant(self, value: Value) -> Constant | None:
        """The constant that a value is; None if it is none."""

    def width(self, value: Value) -> int | None:
        """The size of the last axis of a value; None if it is not known."""

    def links(self) -> Mapping[Value, Link]:
        """The states of loops, by their values at the beginning of a round."""

    def is_input(self, value: Value) -> bool:
        """True for an input of the main graph."""
