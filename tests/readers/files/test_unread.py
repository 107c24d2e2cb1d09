"""Files of formats that are not read: each is named for what it is, and no sentence denies that it has an LSTM."""

import gzip
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lstmcalc import lstms_in
from lstmcalc.errors import SourceError
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.texts import text_format
from tools.examples import examples
from tools.files import rewrite, zipped
from tools.mutations import mutated
from tools.unread_formats import KINDS, traineddata

DENIALS = ("no LSTM", "no tensors", "not say", "nothing")


def refusals(path: Path) -> list[str]:
    """The errors of both ways that a file is read."""
    said = []
    for read in (lstms_in, open_weights):
        with pytest.raises(SourceError) as caught:
            read(str(path))
        said.append(str(caught.value))
    return said


@pytest.mark.parametrize(("data", "name"), KINDS.values(), ids=KINDS)
def test_a_format_is_named_and_no_lstm_is_denied(data: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    for said in refusals(path):
        first, facts, *rest = said.splitlines()
        assert f"looks like {name}" in first or f"with {name}" in first
        assert ("whether it has an LSTM is not known" in facts) == (data != zipped())
        assert rest or data == zipped()
        assert not [word for word in DENIALS if word in said] or data == zipped()


def test_files_of_tensorflow_are_named_by_their_name_too(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt-1.data-00000-of-00001"
    path.write_bytes(bytes(range(64)))
    assert all("looks like data of a TensorFlow checkpoint" in said for said in refusals(path))


def test_the_lstm_of_tesseract_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "eng.traineddata"
    for components, word in (((1, 17), "with"), ((1, 2), "without")):
        path.write_bytes(traineddata(*components))
        assert all(f"{word} the component lstm; whether it has an LSTM is not known" in said for said in refusals(path))


def test_what_is_of_no_known_format_is_said_to_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\0\1\2\3 something else")
    reading, listing = refusals(path)
    assert reading.splitlines()[0] == f"{path} is not text, and of an unknown format"
    assert listing.splitlines()[0] == f"{path} is of an unknown format"
    assert "bytes that begin with 00 01 02 03 20 73 6f 6d; whether it has an LSTM is not known" in listing


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("saved_model.pb", "variables"), "is a folder, and looks like a SavedModel of TensorFlow, which is not read"),
        (("Manifest.json", "Data/com.apple.CoreML"), "is a folder, and looks like a package of Core ML"),
        ((".metadata", "__0_0.distcp"), "is a folder, and looks like a distributed checkpoint of PyTorch"),
        (("_CHECKPOINT_METADATA", "d"), "is a folder, and looks like a checkpoint of Orbax"),
        (("data.pkl", "data", "version"), "is a folder, and looks like an unpacked file of PyTorch"),
        (("config.json", "model.safetensors"), "hint: give the file: {}/model.safetensors"),
        ((), "a folder; nothing is in it"),
    ],
)
def test_a_folder_is_named_by_what_is_in_it(names: tuple[str, ...], words: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert all(words.format(tmp_path) in said for said in refusals(tmp_path))


NAMES = sorted({name for _, name in KINDS.values()})


def named(path: Path) -> list[str]:
    """The names that the errors give a file; each error names one format, or says that it is not known."""
    found = []
    for read in (lstms_in, open_weights):
        try:
            read(str(path))
        except SourceError as error:
            found.append(str(error).splitlines()[0])
    return found


@examples(600, HealthCheck.function_scoped_fixture)
@given(kind=st.sampled_from(sorted(KINDS)), cut=st.integers(0, 3000), tail=st.binary(max_size=60))
def test_what_is_cut_off_or_goes_on_otherwise_is_of_its_kind_or_unknown(
    kind: str, cut: int, tail: bytes, tmp_path: Path
) -> None:
    data, name = KINDS[kind]
    path = tmp_path / "file"
    rewrite(path, data[:cut])
    for said in named(path):
        others = [other for other in NAMES if other in said and other not in name and name not in other]
        wrapped = all("archive" in other or "compressed" in other for other in others)
        assert wrapped, (said, name)  # what names the content may be cut off
    rewrite(path, data[:cut] + tail)
    named(path)


def test_damaged_files_are_never_more_than_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for seed, (data, _) in enumerate(KINDS.values()):
        for damaged in mutated(data, seed, 25):
            rewrite(path, damaged)
            assert all("file" in said or "no LSTM" in said for said in named(path))


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_little_is_inflated_to_name_what_is_compressed(compress: object, tmp_path: Path) -> None:
    assert callable(compress)
    path = tmp_path / "file"
    path.write_bytes(compress(bytes(64 << 20)))
    named(path)
    tracemalloc.start()
    said = named(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all("-compressed data" in item for item in said)
    assert peak < 18 << 20  # 16 MiB are reserved for a text, and none for the 64 that would be inflated


@pytest.mark.parametrize(
    "part",
    ["input ", "input\n", "input_dim: 1 ", " ", "\n", "node {", "<!--", "<?xml ", "#Parameter# ", "ca.a.", "7767517\n"],
)
def test_the_beginning_of_a_text_is_told_in_linear_time(part: str) -> None:
    for before in ("", 'name: "x" ', "\n", "<?xml>", "c", "(dp"):
        start = time.perf_counter()
        text_format(before + part * 2000)
        assert time.perf_counter() - start < 0.1
