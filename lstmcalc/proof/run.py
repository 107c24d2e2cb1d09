"""A run: draw weights and data, compute the LSTM, and compare every prediction with the result.

Not here: how the numbers are computed (`numerics`), the checks themselves (`checks`), and other frameworks (`judges`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.errors import ArrayError, TooLargeError, UnsupportedError, bytes_text
from lstmcalc.machine import available_memory
from lstmcalc.model.claims import ALONE
from lstmcalc.model.lstm import TRACED, LSTMModel
from lstmcalc.model.surroundings import EMBEDDING, HEAD, extras, logits
from lstmcalc.numerics.arguments import OnStep, Step, weight_shapes
from lstmcalc.numerics.arrays import Array, array_of_shape, check_names
from lstmcalc.numerics.fast.runner import LSTMRunner
from lstmcalc.numerics.torch_random import (
    DRAWN_DTYPES,
    TorchGenerator,
    drawing_memory,
    random_embedding,
    random_linear,
    random_weights,
)
from lstmcalc.numerics.tracing import Ends, Trace
from lstmcalc.proof.allowed import STEPS_BY_HAND
from lstmcalc.proof.checks import check_against, run_checks, steps_to_check
from lstmcalc.proof.judges import JUDGES, check_judge
from lstmcalc.proof.passes import forward_pass
from lstmcalc.proof.result import Arrays, Run
from lstmcalc.proof.sensitivity import rounding_change
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import DTYPE_BYTES, DataSpec, LSTMConfig, Surroundings

Progress: TypeAlias = Callable[[int, int], None]  # steps done, steps in all

RUN_DTYPES: Final = DRAWN_DTYPES
_OBJECT: Final = 500  # bytes that Python takes for an array, besides its numbers
_FEW: Final = 10_000  # layers that are looked at in no time


def check_run(
    config: LSTMConfig,
    data: DataSpec,
    against: Sequence[str] = (),
    *,
    around: Surroundings = ALONE,
    traced: bool = False,
    given: bool = False,
    chunked: bool = False,
    activations: Activations = PYTORCH,
) -> None:
    """Refuse a run that cannot be computed, here or in a framework of `against`, or does not fit in memory."""
    if data.dtype not in RUN_DTYPES:
        raise UnsupportedError(
            f"run does not compute in {data.dtype}",
            expected=f"one of {', '.join(RUN_DTYPES)}",
            found=data.dtype,
            where="--dtype",
        )
    available = available_memory()
    model = LSTMModel(config)
    needed = model.num_parameters * DTYPE_BYTES[data.dtype] + _OBJECT * model.storage.num_arrays
    if needed <= available or config.num_layers <= _FEW:  # else looking at each layer alone would take for ever
        needed = run_memory(config, data, against, around=around, traced=traced, given=given, chunked=chunked)
    if needed > available:
        raise TooLargeError(
            "this run would not fit in memory",
            expected=f"at most the {bytes_text(available)} that are free ({available:,} bytes)",
            found=f"a need of {bytes_text(needed)} ({needed:,} bytes)",
            hint="a smaller batch, sequence or LSTM fits; shapes and params answer for any size",
        )
    for name in against:
        check_judge(name, config, data, activations)


def run_memory(
    config: LSTMConfig,
    data: DataSpec,
    against: Sequence[str] = (),
    *,
    around: Surroundings = ALONE,
    traced: bool = False,
    given: bool = False,
    chunked: bool = False,
) -> int:
    """The peak memory of a run in bytes: an upper estimate, at most about twice the real peak.

    For other frameworks it is a rough guess: their libraries, some copies of the weights, and another forward pass.
    """
    stored = DTYPE_BYTES[data.dtype]
    working = max(stored, DTYPE_BYTES["float32"])  # float16 is computed in float32
    model, layers = LSTMModel(config), extras(config, around)
    batch, rows = data.num_sequences, data.seq_len * data.num_sequences
    width, hidden = config.num_directions * config.output_size, config.hidden_size
    one_state = model.num_cells * (config.output_size + hidden)
    states = one_state * batch
    largest_cell = max(subtotal.numel for subtotal in model.storage.subtotals[: config.num_directions + 1])
    parameters = model.num_parameters + sum(extra.numel for extra in layers)
    logits = (rows if around.head_on == "all" else batch) * (around.head or 0)
    kept = parameters + rows * (config.input_size + width) + 2 * states + logits
    steps = len(TRACED) * config.num_layers * config.num_directions * hidden if traced else width
    kept += rows * steps + 4 * config.num_directions * batch * hidden
    # Then one of these on top, whichever takes most.
    state = model.num_cells * batch * hidden
    drawn = max([largest_cell, rows * config.input_size, state, *(extra.numel for extra in layers)])
    drawing = drawing_memory(drawn, data.dtype)
    computing = LSTMRunner.memory(config, data)
    converted = 2 * largest_cell  # the next one is made while the last one still exists
    watched = 4 * config.num_directions * len(TRACED) * hidden * min(data.seq_len, STEPS_BY_HAND)
    evaluated = DTYPE_BYTES["float64"] * (largest_cell + 4 * hidden * config.input_size)
    evaluated += converted * working if stored < working else 0
    alone = LSTMRunner.memory(config, DataSpec(min(data.seq_len, STEPS_BY_HAND), 1, dtype=data.dtype))
    by_hand = DTYPE_BYTES["float64"] * watched + max(evaluated, alone)
    claimed = (2 * logits + 2 * rows * width) * working
    claimed += sum(extra.numel for extra in layers) * working if stored < working else 0
    if given:  # `rounding`: everything once more, and in float16 twice
        again = model.num_parameters + rows * (config.input_size + width) + 2 * states
        computing += (3 if stored < working else 2) * again * working
    if chunked:  # `streaming`: the weights stay prepared, and output is computed once more
        computing += model.num_parameters * working + rows * width * stored
    compared = 2 * DTYPE_BYTES["float64"] * (data.seq_len * width + one_state + batch * width)
    # Python's own objects, mostly of arrays and steps.
    bookkeeping = 2**17 + 40 * data.seq_len + (1500 if traced else _OBJECT) * model.storage.num_arrays
    own = kept * stored + max(drawing, computing, by_hand, claimed) + compared + bookkeeping
    own += own // 20
    judges = [JUDGES[name] for name in against]  # one after the other, but their libraries stay
    copies = max((judge.copies for judge in judges), default=0)
    libraries = sum(judge.library for judge in judges)
    return own + (copies * model.num_parameters * working + computing + libraries if against else 0)


def run(
    config: LSTMConfig,
    data: DataSpec,
    seed: int = 0,
    against: Sequence[str] = (),
    *,
    around: Surroundings = ALONE,
    traced: bool = False,
    progress: Progress | None = None,
    weights: Mapping[str, Array] | None = None,
    inputs: Mapping[str, Array] | None = None,
    activations: Activations = PYTORCH,
    chunked: bool = False,
) -> Run:
    """Draw weights and data, compute the LSTM and what is around it, and check every prediction.

    Given arrays are not drawn: the others are what PyTorch draws after `torch.manual_seed(seed)` without them.

    Args:
        config: The LSTM.
        data: The LSTM's data.
        seed: A seed of `torch.manual_seed`.
        against: Frameworks to compare with, of `judges.JUDGES`.
        around: The layers around it.
        traced: True to keep the gates of every step.
        progress: Called after every computed step.
        weights: The LSTM's own weights, PyTorch's names to arrays of the data's dtype; None draws them.
        inputs: `input`, of the data's shape and dtype, with `h_0` and `c_0`, which are zeros if missing; None draws all
            three.
        activations: The functions of the gates and of the cell.
        chunked: True if it will be computed in chunks too (`streaming`), for which there must be memory.
    """
    generator = TorchGenerator(seed)
    # Other functions than PyTorch's saturate, or do not, so that rounding is measured for them as for given numbers.
    given = weights is not None or inputs is not None or activations != PYTORCH
    what: dict[str, Any] = {"traced": traced, "given": given, "chunked": chunked, "activations": activations}
    check_run(config, data, against, around=around, **what)
    model = LSTMModel(config)
    drawn = draw(model, data, generator, around, weights=weights, inputs=inputs)
    on_step = _stepper(config, data, progress)
    last = config.num_layers - 1
    trace = Trace(config, data, data.dtype) if traced else Trace(config, data, data.dtype, ("h",), (last,))
    ends = Ends(config, data, data.dtype, (0, last))
    watching: list[OnStep] = [trace, ends, *([on_step] if on_step else [])]

    def record(step: Step) -> None:
        for watch in watching:
            watch(step)

    with np.errstate(all="ignore") if given else nullcontext():  # NaN and Inf fail a check
        outputs = _outputs(config, data, drawn, activations, record)
        if around.head is not None:
            outputs["logits"] = logits(config, around).value({**outputs, **drawn.around})
        arrays = drawn.weights, drawn.inputs, outputs
        noise = rounding_change(config, data, *arrays, activations=activations) if given else None
        result = Run(*drawn, outputs, trace.arrays if traced else {}, [], weights is None, noise, activations)
        result.checks.extend(run_checks(model, data, around, result, {**ends.arrays, **trace.arrays}, on_step))
        for name in against:
            result.checks.extend(check_against(name, config, data, result))
    return result


class Drawn(NamedTuple):
    """The arrays that a run draws or is given."""

    weights: Arrays  # of the LSTM
    around: Arrays  # of the layers around it
    inputs: Arrays  # `input`, `h_0` and `c_0`; with an Embedding also `tokens`


def _outputs(
    config: LSTMConfig, data: DataSpec, drawn: Drawn, activations: Activations, on_step: OnStep | None = None
) -> Arrays:
    """The LSTM's output, h_n and c_n."""
    inputs = drawn.inputs
    state = inputs["h_0"], inputs["c_0"]
    runner = forward_pass(config, drawn.weights, activations)
    output, (h_n, c_n) = runner(inputs["input"], state, data.lengths, on_step=on_step)
    return {"output": output, "h_n": h_n, "c_n": c_n}


def draw(
    model: LSTMModel,
    data: DataSpec,
    generator: TorchGenerator,
    around: Surroundings = ALONE,
    *,
    weights: Mapping[str, Array] | None = None,
    inputs: Mapping[str, Array] | None = None,
) -> Drawn:
    """The numbers drawn by a PyTorch script that makes an Embedding, the LSTM, a Linear, and then its data.

    The order is that of `model.torch_code`: tokens or the input, h_0, c_0. Given arrays are not drawn.
    """
    config, dtype = model.config, data.dtype
    layers: Arrays = {}
    if around.embed is not None:
        layers[f"{EMBEDDING}.weight"] = random_embedding(around.embed, config.input_size, generator, dtype)
    own = (
        random_weights(config, generator, dtype)
        if weights is None
        else _checked_arrays(weights, weight_shapes(config), dtype)
    )
    if around.head is not None:
        features = config.output_size * config.num_directions
        layers[f"{HEAD}.weight"], layers[f"{HEAD}.bias"] = random_linear(features, around.head, generator, dtype)
    # The data's shapes are spelled out here, not taken from the model: its prediction is checked against them.
    batch = () if data.batch is None else (data.batch,)
    steps = (*batch, data.seq_len) if config.batch_first else (data.seq_len, *batch)
    states = config.num_layers * (2 if config.bidirectional else 1)
    shapes = {
        "input": (*steps, config.input_size),
        "h_0": (states, *batch, config.proj_size or config.hidden_size),
        "c_0": (states, *batch, config.hidden_size),
    }
    if inputs is not None:
        zeros = {name: np.zeros(shapes[name], dtype) for name in ("h_0", "c_0")}
        return Drawn(own, layers, _checked_arrays({**zeros, **inputs}, shapes, dtype))
    drawn: dict[str, Any] = {}  # tokens are integers
    if around.embed is None:
        drawn["input"] = generator.normal(shapes["input"], dtype)
    else:
        drawn["tokens"] = generator.integers(around.embed, steps)
        drawn["input"] = layers[f"{EMBEDDING}.weight"][drawn["tokens"]]
    for name in ("h_0", "c_0"):
        drawn[name] = generator.normal(shapes[name], dtype)
    return Drawn(own, layers, drawn)


def _checked_arrays(arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]], dtype: str) -> Arrays:
    """The given arrays, refused unless all are there with the right shape and dtype."""
    check_names("what is given", arrays, tuple(shapes), "the arrays of this LSTM", ", ".join(shapes))
    checked = {name: array_of_shape(name, arrays[name], shape) for name, shape in shapes.items()}
    for name, array in checked.items():
        if array.dtype != dtype:
            raise ArrayError("the dtype does not fit", f"{dtype}, as the data says", array.dtype.name, where=name)
    return checked


def saved_arrays(config: LSTMConfig, data: DataSpec, result: Run) -> Arrays:
    """The arrays to repeat a run elsewhere: the LSTM as text, weights, inputs, lengths, outputs and the trace."""
    lengths = {} if data.lengths is None else {"lengths": np.array(data.lengths)}
    stored = {"config": np.array(str(config)), **result.weights, **result.around}
    return {**stored, **result.inputs, **lengths, **result.outputs, **result.trace}


def _stepper(config: LSTMConfig, data: DataSpec, progress: Progress | None) -> OnStep | None:
    """A callback that counts the steps of all forward passes, the checks' too; None without `progress`."""
    if progress is None:
        return None
    total = (len(data.batch_sizes) + steps_to_check(data)) * config.num_layers * config.num_directions
    done = 0

    def step(_: Step) -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return step
