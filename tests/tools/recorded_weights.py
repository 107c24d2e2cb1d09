"""What the tests of weight files share: the recorded files, and an LSTM run with the weights that a file has."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from lstmcalc import LSTMConfig, forward
from lstmcalc.frameworks.storage import parameters
from lstmcalc.numerics.convert import unpack
from lstmcalc.readers.files.tensors import Stated, WeightFile, read_stated
from lstmcalc.spec.config import HYPERPARAMETERS
from tools.shell import TESTS

DATA = TESTS / "data" / "weights"


def unpacked(name: str, folder: Path) -> Path:
    """The recorded files of one framework, in a folder of their own."""
    target = folder / name
    with ZipFile(DATA / f"{name}.zip") as archive:
        archive.extractall(target)
    return target


def config_of(stated: Stated) -> LSTMConfig:
    """The LSTM that a file states."""
    known: dict[str, Any] = {field: value for field, value in stated.fields.items() if field in HYPERPARAMETERS}
    return LSTMConfig(**known)


def computed(file: WeightFile, stated: Stated, x: Any) -> Any:
    """The output of an LSTM with the weights in a file, of one input."""
    config = config_of(stated)
    assert list(stated.tensors) == [parameter.name for parameter in parameters(config, stated.framework)]
    weights = unpack(read_stated(file, stated), config, stated.framework)
    states, batch = config.num_directions * config.num_layers, x.shape[0 if config.batch_first else 1]
    zeros = np.zeros((states, batch, config.hidden_size), np.float32)
    return forward(config, weights, x, (zeros, zeros))[0]


def one(file: WeightFile, name: str = "") -> Stated:
    """The module of that name; without one, the only one."""
    found = [stated for stated in file.stated if name in ("", stated.name)]
    assert len(found) == 1, [stated.name for stated in file.stated]
    return found[0]
