"""The files that `fuzz_files` begins with, by reader, as the real libraries write them where they are installed."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from lstmcalc.spec.config import LSTMConfig
from tools.unread_formats import KINDS
from tools.weight_writers import random_weights, write_safetensors

Bodies = list[tuple[str, bytes]]  # suffixes and contents
WEIGHTS: Final = Path(__file__).parent.parent / "data" / "weights"

_TOML: Final = """\
[lstm.encoder]
input_size = 10
hidden_size = 0x14
num_layers = 2
[data]
lengths = [3, 2]
"""
_JSON: Final = '{"lstm": {"input_size": 10, "hidden_size": 20}, "data": {"lengths": [3, 2]}}'
_FOREIGN: Final = '{"model_type": "lstm", "architectures": ["A"], "hidden_size": 20, "lstm": {"hidden_size": 3}}'
_INDEX: Final = '{"metadata": {"total_size": 9}, "weight_map": {"lstm.weight_ih_l0": "a-1.safetensors"}}'
_LISTS: Final = '{"state_dict": {"rec.weight_ih_l0": [[1.5], [2]], "rec.weight_hh_l0": [[1, 2], [3, 4]]}}'
_NAM: Final = (
    '{"version": "0.5", "architecture": "LSTM", "config": {"input_size": 1, "hidden_size": 3, "num_layers": 1}, '
    '"weights": [0.5, 1.5]}'
)
_RTNEURAL: Final = '{"in_shape": [null, null, 1], "layers": [{"type": "lstm", "shape": [null, 8], "weights": [[1]]}]}'
_PRINTED: Final = """\
Net(
  (a): LSTM(10, 20, num_layers=2, bidirectional=True)
  (b): ModuleList(
    (0-1): 2 x LSTMCell(20, 20)
  )
  (norm): BatchNorm1d(20, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (embed): Embedding(30, 10, padding_idx=0)
  (rec): ParametrizedLSTM(
    3, 4
    (parametrizations): ModuleDict(
      (weight_hh_l0): ParametrizationList(
        (0): _WeightNorm()
      )
    )
  )
)
"""
_LOG: Final = "INFO: LSTM(1, 3)\n2024-01-01 WARNING model: LSTM(10, 20, batch_first=True)\nRuntimeError: size (3, 4)\n"
_ERROR: Final = """\
RuntimeError: Error(s) in loading state_dict for Tagger:
\tsize mismatch for lstm.weight_ih_l0: copying a param with shape torch.Size([80, 10]) from checkpoint, the shape in \
current model is torch.Size([160, 10]).
"""


def seeds_of_files(folder: Path, reader: str) -> dict[str, Bodies]:
    """The files to begin with, for each reader; those of libraries only for the reader that is asked for."""
    config = LSTMConfig(3, 4, 2, bidirectional=True)
    arrays = random_weights(config)
    np.savez(folder / "a.npz", allow_pickle=False, **arrays)
    np.savez_compressed(folder / "b.npz", allow_pickle=False, **arrays)
    np.savez(folder / "c.npz", allow_pickle=False, **arrays, input=np.ones((5, 3, 3), np.float32))
    np.save(folder / "a.npy", arrays["weight_ih_l0"])
    write_safetensors(folder / "a.safetensors", arrays)
    write_safetensors(folder / "b.safetensors", _siblings(arrays))
    found: dict[str, Bodies] = {
        "pickle": [(".pkl", pickle.dumps(arrays, protocol)) for protocol in (2, 4, 5)],
        "toml": [(".toml", _TOML.encode())],
        "json": [(".json", text.encode()) for text in (_JSON, _JSON, _FOREIGN, _INDEX, _LISTS, _NAM, _RTNEURAL)],
        "printed": [(".txt", text.encode()) for text in (_PRINTED, _PRINTED, _LOG, _ERROR)],
        "unread": [(".bin", data) for data, _ in KINDS.values()],
    }
    for write, readers in _WRITERS.items():
        if not reader or reader in readers:
            _in_a_copy(write, folder)
    for path in sorted(folder.iterdir()):
        kind = _READER_OF.get(path.name) or _READER_OF.get(path.suffix, path.suffix[1:])
        found.setdefault(kind, []).append((path.suffix, path.read_bytes()))
    for path in sorted(WEIGHTS.glob("*.pt")):
        body = path.read_bytes()
        found.setdefault("torch" if body[:2] == b"PK" else "torch-legacy", []).append((".pt", body))
    _add_recorded(found)
    if reader in ("", *_OF_TENSORFLOW):
        with zipfile.ZipFile(WEIGHTS / "tensorflow.zip") as archive:
            for kind, (name, suffix) in _OF_TENSORFLOW.items():
                found[kind] = [(suffix, archive.read(name))]
    found["keras-json"] = [(".json", _configuration(body)) for suffix, body in found["keras"] if suffix == ".keras"]
    return {name: bodies for name, bodies in found.items() if reader in ("", name)}


def _add_recorded(found: dict[str, Bodies]) -> None:
    """Add the files that were recorded of real libraries."""
    for path in sorted(WEIGHTS.glob("*.zip")):
        if path.stem == "packed":
            found |= _packed(path)
            continue
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                kind = _READER_OF.get(suffix := Path(name).suffix, suffix[1:])
                if kind != "npz":
                    found.setdefault(kind, []).append((suffix, archive.read(name)))


def _packed(path: Path) -> dict[str, Bodies]:
    """Models in other files, and weights in JSON, by reader."""
    with zipfile.ZipFile(path) as archive:
        bodies = {name: archive.read(name) for name in archive.namelist()}
    lists = {f"rnn.{name}": array.tolist() for name, array in random_weights(LSTMConfig(2, 3)).items()}
    nam = {
        "architecture": "LSTM",
        "config": {"input_size": 1, "hidden_size": 1, "num_layers": 1},
        "weights": [0.5] * 16,
    }
    layer = {"type": "lstm", "shape": [None, 1], "weights": [[[1, 2, 3, 4]], [[1, 2, 3, 4]], [0, 0, 0, 0.5]]}
    placed = {f"a/lstm_cell/{name}": {"filename": "seed.nam", "shape": [3, 8]} for name in ("kernel", "b")}
    trees = (
        lists,
        {"model_data": {"skip": 1}, "state_dict": lists},
        nam,
        {"in_shape": [1], "layers": [layer] * 2},
        placed,
    )
    index = {"weight_map": {"a": "seed.nam", "b": "warm.nam", "lstm.weight_hh_l0": "seed.nam"}}
    shards = {"weight_map": {"/a": ["seed.nam"], "/b": ["warm.nam", "seed.nam"]}}
    return {
        "joblib": [(".joblib", body) for name, body in bodies.items() if name.startswith("state")],
        "packed": [(".zip", bodies["ppo.zip"]), *_wrapped(pickle.dumps(random_weights(LSTMConfig(2, 3))))],
        "embedded": [(".pkl", bodies[name]) for name in ("keras.pkl", "hdf5.pkl")],
        "json-weights": [(".nam", json.dumps(tree).encode()) for tree in (*trees, index, shards)],
    }


def _wrapped(body: bytes) -> Bodies:
    """A model in a tar archive, plain and compressed, and alone compressed in each way."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("model", "x" * 200):
            entry = tarfile.TarInfo(name)
            entry.size = len(body) if name == "model" else 0
            archive.addfile(entry, io.BytesIO(body))
    tar = stream.getvalue()
    made = [tar, gzip.compress(tar), lzma.compress(body), bz2.compress(body), zlib.compress(body), gzip.compress(body)]
    return [(".pack", data) for data in (*made, lzma.compress(body, lzma.FORMAT_ALONE))]


_READER_OF: Final = {"new.pt": "torch", "old.pt": "torch-legacy", ".h5": "hdf5"}


# Files of TensorFlow in the recorded ones, each with the name that a mutated one has behind its first letter.
_OF_TENSORFLOW: Final = {
    "tensorflow": ("keras2_checkpoint/model.ckpt.index", ".ckpt.index"),
    "tensorflow-old": ("old/partitioned.ckpt", ".ckpt"),
    "tensorflow-data": ("keras2_checkpoint/model.ckpt.data-00000-of-00001", ".ckpt.data-00000-of-00001"),
    "saved-model": ("keras3_export/saved/saved_model.pb", ".pb"),
    "tensorflow-graph": ("frozen/frozen.pb", ".pb"),
    "tensorflow-js": ("javascript/js/model.json", ".json"),
}
# What is beside them.
_BESIDE: Final = {
    "tensorflow": (("keras2_checkpoint/model.ckpt.data-00000-of-00001", "f.ckpt.data-00000-of-00001"),),
    "tensorflow-data": (("keras2_checkpoint/model.ckpt.index", "f.ckpt.index"),),
    "saved-model": tuple(
        (f"keras3_export/saved/variables/variables.{end}", f"variables/variables.{end}")
        for end in ("index", "data-00000-of-00001")
    ),
    "tensorflow-js": (("javascript/js/group1-shard1of1.bin", "group1-shard1of1.bin"),),
}


def write_beside(reader: str, folder: Path) -> None:
    """Write the files that those of a reader name, or that are of one with them."""
    for name, target in _BESIDE.get(reader, ()):
        with zipfile.ZipFile(WEIGHTS / "tensorflow.zip") as archive:
            path = folder / target
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(archive.read(name))


def _siblings(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Two LSTMs with other tensors beside and inside them."""
    both = {f"{name}.{key}": array for name in ("module.encoder", "module.decoder") for key, array in arrays.items()}
    return {**both, "module.encoder.weight_ch_l0": np.ones((3, 4), np.float32), "fc.weight": np.ones((2, 8))}


def _configuration(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read("config.json")


def _in_a_copy(write: Callable[[Path], None], folder: Path) -> None:
    """Write files in a copy of this process, which stays small without the libraries that it takes."""
    child = os.fork()
    if not child:
        with suppress(ImportError):
            write(folder)
        os._exit(0)
    os.waitpid(child, 0)


def _write_torch(folder: Path) -> None:
    import torch

    state = torch.nn.LSTM(3, 4, 2, bidirectional=True).state_dict()
    for name, new in (("new.pt", True), ("old.pt", False)):
        torch.save({"epoch": 3, "model": state}, folder / name, _use_new_zipfile_serialization=new)


def _write_cells(folder: Path) -> None:
    from tools.cell_graphs import Writer

    for seed in range(4):
        (folder / f"cells-{seed}.onnx").write_bytes(Writer(seed).model().SerializeToString())


def _write_hdf5(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        cell = file.create_group("model_weights/lstm/lstm/lstm_cell")
        cell.create_dataset("kernel:0", data=np.ones((3, 16), np.float32))
        cell.create_dataset("recurrent_kernel:0", data=np.ones((4, 16), np.float32), compression="gzip")
        cell.create_dataset("bias:0", data=np.ones(16, np.float32), chunks=(4,))
        file["model_weights"].attrs["layer_names"] = [b"lstm"]
    layer = {"class_name": "LSTM", "config": {"name": "lstm", "units": 4, "activation": "tanh"}}
    with zipfile.ZipFile(folder / "a.keras", "w") as made:
        made.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}}))
        made.writestr("metadata.json", '{"keras_version": "3.15.0"}')
        made.writestr("model.weights.h5", (folder / "a.h5").read_bytes())


def _write_onnx(folder: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    shapes = {"W": (1, 16, 3), "R": (1, 16, 4), "B": (1, 32), "h": (1, 1, 4), "P": (1, 12)}
    stored = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in shapes.items()]
    stored += [numpy_helper.from_array(np.array([value]), name) for name, value in (("s", 0), ("e", 1), ("x", 0))]
    x = [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["L", 2, 3])]

    def save(name: str, nodes: list[object]) -> None:
        model = helper.make_model(helper.make_graph(nodes, "g", x, [], stored))
        (folder / name).write_bytes(model.SerializeToString())

    nodes = [
        helper.make_node("Transpose", ["W"], ["V"], perm=[0, 1, 2]),
        helper.make_node("Concat", ["h", "h"], ["hh"], axis=1),
        helper.make_node("LSTM", ["X", "V", "R", "B", "", "hh"], ["Y"], hidden_size=4),
    ]
    save("a.onnx", nodes)
    shape = helper.make_tensor("v", TensorProto.FLOAT, [1], [0.0])
    nodes = [
        helper.make_node("Shape", ["X"], ["shape"]),
        helper.make_node("Gather", ["shape", "e"], ["batch"], axis=0),
        helper.make_node("Cast", ["batch"], ["batch64"], to=TensorProto.INT64),
        helper.make_node("Constant", [], ["four"], value_ints=[4]),
        helper.make_node("Concat", ["e", "batch64", "four"], ["of_h"], axis=0),
        helper.make_node("ConstantOfShape", ["of_h"], ["h0"], value=shape),
        helper.make_node("Slice", ["h0", "s", "e", "x"], ["h1"]),
        helper.make_node("Squeeze", ["R", "s"], ["r"]),
        helper.make_node("Unsqueeze", ["r", "s"], ["RR"]),
        helper.make_node("Identity", ["W"], ["WW"]),
        helper.make_node("LSTM", ["X", "WW", "RR", "B", "", "h1", "", "P"], ["Y", "Y_h"], hidden_size=4, clip=3.0),
    ]
    save("b.onnx", nodes)


_WRITERS: Final = {
    _write_torch: ("torch", "torch-legacy"),
    _write_hdf5: ("hdf5", "keras"),
    _write_onnx: ("onnx",),
    _write_cells: ("onnx",),
}
