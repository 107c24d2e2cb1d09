"""Every framework by its name: the single vocabulary of flags, reports and readers.

Not here: the facts of each (`pytorch`, `keras`, `tensorflow`, `onnx`, `jax`, `libraries`, `languages`, `runtimes`).
"""

from typing import Final

from lstmcalc.frameworks.jax import EQUINOX, FLAX_LINEN, FLAX_NNX, FLAX_NNX_OPTIMIZED, HAIKU
from lstmcalc.frameworks.keras import KERAS, KERAS1, KERAS2, KERAS_CUDNN
from lstmcalc.frameworks.languages import BURN, CANDLE, FLUX, MATLAB
from lstmcalc.frameworks.libraries import CHAINER, D2L, MINDSPORE, MLX, MXNET, PADDLE, TINYGRAD
from lstmcalc.frameworks.onnx import ONNX, OPENVINO
from lstmcalc.frameworks.pytorch import PYTORCH, PYTORCH_CELL
from lstmcalc.frameworks.runtimes import COREML, CUDNN, NCNN, ONEDNN
from lstmcalc.frameworks.tensorflow import TF1, TFLITE

LAYOUTS: Final = {
    "pytorch": PYTORCH,
    "pytorch-cell": PYTORCH_CELL,
    "keras": KERAS,
    "keras2": KERAS2,
    "keras1": KERAS1,
    "keras-cudnn": KERAS_CUDNN,
    "tf1": TF1,
    "onnx": ONNX,
    "flax-linen": FLAX_LINEN,
    "flax-nnx": FLAX_NNX,
    "flax-nnx-optimized": FLAX_NNX_OPTIMIZED,
    "haiku": HAIKU,
    "equinox": EQUINOX,
    "mlx": MLX,
    "tinygrad": TINYGRAD,
    "openvino": OPENVINO,
    "paddle": PADDLE,
    "mindspore": MINDSPORE,
    "mxnet": MXNET,
    "chainer": CHAINER,
    "coreml": COREML,
    "tflite": TFLITE,
    "ncnn": NCNN,
    "cudnn": CUDNN,
    "onednn": ONEDNN,
    "matlab": MATLAB,
    "candle": CANDLE,
    "burn": BURN,
    "flux": FLUX,
    "d2l": D2L,
}
# What people call them; `jax` has no layers of its own, and Flax Linen is the oldest of those that are written for it.
ALIASES: Final = {
    "torch": "pytorch",
    "tf": "keras2",
    "tf.keras": "keras2",
    "tensorflow": "keras2",
    "keras3": "keras",
    "jax": "flax-linen",
    "nnx": "flax-nnx",
    "onnxruntime": "onnx",
}
