"""HDF5 files that nobody vouches for: nothing outside is read, nothing is reserved, and no damage comes out as a crash."""

import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lstmcalc.errors import LstmcalcError, MissingExtraError, SourceError
from lstmcalc.readers.keras import files as keras_files
from lstmcalc.readers.keras import hdf5
from lstmcalc.readers.keras.hdf5 import Hdf5, read_index, window_of
from tools.files import rewrite
from tools.hdf5 import Zygote
from tools.mutations import CASES, damaged
from tools.recorded_weights import unpacked


def index_of(path: Path) -> Hdf5:
    return read_index(window_of(str(path)))


def written(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
    return path


# --- Numbers


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (4, 4)},
        {"chunks": (4, 4), "compression": "gzip", "shuffle": True},
        {"chunks": (8, 3), "fletcher32": True},
        {"chunks": (4, 4), "compression": "lzf"},
    ],
    ids=["end to end", "chunks", "gzip", "checksums", "lzf"],
)
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "|i1"])
def test_numbers_are_read_however_they_are_stored(
    options: dict[str, Any], dtype: str, zygote: Zygote, tmp_path: Path
) -> None:
    data = (np.random.default_rng(0).standard_normal((9, 7)) * 9).astype(dtype)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        file.create_dataset("deep/a", data=data, **options)
    found = index_of(path).datasets["deep/a"]
    assert (found.shape, found.dtype, found.nbytes) == (data.shape, data.dtype.name, data.nbytes)
    np.testing.assert_array_equal(found.read(), data)
    assert zygote.answers["answered"] == 1 + bool(options)  # numbers that stand end to end are not asked for


def test_many_compressed_datasets_take_few_processes(
    zygote: Zygote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, random_ = tmp_path / "a.h5", np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for index in range(300):
            name = f"{'long ' * 20}{index}/\u00e9"
            file.create_dataset(name, data=random_.standard_normal((index % 5, 7)), chunks=(2, 2), maxshape=(None, 7))
        held = {name: file[name][()] for name in (f"{'long ' * 20}{index}/\u00e9" for index in range(300))}
    found = index_of(path).datasets
    for name, data in held.items():
        np.testing.assert_array_equal(found[name].read(), data)
    assert zygote.answers["answered"] <= 3
    for name in [*held][::60]:  # and once more, in any order
        np.testing.assert_array_equal(found[name].read(), held[name])
    monkeypatch.setattr(hdf5, "_AHEAD", 300)
    zygote.answers.clear()
    found = index_of(path).datasets
    assert all((found[name].read() == data).all() for name, data in held.items())
    assert zygote.answers["answered"] > 100  # of no more numbers than memory is meant for


def test_what_ends_the_library_is_at_fault_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for index in range(5):
            file.create_dataset(f"d{index}", data=np.full((4, 4), index), chunks=(2, 2))
    crash = "import os, lstmcalc.readers.keras.hdf5_child as c; numbers = c._numbers; "
    crash += "c._numbers = lambda found, nbytes: os.abort() if found.name == '/d2' else numbers(found, nbytes); main("
    monkeypatch.setattr(hdf5, "CODE", hdf5.CODE.replace("main(", crash))
    found = index_of(path).datasets
    for index in (0, 1, 2, 3, 4, 2, 1):
        if index == 2:
            with pytest.raises(SourceError, match="the HDF5 library failed on it"):
                found["d2"].read()
        else:
            assert (found[f"d{index}"].read() == index).all()


def test_texts_and_records_are_listed_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["text"] = "words"
        file["record"] = np.zeros(3, [("a", "f4"), ("b", "i2")])
        file["nothing"] = h5py.Empty("f4")
        file["choice"] = np.array([True, False])
    found = index_of(path).datasets
    for name in ("text", "record", "nothing"):
        with pytest.raises(SourceError, match=f"a.h5, {name}"):
            found[name].read()
    np.testing.assert_array_equal(found["choice"].read(), [True, False])


def test_an_empty_dataset_has_no_numbers(tmp_path: Path) -> None:
    assert index_of(written(tmp_path / "a.h5", a=np.zeros((0, 3), "f4"))).datasets["a"].read().shape == (0, 3)


# --- Nothing outside


def test_links_out_of_the_file_are_named_and_not_followed(tmp_path: Path) -> None:
    written(tmp_path / "secret.h5", a=np.ones(3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["outside"] = h5py.ExternalLink("secret.h5", "/a")
        file["soft"] = h5py.SoftLink("/here")
        file["here"] = np.zeros(2, "f4")
    found = index_of(tmp_path / "a.h5")
    assert list(found.datasets) == ["here"]
    assert sorted(found.skipped) == ["outside", "soft"]
    assert keras_files.read_hdf5(str(tmp_path / "a.h5")).notes == (
        "links and groups that are not followed: outside, soft",
    )


def test_datasets_with_their_numbers_in_other_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(range(48)))
    written(tmp_path / "secret.h5", a=np.ones((3, 4), "f4"))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("raw", (3, 4), "f4", external=[(str(tmp_path / "secret.bin"), 0, 48)])
        layout = h5py.VirtualLayout((3, 4), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "a", (3, 4))
        file.create_virtual_dataset("view", layout)
    found = index_of(tmp_path / "a.h5").datasets
    for name, where in (("raw", "another file"), ("view", "other files")):
        assert found[name].shape == (3, 4)
        with pytest.raises(SourceError, match=f"its numbers are in {where}"):
            found[name].read()


# --- Bounds


@pytest.mark.parametrize("options", [{}, {"chunks": (1024, 1024)}, {"chunks": (1024, 1024), "compression": "gzip"}])
def test_shapes_that_are_larger_than_the_file_reserve_nothing(options: dict[str, Any], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("huge", (2**20, 2**20), "f4", **options)
    found = index_of(tmp_path / "a.h5").datasets["huge"]
    assert found.nbytes == 2**42
    with pytest.raises(SourceError, match="is not as large as its shape"):
        found.read()


def test_circles_of_groups_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("a/b")
        group["up"], group["top"] = file["a"], file["/"]
        group["numbers"] = np.zeros(2, "f4")
    found = index_of(tmp_path / "a.h5")
    assert list(found.datasets) == ["a/b/numbers"]
    assert set(found.skipped) == {"a/b/up", "a/b/top"}


def test_groups_in_groups_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["/".join(["g"] * 200)] = np.zeros(2, "f4")
    found = index_of(tmp_path / "a.h5")
    assert (len(found.groups), len(found.skipped), found.datasets) == (65, 1, {})


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.h5", **{f"d{n}": 0.0 for n in range(20)})
    code = hdf5.CODE.replace("main(", "import lstmcalc.readers.keras.hdf5_child as c; c.MAX_OBJECTS = 9; main(")
    monkeypatch.setattr(hdf5, "CODE", code)
    with pytest.raises(SourceError, match="more than 9 objects"):
        index_of(path)


@pytest.mark.parametrize("fate", ["import os; os.abort()", "print('no JSON')", "import sys; sys.exit(9)"])
def test_a_library_that_crashes_is_a_damaged_file(fate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "CODE", fate)
    with pytest.raises(SourceError, match="the HDF5 library failed on it"):
        index_of(written(tmp_path / "a.h5", a=1.0))


def test_a_library_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "CODE", "import time; time.sleep(60)")
    monkeypatch.setattr(hdf5, "SECONDS", 0.5)
    with pytest.raises(SourceError, match=r"was stopped after 0\.5 seconds"):
        index_of(written(tmp_path / "a.h5", a=1.0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bounds")
def test_the_library_has_bounds_of_memory_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = hdf5.CODE.partition("main(")[0]
    code += "import resource as r; from lstmcalc.readers.keras import hdf5_child as c; c._bound(1000, 9); "
    code += "print(json.dumps({'error': repr([r.getrlimit(kind)[0] for kind in (r.RLIMIT_AS, r.RLIMIT_CPU)])}))"
    monkeypatch.setattr(hdf5, "CODE", code.replace("import main", "import main as _"))
    with pytest.raises(SourceError, match=r"\[1610615736, 9\]"):
        index_of(written(tmp_path / "a.h5", a=1.0))


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.h5", a=1.0)
    monkeypatch.setattr(hdf5, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install h5py"):
        index_of(path)


# --- Damage


def survives(path: Path, outcomes: Counter[str]) -> None:
    """Read a file, and all that it has; nothing but our own errors comes out."""
    read = keras_files.read_keras if path.suffix == ".keras" else keras_files.read_hdf5
    try:
        file = read(str(path))
    except LstmcalcError:
        outcomes["refused"] += 1
        return
    outcomes["read"] += 1
    for tensor in file.tensors:
        try:
            assert tensor.read().shape == tensor.shape
        except LstmcalcError:
            outcomes["tensors refused"] += 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="thousands of processes need fork")
def test_damaged_files_give_no_other_errors(zygote: Zygote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zygote, "stopped", 0.2)  # some are read for ever
    kept = [unpacked(name, tmp_path) for name in ("keras3", "keras2")]
    files = sorted(path for folder in kept for path in folder.iterdir() if path.suffix in (".h5", ".keras"))
    contents = {path: path.read_bytes() for path in files}
    outcomes: Counter[str] = Counter()
    for seed in range(CASES):
        draw = random.Random(seed)  # noqa: S311  # damage, not secrets
        source = draw.choice(files)
        path = tmp_path / f"damaged{source.suffix}"
        rewrite(path, damaged(contents[source], draw))
        survives(path, outcomes)
    assert outcomes["read"] > CASES // 20
    assert outcomes["refused"] > CASES // 20
    assert zygote.answers["answered"] >= outcomes["read"]
