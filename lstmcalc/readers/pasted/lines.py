"""Lines as people paste them: without escapes, box characters, prompts, and what a log puts in front.

Not here: what the lines say (`shape_lists`, `summaries`, `load_errors`).
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b\r\n]*+(?:\x07|\x1b\\)?)")
_BOXES: Final = dict.fromkeys(range(9472, 9600), " ") | {0xA0: " ", 0x200B: "", 0xFEFF: "", 9: " "}
_UPRIGHT: Final = "│┃║|"  # between the cells of a table
_CELLS: Final = {code: " " for code in range(0x2500, 0x2580) if chr(code) not in _UPRIGHT} | {
    **{ord(letter): "|" for letter in _UPRIGHT},
    0xA0: " ",
    0x200B: "",
    0xFEFF: "",
    9: " ",
}
# What `logging`, containers and notebooks put before a line: times, levels, names of loggers, processes.
_LEVELS: Final = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL"
_AHEAD: Final = re.compile(
    r"(?:(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,:+Z]*+\]?|\[?\d\d:\d\d:\d\d[\d.,]*+\]?|[->])[ \t]++"
    rf"|\[?(?:{_LEVELS})(?:\]|:|(?=[ \t]))[ \t]*+"
    r"(?:(?![^\s:]{0,200}(?:weight|bias|kernel))[A-Za-z_][\w.]{0,200}+:(?=\s|\D))?+[ \t]*+"
    r"|\[(?:rank|pid|stdout|stderr)[^\]\n]{0,200}+\]:?[ \t]*+|(?:In|Out) ?\[\d*+\]:[ \t]*+"
    r"|[\w./-]{1,200}?\.py:\d{1,5}+:?+[ \t]++)++"
)


def without_escapes(text: str) -> str:
    """A text without the escape sequences of terminals."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


def plain_line(line: str) -> str:
    """A line with blanks for box characters, tabs and the bars of a table."""
    return line.translate(_BOXES)


def bar_in(line: str) -> int:
    """The index of the first bar of a table in a line; its length without one."""
    return next((place for place, letter in enumerate(line) if letter in _UPRIGHT), len(line))


def cells_of(line: str) -> list[str]:
    """The cells of a line of a table with bars, without those at its ends; one for a line without bars."""
    parts = line.translate(_CELLS).strip().removeprefix("|").removesuffix("|").split("|")
    return [part.strip() for part in parts]


def without_ahead(line: str) -> str:
    """A line without what a log puts in front of it."""
    ahead = _AHEAD.match(line.lstrip())
    return line.lstrip()[ahead.end() :] if ahead else line
