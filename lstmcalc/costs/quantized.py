"""The memory of an LSTM whose weights are quantized to 8 bits, by the layouts that programs really store.

PyTorch's dynamic quantization keeps float32 biases, inputs and outputs, and quantizes the input of each product while
it computes. TFLite's integer LSTM has int32 biases, one for each gate, an int16 cell, and int8 for all else. The scale
and the zero point of each tensor are beside them and not counted.

Sources: `torch.ao.quantization.quantize_dynamic` of torch 2.13.0 (deprecated, and it runs), what `torch.save` stores of
it; UNIDIRECTIONAL_SEQUENCE_LSTM of tensorflow 2.21.0 (tensorflow/lite/kernels/unidirectional_sequence_lstm.cc), and a
file of tflite-micro whose tensors were listed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from lstmcalc.costs.memory import Figure
from lstmcalc.costs.operations import sequences_of, steps_of
from lstmcalc.errors import UnsupportedError
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import D, H_cell, H_in, H_out, num_layers

PYTORCH_DYNAMIC: Final = "pytorch-dynamic"
TFLITE_INT8: Final = "tflite-int8"
_FLOAT: Final = 4  # bytes
_SHAPED: Final = "the tensors of torch 2.13.0"


class Scheme(NamedTuple):
    """One way to quantize an LSTM."""

    biases: int  # numbers of 4 bytes for each cell of a layer and direction
    weights: str  # what is stored, in words
    verified: str  # the facts that this was compared with, in words
    notes: tuple[str, ...]


SCHEMES: Final = {
    PYTORCH_DYNAMIC: Scheme(
        8,
        "matrices in int8, 1 byte each, and both biases in float32, 4 bytes each, without scales and zero points",
        "the storages that torch.save of torch 2.13.0 writes",
        ("torch.ao.quantization.quantize_dynamic is deprecated; the LSTM that it makes has no parameters to train",),
    ),
    TFLITE_INT8: Scheme(
        4,
        "matrices in int8, 1 byte each, and a bias of each gate in int32, 4 bytes each, without scales and zero points",
        "the tensors of a converted model, TensorFlow Lite's kernel of tensorflow 2.21.0",
        ("one UNIDIRECTIONAL_SEQUENCE_LSTM for each layer and direction",),
    ),
}


def matrices(config: LSTMConfig) -> Dim:
    """The number of weights that are quantized: of all matrices."""
    return LSTMModel(replace(config, bias=False)).num_parameters_symbolic


def weight_bytes(config: LSTMConfig, scheme: str) -> Dim:
    """The bytes of all weights and biases."""
    return matrices(config) + _FLOAT * SCHEMES[scheme].biases * D * num_layers * H_cell


def quantized_figures(config: LSTMConfig, data: DataSpec, scheme: str) -> Iterator[Figure]:
    """The bytes that are stored, and those that go in and out."""
    facts, rows, states = SCHEMES[scheme], steps_of(data), D * num_layers * sequences_of(data)
    yield Figure("weights", weight_bytes(config, scheme), "exact", facts.weights, facts.verified)
    if scheme == PYTORCH_DYNAMIC:
        output = D * rows * H_out + states * (H_out + H_cell)
        yield Figure("input", _FLOAT * rows * H_in, "exact", "input in float32, not h_0 and c_0", _SHAPED)
        yield Figure("output", _FLOAT * output, "exact", "output, h_n and c_n in float32", _SHAPED)
        return
    yield Figure("input", rows * H_in, "exact", "input in int8", facts.verified)
    yield Figure("output", D * rows * H_out, "exact", "output in int8", facts.verified)
    words = "h in int8 and c in int16, of each layer and direction"
    yield Figure("state", states * (H_out + 2 * H_cell), "exact", words, facts.verified)


def check_quantizable(config: LSTMConfig, data: DataSpec, scheme: str) -> None:
    """Refuse an LSTM that a scheme does not have.

    Raises:
        UnsupportedError: It cannot be quantized so, or does not compute once it is.
    """
    dynamic = scheme == PYTORCH_DYNAMIC
    rules: tuple[tuple[bool, str, str], ...] = (
        (data.dtype != "float32", "float32", f"an LSTM in {data.dtype}"),
        (dynamic and not config.bias, "biases", 'quantize_dynamic of torch 2.13.0 raises "mod.bias must be True"'),
        (dynamic and bool(config.proj_size), "no projection", "torch 2.13.0 drops weight_hr, and forward raises"),
        (not dynamic and data.lengths is not None, "sequences of one length", "lengths, which TFLite does not take"),
    )
    for broken, expected, found in rules:
        if broken:
            raise UnsupportedError(f"{scheme} does not quantize this LSTM", expected, found, where="--quantize")
