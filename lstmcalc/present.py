"""A report as a person reads it: headings, facts, grids and sentences, in text only.

The terminal and Markdown both draw these blocks, so that they never say different things.

Not here: colours, boxes and widths (`render`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.model import GATES, SYMBOLS
from lstmcalc.parse import flag_name
from lstmcalc.report import Tree

FOLD: Final = 64  # more identical layers than this become one row


class Heading(NamedTuple):
    """What the following blocks are about."""

    text: str


class Facts(NamedTuple):
    """Labelled lines; each a list of phrases that belong together."""

    lines: tuple[tuple[str, tuple[str, ...]], ...]


class Column(NamedTuple):
    """A column of a grid.

    Attributes:
        header: Its title.
        right: Whether its cells are numbers, to be aligned at their end.
        quiet: Whether it matters less than the others.
        code: Whether its cells are code.
        spare: What to say below the grid instead, if the column does not fit; empty if it must stay.
    """

    header: str
    right: bool = False
    quiet: bool = False
    code: bool = False
    spare: tuple[str, tuple[str, ...]] = ("", ())


class Row(NamedTuple):
    """A row of a grid; `kind` is `normal`, `sum`, `folded`, `good` or `bad`."""

    cells: tuple[str, ...]
    kind: str = "normal"


class Grid(NamedTuple):
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


Block: TypeAlias = Heading | Facts | Grid


def blocks_of(tree: Tree) -> Iterator[Block]:
    """The blocks of a report, module by module."""
    body: Callable[[Tree], Iterator[Block]] = {"shapes": _shapes, "params": _params, "run": _run}[tree["command"]]
    for module in tree["modules"]:
        yield Heading(config_text(module))
        yield _provenance(module)
        yield from body(module)


def config_text(module: Tree) -> str:
    """The module's name and its LSTM as PyTorch prints it: `lstm: LSTM(10, 20)`."""
    from lstmcalc.config import LSTMConfig

    return f"{module['name']}: {LSTMConfig(**module['config'])}"


def _provenance(module: Tree) -> Facts:
    """Where each setting came from; what was merely assumed says which flag would settle it."""
    values = {
        **module["config"],
        **module.get("data", {}),
        **({"dtype": module["dtype"]} if "dtype" in module else {}),
    }
    lines: dict[str, list[str]] = {}
    for field, origin in module["provenance"].items():
        value = values[field]
        if value is None or (origin["from"] == "default" and value is False and field == "unbatched"):
            continue
        text = f"{field} {_compact(value)}"
        if origin["certainty"] == "assumed":
            label, text = "assumed", f"{text} ({flag_name(field)})"
        elif origin["from"] == "default":
            label = "PyTorch's default"
        else:
            label = {"inferred": "from the lengths"}.get(origin["certainty"], f"from {origin['from']}s")
        lines.setdefault(label, []).append(text)
    order = ("from flags", "from the lengths", "assumed", "PyTorch's default")
    return Facts(tuple((label, tuple(lines[label])) for label in sorted(lines, key=order.index)))


def _compact(value: Any) -> str:  # noqa: ANN401  # whatever a setting can be
    if isinstance(value, list):
        return shape_text(value if len(value) <= 8 else [*value[:7], "...", value[-1]])  # noqa: PLR2004
    return f"{value:g}" if isinstance(value, float) else str(value)


def _legend(module: Tree) -> tuple[str, tuple[str, ...]]:
    """The letters, their values and their meaning."""
    meaning = {
        **SYMBOLS,
        "H_out": "proj_size" if module["config"]["proj_size"] else "hidden_size, as proj_size is 0",
    }
    return "where", tuple(
        f"{symbol} = {value}" + (f" ({meaning[symbol]})" if meaning[symbol] != symbol else "")
        for symbol, value in module["symbols"].items()
    )


def _shapes(module: Tree) -> Iterator[Block]:
    yield Grid(
        (
            Column("tensor"),
            Column("", quiet=True),
            Column("in symbols", code=True),
            Column("shape", code=True),
            Column("size", right=True),
        ),
        tuple(
            Row(
                (
                    tensor["name"],
                    {"input": "in", "output": "out"}[tensor["role"]],
                    shape_text(tensor["symbolic"]),
                    shape_text(tensor["shape"]),
                    bytes_text(tensor["bytes"]),
                )
            )
            for tensor in module["tensors"]
        ),
    )
    packed = [(f"packed.{name}", (_compact(values),)) for name, values in module.get("packed", {}).items()]
    yield Facts((_legend(module), *packed))
    yield Grid(
        (
            Column("index", right=True),
            Column("layer", right=True),
            Column("direction"),
            Column("in output", code=True),
            Column("and not", code=True),
        ),
        tuple(_state_rows(module)),
    )
    yield Facts(
        (
            ("index", ("the first axis of h_n and of c_n",)),
            ("output", ("holds h of the last layer: no other h_n is in it, and no c_n",)),
        )
    )


def _state_rows(module: Tree) -> Iterator[Row]:
    states = module["states"]
    for first, last in _runs(module):
        span = _indices(states, module, first, last)
        if last > first:
            yield Row((f"{span[0]} ... {span[-1]}", f"{first} ... {last}", "", "-", ""), "folded")
            continue
        for state in (states[index] for index in span):
            name, equals, differs = f"h_n[{state['index']}]", state["h_n_equals"], state["h_n_differs_from"]
            yield Row(
                (
                    str(state["index"]),
                    str(state["layer"]),
                    state["direction"],
                    f"{name} = {_index_of(equals)}" if equals else "-",
                    _index_of(differs) if differs else "",
                )
            )


def _index_of(text: str) -> str:
    """An index to read; with many lengths its lists are replaced by what makes them."""
    if len(text) <= 60:  # noqa: PLR2004
        return text
    columns = text.rsplit(",", 1)[1]
    sequences_first = text.startswith("output[[0, 1,")
    return f"output[{'arange(N), lengths - 1' if sequences_first else 'lengths - 1, arange(N)'},{columns}"


def _runs(module: Tree) -> Iterator[tuple[int, int]]:
    """The layers to show, each as (layer, layer); a long run of identical ones as (first, last)."""
    layers = module["config"]["num_layers"]
    if layers - 1 <= FOLD:
        yield from ((layer, layer) for layer in range(layers))
    else:
        yield from ((0, 0), (1, layers - 2), (layers - 1, layers - 1))


def _indices(rows: Sequence[Any], module: Tree, first: int, last: int) -> range:
    """The positions of the rows of layers `first..last`: every layer has the same number of them."""
    each = len(rows) // module["config"]["num_layers"]
    return range(first * each, (last + 1) * each)


def _params(module: Tree) -> Iterator[Block]:
    gate = module.get("gate")
    order = module["parameters"][0]["gates"]
    spare = (
        ("", ()) if gate else ("gate rows", (_gates_text(order), "on axis 0 of every weight_ih, weight_hh and bias"))
    )
    yield Grid(
        (
            Column("parameter"),
            *(() if gate else (Column("in symbols", code=True),)),
            Column("shape", code=True),
            Column("count", right=True),
            Column(f"gate {gate}, to paste" if gate else "gate rows", code=True, spare=spare),
        ),
        tuple(_parameter_rows(module)),
    )
    facts = [
        (
            "total",
            (f"{module['total']:,} parameters", f"{bytes_text(module['total_bytes'])} in {module['dtype']}"),
        ),
        ("formula", (f"{module['total_symbolic']} = {module['total']:,}",)),
        _legend(module),
    ]
    if gate:
        role = next(item for item in GATES if item.letter == gate)
        facts.insert(0, (f"gate {gate}", (f"the {role.name} gate: {role.role}",)))
    yield Facts(tuple(facts))


def _parameter_rows(module: Tree) -> Iterator[Row]:
    gate = module.get("gate")
    parameters, subtotals = module["parameters"], module["subtotals"]

    def cells(name: str, symbols: str, shape: str, count: int, gates: str) -> tuple[str, ...]:
        return (name, *(() if gate else (symbols,)), shape, f"{count:,}", gates)

    for first, last in _runs(module):
        sums = [subtotals[index] for index in _indices(subtotals, module, first, first)]
        if last > first:
            count = (last - first + 1) * sum(subtotal["count"] for subtotal in sums)
            yield Row(cells(f"l{first} ... l{last}", "", f"{last - first + 1:,} layers alike", count, ""), "folded")
            continue
        rows = iter([parameters[index] for index in _indices(parameters, module, first, first)])
        for subtotal in sums:
            for _ in range(len(parameters) // len(subtotals)):
                row = next(rows)
                gates = row["slice"] if gate else _gates_text(row["gates"])
                yield Row(
                    cells(
                        row["name"],
                        shape_text(row["symbolic"]),
                        shape_text(row["shape"]),
                        row["count"],
                        gates or "-",
                    )
                )
            yield Row(
                cells(f"layer {subtotal['layer']} {subtotal['direction']}", "", "", subtotal["count"], ""),
                "sum",
            )
    yield Row(cells("total", "", "", module["total"], ""), "sum")


def _gates_text(gates: Mapping[str, Sequence[int]] | None) -> str:
    return ", ".join(f"{letter} {start}:{stop}" for letter, (start, stop) in (gates or {}).items())


def _run(module: Tree) -> Iterator[Block]:
    yield Grid(
        (Column("check"), Column("expected", code=True), Column("computed", code=True), Column("holds")),
        tuple(
            Row(
                (
                    check["name"],
                    _found(check["expected"]),
                    _found(check["actual"]),
                    "yes" if check["passed"] else "NO",
                ),
                "good" if check["passed"] else "bad",
            )
            for check in module["checks"]
        ),
    )
    yield Grid(
        (
            Column("tensor"),
            Column("shape", code=True),
            *(Column(name, right=True) for name in ("min", "max", "mean", "std")),
        ),
        tuple(
            Row(
                (
                    tensor["name"],
                    shape_text(tensor["shape"]),
                    *("-" if tensor[name] is None else f"{tensor[name]:.4f}" for name in ("min", "max", "mean", "std")),
                )
            )
            for tensor in module["tensors"]
            if not tensor["name"].startswith("packed.")
        ),
    )
    held = sum(check["passed"] for check in module["checks"])
    verdict = "all" if module["passed"] else f"{held} of"
    yield Facts(
        (
            (
                "proof",
                (
                    f"{verdict} {len(module['checks'])} checks hold",
                    f"seed {module['seed']}",
                    module["data"]["dtype"],
                ),
            ),
        )
    )


def _found(value: Any) -> str:  # noqa: ANN401  # whatever a check compares
    if isinstance(value, list):
        return shape_text(value)
    if value is None:
        return "not a number"
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def shape_text(shape: Sequence[Any]) -> str:
    """A shape as Python writes it: `(5, 3, 40)`, `(80,)`, `(4*H_cell,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def bytes_text(count: int) -> str:
    """Bytes for people, by 1024: `600 B`, `58.8 KiB`."""
    if count < 1024:  # noqa: PLR2004
        return f"{count} B"
    size, units = count / 1024, iter(("KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while size >= 999.95 and unit != "TiB":  # noqa: PLR2004  # what still prints with three digits
        size, unit = size / 1024, next(units)
    return f"{size:,.1f} {unit}"
