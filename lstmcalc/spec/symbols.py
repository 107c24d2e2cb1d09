"""The symbols of PyTorch's documentation as expressions, with their meanings and values."""

from typing import Final

from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.sizes import Dim

SYMBOLS: Final = {
    "N": "batch",
    "L": "sequence length",
    "S": "sum of lengths",
    "max(lengths)": "longest of the lengths",
    "batch_sizes[-1]": "sequences as long as the longest",
    "D": "directions",
    "H_in": "input_size",
    "H_cell": "hidden_size",
    "H_out": "proj_size if it is set, else hidden_size",
    "num_layers": "num_layers",
    "OUT": "outputs of the head",
    "VOCAB": "words of the vocabulary",
}
N = Dim.symbol("N")
L = Dim.symbol("L")
S = Dim.symbol("S")
LONGEST = Dim.symbol("max(lengths)")
LAST_SIZE = Dim.symbol("batch_sizes[-1]")
D = Dim.symbol("D")
H_in = Dim.symbol("H_in")
H_cell = Dim.symbol("H_cell")
H_out = Dim.symbol("H_out")
num_layers = Dim.symbol("num_layers")
OUT = Dim.symbol("OUT")
VOCAB = Dim.symbol("VOCAB")

DIRECTIONS: Final = ("forward", "reverse")


def sizes_of(config: LSTMConfig) -> dict[str, int]:
    """The value of every symbol that depends on the hyperparameters alone."""
    return {
        "D": config.num_directions,
        "H_in": config.input_size,
        "H_cell": config.hidden_size,
        "H_out": config.output_size,
        "num_layers": config.num_layers,
    }
