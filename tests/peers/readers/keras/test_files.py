"""What Keras 3 saves is read as what was saved, in each of its three formats: every array, and what it computes."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import forward, lstms_in
from lstmcalc.frameworks.storage import parameters
from lstmcalc.numerics.convert import unpack
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.keras.files import read_hdf5, read_keras
from lstmcalc.readers.recognise.recognition import recognise
from tools.live import installed
from tools.recorded_weights import computed, config_of, read_stated

# Keras chooses its backend when it is imported; TensorFlow, its default, is not needed for this.
os.environ.setdefault("KERAS_BACKEND", "torch")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SUFFIXES = ("keras", "h5", "weights.h5")


def saved(model: Any, folder: Path, suffix: str) -> WeightFile:
    path = folder / f"model.{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "You are saving your model as an HDF5 file", which is the point
        (model.save_weights if suffix == "weights.h5" else model.save)(path)
    return (read_keras if suffix == "keras" else read_hdf5)(str(path))


@pytest.fixture(name="keras")
def _keras() -> Any:
    return installed("keras")


def numbers(tensor: Any) -> Any:
    return installed("keras").ops.convert_to_numpy(tensor)


def rows(width: int) -> Any:
    return np.random.default_rng(2).standard_normal((2, 6, width)).astype(np.float32)


def shuffled(model: Any) -> Any:
    draw = np.random.default_rng(1)
    model.set_weights([draw.standard_normal(array.shape).astype(np.float32) / 2 for array in model.weights])
    return model


def check(file: WeightFile, lstms: list[tuple[Any, int]]) -> None:
    """Each LSTM of the model, with the width it reads, is one of the file with the same arrays and the same result."""
    left = [stated for stated in file.stated if stated.kind.endswith(("LSTM", "LSTMCell"))]
    assert len(left) == len(lstms)
    for layer, width in lstms:
        wanted = [numbers(array) for array in layer.weights]
        held = [
            stated
            for stated in left
            if [array.shape for array in read_stated(file, stated).values()] == [array.shape for array in wanted]
            and all(map(np.array_equal, read_stated(file, stated).values(), wanted))
        ]
        assert len(held) == 1
        x = rows(width)
        np.testing.assert_allclose(computed(file, held[0], x), numbers(layer(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_stack_of_all_sorts(keras: Any, suffix: str, tmp_path: Path) -> None:
    layers = keras.layers
    first = layers.LSTM(3, return_sequences=True)
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True))
    plain = layers.LSTM(2, return_sequences=True, use_bias=False)
    loop = layers.RNN(layers.LSTMCell(5), return_sequences=True)
    each = layers.Bidirectional(layers.RNN(layers.LSTMCell(2), return_sequences=True), name="each")
    steps = [first, layers.Dropout(0.1), both, layers.Dense(7), plain, loop, each, layers.GRU(3)]
    model = shuffled(keras.Sequential([keras.Input((6, 4)), *steps]))
    check(saved(model, tmp_path, suffix), [(first, 4), (both, 3), (plain, 7), (loop, 2), (each, 5)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_more_layers_than_have_one_digit_stay_in_order(keras: Any, suffix: str, tmp_path: Path) -> None:
    layers = keras.layers
    lstms = [layers.LSTM(2 + number % 3, return_sequences=True) for number in range(13)]
    model = shuffled(keras.Sequential([keras.Input((6, 4)), *lstms]))
    file = saved(model, tmp_path, suffix)
    check(file, [(lstm, 4 if number == 0 else 2 + (number - 1) % 3) for number, lstm in enumerate(lstms)])
    sizes = [item.stored.config.hidden_size for item in recognise(file).lstms]
    assert sizes == [2 + number % 3 for number in range(13)]


def test_what_the_configuration_describes_is_computed_with_the_batch_first(keras: Any) -> None:
    layers = keras.layers
    lstm = layers.LSTM(3, return_sequences=True, name="a")
    model = shuffled(keras.Sequential([keras.Input((6, 4)), lstm]))
    (config,) = lstms_in(model.to_json()).values()
    arrays = {item.name: numbers(array) for item, array in zip(parameters(config, "keras"), lstm.weights, strict=True)}
    output, _ = forward(config, unpack(arrays, config, "keras"), rows(4))
    np.testing.assert_allclose(output, numbers(model(rows(4))), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_models_in_models(keras: Any, suffix: str, tmp_path: Path) -> None:
    layers = keras.layers
    deep = layers.LSTM(3, return_sequences=True)
    deeper = layers.Bidirectional(layers.LSTM(2, return_sequences=True))
    inner = keras.Sequential([keras.Input((6, 4)), deep, keras.Sequential([keras.Input((6, 3)), deeper])])
    x = keras.Input((6, 4))
    aside = layers.LSTM(4, return_sequences=True)
    y = layers.Concatenate()([inner(x), aside(x)])
    middle = keras.Model(x, y, name="middle")
    last = layers.LSTM(3, return_sequences=True)
    outer = keras.Input((6, 4))
    model = shuffled(keras.Model(outer, last(middle(outer))))
    check(saved(model, tmp_path, suffix), [(deep, 4), (deeper, 3), (aside, 4), (last, 8)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_steps_of_steps(keras: Any, suffix: str, tmp_path: Path) -> None:
    layers = keras.layers
    inner = layers.LSTM(3, return_sequences=True)
    model = shuffled(keras.Sequential([keras.Input((2, 6, 4)), layers.TimeDistributed(inner)]))
    check(saved(model, tmp_path, suffix), [(inner, 4)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_trained_model_has_no_lstm_in_its_optimizer(keras: Any, suffix: str, tmp_path: Path) -> None:
    layers = keras.layers
    lstm = layers.LSTM(3, return_sequences=True)
    model = keras.Sequential([keras.Input((6, 4)), lstm, layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(rows(4), rows(1), verbose=0)
    file = saved(model, tmp_path, suffix)
    assert len(file.tensors) > 5
    check(file, [(lstm, 4)])


def test_the_configuration_of_every_lstm_is_kept(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    odd = layers.LSTM(3, recurrent_activation="hard_sigmoid", go_backwards=True, name="odd")
    model = keras.Sequential([keras.Input((6, 4)), odd])
    (stated,) = saved(model, tmp_path, "keras").stated
    assert set(stated.unmodelled) == {"recurrent_activation = 'hard_sigmoid'", "go_backwards = True"}
    assert config_of(stated).hidden_size == 3
    assert stated.options["return_sequences"] is False


def test_a_model_of_an_own_class_is_read_by_its_arrays(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers

    class Net(keras.Model):  # type: ignore[misc]  # keras is not installed where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.encoder = layers.LSTM(3, return_sequences=True)
            self.blocks = [layers.LSTM(3, return_sequences=True), layers.LSTM(2, return_sequences=True)]

        def call(self, x: Any) -> Any:
            x = self.encoder(x)
            for block in self.blocks:
                x = block(x)
            return x

    model = Net()
    model(rows(4))
    check(
        saved(shuffled(model), tmp_path, "weights.h5"),
        [(model.encoder, 4), (model.blocks[0], 3), (model.blocks[1], 3)],
    )
