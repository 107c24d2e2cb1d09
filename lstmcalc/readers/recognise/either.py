"""An LSTM of a weight file or another recurrent module of it: the names of its arrays, and its path."""

from typing import TypeAlias

from lstmcalc.readers.files.tensors import Relative
from lstmcalc.readers.found import Found

Either: TypeAlias = Found | Relative


def names_of(item: Either) -> tuple[str, ...]:
    """The names of the arrays of a module."""
    return item.names if isinstance(item, Relative) else item.stored.names


def unit_of(item: Either) -> str:
    """The path of a module, with slashes."""
    return item.unit if isinstance(item, Relative) else item.name
