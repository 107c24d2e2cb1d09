"""Errors of other programs, as errors of ours: told apart by whether their reason is known."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EMFILE, ENFILE, ENOMEM, ENOSPC
from typing import Final

from lstmcalc.errors import ProgramError, UnsupportedError, shorten


@contextmanager
def failures(name: str) -> Iterator[None]:
    """Turn any error of a framework into `ProgramError`, and silence its warnings.

    What memory, a disk or the time left to it explains is an `UnsupportedError` alone: it tells nothing of its input.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "LSTM with projections is not supported with oneDNN", and the like
            yield
    except Exception as error:
        found = f"{type(error).__name__}: {error}".partition("\n")[0]
        kind = UnsupportedError if _lacks_something(error) else ProgramError
        raise kind(f"{name} failed", found=shorten(found, 200)[1:-1], where="--against") from error


def _lacks_something(error: Exception) -> bool:
    """True for a lack of memory, of room on a disk, or of time."""
    if isinstance(error, OSError):
        return error.errno in (ENOMEM, ENOSPC, EMFILE, ENFILE)
    text = str(error).lower()
    known = isinstance(error, MemoryError | TimeoutError) or type(error).__name__ == "TimeoutExpired"
    return known or any(word in text for word in _OUT_OF_MEMORY)


# What libraries in C++ say, whose errors have no class of their own.
_OUT_OF_MEMORY: Final = ("out of memory", "allocate memory", "bad_alloc", "failed to allocate")
