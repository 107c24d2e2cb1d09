"""The distance of a plan from what a port gave: on all of it, or on the first steps of one sequence.

Not here: which plans are tried (`search`).
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.mistakes.batched import Numbers, Ran, is_causal, kind_of, run_plans
from lstmcalc.proof.mistakes.plans import Dims, Plan, Problem, dims_of, lengths_of, moved_problem
from lstmcalc.proof.mistakes.readings import Kind, Prediction, Reading, predicted, readings_of

_TOGETHER: Final = 2**24  # numbers that are computed side by side
_WORK: Final = (2 * 10**11, 5 * 10**10)  # multiply-adds that are done before guessing, of singles and of pairs
_READING: Final = 12  # plans that take as long as reading the weights from memory once
_WINDOW: Final = 6  # the fewest steps of x for a guess
_STEPS: Final = 4  # of a sequence that should be looked at, if there are so many


class Target(NamedTuple):
    """An array that a port gave."""

    name: str  # `output`, `h_n` or `c_n`
    array: Array
    kinds: tuple[Kind, ...]  # what it may be


class Distance(NamedTuple):
    """The distance of a plan from the targets."""

    relative: float  # the largest difference, relative to the largest value of the target if that is above 1
    absolute: float
    readings: tuple[Reading, ...]  # of each target, the one that is nearest
    prediction: Prediction


class Judge:
    """The distances of plans from what a port gave."""

    def __init__(self, problem: Problem, targets: Sequence[Target], *, guesses: bool = True) -> None:
        self.problem = problem
        self.guesses = guesses  # False to compute whole sequences, however long that takes
        self.targets = targets
        self.numbers = Numbers(problem)
        self._readings: dict[Dims, tuple[tuple[Reading, ...], ...] | None] = {}
        self._scales = [scale_of(target.array) for target in targets]

    def readings(self, plan: Plan) -> tuple[tuple[Reading, ...], ...] | None:
        """The readings of each target by its shape, if it is what this plan gives; None if one fits nothing."""
        dims = dims_of(self.problem, plan)
        if dims not in self._readings:
            first = self.problem.config.batch_first
            packed = self.problem.lengths is not None
            found = tuple(
                tuple(readings_of(target.array, dims, target.kinds, batch_first=first, packed=packed))
                for target in self.targets
            )
            self._readings[dims] = found if all(found) else None
        return self._readings[dims]

    def possible(self, plan: Plan) -> bool:
        """True if the plan can have given arrays of these shapes."""
        return self.numbers.possible(plan) and self.readings(plan) is not None

    def predict(self, plan: Plan) -> Prediction:
        """The numbers that a plan gives for all sequences."""
        count = len(self.problem.x) if plan.time_swapped else self.problem.x.shape[1]
        return predicted(self.problem, plan, run_plans(self.problem, self.numbers, [plan], range(count)))

    def distance(self, plan: Plan) -> Distance:
        """The distance of a plan that is possible, on everything that the port gave."""
        prediction, ways = self.predict(plan), self.problem.config.num_directions
        chosen, relative, absolute = [], 0.0, 0.0
        for readings, scale in zip(self.readings(plan) or (), self._scales, strict=True):
            errors = [_largest(prediction.of(reading, ways) - reading.values) for reading in readings]
            best = int(np.argmin(errors))
            chosen.append(readings[best])
            relative, absolute = max(relative, errors[best] / scale), max(absolute, errors[best])
        return Distance(relative, absolute, tuple(chosen), prediction)

    def apart(self, first: Distance, second: Distance) -> float:
        """The relative difference of what two plans give where the targets are."""
        ways, worst = self.problem.config.num_directions, 0.0
        for one, other, scale in zip(first.readings, second.readings, self._scales, strict=True):
            ours, theirs = first.prediction.of(one, ways), second.prediction.of(other, ways)
            if one.kind == other.kind and ours.shape == theirs.shape:
                worst = max(worst, _largest(ours - theirs) / scale)
        return worst

    def rounding(self, plan: Plan, distance: Distance) -> float:
        """The relative change of what a plan gives, if the last bits of every weight and of the input change."""
        moved = Judge(moved_problem(self.problem), self.targets)
        return self.apart(distance, distance._replace(prediction=moved.predict(plan)))

    def lower_bounds(
        self, plans: Sequence[Plan], steps: int, tick: Callable[[int], None], window: int | None = None
    ) -> NDArray[np.float64]:
        """The relative distance of each plan on one sequence, if possible on its first steps alone.

        Without a window it is never more than the distance on everything, but for rounding. With one it is a guess,
        where the first steps depend on the last ones: these are left out. `tick` is called with the number of plans
        that were computed.
        """
        bounds, done = np.zeros(len(plans)), 0
        for places in _alike([(kind_of(self.problem, plan), self._how(plan)) for plan in plans]):
            own = [plans[place] for place in places]
            done += len(own)
            tick(done)
            sequence = self._sequence(own[0])
            if own[0].carried == "chained":
                if sequence:
                    continue  # that of a later one takes all before it
                own = [plan._replace(carried="") for plan in own]
            length = self._length(own[0], sequence)
            seen = min(window or length, length) if self._windowed(own[0]) else length
            taken = min(steps, length) if self._cuts(own[0]) else seen
            most = max(1, _TOGETHER // self._numbers(taken))
            for start in range(0, len(own), most):
                part = own[start : start + most]
                seen_only = seen if seen < length else None
                ran = run_plans(self.problem, self.numbers, part, [sequence], taken, window=seen_only)
                if seen_only:
                    ran = ran.at_first()
                bounds[places[start : start + most]] = self._errors(part, ran, sequence, length, whole=taken == length)
        return bounds

    def guessed(self, plans: Sequence[Plan], *, pairs: bool) -> int | None:
        """The steps of a window, if computing whole sequences of all plans would take too long; None if not."""
        slow = [plan for plan in plans if self._windowed(plan)]
        columns = len(slow) + _READING * len({kind_of(self.problem, plan) for plan in slow})
        step = columns * sum(cell.w_ih.size + cell.w_hh.size for layer in self.problem.cells for cell in layer)
        window = max(_WINDOW, _WORK[pairs] // max(1, step))
        return window if self.guesses and window < len(self.problem.x) else None

    def _windowed(self, plan: Plan) -> bool:
        """True if a few steps of x give a guess of the first step of the output."""
        if self._cuts(plan) or plan.time_swapped or plan.carried == "call" or is_causal(self.problem, plan):
            return False
        return self._tells_steps(plan)

    def _how(self, plan: Plan) -> tuple[object, ...]:
        """The key that plans must have in common, beside their kind, to be compared side by side."""
        return plan.merge, plan.halves, plan.h_c_returned, plan.carried == "chained"

    def _numbers(self, steps: int) -> int:
        """The count of numbers that a plan takes at a time: the outputs of two layers, and the gates of a step."""
        config = self.problem.config
        return 3 * steps * config.num_directions * config.hidden_size + 16 * config.hidden_size

    def _cuts(self, plan: Plan) -> bool:
        """True if the first steps tell something that does not depend on later ones."""
        if plan.merge or plan.carried == "call" or not is_causal(self.problem, plan):
            return False
        return self._tells_steps(plan)

    def _tells_steps(self, plan: Plan) -> bool:
        """True if one of the targets is an output, whatever else fits its shape."""
        return any(all(one.kind == "output" for one in each) for each in self.readings(plan) or ())

    def _sequence(self, plan: Plan) -> int:
        """The sequence that is looked at: the shortest of those that are long enough to tell something."""
        lengths = lengths_of(self.problem, plan)
        if lengths is None:
            return 0
        return min(range(len(lengths)), key=lambda n: (lengths[n] < min(_STEPS, max(lengths)), lengths[n]))

    def _length(self, plan: Plan, sequence: int) -> int:
        lengths = lengths_of(self.problem, plan)
        if lengths is not None:
            return lengths[sequence]
        return self.problem.x.shape[1] if plan.time_swapped else len(self.problem.x)

    def _errors(
        self, plans: Sequence[Plan], ran: Ran, sequence: int, length: int, *, whole: bool
    ) -> NDArray[np.float64]:
        """The relative distances of plans of one kind on what was computed of one sequence."""
        plan = plans[0]
        place = plan.sequences.index(sequence) if plan.sequences else sequence
        worst = np.zeros(len(plans))
        for readings, scale in zip(self.readings(plan) or (), self._scales, strict=True):
            outputs = [reading for reading in readings if reading.kind == "output"]
            if not whole and len(outputs) < len(readings):
                continue
            errors = [self._error(plan, ran, reading, place, length) for reading in readings]
            worst = np.maximum(worst, np.min(errors, axis=0) / scale)
        return worst

    def _error(self, plan: Plan, ran: Ran, reading: Reading, place: int, length: int) -> NDArray[np.float64]:
        """The largest difference of each plan from one reading of a target."""
        ways = self.problem.config.num_directions
        if reading.kind in ("h_n", "c_n"):
            rows = ran.h if (reading.kind == "h_n") != plan.h_c_returned else ran.c
            rows = rows[-ways:] if reading.layer else rows
            return _largest_of(rows[:, 0] - reading.values[:, place, None])
        halves, writes = [half[:, 0] for half in ran.halves], [each[:, 0] for each in ran.writes]
        if reading.kind == "last":
            there = reading.values[None, place]
            ends = [each == length - 1 for each in writes]
            halves = [half[end] for half, end in zip(halves, ends, strict=True)]
            writes = [np.zeros(1, np.intp)] * ways
        else:
            there = reading.values[place] if plan.time_swapped else reading.values[:, place]
        if plan.merge:
            halves = [half[np.argsort(each)] for half, each in zip(halves, writes, strict=True)]
            both = halves[0] + halves[1]
            halves, writes = [both / 2 if plan.merge == "mean" else both], [np.sort(writes[0])]
        elif plan.halves:
            halves, writes = halves[::-1], writes[::-1]
        width = halves[0].shape[-1]
        errors = [
            _largest_of(half - there[where, None, k * width : (k + 1) * width])
            for k, (half, where) in enumerate(zip(halves, writes, strict=True))
        ]
        return np.asarray(np.max(errors, axis=0))


def scale_of(array: Array) -> float:
    """The scale of differences: the largest number, of those that are finite, if it is above 1."""
    return max(1.0, float(np.abs(array[np.isfinite(array)]).max(initial=0)))


def _largest(differences: Array) -> float:
    """The largest absolute difference; infinite if one is not a number."""
    largest = float(np.abs(differences).max(initial=0))
    return largest if np.isfinite(largest) else np.inf


def _largest_of(differences: Array) -> NDArray[np.float64]:
    """The same for each plan, `(..., plans, units)`."""
    axes = (*range(differences.ndim - 2), differences.ndim - 1)
    largest = np.abs(differences).max(axis=axes, initial=0).astype(np.float64)
    return np.where(np.isfinite(largest), largest, np.inf)


def _alike(keys: Sequence[object]) -> list[list[int]]:
    """The places of equal keys."""
    found: dict[object, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return list(found.values())
