"""LSTMs with other functions than sigmoid and tanh: ONNX Runtime computes the same, and no other function does."""

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward
from lstmcalc.errors import UnsupportedError
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof import run as verify
from lstmcalc.proof.judges import check_judge, run_judge
from lstmcalc.spec.activations import PYTORCH, Activations, activations_of, unstated
from tools.examples import examples
from tools.strategies import configs, data

ALL = [Activations(*pair) for pair in product(("sigmoid", "hard_sigmoid:0.2", "hard_sigmoid:1/6"), ("tanh", "relu"))]
OTHERS = [each for each in ALL if each != PYTORCH]


@examples(60)
@given(configs(), data(), st.sampled_from(OTHERS))
def test_onnxruntime_computes_the_same(config: LSTMConfig, spec: DataSpec, activations: Activations) -> None:
    config = LSTMConfig(**{name: getattr(config, name) for name in ("input_size", "hidden_size", "num_layers", "bias")})
    against = [] if spec.batch == 0 else ["onnxruntime"]
    result = verify.run(config, spec, against=against, activations=activations)
    assert result.passed, [check for check in result.checks if not check.passed]


@examples(60)
@given(configs(), data(), st.sampled_from(ALL), st.sampled_from([0.02, 0.1, 0.5, 2.0]))
def test_onnxruntime_clips_the_same(config: LSTMConfig, spec: DataSpec, activations: Activations, clip: float) -> None:
    config = LSTMConfig(**{name: getattr(config, name) for name in ("input_size", "hidden_size", "num_layers", "bias")})
    against = [] if spec.batch == 0 else ["onnxruntime"]
    result = verify.run(config, spec, against=against, activations=activations._replace(gate_clip=clip))
    assert result.passed, [check for check in result.checks if not check.passed]


@examples(40)
@given(configs(), data(), st.sampled_from(OTHERS))
def test_every_prediction_holds_for_other_functions(
    config: LSTMConfig, spec: DataSpec, activations: Activations
) -> None:
    result = verify.run(config, spec, activations=activations)
    assert result.passed, [check for check in result.checks if not check.passed]


def case(seed: int) -> tuple[LSTMConfig, DataSpec, dict[str, Any], dict[str, Any]]:
    """An LSTM whose gates are far enough from 0 that its functions differ."""
    config = LSTMConfig(3, 4, num_layers=2, bidirectional=bool(seed % 2))
    spec = DataSpec(5, 2)
    weights, _, inputs = verify.draw(LSTMModel(config), spec, TorchGenerator(seed))
    return config, spec, {name: 3 * array for name, array in weights.items()}, inputs


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("activations", ALL, ids=str)
def test_only_these_functions_give_these_numbers(seed: int, activations: Activations) -> None:
    config, spec, weights, inputs = case(seed)
    state = inputs["h_0"], inputs["c_0"]
    theirs = run_judge("onnxruntime", config, spec, weights, inputs, activations).outputs["output"]
    errors = {
        each: float(np.abs(forward(config, weights, inputs["input"], state, activations=each)[0] - theirs).max())
        / max(1.0, float(np.abs(theirs).max()))
        for each in ALL
    }
    assert errors.pop(activations) < 1e-5
    assert min(errors.values()) > 1e-3


@examples(30)
@given(configs(), data(), st.sampled_from(ALL), st.sampled_from([None, 0.05, 0.2]), st.sampled_from([None, 0.02, 0.1]))
def test_c_and_h_stay_within_their_bounds(
    config: LSTMConfig, spec: DataSpec, activations: Activations, c: float | None, h: float | None
) -> None:
    result = verify.run(config, spec, activations=activations._replace(cell_clip=c, proj_clip=h))
    assert result.passed, [check for check in result.checks if not check.passed]
    for bound, names in ((h, ("output", "h_n")), (c, ("c_n",))):
        largest = max(float(np.abs(result.outputs[name]).max(initial=0)) for name in names)
        assert bound is None or largest <= np.float32(bound)


@pytest.mark.parametrize("seed", range(4))
def test_a_clip_of_anything_else_is_something_else(seed: int) -> None:
    config, spec, weights, inputs = case(seed)
    state = inputs["h_0"], inputs["c_0"]
    theirs = run_judge("onnxruntime", config, spec, weights, inputs, Activations(gate_clip=0.2)).outputs["output"]
    ours = Activations(gate_clip=0.2)
    wrong = [PYTORCH, Activations(cell_clip=0.2), ours._replace(cell_clip=0.2), Activations(gate_clip=0.3)]
    errors = [
        float(np.abs(forward(config, weights, inputs["input"], state, activations=each)[0] - theirs).max())
        for each in (ours, *wrong)
    ]
    assert errors[0] < 1e-6
    assert min(errors[1:]) > 1e-3


def test_no_other_framework_clips() -> None:
    for name in ("pytorch", "keras"):
        with pytest.raises(UnsupportedError, match="does not clip"):
            check_judge(name, LSTMConfig(2, 3), DataSpec(), Activations(gate_clip=3.0))
    for name in ("pytorch", "onnxruntime", "keras"):
        with pytest.raises(UnsupportedError, match="does not clip c or h"):
            check_judge(name, LSTMConfig(2, 3), DataSpec(), Activations(cell_clip=3.0))


@pytest.mark.parametrize(("ours", "theirs"), [*permutations(ALL, 2)])
def test_a_run_with_wrong_functions_fails(
    ours: Activations, theirs: Activations, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, spec, weights, inputs = case(1)

    def mistaken(name: str, lstm: LSTMConfig, spec: DataSpec, weights: Any, inputs: Any, _: Activations) -> Any:
        return run_judge(name, lstm, spec, weights, inputs, theirs)

    monkeypatch.setattr("lstmcalc.proof.checks.run_judge", mistaken)
    result = verify.run(config, spec, against=["onnxruntime"], weights=weights, inputs=inputs, activations=ours)
    failed = [check.name for check in result.checks if not check.passed]
    assert failed
    assert all("ONNX Runtime" in name for name in failed)


def test_threads_leave_other_functions_to_the_plain_pass() -> None:
    config, _, weights, inputs = case(0)
    hard = OTHERS[0]
    one, two = (forward(config, weights, inputs["input"], threads=n, activations=hard)[0] for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_functions_that_are_not_known_are_refused() -> None:
    config, _, weights, inputs = case(0)
    for odd in (Activations(None), Activations("sigmoid", None), Activations("softsign")):
        with pytest.raises(UnsupportedError, match="no such activations"):
            forward(config, weights, inputs["input"], activations=odd)


def test_pytorch_has_its_own_functions_only() -> None:
    with pytest.raises(UnsupportedError, match=r"pytorch cannot run hard_sigmoid, clip\(0.2x"):
        check_judge("pytorch", LSTMConfig(2, 3), DataSpec(), Activations("hard_sigmoid:0.2"))


@pytest.mark.parametrize(
    ("framework", "options", "expected"),
    [
        ("keras2", {"recurrent_activation": "hard_sigmoid"}, ("hard_sigmoid:0.2", "tanh")),
        ("keras1", {"inner_activation": "hard_sigmoid", "activation": "relu"}, ("hard_sigmoid:0.2", "relu")),
        ("keras", {"recurrent_activation": "hard_sigmoid"}, ("hard_sigmoid:1/6", "tanh")),
        ("flax-linen", {"gate_fn": "jax.nn.hard_sigmoid"}, ("hard_sigmoid:1/6", "tanh")),
        ("keras", {"activation": "softsign"}, ("sigmoid", None)),
        ("keras2", {"recurrent_activation": None}, (None, "tanh")),
        ("pytorch", {}, ("sigmoid", "tanh")),
    ],
)
def test_words_mean_what_their_framework_means(
    framework: str, options: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    assert activations_of(framework, options) == Activations(*expected)
    assert bool(unstated(options)) == (None in options.values())
