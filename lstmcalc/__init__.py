"""Shapes, parameters and a numerical proof for any LSTM that PyTorch accepts.

    from lstmcalc import LSTMConfig, LSTMModel, forward

Names are loaded when they are first used: importing the package loads neither numpy nor rich.
"""

TYPE_CHECKING = False  # `typing` is not imported for it, so that Ctrl-C finds `__main__` ready as early as can be

if TYPE_CHECKING:
    from lstmcalc.commands._functions import convert, cost, diff, expect, explain, params, run, shapes, summary
    from lstmcalc.errors import LstmcalcError
    from lstmcalc.intake.resolve import lstms_in
    from lstmcalc.model.lstm import LSTMModel
    from lstmcalc.numerics.fast.runner import LSTMRunner
    from lstmcalc.numerics.forward import forward
    from lstmcalc.numerics.torch_random import TorchGenerator, random_weights
    from lstmcalc.numerics.tracing import trace
    from lstmcalc.spec.config import DataSpec, LSTMConfig, Surroundings
    from lstmcalc.spec.sizes import Dim
    from lstmcalc.version import __version__

__all__ = [
    "DataSpec",
    "Dim",
    "LSTMConfig",
    "LSTMModel",
    "LSTMRunner",
    "LstmcalcError",
    "Surroundings",
    "TorchGenerator",
    "__version__",
    "convert",
    "cost",
    "diff",
    "expect",
    "explain",
    "forward",
    "lstms_in",
    "params",
    "random_weights",
    "run",
    "shapes",
    "summary",
    "trace",
]

_HOME = {
    "DataSpec": "spec.config",
    "Dim": "spec.sizes",
    "LSTMConfig": "spec.config",
    "LSTMModel": "model.lstm",
    "LSTMRunner": "numerics.fast.runner",
    "LstmcalcError": "errors",
    "Surroundings": "spec.config",
    "TorchGenerator": "numerics.torch_random",
    "__version__": "version",
    "convert": "commands._functions",
    "cost": "commands._functions",
    "diff": "commands._functions",
    "explain": "commands._functions",
    "expect": "commands._functions",
    "forward": "numerics.forward",
    "lstms_in": "intake.resolve",
    "params": "commands._functions",
    "random_weights": "numerics.torch_random",
    "run": "commands._functions",
    "shapes": "commands._functions",
    "summary": "commands._functions",
    "trace": "numerics.tracing",
}


if not TYPE_CHECKING:  # a type checker reads the imports above, and should know of no other name

    def __getattr__(name: str) -> object:
        """Load a public name from its module (PEP 562)."""
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
