"""The forward pass of an LSTM in NumPy: PyTorch's equations, layer by layer and step by step.

    i, f, o = sigmoid(W_i* x_t + b_i* + W_h* h_(t-1) + b_h*)      g = tanh(W_ig x_t + b_ig + W_hg h_(t-1) + b_hg)
    c_t = f c_(t-1) + i g          h_t = o tanh(c_t), projected to W_hr h_t if there is a projection

Other frameworks may have other functions than sigmoid and tanh, and keep c and h within bounds.

It does not execute the model's gate table, so that the two are independent and tests can compare them.
`fast.runner.LSTMRunner` computes the same faster, and tests compare those two as well.

Source: the documentation of `torch.nn.LSTM`, torch 2.13.0; compared with that PyTorch on random weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.numerics.activations import Functions, functions_of
from lstmcalc.numerics.arguments import (
    OnStep,
    Step,
    as_given,
    checked_weights,
    computed_in,
    data_spec_of,
    initial_state,
    steps_first,
)
from lstmcalc.numerics.arrays import Array, as_array
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import DataSpec, LSTMConfig

PIECE: Final = 2**20  # bytes of W_ih x_t + b computed at a time, so that long sequences need no more memory

_Rows: TypeAlias = slice | NDArray[np.intp]


def forward(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    x: Array,
    state: tuple[Array, Array] | None = None,
    lengths: Sequence[int] | None = None,
    *,
    on_step: OnStep | None = None,
    threads: int = 1,
    activations: Activations = PYTORCH,
) -> tuple[Array, tuple[Array, Array]]:
    """Run the LSTM in inference: dropout does nothing.

    Args:
        config: The hyperparameters.
        weights: PyTorch's names to arrays, as in `state_dict`.
        x: The input: `(L, N, H_in)`, `(N, L, H_in)` with `batch_first`, or `(L, H_in)` unbatched. float64 and
            float32 are computed as such; float16 is computed in float32 and rounded once, at the end.
        state: `(h_0, c_0)`, `(D*num_layers, N, H_out)` and `(D*num_layers, N, H_cell)`, without N if unbatched;
            None means zeros.
        lengths: The number of valid steps of each sequence, in any order. The output after them is zero, and
            each sequence's h_n and c_n are those of its own last step (its step 0 in the reverse direction).
        on_step: Called after every computed step of every layer and direction.
        threads: The most threads of Python to use: with several, an `LSTMRunner` computes unless there is `on_step`, or
            one of the activations is not PyTorch's.
        activations: The functions of the gates and of the cell.

    Returns:
        `output, (h_n, c_n)`: output is `(L, N, D*H_out)` in the layout of `x`, h_n and c_n are shaped as the state.

    Raises:
        ArrayError: A weight, x or a state is missing, unknown, of the wrong shape or of another dtype.
        ConfigError: The lengths do not fit x.
    """
    x = as_array("x", x)
    data = data_spec_of(config, x, lengths)
    weights = checked_weights(config, weights, x.dtype)
    if threads > 1 and not on_step and activations == PYTORCH:
        from lstmcalc.numerics.fast.runner import LSTMRunner

        with closing(LSTMRunner(config, weights, threads, keep=False)) as runner:
            return runner(x, state, lengths)
    # Inside, everything is (L, N, ...) in the dtype that is computed in.
    dtype, work = x.dtype, computed_in(x.dtype)
    x, h_n, c_n = steps_first(config, data, x, *initial_state(config, data, state, dtype))
    x, running = _sequences(x.astype(work, copy=False), data)

    for layer in range(config.num_layers):
        output = np.zeros((*x.shape[:2], config.num_directions * config.output_size), work)
        for direction, part in enumerate(np.split(output, config.num_directions, axis=2)):
            cell, k = _cell(config, weights, layer, direction, work), layer * config.num_directions + direction
            # A product of finite numbers was seen to warn of an invalid value (NumPy 2.4, PyTorch in the same process).
            with np.errstate(invalid="ignore"):
                _run(cell, functions_of(activations), x, h_n[k], c_n[k], part, running, on_step)
        x = output

    return as_given(config, data, dtype, output, h_n, c_n)


def _sequences(x: Array, data: DataSpec) -> tuple[Array, list[_Rows]]:
    """The input with zeros behind each sequence, and for each step the sequences that reach it."""
    if not data.lengths:
        return x, [slice(None)] * len(data.batch_sizes)
    inside = np.arange(len(x))[:, None] < np.array(data.lengths)
    longest_first = np.array(data.sorted_indices)
    return np.where(inside[:, :, None], x, 0), [longest_first[:count] for count in data.batch_sizes]


class _Cell(NamedTuple):
    """One direction of one layer, with its weights."""

    layer: int
    direction: int  # 0 for forward, 1 for reverse
    w_ih: Array  # `(4*H_cell, H_in)`
    w_hh: Array  # `(4*H_cell, H_out)`
    b: Array  # b_ih + b_hh, or zero
    w_hr: Array | None  # `(H_out, H_cell)`; None without a projection


def _cell(config: LSTMConfig, weights: Mapping[str, Array], layer: int, direction: int, work: "np.dtype[Any]") -> _Cell:
    suffix = f"l{layer}{('', '_reverse')[direction]}"

    def read(stem: str) -> Array:
        return weights[f"{stem}_{suffix}"].astype(work, copy=False)

    b = read("bias_ih") + read("bias_hh") if config.bias else np.zeros(1, work)
    w_hr = read("weight_hr") if config.proj_size else None
    return _Cell(layer, direction, read("weight_ih"), read("weight_hh"), b, w_hr)


def _run(
    cell: _Cell,
    functions: Functions,
    x: Array,
    h_n: Array,
    c_n: Array,
    output: Array,
    running: Sequence[_Rows],
    on_step: OnStep | None,
) -> None:
    """Run all steps of one cell; h_n and c_n hold h_0 and c_0 before. A sequence is a column of h and c."""
    sigmoid, tanh, clip_c, clip_h, clip_gates = functions
    h, c = h_n.T.copy(), c_n.T.copy()
    times = range(len(running))[:: -1 if cell.direction else 1]
    for t, from_input in _from_input(cell, x, times):
        now = running[t]
        a = clip_gates(from_input[:, now] + cell.w_hh @ h[:, now]).reshape(4, *c[:, now].shape)
        i, f, _, o = sigmoid(a)
        g = tanh(a[2])
        c_t = clip_c(f * c[:, now] + i * g)
        h_t = o * tanh(c_t)
        if cell.w_hr is not None:
            h_t = cell.w_hr @ h_t
        h_t = clip_h(h_t)
        h[:, now], c[:, now], output[t, now] = h_t, c_t, h_t.T
        if on_step:
            on_step(Step(cell.layer, cell.direction, t, np.concatenate((i, f, g, o)).T, c_t.T, h_t.T))
    h_n[...], c_n[...] = h.T, c.T


def _from_input(cell: _Cell, x: Array, times: range) -> Iterator[tuple[int, Array]]:
    """Each step t in order with its W_ih x_t + b, `(4*H_cell, N)`: computed for many steps in one product."""
    together = max(1, PIECE // max(1, x.shape[1] * cell.w_ih.shape[0] * x.itemsize))
    for start in range(0, len(times), together):
        piece = times[start : start + together]
        product = np.tensordot(x[piece], cell.w_ih, axes=(2, 1))
        product += cell.b
        yield from zip(piece, product.swapaxes(1, 2), strict=True)
