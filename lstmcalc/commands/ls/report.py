"""The report of ls: the tensors of a weight file, with statistics of their numbers on request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError, bytes_text, printable, shown_name
from lstmcalc.intake.choosing import asked_modules
from lstmcalc.intake.flags import Typed
from lstmcalc.lazy import LazySequence
from lstmcalc.readers.files.kinds import EXPECTED, open_weights, unread_kind, weight_kind
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.files.unread import unread_error
from lstmcalc.readers.picking import pick
from lstmcalc.readers.recognise.recognition import Contents, recognise
from lstmcalc.readers.recognise.weights import read_contents, rival_notes
from lstmcalc.readers.texts import source_text
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.progress import Progress, Tally
from lstmcalc.spec.words import counted

_NOTED: Final = 3  # unreadable tensors that get a note of their own


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A tensor of a weight file."""

    name: str
    owner: str | None  # the module that it is of; None if it is of none
    dtype: str
    shape: Sequence[int]
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MeasuredRow(StoredRow):
    """A tensor whose numbers were read, with their statistics; all are None if they could not be read."""

    min: float | None  # of the finite numbers, as are `max`, `mean` and `norm`; None if there are none
    max: float | None
    mean: float | None
    norm: float | None  # the root of the sum of squares
    nan: int | None  # how many are NaN
    inf: int | None  # how many are infinite


class LstmRow(NamedTuple):
    """An LSTM of a weight file."""

    name: str
    framework: str
    text: str


class RelativeRow(NamedTuple):
    """Another recurrent module of a weight file."""

    name: str
    kind: str  # e.g. `GRU`
    input_size: int | None  # None if the file does not tell
    hidden_size: int | None


class LsModule(NamedTuple):
    """The report on a weight file."""

    name: str  # the file
    text: str  # its format and size, in words
    format: str
    tensors: Sequence[StoredRow | MeasuredRow]  # measured if statistics were asked for
    lstms: Sequence[LstmRow]
    relatives: Sequence[RelativeRow]
    total: int  # numbers
    total_bytes: int
    notes: list[str]


def _refuse_documents(path: str) -> None:
    """Refuse a document that holds a model as text, by the name of its format."""
    if weight_kind(path) or unread_kind(path):
        return
    try:
        text = source_text(path)
    except SourceError:
        return  # the reader of weight files says why
    from lstmcalc.readers.json_documents import unread_document

    if unread := unread_document(text):
        raise unread_error(shown_name(path), unread, EXPECTED)


def ls_module(
    path: str,
    modules: Typed = None,
    *,
    stats: bool = False,
    framework: str = "",
    progress: Progress | None = None,
) -> LsModule:
    """Every tensor of a weight file, or of some of its LSTMs and their relatives.

    Args:
        path: The file.
        modules: Their names, or ends of these, as `--module` has them; None for the whole file.
        stats: True to read the numbers: `min`, `max`, `mean` and `norm` (the root of the sum of squares) are those of
            the finite numbers, null if there are none; `nan` and `inf` count the others.
        framework: The framework whose layout the file has; empty if any.
        progress: Called after every block of numbers.
    """
    _refuse_documents(path)
    contents = read_contents(path, framework) if framework else recognise(open_weights(path))
    tensors = _chosen_tensors(contents, modules)
    check_rows(len(tensors), "tensor", "--module NAME of one LSTM")
    rows: Sequence[StoredRow] = LazySequence(len(tensors), lambda index: _row(tensors[index], contents))
    unsure = (note for item in contents.lstms for note in rival_notes(item))
    notes = [printable(note) for note in dict.fromkeys((*contents.file.notes, *unsure))]
    if stats:
        rows, unread = _with_statistics(rows, tensors, progress)
        notes += unread
    total, size = sum(numel(item.shape) for item in tensors), sum(item.nbytes for item in tensors)
    count = counted(len(tensors), "tensor")
    return LsModule(
        name=shown_name(path),
        text=f"{contents.file.format}, {count}, {total:,} numbers, {bytes_text(size)}",
        format=contents.file.format,
        tensors=rows,
        lstms=[LstmRow(item.name, item.framework, str(item.stored.config)) for item in contents.lstms],
        relatives=[
            RelativeRow(item.unit, item.kind, item.input_size, item.hidden_size) for item in contents.file.relatives
        ],
        total=total,
        total_bytes=size,
        notes=notes,
    )


def _chosen_tensors(contents: Contents, modules: Typed) -> list[Stored]:
    """The tensors of the named modules; all if none is named."""
    if modules is None:
        return list(contents.file.tensors)
    names = list(dict.fromkeys(contents.file.owners.values()))
    picked = {pick(names, module) for module in asked_modules(modules, names)}
    return [item for item in contents.file.tensors if contents.file.owners.get(item.name) in picked]


def _row(tensor: Stored, contents: Contents) -> StoredRow:
    owner = contents.file.owners.get(tensor.name)
    return StoredRow(tensor.name, owner, tensor.dtype, tensor.shape, numel(tensor.shape), tensor.nbytes)


def _with_statistics(
    rows: Sequence[StoredRow], tensors: Sequence[Stored], progress: Progress | None
) -> tuple[list[MeasuredRow], list[str]]:
    """The rows with statistics of their numbers, and notes on tensors that could not be read."""
    from lstmcalc.numerics.block_statistics import Statistics, statistics_of

    done, notes = [], []
    tally = Tally(sum(row.count for row in rows), progress)
    for row, tensor in zip(rows, tensors, strict=True):
        found = Statistics()
        try:
            found = statistics_of(tally.counted(numbers) for _, numbers in tensor.blocks())
        except SourceError as error:
            notes.append(printable(f"no statistics of {tensor.name}: {error.what}"))
        done.append(MeasuredRow(row.name, row.owner, row.dtype, row.shape, row.count, row.bytes, *found))
    more = len(notes) - _NOTED
    return done, notes[:_NOTED] + ([f"no statistics of {more:,} more"] if more > 0 else [])


def ls_report(
    path: str,
    modules: Typed = None,
    *,
    stats: bool = False,
    framework: str = "",
    progress: Progress | None = None,
) -> Report[LsModule]:
    """Every tensor of a weight file; with `stats`, statistics of its numbers."""
    return document("ls", [ls_module(path, modules, stats=stats, framework=framework, progress=progress)])
