"""Arrangement of an LSTM for NumPy and its BLAS: the parts computed together, and the layout of the weights.

- Sequences are columns, as in `W x`: so weights stay as in PyTorch, and the gates lie one after another.
- Gates lie as o i f g, so that all sigmoids are one array.
- sigmoid(a) = 0.5 + 0.5 tanh(a/2), and tanh is the cheaper of the two in NumPy: the inner half is in the weights.
- The bias is a column of the weights, as if each input ended with a 1.
- `[W_hh W_ih b]` is one matrix: its product with `[h x 1]` costs no more than two products, and saves storing and
  adding the input's share of the gates. With few sequences reading the weights takes longest; then `W_ih` is read for
  many steps at once: see `WIDE`.
- Arrays that are read often begin at a multiple of 64 bytes; NumPy's own begin at any multiple of 16: see `aligned`.
- Small LSTMs compute both directions in the same calls: see `STACKED`.
- Threads take a direction each, or some sequences, or some units: see `planned`.

Not here: the steps (`kernels`).
"""

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.spec.config import LSTMConfig

WIDE: Final = 8  # sequences from which the input joins h
NARROW: Final = 2**13  # weights up to which an input is not worth a product of its own
STACKED: Final = 2**18  # bytes of W_hh up to which both directions are computed in the same calls
THREADED: Final = 2**19  # least multiplications in a step of one thread: with fewer, threads wait for Python's lock
APART: Final = 16  # least sequences of one thread, because each thread reads all weights
SHARED: Final = 2**22  # as THREADED, if threads wait for each other after every step, which takes some 20 microseconds
ALIGNED: Final = 2**10  # numbers from which alignment makes a difference

_SCALE: Final = np.array([0.5, 0.5, 0.5, 1.0])[:, None, None]  # of o, i, f and g
_LINE: Final = 64  # bytes


class Part(NamedTuple):
    """The part of a layer that one thread computes: some units of some of its directions."""

    directions: tuple[int, ...]  # 0, 1 or both
    units: tuple[int, int]  # the first one, and the one after the last


class Plan(NamedTuple):
    """The plan of a computation, for all layers."""

    parts: tuple[Part, ...]  # of each layer
    wide: bool  # there are many sequences, so that every layer's input joins h
    threads: int = 1
    way: str = ""  # the share of each thread: `parts` or `columns` (sequences); empty if there is one thread


class Prepared(NamedTuple):
    """The weights of one part of one layer, float32 or float64, their rows in the order o i f g."""

    # `[W_hh]`, or `[W_hh W_ih b]` if the input joins h: `(directions, 4*units, H_out)` or `(..., H_out+H_in+1)`.
    w: Array
    # `[W_ih b]`, `(directions, 4*units, H_in + 1)`; None if the input joins h.
    w_in: Array | None
    w_hr: Array | None  # `(directions, H_out, H_cell)`; None without a projection


def planned(config: LSTMConfig, batch: int, itemsize: int, *, packed: bool, threads: int) -> Plan:
    """The fastest plan for `batch` sequences (`packed` if they have lengths) with at most `threads` threads."""
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
    shares = 1 if config.proj_size else max(1, min(threads // len(both), batch * weights // SHARED))
    cuts = pairwise(hidden * k // shares for k in range(shares + 1))
    parts = tuple(Part((direction,), units) for units in cuts for direction in both)
    return Plan(parts, wide, len(parts), "parts") if 1 < len(parts) <= threads else Plan(whole, wide)


def joins(config: LSTMConfig, reads: int, *, wide: bool) -> bool:
    """True if an input of `reads` values joins h in one product."""
    return wide or 4 * config.hidden_size * reads <= NARROW


def prepare(config: LSTMConfig, weights: Mapping[str, Array], plan: Plan, layer: int) -> list[Prepared]:
    """Copies of the weights of one layer, arranged for each part of `plan`."""
    dtype = np.result_type(weights["weight_ih_l0"].dtype, np.float32)
    reads = weights[f"weight_ih_l{layer}"].shape[1]
    joined = joins(config, reads, wide=plan.wide)
    return [_prepare(config, weights, layer, part, joined, dtype) for part in plan.parts]


def _prepare(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    layer: int,
    part: Part,
    joined: bool,
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
    rows = len(names), 4 * units, -1
    return Prepared(w.reshape(rows), None if joined else w_in.reshape(rows), w_hr)


def _take(weight: Array, part: Part, target: Array) -> None:
    """Copy some units of PyTorch's gates i f g o as o i f g: `(4*H_cell, columns)` into `(4, units, columns)`."""
    gates = weight.reshape(4, -1, weight.shape[1])[:, slice(*part.units)]
    scale = _SCALE.astype(target.dtype)
    np.multiply(gates[3:], scale[:1], out=target[:1], dtype=target.dtype)
    np.multiply(gates[:3], scale[1:], out=target[1:], dtype=target.dtype)


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:  # noqa: ANN401  # what NumPy takes
    """An empty array; one large enough for it to matter begins at a multiple of 64 bytes."""
    count = prod(shape)
    if count < ALIGNED:
        return np.empty(shape, dtype)
    room = np.empty(count + _LINE // dtype.itemsize, dtype)
    skip = -room.__array_interface__["data"][0] % _LINE // dtype.itemsize
    result: Array = room[skip : skip + count].reshape(shape)
    return result
