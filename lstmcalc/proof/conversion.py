"""The proof of a conversion: what was read back, compared with what was to be written, as numbers and computed.

Weights have to be the same to the last bit; a bias that was added up, or that lost what the target adds at run time,
may have been rounded. Then both are computed on random data with random states, whole and packed.

Not here: how a file is read back (`intake.load`), and other programs that compute it (`judges`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lstmcalc.errors import ArrayError, UnsupportedError
from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof.allowed import allowed_distance
from lstmcalc.proof.passes import forward_pass
from lstmcalc.proof.result import Run
from lstmcalc.proof.sensitivity import rounding_change
from lstmcalc.spec.activations import Activations
from lstmcalc.spec.config import DataSpec, LSTMConfig

if TYPE_CHECKING:
    from lstmcalc.proof.judges import Verdict
    from lstmcalc.proof.mistakes.verdict import Explained

STEPS: Final = 7  # of the data; enough for every gate order to tell, and few enough for LSTMs that magnify rounding
LENGTHS: Final = (7, 4, 2)  # of the packed batch
_UNITS: Final = 2.0  # in the last place, that a bias may be off: it was added up, or something was taken off it


class Compared(NamedTuple):
    """One tensor, compared."""

    name: str  # `weight_ih_l0`, `output`, `packed output`, `output of PyTorch 2.13.0`
    max_abs_error: float | None  # the largest difference; None if it is not finite
    allowed: float
    holds: bool


class Sides(NamedTuple):
    """An LSTM whose file is held against what was to be written, with both computed."""

    config: LSTMConfig
    activations: Activations
    weights: Mapping[str, Array]  # that were to be written, under PyTorch's names
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]  # of these weights
    run: Run  # the same, as the search for mistakes takes it
    data: DataSpec


def sides_of(config: LSTMConfig, activations: Activations, weights: Mapping[str, Array], seed: int = 0) -> Sides:
    """The LSTM that was to be written, computed on random data and states; numbers that are not finite stay so."""
    dtype = next(iter(weights.values())).dtype.name
    data = DataSpec(STEPS, len(LENGTHS), dtype=dtype)
    generator = TorchGenerator(seed)
    steps = (data.num_sequences, STEPS) if config.batch_first else (STEPS, data.num_sequences)
    states = config.num_layers * config.num_directions, data.num_sequences
    inputs = {
        "input": generator.normal((*steps, config.input_size), dtype),
        "h_0": generator.normal((*states, config.output_size), dtype),
        "c_0": generator.normal((*states, config.hidden_size), dtype),
    }
    with np.errstate(all="ignore"):
        outputs = computed(config, activations, weights, inputs)
        noise = rounding_change(config, data, weights, inputs, outputs, activations=activations)
    run = Run(dict(weights), {}, inputs, outputs, {}, [], drawn=False, noise=noise, activations=activations)
    return Sides(config, activations, weights, inputs, outputs, run, data)


def computed(
    config: LSTMConfig,
    activations: Activations,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    lengths: Sequence[int] | None = None,
) -> dict[str, Array]:
    """The output, h_n and c_n of an LSTM, of a packed batch if there are lengths."""
    with np.errstate(all="ignore"):
        output, (h_n, c_n) = forward_pass(config, weights, activations)(
            inputs["input"], (inputs["h_0"], inputs["c_0"]), lengths
        )
    return {"output": output, "h_n": h_n, "c_n": c_n}


def compared_weights(
    sides: Sides, theirs: Mapping[str, Array], added: Mapping[str, float] | None = None
) -> Iterator[Compared]:
    """Each weight, held against the one that was read back.

    Args:
        sides: What was to be written.
        theirs: What was read back, under PyTorch's names.
        added: What the target adds at run time to gates, by letter, and its file is without.
    """
    for name in weight_shapes(sides.config):
        if not name.startswith("bias"):
            yield _exactly(name, sides.weights[name], theirs[name])
        elif name.startswith("bias_ih"):
            second = name.replace("bias_ih", "bias_hh")
            pairs = [(sides.weights[one], theirs[one]) for one in (name, second)]
            if all(map(_same, *zip(*pairs, strict=True))):
                yield from (_exactly(one, *pair) for one, pair in zip((name, second), pairs, strict=True))
            else:
                yield _summed(f"{name} + {second}", pairs, max(map(abs, (added or {}).values()), default=0.0))


def _same(ours: Array, theirs: Array) -> bool:
    return bool(np.array_equal(ours, theirs, equal_nan=True))


def _exactly(name: str, ours: Array, theirs: Array) -> Compared:
    if _same(ours, theirs):
        return Compared(name, 0.0, 0.0, holds=True)
    error = float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
    return Compared(name, error if np.isfinite(error) else None, 0.0, holds=False)


def _summed(name: str, pairs: Sequence[tuple[Array, Array]], added: float) -> Compared:
    """The sum of two biases, each number within what adding up and taking off may have rounded."""
    dtype = pairs[0][0].dtype
    (ours_ih, theirs_ih), (ours_hh, theirs_hh) = (tuple(array.astype(np.float64) for array in pair) for pair in pairs)
    with np.errstate(all="ignore"):
        allowed = _UNITS * float(np.finfo(dtype).eps) * (np.abs(ours_ih) + np.abs(ours_hh) + added)
        apart = np.abs((ours_ih + ours_hh) - (theirs_ih + theirs_hh))
    both_nan = np.isnan(ours_ih + ours_hh) & np.isnan(theirs_ih + theirs_hh)
    holds = bool(np.all((apart <= allowed) | both_nan))
    error = float(np.where(both_nan, 0.0, apart).max())
    return Compared(name, error if np.isfinite(error) else None, float(np.nanmax(allowed)), holds)


def compared_outputs(sides: Sides, theirs: Mapping[str, Array]) -> Iterator[Compared]:
    """Each result, held against that of the weights that were read back; whole sequences, then packed ones."""
    allowed = _allowed(sides)
    found = computed(sides.config, sides.activations, theirs, sides.inputs)
    yield from _within(sides.outputs, found, "", allowed)
    ours, packed = (
        computed(sides.config, sides.activations, weights, sides.inputs, LENGTHS) for weights in (sides.weights, theirs)
    )
    yield from _within(ours, packed, "packed ", allowed)


def compared_verdict(sides: Sides, verdict: "Verdict") -> Iterator[Compared]:
    """Each result, held against what another program computes of the file."""
    allowed = _allowed(sides, rounded_inside=True)
    for row in _within(sides.outputs, verdict.outputs, "", allowed):
        yield row._replace(name=f"{row.name} of {verdict.judge}")


def _allowed(sides: Sides, *, rounded_inside: bool = False) -> float:
    if not sides.run.finite:
        return 0.0
    return allowed_distance(sides.config, sides.data, sides.run, rounded_inside=rounded_inside)


def _within(ours: Mapping[str, Array], theirs: Mapping[str, Array], prefix: str, allowed: float) -> Iterator[Compared]:
    for name, array in theirs.items():
        expected = ours[name]
        if expected.shape != array.shape:
            yield Compared(prefix + name, None, allowed, holds=False)
            continue
        same = (expected == array) | (np.isnan(expected) & np.isnan(array))  # also where both are infinite
        with np.errstate(invalid="ignore"):
            apart = np.where(same, 0.0, np.abs(expected.astype(np.float64) - array.astype(np.float64)))
        error, largest = float(apart.max(initial=0)), float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
        holds = error <= allowed * max(1.0, largest)
        yield Compared(prefix + name, error if np.isfinite(error) else None, allowed, holds)


def explanations_of(sides: Sides, theirs: Mapping[str, Array]) -> "list[Explained]":
    """The known mistakes that make of what was to be written what was computed; none if nothing explains it."""
    from lstmcalc.proof.mistakes.verdict import explained, judged

    try:
        verdict = judged(sides.config, sides.data, sides.run, theirs, kinds=("output",))
    except (ArrayError, UnsupportedError):  # a shape of no known mistake; numbers that tell nothing
        return []
    return [explained(one) for one in verdict.explanations]
