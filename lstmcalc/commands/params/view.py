"""The view of params: weights by layer and direction, with subtotals and totals."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from lstmcalc.commands.params.report import ParamsModule
from lstmcalc.errors import bytes_text
from lstmcalc.model.lstm import GATES
from lstmcalc.report.blocks import (
    Block,
    Column,
    Facts,
    Grid,
    Line,
    Row,
    extra_lines,
    layer_spans,
    ranges_text,
    rows_between,
    shape_text,
    symbol_legend,
)
from lstmcalc.report.parameters import ParameterRow
from lstmcalc.report.provenance import origin_facts, settings_in
from lstmcalc.spec.words import and_list

if TYPE_CHECKING:
    from lstmcalc.report.framework import ForeignParameterRow


def brief(module: ParamsModule) -> Iterator[Block]:
    """Weights by layer, alike ones in a row, and the total; without the defaults and the formulas."""
    yield from _blocks(module, full=False)


def view(module: ParamsModule) -> Iterator[Block]:
    """Weights by layer and direction, and the totals."""
    yield from _blocks(module, full=True)


def footer(modules: Sequence[ParamsModule]) -> Facts:
    """The sum of several LSTMs."""
    total, size = sum(module.grand_total for module in modules), sum(module.grand_total_bytes for module in modules)
    return Facts((("sum", (f"{total:,} parameters in {len(modules):,} LSTMs", bytes_text(size))),))


def _blocks(module: ParamsModule, *, full: bool) -> Iterator[Block]:
    gate, layout = module.gate, module.layout
    values = {**settings_in(module.around), "dtype": module.dtype}
    title = layout.title if layout else ""
    yield origin_facts(module, values, title=title, idle={"batch_first"} if layout else (), brief=not full)
    shown = [
        row
        for first, last in layer_spans(module.config.num_layers)
        if first == last
        for row in rows_between(module.parameters, first, last)
    ]
    symbols, stored, framework = _foreign_facts(module, shown)
    rows_of_gates = _gates_spare(module, shown, foreign=layout is not None)
    columns = [
        Column("parameter"),
        *(() if gate else (Column("in symbols", code=True, breaks=True, spare=symbols),)),
        Column("shape", code=True, breaks=True),
        Column("count", right=True),
    ]
    if gate:
        columns.append(Column(f"gate {gate}, {'index' if layout else 'to paste'}", code=True))
    elif full or rows_of_gates is None:
        columns.append(Column("gate rows", code=True, breaks=True, spare=rows_of_gates))
    listed = _parameter_rows(module) if full or gate else _folded_rows(module)
    yield Grid(tuple(columns), tuple(row._replace(cells=row.cells[: len(columns)]) for row in listed))
    facts = [
        ("total", (f"{module.total:,} parameters", _size(module))),
        *_grand_total(module),
        *stored,
    ]
    if prefix := _prefix(module):
        facts.insert(0, ("names", (f"begin with {prefix}",)))
    if not (full or gate) and rows_of_gates is not None:
        facts.insert(0, rows_of_gates)
    if full:
        formula = ("formula", (f"{module.total_symbolic} = {module.total:,}",))
        facts += [formula, *_grand_formula(module), symbol_legend(module.symbols, module.config.proj_size), *framework]
    elif layout is not None:
        facts += [line for line in framework if line[0] in ("gates", "biases", "forget gate", "manual step")]
    if gate:
        meant = next(item for item in GATES if item.letter == gate)
        facts.insert(0, (f"gate {gate}", (f"the {meant.name} gate: {meant.role}",)))
    yield Facts(tuple(facts))


def _size(module: ParamsModule) -> str:
    """The size of the parameters: that of the file for quantized ones, which are not all of one dtype."""
    if module.stored_bytes is not None:
        return f"{bytes_text(module.stored_bytes)} as stored, quantized"
    return f"{bytes_text(module.total_bytes)} in {module.dtype}"


def _grand_total(module: ParamsModule) -> list[Line]:
    """The total with the layers around, and the input of the head."""
    if not module.extras:
        return []
    whole = f"{module.grand_total:,} parameters", f"{bytes_text(module.grand_total_bytes)} in {module.dtype}"
    there = "what PyTorch calls " if module.layout else ""
    reads = [("head", (f"reads {there}{module.head_reads}",))] if module.head_reads else []
    return [("grand total", whole), *reads]


def _grand_formula(module: ParamsModule) -> list[Line]:
    """The grand total's formula."""
    formula = f"{module.grand_total_symbolic} = {module.grand_total:,}"
    return [("grand formula", (formula,))] if module.extras else []


def _foreign_facts(module: ParamsModule, rows: Sequence[ParameterRow]) -> tuple[Line | None, list[Line], list[Line]]:
    """The facts on another framework: shapes in symbols, differences from PyTorch, and more; none for PyTorch."""
    if module.layout is None:
        return None, [], []
    from lstmcalc.report.framework import ForeignParameterRow, layout_lines

    def foreign(rows: Sequence[ParameterRow]) -> list[ForeignParameterRow]:
        return [row for row in rows if isinstance(row, ForeignParameterRow)]  # all of them

    stored = [*_joined_parts(foreign(rows_between(module.parameters, 0, 0))), *_difference_from_pytorch(module)]
    return _symbols_spare(foreign(rows)), stored, layout_lines(module.config, module.layout, module.layout.storage)


def _gates_spare(module: ParamsModule, rows: Sequence[ParameterRow], *, foreign: bool) -> Line | None:
    """The line that replaces the gate rows if their column does not fit; None if arrays differ in them."""
    gated = [row for row in rows if row.gates]
    if len({ranges_text(row.gates) for row in gated}) != 1:
        return None
    axes: dict[int | None, list[str]] = {}
    for row in gated:
        # The last part of a path; for PyTorch, the part of the name before the layer.
        stem = re.split("[/.]", row.name)[-1] if foreign else row.name.partition("_l")[0]
        if not _name(module, row).endswith(":0"):  # of Keras' variables, as a file may have them
            stem = stem.removesuffix(":0")
        axes.setdefault(row.gate_axis, []).append(stem)
    where = [f"on axis {axis} of every {_joined_names(names)}" for axis, names in axes.items()]
    if len(axes) == 1 and len(gated) == len(rows):
        where = [f"on axis {next(iter(axes))} of each"]
    return "gate rows", (*ranges_text(gated[0].gates).split(", "), *where)


def _joined_names(names: Sequence[str]) -> str:
    return and_list(list(dict.fromkeys("bias" if name.startswith("bias_") else name for name in names)))


def _parameter_rows(module: ParamsModule) -> Iterator[Row]:
    def cells(name: str, symbols: str, shape: str, count: int, gates: str) -> tuple[str, ...]:
        return (name, *(() if module.gate else (symbols,)), shape, f"{count:,}", gates)

    for first, last in layer_spans(module.config.num_layers):
        subtotals = {(row.layer, row.direction): row for row in rows_between(module.subtotals, first, first)}
        if last > first:
            count = (last - first + 1) * sum(row.count_ for row in subtotals.values())
            yield Row(cells(f"l{first} ... l{last}, {last - first + 1:,} alike", "", "", count, ""), "folded")
            continue
        rows = rows_between(module.parameters, first, first)
        for owner, own in groupby(rows, key=lambda row: (row.layer, row.direction)):
            for row in own:
                shapes = shape_text(row.symbolic), shape_text(row.shape)
                yield Row(cells(_name(module, row), *shapes, row.count, _gate_text(module, row) or "-"))
            layer, direction = owner
            yield Row(cells(f"layer {layer} {direction}", "", "", subtotals[owner].count_, ""), "sum")
    yield Row(cells("total", "", "", module.total, ""), "sum")
    if module.extras:
        yield from extra_lines(module.extras, cells)
        yield Row(cells("grand total", "", "", module.grand_total, ""), "sum")


def _folded_rows(module: ParamsModule) -> Iterator[Row]:
    """The rows of layers that differ from those before, and of directions that do; a row stands for what is alike."""

    def cells(name: str, symbols: str, shape: str, count: int, gates: str) -> tuple[str, ...]:
        return name, symbols, shape, f"{count:,}", gates

    layers = module.config.num_layers
    shown = min(layers, 2)  # layers above the second are like it
    for layer in range(shown):
        rows = list(rows_between(module.parameters, layer, layer))
        subtotals = rows_between(module.subtotals, layer, layer)
        groups = [list(own) for _, own in groupby(rows, key=lambda row: row.direction)]
        for number, own in enumerate(groups):
            if number and [row.shape for row in own] == [row.shape for row in groups[0]]:
                count = sum(row.count for row in own)
                yield Row(cells(f"{_name(module, own[0])}, ...", f"{len(own)} alike", "", count, ""))
                continue
            for row in own:
                shapes = shape_text(row.symbolic), shape_text(row.shape)
                yield Row(cells(_name(module, row), *shapes, row.count, _gate_text(module, row) or "-"))
        count = sum(row.count_ for row in subtotals)
        if layers > 1 or len(groups) > 1 or module.extras:
            yield Row(cells(f"layer {layer}", "", "", count, ""), "sum")
        if layer and layers > shown:
            more = layers - shown
            name = f"layer {shown}" if more == 1 else f"layers {shown} ... {layers - 1}"
            yield Row(cells(name, f"{more:,} alike", "", more * count, ""), "sum")
    if module.extras:
        yield Row(cells("total", "", "", module.total, ""), "sum")
        yield from extra_lines(module.extras, cells)


def _name(module: ParamsModule, row: ParameterRow) -> str:
    """The name of an array: that of its framework, or the one in the file if that is not the same behind a prefix."""
    return row.name if _prefix(module) is not None else module.names.get(row.name, row.name)


def _prefix(module: ParamsModule) -> str | None:
    """The beginning that all names have in the source's file; None if they are other names there."""
    if not module.names:
        return ""
    name, there = next(iter(module.names.items()))
    prefix = there.removesuffix(name)
    return prefix if all(own == f"{prefix}{name}" for name, own in module.names.items()) else None


def _gate_text(module: ParamsModule, row: ParameterRow) -> str | None:
    """The slice of the gate that was asked for; else the rows of each gate, or the one gate of the array."""
    if module.gate:
        from lstmcalc.commands.params.slices import slice_in

        return slice_in(row)
    if module.layout:
        from lstmcalc.report.framework import gate_alone_in

        return ranges_text(row.gates) or gate_alone_in(row)
    return ranges_text(row.gates)


def _symbols_spare(rows: "Sequence[ForeignParameterRow]") -> Line:
    """The line that replaces the shapes in symbols if their column does not fit."""
    texts: dict[str, None] = {}
    for row in rows:
        text = f"{' and '.join(row.holds)} {shape_text(row.symbolic)}"
        if text not in texts:
            texts["above layer 0 " * (row.layer > 0) + text] = None
    return "in symbols", tuple(texts)


def _joined_parts(rows: "Sequence[ForeignParameterRow]") -> list[Line]:
    """The places of directions and of PyTorch's parameters in the arrays of a layer that hold several."""
    names: dict[str, list[str]] = {}
    places = [
        *((row, row.direction_axis, row.directions) for row in rows),
        *((row, row.part_axis, row.parts) for row in rows),
    ]
    for row, axis, ranges in places:
        if ranges:
            each = ", with all gates each" if axis == row.gate_axis else ""
            names.setdefault(f"{ranges_text(ranges)}{each} on axis {axis} of ", []).append(row.name)
    return [
        ("packed as", (text + ("every array" if len(owners) == len(rows) > 1 else ", ".join(owners)),))
        for text, owners in names.items()
    ]


def _difference_from_pytorch(module: ParamsModule) -> list[Line]:
    """The total in PyTorch, and the reason if it differs; empty for PyTorch itself."""
    if module.total_in_pytorch is None:
        return []
    more = module.total - module.total_in_pytorch
    if not more:
        return [("in PyTorch", ("same count",))]
    why = "PyTorch has two biases, not one" if more < 0 else "biases that cannot be left out"
    than = f"{abs(more):,} {'fewer' if more > 0 else 'more'}: {why}"
    return [("in PyTorch", (f"{module.total_in_pytorch:,}", than))]
