import dataclasses
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.errors import UnsupportedError
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof.judges import check_judge, run_judge
from lstmcalc.proof.run import draw, run
from tools.oracle import (
    OUTPUTS,
    WRONG_ORDERS,
    Case,
    Recording,
    assert_agrees,
    distance,
    predict,
    random_case,
    recorded,
    reordered,
    tolerance,
)

JUDGE = f"ONNX Runtime {onnxruntime.__version__}"


def _onnx_case(seed: int) -> Case:
    """Any LSTM on any data that ONNX Runtime can compute."""
    case = random_case(seed)
    batch = 2 if case.batch == 0 else case.batch
    # A wide input has a tolerance of its own, which only PyTorch can give.
    config = {**case.config, "input_size": 1 + case.config["input_size"] % 9, "proj_size": 0}
    return case._replace(config=config, batch=batch, dtype="float32")


CASES = [_onnx_case(seed) for seed in range(48)]


def _data(case: Case) -> DataSpec:
    return DataSpec(case.seq_len, case.batch, case.lengths, case.dtype)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_onnxruntime_agrees_with_a_run(case: Case) -> None:
    result = run(LSTMConfig(**case.config), _data(case), seed=7, against=["onnxruntime"])
    judged = {check.name: check for check in result.checks if JUDGE in check.name}
    assert list(judged) == [f"{name} of {JUDGE}" for name in OUTPUTS]
    for check in judged.values():
        assert check.max_abs_error is not None
        assert check.max_abs_error <= 1e-6
    assert [check.name for check in result.checks if not check.passed] == []


def test_the_cases_cover_what_onnx_can_express() -> None:
    configs = [LSTMConfig(**case.config) for case in CASES]
    assert {config.num_layers for config in configs} == {1, 2, 3, 4}
    for name in ("bias", "batch_first", "bidirectional"):
        assert {getattr(config, name) for config in configs} == {False, True}, name
    kinds = {"unbatched" if case.batch is None else "packed" if case.lengths else "batch" for case in CASES}
    assert kinds == {"unbatched", "packed", "batch"}


def _judged(recording: Recording) -> dict[str, Any]:
    zeros = {name: np.zeros_like(recording.outputs[as_wide]) for name, as_wide in (("h_0", "h_n"), ("c_0", "c_n"))}
    inputs = {**zeros, **recording.inputs}
    return run_judge("onnxruntime", recording.config, recording.data, recording.weights, inputs).outputs


EXPRESSIBLE = [
    recording
    for recording in recorded()
    if not recording.config.proj_size and recording.case.dtype == "float32" and recording.case.batch != 0
]


@pytest.mark.parametrize("recording", EXPRESSIBLE, ids=lambda recording: recording.case.name)
def test_onnxruntime_agrees_with_pytorch(recording: Recording) -> None:
    # Without our own forward pass: the translation to ONNX alone.
    assert_agrees(recording, _judged(recording))


@pytest.mark.parametrize("order", WRONG_ORDERS)
def test_onnxruntime_notices_a_wrong_gate_order(order: str) -> None:
    for recording in recorded("bidirectional_two_layers", "packed", "no_bias"):
        verdict = _judged(recording._replace(weights=reordered(recording.weights, order)))
        ours = predict(recording)
        assert max(distance(ours[name], verdict[name]) for name in OUTPUTS) > 1000 * tolerance(recording)
        with pytest.raises(AssertionError, match="is off by"):
            assert_agrees(recording, verdict)


def _handmade(recording: Recording) -> dict[str, Any]:
    """One forward LSTM node, made here, with ONNX's names.

    W, R and B hold the gates in the order i o f c, and B is the input's biases followed by the recurrent ones (the
    ONNX operator LSTM, opset 14).
    """
    hidden = recording.config.hidden_size

    def gates(name: str) -> Any:
        return recording.weights[f"{name}_l0"].reshape(4, hidden, -1)[[0, 3, 1, 2]].reshape(1, 4 * hidden, -1)

    arrays = {"X": recording.inputs["input"], "W": gates("weight_ih"), "R": gates("weight_hh")}
    arrays["B"] = np.concatenate([gates("bias_ih"), gates("bias_hh")], axis=1)[..., 0]
    arrays |= {"h": recording.inputs["h_0"], "c": recording.inputs["c_0"]}
    node = onnx.helper.make_node("LSTM", ["X", "W", "R", "B", "", "h", "c"], ["Y", "Y_h", "Y_c"], hidden_size=hidden)
    float32 = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [node],
        "lstm",
        [onnx.helper.make_tensor_value_info(name, float32, array.shape) for name, array in arrays.items()],
        [
            onnx.helper.make_tensor_value_info(name, float32, [None] * axes)
            for name, axes in (("Y", 4), ("Y_h", 3), ("Y_c", 3))
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    output, h_n, c_n = session.run(None, arrays)
    return {"output": output[:, 0], "h_n": h_n, "c_n": c_n}


@pytest.mark.parametrize("name", ["one_layer", "input_one", "input_and_hidden_one", "batch_one", "one_step"])
def test_a_handmade_onnx_lstm_agrees_with_pytorch_and_with_us(name: str) -> None:
    (recording,) = recorded(name)
    theirs = _handmade(recording)
    assert_agrees(recording, theirs)
    assert_agrees(recording._replace(outputs=theirs), predict(recording))


REST = "\n  expected an LSTM without a projection, in float32, with N >= 1\n  hint: --against torch can"


@pytest.mark.parametrize(
    ("config", "data", "refusal"),
    [
        ({"proj_size": 2}, {}, f"--against: onnxruntime cannot run a projection{REST}"),
        ({}, {"dtype": "float64"}, f"--against: onnxruntime cannot run float64{REST}"),
        ({}, {"dtype": "float16"}, f"--against: onnxruntime cannot run float16{REST}"),
        ({}, {"batch": 0}, f"--against: onnxruntime cannot run an empty batch{REST}"),
    ],
)
def test_what_onnxruntime_cannot_run_is_refused(config: dict[str, Any], data: dict[str, Any], refusal: str) -> None:
    lstm, spec = LSTMConfig(3, 4, **config), DataSpec(**data)
    with pytest.raises(UnsupportedError) as caught:
        check_judge("onnxruntime", lstm, spec)
    assert str(caught.value) == refusal
    with pytest.raises(UnsupportedError) as caught:
        run(lstm, spec, against=["onnxruntime"])
    assert str(caught.value) == refusal


def test_a_run_fails_where_onnxruntime_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    config, data = LSTMConfig(3, 4, bidirectional=True), DataSpec()

    def mistaken(*arguments: Any) -> Any:
        name, lstm, spec, weights, inputs, _ = arguments
        return run_judge(name, lstm, spec, reordered(weights, "igfo"), inputs)

    monkeypatch.setattr("lstmcalc.proof.checks.run_judge", mistaken)
    result = run(config, data, against=["onnxruntime"])
    assert not result.passed
    assert {check.name for check in result.checks if not check.passed} == {f"{name} of {JUDGE}" for name in OUTPUTS}


def test_a_judge_leaves_weights_and_inputs_as_they_are() -> None:
    config, data = LSTMConfig(3, 4, num_layers=2, batch_first=True), DataSpec(lengths=(2, 5, 1))
    weights, _, inputs = draw(LSTMModel(config), data, TorchGenerator(1))
    before = {name: array.copy() for name, array in {**weights, **inputs}.items()}
    run_judge("onnxruntime", config, data, weights, inputs)
    for name, array in {**weights, **inputs}.items():
        assert (array == before[name]).all(), name
    assert dataclasses.asdict(data)["lengths"] == (2, 5, 1)
