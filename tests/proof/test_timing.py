"""`run --repeat`: every call is made, in turn, and what is said of it follows from the seconds."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, __version__
from lstmcalc.costs.memory import values_of
from lstmcalc.costs.operations import forward_work
from lstmcalc.errors import UnsupportedError
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof import judges, timing
from lstmcalc.proof.run import draw
from tools.shell import Ran

CONFIG, DATA = LSTMConfig(10, 20, 2, bidirectional=True), DataSpec(4, 3, (4, 2, 3))
Cli = Callable[..., Ran]
ANSWER = {"output": np.zeros(1), "h_n": np.zeros(1), "c_n": np.zeros(1)}


def modules(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0
    found = json.loads(ran.out)["modules"]
    assert isinstance(found, list)
    return found


class Clock:
    """A clock that goes only when somebody computes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.log: list[str] = []

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Our calls take 9, 2, 4, 3 seconds, those of another framework 7, 1, 1, 6."""
    clock = Clock()

    def computing(name: str, seconds: list[float]) -> Callable[..., Any]:
        left = iter(seconds)

        def compute(*_: Any) -> Any:
            clock.log.append(name)
            clock.now += next(left)
            return ANSWER

        return compute

    class Runner:
        def __init__(self, *_: Any) -> None:
            pass

        __call__ = staticmethod(computing("own", [9, 2, 4, 3]))

    def ready(*arguments: Any) -> judges.Ready:
        return judges.Ready(f"Other in {arguments[4]}", computing("other", [7, 1, 1, 6]))

    monkeypatch.setattr(timing, "perf_counter", clock)
    monkeypatch.setattr(timing, "sleep", clock.slept.append)
    monkeypatch.setattr(timing, "LSTMRunner", Runner)
    monkeypatch.setitem(judges.JUDGES, "onnxruntime", judges.JUDGES["onnxruntime"]._replace(modules=(), ready=ready))
    return clock


def timed(config: LSTMConfig = CONFIG, data: DataSpec = DATA, **settings: Any) -> timing.Timing:
    weights, _, inputs = draw(LSTMModel(config), data, TorchGenerator(0))
    return timing.time_calls(config, data, weights, inputs, **settings)


def test_the_first_call_is_not_measured_and_frameworks_take_turns(clock: Clock) -> None:
    rounds = []
    result = timed(against=["onnxruntime"], repeat=3, progress=lambda done, total: rounds.append((done, total)))
    assert clock.log == ["own", "other"] * 4
    assert rounds == [(0, 3), (1, 3), (2, 3), (3, 3)]
    own, other = result.calls
    assert list(own) == [f"lstmcalc {__version__}", 3, 2, None]
    assert list(other) == ["Other in 1", 1, 1, 2]  # the median of 2/1, 4/1 and 3/6
    assert not clock.slept


def test_threads_get_time_to_rest(clock: Clock) -> None:
    result = timed(against=["onnxruntime"], repeat=2, threads=2)
    assert result.threads == 2
    assert result.calls[1].name == "Other in 2"
    assert clock.slept == [timing.REST] * 6


def test_what_is_counted_is_what_is_computed() -> None:
    """The steps are the real ones of all sequences, the MACs those of `cost`."""
    result = timed(repeat=1)
    assert (result.repeat, result.steps) == (1, 9)
    assert result.macs == forward_work(CONFIG, DATA).macs.at(values_of(CONFIG, DATA))
    per_step = 2 * 4 * 20 * (10 + 20) + 2 * 4 * 20 * (40 + 20)
    assert result.macs == 9 * per_step


def test_a_framework_computes_the_same_each_time() -> None:
    weights, _, inputs = draw(LSTMModel(CONFIG), DATA, TorchGenerator(0))
    ready = judges.ready_judge("onnxruntime", CONFIG, DATA, weights, inputs, 1)
    first, second = ready.compute(), ready.compute()
    verdict = judges.run_judge("onnxruntime", CONFIG, DATA, weights, inputs)
    assert ready.judge == verdict.judge
    for name, array in verdict.outputs.items():
        assert (first[name] == array).all()
        assert (second[name] == array).all()


def test_a_framework_that_fails_later_ends_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Any:
        raise RuntimeError("out of memory")

    judge = judges.JUDGES["onnxruntime"]._replace(ready=lambda *_: judges.Ready("Other", failing))
    monkeypatch.setitem(judges.JUDGES, "onnxruntime", judge)
    with pytest.raises(UnsupportedError, match="onnxruntime failed"):
        timed(against=["onnxruntime"], repeat=1)


def test_the_report(cli: Cli, clock: Clock) -> None:
    (found,) = modules(cli("run", "--bi", "--repeat", "3", "--json"))[0]["timing"]
    macs = 5 * 3 * 2 * 4 * 20 * (10 + 20)
    assert found == {
        "name": f"lstmcalc {__version__}",
        "repeat": 3,
        "threads": 1,
        "steps": 15,
        "macs": macs,
        "median_seconds": 3,
        "min_seconds": 2,
        "steps_per_second": 5,
        "gflops": 2 * macs / 3 / 10**9,
        "ratio": None,
    }
    assert clock.now > 0
    assert "timing" not in modules(cli("run", "--json"))[0]


def test_the_table(cli: Cli, clock: Clock) -> None:
    shown = cli("run", "--repeat", "3").out
    (head,) = [line for line in shown.splitlines() if line.startswith("3 calls, 1 thread")]
    assert head.split() == [
        "3",
        "calls,",
        "1",
        "thread",
        "median",
        "fastest",
        "steps/s",
        "GFLOP/s",
        "lstmcalc",
        "takes",
    ]
    (own,) = [line for line in shown.splitlines() if line.startswith(f"lstmcalc {__version__}")]
    assert clock.now > 0
    assert own.split()[2:] == ["3", "s", "2", "s", "5", "2.4e-05"]


def test_a_ratio_is_shown_beside_every_other_framework(cli: Cli) -> None:
    result = cli("run", "--repeat", "2", "--against", "onnxruntime", "--json")
    own, other = modules(result)[0]["timing"]
    assert own["ratio"] is None
    assert other["name"].startswith("ONNX Runtime ")
    assert other["ratio"] > 0
    assert other["min_seconds"] <= other["median_seconds"]
    table = cli("run", "--repeat", "2", "--against", "onnxruntime", "--format", "csv").out
    assert "\nmodule,name,repeat,threads,steps,macs,median_seconds," in table
    assert f"\nlstm,{other['name']},2,1,15," in table


def test_several_lstms_are_timed_each(cli: Cli, clock: Clock) -> None:
    result = cli("run", "a = nn.LSTM(3, 4)\nb = nn.LSTM(4, 5)", "--repeat", "1", "--json")
    assert clock.now > 0
    assert [len(found["timing"]) for found in modules(result)] == [1, 1]


@pytest.mark.parametrize("held", [True, False])
def test_where_blas_may_use_more_threads_the_report_says_so(
    held: bool,
    cli: Cli,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timing, "blas_is_held", lambda: held)
    notes = modules(cli("run", "--repeat", "1", "--json"))[0]["notes"]
    assert clock.now > 0
    assert any("threadpoolctl" in note for note in notes) != held


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--repeat", "0"], "--repeat: number is out of range\n  expected 1 to 1,000,000, found 0"),
        (["--repeat", "-3"], "--repeat: number is out of range\n  expected 1 to 1,000,000, found -3"),
        (["--repeat", "1000001"], "--repeat: number is out of range\n  expected 1 to 1,000,000, found 1,000,001"),
        (["--repeat", "2.5"], "--repeat: not an integer\n  expected digits, e.g. 20, found '2.5'"),
        (["--repeat", "2", "--threads", "0"], "--threads: number is out of range\n  expected 1 to 1,024, found 0"),
        (["--threads", "2"], "--threads: nothing is timed\n  expected --repeat too"),
    ],
)
def test_numbers_that_make_no_sense(cli: Cli, arguments: list[str], message: str) -> None:
    result = cli("run", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
