"""The frameworks of the extra `peers`, and ONNX Runtime: what each computes with tensors packed by us.

Each public function that is given a config, tensors, data and states is a player of `live`. A framework that has a way
to stack layers, or to read in both directions, is used in that way; elsewhere it is done by hand. A framework that is
not installed skips the test.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lstmcalc import LSTMConfig
from lstmcalc.numerics.arrays import Array
from tools.live import Played, Player, Shapes, Tensors, by_batch, installed, shapes_of

# --- By hand


class Module(NamedTuple):
    """One of the modules that an LSTM is put together of: one layer, in one direction."""

    path: str
    reads: int
    tensors: dict[str, Array]


def modules(config: LSTMConfig, tensors: Tensors) -> Iterator[Module]:
    """Module by module, the tensors that belong to it by their names in it."""
    held: dict[str, dict[str, Array]] = {}
    for name, array in tensors.items():
        path = name[: name.rfind(".") + 1]
        held.setdefault(path, {})[name.removeprefix(path)] = array
    for k, (path, own) in enumerate(held.items()):
        above = config.num_directions * config.output_size
        yield Module(path, config.input_size if k < config.num_directions else above, own)


def stack(config: LSTMConfig, x: Array, run: Callable[[int, Array], Array]) -> list[Array]:
    """The outputs of the modules of the last layer, each in the order in which it read.

    `run(k, data)` is what module k returns for a sequence, both (L, N, features).
    """
    for layer in range(config.num_layers):
        outputs = []
        for direction in range(config.num_directions):
            data = np.ascontiguousarray(x[::-1] if direction else x)
            outputs.append(run(layer * config.num_directions + direction, data))
        x = np.concatenate([output[::-1] if d else output for d, output in enumerate(outputs)], axis=-1)
    return outputs


# x_t, h, c to h, c
Step: TypeAlias = Callable[[Array, Array, Array], tuple[Array, Array]]


class Cell(NamedTuple):
    """A loaded cell, and the framework's own list of what it stores."""

    step: Step
    shapes: Shapes


def play_cells(
    config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array, load: Callable[[Module], Cell]
) -> Played:
    """Cells that compute one step, in loops over steps, directions and layers."""
    parts = list(modules(config, tensors))
    cells, states = [load(part) for part in parts], list(zip(h_0, c_0, strict=True))

    def run(k: int, data: Array) -> Array:
        outputs = []
        for step in data:
            states[k] = cells[k].step(step, *states[k])
            outputs.append(states[k][0])
        return np.stack(outputs)

    stack(config, x, run)
    listed = {
        part.path + name: shape for part, cell in zip(parts, cells, strict=True) for name, shape in cell.shapes.items()
    }
    results = {"h": [h for h, _ in states], "c": [c for _, c in states]}
    return Played(results, {"states": states}, listed)


# --- PyTorch


def pytorch(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    torch = installed("torch")
    lstm = torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        config.bias,
        bidirectional=config.bidirectional,
        proj_size=config.proj_size,
    )
    lstm.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    with torch.no_grad(), warnings.catch_warnings():
        # torch 2.13.0 warns of its own choice of a kernel.
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN", UserWarning)
        output, (h_n, c_n) = lstm(torch.from_numpy(x), (torch.from_numpy(h_0), torch.from_numpy(c_0)))
    results = {"output": output.numpy(), "h_n": h_n.numpy(), "c_n": c_n.numpy()}
    return Played(results, results, shapes_of(lstm.state_dict()))


def pytorch_cell(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    torch = installed("torch")

    def load(module: Module) -> Cell:
        cell = torch.nn.LSTMCell(module.reads, config.hidden_size, config.bias)
        cell.load_state_dict({name: torch.from_numpy(array) for name, array in module.tensors.items()})

        def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
            with torch.no_grad():
                h, c = cell(torch.from_numpy(x), (torch.from_numpy(h), torch.from_numpy(c)))
            return np.asarray(h), np.asarray(c)

        return Cell(step, shapes_of(cell.state_dict()))

    return play_cells(config, tensors, x, h_0, c_0, load)


# --- Keras


def keras(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """One model with every default, and one that returns states too; both load the same tensors."""
    given = [by_batch(x), *_alternate(h_0, c_0)]
    plain, stateful = _keras_model(config, states=False), _keras_model(config, states=True)
    for model in (plain, stateful):
        for weight in model.weights:
            weight.assign(tensors[weight.path])
    output = to_numpy(plain(given))
    last, *final = map(to_numpy, stateful(given))
    assert np.array_equal(output, last)
    each = 2 * config.num_directions
    states = [final[layer * each : (layer + 1) * each] for layer in range(config.num_layers)]
    listed = shapes_of({weight.path: weight for weight in plain.weights})
    return Played({"output": output, "h": final[::2], "c": final[1::2]}, {"states": states}, listed)


@cache
def _keras_model(config: LSTMConfig, *, states: bool) -> Any:
    """A model of x and all states, of what the last layer returns and, if asked for, all states."""
    # Keras chooses its backend when it is imported; TensorFlow, its default, is not needed for this.
    os.environ.setdefault("KERAS_BACKEND", "torch")
    framework = installed("keras")
    framework.utils.clear_session()  # names are numbered from the beginning
    x = data = framework.Input((None, config.input_size))
    each = 2 * config.num_directions
    initial = [framework.Input((config.hidden_size,)) for _ in range(each * config.num_layers)]
    final: list[Any] = []
    for layer in range(config.num_layers):
        options = {} if layer + 1 == config.num_layers else {"return_sequences": True}
        options |= {"return_state": True} if states else {}
        run = framework.layers.LSTM(config.hidden_size, use_bias=config.bias, **options)
        run = framework.layers.Bidirectional(run) if config.bidirectional else run
        returned = run(data, initial_state=initial[layer * each : (layer + 1) * each])
        data, *own = returned if states else [returned]
        final += own
    return framework.Model([x, *initial], [data, *final] if states else data)


def _alternate(h: Array, c: Array) -> list[Array]:
    """h, c of one cell, of the next one, ..."""
    return [array for pair in zip(h, c, strict=True) for array in pair]


def to_numpy(tensor: Any) -> Array:
    """The result of Keras, as an array."""
    with warnings.catch_warnings():
        # Keras 3.15.1 asks NumPy for an array of PyTorch's tensor, whose __array__ is of before NumPy 2.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)
        return np.asarray(installed("keras").ops.convert_to_numpy(tensor))


# --- ONNX Runtime


def onnx(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    return _play_onnx(22, config, tensors, x, h_0, c_0)


def onnx_opset_14(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """The operator's version before."""
    return _play_onnx(14, config, tensors, x, h_0, c_0)


def _play_onnx(opset: int, config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """One graph of a node for each layer; what is packed are its initializers, by name."""
    library, runtime = installed("onnx"), installed("onnxruntime")
    helper, each = library.helper, config.num_directions
    held = {"X": x, "shape": np.array([0, 0, -1]), **tensors}
    nodes = []
    for layer in range(config.num_layers):
        own = slice(layer * each, (layer + 1) * each)
        held |= {f"h_0_{layer}": h_0[own], f"c_0_{layer}": c_0[own]}
        nodes += _onnx_layer(helper, config, layer)
    wanted = [name for node in nodes if node.op_type == "LSTM" for name in node.output]
    graph = helper.make_graph(
        nodes,
        "lstm",
        [],
        [helper.make_tensor_value_info(name, library.TensorProto.FLOAT, None) for name in wanted],
        [library.numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    computed = dict(zip(wanted, session.run(wanted, {}), strict=True))
    layers = range(config.num_layers)
    results = {name: [computed[f"{name}_{layer}"] for layer in layers] for name in ("Y", "Y_h", "Y_c")}
    return Played({**results, "Y": results["Y"][-1]}, results)


def _onnx_layer(helper: Any, config: LSTMConfig, layer: int) -> list[Any]:
    """The LSTM, and what makes (L, D, N, H_cell) the (L, N, D*H_cell) that the next one reads."""
    bias = f"lstm{layer}.B" if config.bias else ""
    reads = f"X_{layer}" if layer else "X"
    inputs = [reads, f"lstm{layer}.W", f"lstm{layer}.R", bias, "", f"h_0_{layer}", f"c_0_{layer}"]
    outputs = [f"{name}_{layer}" for name in ("Y", "Y_h", "Y_c")]
    direction = "bidirectional" if config.bidirectional else "forward"
    return [
        helper.make_node("LSTM", inputs, outputs, hidden_size=config.hidden_size, direction=direction),
        helper.make_node("Transpose", outputs[:1], [f"T_{layer}"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", [f"T_{layer}", "shape"], [f"X_{layer + 1}"]),
    ]


# --- Flax


def flax_linen(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    return _play_linen("LSTMCell", config, tensors, x, h_0, c_0)


def flax_linen_optimized(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """The other cell of Linen, which stores the same arrays."""
    return _play_linen("OptimizedLSTMCell", config, tensors, x, h_0, c_0)


def _play_linen(cell: str, config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    trees, jax = installed("flax.traverse_util"), installed("jax")
    model, run = _linen_model(cell, config)
    listed = trees.flatten_dict(jax.eval_shape(model.init, jax.random.key(0), by_batch(x)), sep="/")
    loaded = trees.unflatten_dict(dict(tensors), sep="/")
    return _flax_played(run(loaded, by_batch(x), h_0, c_0), shapes_of(listed))


@cache
def _linen_model(cell: str, config: LSTMConfig) -> tuple[Any, Any]:
    """A model, and how it runs: compiled once."""
    nn, jax = installed("flax.linen"), installed("jax")

    def rnn() -> Any:
        return nn.RNN(getattr(nn, cell)(config.hidden_size))

    layers = [nn.Bidirectional(rnn(), rnn()) if config.bidirectional else rnn() for _ in range(config.num_layers)]
    model = nn.Sequential(layers) if config.num_layers > 1 else layers[0]
    return model, jax.jit(nn.apply(_run_flax, model))


def flax_nnx(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    return _play_nnx("LSTMCell", config, tensors, x, h_0, c_0)


def flax_nnx_optimized(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    return _play_nnx("OptimizedLSTMCell", config, tensors, x, h_0, c_0)


def _play_nnx(cell: str, config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    nnx, numbers = installed("flax.nnx"), installed("jax.numpy")
    model, run = _nnx_model(cell, config)
    paths = dict(nnx.to_flat_state(nnx.state(model, nnx.Param)))  # without the states of random generators
    parameters = {".".join(map(str, path)): parameter for path, parameter in paths.items()}
    loaded = {path: nnx.Param(numbers.asarray(tensors[".".join(map(str, path))])) for path in paths}
    nnx.update(model, nnx.from_flat_state(loaded))
    return _flax_played(run(model, by_batch(x), h_0, c_0), shapes_of(parameters))


@cache
def _nnx_model(cell: str, config: LSTMConfig) -> tuple[Any, Any]:
    """A model, and how it runs: compiled once."""
    nnx = installed("flax.nnx")

    def rnn(reads: int) -> Any:
        return nnx.RNN(getattr(nnx, cell)(reads, config.hidden_size, rngs=nnx.Rngs(0)))

    above = config.num_directions * config.hidden_size
    sizes = [config.input_size] + [above] * (config.num_layers - 1)
    layers = [nnx.Bidirectional(rnn(reads), rnn(reads)) if config.bidirectional else rnn(reads) for reads in sizes]
    return nnx.Sequential(*layers) if config.num_layers > 1 else layers[0], nnx.jit(_run_flax)


def _run_flax(model: Any, data: Any, h_0: Any, c_0: Any) -> Any:
    """Outputs by the default options, and all carries: layer by layer, as a Sequential hands on no carries."""
    starts, carries = list(zip(c_0, h_0, strict=True)), list[Any]()
    for run in getattr(model, "layers", [model]):
        both = hasattr(run, "backward_rnn")
        start = (starts.pop(0), starts.pop(0)) if both else starts.pop(0)
        final, _ = run(data, initial_carry=start, return_carry=True)
        data = run(data, initial_carry=start)
        carries += final if both else [final]
    return data, carries


def _flax_played(returned: Any, listed: Shapes) -> Played:
    outputs, carries = returned
    results = {"outputs": outputs, "c": [c for c, _ in carries], "h": [h for _, h in carries]}
    return Played(results, {"carries": carries}, listed)


PLAYERS: dict[str, Player] = {
    "pytorch": pytorch,
    "pytorch-cell": pytorch_cell,
    "keras": keras,
    "onnx": onnx,
    "flax-linen": flax_linen,
    "flax-nnx": flax_nnx,
    "flax-nnx-optimized": flax_nnx_optimized,
}
