"""How an LSTM is arranged for NumPy and its BLAS: which parts are computed together, and weights that lie as they want.

- Sequences are columns, as `W x` has them: so weights stay as PyTorch has them, and the gates lie behind each other.
- They lie as o i f g, so that what becomes a sigmoid is one array.
- sigmoid(a) = 0.5 + 0.5 tanh(a/2), and tanh is the cheaper of the two in NumPy: the inner half is in the weights.
- The bias is a column of the weights, as if each input ended with a 1.
- `[W_hh W_ih b]` is one matrix: a product with `[h x 1]` costs no more than two, and neither the input's share in the
  gates nor a sum with it. For few sequences reading the weights takes longest, and `W_ih` is read for many steps at
  once: see `WIDE`.
- What is read often begins at a multiple of 64 bytes; NumPy's own arrays begin at any of 16: see `aligned`.
- Small LSTMs compute both directions in the same calls: see `STACKED`.
- Threads take a direction each, or some sequences, a layer, or some units: see `planned`.

Not here: the steps (`kernels`).
"""

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.spec.config import LSTMConfig

WIDE: Final = 8  # sequences
NARROW: Final = 2**13  # weights of an input that is not worth a product of its own
STACKED: Final = 2**18  # bytes of W_hh
THREADED: Final = 2**19  # multiplications in a step of one thread: with fewer, threads wait for Python's lock
APART: Final = 16  # sequences that a thread takes at least, as each thread reads all weights
SHARED: Final = 2**22  # the same, where they wait for each other after every step, which takes some 20 microseconds
ALIGNED: Final = 2**10  # numbers from which it makes a difference

_SCALE: Final = np.array([0.5, 0.5, 0.5, 1.0])[:, None, None]  # of o, i, f and g
_LINE: Final = 64  # bytes


class Part(NamedTuple):
    """What one thread computes of a layer: some units of some of its directions.

    Attributes:
        directions: 0, 1 or both.
        units: The first one, and the one behind the last.
    """

    directions: tuple[int, ...]
    units: tuple[int, int]


class Plan(NamedTuple):
    """How layers are computed.

    Attributes:
        parts: What a layer is computed as.
        wide: Whether there are many sequences, so that every layer's input joins h.
        threads: How many threads there are.
        way: What each of them takes: `parts`, `layers` or `columns`, which are sequences; empty if there is one.
    """

    parts: tuple[Part, ...]
    wide: bool
    threads: int = 1
    way: str = ""


class Prepared(NamedTuple):
    """The weights of one part of one layer, float32 or float64, their rows in the order o i f g.

    Attributes:
        w: `[W_hh]`, or `[W_hh W_ih b]` if the input joins h: `(directions, 4*units, H_out)` or `(..., H_out+H_in+1)`.
        w_in: `[W_ih b]`, `(directions, 4*units, H_in + 1)`, or None. In memory its columns come first if pieces are
            small, because layers flow: OpenBLAS then multiplies several times as fast.
        w_hr: `(directions, H_out, H_cell)`, or None.
    """

    w: Array
    w_in: Array | None
    w_hr: Array | None


def planned(config: LSTMConfig, batch: int, itemsize: int, *, packed: bool, threads: int) -> Plan:
    """How an LSTM is best computed.

    Args:
        config: The hyperparameters.
        batch: How many sequences there are.
        itemsize: The bytes of a number.
        packed: Whether the sequences have lengths of their own.
        threads: How many threads there may be.
    """
    hidden, wide = config.hidden_size, batch >= WIDE
    weights = 4 * hidden * config.output_size
    both = tuple(range(config.num_directions))
    if len(both) > 1 and not packed and weights * itemsize <= STACKED:
        return Plan((Part(both, (0, hidden)),), wide)
    whole = tuple(Part((direction,), (0, hidden)) for direction in both)
    threads = min(threads, len(both) * batch * weights // THREADED)
    if threads <= 1:
        return Plan(whole, wide)
    if len(both) == 1 and batch // threads >= APART:
        return Plan(whole, wide, threads, "columns")
    if len(both) == 1 and config.num_layers > 1:
        return Plan(whole, wide, min(threads, config.num_layers), "layers")
    shares = 1 if config.proj_size else max(1, min(threads // len(both), batch * weights // SHARED))
    cuts = pairwise(hidden * k // shares for k in range(shares + 1))
    parts = tuple(Part((direction,), units) for units in cuts for direction in both)
    return Plan(parts, wide, len(parts), "parts") if 1 < len(parts) <= threads else Plan(whole, wide)


def joins(config: LSTMConfig, reads: int, *, wide: bool) -> bool:
    """Whether an input of a layer joins h, `reads` rows of it."""
    return wide or 4 * config.hidden_size * reads <= NARROW


def prepare(config: LSTMConfig, weights: Mapping[str, Array], plan: Plan, layer: int) -> list[Prepared]:
    """Copies of the weights of one layer, as `plan` wants them."""
    dtype = np.result_type(weights["weight_ih_l0"].dtype, np.float32)
    reads = weights[f"weight_ih_l{layer}"].shape[1]
    joined = joins(config, reads, wide=plan.wide)
    order = "F" if plan.way == "layers" else "C"
    return [_prepare(config, weights, layer, part, joined, order, dtype) for part in plan.parts]


def _prepare(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    layer: int,
    part: Part,
    joined: bool,
    order: str,
    dtype: Any,  # noqa: ANN401
) -> Prepared:
    names = [f"l{layer}{('', '_reverse')[direction]}" for direction in part.directions]
    reads, outputs, units = weights[f"weight_ih_{names[0]}"].shape[1], config.output_size, part.units[1] - part.units[0]
    w = aligned((len(names), 4, units, outputs + (reads + 1) * joined), dtype)
    w_in = w[..., outputs:] if joined else aligned((len(names), 4, units, reads + 1), dtype)
    for lane, name in enumerate(names):
        _take(weights[f"weight_hh_{name}"], part, w[lane, ..., :outputs])
        _take(weights[f"weight_ih_{name}"], part, w_in[lane, ..., :reads])
        if config.bias:
            bias = np.add(weights[f"bias_ih_{name}"], weights[f"bias_hh_{name}"], dtype=dtype)
            _take(bias[:, None], part, w_in[lane, ..., reads:])
        else:
            w_in[lane, ..., reads] = 0
    w_hr = np.array([weights[f"weight_hr_{name}"] for name in names], dtype) if config.proj_size else None
    w_in = w_in.reshape(len(names), 4 * units, -1)
    if order == "F":
        w_in = w_in.swapaxes(1, 2).copy().swapaxes(1, 2)
    return Prepared(w.reshape(len(names), 4 * units, -1), None if joined else w_in, w_hr)


def _take(weight: Array, part: Part, target: Array) -> None:
    """Some units of PyTorch's gates i f g o, as o i f g: `(4*H_cell, columns)` into `(4, units, columns)`."""
    gates = weight.reshape(4, -1, weight.shape[1])[:, slice(*part.units)]
    scale = _SCALE.astype(target.dtype)
    np.multiply(gates[3:], scale[:1], out=target[:1], dtype=target.dtype)
    np.multiply(gates[:3], scale[1:], out=target[1:], dtype=target.dtype)


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:  # noqa: ANN401  # what NumPy takes
    """An empty array that begins at a multiple of 64 bytes, if it is large enough for that to make a difference."""
    count = prod(shape)
    if count < ALIGNED:
        return np.empty(shape, dtype)
    room = np.empty(count + _LINE // dtype.itemsize, dtype)
    skip = -room.__array_interface__["data"][0] % _LINE // dtype.itemsize
    result: Array = room[skip : skip + count].reshape(shape)
    return result
