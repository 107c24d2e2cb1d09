"""Random models that TensorFlow, Keras and tensorflowjs save here and now: which LSTMs are found, and what they compute.

Cells of TensorFlow 1 take `TF_USE_LEGACY_KERAS=1` in the environment.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tools.saved_tensorflow import check
from tools.tensorflow_models import (
    Saved,
    checkpoint_of_tf1,
    graph_of_tf1,
    javascript_model,
    keras_checkpoint,
    keras_saved_model,
)

pytestmark = [pytest.mark.longtail, pytest.mark.filterwarnings("ignore")]

WAYS: Final[dict[str, Callable[[Path, random.Random], Saved]]] = {
    "tf1": checkpoint_of_tf1,
    "frozen": lambda folder, draw: graph_of_tf1(folder, draw, draw.choice(("one", "stack", "both")), frozen=True),
    "old": lambda folder, draw: graph_of_tf1(folder, draw, draw.choice(("stack", "partitioned", "both")), old=True),
    "keras2 checkpoint": lambda folder, draw: keras_checkpoint(folder, draw, "tf_keras"),
    "keras3 checkpoint": lambda folder, draw: keras_checkpoint(folder, draw, "keras"),
    "javascript": javascript_model,
}
SLOW: Final[dict[str, Callable[[Path, random.Random], Saved]]] = {  # which compile functions
    "keras2 model": lambda folder, draw: keras_saved_model(folder, draw, "tf_keras", "keras"),
    "keras2 export": lambda folder, draw: keras_saved_model(folder, draw, "tf_keras", "export"),
    "keras2 object": lambda folder, draw: keras_saved_model(folder, draw, "tf_keras", "save"),
    "keras3 export": lambda folder, draw: keras_saved_model(folder, draw, "keras", "export"),
    "keras3 object": lambda folder, draw: keras_saved_model(folder, draw, "keras", "save"),
}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("way", WAYS)
def test_a_saved_model_computes_what_it_did(way: str, seed: int, tmp_path: Path) -> None:
    saved = WAYS[way](tmp_path, random.Random(f"{way} {seed}"))  # noqa: S311  # not for secrets
    check(saved.path, saved.cases)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("way", SLOW)
def test_a_compiled_model_computes_what_it_did(way: str, seed: int, tmp_path: Path) -> None:
    saved = SLOW[way](tmp_path, random.Random(f"{way} {seed}"))  # noqa: S311  # not for secrets
    check(saved.path, saved.cases)
