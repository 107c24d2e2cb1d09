"""h5py in copies of a process that has loaded it, in place of a new process for each request."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from lstmcalc.errors import SourceError

PROGRAM = Path(__file__).parent / "hdf5_zygote.py"


class Zygote:
    """The process of `hdf5_zygote.py`; `ask` stands for `_ask` of `lstmcalc.readers.keras.hdf5`.

    Attributes:
        seconds: What an answer may take, of computing.
        answers: How many requests came to what end.
    """

    def __init__(self) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; exec(open({str(PROGRAM)!r}).read())"
        self.process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.seconds = 60
        self.answers: Counter[str] = Counter()

    def ask(self, window: Any, dataset: str | None, nbytes: int) -> tuple[dict[str, Any], bytes]:
        """What the library answers, and the numbers behind it."""
        assert self.process.stdin
        assert self.process.stdout
        request = {**window._asdict(), "dataset": dataset, "bytes": nbytes, "seconds": self.seconds}
        self.process.stdin.write(json.dumps([request, self.seconds]).encode() + b"\n")
        self.process.stdin.flush()
        length = int.from_bytes(self.process.stdout.read(8), "little")
        line, _, numbers = self.process.stdout.read(length).partition(b"\n")
        self.answers["answered" if line else "crashed or stopped"] += 1
        if not line:
            raise SourceError("the HDF5 library failed on it")
        return json.loads(line), numbers

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
