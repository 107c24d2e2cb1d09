"""The LSTMs of a source that are not known whole: a report names them beside those that it is on.

Not here: which these are (`resolve`).
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final, NamedTuple


class OpenSetting(NamedTuple):
    """A setting that is not known."""

    setting: str  # empty if nothing is known of the LSTM
    names: Sequence[str]  # names in the source that would settle it
    hint: str


class Open(NamedTuple):
    """An LSTM that was found and is not known whole."""

    name: str
    framework: str | None  # None if that is not known either
    where: str | None
    unknown: Sequence[OpenSetting]


_OPEN: Final[ContextVar[Sequence[Open]]] = ContextVar("open LSTMs", default=())


def note_open(found: Sequence[Open]) -> None:
    """Note the open LSTMs of the source that a command reads."""
    _OPEN.set(tuple(found))


def open_lstms() -> Sequence[Open]:
    """The open LSTMs of the source that was read last."""
    return _OPEN.get()
