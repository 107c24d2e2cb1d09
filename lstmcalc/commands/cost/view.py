"""The view of cost: matrix products, passes, memory, and formulas."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from lstmcalc.commands.cost.report import CostModule, FigureRow, PassRow, ProductRow
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
    layer_spans,
    symbol_legend,
    with_commas,
)
from lstmcalc.report.provenance import origin_facts, settings_in
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.spec.words import counted

_STREAMING: Final = "streaming minimum"  # as JSON has it


def _label(name: str) -> str:
    """The name of a figure on a screen."""
    return "RAM to stream" if name == _STREAMING else name


def brief(module: CostModule) -> Iterator[Block]:
    """The work, the memory, and what one step takes; each figure in a line."""
    yield origin_facts(module, settings_in(module.data, module.around), brief=True)
    yield Facts(tuple(_brief_lines(module)))


def footer(modules: Sequence[CostModule]) -> Facts:
    """The sum of several LSTMs."""
    macs = sum(module.compute.forward.macs for module in modules)
    sizes = [row.bytes for module in modules for row in module.memory if row.name == "weights"]
    weights = [bytes_text(sum(sizes)) + " of weights"] if len(sizes) == len(modules) else []
    return Facts((("sum", (f"{macs:,} MACs forward in {len(modules):,} LSTMs", *weights)),))


def _brief_lines(module: CostModule) -> Iterator[Line]:
    compute, figures = module.compute, {row.name: row for row in module.memory if row.applies}
    weights = figures.get("weights")
    if weights and not module.quantized:
        count = weights.bytes // DTYPE_BYTES[module.data.dtype]
        yield "parameters", (f"{count:,}", f"{bytes_text(weights.bytes)} in {module.data.dtype}")
    elif weights:
        yield "weights", (f"{bytes_text(weights.bytes)} ({module.quantized})",)
    if stored := figures.get("stored in the file"):
        yield "stored", (bytes_text(stored.bytes),)
    forward = compute.forward
    yield "per step", (f"{forward.per_step.macs:,} MACs for each sequence",)
    if module.rate:
        rate = module.rate
        yield "per second", (f"{rate.macs_per_second:,} MACs at {rate.steps_per_second:,} steps per second",)
    if module.mode != "training":
        yield "forward", (f"{forward.macs:,} MACs", f"{forward.flops:,} FLOPs")
    if compute.training and module.mode != "inference":
        yield "training", (f"{compute.training.macs:,} MACs", f"{compute.training.flops:,} FLOPs")
    packing = module.packing
    if packing:
        yield "packing", (f"{packing.saved_macs:,} MACs less than padded", f"{packing.saved_percent:.1f} %")
    modes = [module.mode] if module.mode else ["inference", "training"]
    peaks = [(word, figures[f"{word} peak"]) for word in modes if f"{word} peak" in figures]
    for word, row in peaks:
        more = f" with {module.optimizer}" if word == "training" else ""
        error = f"within {row.error_percent:g} %" if row.error_percent else row.certainty
        yield f"{word} memory", (f"{bytes_text(row.bytes)}{more}", f"{error}, PyTorch on a CPU")
    streaming = figures.get(_STREAMING)
    if streaming and module.mode != "training":
        of = counted(1 if module.data.batch is None else module.data.batch, "sequence")
        yield _label(_STREAMING), (f"{bytes_text(streaming.bytes)} beside the weights, for {of} step by step",)
    yield "...", ("--full has each layer, element-wise operations, and every formula",)


def view(module: CostModule) -> Iterator[Block]:
    """The products, the passes, the memory, and the formulas."""
    yield origin_facts(module, settings_in(module.data, module.around))
    yield _products(module)
    yield _passes(module.passes, "pass", ("MACs", "FLOPs"), lambda row: (row.macs, row.flops))
    yield _passes(module.passes, "element-wise", OPERATIONS, lambda row: (row.sigmoid, row.tanh, row.multiply, row.add))
    yield Facts(tuple(_compute_facts(module)))
    yield _memory(module.memory)
    yield Facts((*_memory_facts(module.memory), symbol_legend(module.symbols, module.config.proj_size)))


def _products(module: CostModule) -> Grid:
    """Every matrix product of a forward pass, and their sum."""
    columns = (
        Column("matrix product"),
        Column("formula", code=True, breaks=True),
        Column("MACs per step", right=True),
        Column("steps", right=True),
        Column("total MACs", right=True),
    )
    return Grid(columns, tuple(_product_rows(module)))


def _product_rows(module: CostModule) -> Iterator[Row]:
    """The rows of every layer, of the head, and of the forward pass."""
    for first, last in layer_spans(module.config.num_layers):
        rows = _of_layer(module, first)
        if last > first:
            macs = (last - first + 1) * sum(row.macs for row in rows)
            yield Row((f"l{first} ... l{last}, {last - first + 1:,} alike", "", "", "", f"{macs:,}"), "folded")
            continue
        for direction, parts in groupby(rows, key=lambda row: row.direction):
            listed = list(parts)
            yield from map(_product_row, listed)
            step, macs = sum(row.step_macs for row in listed), sum(row.macs for row in listed)
            yield Row((f"layer {first} {direction}", "", *with_commas(step, listed[0].rows, macs)), "sum")
    head = module.around.head is not None
    if head:
        yield _product_row(module.products[-1])
    forward = module.compute.forward
    yield Row(("forward", "", "" if head else f"{forward.per_step.macs:,}", "", f"{forward.macs:,}"), "sum")


def _product_row(product: ProductRow) -> Row:
    """The row of a matrix product."""
    return Row((product.part, product.symbolic, *with_commas(product.step_macs, product.rows, product.macs)))


def _of_layer(module: CostModule, layer: int) -> Sequence[ProductRow]:
    """The products of a layer, without reading the others; the head's comes after those of every layer."""
    products, layers = module.products, module.config.num_layers

    def place(product: ProductRow) -> int:
        return layers if product.layer is None else product.layer

    return products[bisect_left(products, layer, key=place) : bisect_right(products, layer, key=place)]


def _passes(
    passes: Sequence[PassRow], title: str, names: Sequence[str], counts: Callable[[PassRow], tuple[int, ...]]
) -> Grid:
    """Some numbers of every pass; implementations with equal numbers share a row."""
    rows = []
    for _, same in groupby(passes, key=lambda row: row.pass_):
        by_cost: dict[tuple[int, ...], list[PassRow]] = {}
        for row in same:
            by_cost.setdefault(counts(row), []).append(row)
        for numbers, alike in by_cost.items():
            kind = "normal" if any(row.applies for row in alike) else "aside"
            rows.append(Row((_pass_name(alike), *with_commas(*numbers)), kind))
    return Grid((Column(title), *(Column(name, right=True) for name in names)), tuple(rows))


def _pass_name(rows: Sequence[PassRow]) -> str:
    """A pass with the implementations that share its row."""
    paths = ", ".join(IMPLEMENTATIONS[row.path] for row in rows if row.path)
    return f"{rows[0].pass_}, {paths}" if paths else rows[0].pass_


def _compute_facts(module: CostModule) -> Iterator[Line]:
    """Lines on the formulas of the passes, the saving by packing, the counting, and the implementations."""
    compute = module.compute
    step = compute.forward.per_step
    yield "per step", (f"of one sequence: {step.symbolic} = {step.macs:,} MACs",)
    yield "forward", (f"{compute.forward.symbolic} = {compute.forward.macs:,} MACs",)
    for name, work in (("backward", compute.backward), ("training", compute.training)):
        if work and work.path:
            yield f"{name}, {IMPLEMENTATIONS[work.path]}", (f"{work.symbolic} = {work.macs:,} MACs",)
    packing = module.packing
    if packing:
        saved = f"{packing.padded_steps - packing.steps:,} steps of padding are not computed"
        yield "packing", (saved, f"{packing.saved_macs:,} MACs less, {packing.saved_percent:.1f} %")
    yield "counted", ("1 MAC = 2 FLOPs: the matrix products alone", "element-wise operations beside them")
    if module.quantized:
        yield "quantized", (module.quantized,)
    if module.paths:
        told = (f"{mode} by {IMPLEMENTATIONS[path.path]} ({path.why})" for mode, path in module.paths.items())
        yield "on a CPU", tuple(told)
        gradient = "also" if module.input_grad else "not"
        yield (
            "gradients",
            (
                "of all parameters",
                f"{gradient} of the input" + ("" if module.input_grad else " (--input-grad)"),
                "oneDNN and cuDNN compute them all the same",
            ),
        )


def _memory(figures: Sequence[FigureRow]) -> Grid:
    """Every figure with its implementation, size and certainty."""
    rows = [
        Row(
            (
                _label(row.name),
                IMPLEMENTATIONS[row.path] if row.path else "",
                bytes_text(row.bytes),
                f"{row.bytes:,}",
                f"within {row.error_percent:g} %" if row.error_percent else row.certainty,
            ),
            "normal" if row.applies else "aside",
        )
        for row in figures
    ]
    columns = (
        Column("memory"),
        Column("computed by"),
        Column("size", right=True),
        Column("bytes", right=True),
        Column("accuracy"),
    )
    return Grid(columns, tuple(rows))


def _memory_facts(figures: Sequence[FigureRow]) -> Iterator[Line]:
    """The parts that each figure counts, and the evidence for each degree of certainty."""
    counts: dict[str, list[str]] = {}
    verified: dict[str, list[str]] = {}
    for row in figures:
        counts.setdefault(_label(row.name), []).append(row.counts)
        verified.setdefault("within" if row.error_percent else row.certainty, []).append(row.verified)
    for label, phrases in (*counts.items(), *verified.items()):
        yield label, tuple(dict.fromkeys(phrases))
