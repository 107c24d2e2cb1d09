"""The proof itself: that it holds for LSTMs of every kind, and that a wrong forward pass does not survive it."""

import tracemalloc
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, LSTMRunner, forward, machine
from lstmcalc.errors import MissingExtraError, TooLargeError, UnsupportedError, bytes_text
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.pytorch import PYTORCH
from lstmcalc.model import lstm, snippets
from lstmcalc.model.claims import ALONE, Claim, claims_of
from lstmcalc.model.surroundings import logits
from lstmcalc.numerics.arguments import Step
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof import checks, closeness, judges, passes, reference
from lstmcalc.proof import run as verify
from lstmcalc.proof.allowed import largest_in_gates
from lstmcalc.spec.config import Surroundings
from tools.examples import examples, is_thorough
from tools.strategies import configs, data

PAIR = tuple[Array, tuple[Array, Array]]


@examples(60)
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
        "h_n.view(num_layers, D, N, H_out): by [layer, direction]",
        "c_n.view(num_layers, D, N, H_cell): by [layer, direction]",
        "output.view(L, N, D, H_out): both directions apart",
        "torch.cat((h_n[-2], h_n[-1]), dim=-1): the last hidden state",
        "output[-1]: the last step, not the last hidden state",
        "output[:, -1]: every step of the last sequence",
        "output[..., -1]: the last feature of every step",
        "output.transpose(0, 1): Keras return_sequences=True",
        "packed.data: step by step, the longest first",
        "equations, gate by gate",
        "each sequence alone gives the same (all 3)",
        "output behind each sequence = 0",
        "h_0, c_0 omitted = zeros",
        "batch_first=True: output.transpose(0, 1), same h_n, c_n",
        "largest |h|",
        "largest |weight|, 1/sqrt(H_cell)",
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

    patch_forward(monkeypatch, lying)
    result = verify.run(LSTMConfig(3, 4, 2, bidirectional=True), DataSpec.given(lengths=[4, 2, 3]))
    assert not result.passed
    assert any(check.name.startswith(caught) for check in result.checks if not check.passed)


def patch_forward(monkeypatch: pytest.MonkeyPatch, lying: Callable[..., Any]) -> None:
    """Another forward pass, in the run and in its checks."""

    class Runner(LSTMRunner):
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return lying(self.config, self._weights, *arguments, **named)

    monkeypatch.setattr(passes, "LSTMRunner", Runner)
    monkeypatch.setattr(checks, "forward", lying)


def wrong_weights(change: Callable[[str, Array], Array]) -> Callable[..., PAIR]:
    """A forward pass that reads its weights wrongly, but always in the same way."""

    def lying(config: LSTMConfig, weights: Any, *rest: Any, **named: Any) -> PAIR:
        return forward(config, {name: change(name, array) for name, array in weights.items()}, *rest, **named)

    return lying


def gates_reordered(order: tuple[int, ...]) -> Callable[[str, Array], Array]:
    def change(name: str, array: Array) -> Array:
        blocks = np.split(array, 4)
        return array if "weight_hr" in name else np.concatenate([blocks[k] for k in order])

    return change


WRONG_WEIGHTS = {
    "no recurrence": lambda name, array: array * 0 if "weight_hh" in name else array,
    "no bias": lambda name, array: array * 0 if "bias_ih" in name else array,
    "transposed": lambda name, array: (
        np.concatenate([block.T for block in np.split(array, 4)]) if "weight_hh" in name else array
    ),
    **{f"gates {order}": gates_reordered(order) for order in list(permutations(range(4)))[1:]},
}


@pytest.mark.parametrize("change", WRONG_WEIGHTS.values(), ids=WRONG_WEIGHTS.keys())
def test_a_consistently_wrong_lstm_is_caught_by_the_equations(
    change: Callable[[str, Array], Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    patch_forward(monkeypatch, wrong_weights(change))
    for config in (LSTMConfig(3, 4), STACK):
        failed = [check.name for check in verify.run(config, DataSpec()).checks if not check.passed]
        assert failed == ["equations, gate by gate"]


i, f, g, o = lstm.GATES
WRONG_TABLES: dict[str, dict[str, Any]] = {
    "sigmoid for the candidate": {"GATES": (i, f, g._replace(activation="sigmoid"), o)},
    "tanh for the output": {"GATES": (i, f, g, o._replace(activation="tanh"))},
    "nothing forgotten": {"UPDATES": (lstm.Update("c", (("c",), ("i", "g"))), lstm.UPDATES[1])},
    "the cell not squashed": {"UPDATES": (lstm.UPDATES[0], lstm.Update("m", (("o", "c"),)))},
}


@pytest.mark.parametrize("tables", WRONG_TABLES.values(), ids=WRONG_TABLES.keys())
def test_a_wrong_table_of_the_model_is_caught(tables: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, table in tables.items():
        monkeypatch.setattr(lstm, name, table)
        monkeypatch.setattr(reference, name, table)
    failed = [check.name for check in verify.run(STACK, DataSpec()).checks if not check.passed]
    assert failed == ["equations, gate by gate"]


@pytest.mark.parametrize("gates", ["".join(order) for order in list(permutations("ifgo"))[1:]])
def test_a_wrong_order_of_gates_in_the_table_is_caught(gates: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, "pytorch", PYTORCH._replace(gates=gates))
    failed = [check.name for check in verify.run(STACK, DataSpec()).checks if not check.passed]
    assert failed == ["equations, gate by gate"]


def test_a_wrong_shape_of_the_model_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LSTMModel.tensors_of

    def lying(self: LSTMModel, spec: DataSpec) -> list[lstm.Tensor]:
        return [tensor._replace(shape=(*tensor.shape, 1)) for tensor in honest(self, spec)]

    spec = DataSpec.given(lengths=[4, 2, 3])
    result = verify.run(STACK, spec)
    monkeypatch.setattr(LSTMModel, "tensors_of", lying)
    found = list(checks._check_shapes(LSTMModel(STACK), spec, Surroundings(), result))  # noqa: SLF001
    failed = {check.name for check in found if not check.passed}
    computed = ("input", "h_0", "c_0", "output", "h_n", "c_n", "packed.data", "packed.batch_sizes")
    assert failed == {f"shape of {name}" for name in computed}


@pytest.mark.parametrize(
    ("config", "spec"),
    [
        (LSTMConfig(4096, 16), {"seq_len": 20, "batch": 8}),
        (LSTMConfig(300, 4), {"seq_len": 60, "batch": 30}),
        (LSTMConfig(1024, 256), {"seq_len": 20, "batch": 8}),
        (LSTMConfig(5000, 16, batch_first=True), {"lengths": [30, 7, 12]}),
        (LSTMConfig(10, 1024), {"seq_len": 2, "batch": 100}),
    ],
)
def test_rounding_of_wide_input_is_no_failure(config: LSTMConfig, spec: dict[str, Any]) -> None:
    result = verify.run(config, DataSpec.given(**spec), against=["onnxruntime"])
    assert result.passed, [check for check in result.checks if not check.passed]
    bound = next(check.expected for check in result.checks if check.name.startswith("equations"))
    assert bound < 1e-3  # and it still tells right from wrong


@pytest.mark.parametrize(
    ("config", "seed"), [(LSTMConfig(100_000, 1, bidirectional=True), 1), (LSTMConfig(1000, 1, bidirectional=True), 0)]
)
@pytest.mark.parametrize("dtype", verify.RUN_DTYPES)
def test_saturated_gates_are_no_failure(config: LSTMConfig, seed: int, dtype: str) -> None:
    """Where h is 1 to the last bit at every step, the slice that is commonly mistaken for h_n equals it."""
    for batch in (None, 1):
        result = verify.run(config, DataSpec(5, batch, dtype=dtype), seed)
        assert result.passed, [check for check in result.checks if not check.passed]


def test_the_slice_that_is_mistaken_for_h_n_is_checked_where_it_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LSTMModel.states_of

    def lying(self: LSTMModel, spec: DataSpec) -> list[lstm.State]:
        return [state._replace(differs=state.equals) for state in honest(self, spec)]

    monkeypatch.setattr(LSTMModel, "states_of", lying)
    failed = [check.name for check in verify.run(STACK, DataSpec()).checks if not check.passed]
    assert failed == ["h_n[2] != output[-1, :, :4]", "h_n[3] != output[0, :, 4:8]"]


def test_a_nan_is_the_worst_error() -> None:
    nan, one, two = np.array([np.nan]), np.array([1.0]), np.array([1.0 + 1e-8])
    for pairs in ([(nan, one), (two, one)], [(two, one), (nan, one)]):
        check = closeness.check_close("x", pairs, 1e-6)
        assert not check.passed
        assert np.isnan(check.actual)


def test_a_wrong_count_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LSTMModel, "num_parameters", 7)
    failed = [check.name for check in verify.run(LSTMConfig(3, 4), DataSpec()).checks if not check.passed]
    assert failed == ["number of weights"]


def test_weights_are_drawn_as_pytorch_initialises_them() -> None:
    weights, _, inputs = verify.draw(LSTMModel(LSTMConfig(50, 100, 2)), DataSpec(20, 10), TorchGenerator(0))
    assert list(weights) == [parameter.name for parameter in LSTMModel(LSTMConfig(50, 100, 2)).parameters]
    values = np.concatenate([array.ravel() for array in weights.values()])
    assert np.abs(values).max() <= 0.1  # 1/sqrt(100)
    assert values.std() == pytest.approx(0.2 / np.sqrt(12), rel=0.01)
    assert list(inputs) == ["input", "h_0", "c_0"]
    assert inputs["input"].std() == pytest.approx(1, rel=0.02)


def test_the_same_seed_draws_the_same_numbers() -> None:
    lstm, spec = LSTMModel(LSTMConfig(3, 4)), DataSpec()
    first, again, other = (verify.draw(lstm, spec, TorchGenerator(seed)).inputs["input"] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.isfinite(verify.draw(lstm, spec, TorchGenerator(-1)).inputs["input"]).all()


def test_progress_ends_at_its_total() -> None:
    for spec in ({}, {"lengths": [4, 2, 3]}, {"unbatched": True}, {"batch": 30}, {"batch": 0}):
        calls: list[tuple[int, int]] = []
        verify.run(
            LSTMConfig(3, 4, 2, bidirectional=True),
            DataSpec.given(**spec),
            progress=lambda done, total: calls.append((done, total)),  # noqa: B023  # called at once
        )
        assert [done for done, _ in calls] == list(range(1, len(calls) + 1))
        assert all(total == len(calls) for _, total in calls)
        assert bool(calls) == (spec != {"batch": 0})


def test_a_run_that_would_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "available_memory", lambda: 10_000)
    with pytest.raises(TooLargeError) as caught:
        verify.run(LSTMConfig(10, 20), DataSpec())
    needed = verify.run_memory(LSTMConfig(10, 20), DataSpec())
    assert str(caught.value) == (
        "this run would not fit in memory\n"
        "  expected at most the 9.8 KiB that are free (10,000 bytes), "
        f"found a need of {bytes_text(needed)} ({needed:,} bytes)\n"
        "  hint: a smaller batch, sequence or LSTM fits; shapes and params answer for any size"
    )


MEASURED = [
    (LSTMConfig(100, 200, 2, bidirectional=True), {"seq_len": 15, "batch": 20}),
    (LSTMConfig(2000, 30, batch_first=True), {"seq_len": 25, "batch": 10}),
    (LSTMConfig(30, 400, 3, proj_size=20), {"seq_len": 30, "batch": 4}),
    (LSTMConfig(30, 200, 2), {"lengths": list(range(1, 40))}),
    (LSTMConfig(600, 600), {"seq_len": 1, "batch": 1}),
    (LSTMConfig(500, 500, 2), {"seq_len": 1, "batch": 1}),
    (LSTMConfig(10, 10), {"seq_len": 6_000 if is_thorough() else 2_000, "unbatched": True}),
    (LSTMConfig(1, 1, 50), {"seq_len": 1, "batch": 500}),  # the states are drawn, and are the most
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("config", "spec", "dtype"),
    [
        (*case, dtype)
        for at, case in enumerate(MEASURED)
        for number, dtype in enumerate(["float16", "float32", "float64"])
        if is_thorough() or number == at % 3
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


MORE_MEASURED = [
    (LSTMConfig(10, 20), {}, Surroundings(embed=200_000), False),
    (LSTMConfig(10, 20), {"seq_len": 50, "batch": 4}, Surroundings(20_000, "all"), False),
    (LSTMConfig(10, 20), {"seq_len": 50, "batch": 4}, Surroundings(20_000), False),
    (LSTMConfig(10, 20), {"seq_len": 1, "batch": 200}, Surroundings(10_000), False),
    (LSTMConfig(10, 20, bidirectional=True), {"lengths": list(range(1, 100))}, Surroundings(100, "all"), False),
    (LSTMConfig(10, 20, 40), {}, Surroundings(), True),
    (LSTMConfig(10, 50, 3, bidirectional=True), {"seq_len": 50, "batch": 8}, Surroundings(), True),
    (LSTMConfig(10, 600), {}, Surroundings(), False),
    (LSTMConfig(30_000, 20), {}, Surroundings(embed=100), False),
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("config", "spec", "around", "traced", "dtype"),
    [
        (*case, dtype)
        for at, case in enumerate(MORE_MEASURED)
        for number, dtype in enumerate(["float32", "float16"])
        if is_thorough() or number == at % 2
    ],
)
def test_the_memory_estimate_knows_of_layers_around_and_of_a_trace(
    config: LSTMConfig, spec: dict[str, Any], around: Surroundings, traced: bool, dtype: str
) -> None:
    given_data = DataSpec.given(**spec, dtype=dtype)
    tracemalloc.start()
    verify.run(config, given_data, around=around, traced=traced)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    estimate = verify.run_memory(config, given_data, around=around, traced=traced)
    assert peak <= estimate
    assert estimate <= 2.5 * peak


@pytest.mark.parametrize("dtype", ["bfloat16"])
def test_dtypes_that_numpy_does_not_compute_in_are_refused_by_name(dtype: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        verify.run(LSTMConfig(3, 4), DataSpec(dtype=dtype))
    assert str(caught.value) == (
        f"--dtype: run does not compute in {dtype}\n  expected one of float32, float64, float16, found {dtype}"
    )


@pytest.mark.parametrize(
    ("name", "module", "packages"), [("pytorch", "torch", "torch"), ("onnxruntime", "onnx", "onnx onnxruntime")]
)
def test_a_framework_that_is_not_installed_names_its_packages(
    name: str, module: str, packages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(wanted: str) -> None:
        raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)

    monkeypatch.setattr(judges, "import_module", missing)
    with pytest.raises(MissingExtraError) as caught:
        verify.run(LSTMConfig(3, 4), DataSpec(), against=[name])
    assert str(caught.value) == (f"--against: {module} is not installed\n  hint: pip install {packages}")


def test_a_framework_that_does_not_load_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(wanted: str) -> None:
        raise SystemError(f"{wanted}.so: cannot map segment")

    monkeypatch.setattr(judges, "import_module", broken)
    with pytest.raises(MissingExtraError) as caught:
        verify.run(LSTMConfig(3, 4), DataSpec(), against=["pytorch"])
    assert str(caught.value) == (
        "--against: torch is installed, but does not load\n  found torch.so: cannot map segment\n"
        "  hint: it may need more memory than there is"
    )


def test_a_model_that_no_protobuf_holds_is_refused_before_it_is_made() -> None:
    with pytest.raises(UnsupportedError) as caught:
        judges.check_judge("onnxruntime", LSTMConfig(10, 12_000), DataSpec())
    assert str(caught.value).startswith("--against: onnxruntime cannot run a model of more than 2 GiB\n")


def test_a_framework_that_fails_ends_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> judges.Ready:
        raise RuntimeError("can't allocate memory\nand a stack")

    monkeypatch.setitem(judges.JUDGES, "onnxruntime", judges.JUDGES["onnxruntime"]._replace(ready=failing))
    with pytest.raises(UnsupportedError) as caught:
        verify.run(LSTMConfig(3, 4), DataSpec(), against=["onnxruntime"])
    assert str(caught.value) == ("--against: onnxruntime failed\n  found RuntimeError: can't allocate memory")


def test_available_memory_is_a_number_of_bytes() -> None:
    assert 2**20 < machine.available_memory() <= 2**63


def failed(config: LSTMConfig, spec: DataSpec, around: Surroundings = ALONE) -> list[str]:
    return [check.name for check in verify.run(config, spec, around=around).checks if not check.passed]


@pytest.mark.parametrize("layer", [0, 1])
def test_a_wrong_gate_is_seen_in_the_first_and_in_the_last_layer(layer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(*arguments: Any, on_step: Callable[[Step], None] | None = None, **named: Any) -> Any:
        def tell(step: Step) -> None:
            if on_step:
                on_step(step._replace(gates=step.gates[:, ::-1]) if step.layer == layer else step)

        return forward(*arguments, on_step=tell, **named)

    monkeypatch.setattr(checks, "forward", lying)
    assert failed(STACK, DataSpec()) == ["equations, gate by gate"]


def test_wrong_outputs_of_right_steps_are_seen_by_the_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(*arguments: Any, **named: Any) -> Any:
        output, final = forward(*arguments, **named)
        return output * np.float32(1.001), final

    monkeypatch.setattr(checks, "forward", lying)
    assert "equations, gate by gate" in failed(STACK, DataSpec())


def test_states_that_change_with_the_layout_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(config: LSTMConfig, *arguments: Any, **named: Any) -> Any:
        output, (h_n, c_n) = forward(config, *arguments, **named)
        return output, ((h_n[:, ::-1], c_n) if config.batch_first else (h_n, c_n))

    monkeypatch.setattr(checks, "forward", lying)
    assert failed(STACK, DataSpec()) == ["batch_first=True: output.transpose(0, 1), same h_n, c_n"]


def test_claims_are_left_out_where_shapes_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(*arguments: Any, **named: Any) -> Any:
        output, (h_n, c_n) = forward(*arguments, **named)
        return output, (h_n[..., :-1], c_n)

    patch_forward(monkeypatch, lying)
    names = [check.name for check in verify.run(STACK, DataSpec()).checks]
    assert "shape of h_n" in names
    assert not any("h_n.view" in name for name in names)


def test_a_claim_of_another_shape_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(*arguments: Any) -> list[Claim]:
        return [claim._replace(shape=(*claim.shape, 1)) for claim in claims_of(*arguments)]

    monkeypatch.setattr(checks, "claims_of", lying)
    assert "output[-1]: the last step, not the last hidden state" in failed(STACK, DataSpec())


@pytest.mark.parametrize(("error", "holds"), [(1e-7, True), (1e-3, False)])
def test_rounding_of_the_head_is_no_failure(error: float, holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(config: LSTMConfig, around: Surroundings) -> snippets.Snippet:
        honest = logits(config, around)
        return honest._replace(value=lambda names: honest.value(names) + np.float32(error))

    monkeypatch.setattr(verify, "logits", elsewhere)
    found = verify.run(STACK, DataSpec(), around=Surroundings(5)).checks
    (check,) = [check for check in found if check.name.endswith(("logits", "dim=-1))")) and "head(" in check.name]
    assert check.passed is holds
    assert check.max_abs_error == pytest.approx(error, rel=0.5)


def test_what_must_differ_is_no_error_of_a_claim() -> None:
    (check,) = [check for check in verify.run(STACK, DataSpec()).checks if check.name.startswith("output[-1]: ")]
    assert (check.max_abs_error, check.passed) == (0.0, True)


def test_progress_of_padded_sequences_ends_at_its_total() -> None:
    calls: list[tuple[int, int]] = []
    spec = DataSpec.given(6, lengths=[4, 2, 3])
    verify.run(STACK, spec, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(calls), len(calls))


@pytest.mark.parametrize(("config", "spec"), [(LSTMConfig(3, 40), DataSpec()), (LSTMConfig(3, 300), DataSpec(2, 1))])
def test_the_largest_sum_is_that_of_all_rows(config: LSTMConfig, spec: DataSpec) -> None:
    result = verify.run(config, spec)
    x, h = (np.abs(result.inputs[name][:, 0]).astype(float) for name in ("input", "h_0"))
    weights = [np.abs(result.weights[name]).T.astype(float) for name in ("weight_ih_l0", "weight_hh_l0")]
    largest = (x @ weights[0] + h @ weights[1]).max()
    assert largest_in_gates(config, spec, result) == pytest.approx(largest)


def test_the_distance_is_that_of_the_worst_number_wherever_it_is() -> None:
    ours = np.zeros((3, 2**17))
    for place in ((0, 0), (1, 5), (2, -1)):
        theirs = ours.copy()
        theirs[place] = 0.5
        theirs[0, 1] = 0.25
        assert closeness.distance(ours, theirs) == 0.5
        theirs[place] = np.nan
        assert np.isnan(closeness.distance(ours, theirs))


@pytest.mark.parametrize(("around", "name"), [(Surroundings(), ""), (Surroundings(5), ", with those around")])
def test_the_count_says_whether_it_is_of_all(around: Surroundings, name: str) -> None:
    names = [check.name for check in verify.run(STACK, DataSpec(), around=around).checks]
    assert f"number of weights{name}" in names


def test_what_failed_once_is_not_taken_for_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(*arguments: Any) -> list[Claim]:
        (claim,) = [claim for claim in claims_of(*arguments) if claim.snippet.text == "output[-1]"]
        wrong = claim.relations[0]._replace(right=snippets.at(snippets.tensor("output"), 0))
        return [claim._replace(relations=(wrong, *claim.relations)), claim._replace(says="once more")]

    monkeypatch.setattr(checks, "claims_of", lying)
    names = [check.name for check in verify.run(STACK, DataSpec()).checks]
    assert "output[-1] = output[0]" in names
    assert "output[-1]: once more" in names


def test_the_tolerance_grows_with_what_is_rounded() -> None:
    assert closeness.tolerance("float32", 1.0) == 1e-6
    assert closeness.tolerance("float32", 1000.0) == 2 * 2.0**-24 * 1000
    assert closeness.tolerance("float16", 1000.0) == closeness.TOLERANCE["float16"]
    assert closeness.tolerance("float16", 1000.0, rounded_inside=True) == 2.0**-11 * 1000
