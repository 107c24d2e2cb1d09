"""A C header read back, and compiled and run where there is a compiler.

Only what `c` wrote is compiled: its text is a template, numbers, and names of letters and digits.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from lstmcalc.errors import SourceError, UnsupportedError, shorten, shown_name
from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.failures import failures
from lstmcalc.proof.judges import Verdict
from lstmcalc.spec.config import DataSpec
from lstmcalc.writers.target import Portable

COMPILERS: Final = ("cc", "gcc", "clang")
_MOST: Final = 2**22  # numbers of a header that is compiled for a proof: about a minute
_SECONDS: Final = 300  # that a compiler may take, and the program
_BEGIN: Final = re.compile(r"static const (float|double) (\w+)\[[\d *]+\] = \{\n")
_STATE: Final = re.compile(r"\} (\w+)_state;\n")
_REAL: Final = {"float": np.float32, "double": np.float64}


def own_name(path: str) -> str:
    """The beginning of the identifiers of a header; SourceError if it is not one of ours."""
    try:
        with open(path, encoding="ascii") as lines:  # noqa: PTH123
            found = next(filter(None, map(_STATE.fullmatch, lines)), None)
    except (OSError, ValueError):
        found = None
    if found is None:
        raise SourceError(f"{shown_name(path)} is no header of ours", "the type of a state")
    return found[1]


def read_header(path: str, lstm: Portable) -> dict[str, Any]:
    """The weights in a header under PyTorch's names, the sum of both biases as bias_ih."""
    shapes, own = weight_shapes(lstm.config), own_name(path)
    dtype = lstm.dtype
    numbers = _numbers(path)
    found: dict[str, Any] = {}
    for name, shape in shapes.items():
        if name.startswith("bias_hh"):
            found[name] = np.zeros(shape, dtype)
            continue
        stored = numbers.get(f"{own}_{name.replace('bias_ih', 'bias')}")
        if stored is None or stored.size != np.prod(shape):
            size = 0 if stored is None else stored.size
            raise SourceError(f"{shown_name(path)} has not all of {name}", f"{shape}", f"{size:,} numbers")
        found[name] = stored.reshape(shape).astype(dtype)
    return found


def _numbers(path: str) -> dict[str, Array]:
    """The numbers of each array in a header."""
    found: dict[str, Array] = {}
    try:
        with open(path, encoding="ascii") as lines:  # noqa: PTH123
            for line in lines:
                begun = _BEGIN.fullmatch(line)
                if begun:
                    read = [number for row in iter(lines.readline, "};\n") for number in _row(row)]
                    found[begun[2]] = np.array(read, _REAL[begun[1]])
    except (OSError, ValueError) as error:
        raise SourceError(f"{shown_name(path)} is no header of ours", found=shorten(str(error))[1:-1]) from None
    return found


def _row(line: str) -> list[float]:
    """The numbers of a line; ValueError if it has none."""
    if not line.endswith(",\n"):
        raise ValueError(shorten(line))
    return [float(number.strip().removesuffix("f")) for number in line[:-2].split(",")]


def compiler() -> str:
    """The path of a C compiler; empty if none is installed."""
    return next(filter(None, map(shutil.which, COMPILERS)), "")


def run_header(path: str, lstm: Portable, given: DataSpec, inputs: Mapping[str, Array]) -> Verdict | None:
    """The results of the header, compiled and run; None without a compiler, of packed batches, and if it takes long."""
    program = compiler()
    count = sum(array.size for array in lstm.weights.values())
    if not program or given.lengths or not given.num_sequences:
        return None
    name = Path(program).name
    if count > _MOST:
        raise UnsupportedError(f"{name} takes long to compile so many numbers", f"at most {_MOST:,}", f"{count:,}")
    with TemporaryDirectory() as folder:
        _check_compiler(program, Path(folder))
        with failures(name):
            version = _call([program, "-dumpfullversion", "-dumpversion"], folder).strip()
            outputs = _results(program, Path(folder), path, lstm, given, inputs)
    return Verdict(f"a program that {name} {version} compiled", outputs)


def _check_compiler(program: str, folder: Path) -> None:
    """Refuse a compiler that does not compile the empty program, as one without a C library does not."""
    (folder / "empty.c").write_text("#include <math.h>\n#include <stdio.h>\nint main(void) { return 0; }\n", "ascii")
    try:
        _call([program, "-std=c99", "-o", "empty", "empty.c", "-lm"], str(folder))
        _call([str(folder / "empty")], str(folder))
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        found = shorten(str(error).partition("\n")[0], 200)[1:-1]
        raise UnsupportedError(f"{Path(program).name} compiles no program here", found=found) from None


def _call(command: list[str], folder: str) -> str:
    """The output of a program; an error if it fails."""
    done = subprocess.run(  # noqa: S603  # a compiler, and what it made of our own text
        command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} gives {done.returncode}: {done.stderr.strip()[:200]}")
    return done.stdout


def _results(
    program: str, folder: Path, path: str, lstm: Portable, given: DataSpec, inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Output, h_n and c_n of each sequence, computed one after the other."""
    config, dtype = lstm.config, next(iter(inputs.values())).dtype
    real: Any = np.float64 if dtype == np.float64 else np.float32
    shutil.copyfile(path, folder / "lstm.h")
    (folder / "main.c").write_text(_program(own_name(path), lstm, given, real.__name__), encoding="ascii")
    x, h, c = inputs["input"], inputs["h_0"], inputs["c_0"]
    if given.unbatched:
        x, h, c = (x[None] if config.batch_first else x[:, None]), h[:, None], c[:, None]
    x = x if config.batch_first else x.swapaxes(0, 1)
    parts = [np.concatenate([part[:, n].reshape(-1) for part in (h, c)] + [x[n].reshape(-1)]) for n in range(len(x))]
    np.concatenate(parts).astype(real).tofile(folder / "in")
    _call([program, "-std=c99", "-O2", "-o", "run", "main.c", "-lm"], str(folder))
    _call([str(folder / "run")], str(folder))
    found = np.fromfile(folder / "out", real).reshape(len(x), -1).astype(dtype)
    sizes = [h[:, 0].size, c[:, 0].size]
    h_n, c_n, output = np.split(found, np.cumsum(sizes), axis=1)
    order = (1, 0, 2)
    results: dict[str, Any] = {
        "output": output.reshape(len(x), given.seq_len, -1).transpose((0, 1, 2) if config.batch_first else order),
        "h_n": h_n.reshape(len(x), *h[:, 0].shape).transpose(order),
        "c_n": c_n.reshape(len(x), *c[:, 0].shape).transpose(order),
    }
    if given.unbatched:
        axis = {"output": 0 if config.batch_first else 1, "h_n": 1, "c_n": 1}
        results = {name: np.take(array, 0, axis[name]) for name, array in results.items()}
    return results


def _program(own: str, lstm: Portable, given: DataSpec, dtype: str) -> str:
    """A program that reads states and sequences from `in`, and writes the last states and the outputs to `out`."""
    macro, real = own.upper(), "double" if dtype == "float64" else "float"
    calls = f"for (t = 0; t < STEPS; t++) {own}_step(&state, x + t * {macro}_INPUT_SIZE, y + t * {macro}_OUTPUT_SIZE);"
    work = ""
    if lstm.config.bidirectional:
        many = lstm.config.num_layers > 1
        work = f"static {real} work[{macro}_WORK_SIZE(STEPS)];" if many else ""
        calls = f"(void) t; {own}_run_from(&state, x, STEPS, y{', work' if many else ''});"
    return f"""\
#include <stdio.h>
#include "lstm.h"
#define STEPS {given.seq_len}L
static {own}_state state;
static {real} x[STEPS * {macro}_INPUT_SIZE], y[STEPS * {macro}_OUTPUT_SIZE];
{work}
int main(void)
{{
    FILE *in = fopen("in", "rb"), *out = fopen("out", "wb");
    long n, t = 0;

    if (!in || !out) return 1;
    for (n = 0; n < {given.num_sequences}L; n++) {{
        if (fread(state.h, sizeof state.h, 1, in) != 1 || fread(state.c, sizeof state.c, 1, in) != 1) return 2;
        if (fread(x, sizeof x, 1, in) != 1) return 2;
        {calls}
        if (fwrite(state.h, sizeof state.h, 1, out) != 1 || fwrite(state.c, sizeof state.c, 1, out) != 1) return 3;
        if (fwrite(y, sizeof y, 1, out) != 1) return 3;
    }}
    return fclose(out) ? 3 : 0;
}}
"""
