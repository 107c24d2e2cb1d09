"""The values inside an LSTM: gates, cell and hidden state of every step, by layer and direction."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from lstmcalc.errors import UsageError
from lstmcalc.model.lstm import TRACED, traced_name
from lstmcalc.model.packing import end_of
from lstmcalc.model.snippets import Index
from lstmcalc.numerics.arguments import Step, data_spec_of
from lstmcalc.numerics.arrays import Array, as_array
from lstmcalc.numerics.forward import forward
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.symbols import DIRECTIONS

_STATES: Final = ("c", "h")  # the values that a `Step` has by their own names


class Trace:
    """Records the steps of a forward pass: give it to `forward` as `on_step`.

    It keeps only the given `values`, names from `TRACED`, of the given `layers` (None for all).
    """

    def __init__(
        self,
        config: LSTMConfig,
        data: DataSpec,
        dtype: str = "float64",
        values: Collection[str] = TRACED,
        layers: Collection[int] | None = None,
    ) -> None:
        for what, asked, there in (("value", values, TRACED), ("layer", layers or (), range(config.num_layers))):
            unknown = [item for item in asked if item not in there]
            if unknown:
                raise UsageError(f"there is no such {what}", expected=f"of {list(there)}", found=str(unknown[0]))
        self._order = list(data.sorted_indices)
        self._batch_sizes = data.batch_sizes
        self._unbatched = data.unbatched
        steps = (data.seq_len,) if data.unbatched else (data.seq_len, data.num_sequences)
        # `f_l0`, `h_l1_reverse`, ...: `(L, N, H_cell)`, h `(L, N, H_out)`, without N if unbatched. Steps come first in
        # every layout, sequences are in batch order, and values after the end of a sequence are 0.
        self.arrays: dict[str, Array] = {}
        self._kept: dict[tuple[int, int], list[tuple[str, Array]]] = {}  # by layer and direction: there are many steps
        for layer in range(config.num_layers) if layers is None else sorted(set(layers)):
            for number, direction in enumerate(DIRECTIONS[: config.num_directions]):
                for value in values:
                    width = config.output_size if value == "h" else config.hidden_size
                    array = np.zeros((*steps, width), dtype)
                    self.arrays[traced_name(value, layer, direction)] = array
                    self._kept.setdefault((layer, number), []).append((value, array))

    def __call__(self, step: Step) -> None:
        """Record one step; UsageError if it belongs to other data."""
        if step.t >= len(self._batch_sizes) or len(step.h) != self._batch_sizes[step.t]:
            raise UsageError("this is a step of other data", expected="the data that the trace was made for")
        width = step.c.shape[1]
        for value, kept in self._kept.get((step.layer, step.direction), ()):
            if value in _STATES:
                rows: Array = getattr(step, value)
            else:
                first = TRACED.index(value) * width
                rows = step.gates[:, first : first + width]
            if self._unbatched:
                kept[step.t] = rows[0]
            else:
                kept[step.t, self._order[: len(rows)]] = rows


class Ended:
    """The final values of one layer and direction, indexed as if they were the whole trace."""

    def __init__(self, array: Array, index: tuple[Index, ...]) -> None:
        self.array = array  # `(N, H)`, without N if unbatched
        self._index = index  # the index of the final values in the whole trace

    def __getitem__(self, index: tuple[Index, ...]) -> Array:
        """The final values; KeyError for any other index."""
        if index != self._index:
            raise KeyError(index)
        return self.array


class Ends:
    """Records c and h at the end of each direction: give it to `forward` as `on_step`."""

    def __init__(self, config: LSTMConfig, data: DataSpec, dtype: str, layers: Collection[int]) -> None:
        self._order = list(data.sorted_indices)
        batch = () if data.unbatched else (data.num_sequences,)
        widths = {"c": config.hidden_size, "h": config.output_size}
        # `c_l0`, `h_l0_reverse`, ..., to be indexed with `packing.end_of` only.
        self.arrays: dict[str, Ended] = {}
        self._kept: dict[tuple[int, int], list[tuple[str, Array]]] = {}  # by layer and direction
        for layer in sorted(set(layers)):
            for number, direction in enumerate(DIRECTIONS[: config.num_directions]):
                for value in _STATES:
                    array = np.zeros((*batch, widths[value]), dtype)
                    self.arrays[traced_name(value, layer, direction)] = Ended(array, end_of(data, direction))
                    self._kept.setdefault((layer, number), []).append((value, array))

    def __call__(self, step: Step) -> None:
        """Record one step over earlier ones, so that the last step of each sequence remains."""
        for value, kept in self._kept.get((step.layer, step.direction), ()):
            rows: Array = getattr(step, value)
            if kept.ndim == 1:
                kept[:] = rows[0]
            else:
                kept[self._order[: len(rows)]] = rows


def trace(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    x: Array,
    state: tuple[Array, Array] | None = None,
    lengths: Sequence[int] | None = None,
) -> dict[str, Array]:
    """The gates i, f, g, o, the cell c and the hidden state h of every step, by layer and direction.

    Args:
        config: The hyperparameters.
        weights: PyTorch's names to arrays.
        x: The input, as `forward` takes it.
        state: `(h_0, c_0)`; None means zeros.
        lengths: The number of valid steps of each sequence.

    Returns:
        `i_l0`, `f_l0`, `g_l0`, `o_l0`, `c_l0`, `h_l0`, then with `_reverse`, then `i_l1`, ...: `(L, N, H_cell)`, and h
        `(L, N, H_out)`, without N if unbatched. Steps come first in every layout; values after a sequence's end are 0.

    Raises:
        ArrayError: As in `forward`.
        ConfigError: The lengths do not fit x.
    """
    x = as_array("x", x)
    data = data_spec_of(config, x, lengths)
    record = Trace(config, data, x.dtype.name)
    forward(config, weights, x, state, lengths, on_step=record)
    return record.arrays
