"""The record for one constructor of LSTMs.

Not here: the rows (`constructors`, `further_constructors`).
"""

from collections.abc import Mapping
from typing import NamedTuple


class Constructor(NamedTuple):
    """One constructor of an LSTM.

    Arguments outside of `fields`, `fixed`, `options` and `training` change neither shapes nor numbers (names, devices,
    initial values, regularizers, ways of computing the same).
    """

    framework: str  # a name in `catalog.LAYOUTS`
    names: tuple[str, ...]  # its full names; the first is shown
    # Its arguments in order, separated by spaces; those after a `*` are given by name only. Old spellings of an
    # argument come last.
    order: str
    fields: Mapping[str, str]  # the setting of an argument, or `input_shape`, `batch_shape`, `dtype`, which are parsed
    source: str  # the version, and the file
    # The values of an argument with which the result is that of PyTorch's LSTM, the default first.
    fixed: Mapping[str, tuple[object, ...]] = {}
    options: tuple[str, ...] = ()  # arguments that change inputs and outputs
    training: tuple[str, ...] = ()  # arguments that act in training only
    implied: Mapping[str, object] = {}  # settings that the class itself says
    # Arguments of which a note says what they do where they are not the default, which stands before the words.
    noted: Mapping[str, tuple[object, str]] = {}
    unlike: Mapping[str, tuple[object, ...]] = {}  # the values of an argument with which the result is another
    # The values of the argument of the input size with which it is taken from the data.
    deferred: tuple[object, ...] = ()
    words: tuple[str, ...] = ()  # notes on every LSTM of it
    how: str = "run"  # `source` if its source was read and its instances were not held against it

    @property
    def takes_data(self) -> bool:
        """True if it takes, or may take, its input size from the first array that it is given."""
        return bool(self.deferred) or all(self.fields.get(name) != "input_size" for name in self.positional)

    @property
    def required(self) -> tuple[str, ...]:
        """The arguments without a default: those that give sizes."""
        sizes = ("input_size", "hidden_size")
        return tuple(name for name in self.positional if self.fields.get(name) in sizes)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of its arguments."""
        return tuple(name for name in self.order.split() if name != "*")

    @property
    def positional(self) -> tuple[str, ...]:
        """The arguments that can be given by position."""
        return tuple(self.order.partition("*")[0].split())
