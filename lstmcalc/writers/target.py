"""The interface between `convert` and the writer of each kind of file.

A writer knows one kind of file. It gets LSTMs with their numbers, under PyTorch's names, and writes bytes to a stream
that becomes the file only when the proof has held. It never sees the source, and never decides where the file goes.

Not here: how numbers are packed for a framework (`numerics.convert`), and files that are renamed when whole
(`writing`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, NamedTuple, TypeAlias

from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import DataSpec, LSTMConfig

if TYPE_CHECKING:
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.proof.judges import Verdict
    from lstmcalc.writers.entries import Entry

Weights: TypeAlias = "Mapping[str, Array]"


class Portable(NamedTuple):
    """One LSTM with its numbers, as a writer gets it."""

    name: str  # its path in the source, e.g. `encoder.rnn`; `lstm` if it has none
    config: LSTMConfig
    weights: Weights  # PyTorch's names and shapes (`LSTMModel(config).parameters`), all of one dtype: float16, 32 or 64
    activations: Activations = PYTORCH
    stored: str = ""  # the dtype of its numbers where it was read, e.g. `bfloat16`; empty if it is that of `weights`

    @property
    def dtype(self) -> str:
        """The dtype of `weights`: bfloat16, which NumPy has not, is kept in float32."""
        name: str = next(iter(self.weights.values())).dtype.name
        return name


class Asked(NamedTuple):
    """The request to a writer, from the flags."""

    path: str  # the name of the file, for the lines that load it
    stateful: bool = False  # states go in and come out: `--stateful`
    steps: int | None = None  # the fixed number of steps of a call: `--steps`; None if it is free
    beside: Sequence["Entry"] = ()  # tensors that are copied as they are, the LSTMs' too: `--keep-others`


class Target(NamedTuple):
    """One kind of file to convert to.

    Each function gets the LSTMs of the file: one, unless `several`.
    """

    framework: str  # a name of `frameworks.catalog`, or `c`
    title: str  # for people: `ONNX`, `C99`
    suffixes: tuple[str, ...]  # of its files, the usual one first: `(".onnx",)`
    several: bool  # True if one file can have several LSTMs
    # Refuses by name what the target cannot express, before anything is written (UnsupportedError); it looks at numbers
    # only where they decide.
    check: Callable[[Sequence[Portable], Asked], None]
    # Writes the whole file to a new binary stream that can be read, written and sought.
    write: Callable[[IO[bytes], Sequence[Portable], Asked], None]
    # The lines of code that load the file, ready to be pasted; they are run by the tests.
    load: Callable[[Sequence[Portable], Asked], Sequence[str]]
    # The weights in the written file under PyTorch's names, one mapping for each LSTM, from the path of the file; None
    # if lstmcalc reads such a file as a SOURCE, which is then the way it is read back.
    read: Callable[[str, Sequence[Portable]], Sequence[Weights]] | None = None
    # Runs the written file in the target's own program, where it is installed: output, h_n and c_n as
    # `numerics.forward` has them, from the file's path, `input`, `h_0` and `c_0` (in the order of `batch_first`) and
    # lengths; None if the program is not installed, or cannot take these data, e.g. a packed batch.
    run: Callable[[str, Portable, DataSpec, Weights], "Verdict | None"] | None = None
    # Notes on what was changed on the way, in sentences: `b_ih + b_hh is stored, as Keras has one bias`.
    notes: Callable[[Sequence[Portable]], Sequence[str]] = lambda _lstms: ()
