"""Models in other files: compressed, in archives, in pickles; what is not one model is refused, and costs little."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.intake.load import load_weights
from lstmcalc.numerics.forward import forward
from lstmcalc.readers.files import archives
from lstmcalc.readers.files.inner import Inner
from lstmcalc.readers.files.joined import below, joined
from lstmcalc.readers.files.kinds import open_weights, weight_kind
from lstmcalc.readers.files.packing import tar_members
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.config import LSTMConfig
from tools.examples import examples
from tools.files import rewrite
from tools.recorded_weights import unpacked
from tools.weight_writers import random_weights, write_safetensors

pytestmark = pytest.mark.usefixtures("zygote")

CONFIG = LSTMConfig(3, 4, 2, bidirectional=True)
ARRAYS = random_weights(CONFIG)


def tarred(**members: bytes) -> bytes:
    """A tar archive of these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    """A zip archive of these files, deflated."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def model(folder: Path) -> bytes:
    return Path(write_safetensors(folder / "a", ARRAYS)).read_bytes()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "tar": lambda data: tarred(readme=b"...", **{"a/model": data}),
    "zip": lambda data: zipped(readme=b"...", **{"a/model": data}),
    "zip of a tar archive in gzip": lambda data: zipped(a=gzip.compress(tarred(b=data))),
    "gzip in two streams": lambda data: gzip.compress(data[:999]) + gzip.compress(data[999:]) + bytes(99),
    "xz in two streams": lambda data: lzma.compress(data[:999]) + lzma.compress(data[999:]),
    "bzip2 in two streams": lambda data: bz2.compress(data[:999]) + bz2.compress(data[999:]),
}


@pytest.mark.parametrize("pack", WAYS.values(), ids=WAYS)
def test_a_model_that_is_packed_is_read_as_it_is(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(pack(model(tmp_path)))
    (found,) = read_weights(str(path))
    assert found.stored.config == CONFIG
    for name, array in load_weights(found).items():
        np.testing.assert_array_equal(array, ARRAYS[name])


@examples(60, HealthCheck.function_scoped_fixture)
@given(
    config=st.builds(LSTMConfig, *[st.integers(1, 4)] * 3, bidirectional=st.booleans()), way=st.sampled_from([*WAYS])
)
def test_any_lstm_is_read_in_any_wrapper(config: LSTMConfig, way: str, tmp_path: Path) -> None:
    arrays = random_weights(config)
    rewrite(tmp_path / "packed", WAYS[way](pickle.dumps(arrays)))
    (found,) = read_weights(str(tmp_path / "packed"))
    assert found.stored.config == config
    assert all(np.array_equal(array, arrays[name]) for name, array in load_weights(found).items())


def recorded(folder: Path) -> tuple[Path, list[tuple[str, str]]]:
    """The files of real libraries, and the LSTMs in them whose outputs were recorded."""
    path = unpacked("packed", folder)
    with np.load(path / "expected.npz") as expected:
        return path, sorted({tuple(key.split("|")[:2]) for key in expected})


def test_files_of_real_libraries_compute_what_these_do(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    folder, cases = recorded(tmp_path)
    with np.load(folder / "expected.npz") as expected:
        for file, name in cases:
            (found,) = (item for item in read_weights(str(folder / file)) if item.name == name)
            config = found.stored.config
            x, y = (expected[f"{file}|{name}|{what}"] for what in "xy")
            if file.startswith(("keras", "hdf5", "state")):  # the batch first
                x, y = x.swapaxes(0, 1), y.swapaxes(0, 1)
            got = forward(LSTMConfig(**{**config.__dict__, "batch_first": False}), load_weights(found), x)[0]
            np.testing.assert_allclose(got, y, atol=1e-6, err_msg=file)


def test_what_is_said_of_files_of_real_libraries(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    folder = unpacked("packed", tmp_path)
    formats = {path.name: open_weights(str(path)).format for path in sorted(folder.iterdir()) if path.suffix != ".npz"}
    assert formats == {
        "hdf5.pkl": "Keras HDF5 in pickle",
        "keras.pkl": "Keras .keras in pickle",
        "ppo.zip": "PyTorch (zip) in a zip archive of Stable-Baselines3",
        "scikeras.joblib": "Keras .keras in joblib in zlib",
        "shards.weights.json": "Keras HDF5 in several files",
        "shards_00000.weights.h5": "Keras HDF5",
        "shards_00001.weights.h5": "HDF5",
        "state.joblib": "joblib",
        "state.joblib.bz2": "joblib in bzip2",
        "state.joblib.gz": "joblib in gzip",
        "state.joblib.lzma": "joblib in lzma",
        "state.joblib.xz": "joblib in xz",
        "state.joblib.z": "joblib in zlib",
    }
    assert "uint8" not in {tensor.dtype for tensor in open_weights(str(folder / "scikeras.joblib")).tensors}
    assert open_weights(str(folder / "ppo.zip")).notes == (
        "the policy of a model of Stable-Baselines3 2.9.2, read from policy.pth",
        "policy_kwargs: lstm_hidden_size = 6, n_lstm_layers = 2",
    )
    joblib = open_weights(str(folder / "state.joblib"))
    assert "'words': not listed, being an array of dtype 'U2'" in joblib.notes
    assert [tensor.name for tensor in joblib.tensors if not tensor.name.startswith("rnn")] == ["objects.0"]
    assert [item.stored.config.hidden_size for item in read_weights(str(folder / "shards.weights.json"))] == [4, 12]
    assert [item.stored.config.hidden_size for item in read_weights(str(folder / "scikeras.joblib"))] == [4, 12]


def test_several_models_in_a_pickle_keep_their_paths(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    one = next(iter(unpacked("packed", tmp_path).glob("shards_00000*"))).read_bytes()
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": one, "b": [one], "scale": np.ones(3)}))
    file = open_weights(str(tmp_path / "a.pkl"))
    assert [item.name.split(".")[0] for item in file.stated] == ["a", "b"]
    assert all({*item.stored.named.values()} <= {tensor.name for tensor in file.tensors} for item in file.stated)
    assert file.tensors[-1].name == "scale"


# --- hostile ones


def refusal(path: Path, data: bytes) -> str:
    """The error on a file with this content."""
    rewrite(path, data)
    with pytest.raises(SourceError) as caught:
        open_weights(str(path))
    return str(caught.value)


def test_what_is_no_parameter_in_one_of_several_models_is_none_in_all() -> None:
    def file(*names: str, buffers: frozenset[str] | None, dtype: str = "float32") -> WeightFile:
        held = tuple(Stored(name, dtype, (2,), 8, lambda: np.zeros(2)) for name in names)
        return WeightFile("test", held, buffers=buffers)

    said = below("a", file("kernel", "optimizer", buffers=frozenset({"optimizer"})))
    counts = file("steps", buffers=None, dtype="int64")
    assert joined([said, counts, file("mean", buffers=None)], "both").buffers == frozenset(("a.optimizer", "steps"))
    assert joined([counts, counts], "both").buffers is None


def test_json_that_is_compressed_is_read(tmp_path: Path) -> None:
    text = json.dumps({name: array.tolist() for name, array in ARRAYS.items()}).encode()
    (tmp_path / "f.json.gz").write_bytes(gzip.compress(text))
    (read,) = read_weights(str(tmp_path / "f.json.gz"))
    assert read.stored.config == CONFIG
    (tmp_path / "f.json.gz").write_bytes(gzip.compress(b'{"name": "lstm"}'))
    with pytest.raises(SourceError, match="gzip-compressed data, which is not read"):
        open_weights(str(tmp_path / "f.json.gz"))


def test_tensorflow_lite_within_another_file_is_named(tmp_path: Path) -> None:
    model = b"\x1c\0\0\0TFL3" + bytes(100)
    (tmp_path / "f.pkl").write_bytes(pickle.dumps({"model": model}))
    assert (
        "108 bytes in it look like a model of TensorFlow Lite, and are not read"
        in open_weights(str(tmp_path / "f.pkl")).notes
    )
    (tmp_path / "f.zip").write_bytes(zipped(**{"m.tflite": model}))
    with pytest.raises(SourceError) as caught:
        open_weights(str(tmp_path / "f.zip"))
    assert caught.value.hint == "unpack it, and read m.tflite: unzip FILE"


def test_several_models_in_an_archive_are_asked_for(tmp_path: Path) -> None:
    data = model(tmp_path)
    for made in (zipped(a=data, b=data), tarred(a=data, b=data), gzip.compress(tarred(a=data, b=data))):
        expected = "f has several models\n  expected an archive with one in it, found a, b"
        assert expected in refusal(tmp_path / "f", made)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_bombs_are_refused(pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(tmp_path / "f", pack(bytes(10**7)))
    assert weight_kind(str(tmp_path / "f")) == ""  # zeros are nothing, and no more than the first were inflated
    monkeypatch.setattr(archives, "_SMALL", 10**6)
    assert "this compressed file holds too much" in refusal(tmp_path / "f", pack(b"\x80\4" + bytes(10**7)))


def test_what_is_cut_off_or_damaged_is_refused(tmp_path: Path) -> None:
    for way in ("gzip", "zlib", "xz", "lzma"):  # of bzip2, a first block that is cut off gives nothing
        whole = WAYS[way](pickle.dumps(ARRAYS))
        assert "compressed file is" in refusal(tmp_path / "f", whole[:-20])
    damaged = bytearray(lzma.compress(pickle.dumps(ARRAYS)))
    damaged[-40] ^= 255
    assert "this xz-compressed file is damaged" in refusal(tmp_path / "f", bytes(damaged))


def test_names_and_links_in_a_tar_archive_lead_nowhere(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, target in (("a", tarfile.SYMTYPE, "/etc/passwd"), ("b", tarfile.LNKTYPE, "../../x")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
        data = model(tmp_path)
        entry = tarfile.TarInfo("../" * 40 + "m\x1b[31m" + "x" * 200)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    (member,) = tar_members(Inner(Section.of(stream.getvalue()), "t"))
    assert member.name == entry.name
    rewrite(tmp_path / "f", stream.getvalue())
    assert open_weights(str(tmp_path / "f")).format == "safetensors in tar"


def test_archives_in_archives_end(tmp_path: Path) -> None:
    data = model(tmp_path)
    for way in ("gzip", "tar", "gzip", "tar", "gzip"):
        data = gzip.compress(data) if way == "gzip" else tarred(a=data)
    rewrite(tmp_path / "f", data)
    assert open_weights(str(tmp_path / "f")).format == "safetensors in gzip, tar, gzip, tar, gzip"
    expected = "is packed too often\n  expected at most 5 times, found tar, gzip, tar, gzip, tar"
    assert expected in refusal(tmp_path / "f", tarred(a=data))
    data = model(tmp_path)
    for _ in range(9):
        data = zipped(a=data)
    assert "found the names of 1 member: a; whether it has an LSTM is not known" in refusal(tmp_path / "f", data)


def test_a_tar_archive_that_lies_about_sizes_has_no_members() -> None:
    whole = bytearray(tarred(a=b"x" * 700, b=b"y"))
    for field in (b"77777777777\0", b"\x80" + b"\xff" * 11, b"-1\0\0\0\0\0\0\0\0\0\0"):
        whole[124:136] = field
        assert tar_members(Inner(Section.of(bytes(whole)), "t")) == []


def test_an_unreadable_member_is_no_model(tmp_path: Path) -> None:
    made = bytearray(zipped(a=model(tmp_path)))
    made[made.index(b"PK\1\2") + 8] |= 1  # encrypted
    assert "whether it has an LSTM is not known" in refusal(tmp_path / "f", bytes(made))


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"policy_kwargs": 3}', b'{"policy_kwargs": {":serialized:": "a", "b": []}}']
)
def test_what_a_policy_states_may_be_anything(data: bytes, tmp_path: Path) -> None:
    policy = pickle.dumps(ARRAYS)
    path = tmp_path / "f"
    path.write_bytes(zipped(**{"data": data, "policy.pth": policy, "_stable_baselines3_version": b"2\x1b[31m" * 9}))
    assert len(open_weights(str(path)).notes) == 1


def joblib_array(**state: Any) -> bytes:
    """A pickle of joblib with an array of three numbers, whose wrapper says this."""
    said = {"shape": (3,), "order": "C", "dtype": np.dtype("<f4"), "numpy_array_alignment_bytes": 16, **state}
    inside = pickle.dumps(said, 2)[2:-1]
    return b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81" + inside + b"b" + b"\1\xff" + bytes(12) + b"."


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"shape": (2**61,)}, "the file refers to bytes that are not there"),
        ({"shape": (-1,)}, "a tensor's shape is none\n  expected sizes from 0 to 2**62, found (-1,)"),
        ({"shape": "x"}, "a tensor's shape is none\n  expected at most 64 integers, found 'x'"),
        ({"shape": None}, "a tensor's shape is none\n  expected at most 64 integers, found None"),
        ({"dtype": None}, "an array of joblib in this file is damaged\n  expected its shape and dtype"),
        ({"dtype": "f4"}, "an array of joblib in this file is damaged\n  expected its shape and dtype"),
        ({"shape": (3, 2**62, 2**62)}, "a tensor's shape is too large"),
        ({"dtype": np.dtype("V99999999")}, "found 299,999,997 from "),
    ],
)
def test_an_array_of_joblib_that_lies_is_refused(state: dict[str, Any], words: str, tmp_path: Path) -> None:
    rewrite(tmp_path / "f", joblib_array())
    assert open_weights(str(tmp_path / "f")).tensors[0].shape == (3,)
    assert words in refusal(tmp_path / "f", joblib_array(**state))


def test_objects_in_objects_of_joblib_end(tmp_path: Path) -> None:
    head = joblib_array(dtype=np.dtype("O"))
    head = head[: head.rindex(b"\1\xff")]
    assert "arrays of objects are nested too deeply" in refusal(tmp_path / "f", head * 30)
