"""The implementation of `nn.LSTM` that PyTorch runs on a CPU: oneDNN's, or its own, which is called native here.

Source: `use_mkldnn` and the two `lstm` in `aten/src/ATen/native/RNN.cpp`, and observed in torch 2.13.0+cpu (the
operators that a profiler lists): each rule with gradients and without, in training and in evaluation mode.

Not here: its memory (`onednn`, `native`).
"""

from typing import Final, NamedTuple

from lstmcalc.spec.config import DataSpec, LSTMConfig

ONEDNN: Final = "onednn"
NATIVE: Final = "native"
_DTYPES: Final = ("float32", "bfloat16")


class Path(NamedTuple):
    """An implementation, and the reason why PyTorch chooses it."""

    key: str  # `onednn` or `native`
    why: str  # the reason, as a phrase


def path_of(config: LSTMConfig, data: DataSpec, *, training: bool) -> Path:
    """The implementation that PyTorch chooses on an x86 CPU with AVX-512 and oneDNN, as it is installed.

    `training` means that gradients are recorded, regardless of `lstm.train()` and `lstm.eval()`. bfloat16 uses oneDNN
    on a CPU with AVX-512 or AVX2-VNNI-2. float16 uses it without gradients on a CPU with AVX512-FP16; that is not
    modelled here, so float16 is native.
    """
    why = _why_native(config, data, training)
    if why:
        return Path(NATIVE, why)
    return Path(ONEDNN, f"{data.dtype}, a packed batch of equal lengths" if data.lengths else data.dtype)


def _why_native(config: LSTMConfig, data: DataSpec, training: bool) -> str:
    """The reason why PyTorch does not use oneDNN; empty if it does."""
    if config.proj_size:
        return "a projection"
    if data.dtype == "float16":
        return "float16 with gradients" if training else "float16 on a CPU without AVX512-FP16"
    if data.dtype not in _DTYPES:
        return data.dtype
    if not data.num_sequences:
        return "an empty batch"
    if data.lengths and min(data.lengths) < max(data.lengths):
        return "a packed batch of different lengths"
    return ""


IMPLEMENTATIONS: Final = {"onednn": "oneDNN", "native": "native", "cudnn": "cuDNN"}  # their usual spelling
