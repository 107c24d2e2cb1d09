"""Counts, lists and names in words, as messages and reports have them."""

from collections.abc import Iterable, Sequence


def counted(count: int, noun: str) -> str:
    """A number of things: `1 tensor`, `2,000 tensors`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def and_list(names: Sequence[str]) -> str:
    """All names: `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def with_dots(names: Sequence[str], most: int) -> str:
    """The first names, and dots for the others: `a, b, ...`."""
    return ", ".join(names[:most]) + ", ..." * (len(names) > most)


def with_rest(names: Sequence[str], most: int) -> str:
    """The first names, and the number of the others: `a, b and 3 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def unique_names(names: Iterable[str]) -> list[str]:
    """The names with a number behind those that were there before: `a`, `b`, `a_2`."""
    taken: dict[str, int] = {}  # the last number that each name got: many of one name take no time to look through
    result = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        while taken[name] > 1 and f"{name}_{taken[name]}" in taken:
            taken[name] += 1
        unique = name if taken[name] == 1 else f"{name}_{taken[name]}"
        taken.setdefault(unique, 1)
        result.append(unique)
    return result
