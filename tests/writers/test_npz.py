"""Arrays of a run, saved: what is in the file, and what becomes of a file that was there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcalc.errors import OutputError
from lstmcalc.writers.npz import save_arrays
from tools.shell import Ran

Cli = Callable[..., Ran]


def test_save_keeps_what_a_run_needs(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    ran = cli("run", "--lengths", "4,2", "--hidden", "3", "--save", str(path))
    assert ran.code == 0
    assert ran.err == f"note: saved 12 arrays to {path}\n"
    with np.load(path) as saved:
        assert str(saved["config"]) == "LSTM(10, 3)"
        assert saved["lengths"].tolist() == [4, 2]
        assert saved["weight_ih_l0"].shape == (12, 10)
        assert saved["output"].shape == (4, 2, 3)
        assert list(saved)[-3:] == ["output", "h_n", "c_n"]


def test_saving_replaces_a_file_only_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.npz"
    save_arrays(str(path), {"a": np.zeros(3)})
    before = path.read_bytes()

    def disk_full(file: object, **_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    with pytest.raises(OutputError) as caught:
        save_arrays(str(path), {"a": np.ones(3)})
    assert (
        str(caught.value)
        == (f"--save {path}: cannot be saved\n  expected space to write it, found No space left on device")
        or len(str(path)) > 60
    )
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_saving_through_a_link_keeps_the_link_and_the_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target.npz", tmp_path / "link.npz"
    save_arrays(str(target), {"a": np.zeros(3)})
    target.chmod(0o640)
    link.symlink_to(target)
    save_arrays(str(link), {"a": np.ones(3)})
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    with np.load(target) as saved:
        assert saved["a"].tolist() == [1, 1, 1]
