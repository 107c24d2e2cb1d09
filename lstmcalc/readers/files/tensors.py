"""What a weight file holds: its tensors, not yet read, and what it says of its own recurrent modules.

Not here: how a file of each format is read, and which LSTM its tensors are.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Stored(NamedTuple):
    """One tensor of a file.

    Attributes:
        name: What the file calls it, with its path in the file.
        dtype: As `float32`, `bfloat16`, `int8`, whatever the file has.
        shape: Its shape.
        nbytes: The bytes of its numbers in the file, before any compression.
        read: Its numbers as a NumPy array, read when it is called; bfloat16 and the like as float32. Raises
            SourceError if they cannot be had.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    read: Callable[[], Any]


class Stated(NamedTuple):
    """What a file itself says of a recurrent module whose weights it has.

    Attributes:
        name: Its path in the file.
        kind: What the file calls it: `LSTM`, `LSTMCell`, `GRU`, `CuDNNLSTM`.
        framework: Whose it is, a name of `frameworks`.
        fields: The settings that the file states, by the names of `LSTMConfig` and `DataSpec`.
        tensors: Its parameters' names, as `layouts` lists them for its framework, to the names that the file has.
        notes: What is worth knowing, in sentences.
        unmodelled: What makes it compute something else than an LSTM of PyTorch, each as `activation = 'relu'`.
        inferred: Those of `fields` that follow from shapes and names, and that no setting in the file says.
        options: The framework's own settings that change what goes in and comes out, as `return_sequences`.
        computed: Parameters that the file does not have as they are: its own graph computes them of its tensors. The
            names in `tensors` that are none of the file's are theirs.
    """

    name: str
    kind: str
    framework: str
    fields: Mapping[str, object]
    tensors: Mapping[str, str]
    notes: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    options: Mapping[str, object] = {}
    computed: tuple[Stored, ...] = ()


class WeightFile(NamedTuple):
    """A weight file, as its index has it.

    Attributes:
        format: What it is, in words: `safetensors`, `PyTorch (zip)`, `ONNX`.
        tensors: In the order of the file.
        stated: The recurrent modules that the file itself describes; none if it has names and shapes only.
        notes: What is worth knowing of the file, in sentences.
        dictionaries: The keys that lead to each dictionary in the file that has tensors by their names; none for the
            file itself. A tensor there is called by these keys and its own, with dots between.
    """

    format: str
    tensors: tuple[Stored, ...]
    stated: tuple[Stated, ...] = ()
    notes: tuple[str, ...] = ()
    dictionaries: tuple[tuple[str, ...], ...] = ()


def read_stated(file: WeightFile, stated: Stated) -> dict[str, Any]:
    """The parameters of a module by their layout's names, as `weights.unpack` takes them.

    Raises:
        SourceError: One of them cannot be read.
    """
    by_name = {tensor.name: tensor for tensor in (*file.tensors, *stated.computed)}
    return {parameter: by_name[name].read() for parameter, name in stated.tensors.items()}
