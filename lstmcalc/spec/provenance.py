"""Settings with their origin: a flag, a place in a source, a default.

Not here: the choice between several settings (`intake.subject`), and reading them (`intake.flags`, `readers.sources`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias


class Origin(NamedTuple):
    """The origin of a setting."""

    source: str  # `flag`, `settings` (of `--config`), `source`, `config` or `default`
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


class Placed(NamedTuple):
    """A value of a configuration."""

    value: Any
    where: str  # its place, `config.yaml:3`
    pointer: Pointer


class Values(Protocol):
    """A configuration, as values of names."""

    name: str

    def find(self, name: str) -> Placed | None:
        """The value for a name; None if no key is meant by it, or several are."""

    def find_whole(self, name: str) -> Placed | None:
        """The value at the full path that a name has."""

    def doubt(self, name: str) -> str:
        """The sentence on a name whose key stands at several places; empty for others."""


class Known(dict[str, Any]):
    """The values of names that the user gives, and a configuration for the others."""

    def __init__(self, given: Mapping[str, Any], values: Values | None = None) -> None:
        super().__init__(given)
        self.values_of_names = values

    def having(self, given: Mapping[str, Any]) -> "Known":
        """The same with other values that the user gives."""
        return Known(given, self.values_of_names)


def known_with(known: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Other values that the user gives, with the configuration of the first."""
    return known.having(given) if isinstance(known, Known) else given
