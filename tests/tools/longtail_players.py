"""Frameworks that are at home in research or on devices: what each computes with tensors packed by us.

Each public function is a player of `live`, as in `peer_players`.
"""

from typing import Any

import numpy as np

from lstmcalc import LSTMConfig
from lstmcalc.numerics.arrays import Array
from tools.live import Played, Player, Shapes, Tensors, by_batch, installed, shapes_of
from tools.peer_players import Cell, Module, modules, play_cells, stack

# --- JAX


def haiku(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """hk.DeepRNN for several layers; where both directions are read, two modules for each layer, by hand."""
    hk, jax = installed("haiku"), installed("jax")
    starts = [hk.LSTMState(h, c) for h, c in zip(h_0, c_0, strict=True)]
    run = hk.transform(_run_haiku_both if config.bidirectional else _run_haiku)
    arguments = (hk, config.hidden_size, x, starts)
    created = jax.eval_shape(lambda key: run.init(key, *arguments), jax.random.key(0))
    listed = {f"{module}/{name}": array.shape for module, held in created.items() for name, array in held.items()}
    loaded: dict[str, dict[str, Array]] = {}
    for path, array in tensors.items():
        module, _, name = path.rpartition("/")
        loaded.setdefault(module, {})[name] = array
    outputs, states = run.apply(loaded, None, *arguments)
    results = {
        "outputs": outputs,
        "state.hidden": [one.hidden for one in states],
        "state.cell": [one.cell for one in states],
    }
    return Played(results, {"states": states}, listed)


def _run_haiku(hk: Any, size: int, x: Array, starts: list[Any]) -> tuple[list[Any], list[Any]]:
    if len(starts) == 1:
        outputs, final = hk.dynamic_unroll(hk.LSTM(size), x, starts[0])
        return [outputs], [final]
    deep = hk.DeepRNN([hk.LSTM(size) for _ in starts])
    outputs, states = hk.dynamic_unroll(deep, x, tuple(starts))
    return [outputs], list(states)


def _run_haiku_both(hk: Any, size: int, x: Array, starts: list[Any]) -> tuple[list[Any], list[Any]]:
    numbers = installed("jax.numpy")
    states = []
    for layer in range(len(starts) // 2):
        outputs = []
        for reverse in (False, True):
            output, final = hk.dynamic_unroll(hk.LSTM(size), x, starts[2 * layer + reverse], reverse=reverse)
            outputs.append(output)
            states.append(final)
        x = numbers.concatenate(outputs, axis=-1)
    return outputs, states


def equinox(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    eqx, jax = installed("equinox"), installed("jax")

    def load(module: Module) -> Cell:
        names = list(module.tensors)
        cell = eqx.nn.LSTMCell(module.reads, config.hidden_size, use_bias=config.bias, key=jax.random.key(0))
        listed = shapes_of({name: array for name, array in vars(cell).items() if eqx.is_array(array)})
        cell = eqx.tree_at(lambda cell: [getattr(cell, name) for name in names], cell, list(module.tensors.values()))
        run = jax.vmap(cell)
        return Cell(lambda x, h, c: run(x, (h, c)), listed)

    played = play_cells(config, tensors, x, h_0, c_0, load)
    # A cell knows no batch: what the table describes is what it returns for one sequence.
    return played._replace(results={name: [array[0] for array in found] for name, found in played.results.items()})


# --- MLX, tinygrad


def mlx(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    nn, mx = installed("mlx.nn"), installed("mlx.core")
    layers, listed = [], Shapes()
    for module in modules(config, tensors):
        lstm = nn.LSTM(module.reads, config.hidden_size, config.bias)
        listed |= {module.path + name: shape for name, shape in shapes_of(lstm.parameters()).items()}
        lstm.load_weights([(name, mx.array(array)) for name, array in module.tensors.items()])
        layers.append(lstm)
    hidden, cell = [], []

    def run(k: int, data: Array) -> Array:
        h, c = layers[k](mx.array(by_batch(data)), mx.array(h_0[k]), mx.array(c_0[k]))
        hidden.append(np.array(h))
        cell.append(np.array(c))
        return by_batch(hidden[-1])

    stack(config, x, run)
    last = -config.num_directions
    return Played({"hidden": hidden[last:], "cell": cell[last:]}, {"hidden": hidden, "cell": cell}, listed)


def tinygrad(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    tiny = installed("tinygrad")

    def load(module: Module) -> Cell:
        cell = tiny.nn.LSTMCell(module.reads, config.hidden_size, config.bias)
        listed = shapes_of(tiny.nn.state.get_state_dict(cell))
        loaded = {name: tiny.Tensor(array) for name, array in module.tensors.items()}
        tiny.nn.state.load_state_dict(cell, loaded, verbose=False)

        def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
            h_n, c_n = cell(tiny.Tensor(x), (tiny.Tensor(h), tiny.Tensor(c)))
            return h_n.numpy(), c_n.numpy()

        return Cell(step, listed)

    with tiny.Context(DEV="PYTHON"):  # every other device needs a compiler or a GPU
        return play_cells(config, tensors, x, h_0, c_0, load)


# --- OpenVINO


def openvino(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """One model of an operation for each layer; what is packed are its constants."""
    library, ops = installed("openvino"), installed("openvino.opset5")
    data, each, results = ops.constant(by_batch(x)), config.num_directions, []
    for layer in range(config.num_layers):
        own = slice(layer * each, (layer + 1) * each)
        lstm = ops.lstm_sequence(
            data,
            by_batch(h_0[own]),
            by_batch(c_0[own]),
            np.full(x.shape[1], x.shape[0]),
            *(tensors[f"lstm{layer}.{name}"] for name in "WRB"),
            config.hidden_size,
            "BIDIRECTIONAL" if config.bidirectional else "FORWARD",
        )
        results += lstm.outputs()
        # (N, D, L, H_cell) to the (N, L, D*H_cell) that the next layer reads
        data = ops.reshape(ops.transpose(lstm.output(0), [0, 2, 1, 3]), [0, 0, -1], special_zero=True)
    model = library.Model(results, [])
    compiled = library.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [np.array(array) for array in compiled([]).values()]
    words = {"Ho": found[1::3], "Co": found[2::3]}
    return Played({"Y": found[-3], **words}, words)


# --- PaddlePaddle


def paddle(config: LSTMConfig, tensors: Tensors, x: Array, h_0: Array, c_0: Array) -> Played:
    """An LSTM with biases in any case: without them, and without a projection, paddlepaddle 3.3.1 does not run."""
    framework = installed("paddle")
    lstm = framework.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        "bidirect" if config.bidirectional else "forward",
        proj_size=config.proj_size,
    )
    stored = lstm.state_dict()
    for name, array in tensors.items():
        stored[name].set_value(array)
    output, (h, c) = lstm(framework.to_tensor(by_batch(x)), (framework.to_tensor(h_0), framework.to_tensor(c_0)))
    words = {"h": h.numpy(), "c": c.numpy()}
    results = {"output": output.numpy(), "h_n": words["h"], "c_n": words["c"]}
    return Played(results, words, _paddle_names(config, shapes_of(stored)))


def _paddle_names(config: LSTMConfig, listed: Shapes) -> Shapes:
    """Every array is listed twice: those names that are right."""
    return {name: shape for name, shape in listed.items() if (".cell" in name) == bool(config.proj_size)}


PLAYERS: dict[str, Player] = {
    "haiku": haiku,
    "equinox": equinox,
    "mlx": mlx,
    "tinygrad": tinygrad,
    "openvino": openvino,
    "paddle": paddle,
}
