"""Settings with their origin: a flag, a place in a source, a default.

Not here: the choice between several settings (`intake.subject`), and reading them (`intake.flags`, `readers.sources`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias


class Origin(NamedTuple):
    """The origin of a setting."""

    source: str  # `flag`, `source`, `config` or `default`
    where: str | None  # the place in that source, e.g. `train.py:12`
    # `stated` (by the user, or the framework's own default), `inferred` (from something stated), `assumed` (the
    # example's value, which nobody stated) or `unknown`.
    certainty: str


class Setting(NamedTuple):
    """A value and its origin."""

    value: Any
    origin: Origin


Layer: TypeAlias = Mapping[str, Setting]


class Pointer(NamedTuple):
    """A place in a source, for people."""

    place: str  # e.g. `train.py:12`; empty if the source is a line of text
    excerpt: str  # the line, with carets below the part in question


@dataclass(frozen=True)
class Gap:
    """A value that a source leaves open."""

    why: str  # the source's own text, e.g. `args.hidden`, or a phrase
    names: tuple[str, ...] = ()  # names in the source that determine the value, as `--set` takes them


def quoted_name(name: str) -> str:
    """A name from a source, quoted for a shell where needed."""
    return name if name.replace(".", "").replace("_", "").isalnum() else f'"{name}"'
