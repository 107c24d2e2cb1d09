"""The forward pass of an LSTM in NumPy, written by hand from PyTorch's equations.

    i, f, o = sigmoid(W_i* x_t + b_i* + W_h* h_(t-1) + b_h*)      g = tanh(W_ig x_t + b_ig + W_hg h_(t-1) + b_hg)
    c_t = f c_(t-1) + i g          h_t = o tanh(c_t), projected to W_hr h_t if there is a projection

It does not execute the model's gate table, so that the two are independent and tests can compare them.

Source: the documentation of `torch.nn.LSTM`, torch 2.13.0; compared with that PyTorch on random weights.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial
from typing import Any

import numpy as np

from lstmcalc.errors import ArrayError, ConfigError
from lstmcalc.numerics import arrangement, kernels
from lstmcalc.numerics.arrangement import Plan, Prepared
from lstmcalc.numerics.arrays import Array, array_of_shape, as_array, check_names, shape_text
from lstmcalc.numerics.kernels import OnStep
from lstmcalc.numerics.threads import Workers
from lstmcalc.spec.config import DataSpec, LSTMConfig

_DTYPES = ("float16", "float32", "float64")
_CHARS = frozenset("efd")  # NumPy's type characters for the same, which are faster to look up


class LSTMRunner:
    """An LSTM whose weights are prepared once, to be run on many inputs: `output, (h_n, c_n) = runner(x)`.

    It keeps the given weights and one arranged copy of them, made at the first call, and again when the number of
    sequences needs another arrangement. Weights that are changed afterwards need a new runner. Threads are kept too;
    one call at a time uses them.

    Args:
        config: The hyperparameters.
        weights: PyTorch's names to arrays, as in `state_dict`, of one dtype, which is that of every x.
        threads: The most threads of Python to use. They share out directions, sequences, layers, or units of a large
            layer. BLAS's own threads are limited to one if `threadpoolctl` is installed.

    Raises:
        ArrayError: A weight is missing, unknown, of the wrong shape or of another dtype.
    """

    def __init__(self, config: LSTMConfig, weights: Mapping[str, Array], threads: int = 1) -> None:
        self.config = config
        self.threads = threads
        self._weights = _checked_weights(config, weights, None)
        self._dtype = next(iter(self._weights.values())).dtype
        self._workers = Workers()
        self._arranged: tuple[Plan | None, dict[int, list[Prepared]]] = (None, {})

    def __call__(
        self,
        x: Array,
        state: tuple[Array, Array] | None = None,
        lengths: Sequence[int] | None = None,
        *,
        on_step: OnStep | None = None,
    ) -> tuple[Array, tuple[Array, Array]]:
        """Run the LSTM in inference.

        Args and results are those of `forward`.

        Raises:
            ArrayError: x or a state is of the wrong shape, or of another dtype than the weights.
            ConfigError: The lengths do not fit x.
        """
        x = as_array("x", x)
        data = data_spec_of(self.config, x, lengths)
        _check_dtype("x", x, self._dtype, "the weights")
        return _run(self.config, self._layer, x, data, state, on_step, self.threads, self._workers)

    def _layer(self, plan: Plan, layer: int) -> list[Prepared]:
        arranged, layers = self._arranged
        if plan != arranged:
            layers = {}
            self._arranged = plan, layers  # at once: another thread may be running the same LSTM
        if layer not in layers:
            layers[layer] = arrangement.prepare(self.config, self._weights, plan, layer)
        return layers[layer]


def forward(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    x: Array,
    state: tuple[Array, Array] | None = None,
    lengths: Sequence[int] | None = None,
    *,
    on_step: OnStep | None = None,
    threads: int = 1,
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
        threads: The most threads of Python to use, as in `LSTMRunner`.

    Returns:
        `output, (h_n, c_n)`: output is `(L, N, D*H_out)` in the layout of `x`, h_n and c_n are shaped as the state.

    Raises:
        ArrayError: A weight, x or a state is missing, unknown, of the wrong shape or of another dtype.
        ConfigError: The lengths do not fit x.
    """
    x = as_array("x", x)
    data = data_spec_of(config, x, lengths)
    checked = _checked_weights(config, weights, x.dtype)
    with closing(Workers()) as workers:
        return _run(config, partial(arrangement.prepare, config, checked), x, data, state, on_step, threads, workers)


def _run(
    config: LSTMConfig,
    prepared: Callable[[Plan, int], list[Prepared]],
    x: Array,
    data: DataSpec,
    state: tuple[Array, Array] | None,
    on_step: OnStep | None,
    threads: int,
    workers: Workers,
) -> tuple[Array, tuple[Array, Array]]:
    # Inside, everything is (L, N, ...), sorted from the longest sequence to the shortest, so that the sequences
    # that are still running at a step are always the first ones.
    dtype = x.dtype
    work = np.dtype(np.float32) if dtype == np.float16 else dtype
    h_n, c_n = _initial_state(config, data, state, dtype, work)
    if data.unbatched:
        x, h_n, c_n = x[:, None], h_n[:, None], c_n[:, None]
    elif config.batch_first:
        x = x.swapaxes(0, 1)
    if data.lengths:
        order = np.array(data.sorted_indices, dtype=np.intp)
        x, h_n, c_n = x[:, order], h_n[:, order], c_n[:, order]
    plan = arrangement.planned(
        config, data.num_sequences, work.itemsize, packed=bool(data.lengths), threads=1 if on_step else threads
    )
    arrays = x.swapaxes(1, 2), h_n.swapaxes(1, 2), c_n.swapaxes(1, 2)  # a sequence is a column
    with workers.of(plan.threads) if plan.threads > 1 else nullcontext() as pool:
        output = kernels.run_layers(config, partial(prepared, plan), plan, *arrays, data.batch_sizes, on_step, pool)

    if data.lengths:
        unsorted = np.argsort(order)
        output, h_n, c_n = output[:, unsorted], h_n[:, unsorted], c_n[:, unsorted]
    if data.unbatched:
        output, h_n, c_n = output[:, 0], h_n[:, 0], c_n[:, 0]
    elif config.batch_first:
        output = output.swapaxes(0, 1)
    return output.astype(dtype, copy=False), (h_n.astype(dtype, copy=False), c_n.astype(dtype, copy=False))


def data_spec_of(config: LSTMConfig, x: Array, lengths: Sequence[int] | None) -> DataSpec:
    """The `DataSpec` of x and its lengths; an error if they do not fit the LSTM."""
    unbatched = x.ndim == 2  # noqa: PLR2004
    layout = "(N, L, H_in)" if config.batch_first else "(L, N, H_in)"
    _check_supported("x", x.dtype)
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


def weight_shapes(config: LSTMConfig) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights, in `state_dict` order."""
    gates, reads = 4 * config.hidden_size, config.input_size
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(config.num_layers):
        for direction in ("", "_reverse")[: config.num_directions]:
            cell: dict[str, tuple[int, ...]] = {"weight_ih": (gates, reads), "weight_hh": (gates, config.output_size)}
            if config.bias:
                cell |= {"bias_ih": (gates,), "bias_hh": (gates,)}
            if config.proj_size:
                cell["weight_hr"] = (config.proj_size, config.hidden_size)
            shapes |= {f"{stem}_l{layer}{direction}": shape for stem, shape in cell.items()}
        reads = config.num_directions * config.output_size
    return shapes


def _checked_weights(
    config: LSTMConfig, weights: Mapping[str, Array], dtype: "np.dtype[Any] | None"
) -> dict[str, Array]:
    """The weights as arrays, checked against `dtype`; None means the dtype of the first one."""
    shapes = weight_shapes(config)
    wanted = f"the {len(shapes)} parameters of {config}"
    check_names("weights", weights, tuple(shapes), "the weights of this LSTM", wanted)
    checked: dict[str, Array] = {}
    for name, shape in shapes.items():
        checked[name] = array_of_shape(name, weights[name], shape)
        if dtype is None:
            dtype = checked[name].dtype
            _check_supported(name, dtype)
        _check_dtype(name, checked[name], dtype, "x")
    return checked


def _initial_state(
    config: LSTMConfig,
    data: DataSpec,
    state: tuple[Array, Array] | None,
    dtype: "np.dtype[Any]",
    work: "np.dtype[Any]",
) -> tuple[Array, Array]:
    """Copies of h_0 and c_0, which become the final states."""
    cells = (config.num_layers * config.num_directions, *(() if data.unbatched else (data.num_sequences,)))
    shapes = (*cells, config.output_size), (*cells, config.hidden_size)
    if state is None:
        return np.zeros(shapes[0], work), np.zeros(shapes[1], work)
    try:
        h_0, c_0 = state
    except (TypeError, ValueError):
        raise ArrayError("not a pair", expected="(h_0, c_0)", found=type(state).__name__, where="state") from None
    h_0, c_0 = array_of_shape("h_0", h_0, shapes[0]), array_of_shape("c_0", c_0, shapes[1])
    _check_dtype("h_0", h_0, dtype, "x")
    _check_dtype("c_0", c_0, dtype, "x")
    return np.array(h_0, dtype=work), np.array(c_0, dtype=work)


def _check_supported(name: str, dtype: "np.dtype[Any]") -> None:
    if dtype.char not in _CHARS:
        raise ArrayError(
            "dtype is not supported", expected=f"one of {', '.join(_DTYPES)}", found=dtype.name, where=name
        )


def _check_dtype(name: str, array: Array, dtype: "np.dtype[Any]", like: str) -> None:
    if array.dtype != dtype:
        raise ArrayError(
            "the dtype does not fit",
            expected=f"{dtype.name}, as {like}",
            found=array.dtype.name,
            hint=f"convert it, with {name}.astype({dtype.name!r})",
            where=name,
        )
