"""The result of a run: the arrays that it drew and computed, and its checks."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.closeness import Check
from lstmcalc.spec.activations import PYTORCH, Activations

Arrays: TypeAlias = dict[str, Array]


class Run(NamedTuple):
    """Everything a run drew and computed, by PyTorch's names, and its checks."""

    weights: Arrays  # of the LSTM
    around: Arrays  # the weights of the layers around it
    inputs: Arrays
    outputs: Arrays
    trace: Arrays  # the values of every step, as in `numerics.tracing.Trace`; empty unless asked for
    checks: list[Check]
    drawn: bool = True  # False if the weights were given
    # The change of the results by rounding alone, from `sensitivity.rounding`; None for drawn weights and data and
    # PyTorch's functions, where `closeness.tolerance` is enough.
    noise: float | None = None
    activations: Activations = PYTORCH  # the functions of the gates and of the cell

    @property
    def passed(self) -> bool:
        """True if every check holds."""
        return all(check.passed for check in self.checks)

    @property
    def finite(self) -> bool:
        """True if no weight and no input is NaN or Inf."""
        return not nonfinite_counts({**self.weights, **self.inputs})


def nonfinite_counts(arrays: Mapping[str, Array]) -> dict[str, int]:
    """The count of NaN and Inf in each array that has any."""
    counts = {name: array.size - int(np.count_nonzero(np.isfinite(array))) for name, array in arrays.items()}
    return {name: count for name, count in counts.items() if count}
