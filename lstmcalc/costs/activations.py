"""Memory of an LSTM besides its weights, in bytes, as formulas: bytes saved for backward, and peaks.

Every formula is made of a `Regime`, which has no sizes. So two LSTMs of one regime have one formula, which holds for
numbers and, for several sizes at once, for arrays of them.

All formulas are for PyTorch on a CPU (torch 2.13.0+cpu with oneDNN 3.12.0, on x86 with AVX-512, two threads), except
`saved_cudnn`, which is an estimate. `ERRORS` gives the largest differences from measurements.
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

# By kind and quantity: the assumed largest error of a formula, in percent; see `error_of`. It is more than was seen in
# hundreds of random LSTMs with sizes up to 300, 5 layers, 40 steps and 150 sequences. A CPU without AVX-512 lays out
# weights differently, and more threads take 80 bytes each.
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
    """The largest error, in percent, of the formula for `saved`, `inference` or `training`; None if unknown.

    Peaks of bfloat16 on the native path include buffers of matrix products, 100 KiB and more, that no formula here
    contains.
    """
    native_path = path.key != ONEDNN
    if native_path and data.dtype == "bfloat16" and quantity != "saved":
        return None
    return ERRORS["packed" if native_path and data.lengths else path.key, quantity]


def saved(config: LSTMConfig, data: DataSpec, path: Path) -> Dim:
    """Bytes that forward saves for backward: tensors that the graph holds, including the input, without parameters.

    Gradients are on, in training mode, so that there is dropout. It makes no difference whether h_0 and c_0 are given,
    and which of input, h_0 and c_0 need gradients. A packed batch comes from `pack_padded_sequence` with
    `enforce_sorted=False`; sorted by the caller, it saves 8 bytes less for each sequence.
    """
    facts = regime(config, data)
    total = onednn.saved(facts) if path.key == ONEDNN else native.saved(facts)
    # Putting h_n and c_n back into the order of the batch saves the index of each sequence.
    return total + INDEX * extent(facts).sequences if facts.packed else total


def peak_inference(config: LSTMConfig, data: DataSpec, path: Path) -> Dim:
    """The most bytes that PyTorch holds at once in `lstm(input)`, without gradients and in evaluation mode.

    Weights and input, which exist before, are not included; h_0 and c_0, which PyTorch makes, and all results are.
    """
    facts = regime(config, data)
    return onednn.peak_inference(facts) if path.key == ONEDNN else native.peak_inference(facts)


def peak_training(config: LSTMConfig, data: DataSpec, path: Path) -> Dim:
    """The most bytes that PyTorch holds at once in `output, (h_n, c_n) = lstm(input)` and `output.backward(gradient)`.

    Weights, input, and the gradient that backward is given exist before and are not included. The gradients of the
    parameters are made here and are included, and so are the results, which the caller keeps to the end. The input
    needs no gradient.
    """
    peaks = peaks_training(config, data, path, Task())
    return peaks.backward if peaks.forward is None else largest(peaks.forward, peaks.backward)


def peaks_training(config: LSTMConfig, data: DataSpec, path: Path, task: Task) -> Peaks:
    """The peaks of `peak_training` for any task: with layers after the LSTM, or a gradient of the input.

    Memory of a layer after the LSTM is not included, except for the gradient that it makes for the LSTM.
    """
    facts = regime(config, data)
    return onednn.peaks_training(facts, task) if path.key == ONEDNN else native.peaks_training(facts, task)


def saved_cudnn(config: LSTMConfig, data: DataSpec) -> Dim:
    """An estimate of the bytes that stay on a GPU between forward and backward; it was not measured.

    According to its source (`aten/src/ATen/native/cudnn/RNN.cpp`) PyTorch keeps the input, a copy of it if batch_first,
    output, h_n and c_n, and cuDNN's reserve. Only cuDNN knows the size of the reserve. Here it is taken to be the four
    gates and c of each layer, direction and step, and the h between layers, because that gives the reserve printed in
    an issue of PyTorch (#2895, cuDNN 6 or 7, float32, one direction). It may differ for other versions, dropout, a
    projection, half precision and small hidden sizes.
    """
    facts = regime(config, data)
    size = extent(facts)
    rows, states = size.rows, D * num_layers * size.sequences * (H_out + H_cell)
    reserve = D * rows * (5 * num_layers * H_cell + (num_layers - 1) * H_out)
    return facts.element * (rows * H_in + rows * D * H_out + states + reserve)
