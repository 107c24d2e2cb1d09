"""The words of a command line: the command's name among them, and switches and names as people type them."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from lstmcalc.commands._flags import SHARED
from lstmcalc.errors import UsageError, shorten
from lstmcalc.intake.flags import Flag

# Options of the program itself, before which no command is looked for.
_TOP: Final = ("--version", "-h", "--help", "--install-completion", "--show-completion")
_YES: Final = ("true", "yes", "on")
_NO: Final = ("false", "no", "off")
TRUTHS: Final = (*_YES, *_NO)
_SHORT: Final = 2  # characters of `-H`


def split_command(words: Sequence[str], commands: Collection[str]) -> tuple[str, list[str]]:
    """The command's name and the words without it; `summary` if only a source or flags are there; else empty.

    Flags that every command takes may stand before the name; the first other word is the name, or a source.
    """
    words = [_dashed(word) for word in words]
    rest = words[1:] if words[:1] == ["--"] else words
    position = 0
    while position < len(rest):
        word = rest[position]
        if word == "--":
            break
        if word.startswith("-") and word != "-":
            if word in _TOP:
                return "", rest
            position += 1 + _has_value(word, rest[position + 1 : position + 2])
            continue
        if word in commands:
            return word, [*rest[:position], *rest[position + 1 :]]
        break
    return ("summary" if rest else ""), rest


def _dashed(word: str) -> str:
    """An option with dashes for underscores: `--hidden_size`."""
    if not word.startswith("--") or "_" not in word:
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _has_value(word: str, following: Sequence[str]) -> bool:
    """True if a shared option takes its value from the next word; a switch does if that is `true` or `false`."""
    flags = [flag for flag in SHARED if word in (*flag.names, *flag.off)]
    return any(bool(flag.metavar) or following[0].lower() in TRUTHS for flag in flags if following)


def with_switches(words: Sequence[str], flags: Collection[Flag]) -> list[str]:
    """The words with each switch that is given a value, `--bi true` or `--bi=no`, as the switch that means it.

    Raises:
        UsageError: The value is neither true nor false.
    """
    return list(
        _switched(words, {name: flag for flag in flags if not flag.metavar for name in (*flag.names, *flag.off)})
    )


def _switched(words: Sequence[str], switches: "dict[str, Flag]") -> Iterator[str]:
    skip = False
    for position, word in enumerate(words):
        if skip:
            skip = False
            continue
        if word == "--":
            yield from words[position:]
            return
        name, equals, value = word.partition("=")
        flag = switches.get(name)
        if flag is None or not name.startswith("-"):
            yield word
            continue
        following = words[position + 1].lower() if position + 1 < len(words) else ""
        if equals:
            value = {"1": "true", "0": "false"}.get(value, value.lower())
            if value not in TRUTHS:
                raise UsageError(f"{name} is on or off", "true or false", shorten(word.partition("=")[2]), where=name)
        elif following in TRUTHS:
            value, skip = following, True
        else:
            yield word
            continue
        on = (value in _YES) is (name in flag.names)
        if on:
            yield flag.names[0]
        elif flag.off:
            yield flag.off[0]
        # else: what is off by default is left out
