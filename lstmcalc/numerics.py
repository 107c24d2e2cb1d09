"""The LSTM, computed: a NumPy forward pass written by hand from PyTorch's equations.

    i, f, o = sigmoid(W_i* x_t + b_i* + W_h* h_(t-1) + b_h*)      g = tanh(W_ig x_t + b_ig + W_hg h_(t-1) + b_hg)
    c_t = f c_(t-1) + i g          h_t = o tanh(c_t), projected to W_hr h_t if there is a projection

It does not execute the model's gate table, so that the two are independent statements which tests hold against
each other; it asks the model only what its arguments should look like.

Source: the documentation of `torch.nn.LSTM`, torch 2.13.0; held against that PyTorch with random weights.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.arrays import Array, as_array, check_names, checked_array, shape_text
from lstmcalc.config import DataSpec, LSTMConfig
from lstmcalc.errors import ArrayError, ConfigError
from lstmcalc.model import LSTMModel

_DTYPES = ("float16", "float32", "float64")


class Step(NamedTuple):
    """One computed step of one direction of one layer.

    The rows of its arrays are the sequences that are still running, from the longest to the shortest. They are the
    computation's own: what is to be kept of them must be copied.

    Attributes:
        layer: The layer, from 0.
        direction: 0 for forward, 1 for reverse.
        t: The step, from 0.
        gates: i, f, g and o beside each other, `(running, 4*H_cell)`.
        c: The cell behind the step, `(running, H_cell)`.
        h: What the step gives, `(running, H_out)`.
    """

    layer: int
    direction: int
    t: int
    gates: Array
    c: Array
    h: Array


OnStep: TypeAlias = Callable[[Step], None]


def forward(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    x: Array,
    state: tuple[Array, Array] | None = None,
    lengths: Sequence[int] | None = None,
    *,
    on_step: OnStep | None = None,
) -> tuple[Array, tuple[Array, Array]]:
    """Run the LSTM in inference: dropout does nothing.

    Args:
        config: The hyperparameters.
        weights: PyTorch's names to arrays, as in `state_dict`.
        x: The input: `(L, N, H_in)`, `(N, L, H_in)` with `batch_first`, or `(L, H_in)` unbatched. float64 and
            float32 are computed as such; float16 is computed in float32 and rounded once, at the end.
        state: `(h_0, c_0)`, `(D*num_layers, N, H_out)` and `(D*num_layers, N, H_cell)`, without N if unbatched;
            None means zeros.
        lengths: How many steps of each sequence are real, in any order. The output is zero behind them, and
            each sequence's h_n and c_n are those of its own last step (its step 0 in the reverse direction).
        on_step: Called after every computed step of every layer and direction.

    Returns:
        `output, (h_n, c_n)`: output is `(L, N, D*H_out)` in the layout of `x`, h_n and c_n are shaped as the state.

    Raises:
        ArrayError: A weight, x or a state is missing, unknown, misshaped or of another dtype.
        ConfigError: The lengths do not fit x.
    """
    model = LSTMModel(config)
    x = as_array("x", x)
    data = data_of(config, x, lengths)
    tensors = {tensor.name: tensor.shape for tensor in model.tensors_of(data)}
    weights = _checked_weights(model, weights, x.dtype)
    h_0, c_0 = _checked_state(state, tensors, x.dtype)

    # Inside, everything is (L, N, ...), sorted from the longest sequence to the shortest, so that the sequences
    # that are still running at a step are always the first ones.
    dtype = x.dtype
    work = np.dtype(np.float32) if dtype == np.float16 else dtype
    order = np.array(data.sorted_indices, dtype=np.intp)
    if data.unbatched:
        x, h_0, c_0 = x[:, None], h_0[:, None], c_0[:, None]
    elif config.batch_first:
        x = x.swapaxes(0, 1)
    if data.lengths:
        x, h_0, c_0 = x[:, order], h_0[:, order], c_0[:, order]
        # What lies behind a sequence may be anything; it is not used, and should not make NumPy warn either.
        x[np.arange(data.seq_len)[:, None] >= np.array(data.lengths)[order]] = 0
    h_n, c_n = np.array(h_0, dtype=work), np.array(c_0, dtype=work)  # copies: they become the final states
    x = np.ascontiguousarray(x, dtype=work)
    output = _layers(config, weights, x, h_n, c_n, data.batch_sizes, on_step)

    if data.lengths:
        unsorted = np.argsort(order)
        output, h_n, c_n = output[:, unsorted], h_n[:, unsorted], c_n[:, unsorted]
    if data.unbatched:
        output, h_n, c_n = output[:, 0], h_n[:, 0], c_n[:, 0]
    elif config.batch_first:
        output = output.swapaxes(0, 1)
    return output.astype(dtype, copy=False), (h_n.astype(dtype, copy=False), c_n.astype(dtype, copy=False))


def _layers(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    x: Array,
    h: Array,
    c: Array,
    batch_sizes: Sequence[int],
    on_step: OnStep | None,
) -> Array:
    """All layers and directions. x is `(L, N, H_in)`; h and c are the initial states, and become the final ones."""
    length, batch, _ = x.shape
    width = config.output_size
    buffer = np.empty((length * batch, 4 * config.hidden_size), dtype=x.dtype)
    forth = range(len(batch_sizes))
    back = forth[::-1]  # a sequence joins at its own last step, still in its initial state
    for layer in range(config.num_layers):
        output = np.zeros((length, batch, config.num_directions * width), dtype=x.dtype)
        for direction, suffix in enumerate(("", "_reverse")[: config.num_directions]):
            cell = {stem: weights[f"{stem}_l{layer}{suffix}"].astype(x.dtype, copy=False) for stem in _stems(config)}
            columns = output[:, :, direction * width : (direction + 1) * width]
            k = layer * config.num_directions + direction
            tell = on_step and partial(_tell, on_step, layer, direction)
            _scan(cell, x, h[k], c[k], columns, buffer, back if direction else forth, batch_sizes, tell)
        x = output
    return x


def _tell(on_step: OnStep, layer: int, direction: int, t: int, gates: Array, c: Array, h: Array) -> None:
    on_step(Step(layer, direction, t, gates, c, h))


def _stems(config: LSTMConfig) -> list[str]:
    """What the parameters of one layer and direction are called before `_l0`."""
    biases = ["bias_ih", "bias_hh"] if config.bias else []
    return ["weight_ih", "weight_hh", *biases, *(["weight_hr"] if config.proj_size else [])]


def _scan(
    cell: Mapping[str, Array],
    x: Array,
    h: Array,
    c: Array,
    output: Array,
    buffer: Array,
    steps: Sequence[int],
    batch_sizes: Sequence[int],
    tell: Callable[[int, Array, Array, Array], None] | None,
) -> None:
    """One direction of one layer, in place.

    Args:
        cell: Its weights and biases.
        x: What it reads, `(L, N, reads)`.
        h: `(N, H_out)`, from h_0 to h_n.
        c: `(N, H_cell)`, from c_0 to c_n.
        output: `(L, N, H_out)`, receives every h.
        buffer: `(L*N, 4*H_cell)`, for the input's share in the gates, all steps in one matrix product.
        steps: The steps in the order they are taken.
        batch_sizes: How many sequences run in each step: always the first ones.
        tell: Called after each step, with its t, gates, c and h.
    """
    length, batch, reads = x.shape
    hidden = c.shape[1]
    np.matmul(x.reshape(length * batch, reads), cell["weight_ih"].T, out=buffer)
    if "bias_ih" in cell:
        buffer += cell["bias_ih"] + cell["bias_hh"]
    from_input = buffer.reshape(length, batch, 4 * hidden)
    weight_hh, weight_hr = cell["weight_hh"].T, cell["weight_hr"].T if "weight_hr" in cell else None
    all_gates = np.empty((batch, 4 * hidden), dtype=x.dtype)
    all_shown = np.empty((batch, hidden), dtype=x.dtype)

    for t in steps:
        running = batch_sizes[t]
        gates, shown = all_gates[:running], all_shown[:running]
        h_t, c_t = h[:running], c[:running]
        np.matmul(h_t, weight_hh, out=gates)
        gates += from_input[t, :running]
        i, f, g, o = (gates[:, k * hidden : (k + 1) * hidden] for k in range(4))
        _sigmoid(i)
        _sigmoid(f)
        np.tanh(g, out=g)
        _sigmoid(o)
        c_t *= f
        np.multiply(i, g, out=shown)  # the gates stay what they are, for whoever wants to see them
        c_t += shown
        np.tanh(c_t, out=shown)
        shown *= o
        if weight_hr is None:
            h_t[...] = shown
        else:
            np.matmul(shown, weight_hr, out=h_t)
        output[t, :running] = h_t
        if tell:
            tell(t, gates, c_t, h_t)


def _sigmoid(a: Array) -> None:
    """In place, as `0.5 + 0.5 tanh(a/2)`: no exponential to overflow."""
    a *= 0.5
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5


def data_of(config: LSTMConfig, x: Array, lengths: Sequence[int] | None) -> DataSpec:
    """The data that x is."""
    unbatched = x.ndim == 2  # noqa: PLR2004
    layout = "(N, L, H_in)" if config.batch_first else "(L, N, H_in)"
    if x.dtype.name not in _DTYPES:
        raise ArrayError(
            "dtype is not supported", expected=f"one of {', '.join(_DTYPES)}", found=x.dtype.name, where="x"
        )
    if x.ndim not in (2, 3):
        raise ArrayError(
            "x has the wrong number of axes",
            expected=f"{layout}, or (L, H_in) unbatched",
            found=shape_text(x.shape),
            where="x",
        )
    if x.shape[-1] != config.input_size:
        raise ArrayError(
            "the last axis does not fit",
            expected=f"H_in = input_size = {config.input_size}",
            found=f"{x.shape[-1]} (shape {shape_text(x.shape)})",
            where="x",
        )
    seq_len, batch = (
        (x.shape[0], None) if unbatched else (x.shape[1], x.shape[0]) if config.batch_first else x.shape[:2]
    )
    if seq_len == 0:
        raise ArrayError("there are no steps", expected="L >= 1", found=f"shape {shape_text(x.shape)}", where="x")
    if unbatched and lengths is not None:
        raise ConfigError("unbatched input has no lengths", expected=layout, found=shape_text(x.shape), field="lengths")
    try:
        return DataSpec(seq_len, batch, lengths, x.dtype.name)  # type: ignore[arg-type]  # it makes a tuple of it
    except ConfigError as error:  # its hint is about flags
        raise ConfigError(error.what, error.expected, error.found, field=error.field) from None


def _checked_weights(model: LSTMModel, weights: Mapping[str, Array], dtype: "np.dtype[Any]") -> dict[str, Array]:
    shapes = {parameter.name: parameter.shape for parameter in model.parameters}
    wanted = f"the {len(shapes)} parameters of {model.config}"
    check_names("weights", weights, tuple(shapes), "the weights of this LSTM", wanted)
    return {name: _checked(name, weights[name], shape, dtype) for name, shape in shapes.items()}


def _checked_state(
    state: tuple[Array, Array] | None, tensors: Mapping[str, tuple[int, ...]], dtype: "np.dtype[Any]"
) -> tuple[Array, Array]:
    if state is None:
        return np.zeros(tensors["h_0"], dtype), np.zeros(tensors["c_0"], dtype)
    try:
        h_0, c_0 = state
    except (TypeError, ValueError):
        raise ArrayError("not a pair", expected="(h_0, c_0)", found=type(state).__name__, where="state") from None
    return _checked("h_0", h_0, tensors["h_0"], dtype), _checked("c_0", c_0, tensors["c_0"], dtype)


def _checked(name: str, value: Array, shape: tuple[int, ...], dtype: "np.dtype[Any]") -> Array:
    array = checked_array(name, value, shape)
    if array.dtype != dtype:
        raise ArrayError(
            "the dtype does not fit",
            expected=f"{dtype.name}, as x",
            found=array.dtype.name,
            hint=f"convert it, with {name}.astype({dtype.name!r})",
            where=name,
        )
    return array
