"""PyTorch's seeded random numbers on a CPU, bit by bit, without PyTorch.

`TorchGenerator(0)` draws what PyTorch draws after `torch.manual_seed(0)`: `uniform` is `Tensor.uniform_`, `normal` is
`torch.randn`, `integers` is `torch.randint`; the functions below draw what layers draw when they are constructed.

Sources, all of torch 2.13.0:

- `ATen/core/MT19937RNGEngine.h`: a Mersenne Twister, MT19937, seeded with 32 bits: what `numpy.random.RandomState` is.
- `ATen/core/TransformationHelper.h` and `ATen/core/DistributionsHelper.h`: bits to uniform numbers and to integers, and
  pairs of normals, of which one is kept for the next call.
- `ATen/native/cpu/DistributionTemplates.h`: which draw makes which element, in 16 elements or more and in fewer.
- `ATen/native/cpu/avx_mathfun.h`: logarithm, sine and cosine of float32, for AVX2 and AVX-512. Their polynomials are
  those of the single-precision Cephes library by Stephen L. Moshier (`logf.c`, `sinf.c`).
- `torch/nn/modules/rnn.py`, `linear.py`, `sparse.py` and `torch/nn/init.py`: what layers draw.

Where the numbers may differ in the last bit, and why:

- PyTorch's kernels for AVX2 and AVX-512 round `u * width + low` once (a fused multiply-add), and so do the numbers
  here. Its kernels for other processors (`ATEN_CPU_CAPABILITY=default` picks them) round twice, and their float32
  logarithm, sine and cosine are those of the C library. Of a million numbers each, torch 2.13.0 on x86: half of the
  uniform ones differ, by a unit in the last place of the bound, 1.5e-8 for 0.22; of float32 `torch.randn` 38 % differ,
  by 2.3e-6 at most; of float16 fewer than 1 in 1,000, by 2 units in the last place at most.
- float64 normals, and those of tensors below 16 elements, come from the C library's `log`, `log1p`, `sin` and `cos`,
  in PyTorch and here: they agree where both use the same library, and both change with it.
- Other versions of PyTorch, and processors other than x86, were not compared.

Not here: bfloat16, which NumPy does not have; `Tensor.bernoulli_` and dropout, which draw from Intel's MKL; CUDA.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.errors import ConfigError, UnsupportedError, shorten
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.numerics.arrays import Array
from lstmcalc.spec.config import LSTMConfig

Bits: TypeAlias = NDArray[np.uint64]
Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]

_Drawn: TypeAlias = type[np.float32] | type[np.float64]

_DRAWN_AS: Final[dict[str, _Drawn]] = {"float32": np.float32, "float64": np.float64, "float16": np.float32}
DRAWN_DTYPES: Final = tuple(_DRAWN_AS)
_CHUNK: Final = 2**15  # numbers that are made at once, so that temporary arrays are small
_BLOCK: Final = 16  # normals of a large tensor are made in blocks: eight radii, then eight angles
_WORD: Final = 2**32
_TWO_WORDS_FROM: Final = 2**28  # from this range on integers take 64 bits, `uniform_int_from_to_distribution`


class TorchGenerator:
    """PyTorch's CPU generator, in its state after `torch.manual_seed(seed)`.

    Args:
        seed: As in `torch.manual_seed`, `-2**63 <= seed < 2**64`; PyTorch, too, ignores all but its low 32 bits.

    Raises:
        ConfigError: The seed is out of range.
    """

    def __init__(self, seed: int = 0) -> None:
        if not -(2**63) <= seed < 2**64:
            raise ConfigError(
                "seed is out of range", expected="-2**63 <= seed < 2**64", found=shorten(seed), field="seed"
            )
        self._words = np.random.RandomState(seed % _WORD)  # its stream is one that NumPy promises to keep
        self._kept: float | None = None

    def uniform(self, shape: Sequence[int], low: float = 0.0, high: float = 1.0, dtype: str = "float32") -> Array:
        """`torch.empty(shape, dtype=dtype).uniform_(low, high)`; without bounds also `torch.rand(shape, dtype=dtype)`.

        Raises:
            UnsupportedError: The dtype is not one of `DRAWN_DTYPES`.
        """
        values, drawn = _empty(shape, dtype), _DRAWN_AS[dtype]
        for part in _chunks(values):
            part[:] = _uniforms(self._units(part.size, drawn), drawn(low), drawn(high))
            least, excluded = part.dtype.type(drawn(low)), part.dtype.type(drawn(high))
            part[part == excluded] = least  # numbers that were rounded up to the bound
        return values

    def normal(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        """`torch.randn(shape, dtype=dtype)`.

        Raises:
            UnsupportedError: The dtype is not one of `DRAWN_DTYPES`.
        """
        values, drawn = _empty(shape, dtype), _DRAWN_AS[dtype]
        flat = values.reshape(-1)
        if values.size < _BLOCK:
            for place in range(values.size):
                flat[place] = drawn(self._one_normal())
            return values
        rest = values.size % _BLOCK
        for part in _chunks(flat[: values.size - rest]):
            part[:] = _normals(self._units(part.size, drawn))
        if rest:
            if dtype != "float16":
                self._units(rest, drawn)  # PyTorch draws these too, and overwrites them with the next block
            flat[-_BLOCK:] = _normals(self._units(_BLOCK, drawn))
        return values

    def integers(self, high: int, shape: Sequence[int]) -> NDArray[np.int64]:
        """`torch.randint(high, shape)`: integers below `high`, which is at least 1."""
        values = np.empty(shape, np.int64)
        for part in _chunks(values):
            drawn = self._words_64(part.size) if high >= _TWO_WORDS_FROM else self._words_32(part.size)
            part[:] = drawn % drawn.dtype.type(high)
        return values

    def _words_32(self, count: int) -> NDArray[np.uint32]:
        return np.frombuffer(self._words.bytes(4 * count), "<u4")

    def _words_64(self, count: int) -> Bits:
        """Pairs of 32-bit words as 64-bit integers, the high word first."""
        words = self._words_32(2 * count).astype(np.uint64)
        return (words[::2] << np.uint64(32)) | words[1::2]

    def _units(self, count: int, drawn: _Drawn) -> Any:  # noqa: ANN401  # of that dtype
        """Numbers in [0, 1), from as many low bits of each draw as the dtype has significant bits."""
        if drawn is np.float64:
            return (self._words_64(count) & np.uint64(2**53 - 1)) * 2.0**-53
        return (self._words_32(count) & np.uint32(2**24 - 1)).astype(np.float32) * np.float32(2.0**-24)

    def _one_normal(self) -> float:
        """One of a pair of normals; the other one is kept for the next call, whatever is drawn in between."""
        if self._kept is not None:
            value, self._kept = self._kept, None
            return value
        turn, length = self._units(2, np.float64).tolist()
        radius, angle = math.sqrt(-2.0 * math.log1p(-length)), 2.0 * math.pi * turn
        self._kept = radius * math.sin(angle) + 0.0  # -0 is 0
        return radius * math.cos(angle) + 0.0


def random_weights(config: LSTMConfig, generator: TorchGenerator, dtype: str = "float32") -> dict[str, Array]:
    """The weights that `nn.LSTM(..., dtype=dtype)` draws when it is constructed, in `state_dict` order.

    Raises:
        UnsupportedError: The dtype is not one of `DRAWN_DTYPES`.
    """
    bound = 1.0 / math.sqrt(config.hidden_size)
    parameters = LSTMModel(config).parameters
    return {parameter.name: generator.uniform(parameter.shape, -bound, bound, dtype) for parameter in parameters}


def random_linear(
    features: int, outputs: int, generator: TorchGenerator, dtype: str = "float32"
) -> tuple[Array, Array]:
    """The weight and the bias that `nn.Linear(features, outputs, dtype=dtype)` draws when it is constructed."""
    # kaiming_uniform_(weight, a=sqrt(5)): also 1/sqrt(features), but with the roundings of its own computation.
    bound = math.sqrt(3.0) * (math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(features))
    weight = generator.uniform((outputs, features), -bound, bound, dtype)
    bound = 1 / math.sqrt(features)
    return weight, generator.uniform((outputs,), -bound, bound, dtype)


def random_embedding(words: int, width: int, generator: TorchGenerator, dtype: str = "float32") -> Array:
    """The weight that `nn.Embedding(words, width, dtype=dtype)` draws when it is constructed."""
    return generator.normal((words, width), dtype)


def drawing_memory(count: int, dtype: str) -> int:
    """Temporary bytes needed to draw `count` numbers; bounded, however many there are."""
    return min(count, _CHUNK) * (110 if dtype == "float64" else 40)


def _empty(shape: Sequence[int], dtype: str) -> Array:
    if dtype not in DRAWN_DTYPES:
        raise UnsupportedError(
            f"no numbers are drawn in {dtype}", expected=f"one of {', '.join(DRAWN_DTYPES)}", found=shorten(dtype)
        )
    return np.empty(shape, dtype)


def _chunks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Views of an array's own memory, one part after the other."""
    flat = values.reshape(-1)
    return (flat[start : start + _CHUNK] for start in range(0, flat.size, _CHUNK))


def _uniforms(units: Any, low: Any, high: Any) -> Any:  # noqa: ANN401  # numbers of one dtype, arrays and scalars
    """`low + units * (high - low)`: the width is rounded, then the rest is rounded once."""
    return (_fma_64 if units.dtype == np.float64 else _fma)(units, high - low, low)


def _normals(units: Any) -> Any:  # noqa: ANN401  # numbers of one dtype
    """Whole blocks of normals from whole blocks of units by Box and Muller: radius times cosine, then times sine."""
    blocks = units.reshape(-1, 2, _BLOCK // 2)
    lengths, turns = 1 - blocks[:, 0].ravel(), blocks[:, 1].ravel()
    radii, cosines, sines = (_polar_coordinates_64 if units.dtype == np.float64 else _polar_coordinates)(lengths, turns)
    blocks[:, 0] = (radii * cosines).reshape(-1, _BLOCK // 2)
    blocks[:, 1] = (radii * sines).reshape(-1, _BLOCK // 2)
    blocks += blocks.dtype.type(0)  # adding the mean, as PyTorch does, makes -0 into 0
    return blocks.reshape(-1)


Polar: TypeAlias = tuple[Array, Array, Array]  # radii, and the cosines and sines of angles


def _polar_coordinates(lengths: Float32, turns: Float32) -> Polar:
    """Radii, cosines and sines for a float32 tensor, as AVX2 computes them."""
    sines, cosines = _sine_and_cosine(turns * np.float32(2 * math.pi))
    return np.sqrt(np.float32(-2) * _logarithm(lengths)), cosines, sines


def _polar_coordinates_64(lengths: Float64, turns: Float64) -> Polar:
    """The same for a float64 tensor: Python's functions are those of the C library to the last bit, NumPy's are not."""
    angles = (turns * (2 * math.pi)).tolist()
    radii = np.sqrt(-2.0 * np.fromiter(map(math.log, lengths.tolist()), np.float64, lengths.size))
    sines = np.fromiter(map(math.sin, angles), np.float64, turns.size)
    return radii, np.fromiter(map(math.cos, angles), np.float64, turns.size), sines


_TIE: Final = np.int64(0x10000000)  # of the bits that float64 has and float32 lacks: half a unit in the last place
_BELOW: Final = np.int64(0x1FFFFFFF)


def _fma(x: Any, y: Any, z: Any) -> Float32:  # noqa: ANN401  # float32 arrays and scalars
    """`x * y + z` of float32 numbers, rounded once.

    The product is exact in float64, and the sum is rounded there for the first time. Rounding it again, to float32, is
    harmless unless the first rounding made it a tie, which the second would break the wrong way: then the float64 sum
    moves a step towards what the first rounding lost. (Subnormal results have ties elsewhere; none occur here.)
    """
    product = np.multiply(x, y, dtype=np.float64)
    total = product + z
    ties = (total.view(np.int64) & _BELOW) == _TIE
    if ties.any():
        at = np.flatnonzero(ties)
        first = product[at]
        second = np.broadcast_to(np.asarray(z, np.float64), total.shape)[at]
        total[at] = _total_off_tie(first, second, total[at])
    rounded: Float32 = total.astype(np.float32)
    return rounded


def _total_off_tie(first: Float64, second: Float64, total: Float64) -> Float64:
    """The rounded sum of two numbers, moved one step towards what rounding lost."""
    lost = _rounding_error(first, second, total)
    return np.where(lost == 0, total, np.nextafter(total, np.copysign(np.inf, lost)))


def _rounding_error(first: Any, second: Any, total: Any) -> Any:  # noqa: ANN401  # float64 arrays and scalars
    """The exact sum of two numbers minus its rounded value `total` (Knuth's TwoSum)."""
    from_second = total - first
    return (first - (total - from_second)) + (second - from_second)


def _fma_64(x: Float64, y: np.float64, z: np.float64) -> Float64:
    """`x * y + z` of float64 numbers, rounded once.

    As in Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd",
    IEEE Transactions on Computers 57(4), 2008: the exact product is two numbers, the sum of three is rounded to odd
    before its last addition.
    """
    product = x * y
    (x_high, x_low), (y_high, y_low) = _split(x), _split(y)
    rest = x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)
    small = z + rest
    small_lost = _rounding_error(z, rest, small)
    large = product + small
    large_lost = _rounding_error(product, small, large)
    odd = small_lost + large_lost
    inexact = _rounding_error(small_lost, large_lost, odd)
    even = (odd.view(np.int64) & 1) == 0
    odd = np.where((inexact != 0) & even, np.nextafter(odd, np.copysign(np.inf, inexact)), odd)
    return np.asarray(large + odd)


def _split(value: Any) -> tuple[Any, Any]:  # noqa: ANN401  # float64 arrays and scalars
    """Split a number into the sum of two with half as many bits (Veltkamp)."""
    scaled = value * 134217729.0  # 2**27 + 1
    high = scaled - (scaled - value)
    return high, value - high


class _Cephes(NamedTuple):
    """Coefficients of single-precision Cephes, the highest power first; constants as sums that are exact in parts."""

    logarithm: tuple[float, ...]
    sine: tuple[float, ...]
    cosine: tuple[float, ...]
    log_2: tuple[float, float]
    quarter: tuple[float, float, float]


_CEPHES: Final = _Cephes(
    logarithm=(
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ),
    sine=(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1),
    cosine=(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2),
    log_2=(0.693359375, -2.12194440e-4),
    quarter=(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8),  # minus a quarter of pi
)
_ONE: Final = np.float32(1)
_HALF: Final = np.float32(0.5)


def _polynomial(coefficients: Sequence[float], x: Float32) -> Float32:
    """Evaluate a polynomial by Horner's rule, each step rounded once."""
    value: Any = np.float32(coefficients[0])
    for coefficient in coefficients[1:]:
        value = _fma(value, x, np.float32(coefficient))
    return np.asarray(value)


def _logarithm(x: Float32) -> Float32:
    """The logarithm of normal m * 2**e, sqrt(1/2) <= m < sqrt(2): a polynomial in m - 1, plus e * log(2)."""
    bits = x.view(np.int32)
    mantissa = ((bits & np.int32(0x7FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    small = mantissa < np.float32(0.707106781186547524)
    exponent = ((bits >> np.int32(23)) - np.int32(126) - small).astype(np.float32)
    t = (mantissa - _ONE) + np.where(small, mantissa, np.float32(0))
    squared = t * t
    value = _polynomial(_CEPHES.logarithm, t) * t
    value = _fma(value, squared, exponent * np.float32(_CEPHES.log_2[1]))
    value = t + (value - _HALF * squared)
    return _fma(exponent, np.float32(_CEPHES.log_2[0]), value)


def _sine_and_cosine(x: Float32) -> tuple[Float32, Float32]:
    """Sine and cosine of x from 0 to 2 pi, moved to within pi/4 of 0 by an even number of quarters of pi."""
    octant = (x * np.float32(4 / math.pi)).astype(np.int32)
    octant = (octant + np.int32(1)) & np.int32(~1)
    count = octant.astype(np.float32)
    for part in _CEPHES.quarter:
        x = _fma(count, np.float32(part), x)
    squared = x * x
    cosine = _polynomial(_CEPHES.cosine, squared) * squared
    cosine = _fma(cosine, squared, -(_HALF * squared)) + _ONE
    sine = _fma(_polynomial(_CEPHES.sine, squared) * squared, x, x)
    swapped = (octant & np.int32(2)) != 0
    sines, cosines = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    sines = np.where((octant & np.int32(4)) != 0, -sines, sines)
    return sines, np.where(((octant + np.int32(2)) & np.int32(4)) != 0, -cosines, cosines)
