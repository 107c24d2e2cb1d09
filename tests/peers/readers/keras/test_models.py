"""What live Keras writes of its models, read back: the same LSTMs, sizes, counts and names of arrays."""

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lstmcalc import LSTMConfig
from lstmcalc.frameworks.storage import parameters
from lstmcalc.readers.found import Found
from lstmcalc.readers.json_documents import read_json
from lstmcalc.readers.text.source_text import SourceText
from tools.live import installed

pytestmark = pytest.mark.peers

# Keras chooses its backend when it is imported; TensorFlow, its default, is not needed for this.
os.environ.setdefault("KERAS_BACKEND", "torch")


def bidirectional(merge_mode: str | None) -> Callable[[Any], Any]:
    def make(keras: Any) -> Any:
        layers = keras.layers
        x = keras.Input((7, 10))
        y = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode=merge_mode)(x)
        y = layers.Concatenate()(y) if merge_mode is None else y
        return keras.Model(x, layers.LSTM(3)(y))

    return make


def sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((7, 10)), layers.LSTM(4, return_sequences=True), layers.LSTM(5), layers.Dense(2)]
    )


def two_inputs(keras: Any) -> Any:
    layers = keras.layers
    a, b = keras.Input((5, 3), name="a"), keras.Input((5, 4), name="b")
    joined = layers.concatenate([layers.LSTM(4, return_sequences=True)(a), layers.LSTM(6, return_sequences=True)(b), b])
    return keras.Model([a, b], layers.LSTM(2)(layers.Dropout(0.5)(joined)))


def nested(keras: Any) -> Any:
    layers = keras.layers
    encoder = keras.Sequential([layers.LSTM(4, return_sequences=True), layers.LSTM(5)], name="encoder")
    inner = keras.Input((2, 5))
    decoder = keras.Model(inner, layers.LSTM(6)(inner), name="decoder")
    x = keras.Input((5, 3))
    return keras.Model(x, layers.Dense(1)(decoder(layers.RepeatVector(2)(encoder(x)))))


def seq2seq(keras: Any) -> Any:
    layers = keras.layers
    source, target = keras.Input((None,)), keras.Input((None,))
    _, h, c = layers.LSTM(8, return_state=True)(layers.Embedding(100, 6)(source))
    decoder = layers.LSTM(8, return_sequences=True, return_state=True)
    output, _, _ = decoder(layers.Embedding(90, 5)(target), initial_state=[h, c])
    return keras.Model([source, target], layers.Dense(90)(output))


def no_bias(keras: Any) -> Any:
    layers = keras.layers
    both = layers.Bidirectional(layers.LSTM(4, use_bias=False), name="both")
    return keras.Sequential([keras.Input((7, 10)), both, layers.RepeatVector(3), layers.LSTM(2, use_bias=False)])


def time_distributed(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((7, 8, 1)),
            layers.TimeDistributed(layers.Conv1D(4, 3)),
            layers.TimeDistributed(layers.LSTM(6)),
            layers.TimeDistributed(layers.Dense(5)),
            layers.LSTM(3),
        ]
    )


def embedding(keras: Any) -> Any:
    layers = keras.layers
    flow = [layers.Embedding(100, 8), layers.SpatialDropout1D(0.1), layers.Conv1D(6, 3), layers.MaxPooling1D(2)]
    return keras.Sequential([keras.Input((20,)), *flow, layers.Bidirectional(layers.LSTM(4))])


def cells(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((7, 10)), layers.RNN(layers.LSTMCell(4, name="lstm_cell"), return_sequences=True)]
    )


def own_backward(keras: Any) -> Any:
    layers = keras.layers
    backward = layers.LSTM(4, go_backwards=True, name="backward_x")
    both = layers.Bidirectional(layers.LSTM(4, name="x"), backward_layer=backward)
    return keras.Sequential([keras.Input((7, 10), batch_size=2), both])


MODELS = {
    make.__name__: make
    for make in (sequential, two_inputs, nested, seq2seq, no_bias, time_distributed, embedding, cells, own_backward)
} | {f"merged by {mode}": bidirectional(mode) for mode in ("concat", "sum", "mul", "ave", None)}


def lstms(model: Any) -> Iterator[Any]:
    """The layers that we count as one LSTM, in order."""
    keras = installed("keras")
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from lstms(layer)
        inner = layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer
        core = inner.forward_layer if isinstance(inner, keras.layers.Bidirectional) else inner
        if isinstance(core, keras.layers.LSTM) or isinstance(getattr(core, "cell", None), keras.layers.LSTMCell):
            yield inner


def read(text: str) -> list[Found]:
    return read_json(SourceText(text, "model.json"))


def config_of(found: Found) -> LSTMConfig:
    fields = ("input_size", "hidden_size", "bias", "bidirectional")
    return LSTMConfig(**{field: found.layer[field].value for field in fields if field in found.layer})


def paths_of(found: Found, config: LSTMConfig) -> list[str]:
    """The names of the arrays: those of the table of frameworks, with the path in front."""
    directions = ("forward", "backward") if config.bidirectional else ("",)
    kinds = [re.sub(r".*(?=/lstm_cell/)", "", each.name) for each in parameters(config, "keras")]
    return [
        found.path.format(direction=direction) + kind
        for direction in directions
        for kind in kinds[: len(kinds) // len(directions)]
    ]


def strip_shapes(tree: Any) -> Any:
    """The tree without any shape but those of inputs."""
    if isinstance(tree, dict):
        kept = {key: value for key, value in tree.items() if key not in ("build_config", "shape", "build_input_shape")}
        return {key: strip_shapes(value) for key, value in kept.items()}
    return [strip_shapes(item) for item in tree] if isinstance(tree, list) else tree


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    keras = installed("keras")
    keras.utils.clear_session()
    return MODELS[request.param](keras)


def test_a_model_reads_back_as_its_lstms(model: Any) -> None:
    layers, found = list(lstms(model)), read(model.to_json())
    assert len(found) == len(layers) > 0
    for one, layer in zip(found, layers, strict=True):
        config = config_of(one)
        assert one.framework == "keras"
        assert sum(each.numel for each in parameters(config, "keras")) == layer.count_params()
        assert one.name.rpartition(".")[2] == layer.name
        assert [weight.path.removeprefix(f"{model.name}/") for weight in layer.weights] == paths_of(one, config)


def test_the_configuration_of_a_model_is_the_same_model(model: Any) -> None:
    def facts(found: list[Found]) -> list[Any]:
        values = [{field: setting.value for field, setting in one.layer.items()} for one in found]
        return [(one.name, one.path, one.reads, one.options, value) for one, value in zip(found, values, strict=True)]

    assert facts(read(json.dumps(model.get_config()))) == facts(read(model.to_json()))


def test_input_sizes_follow_from_the_layers_before_where_no_shape_is_written(model: Any) -> None:
    stripped = read(json.dumps(strip_shapes(json.loads(model.to_json()))))
    for one, whole in zip(stripped, read(model.to_json()), strict=True):
        assert one.layer["input_size"].value == whole.layer["input_size"].value
        if "seq_len" in one.layer:
            assert one.layer["seq_len"].value == whole.layer["seq_len"].value
        assert (one.reads, one.path, one.layer["input_size"].origin.certainty) == (whole.reads, whole.path, "inferred")


def test_the_configuration_of_a_layer_is_its_lstm(model: Any) -> None:
    for layer in lstms(model):
        (found,) = read(json.dumps(layer.get_config()))
        core = getattr(layer, "forward_layer", layer)
        units = core.units if hasattr(core, "units") else core.cell.units
        assert (found.name, found.layer["hidden_size"].value) == (layer.name, units)
        assert ("bidirectional" in found.layer) == (core is not layer)
