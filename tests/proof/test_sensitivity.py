"""How much of the last bit an LSTM makes: as much as two right computations are apart, and no more."""

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.proof.closeness import check_close
from lstmcalc.proof.sensitivity import TIMES, rounding_change, rounding_notes
from tools.weight_writers import random_weights


@pytest.mark.parametrize("scale", [0.03, 0.3, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("config", [LSTMConfig(10, 20, 2, bidirectional=True), LSTMConfig(5, 8, proj_size=3)])
def test_float32_is_not_farther_from_float64(config: LSTMConfig, scale: float) -> None:
    random = np.random.default_rng(3)
    cells = config.num_layers * config.num_directions
    weights = {name: (array * scale).astype("f") for name, array in random_weights(config).items()}
    shapes = {
        "input": (40, 2, config.input_size),
        "h_0": (cells, 2, config.output_size),
        "c_0": (cells, 2, config.hidden_size),
    }
    inputs = {name: random.normal(size=shape).astype("f") for name, shape in shapes.items()}
    results = []
    for dtype in ("f", "d"):
        own = {name: array.astype(dtype) for name, array in {**weights, **inputs}.items()}
        state = own.pop("h_0"), own.pop("c_0")
        output, (h_n, c_n) = forward(config, {name: own[name] for name in weights}, own["input"], state)
        results.append((output, h_n, c_n))
    apart = check_close("", zip(*results, strict=True), 0.0).actual
    moved = rounding_change(config, DataSpec(40, 2), weights, inputs)
    assert 0 < apart <= TIMES * moved


def test_small_weights_make_little_of_it() -> None:
    config = LSTMConfig(3, 4)
    weights = {name: (array * 0.1).astype("f") for name, array in random_weights(config).items()}
    shapes = {"input": (50, 1, 3), "h_0": (1, 1, 4), "c_0": (1, 1, 4)}
    inputs = {name: np.ones(shape, "f") for name, shape in shapes.items()}
    moved = rounding_change(config, DataSpec(50, 1), weights, inputs)
    assert moved < 1e-5
    assert not rounding_notes(moved)


def test_nothing_is_said_of_drawn_weights() -> None:
    assert not rounding_notes(None)
    assert len(rounding_notes(1.0)) == 1
