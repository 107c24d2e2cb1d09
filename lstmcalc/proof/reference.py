"""The model's tables, executed: one sequence, one step at a time, gate by gate, in float64.

Slow and literal: the rows of each gate and the operations on them come from `model.lstm`, so that a wrong row, a wrong
activation or a wrong order gives other numbers than `numerics`, which was written independently.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.frameworks.storage import Parameter
from lstmcalc.model.lstm import GATES, UPDATES, LSTMModel
from lstmcalc.numerics.arrays import Array
from lstmcalc.spec.activations import HARD, PYTORCH, Activations
from lstmcalc.spec.symbols import DIRECTIONS

Vector: TypeAlias = NDArray[np.float64]


def _logistic(a: Vector) -> Vector:
    return np.exp(-np.logaddexp(0, -a))  # 1 / (1 + exp(-a)), without overflow


_FUNCTIONS: Final[dict[str, Callable[[Vector], Vector]]] = {
    "sigmoid": _logistic,
    "tanh": np.tanh,
    "relu": lambda a: np.where(a > 0, a, 0.0),
    **{name: lambda a, slope=slope: np.minimum(1, np.maximum(0, slope * a + 0.5)) for name, slope in HARD.items()},  # type: ignore[misc]  # mypy knows no defaults here
}
# The layer, the direction (0 forward, 1 reverse), the step, and i, f, g, o, c and h after it, by name.
OnValues: TypeAlias = Callable[[int, int, int, Mapping[str, Vector]], None]


def evaluate(
    model: LSTMModel,
    weights: Mapping[str, Array],
    x: Array,
    state: tuple[Array, Array],
    on_step: OnValues | None = None,
    activations: Activations = PYTORCH,
) -> tuple[Vector, tuple[Vector, Vector]]:
    """The results of the LSTM on one sequence, computed from the model's tables.

    Args:
        model: The symbolic model.
        weights: PyTorch's names to arrays of any floating dtype.
        x: The sequence, `(L, H_in)`.
        state: `(h_0, c_0)`, `(D*num_layers, H_out)` and `(D*num_layers, H_cell)`.
        on_step: Called after every step.
        activations: The functions in place of those of the tables.

    Returns:
        `output, (h_n, c_n)` in float64: `(L, D*H_out)`, and the shapes of the state.
    """
    functions = {
        table: _FUNCTIONS[own or table]
        for table, own in zip(PYTORCH.functions.values(), activations.functions.values(), strict=True)
        if table is not None
    }
    clips = {"c": activations.cell_clip, "h": activations.proj_clip, "gates": activations.gate_clip}
    bounds = {name: clip or np.inf for name, clip in clips.items()}
    each = len(model.parameters) // model.num_cells
    reads = x.astype(np.float64)
    h_n, c_n = (np.array(part, dtype=np.float64) for part in state)
    for layer in range(model.config.num_layers):
        halves = []
        for direction in DIRECTIONS[: model.config.num_directions]:
            k = layer * model.config.num_directions + DIRECTIONS.index(direction)
            cell = {
                parameter.holds[0]: (parameter, weights[parameter.name].astype(np.float64))
                for parameter in model.parameters[k * each : (k + 1) * each]
            }
            half = np.empty((len(reads), model.config.output_size))
            for t in range(len(reads))[:: 1 if direction == "forward" else -1]:
                values = _step(cell, functions, bounds, reads[t], h_n[k], c_n[k])
                half[t] = h_n[k] = values["h"]
                c_n[k] = values["c"]
                if on_step:
                    on_step(layer, DIRECTIONS.index(direction), t, values)
            halves.append(half)
            del cell  # before the next one is converted
        reads = np.concatenate(halves, axis=1)
    return reads, (h_n, c_n)


def _step(
    cell: Mapping[str, tuple[Parameter, Vector]],
    functions: Mapping[str, Callable[[Vector], Vector]],
    bounds: Mapping[str, float],
    x: Vector,
    h: Vector,
    c: Vector,
) -> dict[str, Vector]:
    """The values of one step of one direction of one layer: the gates by their letters, c and h."""
    values: dict[str, Any] = {"c": c}
    for gate in GATES:

        def rows(stem: str, letter: str = gate.letter) -> Vector:
            parameter, array = cell[stem]
            start, stop = (parameter.gates or {})[letter]
            return array[start:stop]

        total = rows("weight_ih") @ x + rows("weight_hh") @ h
        if "bias_ih" in cell:
            total = total + rows("bias_ih") + rows("bias_hh")
        values[gate.letter] = functions[gate.activation](_within(bounds["gates"], total))
    for update in UPDATES:
        values[update.result] = sum(np.prod([values[name] for name in term], axis=0) for term in update.terms)
        if update.result in bounds:
            values[update.result] = _within(bounds[update.result], values[update.result])
        values[f"tanh({update.result})"] = functions["tanh"](values[update.result])
    h = cell["weight_hr"][1] @ values["m"] if "weight_hr" in cell else values["m"]
    values["h"] = _within(bounds["h"], h)
    return values


def _within(bound: float, values: Vector) -> Vector:
    """The values, kept within a bound."""
    return np.maximum(-bound, np.minimum(bound, values))
