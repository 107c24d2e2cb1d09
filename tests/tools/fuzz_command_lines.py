"""Run random command lines, and report those that do what none may.

A command line ends in exit code 0, 1 or 2 within a bound of time of the processor, prints printable lines and nothing of Python's own
(a traceback, a warning), and with `--json` one document. Run in `tests`:

    python -m tools.fuzz_command_lines --count 5000 --seed 0
"""

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

import numpy as np

from lstmcalc.application import asks_for_json
from lstmcalc.cli import run_command_line
from lstmcalc.commands.registry import COMMANDS, load_command
from lstmcalc.intake.flags import Flag
from tools.weight_writers import write_safetensors

SECONDS: Final = 10.0  # of the processor: no command line of these takes more
PATIENCE: Final = 60.0  # seconds on the clock, where something waits

ODD: Final = (
    "\x1b[31m", "\x07", "\x9b2J", "\u202e", "\u2028", "\r", "\n", "\t", "\x7f", "|", "\\|", "`", "<b>", "[red]", "$a$",
    "=1+1", "-1", "@a", ",", "'", '"', "(", ")", "=", ":", ".", " ", "é", "\U0001f600", "\udc80", "a", "lstm", "0",
)  # fmt: skip
NUMBERS: Final = (
    "0", "1", "2", "3", "7", "20", "64", "-1", "1.5", "1e3", "0x10", "1_000", "+3", "9" * 30, "9" * 5000, "2147483648",
    "9223372036854775807", "9223372036854775808", "nan", "inf", "-0", "0.5", "1e-320", "1:4", "4:1", "1:9:2", "2,3",
    "4,2,3", "1,,2", "1M", "2GiB", "1e99", "1kb", "",
)  # fmt: skip
SOURCES: Final = (
    "nn.LSTM(10, 20)", "nn.LSTM(10, 20, 2, bidirectional=True)", "keras.layers.LSTM(20)", "nn.LSTMCell(3, 4)",
    "nn.LSTM(n, 20)", "nn.LSTM(10, 20, proj_size=5)", "LSTM(10, 20)", "nn.GRU(1, 2)", "nn.LSTM(", "(", "{", "a.pt",
    "two.safetensors", "odd.safetensors", "run.npz", "x.npy", "a.py", "a.toml", "a.json", "tree.txt", "missing", ".",
    "-", "hidden", "batch", "seq", "layers",
)  # fmt: skip
GOOD: Final = ("nn.LSTM(3, 4)", "two.safetensors", "odd.safetensors", "run.npz", "a.toml", "a.json", "tree.txt")


class Fault(NamedTuple):
    """A command line that did what none may."""

    arguments: Sequence[str]
    what: str


def write_sources() -> None:
    """Write the files of `SOURCES` into the current directory."""

    def weights(
        path: str, inputs: int = 3, cells: int = 2
    ) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        shapes = {"weight_ih": (4 * cells, inputs), "weight_hh": (4 * cells, cells)}
        return {f"{path}{name}_l0": np.ones(shape, np.float32) for name, shape in shapes.items()}

    write_safetensors(Path("two.safetensors"), {**weights("encoder."), **weights("decoder.", 2, 5)})
    write_safetensors(Path("odd.safetensors"), {**weights("\x1b[31m|."), **weights("=1+1\u202e."), **weights("$a$\n.")})
    np.savez("run.npz", allow_pickle=False, **weights(""), input=np.ones((5, 3, 3), np.float32))
    np.save("x.npy", np.ones((5, 3, 3), np.float32))
    Path("a.pt").write_bytes(b"\x80\x02}q\x00.")
    Path("a.py").write_text("n = 4\na = nn.LSTM(n, args.width)\nb = nn.LSTM(3, 4)\n", encoding="utf-8")
    Path("a.toml").write_text('[lstm."a\\u001b"]\ninput_size = 3\nhidden_size = 2\n', encoding="utf-8")
    Path("a.json").write_text('{"lstm": {"=1": {"input_size": 3, "hidden_size": 2}}}', encoding="utf-8")
    Path("tree.txt").write_text("Net(\n  (a|b): LSTM(3, 2)\n  (c): LSTM(2, 2)\n)\n", encoding="utf-8")


def command_line(draw: random.Random) -> list[str]:
    """A random command line: mostly options of the command, with values that they may take or not."""
    name = draw.choice([*COMMANDS]) if draw.random() < 0.97 else draw.choice(["", "--version", "-h", "shpes"])
    flags = [flag for panel in load_command(name).panels.values() for flag in panel] if name in COMMANDS else []
    words = [name]
    if draw.random() < 0.8:  # most of what is needed, so that something is reported
        needed = {"ls": ["odd.safetensors"], "solve": ["hidden", "--params", "1M"], "sweep": ["--seq", "2,3"]}
        words += needed.get(name, [draw.choice(GOOD)] if name in COMMANDS else [])
    for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4, 6])):
        words += option(draw, draw.choice(flags)) if flags else [draw.choice(SOURCES)]
    if draw.random() < 0.3:
        words += draw.choice([["--json"], ["--format", "csv"], ["--format", "markdown"], ["--format=json"]])
    return [word.replace("\0", "") for word in words]


def option(draw: random.Random, flag: Flag) -> list[str]:
    """An option, or an argument, with a value."""
    if not flag.names:
        return [draw.choice(SOURCES) if draw.random() < 0.9 else odd(draw)]
    name = draw.choice([*flag.names, *flag.off])
    if not flag.metavar:
        return [name]
    value = number = draw.choice(NUMBERS) if draw.random() < 0.3 else str(draw.randint(1, 5))
    choices = flag.choices() if callable(flag.choices) else flag.choices
    if flag.field == "against":
        choices = ("onnxruntime",)  # the others take seconds to load
    if choices and draw.random() < 0.8:
        value = ",".join(draw.choices(choices, k=draw.choice([1, 1, 2])))
    elif flag.field == "set":
        value = (
            draw.choice(["n", "args.width", "x", odd(draw)]) + "=" + draw.choice([number, "(1, 2)", "'a'", odd(draw)])
        )
    elif flag.field in ("module", "save", "plot", "framework", "format") or draw.random() < 0.1:
        value = draw.choice(["encoder", "decoder", "a", "keras", "run2.npz", "a.svg", "csv", odd(draw)])
    return [f"{name}={value}"] if name.startswith("--") and draw.random() < 0.3 else [name, value]


def odd(draw: random.Random) -> str:
    """A text that is more than text to something."""
    return "".join(draw.choices(ODD, k=draw.randint(1, 4)))


class _TooSlow(BaseException):
    """The bound of time has passed."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """End what takes longer than this."""

    def stop(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault_of(arguments: Sequence[str], seconds: float = SECONDS) -> str:
    """The fault of a command line, in words; empty if there is none."""
    out, err = io.StringIO(), io.StringIO()
    began = process_time()
    try:
        with warnings.catch_warnings(), bounded(PATIENCE), redirect_stdout(out), redirect_stderr(err):
            warnings.simplefilter("error")
            code = run_command_line(arguments)
    except _TooSlow:
        return f"over {PATIENCE} seconds"
    except BaseException:  # noqa: BLE001  # that is what is looked for
        return traceback.format_exc(limit=-4)
    if process_time() - began > seconds:
        return f"over {seconds} seconds of the processor"
    return f"exit code {code}" if code not in (0, 1, 2) else _fault_in(arguments, code, out.getvalue(), err.getvalue())


def _fault_in(arguments: Sequence[str], code: int, out: str, err: str) -> str:
    """The fault in what a command line printed; empty if there is none."""
    for stream, text in (("stdout", out), ("stderr", err)):
        line = next((line for line in text.split("\n") if not line.isprintable()), None)
        if line is not None:
            return f"{stream} has {line[:200]!r}"
    if "-h" not in arguments and "--help" not in arguments and asks_for_json(arguments) and code != 0:
        try:
            json.loads(out)
        except ValueError:
            return f"no document: {out[:200]!r}, {err[:200]!r}"
    return ""


def main() -> int:
    """Run as many command lines as are asked for, and say which are faulty, and which took longest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # for SOURCE -
    faults, slowest = list[Fault](), (0.0, list[str]())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_sources()
        for number in range(asked.count):
            arguments = command_line(random.Random(asked.seed * 10**6 + number))  # noqa: S311  # no secret
            started = process_time()
            if fault := fault_of(arguments):
                faults.append(Fault(arguments, fault))
                print(f"{arguments!r}\n  {fault}", flush=True)
            slowest = max(slowest, (process_time() - started, arguments))
        os.chdir("/")
    print(f"{asked.count} command lines, {len(faults)} faults; slowest {slowest[0]:.1f} s: {slowest[1]!r}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
