"""Damaged and hostile weight files, by the thousand: each is read, or refused with an error of ours."""

import contextlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.torch.files import read_pickle, read_torch
from tools.examples import is_thorough
from tools.files import rewrite
from tools.mutations import mutated
from tools.record_torch_files import FOLDER, RECORDED

COUNT = 200 if is_thorough() else 80
ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3),
    "b": np.arange(12, dtype=">f4").reshape(2, 3, 2).transpose(1, 0, 2),
    "c": np.array([np.ones(2), "x"], dtype=object),
    "d": [np.float32(1), {"e": np.zeros(3, dtype="c8")}],
}
FILES = {kind: (FOLDER / f"{kind}.pt").read_bytes() for kind in RECORDED}
FILES |= {f"arrays_{protocol}": pickle.dumps(ARRAYS, protocol) for protocol in range(6)}


def read_all(reader: Callable[[Path], WeightFile], path: Path) -> bool:
    """Read a file and each of its tensors; whether the file was refused."""
    try:
        found = reader(path)
    except SourceError:
        return True
    for tensor in found.tensors:
        with contextlib.suppress(SourceError):
            assert tensor.read().shape == tensor.shape
    return False


@pytest.mark.thorough
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    refused = 0
    for number, content in enumerate(mutated(FILES[kind], seed=len(FILES[kind]), count=COUNT)):
        rewrite(path, content)
        refused += read_all(read_torch if number % 4 else read_pickle, path)
    assert 0 < refused < COUNT  # both happen, or the damage is no test


@pytest.mark.parametrize("kind", ["state_dict_legacy", "views", "arrays_2"])
def test_a_file_that_is_cut_off_is_refused_wherever_it_is(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    content = FILES[kind]
    for length in range(0, len(content), max(1, len(content) // 400)):
        rewrite(path, content[:length])
        with pytest.raises(SourceError):
            read_torch(path)
