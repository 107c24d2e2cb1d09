"""The contents of a weight file: its tensors, not yet read, and the recurrent modules that it describes itself.

Not here: the LSTMs that its tensors form (`readers.recognise`).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Stored(NamedTuple):
    """One tensor of a file."""

    name: str  # its name in the file, including the path there
    dtype: str  # the file's: `float32`, `bfloat16`, `int8`, also dtypes that cannot be read
    shape: tuple[int, ...]
    nbytes: int  # bytes of its numbers in the file, before any compression
    read: Callable[[], Any]  # loads a NumPy array, bfloat16 and the like as float32; SourceError if that fails


class Stated(NamedTuple):
    """A recurrent module as the file that has its weights describes it."""

    name: str  # its path in the file
    kind: str  # the file's name for it: `LSTM`, `LSTMCell`, `GRU`, `CuDNNLSTM`
    framework: str  # a key of `frameworks.catalog.LAYOUTS`
    fields: Mapping[str, object]  # the settings in the file, named as in `LSTMConfig` and `DataSpec`
    tensors: Mapping[str, str]  # from parameter names, as `frameworks.storage` lists them, to names in the file
    notes: tuple[str, ...] = ()  # for the user, in sentences
    unmodelled: tuple[str, ...] = ()  # differences from PyTorch's LSTM, e.g. `activation = 'relu'`
    inferred: tuple[str, ...] = ()  # those of `fields` that follow from shapes and names, not from a stored setting
    options: Mapping[str, object] = {}  # framework settings that change inputs and outputs, e.g. `return_sequences`
    computed: tuple[Stored, ...] = ()  # parameters that the file's graph computes; only `tensors` has their names


class WeightFile(NamedTuple):
    """The index of a weight file."""

    format: str  # for people: `safetensors`, `PyTorch (zip)`, `ONNX`
    tensors: tuple[Stored, ...]  # in the order of the file
    stated: tuple[Stated, ...] = ()  # modules that the file describes; empty if it has names and shapes only
    notes: tuple[str, ...] = ()  # for the user, in sentences
    # The keys that lead to each dictionary of tensors, `()` for the file itself. The name of a tensor there is these
    # keys and its own, joined by dots.
    dictionaries: tuple[tuple[str, ...], ...] = ()


def read_stated(file: WeightFile, stated: Stated) -> dict[str, Any]:
    """The parameters of a module by their layout's names, as `numerics.convert.unpack` takes them."""
    by_name = {tensor.name: tensor for tensor in (*file.tensors, *stated.computed)}
    return {parameter: by_name[name].read() for parameter, name in stated.tensors.items()}
