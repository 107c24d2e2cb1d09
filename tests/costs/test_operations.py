"""MACs and elementwise operations, held against an LSTM that counts what it computes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, Surroundings, forward
from lstmcalc.costs.memory import values_of
from lstmcalc.costs.operations import (
    FUSED,
    OPERATIONS,
    PATHS,
    Work,
    backward_work,
    forward_work,
    products,
    step_work,
    steps_of,
)
from tools import counting
from tools.counting import Array, CountedLSTM, random_weights
from tools.examples import examples


@st.composite
def configs(choose: st.DrawFn) -> LSTMConfig:
    hidden = choose(st.integers(1, 6))
    return LSTMConfig(
        input_size=choose(st.integers(1, 6)),
        hidden_size=hidden,
        num_layers=choose(st.integers(1, 3)),
        bias=choose(st.booleans()),
        bidirectional=choose(st.booleans()),
        proj_size=choose(st.integers(0, hidden - 1)),
    )


@st.composite
def data_specs(choose: st.DrawFn) -> DataSpec:
    kind = choose(st.sampled_from(["padded", "unbatched", "packed"]))
    if kind == "packed":
        lengths = choose(st.lists(st.integers(1, 5), min_size=1, max_size=4))
        return DataSpec.given(seq_len=choose(st.integers(max(lengths), 6)), lengths=lengths)
    batch = None if kind == "unbatched" else choose(st.integers(1, 4))
    return DataSpec.given(choose(st.integers(1, 5)), batch, unbatched=batch is None)


def steps_of_random_data(config: LSTMConfig, data: DataSpec, rng: np.random.Generator) -> list[Array]:
    return [rng.normal(size=(size, config.input_size)) for size in data.batch_sizes]


def numbers(work: Work, values: Mapping[str, int]) -> dict[str, int]:
    return {"macs": work.macs.at(values), **{name: work.elementwise[name].at(values) for name in OPERATIONS}}


def counted() -> dict[str, int]:
    found = {name: counting.counts[name] for name in ("macs", *OPERATIONS)}
    counting.counts.clear()
    return found


@given(configs(), data_specs(), st.integers(0, 2**32))
@examples(200)
def test_a_forward_pass_computes_what_is_said(config: LSTMConfig, data: DataSpec, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, xs = random_weights(config, rng), steps_of_random_data(config, data, rng)
    counting.counts.clear()
    outputs = CountedLSTM(config, data, weights).forward(xs)
    values = values_of(config, data)
    work = forward_work(config, data)
    assert numbers(work, values) == counted()
    steps = steps_of(data).at(values)
    assert {name: steps * count for name, count in numbers(step_work(config), values).items()} == numbers(work, values)
    listed = products(config, data)
    assert sum(product.macs.at(values) * product.rows.at(values) for product in listed) == work.macs.at(values)
    # What is counted is the LSTM: its outputs are those of the forward pass.
    lengths = sorted(data.lengths, reverse=True) if data.lengths else None
    padded = np.zeros((data.seq_len, data.num_sequences, config.input_size))
    for step, x in enumerate(xs):
        padded[step, : len(x)] = x
    ours, _ = forward(config, weights, padded, lengths=lengths)
    for step, output in enumerate(outputs):
        assert np.allclose(ours[step, : len(output)], output, rtol=0, atol=1e-12)


@given(configs(), data_specs(), st.booleans(), st.sampled_from(PATHS))
@examples(200)
def test_a_backward_pass_computes_what_is_said(config: LSTMConfig, data: DataSpec, input_grad: bool, path: str) -> None:
    rng = np.random.default_rng(0)
    lstm = CountedLSTM(config, data, random_weights(config, rng))
    outputs = lstm.forward(steps_of_random_data(config, data, rng))
    counting.counts.clear()
    lstm.backward([np.ones(output.shape) for output in outputs], fused=path in FUSED, input_grad=input_grad)
    work = backward_work(config, data, path=path, input_grad=input_grad)
    assert numbers(work, values_of(config, data)) == counted()


@given(configs(), data_specs(), st.booleans())
@examples(30)
def test_what_is_counted_backward_are_the_gradients(config: LSTMConfig, data: DataSpec, fused: bool) -> None:
    rng = np.random.default_rng(1)
    weights, xs = random_weights(config, rng), steps_of_random_data(config, data, rng)

    def loss(weights: Mapping[str, Array], xs: list[Array]) -> tuple[float, CountedLSTM, list[Array]]:
        lstm = CountedLSTM(config, data, weights)
        outputs = lstm.forward(xs)
        slopes = [np.cos(np.arange(output.size)).reshape(output.shape) for output in outputs]
        return sum(float((slope * output).sum()) for slope, output in zip(slopes, outputs, strict=True)), lstm, slopes

    _, lstm, slopes = loss(weights, xs)
    gradients, d_xs = lstm.backward(slopes, fused=fused, input_grad=True)
    moves = {name: rng.normal(size=array.shape) for name, array in weights.items()}
    x_moves = [rng.normal(size=x.shape) for x in xs]
    expected = sum(float((gradients[name] * move).sum()) for name, move in moves.items())
    expected += sum(float((d_x * move).sum()) for d_x, move in zip(d_xs, x_moves, strict=True))
    ends = [
        loss(
            {name: weights[name] + sign * 1e-6 * move for name, move in moves.items()},
            [x + sign * 1e-6 * move for x, move in zip(xs, x_moves, strict=True)],
        )[0]
        for sign in (1, -1)
    ]
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(expected, rel=1e-5, abs=1e-6)


def macs(config: LSTMConfig, data: DataSpec, **options: Any) -> tuple[int, int]:
    values = values_of(config, data, options.get("around", Surroundings()))
    around = options.pop("around", Surroundings())
    back = backward_work(config, data, around, **{"path": "onednn", **options})
    return forward_work(config, data, around).macs.at(values), back.macs.at(values)


def test_the_example_that_other_tools_get_wrong() -> None:
    config = LSTMConfig(10, 20, num_layers=2, bidirectional=True)
    assert macs(config, DataSpec(5, 3)) == (216_000, 432_000)
    assert macs(config, DataSpec(5, 3), path="native") == (216_000, 432_000 - 24_000 - 2 * 2 * 3 * 1600)
    assert macs(config, DataSpec(5, 3), path="native", input_grad=True) == (216_000, 432_000 - 2 * 2 * 3 * 1600)
    assert macs(config, DataSpec(5, None)) == (72_000, 144_000)
    assert macs(config, DataSpec.given(lengths=(5, 3, 2))) == (144_000, 288_000)
    assert macs(config, DataSpec(5, 0)) == (0, 0)


def test_a_head_is_a_product_of_its_own() -> None:
    config, data = LSTMConfig(10, 20, bidirectional=True), DataSpec(5, 3)
    alone = macs(config, data)
    last, every = (Surroundings(head=7, head_on=on) for on in ("last", "all"))
    assert macs(config, data, around=last) == (alone[0] + 3 * 40 * 7, alone[1] + 2 * 3 * 40 * 7)
    assert macs(config, data, around=every) == (alone[0] + 15 * 40 * 7, alone[1] + 2 * 15 * 40 * 7)
    # Behind a sequence the output is padding, which the head reads like the rest.
    packed = DataSpec.given(lengths=(5, 2, 1))
    assert macs(config, packed, around=every)[0] - macs(config, packed)[0] == 15 * 40 * 7
    head = products(config, data, every)[-1]
    assert (head.part, head.layer, head.macs.at(values_of(config, data, every))) == ("head", None, 280)
    values = values_of(config, data, every)
    added = forward_work(config, data, every).elementwise["add"].at(values)
    assert added - forward_work(config, data).elementwise["add"].at(values) == 15 * 7


def test_an_embedding_needs_the_gradient_of_the_input() -> None:
    config, data = LSTMConfig(10, 20), DataSpec(5, 3)
    embedded = macs(config, data, path="native", around=Surroundings(embed=100))
    assert embedded == macs(config, data, path="native", input_grad=True)
    assert embedded != macs(config, data, path="native")


def test_a_million_layers_are_a_formula() -> None:
    config, data = LSTMConfig(10, 20, num_layers=10**6), DataSpec(5, 3)
    assert len(products(config, data)) == 2 * 10**6
    assert forward_work(config, data).macs.at(values_of(config, data)) == 15 * (2400 + (10**6 - 1) * 3200)
