"""The budget of one command for its inputs, and a memory of what it has read, so that no file is read twice.

A limit for each read is none for a file that has many of them: 2,000 tensors in one compressed storage, 300 nodes with
the same tensor. So all reads of a command count together. A file may cost what is linear in its size, and a fixed
amount besides: a few seconds, and less than a gigabyte.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, TypeVar

from lstmcalc.errors import SourceError

_Made = TypeVar("_Made")


class Allowance(NamedTuple):
    """The limit of one kind of work."""

    unit: str  # for errors: `bytes are unpacked`
    fixed: int  # for a command
    share: int  # for each byte of its files


INFLATED: Final = Allowance("bytes to inflate", 2 << 30, 8)  # some 5 seconds
FOLDED: Final = Allowance("bytes that its graph computes", 256 << 20, 16)
DECODED: Final = Allowance("numbers to decode", 32_000_000, 1)  # some 2 seconds
STEPS: Final = Allowance("steps of its pickles", 12_000_000, 0)  # some 10 seconds and half a gigabyte at worst
LIBRARY: Final = Allowance("nanoseconds of the HDF5 library", 8 * 10**9, 100)


class Budget:
    """The allowances that are left for a command, and the results that it remembers."""

    def __init__(self) -> None:
        self._spent: dict[Allowance, int] = {}
        self._made: dict[tuple[object, ...], Any] = {}
        self._size = 0  # bytes of the files that were opened
        self.inflated: tuple[object, bytes] = (None, b"")  # the compressed bytes that were read last, after inflating

    def allow(self, size: int) -> None:
        """Count a file of so many bytes among the inputs."""
        self._size += size

    def left(self, kind: Allowance) -> int:
        """The rest of an allowance."""
        return kind.fixed + kind.share * self._size - self._spent.get(kind, 0)

    def count(self, kind: Allowance, amount: int) -> None:
        """Count what was done, as its cost was not known before; what is left may become negative."""
        self._spent[kind] = self._spent.get(kind, 0) + amount

    def take(self, kind: Allowance, amount: int) -> None:
        """Count something before it is done; refused if that is more than what is left."""
        if amount > self.left(kind):
            raise SourceError(
                f"this takes too many {kind.unit}",
                f"at most {kind.fixed + kind.share * self._size:,} for its files",
                f"{amount:,} more, {self.left(kind):,} are left",
            )
        self.count(kind, amount)

    def once(self, what: str, path: str, make: Callable[[], _Made]) -> _Made:
        """The result of `make` for a file; made once, as long as the file stays the same."""
        try:
            status = os.stat(path)  # noqa: PTH116  # as in `texts`
        except (OSError, ValueError):
            return make()  # which reports why
        key = (what, path, status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._made:
            self._made[key] = make()
        found: _Made = self._made[key]
        return found


_CURRENT: Final[ContextVar[Budget | None]] = ContextVar("budget", default=None)


@contextmanager
def one_command() -> Iterator[None]:
    """Count everything that is read inside together; a command in a command has no budget of its own."""
    token = _CURRENT.set(_CURRENT.get() or Budget())
    try:
        yield
    finally:
        _CURRENT.reset(token)


def budget() -> Budget:
    """The budget of the running command; outside of one, a new one for a single read."""
    return _CURRENT.get() or Budget()
