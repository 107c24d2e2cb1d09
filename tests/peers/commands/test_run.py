"""Runs of files that live frameworks wrote: what comes out is what the framework itself computes."""

import contextlib
import json
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.live import installed
from tools.shell import Ran

Cli = Callable[..., Ran]

pytestmark = pytest.mark.peers


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(number: int) -> Any:
    """A random `nn.LSTM`, in a module, as after some training: its weights are larger than the initial ones."""
    torch = installed("torch")
    chosen = random.Random(number)  # noqa: S311
    hidden, layers = chosen.choice([3, 20, 65]), chosen.choice([1, 2, 3])
    torch.manual_seed(number)
    lstm = torch.nn.LSTM(
        chosen.choice([1, 7, 40]),
        hidden,
        layers,
        bias=chosen.random() < 0.7,
        bidirectional=chosen.random() < 0.5,
        proj_size=chosen.choice([0, 0, hidden // 2]),
    )
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.mul_(chosen.choice([1.0, 1.5]))
    return torch.nn.ModuleDict({"rnn": lstm})


def save_safetensors(model: Any, path: str) -> None:
    pytest.importorskip("safetensors.torch").save_file(dict(model.state_dict()), path)


def save_torch(model: Any, path: str) -> None:
    installed("torch").save(model.state_dict(), path)


def save_checkpoint(model: Any, path: str) -> None:
    installed("torch").save({"epoch": 3, "model_state": model.state_dict()}, path)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("number", range(8))
def test_other_functions_than_those_of_pytorch(cli: Cli, number: int, suffix: str) -> None:
    keras = installed("keras")
    chosen, draw = random.Random(number), np.random.default_rng(number)  # noqa: S311
    gates, inner = ("hard_sigmoid", "sigmoid")[number % 2 * (number % 4 // 2)], ("tanh", "relu")[number % 2]
    lstm = keras.layers.LSTM(
        chosen.choice([2, 5]), activation=inner, recurrent_activation=gates, return_sequences=True, name="lstm"
    )
    layer = keras.layers.Bidirectional(lstm, name="both") if chosen.random() < 0.5 else lstm
    model = keras.Sequential([keras.Input((6, 3)), layer])
    model.set_weights([draw.standard_normal(array.shape) for array in model.weights])
    x = draw.standard_normal((2, 6, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format is old, which is the point
        model.save(f"model.{suffix}")
    np.save("x.npy", x)
    found = cli("run", f"model.{suffix}", "--input", "x.npy", "--against", "keras", "--save", "run.npz", "--json")
    assert found.code == 0, found.err
    (module,) = json.loads(found.out)["modules"]
    assert module["activations"] == {"gates": gates.replace("hard_sigmoid", "hard_sigmoid:1/6"), "cell": inner}
    with np.load("run.npz") as arrays:
        theirs = keras.ops.convert_to_numpy(model(x))
        np.testing.assert_allclose(arrays["output"], theirs, rtol=1e-5, atol=1e-5)


def executed(code: str) -> dict[str, Any]:
    """What is called what, after the code of a report was executed."""
    names: dict[str, Any] = {}
    with quiet(), installed("torch").no_grad():
        exec(code, names)
    return names


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # torch 2.13.0 warns of its own choice of a kernel.
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN", UserWarning)
        yield


@pytest.mark.parametrize("save", [save_safetensors, save_torch, save_checkpoint])
@pytest.mark.parametrize("number", range(8))
def test_the_output_is_that_of_pytorch(cli: Cli, number: int, save: Callable[[Any, str], None]) -> None:
    torch, model = installed("torch"), made(number)
    path = "model.safetensors" if save is save_safetensors else "model.pt"
    save(model, path)
    lstm = model["rnn"]
    x = np.random.default_rng(number).normal(size=(9, 3, lstm.input_size)).astype(np.float32)
    np.save("x.npy", x)
    ran = cli("run", path, "--input", "x.npy", "--against", "torch", "--save", "out.npz", "--json")
    assert ran.code == 0, (ran.out, ran.err)
    with torch.no_grad(), quiet():
        output, (h_n, c_n) = lstm(torch.from_numpy(x))
    (module,) = json.loads(ran.out)["modules"]
    names = executed(module["reproduce"])
    with np.load("out.npz") as arrays:
        for name, theirs in (("output", output), ("h_n", h_n), ("c_n", c_n)):
            np.testing.assert_allclose(arrays[name], theirs.numpy(), rtol=0, atol=1e-6)
            np.testing.assert_array_equal(names[name].numpy(), theirs.numpy())


@pytest.mark.parametrize("arguments", [(), ("--head", "4"), ("--embed", "9"), ("--lengths", "2,5,1")])
def test_the_code_draws_what_was_drawn(cli: Cli, arguments: tuple[str, ...]) -> None:
    model = made(3)
    save_torch(model, "model.pt")
    ran = cli("run", "model.pt", "--seed", "11", "--save", "run.npz", "--json", *arguments)
    assert ran.code == 0, ran.err
    names = executed(json.loads(ran.out)["modules"][0]["reproduce"])
    with np.load("run.npz") as arrays:
        for name in ("input", "h_0", "c_0"):
            np.testing.assert_array_equal(names[name].detach().numpy(), arrays[name])
        np.testing.assert_allclose(names["output"].detach().numpy(), arrays["output"], rtol=0, atol=1e-6)


def test_the_code_of_a_file_with_other_names_loads_what_was_saved(cli: Cli) -> None:
    torch, model = installed("torch"), made(1)
    torch.save(model, "module.pt")  # a whole module: PyTorch itself would run code of it
    ran = cli("run", "module.pt", "--save", "kept.npz", "--json")
    assert ran.code == 0, ran.err
    names = executed(json.loads(ran.out)["modules"][0]["reproduce"])
    with np.load("kept.npz") as arrays:
        np.testing.assert_allclose(names["output"].detach().numpy(), arrays["output"], rtol=0, atol=1e-6)


def test_a_cell_of_pytorch(cli: Cli) -> None:
    torch = installed("torch")
    torch.manual_seed(0)
    cell = torch.nn.LSTMCell(4, 6)
    torch.save(torch.nn.ModuleDict({"cell": cell}).state_dict(), "cell.pt")
    x = np.random.default_rng(0).normal(size=(5, 2, 4)).astype(np.float32)
    np.save("x.npy", x)
    ran = cli("run", "cell.pt", "--input", "x.npy", "--save", "out.npz", "--json")
    assert ran.code == 0, ran.err
    state, steps = None, []
    with torch.no_grad():
        for step in torch.from_numpy(x):
            state = cell(step, state)
            steps.append(state[0].numpy())
    names = executed(json.loads(ran.out)["modules"][0]["reproduce"])
    with np.load("out.npz") as arrays:
        np.testing.assert_allclose(arrays["output"], np.stack(steps), rtol=0, atol=1e-6)
        np.testing.assert_allclose(names["output"].detach().numpy(), np.stack(steps), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        "--hidden 7",
        "--hidden 7 --layers 3 --no-bias",
        "--hidden 7 --layers 2 --bi",
        "--hidden 7 --layers 2 --bi --lengths 4,2,3,1",
        "--hidden 7 --layers 2 --batch-first --lengths 1,4 --seq 6",
        "--hidden 7 --bi --unbatched",
        "--hidden 7 --input 3 --batch 1 --seq 1",
    ],
)
def test_keras_computes_the_same(cli: Cli, arguments: str) -> None:
    installed("keras")
    ran = cli("run", "--against", "keras", "--json", *arguments.split())
    assert ran.code == 0, (ran.out, ran.err)
    (module,) = json.loads(ran.out)["modules"]
    compared = [check["name"] for check in module["checks"] if "Keras 3." in check["name"]]
    assert [name.partition(" ")[0] for name in compared] == ["output", "h_n", "c_n"]


def test_keras_computes_a_file_of_its_own(cli: Cli) -> None:
    keras = installed("keras")
    made = keras.Sequential([keras.Input((None, 5)), keras.layers.Bidirectional(keras.layers.LSTM(4))])
    path = "model.weights.h5"
    with warnings.catch_warnings():
        # Keras 3.15.1 asks NumPy for an array in the way of before NumPy 2.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        made.save_weights(path)
    ran = cli("run", path, "--against", "keras")
    assert ran.code == 0, (ran.out, ran.err)
