"""The recorded files for the tests of weight files, and an LSTM run with the weights that a file has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from lstmcalc import LSTMConfig, forward
from lstmcalc.frameworks.storage import parameters
from lstmcalc.numerics.convert import unpack
from lstmcalc.readers.files.tensors import Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.spec.activations import activations_of
from lstmcalc.spec.config import HYPERPARAMETERS
from tools.shell import TESTS

DATA = TESTS / "data" / "weights"


def unpacked(name: str, folder: Path) -> Path:
    """The recorded files of one framework, in a folder of their own."""
    target = folder / name
    with ZipFile(DATA / f"{name}.zip") as archive:
        archive.extractall(target)
    return target


def stated_module(
    name: str,
    kind: str,
    framework: str,
    fields: Mapping[str, object],
    named: Mapping[str, str],
    *,
    inferred: tuple[str, ...] = (),
    computed: tuple[Stored, ...] = (),
    **more: Any,
) -> Found:
    """A recurrent module as a reader has it that finds it described in a file."""
    weights = Weights(named, computed)
    return Found(name, framework, kind=kind, layer=settings_of(fields, inferred), weights=weights, **more)


def said(found: Found) -> dict[str, tuple[object, str]]:
    """The settings of an LSTM, each with its certainty."""
    return {field: (setting.value, setting.origin.certainty) for field, setting in found.layer.items()}


def fields_of(stated: Found) -> dict[str, object]:
    """The settings of a module that a file describes, without what is known of where they are from."""
    return {field: setting.value for field, setting in stated.layer.items()}


def inferred_of(stated: Found) -> list[str]:
    """The hyperparameters that follow from shapes and names."""
    return [field for field, setting in stated.layer.items() if setting.origin.certainty == "inferred"]


def read_stated(file: WeightFile, stated: Found) -> dict[str, Any]:
    """The parameters of a module by their layout's names, as `unpack` takes them."""
    by_name = {tensor.name: tensor for tensor in (*file.tensors, *stated.stored.computed)}
    return {parameter: by_name[name].read() for parameter, name in stated.stored.named.items()}


def config_of(stated: Found) -> LSTMConfig:
    """The LSTM that a file states."""
    known: dict[str, Any] = {field: value for field, value in fields_of(stated).items() if field in HYPERPARAMETERS}
    return LSTMConfig(**known)


def computed(file: WeightFile, stated: Found, x: Any) -> Any:
    """The output of an LSTM with the weights in a file, of one input."""
    config = config_of(stated)
    assert list(stated.stored.named) == [parameter.name for parameter in parameters(config, stated.framework)]
    weights = unpack(read_stated(file, stated), config, stated.framework)
    states, batch = config.num_directions * config.num_layers, x.shape[0 if config.batch_first else 1]
    zeros = np.zeros((states, batch, config.hidden_size), np.float32)
    activations = activations_of(stated.framework, stated.options)
    return forward(config, weights, x, (zeros, zeros), activations=activations)[0]


def one(file: WeightFile, name: str = "") -> Found:
    """The module of that name; without one, the only one."""
    found = [stated for stated in file.stated if name in ("", stated.name)]
    assert len(found) == 1, [stated.name for stated in file.stated]
    return found[0]
