"""Processes that save one file again and again, each ended by a signal at a random moment; what they leave behind.

A program: its arguments are a folder, the number of the signal and how many processes there are. It prints how many of
them left a temporary file.
"""

import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from lstmcalc.writers.npz import save_arrays

SIZE = 100_000  # numbers of an array: a save takes about a millisecond
LONGEST = 0.02  # seconds until the signal


def save_for_ever(path: Path) -> None:
    for number in count():
        save_arrays(str(path), {"a": np.full(SIZE, number), "b": np.full(SIZE, -number)})


def ended_process(path: Path, number: int) -> int:
    """Start a process that saves, and end it with a signal; the signal that it ended by."""
    child = os.fork()
    if not child:
        try:
            save_for_ever(path)
        finally:
            os._exit(99)
    time.sleep(random.uniform(0, LONGEST))  # noqa: S311  # no secret
    os.kill(child, number)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -1


def main(folder: str, number: int, times: int) -> None:
    path = Path(folder) / "run.npz"
    save_arrays(str(path), {"a": np.zeros(SIZE), "b": np.zeros(SIZE)})
    left = 0
    for _ in range(times):
        ended = ended_process(path, number)
        assert ended == number, f"ended by {ended}"
        with np.load(path) as saved:
            a, b = saved["a"], saved["b"]
        assert a.shape == b.shape == (SIZE,)
        assert (a == a[0]).all()
        assert (b == -a[0]).all()
        others = [other for other in Path(folder).iterdir() if other != path]
        left += bool(others)
        for other in others:
            other.unlink()
    sys.stdout.write(f"{left}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
