"""Settings with where they came from: a flag, a place in a source, a default.

Not here: which of several settings wins (`subject`), and how they are read (`parse`, `sources`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias


class Origin(NamedTuple):
    """Where a setting came from.

    Attributes:
        source: `flag`, `source`, `config` or `default`.
        where: The place in that source, as `train.py:12`, or None.
        certainty: `stated` (the user says so, or the framework's own default), `inferred` (it follows from something
            stated), `assumed` (nobody says so, it is the example's value) or `unknown`.
    """

    source: str
    where: str | None
    certainty: str


class Setting(NamedTuple):
    """A value and where it came from."""

    value: Any
    origin: Origin


Layer: TypeAlias = Mapping[str, Setting]


class Pointer(NamedTuple):
    """A place in a source, for people.

    Attributes:
        place: As `train.py:12`; empty if the source is a line of text.
        excerpt: The line, and carets below what is meant.
    """

    place: str
    excerpt: str


@dataclass(frozen=True)
class Gap:
    """What a source leaves open.

    Attributes:
        why: What it has instead, as `args.hidden`, or a phrase.
        names: The names of the source that would settle it, as `--set` takes them.
    """

    why: str
    names: tuple[str, ...] = ()


def quoted_name(name: str) -> str:
    """A name of a source as a shell takes it."""
    return name if name.replace(".", "").replace("_", "").isalnum() else f'"{name}"'
