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


def random_recipe(seed: int) -> Recipe:
    """A layer with any of the settings, of any size."""
    draw = np.random.default_rng(seed)

    def one_of(*choices: Any) -> Any:
        return choices[draw.integers(len(choices))]

    settings = {
        "use_bias": one_of(True, True, False),
        "activation": one_of("tanh", "tanh", "relu"),
        "recurrent_activation": one_of("sigmoid", "sigmoid", "hard_sigmoid"),
        "implementation": one_of(1, 2),
        "unroll": one_of(True, False),
    }
    if settings["unroll"] and settings["recurrent_activation"] == "hard_sigmoid":
        settings["implementation"] = 2  # else the converter multiplies the slope into the weights, which is not read
    make = _lstm if settings["unroll"] else one_of(_lstm, _both)  # unrolled directions are two LSTMs
    batch, steps, units, inputs = (int(draw.integers(1, most)) for most in (4, 6, 7, 7))
    steps += 1  # a single step from zeros has no recurrent weights
    mode = one_of("", "", "float16")
    if settings["recurrent_activation"] == "hard_sigmoid":
        mode = ""  # 0.2 becomes 0.19995, which is another function
    return Recipe(make(units, **settings), batch, steps, inputs, mode)


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


# --- Files of one operator, written by TensorFlow's own schema


class Operation(NamedTuple):
    """A file of one operator."""

    op: str  # its name in BuiltinOperator
    names: Sequence[str]  # its inputs in order, by name; those that are not held are left out
    held: dict[str, Array]  # what is constant, the input and the states, of which the values are not stored
    output: tuple[int, ...]  # the shape of what it gives
    options: dict[str, Any]
    more: Sequence[tuple[int, ...]] = ()  # the shapes of its other outputs


def operator_file(made: Operation) -> bytes:
    """The bytes of such a file; `input` goes in, states are variables."""
    schema, flatbuffers = installed("tensorflow.lite.python.schema_py_generated"), installed("flatbuffers")
    names = [name for name in made.names if name in made.held]
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, made.op)
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [code]
    model.buffers, graph.tensors = [schema.BufferT()], []
    for name in (*names, "output"):
        tensor, buffer = schema.TensorT(), schema.BufferT()
        shape = made.output if name == "output" else made.held[name].shape
        if name not in ("input", "output") and not name.endswith(("state", "prev_activation")):
            buffer.data = np.frombuffer(made.held[name].astype(np.float32).tobytes(), np.uint8)
        tensor.name, tensor.shape, tensor.type = name, list(shape), schema.TensorType.FLOAT32
        tensor.buffer, tensor.isVariable = len(model.buffers), name.endswith(("state", "prev_activation"))
        model.buffers.append(buffer)
        graph.tensors.append(tensor)
    for index, shape in enumerate(made.more):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = (
            f"more_{index}",
            list(shape),
            schema.TensorType.FLOAT32,
            0,
        )
        graph.tensors.append(tensor)
    graph.inputs, graph.outputs = [names.index("input")], [len(names)]
    operator = schema.OperatorT()
    operator.inputs = [names.index(name) if name in names else -1 for name in made.names]
    operator.outputs = list(range(len(names), len(graph.tensors)))
    kind = {"LSTM": "LSTM"}.get(made.op, made.op.title().replace("_", "").replace("Lstm", "LSTM"))
    operator.builtinOptions = getattr(schema, f"{kind}OptionsT")()
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{kind}Options")
    operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.TANH
    for key, value in made.options.items():
        setattr(operator.builtinOptions, key, value)
    graph.operators = [operator]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _direction(draw: np.random.Generator, inputs: int, hidden: int, projected: int, start: str) -> dict[str, Array]:
    """The arrays of one direction."""
    from lstmcalc.readers.tflite.fused import GATES

    recurrent = projected or hidden
    shapes: dict[str, tuple[int, ...]] = {f"input_to_{gate}_weights": (hidden, inputs) for gate in GATES}
    shapes |= {f"recurrent_to_{gate}_weights": (hidden, recurrent) for gate in GATES}
    shapes |= {f"{gate}_gate_bias": (hidden,) for gate in GATES}
    shapes |= {"projection_weights": (projected, hidden)} if projected else {}
    return {f"{start}{name}": draw.normal(0, 0.6, shape).astype(np.float32) for name, shape in shapes.items()}


def _states(hidden: int, recurrent: int, start: str = "") -> dict[str, Array]:
    return {
        f"{start}activation_state": np.zeros((1, recurrent), np.float32),
        f"{start}cell_state": np.zeros((1, hidden), np.float32),
    }


def operations(seed: int = 0) -> dict[str, Operation]:
    """Files of the operators, with what converters do not write of a Keras layer."""
    from lstmcalc.readers.tflite.fused import OPERATORS

    draw, steps, inputs, hidden = np.random.default_rng(seed), 4, 3, 5
    sequence, single = np.zeros((1, steps, inputs), np.float32), np.zeros((1, inputs), np.float32)
    one, both = OPERATORS["LSTM"], OPERATORS["BIDIRECTIONAL_SEQUENCE_LSTM"]
    plain = {**_direction(draw, inputs, hidden, 0, ""), **_states(hidden, hidden)}
    short = {**_direction(draw, inputs, hidden, 2, ""), **_states(hidden, 2)}
    two = {**_direction(draw, inputs, hidden, 0, "forward."), **_direction(draw, inputs, hidden, 0, "reverse.")}
    two |= {**_states(hidden, hidden, "forward."), **_states(hidden, hidden, "reverse.")}
    peepholes = {f"cell_to_{gate}_weights": draw.normal(0, 1, hidden) for gate in ("input", "forget", "output")}
    norms = {f"{gate}_layer_norm_coefficients": np.ones(hidden) for gate in ("input", "forget", "cell", "output")}
    coupled = {name: array for name, array in plain.items() if "input_gate" not in name and "to_input" not in name}
    unidirectional = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    basic: dict[str, Array] = {
        "prev_activation": np.zeros((1, hidden), np.float32),
        "weights": draw.normal(0, 0.6, (4 * hidden, inputs + hidden)),
        "biases": draw.normal(0, 0.6, 4 * hidden),
        "prev_state": np.zeros((1, hidden), np.float32),
    }
    shape = (1, steps, hidden)
    return {
        "one": Operation(unidirectional, one, {"input": sequence, **plain}, shape, {}),
        "time major": Operation(
            unidirectional, one, {"input": sequence.swapaxes(0, 1), **plain}, (steps, 1, hidden), {"timeMajor": True}
        ),
        "clipped": Operation(unidirectional, one, {"input": sequence, **plain}, shape, {"cellClip": 0.2}),
        "projected": Operation(unidirectional, one, {"input": sequence, **short}, (1, steps, 2), {}),
        "projected and clipped": Operation(
            unidirectional, one, {"input": sequence, **short}, (1, steps, 2), {"projClip": 0.1, "cellClip": 0.3}
        ),
        "both": Operation(
            "BIDIRECTIONAL_SEQUENCE_LSTM",
            both,
            {"input": sequence, **two},
            (1, steps, 2 * hidden),
            {"mergeOutputs": True, "timeMajor": False},
        ),
        "peepholes": Operation(unidirectional, one, {"input": sequence, **plain, **peepholes}, shape, {}),
        "norms": Operation(unidirectional, one, {"input": sequence, **plain, **norms}, shape, {}),
        "coupled": Operation(unidirectional, one, {"input": sequence, **coupled}, shape, {}),
        "a step": Operation("LSTM", one, {"input": single, **plain}, (1, hidden), {}),
        "basic": Operation(
            "LSTM",
            ("input", "prev_activation", "weights", "biases", "prev_state"),
            {"input": single, **basic},
            (1, hidden),
            {"kernelType": 1},
            ((1, hidden), (1, inputs + hidden), (1, 4 * hidden)),
        ),
    }
