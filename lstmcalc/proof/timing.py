"""How long an LSTM takes to compute: ours, and in other frameworks, in turn.

Not here: what is computed (`numerics`, `judges`), and what it costs in theory (`compute`).
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
from lstmcalc.numerics.forward import LSTMRunner
from lstmcalc.numerics.threads import blas_is_held
from lstmcalc.proof.judges import ready_judge
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.version import __version__

REST: Final = 0.1  # seconds in which the threads of one framework cease to spin before the next one is measured


class Calls(NamedTuple):
    """The calls of one framework.

    Attributes:
        name: The framework, with its version.
        median: Seconds.
        fastest: Seconds.
        ratio: How many times as long lstmcalc's calls took, the median over neighbours; None for its own.
    """

    name: str
    median: float
    fastest: float
    ratio: float | None


class Timing(NamedTuple):
    """What was measured.

    Attributes:
        repeat: How many calls of each framework.
        threads: How many threads each could use.
        steps: The steps of all sequences that one call computes.
        macs: The multiply-accumulates of all its matrix products.
        calls: Of each framework, lstmcalc's first.
        held: Whether BLAS was held to one thread: without threadpoolctl it uses as many as it likes.
    """

    repeat: int
    threads: int
    steps: int
    macs: int
    calls: Sequence[Calls]
    held: bool


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
    """Call each framework `repeat` times in turn, after one call that is not measured: weights are prepared by then.

    Args:
        config: The LSTM.
        data: Its data.
        weights: As `forward` takes them.
        inputs: `input`, `h_0` and `c_0`.
        against: Other frameworks, of `judges.JUDGES`.
        repeat: How many calls are measured.
        threads: How many threads each may use.
        progress: Called with the rounds done, and those in all.

    Raises:
        LstmcalcError: As `judges.ready_judge`.
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
