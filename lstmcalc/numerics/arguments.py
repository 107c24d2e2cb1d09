"""The arguments of the forward pass: their shapes and dtypes, the checks of them, and what `on_step` is called with.

`forward` and `LSTMRunner` take the same arguments and refuse the same ones with the same words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.errors import ArrayError, ConfigError
from lstmcalc.numerics.arrays import Array, array_of_shape, check_names, shape_text
from lstmcalc.spec.config import DataSpec, LSTMConfig

_DTYPES = ("float16", "float32", "float64")
_CHARS = frozenset("efd")  # NumPy's type characters for the same, which are faster to look up


class Step(NamedTuple):
    """One computed step of one direction of one layer.

    The rows of its arrays are the sequences that are still running, from the longest to the shortest. The arrays are
    the computation's own: copy what you keep.
    """

    layer: int  # from 0
    direction: int  # 0 for forward, 1 for reverse
    t: int  # the step, from 0
    gates: Array  # i, f, g and o side by side, `(running, 4*H_cell)`
    c: Array  # the cell state after the step, `(running, H_cell)`
    h: Array  # the hidden state after the step, `(running, H_out)`


OnStep: TypeAlias = Callable[[Step], None]


def computed_in(dtype: "np.dtype[Any]") -> "np.dtype[Any]":
    """The dtype that numbers of `dtype` are computed in: float32 for float16, or else the same."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


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


def checked_weights(
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
        check_dtype(name, checked[name], dtype, "x")
    return checked


def initial_state(
    config: LSTMConfig,
    data: DataSpec,
    state: tuple[Array, Array] | None,
    dtype: "np.dtype[Any]",
) -> tuple[Array, Array]:
    """Copies of h_0 and c_0, zeros for None, in the dtype that is computed in; errors name `dtype`, that of x."""
    work = computed_in(dtype)
    cells = (config.num_layers * config.num_directions, *(() if data.unbatched else (data.num_sequences,)))
    shapes = (*cells, config.output_size), (*cells, config.hidden_size)
    if state is None:
        return np.zeros(shapes[0], work), np.zeros(shapes[1], work)
    try:
        h_0, c_0 = state
    except (TypeError, ValueError):
        raise ArrayError("not a pair", expected="(h_0, c_0)", found=type(state).__name__, where="state") from None
    h_0, c_0 = array_of_shape("h_0", h_0, shapes[0]), array_of_shape("c_0", c_0, shapes[1])
    check_dtype("h_0", h_0, dtype, "x")
    check_dtype("c_0", c_0, dtype, "x")
    return np.array(h_0, dtype=work), np.array(c_0, dtype=work)


def steps_first(config: LSTMConfig, data: DataSpec, x: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
    """Views of x, `(L, N, H_in)`, h, `(D*num_layers, N, H_out)`, and c, `(D*num_layers, N, H_cell)`."""
    if data.unbatched:
        return x[:, None], h[:, None], c[:, None]
    return x.swapaxes(0, 1) if config.batch_first else x, h, c


def as_given(
    config: LSTMConfig, data: DataSpec, dtype: "np.dtype[Any]", output: Array, h_n: Array, c_n: Array
) -> tuple[Array, tuple[Array, Array]]:
    """`output, (h_n, c_n)` in the layout and dtype that x was given in: the inverse of `steps_first`."""
    if data.unbatched:
        output, h_n, c_n = output[:, 0], h_n[:, 0], c_n[:, 0]
    elif config.batch_first:
        output = output.swapaxes(0, 1)
    return output.astype(dtype, copy=False), (h_n.astype(dtype, copy=False), c_n.astype(dtype, copy=False))


def _check_supported(name: str, dtype: "np.dtype[Any]") -> None:
    if dtype.char not in _CHARS:
        raise ArrayError(
            "dtype is not supported", expected=f"one of {', '.join(_DTYPES)}", found=dtype.name, where=name
        )


def check_dtype(name: str, array: Array, dtype: "np.dtype[Any]", like: str) -> None:
    """Refuse an array of another dtype than `dtype`, which is that of `like`."""
    if array.dtype != dtype:
        raise ArrayError(
            "the dtype does not fit",
            expected=f"{dtype.name}, as {like}",
            found=array.dtype.name,
            hint=f"convert it, with {name}.astype({dtype.name!r})",
            where=name,
        )
