"""Sizes and shapes, as `shapes` has them, and what every rule for a layer asks of them."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

Size: TypeAlias = object
Shape: TypeAlias = "tuple[Size, ...] | None"
Config: TypeAlias = Mapping[str, object]


def number(size: object) -> int | None:
    """A size as a number; None if it is any size, or none that is known."""
    return size if isinstance(size, int) and not isinstance(size, bool) else None


Rule: TypeAlias = Callable[[Config, tuple[Size, ...]], Shape]


def named(config: Config, names: str, default: object = None) -> object:
    """The first of these arguments that is given."""
    return next((config[name] for name in names.split() if name in config), default)
