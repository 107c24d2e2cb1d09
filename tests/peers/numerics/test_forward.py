import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig
from lstmcalc.cli import run_command_line
from lstmcalc.errors import ConfigError
from lstmcalc.proof.judges import run_judge
from lstmcalc.proof.run import run
from tools.oracle import (
    FORWARDS,
    OUTPUTS,
    WRONG_ORDERS,
    Case,
    Recording,
    assert_agrees,
    assert_described,
    assert_rounded_once,
    assert_states_mapped,
    distance,
    load,
    predict,
    random_case,
    recorded,
    reordered,
    tolerance,
)
from tools.record_pytorch import CASES, record

pytestmark = pytest.mark.peers

CHUNK, CHUNKS = 20, 40
RANDOM = [random_case(seed) for seed in range(CHUNK * CHUNKS)]


@pytest.fixture(scope="module")
def torch() -> Any:
    # Not when this file is read: a run without the peers should not wait for it.
    module = pytest.importorskip("torch")
    module.set_num_threads(1)  # thousands of small products: threads would mostly wait for each other
    return module


@pytest.fixture(autouse=True)
def _needs_torch(torch: Any) -> None:
    assert torch.__version__.partition("+")[0] == "2.13.0"


def _failures(cases: list[Case], check: Callable[[Recording], None]) -> list[str]:
    """What does not hold, each with the LSTM it does not hold for."""
    failures = []
    for seed, case in enumerate(cases):
        try:
            check(record(case, seed=seed))
        except AssertionError as error:
            failures.append(f"{case}: {error}")
    return failures


def _everything(recording: Recording) -> None:
    assert_described(recording)
    assert_states_mapped(recording)
    for compute in FORWARDS:
        assert_agrees(recording, predict(recording, compute=compute))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_lstms_are_pytorchs(chunk: int) -> None:
    assert _failures(RANDOM[chunk * CHUNK : (chunk + 1) * CHUNK], _everything) == []


def test_the_random_lstms_cover_everything() -> None:
    assert len({str(case._replace(name="")) for case in RANDOM}) >= 780
    for name, values in {
        "num_layers": {1, 2, 3, 4},
        "bias": {False, True},
        "batch_first": {False, True},
        "bidirectional": {False, True},
        "dropout": {0.0, 0.25, 1.0},
        "proj_size": set(range(8)),
        "hidden_size": set(range(1, 9)),
    }.items():
        assert {case.config[name] for case in RANDOM} == values, name
    assert {case.dtype for case in RANDOM} == {"float32", "float64"}
    assert {case.state for case in RANDOM} == {False, True}
    for kind, least in {
        "packed": sum(case.lengths is not None for case in RANDOM),
        "packed and padded further": sum(max(case.lengths or (9,)) < case.seq_len for case in RANDOM),
        "packed and projected": sum(bool(case.lengths and case.config["proj_size"]) for case in RANDOM),
        "unbatched": sum(case.batch is None for case in RANDOM),
        "empty": sum(case.batch == 0 for case in RANDOM),
        "projected": sum(case.config["proj_size"] > 0 for case in RANDOM),
        "wide float32": sum(
            case.config["input_size"] > 64 * case.config["hidden_size"] and case.dtype == "float32" for case in RANDOM
        ),
    }.items():
        assert least >= 10, kind


def test_random_float16_lstms_are_pytorchs_float32_rounded_once() -> None:
    def check(recording: Recording) -> None:
        _everything(recording)
        for compute in FORWARDS:
            assert_rounded_once(recording, predict(recording, compute=compute))

    # A sum of many terms may round apart by more than one unit in the last place.
    cases = [case._replace(dtype="float16") for case in RANDOM if case.config["input_size"] < 10]
    assert _failures(cases[:200], check) == []


@pytest.mark.parametrize("size", [(10, 512), (512, 8), (4096, 64), (200, 200)], ids=str)
def test_large_float32_lstms_are_pytorchs(size: tuple[int, int]) -> None:
    case = Case("large", {"input_size": size[0], "hidden_size": size[1], "bidirectional": True}, seq_len=20, batch=4)
    assert _failures([case], _everything) == []


@pytest.mark.parametrize("order", WRONG_ORDERS)
def test_live_pytorch_notices_a_wrong_gate_order(order: str) -> None:
    config = {"input_size": 3, "hidden_size": 4, "num_layers": 2, "bidirectional": True}
    recording = record(Case("live", config, lengths=(2, 5, 4)))
    wrong = predict(recording, reordered(recording.weights, order))
    assert max(distance(wrong[name], recording.outputs[name]) for name in OUTPUTS) > 1000 * tolerance(recording)
    with pytest.raises(AssertionError, match="is off by"):
        assert_agrees(recording, wrong)


def test_the_recorded_file_is_what_pytorch_computes() -> None:
    # Another processor rounds the last bits differently: hence the tolerance, for the outputs alone.
    _, recordings = load()
    assert [case.name for case in CASES] == list(recordings)
    for case in CASES:
        live, (filed,) = record(case), recorded(case.name)
        assert live.case == filed.case
        assert (live.text, live.parameters, live.packed) == (filed.text, filed.parameters, filed.packed)
        for ours, theirs in ((live.weights, filed.weights), (live.inputs, filed.inputs)):
            assert list(ours) == list(theirs)
            assert all(np.array_equal(ours[name], theirs[name]) for name in theirs), case.name
        assert_agrees(filed, live.outputs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("config", "data"),
    [
        ({}, {}),
        ({"num_layers": 2, "bidirectional": True}, {}),
        ({"bias": False, "batch_first": True}, {"seq_len": 4, "batch": 2}),
        ({"num_layers": 3, "dropout": 0.5}, {"seq_len": 2}),
        ({"proj_size": 2}, {"batch": None}),
        ({"proj_size": 2, "num_layers": 2, "bidirectional": True}, {"lengths": (2, 5, 3)}),
        ({"bidirectional": True}, {"seq_len": 7, "batch": 4, "lengths": (2, 5, 2, 6)}),
        ({"batch_first": True, "bidirectional": True}, {"lengths": (1, 1, 5)}),
        ({"batch_first": True}, {"batch": None}),
        ({"proj_size": 1, "bidirectional": True}, {"batch": 0}),
        ({}, {"seq_len": 1, "batch": 1}),
        ({"num_layers": 4}, {"seq_len": 30, "batch": 16}),
    ],
    ids=str,
)
def test_a_run_against_pytorch_passes(config: dict[str, Any], data: dict[str, Any], dtype: str) -> None:
    result = run(LSTMConfig(3, 4, **config), DataSpec(**data, dtype=dtype), seed=5, against=["pytorch"])
    judged = [check for check in result.checks if " of PyTorch 2.13.0" in check.name]
    assert [check.name.split()[0] for check in judged] == list(OUTPUTS)
    assert max(check.max_abs_error or 0 for check in judged) <= {"float32": 1e-6, "float64": 1e-12}[dtype]
    assert [check.name for check in result.checks if not check.passed] == []


@pytest.mark.parametrize(
    ("config", "data"),
    [
        (LSTMConfig(10, 2048), DataSpec(2, 400)),
        (LSTMConfig(1024, 16), DataSpec(20, 8)),
        (LSTMConfig(784, 128, bidirectional=True), DataSpec(5, 3)),
        (LSTMConfig(1024, 1, 3, bidirectional=True), DataSpec(12, 5, dtype="float16")),
        (LSTMConfig(4096, 16), DataSpec(12, 5, dtype="float16")),
        (LSTMConfig(16384, 4), DataSpec(12, 5, dtype="float64")),
    ],
    ids=str,
)
def test_rounding_alone_is_no_failure_against_pytorch(config: LSTMConfig, data: DataSpec) -> None:
    """Wide input and many cells: some of these are further from PyTorch than 1e-6, as PyTorch is from its float64."""
    for seed in range(3):
        result = run(config, data, seed, against=["pytorch"])
        assert [check for check in result.checks if not check.passed] == []


def test_a_run_against_pytorch_fails_where_pytorch_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*arguments: Any) -> Any:
        name, lstm, spec, weights, inputs, _ = arguments
        return run_judge(name, lstm, spec, reordered(weights, "fgio"), inputs)

    monkeypatch.setattr("lstmcalc.proof.checks.run_judge", mistaken)
    result = run(LSTMConfig(3, 4), DataSpec(), against=["pytorch"])
    assert sorted(check.name.split()[0] for check in result.checks if not check.passed) == sorted(OUTPUTS)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # torch 2.13.0 warns of dropout with a single layer.
        warnings.filterwarnings("ignore", "dropout option adds dropout after all but last recurrent layer")
        yield


SIZES = ("input_size", "hidden_size", "num_layers", "proj_size")
REFUSED: list[dict[str, Any]] = [
    *({name: 0} for name in SIZES if name != "proj_size"),
    *({name: value} for name in SIZES for value in (-1, -(2**40), 1.5, 2.0, float("nan"), "3", None, [3])),
    *({"proj_size": value} for value in (4, 5, 2**40)),
    {"hidden_size": 1, "proj_size": 1},
    *({"dropout": value} for value in (-0.1, 1.1, 2, -1, float("nan"), float("inf"), "0.5", None, True, False, [0.5])),
    *({name: value} for name in ("bias", "batch_first") for value in (0, 1, "True", None, 1.0)),
]


@pytest.mark.parametrize("bad", REFUSED, ids=str)
def test_pytorch_refuses_what_we_refuse(torch: Any, bad: dict[str, Any]) -> None:
    arguments = {"input_size": 3, "hidden_size": 4, **bad}
    with pytest.raises(ConfigError):
        LSTMConfig(**arguments)
    with pytest.raises((TypeError, ValueError, RuntimeError)), _quiet():
        torch.nn.LSTM(**arguments)


ACCEPTED: list[dict[str, Any]] = [
    {},
    *({name: 1} for name in SIZES),
    {"proj_size": 3},
    {"hidden_size": 2, "proj_size": 1},
    *({"dropout": value, "num_layers": 2} for value in (0, 0.0, 1, 1.0, 0.3, 1e-300)),
    {"dropout": 0.5},
    *({name: value} for name in ("bias", "batch_first", "bidirectional") for value in (False, True)),
    {"bias": False, "batch_first": True, "bidirectional": True, "proj_size": 2, "num_layers": 5, "dropout": 0.1},
]


@pytest.mark.parametrize("good", ACCEPTED, ids=str)
def test_pytorch_accepts_what_we_accept_and_prints_it_alike(torch: Any, good: dict[str, Any]) -> None:
    arguments = {"input_size": 3, "hidden_size": 4, **good}
    with _quiet():
        assert str(LSTMConfig(**arguments)) == repr(torch.nn.LSTM(**arguments))


# Where we are stricter or more lenient than PyTorch 2.13.0 on purpose.
def test_a_boolean_is_no_size_although_pytorch_takes_it(torch: Any) -> None:
    torch.nn.LSTM(True, 4)
    with pytest.raises(ConfigError):
        LSTMConfig(True, 4)


@pytest.mark.parametrize("value", [1, "yes", None])
def test_bidirectional_is_a_boolean_although_pytorch_takes_anything(torch: Any, value: Any) -> None:
    torch.nn.LSTM(3, 4, bidirectional=value)
    with pytest.raises(ConfigError):
        LSTMConfig(3, 4, bidirectional=value)


def test_numpys_integers_are_sizes_although_pytorch_refuses_them(torch: Any) -> None:
    assert str(LSTMConfig(np.int64(3), np.int32(4))) == repr(torch.nn.LSTM(3, 4))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        torch.nn.LSTM(np.int64(3), 4)


@pytest.mark.parametrize("dropout", ["0", "0.0", "0.5", "1"])
@pytest.mark.parametrize("layers", ["1", "2", "3"])
def test_we_note_unused_dropout_where_pytorch_warns_of_it(
    torch: Any, capsys: pytest.CaptureFixture[str], dropout: str, layers: str
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.nn.LSTM(10, 20, num_layers=int(layers), dropout=float(dropout))
    warned = [str(warning.message) for warning in caught]
    assert all("dropout option adds dropout after all but last recurrent layer" in text for text in warned)
    assert bool(warned) == (float(dropout) > 0 and layers == "1")
    assert run_command_line(["shapes", "--dropout", dropout, "--layers", layers, "--json"]) == 0
    (module,) = json.loads(capsys.readouterr().out)["modules"]
    assert ["dropout" in note for note in module["notes"]] == [True] * len(warned)
