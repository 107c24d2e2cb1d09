"""Checks that what is read of a file of TensorFlow computes what TensorFlow did, for recordings and live models."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstmcalc import forward
from lstmcalc.commands._flags import with_models
from lstmcalc.intake.choosing import lstms_of
from lstmcalc.intake.load import load_weights
from lstmcalc.readers.found import Found
from lstmcalc.spec.activations import OPTIONS, activations_of
from tools.tensorflow_models import Array, Case


def lstms_in(path: Path) -> list[Found]:
    """The LSTMs of a file, a folder, or a prefix, as every command finds them."""
    return lstms_of(str(with_models({"source": str(path)})["source"]), {})


def output_of(found: Found, x: Array, *, gates: str = "sigmoid") -> Array:
    """The output of an LSTM of a file, the batch first; `gates` are those where the file does not state them."""
    config = replace(found.stored.config, batch_first=True)
    stated = {key: gates if key in OPTIONS and value is None else value for key, value in found.options.items()}
    known = activations_of(found.framework, stated)
    made, _ = forward(config, load_weights(found), x, activations=known)
    return np.asarray(made)


def check(path: Path, cases: Sequence[Case]) -> list[Found]:
    """Hold the LSTMs of a file against what they computed, in their order; the LSTMs."""
    found = lstms_in(path)
    left = list(found)
    for case in cases:
        data, count = case.x, case.lstms or len(left)
        for item in left[:count]:
            data = output_of(item, data)
        del left[:count]
        np.testing.assert_allclose(data, case.y, rtol=1e-5, atol=2e-6)
    assert not left, [item.name for item in left]
    return found
