"""Spans of numbers: which things alternatives to a path made.

Not here: paths (`heap`).
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]
_SPANS: Final = 20  # of things that a path did not make


def joined_spans(*spans: tuple[int, int]) -> Spans:
    """Spans in order, those that touch as one; of many the last ones: what is forgotten counts as made."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        elif low < high:
            found.append((low, high))
    return tuple(found[-_SPANS:])


def common_spans(spans: Sequence[Spans]) -> Spans:
    """The spans that all of several cover."""
    first, *others = spans
    for other in others:
        first = joined_spans(
            *(
                (max(low, start), min(high, end))
                for low, high in first
                for start, end in other
                if max(low, start) < min(high, end)
            )
        )
    return first
