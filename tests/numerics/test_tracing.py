"""What a trace records: the gates, the cell and h of every step."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward
from lstmcalc.model.lstm import TRACED, traced_name
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.numerics.tracing import Ends, Trace, trace
from lstmcalc.proof import reference
from lstmcalc.proof.run import draw
from tools.examples import examples
from tools.strategies import configs, data

STACK = LSTMConfig(3, 4, 2, bidirectional=True)


@examples(60)
@given(config=configs(), spec=data(), seed=st.integers(0, 99))
def test_a_trace_is_what_the_equations_give(config: LSTMConfig, spec: DataSpec, seed: int) -> None:
    """Of every sequence alone, gate by gate, by the model's tables."""
    model, spec = LSTMModel(config), DataSpec(spec.seq_len, spec.batch, spec.lengths, "float64")
    weights, _, inputs = draw(model, spec, TorchGenerator(seed))
    state = inputs["h_0"], inputs["c_0"]
    traced = trace(config, weights, inputs["input"], state, spec.lengths)
    cells = [(layer, d) for layer in range(config.num_layers) for d in ("forward", "reverse")[: config.num_directions]]
    assert list(traced) == [traced_name(value, *cell) for cell in cells for value in TRACED]
    seen: set[tuple[str, int, int]] = set()
    for n in range(spec.num_sequences):
        x = inputs["input"] if spec.unbatched else inputs["input"][n] if config.batch_first else inputs["input"][:, n]
        h_0, c_0 = (part if spec.unbatched else part[:, n] for part in state)
        length = spec.lengths[n] if spec.lengths else spec.seq_len

        def check(layer: int, direction: int, t: int, values: Mapping[str, Array], n: int = n) -> None:
            for value in TRACED:
                name = traced_name(value, layer, ("forward", "reverse")[direction])
                own = traced[name][t] if spec.unbatched else traced[name][t, n]
                assert own.shape == values[value].shape
                assert np.abs(own - values[value]).max() <= 1e-12
                seen.add((name, t, n))

        reference.evaluate(model, weights, x[:length], (h_0, c_0), check)
    steps = sum(spec.lengths) if spec.lengths else spec.seq_len * spec.num_sequences
    assert len(seen) == len(traced) * steps


def test_behind_a_sequence_a_trace_is_zero() -> None:
    weights, _, inputs = draw(LSTMModel(STACK), DataSpec(5, 3), TorchGenerator(0))
    lengths = [2, 5, 3]
    traced = trace(STACK, weights, inputs["input"], lengths=lengths)
    for array in traced.values():
        for n, length in enumerate(lengths):
            assert not array[length:, n].any()
            assert array[:length, n].all()


@pytest.mark.parametrize("batch_first", [False, True])
def test_steps_come_first_in_every_layout(batch_first: bool) -> None:
    config = LSTMConfig(3, 4, batch_first=batch_first, proj_size=2)
    weights, _, inputs = draw(LSTMModel(config), DataSpec(5, 2), TorchGenerator(0))
    output, _ = forward(config, weights, inputs["input"])
    traced = trace(config, weights, inputs["input"])
    assert np.array_equal(traced["h_l0"], output.swapaxes(0, 1) if batch_first else output)
    assert {name: array.shape for name, array in traced.items()} == {
        **{f"{value}_l0": (5, 2, 4) for value in "ifgoc"},
        "h_l0": (5, 2, 2),
    }


def test_only_what_is_asked_for_is_kept() -> None:
    weights, _, inputs = draw(LSTMModel(STACK), DataSpec(5, 2), TorchGenerator(0))
    record = Trace(STACK, DataSpec(5, 2), "float32", ("c",), (1,))
    forward(STACK, weights, inputs["input"], on_step=record)
    assert list(record.arrays) == ["c_l1", "c_l1_reverse"]
    assert {array.dtype.name for array in record.arrays.values()} == {"float32"}
    assert np.array_equal(record.arrays["c_l1"], trace(STACK, weights, inputs["input"])["c_l1"])


def test_tracing_changes_no_number() -> None:
    weights, _, inputs = draw(LSTMModel(STACK), DataSpec(5, 2), TorchGenerator(0))
    output, (h_n, c_n) = forward(STACK, weights, inputs["input"])
    watched, (h_w, c_w) = forward(STACK, weights, inputs["input"], on_step=Trace(STACK, DataSpec(5, 2)))
    assert np.array_equal(output, watched)
    assert np.array_equal(h_n, h_w)
    assert np.array_equal(c_n, c_w)


def test_of_an_end_nothing_else_can_be_read() -> None:
    weights, _, inputs = draw(LSTMModel(STACK), DataSpec(5, 2), TorchGenerator(0))
    record = Ends(STACK, DataSpec(5, 2), "float32", (1,))
    _, (h_n, _) = forward(STACK, weights, inputs["input"], on_step=record)
    assert np.array_equal(record.arrays["h_l1"][-1,], h_n[2])
    assert np.array_equal(record.arrays["h_l1_reverse"][0,], h_n[3])
    with pytest.raises(KeyError):
        _ = record.arrays["h_l1"][0,]


def test_a_trace_has_the_dtype_of_the_input() -> None:
    weights, _, inputs = draw(LSTMModel(STACK), DataSpec(5, 2), TorchGenerator(0))
    assert {array.dtype.name for array in trace(STACK, weights, inputs["input"]).values()} == {"float32"}


def test_layers_are_traced_from_the_first_to_the_last() -> None:
    record = Trace(LSTMConfig(3, 4, 3), DataSpec(), values=("h",), layers=(2, 0, 2))
    assert list(record.arrays) == ["h_l0", "h_l2"]
