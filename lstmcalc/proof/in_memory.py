"""The LSTM of a model in memory as a judge: it computes the same data, with its own weights; nothing else is called.

Of PyTorch (torch 2.13.0), of Keras (keras 3.15.1) and of NNX (flax 0.12.8), all run. The module is left as it was.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from lstmcalc.errors import NotFoundError, UnsupportedError, printable
from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.failures import failures
from lstmcalc.proof.judges import Verdict
from lstmcalc.readers.files.given import Given
from lstmcalc.readers.live.classes import attributes_of, class_names
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.words import and_list

_TORCH: Final = "torch.nn.modules.rnn.LSTM"
_TORCH_CELL: Final = "torch.nn.modules.rnn.LSTMCell"
_KERAS: Final = "keras.src.layers.rnn.lstm.LSTM"
_KERAS_BOTH: Final = "keras.src.layers.rnn.bidirectional.Bidirectional"
_NNX: Final = ("flax.nnx.nn.recurrent.LSTMCell", "flax.nnx.nn.recurrent.OptimizedLSTMCell")
_KNOWN: Final = (_TORCH, _TORCH_CELL, _KERAS, _KERAS_BOTH, *_NNX)
WHERE: Final = "--against"


class _Module(NamedTuple):
    """An LSTM of a model."""

    path: str
    value: Any
    kind: str  # one of `_KNOWN`


def verdict_of(
    name: str, held: Given, lstm: str, config: LSTMConfig, data: DataSpec, inputs: Mapping[str, Array]
) -> Verdict:
    """The outputs of an LSTM of a model in memory.

    Args:
        name: The name of the model in reports.
        held: The model.
        lstm: The name of the LSTM that is computed here; the model's own is that of the same name, or its only one.
        config: The LSTM.
        data: The data.
        inputs: `input`, `h_0` and `c_0`, as for `numerics.forward`.
    """
    module = _picked(name, list(_modules(held.value)), lstm)
    if data.lengths or (data.unbatched and module.kind != _TORCH):
        what = "packed sequences" if data.lengths else "data without a batch axis"
        raise UnsupportedError(f"a model in memory is not given {what}", "a batch of whole sequences", where=WHERE)
    compute = _COMPUTED[module.kind]
    with failures(printable(name)):
        outputs = compute(module.value, config, data, inputs)
    if not outputs:
        expected = "one that returns output, h_n or c_n"
        raise UnsupportedError(f"what {printable(name)} returns cannot be compared", expected, where=WHERE)
    place = f"{name}.{module.path}" if module.path else name
    return Verdict(f"{place} in memory", outputs)


def _modules(value: Any) -> Any:  # noqa: ANN401  # any model; an iterator of modules
    """The LSTMs of a model that can compute, each once."""
    from lstmcalc.readers.live import flax, keras, torch

    if keras.is_layer(value):  # on PyTorch, it is a module of PyTorch too
        walk = keras.layers_in(value)
    elif torch.is_module(value):
        walk = torch.modules_in(value)
    elif flax.is_nnx(value):
        walk = flax.modules_in(value)
    else:
        return
    taken: set[int] = set()
    for path, module in walk:
        kind = next((kind for kind in _KNOWN if kind in class_names(module)), "")
        if kind and id(module) not in taken:
            taken.add(id(module))
            if kind == _KERAS_BOTH:
                taken.update(id(getattr(module, side, None)) for side in ("forward_layer", "backward_layer"))
            yield _Module(path, module, kind)


def _picked(name: str, modules: list[_Module], lstm: str) -> _Module:
    """The LSTM of this name, or the only one."""
    fitting = [module for module in modules if (module.path or "lstm") == lstm] or modules
    if len(fitting) == 1:
        return fitting[0]
    if not modules:
        expected = "a model of PyTorch, Keras or NNX with an LSTM in it that can be called"
        raise UnsupportedError(f"{printable(name)} cannot compute", expected, where=WHERE)
    listed = and_list([printable(module.path or "the model itself") for module in modules[:20]])
    raise NotFoundError(
        f"no LSTM of {printable(name)} is called {printable(lstm)}",
        f"one of {listed}",
        hint="give the LSTM itself: against=model.lstm",
        where=WHERE,
    )


def _torch(module: Any, _config: LSTMConfig, _data: DataSpec, inputs: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401
    import torch

    weight = next(iter(module.parameters()))
    x, h_0, c_0 = (torch.tensor(inputs[name]).to(weight) for name in ("input", "h_0", "c_0"))
    trained = module.training
    module.train(False)
    try:
        with torch.no_grad():
            output, (h_n, c_n) = module(x, (h_0, c_0))
    finally:
        module.train(trained)
    return {"output": _numbers(output), "h_n": _numbers(h_n), "c_n": _numbers(c_n)}


def _numbers(tensor: Any) -> Array:  # noqa: ANN401  # a tensor
    found: Array = tensor.float().cpu().numpy() if tensor.dtype.itemsize < 4 else tensor.cpu().numpy()  # noqa: PLR2004
    return found


def _torch_cell(module: Any, _config: LSTMConfig, _data: DataSpec, inputs: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401
    import torch

    weight = next(iter(module.parameters()))
    x, h, c = torch.tensor(inputs["input"]).to(weight), *(torch.tensor(inputs[f"{s}_0"][0]).to(weight) for s in "hc")
    steps = []
    with torch.no_grad():
        for step in x:
            h, c = module(step, (h, c))
            steps.append(_numbers(h))
    return {"output": np.stack(steps), "h_n": _numbers(h)[None], "c_n": _numbers(c)[None]}


def _keras(layer: Any, config: LSTMConfig, _data: DataSpec, inputs: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401
    """The outputs that a layer returns: the sequence or the last output, and the states if it returns them."""
    import keras

    both = _KERAS_BOTH in class_names(layer)
    if both and layer.merge_mode != "concat":
        return {}
    inner = attributes_of(layer.forward_layer if both else layer)
    x = inputs["input"] if config.batch_first else inputs["input"].swapaxes(0, 1)
    given = [keras.ops.convert_to_tensor(np.ascontiguousarray(x))]
    order = [inputs[name][side] for side in range(config.num_directions) for name in ("h_0", "c_0")]
    states = [keras.ops.convert_to_tensor(np.ascontiguousarray(state)) for state in order]
    found = layer(*given, initial_state=states, training=False)
    parts = [
        np.asarray(keras.ops.convert_to_numpy(item)) for item in (found if isinstance(found, list | tuple) else [found])
    ]
    outputs: dict[str, Array] = {}
    if inner.get("return_sequences"):
        outputs["output"] = parts[0] if config.batch_first else parts[0].swapaxes(0, 1)
    else:
        outputs["h_n"] = np.stack(np.split(parts[0], config.num_directions, axis=-1))
    if len(parts) > 1:
        outputs |= {"h_n": np.stack(parts[1::2]), "c_n": np.stack(parts[2::2])}
    return outputs


def _nnx(cell: Any, config: LSTMConfig, _data: DataSpec, inputs: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401
    x = inputs["input"].swapaxes(0, 1) if config.batch_first else inputs["input"]
    carry: Any = (inputs["c_0"][0], inputs["h_0"][0])
    steps = []
    for step in x:
        carry, out = cell(carry, step)
        steps.append(np.asarray(out))
    output = np.stack(steps, axis=1 if config.batch_first else 0)
    return {"output": output, "h_n": np.asarray(carry[1])[None], "c_n": np.asarray(carry[0])[None]}


_COMPUTED: Final = {
    _TORCH: _torch,
    _TORCH_CELL: _torch_cell,
    _KERAS: _keras,
    _KERAS_BOTH: _keras,
    **dict.fromkeys(_NNX, _nnx),
}
