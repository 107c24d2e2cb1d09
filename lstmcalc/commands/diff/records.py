"""The records of a comparison: a tensor, an LSTM, a source as it was read, and the pairs to compare."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found, FoundModel
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.config import HYPERPARAMETERS, LSTMConfig

# The hyperparameters that shapes and names of weights depend on; tensors say nothing about the others.
IN_WEIGHTS: Final = tuple(field for field in HYPERPARAMETERS if field not in ("batch_first", "dropout"))
STATE_DICTS: Final = ("pytorch", "pytorch-cell")  # frameworks with the names of a state dict


class Item(NamedTuple):
    """A tensor of one side."""

    shape: tuple[int, ...]
    dtype: str | None = None  # None if unknown
    stored: Stored | None = None  # the tensor in the file; None for text and flags


class Side(NamedTuple):
    """An LSTM on one side of a comparison."""

    found: Found
    source: str  # its source, in words
    config: LSTMConfig
    known: frozenset[str]  # the hyperparameters that the source states or implies
    # Its tensors by its framework's names; PyTorch's are those in the `state_dict` of the LSTM alone.
    items: Mapping[str, Item]
    prefix: str | None = None  # the beginning of these names in the file; None if unknown

    @property
    def name(self) -> str:
        """Its path in the source."""
        return self.found.name

    @property
    def framework(self) -> str:
        """Its framework, a name of `frameworks.catalog`."""
        return self.found.framework

    @property
    def has_numbers(self) -> bool:
        """True for an LSTM of a weight file, and not of a list of its tensors."""
        return self.is_file and (self.found.stored.file is None or self.found.stored.file.has_numbers)

    @property
    def is_file(self) -> bool:
        """True for an LSTM of a weight file, or of a list of its tensors."""
        return self.found.weights is not None


class Sides(NamedTuple):
    """The pairs of LSTMs to compare."""

    pairs: Sequence[tuple[Side | None, Side | None]]  # None where one side has no counterpart
    words: tuple[str, str]  # the name of each side in a sentence
    others: Sequence[str] = ()  # the names of the file's LSTMs that are not compared
    read: Sequence["ReadSide"] = ()  # both sides as they were read
    entire: bool = True  # False if LSTMs alone are compared: if `--module` picks one, or if there is nothing around


class ReadSide(NamedTuple):
    """A source, or flags, as they were read."""

    path: str | None  # the source as it was named; None for flags
    sides: Sequence[Side]  # the chosen LSTMs
    matched: bool  # True if `--module` names one of them
    text: SourceText | None = None  # None for a weight file and for flags
    models: Sequence[FoundModel] = ()  # those that code makes

    @property
    def file(self) -> WeightFile | None:
        """The weight file; None for text and flags."""
        weights = self.sides[0].found.weights
        return weights.file if weights else None
