"""An LSTM as one C99 header that needs <math.h> and nothing else: no allocation, no other file.

The weights are constant arrays in PyTorch's order of gates; `NAME_step` computes a step of a stack in one direction,
`NAME_run` a sequence in both. Every identifier begins with the module's name, so that a program may include several.
It is C++ too.

Sources: ISO/IEC 9899:1999, 5.2.1.1 (trigraphs), 6.4.2 (63 characters of an identifier tell), 6.4.4.2 and 7.12.

Not here: its functions (`c_code`), and how it is read back, compiled and run (`c_runs`).
"""

import re
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import PurePath
from typing import IO, Any, Final

import numpy as np

from lstmcalc.errors import TooLargeError, UnsupportedError
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.version import __version__
from lstmcalc.writers.c_code import (
    Names,
    cell_code,
    function_code,
    number_text,
    run_code,
    state_code,
    step_code,
)
from lstmcalc.writers.c_runs import read_header, run_header
from lstmcalc.writers.names import identifier
from lstmcalc.writers.target import Asked, Portable, Target

_FLAG: Final = "--to c"
_LARGEST: Final = 2**24  # numbers; a compiler takes some 100 bytes of memory for each
_IN_LINE: Final = 6  # numbers


def _names(lstm: Portable) -> Names:
    own = identifier(lstm.name)
    double = lstm.dtype == "float64"
    return Names(own, own.upper(), "double" if double else "float", "" if double else "f")


# --- text


def header_lines(lstm: Portable) -> Iterator[str]:
    """The lines of the header."""
    names = _names(lstm)
    yield from _comment(lstm, names)
    yield f"#ifndef {names.macro}_HEADER"
    yield f"#define {names.macro}_HEADER"
    yield ""
    yield "#include <math.h>"
    yield ""
    yield from _sizes(lstm.config, names)
    yield ""
    for name, array in stored_arrays(lstm).items():
        yield from _array_lines(f"{names.own}_{name}", array, names)
        yield ""
    code = [*state_code(names), *function_code(lstm, names), *cell_code(lstm, names)]
    code += run_code(lstm.config, names) if lstm.config.bidirectional else step_code(lstm.config, names)
    yield from code
    yield f"#endif /* {names.macro}_HEADER */"


def _comment(lstm: Portable, names: Names) -> Iterator[str]:
    """The head: what it is, how it is used, and what it takes."""
    config, width = lstm.config, 8 if names.real == "double" else 4
    cells, shown = config.num_layers * config.num_directions, re.sub(r"[^A-Za-z0-9_. -]", "_", lstm.name[:60])
    numbers = sum(array.size for array in stored_arrays(lstm).values())
    state = width * cells * (config.output_size + config.hidden_size)
    function = f"{names.own}_run" if config.bidirectional else f"{names.own}_step"
    yield f"/* {shown or 'lstm'}: {config}"
    yield f" * written by lstmcalc {__version__}; C99, <math.h>, no allocation"
    yield " *"
    yield f" * computes  gates {lstm.activations.gates}, cell {lstm.activations.cell}, in {names.real}"
    yield f" * flash     {width * numbers:,} bytes of weights, {numbers:,} numbers"
    where = f", on the stack of {function}" if config.bidirectional else ""
    yield f" * RAM       {state:,} bytes, a {names.own}_state{where}"
    yield f" * stack     about {width * config.hidden_size + 200:,} bytes, in {function}"
    if config.bidirectional and config.num_layers > 1:
        each = width * config.num_directions * config.output_size
        yield f" * work      {each:,} bytes for each step of a sequence, of the caller"
    yield " *"
    yield from (f" *     {line}" if line else " *" for line in _usage(config, names))
    yield " */"


def _usage(config: LSTMConfig, names: Names) -> list[str]:
    """The lines that compute a sequence."""
    own, macro, real = names.own, names.macro, names.real
    if not config.bidirectional:
        return [
            f"{own}_state state;",
            f"{real} x[{macro}_INPUT_SIZE] = {{0}}, y[{macro}_OUTPUT_SIZE];",
            "",
            f"{own}_reset(&state);",
            f"{own}_step(&state, x, y); // for each step",
        ]
    many = config.num_layers > 1
    work = f", work[{macro}_WORK_SIZE(5)]" if many else ""
    return [
        f"{real} x[5 * {macro}_INPUT_SIZE] = {{0}}, y[5 * {macro}_OUTPUT_SIZE]{work};",
        "",
        f"{own}_run(x, 5, y{', work' if many else ''}); // 5 steps, one after the other",
    ]


def _sizes(config: LSTMConfig, names: Names) -> Iterator[str]:
    own = names.macro
    yield f"#define {own}_INPUT_SIZE {config.input_size}L /* numbers of a step that go in */"
    width = config.num_directions * config.output_size
    yield f"#define {own}_OUTPUT_SIZE {width}L /* numbers of a step that come out */"
    yield f"#define {own}_HIDDEN_SIZE {config.hidden_size}L /* cells of a layer and direction */"
    yield f"#define {own}_H_SIZE {config.output_size}L /* numbers of its h */"
    yield f"#define {own}_NUM_CELLS {config.num_layers * config.num_directions}L /* layers, each with its directions */"
    if config.bidirectional and config.num_layers > 1:
        yield f"#define {own}_WORK_SIZE(steps) ((steps) * {own}_OUTPUT_SIZE)"


def stored_arrays(lstm: Portable) -> dict[str, Any]:
    """The arrays of the header: the weights, both biases added up."""
    dtype = np.float64 if lstm.dtype == "float64" else np.float32
    found: dict[str, Any] = {}
    for name in weight_shapes(lstm.config):
        own = lstm.weights[name].astype(dtype, copy=False)
        if name.startswith("bias_ih"):
            own = own + lstm.weights[name.replace("bias_ih", "bias_hh")].astype(dtype, copy=False)
        if not name.startswith("bias_hh"):
            found[name.replace("bias_ih", "bias")] = own
    return found


def _array_lines(name: str, array: Any, names: Names) -> Iterator[str]:  # noqa: ANN401
    """An array, its shape as a product of sizes, with digits that read back to the same bits."""
    yield f"static const {names.real} {name}[{' * '.join(map(str, array.shape))}] = {{"
    digits = "%.17g" if names.real == "double" else "%.9g"
    flat = array.reshape(-1)
    for start in range(0, flat.size, _IN_LINE):
        row = flat[start : start + _IN_LINE].tolist()
        yield f"    {', '.join(number_text(digits % item, names.f) for item in row)},"
    yield "};"


# --- the target


def _check(lstms: Sequence[Portable], _asked: Asked) -> None:
    """Refuse numbers that C has no constant for, and more of them than a compiler takes."""
    for lstm in lstms:
        count = LSTMModel(lstm.config).num_parameters
        if count > _LARGEST:
            raise TooLargeError(
                f"{lstm.name} is too large for a header",
                f"at most {_LARGEST:,} numbers",
                f"{count:,}",
                "--to onnx keeps them in a file",
                _FLAG,
            )
        for name, array in lstm.weights.items():
            if not np.isfinite(array).all():
                raise UnsupportedError(f"{name} of {lstm.name} has NaN or Inf", "numbers", where=_FLAG)
        overflown = [name for name, array in stored_arrays(lstm).items() if not np.isfinite(array).all()]
        bounds = [bound for bound in lstm.activations[2:] if bound is not None and not isfinite(float(bound))]
        if overflown or bounds:
            raise UnsupportedError(f"{lstm.name} has a sum or a bound that is infinite", "numbers", where=_FLAG)


def _write(stream: IO[bytes], lstms: Sequence[Portable], _asked: Asked) -> None:
    for line in header_lines(lstms[0]):
        stream.write(f"{line}\n".encode("ascii"))


def _load(lstms: Sequence[Portable], asked: Asked) -> list[str]:
    """A program that computes a step, or a sequence, with the header."""
    (lstm,) = lstms
    name = PurePath(asked.path).name
    plain = re.fullmatch(r"[A-Za-z0-9_. +=-]+", name) is not None
    usage = [line.replace(" // for each step", " /* for each step */") for line in _usage(lstm.config, _names(lstm))]
    usage = [line.replace(" // 5 steps, one after the other", " /* 5 steps */") for line in usage]
    body = [f"    {line}" if line else "" for line in usage]
    return [f'#include "{name if plain else "lstm.h"}"', "", "int main(void)", "{", *body, "    return 0;", "}"]


def _read(path: str, lstms: Sequence[Portable]) -> list[dict[str, Any]]:
    return [read_header(path, lstm) for lstm in lstms]


def _notes(lstms: Sequence[Portable]) -> list[str]:
    """The changes that were made on the way."""
    notes = ["b_ih + b_hh is stored, as one sum"] if any(lstm.config.bias for lstm in lstms) else []
    if any(lstm.dtype == "float16" for lstm in lstms):
        notes.append("float16 becomes float, without a change of any number")
    return notes


TARGET: Final = Target(
    framework="c",
    title="C99",
    suffixes=(".h",),
    several=False,
    check=_check,
    write=_write,
    load=_load,
    read=_read,
    run=run_header,
    notes=_notes,
)
