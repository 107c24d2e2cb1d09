"""The proof itself: that it holds for LSTMs of every kind, and that a wrong forward pass does not survive it."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from test_model import configs, data

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward, judges, machine, verify
from lstmcalc.errors import MissingExtraError, TooLargeError, UnsupportedError
from lstmcalc.numerics import Array

PAIR = tuple[Array, tuple[Array, Array]]


@settings(max_examples=60)
@given(configs(), data())
def test_every_prediction_holds(config: LSTMConfig, spec: DataSpec) -> None:
    result = verify.run(config, spec)
    assert result.passed, [check for check in result.checks if not check.passed]


@pytest.mark.parametrize("dtype", verify.RUN_DTYPES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spec", [{}, {"lengths": [4, 2, 3]}, {"unbatched": True}, {"batch": 0}, {"batch": 30}])
def test_it_holds_in_every_dtype(spec: dict[str, Any], seed: int, dtype: str) -> None:
    config = LSTMConfig(7, 9, 2, bidirectional=True, proj_size=4 * (seed % 2))
    assert verify.run(config, DataSpec.given(**spec, dtype=dtype), seed).passed


@pytest.mark.parametrize("config", [LSTMConfig(100_000, 4), LSTMConfig(10_000, 1, 2), LSTMConfig(3, 700)])
def test_it_holds_for_wide_input_and_wide_cells(config: LSTMConfig) -> None:
    assert verify.run(config, DataSpec(3, 2)).passed


STACK = LSTMConfig(3, 4, 2, bidirectional=True)


def checks_of(spec: dict[str, Any], config: LSTMConfig = STACK) -> list[str]:
    return [check.name for check in verify.run(config, DataSpec.given(**spec)).checks]


def test_the_checks_of_a_packed_run() -> None:
    assert checks_of({"lengths": [4, 2, 3]}) == [
        "shape of input",
        "shape of h_0",
        "shape of c_0",
        "shape of output",
        "shape of h_n",
        "shape of c_n",
        "shape of packed.data",
        "shape of packed.batch_sizes",
        "number of weights",
        "h_n[2] = output[[3, 1, 2], [0, 1, 2], :4]",
        "h_n[3] = output[0, :, 4:8]",
        "h_n[3] != output[[3, 1, 2], [0, 1, 2], 4:8]",
        "equations, gate by gate",
        "each sequence alone gives the same (all 3)",
        "output behind each sequence",
        "h_0, c_0 omitted = zeros",
        "largest |h|",
    ]


def test_at_most_eight_sequences_run_alone() -> None:
    assert "each sequence alone gives the same (8 of 20)" in checks_of({"batch": 20})
    assert "a batch of one gives the same" in checks_of({"unbatched": True})


def test_h_is_not_bounded_behind_a_projection() -> None:
    assert "largest |h|" not in checks_of({}, LSTMConfig(3, 4, proj_size=2))


Wrong = Callable[[PAIR, LSTMConfig, Array, Any, Any], PAIR]


def swap_halves(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    output, final = found
    return np.concatenate(np.split(output, 2, axis=-1)[::-1], axis=-1), final


def too_short(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    return found[0][..., :-1], found[1]


def dirt_behind(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    output, final = found
    if lengths:
        output[-1, 1] = 1e-9
    return output, final


def too_large(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    output, (h_n, c_n) = found
    return output * 3, (h_n * 3, c_n)


def not_a_number(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    return found[0] * np.float32(np.nan), found[1]


def states_swapped(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    output, (h_n, c_n) = found
    return output, (c_n, h_n)


def sequences_mixed(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    output, (h_n, c_n) = found
    if output.ndim == 3:
        output, h_n, c_n = output[:, ::-1], h_n[:, ::-1], c_n[:, ::-1]
    return output, (h_n, c_n)


def omitted_means_ones(found: PAIR, config: LSTMConfig, x: Array, state: Any, lengths: Any) -> PAIR:
    output, (h_n, c_n) = found
    return output, (h_n, c_n + 1 if state is None else c_n)


@pytest.mark.parametrize(
    ("wrong", "caught"),
    [
        (swap_halves, "h_n[2] ="),
        (too_short, "shape of output"),
        (dirt_behind, "output behind"),
        (too_large, "largest |h|"),
        (not_a_number, "largest |h|"),
        (states_swapped, "h_n[2] ="),
        (sequences_mixed, "each sequence alone"),
        (omitted_means_ones, "h_0, c_0 omitted"),
    ],
)
def test_a_wrong_forward_pass_is_caught(wrong: Wrong, caught: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(config: LSTMConfig, weights: Any, x: Array, state: Any = None, lengths: Any = None, **rest: Any) -> PAIR:
        return wrong(forward(config, weights, x, state, lengths, **rest), config, x, state, lengths)

    monkeypatch.setattr(verify, "forward", lying)
    result = verify.run(LSTMConfig(3, 4, 2, bidirectional=True), DataSpec.given(lengths=[4, 2, 3]))
    assert not result.passed
    assert any(check.name.startswith(caught) for check in result.checks if not check.passed)


def test_a_wrong_count_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LSTMModel, "num_parameters", 7)
    failed = [check.name for check in verify.run(LSTMConfig(3, 4), DataSpec()).checks if not check.passed]
    assert failed == ["number of weights"]


def test_weights_are_drawn_as_pytorch_initialises_them() -> None:
    weights, inputs = verify.draw(LSTMModel(LSTMConfig(50, 100, 2)), DataSpec(20, 10), 0)
    assert list(weights) == [parameter.name for parameter in LSTMModel(LSTMConfig(50, 100, 2)).parameters]
    values = np.concatenate([array.ravel() for array in weights.values()])
    assert np.abs(values).max() <= 0.1  # 1/sqrt(100)
    assert values.std() == pytest.approx(0.2 / np.sqrt(12), rel=0.01)
    assert list(inputs) == ["input", "h_0", "c_0"]
    assert inputs["input"].std() == pytest.approx(1, rel=0.02)


def test_the_same_seed_draws_the_same_numbers() -> None:
    model, spec = LSTMModel(LSTMConfig(3, 4)), DataSpec()
    first, again, other = (verify.draw(model, spec, seed)[1]["input"] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.isfinite(verify.draw(model, spec, -1)[1]["input"]).all()


def test_progress_ends_at_its_total() -> None:
    for spec in ({}, {"lengths": [4, 2, 3]}, {"unbatched": True}, {"batch": 30}, {"batch": 0}):
        calls: list[tuple[int, int]] = []
        verify.run(
            LSTMConfig(3, 4, 2, bidirectional=True),
            DataSpec.given(**spec),
            progress=lambda done, total: calls.append((done, total)),  # noqa: B023  # called at once
        )
        assert [done for done, _ in calls] == list(range(1, len(calls) + 1))
        assert calls[-1][0] == calls[-1][1]


def test_a_run_that_would_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "available_memory", lambda: 10_000)
    with pytest.raises(TooLargeError) as caught:
        verify.run(LSTMConfig(10, 20), DataSpec())
    needed = verify.run_memory(LSTMConfig(10, 20), DataSpec())
    assert str(caught.value) == (
        "this run would not fit in memory\n"
        f"  expected at most 10,000 bytes, which are available, found {needed:,} bytes needed\n"
        "  hint: a smaller batch, sequence or LSTM fits; shapes and params answer for any size"
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("config", "spec"),
    [
        (LSTMConfig(100, 300, 2, bidirectional=True), {"seq_len": 50, "batch": 20}),
        (LSTMConfig(2000, 30, batch_first=True), {"seq_len": 50, "batch": 20}),
        (LSTMConfig(30, 400, 3, proj_size=20), {"seq_len": 200, "batch": 4}),
        (LSTMConfig(30, 200, 2), {"lengths": list(range(1, 60))}),
        (LSTMConfig(1000, 1000), {"seq_len": 1, "batch": 1}),
        (LSTMConfig(500, 500, 2), {"seq_len": 1, "batch": 1}),
        (LSTMConfig(10, 10), {"seq_len": 20_000, "unbatched": True}),
        (LSTMConfig(1, 1, 500), {"seq_len": 1, "batch": 500}),
    ],
)
def test_the_memory_estimate_is_an_upper_bound_and_not_a_wild_one(
    config: LSTMConfig, spec: dict[str, Any], dtype: str
) -> None:

    given_data = DataSpec.given(**spec, dtype=dtype)
    tracemalloc.start()
    verify.run(config, given_data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    estimate = verify.run_memory(config, given_data)
    assert peak <= estimate
    assert estimate <= 2.5 * peak


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_dtypes_that_numpy_does_not_compute_in_are_refused_by_name(dtype: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        verify.run(LSTMConfig(3, 4), DataSpec(dtype=dtype))
    assert str(caught.value) == (
        f"--dtype: run does not compute in {dtype}\n  expected one of float32, float64, float16, found {dtype}"
    )


@pytest.mark.parametrize(
    ("name", "module", "extra"), [("pytorch", "torch", "torch"), ("onnxruntime", "onnx", "onnxruntime")]
)
def test_a_framework_that_is_not_installed_names_its_extra(
    name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(wanted: str) -> None:
        raise ModuleNotFoundError(f"No module named {wanted!r}")

    monkeypatch.setattr(judges, "import_module", missing)
    with pytest.raises(MissingExtraError) as caught:
        verify.run(LSTMConfig(3, 4), DataSpec(), against=[name])
    assert str(caught.value) == (
        f"--against: {module} cannot be imported\n  found No module named '{module}'\n"
        f"  hint: pip install 'lstmcalc[{extra}]'"
    )


def test_available_memory_is_a_number_of_bytes() -> None:
    assert 2**20 < machine.available_memory() <= 2**63
