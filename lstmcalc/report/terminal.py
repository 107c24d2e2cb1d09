"""Blocks as tables for a terminal; no cell is cut, or broken within a word."""

from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from lstmcalc.report.blocks import Block, Code, Column, Facts, Formulas, Grid, Heading, Line, Row, joined

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.segment import Segment
    from rich.text import Text


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
            spared = print_grid(console, block)
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


def print_grid(console: "Console", grid: Grid) -> tuple[Line, ...]:
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
