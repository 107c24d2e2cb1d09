"""How much of the last bit of its numbers an LSTM makes.

Trained weights can be so large, or data so long, that two computations are far apart though both are right: each step
of a chaotic LSTM multiplies what rounding left. How far is measured, and not bounded: a bound grows with every step.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from lstmcalc.arrays import Array
from lstmcalc.closeness import near
from lstmcalc.config import DataSpec, LSTMConfig
from lstmcalc.numerics import forward
from lstmcalc.tracing import Trace

# How many times as far as `rounding` two computations may be apart. Over weights of scale 0.05 to 100, up to 128 cells,
# 3 layers and 200 steps, float32 was at most 2.7 times as far from float64.
TIMES: Final = 8
COARSE: Final = 1e-3  # where a comparison no longer tells one LSTM from another


def rounding(
    config: LSTMConfig,
    data: DataSpec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    outputs: Mapping[str, Array] | None = None,
    traced: Sequence[int] = (),
) -> float:
    """How far the results move, relative as in `closeness.near`, if the last bit of every weight and input is another.

    What is wrong in the equations does not show here, but in a comparison.

    Args:
        config: The LSTM.
        data: Its data.
        weights: Its weights.
        inputs: `input`, `h_0` and `c_0`.
        outputs: What comes out of them, if that is known, and nothing is traced.
        traced: Layers whose gates and cells are compared too, step by step.
    """
    work = np.dtype("float64" if data.dtype == "float64" else "float32")  # float16 is computed in float32
    if outputs is None or work != data.dtype:
        exact = [{name: array.astype(work) for name, array in arrays.items()} for arrays in (weights, inputs)]
        outputs = _computed(config, data, *exact, traced)
    moved = _computed(config, data, _moved(weights, work), _moved(inputs, work), traced)
    found = near("", ((outputs[name], moved[name]) for name in moved), 0.0).actual
    return float(found) if np.isfinite(found) else 0.0


def rounding_notes(noise: float) -> list[str]:
    """What is worth a note of an LSTM that makes this much of the last bit."""
    if noise * TIMES <= COARSE:
        return []
    moved = f"the last bit of the weights and the input becomes {noise:.1g} in what comes out"
    return [f"{moved}: two right computations can be so far apart, and the checks allow for it; fewer steps tell more"]


def _computed(
    config: LSTMConfig,
    data: DataSpec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    traced: Sequence[int],
) -> dict[str, Array]:
    x, state = inputs["input"], (inputs["h_0"], inputs["c_0"])
    trace = Trace(config, data, x.dtype.name, layers=traced) if traced else None
    output, (h_n, c_n) = forward(config, weights, x, state, data.lengths, on_step=trace)
    return {"output": output, "h_n": h_n, "c_n": c_n, **(trace.arrays if trace else {})}


def _moved(arrays: Mapping[str, Array], dtype: "np.dtype[np.floating]") -> dict[str, Array]:
    """Every number's neighbour, above or below by chance; zeros stay, as nothing was rounded there."""
    random = np.random.default_rng(0)
    found: dict[str, Array] = {}
    for name, stored in arrays.items():
        array = stored.astype(dtype)
        towards = np.where(random.integers(0, 2, array.shape, np.int8), np.inf, -np.inf).astype(dtype)
        found[name] = np.nextafter(array, np.where(array == 0, array, towards))
    return found
