"""The time that the answer takes, from the shell's point of view.

Runs `lstmcalc` and what it is compared with in turn, A B C A B C ..., so that a noisy machine slows all of them
alike, and prints the median of the ratios of neighbours, and each one's peak memory.

    python benchmarks/startup.py [--rounds 20]
"""

import argparse
import os
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

IMPORTS = "import typer, rich.console, rich.table"
BASE = "imports"
LIMITS = {"shapes": (BASE, 1.25), "shapes against torch": ("torch", 0.1)}
MEBIBYTES = 35


def commands() -> dict[str, list[str]]:
    """The commands that are run, by name."""
    lstmcalc = str(Path(sysconfig.get_path("scripts")) / "lstmcalc")
    found = {
        BASE: [sys.executable, "-c", IMPORTS],
        "shapes": [lstmcalc, "shapes", "--hidden", "20", "--layers", "2", "--bi"],
        "shapes --json": [lstmcalc, "shapes", "--hidden", "20", "--layers", "2", "--bi", "--json"],
        "shapes SOURCE": [lstmcalc, "shapes", "nn.LSTM(10, 20, 2, bidirectional=True)"],
        "params": [lstmcalc, "params", "--hidden", "20", "--layers", "2", "--bi"],
        "explain": [lstmcalc, "explain", "--hidden", "20", "--layers", "2", "--bi"],
        "cost": [lstmcalc, "cost", "--hidden", "20", "--layers", "2", "--bi"],
        "solve": [lstmcalc, "solve", "hidden", "--memory", "2GiB", "--train"],
        "sweep": [lstmcalc, "sweep", "--hidden", "64,128,256", "--layers", "1:4"],
        "10,000 layers": [lstmcalc, "params", "--layers", "10000", "--json"],
        "--version": [lstmcalc, "--version"],
        "run": [lstmcalc, "run"],
        "python": [sys.executable, "-c", "pass"],
    }
    if find_spec("torch"):
        found["torch"] = [sys.executable, "-c", "import torch"]
    return found


def measure(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MiB of one run."""
    # As a user runs it: with compiled modules kept, and output buffered.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    start = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    kibibytes = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
    return seconds, kibibytes / 1024


def main() -> None:
    """Measure, and print the ratios beside what they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    runs = commands()
    for command in runs.values():  # compile and warm what later runs find compiled and warm
        measure(command)
    taken: dict[str, list[float]] = {name: [] for name in runs}
    peak = dict.fromkeys(runs, 0.0)
    for _ in range(rounds):
        for name, command in runs.items():
            seconds, mebibytes = measure(command)
            taken[name].append(seconds)
            peak[name] = max(peak[name], mebibytes)

    def ratio(name: str, base: str) -> float:
        return median(a / b for a, b in zip(taken[name], taken[base], strict=True))

    print(f"{'':14}  {'median':>8}  {'/ ' + BASE:>9}  {'/ torch':>8}  {'peak':>9}   ({rounds} interleaved rounds)")
    for name in runs:
        against_torch = f"{ratio(name, 'torch'):8.3f}" if "torch" in runs else f"{'-':>8}"
        milliseconds = median(taken[name]) * 1000
        print(f"{name:14}  {milliseconds:5.1f} ms  {ratio(name, BASE):9.2f}  {against_torch}  {peak[name]:5.1f} MiB")
    print()
    for label, (base, limit) in LIMITS.items():
        if base in runs:
            reached = ratio("shapes", base)
            print(f"{label}: {reached:.2f} of {base}, at most {limit}: {'holds' if reached <= limit else 'MISSED'}")
    print(
        f"shapes: {peak['shapes']:.1f} MiB, at most {MEBIBYTES}: {'holds' if peak['shapes'] <= MEBIBYTES else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
