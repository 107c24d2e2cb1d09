"""Files that are not read, as the real libraries write them: the code that the hint gives makes one that is read."""

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import lstms_in
from lstmcalc.errors import SourceError
from lstmcalc.spec.config import LSTMConfig

pytestmark = [
    pytest.mark.peers,
    # What a user types leaves files open, and torch.export warns of an LSTM.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning"),
]

torch, flax = pytest.importorskip("torch"), pytest.importorskip("flax")
WEIGHTS = torch.nn.LSTM(3, 4, 2).state_dict()


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        lstms_in(str(path))
    return str(caught.value)


def follow(said: str, path: Path, new: Path) -> dict[str, LSTMConfig]:
    """The LSTMs of the file that the code of a hint makes."""
    code = re.search(r"hint: (?:[a-z ]*: |with PyTorch: )?(.*), and read NEW", said)
    assert code
    known: dict[str, Any] = {"np": np, "torch": torch, "json": json, "pickle": pickle, "flax": flax}
    exec(code[1], {**known, "FILE": str(path), "NEW": str(new)})  # what a user would type
    return lstms_in(str(new))


def test_a_program_of_torch_export(tmp_path: Path) -> None:
    path = tmp_path / "a.pt2"
    torch.export.save(torch.export.export(torch.nn.LSTM(3, 4), (torch.ones(2, 1, 3),)), path)
    said = refusal(path)
    assert "this is a program of torch.export (.pt2), which is not read" in said
    assert follow(said, path, tmp_path / "b.pt") == {"lstm": LSTMConfig(3, 4)}


def test_a_pickle_of_protocol_0(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({name: value.numpy() for name, value in WEIGHTS.items()}, protocol=0))
    said = refusal(path)
    assert "looks like a pickle of protocol 0, which is not read" in said
    assert follow(said, path, tmp_path / "b.pkl") == {"lstm": LSTMConfig(3, 4, 2)}


def test_parameters_that_flax_serialized(tmp_path: Path) -> None:
    import jax
    from flax import linen

    path, model = tmp_path / "a.msgpack", linen.RNN(linen.OptimizedLSTMCell(4))
    path.write_bytes(flax.serialization.to_bytes(model.init(jax.random.PRNGKey(0), np.ones((1, 2, 3)))))
    said = refusal(path)
    assert "looks like MessagePack, as Flax saves parameters, which is not read" in said
    (config,) = follow(said, path, tmp_path / "b.npz").values()
    assert (config.input_size, config.hidden_size) == (3, 4)
