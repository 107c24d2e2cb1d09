"""Files that live PyTorch writes: every tensor is found under its name, and its numbers are the same, bit by bit."""

from pathlib import Path

import numpy as np
import pytest

from lstmcalc.errors import SourceError
from lstmcalc.readers.torch.files import read_torch
from tools.recorded_weights import fields_of
from tools.torch_makers import MAKERS, ODD, network, stack

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("kind", MAKERS)
def test_every_tensor_is_read_as_pytorch_wrote_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    expected = MAKERS[kind](path)
    found = {tensor.name: tensor for tensor in read_torch(path).tensors}
    assert list(found) == list(expected)
    for name, numbers in expected.items():
        read = found[name].read()
        assert found[name].shape == read.shape == numbers.shape, name
        assert read.dtype == numbers.dtype, name
        np.testing.assert_array_equal(read, numbers, err_msg=name)
        signs, expected_signs = (np.signbit(array.real[~np.isnan(array)]) for array in (read, numbers))
        np.testing.assert_array_equal(signs, expected_signs, err_msg=name)


SETTINGS = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")


@pytest.mark.parametrize("kind", ["module", "module_legacy", "module_lstm", "scripted"])
def test_modules_are_stated_as_pytorch_made_them(kind: str, tmp_path: Path) -> None:
    from torch import nn

    model = {"module_lstm": lambda: nn.LSTM(3, 4), "scripted": network}.get(kind, stack)()
    path = tmp_path / "file.pt"
    MAKERS[kind](path)
    stated = {module.name: module for module in read_torch(path).stated}
    made = {name: module for name, module in model.named_modules() if isinstance(module, nn.RNNBase | nn.RNNCellBase)}
    assert stated.keys() == made.keys()
    for name, module in made.items():
        cell = isinstance(module, nn.RNNCellBase)
        assert stated[name].kind == type(module).__name__
        assert stated[name].framework == ("pytorch-cell" if cell else "pytorch")
        assert fields_of(stated[name]) == {
            field: getattr(module, field) for field in SETTINGS if hasattr(module, field)
        }
        names = [parameter for parameter, value in module.named_parameters() if value is not None]
        assert stated[name].stored.named == {key: f"{name}.{key}" if name else key for key in names}
        assert stated[name].notes == stated[name].unmodelled == ()


def test_a_traced_module_states_what_its_call_says(tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    MAKERS["traced"](path)
    lstm, cell, gru = read_torch(path).stated
    assert (lstm.name, cell.name, gru.name) == ("encoder", "cell", "gru")
    assert fields_of(lstm) == {
        "num_layers": 2,
        "bias": True,
        "batch_first": True,
        "dropout": 0.25,
        "bidirectional": True,
    }
    assert (cell.kind, fields_of(cell), gru.kind, fields_of(gru)) == ("LSTMCell", {}, "GRU", {})
    assert list(lstm.stored.named) == [name for name, _ in network().encoder.named_parameters()]


def test_a_frozen_module_has_its_weights_among_the_constants(tmp_path: Path) -> None:
    from torch import nn

    path = tmp_path / "file.pt"
    MAKERS["frozen"](path)
    (lstm,) = read_torch(path).stated
    assert (lstm.name, lstm.kind, fields_of(lstm)["bidirectional"]) == ("rnn", "LSTM", True)
    names = [name for name, _ in nn.LSTM(3, 4, 2, bidirectional=True).named_parameters()]
    assert dict(lstm.stored.named) == {name: f"CONSTANTS.c{index}" for index, name in enumerate(names)}


def test_a_quantized_module_is_stated_and_not_taken_for_an_lstm(tmp_path: Path) -> None:
    ODD["quantized"](tmp_path / "file.pt")
    (lstm,) = read_torch(tmp_path / "file.pt").stated
    assert (lstm.name, lstm.kind, lstm.unmodelled, len(lstm.stored.named)) == ("rnn", "LSTM", (), 4)
    assert (fields_of(lstm)["input_size"], fields_of(lstm)["hidden_size"]) == (3, 4)


def test_a_quantized_tensor_has_its_integers_bytes(tmp_path: Path) -> None:
    ODD["quantized_states"](tmp_path / "file.pt")
    tensors = {tensor.name: tensor for tensor in read_torch(tmp_path / "file.pt").tensors}
    assert (tensors["q"].dtype, tensors["q"].shape, tensors["q"].nbytes) == ("quint8", (2, 3), 6)
    np.testing.assert_array_equal(tensors["q"].read(), np.ones((2, 3)))


def test_tensors_without_an_array_of_numbers_are_named_in_a_note(tmp_path: Path) -> None:
    expected = ODD["without_numbers"](tmp_path / "file.pt")
    found = read_torch(tmp_path / "file.pt")
    tensors = {tensor.name: tensor for tensor in found.tensors}
    assert list(tensors) == ["meta", "plain"]
    np.testing.assert_array_equal(tensors["plain"].read(), expected["plain"])
    assert (tensors["meta"].dtype, tensors["meta"].shape, tensors["meta"].nbytes) == ("bfloat16", (3, 2), 0)
    with pytest.raises(SourceError, match="'meta': this is a tensor of the device meta"):
        tensors["meta"].read()
    assert found.notes == (
        "'sparse', 'csr': not listed, being sparse",
        "'nested': not listed, being nested",
        "'meta': this is a tensor of the device meta, which has no numbers",
    )


def test_reparametrized_weights_are_not_taken_for_weights(tmp_path: Path) -> None:
    MAKERS["module_weight_norm"](tmp_path / "file.pt")
    (lstm,) = read_torch(tmp_path / "file.pt").stated
    assert "weight_hh_l0" not in lstm.stored.named


def test_a_shared_module_is_listed_once_and_said_to_be(tmp_path: Path) -> None:
    MAKERS["module_shared"](tmp_path / "file.pt")
    assert read_torch(tmp_path / "file.pt").notes == ("'second' is the same object as 'first', and listed there only",)


def test_lightning_is_named_with_its_hyperparameters(tmp_path: Path) -> None:
    MAKERS["lightning"](tmp_path / "file.pt")
    assert read_torch(tmp_path / "file.pt").notes == (
        "a checkpoint of PyTorch Lightning 2.5.1, epoch 4",
        "hyper_parameters: hidden_size = 5, lr = 0.001, cell = 'lstm'",
    )
