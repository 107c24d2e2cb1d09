"""Stand-ins for Paddle, MLX, Equinox and tinygrad: LSTMs that keep their sizes, and what holds them.

Each is made anew for each run of a program. `tests/longtail/readers/python/test_cells.py` runs the libraries themselves.
"""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from tools.programs.runs import Libraries, Made, World, torch_alone
from tools.programs.torch_stand_in import Unwanted

LARGEST = 400


class _Shelf:
    """The LSTMs that a library has made."""

    def __init__(self) -> None:
        self.made: list[Made] = []

    def lstm(self, kind: Callable[..., Made]) -> Any:
        """A class of LSTMs whose arguments a function reads."""
        shelf = self

        class LSTM(_Module):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                made = kind(*args, **kwargs)
                numbers = [made[name] for name in ("input_size", "hidden_size", "num_layers")]
                if any(not isinstance(number, int) or number < 1 for number in numbers):
                    raise ValueError(numbers)
                if max(numbers) > LARGEST:
                    raise Unwanted(numbers)
                shelf.made.append(made)

        return LSTM


class _Module:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


def _made(first: Any, second: Any, layers: Any = 1, *, bias: Any = True, both: bool = False, proj: Any = 0) -> Made:
    return {
        "input_size": first,
        "hidden_size": second,
        "num_layers": layers,
        "proj_size": proj,
        "bias": bool(bias),
        "bidirectional": both,
    }


def _paddle(shelf: _Shelf) -> dict[str, Any]:
    def lstm(
        input_size: Any,
        hidden_size: Any,
        num_layers: Any = 1,
        direction: str = "forward",
        time_major: Any = False,
        dropout: Any = 0.0,
        proj_size: Any = 0,
    ) -> Made:
        both = {"forward": False, "bidirect": True, "bidirectional": True}[direction]
        if proj_size and not 0 < proj_size < hidden_size:
            raise ValueError(proj_size)
        return _made(input_size, hidden_size, num_layers, both=both, proj=proj_size)

    def cell(input_size: Any, hidden_size: Any) -> Made:
        return _made(input_size, hidden_size)

    nn = _module(
        "paddle.nn",
        Layer=_Module,
        LSTM=shelf.lstm(lstm),
        LSTMCell=shelf.lstm(cell),
        GRU=_Module,
        RNN=_Module,
        LayerList=_Module,
        Sequential=_Module,
        BiRNN=_refused,
    )
    return {"paddle": _module("paddle", nn=nn), "paddle.nn": nn}


def _mlx(shelf: _Shelf) -> dict[str, Any]:
    def lstm(input_size: Any, hidden_size: Any, bias: Any = True) -> Made:
        return _made(input_size, hidden_size, bias=bias)

    nn = _module("mlx.nn", Module=_Module, LSTM=shelf.lstm(lstm), Sequential=_Module)
    return {"mlx": _module("mlx", nn=nn), "mlx.nn": nn}


def _equinox(shelf: _Shelf) -> dict[str, Any]:
    def lstm(input_size: Any, hidden_size: Any, use_bias: Any = True, dtype: Any = None, *, key: Any) -> Made:
        return _made(input_size, hidden_size, bias=use_bias)

    nn = _module("equinox.nn", LSTMCell=shelf.lstm(lstm))
    jax = _module("jax", random=SimpleNamespace(PRNGKey=lambda seed: seed))
    return {"equinox": _module("equinox", nn=nn, Module=_Module), "equinox.nn": nn, "jax": jax}


def _tinygrad(shelf: _Shelf) -> dict[str, Any]:
    def lstm(input_size: Any, hidden_size: Any, bias: Any = True) -> Made:
        return _made(input_size, hidden_size, bias=bias)

    nn = _module("tinygrad.nn", LSTMCell=shelf.lstm(lstm))
    return {"tinygrad": _module("tinygrad", nn=nn), "tinygrad.nn": nn}


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(names)
    return module


def _refused(*_: Any, **__: Any) -> None:
    raise ValueError


STAND_INS = {"paddle": _paddle, "mlx": _mlx, "equinox": _equinox, "tinygrad": _tinygrad}


def cells_alone(kind: str) -> Libraries:
    """Stand-ins for a library, and what gives the LSTMs that were made with them."""

    def libraries(world: World) -> tuple[dict[str, Any], Callable[[], list[Made]]]:
        shelf = _Shelf()
        torch, _ = torch_alone(world)
        return torch | STAND_INS[kind](shelf), lambda: shelf.made

    return libraries
