"""A progress bar on stderr, for long computations on a terminal."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

Progress: TypeAlias = Callable[[int, int], None]  # what is done, and all there is to do

PATIENCE = 0.7  # seconds before a bar is worth showing
INTERVAL = 0.1  # seconds between two updates


class ProgressBar:
    """A progress bar to call with (steps done, total steps), shown only while long work lasts."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._next = monotonic() + PATIENCE
        self._bar: tuple[RichProgress, TaskID] | None = None

    @classmethod
    def wanted(cls) -> bool:
        """True if stderr is a terminal."""
        return sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show the progress; cheap to call after every step."""
        now = monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL
        progress, task = self._shown()
        progress.update(task, completed=done, total=total)  # the next part of the work may have another total

    def pulse(self) -> None:
        """Show at once that work goes on whose steps are not told."""
        self._shown()

    def _shown(self) -> "tuple[RichProgress, TaskID]":
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            progress = Progress(console=Console(stderr=True), transient=True)
            progress.start()
            self._bar = progress, progress.add_task(self._label, total=None)
        return self._bar

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar[0].stop()


def shown_progress(label: str) -> AbstractContextManager[ProgressBar | None]:
    """A progress bar to enter; None on entering if nobody would see it."""
    return ProgressBar(label) if ProgressBar.wanted() else nullcontext()


class Tally:
    """A count of the numbers of arrays, of all that there are, for a progress bar."""

    def __init__(self, total: int, progress: Progress | None = None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    def counted(self, array: Any) -> Any:  # noqa: ANN401  # an array
        """The array itself, once it is counted."""
        self._done += array.size
        if self._progress is not None:
            self._progress(self._done, self._total)
        return array
