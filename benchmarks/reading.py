"""The time and the memory of `lstmcalc ls --stats` on a large file, beside a plain pass over it with NumPy.

    python benchmarks/reading.py [MiB] [times]

The plain pass reads blocks of 4 MiB and computes the same statistics. Both run in processes of their own, in turn, and
each ratio is of two runs in succession; the median of them counts. The file is written to the temporary directory.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

ROWS: Final = 4096  # of each matrix
PLAIN: Final = """
import sys
import numpy as np
low, high, total, squares, odd = np.inf, -np.inf, 0.0, 0.0, 0
with open(sys.argv[1], "rb") as file:
    file.seek(8 + int.from_bytes(file.read(8), "little"))
    while (numbers := np.fromfile(file, np.float32, 1 << 20)).size:
        low, high = min(low, numbers.min()), max(high, numbers.max())
        total += numbers.sum(dtype=np.float64)
        squares += np.square(numbers, dtype=np.float64).sum()
        odd += np.isnan(numbers).sum() + np.isinf(numbers).sum()
"""


def write_file(path: Path, mebibytes: int) -> None:
    """A file of safetensors with matrices of random numbers."""
    columns = 1024  # 16 MiB
    names = [f"lstm.weight_hh_l{index}" for index in range(max(1, mebibytes // 16))]
    size = 4 * ROWS * columns
    index = {
        name: {"dtype": "F32", "shape": [ROWS, columns], "data_offsets": [at * size, (at + 1) * size]}
        for at, name in enumerate(names)
    }
    text = json.dumps(index).encode()
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in names:
            file.write((random.random((ROWS, columns), np.float32) - np.float32(0.5)).tobytes())


def seconds_of(arguments: list[str]) -> float:
    """The seconds of a process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(mebibytes: int = 1024, times: int = 5) -> None:
    """Print the ratio of the times, and the most memory that a process took."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        write_file(path, mebibytes)
        ours, plain = ["-m", "lstmcalc", "ls", str(path), "--stats", "--json"], ["-c", PLAIN, str(path)]
        seconds_of(plain)  # from here on the file is in the cache
        ratios = [seconds_of(ours) / seconds_of(plain) for _ in range(times)]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{mebibytes:,} MiB: {median(ratios):.2f} times a plain pass ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"peak memory of a process: {peak:,.0f} MiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
