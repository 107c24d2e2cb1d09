"""The table of layers against the classes themselves: names, shapes and order of what they store."""

import random
import warnings
from collections.abc import Mapping
from typing import Any

import pytest

from lstmcalc.frameworks.layers import EMPTY, LAYERS, kept_tensors, printed_settings
from tools.live import installed
from tools.whole_models import Maker

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def nn() -> Any:
    torch = installed("torch")
    assert torch.__version__.partition("+")[0] == "2.13.0"
    return torch.nn


def stored(module: Any) -> Mapping[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


@pytest.mark.parametrize("seed", range(20))
def test_what_a_printed_layer_stores(nn: Any, seed: int) -> None:
    maker = Maker(installed("torch"), random.Random(seed))  # noqa: S311  # no secret
    seen = set()
    for _ in range(100):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layer = maker.lstm() if maker.flag(0.1) else maker.leaf()
        kind = type(layer).__name__
        text = str(layer)
        if "\n" in text:
            continue
        settings = printed_settings(kind, text.removeprefix(f"{kind}(").removesuffix(")"))
        found = kept_tensors(kind, settings)
        assert found == stored(layer), text
        assert list(found or {}) == list(stored(layer))
        seen.add(kind)
    assert len(seen) > 15


GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2}),
    ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2, "bias": False, "kdim": 3, "vdim": 5}),
    ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2, "kdim": 4, "vdim": 4, "add_bias_kv": True}),
    ("TransformerEncoderLayer", {"d_model": 4, "nhead": 2, "dim_feedforward": 3}),
    ("TransformerEncoderLayer", {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "bias": False}),
    ("TransformerDecoderLayer", {"d_model": 4, "nhead": 2}),
    ("TransformerDecoderLayer", {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "bias": False}),
    ("SyncBatchNorm", {"num_features": 3}),
    ("RMSNorm", {"normalized_shape": (2, 3)}),
    ("PReLU", {}),
]


@pytest.mark.parametrize(("kind", "settings"), GIVEN)
def test_what_a_layer_with_these_settings_stores(nn: Any, kind: str, settings: dict[str, Any]) -> None:
    layer = getattr(nn, kind)(**settings)
    assert kept_tensors(kind, settings) == stored(layer)
    assert list(kept_tensors(kind, settings) or {}) == list(stored(layer))


def test_buffers_are_buffers(nn: Any) -> None:
    for kind in ("BatchNorm1d", "InstanceNorm2d"):
        layer = getattr(nn, kind)(3, affine=True, track_running_stats=True)
        buffers = {kept.name for kept in LAYERS[kind].kept if kept.buffer}
        assert buffers == {name for name, _ in layer.named_buffers()}


def test_classes_that_store_nothing(nn: Any) -> None:
    wrappers = {"DataParallel", "DistributedDataParallel", "OptimizedModule", "FullyShardedDataParallel"}
    arguments: dict[str, tuple[Any, ...]] = {
        "Threshold": (0.1, 2), "Unflatten": (1, (2, 2)), "PixelShuffle": (2,), "PixelUnshuffle": (2,),
        "ChannelShuffle": (2,), "Fold": (4, 2), "Unfold": (2,), "LocalResponseNorm": (2,), "LPPool1d": (2, 3),
        "LPPool2d": (2, 3), "Upsample": (2,), "Transformer": (4, 2, 1, 1, 8),
        "TransformerEncoder": (nn.TransformerEncoderLayer(4, 2), 1),
        "TransformerDecoder": (nn.TransformerDecoderLayer(4, 2), 1),
    }  # fmt: skip
    for kind in sorted(EMPTY - wrappers):
        sized = ("ool" in kind or "Pad" in kind) and kind not in arguments
        given = arguments.get(kind, ((1, 2) if "Constant" in kind else (2,)) if sized else ())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layer = getattr(nn, kind)(*given)
        own = [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
        assert own == [], kind
