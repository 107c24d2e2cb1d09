"""Write a report: as tables for a terminal, Markdown, CSV or JSON.

CSV and JSON are the report itself, written row by row as the rows are made; tables and Markdown both draw the blocks of
a view, so that they never differ in content.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from lstmcalc.errors import harmless
from lstmcalc.lazy import LazySequence
from lstmcalc.report.blocks import Block, Code, Column, Facts, Formulas, Grid, Heading, Line, Row, joined, shape_text
from lstmcalc.report.record import plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.segment import Segment
    from rich.text import Text

    from lstmcalc.report.document import Document


View: TypeAlias = Callable[["Document"], Iterator[Block]]  # of a whole report
Plain: TypeAlias = dict[str, Any]  # a document as JSON has it


Progress: TypeAlias = Callable[[int, int], None]  # what is done, and all there is to do


def write_report(report: "Document", style: str, stream: IO[str], view: View, progress: Progress | None = None) -> None:
    """Write a document to a stream.

    Args:
        report: The document.
        style: One of `document.FORMATS`.
        stream: Where to.
        view: Its blocks.
        progress: Called after every row of JSON or CSV.
    """
    if style == "json":
        write_json(plain(report), stream, progress)
    elif style == "csv":
        write_csv(plain(report), stream, progress)
    elif style == "markdown":
        write_markdown(report, stream, view)
    else:
        write_table(report, stream, view)


def blocks_of(report: "Document", view: View) -> Iterator[Block]:
    """The blocks of a report, in which nothing does harm."""
    shown = (block for block in view(report) if not isinstance(block, Facts) or block.lines)
    return map(_harmless_block, shown)


_LONGEST_CELL: Final = 300  # characters: the cells below a long one would be as wide


def _harmless_block(block: Block) -> Block:
    """The block for a screen: names from a source move no cursor and begin no line of their own."""
    if isinstance(block, Code):
        return block._replace(text=harmless(block.text, keep="\n", most=len(block.text)))
    if isinstance(block, Grid):
        return Grid(*_harmless_parts(block, _LONGEST_CELL))
    return type(block)(*_harmless_parts(block))


def _harmless_parts(parts: tuple[Any, ...], most: int = 10_000) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, str):
            yield harmless(part, most=most)
        elif isinstance(part, tuple):
            own = _harmless_parts(part, most)
            yield type(part)(*own) if hasattr(part, "_fields") else tuple(own)
        else:
            yield part


def write_json(tree: Plain, stream: IO[str], progress: Progress | None = None) -> None:
    """Write JSON with one line for each row of a list, so that it can be read, searched and compared by line."""
    stream.writelines(_json_document(tree, progress))


def _told(rows: Sequence[Plain], progress: Progress | None) -> Iterable[Plain]:
    """The rows, each told of."""
    if progress is None:
        return rows
    return _telling(rows, progress)


def _telling(rows: Sequence[Plain], progress: Progress) -> Iterator[Plain]:
    for number, row in enumerate(rows):
        progress(number, len(rows))
        yield row


def _json_document(tree: Plain, progress: Progress | None) -> Iterator[str]:
    from json import JSONEncoder

    plainly = JSONEncoder(allow_nan=False).encode

    def encode(value: object) -> str:
        return plainly(value).replace("\x7f", r"\u007f")  # the one control character that JSON may have as it is

    yield "{"
    for key, value in tree.items():
        if key != "modules":
            yield f"{encode(key)}: {encode(value)}, "
    yield '"modules": ['
    for position, module in enumerate(tree["modules"]):
        yield ",\n  {" if position else "\n  {"
        for number, (key, value) in enumerate(module.items()):
            yield ("," if number else "") + f"\n    {encode(key)}: "
            yield from _json_value(value, encode, progress)
        yield "\n  }"
    yield "\n]}\n"


def _json_value(value: object, encode: Callable[[object], str], progress: Progress | None) -> Iterator[str]:
    """The JSON of a module's value; each of its rows, or of its keys, is on a line of its own."""
    if isinstance(value, Sequence) and len(value) and isinstance(value[0], dict):
        for position, row in enumerate(_told(value, progress)):
            yield ("," if position else "[") + f"\n      {encode(row)}"
        yield "\n    ]"
    elif isinstance(value, LazySequence):  # an empty one
        yield "[]"
    elif isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
        for position, (key, item) in enumerate(value.items()):
            yield ("," if position else "{") + f"\n      {encode(key)}: {encode(item)}"
        yield "\n    }"
    else:
        yield encode(value)


def write_csv(tree: Plain, stream: IO[str], progress: Progress | None = None) -> None:
    """Write one section for each list of the report, divided by an empty line; the first column is the module."""
    from csv import writer

    out = writer(stream, lineterminator="\n")
    for key, rows in tree.items():  # of the report as a whole
        if key != "modules" and _is_flat(rows):
            out.writerow(rows[0])
            out.writerows(map(_csv_cell, row.values()) for row in _told(rows, progress))
            stream.write("\n")
    names = [key for module in tree["modules"] for key, value in module.items() if _is_table(value)]
    for position, name in enumerate(dict.fromkeys(names)):
        if position:
            stream.write("\n")
        having = [module for module in tree["modules"] if _is_table(module.get(name))]
        columns = list(dict.fromkeys(key for module in having for key in module[name][0]))
        out.writerow(["module", *columns])
        for module in having:
            owner = _csv_text(module["name"])
            out.writerows(
                [owner, *(_csv_cell(row.get(key)) for key in columns)] for row in _told(module[name], progress)
            )


def _is_table(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and isinstance(value[0], Mapping)


def _is_flat(value: Any) -> bool:  # noqa: ANN401  # of a document
    """True for a table whose cells are not tables."""
    return _is_table(value) and not any(isinstance(cell, Mapping | list) for cell in value[0].values())


def _csv_cell(value: object) -> object:
    """A value as a cell: numbers as numbers, shapes and gate rows as in the tables."""
    if type(value) is int:  # nearly all of a long table
        return value
    if isinstance(value, list):
        sentences = any(re.search("[a-z,] [a-z]", str(item)) for item in value)
        return _csv_text("; ".join(value) if sentences else shape_text(value))
    if isinstance(value, str):
        return _csv_text(re.sub(r"\n+", "\n", value).strip() if "\n" in value else value)  # no line between sections
    if isinstance(value, Mapping):
        ranges = {key: ":".join(map(str, part)) if isinstance(part, list) else part for key, part in value.items()}
        return _csv_text(", ".join(f"{key} {part}" for key, part in ranges.items()))
    return str(value).lower() if isinstance(value, bool) else value


_NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"  # as Python writes it


def _csv_text(text: str) -> str:
    """Text as a cell: an apostrophe keeps a spreadsheet from computing what looks like a formula, but for a number."""
    text = harmless(text, keep="\n", most=len(text))
    if text.lstrip().startswith(_FORMULAS) and not re.fullmatch(_NUMBER, text):
        return f"'{text}"
    return text


# The beginnings of formulas (OWASP, "CSV injection"), and their wide forms, which Excel takes for the same.
_FORMULAS: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def write_markdown(report: "Document", stream: IO[str], view: View) -> None:
    """Write GitHub's tables; names and code are in backticks, so that `*` and `_` are not read as markup."""
    for block in blocks_of(report, view):
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


def write_table(report: "Document", stream: IO[str], view: View) -> None:
    """Write tables, in colour on a terminal; no cell is cut, or broken within a word."""
    print_blocks(console_for(stream), blocks_of(report, view))


def console_for(stream: IO[str], **settings: Any) -> "Console":  # noqa: ANN401  # those of rich
    """A console that writes blocks to a stream: in a notebook too, where rich would display them."""
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False, force_jupyter=False, **settings)
    if console.width < 1:  # COLUMNS=0
        console.width = 80
    return console


def print_blocks(console: "Console", blocks: Iterable[Block]) -> None:
    """Print blocks as tables, with an empty line between two."""
    spared: tuple[Line, ...] = ()  # of the grid before, in one block with the lines that follow it
    for number, block in enumerate(blocks):
        if spared and not isinstance(block, Facts):
            console.print()
            _print_facts(console, Facts(spared))
            spared = ()
        if number:
            console.print()
        if isinstance(block, Heading):
            console.print(block.text, style="bold", soft_wrap=not console.is_terminal)
        elif isinstance(block, Code):
            console.print(block.text.rstrip("\n"), soft_wrap=True)
        elif isinstance(block, Facts):
            _print_facts(console, Facts((*spared, *block.lines)))
            spared = ()
        elif isinstance(block, Formulas):
            _print_formulas(console, block)
        else:
            spared = _print_grid(console, block)
    if spared:
        console.print()
        _print_facts(console, Facts(spared))


def facts_height(facts: Facts, width: int) -> int:
    """The lines that facts take on a terminal of this width."""
    left = max(width - _margin(facts), 20)
    return sum(len(_wrapped_lines(phrases, left)) + (len(label) > _LABEL) for label, phrases in facts.lines)


def _margin(facts: Facts) -> int:
    """The width of the column of labels."""
    return max((len(label) for label, _ in facts.lines if len(label) <= _LABEL), default=_LABEL) + 2


def _print_facts(console: "Console", facts: Facts) -> None:
    """Print `label  phrase, phrase, ...`, the labels in one column; phrases that fit into a line stay whole."""
    from rich.text import Text

    rows, margin = [], _margin(facts)
    for label, phrases in facts.lines:
        lines = _wrapped_lines(phrases, max(console.width - margin, 20))
        if len(label) > _LABEL:  # on a line of its own
            rows.append(Text(label, style=_LABEL_STYLES.get(label, "cyan")))
            label = ""  # noqa: PLW2901  # already printed
        for number, line in enumerate(lines):
            text = Text(("" if number else label).ljust(margin), style=_LABEL_STYLES.get(label, "cyan"))
            rows.append(text.append(line, style="default"))
    _print_lines(console, rows)


def _print_formulas(console: "Console", formulas: Formulas) -> None:
    """Print each equation with its meaning beside it if that fits, its shapes and places below it."""
    from rich.text import Text

    lines = []
    left = max(len(row.text) for row in formulas.rows) + 3
    beside = left + max(len(row.says) for row in formulas.rows) <= console.width
    for row in formulas.rows:
        line = Text(row.text.ljust(left) if beside else row.text, style="cyan")
        lines.append(line.append(row.says if beside else "", style="default"))
        for phrases in ((row.shapes,), row.places, () if beside else (row.says,)):
            lines += [Text(f"    {text}") for text in _wrapped_lines(phrases, console.width - 4)]
    for line in lines:
        line.rstrip()
    _print_lines(console, lines)


def _wrapped_lines(phrases: Sequence[str], width: int) -> list[str]:
    """The lines of phrases, broken between phrases, or between the terms of a formula, never inside brackets."""
    from textwrap import wrap

    # A phrase that stays together is one word to `wrap`: its spaces are hidden while lines are broken.
    words = (phrase.replace(" ", "\0") if len(phrase) < width else _glued_formula(phrase) for phrase in phrases)
    lines = wrap(joined(list(words)), width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def _print_lines(console: "Console", lines: "Iterable[Text]") -> None:
    """Print lines unbroken, all in one call, since each call of `print` is slow."""
    from rich.text import Text

    console.print(Text("\n").join(lines), soft_wrap=True)


def _glued_formula(formula: str) -> str:
    """A formula with the spaces inside brackets and products hidden, so that it breaks only between its terms."""
    depth, text = 0, ""
    formula = formula.replace(" @ ", "\0@\0").replace(" * ", "\0*\0")
    for character in formula:
        depth += {"(": 1, ")": -1}.get(character, 0)
        text += "\0" if character == " " and depth else character
    return text


_LABEL: Final = 28  # a label that is longer would push everything aside
_LABEL_STYLES: Final = {"assumed": "bold yellow"}
_ROW_STYLES: Final = {
    "normal": "",
    "head": "bold",
    "sum": "bold",
    "folded": "dim",
    "aside": "dim",
    "good": "",
    "bad": "bold red",
}


def _print_grid(console: "Console", grid: Grid) -> tuple[Line, ...]:
    """Print the grid as wide as it needs to be, each cell whole; return the lines that replace columns.

    If that is wider than the screen, columns with a `spare` line are replaced by it first, then text that can be broken
    at spaces is; names are never broken.
    """
    spared: list[Line] = []
    for column in reversed(grid.columns):
        if column.spare and _total(_widths(grid)) > console.width:
            spared.append(column.spare)
            grid = _without(grid, column)
    prefix = ""
    if console.is_terminal and _total(_shrunk_widths(grid, console.width)) > console.width:
        from lstmcalc.report import narrow

        grid, prefix = narrow.without_prefix(grid)
        excess = _total(_shrunk_widths(grid, console.width)) - console.width
        if excess > 0 and console.width < narrow.STACKED:
            for facts in narrow.stacked(grid):
                _print_facts(console, facts)
            return tuple(spared)
        grid = narrow.with_short_names(grid, excess) if excess > 0 else grid
    if prefix:
        console.print(f"all below {prefix}", style="cyan", soft_wrap=True)
    widths = _shrunk_widths(grid, console.width)
    screen = console.width
    console.width = max(_total(widths), screen)
    lines = console.render_lines(_table(grid, widths), pad=False)
    console.width = screen
    _print_lines(console, map(_stripped_text, lines))
    return tuple(spared)


def _shrunk_widths(grid: Grid, screen: int) -> list[int]:
    """The widths of the columns; those whose text can be broken are narrowed if the screen needs it."""
    widths = _widths(grid)
    for position, column in enumerate(grid.columns):
        excess = _total(widths) - screen
        if column.breaks and excess > 0:
            longest = max(len(word) for row in grid.rows for word in row.cells[position].split(" "))
            widths[position] -= min(excess, max(0, widths[position] - max(longest, len(column.header))))
    return widths


def _without(grid: Grid, column: Column) -> Grid:
    kept = [position for position, other in enumerate(grid.columns) if other is not column]
    return Grid(
        tuple(grid.columns[position] for position in kept),
        tuple(Row(tuple(row.cells[position] for position in kept), row.kind) for row in grid.rows),
    )


def _widths(grid: Grid) -> list[int]:
    """The width of each column: that of its longest cell. rich would find it too, but by measuring each cell twice."""
    from rich.cells import cell_len

    return [
        max(
            cell_len(column.header),
            *(cell_len(line) for row in grid.rows for line in row.cells[position].split("\n")),
            0,
        )
        for position, column in enumerate(grid.columns)
    ]


_GAP: Final = 3  # between two columns: a space on either side of the box's divider, which is one too


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _table(grid: Grid, widths: Sequence[int]) -> "RenderableType":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for position, (column, width) in enumerate(zip(grid.columns, widths, strict=True)):
        table.add_column(
            column.header,
            width=width,
            justify="right" if column.right else "left",
            style="dim" if column.quiet else "cyan" if position == 0 else "",
        )
    for number, row in enumerate(grid.rows, 1):
        # Cells are text, never markup: `[batch, seq]` stays.
        cells = [Text(cell) for cell in row.cells]
        if row.kind == "good":
            cells[-1].stylize("green")
        before_head = number < len(grid.rows) and grid.rows[number].kind == "head"
        ends = before_head or (row.kind in ("sum", "folded") and number < len(grid.rows))
        table.add_row(*cells, style=_ROW_STYLES[row.kind], end_section=ends)
    return table


def _stripped_text(line: "list[Segment]") -> "Text":
    """A rendered line as text, without trailing spaces."""
    from rich.text import Text

    text = Text()
    for segment in line:
        text.append(segment.text, style=segment.style)
    text.rstrip()
    return text
