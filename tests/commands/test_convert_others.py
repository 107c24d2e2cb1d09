"""`lstmcalc convert --keep-others`: a checkpoint is rescued whole, without what it is wrapped in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig, random_weights
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.raw_numbers import to_bfloat16
from lstmcalc.writers.entries import entry_of
from lstmcalc.writers.safetensors import write_safetensors
from tools.shell import TESTS, Ran

Cli = Callable[..., Ran]
DATA = TESTS / "data" / "weights"
CONFIG = LSTMConfig(3, 5, 2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rescued(cli: Cli, *arguments: str) -> dict[str, Any]:
    found = cli("convert", *arguments, "--keep-others", "--no-against", "--json")
    assert found.code == 0, found.err
    report = json.loads(found.out)
    assert isinstance(report, dict)
    return report


def numbers_in(path: str) -> dict[str, Any]:
    return {tensor.name: tensor.read() for tensor in open_weights(path).tensors}


def write(path: str, arrays: dict[str, Any], dtypes: dict[str, str] | None = None) -> None:
    with Path(path).open("wb") as stream:
        write_safetensors(
            stream, [entry_of(name, array, (dtypes or {}).get(name, "")) for name, array in arrays.items()]
        )


def model(prefix: str = "") -> dict[str, Any]:
    weights = random_weights(CONFIG, TorchGenerator(1))
    arrays = {f"net.rnn.{name}": array for name, array in weights.items()}
    arrays |= {"emb.weight": np.arange(12.0, dtype="f4").reshape(4, 3), "bn.num_batches_tracked": np.array(3)}
    return {prefix + name: array for name, array in arrays.items()}


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "npz"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_wrappers_are_taken_off_every_name(cli: Cli, suffix: str, prefix: str) -> None:
    write("model.safetensors", model(prefix))
    report = rescued(cli, "model.safetensors", "-o", f"out.{suffix}")
    found, expected = numbers_in(f"out.{suffix}"), model()
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    assert report["left_out"] == []
    assert len(report["changes"]) == len([word for word in ("module", "_orig_mod") if word in prefix])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_what_weight_norm_keeps_in_two_parts_is_computed_in_its_dtype(cli: Cli, dtype: str) -> None:
    stored: Any = "f4" if dtype == "bfloat16" else dtype
    cut = to_bfloat16 if dtype == "bfloat16" else np.asarray
    arrays = {name: cut(array.astype(stored)) for name, array in model().items() if name.startswith("net")}
    own = "net.rnn.weight_hh_l0"
    v = cut((1000 * arrays.pop(own)).astype(stored))  # whose squares are out of float16's range
    g = cut(np.linspace(0.5, 2, len(v)).astype(stored)[:, None])
    write(
        "m.safetensors",
        {**arrays, f"{own}_g": g, f"{own}_v": v},
        dict.fromkeys((*arrays, f"{own}_g", f"{own}_v"), dtype),
    )
    rescued(cli, "m.safetensors", "-o", "out.pt")
    expected = g.astype("f8") * v.astype("f8") / np.linalg.norm(v.astype("f8"), axis=1, keepdims=True)
    found = numbers_in("out.pt")[own]
    apart = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 1e-6, "float64": 1e-14}[dtype]
    np.testing.assert_allclose(found, expected, rtol=apart)
    np.testing.assert_array_equal(found, cut(found))


def test_a_file_without_its_lstm_is_refused(cli: Cli) -> None:
    arrays = {name: to_bfloat16(array) for name, array in model().items() if name.startswith("net")}
    write("m.safetensors", arrays, dict.fromkeys(arrays, "bfloat16"))
    refused = cli("convert", "m.safetensors", "--keep-others", "-o", "out.npz")
    assert refused.code == 2
    assert "NumPy has no such dtype" in refused.err
    assert ".safetensors and .pt have it" in refused.err
    assert not Path("out.npz").exists()


def test_a_prefix_that_not_all_names_have_is_a_name(cli: Cli) -> None:
    arrays = {**model("module."), "other.bias": np.zeros(2, "f4")}
    write("model.safetensors", arrays)
    rescued(cli, "model.safetensors", "-o", "out.pt")
    assert numbers_in("out.pt").keys() == arrays.keys()


def test_dtypes_stay_and_what_a_file_cannot_have_is_listed(cli: Cli) -> None:
    halves = np.array([1.5, -2, 0.25], "f4")
    arrays = {**model(), "a": halves, "b": halves, "c": np.array([True, False]), "d": np.arange(3, dtype="u8")}
    write("model.safetensors", arrays, {"a": "bfloat16", "b": "float8_e4m3fn"})
    kept = {"a": "bfloat16", "b": "float8_e4m3fn", "c": "bool", "d": "uint64"}
    for suffix, lost in (("safetensors", ""), ("pt", "bd"), ("npz", "ab")):
        report = rescued(cli, "model.safetensors", "-o", f"out.{suffix}")
        found = {tensor.name: tensor for tensor in open_weights(f"out.{suffix}").tensors}
        assert sorted(text[0] for text in report["left_out"]) == list(lost)
        for name, dtype in kept.items():
            assert (name in found) == (name not in lost)
            if name in found:
                assert found[name].dtype == dtype
                np.testing.assert_array_equal(found[name].read(), arrays[name])


def test_a_checkpoint_gives_its_state_dict_and_says_what_it_had_besides(cli: Cli) -> None:
    report = rescued(cli, str(DATA / "lightning.pt"), "-o", "out.pt")
    found = numbers_in("out.pt")
    assert all(not name.startswith("state_dict") for name in found)
    held = {tensor.name: tensor for tensor in open_weights(str(DATA / "lightning.pt")).tensors}
    for name, array in found.items():
        np.testing.assert_array_equal(array, held[f"state_dict.{name}"].read(), strict=True)
    assert len(found) == sum(name.startswith("state_dict.") for name in held)
    assert any(text.startswith("epoch") for text in report["left_out"])
    assert "taken out of state_dict" in report["changes"]


@pytest.mark.parametrize("name", ["frozen.pt", "module.pt", "state_dict_legacy.pt", "scripted_cell.pt"])
def test_files_of_every_kind_are_rescued(cli: Cli, name: str) -> None:
    report = rescued(cli, str(DATA / name), "-o", "out.safetensors")
    held = list(numbers_in(str(DATA / name)).values())
    found = numbers_in("out.safetensors")
    assert len(found) == len(held)
    if name == "frozen.pt":
        assert "rnn.weight_hh_l1_reverse" in found
        assert any("say nothing" in change for change in report["changes"])
    assert sorted(float(array.astype(float).sum()) for array in found.values()) == sorted(
        float(array.astype(float).sum()) for array in held
    )


def test_weight_norm_is_computed_of_every_layer(cli: Cli) -> None:
    arrays = model()
    rng = np.random.default_rng(0)
    v, g = rng.normal(size=(6, 2)).astype("f4"), rng.normal(size=(6, 1)).astype("f4")
    w = arrays.pop("net.rnn.weight_hh_l1")
    norm = np.sqrt((w.astype(float) ** 2).sum(axis=1, keepdims=True)).astype("f4")
    write(
        "model.safetensors",
        {
            **arrays,
            "fc.weight_g": g,
            "fc.weight_v": v,
            "up.parametrizations.weight.original0": g,
            "up.parametrizations.weight.original1": v,
            "net.rnn.weight_hh_l1_g": norm,
            "net.rnn.weight_hh_l1_v": w,
        },
    )
    report = rescued(cli, "model.safetensors", "-o", "out.npz")
    found = numbers_in("out.npz")
    assert found.keys() == {*arrays, "fc.weight", "up.weight", "net.rnn.weight_hh_l1"}
    expected = g * v / np.sqrt((v**2).sum(axis=1, keepdims=True))
    for name in ("fc.weight", "up.weight"):
        np.testing.assert_allclose(found[name], expected, rtol=1e-6)
    np.testing.assert_allclose(found["net.rnn.weight_hh_l1"], w, rtol=1e-6)
    assert any("weight_norm" in change for change in report["changes"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "keras", "-o", "out.npz"], "those of another framework"),
        (["-o", "out.keras"], "other tensors go into files of named arrays"),
        (["--dtype", "float16", "-o", "out.pt"], "copied as it is"),
        (["--module", "rnn", "-o", "out.pt"], "copied as it is"),
        (["--into", "model.safetensors", "-o", "out.pt"], "one of the two"),
    ],
)
def test_what_cannot_be_taken_along_is_refused(cli: Cli, arguments: list[str], said: str) -> None:
    write("model.safetensors", model())
    found = cli("convert", "model.safetensors", "--keep-others", *arguments)
    assert found.code == 2
    assert said in found.err
    assert [path.name for path in Path().iterdir()] == ["model.safetensors"]
