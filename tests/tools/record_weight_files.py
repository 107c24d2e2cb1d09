"""Record weight files that real frameworks write, with what their LSTMs compute, for the plain tests.

    PYTHONPATH=tests python -m tools.record_weight_files

writes `tests/data/weights/NAME.zip` for each framework that is installed where it runs: its files, and `expected.npz`
with an input `x` and an output `y` for each LSTM, as `FILE|LSTM|x`. What ONNX Runtime can run needs no such record.
Keras 1 runs nowhere any more: its files are written by hand as its source (1.2.2) writes them, and tf_keras, which
converts them when it loads them, says what they compute.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from tools.shell import TESTS

FOLDER = TESTS / "data" / "weights"
Expected = dict[str, np.ndarray[Any, Any]]


def pack(name: str, folder: Path, expected: Expected) -> None:
    if expected:
        np.savez(folder / "expected.npz", allow_pickle=False, **expected)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ZipFile(FOLDER / f"{name}.zip", "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(ZipInfo(path.name), path.read_bytes(), ZIP_DEFLATED, 9)
    print(f"{name}: {(FOLDER / f'{name}.zip').stat().st_size:,} bytes")


def rows(width: int, seed: int = 3) -> np.ndarray[Any, Any]:
    """Three sequences of five steps, the batch first."""
    return np.random.default_rng(seed).standard_normal((3, 5, width)).astype(np.float32)


# --- PyTorch


def record_torch(folder: Path) -> Expected:
    import torch

    class Net(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        def __init__(self, *sizes: int, **options: bool) -> None:
            super().__init__()
            self.encoder = torch.nn.LSTM(*sizes, **options)

        def forward(self, x: Any) -> Any:
            return self.encoder(x)

    cases: Mapping[str, tuple[tuple[int, ...], dict[str, bool]]] = {
        "one": ((3, 4), {}),
        "no-bias": ((3, 4), {"bias": False}),
        "stacked": ((3, 4, 3), {"batch_first": True}),
        "both": ((3, 4, 2), {"bidirectional": True, "batch_first": True}),
    }
    torch.manual_seed(0)
    for name, (sizes, options) in cases.items():
        net = Net(*sizes, **options).eval()
        x = torch.randn(5, 3, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            axes = {"x": [0, 1]}
            torch.onnx.export(
                net, (x,), folder / f"{name}-script.onnx", dynamo=False, input_names=["x"], dynamic_axes=axes
            )
            torch.onnx.export(
                net, (x,), folder / f"{name}-dynamo.onnx", dynamo=True, external_data=False, verbose=False
            )
    for path in folder.iterdir():
        forget_paths(path)
    quantize(folder)
    return {}


def forget_paths(path: Path) -> None:
    """Leave out where on this machine a model was made."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    for item in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        kept = [entry for entry in item.metadata_props if entry.key == "pkg.torch.onnx.name_scopes"]
        del item.metadata_props[:]
        item.metadata_props.extend(kept)
        item.doc_string = ""
    path.write_bytes(model.SerializeToString())


def quantize(folder: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(folder / "both-script.onnx", folder / "quantized.onnx", weight_type=QuantType.QInt8)


# --- Keras 3


def randomised(model: Any) -> Any:
    """A model with weights that are all random, biases too."""
    seed = np.random.default_rng(1)
    model.set_weights([seed.standard_normal(weight.shape).astype(weight.dtype) / 2 for weight in model.get_weights()])
    return model


def answers(file: str, lstms: Mapping[str, Any], width: Mapping[str, int]) -> Expected:
    """The results of layers that return all steps."""
    found = {}
    for name, layer in lstms.items():
        x = rows(width[name])
        found[f"{file}|{name}|x"], found[f"{file}|{name}|y"] = x, np.asarray(layer(x))
    return found


def models(keras: Any) -> dict[str, tuple[Any, dict[str, Any], dict[str, int]]]:
    """Models, their LSTMs by the names that a reader gives them, and what each reads."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((5, 3)), layers.LSTM(2, return_sequences=True, name="deep")], name="inner")
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True, name="rows"), name="both")
    x = keras.Input((5, 3))
    nested = keras.Model(x, layers.Dense(1, name="head")(layers.GRU(2, name="gates")(both(inner(x)))), name="nested")
    alone = layers.RNN(layers.LSTMCell(3), return_sequences=True, name="loop")
    plain = layers.LSTM(3, return_sequences=True, use_bias=False, name="plain")
    cells = keras.Sequential([keras.Input((5, 2)), alone, plain], name="cells")
    return {
        "nested": (randomised(nested), {"inner.deep": inner.layers[-1], "both": both}, {"inner.deep": 3, "both": 2}),
        "cells": (randomised(cells), {"loop": alone, "plain": plain}, {"loop": 2, "plain": 3}),
    }


def record_keras3(folder: Path) -> Expected:
    import keras

    expected: Expected = {}
    for name, (model, lstms, width) in models(keras).items():
        for suffix in ("keras", "weights.h5", "h5"):
            file = f"{name}.{suffix}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                (model.save_weights if suffix == "weights.h5" else model.save)(folder / file)
            expected |= answers(file, lstms, width)
    relu = keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(2, activation="relu", name="odd")])
    relu.save(folder / "relu.keras")
    return expected


# --- Keras 2 and 1, with tf_keras


def record_keras2(folder: Path) -> Expected:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tf_keras as keras

    expected: Expected = {}
    for name, (model, lstms, width) in models(keras).items():
        for suffix in ("keras", "weights.h5", "h5"):
            file = f"{name}.{suffix}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                (model.save_weights if suffix == "weights.h5" else model.save)(folder / file)
            expected |= answers(file, lstms, width)
    expected |= record_cudnn(folder, keras)
    return expected | record_keras1(folder, keras)


def record_cudnn(folder: Path, keras: Any) -> Expected:
    from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM

    def model(layer: Callable[..., Any], **named: str) -> Any:
        both = keras.layers.Bidirectional(layer(2, return_sequences=True, **named), name="fast")
        return keras.Sequential([keras.Input((5, 3)), both])

    randomised(model(CuDNNLSTM)).save(folder / "cudnn.h5")
    same = model(keras.layers.LSTM)
    same.load_weights(folder / "cudnn.h5")
    return answers("cudnn.h5", {"fast": same.layers[-1]}, {"fast": 3})


def keras1_config(name: str, **options: object) -> dict[str, object]:
    config = {"name": name, "output_dim": 2, "activation": "tanh", "return_sequences": True, "go_backwards": False}
    return {"class_name": "LSTM", "config": {**config, "consume_less": "cpu", **options}}


def record_keras1(folder: Path, keras: Any) -> Expected:
    import h5py

    draw = np.random.default_rng(7)

    def arrays(prefix: str, width: int) -> dict[str, Any]:
        shapes = {"W": (width, 2), "U": (2, 2), "b": (2,)}
        order = [(role, gate) for gate in "icfo" for role in "WUb"]  # as LSTM.build has its trainable_weights
        return {f"{prefix}_{role}_{gate}:0": draw.standard_normal(shapes[role]).astype("f4") for role, gate in order}

    both = {"class_name": "Bidirectional", "config": {"name": "bidirectional_1", "merge_mode": "concat"}}
    both["config"]["layer"] = keras1_config("lstm_2", inner_activation="sigmoid")  # type: ignore[index]
    first = keras1_config("lstm_1", inner_activation="sigmoid", batch_input_shape=[None, 5, 3])
    held = {
        "lstm_1": arrays("lstm_1", 3),
        "bidirectional_1": {**arrays("forward_lstm_2", 2), **arrays("backward_lstm_2", 2)},
    }
    with h5py.File(folder / "keras1.h5", "w") as file:
        file.attrs["keras_version"] = b"1.2.2"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [first, both]}).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in held]
        for layer, weights in held.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = [name.encode() for name in weights]
            for name, array in weights.items():
                inner.create_dataset(name, data=array)
    one = keras.layers.LSTM(2, return_sequences=True, name="lstm_1")
    two = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True), name="bidirectional_1")
    keras.Sequential([keras.Input((5, 3)), one, two]).load_weights(folder / "keras1.h5")
    return answers("keras1.h5", {"lstm_1": one, "bidirectional_1": two}, {"lstm_1": 3, "bidirectional_1": 2})


RECORDERS: Mapping[str, tuple[str, Callable[[Path], Expected]]] = {
    "torch": ("torch", record_torch),
    "keras3": ("keras", record_keras3),
    "keras2": ("tf_keras", record_keras2),
}


def main() -> None:
    for name, (module, record) in RECORDERS.items():
        # Keras 3 comes with TensorFlow too, where tf_keras is what is recorded.
        if find_spec(module) is None or (name == "keras3" and find_spec("tf_keras")):
            continue
        with TemporaryDirectory() as folder:
            pack(name, Path(folder), record(Path(folder)))
    for package in ("torch", "onnx", "onnxruntime", "onnxscript", "keras", "tf_keras", "tensorflow", "h5py", "numpy"):
        try:
            print(package, version(package), file=sys.stderr)
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    main()
