"""Draw a report as HTML for a notebook: tables without a script, whose colours are those of the page around them.

What is lighter or darker is the page's own colour made fainter, and what has a colour has one between light and dark:
it can be read on either ground. The browser's preference is not asked, as a notebook has a theme of its own.
Text that comes from a source is escaped, and becomes nothing but text.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from lstmcalc.report.blocks import Block, Code, Facts, Formulas, Grid, Heading, Row, joined
from lstmcalc.report.render import View, blocks_of

if TYPE_CHECKING:
    from lstmcalc.report.document import Document

_STYLE: Final = """\
.lstmcalc { color: inherit; background: transparent; font-size: 0.9em; line-height: 1.4; }
.lstmcalc h4 { margin: 0.8em 0 0.3em; font-size: 1.05em; color: inherit; }
.lstmcalc table { border-collapse: collapse; margin: 0.3em 0 0.6em; color: inherit; background: transparent; }
.lstmcalc th, .lstmcalc td { padding: 0.15em 0.9em 0.15em 0; text-align: left; vertical-align: top; \
border: none; background: transparent; color: inherit; white-space: normal; }
.lstmcalc thead th { border-bottom: 1px solid rgba(128, 128, 128, 0.6); font-weight: 600; white-space: nowrap; }
.lstmcalc td.number, .lstmcalc th.number { text-align: right; font-variant-numeric: tabular-nums; }
.lstmcalc .facts th { font-weight: 400; opacity: 0.7; white-space: nowrap; }
.lstmcalc tr.sum td, .lstmcalc tr.head td { font-weight: 600; }
.lstmcalc tr.sum td { border-top: 1px solid rgba(128, 128, 128, 0.6); }
.lstmcalc tr.folded td, .lstmcalc tr.aside td, .lstmcalc td.quiet { opacity: 0.7; }
.lstmcalc tr.good td:last-child { color: #2e8b57; }
.lstmcalc tr.bad td { color: #d9534f; font-weight: 600; }
.lstmcalc code, .lstmcalc pre { font-family: monospace, monospace; font-size: 0.95em; background: transparent; \
color: inherit; padding: 0; }
.lstmcalc .note { opacity: 0.8; margin: 0.2em 0; }"""


def hypertext(report: "Document", view: View, notes: Sequence[str] = ()) -> str:
    """A report as HTML, with the notes on it below."""
    parts = [part for block in blocks_of(report, view) for part in _parts(block)]
    parts += [f'<p class="note">note: {escape(note)}</p>' for note in notes]
    body = "\n".join(parts)
    return f'<div class="lstmcalc">\n<style>\n{_STYLE}\n</style>\n{body}\n</div>'


def _parts(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"<h4>{escape(block.text)}</h4>"
    elif isinstance(block, Code):
        yield f"<pre>{escape(block.text.rstrip())}</pre>"
    elif isinstance(block, Facts):
        rows = (_row([("th", "", label), ("td", "", joined(phrases))]) for label, phrases in block.lines)
        yield _table("facts", (), rows)
    elif isinstance(block, Formulas):
        rows = (_formula(item.text, item.says, item.shapes, item.places) for item in block.rows)
        yield _table("formulas", (), rows)
    else:
        yield _grid(block)


def _formula(text: str, says: str, shapes: str, places: Sequence[str]) -> str:
    return _row([("td", "code", text), ("td", "", says), ("td", "code", shapes), ("td", "code", ", ".join(places))])


def _grid(grid: Grid) -> str:
    """A table with its header; a cell that is code is set as code."""
    heads = [("th", "number" if column.right else "", column.header) for column in grid.columns]

    def row(item: Row) -> str:
        cells = []
        for column, cell in zip(grid.columns, item.cells, strict=True):
            kinds = ("number", column.right), ("quiet", column.quiet), ("code", column.code and bool(cell))
            cells.append(("td", " ".join(name for name, is_so in kinds if is_so), cell))
        return _row(cells, item.kind)

    return _table("grid", heads, map(row, grid.rows))


def _table(kind: str, heads: Sequence[tuple[str, str, str]], rows: Iterable[str]) -> str:
    head = f"<thead>{_row(heads)}</thead>\n" if heads else ""
    return f'<table class="{kind}">\n{head}<tbody>\n' + "\n".join(rows) + "\n</tbody>\n</table>"


def _row(cells: Sequence[tuple[str, str, str]], kind: str = "normal") -> str:
    """A row of cells, each with its tag, its classes and its text."""
    shown = "".join(_cell(*cell) for cell in cells)
    return f"<tr>{shown}</tr>" if kind == "normal" else f'<tr class="{kind}">{shown}</tr>'


def _cell(tag: str, kinds: str, text: str) -> str:
    inside = f"<code>{escape(text)}</code>" if "code" in kinds.split() else escape(text)
    named = " ".join(name for name in kinds.split() if name != "code")
    return f'<{tag} class="{named}">{inside}</{tag}>' if named else f"<{tag}>{inside}</{tag}>"
