"""The class of an object, told by the names of its class and of those that this inherits from.

Frameworks are never imported: an object of theirs has told Python all of it.
"""

from typing import Any, Final

from lstmcalc.errors import shorten

_LONGEST: Final = 60  # characters of a class's name in reports


def class_names(value: object) -> tuple[str, ...]:
    """The full names of the classes of an object, its own first: `torch.nn.modules.rnn.LSTM`, ..."""
    return tuple(full_name(kind) for kind in type(value).__mro__)


def full_name(kind: type) -> str:
    """The name of a class with its module."""
    return f"{kind.__module__}.{kind.__qualname__}"


def class_name(value: object) -> str:
    """The name of an object's class for people."""
    name = type(value).__name__
    return name if name.isprintable() and len(name) <= _LONGEST else shorten(name, _LONGEST)[1:-1]


def attributes_of(value: object) -> dict[str, Any]:
    """The attributes that an object has of its own, whatever its class makes of access to them."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}
