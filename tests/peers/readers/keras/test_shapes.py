"""Shapes after Keras' layers, and the order of their arguments, held against the installed Keras."""

import inspect
import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lstmcalc.readers.keras.positional import POSITIONAL
from lstmcalc.readers.keras.shapes import KNOWN, shape_after

os.environ.setdefault("KERAS_BACKEND", "torch")
pytestmark = pytest.mark.peers
keras = pytest.importorskip("keras")

Draw = Callable[[random.Random], Mapping[str, Any]]


def convolution(rng: random.Random) -> Mapping[str, Any]:
    stride = rng.choice([1, 1, 2])
    return {
        "filters": rng.randint(1, 6),
        "kernel_size": rng.randint(1, 3),
        "strides": stride,
        "padding": rng.choice(["valid", "same"]),
        "dilation_rate": rng.choice([1, 2]) if stride == 1 else 1,
        "data_format": rng.choice(["channels_last", "channels_first"]),
    }


def depthwise(rng: random.Random) -> Mapping[str, Any]:
    drawn = {name: value for name, value in convolution(rng).items() if name != "filters"}
    return {**drawn, "depth_multiplier": rng.randint(1, 3)}


def pool(rng: random.Random) -> Mapping[str, Any]:
    return {
        "pool_size": rng.randint(1, 3),
        "strides": rng.choice([None, 1, 2]),
        "padding": rng.choice(["valid", "same"]),
        "data_format": rng.choice(["channels_last", "channels_first"]),
    }


def pool_all(rng: random.Random) -> Mapping[str, Any]:
    return {"keepdims": rng.random() < 0.5, "data_format": rng.choice(["channels_last", "channels_first"])}


def recurrent(rng: random.Random) -> Mapping[str, Any]:
    return {"units": rng.randint(1, 6), "return_sequences": rng.random() < 0.5}


# Layers, the ranks of what they take (the batch among them), and their arguments.
CASES: tuple[tuple[str, tuple[int, ...], Draw], ...] = (
    *((name, (2, 3, 4), lambda _: {}) for name in ("ReLU", "LeakyReLU", "ELU", "Softmax", "LayerNormalization")),
    *((name, (2, 3, 4), lambda _: {}) for name in ("BatchNormalization", "Masking", "Identity", "UnitNormalization")),
    *((name, (2, 3, 4), lambda _: {"rate": 0.5}) for name in ("Dropout", "AlphaDropout", "GaussianDropout")),
    ("Dense", (2, 3, 4), lambda rng: {"units": rng.randint(1, 9)}),
    ("Embedding", (2, 3), lambda rng: {"input_dim": 9, "output_dim": rng.randint(1, 9)}),
    *((name, (3,), recurrent) for name in ("LSTM", "GRU", "SimpleRNN")),
    *((f"Conv{rank}D", (rank + 2,), convolution) for rank in (1, 2, 3)),
    *((f"Conv{rank}DTranspose", (rank + 2,), convolution) for rank in (1, 2)),
    *((f"SeparableConv{rank}D", (rank + 2,), convolution) for rank in (1, 2)),
    *((f"DepthwiseConv{rank}D", (rank + 2,), depthwise) for rank in (1, 2)),
    *((f"{name}Pooling{rank}D", (rank + 2,), pool) for name in ("Max", "Average") for rank in (1, 2, 3)),
    *((f"Global{name}Pooling{rank}D", (rank + 2,), pool_all) for name in ("Max", "Average") for rank in (1, 2, 3)),
    ("RepeatVector", (2,), lambda rng: {"n": rng.randint(1, 9)}),
    ("Flatten", (2, 3, 4), lambda _: {}),
    ("Permute", (4,), lambda rng: {"dims": tuple(rng.sample([1, 2, 3], 3))}),
    ("ZeroPadding1D", (3,), lambda rng: {"padding": rng.choice([2, (1, 3)])}),
    ("ZeroPadding2D", (4,), lambda rng: {"padding": rng.choice([2, (1, 3), ((1, 2), (3, 0))])}),
    ("Cropping1D", (3,), lambda rng: {"cropping": rng.choice([1, (1, 2)])}),
    ("Cropping2D", (4,), lambda rng: {"cropping": rng.choice([1, (1, 2), ((1, 2), (0, 1))])}),
    ("UpSampling1D", (3,), lambda rng: {"size": rng.randint(1, 3)}),
    ("UpSampling2D", (4,), lambda rng: {"size": rng.choice([2, (1, 3)])}),
    ("CategoryEncoding", (2,), lambda rng: {"num_tokens": rng.randint(2, 9)}),
)


@pytest.mark.parametrize(("kind", "ranks", "draw"), CASES, ids=[case[0] for case in CASES])
def test_a_layer_returns_the_shape_that_keras_computes(kind: str, ranks: tuple[int, ...], draw: Draw) -> None:
    assert kind in KNOWN
    rng = random.Random(kind)  # noqa: S311  # no secret
    for _ in range(20):
        config = draw(rng)
        shape = (rng.choice([None, 5]), *(rng.randint(7, 12) for _ in range(rng.choice(ranks) - 1)))
        told = tuple(getattr(keras.layers, kind)(**config).compute_output_shape(shape))
        assert shape_after(kind, config, [shape]) == told, (config, shape)


@pytest.mark.parametrize("target", [(6, 4), (-1, 8), (2, -1, 3), (24,), (-1,)])
def test_a_reshape_divides_what_is_there(target: tuple[int, ...]) -> None:
    for shape in ((None, 24), (2, 4, 6), (None, 2, 3, 4)):
        told = tuple(keras.layers.Reshape(target).compute_output_shape(shape))
        assert shape_after("Reshape", {"target_shape": target}, [shape]) == told


@pytest.mark.parametrize("kind", ["Add", "Average", "Maximum", "Minimum", "Multiply", "Concatenate"])
def test_several_inputs_give_the_shape_that_keras_computes(kind: str) -> None:
    for pair in (((None, 4, 6), (None, 4, 6)), ((2, 1, 6), (2, 4, 6)), ((3, 5), (3, 5))):
        if kind == "Concatenate" and pair[0] != pair[1]:
            continue
        told = tuple(getattr(keras.layers, kind)().compute_output_shape(list(pair)))
        assert shape_after(kind, {}, list(pair)) == told


@pytest.mark.parametrize("kind", sorted(POSITIONAL))
def test_arguments_by_position_are_keras_own(kind: str) -> None:
    if not hasattr(keras.layers, kind):
        pytest.skip("an older Keras has this name")
    parameters = [
        name
        for name, item in inspect.signature(getattr(keras.layers, kind).__init__).parameters.items()
        if item.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and name != "self"
    ]
    assert list(POSITIONAL[kind]) == parameters[: len(POSITIONAL[kind])]
