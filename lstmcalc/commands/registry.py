"""The commands, a line for each: a new command is a folder with `command.py`, a line here, and its test.

The line has what the list of commands says of it, so that only the named command is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lstmcalc.commands._output import Command

COMMANDS: Final = {
    "summary": "What is in a file, in code or in a printed model: lstmcalc SOURCE does the same.",
    "shapes": "Every tensor in and out, and which slice of output each state is.",
    "params": "Every weight and bias with its name, shape, count and gate rows.",
    "explain": "Every equation with its shapes, what each state is, how packing works, what goes around.",
    "frameworks": "How each framework names, orders and stores the LSTM.",
    "cost": "MACs, FLOPs and memory, for inference and for training, each with its formula.",
    "solve": "The largest hidden size, batch, sequence length or number of layers within a budget.",
    "sweep": "Every combination of sizes in one table, or as a picture.",
    "ls": "Every tensor of a weight file: its name, the LSTM it is of, dtype, shape, count and bytes.",
    "diff": "Whether a weight file fits an LSTM, and if not, why: settings, tensors, the likely cause.",
    "run": "Compute the LSTM on random numbers, or on yours, and check every prediction.",
}


def load_command(name: str) -> "Command":
    """The command of this name, one of `COMMANDS`."""
    command: Command = import_module(f"lstmcalc.commands.{name}.command").COMMAND
    return command
