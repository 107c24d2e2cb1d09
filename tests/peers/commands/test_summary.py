"""summary, live: totals against those of PyTorch and Keras, and graphs as PyTorch exports them."""

import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.live import installed
from tools.shell import Ran
from tools.whole_models import Maker

pytestmark = pytest.mark.peers
Cli = Callable[..., Ran]
MODELS = 60


def total(cli: Cli, source: str) -> Any:
    ran = cli(source, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)["total"]


@pytest.mark.parametrize("seed", range(MODELS))
def test_totals_are_those_of_pytorch(cli: Cli, tmp_path: Path, seed: int) -> None:
    torch = installed("torch")
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Maker(torch, random.Random(seed)).module()  # noqa: S311  # no secret
    wanted = sum(parameter.numel() for parameter in model.parameters())
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.save(model.state_dict(), tmp_path / "state.pt")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint.pt")
    (tmp_path / "printed.txt").write_text(f"{model}\n", encoding="utf-8")
    for name in ("state.pt", "checkpoint.pt"):
        assert total(cli, str(tmp_path / name)) == {"parameters": wanted, "bytes": 4 * wanted, "exact": True}
    printed = total(cli, str(tmp_path / "printed.txt"))
    assert (printed["parameters"], printed["exact"]) == (wanted, False)


def test_tied_weights_and_buffers_of_a_whole_module_count_as_pytorch_counts_them(cli: Cli, tmp_path: Path) -> None:
    torch = installed("torch")
    nn = torch.nn
    model = nn.ModuleDict({"embed": nn.Embedding(50, 8), "lstm": nn.LSTM(8, 8), "out": nn.Linear(8, 50)})
    model["out"].weight = model["embed"].weight
    model["norm"] = nn.BatchNorm1d(8)
    model["lstm"].register_buffer("mask", torch.ones(1000))
    wanted = sum(parameter.numel() for parameter in model.parameters())
    torch.save(model.state_dict(), tmp_path / "state.pt")
    torch.save(model, tmp_path / "whole.pt")
    assert total(cli, str(tmp_path / "whole.pt")) == {"parameters": wanted, "bytes": 4 * wanted, "exact": True}
    state = total(cli, str(tmp_path / "state.pt"))
    assert (state["parameters"], state["exact"]) in ((wanted, True), (wanted + 1000, False))


@pytest.mark.filterwarnings("ignore")  # of Keras' own
@pytest.mark.parametrize("suffix", ["json", "keras", "h5", "weights.h5"])
def test_totals_are_those_of_keras(cli: Cli, tmp_path: Path, suffix: str) -> None:
    keras = installed("keras")
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((7,)),
            layers.Embedding(50, 8),
            layers.Bidirectional(layers.LSTM(16, return_sequences=True)),
            layers.BatchNormalization(),
            layers.Bidirectional(layers.GRU(4, return_sequences=True)),
            layers.LSTM(5),
            layers.Dropout(0.2),
            layers.Dense(3),
        ]
    )
    model.compile("adam", "mse")
    path = tmp_path / f"model.{suffix}"
    if suffix == "json":
        path.write_text(model.to_json(), encoding="utf-8")
    elif suffix == "weights.h5":
        model.save_weights(path)
    else:
        model.save(path)
    count = model.count_params()
    assert total(cli, str(path)) == {"parameters": count, "bytes": 4 * count, "exact": True}


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize(
    ("kind", "streams"), [("stateful", True), ("stateless", False), ("no states out", False), ("both ways", False)]
)
def test_what_a_graph_says_of_its_states(cli: Cli, tmp_path: Path, kind: str, streams: bool, dynamo: bool) -> None:
    torch = installed("torch")
    if dynamo:
        installed("onnxscript")
    both = kind == "both ways"

    class Net(torch.nn.Module):  # type: ignore[name-defined, misc]  # torch is imported in the test
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(10, 20, 1 if both else 2, bidirectional=both)

        def forward(self, x: Any, h: Any = None, c: Any = None) -> Any:
            if kind == "stateless":
                return self.lstm(x)[0]
            output, (h, c) = self.lstm(x, (h, c))
            return output if kind == "no states out" else (output, h, c)

    state = torch.zeros(2, 3, 20)
    given = (torch.randn(5, 3, 10),) if kind == "stateless" else (torch.randn(5, 3, 10), state, state.clone())
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Net().eval(), given, path, dynamo=dynamo, input_names=["x", "h0", "c0"][: len(given)])
    graph = json.loads(cli(str(path), "--json").out)["graph"]
    assert graph["streams"] is streams
    assert graph["state_in"] == ([] if kind == "stateless" else ["h0", "c0"])
    assert len(graph["state_out"]) == (2 if kind in ("stateful", "both ways") else 0)
    assert {"tensor": "x", "axis": 1, "size": 3} in graph["fixed_axes"]


KERAS_CODE = {
    "sequential": """
model = keras.Sequential([keras.Input((None, 8)), layers.Dense(6), layers.LSTM(32, return_sequences=True)])
model.add(layers.BatchNormalization())
model.add(layers.Bidirectional(layers.GRU(5, return_sequences=True)))
model.add(layers.TimeDistributed(layers.Dense(3)))
model.add(layers.Conv1D(4, 2))
model.add(layers.Flatten())
""",
    "functional, with a layer that is called twice": """
words, more = keras.Input((7,)), keras.Input((7,))
embed = layers.Embedding(100, 12)
one, two = layers.LSTM(9)(embed(words)), layers.LSTM(9, name="second")(embed(more))
both = layers.Dropout(0.1)(layers.concatenate([one, two]))
model = keras.Model([words, more], layers.Dense(2, use_bias=False)(both))
""",
    "models in models": """
encoder = keras.Sequential([layers.Conv2D(3, 2), layers.LayerNormalization(), layers.GlobalAveragePooling2D()])
inputs = keras.Input((5, 8, 8, 1))
steps = layers.TimeDistributed(encoder)(inputs)
model = keras.Model(inputs, layers.Dense(4)(layers.LSTM(6)(steps)))
""",
    "a class": """
class Tagger(keras.Model):
    def __init__(self, width=16):
        super().__init__()
        self.embed = layers.Embedding(50, width)
        self.blocks = [layers.Dense(width, activation="relu") for _ in range(2)]
        self.rnn = layers.LSTM(width, return_sequences=True)
        self.head = layers.Dense(5)
    def call(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.rnn(x))
model = Tagger()
model(ops.zeros((2, 7)))
""",
}


@pytest.mark.parametrize("name", KERAS_CODE)
def test_totals_of_code_are_those_of_keras(
    cli: Cli, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    installed("keras")
    code = f"import keras\nfrom keras import layers, ops\n{KERAS_CODE[name]}"
    space: dict[str, Any] = {}
    exec(code, space)
    (tmp_path / "a.py").write_text(code, encoding="utf-8")
    count = space["model"].count_params()
    assert total(cli, str(tmp_path / "a.py")) == {"parameters": count, "bytes": 4 * count, "exact": True}
