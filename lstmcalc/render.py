"""A report on its way out: as tables for a terminal, Markdown, CSV or JSON.

CSV and JSON are the tree itself, row by row as the rows are made; tables and Markdown draw the blocks of `present`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final

from lstmcalc.present import Block, Facts, Grid, Heading, Row, blocks_of, shape_text
from lstmcalc.report import Tree

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def write_report(tree: Tree, style: str, stream: IO[str]) -> None:
    """Write a report to a text stream; `style` is one of `FORMATS`."""
    FORMATS[style](tree, stream)


def write_json(tree: Tree, stream: IO[str]) -> None:
    """One document; one line for each row of a list, so that it can be read, searched and compared by line."""
    stream.writelines(_json_document(tree))


def _json_document(tree: Tree) -> Iterator[str]:
    from json import JSONEncoder

    encode = JSONEncoder(allow_nan=False).encode
    yield "{"
    for key, value in tree.items():
        if key != "modules":
            yield f"{encode(key)}: {encode(value)}, "
    yield '"modules": ['
    for position, module in enumerate(tree["modules"]):
        yield ",\n  {" if position else "\n  {"
        for number, (key, value) in enumerate(module.items()):
            yield ("," if number else "") + f"\n    {encode(key)}: "
            yield from _json_value(value, encode)
        yield "\n  }"
    yield "\n]}\n"


def _json_value(value: Any, encode: Callable[[Any], str]) -> Iterator[str]:  # noqa: ANN401  # any JSON value
    """A value of a module: its rows, or what each of its keys holds, on lines of their own."""
    if isinstance(value, Sequence) and len(value) and isinstance(value[0], dict):
        for position, row in enumerate(value):
            yield ("," if position else "[") + f"\n      {encode(row)}"
        yield "\n    ]"
    elif isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
        for position, (key, item) in enumerate(value.items()):
            yield ("," if position else "{") + f"\n      {encode(key)}: {encode(item)}"
        yield "\n    }"
    else:
        yield encode(value)


def write_csv(tree: Tree, stream: IO[str]) -> None:
    """One section for each list of the report, divided by an empty line; the first column is the module."""
    from csv import writer

    out = writer(stream, lineterminator="\n")
    lists = [key for key, value in tree["modules"][0].items() if _is_table(value)]
    for position, key in enumerate(lists):
        if position:
            stream.write("\n")
        out.writerow(["module", *tree["modules"][0][key][0]])
        for module in tree["modules"]:
            out.writerows([module["name"], *map(_csv_cell, row.values())] for row in module[key])


def _is_table(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and isinstance(value[0], Mapping)


def _csv_cell(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Numbers as numbers, shapes and gate rows as the tables show them."""
    if isinstance(value, list):
        return shape_text(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {start}:{stop}" for key, (start, stop) in value.items())
    return value


def write_markdown(tree: Tree, stream: IO[str]) -> None:
    """GitHub's tables; names and code in backticks, so that `*` and `_` stay what they are."""
    for block in blocks_of(tree):
        stream.writelines(f"{line}\n" for line in _markdown(block))
        stream.write("\n")


def _markdown(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"## `{block.text}`"
    elif isinstance(block, Facts):
        for label, phrases in block.lines:
            yield f"- **{label}**: {', '.join(map(_markdown_phrase, phrases))}"
    else:
        yield f"| {' | '.join(column.header for column in block.columns)} |"
        yield f"| {' | '.join('---:' if column.right else '---' for column in block.columns)} |"
        for row in block.rows:
            cells = (
                _markdown_cell(cell, row.kind, code=column.code or (position == 0 and not column.right))
                for position, (column, cell) in enumerate(zip(block.columns, row.cells, strict=True))
            )
            yield f"| {' | '.join(cells)} |"


def _markdown_cell(cell: str, kind: str, *, code: bool) -> str:
    if cell in ("", "-"):
        return cell
    if kind == "sum":
        return f"**{cell}**"
    return f"`{cell}`" if code else cell


def _markdown_phrase(phrase: str) -> str:
    """Plain words stay; what Markdown would read as emphasis or a link becomes code."""
    return f"`{phrase}`" if "*" in phrase or "[" in phrase else phrase


def write_table(tree: Tree, stream: IO[str]) -> None:
    """Tables for a terminal: coloured where there is one, and never a cut or folded cell."""
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for number, block in enumerate(blocks_of(tree)):
        if number:
            console.print()
        if isinstance(block, Heading):
            console.print(block.text, style="bold", soft_wrap=True)
        elif isinstance(block, Facts):
            _print_facts(console, block)
        else:
            _print_grid(console, block)


def _print_facts(console: "Console", facts: Facts) -> None:
    """`label  phrase, phrase, ...`, the labels in one column; phrases stay whole where they fit into a line."""
    from textwrap import wrap

    from rich.text import Text

    margin = max(len(label) for label, _ in facts.lines) + 2
    width = max(console.width - margin, 20)
    for label, phrases in facts.lines:
        # A phrase that fits is one word to `wrap`: its spaces are hidden while the line is broken.
        words = (phrase.replace(" ", "\0") if len(phrase) < width else phrase for phrase in phrases)
        lines = wrap(", ".join(words), width, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines):
            text = Text(("" if number else label).ljust(margin), style=_LABEL_STYLES.get(label, "cyan"))
            console.print(text.append(line.replace("\0", " "), style="default"), soft_wrap=True)


_LABEL_STYLES: Final = {"assumed": "bold yellow"}
_ROW_STYLES: Final = {"normal": "", "sum": "bold", "folded": "dim", "good": "", "bad": "bold red"}


def _print_grid(console: "Console", grid: Grid) -> None:
    """The grid as wide as it needs to be; a column that can be said in a line gives way first."""
    spare = next((column.spare for column in grid.columns if column.spare[0]), None)
    if spare and _width(_widths(grid)) > console.width:
        kept = [number for number, column in enumerate(grid.columns) if not column.spare[0]]
        grid = Grid(
            tuple(grid.columns[number] for number in kept),
            tuple(Row(tuple(row.cells[number] for number in kept), row.kind) for row in grid.rows),
        )
    else:
        spare = None
    widths, screen = _widths(grid), console.width
    console.width = max(_width(widths), screen)
    console.print(_table(grid, widths))
    console.width = screen
    if spare:
        console.print()
        _print_facts(console, Facts((spare,)))


def _widths(grid: Grid) -> list[int]:
    """The width of each column: that of its longest cell. rich would find it too, by measuring every cell twice."""
    from rich.cells import cell_len

    columns = zip(*(row.cells for row in grid.rows), strict=True)
    return [
        max(cell_len(column.header), *map(cell_len, cells)) for column, cells in zip(grid.columns, columns, strict=True)
    ]


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


_GAP: Final = 3  # between two columns: a space on either side of the box's divider, which is one too


def _table(grid: Grid, widths: Sequence[int]) -> "RenderableType":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for number, (column, width) in enumerate(zip(grid.columns, widths, strict=True)):
        table.add_column(
            column.header,
            width=width,
            justify="right" if column.right else "left",
            style="dim" if column.quiet else "cyan" if number == 0 else "",
            no_wrap=True,
        )
    for position, row in enumerate(grid.rows, 1):
        # Cells are text, never markup: `[batch, seq]` stays.
        cells = [Text(cell) for cell in row.cells]
        if row.kind == "good":
            cells[-1].stylize("green")
        table.add_row(
            *cells,
            style=_ROW_STYLES[row.kind],
            end_section=row.kind in ("sum", "folded") and position < len(grid.rows),
        )
    return table


FORMATS: Final[Mapping[str, Callable[[Tree, IO[str]], None]]] = {
    "table": write_table,
    "json": write_json,
    "markdown": write_markdown,
    "csv": write_csv,
}
