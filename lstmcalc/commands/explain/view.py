"""The view of explain: equations, states, packing, and short paragraphs."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from lstmcalc.report.blocks import (
    Block,
    Code,
    Column,
    Facts,
    Formula,
    Formulas,
    Grid,
    Heading,
    Line,
    Row,
    extras_grid,
    legend,
    more_text,
    shape_text,
    short_list,
    state_map,
)
from lstmcalc.report.tree import Tree

_SHOWN: Final = 12  # sequences and steps of a packed batch
_PICTURE: Final = 48  # steps of the picture of the padding


def view(module: Tree) -> Iterator[Block]:
    """A section per topic; among several topics, those of words alone are a paragraph each."""
    topics = module["topics"]
    brief = [topic for topic in topics if _is_brief(module, topic)] if len(topics) > 1 else []
    for topic in topics:
        if topic not in brief:
            title, blocks = _TOPICS[topic]
            yield Heading(title, words=True)
            yield from blocks(module)
    if brief:
        yield Facts(tuple((topic, ("; ".join(_texts(module, topic)),)) for topic in brief))


def _texts(module: Tree, topic: str) -> list[str]:
    """The texts of a topic, and a pointer to its code, which is shown only if the topic stands alone."""
    texts = [row["text"] for row in module["facts"] if row["topic"] == topic]
    hidden = any(row["topic"] == topic for row in module["code"])
    return [*texts, f"--topic {topic} has the code"] if hidden else texts


def _is_brief(module: Tree, topic: str) -> bool:
    if topic == "around":
        return not module["extras"]
    return topic in ("dropout", "batch-first", "init") or (topic == "packing" and module["packing"] is None)


def _facts(module: Tree, topic: str) -> tuple[Line, ...]:
    return tuple((row["label"], (row["text"],)) for row in module["facts"] if row["topic"] == topic)


def _equations(module: Tree) -> Iterator[Block]:
    """The equations of the first layers in full; for the layers above and the reverse direction, the differences."""
    shown: list[Tree] = []
    for group in module["groups"]:
        if group["direction"] == "reverse":
            continue
        own = _rows_of_group(module["equations"], group)
        yield Facts((*_group_lines(module, group), *(_difference_lines(module, group, own, shown) if shown else ())))
        if not shown:
            yield Formulas(tuple(_formula(module, group, row) for row in own))
        shown = shown or own
    notation = "@ a matrix product, ^T transposed, * number by number; a batch has rows, so W x is x @ W^T"
    ended = module["data"]["lengths"]
    rows = (("rows", ("those of the sequences that still run at step t, batch_sizes[t] of them",)),) if ended else ()
    yield Facts((*_facts(module, "equations"), *rows, ("signs", (notation,)), legend(module)))


def _rows_of_group(rows: Sequence[Tree], group: Tree) -> list[Tree]:
    """The rows of a group of layers."""
    return [row for row in rows if row["group"] == group["group"]]


def _formula(module: Tree, group: Tree, row: Tree) -> Formula:
    return Formula(row["text"], row["latex"], row["shapes"], _places(module, group, row), row["role"])


def _places(module: Tree, group: Tree, row: Tree) -> tuple[str, ...]:
    """The places of the stored operands of an equation."""
    operands = [operand for operand in _rows_of_group(module["operands"], group) if operand["result"] == row["result"]]
    return tuple(f"{operand['symbol']} = {operand['stored']}" for operand in operands if operand["stored"])


def _difference_lines(module: Tree, group: Tree, own: Sequence[Tree], shown: Sequence[Tree]) -> Iterator[Line]:
    """The shapes that differ from those of the first layer, and the places of the stored operands."""
    pairs = zip(own, shown, strict=True)
    shapes = [row for row, other in pairs if row["shapes"] != other["shapes"]]
    for text, rows in groupby(shapes, key=lambda row: row["shapes"]):
        yield ", ".join(row["result"].removesuffix("_t") for row in rows), (text,)
    for row in own:
        places = _places(module, group, row)
        if places:
            yield f"in {row['result'].removesuffix('_t')}", places


def _group_lines(module: Tree, group: Tree) -> Iterator[Line]:
    """Lines on the layers of a group, their x_t, the initial h and c, and the reverse direction."""
    first, last, config = group["first_layer"], group["last_layer"], module["config"]
    sizes, both = module["symbols"], config["bidirectional"]
    width = f"D*H_out = 2*{sizes['H_out']} = {2 * sizes['H_out']}" if both else f"H_out = {sizes['H_out']}"
    below = f"h of {'both directions' if both else 'the layer'} below, {width} wide"
    whose = f"layer {first}" if first == last else f"layers {first} to {last}"
    if first > 0:
        same = "the same equations" + (f", here of layer {first}" if last > first else "")
        yield whose, (same, f"x_t = {group['x_t']}: {below}", _begin_text(group))
    elif last > 0:
        above = f"above it x_t = {group['x_t_above']}: {below}"
        yield whose, ("here of layer 0", f"x_t = {group['x_t']}", above, _begin_text(group))
    else:
        yield whose, (f"x_t = {group['x_t']}: H_in = {config['input_size']} wide", _begin_text(group))
    each = " of each sequence" if module["data"]["lengths"] else ""
    for other in module["groups"]:
        if other["direction"] == "reverse" and other["first_layer"] == first:
            yield (
                "reverse",
                (
                    f"weight_ih_l{first}_reverse and so on",
                    f"from the last step{each} to the first: h_(t+1) and c_(t+1) for h_(t-1) and c_(t-1)",
                    _begin_text(other),
                ),
            )


def _begin_text(group: Tree) -> str:
    """The initial h and c of a group, in words."""
    start = group["begins_at"]
    return f"begins with h_({start}) = {group['begins_h']} and c_({start}) = {group['begins_c']}"


def _states(module: Tree) -> Iterator[Block]:
    yield Facts(_facts(module, "states"))
    yield state_map(module)
    yield _claims(module, "states")
    keras = [row for row in module["claims"] if row["framework"] == "keras"]
    if keras:
        yield Facts(tuple(_keras_lines(keras)))


def _keras_lines(rows: Sequence[Tree]) -> Iterator[Line]:
    """A line for each option of Keras: the expressions that it returns or adds, and their shapes."""
    for option, same in groupby(rows, key=lambda row: row["option"]):
        own = list(same)
        adds = "adds " if len(own) > 1 else ""
        shapes = dict.fromkeys(shape_text(row["shape"]) for row in own)
        yield f"Keras {option}", (f"{adds}{', '.join(row['expression'] for row in own)}", *shapes)


def _claims(module: Tree, topic: str) -> Grid:
    """The claims of a topic about PyTorch's tensors."""
    return Grid(
        (Column("expression", code=True), Column("shape", code=True), Column("what it is", breaks=True)),
        tuple(
            Row((row["expression"], shape_text(row["shape"]), "; ".join(filter(None, (row["says"], row["why"])))))
            for row in module["claims"]
            if (row["topic"], row["framework"]) == (topic, "pytorch")
        ),
    )


def _packing(module: Tree) -> Iterator[Block]:
    packing = module["packing"]
    if packing is None:
        yield Facts(_facts(module, "packing"))
        return
    yield from (Code(row["code"]) for row in module["code"] if row["topic"] == "packing")
    yield Code(_picture(module), "text")
    seq_len, batch = module["data"]["seq_len"], module["data"]["batch"]
    waste = f"{packing['padding']:,} of {batch * seq_len:,} steps, {packing['waste_percent']:.1f} %"
    yield Facts(
        (
            ("padding", (waste,)),
            ("packed.data", (f"{shape_text((packing['num_rows'], module['config']['input_size']))}, the steps alone",)),
            *((name, (short_list(packing[name]),)) for name in ("batch_sizes", "sorted_indices", "unsorted_indices")),
            *_facts(module, "packing"),
        )
    )
    yield _packed_steps(module)
    yield _sequences(module)


def _packed_steps(module: Tree) -> Grid:
    """The rows of each step, and their sequences."""
    steps, order = module["packed_steps"], module["packing"]["sorted_indices"]
    rows = [
        Row(
            (
                str(row["step"]),
                str(row["batch_size"]),
                "{}:{}".format(*row["rows"]),
                short_list(order[: row["batch_size"]]),
            )
        )
        for row in steps[:_SHOWN]
    ]
    columns = (
        Column("step", right=True),
        Column("batch_size", right=True),
        Column("rows of packed.data", code=True),
        Column("of sequences", code=True, breaks=True),
    )
    return Grid(columns, (*rows, *_rest_row(len(steps), "step", len(columns))))


def _sequences(module: Tree) -> Grid:
    """The places of each sequence's last h in output."""
    ends = ("last_forward", "last_reverse") if module["config"]["bidirectional"] else ("last_forward",)
    headers = ("its last h, forward", "reverse") if len(ends) > 1 else ("its last h",)
    rows = [
        Row((str(row["sequence"]), str(row["length"]), *(row[end] for end in ends)))
        for row in module["sequences"][:_SHOWN]
    ]
    columns = (
        Column("sequence", right=True),
        Column("length", right=True),
        *(Column(header, code=True) for header in headers),
    )
    return Grid(columns, (*rows, *_rest_row(len(module["sequences"]), "sequence", len(columns))))


def _rest_row(count: int, what: str, columns: int) -> list[Row]:
    """The row that replaces hidden rows; none if all are shown."""
    if count <= _SHOWN:
        return []
    return [Row(("...", more_text(count - _SHOWN, what), *[""] * (columns - 2)), "folded")]


def _picture(module: Tree) -> str:
    """A row for each sequence: `x` is a step, `.` is padding; one character for several steps if there are many."""
    seq_len, lengths = module["data"]["seq_len"], module["data"]["lengths"]
    each = -(-seq_len // _PICTURE)
    width, digits = -(-seq_len // each), len(str(len(lengths) - 1))
    lines = [f"x a step, . padding{f'; {each} steps a character' if each > 1 else ''}"]
    for n, length in enumerate(lengths[:_SHOWN]):
        filled = -(-length // each)
        lines.append(f"sequence {n:>{digits}}  {'x' * filled}{'.' * (width - filled)}  {length}")
    if len(lengths) > _SHOWN:
        lines.append(f"... {len(lengths) - _SHOWN:,} more")
    return "\n".join(lines)


def _words(topic: str) -> Callable[[Tree], Iterator[Block]]:
    """The view of a topic that has only words and code."""

    def blocks(module: Tree) -> Iterator[Block]:
        yield Facts(_facts(module, topic))
        for row in module["code"]:
            if row["topic"] == topic:
                yield Code(row["code"])

    return blocks


def _around(module: Tree) -> Iterator[Block]:
    if any(row["topic"] == "around" for row in module["claims"]):
        yield _claims(module, "around")
    if module["extras"]:
        yield extras_grid(module)
    yield Facts(_facts(module, "around"))


_TOPICS: Final[dict[str, tuple[str, Callable[[Tree], Iterator[Block]]]]] = {
    "equations": ("The step", _equations),
    "states": ("The states", _states),
    "packing": ("Packing", _packing),
    "dropout": ("Dropout", _words("dropout")),
    "batch-first": ("batch_first", _words("batch-first")),
    "init": ("How it begins", _words("init")),
    "around": ("Around it", _around),
}
