"""Threads that compute an LSTM together.

NumPy releases Python's lock while it computes, so threads of Python are enough.
"""

import os
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import permutations
from queue import SimpleQueue
from threading import BrokenBarrierError, Lock


class Crew:
    """Threads that advance together: each step of one needs the previous step of all.

    `threading.Barrier` does the same, but takes several times as long.
    """

    def __init__(self, members: Sequence[Hashable]) -> None:
        boxes: dict[tuple[Hashable, Hashable], SimpleQueue[bool]] = {
            pair: SimpleQueue() for pair in permutations(members, 2)
        }
        self._out = {member: [box for (sender, _), box in boxes.items() if sender == member] for member in members}
        self._in = {member: [box for (_, reader), box in boxes.items() if reader == member] for member in members}

    def wait(self, member: Hashable) -> None:
        """Wait until all others are here too; BrokenBarrierError if one of them will not come."""
        self.tell(member, coming=True)
        for box in self._in[member]:
            if not box.get():
                raise BrokenBarrierError

    def tell(self, member: Hashable, *, coming: bool) -> None:
        """Tell all others that `member` is here, or that it will not come."""
        for box in self._out[member]:
            box.put(coming)


def workers(count: int) -> ThreadPoolExecutor:
    """A pool of `count` threads, each on CPUs of its own if the system supports that.

    Linux tends to put a thread onto the CPU of the one that woke it, and then both take turns there: for steps of
    hundreds of microseconds two such threads were no faster than one; on CPUs of their own, 1.5 to 1.8 times as fast.
    """
    return ThreadPoolExecutor(count, initializer=_settle, initargs=(iter(range(count)), count))


def _settle(numbers: Iterator[int], count: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))[next(numbers) :: count]
        with suppress(OSError):
            os.sched_setaffinity(0, own)


class Workers:
    """A pool that is made when first needed and then kept, because making threads takes half a millisecond.

    Only one call at a time uses it: parts of two calls could wait for each other.
    """

    def __init__(self) -> None:
        self._free = Lock()
        self._made: tuple[int, int, ThreadPoolExecutor] | None = None

    @contextmanager
    def of(self, count: int) -> Iterator[ThreadPoolExecutor]:
        """A pool of `count` threads."""
        with self._free:
            process = os.getpid()  # a fork has no threads
            if not self._made or self._made[:2] != (process, count):
                self.close()
                self._made = process, count, workers(count)
            yield self._made[2]

    def close(self) -> None:
        """End the threads."""
        if self._made and self._made[0] == os.getpid():
            self._made[2].shutdown()
        self._made = None
