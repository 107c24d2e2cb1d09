from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tools.oracle import (
    FILE,
    FORWARDS,
    OUTPUTS,
    STATES,
    WIDE,
    Recording,
    assert_agrees,
    assert_described,
    assert_rounded_once,
    assert_states_mapped,
    load,
    predict,
    recorded,
    tolerance,
)

TORCH, RECORDINGS = load()
each = pytest.mark.parametrize("recording", RECORDINGS.values(), ids=RECORDINGS)


@each
def test_text_names_shapes_order_and_count_are_pytorchs(recording: Recording) -> None:
    assert_described(recording)


@each
@pytest.mark.parametrize("compute", FORWARDS)
def test_output_and_states_are_pytorchs(recording: Recording, compute: Callable[..., Any]) -> None:
    assert_agrees(recording, predict(recording, compute=compute))


@each
def test_the_state_map_holds_in_pytorchs_own_output(recording: Recording) -> None:
    assert_states_mapped(recording)


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name.startswith("float16")])
@pytest.mark.parametrize("compute", FORWARDS)
def test_float16_is_pytorchs_float32_rounded_once(name: str, compute: Callable[..., Any]) -> None:
    (recording,) = recorded(name)
    assert recording.wider
    assert_rounded_once(recording, predict(recording, compute=compute))


@pytest.mark.parametrize("name", [name for name, recording in RECORDINGS.items() if recording.case.lengths])
@pytest.mark.parametrize("compute", FORWARDS)
def test_what_lies_behind_a_packed_sequence_is_not_read(name: str, compute: Callable[..., Any]) -> None:
    (recording,) = recorded(name)
    axis = 0 if recording.config.batch_first else 1
    x = recording.inputs["input"].copy()
    for n, length in enumerate(recording.case.lengths or ()):
        x.swapaxes(0, axis)[n, length:] = np.nan
    assert_agrees(recording, predict(recording, inputs={"input": x}, compute=compute))


def test_the_recordings_are_of_this_pytorch() -> None:
    assert TORCH == "2.13.0"
    assert FILE.stat().st_size < 400 * 1024


def test_the_tolerances_are_tight() -> None:
    bounds = {"float64": 1e-12, "float32": 1e-6, "float16": 2.5e-3}
    for recording in recorded():
        wide = recording.case.dtype == "float32" and recording.config.input_size > WIDE
        bound = 5e-6 if wide else bounds[recording.case.dtype]
        assert 0 < tolerance(recording) <= bound, recording.case.name


def test_every_array_is_random() -> None:
    for recording in recorded():
        for name, array in {**recording.weights, **recording.inputs}.items():
            # float16 has so few numbers that some are drawn twice.
            least = 0.8 * array.size if recording.case.dtype == "float16" else array.size - 1
            assert len(np.unique(array)) >= least, (recording.case.name, name)


def _unsorted(recording: Recording) -> bool:
    lengths = recording.case.lengths or ()
    return list(lengths) != sorted(lengths, reverse=True)


def _tied(recording: Recording) -> bool:
    lengths = recording.case.lengths or ()
    return len(set(lengths)) < len(lengths)


def _padded_further(recording: Recording) -> bool:
    return recording.case.lengths is not None and max(recording.case.lengths) < recording.case.seq_len


# What the recordings must contain between them, so that none of it is ever only believed.
COVERED: dict[str, Callable[[Recording], bool]] = {
    "1 layer": lambda r: r.config.num_layers == 1,
    "2 layers": lambda r: r.config.num_layers == 2,
    "3 layers": lambda r: r.config.num_layers == 3,
    "4 layers": lambda r: r.config.num_layers == 4,
    "bidirectional": lambda r: r.config.bidirectional,
    "bidirectional, 4 layers": lambda r: r.config.bidirectional and r.config.num_layers == 4,
    "no bias": lambda r: not r.config.bias,
    "no bias, bidirectional": lambda r: not r.config.bias and r.config.bidirectional,
    "no bias, projected": lambda r: not r.config.bias and r.config.proj_size > 0,
    "batch_first": lambda r: r.config.batch_first and r.case.batch is not None,
    "batch_first, N = L": lambda r: r.config.batch_first and r.case.batch == r.case.seq_len,
    "batch_first, unbatched": lambda r: r.config.batch_first and r.case.batch is None,
    "dropout between layers": lambda r: 0 < r.config.dropout < 1 and r.config.num_layers > 1,
    "dropout of everything": lambda r: r.config.dropout == 1 and r.config.num_layers > 1,
    "dropout, 1 layer": lambda r: r.config.dropout > 0 and r.config.num_layers == 1,
    "projected": lambda r: r.config.proj_size > 0,
    "projected to 1": lambda r: r.config.proj_size == 1,
    "projected, almost full": lambda r: r.config.proj_size == r.config.hidden_size - 1 > 1,
    "projected, bidirectional, layers": lambda r: (
        r.config.proj_size > 0 and r.config.bidirectional and r.config.num_layers > 1
    ),
    "unbatched": lambda r: r.case.batch is None,
    "unbatched, bidirectional": lambda r: r.case.batch is None and r.config.bidirectional,
    "unbatched, projected": lambda r: r.case.batch is None and r.config.proj_size > 0,
    "empty batch": lambda r: r.case.batch == 0,
    "packed": lambda r: r.case.lengths is not None,
    "packed, unsorted": _unsorted,
    "packed, ties": _tied,
    "packed, padded further": _padded_further,
    "packed, padded further, batch_first": lambda r: _padded_further(r) and r.config.batch_first,
    "packed, padded further, bidirectional": lambda r: _padded_further(r) and r.config.bidirectional,
    "packed, projected": lambda r: r.case.lengths is not None and r.config.proj_size > 0,
    "packed, unsorted, bidirectional, layers": lambda r: (
        _unsorted(r) and r.config.bidirectional and r.config.num_layers > 1
    ),
    "packed, no state": lambda r: r.case.lengths is not None and not r.case.state,
    "L = 1": lambda r: r.case.seq_len == 1,
    "hidden_size = 1": lambda r: r.config.hidden_size == 1,
    "input_size = 1": lambda r: r.config.input_size == 1,
    "N = 1": lambda r: r.case.batch == 1,
    "no state": lambda r: not r.case.state,
    "no state, unbatched": lambda r: not r.case.state and r.case.batch is None,
    "a state": lambda r: r.case.state,
    "float64": lambda r: r.case.dtype == "float64",
    "float32": lambda r: r.case.dtype == "float32",
    "float16": lambda r: r.case.dtype == "float16",
    "input of 64 times hidden": lambda r: r.config.input_size == 64 * r.config.hidden_size,
    "input of more than 64 times hidden, float32": lambda r: (
        r.config.input_size > 64 * r.config.hidden_size and r.case.dtype == "float32"
    ),
    "input of more than 64 times hidden, float64": lambda r: (
        r.config.input_size > 64 * r.config.hidden_size and r.case.dtype == "float64"
    ),
}


@pytest.mark.parametrize("option", COVERED)
def test_some_recording_covers(option: str) -> None:
    assert any(COVERED[option](recording) for recording in recorded())


def test_there_are_enough_recordings_and_each_is_whole() -> None:
    assert len(RECORDINGS) >= 50
    for name, recording in RECORDINGS.items():
        assert recording.case.name == name
        assert tuple(recording.outputs) == OUTPUTS
        assert tuple(recording.inputs) == ("input", *STATES) if recording.case.state else ("input",)
        assert list(recording.weights) == [parameter for parameter, _ in recording.parameters]
        arrays = [*recording.weights.values(), *recording.inputs.values(), *recording.outputs.values()]
        assert {array.dtype.name for array in arrays} == {recording.case.dtype}
