"""Write a report: as tables for a terminal, Markdown, CSV or JSON.

CSV and JSON are the report itself (`data_formats`); tables (`terminal`) and Markdown (`markdown`) both draw the blocks
of a view, so that they never differ in content.
"""

from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from lstmcalc.errors import harmless
from lstmcalc.report.blocks import Block, Code, Facts, Grid

if TYPE_CHECKING:
    from lstmcalc.report.data_formats import Progress
    from lstmcalc.report.document import Document


View: TypeAlias = Callable[["Document"], Iterator[Block]]  # of a whole report


def write_report(
    report: "Document", style: str, stream: IO[str], view: View, progress: "Progress | None" = None
) -> None:
    """Write a document to a stream.

    Args:
        report: The document.
        style: One of `document.FORMATS`.
        stream: Where to.
        view: Its blocks.
        progress: Called after every row of JSON or CSV.
    """
    if style in ("json", "csv"):
        from lstmcalc.report.data_formats import write_csv, write_json
        from lstmcalc.report.record import plain

        write = write_json if style == "json" else write_csv
        write(plain(report), stream, progress)
    elif style == "markdown":
        from lstmcalc.report.markdown import write_markdown

        write_markdown(blocks_of(report, view), stream)
    else:
        from lstmcalc.report.terminal import console_for, print_blocks

        print_blocks(console_for(stream), blocks_of(report, view))


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
