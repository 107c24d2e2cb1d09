"""Objects that a function was given in place of files: each has a name, under which every reader finds it.

A command knows its sources by name. An object in memory has been read when the command begins, and its index stands
here under a name that no file has a say in; what is read by that name is this index.

Not here: how objects are read (`readers.live`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from lstmcalc.readers.files.tensors import WeightFile


class Given(NamedTuple):
    """An object in memory."""

    file: "WeightFile"  # its index
    value: Any = None  # the object itself
    path: str = ""  # the file that has what cannot be had from the object; empty without one


_GIVEN: Final[ContextVar[Mapping[str, Given] | None]] = ContextVar("objects in memory", default=None)


@contextmanager
def handed_over(objects: Mapping[str, Given]) -> Iterator[None]:
    """Let readers find these objects by their names."""
    token = _GIVEN.set({**(_GIVEN.get() or {}), **objects})
    try:
        yield
    finally:
        _GIVEN.reset(token)


def given(name: str) -> Given | None:
    """The object in memory of this name; None if it is the name of something else."""
    return (_GIVEN.get() or {}).get(name)
