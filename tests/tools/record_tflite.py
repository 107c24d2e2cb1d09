"""Record TensorFlow Lite files and what LiteRT computes of them: `tests/data/weights/tflite.zip`.

    cd tests; python -m tools.record_tflite

It needs tensorflow 2.21.0, tf_keras 2.21.0 and ai-edge-litert 2.3.0 (the extra `longtail`). Models are Keras layers that
TensorFlow converts, and single operators that its schema writes, all with random weights.
"""

import io
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from tools.tflite_models import RECIPES, Recipe, converted, operations, operator_file, played

PATH: Final = Path(__file__).parent.parent / "data" / "weights" / "tflite.zip"
# Of the recipes, one of each kind; the batches and the sizes are those of the live tests.
RECORDED: Final = (
    *(
        "fused",
        "bidirectional",
        "unrolled",
        "stateful",
        "hard sigmoid",
        "states",
        "float16",
        "hybrid, unrolled",
        "int8",
    ),
    *("without biases", "four products"),
)


def main() -> None:
    """Write the archive: of each model its file, what was given to it, and the results in order."""
    bodies = {name: converted(RECIPES[name]) for name in RECORDED}
    bodies |= {f"operator, {name}": operator_file(made) for name, made in operations().items()}
    with zipfile.ZipFile(PATH, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in bodies.items():
            draw = np.random.default_rng(len(name))
            recipe = RECIPES.get(name)
            given = [draw.normal(0, 1, shape).astype(np.float32) for shape in _shapes(recipe, name)]
            arrays = {f"given_{index}": array for index, array in enumerate(given)}
            try:
                arrays |= {f"result_{index}": array for index, array in enumerate(played(body, given))}
            except RuntimeError:
                arrays = {}  # LiteRT 2.3.0 runs no basic kernel
            archive.writestr(f"{name}.tflite", body)
            made = io.BytesIO()
            np.savez_compressed(made, allow_pickle=False, **arrays)
            archive.writestr(f"{name}.npz", made.getvalue())


def _shapes(recipe: Recipe | None, name: str) -> list[tuple[int, ...]]:
    if recipe is None:
        return [operations()[name.removeprefix("operator, ")].held["input"].shape]
    states = [(recipe.batch, 4)] * 2 if recipe.states else []
    return [(recipe.batch, recipe.steps, recipe.inputs), *states]


if __name__ == "__main__":
    main()
