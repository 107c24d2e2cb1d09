"""What layers beside an LSTM store: the table alone, and held against what PyTorch stored."""

import json

import pytest

from lstmcalc.frameworks.layers import EMPTY, LAYERS, kept_tensors, own_tensors, printed_settings
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.spec.config import LSTMConfig
from tools.record_layers import FILE


@pytest.mark.parametrize(
    ("kind", "text", "settings"),
    [
        ("Conv2d", "3, 16, kernel_size=(3, 5), stride=(1, 1)", {"kernel_size": (3, 5), "stride": (1, 1)}),
        ("LayerNorm", "(2, 3), eps=1e-05, bias=True", {"normalized_shape": (2, 3), "eps": "1e-05", "bias": True}),
        ("Embedding", "50, 12, padding_idx=0", {"num_embeddings": 50, "embedding_dim": 12, "padding_idx": 0}),
        ("EmbeddingBag", "5, 6, mode='mean'", {"mode": "'mean'"}),
        ("Linear", f"in_features={'9' * 5000}, out_features=2", {"in_features": "9" * 5000, "out_features": 2}),
        ("Unknown", "1, 2, a=3", {"a": 3}),
        ("Linear", "", {}),
    ],
)
def test_settings_from_what_is_printed(kind: str, text: str, settings: dict[str, object]) -> None:
    found = printed_settings(kind, text)
    assert {name: found[name] for name in settings} == settings


@pytest.mark.parametrize(("printed", "stored"), json.loads(FILE.read_text(encoding="utf-8")).items())
def test_a_printed_layer_stores_what_pytorch_stored(printed: str, stored: dict[str, list[int]]) -> None:
    kind, _, arguments = printed.removesuffix(")").partition("(")
    found = kept_tensors(kind, printed_settings(kind, arguments))
    assert found is not None
    assert [(name, list(shape)) for name, shape in found.items()] == [*stored.items()]


def test_a_layer_whose_settings_are_not_all_known_has_no_shapes() -> None:
    assert kept_tensors("Linear", {"in_features": 3}) is None
    assert kept_tensors("Linear", {"in_features": "3", "out_features": 2}) is None
    assert kept_tensors("Conv1d", {"in_channels": 3, "out_channels": 3, "kernel_size": (2,), "groups": 0}) is None
    assert kept_tensors("LSTM", {"input_size": 3, "hidden_size": 4, "num_layers": 10**9}) is None
    assert kept_tensors("Tagger", {}) is None
    assert kept_tensors("Dropout", {}) == {}
    assert own_tensors("TransformerEncoderLayer", {}) == {}


def test_an_lstm_of_the_table_is_that_of_the_model() -> None:
    for config in (
        LSTMConfig(3, 4),
        LSTMConfig(3, 4, 2, bidirectional=True, proj_size=2),
        LSTMConfig(3, 4, bias=False),
    ):
        wanted = {parameter.name: parameter.shape for parameter in LSTMModel(config).parameters}
        assert kept_tensors("LSTM", vars(config)) == wanted
        assert list(kept_tensors("LSTM", vars(config)) or {}) == list(wanted)


def test_no_class_stores_something_and_nothing() -> None:
    assert EMPTY.isdisjoint(LAYERS)
