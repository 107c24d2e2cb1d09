"""The checks of a run: every prediction compared with the computed numbers.

Not here: the drawing and computing, and their order (`run`), the result (`result`), and the distances that are
allowed (`allowed`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.lstm import GATES, LSTMModel, output_text
from lstmcalc.model.surroundings import extras, tensors_around
from lstmcalc.numerics.arguments import OnStep, Step
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.forward import forward
from lstmcalc.numerics.tracing import Trace
from lstmcalc.proof.allowed import STEPS_BY_HAND, allowed_distance, largest_in_gates, steps_first, time_first
from lstmcalc.proof.closeness import Check, check_close, distance
from lstmcalc.proof.judges import Verdict, run_judge
from lstmcalc.proof.passes import forward_pass
from lstmcalc.proof.reference import evaluate
from lstmcalc.proof.result import Arrays, Run, nonfinite_counts
from lstmcalc.proof.sensitivity import COARSE, TIMES, rounding_change
from lstmcalc.spec.config import DataSpec, LSTMConfig, Surroundings
from lstmcalc.spec.words import with_dots

SEQUENCES_ALONE: Final = 8  # sequences of a batch that are run again alone
STEPS_OF_LAYOUT: Final = 10  # steps of two sequences that are computed with their axes swapped
SATURATED: Final = 16.0  # sigmoid and tanh of a sum that large can be 1 to the last bit


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
        result: The arrays that were drawn and computed.
        traced: Values of the first and the last layer, by the names of `numerics.tracing`: h of the last one after
            every step; all values of both where each direction ends.
        on_step: Called after every step that is computed for a check.
    """
    shapes = list(_check_shapes(model, data, around, result))
    yield from shapes
    yield from _check_count(model, around, result)
    yield from _check_finite(result)
    if not result.finite:
        return  # results computed from NaN prove nothing
    yield from _check_states(model, data, result)
    if all(check.passed for check in shapes):  # the claims on the tensors assume these shapes
        yield from _check_claims(model, data, around, result, traced)
    yield from _check_equations(model, data, result, on_step)
    yield from _check_alone(model.config, data, result, on_step)
    yield from _check_layout(model.config, data, result, on_step)
    yield from _check_bounds(model.config, data, result)


def steps_to_check(data: DataSpec) -> int:
    """The number of steps of each layer and direction that are computed for checks."""
    lengths = [_length(data, n) for n in _picked_sequences(data)]
    first = sum(lengths[:1])
    again = 0 if data.unbatched or not lengths else 2 * min(data.seq_len, STEPS_OF_LAYOUT)
    return min(first, STEPS_BY_HAND) + sum(lengths) + 2 * first + again


def _picked_sequences(data: DataSpec) -> list[int]:
    """Indices of at most `SEQUENCES_ALONE` sequences, evenly spread over the batch."""
    count = data.num_sequences
    picked = min(count, SEQUENCES_ALONE)
    return [k * count // picked for k in range(picked)]


def _length(data: DataSpec, n: int) -> int:
    """The number of steps of sequence n."""
    return data.lengths[n] if data.lengths else data.seq_len


def _check_shapes(model: LSTMModel, data: DataSpec, around: Surroundings, result: Run) -> Iterator[Check]:
    computed = {**result.inputs, **result.outputs}
    if data.lengths:
        computed |= _packed_tensors(model.config, data, result.inputs["input"])
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
    """Check that given weights and inputs are finite; drawn ones always are."""
    for what, arrays in (("weights", {} if result.drawn else result.weights), ("input", result.inputs)):
        bad = nonfinite_counts(arrays)
        if bad or (what == "weights" and not result.drawn):
            listed = f": {with_dots(list(bad), _LISTED)}" if bad else ""
            yield Check(f"NaN or Inf in the {what}{listed}", "=", 0, sum(bad.values()), None, not bad)


_LISTED: Final = 4  # arrays in the name of a check


def _packed_tensors(config: LSTMConfig, data: DataSpec, x: Array) -> dict[str, Any]:
    """The parts of `pack_padded_sequence(x, lengths, enforce_sorted=False)`."""
    steps = x.swapaxes(0, 1) if config.batch_first else x
    order, sizes = list(data.sorted_indices), data.batch_sizes
    rows = [steps[t, order[:running]] for t, running in enumerate(sizes)]
    return {"packed.data": np.concatenate(rows), "packed.batch_sizes": np.array(sizes)}


def _check_states(model: LSTMModel, data: DataSpec, result: Run) -> Iterator[Check]:
    """Check the state map, and that h_n differs from the slice of output that it is often confused with."""
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
    """One check for each claim of `explain` on the tensors; if it fails, for the relation that fails."""
    names: dict[str, Any] = {**model.data_symbols(data), **traced, **result.around, **result.inputs, **result.outputs}
    if data.lengths:
        names |= _packed_tensors(model.config, data, result.inputs["input"])
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
        if claim.topic == "around":  # the same product in another memory order may round differently
            check = check_close(relation.text, [(left, right)], allowed_distance(model.config, data, result))
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
    """True if equality proves nothing: for given numbers, in float16, and if gates are saturated to the last bit.

    Given weights can be zeros, or can saturate a gate of any layer.
    """
    return result.noise is not None or data.dtype == "float16" or largest_in_gates(config, data, result) > SATURATED


def _check_equations(model: LSTMModel, data: DataSpec, result: Run, on_step: OnStep | None) -> Iterator[Check]:
    """Compare the forward pass with the model's own equations and the gate rows it predicts.

    Compared are output, h_n and c_n, and every gate of every step of the first and the last layer.
    """
    if not data.num_sequences:
        return
    config = model.config
    inputs = time_first(config, data, result.inputs)
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

    functions = result.activations
    output, (h_n, c_n) = forward(steps_first(config), result.weights, x, state, on_step=record, activations=functions)
    exact, (h_exact, c_exact) = evaluate(model, result.weights, x, state, record_exact, functions)
    pairs: list[tuple[Array, Array]] = [(output, exact), (h_n, h_exact), (c_n, c_exact)]
    pairs += [(ours.arrays[name], theirs.arrays[name]) for name in ours.arrays]
    what = "equations, gate by gate" + (f" ({steps} step{'s' * (steps > 1)})" if steps < _length(data, 0) else "")
    yield check_close(what, pairs, allowed_distance(config, data, result._replace(noise=noise)))


def _steps_that_tell(
    config: LSTMConfig, result: Run, inputs: Arrays, most: int, traced: Sequence[int]
) -> tuple[int, float]:
    """The steps of one sequence that can be compared before rounding grows too large, and the rounding over them."""
    steps = most
    while True:
        data = DataSpec.given(steps, unbatched=True, dtype=inputs["input"].dtype.name)
        first = {**inputs, "input": inputs["input"][:steps]}
        own, functions = steps_first(config), result.activations
        noise = rounding_change(own, data, result.weights, first, traced=traced, activations=functions)
        if steps == 1 or noise * TIMES <= COARSE:
            return steps, noise
        steps //= 2


def _check_alone(config: LSTMConfig, data: DataSpec, result: Run, on_step: OnStep | None) -> Iterator[Check]:
    """Check that sequences alone give their own rows, omitted states are zeros, and output after a sequence is zero."""
    picked = _picked_sequences(data)
    if not picked:
        return
    inputs, outputs = time_first(config, data, result.inputs), time_first(config, data, result.outputs)
    runner = forward_pass(steps_first(config), result.weights, result.activations)

    def single(n: int, state: tuple[Array, Array] | None) -> Arrays:
        """The results of sequence n without a batch axis; unbatched data is computed as a batch of one."""
        x = inputs["input"][: _length(data, n), n]
        if data.unbatched:
            x, state = x[:, None], state and (state[0][:, None], state[1][:, None])
        output, (h_n, c_n) = runner(x, state, on_step=on_step)
        found = {"output": output, "h_n": h_n, "c_n": c_n}
        return {name: array[:, 0] for name, array in found.items()} if data.unbatched else found

    def pairs() -> Iterator[tuple[Array, Array]]:
        for n in picked:
            for name, array in single(n, (inputs["h_0"][:, n], inputs["c_0"][:, n])).items():
                yield outputs[name][: len(array), n], array

    count = f"{len(picked)} of {data.num_sequences}" if data.num_sequences > len(picked) else f"all {len(picked)}"
    claim = "a batch of one gives the same" if data.unbatched else f"each sequence alone gives the same ({count})"
    yield check_close(claim, pairs(), allowed_distance(config, data, result))

    if data.lengths:
        behind = max(
            float(np.abs(outputs["output"][length:, n]).max(initial=0)) for n, length in enumerate(data.lengths)
        )
        yield Check("output behind each sequence = 0", "=", 0.0, behind, behind, behind == 0)

    zeros = np.zeros_like(inputs["h_0"][:, 0]), np.zeros_like(inputs["c_0"][:, 0])
    omitted, given = single(0, None), single(0, zeros)
    same = [(omitted[name], given[name]) for name in omitted]
    yield check_close("h_0, c_0 omitted = zeros", same, allowed_distance(config, data, result))


def _check_layout(config: LSTMConfig, data: DataSpec, result: Run, on_step: OnStep | None) -> Iterator[Check]:
    """Check that the opposite `batch_first` swaps the axes of input and output, and leaves h_n and c_n unchanged."""
    picked = _picked_sequences(data)[:2]
    if data.unbatched or not picked:
        return
    x = time_first(config, data, result.inputs)["input"][:STEPS_OF_LAYOUT, picked]
    state = result.inputs["h_0"][:, picked], result.inputs["c_0"][:, picked]
    functions: Any = {"on_step": on_step, "activations": result.activations}
    steps, (h_n, c_n) = forward(steps_first(config), result.weights, x, state, **functions)
    x, first = np.ascontiguousarray(x.swapaxes(0, 1)), replace(config, batch_first=True)
    batches, (h_first, c_first) = forward(first, result.weights, x, state, **functions)
    pairs = [(batches.swapaxes(0, 1), steps), (h_first, h_n), (c_first, c_n)]
    other = f"batch_first={not config.batch_first}"
    yield check_close(f"{other}: output.transpose(0, 1), same h_n, c_n", pairs, allowed_distance(config, data, result))


def _check_bounds(config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    """Check that |h|, o tanh(c), is at most 1 unless projected, and a drawn weight at most 1/sqrt(H_cell)."""
    if not config.proj_size and data.num_sequences and result.activations.cell == "tanh":
        largest = max(float(np.abs(result.outputs[name]).max()) for name in ("output", "h_n"))
        yield Check("largest |h|", "<=", 1.0, largest, None, largest <= 1)
    if not result.drawn:
        return
    bound = float(np.dtype(data.dtype).type(config.hidden_size**-0.5))
    largest = max(float(np.abs(array).max()) for array in result.weights.values())
    yield Check("largest |weight|, 1/sqrt(H_cell)", "<=", bound, largest, None, largest <= bound)


def check_against(name: str, config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    """Compare the outputs with another framework's for the same numbers; no check if any of them is NaN or Inf."""
    if result.finite:
        verdict = run_judge(name, config, data, result.weights, result.inputs, result.activations)
        yield from check_verdict(verdict, config, data, result)


def check_verdict(verdict: Verdict, config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    """Compare the outputs with those of something else; no check if a weight or an input is NaN or Inf."""
    if not result.finite:
        return
    allowed = allowed_distance(config, data, result, rounded_inside=True)
    for tensor, theirs in verdict.outputs.items():
        yield check_close(f"{tensor} of {verdict.judge}", [(result.outputs[tensor], theirs)], allowed)
