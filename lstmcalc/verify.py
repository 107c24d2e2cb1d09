"""The proof: weights and data are drawn, the LSTM is computed, and every prediction is held against the result.

Not here: how the numbers are computed (`numerics`), and other frameworks (`judges`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.arrays import Array
from lstmcalc.config import DTYPE_BYTES, DataSpec, LSTMConfig
from lstmcalc.equations import evaluate
from lstmcalc.errors import TooLargeError, UnsupportedError, bytes_text
from lstmcalc.judges import JUDGES, check_judge, run_judge
from lstmcalc.machine import available_memory
from lstmcalc.model import LSTMModel, output_text
from lstmcalc.numerics import forward

Arrays: TypeAlias = dict[str, Array]
Progress: TypeAlias = Callable[[int, int], None]  # steps done, steps in all

RUN_DTYPES: Final = ("float32", "float64", "float16")
SEQUENCES_ALONE: Final = 8  # how many sequences of a batch are run again on their own
STEPS_BY_HAND: Final = 100  # how many steps the equations are evaluated one by one
SATURATED: Final = 16.0  # sigmoid and tanh of a sum that large can be 1 to the last bit

# How far two computations of the same LSTM may be apart. float16 is computed in float32 and rounded, so that two
# results can differ by one unit in the last place, 2**-10; hence also relative to the largest value above 1.
TOLERANCE: Final = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3}


class Check(NamedTuple):
    """One prediction and what became of it.

    Attributes:
        name: What is claimed: `h_n[2] = output[-1, :, :20]`.
        relation: How `actual` must stand to `expected`: `=`, `<=` or `>`.
        expected: The prediction: a shape, a count, or a bound.
        actual: What was computed; of an error, relative to the largest value where that is above 1.
        max_abs_error: The largest absolute difference, where two arrays were compared.
        passed: Whether the claim holds.
    """

    name: str
    relation: str
    expected: Any
    actual: Any
    max_abs_error: float | None
    passed: bool


class Run(NamedTuple):
    """Everything a run drew and computed, by PyTorch's names, and its checks."""

    weights: Arrays
    inputs: Arrays
    outputs: Arrays
    checks: list[Check]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return all(check.passed for check in self.checks)


def check_run(config: LSTMConfig, data: DataSpec, against: Sequence[str] = ()) -> None:
    """Refuse a run that cannot be done, before it starts.

    Raises:
        UnsupportedError: NumPy, or a framework to compare with, cannot compute this.
        MissingExtraError: A framework to compare with is not installed.
        TooLargeError: It would not fit in memory.
    """
    if data.dtype not in RUN_DTYPES:
        raise UnsupportedError(
            f"run does not compute in {data.dtype}",
            expected=f"one of {', '.join(RUN_DTYPES)}",
            found=data.dtype,
            where="--dtype",
        )
    needed, available = run_memory(config, data, against), available_memory()
    if needed > available:
        raise TooLargeError(
            "this run would not fit in memory",
            expected=f"at most the {bytes_text(available)} that are free ({available:,} bytes)",
            found=f"a need of {bytes_text(needed)} ({needed:,} bytes)",
            hint="a smaller batch, sequence or LSTM fits; shapes and params answer for any size",
        )
    for name in against:
        check_judge(name, config, data)


def run_memory(config: LSTMConfig, data: DataSpec, against: Sequence[str] = ()) -> int:
    """The bytes a run takes at its peak: an upper estimate, within about twice what is really taken.

    Other frameworks are a rough guess: their libraries, some copies of the weights, and as much for the data again.
    """
    stored = DTYPE_BYTES[data.dtype]
    working = max(stored, DTYPE_BYTES["float32"])  # float16 is computed in float32
    model = LSTMModel(config)
    batch, rows = data.num_sequences, data.seq_len * data.num_sequences
    width, hidden = config.num_directions * config.output_size, config.hidden_size
    one_state = model.num_cells * (config.output_size + hidden)
    states = one_state * batch
    largest_cell = max(subtotal.numel for subtotal in model.storage.subtotals[: config.num_directions + 1])
    kept = model.num_parameters + rows * (config.input_size + width) + 2 * states
    buffers = rows * (4 * hidden + 2 * width + 2 * config.input_size) + 2 * states + 5 * batch * hidden
    converted = 2 * largest_cell  # one being made while the last is not yet gone
    computing = (buffers + (converted if stored < working else 0)) * working
    by_hand = DTYPE_BYTES["float64"] * (largest_cell + 4 * hidden * config.input_size)
    compared = 3 * DTYPE_BYTES["float64"] * (data.seq_len * width + one_state + batch * width)
    bookkeeping = 2**17 + 40 * data.seq_len + 500 * model.storage.num_arrays  # Python's own objects
    own = kept * stored + max(computing, by_hand) + compared + bookkeeping
    judges = [JUDGES[name] for name in against]  # one after the other, but their libraries stay
    copies = max((judge.copies for judge in judges), default=0)
    libraries = sum(judge.library for judge in judges)
    return own + (copies * model.num_parameters * working + computing + libraries if against else 0)


def run(
    config: LSTMConfig,
    data: DataSpec,
    seed: int = 0,
    against: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Draw weights and data, compute the LSTM, and check every prediction.

    Args:
        config: The LSTM.
        data: The data it is given.
        seed: Any integer; the same seed draws the same numbers.
        against: Frameworks to compare with, of `judges.JUDGES`.
        progress: Called after every computed step.

    Raises:
        LstmcalcError: As `check_run`.
    """
    check_run(config, data, against)
    model = LSTMModel(config)
    weights, inputs = draw(model, data, seed)
    on_step = _stepper(config, data, progress)
    state = inputs["h_0"], inputs["c_0"]
    output, (h_n, c_n) = forward(config, weights, inputs["input"], state, data.lengths, on_step=on_step)
    result = Run(weights, inputs, {"output": output, "h_n": h_n, "c_n": c_n}, [])
    result.checks.extend(
        [
            *_check_shapes(model, data, result),
            *_check_states(model, data, result),
            *_check_equations(model, data, result, on_step),
            *_check_alone(config, data, result, on_step),
            *_check_bounds(config, data, result),
        ]
    )
    for name in against:
        result.checks.extend(_check_against(name, config, data, result))
    return result


def draw(model: LSTMModel, data: DataSpec, seed: int) -> tuple[Arrays, Arrays]:
    """Weights from U(-1/sqrt(H_cell), 1/sqrt(H_cell)) in `state_dict` order, then a normal input, h_0 and c_0.

    The distribution and the order are those of `torch.nn.LSTM.reset_parameters` (torch 2.13.0), the numbers NumPy's.
    """
    generator = np.random.default_rng(seed % 2**64)
    dtype, config = np.dtype(data.dtype), model.config
    work: Any = np.float64 if dtype == np.float64 else np.float32
    bound = config.hidden_size**-0.5

    def uniform(shape: tuple[int, ...]) -> Array:
        values = generator.random(shape, dtype=work)
        values *= 2 * bound
        values -= bound
        return values.astype(dtype, copy=False)

    def normal(*shape: int) -> Array:
        return generator.standard_normal(shape, dtype=work).astype(dtype, copy=False)

    weights = {parameter.name: uniform(parameter.shape) for parameter in model.parameters}
    # The data's shapes are spelled out here, not asked of the model: its prediction is to be checked against them.
    batch = () if data.batch is None else (data.batch,)
    steps = (*batch, data.seq_len) if config.batch_first else (data.seq_len, *batch)
    states = config.num_layers * (2 if config.bidirectional else 1)
    inputs = {
        "input": normal(*steps, config.input_size),
        "h_0": normal(states, *batch, config.proj_size or config.hidden_size),
        "c_0": normal(states, *batch, config.hidden_size),
    }
    return weights, inputs


def saved_arrays(config: LSTMConfig, data: DataSpec, result: Run) -> Arrays:
    """What is needed to repeat a run elsewhere: the LSTM as text, weights, inputs, lengths if any, and outputs."""
    lengths = {} if data.lengths is None else {"lengths": np.array(data.lengths)}
    return {"config": np.array(str(config)), **result.weights, **result.inputs, **lengths, **result.outputs}


def _stepper(config: LSTMConfig, data: DataSpec, progress: Progress | None) -> Callable[[], None] | None:
    """Count the steps of all forward passes: of the batch, and those of `_check_equations` and `_check_alone`."""
    if progress is None:
        return None
    lengths = [_length(data, n) for n in _picked(data)]
    first = sum(lengths[:1])
    steps = len(data.batch_sizes) + min(first, STEPS_BY_HAND) + sum(lengths) + 2 * first
    total = steps * config.num_layers * config.num_directions
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return step


def _picked(data: DataSpec) -> list[int]:
    """At most `SEQUENCES_ALONE` sequences, evenly spread over the batch."""
    count = data.num_sequences
    picked = min(count, SEQUENCES_ALONE)
    return [k * count // picked for k in range(picked)]


def _length(data: DataSpec, n: int) -> int:
    """The steps of one sequence."""
    return data.lengths[n] if data.lengths else data.seq_len


def _check_shapes(model: LSTMModel, data: DataSpec, result: Run) -> Iterator[Check]:
    computed = {**result.inputs, **result.outputs}
    if data.lengths:
        computed |= _packed(model.config, data, result.inputs["input"])
    for tensor in model.tensors_of(data):
        actual = computed[tensor.name].shape
        yield Check(f"shape of {tensor.name}", "=", list(tensor.shape), list(actual), None, actual == tensor.shape)
    count = sum(array.size for array in result.weights.values())
    yield Check("number of weights", "=", model.num_parameters, count, None, count == model.num_parameters)


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
        error = _distance(output[state.equals], h_n[state.position])
        yield Check(f"{name} = {output_text(state.equals)}", "=", 0.0, error, error, error == 0)
        if state.differs:
            error = _distance(output[state.differs], h_n[state.position])
            # In float16, and where the gates are saturated to the last bit, equal numbers show nothing.
            if error == 0 and (data.dtype == "float16" or _largest_sum(model.config, data, result) > SATURATED):
                continue
            yield Check(f"{name} != {output_text(state.differs)}", ">", 0.0, error, error, error > 0)


def _check_equations(
    model: LSTMModel, data: DataSpec, result: Run, on_step: Callable[[], None] | None
) -> Iterator[Check]:
    """The model's own equations, with the gate rows it predicts, give what the forward pass computes."""
    if not data.num_sequences:
        return
    inputs = _time_first(model.config, data, result.inputs)
    steps = min(_length(data, 0), STEPS_BY_HAND)
    x, state = inputs["input"][:steps, 0], (inputs["h_0"][:, 0], inputs["c_0"][:, 0])
    output, (h_n, c_n) = forward(_steps_first(model.config), result.weights, x, state, on_step=on_step)
    exact, (h_exact, c_exact) = evaluate(model, result.weights, x, state)
    pairs = ((output, exact), (h_n, h_exact), (c_n, c_exact))
    what = "equations, gate by gate" + (f" ({steps} steps)" if steps < _length(data, 0) else "")
    yield _near(what, pairs, _tolerance(model.config, data, result))


def _check_alone(
    config: LSTMConfig, data: DataSpec, result: Run, on_step: Callable[[], None] | None
) -> Iterator[Check]:
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
    yield _near(claim, pairs(), _tolerance(config, data, result))

    if data.lengths:
        behind = max(
            float(np.abs(outputs["output"][length:, n]).max(initial=0)) for n, length in enumerate(data.lengths)
        )
        yield Check("output behind each sequence = 0", "=", 0.0, behind, behind, behind == 0)

    zeros = np.zeros_like(inputs["h_0"][:, 0]), np.zeros_like(inputs["c_0"][:, 0])
    omitted, given = single(0, None), single(0, zeros)
    same = [(omitted[name], given[name]) for name in omitted]
    yield _near("h_0, c_0 omitted = zeros", same, _tolerance(config, data, result))


def _steps_first(config: LSTMConfig) -> LSTMConfig:
    return replace(config, batch_first=False)


def _time_first(config: LSTMConfig, data: DataSpec, arrays: Mapping[str, Array]) -> Arrays:
    """The arrays with the sequence on axis 1: `(L, N, ...)`, and states as they are."""
    if data.unbatched:
        return {name: array[:, None] for name, array in arrays.items()}
    swapped = ("input", "output") if config.batch_first else ()
    return {name: array.swapaxes(0, 1) if name in swapped else array for name, array in arrays.items()}


def _check_bounds(config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    """H is o tanh(c), so that its absolute value cannot exceed 1 unless it is projected."""
    if not config.proj_size and data.num_sequences:
        largest = max(float(np.abs(result.outputs[name]).max()) for name in ("output", "h_n"))
        yield Check("largest |h|", "<=", 1.0, largest, None, largest <= 1)


def _check_against(name: str, config: LSTMConfig, data: DataSpec, result: Run) -> Iterator[Check]:
    verdict = run_judge(name, config, data, result.weights, result.inputs)
    tolerance = _tolerance(config, data, result, rounded_inside=True)
    for tensor, theirs in verdict.outputs.items():
        yield _near(f"{tensor} of {verdict.judge}", [(result.outputs[tensor], theirs)], tolerance)


def _tolerance(config: LSTMConfig, data: DataSpec, result: Run, *, rounded_inside: bool = False) -> float:
    """How far two computations of this LSTM on this data may be apart.

    `TOLERANCE`, unless the gates sum so many or so large products that rounding alone can exceed it: a sum of products
    is computed within a few times u times the sum of their absolute values, u being half a unit in the last place
    (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). With default weights, float32 needs
    more than 1e-6 from about 500 features or 1,000 cells on, and PyTorch (2.13.0) is as far from its own float64 there.

    Args:
        config: The LSTM.
        data: Its data.
        result: The weights and the input to measure.
        rounded_inside: Whether the other computation rounds to the dtype at every step, as frameworks do in float16.
    """
    u = 2.0**-53 if data.dtype == "float64" else 2.0**-24
    allowed = 2.0**-11 if data.dtype == "float16" and rounded_inside else 2 * u
    return max(TOLERANCE[data.dtype], allowed * _largest_sum(config, data, result))


def _largest_sum(config: LSTMConfig, data: DataSpec, result: Run) -> float:
    """The largest sum of absolute products in a gate of the first layer, in the first steps of the first sequence.

    With default weights and normal data it is the largest of all: other layers read h, which is smaller.
    """
    if not data.num_sequences:
        return 0.0
    inputs = _time_first(config, data, result.inputs)
    x, h = np.abs(inputs["input"][:STEPS_BY_HAND, 0]), np.abs(inputs["h_0"][0, 0])
    weight_ih, weight_hh = (np.abs(result.weights[name]) for name in ("weight_ih_l0", "weight_hh_l0"))
    sums = x.astype(np.float64) @ weight_ih.T + h.astype(np.float64) @ weight_hh.T
    return float(sums.max())


def _near(name: str, pairs: Iterable[tuple[Array, Array]], tolerance: float) -> Check:
    """Both of every pair are equal within the tolerance, relative to the largest value where that is above 1.

    What is held against the tolerance is the relative error, so that the bound does not depend on which pair is the
    worst, which is another on another processor.
    """
    worst, largest = 0.0, 0.0
    for ours, theirs in pairs:
        error = _distance(ours, theirs)
        relative = error / max(1.0, float(np.abs(theirs).max(initial=0)))
        # Only another NaN replaces a NaN.
        worst = relative if np.isnan(relative) or relative > worst else worst
        largest = error if np.isnan(error) or error > largest else largest
    return Check(name, "<=", tolerance, worst, largest, worst <= tolerance)


def _distance(ours: Array, theirs: Array) -> float:
    """The largest absolute difference; 0 if both are empty."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size:
        return 0.0
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
