"""The libraries themselves in place of the stand-ins, for programs that are run live."""

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from tools.programs.runs import Made, World


def torch_live(world: World) -> tuple[dict[str, Any], Callable[[], list[Made]]]:
    """PyTorch, and what gives the LSTMs that were made with it: their settings as their weights show them."""
    import torch
    from torch import nn

    made: list[Any] = []
    torch.set_default_dtype(torch.float32)

    def noting(initialise: Callable[..., None]) -> Callable[..., None]:
        def noted(layer: Any, *args: Any, **kwargs: Any) -> None:
            initialise(layer, *args, **kwargs)
            made[:] = [*(other for other in made if other is not layer), layer]

        return noted

    def derived(base: Any) -> Any:
        own = {name: noting(getattr(base, name)) for name in ("__init__", "__setstate__")}  # the other one of a copy
        return type(base.__name__, (base,), {**own, "__module__": base.__module__})

    torch_seen, nn_seen, cuda = ModuleType("torch"), ModuleType("torch.nn"), ModuleType("torch.cuda")
    vars(torch_seen).update(vars(torch))
    vars(nn_seen).update(vars(nn))
    vars(cuda)["is_available"] = world.flag
    vars(nn_seen).update(LSTM=derived(nn.LSTM), LSTMCell=derived(nn.LSTMCell))
    vars(torch_seen).update(nn=nn_seen, cuda=cuda)
    return {"torch": torch_seen, "torch.nn": nn_seen}, lambda: [_record(layer) for layer in made]


@cache
def _keras_notes() -> tuple[list[Any], set[int]]:
    """The cells of LSTMs that are built from now on, each with its input size, and which of them read backward."""
    import keras

    built: list[Any] = []
    backward: set[int] = set()
    build, build_both = keras.layers.LSTMCell.build, keras.layers.Bidirectional.build

    def noted(cell: Any, shape: Any) -> None:
        build(cell, shape)
        built.append((cell, shape[-1]))

    def both(layer: Any, shape: Any) -> None:
        build_both(layer, shape)
        backward.add(id(layer.backward_layer.cell) if hasattr(layer.backward_layer, "cell") else 0)

    keras.layers.LSTMCell.build, keras.layers.Bidirectional.build = noted, both
    return built, backward


def keras_live(world: World) -> tuple[dict[str, Any], Callable[[], list[Made]]]:
    """Keras, and what gives the LSTMs that were built with it; a Bidirectional counts once."""
    import keras

    torch, _ = torch_live(world)
    built, backward = _keras_notes()
    built.clear()
    backward.clear()

    def made() -> list[Made]:
        layers = [(cell, size) for cell, size in built if id(cell) not in backward]
        return [
            {"kind": "LSTM", "input_size": size, "hidden_size": cell.units, "bias": bool(cell.use_bias)}
            for cell, size in layers
        ]

    seen = {name: ModuleType(name) for name in ("keras", "keras.layers", "keras.ops", "keras.models")}
    for name, module in seen.items():
        vars(module).update(vars(keras if name == "keras" else getattr(keras, name.partition(".")[2])))
    vars(seen["keras"]).update(layers=seen["keras.layers"], ops=seen["keras.ops"], models=seen["keras.models"])
    return torch | seen, made


def _record(layer: Any) -> Made:
    weights = dict(layer.named_parameters())
    cell = "weight_ih" in weights
    first = weights["weight_ih" if cell else "weight_ih_l0"]
    hidden = weights["weight_hh" if cell else "weight_hh_l0"].shape[0] // 4
    projected = "weight_hr_l0" in weights
    return {
        "kind": "cell" if cell else "lstm",
        "input_size": first.shape[1],
        "hidden_size": hidden,
        "num_layers": 1
        if cell
        else sum(1 for name in weights if name.startswith("weight_ih") and "reverse" not in name),
        "proj_size": weights["weight_hr_l0"].shape[0] if projected else 0,
        "bias": any(name.startswith("bias") for name in weights),
        "bidirectional": any("reverse" in name for name in weights),
        "batch_first": False if cell else bool(layer.batch_first),
        "dtype": str(first.dtype).removeprefix("torch."),
    }
