"""Weight files for tests, written by hand, and what they should turn out to be."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstmcalc import LSTMConfig
from lstmcalc.frameworks.storage import find_layout, missing_feature
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.readers.files.tensors import Stored, WeightFile

CODES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int8": "I8", "bool": "BOOL"}

Arrays = Mapping[str, np.ndarray[Any, Any]]


def index_of(arrays: Arrays) -> dict[str, Any]:
    """The index of a file of safetensors."""
    index, at = {}, 0
    for name, array in arrays.items():
        offsets = [at, at + array.nbytes]
        index[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
        at += array.nbytes
    return index


def safetensors_bytes(index: object, data: bytes) -> bytes:
    """A file of safetensors with any index and any numbers."""
    text = index if isinstance(index, bytes) else json.dumps(index).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors(path: Path, arrays: Arrays) -> str:
    """A file of safetensors; the name of it."""
    data = b"".join(array.tobytes() for array in arrays.values())
    path.write_bytes(safetensors_bytes(index_of(arrays), data))
    return str(path)


def shaped(shapes: Mapping[str, tuple[int, ...]], dtype: str = "float32") -> WeightFile:
    """A weight file of tensors that are never read."""
    return WeightFile("test", tuple(Stored(name, dtype, shape, 0, _unread) for name, shape in shapes.items()))


def _unread() -> Any:
    raise AssertionError("listing reads no numbers")


def in_memory(arrays: Arrays) -> WeightFile:
    """A weight file that is in memory."""
    return WeightFile(
        "test",
        tuple(
            Stored(name, array.dtype.name, array.shape, array.nbytes, lambda array=array: array)  # type: ignore[misc]
            for name, array in arrays.items()
        ),
    )


def random_weights(config: LSTMConfig, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Weights under PyTorch's names; where there are two biases, the second is zeros, as what `unpack` gives."""
    generator = np.random.default_rng(seed)
    return {
        item.name: generator.normal(size=item.shape) * ("bias_hh" not in item.name)
        for item in LSTMModel(config).parameters
    }


def full_weights(config: LSTMConfig, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Weights under PyTorch's names, both biases random."""
    generator = np.random.default_rng(seed)
    return {item.name: generator.normal(size=item.shape) for item in LSTMModel(config).parameters}


# Frameworks whose arrays are called as those of another one, which is taken.
CALLED_AS = {"candle": "pytorch", "mindspore": "pytorch", "paddle": "pytorch", "tinygrad": "pytorch-cell"}
# Those whose names hold several layers, or both directions of one, together; of the others each is a module.
STACKED = ("pytorch", "candle", "mindspore", "paddle", "mxnet", "chainer", "cudnn", "tf1")
ALONE = ("pytorch-cell", "tinygrad", "equinox", "haiku")


def modules_of(config: LSTMConfig, layout: str) -> list[tuple[str, LSTMConfig, list[str]]]:
    """The LSTMs that should be found: framework, hyperparameters, and which layers and directions of PyTorch they are.

    The last are the ends of PyTorch's names, as `l0_reverse`.
    """
    found = CALLED_AS.get(layout, layout)
    if layout == "paddle" and config.proj_size:
        found = "paddle"
    if (layout == "coreml" and not config.bidirectional) or layout == "equinox":
        found = "equinox" if config.bias else "pytorch-cell"
    bias = config.bias or not find_layout(layout).bias
    directions = ["", "_reverse"][: config.num_directions]
    make = LSTMConfig(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        bias,
        False,
        0.0,
        config.bidirectional,
        config.proj_size,
    )
    if layout in STACKED:
        ends = [f"l{layer}{word}" for layer in range(config.num_layers) for word in directions]
        return [(found, make, ends)]
    result = []
    for layer in range(config.num_layers):
        width = config.layer_input_size(layer)
        if layout in ALONE:
            alone = LSTMConfig(width, config.hidden_size, bias=bias)
            result += [(found, alone, [f"l{layer}{word}"]) for word in directions]
        else:
            both = LSTMConfig(width, config.hidden_size, 1, bias, False, 0.0, config.bidirectional, config.proj_size)
            result.append((found, both, [f"l{layer}{word}" for word in directions]))
    return result


def can_express(config: LSTMConfig, layout: str) -> bool:
    """True if a framework has what an LSTM has."""
    return not missing_feature(config, layout)
