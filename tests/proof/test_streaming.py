"""Chunks held against one pass: what is compared is right, and a state that is not carried over is seen."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.proof import run as verify
from lstmcalc.proof import streaming
from lstmcalc.proof.result import Run
from lstmcalc.spec.activations import PYTORCH, Activations
from tools.shell import Ran
from tools.weight_writers import full_weights

Cli = Callable[..., Ran]
HARD = Activations("hard_sigmoid:0.2", "relu")


def ran(config: LSTMConfig, data: DataSpec, activations: Activations = PYTORCH, seed: int = 1) -> Run:
    weights = {name: array.astype(data.dtype) for name, array in full_weights(config, seed).items()}
    return verify.run(config, data, seed, weights=weights, activations=activations)


def by_hand(config: LSTMConfig, data: DataSpec, result: Run, sizes: list[int]) -> float:
    """How far output is off if each chunk but the first begins with zeros, one sequence after the other."""
    first = config.batch_first and not data.unbatched
    x, output = (
        (np.moveaxis(result.inputs["input"], 0, 1) if first else result.inputs["input"]),
        result.outputs["output"],
    )
    output = np.moveaxis(output, 0, 1) if first else output
    h_0, c_0 = result.inputs["h_0"], result.inputs["c_0"]
    if data.unbatched:
        x, output, h_0, c_0 = x[:, None], output[:, None], h_0[:, None], c_0[:, None]
    worst, plain = 0.0, replace(config, batch_first=False)
    for n, length in enumerate(data.lengths or [data.seq_len] * data.num_sequences):
        start, turn = 0, 0
        while start < length:
            stop = min(start + sizes[turn % len(sizes)], length)
            state = None if start else (h_0[:, n], c_0[:, n])
            found, _ = forward(plain, result.weights, x[start:stop, n], state, activations=result.activations)
            worst = max(worst, float(np.abs(found.astype(float) - output[start:stop, n]).max()) if start else 0.0)
            start, turn = stop, turn + 1
    return worst


@pytest.mark.parametrize("seed", range(40))
def test_chunks_of_any_lstm_in_one_direction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden = int(rng.integers(2, 9))
    config = LSTMConfig(
        int(rng.integers(1, 6)),
        hidden,
        int(rng.integers(1, 4)),
        bias=bool(rng.integers(2)),
        batch_first=bool(rng.integers(2)),
        proj_size=int(rng.integers(1, hidden)) if rng.integers(2) else 0,
    )
    steps, batch = int(rng.integers(2, 14)), int(rng.integers(1, 5))
    lengths = [None, tuple(int(each) for each in rng.integers(1, steps + 1, batch))][int(rng.integers(2))]
    dtype = ("float32", "float64", "float16")[int(rng.integers(3))]
    data = DataSpec(steps, batch, lengths, dtype) if rng.random() < 0.8 else DataSpec(steps, None, None, dtype)
    result = ran(config, data, (PYTORCH, HARD)[int(rng.integers(2))], seed)
    sizes = [int(size) for size in rng.integers(1, 6, rng.integers(1, 4))]
    found = streaming.streamed(config, data, result, sizes)
    assert found.check.passed, found
    assert found.check.name == f"chunks of {', '.join(map(str, sizes))} steps = one pass"
    if data.longest > sizes[0]:
        assert found.dropped == pytest.approx(
            by_hand(config, data, result, sizes), abs=2e-3 if dtype == "float16" else 1e-5
        )
    else:
        assert found.dropped is None
    assert found.largest == pytest.approx(float(np.abs(result.outputs["output"]).max()))


@pytest.mark.parametrize("wrong", ["dropped", "c is dropped", "h and c are swapped", "that of the chunk before"])
@pytest.mark.parametrize("lengths", [None, (9, 4, 7)])
def test_a_state_that_is_not_carried_over_fails(
    wrong: str, lengths: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = LSTMConfig(3, 4, 2), DataSpec(9, 3, lengths)
    result = ran(config, data)
    assert streaming.streamed(config, data, result, [2, 3]).check.passed
    given = streaming.pass_of(config, result)
    kept: list[Any] = []

    def broken(x: Any, state: Any, own: Any) -> Any:
        if state is None or (state[0] == result.inputs["h_0"][:, : state[0].shape[1]]).all():
            return given(x, state, own)
        h, c = state
        if wrong == "that of the chunk before":
            kept.append(state)
            h, c = (part[:, : h.shape[1]] for part in kept[max(0, len(kept) - 2)])
            return given(x, (h, c) if len(kept) > 1 else (0 * h, 0 * c), own)
        return given(x, {"dropped": None, "c is dropped": (h, 0 * c), "h and c are swapped": (c, h)}[wrong], own)

    monkeypatch.setattr(streaming, "pass_of", lambda *_: broken)
    assert not streaming.streamed(config, data, result, [2, 3]).check.passed


def module(found: Ran, code: int = 0) -> dict[str, Any]:
    assert found.code == code, found.err
    (only,) = json.loads(found.out)["modules"]
    assert isinstance(only, dict)
    return only


def test_run_has_the_check(cli: Cli) -> None:
    found = module(cli("run", "--chunks", "1,7,3", "--seq", "20", "--json"))
    assert found["chunks"]["sizes"] == [1, 7, 3]
    assert found["chunks"]["computed"] == 6
    assert found["chunks"]["max_abs_error"] < 1e-6
    assert 0.01 < found["chunks"]["dropped"] < 2
    assert [check["passed"] for check in found["checks"] if check["name"].startswith("chunks of")] == [True]
    assert module(cli("run", "--chunks", "1", "--chunks", "7,3", "--seq", "20", "--json"))["chunks"] == found["chunks"]
    assert "chunks" not in module(cli("run", "--json"))
    text = " ".join(cli("run", "--chunks", "2").out.split())
    assert "in chunks 3 chunks, the state carried over: agrees within" in text
    assert "dropped each after the first begins with zeros: 0." in text


def test_a_check_that_fails_is_the_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        streaming,
        "pass_of",
        lambda config, result: (
            lambda x, _state, own: forward(replace(config, batch_first=False), result.weights, x, None, own)
        ),
    )
    ran = cli("run", "--chunks", "2")
    assert ran.code == 1
    assert "FAILED: chunks of 2 steps = one pass" in ran.out


def test_what_cannot_be_computed_in_chunks(cli: Cli) -> None:
    ran = cli("run", "--bi", "--chunks", "2", "--json")
    error = json.loads(ran.out)["error"]
    assert (ran.code, error["kind"], error["where"]) == (2, "unsupported", "--chunks")
    assert "its reverse direction begins with the last step" in error["found"]
    for wrong in ("0", "1,-2", "two", "", "1,,2", "1:3"):
        assert cli("run", "--chunks", wrong).code == 2


def test_nothing_is_carried_over(cli: Cli) -> None:
    ran = cli("run", "--chunks", "9", "--json")
    assert module(ran)["chunks"]["dropped"] is None
    assert "one chunk has all steps: nothing is carried over" in ran.err
    assert "dropped" not in cli("run", "--chunks", "9").out
    ran = cli("run", "--chunks", "1", "--batch", "0", "--json")
    assert "chunks" not in module(ran)
    assert "the batch is empty: nothing is carried over" in ran.err
