"""PyTorch's random numbers: recorded ones, the laws of their generator, and its arithmetic against exact fractions."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig, LSTMModel
from lstmcalc.errors import ConfigError, UnsupportedError
from lstmcalc.numerics import torch_random
from lstmcalc.numerics.torch_random import TorchGenerator, random_embedding, random_linear, random_weights
from tools.record_torch_random import DTYPES, FILE, PROGRAMS, WHOLE, Draw, digest


def drawn(generator: TorchGenerator, draw: Draw) -> Any:
    if draw.kind == "integers":
        return generator.integers(int(draw.high), draw.shape)
    if draw.kind == "normal":
        return generator.normal(draw.shape, draw.dtype)
    return generator.uniform(draw.shape, draw.low, draw.high, draw.dtype)


def bits(array: Any) -> Any:
    return array.reshape(-1).view(f"u{array.itemsize}")


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_what_pytorch_drew_is_drawn(number: int) -> None:
    seed, draws = PROGRAMS[number]
    generator = TorchGenerator(seed)
    with np.load(FILE, allow_pickle=False) as recorded:
        for position, draw in enumerate(draws):
            ours, theirs = drawn(generator, draw), recorded[f"{number}/{position}"]
            if math.prod(draw.shape) > WHOLE:
                assert digest(ours) == str(theirs), draw
                continue
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), draw
            if (draw.kind, draw.dtype) == ("normal", "float64"):  # of the C library, which need not be that one
                np.testing.assert_array_max_ulp(ours, theirs, 4)
            else:
                assert np.array_equal(bits(ours), bits(theirs)), draw


def test_the_recording_is_small_and_whole() -> None:
    assert FILE.stat().st_size < 100 * 1024
    with np.load(FILE, allow_pickle=False) as recorded:
        assert len(recorded) == sum(len(draws) for _, draws in PROGRAMS)


def test_the_number_that_everybody_knows() -> None:
    """`torch.manual_seed(0); torch.randn(5, 3, 10)` begins like this in thousands of notebooks."""
    first = TorchGenerator(0).normal((5, 3, 10))[0, 0, :4]
    assert [f"{value:.4f}" for value in first] == ["-1.1258", "-1.1524", "-0.2506", "-0.4339"]


# A large tensor is made in chunks; these are what it takes by default.
UNDIVIDED = {
    (kind, dtype, size): drawn(TorchGenerator(3), Draw(kind, (size,), dtype))
    for kind in ("uniform", "normal", "integers")
    for dtype in DTYPES
    for size in (40, 100, 5000)
}


@pytest.mark.parametrize("chunk", [16, 48, 2**20])
def test_the_size_of_a_chunk_changes_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_random, "_CHUNK", chunk)
    for (kind, dtype, size), expected in UNDIVIDED.items():
        assert np.array_equal(drawn(TorchGenerator(3), Draw(kind, (size,), dtype)), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@given(first=st.integers(0, 40), second=st.integers(0, 40))
def test_a_stream_goes_on_where_the_last_call_ended(dtype: str, first: int, second: int) -> None:
    parted, whole = TorchGenerator(5), TorchGenerator(5)
    parts = [parted.uniform((count,), dtype=dtype) for count in (first, second)]
    assert np.array_equal(np.concatenate(parts), whole.uniform((first + second,), dtype=dtype))
    assert np.array_equal(parted.normal((20,), dtype), whole.normal((20,), dtype))


def test_the_second_of_two_normals_is_kept_until_one_is_drawn_alone() -> None:
    pair = TorchGenerator(1).normal((2,), "float64")
    generator = TorchGenerator(1)
    assert generator.normal((), "float64") == pair[0]
    generator.uniform((7,))
    generator.normal((16,))
    assert generator.normal((1,), "float64") == pair[1]
    assert generator.normal((1,), "float64") != TorchGenerator(1).normal((3,), "float64")[2]  # other draws came between


@pytest.mark.parametrize("shape", [(), (7,), (1, 1), (3, 0), (20,), (5, 4, 3)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes_and_dtypes_are_those_asked_for(shape: tuple[int, ...], dtype: str) -> None:
    generator = TorchGenerator()
    for array in (generator.uniform(shape, dtype=dtype), generator.normal(shape, dtype)):
        assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
        assert np.isfinite(array).all()
    tokens = generator.integers(3, shape)
    assert (tokens.shape, tokens.dtype.name) == (shape, "int64")


def test_only_the_low_32_bits_of_a_seed_matter() -> None:
    def first(seed: int) -> float:
        return float(TorchGenerator(seed).uniform(()))

    assert first(-1) == first(2**32 - 1) == first(2**64 - 1)
    assert first(0) == first(2**32) == first(-(2**63))
    assert len({first(seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 10**30])
def test_a_seed_that_pytorch_refuses_is_refused(seed: int) -> None:
    with pytest.raises(ConfigError, match=r"seed is out of range\n  expected -2\*\*63 <= seed < 2\*\*64, found "):
        TorchGenerator(seed)


@pytest.mark.parametrize("dtype", ["bfloat16", "int8", "complex64"])
def test_other_dtypes_are_refused_by_name(dtype: str) -> None:
    for draw in (TorchGenerator().normal, TorchGenerator().uniform):
        with pytest.raises(UnsupportedError, match=f"no numbers are drawn in {dtype}"):
            draw((3,), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_upper_bound_is_excluded_even_where_numbers_are_rounded(dtype: str) -> None:
    values = TorchGenerator(0).uniform((100_000,), 1000, 1001, dtype)
    assert values.min() >= 1000
    assert values.max() < 1001


def test_weights_are_drawn_in_the_order_of_the_state_dict() -> None:
    config = LSTMConfig(3, 5, 2, bidirectional=True, proj_size=2)
    weights = random_weights(config, TorchGenerator(4))
    assert list(weights) == [parameter.name for parameter in LSTMModel(config).parameters]
    bound, generator = 1 / math.sqrt(5), TorchGenerator(4)
    for array in weights.values():
        assert np.array_equal(array, generator.uniform(array.shape, -bound, bound))


def test_layers_are_drawn_within_their_bounds() -> None:
    weight, bias = random_linear(40, 7, TorchGenerator(0))
    assert (weight.shape, bias.shape) == ((7, 40), (7,))
    assert 0.9 / math.sqrt(40) < np.abs(weight).max() <= 1 / math.sqrt(40)
    assert np.abs(bias).max() <= 1 / math.sqrt(40)
    assert np.array_equal(random_embedding(9, 5, TorchGenerator(2)), TorchGenerator(2).normal((9, 5)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_are_normal(dtype: str) -> None:
    values = np.sort(TorchGenerator(11).normal((20_001,), dtype).astype(np.float64))
    for place, expected in ((0.5, 0), (0.841345, 1), (0.158655, -1), (0.97725, 2)):
        assert values[int(place * len(values))] == pytest.approx(expected, abs=0.06)


MANTISSAS = st.integers(-(2**53), 2**53)


@given(u=st.integers(0, 2**24 - 1), w=st.floats(-3, 3, width=32), z=st.floats(-3, 3, width=32))
def test_float32_products_and_sums_are_rounded_once(u: int, w: float, z: float) -> None:
    x = np.array([u * 2.0**-24], np.float32)
    (found,) = torch_random._fma(x, np.float32(w), np.float32(z))  # noqa: SLF001
    assert_rounded_once(found, Fraction(float(x[0])) * Fraction(w) + Fraction(z))


@given(u=st.integers(0, 2**53 - 1), w=st.floats(2**-20, 4), z=st.floats(2**-20, 3), sign=st.sampled_from([1, -1]))
def test_float64_products_and_sums_are_rounded_once(u: int, w: float, z: float, sign: int) -> None:
    x = np.array([u * 2.0**-53])
    (found,) = torch_random._fma_64(x, np.float64(w), np.float64(sign * z))  # noqa: SLF001
    assert found == float(Fraction(float(x[0])) * Fraction(w) + sign * Fraction(z))  # Python rounds a fraction once


def test_a_tie_is_broken_by_what_float64_has_lost() -> None:
    x = np.array([1 + 2.0**-12], np.float32)
    for z, expected in ((2.0**-60, 1), (0.0, 0), (-(2.0**-60), 0)):  # the square of x is a tie: 1 + 2**-11 + 2**-24
        (found,) = torch_random._fma(x, x[0], np.float32(z))  # noqa: SLF001
        assert found == 1 + 2.0**-11 + expected * 2.0**-23


def assert_rounded_once(found: np.float32, exact: Fraction) -> None:
    """No float32 is nearer to what is exact; of two that are as near it is the even one."""
    apart = abs(Fraction(float(found)) - exact)
    if abs(exact) < Fraction(2) ** -126:
        return  # subnormal: none occur
    for other in (np.nextafter(found, np.float32(np.inf)), np.nextafter(found, np.float32(-np.inf))):
        beside = abs(Fraction(float(other)) - exact)
        assert apart < beside or (apart == beside and bits(np.array([found]))[0] % 2 == 0)
