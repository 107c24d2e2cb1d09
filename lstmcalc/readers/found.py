"""An LSTM as a source has it: the one record that every reader makes, and that every view reads.

Code adds places, gaps and the LSTM it reads from; a weight file adds its arrays (`files.tensors.Weights`, which is
loaded for weight files alone).

Not here: the settings of flags and defaults (`intake.subject`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting

if TYPE_CHECKING:
    from lstmcalc.readers.files.tensors import Weights


Shape: TypeAlias = tuple[int, ...]


class FoundModule(NamedTuple):
    """A module of a model as code makes it."""

    path: str  # as `named_modules()` has it; empty for the model itself
    kind: str  # its class
    text: str  # its class with its arguments: `Linear(512, 17)`
    # Its own parameters and buffers, in the order of its state dict, None for a shape that is not known; None for a
    # layer whose arguments, or whose class, are not known.
    tensors: Mapping[str, Shape | None] | None = {}
    buffers: frozenset[str] = frozenset()  # the names of those that are no parameters
    tied: frozenset[str] = frozenset()  # the names of those that are another module's too, which is before it
    settings: Mapping[
        str, "bool | int | float | str | Shape | None"
    ] = {}  # its arguments, of a layer in `frameworks.layers`
    lstm: str = ""  # the name of the LSTM that it is
    again: bool = False  # whether it is in the model, or in another one, under another path before
    open: tuple[str, ...] = ()  # its attributes that may be modules or parameters which are not here
    whole: bool = True  # False if it may have others


class FoundModel(NamedTuple):
    """A model as code makes it."""

    name: str  # its variable; empty for one of a function's variables
    kind: str  # its class
    start: str  # what the paths of its modules begin with in reports
    modules: tuple[FoundModule, ...]  # depth first, the model itself first
    whole: bool  # False if it may have others


class Found(NamedTuple):
    """One LSTM as a source has it."""

    name: str  # its path in the source, e.g. `encoder.rnn`
    framework: str  # a name of `frameworks.catalog`
    text: str = ""  # the source's text for it, in a line: `nn.LSTM(10, hidden)`
    where: str | None = None  # its place, e.g. `train.py:12`
    layer: Mapping[str, Setting] = {}  # the settings that the source gives, hyperparameters and data alike
    pointers: Mapping[str, Pointer] = {}  # the place of each setting, for errors; `""` is the LSTM itself
    gaps: Mapping[str, Gap] = {}  # the settings that the source leaves open
    reads: str = ""  # the LSTM whose output is its input, which settles input_size; empty if none is known
    options: Mapping[str, Any] = {}  # the framework's own settings that change input or output, e.g. `return_sequences`
    notes: tuple[str, ...] = ()
    around: tuple[str, ...] = ()  # notes on wrapped names, which a comparison of whole models says itself
    unmodelled: tuple[str, ...] = ()  # reasons why it does not compute what nn.LSTM does: `activation = 'relu'`
    path: str = ""  # the beginning of its parameters' names, if known: `lstm_1`, or `both/{direction}_lstm`
    input_shape: tuple[
        int | None, ...
    ] = ()  # of an array that the source passes to it, at the place `pointers["input"]`
    kind: str = "LSTM"  # the source's word: `LSTM`, `LSTMCell`, `CuDNNLSTM`; a weight file also describes a `GRU`
    weights: "Weights | None" = None  # its arrays, if the source is a weight file
    quantized: str = ""  # how its weights are quantized, e.g. `pytorch-dynamic`; empty if they are numbers as they are
    # Why its settings, or that it is made, do not follow from what was read; empty if they do.
    uncertain: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()  # the other frameworks that its arrays' names and shapes fit, with other gate orders
    partial: bool = False  # True if it is of a configuration, which does not say what layers are beside it
    beside: str = ""  # what else is in its file, in words, at the first LSTM of it
    models: tuple[FoundModel, ...] = ()  # the models that the code makes, at the first LSTM of it

    @property
    def stored(self) -> "Weights":
        """Its arrays, for callers that know the source to be a weight file."""
        assert self.weights is not None  # noqa: S101  # callers have it from a reader of weight files
        return self.weights


def own_names(found: Found) -> dict[str, str]:
    """The names of an LSTM's arrays in its framework, each with the name in its file, below the file's state dict."""
    file = found.stored.file
    names = {name: tensor.name for name, tensor in found.stored.tensors.items()}
    for state in file.state_dicts if file else ():
        start = "".join(f"{key}." for key in state.keys)
        if start and all(name.startswith(start) for name in names.values()):
            return {name: there.removeprefix(start) for name, there in names.items()}
    return names


def settings_of(fields: Mapping[str, object], inferred: tuple[str, ...] = ()) -> dict[str, Setting]:
    """Settings that a file states, without a place yet; those in `inferred` follow from its shapes and names."""
    return {
        field: Setting(value, Origin("source", None, "inferred" if field in inferred else "stated"))
        for field, value in fields.items()
    }
