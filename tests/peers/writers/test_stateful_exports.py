"""What PyTorch exports, given the states of its LSTMs: in chunks it computes what PyTorch computes in one pass."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from lstmcalc.writers.stateful import stateful_graph
from lstmcalc.writers.target import Asked
from tools.live import installed

pytestmark = pytest.mark.peers
TESTS: Final = Path(__file__).parents[2]


def net_of(torch: Any, layers: int) -> Any:
    """A model with an Embedding, LSTMs and a Linear, that begins with zeros."""

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(9, 3)
            self.lstm = torch.nn.LSTM(3, 4, layers, batch_first=True)
            self.head = torch.nn.Linear(4, 2)

        def forward(self, tokens: Any) -> Any:
            output, _ = self.lstm(self.embedding(tokens))
            return torch.softmax(self.head(output), -1)

    torch.manual_seed(layers)
    return Net().eval()


def export(torch: Any, layers: int, dynamo: bool) -> None:
    """Write the model as `old.onnx`."""
    tokens = torch.ones(2, 5, dtype=torch.int64)
    axes: dict[str, Any] = {"dynamic_axes": {"tokens": {0: "n", 1: "l"}, "scores": {0: "n", 1: "l"}}}
    if dynamo:
        axes = {"dynamic_shapes": {"tokens": {0: torch.export.Dim("n"), 1: torch.export.Dim("l")}}}
    names = {"input_names": ["tokens"], "output_names": ["scores"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net_of(torch, layers), (tokens,), "old.onnx", dynamo=dynamo, **names, **axes, external_data=False
        )


# Of two layers the newer exporter (torch 2.13.0) fixes the steps.
@pytest.mark.parametrize(("layers", "dynamo"), [(1, False), (2, False), (1, True)])
def test_an_export_streams(layers: int, dynamo: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch, onnxruntime = installed("torch"), installed("onnxruntime")
    if dynamo:
        installed("onnxscript")
    monkeypatch.chdir(tmp_path)
    net = net_of(torch, layers)
    if dynamo:  # in a process of its own: after any other export the newer exporter fixes the steps (torch 2.13.0)
        code = f"import torch; from test_stateful_exports import export; export(torch, {layers}, True)"
        places = os.pathsep.join([str(Path(__file__).parent), str(TESTS)])
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": places})
    else:
        export(torch, layers, dynamo)
    with Path("new.onnx").open("w+b") as stream:
        found = stateful_graph("old.onnx", stream, Asked("new.onnx", stateful=True))
    assert len(found.states) == 2 * layers
    assert found.notes == []
    session = onnxruntime.InferenceSession("new.onnx")
    tokens = np.random.default_rng(0).integers(0, 9, (3, 7))
    expected = net(torch.from_numpy(tokens)).detach().numpy()
    state, parts = {enters: np.zeros((1, 3, 4), "float32") for enters, _ in found.states}, []
    for chunk in np.split(tokens, [1, 4], axis=1):
        part, *last = session.run(["scores", *(leaves for _, leaves in found.states)], {"tokens": chunk, **state})
        state = dict(zip(state, last, strict=True))
        parts.append(part)
    assert np.abs(np.concatenate(parts, axis=1) - expected).max() < 1e-6
    assert dict(found.compare("new.onnx") or ()) == pytest.approx({"scores": 0.0}, abs=1e-6)
    assert found.streams("new.onnx").startswith("streams: ")
