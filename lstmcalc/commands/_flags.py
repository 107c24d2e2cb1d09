"""The flags that every command takes, before or after its name: the source, the LSTM, its data, and the output."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from lstmcalc.commands._output import OUTPUT, TypedFlags
from lstmcalc.errors import NotFoundError, UsageError, nearest_hint, printable
from lstmcalc.intake.flags import AROUND_FLAGS, DATA_FLAGS, FRAMEWORK_FLAG, LSTM_FLAGS, SOURCE_FLAGS, Flag, several
from lstmcalc.readers.files.given import given

# Those of the panel `Source` that are no argument.
SOURCE_OPTIONS: Final = SOURCE_FLAGS[1:]
SHARED: Final[tuple[Flag, ...]] = (*SOURCE_OPTIONS, *LSTM_FLAGS, *DATA_FLAGS, *AROUND_FLAGS, FRAMEWORK_FLAG, *OUTPUT)


def words_flag(metavar: str, text: str, choices: tuple[str, ...] | Callable[[], tuple[str, ...]]) -> Flag:
    """The argument of a command that takes words of its own before a source."""
    return Flag("words", (), (), metavar, text, choices, repeats=True)


def with_words(
    typed: TypedFlags, meaning: Callable[[str], str], what: str, known: Callable[[], Sequence[str]], expected: str
) -> tuple[TypedFlags, list[str]]:
    """The flags with the source among the words, and what the other words mean.

    A word that means nothing is the source; a file of that name is written with a folder, `./states`.

    Args:
        typed: The flags.
        meaning: What a word means; empty if it means nothing.
        what: A word for what has a meaning, for the error about a word that is no file either.
        known: Such words, of which the nearest one is suggested.
        expected: The words in short.
    """
    found, sources = list[str](), list[str]()
    for word in several(typed["words"]):
        meant = "" if given(word) else meaning(word)  # a model in memory may be called as a topic is
        (found if meant else sources).append(meant or word)
    if len(sources) > 1:
        raise UsageError(f"unexpected argument: {printable(sources[1])}", hint="one SOURCE, after the other words")
    source = sources[0] if sources else None
    is_file = source is None or given(source) is not None or os.path.lexists(source)
    if source and not is_file and re.fullmatch(r"[A-Za-z][\w-]*", source):
        error = f"no such {what} or file: {printable(source)}"
        raise NotFoundError(error, f"{expected}, or a file", hint=nearest_hint(source, known()))
    return with_models({**typed, "source": source}), found


def with_models(typed: TypedFlags) -> TypedFlags:
    """The flags, with the model that is in it for a folder, and with the index of a checkpoint for its prefix."""
    for field in ("source", "file"):
        value = typed.get(field)
        if not isinstance(value, str) or given(value) is not None:
            continue
        if os.path.isdir(value):  # noqa: PTH112  # start-up
            from lstmcalc.readers.folders import model_in

            typed = {**typed, field: model_in(value)}
        elif os.path.isfile(f"{value}.index"):  # noqa: PTH113  # as above
            from lstmcalc.readers.folders import whole_path

            typed = {**typed, field: whole_path(value)}
    return typed


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
