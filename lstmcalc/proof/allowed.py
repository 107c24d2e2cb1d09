"""The allowed distance of two computations of the same LSTM."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.closeness import largest_sum, tolerance
from lstmcalc.proof.result import Arrays, Run
from lstmcalc.proof.sensitivity import CHAOTIC, TIMES
from lstmcalc.spec.config import DataSpec, LSTMConfig

STEPS_BY_HAND: Final = 100  # steps that the equations are evaluated for, one by one


def steps_first(config: LSTMConfig) -> LSTMConfig:
    """The LSTM with the steps on axis 0 of its input, as `time_first` lays it out."""
    return replace(config, batch_first=False)


def time_first(config: LSTMConfig, data: DataSpec, arrays: Mapping[str, Array]) -> Arrays:
    """The arrays with the batch on axis 1: `(L, N, ...)`; batched states are so already."""
    if data.unbatched:
        return {name: array[:, None] for name, array in arrays.items()}
    swapped = ("input", "output") if config.batch_first else ()
    return {name: array.swapaxes(0, 1) if name in swapped else array for name, array in arrays.items()}


def allowed_distance(config: LSTMConfig, data: DataSpec, result: Run, *, rounded_inside: bool = False) -> float:
    """The allowed distance of two computations of this LSTM on this data."""
    allowed = tolerance(data.dtype, largest_in_gates(config, data, result), rounded_inside=rounded_inside)
    coarser = (
        2.0**13 if data.dtype == "float16" and rounded_inside else 1.0
    )  # half a unit of float16, in those of float32
    moved = TIMES * (result.noise or 0.0)
    if moved > CHAOTIC and data.num_sequences and result.activations.cell == "tanh":  # no c is larger than that
        allowed = max(allowed, 2.0 * (data.seq_len + float(np.abs(result.inputs["c_0"]).max())))
    return max(allowed, coarser * moved)


def largest_in_gates(config: LSTMConfig, data: DataSpec, result: Run) -> float:
    """The largest sum of absolute products in a gate of the first layer, in the first steps of the first sequence.

    With default weights and normal data it is the largest of all layers: the others read h, which is smaller. With
    given weights, h may make a larger sum in any layer, which is added.
    """
    if not data.num_sequences:
        return 0.0
    inputs, weights = time_first(config, data, result.inputs), result.weights
    x, h = inputs["input"][:STEPS_BY_HAND, 0], inputs["h_0"][:1, 0]
    largest = largest_sum([(x, weights["weight_ih_l0"]), (h, weights["weight_hh_l0"])])
    return largest if result.drawn else largest + _largest_of_h(weights)


def _largest_of_h(weights: Mapping[str, Array]) -> float:
    """The largest sum of absolute products in any gate if every h is 1, or as large as a projection can make it."""

    def sums(name: str) -> Any:  # noqa: ANN401  # an array of the rows' sums
        return np.abs(weights[name]).sum(axis=1, dtype=np.float64)

    reach = max([1.0, *(float(sums(name).max()) for name in weights if name.startswith("weight_hr"))])
    largest = 0.0
    for name in weights:
        if name.startswith("weight_hh"):
            below = name.replace("weight_hh", "weight_ih")
            rows = sums(name) + (0.0 if name.removesuffix("_reverse") == "weight_hh_l0" else sums(below))
            largest = max(largest, float(rows.max()))
    return reach * largest
