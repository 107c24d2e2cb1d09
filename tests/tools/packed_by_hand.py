"""Weights of PyTorch as other frameworks keep them, packed as the documentation of each says, without the table.

The sources: Keras' LSTM (kernel, recurrent_kernel, bias in i, f, c, o); TensorFlow 1's LSTMCell (one kernel over x and h,
`i, j, f, o = split`, forget_bias=1); ONNX' operator LSTM (W[iofc], R[iofc], B = Wb[iofc] and Rb[iofc]); OpenVINO's
LSTMSequence (f, i, c, o); Flax' LSTMCell (Dense layers ii, if, ig, io and hi, hf, hg, ho, the latter with biases);
Haiku's LSTM (Linear over x and h, i, g, f, o, f + 1); Equinox, MLX, Flux (i, f, g, o); Gluon's rnn.LSTM (i2h, h2h in
i, f, c, o); Chainer's NStepLSTM (w0 to w3 on x, w4 to w7 on h); Core ML's MIL lstm (i, f, o, z); TFLite's
UNIDIRECTIONAL_SEQUENCE_LSTM; ncnn's LSTM (I, F, O, G); cuDNN's linLayerID (i, f, new memory, o); oneDNN's ldigo; MATLAB's
lstmLayer and bilstmLayer; Burn's gates of Linear layers; d2l's LSTMScratch.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from lstmcalc import LSTMConfig

Arrays = dict[str, Any]


class Cell(NamedTuple):
    """One layer in one direction: what each gate has, by PyTorch's letters i, f, g, o."""

    layer: int
    direction: int
    number: int  # of all, layer by layer, forward before reverse
    both: bool  # whether there are two directions
    alone: bool  # whether there is one layer
    wx: Arrays
    wh: Arrays
    bx: Arrays
    bh: Arrays

    @property
    def b(self) -> Arrays:
        return {gate: self.bx[gate] + self.bh[gate] for gate in "ifgo"}


def cells(config: LSTMConfig, weights: Arrays) -> Iterator[Cell]:
    for number in range(config.num_layers * config.num_directions):
        layer, direction = divmod(number, config.num_directions)
        end = f"l{layer}" + "_reverse" * direction
        parts = [
            dict(zip("ifgo", np.split(weights[f"{kind}_{end}"], 4), strict=True))
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        yield Cell(layer, direction, number, config.bidirectional, config.num_layers == 1, *parts)


def rows(gates: str, held: Arrays) -> Any:
    """The gates one below the other."""
    return np.concatenate([held[gate] for gate in gates])


def columns(gates: str, held: Arrays) -> Any:
    """The transposed gates side by side."""
    return np.concatenate([held[gate].T for gate in gates], axis=-1)


# --- One cell at a time


def pytorch(c: Cell) -> Arrays:
    end = f"l{c.layer}" + "_reverse" * c.direction
    parts = {"weight_ih": c.wx, "weight_hh": c.wh, "bias_ih": c.bx, "bias_hh": c.bh}
    return {f"{name}_{end}": rows("ifgo", held) for name, held in parts.items()}


def pytorch_cell(c: Cell) -> Arrays:
    path = f"layers.{c.layer}." + f"{'fb'[c.direction]}w." * c.both
    parts = {"weight_ih": c.wx, "weight_hh": c.wh, "bias_ih": c.bx, "bias_hh": c.bh}
    return {path + name: rows("ifgo", held) for name, held in parts.items()}


def _keras_path(c: Cell, kind: str) -> str:
    number = f"_{c.layer}" if c.layer else ""
    return f"bidirectional{number}/{('forward', 'backward')[c.direction]}_{kind}{number}" if c.both else kind + number


def keras(c: Cell, end: str = "") -> Arrays:
    path = f"{_keras_path(c, 'lstm')}/lstm_cell"
    return {
        f"{path}/kernel{end}": columns("ifgo", c.wx),
        f"{path}/recurrent_kernel{end}": columns("ifgo", c.wh),
        f"{path}/bias{end}": rows("ifgo", c.b),
    }


def keras2(c: Cell) -> Arrays:
    return keras(c, ":0")


def keras1(c: Cell) -> Arrays:
    path = (f"{('forward', 'backward')[c.direction]}_" if c.both else "") + f"lstm_{c.layer + 1}"
    names = {"i": "i", "g": "c", "f": "f", "o": "o"}
    found: Arrays = {}
    for gate, letter in names.items():
        found |= {
            f"{path}_W_{letter}": c.wx[gate].T,
            f"{path}_U_{letter}": c.wh[gate].T,
            f"{path}_b_{letter}": c.b[gate],
        }
    return found


def keras_cudnn(c: Cell) -> Arrays:
    path = _keras_path(c, "cu_dnnlstm")

    def memory(held: Arrays) -> Any:
        return np.concatenate([held[gate].reshape(held[gate].shape[::-1]) for gate in "ifgo"], axis=1)

    bias = np.concatenate([rows("ifgo", c.bx), rows("ifgo", c.bh)])
    return {f"{path}/kernel:0": memory(c.wx), f"{path}/recurrent_kernel:0": memory(c.wh), f"{path}/bias:0": bias}


def _joined(c: Cell) -> tuple[Any, Any]:
    """One kernel over x and h in i, g, f, o, and a bias from which the 1 is taken that is added at run time."""
    bias = {**c.b, "f": c.b["f"] - np.float32(1)}
    return np.concatenate([columns("igfo", c.wx), columns("igfo", c.wh)]), rows("igfo", bias)


def tf1(c: Cell) -> Arrays:
    path = f"stack_bidirectional_rnn/cell_{c.layer}/bidirectional_rnn/{'fb'[c.direction]}w"
    path = path if c.both else f"rnn/multi_rnn_cell/cell_{c.layer}"
    kernel, bias = _joined(c)
    return {f"{path}/lstm_cell/kernel:0": kernel, f"{path}/lstm_cell/bias:0": bias}


def haiku(c: Cell) -> Arrays:
    kernel, bias = _joined(c)
    path = f"lstm{f'_{c.number}' if c.number else ''}/linear"
    return {f"{path}/w": kernel, f"{path}/b": bias}


def _flax_path(c: Cell, layer: str, dot: str) -> str:
    return (layer + dot) * (not c.alone) + f"{('forward', 'backward')[c.direction]}_rnn{dot}" * c.both


def flax_linen(c: Cell) -> Arrays:
    path = f"params/{_flax_path(c, f'layers_{c.layer}', '/')}cell"
    kernels = {f"{path}/i{gate}/kernel": c.wx[gate].T for gate in "ifgo"}
    kernels |= {f"{path}/h{gate}/kernel": c.wh[gate].T for gate in "ifgo"}
    return kernels | {f"{path}/h{gate}/bias": c.b[gate] for gate in "ifgo"}


def flax_nnx(c: Cell) -> Arrays:
    path = f"{_flax_path(c, f'layers.{c.layer}', '.')}cell"
    kernels = {f"{path}.i{gate}{'_' * (gate == 'f')}.kernel": c.wx[gate].T for gate in "ifgo"}
    kernels |= {f"{path}.h{gate}.kernel": c.wh[gate].T for gate in "ifgo"}
    return kernels | {f"{path}.h{gate}.bias": c.b[gate] for gate in "ifgo"}


def flax_nnx_optimized(c: Cell) -> Arrays:
    path = f"{_flax_path(c, f'layers.{c.layer}', '.')}cell"
    return {
        f"{path}.dense_i.kernel": columns("ifgo", c.wx),
        f"{path}.dense_h.kernel": columns("ifgo", c.wh),
        f"{path}.dense_h.bias": rows("ifgo", c.b),
    }


def _by_hand(c: Cell) -> str:
    """The path of a module that users put together themselves."""
    return f"layers.{c.layer}." * (not c.alone) + f"{('forward', 'reverse')[c.direction]}." * c.both


def equinox(c: Cell) -> Arrays:
    path = _by_hand(c)
    return {
        f"{path}weight_ih": rows("ifgo", c.wx),
        f"{path}weight_hh": rows("ifgo", c.wh),
        f"{path}bias": rows("ifgo", c.b),
    }


def mlx(c: Cell) -> Arrays:
    path = _by_hand(c)
    return {f"{path}Wx": rows("ifgo", c.wx), f"{path}Wh": rows("ifgo", c.wh), f"{path}bias": rows("ifgo", c.b)}


def flux(c: Cell) -> Arrays:
    path = f"{_by_hand(c)}cell."
    return {f"{path}Wi": rows("ifgo", c.wx), f"{path}Wh": rows("ifgo", c.wh), f"{path}bias": rows("ifgo", c.b)}


def mxnet(c: Cell) -> Arrays:
    path = f"lstm0_{'lr'[c.direction]}{c.layer}_"
    parts = {"i2h_weight": c.wx, "h2h_weight": c.wh, "i2h_bias": c.bx, "h2h_bias": c.bh}
    return {path + name: rows("ifgo", held) for name, held in parts.items()}


def chainer(c: Cell) -> Arrays:
    found: Arrays = {}
    for number, gate in enumerate("ifgo"):
        found |= {f"/{c.number}/w{number}": c.wx[gate], f"/{c.number}/b{number}": c.bx[gate]}
        found |= {f"/{c.number}/w{number + 4}": c.wh[gate], f"/{c.number}/b{number + 4}": c.bh[gate]}
    return found


def cudnn(c: Cell) -> Arrays:
    path = f"pseudoLayer{c.number}/linLayer"
    found: Arrays = {}
    for number, gate in enumerate("ifgo"):
        found |= {f"{path}{number}/matrix": c.wx[gate], f"{path}{number}/bias": c.bx[gate]}
        found |= {f"{path}{number + 4}/matrix": c.wh[gate], f"{path}{number + 4}/bias": c.bh[gate]}
    return found


def coreml(c: Cell) -> Arrays:
    path, end = f"lstm{c.layer}.", "_back" * c.direction
    parts = {"weight_ih": c.wx, "weight_hh": c.wh, "bias": c.b}
    return {f"{path}{name}{end}": rows("ifog", held) for name, held in parts.items()}


def tflite(c: Cell) -> Arrays:
    path = _by_hand(c)
    found: Arrays = {}
    for gate, word in (("i", "input"), ("f", "forget"), ("g", "cell"), ("o", "output")):
        found |= {f"{path}input_to_{word}_weights": c.wx[gate], f"{path}recurrent_to_{word}_weights": c.wh[gate]}
        found[f"{path}{word}_gate_bias"] = c.b[gate]
    return found


def burn(c: Cell) -> Arrays:
    found: Arrays = {}
    for gate, word in (("i", "input"), ("f", "forget"), ("o", "output"), ("g", "cell")):
        path = f"{_by_hand(c)}{word}_gate."
        found |= {f"{path}input_transform.weight": c.wx[gate].T, f"{path}input_transform.bias": c.bx[gate]}
        found |= {f"{path}hidden_transform.weight": c.wh[gate].T, f"{path}hidden_transform.bias": c.bh[gate]}
    return found


def d2l(c: Cell) -> Arrays:
    path = f"rnns.{c.layer}." + (f"{'fb'[c.direction]}_rnn." if c.both else "")
    found: Arrays = {}
    for gate, letter in (("i", "i"), ("f", "f"), ("o", "o"), ("g", "c")):
        found |= {
            f"{path}W_x{letter}": c.wx[gate].T,
            f"{path}W_h{letter}": c.wh[gate].T,
            f"{path}b_{letter}": c.b[gate],
        }
    return found


# --- Both directions of a layer in one array


def onnx(layer: list[Cell]) -> Arrays:
    path = f"lstm{layer[0].layer}."
    biases = [np.concatenate([rows("iofg", c.bx), rows("iofg", c.bh)]) for c in layer]
    found = {f"{path}W": [rows("iofg", c.wx) for c in layer], f"{path}R": [rows("iofg", c.wh) for c in layer]}
    return {name: np.stack(held) for name, held in {**found, f"{path}B": biases}.items()}


def openvino(layer: list[Cell]) -> Arrays:
    path = f"lstm{layer[0].layer}."
    parts = {"W": "wx", "R": "wh", "B": "b"}
    return {path + name: np.stack([rows("figo", getattr(c, held)) for c in layer]) for name, held in parts.items()}


def ncnn(layer: list[Cell]) -> Arrays:
    path = f"lstm{layer[0].layer}."
    parts = {"weight_xc_data": "wx", "bias_c_data": "b", "weight_hc_data": "wh"}
    return {path + name: np.stack([rows("ifog", getattr(c, held)) for c in layer]) for name, held in parts.items()}


def onednn(layer: list[Cell]) -> Arrays:
    path = f"layer{layer[0].layer}."

    def ldigo(held: str) -> Any:
        gates = [[getattr(c, held)[gate].T for gate in "ifgo"] for c in layer]
        return np.stack([np.stack(each, axis=1) for each in gates])[None]

    biases = np.stack([np.stack([c.b[gate] for gate in "ifgo"]) for c in layer])[None]
    return {f"{path}weights_layer": ldigo("wx"), f"{path}weights_iter": ldigo("wh"), f"{path}bias": biases}


def matlab(layer: list[Cell]) -> Arrays:
    path = f"lstm{layer[0].layer}."
    parts = {"InputWeights": "wx", "RecurrentWeights": "wh", "Bias": "b"}
    found = {
        path + name: np.concatenate([rows("ifgo", getattr(c, held)) for c in layer]) for name, held in parts.items()
    }
    return {name: array if array.ndim > 1 else array[:, None] for name, array in found.items()}


BY_CELL: dict[str, Callable[[Cell], Arrays]] = {
    "pytorch": pytorch,
    "pytorch-cell": pytorch_cell,
    "keras": keras,
    "keras2": keras2,
    "keras1": keras1,
    "keras-cudnn": keras_cudnn,
    "tf1": tf1,
    "flax-linen": flax_linen,
    "flax-nnx": flax_nnx,
    "flax-nnx-optimized": flax_nnx_optimized,
    "haiku": haiku,
    "equinox": equinox,
    "mlx": mlx,
    "tinygrad": pytorch_cell,
    "paddle": pytorch,
    "mindspore": pytorch,
    "mxnet": mxnet,
    "chainer": chainer,
    "coreml": coreml,
    "tflite": tflite,
    "cudnn": cudnn,
    "candle": pytorch,
    "burn": burn,
    "flux": flux,
    "d2l": d2l,
}
BY_LAYER: dict[str, Callable[[list[Cell]], Arrays]] = {
    "onnx": onnx,
    "openvino": openvino,
    "ncnn": ncnn,
    "onednn": onednn,
    "matlab": matlab,
}


def packed(layout: str, config: LSTMConfig, weights: Arrays) -> Arrays:
    """An LSTM of two layers and both directions, with biases, as a framework keeps it."""
    found: Arrays = {}
    listed = list(cells(config, weights))
    each = config.num_directions
    if layout in BY_CELL:
        for cell in listed:
            found |= BY_CELL[layout](cell)
    else:
        for start in range(0, len(listed), each):
            found |= BY_LAYER[layout](listed[start : start + each])
    return found
