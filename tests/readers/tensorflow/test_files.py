"""Files of TensorFlow: which LSTMs are found, whether they compute what TensorFlow did, and what a broken one says."""

import gzip
import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc.errors import LstmcalcError
from lstmcalc.intake.load import load_weights
from lstmcalc.readers.files.kinds import open_weights, weight_kind
from lstmcalc.readers.recognise.weights import read_weights
from tools.recorded_weights import unpacked
from tools.saved_tensorflow import check, lstms_in, output_of
from tools.shell import Ran, run_lstmcalc
from tools.tensorflow_models import Case

NAMES = (
    *("one", "stack", "projected", "both", "stack_of_both", "partitioned", "old", "frozen", "keras2_checkpoint"),
    *("keras3_checkpoint", "keras2_saved_model", "keras2_export", "keras3_export", "javascript", "javascript_shards"),
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("tensorflow", tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def copied(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the files that may be changed."""
    return Path(shutil.copytree(recorded, tmp_path / "copy"))


def expected_of(folder: Path) -> Mapping[str, Any]:
    with np.load(folder / "expected.npz") as held:
        return dict(held)


def path_of(folder: Path, name: str) -> Path:
    return folder / name / str(expected_of(folder)[f"{name}|path"])


@pytest.mark.parametrize("name", NAMES)
def test_recorded_files_compute_what_tensorflow_did(name: str, recorded: Path) -> None:
    held = expected_of(recorded)
    numbers = sorted({int(key.split("|")[1]) for key in held if key.startswith(f"{name}|") and key.endswith("|x")})
    cases = []
    for number in numbers:
        x, y, lstms = (held[f"{name}|{number}|{part}"] for part in ("x", "y", "lstms"))
        cases.append(Case(x, y, int(lstms)))
    check(path_of(recorded, name), cases)


def saved_files(recorded: Path, name: str) -> dict[str, bytes]:
    """The files of a recorded SavedModel by their paths."""
    folder = path_of(recorded, name)
    return {f"m/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


PACKS: Mapping[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "zip": zipped,
    "tar, gzip": lambda files: gzip.compress(tarred(files)),
    "tar in pickle": lambda files: pickle.dumps({"model": tarred(files), "classes": [1, 2]}),
    "zip in pickle": lambda files: pickle.dumps([np.frombuffer(zipped(files), np.uint8)]),
}


@pytest.mark.parametrize("way", PACKS)
@pytest.mark.parametrize("name", ["keras2_saved_model", "keras2_export", "keras3_export"])
def test_a_saved_model_that_is_packed_is_read_as_its_folder(
    name: str, way: str, recorded: Path, tmp_path: Path, cli: Callable[..., Ran]
) -> None:
    (tmp_path / "packed").write_bytes(PACKS[way](saved_files(recorded, name)))
    plain, packed = (
        open_weights(str(path_of(recorded, name) / "saved_model.pb")),
        open_weights(str(tmp_path / "packed")),
    )
    assert packed.format.endswith(f" in {way}")
    assert packed.stated == plain.stated
    assert packed.buffers == plain.buffers
    for tensor, other in zip(packed.tensors, plain.tensors, strict=True):
        assert (tensor.name, tensor.shape) == (other.name, other.shape)
        if tensor.dtype.startswith("float"):
            np.testing.assert_array_equal(tensor.whole(), other.whole())
    totals = [
        json.loads(cli("summary", str(path), "--json").out)["total"]["parameters"]
        for path in (path_of(recorded, name), tmp_path / "packed")
    ]
    assert totals[0] == totals[1]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_files_that_a_packed_saved_model_lacks_are_named(
    pack: Callable[[Mapping[str, bytes]], bytes], recorded: Path, tmp_path: Path, cli: Callable[..., Ran]
) -> None:
    files = saved_files(recorded, "keras2_saved_model")
    data = next(name for name in files if ".data-" in name)
    (tmp_path / "packed").write_bytes(pack({name: held for name, held in files.items() if name != data}))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "variables").mkdir()
    (tmp_path / data).write_bytes(files[data])  # of a folder, which the archive does not speak of
    ran = cli("run", str(tmp_path / "packed"))
    assert ran.code == 2
    assert f"expected {data}, found no such file" in ran.err
    files["m/saved_model.pb"] = files["m/saved_model.pb"][:500]
    (tmp_path / "packed").write_bytes(pack(files))
    assert cli("summary", str(tmp_path / "packed")).code == 2


def test_two_saved_models_in_a_pickle_are_two(recorded: Path, tmp_path: Path) -> None:
    files = saved_files(recorded, "keras2_saved_model")
    (tmp_path / "p").write_bytes(pickle.dumps({"a": tarred(files), "b": tarred(files), "mean": np.zeros(3)}))
    plain, both = (
        open_weights(str(path_of(recorded, "keras2_saved_model") / "saved_model.pb")),
        open_weights(str(tmp_path / "p")),
    )
    assert both.buffers == plain.buffers == frozenset()
    assert [item.name for item in both.stated] == [f"{key}.{item.name}" for key in "ab" for item in plain.stated]
    twice = {**files, **{f"n/{name}": data for name, data in files.items()}}
    (tmp_path / "p").write_bytes(pickle.dumps(tarred(twice)))
    assert any("look like a tar archive with a SavedModel" in note for note in open_weights(str(tmp_path / "p")).notes)


def test_every_recorded_file_is_read(recorded: Path) -> None:
    assert {path.name for path in recorded.iterdir() if path.is_dir()} == set(NAMES)


# --- Names, and what is beside


@pytest.mark.parametrize("end", ["", ".index", ".data-00000-of-00001"])
def test_a_checkpoint_is_named_by_its_prefix_or_any_of_its_files(end: str, recorded: Path) -> None:
    (lstm,) = lstms_in(recorded / "one" / f"one.ckpt{end}")
    assert lstm.name == "a.b.rnn"


def test_a_prefix_is_a_source_without_a_command_too(recorded: Path) -> None:
    ran = run_lstmcalc(f"{recorded}/one/one.ckpt")
    assert (ran.code, "a.b.rnn" in ran.out) == (0, True)


def test_the_list_in_a_folder_says_which_checkpoint_it_is(copied: Path) -> None:
    folder = copied / "both"
    for path in (copied / "one").iterdir():
        shutil.copy(path, folder)
    (folder / "checkpoint").write_text('model_checkpoint_path: "one.ckpt"\nall_model_checkpoint_paths: "both.ckpt"\n')
    assert [item.where for item in lstms_in(folder)] == [f"{folder}/one.ckpt.index"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../one/one.ckpt", "one/one.ckpt", "..", "\\x00", "missing"])
def test_a_list_leads_to_no_other_folder(name: str, copied: Path) -> None:
    folder = copied / "both"
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')
    assert [item.where for item in lstms_in(folder)] == [f"{folder}/both.ckpt.index"]


def test_without_its_data_a_checkpoint_has_shapes(copied: Path) -> None:
    (copied / "both" / "both.ckpt.data-00000-of-00001").unlink()
    (lstm,) = lstms_in(copied / "both" / "both.ckpt")
    assert any("missing beside the index" in note for note in lstm.notes)
    with pytest.raises(LstmcalcError, match=r"missing\n  expected .*both\.ckpt\.data-00000-of-00001"):
        load_weights(lstm)


def test_without_its_data_a_saved_model_of_objects_has_shapes_and_names(copied: Path) -> None:
    folder = copied / "keras2_saved_model" / "saved"
    whole = [(item.name, item.framework, item.stored.config) for item in lstms_in(folder)]
    (folder / "variables" / "variables.data-00000-of-00001").unlink()
    assert [(item.name, item.framework, item.stored.config) for item in lstms_in(folder)] == whole
    shutil.rmtree(folder / "variables")
    assert [(item.name, item.framework, item.stored.config) for item in lstms_in(folder)] == whole
    with pytest.raises(LstmcalcError, match="missing"):
        load_weights(lstms_in(folder)[0])


def test_without_its_index_data_are_named(copied: Path) -> None:
    (copied / "one" / "one.ckpt.index").unlink()
    with pytest.raises(
        LstmcalcError, match=r"(?s)looks like data of a TensorFlow checkpoint.*one\.ckpt\.index, which is"
    ):
        lstms_in(copied / "one" / "one.ckpt.data-00000-of-00001")


def test_numbers_are_not_read_from_a_pipe_or_through_a_link(copied: Path, tmp_path: Path) -> None:
    path = copied / "one" / "one.ckpt.data-00000-of-00001"
    secret = tmp_path / "secret"
    shutil.move(path, secret)
    os.mkfifo(path)
    with pytest.raises(LstmcalcError, match="not a regular file"):
        load_weights(lstms_in(copied / "one" / "one.ckpt")[0])
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(LstmcalcError, match="link to another folder"):
        load_weights(lstms_in(copied / "one" / "one.ckpt")[0])
    (copied / "one" / "one.ckpt.index").rename(tmp_path / "index")  # as a cache of downloads has them, side by side
    (copied / "one" / "one.ckpt.index").symlink_to(tmp_path / "index")
    assert load_weights(lstms_in(copied / "one" / "one.ckpt")[0])


def test_a_model_of_javascript_names_files_of_its_folder_alone(copied: Path) -> None:
    path = copied / "javascript" / "js" / "model.json"
    shutil.move(path.parent / "group1-shard1of1.bin", path.parent.parent / "group1-shard1of1.bin")
    for name in ("../group1-shard1of1.bin", "/dev/zero", "group1-shard1of1.bin", "a\x1b[31m"):
        tree = json.loads(path.read_text())
        tree["weightsManifest"][0]["paths"] = [name]
        path.write_text(json.dumps(tree))
        found = lstms_in(path)
        assert all(note.isprintable() for note in found[0].notes)
        with pytest.raises(LstmcalcError, match=r"another one outside of its folder|missing"):
            load_weights(found[0])


def test_quantized_weights_of_javascript_are_restored(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, (3 + 4 + 1) * 16).astype(np.uint8)
    said = {"dtype": "uint8", "scale": 0.01, "min": -1.5, "original_dtype": "float32"}
    shapes = {"lstm/kernel": [3, 16], "lstm/recurrent_kernel": [4, 16], "lstm/bias": [16]}
    weights = [
        {"name": name, "shape": shape, "dtype": "float32", "quantization": said} for name, shape in shapes.items()
    ]
    config = {"name": "lstm", "units": 4, "activation": "tanh", "recurrent_activation": "hard_sigmoid"}
    layers = [{"class_name": "LSTM", "config": config}]
    model = {"class_name": "Sequential", "config": {"layers": layers}, "keras_version": "tfjs-layers 4.22.0"}
    tree = {"modelTopology": model, "weightsManifest": [{"paths": ["w.bin"], "weights": weights}]}
    (tmp_path / "model.json").write_text(json.dumps(tree))
    (tmp_path / "w.bin").write_bytes(numbers.tobytes())
    (lstm,) = lstms_in(tmp_path)
    assert (lstm.framework, lstm.options["recurrent_activation"]) == ("keras2", "hard_sigmoid")
    kernel = lstm.stored.tensors["lstm/lstm_cell/kernel:0"].read()
    np.testing.assert_allclose(kernel, numbers[:48].reshape(3, 16) * 0.01 - 1.5, rtol=1e-6)
    assert np.isfinite(output_of(lstm, np.ones((1, 2, 3), np.float32))).all()


def test_a_manifest_of_deeplearn_is_a_checkpoint_of_tensorflow_1(tmp_path: Path) -> None:
    shapes = {"kernel": (5, 12), "bias": (12,)}
    tree = {
        f"rnn/basic_lstm_cell/{name}": {"filename": f"rnn_{name}", "shape": shape} for name, shape in shapes.items()
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(tree))
    (lstm,) = read_weights(str(path))
    assert (lstm.framework, str(lstm.stored.config)) == ("tf1", "LSTM(2, 3)")
    assert any("rnn_kernel" in note for note in lstm.notes)
    for name, shape in shapes.items():
        (tmp_path / f"rnn_{name}").write_bytes(np.ones(shape, "<f4").tobytes())
    assert output_of(read_weights(str(path))[0], np.ones((1, 2, 2), np.float32)).shape == (1, 2, 3)


def test_moments_of_an_optimizer_are_no_parameters(recorded: Path) -> None:
    for name in ("both", "keras2_checkpoint", "keras2_saved_model", "keras3_checkpoint"):
        file = open_weights(run_path(recorded, name))
        assert all(
            tensor.name not in (file.buffers or ())
            for item in lstms_in(path_of(recorded, name))
            for tensor in item.stored.tensors.values()
        )


def run_path(folder: Path, name: str) -> str:
    path = path_of(folder, name)
    return str(path / "saved_model.pb" if path.is_dir() else f"{path}.index")


def test_kinds_are_told_by_content(recorded: Path, tmp_path: Path) -> None:
    for name, kind in (("one", "tensorflow"), ("keras2_export", "saved-model"), ("javascript", "tensorflow-js")):
        path = path_of(recorded, name)
        path = (
            path / ("model.json" if name == "javascript" else "saved_model.pb")
            if path.is_dir()
            else Path(f"{path}.index")
        )
        shutil.copy(path, tmp_path / "file")
        assert weight_kind(str(tmp_path / "file")) == kind
        (tmp_path / "file").unlink()


def test_a_cell_of_another_class_is_not_taken_for_one_of_keras(copied: Path) -> None:
    folder = copied / "keras2_saved_model" / "saved"
    before = lstms_in(folder)
    metadata = (folder / "keras_metadata.pb").read_bytes()
    assert metadata.count(b'"LSTMCell"')
    (folder / "keras_metadata.pb").write_bytes(metadata.replace(b'"LSTMCell"', b'"LSTMRell"'))
    after = lstms_in(folder)
    assert not any(item.unmodelled for item in before)
    assert all("class LSTMRell" in item.unmodelled for item in after)


def test_cells_before_tensorflow_1_have_other_names(tmp_path: Path) -> None:
    shapes = {"Matrix": (256, 512), "Bias": (512,)}
    cell = "rnnlm/MultiRNNCell/Cell{}/BasicLSTMCell/Linear/{}"
    arrays = {cell.format(k, name): np.ones(shape, np.float32) for k in (0, 1) for name, shape in shapes.items()}
    np.savez(tmp_path / "a.npz", allow_pickle=False, **arrays)
    (lstm,) = read_weights(str(tmp_path / "a.npz"))
    assert (lstm.framework, str(lstm.stored.config)) == ("tf1", "LSTM(128, 128, num_layers=2)")


def test_names_with_shapes_are_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in (
        '{"rnn.weight_ih_l0": {"shape": [16, 3]}, "rnn.weight_hh_l0": {"shape": [16, 4], "filename": "x"}}',
        '{"format": "layers", "weights_file": 3}',
        '[{"weights": 3}]',
        "{}",
    ):
        path.write_text(text)
        assert weight_kind(str(path)) == ""


def test_names_in_sentences_are_those_of_the_file(recorded: Path, cli: Callable[..., Ran]) -> None:
    said = cli("params", str(path_of(recorded, "keras2_saved_model"))).out
    assert "on axis 1 of every kernel" in said
    assert ":0" not in said.replace(" 0:", "")
