"""The document of a command: one plain, versioned tree, whose schema is that of the JSON.

Every tree is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from typing import Final

from lstmcalc.report.tree import Tree
from lstmcalc.version import __version__

SCHEMA: Final = 1
FORMATS: Final = ("table", "json", "markdown", "csv")


def each_alone(modules: list[Tree]) -> list[Tree]:
    """The modules; if there are several, with a note that no output is passed from one to the next."""
    if len(modules) > 1:
        modules[0]["notes"].append("each of these LSTMs is taken alone, with the input size that the source gives it")
    return modules


def document(command: str, modules: list[Tree]) -> Tree:
    """The document of a command: its schema, its version, a tree for each LSTM."""
    if len(modules) > 1 and any(value for value in modules[0].get("around", {}).values()):
        modules[0]["notes"].append("each of these LSTMs has its own head and embedding; --module NAME picks one")
    return {"schema": SCHEMA, "lstmcalc": __version__, "command": command, "modules": modules}
