"""Laws that every LSTM keeps, and what the forward pass refuses. The numbers themselves are held against PyTorch."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward
from lstmcalc.errors import ArrayError, ConfigError
from lstmcalc.numerics.arguments import Step
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.forward import PIECE
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof.run import draw

CONFIG = LSTMConfig(3, 4, 2, bidirectional=True)
Drawn = tuple[LSTMConfig, DataSpec, dict[str, Array], dict[str, Array]]


@st.composite
def drawn(choose: st.DrawFn, /, **fixed: Any) -> Drawn:
    hidden = choose(st.integers(1, 6))
    chosen = {
        "input_size": choose(st.integers(1, 6)),
        "hidden_size": hidden,
        "num_layers": choose(st.integers(1, 3)),
        "bias": choose(st.booleans()),
        "batch_first": choose(st.booleans()),
        "bidirectional": choose(st.booleans()),
        "proj_size": choose(st.integers(0, hidden - 1)),
    }
    config = LSTMConfig(**{**chosen, **fixed})
    data = DataSpec(choose(st.integers(1, 6)), choose(st.integers(1, 4)), dtype="float64")
    weights, _, inputs = draw(LSTMModel(config), data, TorchGenerator(choose(st.integers(0, 2**32))))
    return config, data, weights, inputs


def assert_close(left: Array, right: Array) -> None:
    assert left.shape == right.shape
    assert np.abs(left - right).max(initial=0) <= 1e-12


@given(drawn(num_layers=1, bidirectional=True, batch_first=False))
def test_the_reverse_direction_is_the_forward_direction_of_the_reversed_input(case: Drawn) -> None:
    config, _, weights, inputs = case
    one_way = LSTMConfig(**{**vars(config), "bidirectional": False})
    back = {name.removesuffix("_reverse"): array for name, array in weights.items() if name.endswith("_reverse")}
    output, (h_n, c_n) = forward(config, weights, inputs["input"], (inputs["h_0"], inputs["c_0"]))
    alone, (h_alone, c_alone) = forward(one_way, back, inputs["input"][::-1], (inputs["h_0"][1:], inputs["c_0"][1:]))
    assert_close(output[:, :, config.output_size :], alone[::-1])
    assert_close(h_n[1:], h_alone)
    assert_close(c_n[1:], c_alone)


@given(drawn(batch_first=False), st.data())
def test_a_packed_batch_is_each_of_its_sequences_alone(case: Drawn, choose: st.DataObject) -> None:
    config, data, weights, inputs = case
    batch = data.num_sequences
    lengths = choose.draw(st.lists(st.integers(1, data.seq_len), min_size=batch, max_size=batch))
    output, (h_n, c_n) = forward(config, weights, inputs["input"], (inputs["h_0"], inputs["c_0"]), lengths)
    for n, length in enumerate(lengths):
        state = inputs["h_0"][:, n], inputs["c_0"][:, n]
        alone, (h_alone, c_alone) = forward(config, weights, inputs["input"][:length, n], state)
        assert_close(output[:length, n], alone)
        assert_close(h_n[:, n], h_alone)
        assert_close(c_n[:, n], c_alone)
        assert not output[length:, n].any()


@given(drawn(batch_first=False))
def test_batch_first_only_reorders_input_and_output(case: Drawn) -> None:
    config, _, weights, inputs = case
    turned = LSTMConfig(**{**vars(config), "batch_first": True})
    state = inputs["h_0"], inputs["c_0"]
    output, (h_n, c_n) = forward(config, weights, inputs["input"], state)
    other, (h_other, c_other) = forward(turned, weights, inputs["input"].swapaxes(0, 1), state)
    assert_close(output.swapaxes(0, 1), other)
    assert_close(h_n, h_other)
    assert_close(c_n, c_other)


@given(drawn(bidirectional=False, batch_first=False), st.data())
def test_a_sequence_can_be_cut_and_continued_from_the_state(case: Drawn, choose: st.DataObject) -> None:
    config, data, weights, inputs = case
    cut = choose.draw(st.integers(1, data.seq_len))
    state = inputs["h_0"], inputs["c_0"]
    whole, end = forward(config, weights, inputs["input"], state)
    first, middle = forward(config, weights, inputs["input"][:cut], state)
    parts, last = [first], middle
    if cut < data.seq_len:
        second, last = forward(config, weights, inputs["input"][cut:], middle)
        parts.append(second)
    assert_close(np.concatenate(parts), whole)
    for left, right in zip(last, end, strict=True):
        assert_close(left, right)


@given(drawn(proj_size=0))
def test_h_stays_within_one_and_c_within_its_steps(case: Drawn) -> None:
    config, data, weights, inputs = case
    output, (_, c_n) = forward(config, weights, inputs["input"])
    assert np.abs(output).max() <= 1
    assert np.abs(c_n).max() <= data.seq_len  # each step adds at most i*g <= 1


@given(drawn())
def test_nothing_given_is_changed(case: Drawn) -> None:
    config, _, weights, inputs = case
    arrays = {**weights, **inputs}
    before = {name: array.copy() for name, array in arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    forward(config, weights, inputs["input"], (inputs["h_0"], inputs["c_0"]))
    assert all(np.array_equal(before[name], array) for name, array in arrays.items())


@given(drawn())
def test_how_arrays_lie_in_memory_does_not_matter(case: Drawn) -> None:
    config, _, weights, inputs = case
    expected, _ = forward(config, weights, inputs["input"])
    strided = np.repeat(inputs["input"], 2, axis=-1)[..., ::2]
    scattered = {name: np.asfortranarray(array) for name, array in weights.items()}
    output, _ = forward(config, scattered, strided)
    assert_close(output, expected)


def test_arrays_of_the_other_byte_order_are_welcome() -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(), TorchGenerator(0))
    swapped = {name: array.astype(array.dtype.newbyteorder()) for name, array in weights.items()}
    expected, _ = forward(CONFIG, weights, inputs["input"])
    output, _ = forward(CONFIG, swapped, inputs["input"].astype(inputs["input"].dtype.newbyteorder()))
    assert np.array_equal(output, expected)
    assert output.dtype.isnative


def test_an_explicit_bias_of_zero_equals_no_bias() -> None:
    with_bias, without = LSTMConfig(3, 4), LSTMConfig(3, 4, bias=False)
    weights, _, inputs = draw(LSTMModel(without), DataSpec(), TorchGenerator(0))
    zeros = {name: np.zeros(16, np.float32) for name in ("bias_ih_l0", "bias_hh_l0")}
    left, _ = forward(without, weights, inputs["input"])
    right, _ = forward(with_bias, {**weights, **zeros}, inputs["input"])
    assert np.array_equal(left, right)


def test_the_cell_by_hand() -> None:
    """One cell, one step, worked out with the equations of PyTorch's documentation."""
    config = LSTMConfig(1, 1)
    weights = {
        "weight_ih_l0": np.array([[0.1], [0.2], [0.3], [0.4]]),
        "weight_hh_l0": np.array([[0.5], [0.6], [0.7], [0.8]]),
        "bias_ih_l0": np.array([0.01, 0.02, 0.03, 0.04]),
        "bias_hh_l0": np.array([0.05, 0.06, 0.07, 0.08]),
    }
    x, h, c = 2.0, -1.0, 0.5
    i, f, o = (
        1 / (1 + np.exp(-(w * x + u * h + b + d)))
        for w, u, b, d in ((0.1, 0.5, 0.01, 0.05), (0.2, 0.6, 0.02, 0.06), (0.4, 0.8, 0.04, 0.08))
    )
    g = np.tanh(0.3 * x + 0.7 * h + 0.03 + 0.07)
    c_1 = f * c + i * g
    output, (h_n, c_n) = forward(config, weights, np.array([[x]]), (np.array([[h]]), np.array([[c]])))
    assert output[0, 0] == h_n[0, 0] == pytest.approx(o * np.tanh(c_1), abs=1e-15)
    assert c_n[0, 0] == pytest.approx(c_1, abs=1e-15)


def test_extreme_values_neither_overflow_nor_warn() -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(), TorchGenerator(0))
    for scale in (1e4, -1e4, 0.0):
        output, _ = forward(CONFIG, weights, inputs["input"] * np.float32(scale))
        assert np.isfinite(output).all()
        assert np.abs(output).max() <= 1


def test_what_lies_behind_a_sequence_is_never_read() -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(5, 2), TorchGenerator(0))
    x = inputs["input"].copy()
    expected, _ = forward(CONFIG, weights, x, lengths=[5, 2])
    for anything in (np.nan, np.inf, -np.inf, 1e38):
        x[2:, 1] = anything
        output, (h_n, c_n) = forward(CONFIG, weights, x, lengths=[5, 2])
        assert np.array_equal(output, expected)
        assert np.isfinite(h_n).all()
        assert np.isfinite(c_n).all()
    assert x[2, 1, 0] == np.float32(1e38)  # it was not changed either


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_result_has_the_dtype_of_the_input(dtype: str) -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(dtype=dtype), TorchGenerator(0))
    output, (h_n, c_n) = forward(CONFIG, weights, inputs["input"])
    assert {output.dtype.name, h_n.dtype.name, c_n.dtype.name} == {dtype}


def test_float16_is_float32_rounded_once() -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(dtype="float16"), TorchGenerator(0))
    wide = {name: array.astype(np.float32) for name, array in weights.items()}
    exact, _ = forward(CONFIG, wide, inputs["input"].astype(np.float32))
    rounded, _ = forward(CONFIG, weights, inputs["input"])
    assert np.array_equal(rounded, exact.astype(np.float16))


def test_steps_are_counted() -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(5, 2), TorchGenerator(0))
    steps = 0

    def step(_: Step) -> None:
        nonlocal steps
        steps += 1

    forward(CONFIG, weights, inputs["input"], on_step=step)
    assert steps == 5 * 2 * 2
    forward(CONFIG, weights, inputs["input"], lengths=[3, 1], on_step=step)
    assert steps == 5 * 2 * 2 + 3 * 2 * 2


def refused(**changes: Any) -> str:
    """The words with which the forward pass refuses a valid call with something changed."""
    weights, _, inputs = draw(LSTMModel(CONFIG), DataSpec(5, 2), TorchGenerator(0))
    call: dict[str, Any] = {"config": CONFIG, "weights": weights, "x": inputs["input"], "state": None, "lengths": None}
    forward(**call)
    for name, change in changes.items():
        call[name] = change(call[name]) if callable(change) else change
    with pytest.raises((ArrayError, ConfigError)) as caught:
        forward(**call)
    return str(caught.value)


def zeros(*shape: int, dtype: str = "float32") -> Array:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"x": zeros(3)},
            "x: x has the wrong number of axes\n  expected (L, N, H_in), or (L, H_in) unbatched, found (3,)",
        ),
        (
            {"x": zeros(5, 2, 7)},
            "x: the last axis does not fit\n  expected H_in = input_size = 3, found 7 (shape (5, 2, 7))",
        ),
        ({"weights": None}, "weights: not a mapping\n  expected names to arrays, found NoneType"),
        ({"lengths": 5}, "lengths is not a list\n  expected integers, e.g. 4, 2, 3, found 5"),
        ({"x": zeros(0, 2, 3)}, "x: there are no steps\n  expected L >= 1, found shape (0, 2, 3)"),
        (
            {"x": np.zeros((5, 2, 3), int)},
            "x: dtype is not supported\n  expected one of float16, float32, float64, found int64",
        ),
        (
            {"x": zeros(5, 2, 3, dtype="float64")},
            (
                "weight_ih_l0: the dtype does not fit\n  expected float64, as x, found float32\n"
                "  hint: convert it, with weight_ih_l0.astype('float64')"
            ),
        ),
        (
            {"weights": lambda w: {name: w[name] for name in w if name != "bias_hh_l1"}},
            (
                "weights: these are not the weights of this LSTM\n"
                "  expected the 16 parameters of LSTM(3, 4, num_layers=2, bidirectional=True), found missing bias_hh_l1"
            ),
        ),
        (
            {"weights": lambda w: {**w, "weight_hr_l0": zeros(2, 4)}},
            (
                "weights: these are not the weights of this LSTM\n"
                "  expected the 16 parameters of LSTM(3, 4, num_layers=2, bidirectional=True), found unknown weight_hr_l0"
            ),
        ),
        (
            {"weights": lambda w: {**w, "weight_hh_l0": zeros(4, 16)}},
            "weight_hh_l0: the shape does not fit\n  expected (16, 4), found (4, 16)",
        ),
        ({"state": zeros(1)}, "state: not a pair\n  expected (h_0, c_0), found ndarray"),
        (
            {"state": (zeros(4, 2, 4), zeros(2, 2, 4))},
            "c_0: the shape does not fit\n  expected (4, 2, 4), found (2, 2, 4)",
        ),
        (
            {"state": (zeros(2, 4, 4), zeros(4, 2, 4))},
            (
                "h_0: the shape does not fit\n  expected (4, 2, 4), found (2, 4, 4)\n"
                "  hint: batch_first does not apply to h_0 and c_0: swap the first two axes"
            ),
        ),
        (
            {"lengths": [5]},
            "batch and lengths disagree\n  expected one length for each sequence, N = 2, found 1 length",
        ),
        (
            {"lengths": [5, 6]},
            "lengths do not fit into the sequence\n  expected each length in 1..L = 5, found 6",
        ),
        ({"x": zeros(5, 3), "lengths": [5]}, "unbatched input has no lengths\n  expected (L, N, H_in), found (5, 3)"),
    ],
)
def test_arguments_that_do_not_fit_are_named(changes: dict[str, Any], message: str) -> None:
    assert refused(**changes) == message


def test_ragged_lists_are_no_array() -> None:
    assert refused(x=[[1.0], [2.0, 3.0]]).startswith("x: not an array\n  found ")


def test_many_missing_weights_are_counted() -> None:
    assert refused(weights={}).endswith(
        "found missing bias_hh_l0, bias_hh_l0_reverse, bias_hh_l1, bias_hh_l1_reverse and 12 more"
    )


def test_memory_does_not_grow_with_layers_or_with_steps_of_gates() -> None:
    """The peak is two outputs, one piece of W_ih x_t + b with its copy, and some steps: not the gates of all steps."""
    config, data = LSTMConfig(8, 64, 4), DataSpec(2000, 4)
    weights, _, inputs = draw(LSTMModel(config), data, TorchGenerator(0))
    forward(config, weights, inputs["input"])  # what is imported for it is imported
    tracemalloc.start()
    forward(config, weights, inputs["input"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    output = 4 * 2000 * 4 * 64
    assert 2 * output <= peak <= 2 * output + 3 * PIECE + 2**16
