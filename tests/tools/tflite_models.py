"""TensorFlow Lite files that TensorFlow's converter makes of Keras models with random weights, and what LiteRT computes of them."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from lstmcalc.numerics.arrays import Array
from tools.live import installed
from tools.old_players import quiet

STEPS: Final = 7
INPUTS: Final = 5

Build = Callable[[Any], Any]  # of tf_keras, to the layers behind the input


class Recipe(NamedTuple):
    """A model, and how it is converted."""

    build: Build
    batch: int = 1
    steps: int = STEPS
    inputs: int = INPUTS
    mode: str = ""  # `float16`, `hybrid`, `int8`
    states: bool = False  # its h and c are inputs and outputs
    sequence: bool = True  # it gives every step


def _lstm(units: int, **settings: Any) -> Build:
    return lambda keras: [keras.layers.LSTM(units, return_sequences=True, **settings)]


def _both(units: int, **settings: Any) -> Build:
    return lambda keras: [keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True, **settings))]


def _last(units: int, **settings: Any) -> Build:
    return lambda keras: [keras.layers.LSTM(units, **settings)]


RECIPES: Final = {
    "fused": Recipe(_lstm(4)),
    "fused, the last step": Recipe(_last(4), sequence=False),
    "fused, a batch": Recipe(_lstm(6), batch=3),
    "as wide as its input": Recipe(_lstm(INPUTS)),
    "bidirectional": Recipe(_both(4)),
    "unrolled": Recipe(_lstm(4, unroll=True), steps=3),
    "unrolled, as wide as its input": Recipe(_lstm(INPUTS, unroll=True), steps=4),
    "stateful": Recipe(_lstm(4, stateful=True)),
    "without biases": Recipe(_lstm(4, use_bias=False)),
    "relu": Recipe(_lstm(4, activation="relu")),
    "hard sigmoid": Recipe(_lstm(4, recurrent_activation="hard_sigmoid")),
    "hard sigmoid, bidirectional": Recipe(_both(4, recurrent_activation="hard_sigmoid")),
    "four products": Recipe(_lstm(4, implementation=1, recurrent_activation="hard_sigmoid")),
    "a loop, as wide as its input": Recipe(_lstm(INPUTS, use_bias=False)),
    "states": Recipe(_last(4), states=True),
    "float16": Recipe(_lstm(4), mode="float16"),
    "hybrid": Recipe(_lstm(40), mode="hybrid", inputs=40),
    "hybrid, unrolled": Recipe(_lstm(20, unroll=True), mode="hybrid", inputs=30, steps=3),
    "hybrid, a loop": Recipe(_lstm(40, use_bias=False), mode="hybrid", inputs=40),
    "int8": Recipe(_lstm(20), mode="int8", inputs=30),
}


def converted(recipe: Recipe, seed: int = 0) -> bytes:
    """The file of a model with random weights."""
    tensorflow, keras = installed("tensorflow"), installed("tf_keras")
    draw = np.random.default_rng(seed)
    x = keras.Input(batch_size=recipe.batch, shape=(recipe.steps, recipe.inputs))
    layers = recipe.build(keras)
    if recipe.states:
        units = layers[0].units
        before = [keras.Input(batch_size=recipe.batch, shape=(units,)) for _ in range(2)]
        lstm = keras.layers.LSTM(units, return_sequences=True, return_state=True)
        model = keras.Model([x, *before], lstm(x, initial_state=before))
    else:
        y = x
        for layer in layers:
            y = layer(y)
        model = keras.Model(x, y)
    model.set_weights([draw.normal(0, 0.4, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return _converted(tensorflow, model, recipe, draw)


def _converted(tensorflow: Any, model: Any, recipe: Recipe, draw: np.random.Generator) -> bytes:
    lite = tensorflow.lite
    shapes = [given.shape for given in model.inputs]

    def data() -> Any:
        for _ in range(20):
            yield [draw.normal(0, 1, shape).astype(np.float32) for shape in shapes]

    with quiet(), tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        names = [f"given_{index}" for index in range(len(shapes))]
        specs = [tensorflow.TensorSpec(shape, name=name) for shape, name in zip(shapes, names, strict=True)]
        call = tensorflow.function(lambda *given: model(list(given) if len(given) > 1 else given[0]))
        tensorflow.saved_model.save(model, folder, signatures=call.get_concrete_function(*specs))
        converter = lite.TFLiteConverter.from_saved_model(folder)
        if recipe.mode:
            converter.optimizations = [lite.Optimize.DEFAULT]
        if recipe.mode == "float16":
            converter.target_spec.supported_types = [tensorflow.float16]
        if recipe.mode == "int8":
            converter.representative_dataset = data
            converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
        found: bytes = converter.convert()
    return found


def played(body: bytes, given: Sequence[Array], calls: int = 1) -> list[Array]:
    """The outputs of a file for arrays, which are given to its inputs of the same shapes, after so many calls."""
    interpreter = installed("ai_edge_litert.interpreter").Interpreter(model_content=body)
    interpreter.allocate_tensors()
    left = sorted(interpreter.get_input_details(), key=lambda item: item["name"])
    for array, item in zip(given, left, strict=True):
        assert tuple(item["shape"]) == array.shape
        interpreter.set_tensor(item["index"], array)
    for _ in range(calls):
        interpreter.invoke()
    details = sorted(interpreter.get_output_details(), key=lambda item: item["name"])
    return [interpreter.get_tensor(item["index"]) for item in details]


def write(folder: Path, name: str, body: bytes) -> str:
    """The path of a file with these bytes."""
    path = folder / f"{name}.tflite"
    path.write_bytes(body)
    return str(path)
