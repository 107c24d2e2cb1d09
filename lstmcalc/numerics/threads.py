"""Threads that compute an LSTM together, and threads of BLAS that must not.

NumPy lets go of Python's lock while it computes, so threads of Python are enough. Of BLAS's own, every product would
use all: they spin while they wait for each other, and where another program uses a core that takes many times as long.
"""

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from itertools import permutations
from queue import SimpleQueue
from threading import BrokenBarrierError, Lock
from typing import Any


class Crew:
    """Threads that go on together: each step of one needs the step before of all of them.

    `threading.Barrier` does the same, and takes several times as long.
    """

    def __init__(self, members: Sequence[Hashable]) -> None:
        boxes: dict[tuple[Hashable, Hashable], SimpleQueue[bool]] = {
            pair: SimpleQueue() for pair in permutations(members, 2)
        }
        self._out = {member: [box for (sender, _), box in boxes.items() if sender == member] for member in members}
        self._in = {member: [box for (_, reader), box in boxes.items() if reader == member] for member in members}

    def wait(self, member: Hashable) -> None:
        """Wait until all others are here too.

        Raises:
            BrokenBarrierError: One of them will not come.
        """
        self.tell(member, coming=True)
        for box in self._in[member]:
            if not box.get():
                raise BrokenBarrierError

    def tell(self, member: Hashable, *, coming: bool) -> None:
        """Tell all others that `member` is here, or that it will not come."""
        for box in self._out[member]:
            box.put(coming)


def workers(count: int) -> ThreadPoolExecutor:
    """So many threads, each on CPUs of its own where the system can do that.

    Linux likes to put a thread onto the CPU of the one that woke it, and then both take turns there: steps that take
    hundreds of microseconds were computed no faster by two threads than by one, and by 1.5 to 1.8 times so.
    """
    return ThreadPoolExecutor(count, initializer=_settle, initargs=(iter(range(count)), count))


def _settle(numbers: Iterator[int], count: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))[next(numbers) :: count]
        with suppress(OSError):
            os.sched_setaffinity(0, own)


class Workers:
    """A pool that is made when it is first needed, and then kept: making threads takes half a millisecond.

    One call at a time has it: parts of two calls could wait for each other.
    """

    def __init__(self) -> None:
        self._free = Lock()
        self._made: tuple[int, int, ThreadPoolExecutor] | None = None

    @contextmanager
    def of(self, count: int) -> Iterator[ThreadPoolExecutor]:
        """A pool of so many threads."""
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


def run_pipeline(pool: ThreadPoolExecutor, compute: Callable[[int, int, Any], Any], layers: int, pieces: int) -> None:
    """Call `compute(layer, piece, below)` for all layers and pieces, as many at once as the pool has threads.

    `below` is what it gave for the same piece of the layer before, None for layer 0. The pieces of a layer are computed
    one after the other.
    """

    def after(layer: int, piece: int, below: Future[Any] | None, before: Future[Any] | None) -> Any:  # noqa: ANN401
        if before:
            before.result()
        return compute(layer, piece, below and below.result())

    # A wave has one piece of each layer, and needs the wave before. So whatever waits was begun after what it waits
    # for, and what is done is kept no longer than it is needed.
    wave: dict[int, Future[Any]] = {}
    for number in range(layers + pieces - 1):
        wave = {
            layer: pool.submit(after, layer, number - layer, wave.get(layer - 1), wave.get(layer))
            for layer in range(layers)
            if 0 <= number - layer < pieces
        }
    for last in wave.values():
        last.result()


def threads_of_blas(number: int) -> AbstractContextManager[object]:
    """Holds BLAS to so many threads, if threadpoolctl is installed."""
    controller = _controller()
    return controller.limit(limits=number, user_api="blas") if controller else nullcontext()


def blas_is_held() -> bool:
    """Whether `threads_of_blas` can do what it says."""
    return _controller() is not None


@cache
def _controller() -> Any:  # noqa: ANN401  # it may not be installed
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
