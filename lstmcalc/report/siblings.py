"""Siblings that are equal but for the number in their names, `blocks.0.rnn ... blocks.3.rnn`: shown as one."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """Its name in the source."""


T = TypeVar("T", bound=Named)


def siblings(items: Iterable[T], shown: Callable[[T], object]) -> list[list[T]]:
    """The items in order, those together that follow one another and are alike but for the numbers in their names.

    Args:
        items: What has names, each its own.
        shown: What is shown of an item, which may contain its name.
    """
    groups: list[list[T]] = []
    for item in items:
        if groups and _stem(item) == _stem(groups[-1][0]) and _text(item, shown) == _text(groups[-1][0], shown):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _stem(item: Named) -> str:
    """The name of an item with # for its numbers."""
    return re.sub(r"\d+", "#", item.name)


def _text(item: T, shown: Callable[[T], object]) -> str:
    """The text shown of an item, whatever its name; one that is a number alone cannot be told from a size."""
    text = repr(shown(item))
    return text if item.name.isdecimal() else text.replace(item.name, _stem(item))


def range_name(group: Sequence[Named]) -> str:
    """The name of siblings: `blocks.0.rnn ... blocks.3.rnn, 4 alike`; of one its own."""
    return group[0].name if len(group) == 1 else f"{group[0].name} ... {group[-1].name}, {len(group)} alike"
