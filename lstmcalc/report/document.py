"""The document of a command: one plain, versioned tree, whose schema is that of the JSON.

Every tree is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from typing import Any, Final

from lstmcalc.report.tree import Tree
from lstmcalc.version import __version__

SCHEMA: Final = 1
FORMATS: Final = ("table", "json", "markdown", "csv")


def with_alone_note(modules: list[Any]) -> list[Any]:
    """The modules; if there are several, with a note that no output is passed from one to the next."""
    if len(modules) > 1:
        notes_in(modules[0]).append("each of these LSTMs is taken alone, with the input size that the source gives it")
    return modules


def document(command: str, modules: list[Any]) -> Tree:
    """The document of a command: its schema, its version, a tree for each LSTM."""
    if len(modules) > 1 and _has_layers_around(modules[0]):
        notes_in(modules[0]).append("each of these LSTMs has its own head and embedding; --module NAME picks one")
    return {"schema": SCHEMA, "lstmcalc": __version__, "command": command, "modules": modules}


def notes_in(module: Any) -> list[str]:  # noqa: ANN401  # a record or, as long as there are such, a tree
    """The notes of a module, to which more can be added."""
    notes: list[str] = module["notes"] if isinstance(module, dict) else module.notes
    return notes


def _has_layers_around(module: Any) -> bool:  # noqa: ANN401  # as above
    """True if there is a head or an embedding."""
    around = module.get("around") if isinstance(module, dict) else getattr(module, "around", None)
    if around is None:
        return False
    return any(around.values()) if isinstance(around, dict) else bool(around.head or around.embed)
