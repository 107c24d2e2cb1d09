"""A weight file and its tensors, not yet read.

Not here: readers of each format, and the recognition of LSTMs in the tensors.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, bytes_text, printable
from lstmcalc.machine import available_memory
from lstmcalc.readers.files.raw_numbers import Block, View, numel
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.found import Found
from lstmcalc.spec.config import LSTMConfig

_COPIES: Final = 3  # of a tensor that is read as a whole: the bytes, the array, and what is computed from it
_SMALL: Final = 1 << 20  # bytes for which the memory is not asked


class Spot(NamedTuple):
    """The place of a tensor's numbers in its file, as they are there: neither compressed nor computed."""

    section: Section  # the bytes around them
    dtype: str
    view: View  # of them among the numbers of the section
    big_endian: bool = False
    skip: int = 0  # bytes of the section before its first number


class Stored(NamedTuple):
    """One tensor of a file."""

    name: str  # with its path in the file
    dtype: str  # e.g. `float32`, `bfloat16`, `int8`, whatever the file has
    shape: tuple[int, ...]
    nbytes: int  # of its numbers in the file, before any compression
    read: Callable[[], Any]  # its numbers as a NumPy array, bfloat16 as float32; SourceError if they cannot be had
    parts: Callable[[], Iterator[Block]] | None = None  # the same in blocks, in bounded memory; None if there are none
    place: object = None  # equal for two tensors that share their numbers; None if the format has no such thing
    spot: Callable[[], Spot] | None = None  # where its numbers can be replaced in the file; None if they cannot

    def blocks(self) -> Iterator[Block]:
        """Its numbers in blocks, read-only: a single one if the tensor can only be read as a whole.

        Raises:
            SourceError: The numbers cannot be had, or do not fit in memory.
        """
        if self.parts is not None:
            yield from self.parts()
        elif numel(self.shape):
            yield tuple(slice(0, size) for size in self.shape), self.whole()

    def whole(self) -> Any:  # noqa: ANN401  # an array
        """Its numbers as one array, refused if it does not fit in memory or has another shape than the file says."""
        wanted = _COPIES * max(self.nbytes, 8 * numel(self.shape))
        if wanted > _SMALL and wanted > (free := available_memory()):
            sizes = f"at most {bytes_text(free)}", bytes_text(wanted)
            raise SourceError("too large for the memory", *sizes, where=printable(self.name))
        array = self.read()
        if array.shape != self.shape:
            raise SourceError("not as its file says", str(self.shape), str(array.shape), where=printable(self.name))
        return array


class StateDict(NamedTuple):
    """A dictionary with tensors by their names in a file, as `load_state_dict` would get it."""

    keys: tuple[str, ...]  # that lead to it; none for the file itself
    entries: Mapping[str, "Stored | str"]  # its tensors; of anything else, the name of its class, e.g. `int`
    versions: Mapping[str, int] = {}  # of the classes of its modules, by path: `_metadata`
    is_module: bool = False  # True for that of a whole module in the file


class Described(NamedTuple):
    """A module, or layer, of a model in memory."""

    path: str  # empty for the model itself
    kind: str  # its class
    text: str  # its class with its settings: `Linear(in_features=3, out_features=2)`
    own: tuple[str, ...] = ()  # its own tensors in the order of its state dict
    tracks: bool | None = None  # `track_running_stats`, of a class that has it
    known: bool = True  # False if it has tensors whose shapes are not known


class Relative(NamedTuple):
    """A recurrent module that is not an LSTM."""

    unit: str  # the path of its module
    kind: str  # e.g. `GRU`
    input_size: int | None
    hidden_size: int | None
    names: tuple[str, ...]  # of its arrays in the file


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
    buffers: frozenset[str] | None = None  # the names of buffers, of whole modules; None if the file does not say
    has_numbers: bool = True  # False for a list of its tensors alone
    constants: frozenset[str] = frozenset()  # the names of tensors that are constants of a graph, and no initializers
    described: tuple[Described, ...] = ()  # of a model in memory: its modules, depth first
    repeats: frozenset[str] = frozenset()  # of it: the paths of modules that have another path before
    # The code that gives its state dict, with `{keys}` for those that lead to one in it; empty for a file of one kind,
    # which `torch.load` and the like take.
    code: str = ""

    def state_code(self, keys: str) -> list[str]:
        """The lines of `code` for a state dict that these keys lead to, as `["a"]["b"]`; none without code."""
        if not self.code:
            return []
        return (self.code.replace("{keys}", keys) if "{keys}" in self.code else f"{self.code}{keys}").split("\n")


class Weights(NamedTuple):
    """The arrays of an LSTM in a weight file."""

    named: Mapping[str, str] = {}  # its parameters, as `frameworks.storage` lists them, to the names that the file has
    computed: tuple["Stored", ...] = ()  # parameters that the file's own graph computes, under names in `named`
    config: LSTMConfig = LSTMConfig(1, 1)  # its hyperparameters; one that is open is 1, or a default
    tensors: Mapping[str, "Stored"] = {}  # its parameters to the file's arrays, without missing ones
    names: tuple[str, ...] = ()  # of all arrays of its module in the file
    missing: tuple[str, ...] = ()  # names that the file should have and does not have
    misshaped: tuple[str, ...] = ()  # arrays of the wrong shape, in words
    file: "WeightFile | None" = None
    module: str = ""  # its name in `file.owners`, before equal names were made unique
    given: int = 0  # parameters that it has beside those of an LSTM, and that are not in the file

    def own(self) -> list[Stored]:
        """The tensors of the file that it has, or else those that its weights follow from; none if they are unknown."""
        if self.file is None:
            return []
        names = set(self.names)
        own = [tensor for tensor in self.file.tensors if tensor.name in names]
        return own or [tensor for tensor in self.file.tensors if self.file.owners.get(tensor.name) == self.module]


def paired_blocks(first: Stored, second: Stored) -> Iterator[tuple[Any, Any]]:
    """The numbers of two tensors of one shape, side by side in blocks.

    Where their axes are stored in different orders, the second one is read as a whole.
    """
    others, whole = second.blocks(), None
    for place, numbers in first.blocks():
        if whole is None:
            there, other = next(others)
            if there == place:
                yield numbers, other
                continue
            whole = second.whole()
        yield numbers, whole[place]
