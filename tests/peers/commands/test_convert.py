"""`lstmcalc convert` between real frameworks: each reads the file itself, and computes what the other one did."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstmcalc
from lstmcalc import LSTMConfig
from lstmcalc.numerics import convert as converting
from lstmcalc.writers import tables
from tools.live import CONFIGS, Case, case_of, differences, expressible, installed
from tools.packed_by_hand import packed
from tools.peer_players import PLAYERS, to_numpy
from tools.shell import Ran

Cli = Callable[..., Ran]
pytestmark = [
    pytest.mark.peers,
    # Keras 3.15.1 asks NumPy for an array of PyTorch's tensor, whose __array__ is of before NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
CLOSE = 1e-6
FRAMEWORKS = ("pytorch", "keras", "flax-linen", "flax-nnx", "onnx")
SUFFIXES = {"pytorch": ".pt", "keras": ".keras", "onnx": ".onnx"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))


def converted(cli: Cli, *arguments: str) -> dict[str, Any]:
    found = cli("convert", *arguments, "--json")
    assert found.code == 0, found.err + found.out
    report = json.loads(found.out)
    assert isinstance(report, dict)
    return report


# --- Files as each framework writes and reads them


def written(framework: str, case: Case) -> str:
    """A file of the framework with the weights of a case."""
    arrays = tensors_of(framework, case)
    if framework == "pytorch":
        torch = installed("torch")
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, "source.pt")
        return "source.pt"
    if framework == "keras":
        model = keras_model(case.config)
        model.set_weights(list(arrays.values()))
        model.save("source.keras")
        return "source.keras"
    if framework == "onnx":
        installed("onnx").save(onnx_graph(case.config, arrays), "source.onnx")
        return "source.onnx"
    np.savez("source.npz", **arrays)
    return "source.npz"


def onnx_graph(config: LSTMConfig, arrays: dict[str, Any]) -> Any:
    """A graph that reads (L, N, H_in), a node for each layer."""
    helper, numpy_helper = installed("onnx").helper, installed("onnx").numpy_helper
    kind, nodes, reads = installed("onnx").TensorProto.FLOAT, [], "x"
    for layer in range(config.num_layers):
        held = [f"lstm{layer}.{part}" for part in "WRB"[: 3 if config.bias else 2]]
        way = "bidirectional" if config.bidirectional else "forward"
        nodes += [
            helper.make_node("LSTM", [reads, *held], [f"y{layer}"], hidden_size=config.hidden_size, direction=way),
            helper.make_node("Transpose", [f"y{layer}"], [f"t{layer}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"t{layer}", "merged"], [f"x{layer}"]),
        ]
        reads = f"x{layer}"
    values = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    values.append(numpy_helper.from_array(np.array([0, 0, -1]), "merged"))
    given = [helper.make_tensor_value_info("x", kind, ["L", "N", config.input_size])]
    out = [helper.make_tensor_value_info(reads, kind, None)]
    return helper.make_model(
        helper.make_graph(nodes, "g", given, out, values),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def tensors_of(framework: str, case: Case) -> dict[str, Any]:
    """The weights of a case as the documentation of a framework says, by its names."""
    config = case.config
    zeros = {} if config.bias else {name: np.zeros(4 * config.hidden_size, np.float32) for name in biases(config)}
    arrays = packed(framework, config, {**zeros, **case.weights})
    if not config.bias and framework in ("pytorch", "keras", "onnx"):
        return {name: array for name, array in arrays.items() if "bias" not in name and not name.endswith(".B")}
    return arrays


def biases(config: LSTMConfig) -> list[str]:
    ends = [f"l{layer}{way}" for layer in range(config.num_layers) for way in ("", "_reverse")]
    return [f"{kind}_{end}" for kind in ("bias_ih", "bias_hh") for end in ends]


def keras_model(config: LSTMConfig) -> Any:
    keras = installed("keras")
    made = []
    for _ in range(config.num_layers):
        layer = keras.layers.LSTM(config.hidden_size, use_bias=config.bias, return_sequences=True)
        made.append(keras.layers.Bidirectional(layer) if config.bidirectional else layer)
    return keras.Sequential([keras.Input((None, config.input_size)), *made])


def read(framework: str, path: str, config: LSTMConfig) -> dict[str, Any]:
    """The arrays of a file as the framework reads them, by the names that its player takes."""
    if framework == "pytorch":
        torch = installed("torch")
        state = torch.load(path, weights_only=True)
        mapped = torch.load(path, weights_only=True, mmap=True)
        assert all(torch.equal(state[name], mapped[name]) for name in state)
        return {name: tensor.numpy() for name, tensor in state.items()}
    if framework == "keras":
        model = installed("keras").saving.load_model(path)
        names = list(packed("keras", config, {name: np.zeros((4, 1)) for name in weight_names(config)}))
        names = [name for name in names if config.bias or "bias" not in name]
        return dict(zip(names, map(to_numpy, model.weights), strict=True))
    with np.load(path) as arrays:
        return dict(arrays)


def weight_names(config: LSTMConfig) -> list[str]:
    ends = [f"l{layer}{way}" for layer in range(config.num_layers) for way in ("", "_reverse")]
    return [f"{kind}_{end}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") for end in ends]


PAIRS = [(source, target) for source, target in product(FRAMEWORKS, FRAMEWORKS) if source != target]


@pytest.mark.parametrize("config", [name for name in CONFIGS if name != "projected"])
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_pair_of_frameworks_through_files(cli: Cli, source: str, target: str, config: str) -> None:
    case = case_of(CONFIGS[config], seed=7)
    path, out = written(source, case), f"out{SUFFIXES.get(target, '.npz')}"
    played = PLAYERS[source](case.config, tensors_of(source, case), case.x, case.h_0, case.c_0)
    assert max(differences(source, played, case).values()) <= CLOSE
    framework = ["--from", source] if path.endswith(".npz") else []
    report = converted(cli, path, *framework, "--stack", "--to", target, "-o", out)
    assert report["written"] == out
    if target in ("pytorch", "keras", "onnx"):
        assert any(by.startswith("run in ") for by in report["proven_by"])
    if source.startswith("flax"):  # which always has biases: they are zeros
        case = case._replace(config=replace(case.config, bias=True))
    if target == "onnx":
        assert max(runtime_differences(out, case)) <= CLOSE
        return
    arrays = read(target, out, case.config)
    played = PLAYERS[target](case.config, arrays, case.x, case.h_0, case.c_0)
    assert max(differences(target, played, case).values()) <= CLOSE


def runtime_differences(path: str, case: Case) -> list[float]:
    """How far the output and the states of a graph are, with the data in the order in which it takes them."""
    session = installed("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0].shape[0] == "batch"
    x = case.x.swapaxes(0, 1) if first else case.x
    feeds = {"input": np.ascontiguousarray(x), "h_0": case.h_0, "c_0": case.c_0}
    output, h_n, c_n = session.run(["output", "h_n", "c_n"], feeds)
    pairs = (output.swapaxes(0, 1) if first else output, case.output), (h_n, case.h_n), (c_n, case.c_n)
    return [float(np.abs(found - expected).max()) for found, expected in pairs]


def test_a_projection_where_both_have_it(cli: Cli) -> None:
    case = case_of(CONFIGS["projected"], seed=7)
    torch = installed("torch")
    torch.save({name: torch.from_numpy(array) for name, array in case.weights.items()}, "source.pt")
    converted(cli, "source.pt", "--to", "tf1", "-o", "there.npz")
    converted(cli, "there.npz", "--from", "tf1", "--stack", "-o", "back.pt")
    played = PLAYERS["pytorch"](case.config, read("pytorch", "back.pt", case.config), case.x, case.h_0, case.c_0)
    assert max(differences("pytorch", played, case).values()) <= CLOSE
    for layout in ("keras", "onnx", "flax-linen"):
        assert not expressible(layout, case.config)
        assert cli("convert", "source.pt", "--to", layout, "-o", "none.npz").code == 2


# --- The lines that load a file


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npz"])
def test_the_lines_that_load_it_in_pytorch(cli: Cli, suffix: str, dtype: str) -> None:
    torch = installed("torch")
    torch.manual_seed(3)
    lstm = torch.nn.LSTM(3, 5, 2, bidirectional=True, batch_first=True, dtype=getattr(torch, dtype))
    torch.save(lstm, "model.pt")  # the whole module: what it computes is known
    report = converted(cli, "model.pt", "-o", f"out{suffix}")
    names: dict[str, Any] = {}
    exec("\n".join(report["load"]), names)
    loaded = names["lstm"]
    assert str(loaded) == str(lstm)
    for name, tensor in lstm.state_dict().items():
        assert torch.equal(loaded.state_dict()[name].to(tensor.dtype), tensor)
        assert loaded.state_dict()[name].dtype == (
            torch.float32 if (suffix, dtype) == (".npz", "bfloat16") else tensor.dtype
        )


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npz"])
def test_the_lines_that_load_several(cli: Cli, suffix: str) -> None:
    torch = installed("torch")
    model = torch.nn.ModuleDict({"enc": torch.nn.LSTM(3, 5), "dec2": torch.nn.LSTM(5, 4, bias=False)})
    torch.save(model.state_dict(), "model.pt")
    report = converted(cli, "model.pt", "-o", f"out{suffix}")
    names: dict[str, Any] = {}
    exec("\n".join(report["load"]), names)
    for name, lstm in model.items():
        for key, tensor in lstm.state_dict().items():
            assert torch.equal(names[name].state_dict()[key], tensor)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npz", ".keras", ".weights.h5"])
@pytest.mark.parametrize("config", ["two layers, bi", "no bias"])
def test_the_lines_that_load_it_in_keras(cli: Cli, suffix: str, config: str) -> None:
    installed("keras")
    case = case_of(CONFIGS[config], seed=5)
    np.savez("source.npz", **case.weights)  # type: ignore[arg-type]  # no array is called allow_pickle
    report = converted(cli, "source.npz", "--batch-first", "--to", "keras", "-o", f"out{suffix}")
    names: dict[str, Any] = {}
    exec("\n".join(report["load"]), names)
    x = case.x.swapaxes(0, 1)
    if "model" in names:
        output = names["model"](x)
    else:
        output = x
        for layer in [names[f"lstm_{number}"] for number in range(case.config.num_layers)]:
            output = layer(output)
    expected, _ = lstmcalc.forward(case.config, case.weights, case.x)
    np.testing.assert_allclose(to_numpy(output).swapaxes(0, 1), expected, atol=CLOSE)


@pytest.mark.parametrize("suffix", [".npz", ".keras", ".weights.h5"])
def test_a_model_of_keras_in_half_precision_is_made_on_every_backend(suffix: str) -> None:
    """JAX has no QR of float16, of which Keras makes the recurrent initializer; the backend is that of a process."""
    installed("keras"), installed("jax")
    case = case_of(CONFIGS["two layers, bi"], seed=5)
    arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in case.weights.items()}
    np.savez("source.npz", **arrays)
    report = lstmcalc.convert("source.npz", to="keras", output=f"out{suffix}", no_against=True).to_dict()
    program = "\n".join(report["load"])
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_the_lines_that_load_it_in_flax(cli: Cli, suffix: str) -> None:
    linen, nnx, jax = installed("flax.linen"), installed("flax.nnx"), installed("jax")
    case = case_of(CONFIGS["uni"], seed=5)
    np.savez("source.npz", **case.weights)  # type: ignore[arg-type]  # no array is called allow_pickle
    x = case.x.swapaxes(0, 1)
    expected, _ = lstmcalc.forward(case.config, case.weights, case.x)
    report = converted(cli, "source.npz", "--to", "flax-linen", "-o", f"linen{suffix}")
    names: dict[str, Any] = {}
    exec("\n".join(report["load"]), names)
    output = linen.RNN(linen.LSTMCell(4)).apply(names["variables"], x)
    np.testing.assert_allclose(np.asarray(output).swapaxes(0, 1), expected, atol=CLOSE)
    report = converted(cli, "source.npz", "--to", "flax-nnx", "-o", f"nnx{suffix}")
    names = {"model": nnx.RNN(nnx.LSTMCell(3, 4, rngs=nnx.Rngs(0)))}
    exec("\n".join(report["load"]), names)
    np.testing.assert_allclose(np.asarray(names["model"](jax.numpy.asarray(x))).swapaxes(0, 1), expected, atol=CLOSE)


# --- Into whole models


def test_a_model_of_keras_predicts_the_same_in_pytorch(cli: Cli) -> None:
    torch, keras = installed("torch"), installed("keras")
    source = keras.Sequential(
        [
            keras.Input((None, 6)),
            keras.layers.LSTM(5, return_sequences=True),
            keras.layers.LSTM(5, return_sequences=True),
            keras.layers.Dense(2),
        ]
    )
    source.save("source.keras")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch is not known here
        def __init__(self) -> None:
            super().__init__()
            self.rnn = torch.nn.LSTM(6, 5, 2, batch_first=True)
            self.head = torch.nn.Linear(5, 2)

        def forward(self, x: Any) -> Any:
            return self.head(self.rnn(x)[0])

    model = Net()
    kernel, bias = map(to_numpy, source.layers[-1].weights)
    with torch.no_grad():
        model.head.weight.copy_(torch.from_numpy(kernel.T.copy()))
        model.head.bias.copy_(torch.from_numpy(bias))
    torch.save({"epoch": 3, "model": model.state_dict()}, "mine.pt")
    report = converted(cli, "source.keras", "--into", "mine.pt", "--stack", "-o", "ours.pt")
    names: dict[str, Any] = {"model": model}
    exec("\n".join(report["load"]), names)
    assert torch.load("ours.pt")["epoch"] == 3
    x = np.random.default_rng(0).normal(size=(4, 9, 6)).astype(np.float32)
    expected = to_numpy(source(x))
    with torch.no_grad():
        np.testing.assert_allclose(model(torch.from_numpy(x)).numpy(), expected, atol=CLOSE)


@pytest.mark.parametrize("how", ["module", "script"])
def test_a_whole_module_keeps_all_but_its_lstm(cli: Cli, how: str) -> None:
    torch = installed("torch")
    torch.manual_seed(2)
    lstm = torch.nn.LSTM(3, 5, 2)
    torch.save(lstm.state_dict(), "source.pt")
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LSTM(3, 5, 2))
    expected = lstm(model[0](torch.ones(4, 1, 2)))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript
        torch.save(model, "mine.pt") if how == "module" else torch.jit.save(torch.jit.script(model), "mine.pt")
        report = converted(cli, "source.pt", "--into", "mine.pt", "-o", "ours.pt")
        names: dict[str, Any] = {}
        exec("\n".join(report["load"]), names)
    assert torch.allclose(names["model"](torch.ones(4, 1, 2))[0], expected, atol=CLOSE)


@pytest.mark.parametrize("how", ["zip", "old", "of an unknown class"])
def test_a_file_of_pytorch_is_run_if_pytorch_reads_it(cli: Cli, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    torch = installed("torch")
    torch.save(torch.nn.LSTM(3, 5).state_dict(), "source.pt")
    more = {"path": Path()} if how == "of an unknown class" else {}
    torch.save({"x": torch.nn.LSTM(3, 5).state_dict(), **more}, "mine.pt", _use_new_zipfile_serialization=how == "zip")
    report = converted(cli, "source.pt", "--into", "mine.pt", "-o", "ours.pt")
    (notes,) = ([note for note in module["notes"] if note.startswith("not run")] for module in report["modules"])
    if more:
        assert notes[0].startswith("not run: PyTorch does not read the file that it was put into either, ")
        return
    assert (notes, report["proven_by"][1]) == ([], f"run in PyTorch {torch.__version__}")
    load = torch.load
    spoiled = lambda name, **more: load("no-such-file" if Path(name).name != "mine.pt" else name, **more)  # noqa: E731
    monkeypatch.setattr(torch, "load", spoiled)
    found = cli("convert", "source.pt", "--into", "mine.pt", "-o", "again.pt")
    assert (found.code, Path("again.pt").exists()) == (1, False)
    assert "pytorch failed" in found.out


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_a_model_of_pytorch_predicts_the_same_in_keras(cli: Cli, suffix: str) -> None:
    torch, keras = installed("torch"), installed("keras")
    torch.manual_seed(2)
    lstm, head = torch.nn.LSTM(6, 5, bidirectional=True, batch_first=True), torch.nn.Linear(10, 2)
    torch.save(lstm.state_dict(), "source.pt")
    both = keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True))
    model = keras.Sequential([keras.Input((None, 6)), both, keras.layers.Dense(2)])
    model.layers[-1].set_weights([head.weight.detach().numpy().T, head.bias.detach().numpy()])
    model.save_weights(f"mine{suffix}") if suffix.startswith(".w") else model.save(f"mine{suffix}")
    report = converted(cli, "source.pt", "--into", f"mine{suffix}", "-o", f"ours{suffix}")
    names: dict[str, Any] = {"model": model}
    exec("\n".join(report["load"]), names)
    x = np.random.default_rng(0).normal(size=(4, 9, 6)).astype(np.float32)
    with torch.no_grad():
        expected = head(lstm(torch.from_numpy(x))[0]).numpy()
    np.testing.assert_allclose(to_numpy(names["model"](x)), expected, atol=CLOSE)


def test_a_model_of_linen_predicts_the_same_with_the_weights_of_pytorch(cli: Cli) -> None:
    torch, linen, jax = installed("torch"), installed("flax.linen"), installed("jax")
    trees = installed("flax.traverse_util")
    torch.manual_seed(2)
    lstm, head = torch.nn.LSTM(6, 5, batch_first=True), torch.nn.Linear(5, 2)
    torch.save(lstm.state_dict(), "source.pt")
    model = linen.Sequential([linen.RNN(linen.LSTMCell(5)), linen.Dense(2)])
    x = np.random.default_rng(0).normal(size=(4, 9, 6)).astype(np.float32)
    held = trees.flatten_dict(model.init(jax.random.key(0), x), sep="/")
    held["params/layers_1/kernel"] = head.weight.detach().numpy().T
    held["params/layers_1/bias"] = head.bias.detach().numpy()
    np.savez("mine.npz", **held)
    converted(cli, "source.pt", "--into", "mine.npz", "-o", "ours.npz")
    with np.load("ours.npz") as arrays:
        found = model.apply(trees.unflatten_dict(dict(arrays), sep="/"), x)
    with torch.no_grad():
        expected = head(lstm(torch.from_numpy(x))[0]).numpy()
    np.testing.assert_allclose(np.asarray(found), expected, atol=CLOSE)


def test_an_old_checkpoint_is_rescued_whole(cli: Cli) -> None:
    torch = installed("torch")
    torch.manual_seed(4)
    with pytest.warns(FutureWarning, match="weight_norm"):
        lstm = torch.nn.utils.weight_norm(torch.nn.LSTM(3, 5, 2), "weight_hh_l0")
    old = torch.nn.ModuleDict({"rnn": lstm, "head": torch.nn.Linear(5, 2), "norm": torch.nn.BatchNorm1d(5)})
    state = {f"module.{name}": tensor for name, tensor in old.state_dict().items()}
    torch.save({"state_dict": state, "lr": 0.1}, "old.tar", _use_new_zipfile_serialization=False)
    plain = torch.nn.LSTM(3, 5, 2)
    model = torch.nn.ModuleDict({"rnn": plain, "head": torch.nn.Linear(5, 2), "norm": torch.nn.BatchNorm1d(5)})
    for suffix in (".pt", ".safetensors", ".npz"):
        report = converted(cli, "old.tar", "--keep-others", "-o", f"new{suffix}")
        exec("\n".join(report["load"]), {"model": model})
        x = torch.randn(7, 2, 3)
        assert torch.allclose(model["rnn"](x)[0], old["rnn"](x)[0], atol=CLOSE)
        assert torch.equal(model["head"].weight, old["head"].weight)


# --- Proof


@pytest.mark.parametrize("order", ["".join(order) for order in permutations("ifgo")][1:])
def test_each_wrong_order_of_gates_is_caught(cli: Cli, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    case = case_of(CONFIGS["two layers, bi"], seed=1)
    np.savez("source.npz", **case.weights)  # type: ignore[arg-type]  # no array is called allow_pickle

    def pack(weights: Any, config: LSTMConfig, layout: str) -> Any:
        blocks = {name: dict(zip("ifgo", np.split(array, 4), strict=True)) for name, array in weights.items()}
        wrong = {name: np.concatenate([held[gate] for gate in order]) for name, held in blocks.items()}
        return converting.pack(wrong, config, layout)

    monkeypatch.setattr(tables, "pack", pack)
    for to in ("pytorch", "keras", "onnx", "flax-linen"):
        found = cli("convert", "source.npz", "--to", to, "--no-against", "-o", "out.npz", "--json")
        assert found.code == 1
        assert not Path("out.npz").exists()
        assert any("gate order" in text for text in json.loads(found.out)["explanations"])


# --- In memory


def test_models_in_memory_become_arrays_and_files() -> None:
    torch, keras = installed("torch"), installed("keras")
    torch.manual_seed(1)
    lstm = torch.nn.LSTM(3, 5, 2, batch_first=True)
    report = lstmcalc.convert(lstm, to="keras")
    assert report.ok
    assert report.written is None
    layers = [keras.layers.LSTM(5, return_sequences=True) for _ in range(2)]
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    output: Any = x
    for number, layer in enumerate(layers):
        layer.build(output.shape)
        layer.set_weights(list(report.arrays.values())[3 * number :][:3])
        output = layer(output)
    with torch.no_grad():
        expected = lstm(torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(to_numpy(output), expected, atol=CLOSE)
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    back = lstmcalc.convert(model, stack=True, output="lstm.pt")
    assert back.written == "lstm.pt"
    assert not back.arrays
    loaded = torch.nn.LSTM(3, 5, 2, batch_first=True)
    loaded.load_state_dict(torch.load("lstm.pt", weights_only=True))
    with torch.no_grad():
        np.testing.assert_allclose(loaded(torch.from_numpy(x))[0].numpy(), expected, atol=CLOSE)


def test_a_model_in_memory_takes_the_weights_of_another() -> None:
    torch, keras = installed("torch"), installed("keras")
    torch.manual_seed(1)
    source = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(5, return_sequences=True)])
    model = torch.nn.ModuleDict({"rnn": torch.nn.LSTM(3, 5, batch_first=True), "head": torch.nn.Linear(5, 2)})
    head = model["head"].weight.detach().clone()
    report = lstmcalc.convert(source, into=model)
    assert report.arrays.keys() == {f"rnn.{name}" for name in model["rnn"].state_dict()}
    taken = {name: torch.from_numpy(array) for name, array in report.arrays.items()}
    model.load_state_dict({**model.state_dict(), **taken})
    assert torch.equal(model["head"].weight, head)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    with torch.no_grad():
        found = model["rnn"](torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(found, to_numpy(source(x)), atol=CLOSE)
    back = lstmcalc.convert(model["rnn"], into=source).arrays
    for array, weight in zip(back.values(), source.weights, strict=True):
        np.testing.assert_allclose(array, to_numpy(weight), atol=CLOSE)
    with pytest.raises(lstmcalc.LstmcalcError, match="written to no file"):
        lstmcalc.convert(source, into=model, output="out.pt")
