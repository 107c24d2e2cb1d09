"""The search for the mistakes that explain a port's numbers: each alone, then two together.

Plans are put aside as soon as the first steps of a sequence show that they are not what the port did: those are a few
products for hundreds of plans. An explanation is only what fits everything that the port gave, within the tolerance.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.proof.mistakes.forms import Mistake
from lstmcalc.proof.mistakes.judging import Distance, Judge
from lstmcalc.proof.mistakes.plans import RIGHT, Plan
from lstmcalc.proof.mistakes.table import matched_order, mistakes_for
from lstmcalc.proof.sensitivity import TIMES

Progress: TypeAlias = Callable[[int, int], None]  # hypotheses tried, and all there are

_FIRST_STEPS: Final = 4
_LONGER: Final = 4  # times as many in the next round
_FEW: Final = 16  # plans that are computed as a whole without another round
_MOST: Final = 64  # plans that are computed as a whole, if they are not within the tolerance so far
_SLACK: Final = 10.0  # times the tolerance, or
_APART: Final = 1e-3  # what is further away on the first steps is put aside
_GUESSED: Final = 24  # plans that are left by a guess
_NEAREST: Final = 3  # of those that are put aside, computed as a whole to say how far off the nearest is
LISTED: Final = 5  # explanations that cannot be told apart
BETTER: Final = 3.0  # times nearer than without the mistake


class Hypothesis(NamedTuple):
    """Mistakes, and what was computed with them."""

    mistakes: tuple[Mistake, ...]
    plan: Plan


class Explanation(NamedTuple):
    """A hypothesis and how far it is from what the port gave."""

    mistakes: tuple[Mistake, ...]
    plan: Plan
    distance: Distance


class Outcome(NamedTuple):
    """The result of a search."""

    explanations: Sequence[Explanation]  # that give the same numbers, as the table has them; empty if nothing does
    runner_up: Explanation | None  # the nearest of the others that were computed
    tried: int  # hypotheses
    left: int  # hypotheses that were not tried, because of the limit
    too_few: bool = False  # True if what was found would fit by chance
    guessed: bool = False  # True if most were judged by a few steps of the input alone


def search(judge: Judge, tolerance: float, limit: int, progress: Progress | None = None) -> Outcome:
    """The mistakes that explain what a port gave.

    Args:
        judge: Of the LSTM and what the port gave.
        tolerance: The largest relative difference of an explanation.
        limit: The most pairs that are tried.
        progress: Called with the hypotheses that were tried and all there are.
    """
    right = judge.distance(RIGHT).relative if judge.possible(RIGHT) else np.inf
    singles = _singles(judge)
    report = progress or _silent
    guessed = judge.guessed([one.plan for one in singles], pairs=False) is not None
    found, others = _best(judge, singles, tolerance, right, lambda done: report(done, len(singles)))
    if found:
        return Outcome(found, others, len(singles), 0, guessed=guessed)
    pairs = _pairs(judge, singles)
    tried = pairs[:limit]
    total = len(singles) + len(tried)
    nearest = min(right, others.distance.relative if others else np.inf)
    found, second = _best(judge, tried, tolerance, nearest, lambda done: report(len(singles) + done, total))
    known = [one for one in (others, second) if one is not None]
    runner_up = min(known, key=lambda one: one.distance.relative, default=None)
    guessed = guessed or judge.guessed([one.plan for one in tried], pairs=True) is not None
    return Outcome(found, runner_up, total, len(pairs) - len(tried), guessed=guessed)


def _singles(judge: Judge) -> list[Hypothesis]:
    """Every mistake that can have given arrays of these shapes."""
    found = []
    for mistake in [*mistakes_for(judge.problem), *_matched(judge)]:
        plan = mistake.change(judge.problem, RIGHT)
        if plan is not None and judge.possible(plan):
            found.append(Hypothesis((mistake,), plan))
    return found


def _pairs(judge: Judge, singles: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Every two mistakes that can be made together; orders of gates that no framework has come last."""
    problem, known = judge.problem, {RIGHT, *(one.plan for one in singles)}
    made = [(mistake, mistake.change(problem, RIGHT)) for mistake in mistakes_for(problem)]
    possible = [(mistake, plan) for mistake, plan in made if plan is not None]
    found = []
    for j, one in enumerate(possible):
        for other in possible[:j]:
            if one[0].family == other[0].family:
                continue
            for (first, before), (second, _) in ((other, one), (one, other)):  # what is done to matrices has an order
                plan = second.change(problem, before)
                if plan is not None and plan not in known and judge.possible(plan):
                    known.add(plan)
                    found.append(Hypothesis((first, second), plan))
    ranked = sorted(found, key=lambda pair: sum(mistake.rare for mistake in pair.mistakes))
    return [*_reordered(judge, singles), *ranked]


def _reordered(judge: Judge, singles: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Mistakes together with an order of sequences in which what they give is nearest to what the port gave."""
    steps, batch = judge.problem.x.shape[:2]
    weights = sum(cell.w_ih.size + cell.w_hh.size for layer in judge.problem.cells for cell in layer)
    if batch < _ORDERS or len(singles) * steps * batch * weights > _REORDERED:  # two can only be reversed
        return []
    return [
        Hypothesis((*one.mistakes, order), plan)
        for one in singles
        if one.mistakes[0].family != "sequences"
        for order in _matched(judge, one.plan)
        if (plan := order.change(judge.problem, one.plan)) is not None
    ]


_REORDERED: Final = 10**10  # multiply-adds for it
_ORDERS: Final = 3  # sequences that have more than their own order and the reverse one


def _matched(judge: Judge, plan: Plan = RIGHT) -> list[Mistake]:
    """The mistake of the order in which the sequences of the port are nearest to those of a plan, if that is one."""
    readings = judge.readings(plan)
    if not readings or judge.problem.x.shape[1] < _ORDERS:
        return []
    prediction, ways = judge.predict(plan), judge.problem.config.num_directions
    found: dict[tuple[int, ...], None] = {}
    for reading in readings[0]:
        ours, theirs = prediction.of(reading, ways), reading.values
        axis = 0 if reading.kind == "last" else 1
        rows = [np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)[:, :_COMPARED] for array in (ours, theirs)]
        order = tuple(int(np.abs(rows[0] - row).max(axis=1).argmin()) for row in rows[1])
        if len(set(order)) == len(order) and order != tuple(range(len(order))):
            found[order] = None
    return [matched_order(order) for order in found]


_COMPARED: Final = 4096  # numbers of a sequence that are compared with those of every other


def _best(
    judge: Judge, hypotheses: Sequence[Hypothesis], tolerance: float, without: float, tick: Callable[[int], None]
) -> tuple[list[Explanation], Explanation | None]:
    """The hypotheses that explain everything and cannot be told apart, and the nearest of the others.

    Args:
        judge: Of the LSTM and what the port gave.
        hypotheses: What is tried.
        tolerance: The largest relative difference of an explanation.
        without: The relative difference of what is simpler: an explanation is much nearer.
        tick: Called with the number of hypotheses that were tried.
    """
    whole = [
        Explanation(*hypotheses[place], judge.distance(hypotheses[place].plan))
        for place in _promising(judge, hypotheses, tolerance, tick)
    ]
    fitting = [one for one in whole if _fits(judge, one, tolerance, without)]
    nearest = min(fitting, key=lambda one: one.distance.relative, default=None)
    explanations: dict[tuple[str, ...], Explanation] = {}
    for one in fitting:
        if nearest is not None and judge.apart(one.distance, nearest.distance) <= tolerance:
            explanations.setdefault(tuple(sorted(mistake.name for mistake in one.mistakes)), one)
    others = [one for one in whole if one not in fitting]
    return list(explanations.values()), min(others, key=lambda one: one.distance.relative, default=None)


def _fits(judge: Judge, one: Explanation, tolerance: float, without: float) -> bool:
    """True if a hypothesis explains everything, as far as rounding lets it be told."""
    relative = one.distance.relative
    if relative * BETTER > without:
        return False
    if relative <= tolerance:
        return True
    return relative <= _APART and relative <= TIMES * judge.rounding(one.plan, one.distance)


def _promising(
    judge: Judge, hypotheses: Sequence[Hypothesis], tolerance: float, tick: Callable[[int], None]
) -> list[int]:
    """The places of plans that may fit, and of the nearest of the others, in the order of the plans."""
    plans, pairs = [one.plan for one in hypotheses], any(len(one.mistakes) > 1 for one in hypotheses)
    alive, bounds = np.arange(len(plans)), np.zeros(len(plans))
    most, steps, allowed = len(judge.problem.x), _FIRST_STEPS, max(_SLACK * tolerance, _APART)
    window = judge.guessed(plans, pairs=pairs)
    if window is not None:
        bounds = judge.lower_bounds(plans, steps, tick, window)
        alive, tick = np.sort(np.argsort(bounds, kind="stable")[:_GUESSED]), _silent
    while len(alive):
        bounds[alive] = judge.lower_bounds([plans[int(place)] for place in alive], steps, tick)
        alive, tick = alive[bounds[alive] <= allowed], _silent
        if len(alive) <= _FEW or steps >= most:
            break
        steps *= _LONGER
    by_bound = np.argsort(bounds, kind="stable")
    fitting = [place for place in alive if bounds[place] <= tolerance]
    near = [place for place in by_bound if place in set(alive)][:_MOST]
    put_aside = [place for place in by_bound if place not in set(alive)][:_NEAREST]
    return sorted({int(place) for place in (*fitting, *near, *put_aside)})


def _silent(*_: int) -> None:
    """Report nothing: nobody looks, or later rounds try fewer and fewer."""
