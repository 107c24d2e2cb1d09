"""The flags that every command takes, before or after its name: the source, the LSTM, its data, and the output."""

from collections.abc import Mapping, Sequence
from typing import Final

from lstmcalc.commands._output import OUTPUT
from lstmcalc.intake.flags import AROUND_FLAGS, DATA_FLAGS, FRAMEWORK_FLAG, LSTM_FLAGS, SOURCE_FLAGS, Flag

# Those of the panel `Source` that are no argument.
SOURCE_OPTIONS: Final = SOURCE_FLAGS[1:]
SHARED: Final[tuple[Flag, ...]] = (*SOURCE_OPTIONS, *LSTM_FLAGS, *DATA_FLAGS, *AROUND_FLAGS, FRAMEWORK_FLAG, *OUTPUT)
# Before one of these a LIST, or a FILE, may stand in the place of the number.
Own = Mapping[str, Sequence[Flag]]


def panels(own: Own | None = None, source: Sequence[Flag] = SOURCE_FLAGS[:1]) -> dict[str, Sequence[Flag]]:
    """The flags of a command by the panel of the help: its arguments, the shared ones, and its own before the output.

    A flag of its own takes the place of the shared one of the same field.
    """
    own = dict(own or {})
    mine = {flag.field: flag for flags in own.values() for flag in flags}
    replaced: set[str] = set()

    def with_own(flags: Sequence[Flag]) -> tuple[Flag, ...]:
        replaced.update(flag.field for flag in flags if flag.field in mine)
        return tuple(mine.get(flag.field, flag) for flag in flags)

    found: dict[str, Sequence[Flag]] = {
        "Source": (*source, *with_own(SOURCE_OPTIONS)),
        "LSTM": with_own(LSTM_FLAGS),
        "Data": with_own(DATA_FLAGS),
        "Around": with_own(AROUND_FLAGS),
    }
    output = with_own((FRAMEWORK_FLAG, *OUTPUT))
    for title, flags in own.items():
        left = tuple(flag for flag in flags if flag.field not in replaced)
        if left:
            found[title] = (*found.get(title, ()), *left)
    return {**found, "Output": (*found.pop("Output", ()), *output)}
