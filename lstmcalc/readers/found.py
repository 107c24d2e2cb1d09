"""An LSTM as a source has it: the one record that every reader makes and every view reads.

Not here: what flags and defaults add to it (`subject`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lstmcalc.spec.provenance import Gap, Layer, Pointer

if TYPE_CHECKING:
    from lstmcalc.readers.files.tensors import WeightFile
    from lstmcalc.readers.recognise.recognition import Recognised


class Found(NamedTuple):
    """One LSTM as a source has it.

    Attributes:
        name: What the source calls it, as `encoder.rnn`.
        framework: Whose it is, a name of `frameworks`.
        text: How the source says it, in a line: `nn.LSTM(10, hidden)`.
        where: Its place, as `train.py:12`, or None.
        layer: The settings that the source gives, hyperparameters and data alike.
        pointers: Where each setting stands, for errors; `""` is the LSTM itself.
        gaps: The settings that the source leaves open.
        reads: The name of the LSTM whose output is its input, which settles its input size; empty if none is known.
        options: The framework's own settings that change what goes in and comes out, as `return_sequences`.
        notes: What is worth knowing, in sentences.
        unmodelled: What makes it compute something else than an LSTM of PyTorch, each as `activation = 'relu'`.
        path: What its parameters' names begin with, if that is known: `lstm_1`, or `both/{direction}_lstm`.
        input_shape: The shape of an array that it is given there, None for a size that is not known; `pointers` has
            it as `input`.
        weights: The LSTM in a weight file, if the source is one.
        file: That file.
    """

    name: str
    framework: str
    text: str
    where: str | None
    layer: "Layer"
    pointers: Mapping[str, Pointer]
    gaps: Mapping[str, Gap] = {}
    reads: str = ""
    options: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    path: str = ""
    input_shape: tuple[int | None, ...] = ()
    weights: "Recognised | None" = None
    file: "WeightFile | None" = None
