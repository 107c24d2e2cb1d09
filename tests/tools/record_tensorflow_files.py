"""Record small files that TensorFlow, Keras and tensorflowjs write, with what their LSTMs compute, for the plain tests.

    PYTHONPATH=tests TF_USE_LEGACY_KERAS=1 python -m tools.record_tensorflow_files

writes `tests/data/weights/tensorflow.zip`: a folder for each file, and `expected.npz` with an input and an output for each
LSTM, as `FOLDER|number|x`. Of a SavedModel the functions, the graph and the operations are left out: they are not read,
and take a hundred times the room.
"""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from tools.live import installed
from tools.shell import TESTS
from tools.tensorflow_models import (
    Saved,
    graph_of_tf1,
    javascript_model,
    keras_checkpoint,
    keras_saved_model,
)

TARGET: Final = TESTS / "data" / "weights" / "tensorflow.zip"
_Maker = Callable[[Path, random.Random], Saved]
# Each with a seed that gives a small model with something of everything.
MADE: Final[Mapping[str, tuple[int, _Maker]]] = {
    **{
        name: (seed, lambda folder, draw, name=name: graph_of_tf1(folder, draw, name))  # type: ignore[misc]
        for name, seed in (
            ("one", 1),
            ("stack", 6),
            ("projected", 1),
            ("both", 2),
            ("stack_of_both", 4),
            ("partitioned", 4),
        )
    },
    "old": (2, lambda folder, draw: graph_of_tf1(folder, draw, "partitioned", old=True)),
    "frozen": (1, lambda folder, draw: graph_of_tf1(folder, draw, "both", frozen=True)),
    "keras2_checkpoint": (3, lambda folder, draw: keras_checkpoint(folder, draw, "tf_keras")),
    "keras3_checkpoint": (3, lambda folder, draw: keras_checkpoint(folder, draw, "keras")),
    "keras2_saved_model": (5, lambda folder, draw: keras_saved_model(folder, draw, "tf_keras", "keras")),
    "keras2_export": (2, lambda folder, draw: keras_saved_model(folder, draw, "tf_keras", "export")),
    "keras3_export": (2, lambda folder, draw: keras_saved_model(folder, draw, "keras", "export")),
    "javascript": (5, lambda folder, draw: javascript_model(folder, draw, 4 << 20)),
    "javascript_shards": (1, lambda folder, draw: javascript_model(folder, draw, 100)),
}


def strip(path: Path) -> None:
    """Leave out of a SavedModel what is not read."""
    model = installed("tensorflow.core.protobuf.saved_model_pb2").SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        del graph.meta_info_def.stripped_op_list.op[1:]
        graph.ClearField("graph_def")
        graph.ClearField("signature_def")
        graph.object_graph_def.concrete_functions.clear()
        for node in graph.object_graph_def.nodes:
            if node.WhichOneof("kind") in ("function", "bare_concrete_function", "captured_tensor"):
                node.ClearField(str(node.WhichOneof("kind")))
    path.write_bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    """Write the files."""
    expected: dict[str, np.ndarray[Any, Any]] = {}
    with TemporaryDirectory() as folder:
        for name, (seed, make) in MADE.items():
            home = Path(folder) / name
            home.mkdir()
            saved = make(home, random.Random(f"{name} {seed}"))  # noqa: S311  # not for secrets
            for number, case in enumerate(saved.cases):
                expected |= {f"{name}|{number}|x": case.x, f"{name}|{number}|y": case.y}
                expected[f"{name}|{number}|lstms"] = np.array(case.lstms)
            expected[f"{name}|path"] = np.array(str(saved.path.relative_to(home)))
        for path in Path(folder).rglob("saved_model.pb"):
            strip(path)
        np.savez(Path(folder) / "expected.npz", allow_pickle=False, **expected)
        with ZipFile(TARGET, "w", ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(item for item in Path(folder).rglob("*") if item.is_file()):
                archive.writestr(ZipInfo(str(path.relative_to(folder))), path.read_bytes(), ZIP_DEFLATED, 9)
    print(f"{TARGET.stat().st_size:,} bytes")  # noqa: T201  # this is a command line


if __name__ == "__main__":
    main()
