"""The tuned forward pass and the one that reads as the equations give the same."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, LSTMRunner, forward
from lstmcalc.errors import ArrayError, ConfigError
from lstmcalc.numerics.arguments import Step
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof.run import draw
from tools.strategies import configs, data

BOUND = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3}


def assert_near(one: Array, other: Array, dtype: str) -> None:
    assert (one.shape, one.dtype) == (other.shape, other.dtype)
    assert np.abs(one.astype(float) - other.astype(float)).max(initial=0) <= BOUND[dtype]


@given(
    config=configs(),
    spec=data(),
    dtype=st.sampled_from(sorted(BOUND)),
    seed=st.integers(0, 99),
    stated=st.booleans(),
    threads=st.integers(1, 3),
)
def test_a_runner_gives_what_forward_gives(
    config: LSTMConfig, spec: DataSpec, dtype: str, seed: int, stated: bool, threads: int
) -> None:
    weights, _, inputs = draw(
        LSTMModel(config), DataSpec(spec.seq_len, spec.batch, spec.lengths, dtype), TorchGenerator(seed)
    )
    x, state = inputs["input"], (inputs["h_0"], inputs["c_0"]) if stated else None
    output, states = forward(config, weights, x, state, spec.lengths)
    for found, final in (
        LSTMRunner(config, weights, threads)(x, state, spec.lengths),
        forward(config, weights, x, state, spec.lengths, threads=threads),
    ):
        assert_near(found, output, dtype)
        for one, other in zip(final, states, strict=True):
            assert_near(one, other, dtype)


@given(config=configs(), spec=data(), dtype=st.sampled_from(sorted(BOUND)), seed=st.integers(0, 99))
def test_both_call_on_step_with_the_same(config: LSTMConfig, spec: DataSpec, dtype: str, seed: int) -> None:
    """The steps of a layer and direction come in the same order; layers may take turns."""
    weights, _, inputs = draw(
        LSTMModel(config), DataSpec(spec.seq_len, spec.batch, spec.lengths, dtype), TorchGenerator(seed)
    )
    x, state = inputs["input"], (inputs["h_0"], inputs["c_0"])
    told: list[list[Step]] = []
    runner = LSTMRunner(config, weights)
    for compute in (lambda *rest, **named: forward(config, weights, *rest, **named), runner):
        steps: list[Step] = []

        def tell(step: Step, steps: list[Step] = steps) -> None:
            steps.append(step._replace(gates=step.gates.copy(), c=step.c.copy(), h=step.h.copy()))

        compute(x, state, spec.lengths, on_step=tell)
        told.append(sorted(steps, key=lambda step: step[:2]))  # stable: the order of steps is kept
    assert [step[:3] for step in told[0]] == [step[:3] for step in told[1]]
    for one, other in zip(*told, strict=True):
        for name in ("gates", "c", "h"):
            assert_near(getattr(one, name), getattr(other, name), dtype)


@pytest.mark.parametrize(
    "changes",
    [
        {"x": np.zeros(3, np.float32)},
        {"x": np.zeros((5, 2, 7), np.float32)},
        {"x": np.zeros((0, 2, 3), np.float32)},
        {"x": np.zeros((5, 2, 3), int)},
        {"x": [[1.0], [2.0, 3.0]]},
        {"state": np.zeros(1, np.float32)},
        {"state": (np.zeros((1, 2, 4), np.float32), np.zeros((2, 2, 4), np.float32))},
        {"state": (np.zeros((1, 2, 4)), np.zeros((1, 2, 4)))},
        {"lengths": [5]},
        {"lengths": [5, 6]},
    ],
    ids=str,
)
def test_both_refuse_with_the_same_words(changes: dict[str, Any]) -> None:
    config = LSTMConfig(3, 4)
    weights, _, inputs = draw(LSTMModel(config), DataSpec(5, 2), TorchGenerator(0))
    call = {"x": inputs["input"], "state": None, "lengths": None, **changes}
    words = []
    for compute in (lambda **named: forward(config, weights, **named), LSTMRunner(config, weights)):
        with pytest.raises((ArrayError, ConfigError)) as caught:
            compute(**call)
        words.append(str(caught.value))
    assert words[0] == words[1]
