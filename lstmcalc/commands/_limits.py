"""Limits that several commands take, `--max-params 1M`: their flags, their values, and what exceeds them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lstmcalc.errors import UnsupportedError, bytes_text
from lstmcalc.intake.flags import Flag, Typed
from lstmcalc.intake.quantities import read_bytes, read_count
from lstmcalc.spec.words import General

if TYPE_CHECKING:
    from lstmcalc.intake.subject import Subject

_READERS: Final = {
    "params": read_count,
    "macs": read_count,
    "memory": read_bytes,
    "weights": read_bytes,
    "state": read_bytes,
}
_HELP: Final = {
    "params": ("AMOUNT", "Parameter budget, e.g. 1M (10**6)"),
    "macs": ("AMOUNT", "MAC budget of a pass, e.g. 1G"),
    "memory": ("SIZE", "Memory budget of a pass, e.g. 2GiB (1024**3) or 2GB (1000**3)"),
    "weights": ("SIZE", "Budget for the weights, as in flash, e.g. 256KiB"),
    "state": ("SIZE", "RAM budget to run one sequence step by step, e.g. 64KiB"),
}
LIMITS: Final = tuple(Flag(name, (f"--max-{name}",), (), *words) for name, words in _HELP.items())


def limit_flag(name: str) -> str:
    """The flag of a limit as errors name it."""
    return f"--max-{name}"


def read_limits(typed: Mapping[str, Typed], flag_of: Callable[[str], str] = limit_flag) -> dict[str, int]:
    """The limits that the flags give, by name."""
    return {
        name: read(flag_of(name), str(typed[name])) for name, read in _READERS.items() if typed.get(name) is not None
    }


def check_stepping(limits: Mapping[str, int], *, bidirectional: bool) -> None:
    """Refuse a limit on running step by step for an LSTM that cannot."""
    if "state" in limits and bidirectional:
        raise UnsupportedError(
            "a bidirectional LSTM cannot run step by step",
            "an LSTM that reads forward",
            hint="it needs the whole sequence: --max-memory",
            where=limit_flag("state"),
        )


def over_limits(
    limits: Mapping[str, int],
    subjects: "Sequence[Subject]",
    *,
    train: bool,
    optimizer: str = "adam",
    input_grad: bool = False,
) -> Sequence[str]:
    """A line for each limit that some LSTMs exceed, all of them together."""
    if not limits:
        return []
    from lstmcalc.costs.measures import LIMITED, Case

    for subject in subjects:
        check_stepping(limits, bidirectional=subject.config.bidirectional)
    cases = [Case(one.config, one.data, one.around, train, optimizer, input_grad) for one in subjects]
    return exceeded(limits, {name: sum(LIMITED[name].of(case) for case in cases) for name in limits})


def exceeded(limits: Mapping[str, int], values: Mapping[str, int]) -> Sequence[str]:
    """A line for each limit that a value exceeds: `params 15,040, over the limit of 10,000 (--max-params)`."""
    lines = []
    for name, limit in limits.items():
        if values[name] > limit:
            number, most = (
                f"{value:,}" if name in ("params", "macs") else f"{value:,} B ({bytes_text(value)})"
                for value in (values[name], limit)
            )
            lines.append(General(f"{name} {number}, over the limit of {most} ({limit_flag(name)})"))
    return lines
