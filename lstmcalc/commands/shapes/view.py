"""The view of shapes: tensors, and the map of states."""

from collections.abc import Iterator

from lstmcalc.report.blocks import Block, Facts, compact, legend, notation, state_map, tensor_grid
from lstmcalc.report.tree import Tree


def view(module: Tree) -> Iterator[Block]:
    """Tensors, and the map of states."""
    if "layout" in module:
        from lstmcalc.commands.shapes.foreign import foreign_view

        yield from foreign_view(module)
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
