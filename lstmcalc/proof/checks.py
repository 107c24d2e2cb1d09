"""The checks of a run: every prediction, held against what was computed.

Not here: what is drawn and computed, and in which order (`verify`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.lstm import GATES, LSTMModel, output_text
from lstmcalc.model.surroundings import extras, tensors_around
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.forward import forward
from lstmcalc.numerics.kernels import OnStep, Step
from lstmcalc.numerics.tracing import Trace
from lstmcalc.proof.closeness import Check, distance, largest_sum, near, tolerance
from lstmcalc.proof.judges import run_judge
from lstmcalc.proof.reference import evaluate
from lstmcalc.proof.sensitivity import CHAOTIC, COARSE, TIMES, rounding
from lstmcalc.spec.config import DataSpec, LSTMConfig, Surroundings
from lstmcalc.spec.words import with_dots

Arrays: TypeAlias = dict[str, Array]

SEQUENCES_ALONE: Final = 8  # how many sequences of a batch are run again on their own
STEPS_BY_HAND: Final = 100  # how many steps the equations are evaluated one by one
STEPS_OF_LAYOUT: Final = 10  # how many steps of two sequences are computed with their axes swapped
SATURATED: Final = 16.0  # sigmoid and tanh of a sum that large can be 1 to the last bit


class Run(NamedTuple):
    """Everything a run drew and computed, by PyTorch's names, and its checks.

    Attributes:
        weights: What the LSTM stores.
        around: What the layers around it store.
        inputs: What goes in.
        outputs: What comes out.
        trace: The values of every step, as `tracing.Trace` has them; empty if nobody asked for them.
        checks: What was predicted, and what became of it.
        drawn: Whether the weights were drawn, and not given.
        noise: How far rounding alone carries this LSTM on this data, as `sensitivity` finds it; None for drawn
            weights and data, which `closeness.tolerance` is enough for.
    """

    weights: Arrays
    around: Arrays
    inputs: Arrays
    outputs: Arrays
    trace: Arrays
    checks: list[Check]
    drawn: bool = True
    noise: float | None = None

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(check.passed for check in self.checks)

    @property
    def finite(self) -> bool:
        """Whether nothing that was given is NaN or Inf."""
        return not _not_finite({**self.weights, **self.inputs})


def run_checks(
    model: LSTMModel,
    data: DataSpec,
    around: Surroundings,
    result: Run,
    traced: Mapping[str, Any],
    on_step: OnStep | None,
) -> Iterator[Check]:
    """Every check that needs no other framework.

    Args:
        model: The predictions.
        data: The data that was given.
        around: The layers around.
        result: What was drawn and computed.
        traced: What the first and the last layer gave, by the names of `tracing`: h of the last one, after every step;
            all of both where each direction ends.
        on_step: Called after every step that is computed for a check.
    """
    shapes = list(_check_shapes(model, data, around, result))
    yield from shapes
    yield from _check_count(model, around, result)
    yield from _check_finite(result)
    if not result.finite:
        return  # whatever follows from NaN says nothing
    yield from _check_states(model, data, result)
    if all(check.passed for check in shapes):  # what is said of the tensors supposes their shapes
        yield from _check_claims(model, data, around, result, traced)
    yield from _check_equations(model, data, result, on_step)
    yield from _check_alone(model.config, data, result, on_step)
    yield from _check_layout(model.config, data, result, on_step)
    yield from _check_bounds(model.config, data, result)


def steps_to_check(data: DataSpec) -> int:
    """How many steps of each layer and direction are computed for checks."""
    lengths = [_length(data, n) for n in _picked(data)]
    first = sum(lengths[:1])
    again = 0 if data.unbatched or not lengths else 2 * min(data.seq_len, STEPS_OF_LAYOUT)
    return min(first, STEPS_BY_HAND) + sum(lengths) + 2 * first + again


def _picked(data: DataSpec) -> list[int]:
    """At most `SEQUENCES_ALONE` sequences, evenly spread over the batch."""
    count = data.num_sequences
    picked = min(count, SEQUENCES_ALONE)
    return [k * count // picked for k in range(picked)]


def _length(data: DataSpec, n: int) -> int:
    """The steps of one sequence."""
    return data.lengths[n] if data.lengths else data.seq_len


def _check_shapes(model: LSTMModel, data: DataSpec, around: Surroundings, result: Run) -> Iterator[Check]:
    computed = {**result.inputs, **result.outputs}
    if data.lengths:
        computed |= _packed(model.config, data, result.inputs["input"])
    before, behind = tensors_around(model.config, data, around)
    for tensor in (*before, *model.tensors_of(data), *behind):
        actual = computed[tensor.name].shape
        yield Check(f"shape of {tensor.name}", "=", list(tensor.shape), list(actual), None, actual == tensor.shape)


def _check_count(model: LSTMModel, around: Surroundings, result: Run) -> Iterator[Check]:
    expected = model.num_parameters + sum(extra.numel for extra in extras(model.config, around))
    count = sum(array.size for array in (*result.weights.values(), *result.around.values()))
    name = "number of weights" + (", with those around" if result.around else "")
    yield Check(name, "=", expected, count, None, count == expected)


def _check_finite(result: Run) -> Iterator[Check]:
    """What was given is made of numbers. What was drawn is so."""
    for what, arrays in (("weights", {} if result.drawn else result.weights), ("input", result.inputs)):
        bad = _not_finite(arrays)
        if bad or (what == "weights" and not result.drawn):
            listed = f": {with_dots(list(bad), _LISTED)}" if bad else ""
            yield Check(f"NaN or Inf in the {what}{listed}", "=", 0, sum(bad.values()), None, not bad)


_LISTED: Final = 4  # arrays in the name of a check


def _not_finite(arrays: Mapping[str, Array]) -> dict[str, int]:
    """How many numbers of an array are NaN or Inf, where there are any."""
    counts = {name: array.size - int(np.count_nonzero(np.isfinite(array))) for name, array in arrays.items()}
    return {name: count for name, count in counts.items() if count}


def _packed(config: LSTMConfig, data: DataSpec, x: Array) -> dict[str, Any]:
    """The parts of `pack_padded_sequence(x, lengths, enforce_sorted=False)`."""
    steps = x.swapaxes(0, 1) if config.batch_first else x
    order, sizes = list(data.sorted_indices), data.batch_sizes
    rows = [steps[t, order[:running]] for t, running in enumerate(sizes)]
    return {"packed.data": np.concatenate(rows), "packed.batch_sizes": np.array(sizes)}


def _check_states(model: LSTMModel, data: DataSpec, result: Run) -> Iterator[Check]:
    """The state map, and the slice that is commonly mistaken for it."""
    output, h_n = result.outputs["output"], result.outputs["h_n"]
    for state in model.states_of(data)[-model.config.num_directions :]:
        if state.equals is None:  # below the last layer
            continue
        name = f"h_n[{state.position}]"
        error = distance(output[state.equals], h_n[state.position])
        yield Check(f"{name} = {output_text(state.equals)}", "=", 0.0, error, error, error == 0)
        if state.differs:
            error = distance(output[state.differs], h_n[state.position])
            if error == 0 and _shows_nothing(model.config, data, result):
                continue
            yield Check(f"{name} != {output_text(state.differs)}", ">", 0.0, error, error, error > 0)


def _check_claims(
    model: LSTMModel, data: DataSpec, around: Surroundings, result: Run, traced: Mapping[str, Any]
) -> Iterator[Check]:
    """What `explain` says of the tensors: one check for each claim, or for the relation that it fails with."""
    names: dict[str, Any] = {**model.data_symbols(data), **traced, **result.around, **result.inputs, **result.outputs}
    if data.lengths:
        names |= _packed(model.config, data, result.inputs["input"])
    proven: set[str] = set()
    for claim in claims_of(model, data, around):
        relations = tuple(relation for relation in claim.relations if relation.text not in proven)
        if relations:
            check = _check_claim(model, data, result, claim._replace(relations=relations), names)
            yield check
            if check.passed:
                proven.update(relation.text for relation in relations)


def _check_claim(model: LSTMModel, data: DataSpec, result: Run, claim: Claim, names: Mapping[str, Any]) -> Check:
    shape = claim.snippet.value(names).shape
    worst = 0.0
    for relation in claim.relations:
        left, right = relation.left.value(names), relation.right.value(names)
        if claim.topic == "around":  # the same product in another order of memory may be rounded otherwise
            check = near(relation.text, [(left, right)], _tolerance(model.config, data, result))
        else:
            error = distance(left, right)
            holds = error == 0 if relation.equal else error > 0 or _shows_nothing(model.config, data, result)
            check = Check(relation.text, "=" if relation.equal else ">", 0.0, error, error, holds)
        if not check.passed:
            return check
        worst = max(worst, check.max_abs_error or 0.0) if relation.equal else worst
    name = f"{claim.snippet}: {claim.says}"
    return Check(name, "=", list(claim.shape), list(shape), worst, shape == claim.shape)


def _shows_nothing(config: LSTMConfig, data: DataSpec, result: Run) -> bool:
    """Whether equal numbers are no surprise: in float16, and where the gates are saturated to the last bit.

    Weights that were given can be zeros, or can saturate a gate of any layer.
    """
    return result.noise is not None or data.dtype == "float16" or _largest_sum(config, data, result) > SATURATED


def _check_equations(model: LSTMModel, data: DataSpec, result: Run, on_step: OnStep | None) -> Iterator[Check]:
    """The model's own equations, with the gate rows it predicts, give what the forward pass computes.

    Of every layer that is what comes out of it, of the first and the last one it is every gate of every step.
    """
    if not data.num_sequences:
        return
    config = model.config
    inputs = _time_first(config, data, result.inputs)
    first = {"input": inputs["input"][: _length(data, 0), 0], "h_0": inputs["h_0"][:, 0], "c_0": inputs["c_0"][:, 0]}
    watched = 0, config.num_layers - 1
    steps, noise = min(_length(data, 0), STEPS_BY_HAND), result.noise
    if noise is not None:
        steps, noise = _steps_that_tell(config, result, first, steps, watched)
    x, state = first["input"][:steps], (first["h_0"], first["c_0"])
    single = DataSpec.given(steps, unbatched=True)
    ours, theirs = Trace(config, single, x.dtype.name, layers=watched), Trace(config, single, layers=watched)

    def record(step: Step) -> None:
        ours(step)
        if on_step:
            on_step(step)

    def record_exact(layer: int, direction: int, t: int, values: Mapping[str, Array]) -> None:
        gates = np.concatenate([values[gate.letter] for gate in GATES])
        theirs(Step(layer, direction, t, gates[None], values["c"][None], values["h"][None]))

    output, (h_n, c_n) = forward(_steps_first(config), result.weights, x, state, on_step=record)
    exact, (h_exact, c_exact) = evaluate(model, result.weights, x, state, record_exact)
    pairs: list[tuple[Array, Array]] = [(output, exact), (h_n, h_exact), (c_n, c_exact)]
    pairs += [(ours.arrays[name], theirs.arrays[name]) for name in ours.arrays]
    what = "equations, gate by gate" + (f" ({steps} step{'s' * (steps > 1)})" if steps < _length(data, 0) else "")
    yield near(what, pairs, _tolerance(config, data, result._replace(noise=noise)))


def _steps_that_tell(
    config: LSTMConfig, result: Run, inputs: Arrays, most: int, traced: Sequence[int]
) -> tuple[int, float]:
    """How many steps of one sequence can be compared before rounding has grown too large, and how large it is then."""
    steps = most
    while True:
        data = DataSpec.given(steps, unbatched=True, dtype=inputs["input"].dtype.name)
        first = {**inputs, "input": inputs["input"][:steps]}
        noise = rounding(_steps_first(config), data, result.weights, first, traced=traced)
        if steps == 1 or noise * TIMES <= COARSE:
            return steps, noise
        steps //= 2


def _check_alone(config: LSTMConfig, data: DataSpec, result: Run, on_step: OnStep | None) -> Iterator[Check]:
    """Sequences alone give their own rows; omitted states are zeros; what lies behind a sequence is zero."""
    picked = _picked(data)
    if not picked:
        return
    inputs, outputs = _time_first(config, data, result.inputs), _time_first(config, data, result.outputs)
    alone = _steps_first(config)

    def single(n: int, state: tuple[Array, Array] | None) -> Arrays:
        """Sequence n without a batch axis; if it came without one, as a batch of one."""
        x = inputs["input"][: _length(data, n), n]
        if data.unbatched:
            x, state = x[:, None], state and (state[0][:, None], state[1][:, None])
        output, (h_n, c_n) = forward(alone, result.weights, x, state, on_step=on_step)
        found = {"output": output, "h_n": h_n, "c_n": c_n}
        return {name: array[:, 0] for name, array in found.items()} if data.unbatched else found

    def pairs() -> Iterator[tuple[Array, Array]]:
        for n in picked:
            for name, array in single(n, (inputs["h_0"][:, n], inputs["c_0"][:, n])).items():
                yield outputs[name][: len(array), n], array

    count = f"{len(picked)} of {data.num_sequences}" if data.num_sequences > len(picked) else f"all {len(picked)}"
    claim = "a batch of one gives the same" if data.unbatched else f"each sequence alone gives the same ({count})"
    yield near(claim, pairs(), _tolerance(config, data, result))

    if data.lengths:
        behind = max(
            float(np.abs(outputs["output"][length:, n]).max(initial=0)) for n, length in enumerate(data.lengths)
        )
        yield Check("output behind each sequence = 0", "=", 0.0, behind, behind, behind == 0)

    zeros = np.zeros_like(inputs["h_0"][:, 0]), np.zeros_like(inputs["c_0"][:, 0])
    omitted, given = single(0, None), single(0, zeros)
    same = [(omitted[name], given[name]) for name in omitted]
    yield near("h_0, c_0 omitted = zeros", same, _tolerance(config, data, result))


def _check_layout(config: LSTMConfig, data: DataSpec, result: Run, on_step: OnStep | None) -> Iterator[Check]:
    """With `batch_first` the other way round, input and output swap their axes, and h and c stay as they are."""
    picked = _picked(data)[:2]
    if data.unbatched or not picked:
        return
    x = _time_first(config, data, result.inputs)["input"][:STEPS_OF_LAYOUT, picked]
    state = result.inputs["h_0"][:, picked], result.inputs["c_0"][:, picked]
    steps, (h_n, c_n) = forward(_steps_first(config), result.weights, x, state, on_step=on_step)
    x = np.ascontiguousarray(x.swapaxes(0, 1))
    batches, (h_first, c_first) = forward(replace(config, batch_first=True), result.weights, x, state, on_step=on_step)
    pairs = [(batches.swapaxes(0, 1), steps), (h_first, h_n), (c_first, c_n)]
    other = f"batch_first={not config.batch_first}"
    yield near(f"{other}: output.transpose(0, 1), same h_n, c_n", pairs, _tolerance(config, data, result))


def _steps_first(config: LSTMConfig) -> LSTMConfig:
    return replace(config, batch_first=False)


def _time_first(config: LSTMConfig, data: DataSpec, arrays: Mapping[str, Array]) -> Arrays:
    """The arrays with the sequence on axis 1: `(L, N, ...)`, and states as they are."""
    if data.unbatched:
        return {name: array[:, None] for name, array in arrays.items()}
    swapped = ("input", "output") if config.batch_first else ()
    return {name: array.swapaxes(0, 1) if name in swapped else array for name, array in arrays.items()}


def _check_bounds(config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    """H is o tanh(c), at most 1 unless it is projected; a weight that is drawn is at most 1/sqrt(H_cell)."""
    if not config.proj_size and data.num_sequences:
        largest = max(float(np.abs(result.outputs[name]).max()) for name in ("output", "h_n"))
        yield Check("largest |h|", "<=", 1.0, largest, None, largest <= 1)
    if not result.drawn:
        return
    bound = float(np.dtype(data.dtype).type(config.hidden_size**-0.5))
    largest = max(float(np.abs(array).max()) for array in result.weights.values())
    yield Check("largest |weight|, 1/sqrt(H_cell)", "<=", bound, largest, None, largest <= bound)


def check_against(name: str, config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    """What another framework computes of the same numbers.

    Raises:
        LstmcalcError: As `judges.run_judge`.
    """
    if not result.finite:
        return
    verdict = run_judge(name, config, data, result.weights, result.inputs)
    allowed = _tolerance(config, data, result, rounded_inside=True)
    for tensor, theirs in verdict.outputs.items():
        yield near(f"{tensor} of {verdict.judge}", [(result.outputs[tensor], theirs)], allowed)


def _tolerance(config: LSTMConfig, data: DataSpec, result: Run, *, rounded_inside: bool = False) -> float:
    """How far two computations of this LSTM on this data may be apart."""
    allowed = tolerance(data.dtype, _largest_sum(config, data, result), rounded_inside=rounded_inside)
    coarser = (
        2.0**13 if data.dtype == "float16" and rounded_inside else 1.0
    )  # half a unit of float16, in those of float32
    moved = TIMES * (result.noise or 0.0)
    if moved > CHAOTIC and data.num_sequences:  # no c is larger than that
        allowed = max(allowed, 2.0 * (data.seq_len + float(np.abs(result.inputs["c_0"]).max())))
    return max(allowed, coarser * moved)


def _largest_sum(config: LSTMConfig, data: DataSpec, result: Run) -> float:
    """The largest sum of absolute products in a gate of the first layer, in the first steps of the first sequence.

    With default weights and normal data it is the largest of all: other layers read h, which is smaller. With weights
    that are given, h may make a larger sum in any layer.
    """
    if not data.num_sequences:
        return 0.0
    inputs, weights = _time_first(config, data, result.inputs), result.weights
    x, h = inputs["input"][:STEPS_BY_HAND, 0], inputs["h_0"][:1, 0]
    largest = largest_sum([(x, weights["weight_ih_l0"]), (h, weights["weight_hh_l0"])])
    return largest if result.drawn else largest + _largest_of_h(weights)


def _largest_of_h(weights: Mapping[str, Array]) -> float:
    """The largest sum of absolute products with an h of 1, or of what a projection makes of it, in any gate."""

    def sums(name: str) -> Any:  # noqa: ANN401  # an array of the rows' sums
        return np.abs(weights[name]).sum(axis=1, dtype=np.float64)

    reach = max([1.0, *(float(sums(name).max()) for name in weights if name.startswith("weight_hr"))])
    largest = 0.0
    for name in weights:
        if name.startswith("weight_hh"):
            below = name.replace("weight_hh", "weight_ih")
            rows = sums(name) + (0.0 if name.removesuffix("_reverse") == "weight_hh_l0" else sums(below))
            largest = max(largest, float(rows.max()))
    return reach * largest
