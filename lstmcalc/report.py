"""One plain, versioned tree for each command: the JSON schema. It knows no terminal.

Every tree is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lstmcalc import __version__
from lstmcalc.config import DATA_FIELDS, DTYPE_BYTES, HYPERPARAMETERS
from lstmcalc.errors import TooLargeError
from lstmcalc.layouts import Parameter, Subtotal
from lstmcalc.lazy import LazySequence
from lstmcalc.model import LSTMModel, State, Tensor, output_text
from lstmcalc.subject import Subject

if TYPE_CHECKING:
    from lstmcalc.verify import Run

SCHEMA: Final = 1
MAX_ROWS: Final = 10**6
FORMATS: Final = ("table", "json", "markdown", "csv")

Tree: TypeAlias = dict[str, Any]


def shapes_tree(subjects: Sequence[Subject]) -> Tree:
    """Every tensor in and out, and the state map.

    Raises:
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    return _document("shapes", [_shapes(subject, LSTMModel(subject.config)) for subject in subjects])


def params_tree(subjects: Sequence[Subject], gate: str | None = None) -> Tree:
    """Every weight and bias, with subtotals, total and formula; with `gate`, the slice of that gate in each.

    Raises:
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    return _document("params", [_params(subject, LSTMModel(subject.config), gate) for subject in subjects])


def run_tree(subjects: Sequence[Subject], runs: Sequence["Run"], seed: int) -> Tree:
    """Every check of every run, and what the tensors look like."""
    pairs = zip(subjects, runs, strict=True)
    return _document("run", [_run(subject, LSTMModel(subject.config), result, seed) for subject, result in pairs])


def _document(command: str, modules: list[Tree]) -> Tree:
    return {"schema": SCHEMA, "lstmcalc": __version__, "command": command, "modules": modules}


def _module(subject: Subject, settings: Sequence[str], own: Tree) -> Tree:
    """What every module says: what it is, where its settings came from, what is worth a note; then its own keys."""
    provenance = {
        field: {"from": origin.source, "where": origin.where, "certainty": origin.certainty}
        for field, origin in subject.provenance.items()
        if field in settings
    }
    head = {"name": subject.name, "framework": subject.framework, "kind": subject.kind, "text": str(subject.config)}
    return {
        **head,
        "config": dict(vars(subject.config)),
        "provenance": provenance,
        **own,
        "notes": _notes(subject),
    }


def _notes(subject: Subject) -> list[str]:
    """What is legal but probably not what was meant."""
    config, notes = subject.config, []
    if config.dropout and config.num_layers == 1:
        # PyTorch warns: "dropout option adds dropout after all but last recurrent layer, so non-zero dropout
        # expects num_layers greater than 1" (torch 2.13.0, RNNBase.__init__).
        notes.append(
            f"dropout = {config.dropout:g} does nothing with num_layers = 1: it acts after every layer but the "
            "last, and PyTorch warns of it"
        )
    if config.batch_first and subject.data.unbatched:
        notes.append("batch_first does nothing here: unbatched input has no batch axis")
    return notes


_SETTINGS: Final = (*HYPERPARAMETERS, *DATA_FIELDS)


def _data(subject: Subject) -> Tree:
    data = subject.data
    return {
        "seq_len": data.seq_len,
        "batch": data.batch,
        "lengths": None if data.lengths is None else list(data.lengths),
        "unbatched": data.unbatched,
        "dtype": data.dtype,
    }


def _shapes(subject: Subject, model: LSTMModel) -> Tree:
    data = subject.data
    _limit(model.num_cells, "index of h_n and c_n")
    own = {
        "data": _data(subject),
        "symbols": model.data_symbols(data),
        "tensors": [_tensor(tensor, data.dtype) for tensor in model.tensors_of(data)],
        "states": _mapped(model.states_of(data), _state),
    }
    if data.lengths:
        _limit(data.longest, "step of batch_sizes", "shorter sequences (--lengths)")
        own["packed"] = {"batch_sizes": list(data.batch_sizes)}
    return _module(subject, _SETTINGS, own)


def _tensor(tensor: Tensor, dtype: str) -> Tree:
    count = 1
    for size in tensor.shape:
        count *= size
    each = 8 if tensor.name == "packed.batch_sizes" else DTYPE_BYTES[dtype]  # batch_sizes is int64
    return {
        "name": tensor.name,
        "role": tensor.role,
        "symbolic": [str(size) for size in tensor.symbolic],
        "shape": list(tensor.shape),
        "bytes": count * each,
    }


def _state(state: State) -> Tree:
    return {
        "index": state.position,
        "layer": state.layer,
        "direction": state.direction,
        "h_n_equals": None if state.equals is None else output_text(state.equals),
        "h_n_differs_from": None if state.differs is None else output_text(state.differs),
    }


def _params(subject: Subject, model: LSTMModel, gate: str | None) -> Tree:
    _limit(model.storage.num_arrays, "parameter")

    def row(parameter: Parameter) -> Tree:
        tree = _parameter(parameter)
        if gate:
            tree["slice"] = _slice_text(f"{subject.name}.{parameter.name}", parameter, gate)
        return tree

    own = {
        "symbols": model.symbols,
        **({"gate": gate} if gate else {}),
        "parameters": _mapped(model.parameters, row),
        "subtotals": _mapped(model.storage.subtotals, _subtotal),
        "total": model.num_parameters,
        "total_symbolic": str(model.num_parameters_symbolic),
        "dtype": subject.data.dtype,
        "total_bytes": model.num_parameters * DTYPE_BYTES[subject.data.dtype],
    }
    return _module(subject, (*HYPERPARAMETERS, "dtype"), own)


def _parameter(parameter: Parameter) -> Tree:
    gates = parameter.gates
    return {
        "name": parameter.name,
        "layer": parameter.layer,
        "direction": parameter.direction,
        "symbolic": [str(size) for size in parameter.symbolic],
        "shape": list(parameter.shape),
        "count": parameter.numel,
        "gate_axis": parameter.gate_axis,
        "gates": None if gates is None else {letter: list(rows) for letter, rows in gates.items()},
    }


def _slice_text(name: str, parameter: Parameter, gate: str) -> str | None:
    """One gate of a stored array, to paste: `lstm.weight_ih_l0[20:40]`; None if it has no gates."""
    if parameter.gates is None or parameter.gate_axis is None:
        return None
    start, stop = parameter.gates[gate]
    return f"{name}[{':, ' * parameter.gate_axis}{start}:{stop}]"


def _subtotal(subtotal: Subtotal) -> Tree:
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
        "data": _data(subject),
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
            {**_tensor(tensor, data.dtype), **_statistics(arrays.get(tensor.name))} for tensor in model.tensors_of(data)
        ],
    }
    return _module(subject, _SETTINGS, own)


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


def _mapped(rows: Sequence[Any], make: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401
    return LazySequence(len(rows), lambda index: make(rows[index]))


def _limit(rows: int, what: str, cure: str = "fewer layers (--layers)") -> None:
    if rows > MAX_ROWS:
        raise TooLargeError(
            "this report would be too long",
            expected=f"at most {MAX_ROWS:,} rows",
            found=f"{rows:,} rows, one for each {what}",
            hint=f"{cure} make fewer rows",
        )
