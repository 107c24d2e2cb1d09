"""What an LSTM takes of memory besides its weights, in bytes, as formulas: what is saved for backward, and peaks.

Every formula is made of a `Regime`: facts that are no sizes. So two LSTMs of one regime have one formula, which holds
for numbers and, where several sizes are asked for at once, for arrays of them.

All is of PyTorch on a CPU (torch 2.13.0+cpu with oneDNN 3.12.0, on x86 with AVX-512, two threads), except
`saved_cudnn`, which is an estimate. `ERRORS` says how far the formulas were from what was measured.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lstmcalc.costs import native, onednn
from lstmcalc.costs.implementation import ONEDNN, Path
from lstmcalc.costs.regimes import Peaks, Task, extent, regime
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.sizes import Dim, largest
from lstmcalc.spec.symbols import D, H_cell, H_in, H_out, num_layers

INDEX: Final = 8  # bytes of an int64

# By kind and quantity: the most, in percent, that a formula is taken to be wrong by; see `error_of`. More than was seen
# in hundreds of random LSTMs with sizes up to 300, 5 layers, 40 steps and 150 sequences. A CPU without AVX-512 lays
# weights out otherwise, and another number of threads adds 80 bytes for each.
ERRORS: Final[Mapping[tuple[str, str], float]] = MappingProxyType(
    {
        ("onednn", "saved"): 0.0,
        ("onednn", "inference"): 0.5,
        ("onednn", "training"): 0.4,
        ("native", "saved"): 0.0,
        ("native", "inference"): 0.1,
        ("native", "training"): 5.0,
        ("packed", "saved"): 0.0,
        ("packed", "inference"): 10.0,
        ("packed", "training"): 20.0,
    }
)


def error_of(data: DataSpec, path: Path, quantity: str) -> float | None:
    """The most, in percent, that a formula was wrong by; None where that is not known.

    Peaks of bfloat16 on the native path have buffers of matrix products besides, 100 KiB and more, that are in no
    formula here.

    Args:
        data: The data.
        path: The implementation.
        quantity: `saved`, `inference` or `training`.
    """
    native_path = path.key != ONEDNN
    if native_path and data.dtype == "bfloat16" and quantity != "saved":
        return None
    return ERRORS["packed" if native_path and data.lengths else path.key, quantity]


def saved(config: LSTMConfig, data: DataSpec, path: Path) -> Dim:
    """The bytes that forward saves for backward: tensors that the graph holds, the input among them, no parameters.

    With gradients on, and in training mode, in which there is dropout; the same whether h_0 and c_0 are given, and
    whatever of the input, h_0 and c_0 needs gradients. A packed batch is one of `pack_padded_sequence` with
    `enforce_sorted=False`; sorted by the caller, it saves 8 bytes less for each sequence.
    """
    facts = regime(config, data)
    total = onednn.saved(facts) if path.key == ONEDNN else native.saved(facts)
    # Where h_n and c_n are put back into the order of the batch, where each goes is saved.
    return total + INDEX * extent(facts).sequences if facts.packed else total


def peak_inference(config: LSTMConfig, data: DataSpec, path: Path) -> Dim:
    """The most bytes that PyTorch holds at once in `lstm(input)`, with no gradients and in evaluation mode.

    On top of what is there before: weights and input. h_0 and c_0, which PyTorch makes, and all results are in it.
    """
    facts = regime(config, data)
    return onednn.peak_inference(facts) if path.key == ONEDNN else native.peak_inference(facts)


def peak_training(config: LSTMConfig, data: DataSpec, path: Path) -> Dim:
    """The most bytes that PyTorch holds at once in `output, (h_n, c_n) = lstm(input)` and `output.backward(gradient)`.

    On top of what is there before: weights, input, and the gradient that backward is given. The parameters have no
    gradients before, so those that are made are in it, and so are the results, which the caller keeps to the end. The
    input needs no gradient.
    """
    peaks = peaks_training(config, data, path, Task())
    return peaks.backward if peaks.forward is None else largest(peaks.forward, peaks.backward)


def peaks_training(config: LSTMConfig, data: DataSpec, path: Path, task: Task) -> Peaks:
    """The moments of `peak_training`, whatever stands behind the LSTM, and whether or not its input needs a gradient.

    What a layer behind the LSTM needs is not in it, but the gradient that it makes for the LSTM is.

    Args:
        config: The hyperparameters.
        data: The data.
        path: The implementation.
        task: What backward has to do.
    """
    facts = regime(config, data)
    return onednn.peaks_training(facts, task) if path.key == ONEDNN else native.peaks_training(facts, task)


def saved_cudnn(config: LSTMConfig, data: DataSpec) -> Dim:
    """An estimate of the bytes that stay on a GPU between forward and backward: nothing of it was run.

    What PyTorch keeps follows from its source (`aten/src/ATen/native/cudnn/RNN.cpp`): the input, a copy of it if
    batch_first, output, h_n and c_n, and what cuDNN reserves. How much that is, cuDNN alone knows. Here it is taken to
    be the four gates and c of each layer and direction and step, and the h between layers, because that gives the
    reserve that an issue of PyTorch (#2895, cuDNN 6 or 7, float32, one direction) printed. Other versions, dropout,
    a projection, half precision and small hidden sizes may have others.
    """
    facts = regime(config, data)
    size = extent(facts)
    rows, states = size.rows, D * num_layers * size.sequences * (H_out + H_cell)
    reserve = D * rows * (5 * num_layers * H_cell + (num_layers - 1) * H_out)
    return facts.element * (rows * H_in + rows * D * H_out + states + reserve)
