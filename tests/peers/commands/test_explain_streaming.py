"""The loops that `explain streaming` shows, executed in PyTorch and Keras."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstmcalc
from tools.live import installed
from tools.peer_players import to_numpy
from tools.streams import Stream, streams

pytestmark = pytest.mark.peers
os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_the_loop_of_pytorch() -> None:
    torch = installed("torch")
    for stream in streams(20):
        lstm = torch.nn.LSTM(**vars(stream.config)).eval()
        lstm.load_state_dict({name: torch.from_numpy(array) for name, array in stream.weights.items()})
        names = {"torch": torch, "lstm": lstm, "chunks": [torch.from_numpy(chunk) for chunk in stream.chunks]}
        assert stream.apart("pytorch", names, array=to_numpy) < 1e-6
        assert stream.apart("pytorch", names, ("lstm(chunk, state)", "lstm(chunk)"), to_numpy) > 1e-4


def keras_names(stream: Stream) -> dict[str, Any]:
    np.savez("run.npz", **stream.weights)
    lstmcalc.convert("run.npz", output="lstm.keras", no_against=True, force=True)
    return {"keras": installed("keras")}


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")  # of Keras' own
def test_the_loop_of_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for stream in streams(6, proj=False, unbatched=False):
        first = [chunk if stream.config.batch_first else np.swapaxes(chunk, 0, 1) for chunk in stream.chunks]
        output = stream.output if stream.config.batch_first else np.swapaxes(stream.output, 0, 1)
        config = type(stream.config)(**{**vars(stream.config), "batch_first": True})
        own = stream._replace(config=config, chunks=first, output=output)
        assert own.apart("keras", keras_names(own), array=to_numpy) < 1e-6
        assert own.apart("keras", keras_names(own), ("stateful=True", "stateful=False"), to_numpy) > 1e-4
