"""However steps are arranged (prepared weights, pieces, blocks, threads), the numbers are the same within rounding."""

import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier, BrokenBarrierError, Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, LSTMRunner, forward
from lstmcalc.errors import ArrayError
from lstmcalc.numerics import arguments, blas
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.fast import arrangement, kernels
from lstmcalc.numerics.fast import threads as crews
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof import reference
from lstmcalc.proof.run import draw
from tools.examples import is_thorough
from tools.strategies import configs, data

Result = tuple[Array, tuple[Array, Array]]
BOUND = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3}


def apart(left: Result, right: Result) -> float:
    pairs = ((left[0], right[0]), *zip(left[1], right[1], strict=True))
    assert all(one.shape == other.shape and one.dtype == other.dtype for one, other in pairs)
    return max(float(np.abs(one.astype(float) - other.astype(float)).max(initial=0)) for one, other in pairs)


def drawn(config: LSTMConfig, spec: DataSpec, seed: int = 0) -> tuple[dict[str, Array], Array, tuple[Array, Array]]:
    weights, _, inputs = draw(LSTMModel(config), spec, TorchGenerator(seed))
    return weights, inputs["input"], (inputs["h_0"], inputs["c_0"])


@given(config=configs(), spec=data(), dtype=st.sampled_from(sorted(BOUND)), seed=st.integers(0, 99))
def test_a_runner_gives_the_same_again(config: LSTMConfig, spec: DataSpec, dtype: str, seed: int) -> None:
    """Called again with other data, of other sizes and lengths, and with the first data again."""
    spec = DataSpec(spec.seq_len, spec.batch, spec.lengths, dtype)
    other = DataSpec(4, 5, (2, 4, 1, 4, 3), dtype)
    weights, x, state = drawn(config, spec, seed)
    _, y, _ = drawn(config, other, seed + 1)
    runner = LSTMRunner(config, weights)
    for _ in range(2):
        assert apart(runner(x, state, spec.lengths), LSTMRunner(config, weights)(x, state, spec.lengths)) == 0
        assert apart(runner(y, lengths=other.lengths), LSTMRunner(config, weights)(y, lengths=other.lengths)) == 0


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
    (LSTMConfig(60, 48, 3), DataSpec(20, 9, dtype="float64")),
    (LSTMConfig(60, 17, 3), DataSpec(20, 2, dtype="float64")),
    (LSTMConfig(5, 48, 4), DataSpec(9, 4, (9, 1, 8, 3), "float64")),
    (LSTMConfig(5, 24, 2, proj_size=3), DataSpec(6, 37, dtype="float64")),
    (LSTMConfig(5, 24), DataSpec(9, 33, tuple(1 + 7 * n % 9 for n in range(33)), "float64")),
]


RULES: list[dict[str, int]] = [
    {"CHUNK": 1},
    {"CHUNK": 8 * 200 * 5 * 3},
    {"SMALL": 1},
    {"SMALL": 5 * 48 * 20, "ROWS": 4},
    {"WIDE": 1},
    {"WIDE": 100, "NARROW": 0},
    {"WIDE": 100, "NARROW": 4 * 48 * 3},
    {"STACKED": 0},
    {"ALIGNED": 0},
    {"LIMITED": 0},
    {"APART": 1},
    {"STACKED": 0, "WIDE": 1, "CHUNK": 1, "SMALL": 5 * 48 * 12, "ROWS": 4},
]


# As they are while no rule is set.
USUAL = {
    name: getattr(kernels if hasattr(kernels, name) else arrangement, name)
    for name in sorted({name for rules in RULES for name in rules})
}


def set_rules(monkeypatch: pytest.MonkeyPatch, rules: dict[str, int]) -> None:
    for name, value in rules.items():
        module = kernels if hasattr(kernels, name) else arrangement
        monkeypatch.setattr(module, name, value)


@cache
def arranged(config: LSTMConfig, spec: DataSpec) -> tuple[dict[str, Array], Array, tuple[Array, Array]]:
    """Weights and inputs, drawn once; nobody may write to them."""
    weights, x, state = drawn(config, spec)
    for array in (*weights.values(), x, *state):
        array.flags.writeable = False
    return weights, x, state


@cache
def without_rules(config: LSTMConfig, spec: DataSpec) -> Result:
    """What `forward` gives while no rule is set."""
    assert [getattr(kernels if hasattr(kernels, name) else arrangement, name) for name in USUAL] == [*USUAL.values()]
    return forward(config, *arranged(config, spec), spec.lengths)


@cache
def by_the_equations(config: LSTMConfig, spec: DataSpec) -> list[Array]:
    """The output of each sequence, alone and steps first, by the model's tables."""
    weights, x, state = arranged(config, spec)
    if config.batch_first:
        x = x.swapaxes(0, 1)
    outputs: list[Array] = []
    for n in range(spec.num_sequences):
        h_0, c_0 = (part if spec.unbatched else part[:, n] for part in state)
        alone, _ = reference.evaluate(LSTMModel(config), weights, x[place(spec, n)], (h_0, c_0))
        outputs.append(alone)
    return outputs


def place(spec: DataSpec, n: int) -> Any:
    """Where a sequence is, steps first."""
    length = spec.lengths[n] if spec.lengths else spec.seq_len
    return (slice(length),) if spec.unbatched else (slice(length), n)


# Each arrangement with each rule, and each of both with each number of threads.
THREADED = [
    (*case, rules, threads)
    for at, case in enumerate(ARRANGED)
    for rule, rules in enumerate(RULES)
    for threads in (1, 2, 3, 4)
    if is_thorough() or threads - 1 == (at + rule) % 4
]


@pytest.mark.thorough
@pytest.mark.parametrize(("config", "spec", "rules", "threads"), THREADED, ids=str)
def test_no_rule_changes_a_number(
    config: LSTMConfig, spec: DataSpec, rules: dict[str, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, x, state = arranged(config, spec)
    expected = without_rules(config, spec)
    set_rules(monkeypatch, {"THREADED": 1, "SHARED": 1, **rules})
    runner = LSTMRunner(config, weights, threads)
    for _ in range(2):
        assert apart(runner(x, state, spec.lengths), expected) <= BOUND["float64"]


@pytest.mark.parametrize(("config", "spec"), [case for case in ARRANGED if case[1].num_sequences], ids=str)
@pytest.mark.parametrize("rules", [{}, *RULES], ids=str)
def test_every_arrangement_is_what_the_equations_give(
    config: LSTMConfig, spec: DataSpec, rules: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks and stacked directions, against the model's tables executed one sequence at a time."""
    set_rules(monkeypatch, rules)
    weights, x, state = drawn(config, spec)
    output, _ = LSTMRunner(config, weights)(x, state, spec.lengths)
    if config.batch_first:
        output = output.swapaxes(0, 1)
    for n, alone in enumerate(by_the_equations(config, spec)):
        assert np.abs(alone - output[place(spec, n)]).max() <= 1e-12


def test_the_plans_that_are_tested_are_all_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    both, one = LSTMConfig(3, 48, bidirectional=True), LSTMConfig(3, 51)

    def plan(
        config: LSTMConfig, threads: int, batch: int = 5
    ) -> tuple[list[tuple[tuple[int, ...], int, int]], int, str]:
        parts, wide, number, way = arrangement.planned(config, batch, 4, packed=False, threads=threads)
        assert wide == (batch >= 8)
        return [(part.directions, *part.units) for part in parts], number, way

    set_rules(monkeypatch, {"THREADED": 1, "SHARED": 1})
    assert plan(both, 4) == ([((0, 1), 0, 48)], 1, "")
    set_rules(monkeypatch, {"STACKED": 0})
    directions = [((0,), 0, 48), ((1,), 0, 48)]
    assert plan(both, 1) == (directions, 1, "")
    assert plan(both, 2) == plan(both, 3, 64) == (directions, 2, "parts")
    assert plan(both, 4) == ([((0,), 0, 24), ((1,), 0, 24), ((0,), 24, 48), ((1,), 24, 48)], 4, "parts")
    assert plan(one, 1) == ([((0,), 0, 51)], 1, "")
    assert plan(one, 2) == plan(one, 2, 31) == ([((0,), 0, 25), ((0,), 25, 51)], 2, "parts")
    assert plan(one, 2, 32) == ([((0,), 0, 51)], 2, "columns")
    assert plan(LSTMConfig(3, 51, 3), 2) == plan(one, 2)
    assert plan(LSTMConfig(3, 51, proj_size=5), 2) == ([((0,), 0, 51)], 1, "")  # h needs all units


def test_threads_are_kept_by_a_runner_and_made_again_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = crews.Workers()
    with kept.of(2) as first:
        pass
    with kept.of(2) as again:
        assert again is first
    with kept.of(3) as more:
        assert more is not first
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with kept.of(3) as forked:
        assert forked is not more
    more.shutdown()
    kept.close()
    kept.close()
    assert list(forked.map(str, ())) == []


def test_one_call_at_a_time_has_the_threads() -> None:
    """Parts of two calls could wait for each other in one pool."""
    kept, entered = crews.Workers(), Event()

    def enter() -> None:
        with kept.of(2):
            entered.set()

    other = Thread(target=enter)
    with kept.of(2):
        other.start()
        assert not entered.wait(0.2)
    assert entered.wait(60)
    other.join()
    kept.close()


def test_each_thread_has_cpus_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[list[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {7, 0, 2, 3, 1}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, own: settled.append(own), raising=False)
    with crews.workers(2) as pool:
        together = Barrier(2)
        for future in [pool.submit(together.wait, 60) for _ in range(2)]:
            future.result()
    assert sorted(settled) == [[0, 2, 7], [1, 3]]


def test_more_threads_than_cpus_compute_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    with crews.workers(3) as pool:
        assert list(pool.map(str, range(6))) == list("012345")


def test_calls_from_several_threads_do_not_wait_for_each_other_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    config, spec = LSTMConfig(3, 48), DataSpec(30, 1)
    weights, x, state = drawn(config, spec)
    set_rules(monkeypatch, {"THREADED": 1, "SHARED": 1})
    runner, expected = LSTMRunner(config, weights, 2), forward(config, weights, x, state)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: runner(x, state), range(20)):
            assert apart(result, expected) <= BOUND["float32"]


def test_a_failing_thread_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    config, spec = LSTMConfig(3, 48), DataSpec(50, 1)
    weights, x, state = drawn(config, spec)
    set_rules(monkeypatch, {"THREADED": 1, "SHARED": 1, "CHUNK": 4 * 4 * 48 * 3, "NARROW": 0})
    from_input, seen = kernels._from_input, 0  # noqa: SLF001

    def failing(part: arrangement.Part, *rest: Any) -> Array:
        nonlocal seen
        seen += part.units[0] > 0
        if seen == 3:
            raise MemoryError
        return from_input(part, *rest)

    monkeypatch.setattr(kernels, "_from_input", failing)
    before = set(enumerate_threads())
    with pytest.raises((MemoryError, BrokenBarrierError)):
        forward(config, weights, x, state, threads=2)
    assert not set(enumerate_threads()) - before  # one of another test may end meanwhile


def test_with_a_trace_there_are_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    config, spec = LSTMConfig(3, 48), DataSpec(5, 1)
    weights, x, _ = drawn(config, spec)
    set_rules(monkeypatch, {"THREADED": 1, "SHARED": 1})
    monkeypatch.setattr(crews, "workers", None)
    steps: list[arguments.Step] = []
    LSTMRunner(config, weights, 2)(x, on_step=steps.append)
    assert [step.t for step in steps] == [0, 1, 2, 3, 4]


def test_without_threadpoolctl_blas_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_controller", lambda: None)
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
    assert list(arguments.weight_shapes(config).items()) == list(named.items())


def test_a_million_steps_take_little_more_than_their_outputs() -> None:
    config = LSTMConfig(1, 64)
    weights, _, _ = drawn(config, DataSpec(1, 1))
    x = np.ones((60_000, 1), np.float32)
    besides = []
    for steps in (15_000, 60_000):
        runner = LSTMRunner(config, weights)
        tracemalloc.start()
        output, _ = runner(x[:steps])
        besides.append(tracemalloc.get_traced_memory()[1] - output.nbytes)
        tracemalloc.stop()
    assert besides[1] < 1.1 * besides[0] + 40 * 45_000  # and one integer for each step
    assert besides[1] < 2**24


def test_steps_do_not_allocate() -> None:
    """The peak is the buffers made before the first step: one more array of a step's size would be seen."""
    config, data = LSTMConfig(8, 64), DataSpec(2, 1000)
    weights, _, inputs = draw(LSTMModel(config), data, TorchGenerator(0))
    state = inputs["h_0"], inputs["c_0"]
    L, N, H = 2, 1000, 64
    output, states, cell_and_gates = L * N * H, 2 * N * H, 5 * N * H
    h_and_input = (1 + 1) * N * (H + 8 + 1)  # a piece is one step
    prepared = 4 * H * (H + 8 + 1)
    LSTMRunner(config, weights)(inputs["input"], state)  # what is imported for it is imported
    tracemalloc.start()
    LSTMRunner(config, weights)(inputs["input"], state)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expected = 4 * (output + states + cell_and_gates + h_and_input + prepared)
    assert expected <= peak <= expected + 4 * N * H // 2
