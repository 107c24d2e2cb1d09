"""Files of NumPy: read as NumPy reads them, without pickles, and no more than their headers until they are used."""

import io
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.archives import MAX_DIRECTORY, read_archive
from lstmcalc.readers.files.npz import read_npy, read_npz
from tools.examples import examples
from tools.files import rewrite

ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "lstm/weight_ih_l0": np.arange(12, dtype=np.float32).reshape(3, 4),
    "f": np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)),
    "big": np.arange(3, dtype=">f4"),
    "half": np.arange(3, dtype=np.float16),
    "empty": np.zeros((0, 4), np.float32),
    "scalar": np.array(3, np.int64),
    "bool": np.array([True, False]),
}


def npy_bytes(array: Any, version: tuple[int, int] | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), version, **options)
    return stream.getvalue()


def npy_with(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_are_read(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "a.npz", **ARRAYS)
    file = read_npz(str(tmp_path / "a.npz"))
    assert file.format == "NumPy (npz)"
    assert {item.name: (item.dtype, item.shape, item.nbytes) for item in file.tensors} == {
        name: (array.dtype.name, array.shape, array.nbytes) for name, array in ARRAYS.items()
    }
    for item in file.tensors:
        read = item.read()
        assert read.dtype == ARRAYS[item.name].dtype.newbyteorder("=")
        np.testing.assert_array_equal(read, ARRAYS[item.name])


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("name", ARRAYS)
def test_single_arrays_are_read_in_every_version(version: tuple[int, int], name: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.npy"
    path.write_bytes(npy_bytes(ARRAYS[name], version))
    (item,) = read_npy(str(path)).tensors
    assert (item.name, item.shape) == ("weights", ARRAYS[name].shape)
    np.testing.assert_array_equal(item.read(), ARRAYS[name])


class Trap:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_objects_are_refused_and_never_loaded(tmp_path: Path) -> None:
    trap = tmp_path / "written"
    objects = np.array([Trap(trap)], dtype=object)
    np.save(tmp_path / "a.npy", objects)
    with pytest.raises(SourceError, match="an array of objects, which is a pickle, is not read"):
        read_npy(str(tmp_path / "a.npy"))
    np.savez(tmp_path / "a.npz", w=np.zeros(3), objects=objects)
    file = read_npz(str(tmp_path / "a.npz"))
    assert [(item.name, item.dtype) for item in file.tensors] == [("w", "float64"), ("objects", "object")]
    with pytest.raises(SourceError, match=r"np\.savez"):
        file.tensors[1].read()
    assert not trap.exists()
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()  # it would have been written


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array(["a"]), "text1"),
        (np.array([b"a"]), "bytes1"),
        (np.zeros(2, [("a", "f4")]), "structured"),
        (np.zeros(2, "V2"), "void2"),
        (np.zeros(2, "M8[s]"), "datetime648"),
    ],
)
def test_what_is_no_number_is_listed_and_not_read(array: Any, dtype: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=array)
    (item,) = read_npz(str(tmp_path / "a.npz")).tensors
    assert item.dtype == dtype
    with pytest.raises(SourceError, match=f"numbers of {dtype} are not read"):
        item.read()


GOOD = npy_bytes(np.arange(4, dtype=np.float32))
HEADER = "{{'descr': {}, 'fortran_order': {}, 'shape': {}}}"

BROKEN = {
    "empty": b"",
    "magic alone": b"\x93NUMPY",
    "version 9": b"\x93NUMPY\x09\x00" + GOOD[8:],
    "no header": b"\x93NUMPY\x01\x00",
    "header cut off": GOOD[:40],
    "header too long": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f",
    "no dictionary": npy_with("[1, 2]"),
    "a call": npy_with("__import__('os').getcwd()"),
    "too deep": npy_with("(" * 5000),
    "a huge power": npy_with(HEADER.format("'<f4'", False, "(9**9**9,)")),
    "no shape": npy_with("{'descr': '<f4', 'fortran_order': False}"),
    "a negative size": npy_with(HEADER.format("'<f4'", False, "(-1,)")),
    "a size of another type": npy_with(HEADER.format("'<f4'", False, "(1.0,)"), bytes(4)),
    "no order": npy_with(HEADER.format("'<f4'", 3, "(1,)"), bytes(4)),
    "no dtype": npy_with(HEADER.format("3", False, "(1,)"), bytes(4)),
    "a dtype of words": npy_with(HEADER.format("'float32'", False, "(1,)"), bytes(4)),
    "cut off": GOOD[:-1],
    "too long": GOOD + b"\0",
    "a huge shape": npy_with(HEADER.format("'<f4'", False, f"({2**62}, {2**62})"), bytes(16)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_npy(str(path))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", data)
    with pytest.raises(SourceError):
        read_npz(str(tmp_path / "a.npz"))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", GOOD)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", GOOD)
    with pytest.raises(SourceError, match="two members called"):
        read_npz(str(tmp_path / "a.npz"))


def test_other_members_are_left_alone_and_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", GOOD)
        archive.writestr("readme.txt", b"hello")
    file = read_npz(str(tmp_path / "a.npz"))
    assert [item.name for item in file.tensors] == ["a"]
    assert file.notes == ("1 member that is not an array is left alone",)


def test_an_archive_is_listed_without_being_unpacked(tmp_path: Path) -> None:
    shape = (2**27,)  # 512 MiB of zeros in half a MiB
    header = npy_with(HEADER.format("'<f4'", False, repr(shape)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("a.npy", "w", force_zip64=True) as member:
            member.write(header)
            for _ in range(512):
                member.write(bytes(2**20))
        archive.writestr("b.npy", GOOD)
    tracemalloc.start()
    try:
        large, small = read_npz(str(tmp_path / "a.npz")).tensors
        assert (large.shape, large.nbytes) == (shape, 2**29)
        assert small.read().tolist() == [0, 1, 2, 3]
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    header = npy_with(HEADER.format("'<f4'", False, f"({2**40},)"))
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (0xFFFFFF00).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_npz(str(path))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", GOOD)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(SourceError, match="encrypted"):
        read_npz(str(path))


@pytest.mark.parametrize("is_64", [False, True])
def test_an_index_too_large_is_refused_before_it_is_read(is_64: bool, tmp_path: Path) -> None:
    size = MAX_DIRECTORY + 1
    record = b""
    if is_64:
        numbers = (44, 45, 45, 0, 0, 1, 1, size, 0)
        record = b"PK\x06\x06" + b"".join(
            number.to_bytes(width, "little") for number, width in zip(numbers, (8, 2, 2, 4, 4, 8, 8, 8, 8), strict=True)
        )
        record += b"PK\x06\x07" + bytes(4) + size.to_bytes(8, "little") + (1).to_bytes(4, "little")
    told = (0xFFFFFFFF if is_64 else size).to_bytes(4, "little")
    end = b"PK\x05\x06" + bytes(4) + b"\1\0\1\0" + told + bytes(6)
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(record + end)
    with pytest.raises(SourceError, match=r"too many members"):
        read_archive(path)


def archive_bytes(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, array in ARRAYS.items():
            archive.writestr(f"{name}.npy", npy_bytes(array))
    return stream.getvalue()


VALID = [
    archive_bytes(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
]


@pytest.mark.parametrize("data", VALID, ids=["stored", "deflated", "bzip2", "lzma"])
@examples(500, HealthCheck.function_scoped_fixture)
@given(changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4), cut=st.integers(0))
def test_changed_archives_are_read_or_refused(
    data: bytes, changes: list[tuple[int, int]], cut: int, tmp_path: Path
) -> None:
    changed = bytearray(data)
    for place, value in changes:
        changed[-1 - place % len(changed)] = value
    path = tmp_path / "a"
    rewrite(path, changed[: cut % len(changed)] if cut % 5 == 1 else changed)
    try:
        for item in read_npz(str(path)).tensors:
            if item.dtype in ("float32", "float64"):
                assert item.read().shape == item.shape
    except SourceError:
        pass


@examples(500, HealthCheck.function_scoped_fixture)
@given(changes=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_arrays_are_read_or_refused(changes: list[tuple[int, int]], tmp_path: Path) -> None:
    changed = bytearray(GOOD)
    for place, value in changes:
        changed[place] = value
    path = tmp_path / "a"
    rewrite(path, changed)
    try:
        for item in read_npy(str(path)).tensors:
            assert item.read().shape == item.shape
    except SourceError:
        pass
