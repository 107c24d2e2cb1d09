"""An LSTM computed in chunks, as a stream is, compared with one pass: with its state carried over, and dropped."""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Final, NamedTuple

import numpy as np

from lstmcalc.numerics.fast.runner import LSTMRunner
from lstmcalc.proof.allowed import allowed_distance, steps_first, time_first
from lstmcalc.proof.closeness import Check, check_close, distance
from lstmcalc.proof.passes import Pass, forward_pass
from lstmcalc.proof.result import Run
from lstmcalc.spec.activations import PYTORCH
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.words import with_dots

_NAMED: Final = 6  # sizes in the name of a check


class Streamed(NamedTuple):
    """The chunks of one LSTM, held against one pass."""

    sizes: Sequence[int]  # steps of the chunks, repeated to the end
    chunks: int  # that were computed
    check: Check  # output, h_n and c_n with the state carried over
    # The largest difference of output if each chunk begins with zeros instead; None if nothing is carried over.
    dropped: float | None
    largest: float  # the largest |output|, to judge it by


def streamed(
    config: LSTMConfig,
    data: DataSpec,
    result: Run,
    sizes: Sequence[int],
    progress: Callable[[int, int], None] | None = None,
) -> Streamed:
    """Compute the LSTM of a run in chunks of `sizes` steps, repeated to the end, and compare with its outputs.

    Args:
        config: The LSTM, in one direction: another cannot be computed in chunks.
        data: The data of the run. A sequence that has ended keeps its state.
        result: The run, of finite numbers and at least one sequence.
        sizes: Steps of the chunks, each at least 1.
        progress: Called after every chunk with the steps done, and with those in all.
    """
    inputs, outputs = (time_first(config, data, arrays) for arrays in (result.inputs, result.outputs))
    x, output = inputs["input"], outputs["output"]
    h, c = inputs["h_0"].copy(), inputs["c_0"].copy()
    lengths = np.array(data.lengths or [len(x)] * x.shape[1])
    run, carried, dropped, count = pass_of(config, result), np.zeros_like(output), None, 0
    for start, stop in _chunks(int(lengths.max()), sizes):
        running = np.flatnonzero(lengths > start)
        own = np.minimum(lengths[running], stop) - start if data.lengths else None
        part, wanted = x[start:stop, running], output[start:stop, running]
        found, (h[:, running], c[:, running]) = run(part, (h[:, running], c[:, running]), own)
        carried[start:stop, running] = found
        if start:
            apart = distance(run(part, None, own)[0], wanted)
            dropped = apart if dropped is None else max(dropped, apart)
        count += 1
        if progress:
            progress(stop, int(lengths.max()))
    listed = with_dots([str(size) for size in sizes], _NAMED)
    pairs = [(carried, output), (h, outputs["h_n"]), (c, outputs["c_n"])]
    name = f"chunks of {listed} steps = one pass"
    # In float16 the state is rounded between chunks, as frameworks round it at every step.
    check = check_close(name, pairs, allowed_distance(config, data, result, rounded_inside=True))
    return Streamed(sizes, count, check, dropped, float(np.abs(output).max()))


def pass_of(config: LSTMConfig, result: Run) -> Pass:
    """The forward pass, whose weights are prepared once for all chunks."""
    if result.activations == PYTORCH:
        return LSTMRunner(steps_first(config), result.weights)
    return forward_pass(steps_first(config), result.weights, result.activations)


def _chunks(steps: int, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first step of each chunk, and the one after its last."""
    start = 0
    for size in cycle(sizes):
        if start >= steps:
            return
        yield start, min(start + size, steps)
        start += size
