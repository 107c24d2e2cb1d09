"""The parameters of the layers of Flax beside its cells: a table by class for Linen, one for NNX, as in `layers`.

`inputs` is the last axis of the input, from which a layer of Linen makes its parameters when it is first called.

Sources: flax 0.12.8, flax/linen/ and flax/nnx/nn/ (`linear.py`, `normalization.py`, `stochastic.py`). Each entry is
compared with the real class in tests/peers/frameworks/test_flax_layers.py.

Not here: the cells (`catalog`), and the layers of PyTorch and Keras (`layers`).
"""

from collections.abc import Mapping
from typing import Final

from lstmcalc.frameworks.layers import Kept, Layer, Settings, Shape, shapes_of

# Arguments that change what the others say of the shapes, or how many bytes a parameter takes.
UNUSUAL: Final = frozenset(("axis", "reduction_axes", "feature_axes", "param_dtype", "conv_general_dilated_cls"))
_BIAS, _SCALE = "use_bias", "use_scale"
_EMBED: Final = Layer(("num_embeddings", "features"), (Kept("embedding", "num_embeddings features"),))


def _linear(settings: tuple[str, ...], before: str, after: str) -> Layer:
    return Layer(settings, (Kept("kernel", f"{before} {after}"), Kept("bias", after, _BIAS)), {_BIAS: True})


def _convolution(settings: tuple[str, ...], before: str, after: str) -> Layer:
    kernel = Kept("kernel", f"kernel_size... {before}/feature_group_count {after}")
    return Layer(settings, (kernel, Kept("bias", after, _BIAS)), {_BIAS: True, "feature_group_count": 1})


def _norm(settings: tuple[str, ...], width: str, *, bias: bool = True, statistics: bool = False) -> Layer:
    kept = [Kept("scale", width, _SCALE), *([Kept("bias", width, _BIAS)] if bias else [])]
    if statistics:
        kept += [Kept("mean", width, buffer=True), Kept("var", width, buffer=True)]
    return Layer(settings, tuple(kept), {_SCALE: True, _BIAS: True})


_EPSILON: Final = ("epsilon", "dtype", "param_dtype")
_DILATED: Final = ("features", "kernel_size", "strides", "padding", "input_dilation", "kernel_dilation")
LINEN_LAYERS: Final[Mapping[str, Layer]] = {
    "Dense": _linear(("features", _BIAS), "inputs", "features"),
    "Embed": _EMBED,
    "Conv": _convolution((*_DILATED, "feature_group_count", _BIAS), "inputs", "features"),
    "LayerNorm": _norm((*_EPSILON, _BIAS, _SCALE), "inputs"),
    "RMSNorm": _norm((*_EPSILON, _SCALE), "inputs", bias=False),
    "GroupNorm": _norm(("num_groups", "group_size", *_EPSILON, _BIAS, _SCALE), "inputs"),
    "BatchNorm": _norm(
        ("use_running_average", "axis", "momentum", *_EPSILON, _BIAS, _SCALE), "inputs", statistics=True
    ),
    "Dropout": Layer(("rate", "broadcast_dims", "deterministic", "rng_collection")),
}
NNX_LAYERS: Final[Mapping[str, Layer]] = {
    "Linear": _linear(("in_features", "out_features"), "in_features", "out_features"),
    "Embed": _EMBED,
    "Conv": _convolution(("in_features", "out_features", "kernel_size", "strides"), "in_features", "out_features"),
    "LayerNorm": _norm(("num_features",), "num_features"),
    "RMSNorm": _norm(("num_features",), "num_features", bias=False),
    "GroupNorm": _norm(("num_features", "num_groups", "group_size"), "num_features"),
    "BatchNorm": _norm(("num_features",), "num_features", statistics=True),
    "Dropout": Layer(("rate",)),
}
FLAX_LAYERS: Final = {"linen": LINEN_LAYERS, "nnx": NNX_LAYERS}


def flax_tensors(library: str, kind: str, settings: Settings) -> dict[str, Shape] | None:
    """The parameters and statistics of a layer by their names; None if a shape is not known.

    Args:
        library: `linen` or `nnx`.
        kind: The class.
        settings: The arguments of its constructor, and `inputs` of a layer of Linen.
    """
    layer = FLAX_LAYERS[library].get(kind)
    return None if layer is None or UNUSUAL & settings.keys() else shapes_of(layer, settings)
