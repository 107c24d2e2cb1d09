"""The LSTMs that are to be converted, with their numbers: those of a source, or those that a seed draws.

Not here: what is written of them, and the proof (`making`).
"""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lstmcalc.commands._output import TypedFlags
from lstmcalc.errors import SourceError, TooLargeError, UnsupportedError, UsageError, bytes_text, printable
from lstmcalc.intake.computable import check_computable, settled_activations
from lstmcalc.intake.flags import read_choice
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.intake.subject import Subject, activations_in
from lstmcalc.machine import available_memory
from lstmcalc.report.progress import Progress, Tally
from lstmcalc.spec.activations import GATES
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.spec.words import and_list

if TYPE_CHECKING:
    from lstmcalc.writers.target import Portable

_COPIES: Final = 6  # of the weights: as they were read, packed, read back, and what is computed
_MERGED: Final = "merge_mode"


class Taken(NamedTuple):
    """The LSTMs that a source gives to be converted, with notes on them."""

    subjects: Sequence[Subject]
    lstms: "Sequence[Portable]"
    drawn: bool  # True if a seed drew the numbers
    notes: Sequence[str]


def take(typed: TypedFlags, seed: int | None, progress: Progress | None = None) -> Taken:
    """The LSTMs of SOURCE and the flags with their numbers, in the dtype of the flag or else in their own."""
    subjects = read_subjects({**typed, "framework": None}, "pytorch")
    asked = typed["recurrent_activation"]
    word = "" if asked is None else read_choice("--recurrent-activation", str(asked), GATES)
    for subject in subjects:
        check_computable(subject)
    functions = [settled_activations(subject, word) for subject in subjects]
    with_numbers = [_has_numbers(subject) for subject in subjects]
    if any(with_numbers) and seed is not None:
        raise UsageError("the source has weights of its own", "no --seed", where="--seed")
    if not all(with_numbers) and seed is None:
        raise SourceError(
            "there are no weights to convert",
            "a weight file, or a model in memory",
            "hyperparameters alone",
            "--seed 0 draws the weights of torch.manual_seed(0)",
        )
    _check_memory(subjects)
    from lstmcalc.writers.target import Portable

    lstms, notes, tally = [], list[str](), Tally(_stored_numbers(subjects), progress)
    for subject, activations in zip(subjects, functions, strict=True):
        weights, stored = _drawn(subject, seed or 0) if seed is not None else _read(subject, notes, tally)
        lstms.append(Portable(subject.name, subject.config, weights, activations, stored))
    return Taken(subjects, lstms, seed is not None, notes)


def is_graph(source: object) -> bool:
    """True if a source is a file of ONNX."""
    from lstmcalc.readers.files.kinds import weight_kind
    from lstmcalc.readers.texts import has_weights

    return isinstance(source, str) and has_weights(source) and weight_kind(source) == "onnx"


def take_as_it_is(typed: TypedFlags) -> Taken:
    """The LSTMs of a graph that is copied, whatever they compute; no number is read."""
    from lstmcalc.writers.target import Portable

    subjects = read_subjects({**typed, "framework": None}, "pytorch")
    lstms = [Portable(subject.name, subject.config, {}, activations_in(subject)) for subject in subjects]
    return Taken(subjects, lstms, drawn=False, notes=())


def left_out(taken: Taken) -> list[str]:
    """Notes on everything that a source has besides these LSTMs, and that its layers do besides computing them."""
    found = [subject.found for subject in taken.subjects if subject.found is not None and subject.found.weights]
    files = {id(item.stored.file): item.stored.file for item in found}
    held = {name for item in found for name in (*item.stored.names, *(t.name for t in item.stored.tensors.values()))}
    others = [
        tensor.name
        for file in files.values()
        if file
        for tensor in file.tensors
        if tensor.name not in held | file.constants and not (file.kind == "onnx" and tensor.dtype.startswith("int"))
    ]
    return [*(note for subject in taken.subjects for note in merge_note(subject)), *others]


def merge_note(subject: Subject) -> list[str]:
    """A line on what the source's layer does with the results of its directions, as no array says it."""
    mode = subject.found.options.get(_MERGED, "concat") if subject.found else "concat"
    if mode == "concat":
        return []
    return [f"{_MERGED}={mode!r} of {printable(subject.name)}: what was written puts both directions side by side"]


def _has_numbers(subject: Subject) -> bool:
    found = subject.found
    return (
        found is not None
        and found.weights is not None
        and (found.weights.file is None or found.weights.file.has_numbers)
    )


def _check_memory(subjects: Sequence[Subject]) -> None:
    """Refuse LSTMs whose numbers, and what is computed to prove them, do not fit in memory."""
    from lstmcalc.model.lstm import LSTMModel

    wanted = _COPIES * sum(
        LSTMModel(subject.config).num_parameters * DTYPE_BYTES[subject.data.dtype] for subject in subjects
    )
    free = available_memory()
    if wanted > free:
        raise TooLargeError(
            "these weights do not fit in memory with their proof",
            f"at most {bytes_text(free)}",
            bytes_text(wanted),
            "--module NAME converts one LSTM of several" if len(subjects) > 1 else "",
        )


def _drawn(subject: Subject, seed: int) -> tuple[Any, str]:
    """The weights that PyTorch draws after `torch.manual_seed(seed)`."""
    from lstmcalc.numerics.torch_random import TorchGenerator, random_weights

    return random_weights(subject.config, TorchGenerator(seed), subject.data.dtype), ""


def _read(subject: Subject, notes: list[str], tally: Tally) -> tuple[Any, str]:
    """The weights of a source, and the dtype in which they were stored, where that is not theirs."""
    import numpy as np

    from lstmcalc.intake.load import load_weights

    assert subject.found is not None  # noqa: S101  # it has numbers
    weights = load_weights(subject.found, tally.counted)
    own = next(iter(weights.values())).dtype.name
    dtypes = {tensor.dtype for tensor in subject.found.stored.tensors.values()}
    stored = next(iter(dtypes)) if len(dtypes) == 1 else own
    if subject.provenance["dtype"].source != "flag":
        return weights, "" if stored == own else stored
    dtype = subject.data.dtype
    if dtype == "bfloat16":
        raise UnsupportedError(
            "numbers are not rounded to bfloat16", "float16, float32 or float64", dtype, where="--dtype"
        )
    with np.errstate(over="ignore"):
        cast = {name: array.astype(dtype) for name, array in weights.items()}
    lost = [name for name, array in cast.items() if np.isinf(array).any() and not np.isinf(weights[name]).any()]
    if lost:
        raise UnsupportedError(f"numbers do not fit in {dtype}", own, f"some of {and_list(lost[:3])}", where="--dtype")
    apart = max(float(np.abs(cast[name].astype(np.float64) - weights[name].astype(np.float64)).max()) for name in cast)
    if apart:
        notes.append(f"{subject.name} is rounded from {stored} to {dtype}, as --dtype says: by at most {apart:.2g}")
    return cast, ""


def _stored_numbers(subjects: Sequence[Subject]) -> int:
    """The count of numbers that a source has for the weights of its LSTMs."""
    found = [subject.found.weights for subject in subjects if subject.found and subject.found.weights]
    return sum(prod(tensor.shape) for weights in found for tensor in weights.tensors.values())
