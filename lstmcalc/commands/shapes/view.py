"""The view of shapes: tensors, and the map of states."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lstmcalc.commands.shapes.report import ShapesModule
from lstmcalc.report.blocks import (
    Block,
    Facts,
    compact,
    index_legend,
    meaning_table,
    state_table,
    symbol_legend,
    symbol_values,
    tensor_table,
)
from lstmcalc.report.provenance import origin_facts, settings_in

if TYPE_CHECKING:
    from lstmcalc.commands.shapes.foreign import ForeignShapesModule


def brief(module: "ShapesModule | ForeignShapesModule") -> Iterator[Block]:
    """Tensors with what each is, and the map of states; without the defaults and the meanings of symbols."""
    if not isinstance(module, ShapesModule):
        from lstmcalc.commands.shapes.foreign import foreign_brief

        yield from foreign_brief(module)
        return
    config, lengths = module.config, module.data.lengths
    yield origin_facts(module, settings_in(module.data, module.around), brief=True)
    yield meaning_table(module.tensors)
    yield state_table(module.states, config, lengths)
    head = [("logits", (f"head({module.head_reads})",))] if module.head_reads else []
    packed = [("packed.batch_sizes", (compact(module.packed.batch_sizes),))] if module.packed else []
    legend = index_legend(module.states, config, lengths)
    yield Facts((symbol_values(module.symbols), *head, *packed, ("output", (_output_text(module),)), *legend))


def _output_text(module: ShapesModule) -> str:
    """The states that are not in output."""
    lower = "h_n of lower layers and c_n are" if module.config.num_layers > 1 else "c_n is"
    return f"contains the last layer only; {lower} not in it" if module.config.num_layers > 1 else f"{lower} not in it"


def view(module: "ShapesModule | ForeignShapesModule") -> Iterator[Block]:
    """Tensors, and the map of states."""
    if not isinstance(module, ShapesModule):
        from lstmcalc.commands.shapes.foreign import foreign_view

        yield from foreign_view(module)
        return
    config, lengths = module.config, module.data.lengths
    yield origin_facts(module, settings_in(module.data, module.around))
    yield tensor_table(module.tensors)
    head = [("logits", (f"head({module.head_reads})",))] if module.head_reads else []
    packed = [("packed.batch_sizes", (compact(module.packed.batch_sizes),))] if module.packed else []
    yield Facts((symbol_legend(module.symbols, config.proj_size), *head, *packed))
    yield state_table(module.states, config, lengths)
    yield Facts(
        (
            ("index", ("the first axis of h_n and of c_n",)),
            ("output", (_output_text(module),)),
            *index_legend(module.states, config, lengths),
        )
    )
