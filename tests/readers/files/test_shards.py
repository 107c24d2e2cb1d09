"""Weights in several files, and the index that names them: no other folder, and nothing in silence."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc.errors import SourceError
from lstmcalc.intake.load import load_weights
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.config import LSTMConfig
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]
CONFIG = LSTMConfig(3, 4, 2)
ARRAYS = random_weights(CONFIG)
NAME = "model.safetensors.index.json"


def sharded(folder: Path, count: int = 2, **change: Any) -> str:
    """The weights in so many files, with their index."""
    names = [*ARRAYS]
    where = {name: f"model-{index % count}.safetensors" for index, name in enumerate(names)}
    for file in set(where.values()):
        write_safetensors(folder / file, {f"rnn.{name}": ARRAYS[name] for name in names if where[name] == file})
    tree = {"metadata": {}, "weight_map": {**{f"rnn.{name}": file for name, file in where.items()}, **change}}
    (folder / NAME).write_text(json.dumps(tree), encoding="utf-8")
    return str(folder / NAME)


def test_an_lstm_in_several_files_is_one(tmp_path: Path) -> None:
    path = sharded(tmp_path, 3)
    (found,) = read_weights(path)
    assert (found.name, found.stored.config) == ("rnn", CONFIG)
    for name, array in load_weights(found).items():
        np.testing.assert_array_equal(array, ARRAYS[name])
    assert open_weights(path).notes == ("the tensors of 3 files that the index names",)
    assert open_weights(path).kind == "safetensors"


def test_files_that_are_not_there_are_said(tmp_path: Path, cli: Cli) -> None:
    path = sharded(tmp_path, x="model-0.safetensors")
    (tmp_path / "model-1.safetensors").unlink()
    ran = cli("params", path)
    assert "note: 1 of 2 files are not there: model-1.safetensors" in ran.err
    assert "note: not in the file that the index says: x" in ran.err
    assert "missing for LSTM" in ran.err
    (tmp_path / "model-0.safetensors").unlink()
    assert f"none of the files that {path} names is there" in cli("params", path).err


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/b", "a\\b", ".", "..", "", 3, [], "\x1b[31m", "x" * 999])
def test_an_index_leads_to_no_other_folder(name: Any, tmp_path: Path) -> None:
    path = sharded(tmp_path, x=name)
    if name == []:
        assert open_weights(path).format == "safetensors in 2 files"
        return
    with pytest.raises(SourceError, match="this file names another one outside of its folder"):
        open_weights(path)


def test_a_link_to_another_folder_is_refused_unless_the_index_is_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sharded(tmp_path / "a")
    for name in ("model-0.safetensors", "model-1.safetensors"):
        (tmp_path / "b" / name).symlink_to(tmp_path / "a" / name)
    (tmp_path / "b" / NAME).write_bytes((tmp_path / "a" / NAME).read_bytes())
    with pytest.raises(SourceError, match="is a link to another folder"):
        open_weights(str(tmp_path / "b" / NAME))
    (tmp_path / "b" / NAME).unlink()
    (tmp_path / "b" / NAME).symlink_to(tmp_path / "a" / NAME)  # as in a cache of downloads
    assert len(open_weights(str(tmp_path / "b" / NAME)).tensors) == 8


def test_what_an_index_names_has_to_be_tensors(tmp_path: Path) -> None:
    (tmp_path / "b").write_text(json.dumps({"weight_map": {"x": NAME}}), encoding="utf-8")
    path = sharded(tmp_path, x="b")
    with pytest.raises(SourceError, match="is no file of tensors"):
        open_weights(path)
    path = sharded(tmp_path, x=NAME)  # itself
    with pytest.raises(SourceError, match="is no file of tensors"):
        open_weights(path)


def test_a_tensor_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = sharded(tmp_path, x="c")
    write_safetensors(tmp_path / "c", {"rnn.weight_ih_l0": ARRAYS["weight_ih_l0"]})
    with pytest.raises(SourceError, match="files with the same tensor"):
        open_weights(path)


def test_a_folder_with_shards_is_their_index(tmp_path: Path, cli: Cli) -> None:
    sharded(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "lstm"}', encoding="utf-8")
    ran = cli("params", str(tmp_path))
    assert (ran.code, "rnn: LSTM(3, 4, num_layers=2)" in ran.out) == (0, True)


def test_a_file_without_an_lstm_beside_a_model_is_none(tmp_path: Path, cli: Cli) -> None:
    write_safetensors(tmp_path / "model.safetensors", {f"rnn.{name}": array for name, array in ARRAYS.items()})
    (tmp_path / "optimizer.pkl").write_bytes(pickle.dumps({"state": {0: {"step": np.ones(3)}}}))
    assert "rnn: LSTM(3, 4, num_layers=2)" in cli("params", str(tmp_path)).out
    write_safetensors(tmp_path / "other.safetensors", ARRAYS)
    ran = cli("params", str(tmp_path))
    assert (ran.code, "has several models\n  expected one of them, found model.safetensors, other" in ran.err) == (
        2,
        True,
    )
