"""The functions of an LSTM's gates and of its cell, on arrays."""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.errors import UnsupportedError
from lstmcalc.numerics.arrays import Array
from lstmcalc.spec.activations import HARD, Activations

Function: TypeAlias = Callable[[Array], Array]


class Functions(NamedTuple):
    """The functions of an LSTM, with sigmoid and tanh in PyTorch."""

    sigmoid: Function  # of i, f and o
    tanh: Function  # of g and c
    clip_c: Function  # of c, before its tanh: nothing in PyTorch
    clip_h: Function  # of h
    clip_gates: Function  # of what the functions of the gates are given


def functions_of(activations: Activations) -> Functions:
    """The functions; refused if one is not known."""
    gates, cell = _GATES.get(activations.gates or ""), _CELLS.get(activations.cell or "")
    if gates is None or cell is None:
        expected = f"{', '.join(_GATES)}; {', '.join(_CELLS)}"
        raise UnsupportedError("no such activations are computed", expected, f"{activations.gates}, {activations.cell}")
    return Functions(gates, cell, *map(_clip, activations[2:]))


def _clip(bound: object) -> Function:
    """The function that keeps numbers within a bound; without one it changes nothing."""
    return partial(np.clip, a_min=-bound, a_max=bound) if isinstance(bound, float) else _same


def _same(a: Array) -> Array:
    return a


def _sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), which cannot overflow like this."""
    return 0.5 + 0.5 * np.tanh(0.5 * a)  # type: ignore[no-any-return]


def _hard_sigmoid(slope: float, a: Array) -> Array:
    """A line through 0.5, cut off at 0 and 1."""
    return np.clip(a.dtype.type(slope) * a + a.dtype.type(0.5), 0, 1)


def _relu(a: Array) -> Array:
    return np.maximum(a, 0)


_GATES: Final[dict[str, Function]] = {
    "sigmoid": _sigmoid,
    **{name: partial(_hard_sigmoid, slope) for name, slope in HARD.items()},
}
_CELLS: Final[dict[str, Function]] = {"tanh": np.tanh, "relu": _relu}
