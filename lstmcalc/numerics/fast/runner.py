"""`LSTMRunner`: arguments are checked, weights kept arranged, sequences sorted for the kernels and sorted back."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial

import numpy as np

from lstmcalc.numerics.arguments import (
    OnStep,
    as_given,
    check_dtype,
    checked_weights,
    computed_in,
    data_spec_of,
    initial_state,
    steps_first,
)
from lstmcalc.numerics.arrays import Array, as_array
from lstmcalc.numerics.fast import arrangement, kernels
from lstmcalc.numerics.fast.arrangement import Plan, Prepared
from lstmcalc.numerics.fast.memory import memory_of
from lstmcalc.numerics.fast.threads import Workers
from lstmcalc.spec.config import DataSpec, LSTMConfig


class LSTMRunner:
    """An LSTM whose weights are prepared once, to be run on many inputs: `output, (h_n, c_n) = runner(x)`.

    It keeps the given weights and one arranged copy of them, made at the first call, and again when the number of
    sequences needs another arrangement. Weights that are changed afterwards need a new runner. Threads are kept too;
    one call at a time uses them.

    Args:
        config: The hyperparameters.
        weights: PyTorch's names to arrays, as in `state_dict`, of one dtype, which is that of every x.
        threads: The most threads of Python to use. They share out directions, sequences, or units of a large
            layer. BLAS's own threads are limited to one if `threadpoolctl` is installed.
        keep: False to arrange the weights in each call, a layer at a time: a single call takes less memory so.

    Raises:
        ArrayError: A weight is missing, unknown, of the wrong shape or of another dtype.
    """

    def __init__(
        self, config: LSTMConfig, weights: Mapping[str, Array], threads: int = 1, *, keep: bool = True
    ) -> None:
        self.config = config
        self.threads = threads
        self._weights = checked_weights(config, weights, None)
        self._dtype = next(iter(self._weights.values())).dtype
        self._keep = keep
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
        check_dtype("x", x, self._dtype, "the weights")
        return _run(self.config, self._layer, x, data, state, on_step, self.threads, self._workers)

    @staticmethod
    def memory(config: LSTMConfig, data: DataSpec) -> int:
        """The bytes that a call without `keep` takes besides its arguments and the output, an upper estimate."""
        return memory_of(config, data)

    def close(self) -> None:
        """End the threads; a later call makes new ones."""
        self._workers.close()

    def _layer(self, plan: Plan, layer: int) -> list[Prepared]:
        if not self._keep:
            return arrangement.prepare(self.config, self._weights, plan, layer)
        arranged, layers = self._arranged
        if plan != arranged:
            layers = {}
            self._arranged = plan, layers  # at once: another thread may be running the same LSTM
        if layer not in layers:
            layers[layer] = arrangement.prepare(self.config, self._weights, plan, layer)
        return layers[layer]


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
    work = computed_in(dtype)
    x, h_n, c_n = steps_first(config, data, x, *initial_state(config, data, state, dtype))
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
    return as_given(config, data, dtype, output, h_n, c_n)
