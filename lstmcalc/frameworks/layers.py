"""The parameters and buffers of the layers beside an LSTM: a table by class, with names and symbolic shapes.

A shape is text: its axes, separated by spaces. An axis is a product of numbers and settings, `3*embed_dim`, or a
quotient, `in_channels/groups`; `kernel_size...` stands for as many axes as the setting has numbers.

Sources: torch 2.13.0, torch/nn/modules/ (`linear.py`, `sparse.py`, `conv.py`, `batchnorm.py`, `instancenorm.py`,
`normalization.py`, `activation.py`, `rnn.py`, `transformer.py`), torch/optim/swa_utils.py; Keras 3.15.1,
keras/src/layers/. Each entry is compared with the real class in tests/peers/frameworks/test_layers.py.

Not here: LSTMs of other frameworks (`catalog`).
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

Setting: TypeAlias = "bool | int | float | str | tuple[int, ...] | None"
Settings: TypeAlias = Mapping[str, Setting]
Shape: TypeAlias = tuple[int, ...]


class Kept(NamedTuple):
    """A parameter or a buffer of a layer, as `state_dict` has it."""

    name: str  # dots lead into modules that the layer makes itself
    shape: str
    when: str = ""  # the settings that must be true, separated by spaces; with a `-` in front, false
    buffer: bool = False


class Layer(NamedTuple):
    """A class of layers."""

    settings: tuple[str, ...]  # those that are given, or printed, by position alone
    kept: tuple[Kept, ...] = ()
    # Its other settings that shapes or names depend on, with their defaults.
    defaults: Settings = MappingProxyType({})
    gates: int = 0  # of a recurrent layer, whose parameters depend on its number of layers


_WEIGHT, _BIAS, _AFFINE = Kept("weight", "num_features", "affine"), "bias", {"affine": True, "bias": True}
_STATISTICS: Final = (
    Kept("running_mean", "num_features", "track_running_stats", buffer=True),
    Kept("running_var", "num_features", "track_running_stats", buffer=True),
    Kept("num_batches_tracked", "", "track_running_stats", buffer=True),
)
_NORMED: Final = (_WEIGHT, Kept("bias", "num_features", "affine bias"), *_STATISTICS)
_LINEAR: Final = Layer(
    ("in_features", "out_features"),
    (Kept("weight", "out_features in_features"), Kept("bias", "out_features", _BIAS)),
    {"bias": True},
)
_EMBEDDING: Final = Layer(("num_embeddings", "embedding_dim"), (Kept("weight", "num_embeddings embedding_dim"),))
_CONVOLUTION: Final = Layer(
    ("in_channels", "out_channels", "kernel_size"),
    (Kept("weight", "out_channels in_channels/groups kernel_size..."), Kept("bias", "out_channels", _BIAS)),
    {"groups": 1, "bias": True},
)
_TRANSPOSED: Final = _CONVOLUTION._replace(
    kept=(Kept("weight", "in_channels out_channels/groups kernel_size..."), Kept("bias", "out_channels", _BIAS))
)
_BATCH_NORM: Final = Layer(("num_features",), _NORMED, {**_AFFINE, "track_running_stats": True})
_INSTANCE_NORM: Final = Layer(("num_features",), _NORMED, {"affine": False, "bias": True, "track_running_stats": False})
_SIZES: Final = ("input_size", "hidden_size")
_STACKED: Final = {"num_layers": 1, "bias": True, "bidirectional": False}


def _cell(gates: int) -> Layer:
    rows = f"{gates}*hidden_size"
    kept = Kept("weight_ih", f"{rows} input_size"), Kept("weight_hh", f"{rows} hidden_size")
    return Layer(_SIZES, (*kept, Kept("bias_ih", rows, _BIAS), Kept("bias_hh", rows, _BIAS)), {"bias": True})


# Whether `kdim` and `vdim` are `embed_dim` decides the names; neither is printed, nor is `add_bias_kv`.
_ATTENTION: Final = Layer(
    ("embed_dim", "num_heads"),
    (
        Kept("in_proj_weight", "3*embed_dim embed_dim", "-apart"),
        Kept("q_proj_weight", "embed_dim embed_dim", "apart"),
        Kept("k_proj_weight", "embed_dim kdim", "apart"),
        Kept("v_proj_weight", "embed_dim vdim", "apart"),
        Kept("in_proj_bias", "3*embed_dim", _BIAS),
        Kept("bias_k", "1 1 embed_dim", "add_bias_kv"),
        Kept("bias_v", "1 1 embed_dim", "add_bias_kv"),
        Kept("out_proj.weight", "embed_dim embed_dim"),
        Kept("out_proj.bias", "embed_dim", _BIAS),
    ),
    {"bias": True, "add_bias_kv": False, "kdim": None, "vdim": None},
)


def _inside(name: str, layer: Layer, names: Mapping[str, str], *, fixed: Sequence[str] = ()) -> Iterator[Kept]:
    """The parameters of a layer within another, whose settings have other names there; `fixed` ones are defaults."""
    for kept in layer.kept:
        when = [word for word in kept.when.split() if word.lstrip("-") not in fixed]
        if kept.when == "apart" or "add_bias_kv" in kept.when:
            continue
        axes = ("*".join(names.get(factor, factor) for factor in axis.split("*")) for axis in kept.shape.split())
        yield Kept(f"{name}.{kept.name}", " ".join(axes), " ".join(when), kept.buffer)


def _transformer(attentions: Sequence[str]) -> Layer:
    """A layer of a Transformer, with these attentions."""
    kept: list[Kept] = []
    for name in attentions:
        kept += _inside(name, _ATTENTION, {"embed_dim": "d_model"}, fixed=("apart",))
    kept += _inside("linear1", _LINEAR, {"in_features": "d_model", "out_features": "dim_feedforward"})
    kept += _inside("linear2", _LINEAR, {"in_features": "dim_feedforward", "out_features": "d_model"})
    for number in range(1, len(attentions) + 2):
        kept += (Kept(f"norm{number}.weight", "d_model"), Kept(f"norm{number}.bias", "d_model", _BIAS))
    return Layer(("d_model", "nhead"), tuple(kept), {"dim_feedforward": 2048, "bias": True})


LAYERS: Final[Mapping[str, Layer]] = {
    **dict.fromkeys(("Linear", "NonDynamicallyQuantizableLinear"), _LINEAR),
    "Bilinear": Layer(
        ("in1_features", "in2_features", "out_features"),
        (Kept("weight", "out_features in1_features in2_features"), Kept("bias", "out_features", _BIAS)),
        {"bias": True},
    ),
    **dict.fromkeys(("Embedding", "EmbeddingBag"), _EMBEDDING),
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), _CONVOLUTION),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), _TRANSPOSED),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"), _BATCH_NORM),
    **dict.fromkeys(("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), _INSTANCE_NORM),
    "LayerNorm": Layer(
        ("normalized_shape",),
        (
            Kept("weight", "normalized_shape...", "elementwise_affine"),
            Kept("bias", "normalized_shape...", "elementwise_affine bias"),
        ),
        {"elementwise_affine": True, "bias": True},
    ),
    "RMSNorm": Layer(
        ("normalized_shape",),
        (Kept("weight", "normalized_shape...", "elementwise_affine"),),
        {"elementwise_affine": True},
    ),
    "GroupNorm": Layer(
        ("num_groups", "num_channels"),
        (Kept("weight", "num_channels", "affine"), Kept("bias", "num_channels", "affine bias")),
        _AFFINE,
    ),
    "PReLU": Layer((), (Kept("weight", "num_parameters"),), {"num_parameters": 1}),
    "LSTM": Layer(_SIZES, (), {**_STACKED, "proj_size": 0}, 4),
    "GRU": Layer(_SIZES, (), _STACKED, 3),
    "RNN": Layer(_SIZES, (), _STACKED, 1),
    "LSTMCell": _cell(4),
    "GRUCell": _cell(3),
    "RNNCell": _cell(1),
    "MultiheadAttention": _ATTENTION,
    "TransformerEncoderLayer": _transformer(("self_attn",)),
    "TransformerDecoderLayer": _transformer(("self_attn", "multihead_attn")),
    "AveragedModel": Layer((), (Kept("n_averaged", "", buffer=True),)),
}

_USED: Final = "use_bias"
_KERNEL_BIAS: Final = {_USED: True}


def _keras_convolution(kernel: str) -> Layer:
    kept = Kept("kernel", kernel), Kept("bias", "filters", _USED)
    return Layer(("filters", "kernel_size"), kept, {"groups": 1, _USED: True})


def _keras_recurrent(gates: int, path: str) -> Layer:
    """A recurrent layer of Keras, or its cell; a GRU has two biases, unless `reset_after` is False."""
    rows = f"{gates}*units" if gates > 1 else "units"
    kept = Kept(f"{path}kernel", f"features {rows}"), Kept(f"{path}recurrent_kernel", f"units {rows}")
    if gates == 3:  # noqa: PLR2004  # a GRU
        twice, once = f"{_USED} reset_after", f"{_USED} -reset_after"
        biases: tuple[Kept, ...] = Kept(f"{path}bias", f"2 {rows}", twice), Kept(f"{path}bias", rows, once)
        return Layer(("units",), (*kept, *biases), {_USED: True, "reset_after": True})
    return Layer(("units",), (*kept, Kept(f"{path}bias", rows, _USED)), _KERNEL_BIAS)


def _keras_heads() -> Iterator[Kept]:
    """The weights of MultiHeadAttention in Keras, where key and value are as wide as the query."""
    for part, width in (("query", "key_dim"), ("key", "key_dim"), ("value", "value_dim")):
        yield Kept(f"{part}/kernel", f"features num_heads {width}")
        yield Kept(f"{part}/bias", f"num_heads {width}", _USED)
    yield Kept("attention_output/kernel", "num_heads value_dim features")
    yield Kept("attention_output/bias", "features", _USED)


_SCALED: Final = (Kept("gamma", "features", "scale"), Kept("beta", "features", "center"))

# `features` is the last axis of the input, from which Keras makes the weights when a layer is first called.
KERAS_LAYERS: Final[Mapping[str, Layer]] = {
    "Dense": Layer(("units",), (Kept("kernel", "features units"), Kept("bias", "units", _USED)), _KERNEL_BIAS),
    "Embedding": Layer(("input_dim", "output_dim"), (Kept("embeddings", "input_dim output_dim"),)),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _keras_convolution("kernel_size... features/groups filters")),
    **dict.fromkeys(
        ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _keras_convolution("kernel_size... filters features")
    ),
    "BatchNormalization": Layer(
        (),
        (*_SCALED, Kept("moving_mean", "features", buffer=True), Kept("moving_variance", "features", buffer=True)),
        {"scale": True, "center": True},
    ),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), Layer((), _SCALED, {"scale": True, "center": True})),
    "LSTM": _keras_recurrent(4, "lstm_cell/"),
    "GRU": _keras_recurrent(3, "gru_cell/"),
    "SimpleRNN": _keras_recurrent(1, "simple_rnn_cell/"),
    "LSTMCell": _keras_recurrent(4, ""),
    "GRUCell": _keras_recurrent(3, ""),
    "SimpleRNNCell": _keras_recurrent(1, ""),
    "MultiHeadAttention": Layer(
        ("num_heads", "key_dim", "value_dim"), tuple(_keras_heads()), {"value_dim": None, _USED: True}
    ),
}

KERAS_EMPTY: Final = frozenset(
    (
        *("InputLayer", "Activation", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "ReLU"),
        *("GaussianNoise", "GaussianDropout", "AlphaDropout", "Flatten", "Reshape", "Permute", "RepeatVector"),
        *("Masking", "LeakyReLU", "ELU", "Softmax", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"),
        *("Concatenate", "Dot", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D"),
        *("AveragePooling2D", "AveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"),
        *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "UpSampling1D"),
        *("UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D"),
        *("Cropping2D", "Cropping3D", "UnitNormalization", "ActivityRegularization", "Identity"),
    )
)

# Classes that store nothing of their own, but for the modules in them.
EMPTY: Final = frozenset(
    (
        *("Sequential", "ModuleList", "ModuleDict", "DataParallel", "DistributedDataParallel", "OptimizedModule"),
        *("FullyShardedDataParallel", "Transformer", "TransformerEncoder", "TransformerDecoder", "Identity", "Flatten"),
        *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "Unflatten"),
        *("ReLU", "ReLU6", "LeakyReLU", "RReLU", "ELU", "CELU", "SELU", "GELU", "GLU", "SiLU", "Mish", "Softplus"),
        *("Hardtanh", "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "Tanhshrink", "Softsign", "Threshold"),
        *("Sigmoid", "Tanh", "LogSigmoid", "Softmax", "Softmin", "Softmax2d", "LogSoftmax"),
        *("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d"),
        *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"),
        *("AdaptiveMaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Upsample", "UpsamplingNearest2d"),
        *("UpsamplingBilinear2d", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Fold", "Unfold"),
        *("ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d"),
        *("ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d"),
        *("ReplicationPad3d", "CircularPad1d", "CircularPad2d", "CircularPad3d", "LocalResponseNorm"),
        *("CosineSimilarity", "PairwiseDistance", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "CTCLoss"),
        *("KLDivLoss", "HingeEmbeddingLoss", "CosineEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss"),
    )
)


def kept_tensors(kind: str, settings: Settings) -> dict[str, Shape] | None:
    """The parameters and buffers that a layer of PyTorch stores, in the order of its `state_dict`.

    None if the class is not in the table, or if a setting that a shape depends on is not given.
    """
    if kind in EMPTY:
        return {}
    layer = LAYERS.get(kind)
    return None if layer is None else shapes_of(layer, settings)


def keras_weights(kind: str, settings: Settings) -> dict[str, Shape] | None:
    """The weights of a layer of Keras 3 by the ends of their paths, in the order of `layer.weights`; None as above.

    Args:
        kind: The class.
        settings: The arguments of its constructor, and `features`, the last axis of its input.
    """
    if kind in KERAS_EMPTY:
        return {}
    layer = KERAS_LAYERS.get(kind)
    if layer is not None and "value_dim" in layer.defaults and settings.get("value_dim") is None:
        settings = {**settings, "value_dim": settings.get("key_dim")}
    return None if layer is None else shapes_of(layer, settings)


def own_tensors(kind: str, settings: Settings) -> dict[str, Shape] | None:
    """The tensors of `kept_tensors` that are the layer's own, without those of modules that it makes itself."""
    layer = LAYERS.get(kind)
    if layer is None or not any("." in kept.name for kept in layer.kept):
        return kept_tensors(kind, settings)
    return shapes_of(layer._replace(kept=tuple(kept for kept in layer.kept if "." not in kept.name)), settings)


def buffers_of(kind: str) -> frozenset[str]:
    """The names of the buffers among the tensors that a layer of PyTorch stores."""
    layer = LAYERS.get(kind)
    return frozenset(kept.name for kept in layer.kept if kept.buffer) if layer else frozenset()


def shapes_of(layer: Layer, settings: Settings) -> dict[str, Shape] | None:
    """The tensors of a layer by their names; None if a setting that a shape depends on is not given."""
    known: dict[str, Setting] = {**layer.defaults, **settings}
    if "kdim" in layer.defaults:
        known |= {name: known["embed_dim"] for name in ("kdim", "vdim") if known[name] is None and "embed_dim" in known}
        known["apart"] = not known["kdim"] == known["vdim"] == known.get("embed_dim")
    try:
        if layer.gates:
            return dict(_stacked(layer.gates, known))
        return {kept.name: _shape(kept.shape, known) for kept in layer.kept if _is_kept(kept, known)}
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _is_kept(kept: Kept, known: Settings) -> bool:
    return all(bool(known[word.lstrip("-")]) != word.startswith("-") for word in kept.when.split())


def _shape(text: str, known: Settings) -> Shape:
    """A shape in numbers; KeyError, TypeError or ValueError if a setting is missing, or is no number."""
    axes: list[int] = []
    for axis in text.split():
        if axis.endswith("..."):
            value = known[axis.removesuffix("...")]
            axes += value if isinstance(value, tuple) else [_number(value)]
            continue
        above, _, below = axis.partition("/")
        size = 1
        for factor in above.split("*"):
            size *= int(factor) if factor.isdecimal() else _number(known[factor])
        axes.append(size // _number(known[below]) if below else size)
    return tuple(axes)


def _number(value: Setting) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


MAX_LAYERS: Final = 10_000  # of a recurrent layer whose parameters are listed


def _stacked(gates: int, known: Settings) -> Iterator[tuple[str, Shape]]:
    """The parameters of a recurrent layer: for each layer and direction its matrices, biases and projection."""
    width, hidden = _number(known["input_size"]), _number(known["hidden_size"])
    proj = _number(known.get("proj_size", 0))
    layers, directions = _number(known["num_layers"]), 2 if known["bidirectional"] else 1
    if layers > MAX_LAYERS:
        raise ValueError
    rows, out = gates * hidden, proj or hidden
    for layer in range(layers):
        for suffix in ("", "_reverse")[:directions]:
            yield f"weight_ih_l{layer}{suffix}", (rows, out * directions if layer else width)
            yield f"weight_hh_l{layer}{suffix}", (rows, out)
            if known["bias"]:
                yield f"bias_ih_l{layer}{suffix}", (rows,)
                yield f"bias_hh_l{layer}{suffix}", (rows,)
            if proj:
                yield f"weight_hr_l{layer}{suffix}", (proj, hidden)


def printed_settings(kind: str, arguments: str) -> dict[str, Setting]:
    """The settings of a layer from the text in its brackets, as `print(model)` shows it: `3, 4, kernel_size=(5,)`."""
    layer, found = LAYERS.get(kind), dict[str, Setting]()
    names = iter(layer.settings if layer else ())
    for piece in _pieces(arguments):
        name, equals, text = piece.partition("=")
        if equals and name.strip().isidentifier():
            found[name.strip()] = _value(text.strip())
        elif position := next(names, ""):
            found[position] = _value(piece.strip())
    return found


def _pieces(text: str) -> Iterator[str]:
    """The parts of a text between the commas that are in no bracket."""
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    if text[start:].strip():
        yield text[start:]


_DIGITS: Final = 18  # of a size that is read


def _value(text: str) -> Setting:
    if text in ("True", "False", "None"):
        return {"True": True, "False": False}.get(text)
    if text.startswith("(") and text.endswith(")"):
        parts = [part.strip() for part in text[1:-1].split(",") if part.strip()]
        return tuple(map(int, parts)) if all(_is_size(part) for part in parts) else text
    return int(text) if _is_size(text) else text


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS
