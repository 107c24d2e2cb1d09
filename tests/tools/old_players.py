"""Frameworks that are old, frozen, or a file format: what each computes with tensors packed by us.

A player of `live` loads tensors by the framework's own names, where it has names, and runs. The others, `*_constants`
and `coreml_shapes`, ask what converters make of an LSTM. A framework that is not installed skips the test.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, repeat
from tempfile import NamedTemporaryFile
from typing import Any, Final

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.numerics.arrays import Array
from tools.live import Played, Player, Shapes, Tensors, by_batch, installed


@contextmanager
def quiet() -> Iterator[None]:
    """Old frameworks call what is deprecated by now; that is no business of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- Keras


def keras2(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    layers = _keras_layers(config, x, bias=config.bias)
    weights = [weight for layer in layers for weight in layer.weights]
    for weight in weights:
        weight.assign(tensors[weight.name])
    return _run_keras(layers, x, h_0, c_0, {weight.name: tuple(weight.shape) for weight in weights})


def keras1(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """Keras 2 turns the arrays of Keras 1, which it knows by their order, into those of an LSTM, which runs."""
    layers, arrays = _keras_layers(config, x), list(tensors.values())
    each = len(arrays) // len(layers)
    _convert_keras(layers, [arrays[layer * each : (layer + 1) * each] for layer in range(len(layers))], "1")
    return _run_keras(layers, x, h_0, c_0)


def keras_cudnn(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """A CuDNNLSTM has the names and holds the arrays; Keras turns them into those of an LSTM, which runs."""
    stored = _cudnn_layers(config)
    weights = [weight for layer in stored for weight in layer.weights]
    for weight in weights:
        weight.assign(tensors[weight.name])
    listed = {weight.name: tuple(weight.shape) for weight in weights}
    layers = _keras_layers(config, x)
    _convert_keras(layers, [layer.get_weights() for layer in stored])
    return _run_keras(layers, x, h_0, c_0, listed)


def _convert_keras(layers: Sequence[Any], weights: Sequence[Any], version: str | None = None) -> None:
    formats = installed("tf_keras.src.saving.legacy.hdf5_format")
    for layer, arrays in zip(layers, weights, strict=True):
        layer.set_weights(formats.preprocess_weights_for_loading(layer, list(arrays), version))


def _keras_layers(config: LSTMConfig, x: Array, *, bias: bool = True, states: bool = True) -> list[Any]:
    """The layers of an LSTM, run once so that they have weights, and names for them."""
    keras = installed("tf_keras")

    def make(layer: int) -> Any:
        more = layer + 1 < config.num_layers
        return keras.layers.LSTM(config.hidden_size, use_bias=bias, return_sequences=more, return_state=states)

    layers = _wrapped(keras, config, make)
    data = by_batch(x)
    for layer in layers:
        data = layer(data)[0] if states else layer(data)
    return layers


def _cudnn_layers(config: LSTMConfig) -> list[Any]:
    keras, cudnn = installed("tf_keras"), installed("tf_keras.src.layers.rnn.cudnn_lstm")
    layers = _wrapped(keras, config, lambda _: cudnn.CuDNNLSTM(config.hidden_size, return_sequences=True))
    data = keras.Input((None, config.input_size))  # a graph: names, and nothing that would need a GPU
    for layer in layers:
        data = layer(data)
    return layers


def _wrapped(keras: Any, config: LSTMConfig, make: Callable[[int], Any]) -> list[Any]:
    keras.backend.clear_session()  # names are numbered from the beginning
    wrap = keras.layers.Bidirectional if config.bidirectional else lambda layer: layer
    return [wrap(make(layer)) for layer in range(config.num_layers)]


def _run_keras(layers: Sequence[Any], x: Array, h_0: Array, c_0: Array, listed: Shapes | None = None) -> Played:
    constant = installed("tensorflow").constant
    data, states = constant(by_batch(x)), []
    initial = [constant(array) for pair in zip(h_0, c_0, strict=True) for array in pair]  # h, c, h, c, ...
    each = len(initial) // len(layers)
    for layer, run in enumerate(layers):
        data, *final = run(data, initial_state=initial[layer * each : (layer + 1) * each])
        states.append([array.numpy() for array in final])
    flat = [array for final in states for array in final]
    return Played({"output": data.numpy(), "h": flat[::2], "c": flat[1::2]}, {"states": states}, listed)


# --- TensorFlow 1


def tf1(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    tensorflow, cells = installed("tensorflow"), installed("tf_keras.src.layers.rnn.legacy_cells")
    v1 = tensorflow.compat.v1
    with quiet(), tensorflow.Graph().as_default(), v1.Session() as session:
        starts = [cells.LSTMStateTuple(c, h) for h, c in zip(h_0, c_0, strict=True)]
        build = _both_directions if config.bidirectional else _one_direction
        fetched = build(v1, cells, config, by_batch(x), starts)
        variables = v1.global_variables()
        for variable in variables:
            variable.load(tensors[variable.name], session)
        outputs, states = session.run(fetched)
    results = {"outputs": outputs, "state.c": [one.c for one in states], "state.h": [one.h for one in states]}
    return Played(results, {"states": states}, {item.name: tuple(item.shape) for item in variables})


def _tf1_cell(cells: Any, config: LSTMConfig) -> Any:
    return cells.LSTMCell(config.hidden_size, num_proj=config.proj_size or None)


def _one_direction(v1: Any, cells: Any, config: LSTMConfig, data: Array, starts: list[Any]) -> tuple[Any, list[Any]]:
    several = [_tf1_cell(cells, config) for _ in starts]
    if len(several) == 1:
        outputs, final = v1.nn.dynamic_rnn(several[0], data, initial_state=starts[0])
        return outputs, [final]
    outputs, final = v1.nn.dynamic_rnn(cells.MultiRNNCell(several), data, initial_state=tuple(starts))
    return outputs, list(final)


def _both_directions(v1: Any, cells: Any, config: LSTMConfig, data: Array, starts: list[Any]) -> tuple[Any, list[Any]]:
    def run(layer: int, reads: Any) -> tuple[Any, Any]:
        pair = (_tf1_cell(cells, config), _tf1_cell(cells, config))
        return v1.nn.bidirectional_dynamic_rnn(*pair, reads, None, *starts[2 * layer : 2 * layer + 2])  # type: ignore[no-any-return]

    if config.num_layers == 1:
        outputs, final = run(0, data)
        return list(outputs), list(final)
    # tf.contrib is gone; these are the scopes of its stack_bidirectional_dynamic_rnn.
    states: list[Any] = []
    with v1.variable_scope("stack_bidirectional_rnn"):
        for layer in range(config.num_layers):
            with v1.variable_scope(f"cell_{layer}"):
                outputs, final = run(layer, data)
                data = v1.concat(outputs, 2)
                states += final
    return data, states


# --- MXNet, Chainer, MindSpore


def mxnet(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    mx = installed("mxnet")
    with quiet(), mx.name.NameManager():  # names are numbered from the beginning
        lstm = mx.gluon.rnn.LSTM(
            config.hidden_size,
            config.num_layers,
            bidirectional=config.bidirectional,
            projection_size=config.proj_size or None,
            input_size=config.input_size,
        )
        lstm.initialize()
        stored = lstm.collect_params()
        for name, parameter in stored.items():
            parameter.set_data(mx.nd.array(tensors[name]))
        output, states = lstm(mx.nd.array(x), [mx.nd.array(h_0), mx.nd.array(c_0)])
        final = [array.asnumpy() for array in states]
    results = {"output": output.asnumpy(), "h_n": final[0], "c_n": final[1]}
    return Played(results, {"states": final}, {name: parameter.shape for name, parameter in stored.items()})


def chainer(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    links = installed("chainer").links
    make = links.NStepBiLSTM if config.bidirectional else links.NStepLSTM
    with quiet():
        lstm = make(config.num_layers, config.input_size, config.hidden_size, 0.0)
        stored = dict(lstm.namedparams())
        for name, parameter in stored.items():
            parameter.array[...] = tensors[name]
        hy, cy, ys = lstm(h_0, c_0, list(by_batch(x)))
    results = {"hy": hy.array, "cy": cy.array, "ys": [y.array for y in ys]}
    return Played(results, results, {name: parameter.shape for name, parameter in stored.items()})


def mindspore(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    if int(np.__version__.partition(".")[0]) > 1:
        pytest.skip("MindSpore is compiled for NumPy 1")
    ms = installed("mindspore")
    with quiet():
        lstm = ms.nn.LSTM(
            config.input_size,
            config.hidden_size,
            num_layers=config.num_layers,
            has_bias=config.bias,
            bidirectional=config.bidirectional,
        )
        stored = {parameter.name: parameter for parameter in lstm.get_parameters()}
        for name, parameter in stored.items():
            parameter.set_data(ms.Tensor(tensors[name]))
        output, (h, c) = lstm(ms.Tensor(x), (ms.Tensor(h_0), ms.Tensor(c_0)))
        results = {"output": output.asnumpy(), "h_n": h.asnumpy(), "c_n": c.asnumpy()}
    words = {"h": results["h_n"], "c": results["c_n"]}
    return Played(results, words, {name: parameter.shape for name, parameter in stored.items()})


# --- ncnn, TensorFlow Lite: files without names, written here


def ncnn(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    library, each = installed("ncnn"), config.num_directions
    data, hidden, cell = x[:, 0], [], []
    for layer in range(config.num_layers):
        own = slice(layer * each, (layer + 1) * each)
        path = f"lstm{layer}." if config.num_layers > 1 else ""
        held = [tensors[f"{path}{name}_data"] for name in _NCNN_ORDER if f"{path}{name}_data" in tensors]
        data, h, c = _run_ncnn(library, config, held, (data, h_0[own, 0], c_0[own, 0]))
        hidden.append(h)
        cell.append(c)
    # There is no batch; the states that they are compared with are those of a batch of one.
    words = {"hidden": [array[:, None] for array in hidden], "cell": [array[:, None] for array in cell]}
    return Played({"output": data, "hidden": hidden, "cell": cell}, words)


# The order of ncnn's LSTM::load_model; a file holds the arrays in this order and nothing that tells them apart.
_NCNN_ORDER: Final = ("weight_xc", "bias_c", "weight_hc", "weight_hr")
_NCNN_PARAM: Final = """7767517
4 6
Input x 0 1 x
Input h_0 0 1 h_0
Input c_0 0 1 c_0
LSTM lstm 3 3 x h_0 c_0 y h c 0={num_output} 1={weight_data_size} 2={direction} 3={hidden_size}
"""


def _run_ncnn(library: Any, config: LSTMConfig, held: Sequence[Array], given: Sequence[Array]) -> list[Array]:
    net = library.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    text = _NCNN_PARAM.format(
        num_output=config.output_size,
        weight_data_size=held[0].size,
        direction=2 if config.bidirectional else 0,
        hidden_size=config.hidden_size,
    )
    assert net.load_param_mem(text) == 0
    with NamedTemporaryFile(suffix=".bin") as file:
        # Before each array stands a tag: 0, raw float32.
        file.write(b"".join(bytes(4) + array.tobytes() for array in held))
        file.flush()
        assert net.load_model(file.name) == 0
    extractor = net.create_extractor()
    for name, array in zip(("x", "h_0", "c_0"), given, strict=True):
        assert extractor.input(name, library.Mat(np.ascontiguousarray(array))) == 0
    results = [extractor.extract(name) for name in ("y", "h", "c")]
    assert [code for code, _ in results] == [0, 0, 0]
    return [np.array(mat) for _, mat in results]


_TFLITE_GATES: Final = ("input", "forget", "cell", "output")
# The inputs of UNIDIRECTIONAL_SEQUENCE_LSTM (tensorflow/lite/kernels/lstm_shared.h); "" is what no LSTM here has.
TFLITE_INPUTS: Final = (
    "input",
    *(f"input_to_{gate}_weights" for gate in _TFLITE_GATES),
    *(f"recurrent_to_{gate}_weights" for gate in _TFLITE_GATES),
    *("", "", ""),  # peepholes
    *(f"{gate}_gate_bias" for gate in _TFLITE_GATES),
    "projection_weights",
    "",  # the projection's bias
    "activation_state",
    "cell_state",
    *("", "", "", ""),  # layer normalisation
)


def tflite(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """One model with one operation for each layer and direction; a reverse one reads the sequence reversed."""
    data, h_n, c_n = by_batch(x), [], []
    for layer in range(config.num_layers):
        outputs = []
        for d in range(config.num_directions):
            k = layer * config.num_directions + d
            path = f"layers.{layer}." if config.num_layers > 1 else ""
            path += f"{('forward', 'reverse')[d]}." if config.bidirectional else ""
            held = {name.removeprefix(path): array for name, array in tensors.items() if name.startswith(path)}
            given = np.ascontiguousarray(data[:, ::-1] if d else data)
            output, h, c = _run_tflite({**held, "input": given, "activation_state": h_0[k], "cell_state": c_0[k]})
            outputs.append(output)
            h_n.append(h)
            c_n.append(c)
        data = np.concatenate([output[:, :: -1 if d else 1] for d, output in enumerate(outputs)], axis=-1)
    words = {"activation_state": h_n, "cell_state": c_n}
    return Played({"output": outputs}, words)


def _run_tflite(held: Tensors) -> list[Array]:
    lite = installed("tensorflow").lite
    with quiet():
        interpreter = lite.Interpreter(model_content=_tflite_file(held))
    interpreter.allocate_tensors()
    index = {item["name"]: item["index"] for item in interpreter.get_tensor_details()}
    for name in ("input", "activation_state", "cell_state"):
        interpreter.set_tensor(index[name], held[name])
    interpreter.invoke()
    return [interpreter.get_tensor(index[name]) for name in ("output", "activation_state", "cell_state")]


def _tflite_file(held: Tensors) -> bytes:
    """A model of one LSTM, whose tensors are constants, but for the input and the states."""
    schema, flatbuffers = installed("tensorflow.lite.python.schema_py_generated"), installed("flatbuffers")
    names = [name for name in TFLITE_INPUTS if name in held]
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [code]
    model.buffers = [
        _tflite_buffer(schema, held[name] if name.endswith(("weights", "bias")) else None) for name in names
    ]
    model.buffers.append(schema.BufferT())
    shapes = [held[name].shape for name in names]
    shapes.append((*held["input"].shape[:2], held["activation_state"].shape[1]))
    graph.tensors = list(map(_tflite_tensor, repeat(schema), [*names, "output"], shapes, count()))
    graph.inputs, graph.outputs = [names.index("input")], [len(names)]
    graph.operators = [_tflite_operator(schema, names)]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tflite_buffer(schema: Any, array: Array | None) -> Any:
    buffer = schema.BufferT()
    if array is not None:
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
    return buffer


def _tflite_tensor(schema: Any, name: str, shape: Sequence[int], buffer: int) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), schema.TensorType.FLOAT32, buffer
    tensor.isVariable = name.endswith("_state")
    return tensor


def _tflite_operator(schema: Any, names: list[str]) -> Any:
    """The LSTM; its result is the tensor behind the last name."""
    operator, options = schema.OperatorT(), schema.UnidirectionalSequenceLSTMOptionsT()
    operator.inputs = [names.index(name) if name in names else -1 for name in TFLITE_INPUTS]
    operator.outputs = [len(names)]
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    operator.builtinOptions = options
    operator.builtinOptionsType = schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
    return operator


def tflite_constants(config: LSTMConfig, tensors: Tensors, x: Array) -> list[dict[str, Array]]:
    """The constants of each operation that TensorFlow's converter makes of a Keras LSTM, by their place in it."""
    tensorflow, schema = installed("tensorflow"), installed("tensorflow.lite.python.schema_py_generated")
    # With states, or without a fixed length and batch, it would be a loop and no such operation.
    layers = _keras_layers(config, x, bias=config.bias, states=False)
    for weight in [weight for layer in layers for weight in layer.weights]:
        weight.assign(tensors[weight.name])
    whole = installed("tf_keras").Sequential(layers)
    traced = tensorflow.function(whole).get_concrete_function(tensorflow.TensorSpec(by_batch(x).shape))
    with quiet():
        file = tensorflow.lite.TFLiteConverter.from_concrete_functions([traced], whole).convert()
    model = schema.ModelT.InitFromPackedBuf(file)
    graph = model.subgraphs[0]
    codes = [code.builtinCode for code in model.operatorCodes]
    lstms = [
        op for op in graph.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
    ]

    def constant(index: int) -> Array | None:
        data = model.buffers[graph.tensors[index].buffer].data if index >= 0 else None
        return None if data is None else data.view(np.float32).reshape(graph.tensors[index].shape)

    found = [dict(zip(TFLITE_INPUTS, map(constant, op.inputs), strict=True)) for op in lstms]
    return [{name: array for name, array in held.items() if array is not None} for held in found]


# --- Core ML: models are made here, and run on macOS only


def coreml_constants(config: LSTMConfig, weights: Tensors, x: Array, h_0: Array, c_0: Array) -> dict[str, Array]:
    """The constants of the operations that coremltools makes of PyTorch's LSTM, by name."""
    torch, tools = installed("torch"), installed("coremltools")
    lstm = torch.nn.LSTM(
        config.input_size, config.hidden_size, config.num_layers, config.bias, bidirectional=config.bidirectional
    )
    lstm.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})

    class WithStates(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = lstm

        def forward(self, x: Any, h_0: Any, c_0: Any) -> Any:
            output, (h_n, c_n) = self.lstm(x, (h_0, c_0))
            return output, h_n, c_n

    given = {"x": x, "h_0": h_0, "c_0": c_0}
    with quiet():
        traced = torch.jit.trace(WithStates().eval(), tuple(map(torch.from_numpy, given.values())))
        program = tools.convert(
            traced,
            convert_to="milinternal",
            inputs=[tools.TensorType(name, array.shape) for name, array in given.items()],
        )
    lstms = [op for op in program.functions["main"].operations if op.op_type == "lstm"]
    return {
        f"lstm{layer}.{name}" if config.num_layers > 1 else name: held.val
        for layer, op in enumerate(lstms)
        for name, held in op.inputs.items()
        if held is not None and isinstance(held.val, np.ndarray)
    }


def coreml_shapes(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> list[tuple[int, ...]]:
    """The shapes of the results of the operation lstm, made of our arrays with its own defaults (one layer)."""
    mil = installed("coremltools.converters.mil")
    given = [x, *(np.concatenate(array, axis=-1) for array in (h_0, c_0))]

    @mil.Builder.program(input_specs=[mil.Builder.TensorSpec(array.shape) for array in given])  # type: ignore[untyped-decorator]
    def program(x: Any, h: Any, c: Any) -> Any:
        direction = "bidirectional" if config.bidirectional else "forward"
        return mil.Builder.lstm(x=x, initial_h=h, initial_c=c, direction=direction, **tensors)

    return [output.shape for output in program.functions["main"].outputs]


PLAYERS: dict[str, Player] = {
    "keras2": keras2,
    "keras1": keras1,
    "keras-cudnn": keras_cudnn,
    "tf1": tf1,
    "mxnet": mxnet,
    "chainer": chainer,
    "mindspore": mindspore,
    "ncnn": ncnn,
    "tflite": tflite,
}
