"""The report of params: every weight and bias with its gate rows, subtotals and totals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lstmcalc.intake.subject import Subject
from lstmcalc.model.surroundings import around_symbols, extras_symbolic
from lstmcalc.report.document import document
from lstmcalc.report.tree import (
    Tree,
    around_tree,
    check_rows,
    extras_of,
    extras_tree,
    mapped,
    module_tree,
    parameter_tree,
)
from lstmcalc.spec.config import AROUND_FIELDS, DTYPE_BYTES, HYPERPARAMETERS

if TYPE_CHECKING:
    from lstmcalc.frameworks.storage import Parameter, Subtotal


def params_report(subjects: Sequence[Subject], gate: str | None = None) -> Tree:
    """Every weight and bias, with subtotals, total and formula; with `gate`, the slice of that gate in each."""
    return document("params", [params_module(subject, gate) for subject in subjects])


def params_module(subject: Subject, gate: str | None) -> Tree:
    """One LSTM: its stored arrays, subtotals and totals; with `gate`, its slice of each."""
    from lstmcalc.frameworks.storage import Storage

    foreign, found = subject.framework != "pytorch", subject.found
    own = found.path if found and found.framework == subject.framework else ""
    storage = Storage(subject.config, subject.framework, own)
    check_rows(storage.num_arrays, "parameter")
    more: Tree = {}
    row_of = parameter_tree
    if foreign:
        from lstmcalc.report.framework import foreign_parameter, layout_tree

        more = {"layout": layout_tree(subject.framework)}
        row_of = foreign_parameter

    def row(parameter: "Parameter") -> Tree:
        tree = row_of(parameter)
        if gate:
            # Names of other frameworks are not Python expressions: the slice is the index alone.
            tree["slice"] = _slice_text("" if foreign else _python_path(subject.name, parameter.name), parameter, gate)
        return tree

    added, dtype = extras_of(subject), subject.data.dtype
    grand_total = storage.num_parameters + sum(extra.numel for extra in added)
    keys = {
        **more,
        "around": around_tree(subject),
        "symbols": {**storage.symbols, **around_symbols(subject.around)},
        **({"gate": gate} if gate else {}),
        "parameters": mapped(storage.parameters, row),
        "subtotals": mapped(storage.subtotals, _subtotal),
        "total": storage.num_parameters,
        "total_symbolic": str(storage.num_parameters_symbolic),
        **({"total_in_pytorch": Storage(subject.config, "pytorch").num_parameters} if foreign else {}),
        "dtype": dtype,
        "total_bytes": storage.num_parameters * DTYPE_BYTES[dtype],
        **extras_tree(subject),
        "grand_total": grand_total,
        "grand_total_symbolic": str(storage.num_parameters_symbolic + extras_symbolic(added)),
        "grand_total_bytes": grand_total * DTYPE_BYTES[dtype],
    }
    return module_tree(subject, (*HYPERPARAMETERS, *AROUND_FIELDS, "dtype"), keys)


def _python_path(module: str, name: str) -> str:
    """A parameter as Python code: `net.layers[0].weight_ih_l0`; its name alone if its module's name is not a path."""
    parts = module.split(".")
    if not all(part.isidentifier() or part.isdecimal() for part in parts) or parts[0].isdecimal():
        return name
    path = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)
    return f"{path[1:]}.{name}"


def _slice_text(name: str, parameter: "Parameter", gate: str) -> str | None:
    """The slice of one gate in a stored array, to paste: `lstm.weight_ih_l0[20:40]`; None if it is not in it.

    An array that holds the gate several times has several slices.
    """
    if parameter.gate == gate:
        return f"{name}[:]"
    if parameter.gates is None or parameter.gate_axis is None:
        return None
    # The axis of the gates may hold all gates several times: for both directions, or for two biases.
    offsets = [0]
    for axis, ranges in ((parameter.direction_axis, parameter.directions), (parameter.part_axis, parameter.parts)):
        if axis == parameter.gate_axis and ranges is not None:
            offsets = [offset + start for start, _ in ranges.values() for offset in offsets]
    start, stop = parameter.gates[gate]
    before = ":, " * parameter.gate_axis
    return ", ".join(f"{name}[{before}{offset + start}:{offset + stop}]" for offset in sorted(offsets))


def _subtotal(subtotal: "Subtotal") -> Tree:
    return {
        "layer": subtotal.layer,
        "direction": subtotal.direction,
        "count": subtotal.numel,
        "symbolic": str(subtotal.symbolic),
    }
