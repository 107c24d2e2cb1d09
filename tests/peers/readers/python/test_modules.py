"""The models that code makes, held against PyTorch: their parameters, and the names and shapes of their state dicts."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lstmcalc.commands.diff.loading import model_of_code
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.texts import source_text
from tools.live import installed
from tools.model_code import model_code
from tools.shell import Ran

pytestmark = pytest.mark.peers
Cli = Callable[..., Ran]
MODELS = 80  # of which about one in ten drops LSTMs that it made


def made(code: str) -> Any:
    """The model that running the code makes."""
    space: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings(action="ignore"):
        exec(code, space)
    return space["model"]


@pytest.mark.parametrize("seed", range(MODELS))
def test_modules_of_code_are_those_of_pytorch(cli: Cli, tmp_path: Path, seed: int) -> None:
    torch = installed("torch")
    code = model_code(seed)
    path = tmp_path / "model.py"
    path.write_text(code, encoding="utf-8")
    model = made(code)
    wanted = sum(parameter.numel() for parameter in model.parameters())
    document = json.loads(cli(str(path), "--json").out)
    total = document["total"]
    if any("in none of the models" in doubt for doubt in document["doubts"]):  # LSTMs that were made, and dropped
        assert total["parameters"] > wanted
    else:
        assert total == {"parameters": wanted, "bytes": 4 * wanted, "exact": True}
    found = read_text(source_text(str(path)), {})
    (own,) = [item for item in found[0].models if item.name == "model"]
    state = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    lstms = {
        item.lstm: {name: tuple(tensor.shape) for name, tensor in model.get_submodule(item.path).named_parameters()}
        for item in own.modules
        if item.lstm and isinstance(model.get_submodule(item.path), torch.nn.LSTM | torch.nn.LSTMCell)
    }
    tensors = model_of_code(own, lstms).tensors()
    assert (tensors, list(tensors)) == (state, list(state))
