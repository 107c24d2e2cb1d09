"""The view of cost: matrix products, passes, memory, and formulas."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from lstmcalc.costs.implementation import IMPLEMENTATIONS
from lstmcalc.costs.operations import OPERATIONS
from lstmcalc.errors import bytes_text
from lstmcalc.report.blocks import (
    Block,
    Column,
    Facts,
    Grid,
    Line,
    Row,
    folded,
    legend,
    rows_of,
    with_commas,
)
from lstmcalc.report.tree import Tree


def view(module: Tree) -> Iterator[Block]:
    """The products, the passes, the memory, and the formulas."""
    yield _products(module)
    yield _passes(module, {"macs": "MACs", "flops": "FLOPs"})
    yield _passes(module, {name: name for name in OPERATIONS})
    yield Facts(tuple(_compute_facts(module)))
    yield _memory(module)
    yield Facts((*_memory_facts(module), legend(module)))


def _products(module: Tree) -> Grid:
    """Every matrix product of a forward pass, and their sum."""
    columns = (
        Column("matrix product"),
        Column("MACs of a step", code=True, breaks=True),
        Column("a step", right=True),
        Column("steps", right=True),
        Column("MACs", right=True),
    )
    return Grid(columns, tuple(_product_rows(module)))


def _product_rows(module: Tree) -> Iterator[Row]:
    products, head = module["products"], module["around"]["head"] is not None
    own = products[: len(products) - head]
    for first, last in folded(module):
        rows = rows_of(own, first, first)
        if last > first:
            macs = (last - first + 1) * sum(row["macs"] for row in rows)
            yield Row((f"l{first} ... l{last}, {last - first + 1:,} alike", "", "", "", f"{macs:,}"), "folded")
            continue
        for (layer, direction), parts in groupby(rows, key=lambda row: (row["layer"], row["direction"])):
            listed = list(parts)
            for row in listed:
                yield Row((row["part"], row["symbolic"], *with_commas(row["step_macs"], row["rows"], row["macs"])))
            step, macs = (sum(row[key] for row in listed) for key in ("step_macs", "macs"))
            yield Row((f"layer {layer} {direction}", "", *with_commas(step, listed[0]["rows"], macs)), "sum")
    if head:
        row = products[len(products) - 1]
        yield Row(("head", row["symbolic"], *with_commas(row["step_macs"], row["rows"], row["macs"])))
    forward = module["compute"]["forward"]
    yield Row(("forward", "", "" if head else f"{forward['per_step']['macs']:,}", "", f"{forward['macs']:,}"), "sum")


def _passes(module: Tree, shown: Mapping[str, str]) -> Grid:
    """The numbers `shown` of every pass; implementations with equal numbers share a row."""
    rows = []
    for _, same in groupby(module["passes"], key=lambda row: row["pass"]):
        by_cost: dict[tuple[int, ...], list[Tree]] = {}
        for row in same:
            by_cost.setdefault(tuple(row[key] for key in shown), []).append(row)
        for counts, alike in by_cost.items():
            kind = "normal" if any(row["applies"] for row in alike) else "aside"
            rows.append(Row((_pass_name(alike), *with_commas(*counts)), kind))
    first = "pass" if "macs" in shown else "elementwise"
    return Grid((Column(first), *(Column(title, right=True) for title in shown.values())), tuple(rows))


def _pass_name(rows: Sequence[Tree]) -> str:
    """A pass with the implementations that share its row."""
    paths = ", ".join(IMPLEMENTATIONS[row["path"]] for row in rows if row["path"])
    return f"{rows[0]['pass']}, {paths}" if paths else rows[0]["pass"]


def _compute_facts(module: Tree) -> Iterator[Line]:
    """Lines on the formulas of the passes, the saving by packing, the counting, and the implementations."""
    forward = module["compute"]["forward"]
    step = forward["per_step"]
    yield "a step", (f"of one sequence: {step['symbolic']} = {step['macs']:,} MACs",)
    yield "forward", (f"{forward['symbolic']} = {forward['macs']:,} MACs",)
    for name in ("backward", "training"):
        if module["compute"][name]:
            work = module["compute"][name]
            yield f"{name}, {IMPLEMENTATIONS[work['path']]}", (f"{work['symbolic']} = {work['macs']:,} MACs",)
    packing = module["packing"]
    if packing:
        saved = f"{packing['padded_steps'] - packing['steps']:,} steps of padding are not computed"
        yield "packing", (saved, f"{packing['saved_macs']:,} MACs less, {packing['saved_percent']:.1f} %")
    yield "counted", ("1 MAC = 2 FLOPs: the matrix products alone", "elementwise operations beside them")
    paths = module["paths"]
    if paths:
        told = (f"{mode} by {IMPLEMENTATIONS[path['path']]} ({path['why']})" for mode, path in paths.items())
        yield "on a CPU", tuple(told)
        gradient = "also" if module["input_grad"] else "not"
        yield (
            "gradients",
            (
                "of all parameters",
                f"{gradient} of the input" + ("" if module["input_grad"] else " (--input-grad)"),
                "oneDNN and cuDNN compute them all the same",
            ),
        )


def _memory(module: Tree) -> Grid:
    """Every figure with its implementation, size and certainty."""
    rows = [
        Row(
            (
                row["name"],
                IMPLEMENTATIONS.get(row["path"], ""),
                bytes_text(row["bytes"]),
                f"{row['bytes']:,}",
                f"within {row['error_percent']:g} %" if row["error_percent"] else row["certainty"],
            ),
            "normal" if row["applies"] else "aside",
        )
        for row in module["memory"]
    ]
    columns = (
        Column("memory"),
        Column("computed by"),
        Column("size", right=True),
        Column("bytes", right=True),
        Column("certainty"),
    )
    return Grid(columns, tuple(rows))


def _memory_facts(module: Tree) -> Iterator[Line]:
    """The parts that each figure counts, and the evidence for each degree of certainty."""
    counts: dict[str, list[str]] = {}
    verified: dict[str, list[str]] = {}
    for row in module["memory"]:
        counts.setdefault(row["name"], []).append(row["counts"])
        verified.setdefault("within" if row["error_percent"] else row["certainty"], []).append(row["verified"])
    for label, phrases in (*counts.items(), *verified.items()):
        yield label, tuple(dict.fromkeys(phrases))
