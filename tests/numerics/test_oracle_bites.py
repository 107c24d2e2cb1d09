"""The comparison with PyTorch notices every mistake that is commonly made in an LSTM.

A mutant is what an LSTM with one such mistake would give for a recording; the comparison that `test_forward_recorded` makes
must refuse it, and by far.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import pytest

from tools.oracle import (
    ORDERS,
    OUTPUTS,
    WRONG_ORDERS,
    Array,
    Recording,
    assert_agrees,
    assert_described,
    assert_states_mapped,
    distance,
    load,
    predict,
    recorded,
    reordered,
    tolerance,
)

_, RECORDINGS = load()
# An empty batch has no numbers to be wrong; its shapes are held elsewhere.
NUMBERS: Final = [recording for recording in recorded() if recording.case.batch != 0]


def assert_caught(recording: Recording, mutant: dict[str, Array]) -> None:
    """The comparison refuses the mutant, and would with a tolerance a thousand times as large."""
    with pytest.raises(AssertionError, match=f"^{recording.case.name}: (output|h_n|c_n) is off by "):
        assert_agrees(recording, mutant)
    # float16 leaves less room: 1 is a thousand of its units.
    factor = 10 if recording.case.dtype == "float16" else 1000
    error = max(distance(mutant[name], recording.outputs[name]) for name in OUTPUTS)
    assert error > factor * tolerance(recording), f"{recording.case.name}: only off by {error:.3g}"


@pytest.mark.parametrize("order", WRONG_ORDERS)
def test_a_wrong_gate_order_is_caught(order: str) -> None:
    for recording in NUMBERS:
        assert_caught(recording, predict(recording, reordered(recording.weights, order)))


def test_there_are_23_wrong_gate_orders_and_the_right_one_passes() -> None:
    assert len(set(WRONG_ORDERS)) == 23
    for recording in NUMBERS:
        weights = reordered(recording.weights, "ifgo")
        assert all((weights[name] == array).all() for name, array in recording.weights.items())
        assert_agrees(recording, predict(recording, weights))


def _replaced(stem: str, change: Callable[[Array], Array]) -> Callable[[Recording], dict[str, Array]]:
    """The mutant that has changed every parameter of one kind."""

    def mutant(recording: Recording) -> dict[str, Array]:
        changed = {name: change(array) for name, array in recording.weights.items() if name.startswith(stem)}
        assert changed
        return predict(recording, changed)

    return mutant


def _transposed_by_gate(weight_hh: Array) -> Array:
    return np.concatenate([gate.T for gate in np.split(weight_hh, 4)])


def _identity(weight_hr: Array) -> Array:
    return np.eye(*weight_hr.shape, dtype=weight_hr.dtype)


def _directions_swapped(recording: Recording) -> dict[str, Array]:
    def other(name: str) -> str:
        return name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"

    return predict(recording, {name: recording.weights[other(name)] for name in recording.weights})


def _states_of_the_other_direction(recording: Recording) -> dict[str, Array]:
    cells = np.arange(len(recording.inputs["h_0"]))
    swapped = cells ^ 1  # forward and reverse alternate
    return predict(recording, inputs={name: recording.inputs[name][swapped] for name in ("h_0", "c_0")})


def _states_by_direction_first(recording: Recording) -> dict[str, Array]:
    layers = recording.config.num_layers
    order = np.arange(2 * layers).reshape(layers, 2).T.ravel()
    return predict(recording, inputs={name: recording.inputs[name][order] for name in ("h_0", "c_0")})


def _states_exchanged(recording: Recording) -> dict[str, Array]:
    return predict(recording, inputs={"h_0": recording.inputs["c_0"], "c_0": recording.inputs["h_0"]})


def _state_ignored(name: str) -> Callable[[Recording], dict[str, Array]]:
    return lambda recording: predict(recording, inputs={name: np.zeros_like(recording.inputs[name])})


def _reads_only_forward(recording: Recording) -> dict[str, Array]:
    return predict(recording, {name: _half(array, keep=True) for name, array in _upper(recording).items()})


def _reads_reverse_first(recording: Recording) -> dict[str, Array]:
    return predict(recording, {name: _half(array, keep=False) for name, array in _upper(recording).items()})


def _upper(recording: Recording) -> dict[str, Array]:
    return {
        name: array
        for name, array in recording.weights.items()
        if name.startswith("weight_ih") and not name.startswith("weight_ih_l0")
    }


def _half(weight_ih: Array, *, keep: bool) -> Array:
    forward, reverse = np.split(weight_ih, 2, axis=1)
    return np.concatenate([forward, np.zeros_like(reverse)] if keep else [reverse, forward], axis=1)


def _reverse_half_not_turned_back(recording: Recording) -> dict[str, Array]:
    found = predict(recording)
    output, width = found["output"].copy(), recording.config.output_size
    output[..., width:] = np.flip(output[..., width:], axis=_time_axis(recording))
    return {**found, "output": output}


def _reverse_half_first(recording: Recording) -> dict[str, Array]:
    found = predict(recording)
    forward, reverse = np.split(found["output"], 2, axis=-1)
    return {**found, "output": np.concatenate([reverse, forward], axis=-1)}


def _states_from_the_last_step_of_output(recording: Recording) -> dict[str, Array]:
    found = predict(recording)
    last = np.moveaxis(found["output"], _time_axis(recording), 0)[-1]
    h_n = found["h_n"].copy()
    h_n[-1] = last[..., recording.config.output_size :]
    return {**found, "h_n": h_n}


def _time_axis(recording: Recording) -> int:
    return int(recording.config.batch_first and recording.case.batch is not None)


def _padding_read(recording: Recording) -> dict[str, Array]:
    """The same batch as if it was not packed, with the output behind each sequence blanked."""
    whole = predict(recording._replace(case=recording.case._replace(lengths=None)))
    steps = np.arange(recording.case.seq_len)[:, None] >= np.array(recording.case.lengths)
    output = whole["output"].copy()
    output[steps.T if recording.config.batch_first else steps] = 0
    return {**whole, "output": output}


def _reverse_from_the_padded_end(recording: Recording) -> dict[str, Array]:
    """The forward direction as it should be, the reverse one begun behind the end of the sequences."""
    found, padded = predict(recording), _padding_read(recording)
    width = recording.config.output_size
    output = np.concatenate([found["output"][..., :width], padded["output"][..., width:]], axis=-1)
    states = {name: np.concatenate([found[name][:1], padded[name][1:]]) for name in ("h_n", "c_n")}
    return {"output": output, **states}


def _forward_states_at_the_padded_end(recording: Recording) -> dict[str, Array]:
    found, padded = predict(recording), _padding_read(recording)
    return {
        "output": found["output"],
        **{name: np.concatenate([padded[name][:1], found[name][1:]]) for name in ("h_n", "c_n")},
    }


def _order(recording: Recording) -> list[int]:
    lengths = recording.case.lengths or ()
    return sorted(range(len(lengths)), key=lambda n: -lengths[n])


def _states_given_unsorted(recording: Recording) -> dict[str, Array]:
    unsorted = np.argsort(_order(recording))
    return predict(recording, inputs={name: recording.inputs[name][:, unsorted] for name in ("h_0", "c_0")})


def _states_left_sorted(recording: Recording) -> dict[str, Array]:
    found, order = predict(recording), _order(recording)
    return {"output": found["output"], "h_n": found["h_n"][:, order], "c_n": found["c_n"][:, order]}


def _batch_first_ignored(recording: Recording) -> dict[str, Array]:
    found = predict(recording, inputs={"input": recording.inputs["input"].swapaxes(0, 1)})
    return {**found, "output": found["output"].swapaxes(0, 1)}


def _padded(recording: Recording) -> bool:
    return recording.case.lengths is not None and min(recording.case.lengths) < recording.case.seq_len


def _steps(recording: Recording) -> int:
    return max(recording.case.lengths or (recording.case.seq_len,))


class Mutant(NamedTuple):
    """A mistake, the recordings that can show it, and at least how many those are."""

    make: Callable[[Recording], dict[str, Array]]
    shows: Callable[[Recording], bool]
    at_least: int


MUTANTS: Final = {
    "the recurrent matrix of each gate is transposed": Mutant(
        _replaced("weight_hh", _transposed_by_gate),
        lambda r: not r.config.proj_size and r.config.hidden_size > 1,
        30,
    ),
    "the recurrent matrix is ignored": Mutant(_replaced("weight_hh", np.zeros_like), lambda _: True, 40),
    "bias_ih is dropped": Mutant(_replaced("bias_ih", np.zeros_like), lambda r: r.config.bias, 40),
    "bias_hh is dropped": Mutant(_replaced("bias_hh", np.zeros_like), lambda r: r.config.bias, 40),
    "both biases are dropped": Mutant(_replaced("bias", np.zeros_like), lambda r: r.config.bias, 40),
    "bias_ih is added twice": Mutant(_replaced("bias_ih", lambda bias: 2 * bias), lambda r: r.config.bias, 40),
    "the projection is ignored": Mutant(_replaced("weight_hr", _identity), lambda r: r.config.proj_size > 0, 8),
    "the directions' weights are swapped": Mutant(_directions_swapped, lambda r: r.config.bidirectional, 20),
    "the directions' h_0 and c_0 are swapped": Mutant(
        _states_of_the_other_direction, lambda r: r.config.bidirectional and r.case.state, 20
    ),
    "h_0 and c_0 go by direction, then by layer": Mutant(
        _states_by_direction_first, lambda r: r.config.bidirectional and r.case.state and r.config.num_layers > 1, 8
    ),
    "h_0 and c_0 are exchanged": Mutant(_states_exchanged, lambda r: not r.config.proj_size and r.case.state, 35),
    "h_0 is ignored": Mutant(_state_ignored("h_0"), lambda r: r.case.state, 40),
    "c_0 is ignored": Mutant(_state_ignored("c_0"), lambda r: r.case.state, 40),
    "upper layers read the forward direction only": Mutant(
        _reads_only_forward, lambda r: r.config.bidirectional and r.config.num_layers > 1, 8
    ),
    "upper layers read the reverse direction first": Mutant(
        _reads_reverse_first, lambda r: r.config.bidirectional and r.config.num_layers > 1, 8
    ),
    "the reverse half of output is not turned back": Mutant(
        _reverse_half_not_turned_back, lambda r: r.config.bidirectional and r.case.seq_len > 1, 20
    ),
    "the reverse half of output comes first": Mutant(_reverse_half_first, lambda r: r.config.bidirectional, 20),
    "h_n of the reverse direction is read at the last step": Mutant(
        _states_from_the_last_step_of_output, lambda r: r.config.bidirectional and _steps(r) > 1, 20
    ),
    "the reverse direction of a packed batch starts at the padded end": Mutant(
        _reverse_from_the_padded_end, lambda r: _padded(r) and r.config.bidirectional and r.config.num_layers == 1, 5
    ),
    "the forward states of a packed batch are read at the padded end": Mutant(
        _forward_states_at_the_padded_end, _padded, 10
    ),
    "a packed batch is read as if it was not": Mutant(_padding_read, _padded, 10),
    "the states of a packed batch are not sorted with it": Mutant(
        _states_given_unsorted, lambda r: _order(r) != sorted(_order(r)) and r.case.state, 7
    ),
    "the states of a packed batch are left sorted": Mutant(
        _states_left_sorted, lambda r: _order(r) != sorted(_order(r)), 8
    ),
    "batch_first is ignored": Mutant(
        _batch_first_ignored,
        lambda r: r.config.batch_first and r.case.batch == r.case.seq_len and r.case.lengths is None,
        1,
    ),
}


@pytest.mark.parametrize("mistake", MUTANTS)
def test_it_is_caught_that(mistake: str) -> None:
    mutant = MUTANTS[mistake]
    shown_by = [recording for recording in NUMBERS if mutant.shows(recording)]
    assert len(shown_by) >= mutant.at_least
    for recording in shown_by:
        assert_caught(recording, mutant.make(recording))


@pytest.mark.parametrize("recording", NUMBERS, ids=lambda recording: recording.case.name)
def test_one_number_that_is_slightly_off_is_caught(recording: Recording) -> None:
    nudge = {"float64": 2.0**-20, "float32": 2.0**-6, "float16": 2.0**-1}[recording.case.dtype]
    for group in ("weights", "inputs"):
        arrays = getattr(recording, group)
        for name, array in arrays.items():
            nudged = array.copy()
            # Step 0 of an input, which is never padding.
            nudged.ravel()[0] += nudge
            changed = {group: {name: nudged}}
            with pytest.raises(AssertionError, match="is off by"):
                assert_agrees(recording, predict(recording, changed.get("weights"), changed.get("inputs")))


@pytest.mark.parametrize("name", OUTPUTS)
def test_another_shape_or_dtype_is_caught(name: str) -> None:
    (recording,) = recorded("batch_first_square")
    right = predict(recording)
    for wrong in (right[name].astype(np.float64), right[name][:, :2], right[name][..., None]):
        with pytest.raises(AssertionError, match=f"{name} is (float64|\\()"):
            assert_agrees(recording, {**right, name: wrong})


def test_not_a_number_is_caught() -> None:
    (recording,) = recorded("one_layer")
    right = predict(recording)
    with pytest.raises(AssertionError, match="off by nan"):
        assert_agrees(recording, {**right, "h_n": np.full_like(right["h_n"], np.nan)})


def test_swapped_names_and_another_text_are_caught() -> None:
    (recording,) = recorded("bidirectional")
    first, second, *others = recording.parameters
    for wrong in (
        recording._replace(parameters=[second, first, *others]),
        recording._replace(parameters=recording.parameters[:-1]),
        recording._replace(num_parameters=recording.num_parameters + 1),
        recording._replace(text="LSTM(3, 4)"),
    ):
        with pytest.raises(AssertionError):
            assert_described(wrong)


def test_another_state_map_is_caught() -> None:
    (recording,) = recorded("bidirectional")
    h_n = recording.outputs["h_n"]
    for wrong in (h_n[::-1], np.nextafter(h_n, np.float32(2)), recording.outputs["output"][-1].reshape(3, 2, 4)):
        with pytest.raises(AssertionError):
            assert_states_mapped(recording._replace(outputs={**recording.outputs, "h_n": wrong}))


@pytest.mark.parametrize("constant", [1.0, 0.5, 0.0])
def test_constant_weights_would_notice_no_gate_order(constant: float) -> None:
    # Why every weight here is random: with all of them the same, the 24 gate orders are one, and so are a matrix and
    # its transpose, and the two directions.
    for recording in recorded("float64_bidirectional_two_layers", "float64_everything"):
        weights = {name: np.full_like(array, constant) for name, array in recording.weights.items()}
        same = recording._replace(weights=weights)
        outputs = predict(same)
        for order in ORDERS:
            assert_agrees(recording._replace(outputs=outputs), predict(same, reordered(weights, order)))
        assert_agrees(recording._replace(outputs=outputs), _directions_swapped(same))
        if not recording.config.proj_size:
            transposed = MUTANTS["the recurrent matrix of each gate is transposed"]
            assert_agrees(recording._replace(outputs=outputs), transposed.make(same))
