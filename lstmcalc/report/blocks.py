"""The blocks of a report: headings, facts, grids and code, and the parts of them that several reports share."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from lstmcalc.errors import bytes_text
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.symbols import SYMBOLS
from lstmcalc.spec.words import counted

if TYPE_CHECKING:
    from lstmcalc.report.rows import ExtraRow
    from lstmcalc.report.tensors import StateRow

    class HasLayer(Protocol):
        """A row of a layer."""

        @property
        def layer(self) -> int:
            """The layer that it is of."""

    class Described(Protocol):
        """A row of a tensor: a `TensorRow`, or one of a command that has more."""

        @property
        def name(self) -> str:
            """Its name."""

        @property
        def role(self) -> str:
            """`input` or `output`."""

        @property
        def symbolic(self) -> Sequence[str]:
            """Its shape in symbols."""

        @property
        def shape(self) -> Sequence[int]:
            """Its shape."""

        @property
        def bytes(self) -> int:
            """Its size."""


FOLD: Final = 64  # more identical layers than this become one row


Line: TypeAlias = tuple[str, tuple[str, ...]]  # a label and its phrases


class Heading(NamedTuple):
    """The subject of the following blocks."""

    text: str
    words: bool = False  # True if it is a part of a module, in words; False if it is a name, shown as code


class Facts(NamedTuple):
    """Labelled lines, each a list of phrases that belong together; a phrase that ends in a colon leads to the next."""

    lines: tuple[Line, ...]


class Column(NamedTuple):
    """A column of a grid."""

    header: str
    right: bool = False  # True if its cells are numbers, aligned right
    quiet: bool = False  # True if it matters less than the others
    code: bool = False  # True if its cells are code
    breaks: bool = False  # True if its cells may be broken at spaces to save width
    spare: Line | None = None  # the line below the grid that replaces it if it does not fit; None if it must stay


class Row(NamedTuple):
    """A row of a grid; `kind` is `normal`, `head`, `sum`, `folded`, `aside`, `good` or `bad`."""

    cells: tuple[str, ...]
    kind: str = "normal"


class Grid(NamedTuple):
    """A table: columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Code(NamedTuple):
    """Lines that are shown unchanged: Python to paste, or a picture in text."""

    text: str
    language: str = "python"


class Formula(NamedTuple):
    """An equation."""

    text: str  # in symbols
    latex: str
    shapes: str  # the same with shapes in place of the symbols
    places: tuple[str, ...]  # the slices of stored operands, e.g. `W_if = weight_ih_l0[20:40]`
    says: str  # its meaning, in words


class Formulas(NamedTuple):
    """Equations that belong together."""

    rows: tuple[Formula, ...]


Block: TypeAlias = Heading | Facts | Grid | Code | Formulas


def ranges_text(gates: Mapping[str, Sequence[int]] | None) -> str:
    """The range of each label on its axis: `i 0:20, f 20:40`."""
    return ", ".join(f"{letter} {start}:{stop}" for letter, (start, stop) in (gates or {}).items())


def joined(phrases: Sequence[str]) -> str:
    """The phrases of a line, joined by commas, or by a space after a colon."""
    text = ""
    for phrase in phrases:
        text += phrase if not text else f" {phrase}" if text.endswith(":") else f", {phrase}"
    return text


def shape_text(shape: Sequence[object]) -> str:
    """A shape as Python writes it: `(5, 3, 40)`, `(80,)`, `(4*H_cell,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def more_text(count: int, noun: str) -> str:
    """The text that replaces hidden rows: `3 more steps`."""
    return counted(count, f"more {noun}")


def with_commas(*numbers: int) -> tuple[str, ...]:
    """Numbers as cells of a table: `1,024`."""
    return tuple(f"{number:,}" for number in numbers)


def measured_text(number: int, unit: str) -> str:
    """A number with its unit: bytes by 1024, anything else with commas."""
    return bytes_text(number) if unit == "bytes" else f"{number:,}"


def short_list(values: Sequence[object]) -> str:
    """A list as text; only its ends if it is long."""
    return shape_text(values if len(values) <= 8 else [*values[:7], "...", values[-1]])  # noqa: PLR2004


def compact(value: object) -> str:
    """A setting's value as text; only the ends of a long list."""
    if isinstance(value, list | tuple):
        return short_list(value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


Row_ = TypeVar("Row_", bound="HasLayer")


def symbol_values(symbols: Mapping[str, int]) -> Line:
    """The values of the symbols in a report, in a line, but for those that are a setting's name."""
    return "where", tuple(f"{symbol} = {value}" for symbol, value in symbols.items() if SYMBOLS[symbol] != symbol)


def symbol_legend(symbols: Mapping[str, int], proj_size: int) -> Line:
    """The values and meanings of the symbols in a report."""
    meaning = {**SYMBOLS, "H_out": "proj_size" if proj_size else "hidden_size, as proj_size is 0"}
    return "where", tuple(
        f"{symbol} = {value}" + (f" ({meaning[symbol]})" if meaning[symbol] != symbol else "")
        for symbol, value in symbols.items()
    )


_MEANINGS: Final = {
    "tokens": "word indices",
    "input": "the sequence",
    "h_0": "initial hidden",
    "c_0": "initial cell",
    "output": "h at every step",
    "h_n": "final hidden",
    "c_n": "final cell",
    "logits": "the head's output",
}


def meaning_table(tensors: Sequence["Described"]) -> Grid:
    """The input and output tensors of PyTorch, each with what it is in a word."""
    rows = (
        Row(
            (
                tensor.name,
                _MEANINGS.get(tensor.name, "packed steps" if tensor.name.startswith("packed") else tensor.role),
                shape_text(tensor.symbolic),
                shape_text(tensor.shape),
                bytes_text(tensor.bytes),
            )
        )
        for tensor in tensors
    )
    columns = Column("tensor"), Column("what it is", breaks=True), Column("in symbols", code=True, breaks=True)
    return Grid((*columns, Column("shape", code=True, breaks=True), Column("size", right=True)), tuple(rows))


def tensor_table(tensors: Sequence["Described"], starred: Sequence[bool] = (), how_many: Sequence[str] = ()) -> Grid:
    """The input and output tensors.

    Args:
        tensors: The tensors.
        starred: True for each that gets a star after its name; empty if none does.
        how_many: The cells of a column for the number of each; empty without that column.
    """
    stars = starred or [False] * len(tensors)
    counts: list[tuple[str, ...]] = [(text,) for text in how_many] or [()] * len(tensors)
    return Grid(
        (
            Column("tensor"),
            Column("role", quiet=True),
            Column("in symbols", code=True, breaks=True),
            Column("shape", code=True, breaks=True),
            Column("size", right=True),
            *((Column("how many", breaks=True),) if how_many else ()),
        ),
        tuple(
            Row(
                (
                    tensor.name + "*" * star,
                    tensor.role,
                    shape_text(tensor.symbolic),
                    shape_text(tensor.shape),
                    bytes_text(tensor.bytes),
                    *count,
                )
            )
            for tensor, star, count in zip(tensors, stars, counts, strict=True)
        ),
    )


def layer_spans(layers: int) -> Iterator[tuple[int, int]]:
    """The layers to show, each as (layer, layer); a long run of identical ones as (first, last)."""
    if layers - 1 <= FOLD:
        yield from ((layer, layer) for layer in range(layers))
    else:
        yield from ((0, 0), (1, layers - 2), (layers - 1, layers - 1))


def rows_between(rows: Sequence[Row_], first: int, last: int) -> Sequence[Row_]:
    """The rows of layers `first..last` of rows sorted by layer, without reading the others."""
    layer = attrgetter("layer")
    return rows[bisect_left(rows, first, key=layer) : bisect_right(rows, last, key=layer)]


def short_index(text: str, lengths: Sequence[int] | None, *, batch_first: bool) -> str:
    """Shorten the long lists of an index into `output`: `lengths - 1`, `arange(N)`."""
    if not lengths or len(lengths) <= 3:  # noqa: PLR2004  # what fits into a line
        return text
    listed = [str([length - 1 for length in lengths]), str(list(range(len(lengths))))]
    named = ["lengths - 1", "arange(N)"]
    order = slice(None, None, -1) if batch_first else slice(None)
    return text.replace(", ".join(listed[order]), ", ".join(named[order]))


def extra_lines(
    extras: Sequence["ExtraRow"], cells: Callable[[str, str, str, int, str], tuple[str, ...]]
) -> Iterator[Row]:
    """The rows of the parameters around the LSTM, with a sum for each layer."""
    for part, rows in groupby(extras, key=lambda row: row.part):
        own = list(rows)
        for row in own:
            yield Row(cells(row.name, shape_text(row.symbolic), shape_text(row.shape), row.count_, "-"))
        yield Row(cells(part, "", "", sum(row.count_ for row in own), ""), "sum")


def extras_table(extras: Sequence["ExtraRow"]) -> Grid:
    """The grid of the parameters around the LSTM, without its own."""

    def cells(name: str, symbols: str, shape: str, count: int, _: str) -> tuple[str, ...]:
        return name, symbols, shape, f"{count:,}"

    headers = Column("parameter"), Column("in symbols", code=True), Column("shape", code=True)
    return Grid((*headers, Column("count", right=True)), tuple(extra_lines(extras, cells)))


def state_table(states: Sequence["StateRow"], config: LSTMConfig, lengths: Sequence[int] | None) -> Grid:
    """Each index of h_n and c_n: its layer, direction, slice of output, and the slice it is often confused with."""

    def index(text: str) -> str:
        return short_index(text, lengths, batch_first=config.batch_first)

    traps = tuple(
        f"h_n[{state.index_}] is not {index(state.h_n_differs_from)}"
        for state in states[-config.num_directions :]
        if state.h_n_differs_from
    )
    rows = []
    for first, last in layer_spans(config.num_layers):
        own = rows_between(states, first, last)
        if last > first:
            span = f"{own[0].index_} ... {own[-1].index_}", f"{first} ... {last}"
            rows.append(Row((*span, "", "-", *([""] * bool(traps))), "folded"))
            continue
        for state in own:
            equals = f"h_n[{state.index_}] = {index(state.h_n_equals)}" if state.h_n_equals else "-"
            trap = [index(state.h_n_differs_from) if state.h_n_differs_from else ""] if traps else []
            rows.append(Row((str(state.index_), str(state.layer), state.direction, equals, *trap)))
    return Grid(
        (
            Column("index", right=True),
            Column("layer", right=True),
            Column("direction"),
            Column("equals this slice of output", code=True, breaks=True),
            *((Column("often confused with", code=True, spare=("pitfall", traps)),) if traps else ()),
        ),
        tuple(rows),
    )


def index_legend(states: Sequence["StateRow"], config: LSTMConfig, lengths: Sequence[int] | None) -> list[Line]:
    """The meaning of the words in a shortened index; empty if none is shown."""
    last = states[-config.num_directions :]
    shown = (short_index(state.h_n_equals or "", lengths, batch_first=config.batch_first) for state in last)
    if not any("arange" in text for text in shown):
        return []
    return [("lengths", ("an array of them",)), ("arange(N)", ("an array of 0, 1, ..., N - 1",))]
