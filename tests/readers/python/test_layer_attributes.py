"""Attributes of the layers of PyTorch: what a layer keeps of its arguments, and which tensors it has."""

import importlib

import pytest

from tools.reading import TORCH, found_in, only, said

TRUE_OF_LAYERS = [
    ("nn.Linear(3, 4, bias=True)", "m.bias.data is not None and m.bias.shape[0] == 4"),
    ("nn.Linear(3, 4, bias=False)", "m.bias is None"),
    ("nn.Conv1d(3, 4, 5, bias=True)", "m.bias.shape[0] == 4 and m.kernel_size[0] == 5"),
    ("nn.Conv2d(3, 4, 5, stride=2)", "m.kernel_size == (5, 5) and m.stride == (2, 2)"),
    ("nn.Conv2d(3, 4, (5, 6), padding='same')", "m.kernel_size == (5, 6) and m.padding == 'same'"),
    ("nn.LayerNorm(5)", "m.normalized_shape == (5,)"),
    ("nn.LayerNorm(5, bias=True)", "m.bias.shape[0] == 5"),
    ("nn.GRU(3, 4)", "m.num_layers == 1 and not m.bidirectional and m.dropout == 0 and not m.batch_first and m.bias"),
    ("nn.GRUCell(3, 4)", "m.bias and m.hidden_size == 4 and not hasattr(m, 'num_layers')"),
    ("nn.RNN(3, 4, 2)", "m.weight_ih_l1.shape == (4, 4) and not hasattr(m, 'weight_ih_l2')"),
    ("nn.LSTM(3, 4)", "m.weight_ih_l0.shape == (16, 3) and m.bias_hh_l0.data is not None"),
    ("nn.LSTM(3, 4, bias=False)", "not hasattr(m, 'bias_ih_l0') and not hasattr(m, 'weight_ih_l0_reverse')"),
    ("nn.LSTM(3, 4, 2, bidirectional=True)", "m.weight_ih_l1_reverse.shape == (16, 8)"),
    ("nn.LSTM(3, 4, proj_size=2)", "m.weight_hr_l0.shape == (2, 4)"),
    ("nn.LSTMCell(3, 4)", "m.weight_hh.shape == (16, 4) and not hasattr(m, 'weight_hh_l0')"),
    ("nn.Module()", "m._forward_hooks is not None and callable(m.set_submodule)"),
]


@pytest.mark.parametrize(("layer", "truth"), TRUE_OF_LAYERS)
def test_what_is_said_of_a_layer_is_true_of_it(layer: str, truth: str) -> None:
    try:
        nn = importlib.import_module("torch.nn")
    except ImportError:
        pytest.skip("PyTorch is not installed")
    assert eval(truth, {"m": eval(layer, {"nn": nn})})  # of the list above


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
