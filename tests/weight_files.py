"""What the tests of weight files share: the recorded files, and an LSTM run with the weights that a file has."""

import os
import random
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from lstmcalc import LSTMConfig, forward
from lstmcalc.config import HYPERPARAMETERS
from lstmcalc.layouts import parameters
from lstmcalc.tensors import Stated, WeightFile, read_stated
from lstmcalc.weights import unpack

# Damaged files in each test of such; more with the variable set, as 8000.
CASES = int(os.environ.get("LSTMCALC_FUZZ", "300"))
DATA = Path(__file__).parent / "data" / "weights"


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


def damaged(content: bytes, draw: random.Random) -> bytes:
    """A file with some of its bytes changed, most of them in its index, or cut off, or with a part of it moved."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 12))):
        at = draw.randrange(len(data)) if draw.random() < 0.6 else draw.randrange(min(len(data), 4096))
        kind = draw.randrange(6)
        if kind < 2:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 2:
            data[at] = draw.choice((0, 1, 127, 128, 255))
        elif kind == 3:
            size = draw.choice((2, 4, 8))
            data[at : at + size] = draw.choice((bytes(size), b"\xff" * size, draw.randbytes(size)))[: len(data) - at]
        elif kind == 4:
            source, size = draw.randrange(len(data)), draw.choice((8, 16, 64, 512))
            part = data[source : source + size]
            data[at : at + len(part)] = part
        elif draw.random() < 0.2:
            del data[at:]
            data = data or bytearray(b"\0")
    return bytes(data)
