"""Statistics of blocks: those of the whole array, whatever the dtype and however it is cut."""

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lstmcalc.errors import SourceError
from lstmcalc.numerics import block_statistics
from lstmcalc.numerics.block_statistics import Statistics, largest_difference, statistics_of
from tools.examples import examples

Numbers = np.ndarray[Any, Any]
DTYPES = ("float64", "float32", "float16", "int64", "uint64", "int32", "int8", "uint8", "bool", ">f4", ">f8")


def any_array(dtype: str) -> st.SearchStrategy[Numbers]:
    """Arrays with NaN and Inf, very small and very large numbers, and those of a weight, of any shape."""
    found = arrays(np.dtype(dtype), st.lists(st.integers(0, 9), max_size=3).map(tuple))
    weights = st.integers(0, 2**32 - 1).map(
        lambda seed: np.random.default_rng(seed).uniform(-1, 1, (seed % 40, 7)).astype(dtype)
    )
    return found | weights


def cut(array: Numbers, sizes: list[int]) -> Iterator[Numbers]:
    """The array in blocks of these sizes, then the rest."""
    flat, start = array.reshape(-1), 0
    for size in sizes:
        yield flat[start : start + size]
        start += size
    yield flat[start:]


def whole(array: Numbers) -> Statistics:
    """The statistics by the words of their definition, with exact sums."""
    numbers = array.reshape(-1).astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    nans = int(np.isnan(numbers).sum())
    infs = int(np.isinf(numbers).sum())
    if not finite.size:
        return Statistics(nan=nans, inf=infs)
    scale = float(np.abs(finite).max()) or 1.0
    mean = float(math.fsum(finite / scale) / finite.size * scale)
    norm = float(math.sqrt(math.fsum((finite / scale) ** 2)) * scale)
    low, high = float(finite.min()), float(finite.max())
    return Statistics(low, high, mean, norm if math.isfinite(norm) else None, nans, infs)


@examples(300)
@given(st.data(), st.sampled_from(DTYPES), st.lists(st.integers(0, 60), max_size=5), st.integers(1, 70))
def test_blocks_have_the_statistics_of_the_whole(data: Any, dtype: str, sizes: list[int], chunk: int) -> None:
    array = data.draw(any_array(dtype))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_statistics, "_CHUNK", chunk)
        found = statistics_of(cut(array, sizes))
    wanted = whole(array)
    assert (found.min, found.max, found.nan, found.inf) == (wanted.min, wanted.max, wanted.nan, wanted.inf)
    assert (found.norm is None) == (wanted.norm is None)
    if found.norm is not None:
        assert found.norm == pytest.approx(wanted.norm, rel=1e-12, abs=5e-324)
    if found.mean is not None:
        finite = array.reshape(-1).astype(np.float64)
        largest = np.abs(finite[np.isfinite(finite)]).max()
        # What sums in float64 can lose, of the largest number.
        assert abs(found.mean - wanted.mean) <= max(4e-15 * largest, 5e-324) if wanted.mean is not None else True
    assert (found.mean is None) == (wanted.mean is None)


@examples(300)
@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(DTYPES), st.integers(0, 60), st.integers(1, 70))
def test_blocks_have_the_difference_of_the_whole(data: Any, first: str, second: str, size: int, chunk: int) -> None:
    one = data.draw(any_array(first))
    other = data.draw(arrays(np.dtype(second), one.shape)) if data.draw(st.booleans()) else one.copy()
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(block_statistics, "_CHUNK", chunk)
        found = largest_difference(zip(cut(one, [size]), cut(other, [size]), strict=True))
        a, b = one.astype(np.float64), other.astype(np.float64)
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    largest = float(apart.max()) if apart.size else 0.0
    assert found == (largest if math.isfinite(largest) else None)


def test_sums_of_many_numbers_stay_exact() -> None:
    ones = np.full(100_000, 0.1, np.float32)
    found = statistics_of(ones for _ in range(100))
    assert found.mean == pytest.approx(float(np.float32(0.1)), rel=1e-15)
    assert found.norm == pytest.approx(float(np.float32(0.1)) * math.sqrt(1e7), rel=1e-14)


def test_the_largest_and_the_smallest_numbers_have_a_norm() -> None:
    tiny, huge = np.full(4, 5e-324), np.full(4, 1e308)
    assert statistics_of([tiny]).norm == 1e-323
    assert statistics_of([tiny]).mean == 5e-324
    assert statistics_of([tiny, huge]).norm is None  # beyond a float64
    assert statistics_of([tiny, huge]).mean == 5e307
    assert statistics_of([np.full(2, 1e308), np.full(2, -1e308)]).mean == 0


def test_numbers_without_an_order_have_no_statistics() -> None:
    with pytest.raises(SourceError, match="complex64 have no order"):
        statistics_of([np.zeros(2, np.complex64)])
    with pytest.raises(SourceError, match="complex64 are not compared"):
        largest_difference([(np.zeros(2), np.zeros(2, np.complex64))])


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 0x7D00), ("float32", 0x7FA00000), ("float64", 0x7FF4 << 48)])
def test_a_signalling_nan_is_counted_without_a_warning(dtype: str, bits: int) -> None:
    width = np.dtype(dtype).itemsize
    numbers = np.concatenate([np.array([bits], f"u{width}").view(dtype), np.ones(3, dtype)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert statistics_of([numbers]) == (1.0, 1.0, 1.0, 3**0.5, 1, 0)
        assert largest_difference([(numbers, numbers)]) == 0.0
