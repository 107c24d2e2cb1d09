"""Small inputs that ask for much: what a command reads counts together, and numbers are bounded before they are text."""

import os
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstmcalc import lstms_in
from lstmcalc.errors import SourceError, TooLargeError, shorten
from lstmcalc.lazy import LazySequence
from lstmcalc.readers.files import budget
from lstmcalc.readers.files.archives import read_archive
from lstmcalc.readers.files.budget import DECODED, INFLATED, Budget, one_command
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.raw_numbers import View, number_blocks
from lstmcalc.readers.onnx import zeros
from tools.shell import Ran

Run = Callable[..., Ran]


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in members.items():
            made.writestr(name, body)
    return path


def test_reads_of_a_command_count_together(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", a=bytes(10**6), b=bytes(10**6))
    with one_command():
        spent = budget.budget()
        a, b = (read_archive(path)[name].section() for name in "ab")
        assert (a.read(0, 10), spent.left(INFLATED)) == (bytes(10), INFLATED.fixed - 10)
        for at in range(1, 1000):  # a part that does not begin it: all of it is inflated once
            assert a.read(at, 10) == bytes(10)
        assert spent.left(INFLATED) == INFLATED.fixed - 10 - 10**6
        spent.count(INFLATED, spent.left(INFLATED) - 100)
        with one_command(), pytest.raises(SourceError, match="too many bytes to inflate"):
            b.read()
    b.read()  # outside of a command each read has its own


def test_blocks_count_what_they_inflate(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", w=np.zeros(10**6, np.float32))
    with one_command():
        (tensor,) = open_weights(str(tmp_path / "a.npz")).tensors
        spent = budget.budget()
        before = spent.left(INFLATED)
        assert sum(numbers.size for _, numbers in tensor.blocks()) == 10**6
        assert before - spent.left(INFLATED) == 4 * 10**6 + 128  # and the header
        spent.count(INFLATED, spent.left(INFLATED) - 10**6)
        with pytest.raises(SourceError, match="too many bytes to inflate"):
            list(tensor.blocks())


@pytest.mark.parametrize("stride", [1, 2])
def test_tensors_in_one_storage_inflate_it_once(stride: int, tmp_path: Path) -> None:
    section = read_archive(archive(tmp_path / "a.zip", a=bytes(10**6)))["a"].section()
    with one_command():
        spent = budget.budget()
        for start in range(1, 1000):
            list(number_blocks(section, "float32", View((10,), (stride,), start)))
        assert spent.left(INFLATED) == INFLATED.fixed - 10**6


def test_a_file_is_read_once_in_a_command(tmp_path: Path) -> None:
    path = str(tmp_path / "a.npy")
    np.save(path, np.zeros(3, np.float32))
    with one_command():
        first = open_weights(path)
        assert open_weights(path) is first
        np.save(path, np.zeros(40, np.float32))
        assert open_weights(path).tensors[0].shape == (40,)
    assert open_weights(path) is not open_weights(path)


def test_a_file_may_cost_what_is_linear_in_it() -> None:
    spent = Budget()
    spent.take(DECODED, DECODED.fixed)
    with pytest.raises(SourceError, match="too many numbers to decode"):
        spent.take(DECODED, 1)
    spent.allow(1000)
    spent.take(DECODED, 1000)


def lstm(name: str, *more: str) -> object:
    return helper.make_node("LSTM", ["X", "W", "R", "", "", *more], [name], hidden_size=2, name=name)


def model(path: Path, graph: list[object], *tensors: object) -> str:
    weights = [numpy_helper.from_array(np.ones((1, 8, 2), np.float32), name) for name in "WR"]
    path.write_bytes(helper.make_model(helper.make_graph(graph, "g", [], [], [*weights, *tensors])).SerializeToString())
    return str(path)


def test_what_a_graph_computes_is_bounded(tmp_path: Path) -> None:
    big = numpy_helper.from_array(np.zeros((1, 1, 10**6), np.float32), "big")
    settings = [numpy_helper.from_array(np.array([value]), name) for name, value in (("s", 0), ("e", 2), ("x", 2))]
    graph = [
        helper.make_node("Concat", ["big"] * 1000, ["all"], axis=2),
        helper.make_node("Slice", ["all", "s", "e", "x"], ["h"]),
        lstm("y", "h"),
    ]
    with one_command():
        (stated,) = open_weights(model(tmp_path / "a.onnx", graph, big, *settings)).stated
    assert "initial_h is stored in the file, as 'h': it was not read, and may not be zeros" in stated.notes


def test_a_tensor_of_many_nodes_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peepholes = TensorProto(name="P", data_type=TensorProto.INT64, dims=[6], int64_data=[0] * 6)
    read: list[str] = []
    monkeypatch.setattr(zeros, "_holds_zeros", lambda known: read.append(known.name))
    open_weights(model(tmp_path / "a.onnx", [lstm(f"y{index}", "", "", "P") for index in range(30)], peepholes))
    assert read == ["P"]


def test_empty_nodes_cost_no_memory(tmp_path: Path) -> None:
    body = helper.make_graph([lstm("y")], "g", [], [], []).SerializeToString()
    weights = helper.make_graph(
        [], "g", [], [], [numpy_helper.from_array(np.ones((1, 8, 2), np.float32), name) for name in "WR"]
    ).SerializeToString()
    graph = b"\x0a\x00" * 100_000 + body + b"\x0a\x00" * 100_000 + weights
    length = bytes([len(graph) & 127 | 128, len(graph) >> 7 & 127 | 128, len(graph) >> 14])
    (tmp_path / "a.onnx").write_bytes(b"\x08\x07\x3a" + length + graph)
    tracemalloc.start()
    try:
        (stated,) = open_weights(str(tmp_path / "a.onnx")).stated
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()
    assert stated.layer["hidden_size"].value == 2


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "uint8"])
def test_varints_are_decoded_as_they_were_written(dtype: str, tmp_path: Path) -> None:
    info = np.iinfo(dtype)
    low, high = int(info.min), int(info.max)
    draw = np.random.default_rng(0)
    values = [low, high, 0, 1, 127, *(int(draw.integers(0, high, dtype=np.uint64)) for _ in range(500))]
    made = TensorProto(name="P", data_type=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), dims=[len(values)])
    field = {"int64": made.int64_data, "uint64": made.uint64_data}.get(dtype, made.int32_data)
    field.extend(values)
    file = open_weights(model(tmp_path / "a.onnx", [lstm("y")], made))
    (tensor,) = [item for item in file.tensors if item.name == "P"]
    assert tensor.read().tolist() == values


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "0o" + "7" * 6000, "0b" + "1" * 20000, "9" * 5000])
@pytest.mark.parametrize(
    "text", ["[lstm]\ninput_size={}\nhidden_size=2", "x={}", "[lstm]\ninput_size=1\nhidden_size=2\nframework={}"]
)
def test_a_number_too_long_for_a_text_is_an_error(number: str, text: str, tmp_path: Path, cli: Run) -> None:
    (tmp_path / "a.toml").write_text(text.format(number))
    ran = cli("shapes", str(tmp_path / "a.toml"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")


def test_any_value_is_shown() -> None:
    assert shorten(1 << 20_000) == "a number of about 6,021 digits"
    assert shorten([1 << 20_000]) == "a list with a number of too many digits"


def test_a_length_that_python_does_not_have_is_an_error(cli: Run) -> None:
    with pytest.raises(TooLargeError):
        len(LazySequence(2**63, str))
    for command in (("diff", "nn.LSTM(1, 2)"), ("run",)):
        ran = cli(*command, "--layers", str(2**63 - 1))
        assert (ran.code, ran.out) == (2, "")


def test_a_key_of_many_parts_is_nested_too_deeply(tmp_path: Path, cli: Run) -> None:
    (tmp_path / "a.toml").write_text(".".join("a" * 20_000) + " = 1\n")
    assert "nested too deeply" in cli("shapes", str(tmp_path / "a.toml")).err
    (tmp_path / "a.toml").write_text(f"# {'. ' * 200}\n[lstm]\ninput_size = 1\nhidden_size = 2\n")
    assert cli("shapes", str(tmp_path / "a.toml")).code == 0


def test_odd_headers_and_settings_give_no_warning(tmp_path: Path, cli: Run) -> None:
    for text in (b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), '\\d': 1}", b"{'shape': (1if 1else 2,)}"):
        header = text.ljust(117) + b"\n"
        path = tmp_path / "a.npy"
        path.write_bytes(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + bytes(4))
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            cli("ls", str(path))
            cli("shapes", "nn.LSTM(1, a)", "--set", r"a='\d'")
        assert not given


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Run) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("lstmcalc.toml")
    assert "lstmcalc.toml is not a regular file" in cli("shapes").err


def test_half_of_a_character_is_no_text() -> None:
    with pytest.raises(SourceError, match="is not text"):
        lstms_in("\ud800(")
