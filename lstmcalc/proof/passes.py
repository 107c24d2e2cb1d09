"""What computes an LSTM for a proof: the tuned forward pass, or the plain one for functions that only it has."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from lstmcalc.numerics.arguments import OnStep
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.fast.runner import LSTMRunner
from lstmcalc.numerics.forward import forward
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import LSTMConfig


class Pass(Protocol):
    """A forward pass with its weights; arguments and results are those of `forward`."""

    def __call__(
        self,
        x: Array,
        state: tuple[Array, Array] | None = None,
        lengths: Sequence[int] | None = None,
        *,
        on_step: OnStep | None = None,
    ) -> tuple[Array, tuple[Array, Array]]:
        """The output, h_n and c_n."""
        ...


def forward_pass(config: LSTMConfig, weights: Mapping[str, Array], activations: Activations) -> Pass:
    """The forward pass of an LSTM: `LSTMRunner` if its functions are PyTorch's, else `forward`."""
    if activations == PYTORCH:
        return LSTMRunner(config, weights, keep=False)
    return partial(forward, config, weights, activations=activations)
