"""diff --values: what makes the numbers of one file of the other's, for each tensor and once for all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.numerics.convert import pack
from tools.shell import Ran
from tools.weight_writers import write_safetensors
from tools.wrong_ports import cast, quantize

Cli = Callable[..., Ran]
Arrays = dict[str, Any]
CONFIG = LSTMConfig(4, 4, num_layers=2, bidirectional=True)


def drawn(seed: int, config: LSTMConfig = CONFIG) -> Arrays:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in weight_shapes(config).items()}


def ordered(order: str) -> Callable[[Arrays], Arrays]:
    return lambda w: {
        name: np.concatenate([np.split(array, 4)["ifgo".index(gate)] for gate in order]) for name, array in w.items()
    }


def each(stem: str, change: Callable[[Any], Any]) -> Callable[[Arrays], Arrays]:
    return lambda w: {name: change(array) if name.startswith(stem) else array for name, array in w.items()}


def ported(make: Callable[[Any], None]) -> Callable[[Arrays], Arrays]:
    class Weights:
        weights: Arrays

    def change(w: Arrays) -> Arrays:
        port = Weights()
        port.weights = {name: array.astype(np.float64) for name, array in w.items()}
        make(port)
        return {name: array.astype(np.float32) for name, array in port.weights.items()}

    return change


def turned(w: Arrays) -> Arrays:
    return {name: w[name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"] for name in w}


def other_layer(w: Arrays) -> Arrays:
    """Hidden states of the layers in each other's place, where shapes let them."""
    other = {"_l0": "_l1", "_l1": "_l0"}
    return {
        name: w[name.replace(name[9:12], other[name[9:12]])] if name.startswith("weight_hh") else array
        for name, array in w.items()
    }


def summed(w: Arrays) -> Arrays:
    new = dict(w)
    for name in w:
        if name.startswith("bias_ih"):
            twin = name.replace("bias_ih", "bias_hh")
            new |= {name: w[name] + w[twin], twin: w[twin] * 0}
    return new


def swapped(w: Arrays) -> Arrays:
    twin = {"weight_ih_l0": "weight_hh_l0", "weight_hh_l0": "weight_ih_l0"}
    return {name: w[twin.get(name, name)] for name in w}


EVERY = "all 16 tensors that differ of b.safetensors: those of a.safetensors"
CHANGES: dict[str, tuple[Callable[[Arrays], Arrays], str, list[str]]] = {
    "onnx": (ordered("iofg"), f"{EVERY} with their rows in ONNX's order, i o f g", ["rows:iofg"]),
    "no one's": (ordered("gofi"), f"{EVERY} with their rows in the order g o f i", ["rows:gofi"]),
    "transposed": (
        each("weight_hh", lambda w: np.concatenate([block.T for block in np.split(w, 4)])),
        "all 4 tensors that differ of b.safetensors: those of a.safetensors with each gate's block transposed",
        ["transposed"],
    ),
    "reshaped": (
        each("weight_ih", lambda w: np.ascontiguousarray(w.T).reshape(w.shape)),
        "those of a.safetensors transposed and reshaped",
        ["reshaped"],
    ),
    "directions": (turned, "those of the other direction of a.safetensors", []),
    "layers": (other_layer, "those of layer 1 of a.safetensors", []),
    "summed": (summed, "the sums of both biases of a.safetensors", ["summed", "zeros"]),
    "swapped": (swapped, "the matrices of a.safetensors in each other's place", []),
    "scaled": (each("", lambda w: w * 0.5), f"{EVERY} times 0.5", ["scaled:0.5"]),
    "float16": (ported(cast("float16")), f"{EVERY} rounded to float16", ["cast:float16"]),
    "bfloat16": (ported(cast("bfloat16")), f"{EVERY} rounded to bfloat16", ["cast:bfloat16"]),
    "int8": (ported(quantize(channel=False)), "rounded to int8, one scale", ["cast:int8-tensor"]),
    "rows": (ported(quantize(channel=True)), "rounded to int8, a scale for each row", ["cast:int8-channel"]),
    "interleaved": (
        each("", lambda w: w.reshape(4, -1, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape)),
        "with the four gates of each unit side by side",
        ["interleaved"],
    ),
}


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arrays:
    monkeypatch.chdir(tmp_path)
    weights = drawn(0)
    write_safetensors(tmp_path / "a.safetensors", weights)
    return weights


@pytest.mark.parametrize("name", CHANGES)
def test_what_makes_one_of_the_other_is_said(cli: Cli, first: Arrays, name: str) -> None:
    change, sentence, made = CHANGES[name]
    write_safetensors(Path("b.safetensors"), change(first))
    ran = cli("diff", "a.safetensors", "b.safetensors", "--values", "--json")
    assert ran.code == 1, ran.err
    [module] = json.loads(ran.out)["modules"]
    assert [cause for cause in module["causes"] if sentence in cause] != [], module["causes"]
    rows = [row for row in module["tensors"] if row["status"] == "different"]
    assert all(row["made_by"] for row in rows)
    assert not made or {row["made_by"] for row in rows} == set(made)
    assert sentence.partition(":")[0] in " ".join(cli("diff", "a.safetensors", "b.safetensors", "--values").out.split())


def test_other_numbers_are_not_explained(cli: Cli, first: Arrays) -> None:
    write_safetensors(Path("b.safetensors"), drawn(1))
    [module] = json.loads(cli("diff", "a.safetensors", "b.safetensors", "--values", "--json").out)["modules"]
    assert module["causes"] == ["the numbers of 16 tensors differ by more than 0"]
    assert {row["made_by"] for row in module["tensors"]} == {None}


def test_numbers_that_are_not_finite_are_not_explained(cli: Cli, first: Arrays) -> None:
    broken = {name: array * np.float32(np.nan) for name, array in first.items()}
    write_safetensors(Path("b.safetensors"), broken)
    ran = cli("diff", "a.safetensors", "b.safetensors", "--values", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert len(json.loads(ran.out)["modules"][0]["causes"]) == 1


def test_files_of_two_frameworks_are_explained_once_for_all(cli: Cli, first: Arrays) -> None:
    config = LSTMConfig(3, 4)
    own = drawn(2, config)
    write_safetensors(Path("one.safetensors"), own)
    arrays: Arrays = pack(ordered("iofg")(own), config, "keras")
    np.savez("b.npz", **arrays)
    ran = cli("diff", "one.safetensors", "b.npz", "--values", "--json")
    [module] = json.loads(ran.out)["modules"]
    assert any("with their rows in ONNX's order, i o f g" in cause for cause in module["causes"]), module["causes"]


def test_what_does_not_fit_in_memory_is_compared_and_not_explained(
    cli: Cli, first: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_safetensors(Path("b.safetensors"), ordered("iofg")(first))
    monkeypatch.setattr("lstmcalc.commands.diff.changes.available_memory", lambda: 1000)
    [module] = json.loads(cli("diff", "a.safetensors", "b.safetensors", "--values", "--json").out)["modules"]
    assert len(module["causes"]) == 1
