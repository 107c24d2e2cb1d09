"""The picture of the README: a command and its output, as rich draws a terminal.

`python -m tools.screenshot`, run in `tests`, draws it anew, and so does `pytest tests/test_docs.py --overwrite`.
"""

import re
from html import unescape
from importlib.metadata import version
from io import StringIO
from typing import Final

from rich.console import Console
from rich.text import Text

from tools.shell import TESTS, run_lstmcalc

PICTURE: Final = TESTS.parent / "docs" / "shapes.svg"
COMMAND: Final = "lstmcalc shapes --hidden 20 --layers 2 --bi"
COLUMNS: Final = 80
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


def draw() -> str:
    """Run the command as on a terminal with colours, and draw what it prints."""
    ran = run_lstmcalc(*COMMAND.split()[1:], FORCE_COLOR="1", COLUMNS=str(COLUMNS))
    assert ran.code == 0, ran.err
    console = Console(record=True, width=COLUMNS, file=StringIO(), highlight=False)
    console.print(Text(f"$ {COMMAND}\n", style="bold"), Text.from_ansi(ran.out), sep="\n")
    picture = console.export_svg(title="lstmcalc", unique_id="lstmcalc")
    # A page that shows a picture loads no font for it: those of the reader's machine are named instead.
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    picture = re.sub(r"font-family: Fira Code, monospace", f"font-family: {FONTS}", picture)
    picture = re.sub(r"<!-- .*? -->", f"<!-- drawn by rich {version('rich')} -->", picture, count=1)
    return "".join(f"{line.rstrip()}\n" for line in picture.splitlines())


def same_picture(one: str, other: str) -> bool:
    """True if two pictures are equal; if different versions of rich drew them, their words and styles are compared."""
    drawn_by = re.compile(r"drawn by rich \S+")
    if drawn_by.findall(one) == drawn_by.findall(other):
        return one == other
    return words(one) == words(other)


def words(picture: str) -> list[tuple[str, str]]:
    """Every text of a picture with its style."""
    styles = dict(re.findall(r"\.lstmcalc-(r\d+) \{ (.*?) \}", picture))
    found = re.findall(r'<text class="lstmcalc-(r\d+)"[^>]*>(.*?)</text>', picture)
    return [(unescape(text), styles[name]) for name, text in found if text.strip()]


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
