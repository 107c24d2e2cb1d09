"""Texts as people paste them: lists in the syntaxes of programs, with prefixes, indentation and other lines around."""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence

_TIMES = " \u00d7 "

Rows = Sequence[tuple[str, tuple[int, ...]]]


def _joined(line: Callable[[str, tuple[int, ...]], str], end: str = "\n") -> Callable[[Rows], str]:
    return lambda rows: end.join(line(name, shape) for name, shape in rows)


def _tuple(shape: tuple[int, ...]) -> str:
    return str(shape)


def _size(shape: tuple[int, ...]) -> str:
    return f"torch.Size({list(shape)})"


def _table(rows: Rows) -> str:
    """A table of fvcore 0.1.5 (`parameter_count_table`)."""
    body = [f"|   {name:<40} |   {_tuple(shape)} |" for name, shape in rows]
    return "\n".join(["| name | #elements or shape |", "|:-----|:-------------------|", "| model | 0.3M |", *body])


def _h5dump(rows: Rows) -> str:
    """The text that `h5dump -H` of HDF5 1.14 prints."""
    lines = ['HDF5 "weights.h5" {', 'GROUP "/" {']
    for name, shape in rows:
        *groups, last = name.split("/")
        lines += [f'   GROUP "{group}" {{' for group in groups]
        sizes = ", ".join(map(str, shape))
        lines += [f'      DATASET "{last}" {{', "         DATATYPE  H5T_IEEE_F32LE"]
        lines += [f"         DATASPACE  SIMPLE {{ ( {sizes} ) / ( {sizes} ) }}", "      }"]
        lines += ["   }" for _ in groups]
    return "\n".join([*lines, "}", "}"])


def _safetensors(rows: Rows) -> str:
    held, start = dict[str, object](), 0
    for name, shape in rows:
        end = start + 4 * math.prod(shape)
        held[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
        start = end
    return json.dumps({"__metadata__": {"format": "pt"}, **held})


# Each a way to print names and shapes.
SYNTAXES: Mapping[str, Callable[[Rows], str]] = {
    "print(name, p.shape)": _joined(lambda name, shape: f"{name} {_size(shape)}"),
    "print(name, p.size())": _joined(lambda name, shape: f"{name} \t {_size(shape)}"),
    "name, tuple": _joined(lambda name, shape: f"({name!r}, {_tuple(shape)})"),
    "name: list": _joined(lambda name, shape: f"{name}: {list(shape)}"),
    "name = tuple": _joined(lambda name, shape: f"state_dict[{name!r}].shape = {_tuple(shape)}"),
    "list of pairs": lambda rows: repr([(name, shape) for name, shape in rows]),
    "a dict": lambda rows: repr(dict(rows)),
    "OrderedDict": lambda rows: f"OrderedDict([{', '.join(f'({name!r}, {_size(shape)})' for name, shape in rows)}])",
    "JSON": lambda rows: json.dumps({name: list(shape) for name, shape in rows}),
    "a header of safetensors": _safetensors,
    "a crossed shape": _joined(
        lambda name, shape: f"{name:<50} {'x'.join(map(str, shape)) if shape[1:] else _tuple(shape)}"
    ),
    "tf.Variable": _joined(lambda name, shape: f"<tf.Variable '{name}' shape={_tuple(shape)} dtype=float32>"),
    "Keras 3": _joined(
        lambda name, shape: f"<Variable path={name}, shape={_tuple(shape)}, dtype=float32, value=[[0.1 0.2]]>"
    ),
    "h5ls": _joined(lambda name, shape: f"/{name} Dataset {{{', '.join(map(str, shape))}}}"),
    "h5dump": _h5dump,
    "h5py": _joined(
        lambda name, shape: f'{name} <HDF5 dataset "{name.split("/")[-1]}": shape {_tuple(shape)}, type "<f4">'
    ),
    "Markdown": _joined(
        lambda name, shape: f"| {name} | {_TIMES.join(map(str, shape)) if shape[1:] else _tuple(shape)} | 1,000 |"
    ),
    "a table with boxes": _joined(lambda name, shape: f"│ {name:<40} │ float32 │ {_tuple(shape)} │"),
    "fvcore": _table,
    "lstmcalc ls": _joined(lambda name, shape: f"{name:<40}   lstm   float32   {_tuple(shape)}     800    3.1 KiB"),
    "lstmcalc ls --format csv": _joined(lambda name, shape: f'{name},lstm,float32,"{_tuple(shape)}",800,3200'),
    "sentences": _joined(lambda name, shape: f"Parameter name: {name}, size: {_size(shape)}, requires_grad: True"),
    "name on its own line": _joined(lambda name, shape: f"{name}\n    {_size(shape)}"),
    "shape first": _joined(lambda name, shape: f"{_tuple(shape)} {name}"),
}
WITH_SLASHES = ("tf.Variable", "Keras 3", "h5ls", "h5dump", "h5py")  # names of Keras
WHOLE = ("JSON", "a header of safetensors")  # that no other line may stand beside


# What stands before each line.
_AHEAD = (
    "",
    "    ",
    "2026-03-01 10:00:{second:02d},123 INFO root: ",
    "2026-03-01T10:00:{second:02d}.123Z ",
    "[10:00:{second:02d}] ",
    "INFO:root:",
    "DEBUG - ",
    "> ",
    "\t",
    "\x1b[1m\x1b[0m",
)


def mangled(text: str, seed: int) -> str:
    """A text as it comes out of logs, terminals, notebooks and messages."""
    chance = random.Random(seed)  # noqa: S311  # of tests
    lines = text.split("\n")
    ahead = chance.choice(_AHEAD)
    lines = [f"{ahead.format(second=number % 60)}{line}" for number, line in enumerate(lines)]
    before = chance.choice(
        ([], ["epoch 3: loss 0.21"], [">>> show(model)"], ["Here is what I get:", ""], ["Using device: cuda:0"])
    )
    behind = chance.choice(([], ["", "Any idea?"], ["Traceback (most recent call last):"], ["done in 3.2 s"]))
    return chance.choice(("\n", "\r\n")).join([*before, *lines, *behind])
