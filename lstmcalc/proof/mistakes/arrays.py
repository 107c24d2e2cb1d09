"""The change that makes one LSTM's weights another's: rows permuted, transposed, swapped, summed, scaled or rounded.

A statement is only made of what was computed from one and compared with the other, number by number.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.mistakes.plans import IFGO
from lstmcalc.proof.mistakes.table import ORDERS, whose
from lstmcalc.proof.mistakes.weights import to_float16, to_float32, to_int8
from lstmcalc.readers.files.raw_numbers import to_bfloat16
from lstmcalc.spec.config import LSTMConfig

_CLOSE: Final = 1e-6  # of the largest number: what adding two biases, or scaling, rounds
_COARSE: Final = 0.02  # of the largest number: more than any dtype rounds
_ALIKE: Final = 1e-5  # of sums, in whatever order and dtype they were taken
_LAYERS: Final = 64  # that are looked at for the numbers of another one
_Tried: TypeAlias = tuple["Made", Callable[[], Array]]  # a change, and what it makes


class Made(NamedTuple):
    """A way in which an array follows from those of another LSTM."""

    change: str  # a short name: `rows:iofg`, `transposed`, `weight_hh_l0`
    says: str  # in words; `{first}` stands for the other LSTM


class Comparison:
    """Two LSTMs of one size, and what is known of the first one's arrays."""

    def __init__(
        self, config: LSTMConfig, first: Mapping[str, Array], second: Mapping[str, Array], allowed: float
    ) -> None:
        self._config = config
        self._first = first
        self._second = second
        self._allowed = allowed  # the largest difference that counts as equal
        self._known: dict[str, tuple[float, float]] = {}

    def made_by(self, name: str) -> Made | None:
        """The way in which an array of the second LSTM follows from the first one's; None if none is known."""
        with np.errstate(all="ignore"):  # NaN and infinity are equal to nothing
            return self._made(name)

    def _made(self, name: str) -> Made | None:
        wanted = self._second[name].astype(np.float64)
        if not wanted.any():
            return Made("zeros", "zeros")
        near = max(self._allowed, _CLOSE * float(np.abs(wanted).max(initial=0)))
        moments = _moments(wanted)
        own = self._first[name].astype(np.float64)
        rounded = float(np.abs(own - wanted).max(initial=0)) <= _COARSE * float(np.abs(own).max(initial=0))
        tried: list[_Tried] = [*(_casts(own) if rounded else ()), *_scaled(own, wanted)]
        if self._has(name, moments):
            tried += [*_orders(name, own), *_moved(name, own)]
        for made, values in tried:
            if _equal(values(), wanted, near):
                return made
        for source, says in _sources(self._config, name):
            if self._first[source].shape == wanted.shape and self._has(source, moments):
                other = self._first[source].astype(np.float64)
                if _equal(other, wanted, near):
                    return Made(source, says)
                for made, values in _orders(source, other):
                    if _equal(values(), wanted, near):
                        return Made(f"{source}, {made.change}", made.says.replace("those of {first}", says))
        return self._summed(name, wanted, near)

    def _has(self, name: str, moments: tuple[float, float]) -> bool:
        """True if an array may have the same numbers in another order: their sums agree."""
        if name not in self._known:
            self._known[name] = _moments(self._first[name].astype(np.float64))
        squares = max(self._known[name][1], moments[1])
        size = self._first[name].size
        return (
            abs(self._known[name][1] - moments[1]) <= _ALIKE * squares
            and abs(self._known[name][0] - moments[0]) <= _ALIKE * (squares * size) ** 0.5
        )

    def _summed(self, name: str, wanted: Array, near: float) -> Made | None:
        """The sum of both biases."""
        if not name.startswith("bias"):
            return None
        cell = name.partition("_l")[2]
        both = self._first[f"bias_ih_l{cell}"].astype(np.float64) + self._first[f"bias_hh_l{cell}"]
        return Made("summed", "the sums of both biases of {first}") if _equal(both, wanted, near) else None


def _moments(array: Array) -> tuple[float, float]:
    """The sum of the numbers and that of their squares, which their order does not change."""
    return float(array.sum()), float((array * array).sum())


def _equal(values: Array, wanted: Array, near: float) -> bool:
    return values.shape == wanted.shape and bool((np.abs(values - wanted) <= near).all())


def _orders(name: str, own: Array) -> Iterator[_Tried]:
    """The array with its gates' rows in every other order."""
    if name.startswith("weight_hr"):
        return
    blocks = dict(zip(IFGO, np.split(own, 4), strict=True))
    for order in sorted(ORDERS, key=lambda order: not whose(order)):
        owner = f"{whose(order)} order, " if whose(order) else "the order "
        says = f"those of {{first}} with their rows in {owner}{' '.join(order)}"
        yield Made(f"rows:{order}", says), partial(_joined, blocks, order)


def _joined(blocks: Mapping[str, Array], order: str) -> Array:
    return np.concatenate([blocks[gate] for gate in order])


def _moved(name: str, own: Array) -> Iterator[_Tried]:
    """The array with its numbers in other places."""
    those, matrix = "those of {first}", own.ndim == 2  # noqa: PLR2004  # axes
    if matrix and own.shape[0] == own.shape[1]:
        yield Made("transposed", f"{those} transposed"), lambda: own.T
    if matrix:
        yield Made("reshaped", f"{those} transposed and reshaped"), lambda: own.T.reshape(own.shape)
    if name.startswith("weight_hr"):
        return
    gates, units = own.reshape(4, -1, *own.shape[1:]), own.reshape(-1, 4, *own.shape[1:])
    if matrix and gates.shape[1] == gates.shape[2]:
        says = f"{those} with each gate's block transposed"
        yield Made("transposed", says), lambda: gates.swapaxes(1, 2).reshape(own.shape)
    says = f"{those} with the four gates of each unit side by side"
    yield Made("interleaved", says), lambda: gates.swapaxes(0, 1).reshape(own.shape)
    says = f"{those} gate by gate, which has four gates of each unit side by side"
    yield Made("gate by gate", says), lambda: units.swapaxes(0, 1).reshape(own.shape)


def _scaled(own: Array, wanted: Array) -> Iterator[_Tried]:
    """The array times the number that brings it nearest."""
    norm = float((own * own).sum())
    factor = float((own * wanted).sum()) / norm if norm else 0.0
    if factor:
        yield Made(f"scaled:{factor:.6g}", f"those of {{first}} times {factor:.6g}"), lambda: own * factor


def _casts(own: Array) -> Iterator[_Tried]:
    """The array in each coarser dtype."""
    for dtype, rounded in (("float32", to_float32), ("float16", to_float16), ("bfloat16", to_bfloat16)):
        yield Made(f"cast:{dtype}", f"those of {{first}} rounded to {dtype}"), partial(rounded, own)
    for steps in (127, 127.5):
        for kind, axis in (("tensor", None), ("channel", -1)):
            if own.ndim > 1 or axis is None:
                says = f"those of {{first}} rounded to int8, {'a scale for each row' if axis else 'one scale'}"
                yield Made(f"cast:int8-{kind}", says), partial(to_int8, own, steps, axis)


def _sources(config: LSTMConfig, name: str) -> Iterator[tuple[str, str]]:
    """The other arrays that may have been loaded in the place of one, and what they are."""
    stem, _, cell = name.rpartition("_l")
    layer, _, direction = cell.partition("_")
    mine = f"_{direction}" if direction else ""
    if config.bidirectional:
        yield f"{stem}_l{layer}{'' if mine else '_reverse'}", "those of the other direction of {first}"
    if stem in _TWINS:
        what = "biases" if stem.startswith("bias") else "matrices"
        yield f"{_TWINS[stem]}_l{cell}", f"the {what} of {{first}} in each other's place"
    for k in range(min(config.num_layers, _LAYERS)):
        if k != int(layer):
            yield f"{stem}_l{k}{mine}", f"those of layer {k} of {{first}}"


_TWINS: Final = {"weight_ih": "weight_hh", "weight_hh": "weight_ih", "bias_ih": "bias_hh", "bias_hh": "bias_ih"}
