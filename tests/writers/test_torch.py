"""Files of PyTorch, written without it: of the parts that old versions take too."""

import pickletools
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest

from lstmcalc.errors import UnsupportedError
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.writers.entries import Entry, copied_entry, encoded, entry_of, holds
from lstmcalc.writers.torch import STORAGES, write_torch

# What the unpickler of `weights_only` knows in torch 1.13.1 (torch/_weights_only_unpickler.py).
OPCODES = {
    *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID", "BINUNICODE", "EMPTY_DICT", "EMPTY_TUPLE"),
    *("SETITEM", "SETITEMS", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NEWFALSE", "NEWTRUE", "NONE", "BINGET", "BINPUT"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "EMPTY_LIST", "APPEND", "APPENDS", "NEWOBJ"),
}
FUNCTIONS = {
    "torch._utils _rebuild_tensor_v2",
    "collections OrderedDict",
    *(f"torch {name}" for name in STORAGES.values()),
}


def entries() -> list[Entry]:
    arrays = {
        "weight": np.arange(12, dtype="f4").reshape(3, 4),
        "steps": np.array(3),
        "empty": np.zeros((0, 2), "f2"),
        "flags": np.array([True, False]),
        "wide": np.arange(70_000, dtype="u1").reshape(2, 35_000),
        "naïve ☃": np.array([1 + 2j, 3]),
    }
    return [
        *(entry_of(name, array) for name, array in arrays.items()),
        entry_of("b", np.array([1.5], "f4"), "bfloat16"),
    ]


def test_it_is_made_of_what_old_versions_know(tmp_path: Path) -> None:
    with (tmp_path / "a.pt").open("wb") as stream:
        write_torch(stream, entries())
    with ZipFile(tmp_path / "a.pt") as archive:
        assert {info.compress_type for info in archive.infolist()} == {ZIP_STORED}
        assert archive.read("archive/byteorder") == b"little"
        assert archive.read("archive/version") == b"3\n"
        operations = list(pickletools.genops(archive.read("archive/data.pkl")))
    assert {operation.name for operation, _, _ in operations} <= OPCODES
    assert {argument for operation, argument, _ in operations if operation.name == "GLOBAL"} <= FUNCTIONS
    found = {tensor.name: tensor for tensor in open_weights(str(tmp_path / "a.pt")).tensors}
    assert list(found) == [entry.name for entry in entries()]
    for entry in entries():
        assert found[entry.name].dtype == entry.dtype
        whole: Any = np.concatenate([np.zeros(0), *(np.ravel(block) for block in entry.blocks())])
        np.testing.assert_array_equal(np.ravel(found[entry.name].read()), whole)


def test_equal_numbers_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        with (tmp_path / name).open("wb") as stream:
            write_torch(stream, entries())
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


def test_tied_tensors_share_their_numbers(tmp_path: Path) -> None:
    entry = entry_of("a", np.ones(1000, "f4"))._replace(place="here")
    with (tmp_path / "a.pt").open("wb") as stream:
        write_torch(stream, [entry, entry._replace(name="b"), entry_of("c", np.ones(1000, "f4"))])
    with ZipFile(tmp_path / "a.pt") as archive:
        assert sorted(name for name in archive.namelist() if "/data/" in name) == ["archive/data/0", "archive/data/1"]
    tensors = {tensor.name: tensor for tensor in open_weights(str(tmp_path / "a.pt")).tensors}
    assert tensors["a"].place == tensors["b"].place != tensors["c"].place


def test_numbers_in_another_order_are_copied_in_theirs(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(600_000, dtype="f4").reshape(1000, 600))
    np.savez(tmp_path / "a.npz", a=array, b=array[:, ::-1])
    for tensor in open_weights(str(tmp_path / "a.npz")).tensors:
        blocks = list(copied_entry(tensor, "x").blocks())
        np.testing.assert_array_equal(np.concatenate([block.ravel() for block in blocks]), tensor.read().ravel())


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"])
def test_every_number_of_a_narrow_dtype_gets_its_own_bytes(dtype: str) -> None:
    from lstmcalc.readers.files.raw_numbers import FORMATS

    form = FORMATS[dtype]
    stored = np.arange(1 << (8 * form.itemsize), dtype=form.code)
    assert form.decode is not None
    numbers = form.decode(stored)
    back = np.frombuffer(encoded(numbers, dtype), form.code)
    kept = ~np.isnan(numbers)
    np.testing.assert_array_equal(back[kept], stored[kept])
    assert np.isnan(form.decode(back[~kept])).all()


def test_whether_a_dtype_holds_all_numbers() -> None:
    assert holds("bfloat16", np.array([1.5, np.inf], "f4"))
    assert not holds("bfloat16", np.array([1.001], "f4"))
    assert holds("float16", np.array([0.5, np.nan], "f8"))
    assert not holds("float16", np.array([1e9], "f4"))


def test_a_dtype_that_pytorch_had_not_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="uint32"):
        write_torch(None, [entry_of("a", np.arange(3, dtype="u4"))])  # type: ignore[arg-type]  # nothing is written
