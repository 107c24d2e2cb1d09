"""The largest size with which an LSTM stays within budgets.

Sizes of one kind (see `regimes`) have one formula, in which every cost grows with every size, so the largest that fits
is found by bisection. Another kind can be cheaper at a larger size, so each kind is searched.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.costs.regimes import PERIOD, SWITCHES, kind_of
from lstmcalc.spec.config import MAX_SIZE


class Stretch(NamedTuple):
    """Sizes of one kind, from small to large; Python's own ranges cannot be as long."""

    length: int  # the number of sizes
    size: Callable[[int], int]  # the size at a position, from 0


class Largest(NamedTuple):
    """The largest size within a budget."""

    size: int
    gap: int | None  # the smallest size that does not fit, if it is below `size`


NO_LIMIT: Final = MAX_SIZE - 2 * PERIOD  # a larger result was not limited by a budget


def stretches(field: str, least: int) -> list[Stretch]:
    """All sizes of a setting from `least` on, in one stretch for each kind."""
    if field in SWITCHES:
        starts = sorted({least, *(size for size in SWITCHES[field] if size > least)})
        return [_run(start, end) for start, end in zip(starts, [*starts[1:], MAX_SIZE + 1], strict=True)]
    kinds: dict[Any, list[int]] = {}
    for size in range(least, least + PERIOD):
        kinds.setdefault(kind_of(field, size), []).append(size)
    periods = (MAX_SIZE - least) // PERIOD
    return [_repeated_sizes(sizes, periods) for sizes in kinds.values()]


def _run(start: int, end: int) -> Stretch:
    return Stretch(end - start, lambda position: start + position)


def _repeated_sizes(sizes: Sequence[int], periods: int) -> Stretch:
    count = len(sizes)
    return Stretch(count * periods, lambda position: sizes[position % count] + PERIOD * (position // count))


def largest_fitting(fits: Callable[[int], bool], among: Sequence[Stretch]) -> Largest | None:
    """The largest size that fits; None if none does.

    Args:
        fits: True for a size within the budget. Within one stretch, all sizes below a fitting one fit too.
        among: The sizes to choose from.
    """
    ends = [(stretch, _last_fitting(fits, stretch)) for stretch in among]
    fitting = [stretch.size(end) for stretch, end in ends if end >= 0]
    if not fitting:
        return None
    size = max(fitting)
    misfits = [stretch.size(end + 1) for stretch, end in ends if end + 1 < stretch.length]
    return Largest(size, min((misfit for misfit in misfits if misfit < size), default=None))


def _last_fitting(fits: Callable[[int], bool], stretch: Stretch) -> int:
    """The position of the last size that fits, -1 if none does: doubling steps, then bisection."""
    low, step = -1, 1
    while low + step < stretch.length and fits(stretch.size(low + step)):
        low, step = low + step, 2 * step
    high = min(low + step, stretch.length) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(stretch.size(middle)) else (low, middle - 1)
    return low
