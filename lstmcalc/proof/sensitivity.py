"""The sensitivity of an LSTM to the last bits of its numbers.

Trained weights can be so large, or data so long, that two correct computations are far apart: each step of a chaotic
LSTM multiplies the rounding errors. The distance is measured, not bounded: a bound grows with every step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from lstmcalc.numerics.arguments import Step, weight_shapes
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.tracing import Trace
from lstmcalc.proof.closeness import check_close
from lstmcalc.proof.passes import forward_pass
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import DataSpec, LSTMConfig

# The allowed distance of two computations, in multiples of `rounding`. It was enough for 1,800 random LSTMs of up to
# 100 cells, 3 layers and 120 steps, compared with the equations in float64 and with PyTorch 2.13.0, except for a few in
# a thousand of those with weights above 30, which training does not make.
TIMES: Final = 4
_UNITS: Final = 4  # in the last place: every step rounds anew
_BLOCK: Final = 1 << 18  # numbers that are moved at once
_SAMPLES: Final = 2  # errors that cancel by chance in one do not in the other
CHAOTIC: Final = 1e-2  # above it one rounding more or less can change the result completely
COARSE: Final = 1e-3  # above it a comparison cannot tell one LSTM from another


def rounding_change(
    config: LSTMConfig,
    data: DataSpec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    outputs: Mapping[str, Array] | None = None,
    traced: Sequence[int] = (),
    activations: Activations = PYTORCH,
) -> float:
    """The relative change of the results, as in `closeness.near`, if the last bits of every weight and input change.

    An error in the equations does not show here, only in a comparison.

    Args:
        config: The LSTM.
        data: Its data.
        weights: Its weights.
        inputs: `input`, `h_0` and `c_0`.
        outputs: The results for these numbers, if they are known and nothing is traced.
        traced: Layers whose gates and cells are compared too, step by step.
        activations: Its functions.
    """
    work = np.dtype("float64" if data.dtype == "float64" else "float32")  # float16 is computed in float32
    if outputs is None or work != data.dtype:
        outputs = _results(config, data, weights, inputs, lambda array: array.astype(work), traced, activations)
    worst = 0.0
    for seed in range(_SAMPLES):
        move = partial(moved_numbers, dtype=work, random=np.random.default_rng(seed))
        moved = _results(config, data, weights, inputs, move, traced, activations)
        found = check_close("", ((outputs[name], moved[name]) for name in moved), 0.0).actual
        worst = max(worst, float(found)) if np.isfinite(found) else worst
    return worst


def rounding_notes(noise: float | None) -> list[str]:
    """Notes on an LSTM of this sensitivity; empty if comparisons still tell LSTMs apart."""
    if noise is None or noise * TIMES <= COARSE:
        return []
    moved = f"the last bit of the weights and the input becomes {noise:.1g} in what comes out"
    return [f"{moved}: two right computations can be so far apart, and the checks allow for it; fewer steps tell more"]


def _results(
    config: LSTMConfig,
    data: DataSpec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    changed: Callable[[Array], Array],
    traced: Sequence[int],
    activations: Activations,
) -> dict[str, Array]:
    """The results for changed numbers, a layer at a time: copies of all weights would take as much memory again."""
    x, h_0, c_0 = (changed(inputs[name]) for name in ("input", "h_0", "c_0"))
    trace = Trace(config, data, x.dtype.name, layers=traced) if traced else None
    ends: list[tuple[Array, Array]] = []
    for layer in range(config.num_layers):
        one = replace(config, input_size=config.layer_input_size(layer), num_layers=1, dropout=0.0)
        own = {name: changed(weights[name.replace("_l0", f"_l{layer}", 1)]) for name in weight_shapes(one)}
        cells = slice(layer * config.num_directions, (layer + 1) * config.num_directions)
        on_step = partial(_traced_step, trace, layer) if trace else None
        x, end = forward_pass(one, own, activations)(x, (h_0[cells], c_0[cells]), data.lengths, on_step=on_step)
        ends.append(end)
    h_n, c_n = (np.concatenate(states) for states in zip(*ends, strict=True))
    return {"output": x, "h_n": h_n, "c_n": c_n, **(trace.arrays if trace else {})}


def _traced_step(trace: Trace, layer: int, step: Step) -> None:
    trace(step._replace(layer=layer))


def moved_numbers(array: Array, dtype: "np.dtype[np.floating]", random: np.random.Generator) -> Array:
    """The array with every number a few units in its last place above or below, at random."""
    limit, given, moved = np.finfo(dtype), array.reshape(-1), np.empty(array.size, dtype)
    for start in range(0, array.size, _BLOCK):  # all at once would take several times the memory of the array
        part = slice(start, start + _BLOCK)
        signs = random.integers(0, 2, given[part].size, np.int8) * 2 - 1
        exact = given[part].astype(np.float64) * (1 + _UNITS * limit.eps * signs)
        moved[part] = np.clip(exact, limit.min, limit.max)
    return moved.reshape(array.shape)
