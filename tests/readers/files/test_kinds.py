"""Which kind of weight file a file is: told by what is in it, whatever it is called."""

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from onnx import helper

from lstmcalc import lstms_in
from lstmcalc.errors import SourceError
from lstmcalc.readers.files.kinds import open_weights, weight_kind
from tools.examples import examples
from tools.files import rewrite, zipped
from tools.weight_writers import safetensors_bytes, write_safetensors

HDF5 = b"\x89HDF\r\n\x1a\n"


def onnx_bytes(**given: object) -> bytes:
    graph = helper.make_graph([], "g", [], [], [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **given)
    data: bytes = model.SerializeToString()
    return data


KINDS = {
    "safetensors": (safetensors_bytes({}, b""), "safetensors"),
    "safetensors that is cut off": (safetensors_bytes({"a": 3}, b"")[:10], "safetensors"),
    "an index of 65279 bytes, which begins as UTF-16 does": (safetensors_bytes(b"{" + b" " * 65278, b""), "safetensors"),
    "PyTorch": (zipped("archive/data.pkl", "archive/data/0", "archive/version"), "torch"),
    "TorchScript": (zipped("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"), "torch"),
    "PyTorch, not zipped": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "torch"),
    "a pickle": (b"\x80\x04\x95\x00", "torch"),
    "npz": (zipped("a.npy", "b.npy"), "npz"),
    "npy": (b"\x93NUMPY\x01\x00", "npy"),
    "Keras 3": (zipped("metadata.json", "config.json", "model.weights.h5"), "keras"),
    "any zip": (zipped("word/document.xml"), "zip"),
    "an empty zip": (zipped(), "zip"),
    "HDF5": (HDF5 + bytes(100), "hdf5"),
    "HDF5 behind something else": (b"\0" * 512 + HDF5, "hdf5"),
    "HDF5 behind much else": (b"\0" * 4096 + HDF5, "hdf5"),
    "ONNX": (onnx_bytes(), "onnx"),
    "ONNX with a long text before its graph": (onnx_bytes(producer_name="pytorch", doc_string="x" * 100_000), "onnx"),
    "TensorFlow Lite": (b"\x1c\0\0\0TFL3" + bytes(24), "tflite"),
    "ONNX that is cut off": (onnx_bytes()[:-5], "onnx"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "kind"), KINDS.values(), ids=KINDS)
def test_kinds_are_told_by_content(data: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.txt"
    path.write_bytes(data)
    assert weight_kind(str(path)) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\x08\x07",
        b"\x08\x07\x12\xff",
        b"\x08\x07\x12\x03abc\x4a\x00",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x3a\x00",
        b"\x3a\x00",
        b"\x08\x00\x3a\x00",
        b"\x7fELF\x02\x01\x01",
        b"\x89PNG\r\n\x1a\n",
        "\ufeffnn.LSTM(10, 20)".encode("utf-16"),
        b"\x80\x09",
        bytes(range(256)),
        bytes(5000),
    ],
    ids=lambda data: repr(data)[:30],
)
def test_what_is_no_weight_file_is_none(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(data)
    assert weight_kind(str(path)) == ""
    with pytest.raises(
        SourceError, match=r"is (not a weight file that is read|of an unknown format|an empty file)|looks like"
    ):
        open_weights(str(path))


def test_an_archive_without_weights_is_said(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(zipped("word/document.xml"))
    with pytest.raises(SourceError, match="looks like a zip archive, which is not read"):
        open_weights(str(path))


def test_an_archive_that_is_cut_off_is_said(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(zipped("archive/data.pkl")[:-10])
    with pytest.raises(SourceError, match="damaged"):
        weight_kind(str(path))


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        weight_kind(str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="cannot read"):
        weight_kind(str(tmp_path))


def test_files_are_opened_by_their_kind(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"w": np.arange(3, dtype=np.float32)}
    np.savez(tmp_path / "a.npz", **arrays)
    np.save(tmp_path / "b.npy", arrays["w"])
    write_safetensors(tmp_path / "c", arrays)
    for name, kind in (("a.npz", "NumPy (npz)"), ("b.npy", "NumPy (npy)"), ("c", "safetensors")):
        file = open_weights(str(tmp_path / name))
        assert file.format == kind
        assert [item.shape for item in file.tensors] == [(3,)]


def test_the_fields_of_a_model_are_those_of_onnx() -> None:
    from lstmcalc.readers.files.kinds import _MODEL_FIELDS

    # Types: TYPE_INT64 = 3, TYPE_STRING = 9, TYPE_MESSAGE = 11, TYPE_INT32 = 5, TYPE_ENUM = 14 of descriptor.proto.
    wires = {3: 0, 5: 0, 14: 0, 9: 2, 11: 2, 12: 2}
    fields = onnx.ModelProto.DESCRIPTOR.fields
    assert {field.number: wires[field.type] for field in fields}.items() <= _MODEL_FIELDS.items()


@examples(500, HealthCheck.function_scoped_fixture)
@given(data=st.sampled_from([data for data, _ in KINDS.values()]), tail=st.binary(max_size=40), cut=st.integers(0, 200))
def test_any_bytes_are_of_some_kind_or_none(data: bytes, tail: bytes, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    rewrite(path, data[:cut] + tail)
    try:
        assert isinstance(weight_kind(str(path)), str)
    except SourceError:
        assert path.read_bytes()[:2] == b"PK"


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe is not a regular file"):
        open_weights(str(tmp_path / "pipe"))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceError, match=r"cannot read .*loop"):
        open_weights(str(tmp_path / "loop"))
    with pytest.raises(SourceError, match="cannot come from standard input"):
        open_weights("-")
    (tmp_path / "empty").touch()
    with pytest.raises(SourceError, match="is an empty file"):
        open_weights(str(tmp_path / "empty"))


@pytest.mark.parametrize("head", [b"PK\3\4", b"\x80\2", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY", b"\x10\0\0\0\0\0\0\0{"])
def test_every_error_names_its_file(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(head + b"....")
    with pytest.raises(SourceError) as caught:
        open_weights(str(path))
    assert str(path) in str(caught.value)
    assert str(caught.value).count(str(path)) == 1


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress, zlib.compress])
def test_compressed_files_are_said_to_be(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(compress(bytes(range(256)) * 9))
    for read in (open_weights, lstms_in):
        with pytest.raises(SourceError, match=r"-compressed data, which is not read(.|\n)*hint: decompress it first"):
            read(str(path))
