"""A report as a person reads it: headings, facts, grids and sentences, in text only.

The terminal and Markdown both draw these blocks, so that they never say different things.

Not here: colours, boxes and widths (`render`).
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from lstmcalc.blocks import (
    Block,
    Code,
    Column,
    Facts,
    Grid,
    Heading,
    Line,
    Row,
    compact,
    extra_rows,
    folded,
    legend,
    more_text,
    notation,
    per_layer,
    ranges_text,
    rows_of,
    shape_text,
    short,
    short_list,
    state_map,
    tensor_grid,
)
from lstmcalc.errors import bytes_text
from lstmcalc.intake.flags import flag_name
from lstmcalc.model.lstm import GATES, TRACED
from lstmcalc.spec.config import HYPERPARAMETERS
from lstmcalc.spec.symbols import DIRECTIONS
from lstmcalc.trees import Tree


def blocks_of(tree: Tree) -> Iterator[Block]:
    """The blocks of a report, module by module."""
    bodies: dict[str, Callable[[Tree], Iterator[Block]]] = {
        "shapes": _shapes,
        "params": _params,
        "frameworks": _frameworks,
        "run": _run,
        "explain": _explain,
        "cost": _costs,
        "solve": _costs,
        "sweep": _costs,
        "ls": _listing,
        "diff": _difference,
    }
    body = bodies[tree["command"]]
    for module in tree["modules"]:
        yield Heading(f"{module['name']}: {module['text']}")
        if "provenance" in module:
            yield _provenance(module)
        yield from body(module)


# How (from, certainty) reads, in the order it is read.
_LABELS: Final = {
    ("flag", "stated"): "from flags",
    ("flag", "inferred"): "follows from flags",
    ("source", "stated"): "from {where}",
    ("source", "inferred"): "follows from {where}",
    ("config", "stated"): "from {where}",
    ("config", "inferred"): "follows from {where}",
    ("source", "assumed"): "assumed in {where}",
    ("config", "assumed"): "assumed in {where}",
    ("default", "assumed"): "assumed",
    ("default", "stated"): "{owner}'s default",
    ("source", "unknown"): "not in {where}",
    ("config", "unknown"): "not in {where}",
    ("solved", "inferred"): "solved",
}


def _provenance(module: Tree) -> Facts:
    """Where each setting came from; what was merely assumed says which flag would settle it."""
    values = {
        **module["config"],
        **module.get("data", {}),
        **module.get("around", {}),
        **({"dtype": module["dtype"]} if "dtype" in module else {}),
    }
    lines: dict[tuple[int, str], list[str]] = {}
    owner, unsayable = _owner(module)
    for field, origin in module["provenance"].items():
        key = origin["from"], origin["certainty"]
        unsaid = values[field] is None and origin["certainty"] != "unknown"
        unsaid = unsaid or (origin["from"] == "default" and (field in unsayable or _is_idle(field, module)))
        if unsaid or (field, values[field]) == ("unbatched", False):
            continue
        where = re.split(r"[/\\\\]", origin["where"] or "the source")[-1]
        label = _LABELS[key].format(where=where, owner=owner)
        text = field if values[field] is None else f"{field} {compact(values[field])}"
        text += f" ({flag_name(field)})" if label == "assumed" else ""
        lines.setdefault((list(_LABELS).index(key), label), []).append(text)
    framework: list[Line] = [("framework", (module["layout"]["title"],))] if "layout" in module else []
    if module["source"] and module["source"]["framework"] != module["framework"]:
        framework.append(("source", (f"{module['source']['text']}, of {owner}",)))
    swept = tuple(f"{field} {short_list(values).strip('(,)')}" for field, values in module.get("axes", {}).items())
    framework += [("swept", swept)] if swept else []
    return Facts((*framework, *((label, tuple(lines[order, label])) for order, label in sorted(lines))))


def _owner(module: Tree) -> tuple[str, frozenset[str]]:
    """Whose defaults those are that nobody said, and which settings it does not have."""
    if not module["source"] or module["source"]["framework"] == "pytorch":
        return "PyTorch", frozenset()
    from lstmcalc.frameworks.constructors import settings_of
    from lstmcalc.frameworks.storage import find_layout

    framework = module["source"]["framework"]
    return find_layout(framework).title, frozenset(HYPERPARAMETERS) - settings_of(framework)


def _is_idle(field: str, module: Tree) -> bool:
    """Whether a setting means nothing here: PyTorch's layout in another framework, a batch where there is no axis."""
    if "layout" not in module:
        return False
    axes = {size for tensor in module.get("tensors", ()) for size in tensor["symbolic"]}
    return field == "batch_first" or (field == "batch" and "N" not in axes)


def _shapes(module: Tree) -> Iterator[Block]:
    if "layout" in module:
        from lstmcalc.foreign_blocks import foreign_shapes

        yield from foreign_shapes(module)
        return
    yield tensor_grid(module)
    head = [("logits", (f"head({module['head_reads']})",))] if module["head_reads"] else []
    packed = [(f"packed.{name}", (compact(values),)) for name, values in module.get("packed", {}).items()]
    yield Facts((legend(module), *head, *packed))
    yield state_map(module)
    yield Facts(
        (
            ("index", ("the first axis of h_n and of c_n",)),
            ("output", ("holds h of the last layer: no other h_n is in it, and no c_n",)),
            *notation(module),
        )
    )


def _params(module: Tree) -> Iterator[Block]:
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
    """With the layers around, and what the head reads."""
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
    """Of another framework: its shapes in symbols, how it stores what PyTorch does, and what else is worth knowing."""
    if "layout" not in module:
        return None, [], []
    from lstmcalc.foreign_blocks import difference_from_pytorch, joined_parts, layout_facts, symbols_spare

    stored = [*joined_parts(module), *difference_from_pytorch(module)]
    return symbols_spare(rows), stored, layout_facts(module, module["layout"], module["layout"]["storage"])


def _gates_spare(rows: Sequence[Tree]) -> Line | None:
    """Where all arrays share the rows of their gates: a line that says so, for where the column does not fit."""
    gated = [row for row in rows if row["gates"]]
    if len({ranges_text(row["gates"]) for row in gated}) != 1:
        return None
    axes: dict[int, list[str]] = {}
    for row in gated:
        # The last part of a path; of PyTorch's names what stands before the layer.
        stem = re.split("[/.]", row["name"])[-1] if "holds" in row else row["name"].partition("_l")[0]
        axes.setdefault(row["gate_axis"], []).append(stem)
    where = (f"on axis {axis} of every {_and(names)}" for axis, names in axes.items())
    return "gate rows", (*ranges_text(gated[0]["gates"]).split(", "), *where)


def _and(names: Sequence[str]) -> str:
    names = ["bias" if name.startswith("bias_") else name for name in names]
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last


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


def _explain(module: Tree) -> Iterator[Block]:
    from lstmcalc.explain_blocks import explanation

    yield from explanation(module)


def _costs(module: Tree) -> Iterator[Block]:
    from lstmcalc import cost_blocks

    if "rows" in module:
        yield from cost_blocks.sweep_table(module)
    else:
        yield from cost_blocks.costs(module) if "products" in module else cost_blocks.solution(module)


def _listing(module: Tree) -> Iterator[Block]:
    from lstmcalc.listing_blocks import tensor_list

    yield from tensor_list(module)


def _difference(module: Tree) -> Iterator[Block]:
    from lstmcalc.difference_blocks import difference

    yield from difference(module)


def _frameworks(module: Tree) -> Iterator[Block]:
    from lstmcalc.foreign_blocks import frameworks_blocks

    yield from frameworks_blocks(module)


def _run(module: Tree) -> Iterator[Block]:
    yield Grid(
        (
            Column("check", breaks=True),
            Column("expected", code=True),
            Column("computed", code=True),
            Column("holds"),
        ),
        tuple(_check_row(check, module) for check in module["checks"]),
    )
    statistics = ("min", "max", "mean", "std")
    yield Grid(
        (Column("tensor"), Column("shape", code=True), *(Column(name, right=True) for name in statistics)),
        tuple(
            Row(
                (
                    tensor["name"],
                    shape_text(tensor["shape"]),
                    *("-" if tensor[name] is None else f"{tensor[name]:.4f}" for name in statistics),
                )
            )
            for tensor in module["tensors"]
            if not tensor["name"].startswith("packed.")
        ),
    )
    if "timing" in module:
        yield _timing(module["timing"])
    yield from _shown(module)
    if len(module.get("trace", ())):
        yield from _trace(module)
    elif "trace" in module:
        yield Facts((("trace", ("of no sequence: the batch is empty",)),))
    failed = [check["name"] for check in module["checks"] if not check["passed"]]
    count = len(module["checks"])
    verdict = f"{len(failed)} of {count} checks FAILED: {failed[0]}" if failed else f"all {count} checks hold"
    yield Code(module["reproduce"])
    seed = (f"seed {module['seed']}",) if module["drawn"] else ()
    yield Facts((("numbers", _numbers(module)), ("proof", (verdict, *seed, module["data"]["dtype"]))))


def _numbers(module: Tree) -> tuple[str, ...]:
    """Where the numbers are from."""
    files = [
        f"{what} of {module[f'{key}_from']}"
        for what, key in (("weights", "weights"), ("input", "input"))
        if module[f"{key}_from"]
    ]
    seeded = f"the same numbers as torch.manual_seed({module['seed']})"
    if files and module["drawn"]:
        seeded = f"{' and '.join(module['drawn'])} as after torch.manual_seed({module['seed']})"
    return (*files, *([seeded] if module["drawn"] else []), "with the code above, in PyTorch")


def _timing(rows: Sequence[Tree]) -> Grid:
    """How long a call took, of each framework."""
    repeat, threads = rows[0]["repeat"], rows[0]["threads"]
    names = "median", "fastest", "steps/s", "GFLOP/s", "lstmcalc takes"
    title = f"{repeat:,} call{'s' * (repeat > 1)}, {threads} thread{'s' * (threads > 1)}"
    return Grid(
        (Column(title), *(Column(name, right=True) for name in names)),
        tuple(
            Row(
                (
                    row["name"],
                    _duration(row["median_seconds"]),
                    _duration(row["min_seconds"]),
                    f"{row['steps_per_second']:,.0f}",
                    f"{row['gflops']:,.1f}" if row["gflops"] >= 1 else f"{row['gflops']:.2g}",
                    "" if row["ratio"] is None else f"{row['ratio']:.2f} times as long",
                )
            )
            for row in rows
        ),
    )


def _duration(seconds: float) -> str:
    """As `1.23 ms`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds:,.0f} s"
    return f"{seconds * 1e6:.3g} us"


def _shown(module: Tree) -> Iterator[Block]:
    """The tensors themselves, with the weights of a few layers."""
    rows, layers = module.get("shown", ()), module["config"]["num_layers"]
    hidden = _hidden_layers(layers)
    first, last = (bisect_left(rows, layer, key=lambda row: row["layer"]) for layer in (hidden.start, hidden.stop))
    for row in rows[:first]:
        yield _tensor_code(row)
    if hidden:
        yield Code(f"# the weights of {more_text(len(hidden), 'layer')}")
    for row in rows[last:]:
        yield _tensor_code(row)


def _tensor_code(row: Tree) -> Code:
    return Code(f"# {row['name']} {shape_text(row['shape'])}\n{row['text']}")


def _hidden_layers(layers: int) -> range:
    """Those of many layers that are not shown: all but the first few and the last."""
    return range(_SHOWN_LAYERS - 1, layers - 1) if layers > _SHOWN_LAYERS else range(0)


def _trace(module: Tree) -> Iterator[Block]:
    """The first unit of the first sequence, step by step; of a long sequence its ends."""
    lengths, each = module["data"]["lengths"], per_layer(module)
    steps = lengths[0] if lengths else module["data"]["seq_len"]
    first, last = range(min(steps, _TRACED_STEPS)), range(max(_TRACED_STEPS, steps - _TRACED_STEPS), steps)
    rows = []
    layers = module["config"]["num_layers"]
    hidden = _hidden_layers(layers)
    for layer in (layer for layer in range(layers) if layer not in hidden or layer == hidden[0]):
        if layer in hidden:
            rows.append(Row((more_text(len(hidden), "layer"), *[""] * len(TRACED)), "folded"))
            continue
        own = rows_of(module["trace"], layer, layer)
        for number, direction in enumerate(DIRECTIONS[:each]):
            rows.append(Row((f"layer {layer} {direction}", *[""] * len(TRACED)), "head"))
            for step in (*first, *last):
                values = own[number * (len(own) // each) + step]
                if last and step == last[0] > _TRACED_STEPS:
                    rows.append(Row((f"{step - _TRACED_STEPS:,} more", *[""] * len(TRACED)), "folded"))
                rows.append(Row((str(step), *(_number(values[value][0]) for value in TRACED))))
    headers = [Column(f"{value}_t", right=True) for value in TRACED]
    yield Grid((Column("step"), *headers), tuple(rows))
    whose = "unit 0" if module["data"]["unbatched"] else "unit 0 of sequence 0"
    lines = [("trace", (f"of {whose}; all of it with --json, or in a file with --save",))]
    if each > 1:
        lines.append(("reverse", ("is computed from the last step up",)))
    if module["config"]["proj_size"]:
        lines.append(("h_t", ("is W_hr m_t with m_t = o_t * tanh(c_t): its units are not the cell's",)))
    yield Facts(tuple(lines))


_TRACED_STEPS: Final = 8  # of a long sequence, at either end
_SHOWN_LAYERS: Final = 4  # of many


def _number(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.4f}"


def _check_row(check: Tree, module: Tree) -> Row:
    relation, expected, error = check["relation"], _found(check["expected"]), check["max_abs_error"]
    computed = _found(check["actual"])
    if check["expected"] == 0 and error is not None:  # two arrays that should, or should not, be the same
        expected = {"=": "equal", ">": "different"}[relation]
        computed = f"{computed} apart" if error else "equal"
    elif relation != "=":
        expected = f"{relation} {expected}"
        computed = f"{check['actual']:.2e}" if error else computed
    cells = short(check["name"], module), expected, computed, "yes" if check["passed"] else "NO"
    return Row(cells, "good" if check["passed"] else "bad")


def _found(value: Any) -> str:  # noqa: ANN401  # whatever a check compares
    if isinstance(value, list):
        return shape_text(value)
    if value is None:
        return "not a number"
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
