"""What PyTorch exports to ONNX is read as the module that was exported, every weight of it."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.numerics.convert import unpack
from lstmcalc.readers.onnx.nodes import read_onnx
from tools.live import installed
from tools.recorded_weights import computed, config_of, one, read_stated

pytestmark = pytest.mark.peers

CONFIGS = [
    LSTMConfig(input_size, hidden_size, num_layers, bias=bias, bidirectional=bidirectional, batch_first=batch_first)
    for input_size, hidden_size in ((3, 5), (10, 20), (4, 4))
    for num_layers in (1, 2, 3)
    for bidirectional in (False, True)
    for bias, batch_first in ((True, False), (False, True))
]


def exported(module: Any, x: Any, path: Path, *, dynamo: bool, **options: Any) -> str:
    if dynamo:
        installed("onnxscript")
        options |= {"verbose": False, "external_data": False}
    else:
        options |= {"input_names": ["x"], "dynamic_axes": {"x": [0, 1]}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Exporting a model to ONNX with a batch_size other than 1", and the like
        installed("torch").onnx.export(module, (x,), path, dynamo=dynamo, **options)
    return str(path)


@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_exports_are_read_as_what_was_exported(config: LSTMConfig, dynamo: bool, tmp_path: Path) -> None:
    torch = installed("torch")
    torch.manual_seed(1)
    lstm = torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        bias=config.bias,
        bidirectional=config.bidirectional,
        batch_first=config.batch_first,
    ).eval()
    x = torch.randn(6, 2, config.input_size)
    file = read_onnx(exported(lstm, x, tmp_path / "lstm.onnx", dynamo=dynamo))
    stated = one(file)
    known = {field: getattr(config, field) for field in ("num_layers", "bias", "bidirectional")}
    assert config_of(stated) == LSTMConfig(config.input_size, config.hidden_size, **known)
    weights = unpack(read_stated(file, stated), config_of(stated), "onnx")
    state = {name: tensor.numpy() for name, tensor in lstm.state_dict().items()}
    assert set(weights) == set(state)
    for name, array in state.items():
        np.testing.assert_array_equal(weights[name], array)
    with torch.no_grad():
        output = lstm(x)[0].numpy()
    given = x.numpy().swapaxes(0, 1) if config.batch_first else x.numpy()
    ours = computed(file, stated, given)
    np.testing.assert_allclose(ours.swapaxes(0, 1) if config.batch_first else ours, output, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
def test_modules_keep_their_names_and_stay_apart(dynamo: bool, tmp_path: Path) -> None:
    torch = installed("torch")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch is not installed where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.LSTM(3, 4, 2)
            self.decoder = torch.nn.LSTM(4, 4)
            self.gates = torch.nn.GRU(4, 2)

        def forward(self, x: Any) -> Any:
            return self.gates(self.decoder(self.encoder(x)[0])[0])[0]

    file = read_onnx(exported(Net().eval(), torch.randn(5, 2, 3), tmp_path / "net.onnx", dynamo=dynamo))
    assert [(stated.name, stated.kind) for stated in file.stated] == [
        ("encoder", "LSTM"),
        ("decoder", "LSTM"),
        ("gates", "GRU"),
    ]
    assert [config_of(stated).num_layers for stated in file.stated[:2]] == [2, 1]


def test_weights_that_are_folded_at_run_time_are_computed(tmp_path: Path) -> None:
    """Without constant folding, the exporter leaves PyTorch's own parameters and cuts them in the graph."""
    torch = installed("torch")
    lstm = torch.nn.LSTM(3, 4, 2, bidirectional=True).eval()
    x = torch.randn(5, 2, 3)
    path = exported(lstm, x, tmp_path / "raw.onnx", dynamo=False, do_constant_folding=False)
    file = read_onnx(path)
    stated = one(file)
    weights = unpack(read_stated(file, stated), config_of(stated), "onnx")
    assert stated.stored.computed
    for name, tensor in lstm.state_dict().items():
        np.testing.assert_array_equal(weights[name], tensor.numpy())
