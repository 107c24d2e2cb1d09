"""Where a file may be written, and what is there however the writing ends."""

import errno
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lstmcalc import writing
from lstmcalc.errors import OutputError
from tools.shell import TESTS


def test_what_cannot_be_saved_to_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "dir.npz").mkdir()
    os.mkfifo(tmp_path / "fifo.npz")
    for name, found in (
        (tmp_path / "dir.npz", "something that is not a file"),
        (tmp_path / "fifo.npz", "something that is not a file"),
        (tmp_path / ("x" * 300 + ".npz"), "File name too long"),
        (tmp_path / "none" / "run.npz", "no directory"),
    ):
        with pytest.raises(OutputError) as caught:
            writing.check_target(str(name))
        assert caught.value.found.startswith(found)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_process_that_is_ended_leaves_a_whole_file(
    ending: signal.Signals, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """The old file or the new one, and no temporary file unless nothing can be done any more."""
    times = 200 if pytestconfig.getoption("--thorough") else 40
    program = TESTS / "tools" / "interrupted.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(int(ending)), str(times)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    left = int(done.stdout)
    assert left > times // 10 if ending == signal.SIGKILL else left == 0


def test_data_are_on_the_disk_before_the_old_file_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synchronised(number: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else f"{os.fstat(number).st_size} bytes")
        fsync(number)

    def replaced(path: Path, target: Path) -> Path:
        done.append("replaced")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synchronised)
    monkeypatch.setattr(Path, "replace", replaced)
    with writing.replacing(str(tmp_path / "run.npz")) as file:
        file.write(b"x" * 100)
    assert done == ["100 bytes", "replaced", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_disk_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.npz"
    path.write_bytes(b"old")

    def failing(number: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", failing)
    code = errno.EIO
    with pytest.raises(OutputError, match="cannot be saved"), writing.replacing(str(path)) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    code = errno.EINVAL  # a file system that cannot be asked
    with writing.replacing(str(path)) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_signals_are_handled_as_before_after_a_save_and_by_whom_they_were(tmp_path: Path) -> None:
    path = str(tmp_path / "run.npz")

    def during() -> Any:
        with writing.replacing(path) as file:
            file.write(b"x")
            return signal.getsignal(signal.SIGTERM)

    assert callable(during())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    own = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert during() is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, own)
    with ThreadPoolExecutor() as pool:
        assert pool.submit(during).result() is signal.SIG_DFL
    assert Path(path).read_bytes() == b"x"
