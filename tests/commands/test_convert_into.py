"""`lstmcalc convert --into`: the LSTM of a file becomes another one, and nothing else of the file changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import h5py
import numpy as np
import pytest

from lstmcalc import LSTMConfig, random_weights
from lstmcalc.numerics.convert import pack
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.writers.entries import Entry, entry_of
from lstmcalc.writers.npz import write_npz
from lstmcalc.writers.safetensors import write_safetensors
from lstmcalc.writers.torch import write_torch
from tools.shell import Ran

pytestmark = pytest.mark.usefixtures("zygote")

Cli = Callable[..., Ran]
CONFIG = LSTMConfig(3, 5, 2, bidirectional=True)
WRITERS: dict[str, Callable[..., None]] = {"pt": write_torch, "safetensors": write_safetensors, "npz": write_npz}


def weights_of(config: LSTMConfig = CONFIG, seed: int = 1, dtype: str = "float32") -> dict[str, Any]:
    return random_weights(config, TorchGenerator(seed), dtype)


def others() -> dict[str, Any]:
    return {"embed.weight": np.arange(21.0, dtype="f4").reshape(7, 3), "steps": np.array(7), "head.b": np.ones(9, "f2")}


def model_of(weights: dict[str, Any], prefix: str = "net.rnn.") -> list[Entry]:
    """A whole model, whose LSTM stands between its other tensors."""
    first, *rest = others().items()
    named = [first, *((prefix + name, array) for name, array in weights.items()), *rest]
    return [entry_of(name, array) for name, array in named]


def write(path: str, entries: list[Entry]) -> None:
    with Path(path).open("wb") as stream:
        WRITERS[path.rpartition(".")[2]](stream, entries)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("source.pt", [entry_of(name, array) for name, array in weights_of().items()])


def converted(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    found = cli("convert", *arguments, "--no-against", "--json")
    assert found.code == code, found.err
    report = json.loads(found.out)
    assert isinstance(report, dict)
    return report


def numbers_in(path: str) -> dict[str, Any]:
    return {tensor.name: tensor.read() for tensor in open_weights(path).tensors}


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_lstm_is_replaced_and_nothing_else(cli: Cli, suffix: str) -> None:
    write(f"model.{suffix}", model_of(weights_of(seed=2)))
    report = converted(cli, "source.pt", "--into", f"model.{suffix}", "-o", f"out.{suffix}")
    assert_equal(numbers_in(f"out.{suffix}"), {"embed.weight": others()["embed.weight"], **_rest(weights_of())})
    write(f"wanted.{suffix}", model_of(weights_of()))
    assert Path(f"out.{suffix}").read_bytes() == Path(f"wanted.{suffix}").read_bytes()
    assert report["proof"][-1] == {
        "name": "bytes of everything else",
        "max_abs_error": 0.0,
        "allowed": 0.0,
        "passed": True,
    }


def _rest(weights: dict[str, Any]) -> dict[str, Any]:
    named = {f"net.rnn.{name}": array for name, array in weights.items()}
    return {**named, "steps": others()["steps"], "head.b": others()["head.b"]}


@pytest.mark.parametrize("fortran", [False, True])
def test_arrays_of_numpy_keep_their_order_of_axes_and_of_bytes(cli: Cli, *, fortran: bool) -> None:
    weights = {name: array.astype(">f4") for name, array in weights_of(seed=2).items()}
    np.savez("model.npz", **{name: np.asfortranarray(array) if fortran else array for name, array in weights.items()})  # type: ignore[arg-type]  # no array is called allow_pickle
    converted(cli, "source.pt", "--into", "model.npz", "-o", "out.npz")
    with np.load("out.npz") as found:
        for name, array in weights_of().items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == ">f4"
    with ZipFile("out.npz") as archive:
        assert archive.testzip() is None


def test_several_layers_become_one_stack_and_the_other_way_round(cli: Cli) -> None:
    one = LSTMConfig(3, 5, bidirectional=True)
    two = replace(one, input_size=10)
    whole = weights_of()
    layers = [{k.replace("_l1", "_l0"): v for k, v in whole.items() if f"_l{n}" in k} for n in range(2)]
    for suffix in ("npz", "pt"):
        parts = [(f"a.{name}", array) for name, array in weights_of(one, 3).items()]
        parts += [(f"b.{name}", array) for name, array in weights_of(two, 4).items()]
        write(f"two.{suffix}", [entry_of(name, array) for name, array in parts])
        asked = cli("convert", "source.pt", "--into", f"two.{suffix}", "-o", f"out.{suffix}")
        assert "--stack, if each reads the output of the one before" in asked.err
        converted(cli, "source.pt", "--into", f"two.{suffix}", "--stack", "-o", f"out.{suffix}")
        expected = {
            f"{name}.{key}": array for name, own in zip("ab", layers, strict=True) for key, array in own.items()
        }
        assert_equal(numbers_in(f"out.{suffix}"), expected)
        write(f"stack.{suffix}", model_of(weights_of(seed=5)))
        converted(cli, f"out.{suffix}", "--into", f"stack.{suffix}", "--stack", "-o", f"back.{suffix}")
        write(f"wanted.{suffix}", model_of(whole))
        assert Path(f"back.{suffix}").read_bytes() == Path(f"wanted.{suffix}").read_bytes()


def test_keras_files_get_what_pytorch_has(cli: Cli) -> None:
    config = LSTMConfig(3, 5)
    write("source.pt", [entry_of(name, array) for name, array in weights_of(config).items()])
    converted(cli, "--input", "3", "--hidden", "5", "--seed", "9", "-o", "model.keras")
    converted(cli, "source.pt", "--into", "model.keras", "-o", "out.keras")
    converted(cli, "source.pt", "-o", "wanted.keras")
    with ZipFile("out.keras") as found, ZipFile("wanted.keras") as wanted:
        assert found.testzip() is None
        for name in ("model.weights.h5", "config.json"):
            assert found.read(name) == wanted.read(name)


def test_compressed_arrays_are_refused_and_nothing_is_left(cli: Cli) -> None:
    np.savez_compressed("model.npz", **weights_of(seed=2))
    with h5py.File("model.h5", "w") as file:
        for number, array in enumerate(pack(weights_of(LSTMConfig(3, 5)), LSTMConfig(3, 5), "keras").values()):
            file.create_dataset(f"layers/lstm/cell/vars/{number}", data=array, compression="gzip")
    write("small.pt", [entry_of(name, array) for name, array in weights_of(LSTMConfig(3, 5)).items()])
    for source, target in (("source.pt", "model.npz"), ("small.pt", "model.h5")):
        found = cli("convert", source, "--into", target, "-o", f"out.{target[6:]}")
        assert found.code == 2
        assert "its numbers cannot be replaced where they are" in found.err
        assert not list(Path().glob("out*"))


def test_numbers_that_two_tensors_share_are_not_replaced_for_one(cli: Cli) -> None:
    weights = weights_of(seed=2)
    entries = [entry_of(name, array)._replace(place=name) for name, array in weights.items()]
    tied = next(entry for entry in entries if entry.name == "weight_hh_l0")
    write("model.pt", [*entries, tied._replace(name="copy.of.it")])
    found = cli("convert", "source.pt", "--into", "model.pt", "-o", "out.pt")
    assert found.code == 2
    assert "two tensors share their numbers" in found.err
    assert "copy.of.it and weight_hh_l0" in found.err


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_numbers_are_rounded_to_the_dtype_of_the_target(cli: Cli, dtype: str) -> None:
    write("model.safetensors", model_of(weights_of(seed=2, dtype=dtype)))
    report = converted(cli, "source.pt", "--into", "model.safetensors", "-o", "out.safetensors")
    write("wanted.safetensors", model_of({name: array.astype(dtype) for name, array in weights_of().items()}))
    assert Path("out.safetensors").read_bytes() == Path("wanted.safetensors").read_bytes()
    assert any("rounded" in change for change in report["changes"]) == (dtype == "float16")


def test_biases_are_added_where_they_are_missing_and_never_dropped(cli: Cli) -> None:
    bare = LSTMConfig(3, 5, bias=False)
    full = LSTMConfig(3, 5)
    write("bare.npz", [entry_of(name, array) for name, array in weights_of(bare).items()])
    write("full.npz", [entry_of(name, array) for name, array in weights_of(full, 2).items()])
    converted(cli, "bare.npz", "--into", "full.npz", "-o", "out.npz")
    zeros = {name: np.zeros_like(array) for name, array in weights_of(full).items() if "bias" in name}
    assert_equal(numbers_in("out.npz"), {**weights_of(full), **weights_of(bare), **zeros})
    found = cli("convert", "full.npz", "--into", "bare.npz", "-o", "none.npz")
    assert found.code == 2
    assert "has no biases" in found.err
    assert not Path("none.npz").exists()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (LSTMConfig(3, 6, 2, bidirectional=True), "which LSTM goes where is not clear"),
        (LSTMConfig(3, 5, 2), "which LSTM goes where is not clear"),
    ],
)
def test_what_does_not_fit_is_refused(cli: Cli, target: LSTMConfig, said: str) -> None:
    write("model.pt", model_of(weights_of(target)))
    found = cli("convert", "source.pt", "--into", "model.pt", "-o", "out.pt")
    assert found.code == 2
    assert said in found.err
    assert not Path("out.pt").exists()


def test_several_take_the_places_of_their_sizes_or_names(cli: Cli) -> None:
    small, large = LSTMConfig(3, 4), LSTMConfig(4, 6)

    def both(first: str, second: str, config: LSTMConfig, seed: int) -> list[Entry]:
        listed = [(f"{first}.{name}", array) for name, array in weights_of(small, seed).items()]
        listed += [(f"{second}.{name}", array) for name, array in weights_of(config, seed + 1).items()]
        return [entry_of(name, array) for name, array in listed]

    write("source.pt", both("a", "b", large, 1))
    write("sizes.pt", list(reversed(both("x", "y", large, 7))))
    converted(cli, "source.pt", "--into", "sizes.pt", "-o", "out.pt")
    np.testing.assert_array_equal(numbers_in("out.pt")["y.weight_hh_l0"], weights_of(large, 2)["weight_hh_l0"])
    write("source.pt", both("a", "b", small, 1))
    write("names.pt", both("b", "a", small, 7))
    converted(cli, "source.pt", "--into", "names.pt", "-o", "out.pt", "--force")
    np.testing.assert_array_equal(numbers_in("out.pt")["b.weight_hh_l0"], weights_of(small, 2)["weight_hh_l0"])
    write("others.pt", both("p", "q", small, 7))
    assert "which LSTM goes where is not clear" in cli("convert", "source.pt", "--into", "others.pt", "-o", "no.pt").err


def test_of_two_that_fit_one_has_to_be_named(cli: Cli) -> None:
    entries = [*model_of(weights_of(seed=2), "a."), *model_of(weights_of(seed=3), "b.")[1:-2]]
    write("model.pt", entries)
    assert "--into-module NAME" in cli("convert", "source.pt", "--into", "model.pt", "-o", "out.pt").err
    converted(cli, "source.pt", "--into", "model.pt", "--into-module", "b", "-o", "out.pt")
    found = numbers_in("out.pt")
    np.testing.assert_array_equal(found["b.weight_hh_l1"], weights_of()["weight_hh_l1"])
    np.testing.assert_array_equal(found["a.weight_hh_l1"], weights_of(seed=2)["weight_hh_l1"])


@pytest.mark.parametrize("cut", [0, 5, 200, 0.6, 0.98])
def test_a_target_that_is_cut_off_leaves_nothing(cli: Cli, cut: float) -> None:
    for suffix in WRITERS:
        write(f"model.{suffix}", model_of(weights_of(seed=2)))
        whole = Path(f"model.{suffix}").read_bytes()
        Path(f"model.{suffix}").write_bytes(whole[: int(cut * len(whole)) if cut < 1 else int(cut)])
        found = cli("convert", "source.pt", "--into", f"model.{suffix}", "-o", f"out.{suffix}")
        assert found.code == 2
        assert "Traceback" not in found.err
        assert not Path(f"out.{suffix}").exists()
    assert not list(Path().glob(".lstmcalc-*"))


def test_members_that_are_compressed_beside_the_lstm_stay_as_they_are(cli: Cli) -> None:
    converted(cli, "--input", "3", "--hidden", "5", "--seed", "9", "-o", "plain.keras")
    with ZipFile("plain.keras") as plain, ZipFile("model.keras", "w") as packed:
        for info in plain.infolist():
            packed.writestr(info, plain.read(info), None if info.filename.endswith("h5") else ZIP_DEFLATED)
    write("source.pt", [entry_of(name, array) for name, array in weights_of(LSTMConfig(3, 5)).items()])
    converted(cli, "source.pt", "--into", "model.keras", "-o", "out.keras")
    with ZipFile("out.keras") as found, ZipFile("plain.keras") as plain:
        assert found.testzip() is None
        assert found.read("config.json") == plain.read("config.json")


def test_a_file_is_called_what_it_is(cli: Cli) -> None:
    write("model.pt", model_of(weights_of(seed=2)))
    found = cli("convert", "source.pt", "--into", "model.pt", "-o", "out.safetensors")
    assert found.code == 2
    assert "a name that ends in .pt" in found.err
    assert not Path("out.safetensors").exists()


def test_a_file_may_take_the_place_of_the_target(cli: Cli) -> None:
    write("model.pt", model_of(weights_of(seed=2)))
    converted(cli, "source.pt", "--into", "model.pt", "-o", "model.pt", "--force")
    write("wanted.pt", model_of(weights_of()))
    assert Path("model.pt").read_bytes() == Path("wanted.pt").read_bytes()
