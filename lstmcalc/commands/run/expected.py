"""The numbers of a port, held against a run: its flags, and its part of the report.

Not here: what is compared and searched (`proof.mistakes`), and how it is shown (`view`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lstmcalc.commands._output import TypedFlags
from lstmcalc.errors import ArrayError, SourceError, UsageError, shorten
from lstmcalc.intake.flags import Flag, read_choice, read_framework
from lstmcalc.spec.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from lstmcalc.intake.subject import Subject
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.proof.closeness import Check
    from lstmcalc.proof.mistakes.search import Explanation
    from lstmcalc.proof.mistakes.verdict import Difference, Verdict
    from lstmcalc.proof.result import Run

YOURS: Final = "yours: "  # how the check begins
_IS: Final = ("output", "last", "h_n")
_SEARCHES: Final = ("usual", "all")
EXPECT: Final = (
    Flag("expect", ("--expect",), (), "FILE", "Your numbers for --input: .npy, or .npz with output, h_n or c_n"),
    Flag("expect_h", ("--expect-h",), (), "FILE", "Your h_n: .npy, or .npz with h_n"),
    Flag("expect_c", ("--expect-c",), (), "FILE", "Your c_n: .npy, or .npz with c_n"),
    Flag("expect_is", ("--expect-is",), (), "NAME", "What --expect is: output, last (step) or h_n", _IS),
    Flag("search", ("--search",), (), "all", "Try every pair of mistakes, however long it takes", _SEARCHES),
    Flag("other_weights", ("--other-weights",), (), "FILE", "Weights that your numbers may come from by mistake"),
)
_FILES: Final = {"expect": "output", "expect_h": "h_n", "expect_c": "c_n"}
_ALONE: Final = {"expect_is": "--expect-is", "search": "--search", "other_weights": "--other-weights"}


class DifferenceRow(NamedTuple):
    """The first number that differs."""

    sequence: int
    step: int | None  # None of states
    layer: int | None  # None if it cannot be told
    unit: int
    expected: float | None  # yours; None if it is NaN or infinite
    computed: float


class ExplanationRow(NamedTuple):
    """Mistakes that explain the difference, or come near to it."""

    mistakes: Sequence[str]  # names of the table
    sentence: str
    cause: str
    repair: str  # in the framework of the port
    max_abs_error: float | None  # that is left with these mistakes


class ExpectRow(NamedTuple):
    """A port's numbers held against those that were computed."""

    agrees: bool
    is_: str | None  # `output`, `last`, `h_n` or `c_n`; None if no result of the LSTM has its shape
    axes: str
    max_abs_error: float | None
    tolerance: float  # relative to the largest value if that is above 1
    first_difference: DifferenceRow | None
    explanations: Sequence[ExplanationRow]  # that give the same numbers; empty if nothing explains yours
    runner_up: ExplanationRow | None
    framework: str  # that of the repairs
    tried: int  # mistakes and pairs of them
    not_tried: int


class Expected(NamedTuple):
    """The numbers of a port, as they were read."""

    arrays: "Mapping[str, Array]"
    kinds: Sequence[Any]  # what `output` may be
    everything: bool
    framework: str  # of the port
    others: str | None  # a weight file


def read_expected_flags(typed: TypedFlags, *, given: bool) -> Expected | None:
    """The numbers of a port; None if nothing was handed in. `given` is True if the input is that of a file."""
    from lstmcalc.readers.expected import read_expected

    named = {field: str(typed[field]) for field in _FILES if typed[field] is not None}
    if not named:
        for field, flag in _ALONE.items():
            if typed[field] is not None:
                raise UsageError("nothing is expected", "--expect FILE too", where=flag)
        return None
    if not given:
        raise UsageError(
            "your numbers are those of an input, which is not known",
            "--input FILE, .npy or .npz, with what your port read",
            where=f"--{next(iter(named)).replace('_', '-')}",
        )
    arrays: dict[str, Any] = {}
    for field, path in named.items():
        flag = f"--{field.replace('_', '-')}"
        found = read_expected(path, _FILES[field], flag)
        for name in found:
            if name in arrays:
                raise UsageError(f"{name} is given twice", "one of the two", where=f"--expect and {flag}")
        arrays |= found
    kinds: Sequence[str] = _IS
    if typed["expect_is"] is not None:
        kinds = [read_choice("--expect-is", str(typed["expect_is"]), _IS)]
        if "output" not in arrays:
            raise UsageError("there is no output", "--expect FILE too", where="--expect-is")
    search = typed["search"]
    everything = search is not None and read_choice("--search", str(search), _SEARCHES) == "all"
    framework = typed["framework"]
    port = "pytorch" if framework is None else read_framework("--framework", str(framework))
    others = typed["other_weights"]
    return Expected(arrays, kinds, everything, port, None if others is None else str(others))


def held_against(
    subject: "Subject", result: "Run", expected: Expected, progress: "Callable[[int, int], None] | None"
) -> tuple[ExpectRow, list["Check"], list[str]]:
    """A port's numbers held against a run: for the report, for its checks, and notes."""
    from lstmcalc.proof.mistakes.verdict import judged

    others = None if expected.others is None else _other_weights(expected.others, subject)
    try:
        verdict = judged(
            subject.config,
            subject.data,
            result,
            expected.arrays,
            kinds=expected.kinds,
            others=others,
            everything=expected.everything,
            progress=progress,
        )
    except ArrayError as error:
        flags = {name: f"--{field.replace('_', '-')}" for field, name in _FILES.items()}
        raise error.at(flags.get(error.where, error.where)) from None
    notes = list(verdict.notes)
    if not verdict.agrees and not verdict.explanations and (verdict.left or verdict.guessed):
        left = f"{counted(verdict.left, 'pair')} of mistakes {'were' if verdict.left != 1 else 'was'} not tried"
        guessed = "most were judged by the first steps alone"
        notes.append(f"{left if verdict.left else guessed}: --search all tries every one on everything")
    return expect_row(verdict, expected.framework), [_check(verdict, expected.arrays)], notes


def expect_row(verdict: "Verdict", framework: str) -> ExpectRow:
    """The report on a comparison, with what repairs the mistakes in a framework."""
    near = verdict.runner_up
    return ExpectRow(
        agrees=verdict.agrees,
        is_=verdict.kind,
        axes=verdict.axes,
        max_abs_error=verdict.max_abs_error,
        tolerance=verdict.tolerance,
        first_difference=_difference_row(verdict.first_difference),
        explanations=[_explanation_row(one, framework) for one in verdict.explanations],
        runner_up=None if near is None or verdict.agrees else _explanation_row(near, framework),
        framework=framework,
        tried=verdict.tried,
        not_tried=verdict.left,
    )


def _difference_row(difference: "Difference | None") -> DifferenceRow | None:
    return None if difference is None else DifferenceRow(*difference)


def _explanation_row(one: "Explanation", framework: str) -> ExplanationRow:
    from lstmcalc.proof.mistakes.repairs import repair_of
    from lstmcalc.proof.mistakes.verdict import explained

    said = explained(one)
    return ExplanationRow(
        said.mistakes, said.sentence, said.cause, repair_of(one.mistakes, framework), said.max_abs_error
    )


def _check(verdict: "Verdict", arrays: "Mapping[str, Array]") -> "Check":
    """The row of the checks."""
    from lstmcalc.proof.closeness import Check

    listed = ", ".join(verdict.kind or name if name == "output" else name for name in arrays)
    relative = float("inf") if verdict.relative is None else verdict.relative
    return Check(f"{YOURS}{listed}", "<=", verdict.tolerance, relative, verdict.max_abs_error, verdict.agrees)


def _other_weights(path: str, subject: "Subject") -> "Mapping[str, Array]":
    """The weights of the only LSTM of a file that has the sizes of this one."""
    from lstmcalc.intake.choosing import lstms_of
    from lstmcalc.intake.load import load_weights
    from lstmcalc.readers.texts import has_weights

    if not has_weights(path):
        known = "safetensors, PyTorch, NumPy, ONNX, Keras or TensorFlow"
        raise UsageError("no weight file", known, shorten(path), where=_OTHER)
    ours = subject.config
    try:
        found = lstms_of(path, {})
    except SourceError as error:
        raise error.at(_OTHER) from None
    fitting = [item for item in found if item.weights is not None and _sizes(item.stored.config) == _sizes(ours)]
    if len(fitting) != 1:
        listed = f"{counted(len(fitting), 'such LSTM')} in {shorten(path)}"
        raise UsageError(
            "these weights cannot be those of the port", f"one LSTM of the sizes of {ours}", listed, where=_OTHER
        )
    return load_weights(fitting[0])


_OTHER: Final = "--other-weights"


def _sizes(config: Any) -> tuple[object, ...]:  # noqa: ANN401  # an LSTMConfig
    return (
        config.input_size,
        config.hidden_size,
        config.num_layers,
        config.bias,
        config.bidirectional,
        config.proj_size,
    )
