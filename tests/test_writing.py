"""Where a file may be written."""

import os
from pathlib import Path

import pytest

from lstmcalc import writing
from lstmcalc.errors import OutputError


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
