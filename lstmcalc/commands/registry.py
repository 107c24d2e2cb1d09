"""The commands, a line for each: a new command is a folder with `command.py`, a line here, and its test.

The line has what the list of commands says of it, so that only the named command is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lstmcalc.commands._output import Command

COMMANDS: Final = {
    "summary": "What is in a file, code or printed model; lstmcalc SOURCE does the same.",
    "shapes": "Every tensor in and out, and which slice of output each state is.",
    "params": "Every weight and bias with its name, shape, count and gate rows.",
    "explain": "The equations with their shapes, states, packing, dropout, initialisation.",
    "frameworks": "How each framework names, orders and stores the LSTM.",
    "cost": "MACs, FLOPs and memory, for inference and for training.",
    "solve": "The largest hidden size, batch, length or number of layers within budgets.",
    "sweep": "Every combination of sizes in one table, or as a picture.",
    "ls": "Every tensor of a weight file: its LSTM, dtype, shape, count and bytes.",
    "diff": "Does a weight file load into a model; if not, why, and what repairs it.",
    "convert": "Write an LSTM for another framework, proven before the file is left.",
    "run": "Compute the LSTM on random numbers or yours, and check every prediction.",
}


# The groups of the list of commands, by what they are for.
GROUPS: Final = {
    "Inspect": ("summary", "shapes", "params", "explain"),
    "Files": ("ls", "diff"),
    "Size": ("cost", "solve", "sweep"),
    "Port": ("frameworks", "convert"),
    "Check": ("run",),
}


def load_command(name: str) -> "Command":
    """The command of this name, one of `COMMANDS`."""
    command: Command = import_module(f"lstmcalc.commands.{name}.command").COMMAND
    return command
