"""Sequences whose items are made on access.

An LSTM of a hundred thousand layers has a row for each weight. A table folds them and JSON streams them, so rows that
are not read should take neither time nor memory.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

from lstmcalc.errors import TooLargeError

T = TypeVar("T")

_SHOWN = 3  # items in a repr


class LazySequence(Sequence[T]):
    """A sequence of `length` items, each made by `make(index)` whenever it is read."""

    __slots__ = ("_length", "_make")

    def __init__(self, length: int, make: Callable[[int], T]) -> None:
        self._length = length
        self._make = make

    def __len__(self) -> int:
        if self._length > sys.maxsize:  # which Python refuses in its own words
            raise TooLargeError(
                "this would be too long",
                f"at most {sys.maxsize:,} rows",
                f"{self._length:,}",
                "fewer layers make fewer",
            )
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> "LazySequence[T]": ...
    def __getitem__(self, index: int | slice) -> "T | LazySequence[T]":
        picked = range(self._length)[index]
        if isinstance(picked, range):
            return LazySequence(len(picked), lambda position: self._make(picked[position]))
        return self._make(picked)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(self._length))

    def __repr__(self) -> str:
        shown = [repr(item) for item in self[:_SHOWN]] + ["..."] * (self._length > _SHOWN)
        return f"[{', '.join(shown)}] ({self._length:,} items)"
