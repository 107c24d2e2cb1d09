"""The report of frameworks: the arrays that each stores for the LSTM, and recipes from one to another."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.recipes import write_recipe
from lstmcalc.frameworks.storage import Storage, check_expressible, missing_feature
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.interfaces import faces
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.report.document import document
from lstmcalc.report.framework import foreign_parameter, layout_tree
from lstmcalc.report.tree import Tree, check_rows, module_tree
from lstmcalc.spec.config import HYPERPARAMETERS, DataSpec, LSTMConfig
from lstmcalc.spec.symbols import H_in


def frameworks_report(subjects: Sequence[Subject], only: Sequence[str] = ()) -> Tree:
    """Every LSTM in the frameworks side by side, or in those of `only` in depth; see `frameworks_module`."""
    return document("frameworks", [frameworks_module(subject, only) for subject in subjects])


def frameworks_module(subject: Subject, only: Sequence[str]) -> Tree:
    """The frameworks side by side; or every array of those in `only`, and recipes from the first to each other one."""
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
    """One framework: its facts, and the size of this LSTM in it."""
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
    """The arrays of a layer: each kind once, its name as a pattern; empty if the framework cannot express the LSTM."""
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
