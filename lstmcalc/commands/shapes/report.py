"""The report of shapes: every input and output tensor, and the slice of output that equals each state."""

from collections.abc import Sequence

from lstmcalc.intake.subject import Subject
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.model.surroundings import around_symbols, head_reads, tensors_around
from lstmcalc.report.document import document
from lstmcalc.report.tree import (
    SETTINGS,
    Tree,
    around_tree,
    check_rows,
    data_tree,
    module_tree,
    states_tree,
    tensor_tree,
)


def shapes_report(subjects: Sequence[Subject]) -> Tree:
    """Every input and output tensor, and the map of the states."""
    return document("shapes", [shapes_module(subject, LSTMModel(subject.config)) for subject in subjects])


def shapes_module(subject: Subject, model: LSTMModel) -> Tree:
    """One LSTM: its tensors, and the map of its states."""
    data = subject.data
    check_rows(model.num_cells, "index of h_n and c_n")
    if subject.framework != "pytorch":
        from lstmcalc.commands.shapes.foreign import foreign_shapes

        return foreign_shapes(subject, model)
    before, behind = tensors_around(subject.config, data, subject.around)
    own = {
        "data": data_tree(subject),
        "around": around_tree(subject),
        "symbols": {**model.data_symbols(data), **around_symbols(subject.around)},
        "tensors": [tensor_tree(tensor, data.dtype) for tensor in (*before, *model.tensors_of(data), *behind)],
        "head_reads": str(head_reads(subject.config, subject.around)) if subject.around.head else None,
        "states": states_tree(model, data),
    }
    if data.lengths:
        check_rows(data.longest, "step of batch_sizes", "shorter sequences (--lengths)")
        own["packed"] = {"batch_sizes": list(data.batch_sizes)}
    return module_tree(subject, SETTINGS, own)
