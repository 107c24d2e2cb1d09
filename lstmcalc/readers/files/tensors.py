"""A weight file and its tensors, not yet read.

Not here: readers of each format, and the recognition of LSTMs in the tensors.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lstmcalc.readers.found import Found, Relative


class Stored(NamedTuple):
    """One tensor of a file."""

    name: str  # with its path in the file
    dtype: str  # e.g. `float32`, `bfloat16`, `int8`, whatever the file has
    shape: tuple[int, ...]
    nbytes: int  # of its numbers in the file, before any compression
    read: Callable[[], Any]  # its numbers as a NumPy array, bfloat16 as float32; SourceError if they cannot be had


class StateDict(NamedTuple):
    """A dictionary with tensors by their names in a file, as `load_state_dict` would get it."""

    keys: tuple[str, ...]  # that lead to it; none for the file itself
    entries: Mapping[str, "Stored | str"]  # its tensors; of anything else, the name of its class, e.g. `int`
    versions: Mapping[str, int] = {}  # of the classes of its modules, by path: `_metadata`
    is_module: bool = False  # True for that of a whole module in the file


class WeightFile(NamedTuple):
    """A weight file, as its index has it."""

    format: str  # in words: `safetensors`, `PyTorch (zip)`, `ONNX`
    tensors: tuple[Stored, ...]  # in the order of the file
    stated: tuple[Found, ...] = ()  # the recurrent modules that the file itself describes, LSTMs and others
    notes: tuple[str, ...] = ()
    # The keys that lead to each dictionary in the file that has tensors by their names; none for the file itself. A
    # tensor there is called by these keys and its own, with dots between.
    dictionaries: tuple[tuple[str, ...], ...] = ()
    relatives: tuple[Relative, ...] = ()  # its other recurrent modules; their units are names as reports have them
    kind: str = ""  # as `files.kinds` names it: `safetensors`, `npz`, `torch`
    state_dicts: tuple[StateDict, ...] = ()  # the file itself first, if it is one; none if the format has no such thing
    owners: Mapping[str, str] = {}  # the names of arrays of recurrent modules, with the name of the module
