"""Statistics of numbers that come in blocks, and the largest difference of two arrays that do.

They are those of the whole array, whatever the blocks: extremes and counts exactly, sums to the last bits of a float64.
"""

from collections.abc import Iterable, Iterator
from math import frexp, fsum, inf, isfinite, isnan, ldexp, sqrt
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.errors import SourceError

_Doubles: TypeAlias = NDArray[np.float64]

_CHUNK: Final = 1 << 16  # numbers that are converted at once, so that what is computed from them stays in the cache
_SAFE: Final = 400  # a power of two: the squares of numbers up to it can be added up, and so can those of its inverse


class Statistics(NamedTuple):
    """The statistics of an array's numbers."""

    min: float | None = None  # of the finite numbers, as are `max`, `mean` and `norm`; None if there are none
    max: float | None = None
    mean: float | None = None  # None, too, if it is beyond what a float64 can be, as may be `norm`
    norm: float | None = None  # the root of the sum of squares
    nan: int | None = None  # how many are NaN
    inf: int | None = None  # how many are infinite


class _Sums:
    """Sums of numbers and of their squares, of very large and very small ones apart, so that no square overflows."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[list[float], list[float]]] = {}  # by the power of two that they were divided by
        self._room: _Doubles = np.empty(_CHUNK)

    def add(self, numbers: _Doubles, largest: float) -> None:
        """Add finite numbers, of which none is larger than `largest`."""
        _, scale = frexp(largest)
        if abs(scale) < _SAFE:
            scale = 0
        else:
            numbers = np.ldexp(numbers, -scale)
        sums, squares = self._parts.setdefault(scale, ([], []))
        sums.append(float(numbers.sum()))
        # A product of vectors would be shared out to threads, which takes longer for so few.
        squares.append(float(np.square(numbers, out=self._room[: numbers.size]).sum()))

    def mean_and_norm(self, count: int) -> tuple[float, float]:
        """The mean of so many numbers, and the root of the sum of their squares."""
        top = max(self._parts)
        total = fsum(ldexp(fsum(sums), scale - top) for scale, (sums, _) in self._parts.items())
        squares = fsum(ldexp(fsum(found), 2 * (scale - top)) for scale, (_, found) in self._parts.items())
        return _scaled(total / count, top), _scaled(sqrt(squares), top)


def _scaled(value: float, scale: int) -> float:
    try:
        return ldexp(value, scale)
    except OverflowError:
        return inf


def statistics_of(blocks: Iterable[NDArray[Any]]) -> Statistics:
    """The statistics of the numbers of all blocks together; numbers that have no order are a SourceError."""
    low, high, finite_count, nans, infs = inf, -inf, 0, 0, 0
    sums = _Sums()
    for part, chunk in _chunks(blocks):
        numbers, (least, most) = chunk, _extremes(part if part.dtype == np.float32 else chunk)  # the former is faster
        if not (isfinite(least) and isfinite(most)):
            numbers, found = chunk[np.isfinite(chunk)], int(np.isnan(chunk).sum())
            nans, infs = nans + found, infs + chunk.size - numbers.size - found
            if not numbers.size:
                continue
            least, most = _extremes(numbers)
        low, high, finite_count = min(low, least), max(high, most), finite_count + numbers.size
        sums.add(numbers, max(-least, most))
    if not finite_count:
        return Statistics(nan=nans, inf=infs)
    mean, norm = (value if isfinite(value) else None for value in sums.mean_and_norm(finite_count))
    return Statistics(low, high, mean, norm, nans, infs)


def _chunks(blocks: Iterable[NDArray[Any]]) -> Iterator[tuple[NDArray[Any], _Doubles]]:
    """Some numbers at a time, as they are and in float64; an array that was yielded is written to again."""
    room: _Doubles = np.empty(_CHUNK)
    for block in blocks:
        if block.dtype.kind not in "fiub":
            raise SourceError(f"numbers of {block.dtype} have no order", "real numbers")
        flat = block.reshape(-1)
        for start in range(0, flat.size, _CHUNK):
            part = flat[start : start + _CHUNK]
            chunk = room[: part.size]
            with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
                chunk[...] = part
            yield part, chunk


def _extremes(chunk: NDArray[Any]) -> tuple[float, float]:
    """The least and the largest of some numbers; NaN if there is one among them."""
    with np.errstate(invalid="ignore"):
        return float(chunk.min()), float(chunk.max())


def largest_difference(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> float | None:
    """The largest difference of two arrays' numbers, block by block.

    None if it is not finite: if a number is NaN or infinite and its counterpart is something else.
    """
    largest = 0.0
    for first, second in pairs:
        for array in (first, second):
            if array.dtype.kind not in "fiub":
                raise SourceError(f"numbers of {array.dtype} are not compared", "real numbers", where="--values")
        if first.shape != second.shape:
            raise SourceError("not as its file says", f"{first.shape}", f"{second.shape}", where="--values")
        for (_, a), (_, b) in zip(_chunks([first]), _chunks([second]), strict=True):
            largest = max(largest, _chunk_difference(a, b))
            if not isfinite(largest):
                return None
    return largest


def _chunk_difference(a: _Doubles, b: _Doubles) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        apart = a - b
        least, most = _extremes(apart)
        if isfinite(least) and isfinite(most):
            return max(-least, most)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        found = float(np.abs(apart[~same]).max(initial=0.0))
    return inf if isnan(found) else found
