"""A file that is written, read back, computed and run; it is left only if all of that gives the source's numbers.

Not here: what is written (`writers`), and how numbers are compared (`proof.conversion`).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lstmcalc.errors import (
    LstmcalcError,
    MissingExtraError,
    OutputError,
    ProgramError,
    SourceError,
    UnsupportedError,
    printable,
    shown_name,
)
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.choosing import lstms_of
from lstmcalc.intake.load import load_weights
from lstmcalc.numerics.stacks import Part, assembled
from lstmcalc.proof.conversion import (
    Compared,
    Sides,
    compared_outputs,
    compared_verdict,
    compared_weights,
    explanations_of,
    sides_of,
)
from lstmcalc.writing import check_target, replacing

if TYPE_CHECKING:
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.proof.judges import Verdict
    from lstmcalc.spec.config import DataSpec
    from lstmcalc.writers.target import Asked, Portable, Target, Weights

OURS: Final = "read back by lstmcalc"
WHOLE: Final = "of the file"  # the end of a row of the proof: of all tensors that were copied
REST: Final = "bytes of everything else"  # a row of the proof: how many are not those of the file it was put into
FILE: Final = "file"  # a row of the proof, which fails: it could not be read back, or its program does not take it
FLAG: Final = "--output"


class ProofRow(NamedTuple):
    """One tensor of what was written, held against the source's."""

    name: str  # `weight_ih_l0`, `output`; with the name of its LSTM if there are several
    max_abs_error: float | None  # None if it is not finite
    allowed: float  # relative to the largest value, if that is above 1
    passed: bool


@dataclass
class Proof:
    """The findings about a written file."""

    rows: list[ProofRow] = field(default_factory=list)
    proven_by: list[str] = field(default_factory=list)
    explanations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    nbytes: int = 0

    @property
    def holds(self) -> bool:
        """True if there is a proof, and every row of it passed."""
        return bool(self.rows) and all(row.passed for row in self.rows)


class Work:
    """Bytes that are written and compared, counted for a progress bar."""

    def __init__(self, total: int = 0, progress: Callable[[int, int], None] | None = None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    def add(self, nbytes: int) -> None:
        """Count what is done."""
        self._done += nbytes
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class _Counted:
    """A stream whose written bytes are counted."""

    def __init__(self, stream: Any, work: Work) -> None:  # noqa: ANN401  # a binary stream
        self._stream = stream
        self._work = work

    def write(self, data: Any) -> int:  # noqa: ANN401  # bytes, or a view of them
        count: int = self._stream.write(data)
        self._work.add(count)
        return count

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # of the stream
        return getattr(self._stream, name)


NONE: Final = Work()  # that nobody looks at


class _RefutedError(Exception):
    """Raised, to leave no file, where the written one is not what it should be."""


def check_output(path: str, suffixes: Sequence[str], *, force: bool) -> None:
    """Refuse a file that cannot be written, or that is there already, before anything is read."""
    check_target(path, suffixes, FLAG)
    if os.path.lexists(path) and not force:
        raise OutputError("there is such a file", "a new name", shown_name(path), "--force replaces it", FLAG)


def made_file(target: "Target", lstms: "Sequence[Portable]", asked: "Asked", *, run: bool) -> Proof:
    """Write a file and prove it; a file that is not proven is not left.

    Args:
        target: The kind of file.
        lstms: What is written.
        asked: What flags ask.
        run: True to run the file in the target's own program, if that is installed.
    """
    sides = [sides_of(lstm.config, lstm.activations, lstm.weights) for lstm in lstms]
    return proven_file(
        asked.path,
        target.suffixes,
        lambda stream: target.write(stream, lstms, asked),
        lambda path: prove(path, target, lstms, sides, asked, run=run),
    )


def made_with_others(
    target: "Target",
    lstms: "Sequence[Portable]",
    asked: "Asked",
    compared: Callable[[str], Iterator[ProofRow]],
    work: Work,
    *,
    run: bool,
) -> Proof:
    """Write a whole state dict, and prove the LSTMs in it, and by `compared` that every tensor is the source's."""
    sides = [sides_of(lstm.config, lstm.activations, lstm.weights) for lstm in lstms]

    def proof_of(path: str) -> Proof:
        proof = prove(path, target, lstms, sides, asked, run=run)
        proof.rows += compared(path)
        return proof

    return proven_file(asked.path, target.suffixes, lambda stream: target.write(stream, [], asked), proof_of, work)


def proven_file(
    path: str,
    suffixes: Sequence[str],
    write: Callable[[Any], None],
    proof_of: Callable[[str], Proof],
    work: Work = NONE,
) -> Proof:
    """Write a file beside its name, hold it against its source, and give it its name if the proof holds."""
    proof = Proof()
    try:
        with replacing(path, suffixes, FLAG) as stream:
            write(_Counted(stream, work))
            stream.flush()
            proof = proof_of(stream.name)
            proof.nbytes = stream.seek(0, 2)
            _check(proof)
    except _RefutedError:
        pass
    return proof


def _check(proof: Proof) -> None:
    if not proof.holds:
        raise _RefutedError


def prove(
    path: str, target: "Target", lstms: "Sequence[Portable]", sides: Sequence[Sides], asked: "Asked", *, run: bool
) -> Proof:
    """The proof of a written file: what is read back of it, and what other programs compute of it."""
    proof = Proof()
    try:
        read = target.read(path, lstms) if target.read is not None else read_back(path, lstms, target.framework)
    except LstmcalcError as error:
        return unread(proof, error, path)
    proof.proven_by.append(OURS)
    for lstm, side, theirs in zip(lstms, sides, read, strict=True):
        prefix = f"{lstm.name}." if len(lstms) > 1 else ""
        rows = [*compared_weights(side, theirs, _added(target.framework)), *compared_outputs(side, theirs)]
        add_rows(proof, prefix, rows, side, partial(results_of, side, theirs))
    if run and target.run is not None and proof.holds:
        for lstm, side in zip(lstms, sides, strict=True):
            alone = len(lstms) == 1 and not asked.beside
            name = "" if alone else lstm.name
            run_it = partial(_run, target.run, lstm._replace(name=name), side)
            add_run(proof, path, run_it, side, name if len(lstms) > 1 else "")
    return proof


def unread(proof: Proof, error: LstmcalcError, path: str) -> Proof:
    """The proof of a file that cannot be read back."""
    what = printable(f"{error.what}: {error.found}" if error.found else error.what).replace(path, "the file")
    proof.rows.append(ProofRow(FILE, None, 0.0, passed=False))
    proof.explanations.append(f"what was written cannot be read back: {what}")
    return proof


def results_of(side: Sides, theirs: "Weights") -> "dict[str, Array]":
    """The results that the weights that were read back compute of the data."""
    from lstmcalc.proof.conversion import computed

    return computed(side.config, side.activations, theirs, side.inputs)


def add_rows(
    proof: Proof, prefix: str, rows: Sequence[Compared], side: Sides, results: "Callable[[], dict[str, Array]]"
) -> None:
    """Add rows; of one that does not hold, the mistake that explains it too."""
    proof.rows += [ProofRow(f"{prefix}{row.name}", row.max_abs_error, row.allowed, row.holds) for row in rows]
    if all(row.holds for row in rows) or proof.explanations:
        return
    found = explanations_of(side, results())
    proof.explanations += [each.sentence.replace("yours is", "what was written is", 1) for each in found[:3]]


def add_run(proof: Proof, path: str, run: "Callable[[str], Verdict | None]", side: Sides, name: str) -> None:
    """Run the file in its own program, and add what that computes.

    A program that fails at it refutes the file, unless the reason is known: that it lacks a dtype, or memory.
    """
    try:
        verdict = run(path)
    except ProgramError as error:
        proof.rows.append(ProofRow(f"{name}.{FILE}" if name else FILE, None, 0.0, passed=False))
        said = printable(_said(error))
        proof.explanations.append(f"{said.replace(path, 'the file')}; --no-against does not ask it")
        return
    except (UnsupportedError, MissingExtraError) as error:
        note = f"not run: {_said(error)}"
        proof.notes += [note] if note not in proof.notes else []
        return
    if verdict is None:
        return
    by = f"run in {verdict.judge}"
    if by not in proof.proven_by:
        proof.proven_by.append(by)
    rows = list(compared_verdict(side, verdict))
    add_rows(proof, f"{name}." if name else "", rows, side, lambda: dict(verdict.outputs))


def _run(
    program: "Callable[[str, Portable, DataSpec, Weights], Verdict | None]", lstm: "Portable", side: Sides, path: str
) -> "Verdict | None":
    return program(path, lstm, side.data, side.inputs)


def _said(error: LstmcalcError) -> str:
    return error.what + (f", {error.found}" if error.found else "")


def _added(framework: str) -> dict[str, float]:
    layout = LAYOUTS.get(framework)
    return {"f": layout.forget_offset} if layout else {}


def read_back(path: str, lstms: "Sequence[Portable]", framework: str, only: str = "") -> "list[Weights]":
    """The weights in a written file, as any SOURCE is read; SourceError if they are not those of such LSTMs.

    With `only`, the LSTM of this name alone is looked at.
    """
    found = iter(item for item in lstms_of(path, {}, _read_as(framework, lstms)) if only in ("", item.name))
    read = []
    for lstm in lstms:
        wanted, parts = lstm.config.num_layers * lstm.config.num_directions, list[Part]()
        while sum(_cells(part) for part in parts) < wanted:
            item = next(found, None)
            if item is None:
                raise SourceError("an LSTM is missing", f"{lstm.name}: {lstm.config}", _listed(parts))
            parts.append(Part(item.stored.config, load_weights(item)))
        made = assembled(lstm.config, parts)
        if made is None:
            raise SourceError("it is another LSTM", f"{lstm.name}: {lstm.config}", _listed(parts))
        read.append(made.weights)
    return read


def read_alike(path: str, lstms: "Sequence[Portable]", frameworks: Sequence[str]) -> "list[Weights]":
    """The weights in a written file that has LSTMs of several frameworks, each read as what it is."""
    by_framework = {
        name: iter(read_back(path, [lstm for lstm, own in zip(lstms, frameworks, strict=True) if own == name], name))
        for name in dict.fromkeys(frameworks)
    }
    return [next(by_framework[name]) for name in frameworks]


def _read_as(framework: str, lstms: "Sequence[Portable]") -> str:
    """The framework whose names and gates these arrays have: PyTorch's, of one that calls and orders them so."""
    if framework not in LAYOUTS or LAYOUTS[framework].gates != LAYOUTS["pytorch"].gates:
        return framework
    with_bias = (replace(lstm.config, bias=True) for lstm in lstms)
    alike = all(
        {row.name for row in Storage(config, framework).parameters}
        == {row.name for row in Storage(config, "pytorch").parameters}
        for config in with_bias
    )
    return "pytorch" if alike else framework


def _cells(part: Part) -> int:
    return part.config.num_layers * part.config.num_directions


def _listed(parts: Sequence[Part]) -> str:
    return ", ".join(_texts(parts)) or "nothing"


def _texts(parts: Sequence[Part]) -> Iterator[str]:
    return (str(part.config) for part in parts)
