"""Weights and data that a run reads from files instead of drawing them.

Each comes with the code that loads the same numbers in PyTorch, which is part of the report.

Not here: how files are read (`intake.load`, `readers.data`), and what is computed from them (`run`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from lstmcalc.errors import UnsupportedError, shorten, shown_name
from lstmcalc.intake.load import load_weights
from lstmcalc.intake.subject import Subject
from lstmcalc.model.torch_code import Given
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.torch_random import DRAWN_DTYPES
from lstmcalc.readers.data import WHERE, DataFile
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.spec.words import quoted_text

_NUMPY: Final = ("npz", "npy")  # kinds of files
_CELLS: Final = {"pytorch": "", "pytorch-cell": "_l0"}  # the ending that nn.LSTM's names have and these lack


class Provided(NamedTuple):
    """The weights and data that one LSTM is given."""

    subject: Subject  # the LSTM, in the dtype of the computation
    weights: Mapping[str, Array] | None  # under PyTorch's names; None if they are drawn
    inputs: Mapping[str, Array] | None  # `input`, with `h_0` and `c_0` if there are any; None if they are drawn
    given: Given  # the code that loads both
    notes: tuple[str, ...]  # on conversions of dtype


def read_given(
    subject: Subject,
    data: DataFile | None,
    *,
    path: str = "",
    saved: str = "run.npz",
    counted: Callable[[Any], Any] = lambda numbers: numbers,
) -> Provided:
    """Read the weights and data of one LSTM; data is refused beside an Embedding, which makes the input itself.

    Args:
        subject: The LSTM.
        data: The file with its data; None if they are drawn.
        path: The beginning of its arrays' names in the file of `--save`.
        saved: The name of that file.
        counted: Called with each block of weights that is read, which it gives back.
    """
    weights, given, found = None, Given(), subject.found
    notes: list[str] = []
    if (
        found is not None
        and found.weights is not None
        and (found.weights.file is None or found.weights.file.has_numbers)
    ):
        subject, weights, notes = _weights(subject, found, counted)
        given = _loading_code(found, path, saved)
    if data is None:
        return Provided(subject, weights, None, given, tuple(notes))
    if subject.around.embed is not None:
        raise UnsupportedError(
            "an Embedding makes the input itself",
            expected=f"no data of a file, or no Embedding of {subject.around.embed:,} words",
            where=f"{WHERE} and --embed",
        )
    inputs, more = data.read(subject.data.dtype)
    given = given._replace(inputs=_reading_code(data, subject.data.dtype), inputs_from=shown_name(data.path))
    return Provided(subject, weights, inputs, given, (*notes, *more))


def _weights(
    subject: Subject, found: Found, counted: Callable[[Any], Any]
) -> tuple[Subject, Mapping[str, Array], list[str]]:
    """The LSTM and its weights, in the dtype of a flag or else in their own, and notes on conversions."""
    import numpy as np

    weights = load_weights(found, counted)
    own = next(iter(weights.values())).dtype.name
    asked = subject.provenance["dtype"].source == "flag"
    dtype = subject.data.dtype if asked else own
    stored = sorted({tensor.dtype for tensor in found.stored.tensors.values()} - {dtype})
    notes = []
    if stored:
        why = ", as --dtype says" if asked else ""
        notes.append(f"the weights of {found.name} are {' and '.join(stored)}: computed in {dtype}{why}")
    if dtype in DRAWN_DTYPES:  # others are refused by the run
        with np.errstate(over="ignore"):  # what becomes Inf fails a check
            weights = {name: array.astype(dtype, copy=False) for name, array in weights.items()}
    return subject._replace(data=replace(subject.data, dtype=dtype)), weights, notes


# --- code ------------------------------------------------------------------------------------------------------------


def _loading_code(found: Found, path: str, saved: str) -> Given:
    """The code that loads the weights: from the file itself if its names are PyTorch's, else from the saved file."""
    name, file = found.where or "the file", found.stored.file
    prefix = _prefix(found)
    if file is not None and prefix is not None:
        for keys in file.dictionaries:
            root = "".join(f"{key}." for key in keys)
            if prefix.startswith(root):
                state = _state(file, name, keys)
                key = _key(prefix.removeprefix(root), _CELLS[found.framework])
                return Given((*state, _load_line(key, torch=file.kind not in _NUMPY)), name)
    comment = f"# The weights of {name} under PyTorch's names, as run --save keeps them."
    lines = (comment, f"state = np.load({quoted_text(saved)})", _load_line(_key(path, ""), torch=False))
    return Given(lines, name)


def _prefix(found: Found) -> str | None:
    """The text before PyTorch's names in the file; None if the file has other names."""
    if found.framework not in _CELLS:
        return None
    tensors = found.stored.tensors
    prefixes = {
        stored.name.removesuffix(name) if stored.name.endswith(name) else None for name, stored in tensors.items()
    }
    return prefixes.pop() if len(prefixes) == 1 else None


def _state(file: WeightFile, name: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    inside = "".join(f"[{quoted_text(key)}]" for key in keys)
    if file.code:
        return tuple(file.state_code(inside))
    if file.kind == "safetensors":
        return "from safetensors.torch import load_file", f"state = load_file({quoted_text(name)})"
    if file.kind in _NUMPY:
        return (f"state = np.load({quoted_text(name)})",)
    return (f'state = torch.load({quoted_text(name)}, map_location="cpu"){inside}',)


def _key(prefix: str, lacking: str) -> str:
    """The expression for the name in the file of the parameter `name`."""
    own = f"name.removesuffix({quoted_text(lacking)})" if lacking else "name"
    return f"{quoted_text(prefix)} + {own}" if prefix else own


def _load_line(key: str, *, torch: bool) -> str:
    value = f"state[{key}]" if torch else f"torch.from_numpy(state[{key}])"
    line = f"lstm.load_state_dict({{name: {value} for name in lstm.state_dict()}})"
    if len(line) <= 80:  # noqa: PLR2004  # as `torch_code.WIDTH`
        return line
    return f"lstm.load_state_dict(\n    {{name: {value} for name in lstm.state_dict()}}\n)"


def _reading_code(data: DataFile, dtype: str) -> tuple[str, ...]:
    """The code that reads the data."""
    name = data.path if data.path.isprintable() else shorten(data.path)
    if not data.kind:
        return tuple(f"{item} = torch.as_tensor({item}).to(torch.{dtype})" for item in data.tensors)
    if data.kind == "npy":
        return (f"input = torch.from_numpy(np.load({quoted_text(name)})).to(torch.{dtype})",)
    lines = [f"arrays = np.load({quoted_text(name)})"]
    lines += [f'{item} = torch.from_numpy(arrays["{item}"]).to(torch.{dtype})' for item in data.tensors]
    return tuple(lines)
