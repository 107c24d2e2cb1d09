"""Run random command lines, and report those that do what none may (`bounded`). Run in `tests`:

python -m tools.fuzz_command_lines --count 5000 --seed 0
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from lstmcalc.commands.registry import COMMANDS, load_command
from lstmcalc.intake.flags import Flag
from tools.bounded import Commands
from tools.weight_writers import write_safetensors

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

NEEDED: Final = {
    "ls": ["odd.safetensors"],
    "solve": ["hidden", "--params", "1M"],
    "sweep": ["--seq", "2,3"],
    "convert": ["two.safetensors", "--output=out.npz", "--force", "--no-against"],
}


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
        words += NEEDED.get(name, [draw.choice(GOOD)] if name in COMMANDS else [])
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
    elif flag.field == "output":
        value = draw.choice(["out.pt", "out.npz", "out.safetensors", "out.keras", "out.onnx", "out.h", odd(draw)])
    elif flag.field == "into":
        value = draw.choice(["two.safetensors", "out.npz", odd(draw)])
    elif flag.field in ("module", "save", "plot", "framework", "format") or draw.random() < 0.1:
        value = draw.choice(["encoder", "decoder", "a", "keras", "run2.npz", "a.svg", "csv", odd(draw)])
    return [f"{name}={value}"] if name.startswith("--") and draw.random() < 0.3 else [name, value]


def odd(draw: random.Random) -> str:
    """A text that is more than text to something."""
    return "".join(draw.choices(ODD, k=draw.randint(1, 4)))


def main() -> int:
    """Run as many command lines as are asked for, and say which are faulty, and which took longest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    faults, slowest, largest = 0, (0.0, list[str]()), (0, list[str]())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_sources()
        commands = Commands([[name, *NEEDED.get(name, ["two.safetensors"])] for name in COMMANDS])
        for number in range(asked.seed * 10**6, asked.seed * 10**6 + asked.count):
            draw = random.Random(number)  # noqa: S311  # no secret
            arguments = command_line(draw)
            fault, seconds, mebibytes = commands.outcome(arguments, is_terminal=draw.random() < 0.5)
            if fault:
                faults += 1
                print(f"{number} {arguments!r}\n  {fault}", flush=True)
            slowest, largest = max(slowest, (seconds, arguments)), max(largest, (mebibytes, arguments))
        commands.close()
        os.chdir("/")
    print(
        f"{asked.count} command lines, {faults} faults; slowest {slowest[0]:.1f} s: {slowest[1]!r}, "
        f"largest {largest[0]} MiB: {largest[1]!r}"
    )
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
