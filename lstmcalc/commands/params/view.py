"""The view of params: weights by layer and direction, with subtotals and totals."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from lstmcalc.errors import bytes_text
from lstmcalc.model.lstm import GATES
from lstmcalc.report.blocks import (
    Block,
    Column,
    Facts,
    Grid,
    Line,
    Row,
    extra_rows,
    folded,
    legend,
    ranges_text,
    rows_of,
    shape_text,
)
from lstmcalc.report.tree import Tree
from lstmcalc.spec.words import and_list


def view(module: Tree) -> Iterator[Block]:
    """Weights by layer and direction, and the totals."""
    gate = module.get("gate")
    shown = [
        row for first, last in folded(module) if first == last for row in rows_of(module["parameters"], first, last)
    ]
    spare = _gates_spare(shown)
    symbols, stored, framework = _foreign_facts(module, shown)
    yield Grid(
        (
            Column("parameter"),
            *(() if gate else (Column("in symbols", code=True, breaks=True, spare=symbols),)),
            Column("shape", code=True, breaks=True),
            Column("count", right=True),
            Column(f"gate {gate}, {'index' if 'layout' in module else 'to paste'}", code=True)
            if gate
            else Column("gate rows", code=True, breaks=True, spare=spare),
        ),
        tuple(_parameter_rows(module)),
    )
    facts = [
        ("total", (f"{module['total']:,} parameters", f"{bytes_text(module['total_bytes'])} in {module['dtype']}")),
        *_grand_total(module),
        *stored,
        ("formula", (f"{module['total_symbolic']} = {module['total']:,}",)),
        *_grand_formula(module),
        legend(module),
        *framework,
    ]
    if gate:
        meant = next(item for item in GATES if item.letter == gate)
        facts.insert(0, (f"gate {gate}", (f"the {meant.name} gate: {meant.role}",)))
    yield Facts(tuple(facts))


def _grand_total(module: Tree) -> list[Line]:
    """The total with the layers around, and the input of the head."""
    if not module["extras"]:
        return []
    whole = f"{module['grand_total']:,} parameters", f"{bytes_text(module['grand_total_bytes'])} in {module['dtype']}"
    there = "what PyTorch calls " if "layout" in module else ""
    reads = [("head", (f"reads {there}{module['head_reads']}",))] if module["head_reads"] else []
    return [("grand total", whole), *reads]


def _grand_formula(module: Tree) -> list[Line]:
    """The grand total's formula."""
    formula = f"{module['grand_total_symbolic']} = {module['grand_total']:,}"
    return [("grand formula", (formula,))] if module["extras"] else []


def _foreign_facts(module: Tree, rows: Sequence[Tree]) -> tuple[Line | None, list[Line], list[Line]]:
    """For another framework: shapes in symbols, differences from PyTorch, and further facts; empty for PyTorch."""
    if "layout" not in module:
        return None, [], []
    from lstmcalc.report.framework import layout_facts

    stored = [*joined_parts(module), *difference_from_pytorch(module)]
    return symbols_spare(rows), stored, layout_facts(module, module["layout"], module["layout"]["storage"])


def _gates_spare(rows: Sequence[Tree]) -> Line | None:
    """The line that replaces the gate rows if their column does not fit; None if arrays differ in them."""
    gated = [row for row in rows if row["gates"]]
    if len({ranges_text(row["gates"]) for row in gated}) != 1:
        return None
    axes: dict[int, list[str]] = {}
    for row in gated:
        # The last part of a path; for PyTorch, the part of the name before the layer.
        stem = re.split("[/.]", row["name"])[-1] if "holds" in row else row["name"].partition("_l")[0]
        axes.setdefault(row["gate_axis"], []).append(stem)
    where = (f"on axis {axis} of every {_joined_names(names)}" for axis, names in axes.items())
    return "gate rows", (*ranges_text(gated[0]["gates"]).split(", "), *where)


def _joined_names(names: Sequence[str]) -> str:
    return and_list(list(dict.fromkeys("bias" if name.startswith("bias_") else name for name in names)))


def _parameter_rows(module: Tree) -> Iterator[Row]:
    gate = module.get("gate")

    def cells(name: str, symbols: str, shape: str, count: int, gates: str) -> tuple[str, ...]:
        return (name, *(() if gate else (symbols,)), shape, f"{count:,}", gates)

    for first, last in folded(module):
        subtotals = {(row["layer"], row["direction"]): row for row in rows_of(module["subtotals"], first, first)}
        if last > first:
            count = (last - first + 1) * sum(row["count"] for row in subtotals.values())
            yield Row(cells(f"l{first} ... l{last}, {last - first + 1:,} alike", "", "", count, ""), "folded")
            continue
        rows = rows_of(module["parameters"], first, first)
        for owner, own in groupby(rows, key=lambda row: (row["layer"], row["direction"])):
            for row in own:
                gates = row["slice"] if gate else ranges_text(row["gates"]) or row.get("gate") or ""
                shapes = shape_text(row["symbolic"]), shape_text(row["shape"])
                yield Row(cells(row["name"], *shapes, row["count"], gates or "-"))
            layer, direction = owner
            yield Row(cells(f"layer {layer} {direction}", "", "", subtotals[owner]["count"], ""), "sum")
    yield Row(cells("total", "", "", module["total"], ""), "sum")
    if module["extras"]:
        yield from extra_rows(module, cells)
        yield Row(cells("grand total", "", "", module["grand_total"], ""), "sum")


def symbols_spare(rows: Sequence[Tree]) -> Line:
    """The line that replaces the shapes in symbols if their column does not fit."""
    texts: dict[str, None] = {}
    for row in rows:
        text = f"{' and '.join(row['holds'])} {shape_text(row['symbolic'])}"
        if text not in texts:
            texts["above layer 0 " * (row["layer"] > 0) + text] = None
    return "in symbols", tuple(texts)


def joined_parts(module: Tree) -> list[Line]:
    """The places of directions and of PyTorch's parameters in the arrays of layer 0 that hold several."""
    rows = rows_of(module["parameters"], 0, 0)
    names: dict[str, list[str]] = {}
    for axis, ranges in (("direction_axis", "directions"), ("part_axis", "parts")):
        for row in rows:
            if row[ranges]:
                each = ", with all gates each" if row[axis] == row["gate_axis"] else ""
                names.setdefault(f"{ranges_text(row[ranges])}{each} on axis {row[axis]} of ", []).append(row["name"])
    return [
        ("joined", (text + ("every array" if len(owners) == len(rows) > 1 else ", ".join(owners)),))
        for text, owners in names.items()
    ]


def difference_from_pytorch(module: Tree) -> list[Line]:
    """The total in PyTorch, and the reason if it differs."""
    more = module["total"] - module["total_in_pytorch"]
    if not more:
        return [("in PyTorch", ("as many",))]
    why = "PyTorch has two biases, not one" if more < 0 else "biases that cannot be left out"
    than = f"{abs(more):,} {'fewer' if more > 0 else 'more'}: {why}"
    return [("in PyTorch", (f"{module['total_in_pytorch']:,}", than))]
