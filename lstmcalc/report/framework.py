"""The facts of a framework that do not depend on the LSTM, as data and as lines for people."""

from collections.abc import Sequence

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import Parameter
from lstmcalc.report.blocks import Line
from lstmcalc.report.tree import Tree, parameter_tree, range_lists


def layout_tree(name: str) -> Tree:
    """The facts of a framework that do not depend on the LSTM, as data."""
    layout = LAYOUTS[name]
    held = [item for stored in layout.stored for item in stored.holds.split()]
    return {
        "title": layout.title,
        "kind": layout.kind,
        "gate_order": " ".join(layout.gates),
        "gate_order_there": layout.own or " ".join(layout.gates),
        "biases": sum(item.startswith("bias") for item in held),
        "bias_switch": layout.bias or None,
        "forget_offset": layout.forget_offset,
        "stacking": layout.stacking or None,
        "reversing": layout.reversing or None,
        "own_names": not layout.paths.yours,
        "init": layout.init,
        "unmodelled": {what: pattern for pattern, what in layout.unmodelled},
        "usage": list(layout.usage),
        "storage": list(layout.notes),
        "checked": {
            "how": layout.evidence.how,
            "version": layout.evidence.version,
            "source": layout.evidence.source,
        },
    }


def foreign_parameter(parameter: Parameter) -> Tree:
    """The tree of `parameter_tree`, with the PyTorch parameters that the array holds and their place in it."""
    return {
        **parameter_tree(parameter),
        "gate": parameter.gate,
        "holds": list(parameter.holds),
        "part_axis": parameter.part_axis,
        "parts": range_lists(parameter.parts),
        "direction_axis": parameter.direction_axis,
        "directions": range_lists(parameter.directions),
    }


def layout_facts(module: Tree, layout: Tree, hints: Sequence[str]) -> list[Line]:
    """Lines on a framework: gates, biases, manual steps, hints, and how this was checked."""
    own = layout["gate_order_there"]
    gates = [layout["gate_order"], *([f"there called {own}"] if own != layout["gate_order"] else [])]
    biases = {1: "one bias, the sum of PyTorch's two", 2: "two biases"}[layout["biases"]]
    switch = f"can be left out ({layout['bias_switch']})" if layout["bias_switch"] else "cannot be left out"
    lines = [("gates", tuple(gates)), ("biases", (biases, switch))]
    if layout["forget_offset"]:
        lines.append(("forget gate", (f"{layout['forget_offset']:g} is added at run time", "the stored bias lacks it")))
    lines += by_hand_lines(module, layout)
    lines += [("take care", (hint,)) for hint in hints]
    return [*lines, checked_line(layout)]


def by_hand_lines(module: Tree, layout: Tree) -> list[Line]:
    """Lines on modules to combine by hand, if this LSTM has several layers or directions."""
    yours = [] if layout["own_names"] else [("by hand", ("the paths shown stand for your own",))]
    needs = {
        "several layers": layout["stacking"] if module["config"]["num_layers"] > 1 else None,
        "both directions": layout["reversing"] if module["config"]["bidirectional"] else None,
    }
    lines: list[Line] = [("by hand", (f"{what}: {how}",)) for what, how in needs.items() if how]
    return [*lines, *yours] if lines else []


def checked_line(layout: Tree) -> Line:
    """The line on how the facts were checked."""
    checked = layout["checked"]
    how = {
        "run": "by running",
        "converter": "by running the converter, not the LSTM itself:",
        "source": "in the source only, not run:",
    }[checked["how"]]
    return "checked", (f"{how} {checked['version']}", checked["source"])
