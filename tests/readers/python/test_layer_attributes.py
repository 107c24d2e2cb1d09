"""Attributes of the layers of PyTorch: what a layer keeps of its arguments, and which tensors it has."""

import pytest

from tools.layer_attributes import TRUE_OF_LAYERS
from tools.reading import TORCH, found_in, only, said


@pytest.mark.parametrize(("layer", "truth"), TRUE_OF_LAYERS[:-1])
def test_the_attributes_of_a_layer_are_known(layer: str, truth: str) -> None:
    (found,) = (item for item in found_in(f"{TORCH}m = {layer}\nif {truth}:\n  nn.LSTM(10, 20)") if item.name != "m")
    assert said(found) == {"input_size": 10, "hidden_size": 20}
    assert not found.uncertain


@pytest.mark.parametrize(
    "statement",
    [
        "nn.init.orthogonal_(m.weight_hh_l0)",
        "m.bias_ih_l0.data[4:8] = 1",
        "m.all_weights",
        "m.mode",
        "del m.weight_hh_l0",
        "m._forward_hooks.clear()",
        "m.register_full_backward_pre_hook(print)",
    ],
)
def test_no_attribute_of_an_lstm_is_an_error(statement: str) -> None:
    names = [
        (item.name, item.uncertain) for item in found_in(f"{TORCH}m = nn.LSTM(3, 4)\n{statement}\nk = nn.LSTM(10, 20)")
    ]
    assert names == [("m", ()), ("k", ())]


@pytest.mark.parametrize("taken", ["del m.weight", "del m._parameters['weight']", "nn.utils.weight_norm(m)"])
def test_a_tensor_that_was_taken_away_is_not_said_to_be_there(taken: str) -> None:
    found = only(f"{TORCH}m = nn.Linear(3, 4)\n{taken}\nif hasattr(m, 'weight'):\n  nn.LSTM(10, 20)")
    assert found.uncertain
