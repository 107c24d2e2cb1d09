"""Files of safetensors: read as its own package reads them, and refused where it refuses them, and beyond."""

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.raw_numbers import array_from_bytes
from lstmcalc.readers.files.safetensors import read_safetensors
from tools.examples import examples
from tools.files import rewrite
from tools.weight_writers import index_of, safetensors_bytes, write_safetensors

ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "b": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a.x": np.arange(6, dtype=np.float16).reshape(2, 3),
    "empty": np.zeros((0, 4), np.float64),
    "scalar": np.array(3, np.int64),
}
ONE = {"a": np.arange(4, dtype=np.float32)}
ENTRY = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}


def test_what_the_package_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    safetensors.numpy.save_file(dict(ARRAYS), path, {"format": "np"})
    file = read_safetensors(str(path))
    assert file.format == "safetensors"
    assert {item.name: (item.dtype, item.shape, item.nbytes) for item in file.tensors} == {
        name: (array.dtype.name, array.shape, array.nbytes) for name, array in ARRAYS.items()
    }
    for item in file.tensors:
        np.testing.assert_array_equal(item.read(), ARRAYS[item.name], strict=True)


def test_what_the_tests_write_the_package_reads(tmp_path: Path) -> None:
    read = safetensors.numpy.load_file(write_safetensors(tmp_path / "a", ARRAYS))
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [
        ("BF16", ml_dtypes.bfloat16),
        ("F8_E4M3", ml_dtypes.float8_e4m3fn),
        ("F8_E5M2", ml_dtypes.float8_e5m2),
        ("F8_E8M0", ml_dtypes.float8_e8m0fnu),
    ],
)
def test_numbers_that_numpy_has_not_are_read_as_float32(code: str, dtype: Any, tmp_path: Path) -> None:
    width = np.dtype(dtype).itemsize
    codes = np.arange(256**width, dtype=f"u{width}")
    entry = {"dtype": code, "shape": [2, codes.size // 2], "data_offsets": [0, codes.nbytes]}
    path = tmp_path / "a"
    path.write_bytes(safetensors_bytes({"w": entry}, codes.tobytes()))
    (item,) = read_safetensors(str(path)).tensors
    assert (item.dtype, item.shape) == (np.dtype(dtype).name, (2, codes.size // 2))
    read = item.read()
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read.ravel(), codes.view(dtype).astype(np.float32))


def test_numbers_are_decoded_in_either_order_of_bytes() -> None:
    assert array_from_bytes(b"\x3f\x80", "bfloat16", (1,), big_endian=True).tolist() == [1.0]
    assert array_from_bytes(b"\x3f\x80\0\0", "float32", (1,), big_endian=True).tolist() == [1.0]


def test_a_dtype_that_is_not_known_is_listed_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(safetensors_bytes({"w": {"dtype": "F4", "shape": [8], "data_offsets": [0, 4]}}, bytes(4)))
    (item,) = read_safetensors(str(path)).tensors
    assert (item.dtype, item.shape, item.nbytes) == ("f4", (8,), 4)
    with pytest.raises(SourceError, match="numbers of f4 are not read"):
        item.read()


BROKEN = {
    "empty": b"",
    "short": b"\x08\0\0",
    "length beyond the file": struct.pack("<Q", 2**63) + b"{}",
    "length of the whole": struct.pack("<Q", 10) + b"{}",
    "no JSON": safetensors_bytes(b"{nothing}", b""),
    "no UTF-8": safetensors_bytes(b'{"\xff": 1}', b""),
    "no object": safetensors_bytes(b"[1, 2]", b""),
    "too deep": safetensors_bytes(b'{"a":' + b"[" * 200_000, b""),
    "twice": safetensors_bytes(b'{"a": %s, "a": %s}' % ((repr(ENTRY).replace("'", '"').encode(),) * 2), bytes(16)),
    "no entry": safetensors_bytes({"a": 3}, b""),
    "no shape": safetensors_bytes({"a": {**ENTRY, "shape": None}}, bytes(16)),
    "a negative size": safetensors_bytes({"a": {**ENTRY, "shape": [-4]}}, bytes(16)),
    "a size of another type": safetensors_bytes({"a": {**ENTRY, "shape": [4.0]}}, bytes(16)),
    "a Boolean size": safetensors_bytes({"a": {**ENTRY, "shape": [True, 4]}}, bytes(16)),
    "too many axes": safetensors_bytes({"a": {**ENTRY, "shape": [1] * 65}}, bytes(16)),
    "a huge size": safetensors_bytes({"a": {**ENTRY, "shape": [2**63]}}, bytes(16)),
    "a shape of other bytes": safetensors_bytes({"a": {**ENTRY, "shape": [5]}}, bytes(16)),
    "huge shape": safetensors_bytes({"a": {**ENTRY, "shape": [2**62, 2**62]}}, bytes(16)),
    "no dtype": safetensors_bytes({"a": {**ENTRY, "dtype": None}}, bytes(16)),
    "no offsets": safetensors_bytes({"a": {**ENTRY, "data_offsets": 3}}, bytes(16)),
    "one offset": safetensors_bytes({"a": {**ENTRY, "data_offsets": [0]}}, bytes(16)),
    "offsets of floats": safetensors_bytes({"a": {**ENTRY, "data_offsets": [0.0, 16.0]}}, bytes(16)),
    "beyond the end": safetensors_bytes({"a": ENTRY}, bytes(15)),
    "before the start": safetensors_bytes({"a": {**ENTRY, "data_offsets": [-16, 0]}}, bytes(16)),
    "backwards": safetensors_bytes({"a": {**ENTRY, "data_offsets": [16, 0]}}, bytes(16)),
    "behind the last": safetensors_bytes({"a": ENTRY}, bytes(17)),
    "overlapping": safetensors_bytes({"a": ENTRY, "b": {**ENTRY, "data_offsets": [8, 24]}}, bytes(24)),
    "a hole": safetensors_bytes({"a": ENTRY, "b": {**ENTRY, "data_offsets": [20, 36]}}, bytes(36)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused_here_and_there(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_safetensors(str(path))


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - {"twice"}))
def test_the_package_refuses_it_too_but_for_names_that_stand_twice(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(BROKEN[name])
    with pytest.raises((safetensors.SafetensorError, OSError)):
        safetensors.numpy.load_file(path)


def test_words_of_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(BROKEN["overlapping"])
    with pytest.raises(SourceError) as caught:
        read_safetensors(str(path))
    assert str(caught.value) == f"{path} is damaged\n  expected tensors end to end, found tensors share bytes at 8"


def test_an_index_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 2**30) + b"{")
        file.truncate(2**31)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=r"index of .* is too large"):
            read_safetensors(str(path))
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_only_the_index_is_read_until_a_tensor_is(tmp_path: Path) -> None:
    count = 2**29  # 2 GiB of numbers that are nowhere on the disk
    path = tmp_path / "a"
    entry = {"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}, "v": {**ENTRY}}
    entry["v"]["data_offsets"] = [4 * count, 4 * count + 16]
    head = safetensors_bytes(entry, b"")
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 4 * count)
        file.seek(0, 2)
        file.write(np.arange(4, dtype=np.float32).tobytes())
    tracemalloc.start()
    try:
        first, last = read_safetensors(str(path)).tensors
        assert (first.nbytes, last.read().tolist()) == (4 * count, [0, 1, 2, 3])
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_file_that_is_cut_off_after_it_was_listed(tmp_path: Path) -> None:
    path = Path(write_safetensors(tmp_path / "a", ONE))
    (item,) = read_safetensors(str(path)).tensors
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match="cut off"):
        item.read()
    path.unlink()
    with pytest.raises(SourceError, match="cannot be read"):
        item.read()


VALID = safetensors_bytes(index_of(ARRAYS), b"".join(array.tobytes() for array in ARRAYS.values()))


@examples(1500, HealthCheck.function_scoped_fixture)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    length=st.integers(0, len(VALID)),
)
def test_changed_files_are_read_or_refused(changes: list[tuple[int, int]], length: int, tmp_path: Path) -> None:
    data = bytearray(VALID)
    for place, value in changes:
        data[place] = value
    path = tmp_path / "a"
    rewrite(path, data[:length] if length % 3 == 0 else data)
    try:
        for item in read_safetensors(str(path)).tensors:
            assert item.read().shape == item.shape
    except SourceError:
        pass
