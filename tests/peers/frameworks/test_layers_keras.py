"""The table of Keras' layers against the classes themselves."""

import random
import warnings
from typing import Any

import pytest

from lstmcalc.frameworks.layers import KERAS_EMPTY, KERAS_LAYERS, keras_weights
from tools.live import installed

pytestmark = pytest.mark.peers


def settings_of(kind: str, draw: random.Random) -> dict[str, Any]:
    """Random arguments for the constructor of a class."""
    axes = int(kind[4]) if kind.startswith("Conv") else 1
    drawn: dict[str, Any] = {
        "units": draw.choice((2, 3)),
        "input_dim": 5,
        "output_dim": draw.choice((2, 3)),
        "filters": draw.choice((2, 4)),
        "kernel_size": tuple(draw.choice((1, 2, 3)) for _ in range(axes)),
        "num_heads": 2,
        "key_dim": draw.choice((2, 3)),
        "value_dim": draw.choice((None, 3)),
        "groups": draw.choice((1, 2)),
    }
    layer = KERAS_LAYERS[kind]
    names = [name for name in (*layer.settings, *layer.defaults) if name in drawn]
    names = [name for name in names if name != "groups" or "Transpose" not in kind]
    switches = {name: draw.random() < 0.5 for name, default in layer.defaults.items() if default is True}
    return {name: drawn[name] for name in names} | switches


@pytest.mark.parametrize("kind", KERAS_LAYERS)
@pytest.mark.parametrize("seed", range(4))
def test_what_a_layer_of_keras_stores(kind: str, seed: int) -> None:
    keras, draw = installed("keras"), random.Random(seed)  # noqa: S311  # no secret
    settings = settings_of(kind, draw)
    made = {**settings, "groups": 2} if kind == "GroupNormalization" else settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = getattr(keras.layers, kind)(**made)
        axes = {"Conv1D": 3, "Conv2D": 4, "Conv3D": 5}.get(kind.removesuffix("Transpose"), 2 if "Cell" in kind else 3)
        shape = (2, *[4] * (axes - 1))
        layer.build(shape, shape) if kind == "MultiHeadAttention" else layer.build(shape)
    wanted = {item.path.partition("/")[2]: tuple(item.shape) for item in layer.weights}
    found = keras_weights(kind, {**settings, "features": 4})
    assert found == wanted
    assert list(found or {}) == list(wanted)


def test_classes_of_keras_that_store_nothing() -> None:
    keras = installed("keras")
    arguments: dict[str, tuple[Any, ...]] = {
        "Activation": ("relu",), "Dropout": (0.1,), "GaussianNoise": (0.1,), "GaussianDropout": (0.1,),
        "AlphaDropout": (0.1,), "SpatialDropout1D": (0.1,), "SpatialDropout2D": (0.1,), "SpatialDropout3D": (0.1,),
        "Reshape": ((4,),), "Permute": ((1,),), "RepeatVector": (2,), "Dot": (1,), "InputLayer": ((4,),),
    }  # fmt: skip
    for kind in sorted(KERAS_EMPTY):
        given = arguments.get(kind, (2,) if kind.startswith("AveragePooling") else ())
        layer = getattr(keras.layers, kind)(*given)
        own = [item for item in layer.weights if "seed" not in item.path]
        assert own == [], kind
    assert KERAS_EMPTY.isdisjoint(KERAS_LAYERS)
