"""The report of run: every check, statistics of the tensors, and the PyTorch code that computes them."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from lstmcalc.commands.run.expected import ExpectRow
from lstmcalc.errors import TooLargeError
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import TRACED, LSTMModel, traced_name
from lstmcalc.model.surroundings import around_symbols, tensors_around
from lstmcalc.model.torch_code import NOTHING_GIVEN, Given, drawn_parts, torch_script
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import notes_of
from lstmcalc.report.record import omitted
from lstmcalc.report.rows import SETTINGS, AroundRow, DataRow, Module, around_row, data_row, head_of
from lstmcalc.report.tensors import tensor_bytes
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.symbols import DIRECTIONS

if TYPE_CHECKING:
    from lstmcalc.model.interfaces import Face
    from lstmcalc.model.lstm import Tensor
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.proof.result import Run
    from lstmcalc.proof.streaming import Streamed
    from lstmcalc.proof.timing import Timing


T = TypeVar("T")
Compared: TypeAlias = Sequence[int] | float | None  # what a check compares: shapes, counts, bounds, errors
Units: TypeAlias = Sequence[float | None]  # the units of a value; None where one is NaN or infinite


class CheckRow(NamedTuple):
    """A prediction and its result."""

    name: str  # the claim
    relation: str  # of `actual` to `expected`: `=`, `<=` or `>`
    expected: Compared  # the prediction
    actual: Compared  # the computed value; None if it is NaN or infinite
    max_abs_error: float | None  # the largest absolute difference, if two arrays were compared and it is finite
    passed: bool


class ComputedRow(NamedTuple):
    """A tensor as in a `TensorRow`, with statistics of its numbers; None if it has none."""

    name: str
    role: str  # `input` or `output`
    symbolic: Sequence[str]
    shape: Sequence[int]
    bytes: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None


class ShownRow(NamedTuple):
    """A tensor as PyTorch prints it."""

    name: str
    layer: int  # that it is of; the number of layers if it is of none
    shape: Sequence[int]
    text: str


class TraceRow(NamedTuple):
    """One step of one sequence in one layer and direction: every unit of every value."""

    layer: int
    direction: str
    sequence: int
    step: int
    i: Units  # the values in the order of `TRACED`
    f: Units
    g: Units
    o: Units
    c: Units
    h: Units


class TimingRow(NamedTuple):
    """The calls of one framework."""

    name: str  # with its version
    repeat: int  # measured calls
    threads: int  # that it could use
    steps: int  # of all sequences, in one call
    macs: int  # of all matrix products in one call
    median_seconds: float
    min_seconds: float
    steps_per_second: float
    gflops: float  # a MAC is two floating-point operations
    ratio: float | None  # time of lstmcalc's call / time of its call; None for lstmcalc


class ChunksRow(NamedTuple):
    """The LSTM computed in chunks, held against one pass."""

    sizes: Sequence[int]  # steps of each chunk, repeated to the end
    computed: int  # chunks
    max_abs_error: float | None  # of output, h_n and c_n with the state carried over; None if it is not finite
    dropped: float | None  # the same of output if each chunk begins with zeros; None if one chunk has all steps
    largest: float | None  # the largest |output|


@dataclass(kw_only=True)
class RunModule(Module):
    """The report on one run."""

    activations: Mapping[str, str | None]  # that are computed
    clip: Mapping[str, float | None] | None = omitted()  # the bounds that are computed; None without any
    data: DataRow
    around: AroundRow
    symbols: Mapping[str, int]
    seed: int
    generator: str  # `torch`
    drawn: Sequence[str]  # the parts that the seed draws: weights, head, embedding, data
    weights_from: str | None  # their file; None if they were drawn
    input_from: str | None
    reproduce: str  # the PyTorch code that computes the same
    checks: Sequence[CheckRow]
    passed: bool  # True if every check holds
    expect: ExpectRow | None = omitted()  # your own numbers; None if none were handed in
    chunks: ChunksRow | None = omitted()  # None unless asked for, or if there was nothing to compute
    tensors: Sequence[ComputedRow]
    shown: Sequence[ShownRow] | None = omitted()
    trace: Sequence[TraceRow] | None = omitted()
    notes: list[str]
    timing: Sequence[TimingRow] | None = omitted()


def run_report(
    subjects: Sequence[Subject],
    runs: Sequence["Run"],
    seed: int,
    *,
    show: bool = False,
    timings: Sequence["Timing"] = (),
    given: Sequence[Given] = (),
) -> Report[RunModule]:
    """Every check of every run, statistics of the tensors, and their PyTorch code; with `show`, the tensors too.

    `timings` and `given`, the arrays that were given and not drawn, have one item for each run, or none.
    """
    triples = zip(subjects, runs, given or [NOTHING_GIVEN] * len(runs), strict=True)
    modules = [run_module(subject, result, seed, own, show=show) for subject, result, own in triples]
    if timings:
        modules = [_timed_module(module, timing) for module, timing in zip(modules, timings, strict=True)]
    return document("run", modules)


def _clips(activations: Activations) -> dict[str, float | None] | None:
    """The bounds of c, of h and of what the gates' functions are given; None without any."""
    clips = {"cell": activations.cell_clip, "proj": activations.proj_clip, "gates": activations.gate_clip}
    return clips if any(clips.values()) else None


def _torch_code(subject: Subject, seed: int, given: Given, activations: Activations) -> str:
    """The PyTorch code of a run; nn.LSTM has PyTorch's functions only, which the code says where the run has others."""
    code = torch_script(subject.config, subject.data, subject.around, seed, given)
    if activations == PYTORCH:
        return code
    return f"# nn.LSTM computes {PYTORCH}, this run {activations}:\n# only its weights and data are the same.\n{code}"


def run_module(subject: Subject, result: "Run", seed: int, given: Given, *, show: bool) -> RunModule:
    """One run: its checks, the statistics of its tensors, and the PyTorch code that computes the same."""
    model, data = LSTMModel(subject.config), subject.data
    arrays = {**result.inputs, **result.outputs}
    before, behind = tensors_around(subject.config, data, subject.around)
    shown = _printed_tensors(model, {**result.weights, **result.around, **arrays}) if show else None
    return RunModule(
        **head_of(subject, SETTINGS),
        activations=result.activations.functions,
        clip=_clips(result.activations),
        data=data_row(subject),
        around=around_row(subject),
        symbols={**model.data_symbols(data), **around_symbols(subject.around)},
        seed=seed,
        generator="torch",
        drawn=drawn_parts(subject.around, given),
        weights_from=given.weights_from or None,
        input_from=given.inputs_from or None,
        reproduce=_torch_code(subject, seed, given, result.activations),
        checks=[
            CheckRow(
                check.name,
                check.relation,
                check.expected,
                _finite_or_none(check.actual),
                _finite_or_none(check.max_abs_error),
                check.passed,
            )
            for check in result.checks
        ],
        passed=result.passed,
        tensors=[
            _computed_row(tensor, data.dtype, arrays.get(tensor.name))
            for tensor in (*before, *model.tensors_of(data), *behind)
        ],
        shown=shown,
        trace=_trace_rows(subject, result.trace) if result.trace else None,
        notes=notes_of(subject),
    )


def _timed_module(module: RunModule, timing: "Timing") -> RunModule:
    """The report with the calls of each framework, lstmcalc first."""
    rows = [
        TimingRow(
            name=calls.name,
            repeat=timing.repeat,
            threads=timing.threads,
            steps=timing.steps,
            macs=timing.macs,
            median_seconds=calls.median,
            min_seconds=calls.fastest,
            steps_per_second=timing.steps / calls.median,
            gflops=2 * timing.macs / calls.median / 10**9,
            ratio=calls.ratio,
        )
        for calls in timing.calls
    ]
    if not timing.held:
        module.notes.append(
            "BLAS may use more threads than lstmcalc: threadpoolctl, which holds it to one, is not installed "
            "(pip install threadpoolctl)"
        )
    return replace(module, timing=rows)


def _printed_tensors(model: LSTMModel, arrays: Mapping[str, "Array"]) -> Sequence[ShownRow]:
    """Every tensor as PyTorch prints it, the weights of the LSTM first."""
    from lstmcalc.numerics.tensor_printer import tensor_text

    names, stored, layers = list(arrays), model.parameters, model.config.num_layers

    def row(index: int) -> ShownRow:
        array, layer = arrays[names[index]], stored[index].layer if index < len(stored) else layers
        return ShownRow(names[index], layer, array.shape, tensor_text(array))

    return LazySequence(len(names), row)


def _trace_rows(subject: Subject, arrays: Mapping[str, "Array"]) -> Sequence[TraceRow]:
    """The rows of a trace: layer by layer, forward before reverse, sequence by sequence, step by step.

    `arrays` are named; those of an empty batch are empty.
    """
    data, directions = subject.data, subject.config.num_directions
    lengths = data.lengths or (data.seq_len,) * data.num_sequences
    ends = list(accumulate(lengths))

    def row(index: int) -> TraceRow:
        cell, place = divmod(index, ends[-1])
        layer, number = divmod(cell, directions)
        sequence = bisect_right(ends, place)
        step = place - (ends[sequence - 1] if sequence else 0)
        own = step if data.unbatched else (step, sequence)
        values = (arrays[traced_name(value, layer, DIRECTIONS[number])][own].tolist() for value in TRACED)
        units = ([_finite_or_none(unit) for unit in value] for value in values)
        return TraceRow(layer, DIRECTIONS[number], sequence, step, *units)

    return LazySequence(subject.config.num_layers * directions * (ends[-1] if ends else 0), row)


def chunks_row(streamed: "Streamed") -> ChunksRow:
    """The report on chunks."""
    errors = map(_finite_or_none, (streamed.check.max_abs_error, streamed.dropped, streamed.largest))
    return ChunksRow(streamed.sizes, streamed.chunks, *errors)


MAX_NUMBERS: Final = 10**7  # of a trace that is written as text, about 200 MB


def check_trace(subjects: Sequence[Subject]) -> None:
    """Refuse a trace that is too long to be written as text: more than `MAX_ROWS` rows or `MAX_NUMBERS` numbers."""
    cure = "--trace --save FILE.npz without --json has no limit; fewer steps"
    for subject in subjects:
        config, data = subject.config, subject.data
        steps = sum(data.lengths) if data.lengths else data.seq_len * data.num_sequences
        rows = config.num_layers * config.num_directions * steps
        check_rows(rows, "traced step", cure)
        numbers = rows * ((len(TRACED) - 1) * config.hidden_size + config.output_size)
        if numbers > MAX_NUMBERS:
            raise TooLargeError(
                "this trace would be too long",
                expected=f"at most {MAX_NUMBERS:,} numbers",
                found=f"{numbers:,}",
                hint=f"{cure} make fewer numbers",
            )


def _computed_row(tensor: "Tensor | Face", dtype: str, array: "Array | None") -> ComputedRow:
    """One tensor with minimum, maximum, mean and standard deviation; None if there are no values."""
    symbolic = [str(size) for size in tensor.symbolic]
    described = tensor.name, tensor.role, symbolic, tensor.shape, tensor_bytes(tensor, dtype)
    if array is None or not array.size:
        return ComputedRow(*described, None, None, None, None)
    from numpy import errstate  # there is an array: NumPy is loaded

    with errstate(invalid="ignore", over="ignore"):  # of Inf, in a file
        values = array.min(), array.max(), array.mean(dtype="float64"), array.std(dtype="float64")
    low, high, mean, std = (_finite_or_none(float(value)) for value in values)
    return ComputedRow(*described, low, high, mean, std)


def _finite_or_none(value: T) -> T | None:
    """The value; None if it is NaN or infinite, which JSON cannot express."""
    return None if isinstance(value, float) and not isfinite(value) else value
