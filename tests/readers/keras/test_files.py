"""Files of Keras 1, 2 and 3: which LSTMs are found, and whether they compute what Keras did with the same file."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import h5py
import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.errors import LstmcalcError, SourceError
from lstmcalc.intake.choosing import names_in
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.keras.files import read_hdf5, read_keras
from lstmcalc.readers.recognise.recognition import recognise
from tools.files import rewrite
from tools.recorded_weights import computed, config_of, fields_of, inferred_of, one, read_stated, unpacked

GENERATIONS = ("keras3", "keras2")
# Names that a file without a configuration gives to the LSTMs of the recorded models.
ALONE = {
    "keras3": {"inner.deep": "inner.deep", "both": "both", "loop": "loop", "plain": "plain"},
    "keras2": {"inner.deep": "sequential.lstm", "both": "bidirectional", "loop": "rnn", "plain": "lstm"},
}


pytestmark = pytest.mark.usefixtures("zygote")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: unpacked(name, tmp_path_factory.mktemp("recorded")) for name in GENERATIONS}


def read(path: Path) -> WeightFile:
    return (read_keras if path.suffix == ".keras" else read_hdf5)(str(path))


@pytest.mark.parametrize("generation", GENERATIONS)
def test_recorded_files_compute_what_keras_did(generation: str, folders: dict[str, Path]) -> None:
    folder = folders[generation]
    expected = np.load(folder / "expected.npz")
    cases = sorted({key.rpartition("|")[0] for key in expected if "|" in key})
    files = {file: read(folder / file) for file in {case.partition("|")[0] for case in cases}}
    assert len(cases) == {"keras3": 12, "keras2": 15}[generation]
    for case in cases:
        file, _, name = case.partition("|")
        called = ALONE[generation][name] if file.endswith(".weights.h5") else name
        stated = one(files[file], called)
        assert (stated.unmodelled, fields_of(stated)["batch_first"]) == ((), True)
        y = computed(files[file], stated, expected[f"{case}|x"])
        np.testing.assert_allclose(y, expected[f"{case}|y"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("suffix", ["keras", "h5", "weights.h5"])
def test_every_dataset_is_that_of_h5py(generation: str, suffix: str, folders: dict[str, Path], tmp_path: Path) -> None:
    path = folders[generation] / f"nested.{suffix}"
    held = {tensor.name: tensor for tensor in read(path).tensors}
    if suffix == "keras":
        with ZipFile(path) as archive:
            path = Path(archive.extract("model.weights.h5", tmp_path))
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    assert set(held) == set(found)
    for name, array in found.items():
        assert (held[name].shape, held[name].dtype, held[name].nbytes) == (array.shape, array.dtype.name, array.nbytes)
        np.testing.assert_array_equal(held[name].read(), array)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_names_for_completion_are_those_of_the_report(
    generation: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(folders[generation].glob("*.keras"))
    expected = [[found.name for found in recognise(read(path)).lstms] for path in paths]
    monkeypatch.setattr("lstmcalc.readers.keras.files.read_index", None)  # HDF5 is not read
    assert [names_in(str(path)) for path in paths] == expected
    assert all(expected)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_configuration_says_what_the_arrays_do_not(generation: str, folders: dict[str, Path]) -> None:
    file = read(folders[generation] / "nested.keras")
    both = one(file, "both")
    assert config_of(both) == LSTMConfig(2, 4, bidirectional=True, batch_first=True)
    assert fields_of(both)["seq_len"] == 5
    assert both.options["return_sequences"] is True
    assert both.options["merge_mode"] == "concat"
    assert (both.kind, both.framework, inferred_of(both)) == (
        "LSTM",
        {"keras3": "keras", "keras2": "keras2"}[generation],
        [],
    )
    assert [stated.kind for stated in file.stated] == ["LSTM", "LSTM", "GRU"]
    assert one(read(folders[generation] / "cells.h5"), "loop").kind == "LSTMCell"


def test_without_a_configuration_all_is_inferred(folders: dict[str, Path]) -> None:
    plain = one(read(folders["keras3"] / "cells.weights.h5"), "plain")
    assert config_of(plain) == LSTMConfig(3, 3, bias=False, batch_first=True)
    assert set(inferred_of(plain)) == set(fields_of(plain))


def test_other_activations_are_said(folders: dict[str, Path]) -> None:
    assert one(read(folders["keras3"] / "relu.keras")).unmodelled == ("activation = 'relu'",)


def test_cudnn_is_told_by_its_bias(folders: dict[str, Path]) -> None:
    fast = one(read(folders["keras2"] / "cudnn.h5"))
    assert (fast.kind, fast.framework) == ("CuDNNLSTM", "keras-cudnn")
    with_bias = next(
        tensor for tensor in read(folders["keras2"] / "cudnn.h5").tensors if tensor.name.endswith("bias:0")
    )
    assert with_bias.shape == (8 * 2,)


# --- Files written by hand


def listed(path: Path, layers: Mapping[str, Mapping[str, Any]], config: object = None, version: str = "2.2.4") -> Path:
    """An `.h5` file as Keras 1 and 2 write it."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if config else file
        if config:
            file.attrs["model_config"] = json.dumps(config).encode()
        group.attrs["keras_version"] = version.encode()
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, arrays in layers.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = [name.encode() for name in arrays]
            for name, array in arrays.items():
                inner.create_dataset(name, data=array)
    return path


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def cell(stem: str, width: int = 3, units: int = 2, gates: int = 4, suffix: str = ":0") -> dict[str, Any]:
    return {
        f"{stem}/kernel{suffix}": draw(width, gates * units),
        f"{stem}/recurrent_kernel{suffix}": draw(units, gates * units),
        f"{stem}/bias{suffix}": draw(gates * units),
    }


def layer(kind: str, name: str, **options: object) -> dict[str, object]:
    return {"class_name": kind, "config": {"name": name, **options}}


def sequential(*layers: object) -> dict[str, object]:
    return {"class_name": "Sequential", "config": {"name": "model", "layers": list(layers)}}


LSTM_2 = layer("LSTM", "lstm_1", units=2, batch_input_shape=[None, 5, 3])


def test_keras_2_without_lstm_cell_in_its_names(tmp_path: Path) -> None:
    file = read(listed(tmp_path / "old.h5", {"lstm_1": cell("lstm_1")}, sequential(LSTM_2)))
    stated = one(file, "lstm_1")
    assert stated.stored.named["lstm/lstm_cell/kernel:0"] == "model_weights/lstm_1/lstm_1/kernel:0"
    assert config_of(stated) == LSTMConfig(3, 2, batch_first=True)


def test_names_that_tensorflow_has_changed_are_matched_by_order(tmp_path: Path) -> None:
    held = {"lstm_1": cell("lstm_1_3/while"), "twin": {**cell("other/a"), **cell("other/b", 2)}}
    twin = layer("Sequential", "twin", layers=[layer("LSTM", f"x{n}", units=2, return_sequences=True) for n in (1, 2)])
    file = read(listed(tmp_path / "renamed.h5", held, sequential(LSTM_2, twin)))
    found = {stated.name: next(iter(stated.stored.named.values())) for stated in file.stated}
    assert found == {
        "lstm_1": "model_weights/lstm_1/lstm_1_3/while/kernel:0",
        "twin.x1": "model_weights/twin/other/a/kernel:0",
        "twin.x2": "model_weights/twin/other/b/kernel:0",
    }


def test_cells_in_a_stack_in_both_directions(tmp_path: Path) -> None:
    stems = [f"both/{way}_rnn/stack/c{n}" for way in ("forward", "backward") for n in (1, 2)]
    arrays: dict[str, Any] = {}
    for stem in stems:
        arrays |= cell(stem, 3 if stem.endswith("1") else 2)
    cells = {
        "class_name": "StackedRNNCells",
        "config": {"cells": [layer("LSTMCell", f"c{n}", units=2) for n in (1, 2)]},
    }
    inner = layer("RNN", "rnn", cell=cells, return_sequences=True)
    both = layer("Bidirectional", "both", layer=inner, merge_mode="concat")
    file = read(listed(tmp_path / "stack.h5", {"both": arrays}, sequential(both)))
    assert [(stated.name, config_of(stated).bidirectional) for stated in file.stated] == [
        ("both.c1", True),
        ("both.c2", True),
    ]
    first, second = ([name.rpartition("/")[0] for name in stated.stored.named.values()] for stated in file.stated)
    assert list(dict.fromkeys(first)) == [f"model_weights/both/{stems[0]}", f"model_weights/both/{stems[2]}"]
    assert list(dict.fromkeys(second)) == [f"model_weights/both/{stems[1]}", f"model_weights/both/{stems[3]}"]


def test_lists_that_were_cut_because_they_are_long(tmp_path: Path) -> None:
    path = listed(tmp_path / "long.h5", {"lstm_1": cell("lstm_1")}, sequential(LSTM_2))
    with h5py.File(path, "a") as file:
        group = file["model_weights/lstm_1"]
        names = list(group.attrs["weight_names"])
        del group.attrs["weight_names"]
        group.attrs["weight_names0"], group.attrs["weight_names1"] = names[:2], names[2:]
    assert len(one(read(path)).stored.named) == 3


def test_keras_1_that_saves_memory_traffic_has_the_arrays_of_keras_2(tmp_path: Path) -> None:
    arrays = {"lstm_1_W": draw(3, 8), "lstm_1_U": draw(2, 8), "lstm_1_b": draw(8)}
    config = {"class_name": "Sequential", "config": [layer("LSTM", "lstm_1", output_dim=2, inner_activation="sigmoid")]}
    stated = one(read(listed(tmp_path / "gpu.h5", {"lstm_1": arrays}, config, "1.2.2")))
    assert (stated.framework, stated.unmodelled, len(stated.stored.named)) == ("keras2", (), 3)
    assert config_of(stated) == LSTMConfig(3, 2, batch_first=True)


@pytest.mark.parametrize("options", [{}, {"inner_activation": "hard_sigmoid"}])
def test_keras_1_has_hard_gates_unless_it_is_told_otherwise(options: dict[str, object], tmp_path: Path) -> None:
    arrays = {"lstm_1_W": draw(3, 8), "lstm_1_U": draw(2, 8), "lstm_1_b": draw(8)}
    config = {"class_name": "Sequential", "config": [layer("LSTM", "lstm_1", output_dim=2, **options)]}
    stated = one(read(listed(tmp_path / "hard.h5", {"lstm_1": arrays}, config, "1.2.2")))
    assert stated.unmodelled == ("inner_activation = 'hard_sigmoid'",)


def test_arrays_are_believed_before_the_configuration(tmp_path: Path) -> None:
    config = sequential(layer("LSTM", "lstm_1", units=7, use_bias=False))
    stated = one(read(listed(tmp_path / "wrong.h5", {"lstm_1": cell("lstm_1")}, config)))
    assert config_of(stated) == LSTMConfig(3, 2, batch_first=True)
    assert stated.notes == (
        "its configuration says hidden_size = 7, its arrays 2",
        "its configuration says bias = False, its arrays True",
    )


@pytest.mark.parametrize(("gates", "kind"), [(3, "GRU"), (1, "SimpleRNN")])
def test_relatives_are_named_as_such(gates: int, kind: str, tmp_path: Path) -> None:
    stated = one(read(listed(tmp_path / "other.h5", {"x": cell("x", gates=gates)})))
    assert (stated.name, stated.kind, fields_of(stated)["input_size"], fields_of(stated)["hidden_size"]) == (
        "x",
        kind,
        3,
        2,
    )
    assert set(stated.stored.named) == {"kernel", "recurrent_kernel", "bias"}


def test_convolutions_of_lstms_are_no_lstms(tmp_path: Path) -> None:
    arrays = {"c/kernel:0": draw(3, 3, 1, 8), "c/recurrent_kernel:0": draw(3, 3, 2, 8), "c/bias:0": draw(8)}
    assert one(read(listed(tmp_path / "conv.h5", {"c": arrays}))).kind == "ConvLSTM"


def test_moments_of_an_optimizer_are_no_lstm(tmp_path: Path) -> None:
    path = tmp_path / "moments.h5"
    with h5py.File(path, "w") as file:
        for name, array in cell("optimizer_weights/Adam/m/lstm").items():
            file[name] = array
    file_read = read(path)
    assert (len(file_read.tensors), file_read.stated) == (3, ())


def test_lstms_whose_arrays_are_missing_are_told(tmp_path: Path) -> None:
    file = read(listed(tmp_path / "empty.h5", {"lstm_1": {}}, sequential(LSTM_2)))
    assert (file.stated, file.notes) == ((), ("its configuration has lstm_1, whose arrays are not found",))


@pytest.mark.parametrize(
    ("config", "note"),
    [
        ([1, 2], "its configuration is not a Keras model"),
        (
            sequential(layer("LSTM", "lstm_1", units={"a": 1})),
            "its configuration is not understood: units of this LSTM is not a number",
        ),
        (sequential(layer("Dense", "d", units=3)), None),
    ],
)
def test_configurations_that_are_none_leave_the_arrays(config: object, note: str | None, tmp_path: Path) -> None:
    file = read(listed(tmp_path / "odd.h5", {"lstm_1": cell("lstm_1")}, config))
    assert file.notes == ((note,) if note else ())
    assert config_of(one(file, "lstm_1")) == LSTMConfig(3, 2, batch_first=True)


def test_bfloat16_as_keras_marks_it_is_read(tmp_path: Path) -> None:
    path = listed(tmp_path / "half.h5", {})
    values = draw(3, 8)
    with h5py.File(path, "a") as file:
        stored = (values.view(np.uint32) >> 16).astype(np.uint16).view("V2")
        file.create_dataset("half", data=stored).attrs["dtype"] = "bfloat16"
    tensor = read(path).tensors[0]
    assert (tensor.dtype, tensor.nbytes) == ("bfloat16", 48)
    np.testing.assert_allclose(tensor.read(), values, rtol=2**-7)


# --- Groups that are numbered


def old_groups(layers: Sequence[str], between: str, *, doubled: bool = True) -> list[str]:
    """The groups of layers of these classes, as Keras 2.12 calls them: it counts those with weights twice."""
    used: dict[str, int] = {}
    groups = []
    for kind in layers:
        weighs = kind != "dropout"
        number = used.get(kind, -1) + 1
        used[kind] = number + (weighs and doubled)
        home = "_layer_checkpoint_dependencies" if doubled else "layers"
        groups.append(f"{home}{between}{kind}_{number}" if number else f"{home}{between}{kind}")
    return groups


CLASSES = {"lstm": "LSTM", "bidirectional": "Bidirectional", "dropout": "Dropout", "gru": "GRU"}


@pytest.mark.parametrize("between", ["/", "\\"])
@pytest.mark.parametrize("doubled", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_numbered_groups_are_those_of_the_layers_in_order(
    seed: int, doubled: bool, between: str, tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    kinds = [str(kind) for kind in random.choice(list(CLASSES), 20)]
    nodes, expected, width = list[dict[str, object]](), dict[str, Any](), 2
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        for number, (kind, group) in enumerate(zip(kinds, old_groups(kinds, between, doubled=doubled), strict=True)):
            name, units, gates = f"x{number}", int(random.integers(1, 4)), 3 if kind == "gru" else 4
            options: dict[str, object] = {"units": units, "return_sequences": True} if kind != "dropout" else {}
            inner = layer("LSTM", "inner", **options)
            nodes.append(layer(CLASSES[kind], name, **({"layer": inner} if kind == "bidirectional" else options)))
            file.create_group(f"{group}/vars")
            ways = ("forward_layer", "backward_layer") if kind == "bidirectional" else ("",)
            for way in () if kind == "dropout" else ways:
                home = between.join(part for part in (group, way, "cell") if part)
                arrays = [random.normal(size=(size, gates * units)).astype(np.float32) for size in (width, units)]
                arrays.append(random.normal(size=gates * units).astype(np.float32))
                for index, array in enumerate(arrays):
                    file[f"{home}/vars/{index}"] = array
                if kind != "gru":
                    expected.setdefault(name, []).extend(arrays)
            width = {"dropout": width, "bidirectional": 2 * units}.get(kind, units)
    with ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
        archive.writestr("config.json", json.dumps(sequential(*nodes)))
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.12.0"}))
    file_read = read(tmp_path / "model.keras")
    found = recognise(file_read).lstms
    assert [item.name for item in found] == list(expected)
    for item in found:
        held = read_stated(file_read, item).values()
        assert all(map(np.array_equal, held, expected[item.name])), item.name
        assert len(held) == len(expected[item.name])
        assert not item.notes
    bare = recognise(read(tmp_path / "model.weights.h5")).lstms  # it states no order: that of the numbers is taken
    assert sorted(item.stored.config.hidden_size for item in bare) == sorted(
        item.stored.config.hidden_size for item in found
    )
    numbers = [
        int(f"0{next(iter(item.stored.names)).split('/vars')[0].split('lstm')[1].split(between)[0].strip('_')}")
        for item in bare
        if f"{between}lstm" in next(iter(item.stored.names))
    ]
    assert numbers == sorted(numbers)


# --- Archives


def rezipped(source: Path, target: Path, compression: int = 0, without: Sequence[str] = ()) -> Path:
    with ZipFile(source) as old, ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            if name not in without:
                new.writestr(name, old.read(name))
    return target


def test_an_archive_without_a_configuration_is_read_by_names(folders: dict[str, Path], tmp_path: Path) -> None:
    path = rezipped(folders["keras3"] / "nested.keras", tmp_path / "a.keras", without=["config.json", "metadata.json"])
    assert [stated.name for stated in read(path).stated] == ["both", "gates", "inner.deep"]


def test_compressed_weights_are_refused_with_what_to_do(folders: dict[str, Path], tmp_path: Path) -> None:
    path = rezipped(folders["keras3"] / "nested.keras", tmp_path / "b.keras", ZIP_DEFLATED)
    with pytest.raises(SourceError, match=r"(?s)are compressed.*hint: unzip"):
        read(path)


def test_archives_without_weights_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    path = rezipped(folders["keras3"] / "nested.keras", tmp_path / "c.keras", without=["model.weights.h5"])
    with pytest.raises(SourceError, match="is not a Keras file"):
        read(path)


def test_cut_archives_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    data = (folders["keras3"] / "cells.keras").read_bytes()
    path = tmp_path / "d.keras"
    for length in (0, 10, len(data) // 2, len(data) - 1):
        rewrite(path, data[:length])
        with pytest.raises(SourceError):
            read(path)


def test_reading_leaves_the_file_as_it_is(folders: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(folders["keras3"] / "cells.h5", tmp_path))
    before = path.read_bytes()
    path.chmod(0o444)
    read(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["cells.h5"]


def test_all_errors_are_of_one_family(tmp_path: Path) -> None:
    for data in (b"", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(200), b"PK\x03\x04" + bytes(50)):
        path = tmp_path / "x"
        path.write_bytes(data)
        for reader in (read_hdf5, read_keras):
            with pytest.raises(LstmcalcError):
                reader(str(path))
