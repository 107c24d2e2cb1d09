"""One plain, versioned tree for each command: the JSON schema. It knows no terminal.

Every tree is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lstmcalc import __version__
from lstmcalc.config import DATA_FIELDS, DTYPE_BYTES, HYPERPARAMETERS, DataSpec, LSTMConfig
from lstmcalc.errors import TooLargeError
from lstmcalc.frameworks import LAYOUTS
from lstmcalc.layouts import Parameter, Ranges, Storage, Subtotal, check_expressible, missing_feature
from lstmcalc.lazy import LazySequence
from lstmcalc.model import LSTMModel, State, Tensor, output_text
from lstmcalc.subject import Subject
from lstmcalc.symbols import H_in

if TYPE_CHECKING:
    from lstmcalc.interfaces import Face, ForeignState
    from lstmcalc.verify import Run

SCHEMA: Final = 1
MAX_ROWS: Final = 10**6
FORMATS: Final = ("table", "json", "markdown", "csv")

Tree: TypeAlias = dict[str, Any]


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
    return _document("frameworks", [_frameworks(subject, only) for subject in subjects])


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
    if config.batch_first and subject.framework != "pytorch":
        notes.append(f"batch_first is PyTorch's: the shapes are those of {_title(subject)} by its own defaults")
    elif config.batch_first and subject.data.unbatched:
        notes.append("batch_first does nothing here: unbatched input has no batch axis")
    if not config.bias and not LAYOUTS[subject.framework].bias:
        offset = LAYOUTS[subject.framework].forget_offset
        held = (
            f"zeros, and -{offset:g} for the forget gate against the {offset:g} added at run time"
            if offset
            else "zeros"
        )
        notes.append(f"{_title(subject)} cannot leave out biases: they are counted, and hold {held}")
    if LAYOUTS[subject.framework].batch == "never" and subject.provenance["batch"].source != "default":
        notes.append(f"{_title(subject)} has no batch axis: the shapes are those of one sequence")
    return notes


def _title(subject: Subject) -> str:
    return LAYOUTS[subject.framework].title


_BYTES: Final = {**DTYPE_BYTES, "int32": 4, "int64": 8}
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
    if subject.framework != "pytorch":
        return _foreign_shapes(subject, model)
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


def _foreign_shapes(subject: Subject, model: LSTMModel) -> Tree:
    """What goes in and comes out of another framework, and where PyTorch's h_n and c_n are there."""
    from lstmcalc.interfaces import faces, foreign_states, relations

    data, layout = subject.data, LAYOUTS[subject.framework]
    symbols = model.data_symbols(data)
    if layout.batch == "never":
        symbols.pop("N", None)
    own = {
        "data": _data(subject),
        "layout": _layout(subject.framework),
        "symbols": symbols,
        "tensors": [
            {
                **_tensor(face, face.dtype or data.dtype),
                "each": face.each or None,
                "copies": face.copies,
                "when": face.when or None,
                "equals": relations(face, subject.config),
            }
            for face in faces(subject.config, data, subject.framework)
        ],
        "states": _mapped(foreign_states(subject.config, subject.framework), _foreign_state),
        "states_are": layout.states,
        "returns": layout.returns,
        "lengths_by": layout.lengths or None,
    }
    return _module(subject, _SETTINGS, own)


def _foreign_state(state: "ForeignState") -> Tree:
    return {
        "index": state.position,
        "layer": state.layer,
        "direction": state.direction,
        "h_n_equals": state.h,
        "c_n_equals": state.c,
    }


def _layout(name: str) -> Tree:
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


def _tensor(tensor: "Tensor | Face", dtype: str) -> Tree:
    count = 1
    for size in tensor.shape:
        count *= size
    each = _BYTES["int64" if tensor.name == "packed.batch_sizes" else dtype]
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


def _params(subject: Subject, gate: str | None) -> Tree:
    storage, foreign = Storage(subject.config, subject.framework), subject.framework != "pytorch"
    _limit(storage.num_arrays, "parameter")

    def row(parameter: Parameter) -> Tree:
        tree = _foreign_parameter(parameter) if foreign else _parameter(parameter)
        if gate:
            # Names of other frameworks are no Python: there it is the index alone.
            tree["slice"] = _slice_text("" if foreign else f"{subject.name}.{parameter.name}", parameter, gate)
        return tree

    own = {
        **({"layout": _layout(subject.framework)} if foreign else {}),
        "symbols": storage.symbols,
        **({"gate": gate} if gate else {}),
        "parameters": _mapped(storage.parameters, row),
        "subtotals": _mapped(storage.subtotals, _subtotal),
        "total": storage.num_parameters,
        "total_symbolic": str(storage.num_parameters_symbolic),
        **({"total_in_pytorch": Storage(subject.config, "pytorch").num_parameters} if foreign else {}),
        "dtype": subject.data.dtype,
        "total_bytes": storage.num_parameters * DTYPE_BYTES[subject.data.dtype],
    }
    return _module(subject, (*HYPERPARAMETERS, "dtype"), own)


def _foreign_parameter(parameter: Parameter) -> Tree:
    """As `_parameter`, and what of PyTorch's it holds, where."""
    return {
        **_parameter(parameter),
        "gate": parameter.gate,
        "holds": list(parameter.holds),
        "part_axis": parameter.part_axis,
        "parts": _ranges(parameter.parts),
        "direction_axis": parameter.direction_axis,
        "directions": _ranges(parameter.directions),
    }


def _parameter(parameter: Parameter) -> Tree:
    return {
        "name": parameter.name,
        "layer": parameter.layer,
        "direction": parameter.direction,
        "symbolic": [str(size) for size in parameter.symbolic],
        "shape": list(parameter.shape),
        "count": parameter.numel,
        "gate_axis": parameter.gate_axis,
        "gates": _ranges(parameter.gates),
    }


def _ranges(ranges: Ranges | None) -> dict[str, list[int]] | None:
    return None if ranges is None else {label: list(rows) for label, rows in ranges.items()}


def _slice_text(name: str, parameter: Parameter, gate: str) -> str | None:
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


def _subtotal(subtotal: Subtotal) -> Tree:
    return {
        "layer": subtotal.layer,
        "direction": subtotal.direction,
        "count": subtotal.numel,
        "symbolic": str(subtotal.symbolic),
    }


def _frameworks(subject: Subject, only: Sequence[str]) -> Tree:
    """The frameworks side by side; of those in `only`, every array, and recipes from the first to each other."""
    from lstmcalc.recipes import write_recipe

    for name in only:
        check_expressible(subject.config, name)
    names = only or tuple(LAYOUTS)
    own: Tree = {"symbols": LSTMModel(subject.config).symbols, "in_depth": bool(only)}
    if only:
        _limit(sum(Storage(subject.config, name).num_arrays for name in names), "array")
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
    return _module(subject, HYPERPARAMETERS, own)


def _arrays(config: LSTMConfig, names: Sequence[str]) -> Sequence[Tree]:
    """Every array of several frameworks, one framework after the other."""
    storages = [Storage(config, name) for name in names]
    ends = list(accumulate(storage.num_arrays for storage in storages))

    def make(index: int) -> Tree:
        which = bisect_right(ends, index)
        own = index - (ends[which - 1] if which else 0)
        return {"framework": names[which], **_foreign_parameter(storages[which].parameters[own])}

    return LazySequence(ends[-1], make)


def _framework(config: LSTMConfig, name: str) -> Tree:
    """One framework: its facts, and what it stores of this LSTM."""
    from lstmcalc.interfaces import faces

    layout, missing = LAYOUTS[name], missing_feature(config, name)
    storage = None if missing else Storage(config, name)
    data = DataSpec()
    shown = [] if missing else faces(config, data, name)
    inputs = [face for face in shown if H_in in face.symbolic]
    outputs = [face for face in shown if face.role == "output" and not face.when]
    outputs.sort(key=lambda face: "output" not in face.equals)  # some return their states first
    return {
        "framework": name,
        **_layout(name),
        "input": [str(size) for size in inputs[0].symbolic] if inputs else None,
        "output": [str(size) for size in outputs[0].symbolic] if outputs else None,
        "outputs": outputs[0].copies if outputs else None,
        "outputs_each": outputs[0].each or None if outputs else None,
        "returns": layout.returns,
        "states_are": layout.states,
        "lengths_by": layout.lengths or None,
        "cannot_express": missing or None,
        "arrays": storage.num_arrays if storage else None,
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
