"""A port's numbers held against the LSTM's own: whether they agree, where they first differ, and what explains it.

Not here: the search (`search`), and how the arrays are read (`readers.data`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from lstmcalc.errors import ArrayError, UnsupportedError
from lstmcalc.numerics.arguments import computed_in
from lstmcalc.numerics.arrays import Array, shape_text
from lstmcalc.proof.allowed import allowed_distance
from lstmcalc.proof.closeness import TOLERANCE
from lstmcalc.proof.mistakes.judging import Distance, Judge, Target, scale_of
from lstmcalc.proof.mistakes.plans import RIGHT, Cells, Plan, Problem, cells_of, dims_of
from lstmcalc.proof.mistakes.readings import KINDS, Kind, Reading
from lstmcalc.proof.mistakes.search import LISTED, Explanation, Outcome, search
from lstmcalc.proof.mistakes.table import mistakes_for
from lstmcalc.proof.mistakes.weights import to_float16, to_float32
from lstmcalc.proof.result import Run
from lstmcalc.proof.sensitivity import COARSE, TIMES
from lstmcalc.readers.files.raw_numbers import to_bfloat16
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.words import and_list, counted, or_list

# Another program sums in another order and has its own exp: PyTorch, Keras and ONNX Runtime are within 1e-6 of each
# other; what a port prints or stores adds a little.
_PORT: Final = 5.0
_TELLING: Final = 8  # different numbers of a dtype, from which on it is no accident that all of them are of it
_ENOUGH: Final = 32  # numbers that no hypothesis fits by chance
_CHANCE: Final = 1e-3  # hypotheses that fit by chance, above which nothing is said
_TELLS: Final = 0.02  # of the largest number: a tolerance above it tells little
_WORK: Final = 3 * 10**10  # multiply-adds for all pairs
PAIRS: Final = (250, 20_000)  # the fewest and the most that are tried


class Difference(NamedTuple):
    """The first number that is not as expected."""

    sequence: int
    step: int | None  # None of states
    layer: int | None  # None if it cannot be told
    unit: int
    expected: float | None  # the port's; None if it is NaN or infinite
    computed: float


class Explained(NamedTuple):
    """Mistakes that make of the LSTM's numbers the port's, or come near to it."""

    mistakes: Sequence[str]
    sentence: str
    cause: str
    max_abs_error: float | None  # of the numbers with these mistakes; None if it is not finite


class Verdict(NamedTuple):
    """The comparison of a port's numbers with the LSTM's own."""

    agrees: bool
    kind: Kind | None  # what the first array is; None if its shape is that of no result of this LSTM
    axes: str  # its axes, in words
    max_abs_error: float | None
    relative: float | None  # the same relative to the largest value if that is above 1; None if no shape fits
    tolerance: float  # relative to the largest value if that is above 1
    first_difference: Difference | None
    explanations: Sequence[Explanation]
    runner_up: Explanation | None
    tried: int
    left: int
    guessed: bool  # True if most hypotheses were judged by the first steps alone
    notes: Sequence[str]


def judged(
    config: LSTMConfig,
    data: DataSpec,
    result: Run,
    given: Mapping[str, Array],
    *,
    kinds: Sequence[Kind] = KINDS,
    others: Mapping[str, Array] | None = None,
    everything: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Compare a port's numbers with the LSTM's own, and search for what explains a difference.

    Args:
        config: The LSTM.
        data: Its data.
        result: What was computed of it: weights, inputs, outputs, and their sensitivity to rounding.
        given: The port's arrays: `output`, and if there are any `h_n` and `c_n`.
        kinds: What `output` may be.
        others: Weights of another file that the port may have loaded.
        everything: True to try every pair of mistakes.
        progress: Called with the hypotheses that were tried and all there are.

    Raises:
        ArrayError: An array has a shape that no known mistake gives.
    """
    _check_comparable(data, result)
    work = computed_in(result.inputs["input"].dtype)
    problem = problem_of(config, data, result, others)
    targets = [
        Target(name, array.astype(work, copy=False), tuple(kinds) if name == "output" else (name,))  # type: ignore[arg-type]  # h_n or c_n
        for name, array in given.items()
    ]
    strict, loose = allowed_tolerances(config, data, result, given)
    judge = Judge(problem, targets, guesses=not everything)
    _check_shapes(judge)
    right = judge.distance(RIGHT) if judge.possible(RIGHT) else None
    apart = np.inf if right is None else right.relative
    nothing = Outcome([], None, 0, 0)
    if apart <= strict:
        return _verdict(judge, right, strict, nothing, agrees=True)
    if any(not np.isfinite(array).all() for array in given.values()):
        return _verdict(judge, right, strict, nothing, agrees=False)
    limit = 10**9 if everything else _limit(problem)
    # A port that computes in float16 is no nearer than that, but one that makes a mistake may be no further away.
    outcome = _searched(judge, max(strict, _PORT * TOLERANCE["float32"]), limit if apart > loose else 0, progress)
    if outcome.explanations or loose == strict:
        return _verdict(judge, right, strict, outcome, agrees=False)
    if apart <= loose:
        verdict = _verdict(judge, right, loose, nothing, agrees=True)
        return verdict._replace(notes=[*verdict.notes, _ROUGH])
    return _verdict(judge, right, loose, _searched(judge, loose, limit, progress), agrees=False)


_ROUGH: Final = (
    "your numbers differ by more than storing them in their dtype does: only a port that computes in it at every step "
    "may be so far apart; its output in float32 tells more"
)


def _searched(judge: Judge, tolerance: float, limit: int, progress: Callable[[int, int], None] | None) -> Outcome:
    """The explanations that a search finds; none if it is found by chance."""
    outcome = search(judge, tolerance, limit, progress)
    if outcome.explanations and by_chance(judge.targets, tolerance, outcome.tried) > _CHANCE:
        return outcome._replace(explanations=[], runner_up=outcome.explanations[0], too_few=True)
    return outcome


def _check_comparable(data: DataSpec, result: Run) -> None:
    """Refuse what proves nothing: no sequence, weights that are not finite, or an LSTM that magnifies each rounding."""
    if not data.num_sequences:
        raise ArrayError("the batch is empty", "N >= 1 to compare anything", "N = 0", where="input")
    if not result.finite:
        raise ArrayError("NaN or Inf in the weights or the input", "finite numbers", where="input")
    moved = TIMES * (result.noise or 0.0)
    if moved > COARSE:
        raise UnsupportedError(
            "two right computations of this LSTM can be as far apart as two different ones",
            f"a change of at most {COARSE:g} by rounding alone",
            f"{moved:.2g} over {data.seq_len:,} steps",
            "an input of fewer steps tells more",
        )


def by_chance(targets: Sequence[Target], tolerance: float, tried: int) -> float:
    """The number of hypotheses that would fit numbers that have nothing to do with them: a few numbers fit many."""
    numbers = np.concatenate([target.array.ravel()[:_MANY] for target in targets])
    spread = float(np.abs(numbers).max(initial=0))
    each = min(1.0, 2 * tolerance / spread) if spread else 1.0
    return float(tried * each ** min(len(np.unique(numbers)), _ENOUGH))


def problem_of(config: LSTMConfig, data: DataSpec, result: Run, others: Mapping[str, Array] | None = None) -> Problem:
    """The LSTM and its data, of a run, as plans read them."""
    work = computed_in(result.inputs["input"].dtype)
    inputs = {name: array.astype(work, copy=False) for name, array in result.inputs.items()}
    x, h_0, c_0 = (inputs[name] for name in ("input", "h_0", "c_0"))
    if data.unbatched:
        x, h_0, c_0 = x[:, None], h_0[:, None], c_0[:, None]
    elif config.batch_first:
        x = x.swapaxes(0, 1)
    second: Cells | None = None if others is None else cells_of(config, others, work)
    return Problem(
        config, cells_of(config, result.weights, work), x, h_0, c_0, data.lengths, result.activations, second
    )


def _limit(problem: Problem) -> int:
    """The most pairs that are tried: it depends on the sizes of the LSTM and of its data, and on nothing else."""
    config = problem.config
    cells = sum(cell.w_ih.size + cell.w_hh.size + 50 * 4 * config.hidden_size for one in problem.cells for cell in one)
    causal = config.num_directions == 1 or config.num_layers == 1
    steps = min(4, len(problem.x)) if causal else len(problem.x)
    return min(max(PAIRS[0], _WORK // (cells * steps)), PAIRS[1])


def _check_shapes(judge: Judge) -> None:
    """Refuse an array whose shape is neither a result of the LSTM nor of it with a mistake."""
    for target in judge.targets:
        alone = Judge(judge.problem, [target])
        if any(alone.readings(plan) for plan in _plans_of_every_shape(judge.problem)):
            continue
        raise ArrayError(
            "the shape fits no result of this LSTM",
            expected=or_list(expected_shapes(judge.problem, target.kinds)),
            found=shape_text(target.array.shape),
            where=target.name,
        )


def _plans_of_every_shape(problem: Problem) -> list[Plan]:
    """Plans of mistakes, each alone and two together, that give arrays of all shapes that there are."""
    found = {dims_of(problem, RIGHT): RIGHT}
    for _ in range(2):
        for before in list(found.values()):
            for mistake in mistakes_for(problem):
                plan = mistake.change(problem, before)
                if plan is not None:
                    found.setdefault(dims_of(problem, plan), plan)
    return list(found.values())


def expected_shapes(problem: Problem, kinds: Sequence[Kind]) -> list[str]:
    """The shapes that an array may have, in words."""
    from lstmcalc.proof.mistakes.readings import main_forms

    first = problem.config.batch_first
    return [
        f"{shape_text(form.shape)} as {kind}"
        for kind in kinds
        for form in main_forms(dims_of(problem, RIGHT), kind, batch_first=first)
    ]


# --- tolerance -------------------------------------------------------------------------------------------------------


def allowed_tolerances(
    config: LSTMConfig, data: DataSpec, result: Run, given: Mapping[str, Array]
) -> tuple[float, float]:
    """The distances that a port may have: if it stores in the dtype of its numbers, and if it computes in it."""
    dtypes = [data.dtype, *(dtype for array in given.values() if (dtype := dtype_of_numbers(array)))]
    coarsest = max(dtypes, key=_FINE_TO_COARSE.index)
    computed = "float32" if coarsest in _STORED else coarsest
    strict = max(allowed_distance(config, replace(data, dtype=computed), result), _PORT * TOLERANCE[computed])
    if coarsest not in _STORED:
        return strict, strict
    half = allowed_distance(config, replace(data, dtype="float16"), result, rounded_inside=True)
    strict = max(strict, _STORED[coarsest])
    return strict, max(strict, half * _STORED[coarsest] / _STORED["float16"])


_STORED: Final = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # a unit in the last place of numbers below 1
_FINE_TO_COARSE: Final = ("float64", "float32", "float16", "bfloat16")
_ROUNDED: Final = {"float32": to_float32, "float16": to_float16, "bfloat16": to_bfloat16}


def dtype_of_numbers(array: Array) -> str:
    """The coarsest dtype that holds all numbers of an array, whatever it is stored in; empty if they are too few."""
    numbers = array[np.isfinite(array)]
    stored = array.dtype.name
    if stored not in ("float64", "float32") or len(np.unique(numbers[:_MANY])) < _TELLING:
        return stored if stored in _FINE_TO_COARSE else ""
    held = (name for name, rounded in reversed(_ROUNDED.items()) if np.array_equal(rounded(numbers), numbers))
    return next(held, stored)


_MANY: Final = 1000


# --- words -----------------------------------------------------------------------------------------------------------


def _verdict(judge: Judge, right: Distance | None, tolerance: float, outcome: Outcome, *, agrees: bool) -> Verdict:
    shown = outcome.explanations[:LISTED]
    readings = (right or shown[0].distance).readings if right or shown else None
    if right is not None and shown and right.readings[0].kind != shown[0].distance.readings[0].kind:
        readings = shown[0].distance.readings
    more = len(outcome.explanations) - len(shown)
    return Verdict(
        agrees=agrees,
        kind=readings[0].kind if readings else None,
        axes=readings[0].axes if readings else "",
        max_abs_error=None if right is None or not np.isfinite(right.absolute) else right.absolute,
        relative=None if right is None else right.relative,
        tolerance=tolerance,
        first_difference=None if agrees or right is None else _first_difference(judge, right, tolerance),
        explanations=shown,
        runner_up=outcome.runner_up,
        tried=outcome.tried,
        left=outcome.left,
        guessed=outcome.guessed,
        notes=_notes(judge, readings, tolerance, more, said=agrees or bool(shown), too_few=outcome.too_few),
    )


def _notes(
    judge: Judge,
    readings: Sequence[Reading] | None,
    tolerance: float,
    more: int,
    *,
    said: bool,
    too_few: bool,
) -> list[str]:
    notes = []
    if too_few:
        count = sum(target.array.size for target in judge.targets)
        notes.append(f"{counted(count, 'number')} cannot tell one mistake from another: hand in more of your numbers")
    largest = max(float(np.abs(target.array).max(initial=0)) for target in judge.targets)
    if said and tolerance > _TELLS * largest:
        notes.append(f"your numbers are {largest:.2g} at most, of which {tolerance:.2g} is allowed: that tells little")
    if readings and any(reading.repeats for reading in readings):
        notes.append("behind a sequence yours repeats its last output, as Keras does; PyTorch has zeros there")
    if more > 0:
        notes.append(f"{more} more explanations give the same numbers on this input")
    bad = [target.name for target in judge.targets if not np.isfinite(target.array).all()]
    if bad:
        notes.append(f"NaN or Inf in your {and_list(bad)}: no mistake of the table makes them")
    return notes


def _first_difference(judge: Judge, right: Distance, tolerance: float) -> Difference | None:
    """The first number that differs: of the lowest layer, if h_n or c_n tell it, and of the first step."""
    ways = judge.problem.config.num_directions
    found: list[Difference] = []
    for reading in right.readings:
        ours, theirs = right.prediction.of(reading, ways), reading.values
        apart = np.abs(ours - theirs)
        wrong = ~(apart <= tolerance * scale_of(theirs))
        if not wrong.any():
            continue
        if reading.kind == "last":
            apart, wrong, ours, theirs = apart[None], wrong[None], ours[None], theirs[None]
        row = int(wrong.any(axis=(1, 2)).argmax())  # the step, or the row of states
        sequence = int(wrong[row].any(axis=1).argmax())
        place = row, sequence, _worst(apart[row, sequence])
        step = row if reading.kind == "output" else None
        layer = 0 if judge.problem.config.num_layers == 1 else None
        if reading.kind in ("h_n", "c_n"):
            layer = judge.problem.config.num_layers - 1 if reading.layer else row // ways
        theirs_there = float(theirs[place])
        expected = theirs_there if np.isfinite(theirs_there) else None
        found.append(Difference(sequence, step, layer, place[2], expected, float(ours[place])))
    if not found:
        return None
    told = [one.layer for one in found if one.layer is not None]
    return found[0]._replace(layer=min(told) if told else None)


def _worst(apart: Array) -> int:
    """The unit that differs most; one that is not a number first."""
    return int(np.where(np.isfinite(apart), apart, np.inf).argmax())


def explained(explanation: Explanation) -> Explained:
    """An explanation in words: `yours is this LSTM with gate order i o f g: the rows were read in ONNX's order`."""
    phrases = " and ".join(mistake.phrase for mistake in explanation.mistakes)
    causes = "; ".join(mistake.cause for mistake in explanation.mistakes)
    absolute = explanation.distance.absolute
    return Explained(
        [mistake.name for mistake in explanation.mistakes],
        f"yours is this LSTM with {phrases}: {causes}",
        causes,
        absolute if np.isfinite(absolute) else None,
    )
