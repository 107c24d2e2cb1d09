"""Random models that TensorFlow, tf_keras and Keras save, with what their LSTMs compute: for recordings and live tests.

Cells of TensorFlow 1 are those of tf_keras (`legacy_cells`), which tf.compat.v1 had before.
"""

import os
import random
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tools.live import installed

Array = np.ndarray[Any, Any]
STEPS: Final = 4


class Case(NamedTuple):
    """The output of the LSTMs of a file, one after the other, for an input, the batch first."""

    x: Array
    y: Array
    lstms: int = 1  # how many; 0 for all that are left in the file


class Saved(NamedTuple):
    """A model in a file, or a folder."""

    path: Path
    cases: list[Case]


def rows(width: int, seed: int = 3) -> Array:
    """Two sequences, the batch first."""
    return np.random.default_rng(seed).standard_normal((2, STEPS, width)).astype(np.float32)


# --- TensorFlow 1


def checkpoint_of_tf1(folder: Path, draw: random.Random) -> Saved:
    """A checkpoint of cells of TensorFlow 1, in one of the ways in which they are stacked."""
    name = draw.choice(sorted(_GRAPHS))
    return graph_of_tf1(folder, draw, name)


def graph_of_tf1(folder: Path, draw: random.Random, name: str, *, frozen: bool = False, old: bool = False) -> Saved:
    """A checkpoint, also an `old` one, or a frozen graph, of cells that are stacked in a way of `_GRAPHS`."""
    tensorflow, cells = installed("tensorflow"), installed("tf_keras.src.layers.rnn.legacy_cells")
    v1 = tensorflow.compat.v1
    width = draw.randrange(1, 6)
    x = rows(width, draw.randrange(100))
    with tensorflow.Graph().as_default() as graph, v1.Session() as session:
        data = v1.placeholder("float32", (None, STEPS, width), "x")
        outputs = _GRAPHS[name](v1, cells, data, draw)
        if draw.random() < 0.4 and not frozen:
            v1.train.AdamOptimizer().minimize(v1.reduce_sum(outputs))
        session.run(v1.global_variables_initializer())
        values = np.random.default_rng(draw.randrange(100))
        for variable in v1.trainable_variables():
            variable.load(values.uniform(-1, 1, variable.shape).astype(np.float32), session)
        y = session.run(outputs, {data: x})
        cases = [Case(x, y, 0)]
        if frozen:
            named = outputs.op.name
            constant = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [named])
            path = folder / "frozen.pb"
            path.write_bytes(constant.SerializeToString())
            return Saved(path, cases)
        path = folder / f"{name}.ckpt"
        version = v1.train.SaverDef.V1 if old else v1.train.SaverDef.V2
        saver = v1.train.Saver(write_version=version)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    return Saved(path, cases)


def _sizes(draw: random.Random) -> int:
    return draw.randrange(1, 7)


def _one_cell(v1: Any, cells: Any, data: Any, draw: random.Random) -> Any:
    kind = draw.choice((cells.BasicLSTMCell, cells.LSTMCell))
    with v1.variable_scope(draw.choice(("model", "a/b"))):
        return v1.nn.dynamic_rnn(kind(_sizes(draw)), data, dtype="float32")[0]


def _stack(v1: Any, cells: Any, data: Any, draw: random.Random) -> Any:
    size = _sizes(draw)
    several = [cells.LSTMCell(draw.choice((size, size, _sizes(draw)))) for _ in range(draw.randrange(2, 4))]
    return v1.nn.dynamic_rnn(cells.MultiRNNCell(several), data, dtype="float32")[0]


def _projected(v1: Any, cells: Any, data: Any, draw: random.Random) -> Any:
    return v1.nn.dynamic_rnn(cells.LSTMCell(6, num_proj=draw.randrange(1, 6)), data, dtype="float32")[0]


def _both(v1: Any, cells: Any, data: Any, draw: random.Random) -> Any:
    size = _sizes(draw)
    outputs, _ = v1.nn.bidirectional_dynamic_rnn(cells.LSTMCell(size), cells.LSTMCell(size), data, dtype="float32")
    return v1.concat(outputs, 2)


def _stack_of_both(v1: Any, cells: Any, data: Any, draw: random.Random) -> Any:
    """A stack as tf.contrib's stack_bidirectional_dynamic_rnn names it, also in a scope of the user's."""
    size = _sizes(draw)
    with v1.variable_scope(draw.choice(("stack_bidirectional_rnn", "BDLSTM_rnn"))):
        for layer in range(draw.randrange(1, 4)):
            with v1.variable_scope(f"cell_{layer}"):
                pair = cells.LSTMCell(size), cells.LSTMCell(size)
                data = v1.concat(v1.nn.bidirectional_dynamic_rnn(*pair, data, dtype="float32")[0], 2)
    return data


def _partitioned(v1: Any, cells: Any, data: Any, draw: random.Random) -> Any:
    with v1.variable_scope("parts", partitioner=v1.fixed_size_partitioner(draw.choice((2, 3)))):
        return v1.nn.dynamic_rnn(cells.LSTMCell(draw.choice((3, 100))), data, dtype="float32")[0]


_GRAPHS: Final[dict[str, Callable[[Any, Any, Any, random.Random], Any]]] = {
    "one": _one_cell,
    "stack": _stack,
    "projected": _projected,
    "both": _both,
    "stack_of_both": _stack_of_both,
    "partitioned": _partitioned,
}


# --- Keras


class Model(NamedTuple):
    """A model, and what its LSTMs compute."""

    model: Any
    cases: list[Case]
    x: Array  # of the model


def random_model(keras: Any, draw: random.Random, *, stated: bool) -> Model:
    """A model of Keras 2 or 3; with `stated`, its file states functions that are not the default."""
    layers = keras.layers
    width = draw.randrange(1, 6)
    x = data = rows(width, draw.randrange(100))
    inputs = reads = keras.Input((STEPS, width))
    cases: list[Case] = []
    values = np.random.default_rng(draw.randrange(100))
    for _ in range(draw.randrange(1, 4)):
        layer, kind = _random_layer(layers, draw, stated=stated), draw.random()
        inner = keras.Sequential([layer]) if kind < 0.2 and stated else layer
        reads = inner(reads)
        inner.set_weights([values.uniform(-1, 1, item.shape).astype(np.float32) for item in inner.get_weights()])
        made = np.asarray(inner(data))
        if "GRU" not in type(layer).__name__:
            cases.append(Case(data, made))
        data = made
        if draw.random() < 0.3:
            dense = layers.Dense(draw.randrange(1, 5))
            reads, data = dense(reads), np.asarray(dense(data))
    if not cases:
        return random_model(keras, draw, stated=stated)
    return Model(keras.Model(inputs, reads), cases, x)


def _random_layer(layers: Any, draw: random.Random, *, stated: bool) -> Any:
    options: dict[str, Any] = {"return_sequences": True}
    if stated:
        options |= {"activation": draw.choice(("tanh", "tanh", "relu")), "use_bias": draw.random() < 0.8}
        options |= {"recurrent_activation": draw.choice(("sigmoid", "sigmoid", "hard_sigmoid"))}
    kind = draw.randrange(5)
    if kind == 0:
        return layers.GRU(_sizes(draw), return_sequences=True)
    if kind == 1:
        cell = {name: value for name, value in options.items() if name != "return_sequences"}
        return layers.RNN(layers.LSTMCell(_sizes(draw), **cell), return_sequences=True)
    layer = layers.LSTM(_sizes(draw), **options)
    return layers.Bidirectional(layer) if kind == 2 else layer


def keras_checkpoint(folder: Path, draw: random.Random, library: str) -> Saved:
    """A checkpoint of a model, or of an object that has it."""
    tensorflow, keras = installed("tensorflow"), installed(library)
    model = random_model(keras, draw, stated=False)
    if draw.random() < 0.4:
        model.model.compile("adam", "mse")
        model.model.optimizer.build(model.model.trainable_variables)
    path = folder / "model.ckpt"
    tensorflow.train.Checkpoint(model=model.model).write(str(path))
    return Saved(path, model.cases)


def keras_saved_model(folder: Path, draw: random.Random, library: str, way: str) -> Saved:
    """A SavedModel, in the `way` of tf.saved_model.save, of an export, or of Keras 2 itself."""
    tensorflow, keras = installed("tensorflow"), installed(library)
    model = random_model(keras, draw, stated=way == "keras")
    path = folder / "saved"
    if way == "keras":
        model.model.save(str(path), save_format="tf")
    elif way == "export":
        model.model.export(str(path))
    else:
        tensorflow.saved_model.save(model.model, str(path))
    return Saved(path, model.cases)


def javascript_model(folder: Path, draw: random.Random, size: int = 0) -> Saved:
    """A model that tensorflowjs converts, in one file of numbers or in several; of quantized ones as they are restored."""
    for name in ("tensorflow_decision_forests", "jax", "jax.experimental", "jax.experimental.jax2tf"):
        sys.modules.setdefault(name, types.ModuleType(name))  # it imports them for other conversions
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    converters, keras = installed("tensorflowjs").converters, installed("tf_keras")
    model = random_model(keras, draw, stated=True)
    size = size or draw.choice((100, 4 << 20))
    converters.save_keras_model(model.model, str(folder / "js"), weight_shard_size_bytes=size)
    return Saved(folder / "js", model.cases)
