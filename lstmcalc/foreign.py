"""Reports on other frameworks: what they take and return, what they store, and how they compare."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.recipes import write_recipe
from lstmcalc.frameworks.storage import Parameter, Storage, check_expressible, missing_feature
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.interfaces import ForeignState, faces, foreign_states, relations
from lstmcalc.model.lstm import LSTMModel, Tensor
from lstmcalc.model.surroundings import around_steps, around_symbols, head_reads
from lstmcalc.spec.config import HYPERPARAMETERS, DataSpec, LSTMConfig
from lstmcalc.spec.symbols import H_in
from lstmcalc.trees import (
    SETTINGS,
    Tree,
    around_tree,
    check_rows,
    data_tree,
    extras_of,
    mapped,
    module_tree,
    parameter_tree,
    range_lists,
    tensor_tree,
)


def foreign_shapes(subject: Subject, model: LSTMModel) -> Tree:
    """What goes in and comes out of another framework, and where PyTorch's h_n and c_n are there."""
    data, layout = subject.data, LAYOUTS[subject.framework]
    symbols = model.data_symbols(data)
    if layout.batch == "never":
        symbols.pop("N", None)
    found = subject.found
    options = found.options if found and found.framework == subject.framework else {}
    shown = faces(subject.config, data, subject.framework, options)
    extras_of(subject)  # refuses what is not known
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
            *(_alone(tensor, data.dtype) for tensor in before),
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
            *(_alone(tensor, data.dtype) for tensor in behind),
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


def _alone(tensor: Tensor, dtype: str) -> Tree:
    """What a layer around takes or gives."""
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


def layout_tree(name: str) -> Tree:
    """The facts of a framework that do not depend on the LSTM."""
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
    """As `parameter_tree`, and what of PyTorch's it holds, where."""
    return {
        **parameter_tree(parameter),
        "gate": parameter.gate,
        "holds": list(parameter.holds),
        "part_axis": parameter.part_axis,
        "parts": range_lists(parameter.parts),
        "direction_axis": parameter.direction_axis,
        "directions": range_lists(parameter.directions),
    }


def frameworks_module(subject: Subject, only: Sequence[str]) -> Tree:
    """The frameworks side by side; of those in `only`, every array, and recipes from the first to each other."""
    for name in only:
        check_expressible(subject.config, name)
    names = only or tuple(LAYOUTS)
    own: Tree = {"symbols": LSTMModel(subject.config).symbols, "in_depth": bool(only)}
    if only:
        check_rows(sum(Storage(subject.config, name).num_arrays for name in names), "array")
        own["arrays"] = _arrays(subject.config, names)
    else:
        own["patterns"] = [row for name in names for row in _patterns(subject.config, name)]
    own["frameworks"] = [_framework(subject.config, name) for name in names]
    own["recipes"] = []
    if only:
        pairs = [(only[0], name) for name in only[1:]] or [("pytorch", only[0])]
        recipes = [write_recipe(subject.config, source, target) for source, target in pairs if source != target]
        own["recipes"] = [
            {"from": recipe.source, "to": recipe.target, "steps": recipe.steps, "code": recipe.code}
            for recipe in recipes
        ]
    return module_tree(subject, HYPERPARAMETERS, own)


def _arrays(config: LSTMConfig, names: Sequence[str]) -> Sequence[Tree]:
    """Every array of several frameworks, one framework after the other."""
    storages = [Storage(config, name) for name in names]
    ends = list(accumulate(storage.num_arrays for storage in storages))

    def make(index: int) -> Tree:
        which = bisect_right(ends, index)
        own = index - (ends[which - 1] if which else 0)
        return {"framework": names[which], **foreign_parameter(storages[which].parameters[own])}

    return LazySequence(ends[-1], make)


def _framework(config: LSTMConfig, name: str) -> Tree:
    """One framework: its facts, and what it stores of this LSTM."""
    layout, missing = LAYOUTS[name], missing_feature(config, name)
    storage = None if missing else Storage(config, name)
    data = DataSpec()
    shown = [] if missing else faces(config, data, name)
    inputs = [face for face in shown if H_in in face.symbolic]
    outputs = [face for face in shown if face.role == "output" and not face.when]
    outputs.sort(key=lambda face: "output" not in face.equals)  # some return their states first
    return {
        "framework": name,
        **layout_tree(name),
        "input": [str(size) for size in inputs[0].symbolic] if inputs else None,
        "output": [str(size) for size in outputs[0].symbolic] if outputs else None,
        "outputs": outputs[0].copies if outputs else None,
        "outputs_each": outputs[0].each or None if outputs else None,
        "returns": layout.returns,
        "states_are": layout.states,
        "lengths_by": layout.lengths or None,
        "cannot_express": missing or None,
        "num_arrays": storage.num_arrays if storage else None,
        "total": storage.num_parameters if storage else None,
    }


def _patterns(config: LSTMConfig, name: str) -> list[Tree]:
    """What a layer stores: each kind of array once, its name as a pattern."""
    if missing_feature(config, name):
        return []
    storage = Storage(config, name)
    return [
        {
            "framework": name,
            "pattern": storage.pattern(place.stored),
            "d": list(storage.layout.directions) if config.bidirectional else None,
            "holds": list(place.parameter.holds),
            "symbolic": [str(size) for size in place.parameter.symbolic],
            "shape": list(place.parameter.shape),
        }
        for place in {place.stored: place for place in storage.placements(0)}.values()
    ]
