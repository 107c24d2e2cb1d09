"""The view of explain: equations, states, packing, and short paragraphs."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from lstmcalc.commands.explain.report import ClaimRow, ExplainModule, GroupRow, Layers, PackedStepRow
from lstmcalc.commands.explain.topics import TOPICS
from lstmcalc.model.equations import Equation
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
    extras_table,
    more_text,
    shape_text,
    short_list,
    state_table,
    symbol_legend,
)
from lstmcalc.report.provenance import origin_facts, settings_in

_SHOWN: Final = 12  # sequences and steps of a packed batch
_PICTURE: Final = 48  # steps of the picture of the padding


def brief(module: ExplainModule) -> Iterator[Block]:
    """The equations, and the first lines of each topic; topics that are named are shown in full."""
    if list(module.topics) != list(TOPICS):
        yield from _topics(module, brief=True)
        return
    yield origin_facts(module, settings_in(module.data, module.around), brief=True)
    yield Code("\n".join(equation.text for equation in module.layers[0].equations), "text")
    lines: list[Line] = []
    for topic in module.topics[1:]:
        rows = [row for row in module.facts if row.topic == topic]
        if topic == "states":
            lines += [(row.label, (row.text,)) for row in rows if row.label in ("output", "h_n", "c_n")]
        else:
            lines.append((topic, (rows[0].text,)))
    yield Facts((*lines, ("in full", (f"lstmcalc explain {TOPICS[1]}, or another topic; all of it: --full",))))


def view(module: ExplainModule) -> Iterator[Block]:
    """A section per topic; among several topics, those of words alone are a paragraph each."""
    return _topics(module)


def _topics(module: ExplainModule, *, brief: bool = False) -> Iterator[Block]:
    """The topics as `view` shows them; `brief` as for `origin_facts`."""
    yield origin_facts(module, settings_in(module.data, module.around), brief=brief)
    topics = module.topics
    in_words = [topic for topic in topics if _is_brief(module, topic)] if len(topics) > 1 else []
    for topic in topics:
        if topic not in in_words:
            title, blocks = _TOPICS[topic]
            yield Heading(title, words=True)
            yield from blocks(module)
    if in_words:
        yield Facts(tuple((topic, ("; ".join(_texts(module, topic)),)) for topic in in_words))


def _texts(module: ExplainModule, topic: str) -> list[str]:
    """The texts of a topic, and a pointer to its code, which is shown only if the topic stands alone."""
    texts = [row.text for row in module.facts if row.topic == topic]
    hidden = any(row.topic == topic for row in module.code)
    return [*texts, f"--topic {topic} has the code"] if hidden else texts


def _is_brief(module: ExplainModule, topic: str) -> bool:
    if topic == "around":
        return not module.extras
    return topic in ("streaming", "dropout", "batch-first", "init") or (topic == "packing" and module.packing is None)


def _facts(module: ExplainModule, topic: str) -> tuple[Line, ...]:
    return tuple((row.label, (row.text,)) for row in module.facts if row.topic == topic)


def _equations(module: ExplainModule) -> Iterator[Block]:
    """The equations of the first layers in full; for the layers above and the reverse direction, the differences."""
    for number, layers in enumerate(module.layers):
        differences = _difference_lines(layers.equations, module.layers[0].equations) if number else ()
        yield Facts((*_layer_lines(module, layers), *differences))
        if not number:
            yield Formulas(tuple(map(_formula, layers.equations)))
    notation = "@ a matrix product, ^T transposed, * element-wise; a batch has rows, so W x is x @ W^T"
    ended = module.data.lengths
    rows = (("rows", ("those of the sequences that still run at step t, batch_sizes[t] of them",)),) if ended else ()
    legend = symbol_legend(module.symbols, module.config.proj_size)
    yield Facts((*_facts(module, "equations"), *rows, ("signs", (notation,)), legend))


def _formula(equation: Equation) -> Formula:
    return Formula(equation.text, equation.latex, equation.shapes, _places(equation), equation.role)


def _places(equation: Equation) -> tuple[str, ...]:
    """The places of the stored operands of an equation."""
    return tuple(f"{operand.symbol} = {operand.stored}" for operand in equation.operands if operand.stored)


def _difference_lines(own: Sequence[Equation], shown: Sequence[Equation]) -> Iterator[Line]:
    """The shapes that differ from those of the first layer, and the places of the stored operands."""
    pairs = zip(own, shown, strict=True)
    differing = [equation for equation, other in pairs if equation.shapes != other.shapes]
    for text, equations in groupby(differing, key=lambda equation: equation.shapes):
        yield ", ".join(map(_letter, equations)), (text,)
    for equation in own:
        places = _places(equation)
        if places:
            yield f"in {_letter(equation)}", places


def _letter(equation: Equation) -> str:
    """The letter of an equation's result: `f` of f_t."""
    return equation.result.symbol.removesuffix("_t")


def _layer_lines(module: ExplainModule, layers: Layers) -> Iterator[Line]:
    """Lines on alike layers, their x_t, the initial h and c, and the reverse direction."""
    group, config, out = layers.forward, module.config, module.symbols["H_out"]
    first, last, both = group.first_layer, group.last_layer, config.bidirectional
    width = f"D*H_out = 2*{out} = {2 * out}" if both else f"H_out = {out}"
    below = f"h of {'both directions' if both else 'the layer'} below, {width} wide"
    whose = f"layer {first}" if first == last else f"layers {first} to {last}"
    if first > 0:
        same = "the same equations" + (f", here of layer {first}" if last > first else "")
        yield whose, (same, f"x_t = {group.x_t}: {below}", _begin_text(group))
    elif last > 0:
        above = f"above it x_t = {group.x_t_above}: {below}"
        yield whose, ("here of layer 0", f"x_t = {group.x_t}", above, _begin_text(group))
    else:
        yield whose, (f"x_t = {group.x_t}: H_in = {config.input_size} wide", _begin_text(group))
    each = " of each sequence" if module.data.lengths else ""
    if layers.reverse:
        yield (
            "reverse",
            (
                f"weight_ih_l{first}_reverse and so on",
                f"from the last step{each} to the first: h_(t+1) and c_(t+1) for h_(t-1) and c_(t-1)",
                _begin_text(layers.reverse),
            ),
        )


def _begin_text(group: GroupRow) -> str:
    """The initial h and c of a group, in words."""
    start = group.begins_at
    return f"begins with h_({start}) = {group.begins_h} and c_({start}) = {group.begins_c}"


def _states(module: ExplainModule) -> Iterator[Block]:
    yield Facts(_facts(module, "states"))
    yield state_table(module.states, module.config, module.data.lengths)
    yield _claims(module, "states")
    keras = [row for row in module.claims if row.framework == "keras"]
    if keras:
        yield Facts(tuple(_keras_lines(keras)))


def _keras_lines(rows: Sequence[ClaimRow]) -> Iterator[Line]:
    """A line for each option of Keras: the expressions that it returns or adds, and their shapes."""
    for option, same in groupby(rows, key=lambda row: row.option):
        own = list(same)
        adds = "adds " if len(own) > 1 else ""
        shapes = dict.fromkeys(shape_text(row.shape) for row in own)
        yield f"Keras {option}", (f"{adds}{', '.join(row.expression for row in own)}", *shapes)


def _claims(module: ExplainModule, topic: str) -> Grid:
    """The claims of a topic about PyTorch's tensors."""
    return Grid(
        (Column("expression", code=True), Column("shape", code=True), Column("what it is", breaks=True)),
        tuple(
            Row((row.expression, shape_text(row.shape), "; ".join(filter(None, (row.says, row.why)))))
            for row in module.claims
            if (row.topic, row.framework) == (topic, "pytorch")
        ),
    )


def _packing(module: ExplainModule) -> Iterator[Block]:
    packing = module.packing
    if packing is None:
        yield Facts(_facts(module, "packing"))
        return
    yield from (Code(row.code) for row in module.code if row.topic == "packing")
    yield Code(_picture(module), "text")
    padding, steps = packing.padding, packing.padding + packing.num_rows
    waste = f"{padding:,} of {steps:,} steps, {packing.waste_percent:.1f} %"
    yield Facts(
        (
            ("padding", (waste,)),
            ("packed.data", (f"{shape_text((packing.num_rows, module.config.input_size))}, the steps alone",)),
            ("batch_sizes", (short_list(packing.batch_sizes),)),
            ("sorted_indices", (short_list(packing.sorted_indices),)),
            ("unsorted_indices", (short_list(packing.unsorted_indices),)),
            *_facts(module, "packing"),
        )
    )
    yield _packed_steps(module.packed_steps, packing.sorted_indices)
    yield _sequences(module)


def _packed_steps(steps: Sequence[PackedStepRow], order: Sequence[int]) -> Grid:
    """The rows of each step, and their sequences: the first of `order`."""
    rows = [
        Row(
            (
                str(row.step),
                str(row.batch_size),
                "{}:{}".format(*row.rows),
                short_list(order[: row.batch_size]),
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


def _sequences(module: ExplainModule) -> Grid:
    """The places of each sequence's last h in output."""
    headers = ("its last h, forward", "reverse") if module.config.bidirectional else ("its last h",)
    rows = [
        Row((str(row.sequence), str(row.length), *filter(None, (row.last_forward, row.last_reverse))))
        for row in module.sequences[:_SHOWN]
    ]
    columns = (
        Column("sequence", right=True),
        Column("length", right=True),
        *(Column(header, code=True) for header in headers),
    )
    return Grid(columns, (*rows, *_rest_row(len(module.sequences), "sequence", len(columns))))


def _rest_row(count: int, what: str, columns: int) -> list[Row]:
    """The row that replaces hidden rows; none if all are shown."""
    if count <= _SHOWN:
        return []
    return [Row(("...", more_text(count - _SHOWN, what), *[""] * (columns - 2)), "folded")]


def _picture(module: ExplainModule) -> str:
    """A row for each sequence: `x` is a step, `.` is padding; one character for several steps if there are many."""
    seq_len, lengths = module.data.seq_len, [row.length for row in module.sequences]
    each = -(-seq_len // _PICTURE)
    width, digits = -(-seq_len // each), len(str(len(lengths) - 1))
    lines = [f"x a step, . padding{f'; {each} steps a character' if each > 1 else ''}"]
    for n, length in enumerate(lengths[:_SHOWN]):
        filled = -(-length // each)
        lines.append(f"sequence {n:>{digits}}  {'x' * filled}{'.' * (width - filled)}  {length}")
    if len(lengths) > _SHOWN:
        lines.append(f"... {len(lengths) - _SHOWN:,} more")
    return "\n".join(lines)


def _words(topic: str) -> Callable[[ExplainModule], Iterator[Block]]:
    """The view of a topic that has only words and code."""

    def blocks(module: ExplainModule) -> Iterator[Block]:
        yield Facts(_facts(module, topic))
        for row in module.code:
            if row.topic == topic:
                yield Code(row.code)

    return blocks


def _around(module: ExplainModule) -> Iterator[Block]:
    if any(row.topic == "around" for row in module.claims):
        yield _claims(module, "around")
    if module.extras:
        yield extras_table(module.extras)
    yield Facts(_facts(module, "around"))


_TOPICS: Final[dict[str, tuple[str, Callable[[ExplainModule], Iterator[Block]]]]] = {
    "equations": ("The step", _equations),
    "states": ("The states", _states),
    "packing": ("Packing", _packing),
    "streaming": ("Streaming", _words("streaming")),
    "dropout": ("Dropout", _words("dropout")),
    "batch-first": ("batch_first", _words("batch-first")),
    "init": ("How it begins", _words("init")),
    "around": ("Around it", _around),
}
