"""The time an LSTM takes to compute: ours and other frameworks', in turn.

Not here: the computations (`numerics`, `judges`), and their cost in theory (`costs`).
"""

from collections.abc import Callable, Mapping, Sequence
from operator import truediv
from statistics import median
from time import perf_counter, sleep
from typing import Final, NamedTuple

import numpy as np

from lstmcalc.costs.memory import values_of
from lstmcalc.costs.operations import forward_work
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.blas import blas_is_held
from lstmcalc.numerics.fast.runner import LSTMRunner
from lstmcalc.proof.judges import ready_judge
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.version import __version__

REST: Final = 0.1  # seconds for the threads of one framework to stop spinning before the next one is measured


class Calls(NamedTuple):
    """The times of one framework's calls."""

    name: str  # the framework, with its version
    median: float  # seconds
    fastest: float  # seconds
    ratio: float | None  # time of lstmcalc's call / time of its call in the same round, the median; None for lstmcalc


class Timing(NamedTuple):
    """The times of all frameworks."""

    repeat: int  # measured calls of each framework
    threads: int  # threads that each could use
    steps: int  # of all sequences, in one call
    macs: int  # multiply-accumulates of all matrix products in one call
    calls: Sequence[Calls]  # of each framework, lstmcalc's first
    held: bool  # True if BLAS was limited to one thread: without threadpoolctl it chooses the number itself


def time_calls(
    config: LSTMConfig,
    data: DataSpec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    against: Sequence[str] = (),
    *,
    repeat: int,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Timing:
    """Time `repeat` calls of each framework in turn, after one that is not measured, in which weights are prepared.

    Args:
        config: The LSTM.
        data: Its data.
        weights: The weights, in the form that `forward` takes.
        inputs: `input`, `h_0` and `c_0`.
        against: Other frameworks, of `judges.JUDGES`.
        repeat: The number of measured calls.
        threads: The number of threads each may use.
        progress: Called with the rounds done and their total.
    """
    runner, state = LSTMRunner(config, weights, threads), (inputs["h_0"], inputs["c_0"])
    computes: list[tuple[str, Callable[[], object]]] = [
        (f"lstmcalc {__version__}", lambda: runner(inputs["input"], state, data.lengths)),
        *(ready_judge(name, config, data, weights, inputs, threads) for name in against),
    ]
    seconds: list[list[float]] = [[] for _ in computes]
    with np.errstate(all="ignore"):  # weights of a file may be out of range
        for number in range(repeat + 1):
            for (_, compute), own in zip(computes, seconds, strict=True):
                if threads > 1 and against:
                    sleep(REST)
                start = perf_counter()
                compute()
                if number:
                    own.append(perf_counter() - start)
            if progress:
                progress(number, repeat)
    calls = [
        Calls(name, median(own), min(own), median(map(truediv, seconds[0], own)) if number else None)
        for number, ((name, _), own) in enumerate(zip(computes, seconds, strict=True))
    ]
    macs = forward_work(config, data).macs.at(values_of(config, data))
    return Timing(repeat, threads, sum(data.batch_sizes), macs, calls, blas_is_held())
