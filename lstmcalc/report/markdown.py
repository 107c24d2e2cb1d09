"""Blocks as Markdown; names and code are in backticks, so that `*` and `_` are not read as markup."""

import re
from collections.abc import Iterable, Iterator
from typing import IO, Final

from lstmcalc.report.blocks import Block, Code, Facts, Formulas, Heading, joined


def write_markdown(blocks: Iterable[Block], stream: IO[str]) -> None:
    """Write blocks as headings, lists and GitHub's tables, each with an empty line behind it."""
    for block in blocks:
        stream.writelines(f"{line}\n" for line in _markdown(block))
        stream.write("\n")


def _markdown(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"### {_escaped_text(block.text)}" if block.words else f"## {_code_span(block.text)}"
    elif isinstance(block, Code):
        fence = _fence(block.text, 3)
        yield from (f"{fence}{block.language}", block.text.rstrip("\n"), fence)
    elif isinstance(block, Formulas):
        yield from _markdown_formulas(block)
    elif isinstance(block, Facts):
        for label, phrases in block.lines:
            yield f"- **{_escaped_text(label)}**: {joined(list(map(_markdown_phrase, phrases)))}"
    else:
        yield f"| {' | '.join(_markdown_cell(column.header, '', code=False) for column in block.columns)} |"
        yield f"| {' | '.join('---:' if column.right else '---' for column in block.columns)} |"
        for row in block.rows:
            cells = (
                _markdown_cell(cell, row.kind, code=column.code or (position == 0 and not column.right))
                for position, (column, cell) in enumerate(zip(block.columns, row.cells, strict=True))
            )
            yield f"| {' | '.join(cells)} |"


def _markdown_formulas(block: Formulas) -> Iterator[str]:
    """The equations as LaTeX, in a fence, where Markdown leaves its backslashes alone; then their shapes."""
    yield from ("```math", r"\begin{aligned}")
    for number, row in enumerate(block.rows, 1):
        yield row.latex.replace(" = ", " &= ", 1) + (r" \\" if number < len(block.rows) else "")
    yield from (r"\end{aligned}", "```", "", "| | shapes | stored | |", "| --- | --- | --- | --- |")
    for row in block.rows:
        cells = row.text.partition(" = ")[0], row.shapes, *(", ".join(map(_code_span, row.places)), row.says)
        yield f"| {_code_span(cells[0])} | {_code_span(cells[1])} | {cells[2]} | {cells[3]} |"


def _markdown_cell(cell: str, kind: str, *, code: bool) -> str:
    if cell in ("", "-"):
        return cell
    if "\\|" in cell:  # in a table GitHub takes this for a bar, others for a backslash and the end of the cell
        return f"<code>{''.join(each if each.isalnum() else f'&#{ord(each)};' for each in cell)}</code>"
    if kind != "sum" and code:
        return _code_span(cell).replace("|", "\\|")  # even inside backticks
    if re.search(r"[*<`\\&~]|\]\(|\b_|_\b", cell):  # brackets alone are no link
        cell = _escaped_text(cell)
    cell = cell.replace("|", "\\|")
    return f"**{cell}**" if kind == "sum" else cell


def _code_span(text: str) -> str:
    """Text as code, between more backticks than it has in a row."""
    fence = _fence(text, 1)
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"


def _fence(text: str, least: int) -> str:
    """More backticks than the text has in a row, at least so many."""
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))


def _markdown_phrase(phrase: str) -> str:
    """A phrase in Markdown: one with characters of markup becomes code, or is escaped if it is a sentence."""
    if not re.search(_MARKUP, phrase):
        return phrase
    if phrase.startswith("under ") and phrase.endswith(":"):
        return f"under `{phrase[6:-1]}`:"
    return _escaped_text(phrase) if re.search(r"(?<![a-z])([a-z]++,? ){2}[a-z]", phrase) else _code_span(phrase)


# An underscore inside a word is not markup.
_MARKUP: Final = r"([*\[\]{}<`\\&~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))"  # compiled by the first use


def _escaped_text(text: str) -> str:
    return re.sub(_MARKUP, r"\\\1", text)
