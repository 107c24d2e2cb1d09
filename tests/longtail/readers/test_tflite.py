"""Files of TensorFlow's converter against LiteRT, which runs them: the LSTM that is read computes what it computes."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from lstmcalc import forward
from lstmcalc.intake.load import load_weights
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.readers.tflite.streaming import graph_row
from lstmcalc.spec.activations import activations_of
from tools.tflite_models import RECIPES, Recipe, converted, played, random_recipe, write

pytestmark = pytest.mark.longtail

# How far apart both may be: the hybrid kernels quantize what they multiply, the integer one everything.
_TOLERANCE = {"": 1e-5, "float16": 1e-5, "hybrid": 0.06, "int8": 0.1}


@pytest.mark.parametrize("name", RECIPES)
def test_the_lstm_computes_what_litert_computes(name: str, tmp_path: Path) -> None:
    check(RECIPES[name], len(name), tmp_path)


@pytest.mark.parametrize("seed", range(10))
def test_any_layer_computes_what_litert_computes(seed: int, tmp_path: Path) -> None:
    check(random_recipe(seed), seed, tmp_path)


def check(recipe: Recipe, seed: int, tmp_path: Path) -> None:
    """The LSTM of a converted model computes what LiteRT does."""
    path = write(tmp_path, "model", converted(recipe, seed))
    (found,) = read_weights(path)
    config = replace(found.stored.config, batch_first=False)
    assert (config.input_size, found.gaps, found.stored.missing) == (recipe.inputs, {}, ())
    draw = np.random.default_rng(seed)
    x = draw.normal(0, 1, (recipe.batch, recipe.steps, recipe.inputs)).astype(np.float32)
    states = [draw.normal(0, 1, (recipe.batch, config.hidden_size)).astype(np.float32) for _ in range(2)]
    results = played(Path(path).read_bytes(), [x, *states] if recipe.states else [x])
    weights, functions = load_weights(found), activations_of(found.framework, found.options)
    before = (states[0][None], states[1][None]) if recipe.states else None
    output, (h_n, c_n) = forward(config, weights, x.swapaxes(0, 1), before, activations=functions)
    wanted = [output.swapaxes(0, 1), h_n[0], c_n[0]] if recipe.states else [output.swapaxes(0, 1)]
    wanted = wanted if recipe.sequence else [h_n[-1]]
    for own in wanted:
        near = [np.abs(result - own).max() for result in results if result.shape == own.shape]
        assert near, [result.shape for result in results]
        assert min(near) < _TOLERANCE[recipe.mode]


@pytest.mark.parametrize("name", ["fused", "unrolled", "hard sigmoid", "float16"])
def test_any_other_order_of_gates_computes_something_else(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    path = write(tmp_path, "model", converted(recipe))
    (found,) = read_weights(path)
    x = np.random.default_rng(3).normal(0, 1, (recipe.batch, recipe.steps, recipe.inputs)).astype(np.float32)
    (result,) = played(Path(path).read_bytes(), [x])
    weights, functions = load_weights(found), activations_of(found.framework, found.options)
    config = replace(found.stored.config, batch_first=False)
    for order in permutations(range(4)):
        moved = {key: np.concatenate([np.split(array, 4)[at] for at in order]) for key, array in weights.items()}
        output, _ = forward(config, moved, x.swapaxes(0, 1), activations=functions)
        assert (np.abs(output.swapaxes(0, 1) - result).max() < 1e-5) == (order == (0, 1, 2, 3))


@pytest.mark.parametrize(
    ("name", "streams"),
    [("fused", True), ("stateful", True), ("states", True), ("relu", False), ("bidirectional", False)],
)
def test_what_is_said_of_streaming_is_so(name: str, streams: bool, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    body = converted(recipe)
    row = graph_row(write(tmp_path, "model", body))
    assert row.streams is streams
    if recipe.states:
        assert len(row.state_in) == len(row.state_out) == 2
        return
    x = np.random.default_rng(4).normal(0, 1, (recipe.batch, recipe.steps, recipe.inputs)).astype(np.float32)
    once, twice = played(body, [x]), played(body, [x], calls=2)
    if name != "bidirectional":  # its states stay, but the sequence has no next part
        assert (np.abs(once[0] - twice[0]).max() > 1e-4) == streams


def test_unrolled_directions_are_two_lstms(tmp_path: Path) -> None:
    recipe = Recipe(lambda keras: [keras.layers.Bidirectional(keras.layers.LSTM(3, unroll=True))], steps=3)
    path = write(tmp_path, "model", converted(recipe))
    x = np.random.default_rng(5).normal(0, 1, (1, 3, recipe.inputs)).astype(np.float32)
    (result,) = played(Path(path).read_bytes(), [x])
    for found in read_weights(path):
        sequence = x[:, ::-1] if "backward" in found.name else x
        _, (h_n, _) = forward(found.stored.config, load_weights(found), sequence.swapaxes(0, 1))
        assert min(np.abs(half - h_n[0]).max() for half in (result[:, :3], result[:, 3:])) < 1e-5


def test_a_clip_of_c_is_computed(tmp_path: Path) -> None:
    recipe = RECIPES["fused"]
    path = write(tmp_path, "model", converted(recipe))
    (found,) = read_weights(path)
    assert found.options == {"cell_clip": 10.0}


def test_quantized_tensors_are_listed_as_they_are_stored(tmp_path: Path) -> None:
    file = open_weights(write(tmp_path, "model", converted(RECIPES["int8"])))
    assert {tensor.dtype for tensor in file.tensors} >= {"int8", "int32"}
