"""Shapes in the terms of another framework: its report and its view."""

from collections.abc import Iterator, Mapping, Sequence

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.intake.subject import Subject
from lstmcalc.model.interfaces import ForeignState, faces, foreign_states, relations
from lstmcalc.model.lstm import LSTMModel, Tensor
from lstmcalc.model.surroundings import around_steps, around_symbols, head_reads
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Line, Row, folded, legend, rows_of, tensor_grid
from lstmcalc.report.framework import by_hand_lines, checked_line, layout_tree
from lstmcalc.report.tree import SETTINGS, Tree, around_tree, data_tree, extras_of, mapped, module_tree, tensor_tree
from lstmcalc.spec.symbols import H_in


def foreign_shapes(subject: Subject, model: LSTMModel) -> Tree:
    """The inputs and outputs in another framework, and the places of PyTorch's h_n and c_n there."""
    data, layout = subject.data, LAYOUTS[subject.framework]
    symbols = model.data_symbols(data)
    if layout.batch == "never":
        symbols.pop("N", None)
    found = subject.found
    options = found.options if found and found.framework == subject.framework else {}
    shown = faces(subject.config, data, subject.framework, options)
    extras_of(subject)  # refuses layers around that are not known of the framework
    steps = next(face.symbolic for face in shown if H_in in face.symbolic)[:-1]
    before, behind = around_steps(steps, model.data_symbols(data), subject.around)
    if subject.framework != "pytorch-cell":  # elsewhere indices have 32 bits by default (keras 3.15.1, jax 0.10.2)
        before = [tensor._replace(dtype="int32") for tensor in before]
    own = {
        "data": data_tree(subject),
        "around": around_tree(subject),
        "layout": layout_tree(subject.framework),
        "symbols": {**symbols, **around_symbols(subject.around)},
        "tensors": [
            *(_around_row(tensor, data.dtype) for tensor in before),
            *(
                {
                    **tensor_tree(face, data.dtype),
                    "each": face.each or None,
                    "copies": face.copies,
                    "when": face.when or None,
                    "equals": relations(face, subject.config),
                }
                for face in shown
            ),
            *(_around_row(tensor, data.dtype) for tensor in behind),
        ],
        "head_reads": str(head_reads(subject.config, subject.around)) if subject.around.head else None,
        "states": mapped(foreign_states(subject.config, subject.framework), _foreign_state),
        "states_are": layout.states,
        "returns": f"as called with {_options_text(options)}" if options else layout.returns,
        "lengths_by": layout.lengths or None,
    }
    tree = module_tree(subject, SETTINGS, own)
    if subject.around.head is not None and "return_sequences" in options:
        every = bool(options["return_sequences"])
        if every != (subject.around.head_on == "all"):
            wanted = "the head is put on the last of them" if every else "for a head on all of them it must be True"
            what = "returns every step" if every else "returns the last step only"
            tree["notes"].append(f"with return_sequences={every} the layer {what}: {wanted}")
    return tree


def _around_row(tensor: Tensor, dtype: str) -> Tree:
    """An input or output of a layer around the LSTM."""
    return {**tensor_tree(tensor, dtype), "each": None, "copies": 1, "when": None, "equals": []}


def _options_text(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.items())


def _foreign_state(state: ForeignState) -> Tree:
    return {
        "index": state.position,
        "layer": state.layer,
        "direction": state.direction,
        "h_n_equals": state.h,
        "c_n_equals": state.c,
    }


def foreign_view(module: Tree) -> Iterator[Block]:
    """The inputs and outputs in another framework, and the places of PyTorch's h_n and c_n there."""
    yield tensor_grid(module)
    when = dict.fromkeys((tensor["role"], tensor["when"]) for tensor in module["tensors"] if tensor["when"])
    whole = (None, "direction", "sequence", "step")  # outputs of the last layer
    equal = [tensor for tensor in module["tensors"] if tensor["equals"] and tensor["each"] in whole]
    cells = any(tensor["each"] == "cell" and tensor["copies"] > 1 for tensor in module["tensors"])
    yield Facts(
        (
            ("returns", (module["returns"],)),
            *((("*", tuple(f"{role}s with {option}" for role, option in when)),) if when else ()),
            *_relation_lines(equal),
            *((("logits", (f"of what PyTorch calls {module['head_reads']}",)),) if module["head_reads"] else ()),
            *((("lengths", (module["lengths_by"],)),) if module["data"]["lengths"] else ()),
            *((("cell", ("one direction of one layer",)),) if cells else ()),
            legend(module),
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
            *by_hand_lines(module, module["layout"]),
            *(("take care", (hint,)) for hint in module["layout"]["usage"]),
            checked_line(module["layout"]),
        )
    )


def _relation_lines(tensors: Sequence[Tree]) -> Iterator[Line]:
    """The value of each output in PyTorch's terms."""
    for tensor in tensors:
        for d, text in enumerate(tensor["equals"]):
            several = len(tensor["equals"]) > 1
            yield f"{tensor['name']}{f'[{d}]' * several} =", (text, "in PyTorch's terms")


def _foreign_state_rows(module: Tree) -> Iterator[Row]:
    for first, last in folded(module):
        states = rows_of(module["states"], first, last)
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
