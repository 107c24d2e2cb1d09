"""The view of summary: of each source its LSTMs, the other layers in a line, the totals, and where to go on."""

from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.commands.summary.records import Part, SummaryModule, SummaryReport
from lstmcalc.errors import bytes_text
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Heading, Line, Row, shape_text
from lstmcalc.report.provenance import assumed_line
from lstmcalc.report.siblings import siblings
from lstmcalc.spec.words import counted, with_rest

_OTHERS: Final = 3  # layers beside the LSTMs that are named
_LSTMS: Final = 8  # LSTMs that are shown


def screen(report: SummaryReport, *, full: bool = False) -> Iterator[Block]:
    """Each source, one after the other; the models of a folder as a list."""
    if report.folder and not full:
        yield Heading(f"{report.folder}: {counted(len(report.parts), 'model')}")
        columns = (
            Column("file"),
            Column("LSTMs", breaks=True),
            Column("parameters", right=True),
            Column("size", right=True),
        )
        yield Grid(columns, tuple(map(_listed, report.parts)))
        return
    for part in report.parts:
        yield from _part(part, full=full)


def _listed(part: Part) -> Row:
    """A model of a folder in a line."""
    total = part.whole.total
    named = with_rest([f"{module.name} {module.text}" for module in part.modules], _OTHERS)
    return Row((part.title, named, f"{total.parameters:,}", bytes_text(total.bytes)))


def _part(part: Part, *, full: bool) -> Iterator[Block]:
    whole, modules = part.whole, part.modules
    open_ = (
        ""
        if part.inventory.least or not part.open
        else f" without {with_rest([one.name for one in part.open], _OTHERS)}"
    )
    total = f"{whole.total.parameters:,} parameters{open_}, {bytes_text(whole.total.bytes)}"
    at_least = "at least " if part.inventory.least else ""
    if modules[0].file is None:
        yield Heading(f"{part.title}: {modules[0].text}")
    else:
        told = "" if part.inventory.apart else f"{at_least}{total}"
        yield Heading(f"{part.title}: {', '.join(filter(None, (part.what, told)))}")
    columns = (
        Column("layer", breaks=True),
        Column("what", code=True, breaks=True),
        Column("parameters", right=True),
        Column("share", right=True),
    )
    shown = columns[:-1] if part.inventory.apart else columns
    yield Grid(shown, tuple(row._replace(cells=row.cells[: len(shown)]) for row in _rows(part, full=full)))
    yield Facts(tuple(_facts(part, full=full)))


def _rows(part: Part, *, full: bool) -> Iterator[Row]:
    """The LSTMs, then the other layers: the first by name, the rest as a count."""
    groups, others = _groups(part.modules, full=full), part.inventory.others
    shown = groups if full or len(groups) <= _LSTMS + 1 else groups[:_LSTMS]
    most = "up to " if part.inventory.least else ""  # of a total that is larger
    for group in shown:
        count, share = sum(module.parameters for module in group), sum(module.share for module in group)
        times = f"{len(group)} x " if len(group) > 1 else ""
        yield Row((_range(group), f"{times}{group[0].call}", f"{count:,}", most + _percent(share)))
    if len(shown) < len(groups):
        rest = [module for group in groups[len(shown) :] for module in group]
        count, share = sum(module.parameters for module in rest), sum(module.share for module in rest)
        cells = counted(len(rest), "more LSTM"), "--full lists them", f"{count:,}", most + _percent(share)
        yield Row(cells, "folded")
    if full:
        rows = [row for row in part.whole.layers if not row.lstm]
        for layer, row in zip(others, rows, strict=True):
            number = "unknown" if layer.parameters is None else f"{layer.parameters:,}"
            yield Row((layer.name or "-", layer.text, number, _percent(row.share)))
    elif others:
        named = [layer.text for layer in others[:_OTHERS]]
        more = len(others) - len(named)
        text = ", ".join(named) + (f" and {counted(more, 'more layer')}" if more else "")
        count = sum(layer.parameters or 0 for layer in others)
        open_ = any(layer.parameters is None for layer in others)
        share = count / part.whole.total.parameters if part.whole.total.parameters else 0.0
        number = f"{count:,}" if not open_ else f"{count:,}+" if count else "unknown"
        yield Row(("other", text, number, _percent(None if open_ else share)))


def _groups(modules: Sequence[SummaryModule], *, full: bool) -> list[list[SummaryModule]]:
    """The LSTMs, equal siblings together unless all are shown."""
    if full:
        return [[module] for module in modules]
    return siblings(modules, lambda one: (one.call, one.parameters, one.tensors, one.per_step))


def _range(group: Sequence[SummaryModule]) -> str:
    """The names of equal siblings, of one its own."""
    return group[0].name if len(group) == 1 else f"{group[0].name} ... {group[-1].name}"


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else "< 1 %"  # noqa: PLR2004


def _facts(part: Part, *, full: bool) -> Iterator[Line]:
    whole, modules = part.whole, part.modules
    doubts = tuple(part.inventory.doubts)
    if modules[0].file is None:
        yield "total", (f"{whole.total.parameters:,} parameters", bytes_text(whole.total.bytes))
    if doubts:
        yield "not counted" if part.inventory.least else "counted", doubts
    groups = _groups(modules, full=full)
    for group in groups if full or len(groups) <= 2 else groups[:1]:  # noqa: PLR2004
        yield from _shapes(group[0], "" if len(groups) == 1 else f"{group[0].name} ")
    if not part.inventory.apart:
        state = f"state {bytes_text(whole.per_step.state_bytes)} per sequence"
        yield "per step", (f"{whole.per_step.macs:,} MACs", state)
    if whole.graph is not None:
        yield from _graph(part)
    if whole.not_stored:
        yield "not stored", tuple(whole.not_stored)
    yield from assumed_line(modules, ("input_size", "hidden_size"))
    if whole.next:
        yield "next", tuple(whole.next)


def _shapes(module: SummaryModule, name: str) -> Iterator[Line]:
    """The output and the states, in a line each."""
    texts = {row.name: _mixed(row.symbolic, module) for row in module.tensors}
    if {"h_n", "c_n", "output"} <= texts.keys():
        yield f"{name}output", (f"{texts['output']}: h of the last layer at every step",)
        same = texts["h_n"] == texts["c_n"]
        states = f"h_n and c_n {texts['h_n']}" if same else f"h_n {texts['h_n']}, c_n {texts['c_n']}"
        yield f"{name}states", (states,)
    elif texts:
        yield f"{name}returns", tuple(f"{tensor} {text}" for tensor, text in texts.items())


def _mixed(symbolic: Sequence[str], module: SummaryModule) -> str:
    """A shape with N and L as letters, and the sizes of the LSTM in numbers."""
    config = module.config
    values = {
        "H_in": config.input_size,
        "H_cell": config.hidden_size,
        "H_out": config.output_size,
        "D": config.num_directions,
        "num_layers": config.num_layers,
    }

    def text(axis: str) -> str:
        factors = axis.split("*")
        if not all(factor in values for factor in factors):
            return axis
        number = 1
        for factor in factors:
            number *= values[factor]
        return str(number)

    return shape_text([text(axis) for axis in symbolic])


def _graph(part: Part) -> Iterator[Line]:
    """The words on what a graph says of its states, its axes, and of streaming."""
    graph = part.whole.graph
    assert graph is not None  # noqa: S101  # the caller has looked
    yield "inputs", tuple(graph.inputs)
    yield "outputs", tuple(graph.outputs)
    states = [f"in {', '.join(graph.state_in)}"] if graph.state_in else ["none goes in"]
    states += [f"out {', '.join(graph.state_out)}"] if graph.state_out else ["none comes out"]
    yield "states", tuple(states)
    yield "streaming", (graph.why,)
