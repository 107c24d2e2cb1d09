"""Files of TensorFlow: which LSTMs are found, whether they compute what TensorFlow did, and what a broken one says."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.recorded_weights import unpacked
from tools.saved_tensorflow import check
from tools.tensorflow_models import Case

FOLDERS = {
    "one": ["a/b.rnn"],
    "stack": None,
    "projected": ["rnn"],
    "both": ["bidirectional_rnn"],
    "stack_of_both": None,
    "partitioned": ["parts.rnn"],
    "frozen": ["bidirectional_rnn"],
    "keras2_checkpoint": None,
    "keras3_checkpoint": None,
    "keras2_saved_model": None,
    "keras2_export": None,
    "keras3_export": None,
    "javascript": None,
    "javascript_shards": None,
}


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


@pytest.mark.parametrize("name", FOLDERS)
def test_recorded_files_compute_what_tensorflow_did(name: str, recorded: Path) -> None:
    held = expected_of(recorded)
    numbers = sorted({int(key.split("|")[1]) for key in held if key.startswith(f"{name}|") and key.endswith("|x")})
    cases = [
        Case(*(held[f"{name}|{number}|{part}"] for part in "xy"), int(held[f"{name}|{number}|lstms"]))
        for number in numbers
    ]
    check(path_of(recorded, name), cases)


def test_every_recorded_file_is_read(recorded: Path) -> None:
    assert {path.name for path in recorded.iterdir() if path.is_dir()} == set(FOLDERS)
