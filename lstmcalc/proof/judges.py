"""Other frameworks that compute the same weights and data, to compare with our own forward pass.

Each framework is imported inside the function that needs it; an LSTM that it cannot express is refused by name.

Sources: the ONNX operator LSTM as opset 14 defines it, exported as opset 17 (onnx 1.23.2), run with onnxruntime 1.31.1;
its storage layout is in `frameworks.onnx`. `torch.nn.LSTM`, torch 2.13.0. Keras 3.15.1 on JAX 0.10.2 and on
PyTorch 2.13.0 (keras/src/layers/rnn/lstm.py, rnn.py, bidirectional.py).
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.errors import MissingExtraError, UnsupportedError, shorten
from lstmcalc.frameworks.storage import Storage
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import pack
from lstmcalc.proof.failures import failures
from lstmcalc.spec.activations import HARD, PYTORCH, Activations
from lstmcalc.spec.config import DTYPE_BYTES, DataSpec, LSTMConfig

Arrays: TypeAlias = Mapping[str, Array]


class Verdict(NamedTuple):
    """The result of another framework."""

    judge: str  # its name with its version
    outputs: dict[str, Array]  # output, h_n and c_n


class Ready(NamedTuple):
    """An LSTM in another framework, with its data."""

    judge: str  # the framework's name with its version
    compute: Callable[[], dict[str, Array]]  # computes output, h_n and c_n anew at each call


class Judge(NamedTuple):
    """A framework to compare with."""

    modules: tuple[str, ...]  # packages that must be importable
    library: int  # bytes of address space that it takes before it computes anything, roughly
    copies: int  # copies of the weights that it holds while it runs, roughly
    refuses: Callable[[LSTMConfig, DataSpec], str]  # the feature or data it cannot express, in words; empty if none
    # Makes the LSTM there, to compute in this many threads; None leaves the number to the framework.
    ready: Callable[[LSTMConfig, DataSpec, Arrays, Arrays, int | None, Activations], Ready]
    before: Callable[[], None] = lambda: None  # called before it is imported
    # The error's hint if it is installed and does not load.
    hint: str = "it may need more memory than there is"


def run_judge(
    name: str,
    config: LSTMConfig,
    data: DataSpec,
    weights: Arrays,
    inputs: Arrays,
    activations: Activations = PYTORCH,
) -> Verdict:
    """The result of the framework `name`, one of `JUDGES`, on arrays shaped and named as for `numerics.forward`."""
    ready = ready_judge(name, config, data, weights, inputs, activations=activations)
    return Verdict(ready.judge, ready.compute())


def ready_judge(
    name: str,
    config: LSTMConfig,
    data: DataSpec,
    weights: Arrays,
    inputs: Arrays,
    threads: int | None = None,
    activations: Activations = PYTORCH,
) -> Ready:
    """The LSTM in the framework `name`, to compute several times in this many threads."""
    check_judge(name, config, data, activations)
    with failures(name):
        judge, compute = JUDGES[name].ready(config, data, weights, inputs, threads, activations)

    def guarded() -> dict[str, Array]:
        with failures(name):
            return compute()

    return Ready(judge, guarded)


def check_judge(name: str, config: LSTMConfig, data: DataSpec, activations: Activations = PYTORCH) -> None:
    """Refuse a framework that is not installed or cannot express this LSTM or data, before anything is computed."""
    judge = JUDGES[name]
    if activations.cell_clip or activations.proj_clip:
        raise UnsupportedError(f"{name} does not clip c or h", "an LSTM without", str(activations), where="--against")
    if activations.gate_clip and name != "onnxruntime":
        hint = "--against onnxruntime does"
        raise UnsupportedError(f"{name} does not clip", "an LSTM without", str(activations), hint, where="--against")
    if name == "pytorch" and activations != PYTORCH:
        raise UnsupportedError(
            f"pytorch cannot run {activations}",
            expected=str(PYTORCH),
            hint="--against onnxruntime and --against keras can",
            where="--against",
        )
    refused = judge.refuses(config, data)
    if refused:
        raise UnsupportedError(
            f"{name} cannot run {refused}",
            expected="an LSTM without a projection, in float32, with N >= 1",
            hint="--against torch can",
            where="--against",
        )
    judge.before()
    for module in judge.modules:
        try:
            import_module(module)
        except Exception as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name == module
            raise MissingExtraError(
                f"{module} is not installed" if missing else f"{module} is installed, but does not load",
                found="" if missing else shorten(str(error), 200)[1:-1],
                hint=f"pip install {' '.join(judge.modules)}" if missing else judge.hint,
                where="--against",
            ) from error


def _pytorch(
    config: LSTMConfig,
    data: DataSpec,
    weights: Arrays,
    inputs: Arrays,
    threads: int | None,
    _activations: Activations,
) -> Ready:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    lstm = torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        bias=config.bias,
        batch_first=config.batch_first,
        bidirectional=config.bidirectional,
        proj_size=config.proj_size,
        dtype=getattr(torch, data.dtype),
    ).eval()
    tensors = {name: torch.from_numpy(array) for name, array in {**weights, **inputs}.items()}
    lstm.load_state_dict({name: tensors[name] for name in weights})
    x, state = tensors["input"], (tensors["h_0"], tensors["c_0"])

    def compute() -> dict[str, Array]:
        if threads and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.no_grad():
            if not data.lengths:
                output, (h_n, c_n) = lstm(x, state)
            else:
                packed = pack_padded_sequence(x, list(data.lengths), config.batch_first, enforce_sorted=False)
                output, (h_n, c_n) = lstm(packed, state)
                output, _ = pad_packed_sequence(output, config.batch_first, total_length=data.seq_len)
        return {"output": output.numpy(), "h_n": h_n.numpy(), "c_n": c_n.numpy()}

    return Ready(f"PyTorch {torch.__version__}", compute)


def _onnxruntime(
    config: LSTMConfig,
    data: DataSpec,
    weights: Arrays,
    inputs: Arrays,
    threads: int | None,
    activations: Activations,
) -> Ready:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(
        onnx_model(config, data, weights, activations).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    steps_first = config.batch_first and not data.unbatched
    x, h_0, c_0 = inputs["input"], inputs["h_0"], inputs["c_0"]
    if data.unbatched:
        x, h_0, c_0 = x[:, None], h_0[:, None], c_0[:, None]
    elif steps_first:
        x = x.swapaxes(0, 1)
    feeds = {"X": np.ascontiguousarray(x), "h_0": h_0, "c_0": c_0}
    if data.lengths:
        feeds["lengths"] = np.array(data.lengths, np.int32)

    def compute() -> dict[str, Array]:
        output, h_n, c_n = session.run(["output", "h_n", "c_n"], feeds)
        if data.unbatched:
            output, h_n, c_n = output[:, 0], h_n[:, 0], c_n[:, 0]
        elif steps_first:
            output = output.swapaxes(0, 1)
        return {"output": output, "h_n": h_n, "c_n": c_n}

    return Ready(f"ONNX Runtime {onnxruntime.__version__}", compute)


def onnx_functions(config: LSTMConfig, activations: Activations) -> dict[str, Any]:
    """The attributes of a node for these functions; none for PyTorch's, which are its defaults."""
    if activations.gate_clip:
        return {"clip": activations.gate_clip, **onnx_functions(config, activations._replace(gate_clip=None))}
    if activations == PYTORCH:
        return {}
    slope, cell = HARD.get(activations.gates or ""), "Relu" if activations.cell == "relu" else "Tanh"
    names = ["Sigmoid" if slope is None else "HardSigmoid", cell, cell] * config.num_directions
    if slope is None:
        return {"activations": names}
    # ONNX Runtime hands alpha and beta to the functions that have them, in their order.
    values = {"activation_alpha": slope, "activation_beta": 0.5}
    return {"activations": names, **{name: [value] * config.num_directions for name, value in values.items()}}


def onnx_model(config: LSTMConfig, data: DataSpec, weights: Arrays, activations: Activations = PYTORCH) -> Any:  # noqa: ANN401
    """The LSTM as an `onnx.ModelProto`: one LSTM node for each layer, `(L, N, ...)` throughout."""
    from onnx import TensorProto, helper, numpy_helper

    directions, hidden = config.num_directions, config.hidden_size
    storage, arrays = Storage(config, "onnx"), pack(weights, config, "onnx")
    nodes = []
    constants = {"merged": np.array([0, 0, -1]), "states": np.full(config.num_layers, directions), **arrays}
    for name in ("h", "c"):
        parts = [f"{name}_0_l{layer}" for layer in range(config.num_layers)]
        nodes.append(helper.make_node("Split", [f"{name}_0", "states"], parts, axis=0))
    reads = "X"
    for layer in range(config.num_layers):
        stored = {place.parameter.holds[0]: place.parameter.name for place in storage.placements(layer)}
        names = [stored.get(part, "") for part in ("weight_ih", "weight_hh", "bias_ih")]
        lengths = "lengths" if data.lengths else ""
        nodes += [
            helper.make_node(
                "LSTM",
                [reads, *names, lengths, f"h_0_l{layer}", f"c_0_l{layer}"],
                [f"Y_l{layer}", f"h_n_l{layer}", f"c_n_l{layer}"],
                hidden_size=hidden,
                direction="bidirectional" if config.bidirectional else "forward",
                **onnx_functions(config, activations),
            ),
            # Y is (L, D, N, H); the next layer reads (L, N, D*H).
            helper.make_node("Transpose", [f"Y_l{layer}"], [f"T_l{layer}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"T_l{layer}", "merged"], [f"X_l{layer}"]),
        ]
        reads = f"X_l{layer}"
    nodes.append(helper.make_node("Identity", [reads], ["output"]))
    for name in ("h_n", "c_n"):
        parts = [f"{name}_l{layer}" for layer in range(config.num_layers)]
        nodes.append(helper.make_node("Concat", parts, [name], axis=0))
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 3) for name in ("X", "h_0", "c_0")]
    if data.lengths:
        floats.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [None]))
    graph = helper.make_graph(
        nodes,
        "lstm",
        floats,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 3) for name in ("output", "h_n", "c_n")],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _choose_backend() -> None:
    """Set Keras' backend to PyTorch or JAX if none is set and TensorFlow, its default, is not installed."""
    if "KERAS_BACKEND" in os.environ or find_spec("tensorflow"):
        return
    installed = [name for name in ("torch", "jax") if find_spec(name)]
    if installed:
        os.environ["KERAS_BACKEND"] = installed[0]


def _keras(
    config: LSTMConfig,
    data: DataSpec,
    weights: Arrays,
    inputs: Arrays,
    _threads: int | None,
    activations: Activations,
) -> Ready:
    """The LSTM as stacked Keras layers; `(N, L, ...)` throughout, and unbatched data as a batch of one."""
    import keras

    numpy, tensor = keras.ops.convert_to_numpy, keras.ops.convert_to_tensor
    x, h_0, c_0 = inputs["input"], inputs["h_0"], inputs["c_0"]
    if data.unbatched:
        x, h_0, c_0 = x[None], h_0[:, None], c_0[:, None]
    elif not config.batch_first:
        x = x.swapaxes(0, 1)
    steps = np.arange(data.seq_len)
    mask = None if data.lengths is None else tensor(steps < np.array(data.lengths)[:, None])
    layers = [_keras_layer(config, layer, x.shape, activations) for layer in range(config.num_layers)]
    arrays, storage = pack(weights, config, "keras"), Storage(config, "keras")
    for number, layer in enumerate(layers):
        layer.set_weights([arrays[place.parameter.name] for place in storage.placements(number)])
    each, given = config.num_directions, tensor(np.ascontiguousarray(x))
    states = [tensor(np.ascontiguousarray(part[k])) for k in range(len(h_0)) for part in (h_0, c_0)]

    def compute() -> dict[str, Array]:
        reads, final = given, list[Any]()
        for number, layer in enumerate(layers):
            initial = states[2 * each * number : 2 * each * (number + 1)]
            reads, *own = layer(reads, initial_state=initial, mask=mask)
            final += own
        output, *ends = (np.asarray(numpy(array)) for array in (reads, *final))
        h_n, c_n = np.stack(ends[::2]), np.stack(ends[1::2])
        if data.unbatched:
            output, h_n, c_n = output[0], h_n[:, 0], c_n[:, 0]
        elif not config.batch_first:
            output = output.swapaxes(0, 1)
        return {"output": output, "h_n": h_n, "c_n": c_n}

    return Ready(f"Keras {keras.__version__} on {keras.backend.backend()}", compute)


def _keras_layer(config: LSTMConfig, layer: int, shape: tuple[int, ...], activations: Activations) -> Any:  # noqa: ANN401
    """A Keras layer, in one direction or both, that returns the sequence and the states; padded steps give zeros."""
    from keras import layers, ops

    gates: Any = {"hard_sigmoid:1/6": "hard_sigmoid", "hard_sigmoid:0.2": lambda a: ops.clip(0.2 * a + 0.5, 0.0, 1.0)}
    made: Any = layers.LSTM(
        config.hidden_size,
        activation=activations.cell,
        recurrent_activation=gates.get(activations.gates, activations.gates),
        use_bias=config.bias,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        dtype="float32",  # whatever keras.json says
    )
    if config.bidirectional:
        made = layers.Bidirectional(made, dtype="float32")
    made.build((*shape[:2], config.layer_input_size(layer)))
    return made


def _keras_refuses(config: LSTMConfig, data: DataSpec) -> str:
    """The part it refuses: Keras has no projection; JAX needs a switch for float64, and an empty batch has no shape."""
    if config.proj_size:
        return "a projection"
    if data.dtype != "float32":
        return data.dtype
    return "an empty batch" if data.batch == 0 else ""


_PROTOBUF_BYTES: Final = 2**31 - 2**20  # the limit of one message, less its own overhead


def _onnx_refuses(config: LSTMConfig, data: DataSpec) -> str:
    """The part it refuses: ONNX has no projection; ONNX Runtime has only float32, and crashes on an empty batch."""
    if config.proj_size:
        return "a projection"
    if data.dtype != "float32":
        return data.dtype
    if DTYPE_BYTES["float32"] * LSTMModel(config).num_parameters > _PROTOBUF_BYTES:
        return "a model of more than 2 GiB"
    return "an empty batch" if data.batch == 0 else ""


JUDGES: Final[dict[str, Judge]] = {
    "pytorch": Judge(("torch",), 3 * 2**28, 3, lambda _config, _data: "", _pytorch),
    "onnxruntime": Judge(("onnx", "onnxruntime"), 2**28, 6, _onnx_refuses, _onnxruntime),
    "keras": Judge(
        ("keras",),
        2**30,
        4,
        _keras_refuses,
        _keras,
        _choose_backend,
        "Keras needs a backend, as KERAS_BACKEND names it: pip install torch, jax or tensorflow",
    ),
}
