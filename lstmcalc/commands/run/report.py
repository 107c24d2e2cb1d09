"""The report of run: every check, statistics of the tensors, and the PyTorch code that computes them."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from lstmcalc.errors import TooLargeError
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import TRACED, LSTMModel, traced_name
from lstmcalc.model.surroundings import around_symbols, tensors_around
from lstmcalc.model.torch_code import NOTHING_GIVEN, Given, drawn_parts, torch_script
from lstmcalc.report.document import document
from lstmcalc.report.tree import SETTINGS, Tree, around_tree, check_rows, data_tree, module_tree, tensor_tree
from lstmcalc.spec.symbols import DIRECTIONS

if TYPE_CHECKING:
    from lstmcalc.proof.checks import Run
    from lstmcalc.proof.timing import Timing


def run_report(
    subjects: Sequence[Subject],
    runs: Sequence["Run"],
    seed: int,
    *,
    show: bool = False,
    timings: Sequence["Timing"] = (),
    given: Sequence[Given] = (),
) -> Tree:
    """Every check of every run, statistics of the tensors, and their PyTorch code; with `show`, the tensors too.

    `timings` and `given`, the arrays that were given and not drawn, have one item for each run, or none.
    """
    triples = zip(subjects, runs, given or [NOTHING_GIVEN] * len(runs), strict=True)
    modules = [run_module(subject, result, seed, own, show=show) for subject, result, own in triples]
    for module, timing in zip(modules, timings, strict=bool(timings)):
        module["timing"] = _timing(timing)
        if not timing.held:
            module["notes"].append(
                "BLAS may use more threads than lstmcalc: threadpoolctl, which holds it to one, is not installed "
                "(pip install 'lstmcalc[threads]')"
            )
    return document("run", modules)


def run_module(subject: Subject, result: "Run", seed: int, given: Given, *, show: bool) -> Tree:
    """One run: its checks, the statistics of its tensors, and the PyTorch code that computes the same."""
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
                "actual": _finite_or_none(check.actual),
                "max_abs_error": _finite_or_none(check.max_abs_error),
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
        own["shown"] = _printed_tensors(model, {**result.weights, **result.around, **arrays})
    if result.trace:  # arrays by name; those of an empty batch are empty
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


def _printed_tensors(model: LSTMModel, arrays: Mapping[str, Any]) -> Sequence[Tree]:
    """Every tensor as PyTorch prints it, the weights of the LSTM first; tensors of no layer have layer `num_layers`."""
    from lstmcalc.numerics.tensor_printer import tensor_text

    names, stored, layers = list(arrays), model.parameters, model.config.num_layers

    def row(index: int) -> Tree:
        array, layer = arrays[names[index]], stored[index].layer if index < len(stored) else layers
        return {"name": names[index], "layer": layer, "shape": list(array.shape), "text": tensor_text(array)}

    return LazySequence(len(names), row)


class _TraceRows:
    """The rows of a trace: layer by layer, forward before reverse, sequence by sequence, step by step."""

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
            tree[value] = [_finite_or_none(unit) for unit in units]
        return tree


MAX_NUMBERS: Final = 10**7  # of a trace that is written as text, about 200 MB


def check_trace(subjects: Sequence[Subject]) -> None:
    """Refuse a trace that is too long to be written as text: more than `MAX_ROWS` rows or `MAX_NUMBERS` numbers."""
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
    """Minimum, maximum, mean and standard deviation; null if there are no values."""
    names = ("min", "max", "mean", "std")
    if array is None or not array.size:
        return dict.fromkeys(names)
    from numpy import errstate  # there is an array: NumPy is loaded

    with errstate(invalid="ignore", over="ignore"):  # of Inf, in a file
        values = array.min(), array.max(), array.mean(dtype="float64"), array.std(dtype="float64")
    return {name: _finite_or_none(float(value)) for name, value in zip(names, values, strict=True)}


def _finite_or_none(value: Any) -> Any:  # noqa: ANN401  # whatever a check found
    """The value; None if it is NaN or infinite, which JSON cannot express."""
    return None if isinstance(value, float) and not isfinite(value) else value
