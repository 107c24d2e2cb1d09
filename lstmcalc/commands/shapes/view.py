"""The view of shapes: tensors, and the map of states."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lstmcalc.commands.shapes.report import ShapesModule
from lstmcalc.report.blocks import (
    Block,
    Facts,
    compact,
    index_legend,
    state_table,
    symbol_legend,
    tensor_table,
)
from lstmcalc.report.provenance import origin_facts, settings_in

if TYPE_CHECKING:
    from lstmcalc.commands.shapes.foreign import ForeignShapesModule


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
            ("output", ("holds h of the last layer: no other h_n is in it, and no c_n",)),
            *index_legend(module.states, config, lengths),
        )
    )
