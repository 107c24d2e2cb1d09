"""The names and groups of an LSTM's arrays in files of Keras, from the models and wrappers around it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from lstmcalc.readers.keras.cores import Core, Wrapper
from lstmcalc.readers.keras.layers import Config, Layer


class Home(NamedTuple):
    """The models and wrappers around a layer, as names and groups show them."""

    names: tuple[str, ...] = ()  # names of the models and wrappers around it, with which its own name begins
    prefix: tuple[str, ...] = ()  # in Keras 3, the first parts of its arrays' names
    alias: str = ""  # in Keras 2, the wrapper's name that replaces its own in its arrays' names
    folder: str = ""  # its group in files of the format of Keras 3; empty if unknown
    top: str = ""  # the layer of the outermost model that it is in, or is


class Placed(NamedTuple):
    """The place of an LSTM's arrays in a file."""

    folder: str  # the group of its layer in files of the format of Keras 3, e.g. `layers/sequential/layers/lstm`
    top: str  # the layer of the outermost model that it is in, or is: its group in older files
    names: tuple[str, ...]  # names of the models and wrappers around it, its layer, its cell; the outermost first
    both: bool  # True if it is bidirectional
    cell: int  # its index in a stack of cells
    cells: int  # the number of cells in that stack
    arguments: Config  # its own configuration
    naming: tuple[str, ...]  # a sentence on the names of its arrays, where `Found.path` cannot say them


def inside_wrapper(home: Home) -> Home:
    """The home of the layer inside of a wrapper."""
    return home._replace(folder=f"{home.folder}/layer" if home.folder else "")


def group_names(layers: Sequence[Layer]) -> list[str]:
    """The names of the groups of a model's layers in files of the format of Keras 3: by class, and numbered.

    Source: `_save_container_state` of keras/src/saving/saving_lib.py and `to_snake_case` of keras/src/utils/naming.py,
    keras 3.15.1; the same of tf_keras 2.21.0.
    """
    used: dict[str, int] = {}
    names = []
    for layer in layers:
        name = re.sub(r"\W+", "", layer.kind.rpartition(">")[2])
        name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
        used[name] = used.get(name, -1) + 1
        names.append(f"{name}_{used[name]}" if used[name] else name)
    return names


def array_path(
    framework: str, outer: Layer, core: Core, home: Home, wrapper: Wrapper | None
) -> tuple[str, tuple[str, ...]]:
    """The prefix of the names of an LSTM's arrays; if they have none in common, empty, and a note with the names.

    Keras 2 names no models around a layer, and a TimeDistributed instead of the layer in it; Keras 3 names both.
    """
    name = outer.name or "lstm"
    if framework == "keras":
        name = "/".join((*home.prefix, name))
    elif framework != "keras1":
        name = home.alias or name
    forward = backward = ""
    if wrapper:
        name = "" if framework == "keras1" else f"{name}/"
        forward, backward = wrapper.forward, wrapper.backward
    # After the layer's name, the table of frameworks has one fixed name for the cell, or none.
    cell = "" if framework in ("keras1", "keras-cudnn") else core.cell
    stem = forward.removeprefix("forward_")
    if cell in ("", "lstm_cell") and (forward, backward) in (("", ""), (f"forward_{stem}", f"backward_{stem}")):
        return f"{name}{{direction}}_{stem}" if wrapper else name, ()
    listed = [f"{name}{each}/{cell}/kernel".replace("//", "/") for each in dict.fromkeys((forward, backward))]
    return "", (f"its arrays are called {' and '.join(listed)}, and so on",)


def direction_names(forward: str, backward: str | None, framework: str) -> tuple[str, str]:
    """The names of the two layers in a Bidirectional; in Keras 3, a backward layer that is given keeps its own name."""
    if framework == "keras":
        given = forward.removeprefix("forward_")
        return f"forward_{given}", f"backward_{forward.removeprefix('backward_')}" if backward is None else backward
    return f"forward_{forward}", f"backward_{forward if backward is None else backward}"
