"""The libraries of `cell_programs` themselves: what notes every LSTM that is constructed, and its settings.

An LSTM that never gets an input has no input size.
"""

import os
import warnings
from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from typing import Any

from tools.programs.runs import Libraries, Made, World, torch_alone

_MADE: list[Any] = []  # what the current run has made
_WIDTHS: dict[int, int] = {}  # of what each was first given, where it does not keep that itself
_busy = [0]  # constructors of LSTMs that are running: they may make cells


def _note(cls: Any) -> None:
    """Make a class note its instances."""
    initialise = cls.__init__

    @wraps(initialise)
    def noted(layer: Any, *args: Any, **kwargs: Any) -> None:
        _busy[0] += 1
        try:
            initialise(layer, *args, **kwargs)
        finally:
            _busy[0] -= 1
        if not _busy[0]:
            _MADE[:] = [*(other for other in _MADE if other is not layer), layer]

    cls.__init__ = noted


def _made(
    input_size: Any, hidden: int, layers: int = 1, *, bias: bool = True, both: bool = False, proj: int = 0
) -> Made:
    return {
        "input_size": input_size,
        "hidden_size": hidden,
        "num_layers": layers,
        "proj_size": proj,
        "bias": bias,
        "bidirectional": both,
    }


def paddle(layer: Any) -> Made:
    if not hasattr(layer, "num_layers"):
        return _made(layer.weight_ih.shape[1], layer.weight_hh.shape[1])
    both = layer.num_directions == 2
    first = (layer[0].cell_fw if both else layer[0].cell).weight_ih
    return _made(first.shape[1], first.shape[0] // 4, layer.num_layers, both=both, proj=layer.proj_size or 0)


def mlx(layer: Any) -> Made:
    return _made(layer.Wx.shape[1], layer.Wh.shape[1], bias="bias" in layer)


def equinox(layer: Any) -> Made:
    return _made(layer.weight_ih.shape[1], layer.weight_hh.shape[1], bias=layer.bias is not None)


def tinygrad(layer: Any) -> Made:
    return _made(layer.weight_ih.shape[1], layer.weight_hh.shape[1], bias=layer.bias_ih is not None)


def chainer(link: Any) -> Made:
    if hasattr(link, "ws"):
        return _made(link.ws[0][0].shape[1], link.ws[0][0].shape[0], link.n_layers, both=link.direction == 2)
    weight = link.upward.W.array
    return _made(None if weight is None else weight.shape[1], link.lateral.W.shape[1])


def gluon(layer: Any) -> Made:
    if not hasattr(layer, "_num_layers"):
        return _made(layer.i2h_weight.shape[1] or None, layer.h2h_weight.shape[1])
    width = layer.l0_i2h_weight.shape[1]
    return _made(width or None, layer.l0_h2h_weight.shape[1], vars(layer)["_num_layers"], both=vars(layer)["_dir"] == 2)


def haiku(module: Any) -> Made:
    return _made(_WIDTHS.get(id(module)), module.hidden_size)


def tensorflow1(cell: Any) -> Made:
    return _made(_WIDTHS.get(id(cell)), vars(cell)["_num_units"], proj=vars(cell).get("_num_proj") or 0)


def _note_widths(cls: Any, method: str, width: Callable[[Any], Any]) -> None:
    """Note the width of what is first given to a method."""
    run = getattr(cls, method)

    def noted(layer: Any, given: Any, *args: Any, **kwargs: Any) -> Any:
        _WIDTHS.setdefault(id(layer), width(given))
        return run(layer, given, *args, **kwargs)

    setattr(cls, method, noted)


@cache
def _prepared(kind: str) -> Callable[[Any], Made]:
    """The libraries with notes; what gives the settings of an LSTM of theirs."""
    warnings.simplefilter("ignore")  # old libraries call what is deprecated by now
    if kind == "tinygrad":
        os.environ.setdefault("DEV", "PYTHON")  # every other device needs a compiler or a GPU
    if kind == "chainer":
        vars(import_module("numpy"))["bool"] = bool  # as it was called
    if kind == "tensorflow1":
        os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        cells = import_module("tensorflow").compat.v1.nn.rnn_cell
        for cls in (cells.LSTMCell, cells.BasicLSTMCell):
            _note(cls)
            _note_widths(cls, "build", lambda shape: shape[-1])
        import_module("tensorflow").compat.v1.disable_eager_execution()
        return tensorflow1
    if kind == "haiku":
        lstm = import_module("haiku").LSTM
        _note(lstm)
        _note_widths(lstm, "__call__", lambda array: array.shape[-1])
        return haiku
    homes = {
        "paddle": ("paddle.nn", ("LSTM", "LSTMCell"), paddle),
        "mlx": ("mlx.nn", ("LSTM",), mlx),
        "equinox": ("equinox.nn", ("LSTMCell",), equinox),
        "tinygrad": ("tinygrad.nn", ("LSTMCell",), tinygrad),
        "chainer": ("chainer.links", ("LSTM", "StatelessLSTM", "NStepLSTM", "NStepBiLSTM"), chainer),
        "gluon": ("mxnet.gluon.rnn", ("LSTM", "LSTMCell"), gluon),
    }
    home, names, record = homes[kind]
    module = import_module(home)
    for name in names:
        _note(getattr(module, name))
    return record


def cells_live(kind: str) -> Libraries:
    """The library itself, and what gives the LSTMs that were made with it."""

    def libraries(world: World) -> tuple[dict[str, Any], Callable[[], list[Made]]]:
        record = _prepared(kind)
        _MADE.clear()
        _WIDTHS.clear()
        if kind == "tensorflow1":
            import_module("tensorflow").compat.v1.reset_default_graph()
        torch, _ = torch_alone(world)
        return torch, lambda: [record(layer) for layer in _MADE]

    return libraries
