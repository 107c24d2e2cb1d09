"""The outcome of a file that may be damaged: its LSTMs with their weights, or the words that refuse it."""

from typing import Any

from lstmcalc.errors import LstmcalcError
from lstmcalc.intake.load import load_weights
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.readers.recognise.weights import read_weights

Shapes = dict[str, tuple[int, ...]]


def outcome(path: str) -> tuple[list[tuple[Shapes, Shapes]], str]:
    """The shapes of each LSTM's weights, as they are read and as they should be; else the words that refuse the file."""
    try:
        found = [(item.stored.config, load_weights(item)) for item in read_weights(path)]
    except LstmcalcError as error:
        return [], error.what.replace(path, "FILE")
    return [
        (_shapes(weights), {row.name: row.shape for row in LSTMModel(config).parameters}) for config, weights in found
    ], ""


def _shapes(weights: dict[str, Any]) -> Shapes:
    return {name: array.shape for name, array in weights.items()}
