"""Code, read and run: what is read of it is what the frameworks make of it."""

import json
import os
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.commands.shapes.foreign import foreign_shapes
from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import CONSTRUCTORS
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.model.interfaces import faces, relations
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.numerics.convert import pack
from tools.live import installed
from tools.peer_players import to_numpy

pytestmark = pytest.mark.peers

# Keras chooses its backend when it is imported; TensorFlow, its default, is not needed for this.
os.environ.setdefault("KERAS_BACKEND", "torch")


# PyTorch: the code is run, and the modules it makes are compared with what is read of the code.

TORCH_PROGRAMS = {
    "constants and a class": """
import torch
import torch.nn as nn
input_size = 28
hidden_size = 4
num_layers = 2
class Net(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, classes):
        super().__init__()
        self.hidden_size = hidden_size
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, classes)
    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])
model = Net(input_size, hidden_size, num_layers, 10)
""",
    "defaults and arithmetic": """
import torch.nn as nn
class Tagger(nn.Module):
    def __init__(self, embed=12, hidden=8, both=True):
        super().__init__()
        self.embed = nn.Embedding(100, embed)
        self.rnn = nn.LSTM(embed, hidden // 2, bidirectional=both, dropout=0.0)
        self.top = nn.LSTMCell(hidden // 2 * (2 if both else 1), 2 * hidden, bias=False)
model = Tagger()
""",
    "a dataclass of settings": """
from dataclasses import dataclass
from torch import nn
@dataclass
class Config:
    features: int = 7
    hidden: int = 16
    layers: int = 3
    proj: int = 5
class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.body = nn.LSTM(config.features, self.config.hidden, self.config.layers, proj_size=config.proj)
model = Model(Config(hidden=24))
""",
    "argparse": """
import argparse
import torch
parser = argparse.ArgumentParser()
parser.add_argument("--n-inp", type=int, default=6)
parser.add_argument("--nhid", type=int, default=9)
parser.add_argument("--no-bias", action="store_true")
args = parser.parse_args([])
class M(torch.nn.Module):
    def __init__(self, args):
        super().__init__()
        self.lstm = torch.nn.LSTM(args.n_inp, args.nhid, bias=not args.no_bias)
model = M(args)
""",
    "containers": """
import torch.nn as nn
from collections import OrderedDict
class Wrap(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.ModuleList([nn.LSTMCell(3, 4), nn.LSTMCell(4, 4)])
        self.parts = nn.ModuleDict({"enc": nn.LSTM(3, 4), "dec": nn.LSTM(4, 5)})
        self.net = nn.Sequential(nn.Linear(2, 3), nn.LSTM(3, 2))
        self.named = nn.Sequential(OrderedDict([("first", nn.Linear(2, 3)), ("rnn", nn.LSTM(3, 6))]))
        self.add_module("extra", nn.LSTM(1, 2, 2, True, True, 0.5, True))
model = Wrap()
""",
    "a dictionary of arguments": """
import torch.nn as nn
settings = {"input_size": 5, "hidden_size": 6, "num_layers": 2}
class M(nn.Module):
    def __init__(self, **kwargs):
        super().__init__()
        self.a = nn.LSTM(**settings)
        self.b = nn.LSTM(batch_first=True, **dict(input_size=3, hidden_size=4))
model = M()
""",
    "inheritance": """
import torch.nn as nn
class Base(nn.Module):
    width = 11
    def __init__(self):
        super().__init__()
        self.size = 3
class Child(Base):
    def __init__(self, kind="LSTM"):
        super().__init__()
        self.rnn = getattr(nn, kind)(self.width, self.size)
model = Child()
""",
}


@pytest.mark.parametrize("name", TORCH_PROGRAMS)
def test_torch_modules_are_those_of_the_code(name: str) -> None:
    torch = installed("torch")
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(TORCH_PROGRAMS[name], name, "exec", dont_inherit=True), names)
    model = names["model"]
    kinds = (torch.nn.LSTM, torch.nn.LSTMCell)
    live = {path: module for path, module in model.named_modules() if isinstance(module, kinds)}
    subjects = {subject.name: subject for subject in read_subjects({"source": TORCH_PROGRAMS[name]})}
    assert subjects.keys() == live.keys()
    for path, module in live.items():
        config = subjects[path].config
        assert str(config).partition("(")[2] == repr(module).partition("(")[2]
        shapes = {key: tuple(array.shape) for key, array in module.state_dict().items()}
        storage = Storage(config, subjects[path].framework)
        assert {row.name: row.shape for row in storage.parameters} == shapes


# Keras: the same.

KERAS_PROGRAMS = {
    "sequential": """
import keras
model = keras.Sequential([
    keras.Input(shape=(28, 10)),
    keras.layers.LSTM(6, return_sequences=True),
    keras.layers.Dropout(0.1),
    keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True)),
    keras.layers.LSTM(4, use_bias=False, name="last"),
    keras.layers.Dense(1),
])
""",
    "add": """
from keras.models import Sequential
from keras.layers import LSTM, Bidirectional, Dense, Embedding, Input
units = 8
model = Sequential()
model.add(Input((12,)))
model.add(Embedding(100, 16))
model.add(Bidirectional(LSTM(units, return_sequences=True), merge_mode="sum"))
model.add(Bidirectional(LSTM(units=units // 2)))
model.add(Dense(3))
""",
    "functional": """
import keras
from keras import layers
tokens, latent = 20, 7
encoder_inputs = keras.Input(shape=(None, tokens))
encoder = layers.LSTM(latent, return_state=True)
outputs, h, c = encoder(encoder_inputs)
decoder_inputs = keras.Input(shape=(None, tokens + 1))
decoder = layers.LSTM(latent, return_sequences=True, return_state=True)
x, _, _ = decoder(decoder_inputs, initial_state=[h, c])
x = layers.TimeDistributed(layers.Dense(9))(x)
x = layers.LSTM(3)(x)
model = keras.Model([encoder_inputs, decoder_inputs], x)
""",
    "convolution first": """
from keras.models import Sequential
from keras.layers import Conv1D, LSTM, MaxPooling1D, Input, RepeatVector
model = Sequential([Input((32, 4)), Conv1D(12, 3, activation="relu"), MaxPooling1D(2), LSTM(6), RepeatVector(5), LSTM(2)])
""",
}


@pytest.mark.parametrize("name", KERAS_PROGRAMS)
def test_keras_layers_are_those_of_the_code(name: str) -> None:
    keras = installed("keras")
    keras.backend.clear_session()
    names: dict[str, Any] = {}
    exec(compile(KERAS_PROGRAMS[name], name, "exec", dont_inherit=True), names)
    kinds = (keras.layers.LSTM, keras.layers.Bidirectional)
    live = [layer for layer in names["model"].layers if isinstance(layer, kinds)]
    subjects = {
        subject.found.path.split("/")[0]: subject
        for subject in read_subjects({"source": KERAS_PROGRAMS[name]})
        if subject.found
    }
    assert subjects.keys() == {layer.name for layer in live}
    for layer in live:
        subject = subjects[layer.name]
        assert subject.found is not None
        rows = Storage(subject.config, "keras", subject.found.path).parameters
        shapes = {weight.path.partition("/")[2]: tuple(weight.shape) for weight in layer.weights}
        paths = {row.name: row.shape for row in rows}
        if not isinstance(layer, keras.layers.Bidirectional):
            assert len(paths) == len(layer.weights)
        assert sorted(paths.values()) == sorted(shapes.values())
        # A weight's own path begins with the model's name, where it has been built in one.
        assert all(any(weight.path.endswith(path) for path in paths) for weight in layer.weights)


@pytest.mark.parametrize("program", sorted(KERAS_PROGRAMS))
def test_keras_json_of_a_model_says_the_same_as_its_code(program: str) -> None:
    keras = installed("keras")
    keras.backend.clear_session()
    names: dict[str, Any] = {}
    exec(compile(KERAS_PROGRAMS[program], program, "exec", dont_inherit=True), names)
    text = names["model"].to_json()
    assert json.loads(text)
    code = [subject.config for subject in read_subjects({"source": KERAS_PROGRAMS[program]})]
    assert [subject.config for subject in read_subjects({"source": text})] == code


# What goes in and comes out of Keras with its own options is what the table of frameworks says.


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("mode", ["uni", "concat", "sum", "mul", "ave", None])
def test_keras_outputs_are_what_the_options_make_of_them(mode: str | None, steps: bool) -> None:
    keras = installed("keras")
    config = LSTMConfig(3, 4, bidirectional=mode != "uni")
    rng = np.random.default_rng(5)
    weights = {row.name: rng.uniform(-1, 1, row.shape) for row in LSTMModel(config).parameters}
    layer = keras.layers.LSTM(4, return_sequences=steps, return_state=mode == "uni", dtype="float64")
    options: dict[str, object] = {"return_sequences": steps}
    if mode == "uni":
        options["return_state"] = True
    else:
        layer = keras.layers.Bidirectional(layer, merge_mode=mode, dtype="float64")
        options["merge_mode"] = mode
    x = rng.standard_normal((6, 2, 3))
    layer.build((2, 6, 3))
    layer.set_weights([np.asarray(array) for array in pack(weights, config, "keras").values()])
    returned = layer(x.swapaxes(0, 1))
    made = [to_numpy(item) for item in (returned if isinstance(returned, list | tuple) else [returned])]
    output, (h_n, c_n) = forward(config, weights, x)
    names = {"np": np, "output": output, "h_n": h_n, "c_n": c_n, "k": 0}
    said = [face for face in faces(config, DataSpec(6, 2), "keras", options) if face.role == "output" and not face.when]
    expected = [np.asarray(eval(text, {**names})) for face in said for text in relations(face, config)]
    assert len(expected) == len(made)
    for one, other, shape in zip(
        expected, made, [face.shape for face in said for _ in relations(face, config)], strict=True
    ):
        assert one.shape == other.shape == shape
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


# Flax: the modules are initialised, and the parameters of their cells compared.

LINEN: dict[str, str] = {
    "compact": """
class Model(nn.Module):
    hidden: int = 32
    @nn.compact
    def __call__(self, x):
        x = nn.RNN(nn.OptimizedLSTMCell(self.hidden))(x)
        x = nn.LayerNorm()(nn.Dense(9)(x))
        x = nn.Bidirectional(nn.RNN(nn.LSTMCell(8)), nn.RNN(nn.LSTMCell(8)))(x)
        carry, x = nn.RNN(nn.LSTMCell(5), return_carry=True)(x)
        return x
model = Model(hidden=24)
variables = model.init(jax.random.key(0), jnp.zeros((2, 7, 3)))
""",
    "words": """
class Model(nn.Module):
    words: int
    sizes: tuple = (6, 7)
    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Dropout(0.1, deterministic=not train)(nn.Embed(self.words, 12)(x))
        for size in self.sizes:
            x = nn.RNN(nn.LSTMCell(size, name=f"cell{size}"))(x)
        return nn.Dense(2)(x[:, -1])
model = Model(100)
variables = model.init(jax.random.key(0), jnp.ones((2, 7), jnp.int32))
""",
    "setup": """
class Model(nn.Module):
    size: int
    def setup(self):
        self.cells = [nn.LSTMCell(features=self.size) for _ in range(2)]
        self.rnns = [nn.RNN(cell, time_major=True) for cell in self.cells]
    def __call__(self, x):
        for rnn in self.rnns:
            x = rnn(x)
        return x
model = Model(9)
variables = model.init(jax.random.key(0), jnp.zeros((5, 2, 3)))
""",
    "a class lifted by scan": """
class Model(nn.Module):
    @nn.compact
    def __call__(self, xs):
        lifted = nn.scan(nn.LSTMCell, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1)
        lstm = lifted(features=7)
        carry = lstm.initialize_carry(jax.random.key(0), xs[:, 0].shape)
        carry, ys = lstm(carry, xs)
        return ys
model = Model()
variables = model.init(jax.random.key(0), jnp.zeros((2, 5, 3)))
""",
    "a call lifted by scan": """
class Steps(nn.Module):
    features: int
    @functools.partial(nn.transforms.scan, variable_broadcast="params", in_axes=1, out_axes=1, split_rngs={"params": False})
    @nn.compact
    def __call__(self, carry, x):
        return nn.OptimizedLSTMCell(self.features)(carry, x)
class Model(nn.Module):
    @nn.compact
    def __call__(self, x):
        carry = nn.OptimizedLSTMCell(20, parent=None).initialize_carry(jax.random.key(0), x[:, 0].shape)
        return Steps(20)(carry, x)[1]
model = Model()
variables = model.init(jax.random.key(0), jnp.zeros((2, 5, 3)))
""",
}
NNX: dict[str, str] = {
    "layers": """
class Model(nnx.Module):
    def __init__(self, inputs, hidden, *, rngs):
        self.rnn = nnx.RNN(nnx.LSTMCell(inputs, hidden, rngs=rngs))
        one = nnx.RNN(nnx.OptimizedLSTMCell(in_features=hidden, hidden_features=6, rngs=rngs))
        other = nnx.RNN(nnx.OptimizedLSTMCell(hidden, 6, rngs=rngs))
        self.both = nnx.Bidirectional(one, other, rngs=rngs)
    def __call__(self, x):
        return self.both(self.rnn(x))
model = Model(3, 4, rngs=nnx.Rngs(0))
y = model(jnp.ones((2, 5, 3)))
""",
    "cells": """
class Model(nnx.Module):
    def __init__(self, sizes, rngs):
        pairs = zip(sizes, sizes[1:])
        self.cells = nnx.List([nnx.LSTMCell(a, b, rngs=rngs) for a, b in pairs])
        self.stack = nnx.List([nnx.RNN(nnx.LSTMCell(4, 4, rngs=rngs), time_major=True, rngs=rngs) for _ in range(2)])
model = Model([3, 5, 4], nnx.Rngs(0))
""",
}
FLAX_HEAD = "import functools\nimport flax.linen as nn\nimport jax\nimport jax.numpy as jnp\nfrom flax import nnx\n"


def cells_in(tree: Any) -> list[tuple[int, int]]:
    """The sizes of the cells in variables of Linen: the kernels of their input gates."""
    if not isinstance(tree, dict):
        return []
    own = [tuple(map(int, tree["ii"]["kernel"].shape))] if "ii" in tree else []
    return [*own, *(cell for item in tree.values() for cell in cells_in(item))]  # type: ignore[list-item]  # of two axes


def read_sizes(code: str) -> list[tuple[int, int]]:
    """The sizes of the cells that are read of a program, of both directions."""
    configs = [subject.config for subject in read_subjects({"source": f"{FLAX_HEAD}{code}"})]
    return sorted((item.input_size, item.hidden_size) for item in configs for _ in range(item.num_directions))


@pytest.mark.parametrize("name", LINEN)
def test_cells_of_linen_are_those_of_the_code(name: str) -> None:
    installed("flax.linen")
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(f"{FLAX_HEAD}{LINEN[name]}", space)
    assert read_sizes(LINEN[name]) == sorted(cells_in(space["variables"]["params"]))


@pytest.mark.parametrize("name", NNX)
def test_cells_of_nnx_are_those_of_the_code(name: str) -> None:
    nnx = installed("flax.nnx")
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(f"{FLAX_HEAD}{NNX[name]}", space)
    kinds = nnx.LSTMCell | nnx.OptimizedLSTMCell
    cells = [item for _, item in nnx.iter_graph(space["model"]) if isinstance(item, kinds)]
    assert read_sizes(NNX[name]) == sorted((item.in_features, item.hidden_features) for item in cells)


# The table of constructors is that of the installed versions.


@pytest.mark.parametrize(
    "constructor",
    [
        item
        for item in CONSTRUCTORS
        if item.framework in ("keras", "flax-linen", "flax-nnx", "flax-nnx-optimized", "pytorch-cell")
    ],
    ids=lambda item: item.names[0],
)
def test_the_arguments_are_those_of_the_frameworks(constructor: Constructor) -> None:
    import inspect

    home, _, last = constructor.names[0].rpartition(".")
    module = installed(home)
    names = [
        parameter.name
        for parameter in inspect.signature(getattr(module, last).__init__).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) and parameter.name != "self"
    ]
    positional = [
        parameter.name
        for parameter in inspect.signature(getattr(module, last).__init__).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
    ]
    assert set(names) <= set(constructor.arguments)
    assert list(constructor.positional) == positional


def test_foreign_shapes_take_the_options_of_the_source() -> None:
    (subject,) = read_subjects(
        {"source": "Bidirectional(LSTM(4, return_sequences=True), merge_mode='sum')", "input_size": "3"}
    )
    module = foreign_shapes(subject, LSTMModel(subject.config))
    assert module.returns == "as called with return_sequences=True, merge_mode='sum'"
    assert next(row.shape for row in module.tensors if row.name == "output") == (3, 5, 4)
