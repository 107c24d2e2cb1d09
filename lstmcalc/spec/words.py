"""Counts, lists and names in words, as messages and reports have them."""

from collections.abc import Iterable, Sequence


class General(str):
    """A note on a source or a report as a whole, and not on one of its LSTMs."""

    __slots__ = ()


def counted(count: int, noun: str) -> str:
    """A number of things: `1 tensor`, `2,000 tensors`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def and_list(names: Sequence[str]) -> str:
    """All names: `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def or_list(names: Sequence[str]) -> str:
    """One of the names: `a, b or c`."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def with_dots(names: Sequence[str], most: int) -> str:
    """The first names, and dots for the others: `a, b, ...`."""
    return ", ".join(names[:most]) + ", ..." * (len(names) > most)


def with_rest(names: Sequence[str], most: int) -> str:
    """The first names, and the number of the others: `a, b and 3 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def quoted_text(text: str) -> str:
    """Text as a Python literal, in double quotes wherever that needs no escape."""
    return repr(text) if '"' in text or "\\" in repr(text) or "'" in text else f'"{text}"'


class UniqueNames:
    """Names of which no two are the same: a name that is taken gets a number, `a`, `b`, `a_2`."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}  # to the last number tried, so that many of one name take no time

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def add(self, name: str) -> str:
        """The name, or the first one with a number behind it that is free; it is taken from now on."""
        if name not in self._taken:
            self._taken[name] = 1
            return name
        while True:
            self._taken[name] += 1
            numbered = f"{name}_{self._taken[name]}"
            if numbered not in self._taken:
                self._taken[numbered] = 1
                return numbered


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, each with a number behind it if it was there before."""
    unique = UniqueNames()
    return [unique.add(name) for name in names]
