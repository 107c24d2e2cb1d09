"""One plain, versioned tree for each command: the JSON schema. It knows no terminal.

Every tree is `{"schema", "lstmcalc", "command", "modules": [...]}`; long lists make their rows when they are read.
Adding keys is compatible; renaming, removing or retyping one bumps `SCHEMA`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from lstmcalc.errors import TooLargeError
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import TRACED, LSTMModel, traced_name
from lstmcalc.model.surroundings import around_symbols, extras_symbolic, head_reads, tensors_around
from lstmcalc.model.torch_code import NOTHING_GIVEN, Given, drawn_parts, torch_script
from lstmcalc.spec.config import AROUND_FIELDS, DTYPE_BYTES, HYPERPARAMETERS
from lstmcalc.spec.symbols import DIRECTIONS
from lstmcalc.trees import (
    SETTINGS,
    Tree,
    around_tree,
    check_rows,
    data_tree,
    extras_of,
    extras_tree,
    mapped,
    module_tree,
    parameter_tree,
    states_tree,
    tensor_tree,
)
from lstmcalc.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from lstmcalc.frameworks.storage import Parameter, Subtotal
    from lstmcalc.intake.flags import Typed
    from lstmcalc.proof.checks import Run
    from lstmcalc.proof.timing import Timing
    from lstmcalc.solve import Question
    from lstmcalc.sweep import Request

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


def explain_tree(subjects: Sequence[Subject], topics: Sequence[str] = ()) -> Tree:
    """Equations, states, packing, and what is easily got wrong; `topics` of `trees.TOPICS`, empty for all.

    Raises:
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.explain import explained

    return _document("explain", [explained(subject, topics) for subject in subjects])


def frameworks_tree(subjects: Sequence[Subject], only: Sequence[str] = ()) -> Tree:
    """How each framework stores the LSTM; of the frameworks `only`, every array, and how to get from the first to them.

    Raises:
        UnsupportedError: One of `only` cannot express the LSTM.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.foreign import frameworks_module

    return _document("frameworks", [frameworks_module(subject, only) for subject in subjects])


def cost_tree(subjects: Sequence[Subject], optimizer: str, *, input_grad: bool) -> Tree:
    """MACs, FLOPs and memory of every LSTM.

    Raises:
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.cost import costed

    return _document("cost", [costed(subject, optimizer, input_grad=input_grad) for subject in subjects])


def solve_tree(subjects: Sequence[Subject], question: "Question") -> Tree:
    """The largest LSTM within a budget.

    Raises:
        UsageError: Not even the smallest is, or no size is too large, or the unknown is settled by something else.
        UnsupportedError: PyTorch computes nothing in its dtype.
    """
    from lstmcalc.solve import solved

    return _document("solve", _each_alone([solved(subject, question) for subject in subjects]))


def sweep_tree(
    subjects: Sequence[Subject], request: "Request", progress: "Callable[[int, int], None] | None" = None
) -> Tree:
    """Every combination of sizes.

    Raises:
        UsageError: None of them is an LSTM.
        UnsupportedError: PyTorch computes nothing in one of the dtypes.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.sweep import swept

    return _document("sweep", _each_alone([swept(subject, request, progress) for subject in subjects]))


def ls_tree(path: str, modules: Sequence[str] = (), *, stats: bool = False) -> Tree:
    """Every tensor of a weight file; with `stats` what its numbers are like.

    Raises:
        SourceError: The file cannot be read, is damaged, or is no weight file.
        MissingExtraError: What reads this kind of file is not installed.
        UsageError: There is no such module.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.listing import listed

    return _document("ls", [listed(path, modules, stats=stats)])


def diff_tree(typed: Mapping[str, "Typed"], tolerance: float | None = None) -> Tree:
    """How a weight file differs from an LSTM, or two LSTMs from each other; with `tolerance` their numbers too.

    Raises:
        UsageError: There is nothing to compare.
        SourceError: One of them cannot be read, or has no LSTM.
        TooLargeError: There would be more than `MAX_ROWS` rows.
    """
    from lstmcalc.differences import compared

    return _document("diff", compared(typed, tolerance))


def run_tree(
    subjects: Sequence[Subject],
    runs: Sequence["Run"],
    seed: int,
    *,
    show: bool = False,
    timings: Sequence["Timing"] = (),
    given: Sequence[Given] = (),
) -> Tree:
    """Every check of every run, what the tensors look like, and the PyTorch that computes them; `show` prints them.

    `timings` has one of each run, or none, and so has `given`, what each was given and did not draw.
    """
    triples = zip(subjects, runs, given or [NOTHING_GIVEN] * len(runs), strict=True)
    modules = [_run(subject, result, seed, own, show=show) for subject, result, own in triples]
    for module, timing in zip(modules, timings, strict=bool(timings)):
        module["timing"] = _timing(timing)
        if not timing.held:
            module["notes"].append(
                "BLAS may use more threads than lstmcalc: threadpoolctl, which holds it to one, is not installed "
                "(pip install 'lstmcalc[threads]')"
            )
    return _document("run", modules)


def _each_alone(modules: list[Tree]) -> list[Tree]:
    """Several LSTMs, with a note that what one becomes is not the input of the next."""
    if len(modules) > 1:
        modules[0]["notes"].append("each of these LSTMs is taken alone, with the input size that the source gives it")
    return modules


def _document(command: str, modules: list[Tree]) -> Tree:
    if len(modules) > 1 and any(value for value in modules[0].get("around", {}).values()):
        modules[0]["notes"].append("each of these LSTMs has its own head and embedding; --module NAME picks one")
    return {"schema": SCHEMA, "lstmcalc": __version__, "command": command, "modules": modules}


def _shapes(subject: Subject, model: LSTMModel) -> Tree:
    data = subject.data
    check_rows(model.num_cells, "index of h_n and c_n")
    if subject.framework != "pytorch":
        from lstmcalc.foreign import foreign_shapes

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


def _params(subject: Subject, gate: str | None) -> Tree:
    from lstmcalc.frameworks.storage import Storage

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


def _run(subject: Subject, result: "Run", seed: int, given: Given, *, show: bool) -> Tree:
    model, data = LSTMModel(subject.config), subject.data
    arrays = {**result.inputs, **result.outputs}
    before, behind = tensors_around(subject.config, data, subject.around)
    own = {
        "data": data_tree(subject),
        "around": around_tree(subject),
        "symbols": {**model.data_symbols(data), **around_symbols(subject.around)},
        "seed": seed,
        "generator": "torch",
        "drawn": list(drawn_parts(subject.around, given)),
        "weights_from": given.weights_from or None,
        "input_from": given.inputs_from or None,
        "reproduce": torch_script(subject.config, data, subject.around, seed, given),
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
            for tensor in (*before, *model.tensors_of(data), *behind)
        ],
    }
    if show:
        own["shown"] = _shown(model, {**result.weights, **result.around, **arrays})
    if result.trace:  # by name; of an empty batch empty arrays
        rows = _TraceRows(subject)
        own["trace"] = LazySequence(len(rows), lambda index: rows.row(index, result.trace))
    return module_tree(subject, SETTINGS, own)


def _timing(timing: "Timing") -> list[Tree]:
    """The calls of each framework, lstmcalc first; a MAC is two floating-point operations."""
    return [
        {
            "name": calls.name,
            "repeat": timing.repeat,
            "threads": timing.threads,
            "steps": timing.steps,
            "macs": timing.macs,
            "median_seconds": calls.median,
            "min_seconds": calls.fastest,
            "steps_per_second": timing.steps / calls.median,
            "gflops": 2 * timing.macs / calls.median / 10**9,
            "ratio": calls.ratio,
        }
        for calls in timing.calls
    ]


def _shown(model: LSTMModel, arrays: Mapping[str, Any]) -> Sequence[Tree]:
    """Every tensor as PyTorch prints it, the weights of the LSTM first; what is of no layer has the number behind."""
    from lstmcalc.numerics.tensor_printer import tensor_text

    names, stored, layers = list(arrays), model.parameters, model.config.num_layers

    def row(index: int) -> Tree:
        array, layer = arrays[names[index]], stored[index].layer if index < len(stored) else layers
        return {"name": names[index], "layer": layer, "shape": list(array.shape), "text": tensor_text(array)}

    return LazySequence(len(names), row)


class _TraceRows:
    """Which row of a trace is which: layer by layer, forward before reverse, sequence by sequence, step by step."""

    def __init__(self, subject: Subject) -> None:
        data = subject.data
        self.cells = subject.config.num_layers * subject.config.num_directions
        self._directions = subject.config.num_directions
        lengths = data.lengths or (data.seq_len,) * data.num_sequences
        self._ends = list(accumulate(lengths))
        self._unbatched = data.unbatched

    def __len__(self) -> int:
        return self.cells * (self._ends[-1] if self._ends else 0)

    def row(self, index: int, arrays: Mapping[str, Any]) -> Tree:
        """One step of one sequence in one layer and direction: every unit of every value."""
        cell, place = divmod(index, self._ends[-1])
        layer, number = divmod(cell, self._directions)
        sequence = bisect_right(self._ends, place)
        step = place - (self._ends[sequence - 1] if sequence else 0)
        own = step if self._unbatched else (step, sequence)
        tree: Tree = {"layer": layer, "direction": DIRECTIONS[number], "sequence": sequence, "step": step}
        for value in TRACED:
            units = arrays[traced_name(value, layer, DIRECTIONS[number])][own].tolist()
            tree[value] = [_finite(unit) for unit in units]
        return tree


MAX_NUMBERS: Final = 10**7  # of a trace that is written as text, about 200 MB


def check_trace(subjects: Sequence[Subject]) -> None:
    """Refuse a trace that is too long to be written as text.

    Raises:
        TooLargeError: There would be more than `MAX_ROWS` rows, or `MAX_NUMBERS` numbers.
    """
    cure = "--trace --save FILE.npz without --json has no limit; fewer steps"
    for subject in subjects:
        config, data = subject.config, subject.data
        steps = sum(data.lengths) if data.lengths else data.seq_len * data.num_sequences
        rows = config.num_layers * config.num_directions * steps
        check_rows(rows, "traced step", cure)
        numbers = rows * ((len(TRACED) - 1) * config.hidden_size + config.output_size)
        if numbers > MAX_NUMBERS:
            raise TooLargeError(
                "this trace would be too long",
                expected=f"at most {MAX_NUMBERS:,} numbers",
                found=f"{numbers:,}",
                hint=f"{cure} make fewer numbers",
            )


def _statistics(array: Any) -> Tree:  # noqa: ANN401  # a NumPy array: this module does not import NumPy
    """The least, largest and mean value and the standard deviation; null where there are no values."""
    names = ("min", "max", "mean", "std")
    if array is None or not array.size:
        return dict.fromkeys(names)
    from numpy import errstate  # there is an array: NumPy is loaded

    with errstate(invalid="ignore", over="ignore"):  # of Inf, in a file
        values = array.min(), array.max(), array.mean(dtype="float64"), array.std(dtype="float64")
    return {name: _finite(float(value)) for name, value in zip(names, values, strict=True)}


def _finite(value: Any) -> Any:  # noqa: ANN401  # whatever a check found
    """The value, or None for what JSON has no number for."""
    return None if isinstance(value, float) and not isfinite(value) else value
