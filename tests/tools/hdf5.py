"""h5py in copies of a process that has loaded it, in place of a new process for each request."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lstmcalc.errors import SourceError
from lstmcalc.readers.keras import hdf5, hdf5_child

PROGRAM = Path(__file__).parent / "hdf5_zygote.py"


class Zygote:
    """The process of `hdf5_zygote.py`; `ask` stands for `_ask` of `lstmcalc.readers.keras.hdf5`.

    Attributes:
        seconds: What an answer may take, of computing, as it is told.
        stopped: When it is stopped all the same; after `seconds` if there is none.
        answers: How many requests came to what end.
    """

    def __init__(self) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; exec(open({str(PROGRAM)!r}).read())"
        self.process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.seconds = 60
        self.stopped: float | None = None
        self.answers: Counter[str] = Counter()

    def ask(self, window: Any, wanted: Sequence[tuple[str, int]]) -> bytes:
        """The answer of the library."""
        assert self.process.stdin
        assert self.process.stdout
        request = {**window.request(), "datasets": list(wanted), "seconds": self.seconds}
        data = base64.b64encode(window.data or b"").decode()
        self.process.stdin.write(
            json.dumps([request, self.stopped or self.seconds, str(Path.cwd()), data]).encode() + b"\n"
        )
        self.process.stdin.flush()
        length = int.from_bytes(self.process.stdout.read(8), "little")
        written = self.process.stdout.read(length)
        self.answers["answered" if b"\n" in written else "crashed or stopped"] += 1
        if b"\n" not in written:
            raise SourceError("the HDF5 library failed on it")
        return written

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class _Forked:
    """`subprocess` for the module `hdf5`: its program runs in a copy of this process, which has h5py already."""

    TimeoutExpired = subprocess.TimeoutExpired

    @staticmethod
    def run(arguments: Sequence[str], **others: Any) -> subprocess.CompletedProcess[bytes]:
        """The standard output of the program, and its end."""
        assert arguments[3] == hdf5.CODE
        source, target = os.pipe()
        with warnings.catch_warnings():  # Python 3.12 warns of threads: a progress bar has one
            warnings.simplefilter("ignore")
            child = os.fork()
        if not child:
            _answer(arguments[5], target, others["input"])
        os.close(target)
        with os.fdopen(source, "rb") as pipe:
            written = pipe.read()
        status = os.waitpid(child, 0)[1]
        return subprocess.CompletedProcess(arguments, os.waitstatus_to_exitcode(status), written, b"")


def _answer(request: str, target: int, given: bytes) -> None:
    """Be the program: answer, and end."""
    try:
        signal.alarm(0)
        os.dup2(target, 1)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stdin = io.TextIOWrapper(io.BytesIO(given))
        hdf5_child.main(request)
    except BaseException:  # noqa: BLE001  # exit code 1, as of a program that ends in an exception
        os._exit(1)
    os._exit(0)


def fork_the_library() -> None:
    """From now on `lstmcalc` runs h5py in copies of this process; its time and memory stay those of child processes."""
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"  # as `hdf5` sets it for its program
    import h5py  # noqa: F401  # only where it is asked for

    setattr(hdf5, "subprocess", _Forked)  # noqa: B010  # mypy knows no name of an imported module
