"""The LSTM that a name asks for: its path in a source, or the end of that."""

from collections.abc import Sequence
from typing import Final

from lstmcalc.errors import NotFoundError, UsageError, harmless, nearest_hint, printable, shorten

_MOST: Final = 10_000  # names among which the nearest one is searched


def spellings(name: str) -> tuple[str, ...]:
    """The ways to write a name: as it is, and as it is shown."""
    return (name,) if name.isprintable() else (name, harmless(name), printable(name))


def pick(names: Sequence[str], module: str) -> str:
    """The name of the one LSTM whose path is `module` or ends with it."""
    name = module.removeprefix("self.")
    fitting = [item for item in names if name in spellings(item)]
    fitting = fitting or [item for item in names if any(one.endswith(f".{name}") for one in spellings(item))]
    if len(fitting) == 1:
        return fitting[0]
    told = fitting or names
    listed = f"{', '.join(map(printable, told[:20]))}{', ...' * (len(told) > 20)}"  # noqa: PLR2004  # what can be read at a glance
    raise (UsageError if fitting else NotFoundError)(
        "several modules are called so" if fitting else "no such module",
        expected=f"one of {listed}",
        found=shorten(module),
        hint="" if fitting else printable(nearest_hint(name, names[:_MOST])),
        where="--module",
    )
