"""One plain, versioned tree for each command: the JSON schema. It knows no terminal.

Every tree is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from lstmcalc import __version__
from lstmcalc.config import DTYPE_BYTES, HYPERPARAMETERS
from lstmcalc.model import LSTMModel, State, output_text
from lstmcalc.subject import Subject
from lstmcalc.trees import SETTINGS, Tree, check_rows, data_tree, mapped, module_tree, parameter_tree, tensor_tree

if TYPE_CHECKING:
    from lstmcalc.layouts import Parameter, Subtotal
    from lstmcalc.verify import Run

SCHEMA: Final = 1
FORMATS: Final = ("table", "json", "markdown", "csv")


def shapes_tree(subjects: Sequence[Subject]) -> Tree:
    """Every tensor in and out, and the state map.

    Raises:
        UnsupportedError: The framework cannot express the LSTM or the data.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    return _document("shapes", [_shapes(subject, LSTMModel(subject.config)) for subject in subjects])


def params_tree(subjects: Sequence[Subject], gate: str | None = None) -> Tree:
    """Every weight and bias, with subtotals, total and formula; with `gate`, the slice of that gate in each.

    Raises:
        UnsupportedError: The framework cannot express the LSTM.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    return _document("params", [_params(subject, gate) for subject in subjects])


def frameworks_tree(subjects: Sequence[Subject], only: Sequence[str] = ()) -> Tree:
    """How each framework stores the LSTM; of the frameworks `only`, every array, and how to get from the first to them.

    Raises:
        UnsupportedError: One of `only` cannot express the LSTM.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.foreign import frameworks_module

    return _document("frameworks", [frameworks_module(subject, only) for subject in subjects])


def run_tree(subjects: Sequence[Subject], runs: Sequence["Run"], seed: int) -> Tree:
    """Every check of every run, and what the tensors look like."""
    pairs = zip(subjects, runs, strict=True)
    return _document("run", [_run(subject, LSTMModel(subject.config), result, seed) for subject, result in pairs])


def _document(command: str, modules: list[Tree]) -> Tree:
    return {"schema": SCHEMA, "lstmcalc": __version__, "command": command, "modules": modules}


def _shapes(subject: Subject, model: LSTMModel) -> Tree:
    data = subject.data
    check_rows(model.num_cells, "index of h_n and c_n")
    if subject.framework != "pytorch":
        from lstmcalc.foreign import foreign_shapes

        return foreign_shapes(subject, model)
    own = {
        "data": data_tree(subject),
        "symbols": model.data_symbols(data),
        "tensors": [tensor_tree(tensor, data.dtype) for tensor in model.tensors_of(data)],
        "states": mapped(model.states_of(data), _state),
    }
    if data.lengths:
        check_rows(data.longest, "step of batch_sizes", "shorter sequences (--lengths)")
        own["packed"] = {"batch_sizes": list(data.batch_sizes)}
    return module_tree(subject, SETTINGS, own)


def _state(state: State) -> Tree:
    return {
        "index": state.position,
        "layer": state.layer,
        "direction": state.direction,
        "h_n_equals": None if state.equals is None else output_text(state.equals),
        "h_n_differs_from": None if state.differs is None else output_text(state.differs),
    }


def _params(subject: Subject, gate: str | None) -> Tree:
    from lstmcalc.layouts import Storage

    foreign, found = subject.framework != "pytorch", subject.found
    own = found.path if found and found.framework == subject.framework else ""
    storage = Storage(subject.config, subject.framework, own)
    check_rows(storage.num_arrays, "parameter")
    more: Tree = {}
    row_of = parameter_tree
    if foreign:
        from lstmcalc.foreign import foreign_parameter, layout_tree

        more = {"layout": layout_tree(subject.framework)}
        row_of = foreign_parameter

    def row(parameter: "Parameter") -> Tree:
        tree = row_of(parameter)
        if gate:
            # Names of other frameworks are no Python: there it is the index alone.
            tree["slice"] = _slice_text("" if foreign else _python_path(subject.name, parameter.name), parameter, gate)
        return tree

    keys = {
        **more,
        "symbols": storage.symbols,
        **({"gate": gate} if gate else {}),
        "parameters": mapped(storage.parameters, row),
        "subtotals": mapped(storage.subtotals, _subtotal),
        "total": storage.num_parameters,
        "total_symbolic": str(storage.num_parameters_symbolic),
        **({"total_in_pytorch": Storage(subject.config, "pytorch").num_parameters} if foreign else {}),
        "dtype": subject.data.dtype,
        "total_bytes": storage.num_parameters * DTYPE_BYTES[subject.data.dtype],
    }
    return module_tree(subject, (*HYPERPARAMETERS, "dtype"), keys)


def _python_path(module: str, name: str) -> str:
    """A parameter as Python says it: `net.layers[0].weight_ih_l0`; alone where its module's name is no path."""
    parts = module.split(".")
    if not all(part.isidentifier() or part.isdecimal() for part in parts) or parts[0].isdecimal():
        return name
    path = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)
    return f"{path[1:]}.{name}"


def _slice_text(name: str, parameter: "Parameter", gate: str) -> str | None:
    """One gate of a stored array, to paste: `lstm.weight_ih_l0[20:40]`; None if it is not in it.

    Where an array holds the gate several times, these are several slices.
    """
    if parameter.gate == gate:
        return f"{name}[:]"
    if parameter.gates is None or parameter.gate_axis is None:
        return None
    # What stands on the axis of the gates, several times over: both directions, or two biases.
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


def _run(subject: Subject, model: LSTMModel, result: "Run", seed: int) -> Tree:
    data = subject.data
    arrays = {**result.inputs, **result.outputs}
    own = {
        "data": data_tree(subject),
        "symbols": model.data_symbols(data),
        "seed": seed,
        "generator": "numpy",
        "checks": [
            {
                "name": check.name,
                "relation": check.relation,
                "expected": check.expected,
                "actual": _finite(check.actual),
                "max_abs_error": _finite(check.max_abs_error),
                "passed": check.passed,
            }
            for check in result.checks
        ],
        "passed": result.passed,
        "tensors": [
            {**tensor_tree(tensor, data.dtype), **_statistics(arrays.get(tensor.name))}
            for tensor in model.tensors_of(data)
        ],
    }
    return module_tree(subject, SETTINGS, own)


def _statistics(array: Any) -> Tree:  # noqa: ANN401  # a NumPy array: this module does not import NumPy
    """The least, largest and mean value and the standard deviation; null where there are no values."""
    names = ("min", "max", "mean", "std")
    if array is None or not array.size:
        return dict.fromkeys(names)
    values = array.min(), array.max(), array.mean(dtype="float64"), array.std(dtype="float64")
    return {name: _finite(float(value)) for name, value in zip(names, values, strict=True)}


def _finite(value: Any) -> Any:  # noqa: ANN401  # whatever a check found
    """The value, or None for what JSON has no number for."""
    return None if isinstance(value, float) and not isfinite(value) else value
