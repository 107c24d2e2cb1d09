"""Layers of PyTorch that are no LSTM: their arguments, and what they keep.

Not here: how they are made (`torch`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lstmcalc.frameworks.layers import Setting, kept_tensors
from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.values import (
    MISSING,
    Equatable,
    Unknown,
    Value,
)

RELATIVES: Final = ("GRU", "RNN", "GRUCell", "RNNCell")  # with the attributes of an LSTM
_BY_AXIS: Final = ("kernel_size", "stride", "padding", "dilation", "output_padding")
# The arguments of layers of PyTorch that can be given by position (torch 2.13.0, torch/nn/modules).
_CONV: Final = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
SIGNATURES: Final[Mapping[str, str]] = {
    "Linear": "in_features out_features bias",
    "LazyLinear": "out_features bias",
    "Bilinear": "in1_features in2_features out_features bias",
    "Embedding": "num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse",
    "EmbeddingBag": "num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode sparse",
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), _CONV),
    **dict.fromkeys(
        ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
        "in_channels out_channels kernel_size stride padding output_padding groups bias dilation padding_mode",
    ),
    **dict.fromkeys(
        (
            "BatchNorm1d",
            "BatchNorm2d",
            "BatchNorm3d",
            "InstanceNorm1d",
            "InstanceNorm2d",
            "InstanceNorm3d",
            "SyncBatchNorm",
        ),
        "num_features eps momentum affine track_running_stats",
    ),
    "LayerNorm": "normalized_shape eps elementwise_affine bias",
    "GroupNorm": "num_groups num_channels eps affine",
    "MultiheadAttention": "embed_dim num_heads dropout bias add_bias_kv add_zero_attn kdim vdim batch_first",
    "GRU": "input_size hidden_size num_layers bias batch_first dropout bidirectional",
    "RNN": "input_size hidden_size num_layers nonlinearity bias batch_first dropout bidirectional",
    **dict.fromkeys(("GRUCell", "RNNCell"), "input_size hidden_size bias"),
    "Dropout": "p inplace",
    "PReLU": "num_parameters init",
    **dict.fromkeys(
        ("TransformerEncoderLayer", "TransformerDecoderLayer"),
        "d_model nhead dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias",
    ),
    "RMSNorm": "normalized_shape eps elementwise_affine",
    **dict.fromkeys(("CrossEntropyLoss", "NLLLoss", "BCELoss"), "weight"),
    "BCEWithLogitsLoss": "weight size_average reduce reduction pos_weight",
    "MultiLabelSoftMarginLoss": "weight",
}
FIELDS: Final = (
    "input_size",
    "hidden_size",
    "num_layers",
    "bias",
    "batch_first",
    "dropout",
    "bidirectional",
    "proj_size",
)
DEFAULTS: Final = {
    "num_layers": 1,
    "bias": True,
    "batch_first": False,
    "dropout": 0.0,
    "bidirectional": False,
    "proj_size": 0,
}
# Settings that decide which tensors there are, and losses that keep one only if they are given it.
_SWITCHES: Final = ("bias", "affine", "track_running_stats", "elementwise_affine", "add_bias_kv", "bidirectional")
_WEIGHED: Final = ("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
_MADE_INSIDE: Final = ("Transformer",)  # of a table, but with modules that are not made here


@dataclass(frozen=True, slots=True, eq=False)
class Layer(Equatable):
    """All that is known of a layer that is no LSTM."""

    kind: str
    given: Mapping[str, Value] | None  # None if its arguments are not seen

    def either(self, other: object, names: tuple[str, ...]) -> "Layer":
        """All that is known if it was made in this way or in another."""
        if not isinstance(other, Layer) or other.kind != self.kind or self.given is None or other.given is None:
            return Layer("", None)
        either = Unknown(names)
        keys = {**self.given, **other.given}
        return Layer(
            self.kind,
            {key: joined(self.given.get(key, either), other.given.get(key, either), names) for key in keys},
        )

    def settings(self) -> dict[str, Setting] | None:
        """Its arguments that are known; None if not all of them are seen."""
        if self.given is None:
            return None
        found: dict[str, Setting] = {}
        for name, value in self.given.items():
            known = constant(value)
            if isinstance(known, list):
                known = tuple(known)
            if isinstance(known, bool | int | float | str | tuple | None):
                found[name] = known
            elif isinstance(value, Unknown):
                found[name] = "?"  # no number: a shape that it decides is not known
        axes = int(self.kind[-2]) if self.kind.startswith("Conv") else 1
        size = found.get("kernel_size")
        if axes > 1 and isinstance(size, int):
            found["kernel_size"] = (size,) * axes
        return found

    def tensors(self) -> dict[str, tuple[int, ...]] | None:
        """The parameters and buffers that it keeps; None if they are not known."""
        settings = self.settings()
        if settings is None or any(settings.get(name) == "?" for name in _SWITCHES):
            return None
        if self.kind in _WEIGHED:
            return None if any(settings.get(name) is not None for name in ("weight", "pos_weight")) else {}
        return None if self.kind in _MADE_INSIDE else kept_tensors(self.kind, settings)


def attribute_of(kind: str, name: str, value: Value) -> Value:
    """The attribute of an argument's name, which a layer need not keep as it is given; MISSING if that is a tensor."""
    if name in ("device", "dtype"):
        return MISSING
    if name == "add_bias_kv" or kind in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        return Unknown()
    if name == "bias" and kind not in RELATIVES:  # those keep whether there is one
        return MISSING if value is True else None if value is False else Unknown()
    axes = int(kind[-2]) if name in _BY_AXIS and kind.startswith("Conv") else 1 if name == "normalized_shape" else 0
    size = plain(value)
    if axes and not isinstance(size, str | tuple):
        return (size,) * axes if isinstance(size, int) else Unknown()
    return value
