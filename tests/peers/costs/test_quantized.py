"""The bytes of quantized LSTMs are those that PyTorch itself stores."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lstmcalc import DataSpec, LSTMConfig
from lstmcalc.costs.memory import values_of
from lstmcalc.costs.quantized import PYTORCH_DYNAMIC, check_quantizable, weight_bytes
from lstmcalc.errors import UnsupportedError
from lstmcalc.intake.resolve import read_subjects
from tools.live import installed

pytestmark = pytest.mark.peers

CONFIGS = [
    LSTMConfig(input_size, hidden_size, num_layers, bidirectional=bidirectional)
    for input_size, hidden_size in ((10, 20), (1, 1), (7, 33), (64, 16))
    for num_layers in (1, 2, 3)
    for bidirectional in (False, True)
]


def quantized(config: LSTMConfig, path: Path, *, whole: bool) -> Any:
    """An LSTM that torch.ao.quantization.quantize_dynamic has made, saved as a module or as its state_dict."""
    torch = installed("torch")
    lstm = torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        bias=config.bias,
        bidirectional=config.bidirectional,
        proj_size=config.proj_size,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated
        made = torch.ao.quantization.quantize_dynamic(torch.nn.ModuleDict({"rnn": lstm}), {torch.nn.LSTM}, torch.qint8)
        torch.save(made if whole else made.state_dict(), path)
    return made["rnn"]


def stored(path: Path) -> int:
    """The bytes of all storages in a file of torch.save."""
    with zipfile.ZipFile(path) as archive:
        return sum(item.file_size for item in archive.infolist() if "/data/" in item.filename)


@pytest.mark.parametrize("whole", [True, False], ids=["module", "state_dict"])
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_dynamic_quantization_stores_these_bytes(config: LSTMConfig, whole: bool, tmp_path: Path) -> None:
    path = tmp_path / "quantized.pt"
    lstm = quantized(config, path, whole=whole)
    counted = weight_bytes(config, PYTORCH_DYNAMIC).at(values_of(config, DataSpec()))
    assert counted == stored(path)
    torch = installed("torch")
    x = torch.zeros(5, 3, config.input_size)
    output, (h_n, c_n) = lstm(x)
    assert {output.dtype, h_n.dtype, c_n.dtype} == {torch.float32}
    assert list(lstm.parameters()) == []
    (subject,) = read_subjects({"source": str(path)})
    assert subject.found is not None
    assert subject.found.quantized == PYTORCH_DYNAMIC
    assert bool(subject.found.uncertain) or subject.config == config


def test_3040_bytes(tmp_path: Path) -> None:
    quantized(LSTMConfig(10, 20), tmp_path / "q.pt", whole=True)
    assert stored(tmp_path / "q.pt") == 3040


def test_what_pytorch_does_not_quantize_is_refused(tmp_path: Path) -> None:
    no_bias, projected = LSTMConfig(10, 20, bias=False), LSTMConfig(10, 20, proj_size=5)
    with pytest.raises(AssertionError, match=r"mod\.bias must be True"):
        quantized(no_bias, tmp_path / "q.pt", whole=True)
    lstm = quantized(projected, tmp_path / "q.pt", whole=True)
    with pytest.raises(RuntimeError):
        lstm(installed("torch").zeros(5, 3, 10))
    for config in (no_bias, projected):
        with pytest.raises(UnsupportedError):
            check_quantizable(config, DataSpec(), PYTORCH_DYNAMIC)
