"""However steps are arranged (prepared weights, pieces, blocks, threads), the numbers are the same within rounding."""

import tracemalloc
from threading import BrokenBarrierError, active_count
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_model import configs, data

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, LSTMRunner, equations, forward, kernels, numerics
from lstmcalc.arrays import Array
from lstmcalc.errors import ArrayError
from lstmcalc.torch_random import TorchGenerator
from lstmcalc.verify import draw

Result = tuple[Array, tuple[Array, Array]]
BOUND = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3}


def apart(left: Result, right: Result) -> float:
    pairs = ((left[0], right[0]), *zip(left[1], right[1], strict=True))
    assert all(one.shape == other.shape and one.dtype == other.dtype for one, other in pairs)
    return max(float(np.abs(one.astype(float) - other.astype(float)).max(initial=0)) for one, other in pairs)


def drawn(config: LSTMConfig, spec: DataSpec, seed: int = 0) -> tuple[dict[str, Array], Array, tuple[Array, Array]]:
    weights, _, inputs = draw(LSTMModel(config), spec, TorchGenerator(seed))
    return weights, inputs["input"], (inputs["h_0"], inputs["c_0"])


@settings(deadline=None)
@given(config=configs(), spec=data(), dtype=st.sampled_from(sorted(BOUND)), seed=st.integers(0, 99))
def test_a_runner_is_forward(config: LSTMConfig, spec: DataSpec, dtype: str, seed: int) -> None:
    """Called again with other data, of other sizes and lengths, and with the first data again."""
    spec = DataSpec(spec.seq_len, spec.batch, spec.lengths, dtype)
    other = DataSpec(4, 5, (2, 4, 1, 4, 3), dtype)
    weights, x, state = drawn(config, spec, seed)
    _, y, _ = drawn(config, other, seed + 1)
    runner = LSTMRunner(config, weights)
    for _ in range(2):
        assert apart(runner(x, state, spec.lengths), forward(config, weights, x, state, spec.lengths)) == 0
        assert apart(runner(y, lengths=other.lengths), forward(config, weights, y, lengths=other.lengths)) == 0


ARRANGED = [
    (LSTMConfig(3, 48), DataSpec(7, 5, dtype="float64")),
    (LSTMConfig(3, 48, 2, bidirectional=True), DataSpec(7, 5, dtype="float64")),
    (LSTMConfig(3, 48, 2, bidirectional=True), DataSpec(7, 4, (7, 2, 5, 5), "float64")),
    (LSTMConfig(3, 48, bias=False), DataSpec(7, 4, (1, 2, 5, 7), "float64")),
    (LSTMConfig(3, 48, 2, bidirectional=True, batch_first=True), DataSpec(7, 1, dtype="float64")),
    (LSTMConfig(3, 51), DataSpec(9, None, dtype="float64")),
    (LSTMConfig(3, 48, 2, bidirectional=True, proj_size=5), DataSpec(7, 5, dtype="float64")),
    (LSTMConfig(3, 48, 2, proj_size=5), DataSpec(7, 4, (3, 2, 5, 7), "float64")),
    (LSTMConfig(3, 48, bidirectional=True), DataSpec(7, 0, dtype="float64")),
]


@pytest.mark.parametrize(("config", "spec"), ARRANGED, ids=str)
@pytest.mark.parametrize(
    "rules",
    [
        {"CHUNK": 1},
        {"CHUNK": 3 * 4 * 48 * 8 * 5},
        {"SMALL": 1},
        {"SMALL": 5 * 48 * 16, "NARROW": 4},
        {"STACKED": 0},
        {"UNALIGNED": 0},
        {"LIMITED": 0},
        {"STACKED": 0, "CHUNK": 1, "SMALL": 5 * 48 * 12, "NARROW": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_no_rule_changes_a_number(
    config: LSTMConfig, spec: DataSpec, rules: dict[str, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, x, state = drawn(config, spec)
    expected = forward(config, weights, x, state, spec.lengths)
    for name, value in {"THREADED": 1, "SHARED": 1, **rules}.items():
        monkeypatch.setattr(kernels, name, value)
    runner = LSTMRunner(config, weights, threads)
    for _ in range(2):
        assert apart(runner(x, state, spec.lengths), expected) <= BOUND["float64"]


@pytest.mark.parametrize(("config", "spec"), [case for case in ARRANGED if case[1].num_sequences], ids=str)
@pytest.mark.parametrize("rules", [{}, {"STACKED": 0, "CHUNK": 1, "SMALL": 5 * 48 * 12, "NARROW": 4}], ids=str)
def test_every_arrangement_is_what_the_equations_give(
    config: LSTMConfig, spec: DataSpec, rules: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks and stacked directions, against the model's tables executed one sequence at a time."""
    for name, value in rules.items():
        monkeypatch.setattr(kernels, name, value)
    weights, x, state = drawn(config, spec)
    output, _ = forward(config, weights, x, state, spec.lengths)
    if config.batch_first:
        x, output = x.swapaxes(0, 1), output.swapaxes(0, 1)
    for n in range(spec.num_sequences):
        length = spec.lengths[n] if spec.lengths else spec.seq_len
        pick: Any = (slice(length),) if spec.unbatched else (slice(length), n)
        h_0, c_0 = (part if spec.unbatched else part[:, n] for part in state)
        alone, _ = equations.evaluate(LSTMModel(config), weights, x[pick], (h_0, c_0))
        assert np.abs(alone - output[pick]).max() <= 1e-12


def test_the_plans_that_are_tested_are_all_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    config = LSTMConfig(3, 48, bidirectional=True)

    def parts(threads: int, batch: int = 5, config: LSTMConfig = config) -> list[tuple[tuple[int, ...], int, int, int]]:
        plan = kernels.planned(config, batch, 4, packed=False, threads=threads)
        assert plan.threaded == (threads > 1 and len(plan.parts) > 1)
        return [(part.directions, *part.units, part.width) for part in plan.parts]

    monkeypatch.setattr(kernels, "THREADED", 1)
    monkeypatch.setattr(kernels, "SHARED", 1)
    assert parts(4) == [((0, 1), 0, 48, 48)]
    monkeypatch.setattr(kernels, "STACKED", 0)
    assert parts(1) == parts(2) == [((0,), 0, 48, 48), ((1,), 0, 48, 48)]
    monkeypatch.setattr(kernels, "SMALL", 5 * 48 * 16)
    assert parts(2) == [((0,), 0, 48, 16), ((1,), 0, 48, 16)]
    assert parts(4) == [((d,), *units, 16) for d in (0, 1) for units in ((0, 32), (32, 48))]
    assert parts(2, 1, LSTMConfig(3, 51)) == [((0,), 0, 25, 25), ((0,), 25, 51, 26)]
    assert parts(2, 5, LSTMConfig(3, 51)) == [((0,), 0, 51, 51)]  # no number near 16 divides 51 units


def test_a_failing_thread_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    config, spec = LSTMConfig(3, 48), DataSpec(50, 1)
    weights, x, state = drawn(config, spec)
    monkeypatch.setattr(kernels, "THREADED", 1)
    monkeypatch.setattr(kernels, "SHARED", 1)
    monkeypatch.setattr(kernels, "CHUNK", 4 * 4 * 48 * 3)
    from_input, seen = kernels._from_input, 0  # noqa: SLF001

    def failing(part: kernels.Part, *rest: Any) -> Array:
        nonlocal seen
        seen += part.units[0] > 0
        if seen == 3:
            raise MemoryError
        return from_input(part, *rest)

    monkeypatch.setattr(kernels, "_from_input", failing)
    before = active_count()
    with pytest.raises((MemoryError, BrokenBarrierError)):
        forward(config, weights, x, state, threads=2)
    assert active_count() == before


def test_with_a_trace_there_are_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    config, spec = LSTMConfig(3, 48), DataSpec(5, 1)
    weights, x, _ = drawn(config, spec)
    monkeypatch.setattr(kernels, "THREADED", 1)
    monkeypatch.setattr(kernels, "SHARED", 1)
    monkeypatch.setattr(kernels, "ThreadPoolExecutor", None)
    steps: list[kernels.Step] = []
    LSTMRunner(config, weights, 2)(x, on_step=steps.append)
    assert [step.t for step in steps] == [0, 1, 2, 3, 4]


def test_without_threadpoolctl_blas_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_controller", lambda: None)
    config, spec = LSTMConfig(64, 128), DataSpec(9, 8)
    weights, x, _ = drawn(config, spec)
    monkeypatch.setattr(kernels, "LIMITED", 0)
    assert apart(forward(config, weights, x), forward(config, weights, x, threads=2)) <= BOUND["float32"]


def test_a_runner_refuses_what_does_not_fit() -> None:
    config = LSTMConfig(3, 4)
    weights, x, _ = drawn(config, DataSpec(5, 2))
    with pytest.raises(ArrayError, match="bias_hh_l0: the dtype does not fit"):
        LSTMRunner(config, {**weights, "bias_hh_l0": weights["bias_hh_l0"].astype(float)})
    with pytest.raises(ArrayError, match="weight_ih_l0: dtype is not supported"):
        LSTMRunner(config, {name: array.astype(int) for name, array in weights.items()})
    with pytest.raises(
        ArrayError, match="x: the dtype does not fit\n  expected float32, as the weights, found float64"
    ):
        LSTMRunner(config, weights)(x.astype(float))


@given(config=configs())
def test_the_weights_are_those_of_the_model(config: LSTMConfig) -> None:
    named = {parameter.name: parameter.shape for parameter in LSTMModel(config).parameters}
    assert list(numerics.weight_shapes(config).items()) == list(named.items())


def test_a_million_steps_take_little_more_than_their_outputs() -> None:
    config = LSTMConfig(1, 64)
    weights, _, _ = drawn(config, DataSpec(1, 1))
    x = np.ones((200_000, 1), np.float32)
    besides = []
    for steps in (50_000, 200_000):
        runner = LSTMRunner(config, weights)
        tracemalloc.start()
        output, _ = runner(x[:steps])
        besides.append(tracemalloc.get_traced_memory()[1] - output.nbytes)
        tracemalloc.stop()
    assert besides[1] < 1.1 * besides[0] + 40 * 150_000  # and one integer for each step
    assert besides[1] < 2**24
