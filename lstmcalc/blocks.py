"""What a report is drawn with: headings, facts, grids and code, and the parts of them that several reports share."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import bytes_text
from lstmcalc.symbols import SYMBOLS
from lstmcalc.trees import Tree

FOLD: Final = 64  # more identical layers than this become one row


Line: TypeAlias = tuple[str, tuple[str, ...]]  # a label and its phrases


class Heading(NamedTuple):
    """What the following blocks are about."""

    text: str


class Facts(NamedTuple):
    """Labelled lines; each a list of phrases that belong together. What ends in a colon leads to the next."""

    lines: tuple[Line, ...]


class Column(NamedTuple):
    """A column of a grid.

    Attributes:
        header: Its title.
        right: Whether its cells are numbers, to be aligned at their end.
        quiet: Whether it matters less than the others.
        code: Whether its cells are code.
        breaks: Whether its cells may be broken at spaces where space is short.
        spare: What to say below the grid instead, if the column does not fit; None if it must stay.
    """

    header: str
    right: bool = False
    quiet: bool = False
    code: bool = False
    breaks: bool = False
    spare: Line | None = None


class Row(NamedTuple):
    """A row of a grid; `kind` is `normal`, `head`, `sum`, `folded`, `good` or `bad`."""

    cells: tuple[str, ...]
    kind: str = "normal"


class Grid(NamedTuple):
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Code(NamedTuple):
    """Python, to paste."""

    text: str


Block: TypeAlias = Heading | Facts | Grid | Code


def legend(module: Tree) -> Line:
    """The letters, their values and their meaning."""
    meaning = {
        **SYMBOLS,
        "H_out": "proj_size" if module["config"]["proj_size"] else "hidden_size, as proj_size is 0",
    }
    return "where", tuple(
        f"{symbol} = {value}" + (f" ({meaning[symbol]})" if meaning[symbol] != symbol else "")
        for symbol, value in module["symbols"].items()
    )


def tensor_grid(module: Tree) -> Grid:
    """Every tensor in and out; how many there are, if there are several of one; a star if an option asks for it."""
    several = any(tensor.get("copies", 1) > 1 for tensor in module["tensors"])
    return Grid(
        (
            Column("tensor"),
            Column("role", quiet=True),
            Column("in symbols", code=True, breaks=True),
            Column("shape", code=True, breaks=True),
            Column("size", right=True),
            *((Column("how many", breaks=True),) if several else ()),
        ),
        tuple(
            Row(
                (
                    tensor["name"] + ("*" if tensor.get("when") else ""),
                    tensor["role"],
                    shape_text(tensor["symbolic"]),
                    shape_text(tensor["shape"]),
                    bytes_text(tensor["bytes"]),
                    *((_how_many(tensor),) if several else ()),
                )
            )
            for tensor in module["tensors"]
        ),
    )


def _how_many(tensor: Tree) -> str:
    return f"{tensor['copies']:,} {tensor['each']}s" if tensor["copies"] > 1 else "1"


def per_layer(module: Tree) -> int:
    """How many states a layer has: one for each direction."""
    return 2 if module["config"]["bidirectional"] else 1


def folded(module: Tree) -> Iterator[tuple[int, int]]:
    """The layers to show, each as (layer, layer); a long run of identical ones as (first, last)."""
    layers = module["config"]["num_layers"]
    if layers - 1 <= FOLD:
        yield from ((layer, layer) for layer in range(layers))
    else:
        yield from ((0, 0), (1, layers - 2), (layers - 1, layers - 1))


def rows_of(rows: Sequence[Any], first: int, last: int) -> Sequence[Any]:
    """The rows of layers `first..last` of rows sorted by layer, without reading the others."""

    def layer(row: Tree) -> int:
        return int(row["layer"])

    return rows[bisect_left(rows, first, key=layer) : bisect_right(rows, last, key=layer)]


def ranges_text(gates: Mapping[str, Sequence[int]] | None) -> str:
    """Where each label is on its axis: `i 0:20, f 20:40`."""
    return ", ".join(f"{letter} {start}:{stop}" for letter, (start, stop) in (gates or {}).items())


def joined(phrases: Sequence[str]) -> str:
    """The phrases of a line."""
    text = ""
    for phrase in phrases:
        text += phrase if not text else f" {phrase}" if text.endswith(":") else f", {phrase}"
    return text


def shape_text(shape: Sequence[Any]) -> str:
    """A shape as Python writes it: `(5, 3, 40)`, `(80,)`, `(4*H_cell,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
