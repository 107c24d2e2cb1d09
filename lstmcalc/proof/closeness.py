"""The distance between two computations of the same LSTM: the allowed one and the actual one."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from lstmcalc.numerics.arrays import Array

# The allowed distance of two computations of the same LSTM. float16 is computed in float32 and rounded, so that two
# results can differ by one unit in the last place, 2**-10; hence also relative to the largest value above 1.
TOLERANCE: Final = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3}
_ROWS: Final = 64  # rows of a weight that are read together
_BLOCK: Final = 2**18  # numbers that are compared together


class Check(NamedTuple):
    """One prediction and its result."""

    name: str  # the claim: `h_n[2] = output[-1, :, :20]`
    relation: str  # of `actual` to `expected`: `=`, `<=` or `>`
    expected: Any  # the prediction: a shape, a count, or a bound
    actual: Any  # the computed value; an error is relative to the largest value if that is above 1
    max_abs_error: float | None  # the largest absolute difference, if two arrays were compared
    passed: bool  # True if the claim holds


def tolerance(dtype: str, largest: float, *, rounded_inside: bool = False) -> float:
    """The allowed distance of two computations.

    `TOLERANCE`, unless the gates sum so many or so large products that rounding alone can exceed it: a sum of products
    is computed within a few times u times the sum of their absolute values, u being half a unit in the last place
    (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). With default weights, float32 needs
    more than 1e-6 from about 500 features or 1,000 cells on, and PyTorch (2.13.0) is as far from its own float64 there.

    Args:
        dtype: The dtype they are computed in.
        largest: The largest sum of absolute products.
        rounded_inside: True if one of them rounds to the dtype at every step, as frameworks do in float16.
    """
    u = 2.0**-53 if dtype == "float64" else 2.0**-24
    allowed = 2.0**-11 if dtype == "float16" and rounded_inside else 2 * u
    return max(TOLERANCE[dtype], allowed * largest)


def largest_sum(parts: Sequence[tuple[Array, Array]]) -> float:
    """The largest sum of absolute products, over the rows of weights.

    Args:
        parts: The summands: values `(steps, inputs)` and a weight `(rows, inputs)`, each with the same number of rows.
    """
    values = [np.abs(part).astype(np.float64) for part, _ in parts]
    largest = 0.0
    for row in range(0, len(parts[0][1]), _ROWS):  # a copy of all weights would be the largest array of all
        rows = (np.abs(weight[row : row + _ROWS]).T.astype(np.float64) for _, weight in parts)
        sums: Any = sum(part @ weight for part, weight in zip(values, rows, strict=True))
        largest = max(largest, float(sums.max()))
    return largest


def check_close(name: str, pairs: Iterable[tuple[Array, Array]], tolerance: float) -> Check:
    """A check that the arrays of every pair are equal within the tolerance, relative to the largest value if above 1.

    The relative error is compared with the tolerance, so that the bound does not depend on which pair is the worst:
    that differs between processors.
    """
    worst, largest = 0.0, 0.0
    for ours, theirs in pairs:
        error = distance(ours, theirs)
        relative = error / max(1.0, float(np.abs(theirs).max(initial=0)))
        # Only another NaN replaces a NaN.
        worst = relative if np.isnan(relative) or relative > worst else worst
        largest = error if np.isnan(error) or error > largest else largest
    return Check(name, "<=", tolerance, worst, largest, worst <= tolerance)


def distance(ours: Array, theirs: Array) -> float:
    """The largest absolute difference; 0 if both are empty, infinite if their shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size or np.array_equal(ours, theirs):
        return 0.0
    worst = 0.0
    step = max(1, _BLOCK * len(ours) // ours.size)
    for start in range(0, len(ours), step):
        pair = (array[start : start + step].astype(np.float64) for array in (ours, theirs))
        error = float(np.abs(next(pair) - next(pair)).max())
        worst = error if np.isnan(error) or error > worst else worst
    return worst
