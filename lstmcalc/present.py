"""A report as a person reads it: headings, facts, grids and sentences, in text only.

The terminal and Markdown both draw these blocks, so that they never say different things.

Not here: colours, boxes and widths (`render`).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from os.path import commonprefix
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import bytes_text
from lstmcalc.layouts import PATTERN_WORDS
from lstmcalc.model import GATES
from lstmcalc.parse import flag_name
from lstmcalc.report import Tree
from lstmcalc.symbols import SYMBOLS

FOLD: Final = 64  # more identical layers than this become one row


class Heading(NamedTuple):
    """What the following blocks are about."""

    text: str


class Facts(NamedTuple):
    """Labelled lines; each a list of phrases that belong together. What ends in a colon leads to the next."""

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
    """A row of a grid; `kind` is `normal`, `head`, `sum`, `folded`, `good` or `bad`."""

    cells: tuple[str, ...]
    kind: str = "normal"


class Grid(NamedTuple):
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Code(NamedTuple):
    """Python, to paste."""

    text: str


Block: TypeAlias = Heading | Facts | Grid | Code


def blocks_of(tree: Tree) -> Iterator[Block]:
    """The blocks of a report, module by module."""
    bodies: dict[str, Callable[[Tree], Iterator[Block]]] = {
        "shapes": _shapes,
        "params": _params,
        "frameworks": _frameworks,
        "run": _run,
    }
    body = bodies[tree["command"]]
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
    ("default", "stated"): "PyTorch's default",
    ("source", "unknown"): "not in {where}",
    ("config", "unknown"): "not in {where}",
}


def _provenance(module: Tree) -> Facts:
    """Where each setting came from; what was merely assumed says which flag would settle it."""
    values = {**module["config"], **module.get("data", {}), **({"dtype": module["dtype"]} if "dtype" in module else {})}
    lines: dict[tuple[int, str], list[str]] = {}
    for field, origin in module["provenance"].items():
        key = origin["from"], origin["certainty"]
        unsaid = values[field] is None and origin["certainty"] != "unknown"
        unsaid = unsaid or (origin["from"] == "default" and _is_idle(field, module))
        if unsaid or (field, values[field]) == ("unbatched", False):
            continue
        label = _LABELS[key].format(where=origin["where"] or "the source")
        text = field if values[field] is None else f"{field} {_compact(values[field])}"
        text += f" ({flag_name(field)})" if label == "assumed" else ""
        lines.setdefault((list(_LABELS).index(key), label), []).append(text)
    framework = [("framework", (module["layout"]["title"],))] if "layout" in module else []
    return Facts((*framework, *((label, tuple(lines[order, label])) for order, label in sorted(lines))))


def _is_idle(field: str, module: Tree) -> bool:
    """Whether a setting means nothing here: PyTorch's layout in another framework, a batch where there is no axis."""
    if "layout" not in module:
        return False
    axes = {size for tensor in module.get("tensors", ()) for size in tensor["symbolic"]}
    return field == "batch_first" or (field == "batch" and "N" not in axes)


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
    if "layout" in module:
        yield from _foreign_shapes(module)
        return
    yield _tensor_grid(module)
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


def _tensor_grid(module: Tree) -> Grid:
    """Every tensor in and out; how many there are, if there are several of one; a star if an option asks for it."""
    several = any(tensor.get("copies", 1) > 1 for tensor in module["tensors"])
    return Grid(
        (
            Column("tensor"),
            Column("role", quiet=True),
            Column("in symbols", code=True, breaks=True),
            Column("shape", code=True, breaks=True),
            Column("size", right=True),
            *((Column("how many", breaks=True),) if several else ()),
        ),
        tuple(
            Row(
                (
                    tensor["name"] + ("*" if tensor.get("when") else ""),
                    tensor["role"],
                    shape_text(tensor["symbolic"]),
                    shape_text(tensor["shape"]),
                    bytes_text(tensor["bytes"]),
                    *((_how_many(tensor),) if several else ()),
                )
            )
            for tensor in module["tensors"]
        ),
    )


def _foreign_shapes(module: Tree) -> Iterator[Block]:
    """What goes in and comes out of another framework, and where PyTorch's states are there."""
    yield _tensor_grid(module)
    when = dict.fromkeys((tensor["role"], tensor["when"]) for tensor in module["tensors"] if tensor["when"])
    whole = (None, "direction", "sequence", "step")  # what belongs to the last layer
    equal = [tensor for tensor in module["tensors"] if tensor["equals"] and tensor["each"] in whole]
    cells = any(tensor["each"] == "cell" and tensor["copies"] > 1 for tensor in module["tensors"])
    yield Facts(
        (
            ("returns", (module["returns"],)),
            *((("*", tuple(f"{role}s with {option}" for role, option in when)),) if when else ()),
            *_relation_lines(equal),
            *((("lengths", (module["lengths_by"],)),) if module["data"]["lengths"] else ()),
            *((("cell", ("one direction of one layer",)),) if cells else ()),
            _legend(module),
        )
    )
    rows = tuple(_foreign_state_rows(module))
    yield Grid(
        (
            Column("index", right=True),
            Column("layer", right=True),
            Column("direction"),
            Column("of h_n", code=True),
            Column("of c_n", code=True, spare=("of c_n", tuple(row.cells[-1] for row in rows if row.cells[-1]))),
        ),
        rows,
    )
    yield Facts(
        (
            ("index", ("the first axis of PyTorch's h_n and of c_n",)),
            ("states", (module["states_are"],)),
            *_by_hand(module, module["layout"]),
            *(("take care", (hint,)) for hint in module["layout"]["usage"]),
            _checked(module["layout"]),
        )
    )


def _relation_lines(tensors: Sequence[Tree]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What outputs are in PyTorch's terms."""
    for tensor in tensors:
        for d, text in enumerate(tensor["equals"]):
            several = len(tensor["equals"]) > 1
            yield f"{tensor['name']}{f'[{d}]' * several} =", (text, "in PyTorch's terms")


def _how_many(tensor: Tree) -> str:
    return f"{tensor['copies']:,} {tensor['each']}s" if tensor["copies"] > 1 else "1"


def _foreign_state_rows(module: Tree) -> Iterator[Row]:
    for first, last in _folded(module):
        states = _rows_of(module["states"], first, last)
        if last > first:
            yield Row((f"{states[0]['index']} ... {states[-1]['index']}", f"{first} ... {last}", "", "", ""), "folded")
            continue
        for state in states:
            index = f"[{state['index']}]"
            yield Row(
                (
                    str(state["index"]),
                    str(state["layer"]),
                    state["direction"],
                    f"h_n{index} = {state['h_n_equals']}",
                    f"c_n{index} = {state['c_n_equals']}",
                )
            )


def _layout_facts(module: Tree, layout: Tree, hints: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """What is worth knowing of a framework, whatever the LSTM."""
    own = layout["gate_order_there"]
    gates = [layout["gate_order"], *([f"there called {own}"] if own != layout["gate_order"] else [])]
    biases = {1: "one bias, the sum of PyTorch's two", 2: "two biases"}[layout["biases"]]
    switch = f"can be left out ({layout['bias_switch']})" if layout["bias_switch"] else "cannot be left out"
    lines = [("gates", tuple(gates)), ("biases", (biases, switch))]
    if layout["forget_offset"]:
        lines.append(("forget gate", (f"{layout['forget_offset']:g} is added at run time", "the stored bias lacks it")))
    lines += _by_hand(module, layout)
    lines += [("take care", (hint,)) for hint in hints]
    return [*lines, _checked(layout)]


def _by_hand(module: Tree, layout: Tree) -> list[tuple[str, tuple[str, ...]]]:
    """What has to be built of several modules, if this LSTM has several layers or directions."""
    yours = [] if layout["own_names"] else [("by hand", ("the paths shown stand for your own",))]
    needs = {
        "several layers": layout["stacking"] if module["config"]["num_layers"] > 1 else None,
        "both directions": layout["reversing"] if module["config"]["bidirectional"] else None,
    }
    lines: list[tuple[str, tuple[str, ...]]] = [("by hand", (f"{what}: {how}",)) for what, how in needs.items() if how]
    return [*lines, *yours] if lines else []


def _is_single(module: Tree) -> bool:
    return module["config"]["num_layers"] == 1 and not module["config"]["bidirectional"]


def _checked(layout: Tree) -> tuple[str, tuple[str, ...]]:
    """How the facts were checked."""
    checked = layout["checked"]
    how = {
        "run": "by running",
        "converter": "by running the converter, not the LSTM itself:",
        "source": "in the source only, not run:",
    }[checked["how"]]
    return "checked", (f"{how} {checked['version']}", checked["source"])


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
    spare = _gates_spare(shown)
    symbols = _symbols_spare(shown) if "layout" in module else None
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
        *_joined_parts(module),
        *_difference(module),
        ("formula", (f"{module['total_symbolic']} = {module['total']:,}",)),
        _legend(module),
        *(_layout_facts(module, module["layout"], module["layout"]["storage"]) if "layout" in module else ()),
    ]
    if gate:
        meant = next(item for item in GATES if item.letter == gate)
        facts.insert(0, (f"gate {gate}", (f"the {meant.name} gate: {meant.role}",)))
    yield Facts(tuple(facts))


def _gates_spare(rows: Sequence[Tree]) -> tuple[str, tuple[str, ...]] | None:
    """Where all arrays share the rows of their gates: a line that says so, for where the column does not fit."""
    gated = [row for row in rows if row["gates"]]
    if len({_gates_text(row["gates"]) for row in gated}) != 1:
        return None
    axes: dict[int, list[str]] = {}
    for row in gated:
        # The last part of a path; of PyTorch's names what stands before the layer.
        stem = re.split("[/.]", row["name"])[-1] if "holds" in row else row["name"].partition("_l")[0]
        axes.setdefault(row["gate_axis"], []).append(stem)
    where = (f"on axis {axis} of every {_and(names)}" for axis, names in axes.items())
    return "gate rows", (*_gates_text(gated[0]["gates"]).split(", "), *where)


def _symbols_spare(rows: Sequence[Tree]) -> tuple[str, tuple[str, ...]]:
    """The shapes in symbols, for where their column does not fit."""
    texts: dict[str, None] = {}
    for row in rows:
        text = f"{' and '.join(row['holds'])} {shape_text(row['symbolic'])}"
        if text not in texts:
            texts["above layer 0 " * (row["layer"] > 0) + text] = None
    return "in symbols", tuple(texts)


def _and(names: Sequence[str]) -> str:
    names = ["bias" if name.startswith("bias_") else name for name in names]
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last


def _joined_parts(module: Tree) -> list[tuple[str, tuple[str, ...]]]:
    """Which directions, and which of PyTorch's parameters, stand where in arrays that hold several; of layer 0."""
    if "layout" not in module:
        return []
    rows = _rows_of(module["parameters"], 0, 0)
    names: dict[str, list[str]] = {}
    for axis, ranges in (("direction_axis", "directions"), ("part_axis", "parts")):
        for row in rows:
            if row[ranges]:
                each = ", with all gates each" if row[axis] == row["gate_axis"] else ""
                names.setdefault(f"{_gates_text(row[ranges])}{each} on axis {row[axis]} of ", []).append(row["name"])
    return [
        ("joined", (text + ("every array" if len(owners) == len(rows) > 1 else ", ".join(owners)),))
        for text, owners in names.items()
    ]


def _difference(module: Tree) -> list[tuple[str, tuple[str, ...]]]:
    """Why the total is another one than PyTorch's."""
    if "total_in_pytorch" not in module:
        return []
    more = module["total"] - module["total_in_pytorch"]
    if not more:
        return [("in PyTorch", ("as many",))]
    why = "PyTorch has two biases, not one" if more < 0 else "biases that cannot be left out"
    than = f"{abs(more):,} {'fewer' if more > 0 else 'more'}: {why}"
    return [("in PyTorch", (f"{module['total_in_pytorch']:,}", than))]


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
                gates = row["slice"] if gate else _gates_text(row["gates"]) or row.get("gate") or ""
                shapes = shape_text(row["symbolic"]), shape_text(row["shape"])
                yield Row(cells(row["name"], *shapes, row["count"], gates or "-"))
            layer, direction = owner
            yield Row(cells(f"layer {layer} {direction}", "", "", subtotals[owner]["count"], ""), "sum")
    yield Row(cells("total", "", "", module["total"], ""), "sum")


def _gates_text(gates: Mapping[str, Sequence[int]] | None) -> str:
    return ", ".join(f"{letter} {start}:{stop}" for letter, (start, stop) in (gates or {}).items())


def _frameworks(module: Tree) -> Iterator[Block]:
    yield from _in_depth(module) if module["in_depth"] else _side_by_side(module)
    for recipe in module["recipes"]:
        yield Heading(f"from {recipe['from']} to {recipe['to']}")
        yield Facts(tuple((f"{number}.", (step,)) for number, step in enumerate(recipe["steps"], 1)))
        yield Code(recipe["code"])


def _side_by_side(module: Tree) -> Iterator[Block]:
    """What each framework stores, as patterns; then a row for each."""
    yield Facts(tuple(_pattern_lines(module)))
    used = "".join(row["pattern"] for row in module["patterns"])
    facts: list[tuple[str, tuple[str, ...]]] = [("shapes", ("those of layer 0",))]
    if module["config"]["num_layers"] > 1:
        facts = [("shapes", (f"those of layer 0; others read D*H_out = {_above(module):,} values instead of H_in",))]
    words = tuple(f"{word} {meaning}" for word, meaning in PATTERN_WORDS.items() if word in used)
    yours = [row["framework"] for row in module["frameworks"] if not row["own_names"]]
    if not _is_single(module):
        facts.append(("paths", (f"you choose them, and those shown stand for yours, in {yours[0]}", *yours[1:])))
    yield Facts((*facts, *((("pattern", words),) if words else ())))
    yield Grid(
        (
            Column("framework"),
            Column("gates"),
            Column("biases", right=True),
            Column("forget"),
            Column("input", code=True),
            Column("output", code=True, spare=("output", ("by default, for each: lstmcalc shapes --framework NAME",))),
            Column("total", right=True),
            Column("checked", quiet=True, spare=_not_run(module)),
        ),
        tuple(_framework_row(row) for row in module["frameworks"]),
    )
    label, phrases = _legend(module)
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


def _not_run(module: Tree) -> tuple[str, tuple[str, ...]]:
    """Which frameworks were not run themselves."""
    groups = []
    for how, words in (("converter", "their converters were"), ("source", "their source was read")):
        names = [row["framework"] for row in module["frameworks"] if row["checked"]["how"] == how]
        groups += [f"{words}: {', '.join(names)}"] if names else []
    return "not run", tuple("; ".join(groups).split(", "))


def _above(module: Tree) -> int:
    return int(module["symbols"]["D"] * module["symbols"]["H_out"])


def _shared_path(names: Sequence[str]) -> str:
    """The path that all names share, if saying it once saves anything and it fits into a line."""
    path = commonprefix(names)[:_LONG]  # noqa: RUF071  # characters are meant: a separator ends it
    path = path[: max(path.rfind("/"), path.rfind(".")) + 1]
    return path if len(names) > 1 and len(path) >= _SHORT else ""


_SHORT, _LONG = 12, 56


def _pattern_lines(module: Tree) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each framework what a layer stores, the path that all names share said once."""
    for framework, group in groupby(module["patterns"], key=lambda row: row["framework"]):
        rows = list(group)
        path = _shared_path([row["pattern"] for row in rows])
        shown = [f"{row['pattern'].removeprefix(path)} {shape_text(row['shape'])}" for row in rows]
        if any("{d}" in row["pattern"] for row in rows):
            shown.append(f"d: {' or '.join(word or 'nothing' for word in rows[0]['d'])}")
        yield framework, (*([f"under {path}:"] if path else []), *shown)


def _framework_row(row: Tree) -> Row:
    return Row(
        (
            row["framework"],
            row["gate_order"],
            str(row["biases"]),
            f"+{row['forget_offset']:g}" if row["forget_offset"] else "",
            shape_text(row["input"]) if row["input"] else "",
            _output_text(row),
            "-" if row["total"] is None else f"{row['total']:,}",
            row["checked"]["how"],
        )
    )


def _output_text(row: Tree) -> str:
    """The shape of the default output, and how many of it there are."""
    if not row["output"]:
        return ""
    many = {"sequence": "N", "step": "L"}.get(row["outputs_each"], row["outputs"])
    return (f"{many} x " if row["outputs"] > 1 else "") + shape_text(row["output"])


def _totals(module: Tree) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each total, why it is what it is, and whose it is."""
    names: dict[tuple[int, str], list[str]] = {}
    for row in module["frameworks"]:
        if row["total"] is None:
            continue
        counted = module["config"]["bias"] or not row["bias_switch"]
        why = {0: "no biases", 1: "one bias", 2: "two biases"}[row["biases"] if counted else 0]
        why += "" if module["config"]["bias"] or not counted else ", which cannot be left out"
        names.setdefault((row["total"], why), []).append(row["framework"])
    for (total, why), owners in sorted(names.items(), reverse=True):
        yield f"{total:,}", (f"{why}: {owners[0]}", *owners[1:])
    missing = [row["framework"] for row in module["frameworks"] if row["cannot_express"]]
    if missing:
        yield "-", (f"no projection: {missing[0]}", *missing[1:])


def _in_depth(module: Tree) -> Iterator[Block]:
    """Each framework's facts, and their arrays side by side."""
    for row in module["frameworks"]:
        yield Heading(f"{row['framework']}: {row['title']}")
        yield Facts(
            (
                ("total", (f"{row['total']:,} parameters", f"{row['arrays']:,} arrays")),
                ("input", (shape_text(row["input"]),)),
                ("output", (_output_text(row), row["returns"])),
                ("states", (row["states_are"],)),
                ("lengths", (row["lengths_by"] or "nothing built in",)),
                ("start", (row["init"],)),
                *(("refused", (f"{what}: {names}",)) for what, names in row["unmodelled"].items()),
                *_layout_facts(module, row, (*row["usage"], *row["storage"])),
            )
        )
    yield Heading("array by array")
    yield Grid(
        (Column("framework"), Column("array", code=True), _SHAPES_COLUMN, _GATES_COLUMN),
        tuple(_array_rows(module)),
    )
    yield Facts((_legend(module),))


_SHAPES_COLUMN: Final = Column("shape", code=True, spare=("shapes", ("lstmcalc params --framework NAME has them",)))
_GATES_COLUMN: Final = Column("gates", breaks=True, spare=("gate rows", ("lstmcalc params --framework NAME has them",)))


def _array_rows(module: Tree) -> Iterator[Row]:
    """For each parameter of PyTorch's, where each framework has it."""
    rows, start = {}, 0
    for row in module["frameworks"]:
        rows[row["framework"]] = module["arrays"][start : start + row["arrays"]]
        start += row["arrays"]
    sides = ("forward", "reverse")[: _per_layer(module)]
    for first, last in _folded(module):
        if last > first:
            yield Row((f"layers {first} ... {last}", f"{last - first + 1:,} alike", "", ""), "folded")
            continue
        own = {name: _rows_of(group, first, first) for name, group in rows.items()}
        for side in sides:
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"):
                found = [(name, row) for name, group in own.items() for row in group if _has(row, part, side)]
                if found:
                    yield Row(("", f"{part}_l{first}{'_reverse' * (side == 'reverse')}", "", ""), "head")
                for name, row in found:
                    gates = row["gate"] or _gates_text(row["gates"])
                    summed = ", the sum" if row["holds"] == ["bias"] else ""
                    yield Row((name, _place(row, part, side) + summed, shape_text(row["shape"]), gates or "-"))


def _has(row: Tree, part: str, side: str) -> bool:
    """Whether an array holds a parameter of PyTorch's; the sum of both biases stands with the first."""
    holds = ["bias_ih" if name == "bias" else name for name in row["holds"]]
    return part in holds and row["direction"] in (side, "both")


def _place(row: Tree, part: str, side: str) -> str:
    """Where in an array a parameter of PyTorch's is: `lstm0.B[0:1, 80:160]`."""
    cuts: dict[int, str] = {}
    for axis, ranges, label in (
        (row["direction_axis"], row["directions"], side),
        (row["part_axis"], row["parts"], part),
    ):
        if ranges:  # no layout has both on one axis
            cuts[axis] = "{}:{}".format(*ranges[label])
    if not cuts:
        return str(row["name"])
    return f"{row['name']}[{', '.join(cuts.get(axis, ':') for axis in range(max(cuts) + 1))}]"


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


def joined(phrases: Sequence[str]) -> str:
    """The phrases of a line."""
    text = ""
    for phrase in phrases:
        text += phrase if not text else f" {phrase}" if text.endswith(":") else f", {phrase}"
    return text


def shape_text(shape: Sequence[Any]) -> str:
    """A shape as Python writes it: `(5, 3, 40)`, `(80,)`, `(4*H_cell,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
