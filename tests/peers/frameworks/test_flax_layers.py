"""The tables of Flax's layers, held against the classes: names and shapes, with every switch."""

from itertools import product
from typing import Any

import pytest

from lstmcalc.frameworks.flax_layers import FLAX_LAYERS, LINEN_LAYERS, NNX_LAYERS, flax_tensors

pytestmark = pytest.mark.peers
SIZES: dict[str, Any] = {
    "features": 6, "num_embeddings": 5, "in_features": 4, "out_features": 6, "num_features": 4, "kernel_size": (3, 2), "rate": 0.5, "num_groups": 2,
}  # fmt: skip


def choices(library: str, kind: str) -> list[dict[str, Any]]:
    """Arguments of a layer, with each of its switches on and off."""
    layer = FLAX_LAYERS[library][kind]
    wanted = {name for name in (*layer.settings, *" ".join(kept.shape for kept in layer.kept).split()) if name in SIZES}
    wanted |= {"num_groups"} if kind == "GroupNorm" else set()
    switches = [name for name, value in layer.defaults.items() if isinstance(value, bool)]
    switches = [name for name in switches if not (kind == "RMSNorm" and name == "use_bias")]
    groups = [{}, {"feature_group_count": 2}] if "feature_group_count" in layer.defaults else [{}]
    base = {name: SIZES[name] for name in wanted}
    return [
        {**base, **dict(zip(switches, values, strict=True)), **more}
        for values in product((True, False), repeat=len(switches))
        for more in groups
    ]


@pytest.mark.parametrize("kind", LINEN_LAYERS)
def test_linen(kind: str) -> None:
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    for given in choices("linen", kind):
        more: dict[str, Any] = (
            {"use_running_average": True}
            if kind == "BatchNorm"
            else {"deterministic": True}
            if kind == "Dropout"
            else {}
        )
        inputs = jnp.zeros((2, 5), int) if kind == "Embed" else jnp.ones((2, 5, 5, 4))
        variables = getattr(nn, kind)(**given, **more).init(jax.random.key(0), inputs)
        found = {name: value.shape for part in variables.values() for name, value in part.items()}
        assert flax_tensors("linen", kind, {**given, "inputs": 4}) == found
    assert [*LINEN_LAYERS[kind].settings] == [*_fields(getattr(nn, kind))][: len(LINEN_LAYERS[kind].settings)]


def _fields(cls: Any) -> list[str]:
    from dataclasses import fields

    return [item.name for item in fields(cls)]


@pytest.mark.parametrize("kind", NNX_LAYERS)
def test_nnx(kind: str) -> None:
    from inspect import signature

    from flax import nnx

    for given in choices("nnx", kind):
        made = getattr(nnx, kind)(**given, rngs=nnx.Rngs(0))
        state = nnx.state(made, nnx.Any(nnx.Param, nnx.BatchStat))
        assert flax_tensors("nnx", kind, given) == {
            name: value.shape for name, value in state.items() if value.shape is not None
        }
    names = [*signature(getattr(nnx, kind).__init__).parameters.values()][1:]
    assert [*NNX_LAYERS[kind].settings] == [item.name for item in names if item.kind is item.POSITIONAL_OR_KEYWORD]
