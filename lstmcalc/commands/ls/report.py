"""The report of ls: the tensors of a weight file, with statistics of their numbers on request."""

from collections.abc import Sequence
from typing import Any, Final

from lstmcalc.errors import SourceError, bytes_text, printable, shown_name
from lstmcalc.lazy import LazySequence
from lstmcalc.machine import available_memory
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.recognise.recognition import Contents, recognise
from lstmcalc.readers.sources import pick
from lstmcalc.report.document import document
from lstmcalc.report.tree import Tree, check_rows
from lstmcalc.spec.words import counted

STATISTICS: Final = ("min", "max", "mean", "norm", "nan", "inf")
_COPIES: Final = 4  # the bytes, the array, and what is computed from it
_NOTED: Final = 3  # unreadable tensors that get a note of their own


def ls_module(path: str, modules: Sequence[str] = (), *, stats: bool = False) -> Tree:
    """Every tensor of a weight file, or of some of its LSTMs and their relatives.

    Args:
        path: The file.
        modules: Their names, or ends of these; empty for the whole file.
        stats: True to read the numbers: `min`, `max`, `mean` and `norm` (the root of the sum of squares) are those of
            the finite numbers, null if there are none; `nan` and `inf` count the others.
    """
    contents = recognise(open_weights(path))
    tensors = _chosen_tensors(contents, modules)
    check_rows(len(tensors), "tensor", "--module NAME of one LSTM")
    rows: Sequence[Tree] = LazySequence(len(tensors), lambda index: _row(tensors[index], contents))
    notes = [printable(note) for note in contents.file.notes]
    if stats:
        rows, unread = _with_statistics(rows, tensors)
        notes += unread
    total, size = sum(numel(item.shape) for item in tensors), sum(item.nbytes for item in tensors)
    count = counted(len(tensors), "tensor")
    return {
        "name": shown_name(path),
        "text": f"{contents.file.format}, {count}, {total:,} numbers, {bytes_text(size)}",
        "format": contents.file.format,
        "tensors": rows,
        "lstms": [
            {"name": printable(item.name), "framework": item.framework, "text": str(item.stored.config)}
            for item in contents.lstms
        ],
        "relatives": [
            {
                "name": printable(item.unit),
                "kind": printable(item.kind),
                "input_size": item.input_size,
                "hidden_size": item.hidden_size,
            }
            for item in contents.file.relatives
        ],
        "total": total,
        "total_bytes": size,
        "notes": notes,
    }


def _chosen_tensors(contents: Contents, modules: Sequence[str]) -> list[Stored]:
    """The tensors of the named modules; all if none is named."""
    if not modules:
        return list(contents.file.tensors)
    names = {printable(owner): owner for owner in contents.file.owners.values()}
    picked = {names[pick(list(names), module)] for module in modules}
    return [item for item in contents.file.tensors if contents.file.owners.get(item.name) in picked]


def _row(tensor: Stored, contents: Contents) -> Tree:
    owner = contents.file.owners.get(tensor.name)
    return {
        "name": printable(tensor.name),
        "owner": None if owner is None else printable(owner),
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "count": numel(tensor.shape),
        "bytes": tensor.nbytes,
    }


def _with_statistics(rows: Sequence[Tree], tensors: Sequence[Stored]) -> tuple[list[Tree], list[str]]:
    """The rows with statistics of their numbers, and notes on tensors that could not be read."""
    done, notes = [], []
    for row, tensor in zip(rows, tensors, strict=True):
        found = dict.fromkeys(STATISTICS)
        try:
            found = _statistics(tensor)
        except SourceError as error:
            notes.append(printable(f"no statistics of {tensor.name}: {error.what}"))
        done.append({**row, **found})
    more = len(notes) - _NOTED
    return done, notes[:_NOTED] + ([f"no statistics of {more:,} more"] if more > 0 else [])


def _statistics(tensor: Stored) -> dict[str, Any]:
    """Statistics of a tensor's numbers; too many for the memory are a SourceError, which becomes a note."""
    wanted, free = _COPIES * max(tensor.nbytes, 8 * numel(tensor.shape)), available_memory()
    if wanted > free:
        raise SourceError("too large for the memory", f"at most {bytes_text(free)}", bytes_text(wanted))
    import numpy as np

    values = np.asarray(tensor.read()).ravel()
    if values.dtype.kind not in "fiub":
        raise SourceError(f"numbers of {values.dtype} have no order", "real numbers")
    values = values.astype(np.float64, copy=False)
    finite = values[np.isfinite(values)]
    nan = int(np.isnan(values).sum())
    counts = {"nan": nan, "inf": values.size - finite.size - nan}
    if not finite.size:
        return {**dict.fromkeys(STATISTICS), **counts}
    largest = float(np.abs(finite).max()) or 1.0  # dividing by it keeps the squares in range
    with np.errstate(over="ignore"):
        numbers = {
            "min": float(finite.min()),
            "max": float(finite.max()),
            "mean": float((finite / largest).mean() * largest),
            "norm": float(np.sqrt(np.square(finite / largest).sum()) * largest),
        }
    return {**{name: value if np.isfinite(value) else None for name, value in numbers.items()}, **counts}


def ls_report(path: str, modules: Sequence[str] = (), *, stats: bool = False) -> Tree:
    """Every tensor of a weight file; with `stats`, statistics of its numbers."""
    return document("ls", [ls_module(path, modules, stats=stats)])
