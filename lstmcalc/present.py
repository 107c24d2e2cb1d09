"""A report as a person reads it: headings, facts, grids and sentences, in text only.

The terminal and Markdown both draw these blocks, so that they never say different things.

Not here: colours, boxes and widths (`render`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import bytes_text
from lstmcalc.model import GATES
from lstmcalc.parse import flag_name
from lstmcalc.report import Tree
from lstmcalc.symbols import SYMBOLS

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
        breaks: Whether its cells may be broken at spaces where space is short.
        spare: What to say below the grid instead, if the column does not fit; None if it must stay.
    """

    header: str
    right: bool = False
    quiet: bool = False
    code: bool = False
    breaks: bool = False
    spare: tuple[str, tuple[str, ...]] | None = None


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
        yield Heading(f"{module['name']}: {module['text']}")
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
    ("default", "assumed"): "assumed",
    ("default", "stated"): "{framework}'s default",
    ("source", "unknown"): "not in {where}",
    ("config", "unknown"): "not in {where}",
}
_FRAMEWORKS: Final = {"pytorch": "PyTorch"}


def _provenance(module: Tree) -> Facts:
    """Where each setting came from; what was merely assumed says which flag would settle it."""
    values = {**module["config"], **module.get("data", {}), **({"dtype": module["dtype"]} if "dtype" in module else {})}
    lines: dict[tuple[int, str], list[str]] = {}
    for field, origin in module["provenance"].items():
        key = origin["from"], origin["certainty"]
        unsaid = values[field] is None and origin["certainty"] != "unknown"
        if unsaid or (field, values[field]) == ("unbatched", False):
            continue
        label = _LABELS[key].format(
            where=origin["where"] or "the source", framework=_FRAMEWORKS.get(module["framework"], module["framework"])
        )
        text = field if values[field] is None else f"{field} {_compact(values[field])}"
        text += f" ({flag_name(field)})" if label == "assumed" else ""
        lines.setdefault((list(_LABELS).index(key), label), []).append(text)
    return Facts(tuple((label, tuple(lines[order, label])) for order, label in sorted(lines)))


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
            Column("role", quiet=True),
            Column("in symbols", code=True, breaks=True),
            Column("shape", code=True, breaks=True),
            Column("size", right=True),
        ),
        tuple(
            Row(
                (
                    tensor["name"],
                    tensor["role"],
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
    traps = tuple(
        f"h_n[{state['index']}] is not {_short(state['h_n_differs_from'], module)}"
        for state in module["states"][-_per_layer(module) :]
        if state["h_n_differs_from"]
    )
    yield Grid(
        (
            Column("index", right=True),
            Column("layer", right=True),
            Column("direction"),
            Column("in output", code=True, breaks=True),
            *((Column("a common mistake", code=True, spare=("a common mistake", traps)),) if traps else ()),
        ),
        tuple(_state_rows(module, traps=bool(traps))),
    )
    yield Facts(
        (
            ("index", ("the first axis of h_n and of c_n",)),
            ("output", ("holds h of the last layer: no other h_n is in it, and no c_n",)),
            *_notation(module),
        )
    )


def _notation(module: Tree) -> list[tuple[str, tuple[str, ...]]]:
    """What the words of a shortened index mean."""
    if not any(
        "arange" in _short(state["h_n_equals"] or "", module) for state in module["states"][-_per_layer(module) :]
    ):
        return []
    return [("lengths", ("an array of them",)), ("arange(N)", ("an array of 0, 1, ..., N - 1",))]


def _per_layer(module: Tree) -> int:
    return 2 if module["config"]["bidirectional"] else 1


def _state_rows(module: Tree, *, traps: bool) -> Iterator[Row]:
    for first, last in _folded(module):
        states = _rows_of(module["states"], first, last)
        if last > first:
            span = f"{states[0]['index']} ... {states[-1]['index']}", f"{first} ... {last}"
            yield Row((*span, "", "-", *([""] * traps)), "folded")
            continue
        for state in states:
            equals, differs = state["h_n_equals"], state["h_n_differs_from"]
            cells = (
                str(state["index"]),
                str(state["layer"]),
                state["direction"],
                f"h_n[{state['index']}] = {_short(equals, module)}" if equals else "-",
            )
            yield Row((*cells, *([_short(differs, module) if differs else ""] * traps)))


def _short(text: str, module: Tree) -> str:
    """A text with an index into `output`; with many lengths, its lists are replaced by what makes them."""
    lengths = module["data"]["lengths"]
    if not lengths or len(lengths) <= 3:  # noqa: PLR2004  # what fits into a line
        return text
    listed = [str([length - 1 for length in lengths]), str(list(range(len(lengths))))]
    named = ["lengths - 1", "arange(N)"]
    order = slice(None, None, -1) if module["config"]["batch_first"] else slice(None)
    return text.replace(", ".join(listed[order]), ", ".join(named[order]))


def _folded(module: Tree) -> Iterator[tuple[int, int]]:
    """The layers to show, each as (layer, layer); a long run of identical ones as (first, last)."""
    layers = module["config"]["num_layers"]
    if layers - 1 <= FOLD:
        yield from ((layer, layer) for layer in range(layers))
    else:
        yield from ((0, 0), (1, layers - 2), (layers - 1, layers - 1))


def _rows_of(rows: Sequence[Any], first: int, last: int) -> Sequence[Any]:
    """The rows of layers `first..last` of rows sorted by layer, without reading the others."""

    def layer(row: Tree) -> int:
        return int(row["layer"])

    return rows[bisect_left(rows, first, key=layer) : bisect_right(rows, last, key=layer)]


def _params(module: Tree) -> Iterator[Block]:
    gate = module.get("gate")
    shown = [
        row for first, last in _folded(module) if first == last for row in _rows_of(module["parameters"], first, last)
    ]
    gates = {_gates_text(row["gates"]) for row in shown if row["gates"]}
    # Where all gated arrays share their rows, one line can say it if the column does not fit.
    spare = None
    if len(gates) == 1:
        spare = ("gate rows", (*gates.pop().split(", "), "on axis 0 of every weight_ih, weight_hh and bias"))
    yield Grid(
        (
            Column("parameter"),
            *(() if gate else (Column("in symbols", code=True, breaks=True),)),
            Column("shape", code=True, breaks=True),
            Column("count", right=True),
            Column(f"gate {gate}, to paste", code=True)
            if gate
            else Column("gate rows", code=True, breaks=True, spare=spare),
        ),
        tuple(_parameter_rows(module)),
    )
    facts = [
        ("total", (f"{module['total']:,} parameters", f"{bytes_text(module['total_bytes'])} in {module['dtype']}")),
        ("formula", (f"{module['total_symbolic']} = {module['total']:,}",)),
        _legend(module),
    ]
    if gate:
        meant = next(item for item in GATES if item.letter == gate)
        facts.insert(0, (f"gate {gate}", (f"the {meant.name} gate: {meant.role}",)))
    yield Facts(tuple(facts))


def _parameter_rows(module: Tree) -> Iterator[Row]:
    gate = module.get("gate")

    def cells(name: str, symbols: str, shape: str, count: int, gates: str) -> tuple[str, ...]:
        return (name, *(() if gate else (symbols,)), shape, f"{count:,}", gates)

    for first, last in _folded(module):
        subtotals = {(row["layer"], row["direction"]): row for row in _rows_of(module["subtotals"], first, first)}
        if last > first:
            count = (last - first + 1) * sum(row["count"] for row in subtotals.values())
            yield Row(cells(f"l{first} ... l{last}, {last - first + 1:,} alike", "", "", count, ""), "folded")
            continue
        rows = _rows_of(module["parameters"], first, first)
        for owner, own in groupby(rows, key=lambda row: (row["layer"], row["direction"])):
            for row in own:
                gates = row["slice"] if gate else _gates_text(row["gates"])
                shapes = shape_text(row["symbolic"]), shape_text(row["shape"])
                yield Row(cells(row["name"], *shapes, row["count"], gates or "-"))
            layer, direction = owner
            yield Row(cells(f"layer {layer} {direction}", "", "", subtotals[owner]["count"], ""), "sum")
    yield Row(cells("total", "", "", module["total"], ""), "sum")


def _gates_text(gates: Mapping[str, Sequence[int]] | None) -> str:
    return ", ".join(f"{letter} {start}:{stop}" for letter, (start, stop) in (gates or {}).items())


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
    failed = [check["name"] for check in module["checks"] if not check["passed"]]
    count = len(module["checks"])
    verdict = f"{len(failed)} of {count} checks FAILED: {failed[0]}" if failed else f"all {count} checks hold"
    yield Facts((("proof", (verdict, f"seed {module['seed']}", module["data"]["dtype"])),))


def _check_row(check: Tree, module: Tree) -> Row:
    relation, expected, error = check["relation"], _found(check["expected"]), check["max_abs_error"]
    computed = _found(check["actual"])
    if check["expected"] == 0 and error is not None:  # two arrays that should, or should not, be the same
        expected = {"=": "equal", ">": "different"}[relation]
        computed = f"{computed} apart" if error else "equal"
    elif relation != "=":
        expected = f"{relation} {expected}"
        computed = f"{error:.2e}" if error else computed
    cells = _short(check["name"], module), expected, computed, "yes" if check["passed"] else "NO"
    return Row(cells, "good" if check["passed"] else "bad")


def _found(value: Any) -> str:  # noqa: ANN401  # whatever a check compares
    if isinstance(value, list):
        return shape_text(value)
    if value is None:
        return "not a number"
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def shape_text(shape: Sequence[Any]) -> str:
    """A shape as Python writes it: `(5, 3, 40)`, `(80,)`, `(4*H_cell,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
