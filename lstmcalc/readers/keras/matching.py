"""The cells of each LSTM that a configuration describes, found by their groups or their names."""

from collections.abc import Iterator, Mapping, Sequence

from lstmcalc.readers.found import Found
from lstmcalc.readers.keras.array_places import Placed
from lstmcalc.readers.keras.cells import Cell

_Pair = tuple[tuple[Found, Placed], tuple[Cell, ...]]


def matched_cells(found: Sequence[tuple[Found, Placed]], cells: Sequence[Cell]) -> Iterator[_Pair]:
    """Each LSTM of a configuration with its cells, the forward one first; with none if they are not found."""
    lstms = [cell for cell in cells if cell.kind == "LSTM"]
    numbered = {cell.folder: cell for cell in lstms if cell.folder}
    by_top: dict[str, list[Cell]] = {}
    for cell in lstms:
        if cell.form != "numbered":
            by_top.setdefault(cell.top, []).append(cell)
    tops = {top: _dealt_cells([item for item in found if item[1].top == top], held) for top, held in by_top.items()}
    for item in found:
        folders = _folders(item[1], numbered)
        yield item, folders or tops.get(item[1].top, {}).get(id(item[0]), ())


def _folders(placed: Placed, cells: Mapping[str, Cell]) -> tuple[Cell, ...]:
    """The cells of an LSTM in a file whose groups are named by class."""
    inner = ["/forward_layer", "/backward_layer"] if placed.both else [""]
    names = []
    for part in inner:
        base = f"{placed.folder}{part}"
        cell = f"lstm_cell_{placed.cell}" if placed.cell else "lstm_cell"
        options = (f"{base}/cell/cells/{cell}",) if placed.cells > 1 else (f"{base}/cell", base)
        names += [option for option in (*options, f"{base}/cell/cells/{cell}") if option in cells][:1]
    return tuple(cells[name] for name in names) if len(names) == len(inner) else ()


def _dealt_cells(found: Sequence[tuple[Found, Placed]], cells: Sequence[Cell]) -> dict[int, tuple[Cell, ...]]:
    """The cells that a file lists under one layer, assigned to the LSTMs in it.

    By name if possible; else in the order in which both are listed, because TensorFlow changed some names.
    """
    named = {id(item): _by_name(placed, cells) for item, placed in found}
    counts = [len(own) == (2 if placed.both else 1) for (item, placed) in found for own in [named[id(item)]]]
    used = [cell.path for own in named.values() for cell in own]
    if all(counts) and len(set(used)) == len(used):
        return named
    if sum(2 if placed.both else 1 for _, placed in found) != len(cells):
        return {key: own for (key, own), fits in zip(named.items(), counts, strict=True) if fits}
    left = list(cells)
    dealt: dict[int, tuple[Cell, ...]] = {}
    for item, placed in found:
        # A stack of cells has all cells of one direction before those of the other.
        behind = placed.cells - 1 if placed.both else 0
        one = left.pop(0)
        dealt[id(item)] = (one, left.pop(behind)) if placed.both and behind < len(left) else (one,)
    return dealt


def _by_name(placed: Placed, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells whose names include those of an LSTM, as far as files have them."""
    layer, cell = placed.names[-2:] if len(placed.names) > 1 else ("", placed.names[-1])

    def fits(names: tuple[str, ...]) -> bool:
        inner = cell.rpartition("/")[2]
        stacked = placed.cells > 1 and inner not in names
        return layer in names and not stacked

    if len(cells) == 1 and not placed.both:
        return tuple(cells)
    own = tuple(item for item in cells if fits(item.names))
    if placed.both and placed.cells == 1 and len(cells) == 2:  # noqa: PLR2004
        return tuple(cells)
    return own
