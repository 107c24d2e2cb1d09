"""NumPy arrays that answer to PyTorch's methods, and every name that a claim can use."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward
from lstmcalc.model.surroundings import logits
from lstmcalc.numerics import tracing
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof import checks
from lstmcalc.proof.run import draw
from lstmcalc.spec.config import Surroundings

# An array with the methods of a tensor that claims use.
Torch: Any = type(
    "Torch",
    (np.ndarray,),
    {
        "view": lambda self, *sizes: self.reshape(sizes),
        "transpose": lambda self, first, second: self.swapaxes(first, second),
    },
)


def cat(parts: Any, dim: int) -> Any:
    return tensor(np.concatenate([np.asarray(part) for part in parts], axis=dim))


def tensor(array: Any) -> Any:
    return np.ndarray.__new__(Torch, array.shape, array.dtype, np.ascontiguousarray(array))


def namespace(config: LSTMConfig, spec: DataSpec, around: Surroundings, seed: int = 0) -> dict[str, Any]:
    """Everything that a claim can name, from a run of its own."""
    lstm = LSTMModel(config)
    weights, layers, inputs = draw(lstm, spec, TorchGenerator(seed), around)
    names: dict[str, Any] = {**lstm.data_symbols(spec)}
    if around.embed:
        names["tokens"] = inputs.pop("tokens")
    state = inputs["h_0"], inputs["c_0"]
    output, (h_n, c_n) = forward(config, weights, inputs["input"], state, spec.lengths)
    traced = tracing.trace(config, weights, inputs["input"], state, spec.lengths)
    arrays = {**weights, **inputs, **traced, "output": output, "h_n": h_n, "c_n": c_n}
    names |= {name: tensor(array) for name, array in arrays.items()}
    if around.head:
        names["logits"] = tensor(logits(config, around).value({**arrays, **layers}))
    if spec.lengths:
        packed = checks._packed_tensors(config, spec, inputs["input"])  # noqa: SLF001
        names["packed"] = SimpleNamespace(data=tensor(packed["packed.data"]))
    names["head"] = lambda x: tensor(np.asarray(x) @ layers["head.weight"].T + layers["head.bias"])
    names["embedding"] = lambda x: tensor(layers["embedding.weight"][x])
    names["torch"] = SimpleNamespace(cat=cat)
    return names
