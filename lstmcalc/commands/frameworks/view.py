"""The view of frameworks: side by side, or a few in depth with the recipes between them."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from os.path import commonprefix
from typing import Final

from lstmcalc.commands.frameworks.report import ArrayRow, FrameworkRow, FrameworksModule
from lstmcalc.frameworks.array_names import PATTERN_WORDS
from lstmcalc.report.blocks import (
    Block,
    Code,
    Column,
    Facts,
    Grid,
    Heading,
    Line,
    Row,
    layer_spans,
    ranges_text,
    rows_between,
    shape_text,
    symbol_legend,
)
from lstmcalc.report.framework import layout_lines
from lstmcalc.report.provenance import origin_facts


def _is_single(module: FrameworksModule) -> bool:
    return module.config.num_layers == 1 and not module.config.bidirectional


def brief(module: FrameworksModule) -> Iterator[Block]:
    """The frameworks side by side, a row each; a few that are named in depth."""
    yield origin_facts(module, {}, brief=True)
    if module.in_depth:
        yield from _recipe_blocks(module)
        for row in module.frameworks:
            yield Facts(((row.framework, tuple(_in_short(module, row))), *(("note", (hint,)) for hint in row.storage)))
        yield Facts((("in full", ("every array, how it is called, and how this was checked: --full",)),))
        return
    yield _framework_grid(module)
    yield Facts(
        (
            ("forget", ("+1 is added at run time, the stored bias lacks it",)),
            ("in depth", ("lstmcalc frameworks keras; names and shapes of all: --full",)),
        )
    )


def view(module: FrameworksModule) -> Iterator[Block]:
    """The frameworks side by side, or a few in depth, and the recipes between them."""
    yield origin_facts(module, {})
    yield from _in_depth(module) if module.in_depth else _side_by_side(module)
    yield from _recipe_blocks(module)


def _recipe_blocks(module: FrameworksModule) -> Iterator[Block]:
    """The way from one framework to another, in steps and as code."""
    for recipe in module.recipes:
        yield Heading(f"from {recipe.from_} to {recipe.to}")
        yield Facts(tuple((f"{number}.", (step,)) for number, step in enumerate(recipe.steps, 1)))
        yield Code(recipe.code)


def _in_short(module: FrameworksModule, row: FrameworkRow) -> Iterator[str]:
    """A framework in a line: how much it stores, in which order, with which biases."""
    yield f"{row.total:,} parameters"
    yield f"gates {row.gate_order}"
    counted = module.config.bias or not row.bias_switch
    yield {0: "no biases", 1: "one bias", 2: "two biases"}[row.biases if counted else 0]
    if row.forget_offset:
        yield f"{row.forget_offset:g} is added to the forget gate at run time"


def _side_by_side(module: FrameworksModule) -> Iterator[Block]:
    """The arrays of each framework as patterns; then a row per framework."""
    yield Facts(tuple(_pattern_lines(module)))
    used = "".join(row.pattern for row in module.patterns or ())
    facts: list[Line] = [("shapes", ("those of layer 0",))]
    if module.config.num_layers > 1:
        facts = [
            ("shapes", (f"those of layer 0; others read D*H_out = {_width_above(module):,} values instead of H_in",))
        ]
    words = tuple(f"{word} {meaning}" for word, meaning in PATTERN_WORDS.items() if word in used)
    yours = [row.framework for row in module.frameworks if not row.own_names]
    if not _is_single(module):
        facts.append(("paths", (f"you choose them, and those shown stand for yours, in {yours[0]}", *yours[1:])))
    yield Facts((*facts, *((("pattern", words),) if words else ())))
    yield _framework_grid(module, output=True)
    label, phrases = symbol_legend(module.symbols, module.config.proj_size)
    yield Facts(
        (
            *_totals(module),
            (label, (*phrases, "N (batch)", "L (sequence length)")),
            ("forget", ("+1 is added to the forget gate at run time", "the stored bias lacks it")),
            ("checked", ("by running it, by running its converter, or only by reading its source",)),
            ("more", ("lstmcalc frameworks --only keras,onnx",)),
            ("more", ("lstmcalc params --framework keras",)),
        )
    )


def _framework_grid(module: FrameworksModule, *, output: bool = False) -> Grid:
    """A row for each framework; with `output`, also what it returns, and how it was checked."""
    columns = (
        Column("framework"),
        Column("gates"),
        Column("biases", right=True),
        Column("forget", spare=_forget_line(module)),
        Column("input", code=True),
        Column("output", code=True, spare=("output", ("by default, for each: lstmcalc shapes --framework NAME",))),
        Column("total", right=True),
        Column("checked", quiet=True, spare=_not_run_line(module)),
    )
    kept = [column for column in columns if output or column.header not in ("output", "checked")]
    rows = (_framework_row(row) for row in module.frameworks)
    places = [columns.index(column) for column in kept]
    return Grid(tuple(kept), tuple(Row(tuple(row.cells[place] for place in places), row.kind) for row in rows))


def _forget_line(module: FrameworksModule) -> Line:
    """The frameworks that add to the forget gate, on a screen without a column for it."""
    adding = [f"{row.framework} +{row.forget_offset:g}" for row in module.frameworks if row.forget_offset]
    return "forget", tuple(adding or ["nothing is added"])


def _not_run_line(module: FrameworksModule) -> Line:
    """The frameworks that were checked without being run themselves."""
    groups = []
    for how, words in (("converter", "their converters were"), ("source", "their source was read")):
        names = [row.framework for row in module.frameworks if row.checked.how == how]
        groups += [f"{words}: {', '.join(names)}"] if names else []
    return "not run", tuple("; ".join(groups).split(", "))


def _width_above(module: FrameworksModule) -> int:
    return module.symbols["D"] * module.symbols["H_out"]


def _shared_path(names: Sequence[str]) -> str:
    """The path that all names share, up to `_LONG` characters; empty if shorter than `_SHORT`, or for one name."""
    path = commonprefix(names)[:_LONG]  # noqa: RUF071  # characters are meant: a separator ends it
    path = path[: max(path.rfind("/"), path.rfind(".")) + 1]
    return path if len(names) > 1 and len(path) >= _SHORT else ""


_SHORT, _LONG = 12, 56


def _pattern_lines(module: FrameworksModule) -> Iterator[Line]:
    """The arrays of a layer in each framework; a path that all names share is written once."""
    for framework, group in groupby(module.patterns or (), key=lambda row: row.framework):
        rows = list(group)
        path = _shared_path([row.pattern for row in rows])
        shown = [f"{row.pattern.removeprefix(path)} {shape_text(row.shape)}" for row in rows]
        if any("{d}" in row.pattern for row in rows):
            shown.append(f"d: {' or '.join(word or 'nothing' for word in rows[0].d or ())}")
        yield framework, (*([f"under {path}:"] if path else []), *shown)


def _framework_row(row: FrameworkRow) -> Row:
    return Row(
        (
            row.framework,
            row.gate_order,
            str(row.biases),
            f"+{row.forget_offset:g}" if row.forget_offset else "",
            shape_text(row.input) if row.input else "",
            _output_text(row),
            "-" if row.total is None else f"{row.total:,}",
            row.checked.how,
        )
    )


def _output_text(row: FrameworkRow) -> str:
    """The shape of the default output, and the number of such outputs."""
    if not row.output or not row.outputs:
        return ""
    many = {"sequence": "N", "step": "L"}.get(row.outputs_each or "", row.outputs)
    return (f"{many} x " if row.outputs > 1 else "") + shape_text(row.output)


def _totals(module: FrameworksModule) -> Iterator[Line]:
    """Each total with its reason and its frameworks."""
    names: dict[tuple[int, str], list[str]] = {}
    for row in module.frameworks:
        if row.total is None:
            continue
        counted = module.config.bias or not row.bias_switch
        why = {0: "no biases", 1: "one bias", 2: "two biases"}[row.biases if counted else 0]
        why += "" if module.config.bias or not counted else ", which cannot be left out"
        names.setdefault((row.total, why), []).append(row.framework)
    for (total, why), owners in sorted(names.items(), reverse=True):
        yield f"{total:,}", (f"{why}: {owners[0]}", *owners[1:])
    missing = [row.framework for row in module.frameworks if row.cannot_express]
    if missing:
        yield "-", (f"no projection: {missing[0]}", *missing[1:])


def _in_depth(module: FrameworksModule) -> Iterator[Block]:
    """Each framework's facts, and their arrays side by side."""
    for row in module.frameworks:
        yield Heading(f"{row.framework}: {row.title}")
        yield Facts(
            (
                ("total", (f"{row.total:,} parameters", f"{row.num_arrays:,} arrays")),
                ("input", (shape_text(row.input or ()),)),
                ("output", (_output_text(row), row.returns)),
                ("states", (row.states_are,)),
                ("variable lengths", (row.lengths_by or "nothing built in",)),
                ("initialisation", (row.init,)),
                *(("unsupported", (f"{what}: {names}",)) for what, names in row.unmodelled.items()),
                *layout_lines(module.config, row, (*row.usage, *row.storage)),
            )
        )
    yield Heading("array by array")
    yield Grid(
        (Column("framework"), Column("array", code=True), _SHAPES_COLUMN, _GATES_COLUMN),
        tuple(_array_rows(module)),
    )
    yield Facts((symbol_legend(module.symbols, module.config.proj_size),))


_SHAPES_COLUMN: Final = Column("shape", code=True, spare=("shapes", ("lstmcalc params --framework NAME has them",)))


_GATES_COLUMN: Final = Column("gates", breaks=True, spare=("gate rows", ("lstmcalc params --framework NAME has them",)))


def _array_rows(module: FrameworksModule) -> Iterator[Row]:
    """The place of each parameter of PyTorch in each framework."""
    rows: dict[str, Sequence[ArrayRow]] = {}
    start = 0
    for fact in module.frameworks:
        end = start + (fact.num_arrays or 0)
        rows[fact.framework] = (module.arrays or ())[start:end]
        start = end
    sides = ("forward", "reverse")[: module.config.num_directions]
    for first, last in layer_spans(module.config.num_layers):
        if last > first:
            yield Row((f"layers {first} ... {last}", f"{last - first + 1:,} alike", "", ""), "folded")
            continue
        own = {name: rows_between(group, first, first) for name, group in rows.items()}
        for side in sides:
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"):
                found = [(name, row) for name, group in own.items() for row in group if _has(row, part, side)]
                if found:
                    yield Row(("", f"{part}_l{first}{'_reverse' * (side == 'reverse')}", "", ""), "head")
                for name, row in found:
                    gates = row.gate or ranges_text(row.gates)
                    summed = ", the sum" if tuple(row.holds) == ("bias",) else ""
                    yield Row((name, _place(row, part, side) + summed, shape_text(row.shape), gates or "-"))


def _has(row: ArrayRow, part: str, side: str) -> bool:
    """True if an array holds a parameter of PyTorch; the sum of both biases counts as `bias_ih`."""
    holds = ["bias_ih" if name == "bias" else name for name in row.holds]
    return part in holds and row.direction in (side, "both")


def _place(row: ArrayRow, part: str, side: str) -> str:
    """The slice of an array that holds a parameter of PyTorch: `lstm0.B[0:1, 80:160]`."""
    cuts: dict[int, str] = {}
    for axis, ranges, label in (
        (row.direction_axis, row.directions, side),
        (row.part_axis, row.parts, part),
    ):
        if ranges and axis is not None:  # no layout has both on one axis
            cuts[axis] = "{}:{}".format(*ranges[label])
    if not cuts:
        return row.name
    return f"{row.name}[{', '.join(cuts.get(axis, ':') for axis in range(max(cuts) + 1))}]"
