"""The whole state dict of a source, to be written with the LSTMs in it: a checkpoint that is rescued.

Its tensors are copied under their names, without the keys that lead to it and without the names that wrappers add;
weights that weight_norm keeps in two parts are computed.

Not here: the proof of the LSTMs (`making`), and the bytes of each kind of file (`writers`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lstmcalc.commands.convert.making import NONE, WHOLE, ProofRow, Work
from lstmcalc.errors import LstmcalcError, UsageError, printable
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.tensors import StateDict, Stored, WeightFile
from lstmcalc.readers.recognise.reparametrized import with_products
from lstmcalc.spec.words import counted, with_rest
from lstmcalc.writers.entries import Entry, copied_entry
from lstmcalc.writers.tables import CONTAINERS

if TYPE_CHECKING:
    from lstmcalc.commands.convert.taking import Taken

FLAG: Final = "--keep-others"
_STATE_DICTS: Final = ("pytorch", "pytorch-cell")  # whose modules are together in one state dict
_COMPILED: Final = "_orig_mod."  # what torch.compile adds, wherever a compiled module is
_PARALLEL: Final = "module."  # what DataParallel adds in front


class Kept(NamedTuple):
    """A state dict as it is written."""

    entries: Sequence[Entry]
    sources: Mapping[str, Stored]  # the tensor of the source by the name that is written
    prefixes: Sequence[str]  # what the names of each LSTM begin with
    left_out: Sequence[str]
    changes: Sequence[str]


def keep(taken: "Taken", framework: str, suffix: str) -> Kept:
    """The state dict of the source that has the LSTMs in it; UsageError if it cannot be written as what is asked."""
    file = _file_of(taken, framework)
    state = _state_of(file, taken)
    start = "".join(f"{key}." for key in state.keys)
    own = [item for item in state.entries.values() if isinstance(item, Stored)]
    tensors, products = with_products(own, of_any=True)
    parts = {part for names in products.values() for part in names}
    kept = [tensor for tensor in tensors if tensor.name not in parts]
    given = _telling_names(taken)
    names, changes = _plain_names([given.get(tensor.name, tensor.name.removeprefix(start)) for tensor in kept])
    if given:
        changes.append("the names of an LSTM's arrays are those of its layer: those of the file say nothing")
    made = [printable(name.removeprefix(start)) for name in products]
    changes += [f"computed of what weight_norm or a dropout keeps: {with_rest(made, 3)}"] if made else []
    changes = [f"taken out of {'.'.join(state.keys)}", *changes] if start else changes
    entries, sources, left = list[Entry](), dict[str, Stored](), list[str]()
    found = [subject.found for subject in taken.subjects if subject.found is not None]
    own_names = {held.name for item in found for held in item.stored.tensors.values()}
    for tensor, name in zip(kept, names, strict=True):
        try:
            entry = copied_entry(tensor, name)
            CONTAINERS[suffix].check([entry])
        except LstmcalcError as error:
            if tensor.name in own_names:  # without it there is no LSTM in the file
                raise
            left.append(f"{tensor.name} ({error.found or error.what})")
            continue
        entries.append(entry)
        sources[name] = tensor
    left += _rest(file, state, {tensor.name for tensor in own})
    return Kept(entries, sources, _prefixes(taken, sources), left, changes)


def _file_of(taken: "Taken", framework: str) -> WeightFile:
    """The only file of the LSTMs, whose framework is the target's."""
    found = [subject.found for subject in taken.subjects]
    files = {id(item.stored.file): item.stored.file for item in found if item is not None and item.weights}
    file = next(iter(files.values()), None)
    if taken.drawn or file is None:
        raise UsageError("there are no other tensors", "a weight file", "drawn weights", where=FLAG)
    theirs = {item.framework for item in found if item is not None}
    if not (theirs <= set(_STATE_DICTS) if framework in _STATE_DICTS else theirs == {framework}):
        hint = "without it, the LSTM alone is converted"
        raise UsageError(
            "the names of other tensors are those of another framework", framework, ", ".join(theirs), hint, FLAG
        )
    return file


def _state_of(file: WeightFile, taken: "Taken") -> StateDict:
    """The dictionary that has every LSTM in it: the innermost one, or the file itself."""
    found = [subject.found for subject in taken.subjects if subject.found is not None]
    own = {name for item in found for name in (*item.stored.names, *(t.name for t in item.stored.tensors.values()))}
    names = own & {tensor.name for tensor in file.tensors}  # without those that are computed of others
    whole = StateDict((), {tensor.name: tensor for tensor in file.tensors})
    fitting = [
        state
        for state in file.state_dicts
        if names <= {item.name for item in state.entries.values() if isinstance(item, Stored)}
    ]
    return max(fitting, key=lambda state: len(state.keys), default=whole)


def _telling_names(taken: "Taken") -> dict[str, str]:
    """Names for the arrays of LSTMs that the file calls by names that say nothing, as a frozen TorchScript does."""
    found = [subject.found for subject in taken.subjects if subject.found is not None]
    return {
        tensor.name: f"{item.name}.{own}"
        for item in found
        for own, tensor in item.stored.tensors.items()
        if item.framework in _STATE_DICTS and not tensor.name.endswith(own)
    }


def _plain_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names without what wrappers add, and what that was, in sentences."""
    made, changes = list(names), list[str]()
    if any(_COMPILED in name for name in made):
        made = [name.replace(_COMPILED, "") for name in made]
        changes.append(f"{_COMPILED} of torch.compile is taken out of names")
    if made and all(name.startswith(_PARALLEL) for name in made):
        made = [name.removeprefix(_PARALLEL) for name in made]
        changes.append(f"{_PARALLEL} of DataParallel is taken off names")
    return (made, changes) if len(set(made)) == len(made) else (list(names), [])


def _rest(file: WeightFile, state: StateDict, own: set[str]) -> Iterator[str]:
    """Everything else that the source has: entries that are no tensors, and all outside of the state dict."""
    yield from (
        f"{'.'.join((*state.keys, name))} ({kind})" for name, kind in state.entries.items() if isinstance(kind, str)
    )
    yield from (tensor.name for tensor in file.tensors if tensor.name not in own)
    outer = [other for other in file.state_dicts if not other.keys and state.keys]
    for other in outer:
        yield from (
            f"{name} ({kind})"
            for name, kind in other.entries.items()
            if isinstance(kind, str) and name != state.keys[0]
        )


def _prefixes(taken: "Taken", sources: Mapping[str, Stored]) -> list[str]:
    """The beginning of the names of each LSTM, as they are written."""
    written = {tensor.name: name for name, tensor in sources.items()}
    found = []
    for subject in taken.subjects:
        assert subject.found is not None  # noqa: S101  # `_file_of` has looked
        first, tensor = next(iter(subject.found.stored.tensors.items()))
        found.append(written.get(tensor.name, first).removesuffix(first))
    return found


def compared_others(kept: Kept, work: Work, path: str) -> Iterator[ProofRow]:
    """Every tensor of the state dict, held against the one that was written, block by block."""
    return same_tensors(kept.sources, {tensor.name: tensor for tensor in open_weights(path).tensors}, work)


def same_tensors(ours: Mapping[str, Stored], written: Mapping[str, Stored], work: Work = NONE) -> Iterator[ProofRow]:
    """A row for each tensor that is not the one that was written under its name, and one for all."""
    worst, count = 0.0, 0
    for name, tensor in ours.items():
        found = written.get(name)
        if found is None or found.shape != tensor.shape:
            yield ProofRow(printable(name), None, 0.0, passed=False)
            continue
        apart = _apart(tensor, found, work)
        if apart:
            yield ProofRow(printable(name), apart if np.isfinite(apart) else None, 0.0, passed=False)
        worst, count = max(worst, apart), count + 1
    yield ProofRow(f"all {counted(count, 'tensor')} {WHOLE}", worst, 0.0, passed=not worst)


def _apart(first: Stored, second: Stored, work: Work) -> float:
    """The largest difference of the numbers of two tensors of one shape; NaN is equal to NaN."""
    from lstmcalc.readers.files.tensors import paired_blocks

    worst = 0.0
    for ours, theirs in paired_blocks(first, second):
        work.add(ours.nbytes)
        if np.array_equal(ours, theirs):
            continue
        if not np.array_equal(ours, theirs, equal_nan=ours.dtype.kind in "fc"):
            with np.errstate(all="ignore"):
                error = float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
            worst = max(worst, error if error > 0 else float("inf"))
    return worst
