"""The forward pass for a proof: the tuned forward pass, or the plain one for functions that only it has."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.fast.runner import LSTMRunner
from lstmcalc.numerics.forward import forward
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import LSTMConfig

# A forward pass with its weights: it takes x, a state, lengths and `on_step`, as `forward` does.
Pass: TypeAlias = Callable[..., tuple[Array, tuple[Array, Array]]]


def forward_pass(config: LSTMConfig, weights: Mapping[str, Array], activations: Activations) -> Pass:
    """The forward pass of an LSTM: `LSTMRunner` if its functions are PyTorch's, else `forward`."""
    if activations == PYTORCH:
        return LSTMRunner(config, weights, keep=False)
    return partial(forward, config, weights, activations=activations)
