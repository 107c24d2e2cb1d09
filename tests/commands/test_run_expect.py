"""run --expect: a port's numbers on the command line, and `lstmcalc.expect`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstmcalc
from lstmcalc import LSTMConfig, forward
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]
CONFIG = LSTMConfig(3, 4, num_layers=2, bidirectional=True)
ORDER = (0, 2, 3, 1)  # ONNX's, i o f g read as i f g o


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Weights, an input, what they give, and what they give with rows in another order."""
    monkeypatch.chdir(tmp_path)
    weights = {name: array.astype(np.float32) for name, array in random_weights(CONFIG, 0).items()}
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
    read = {
        name: np.concatenate([np.split(array, 4)["ifgo".index(gate)] for gate in "igof"])
        for name, array in weights.items()
    }
    write_safetensors(tmp_path / "w.safetensors", weights)
    output, (h_n, c_n) = forward(CONFIG, weights, x)
    wrong, (h_wrong, c_wrong) = forward(CONFIG, {name: _as_read(array) for name, array in weights.items()}, x)
    np.save("x.npy", x)
    np.save("y.npy", output)
    np.save("wrong.npy", wrong)
    np.save("h.npy", h_wrong)
    np.save("c.npy", c_wrong)
    np.savez("all.npz", output=output, h_n=h_n, c_n=c_n)
    np.savez("wrong.npz", output=wrong, h_n=h_wrong, c_n=c_wrong)
    return {"weights": weights, "x": x, "y": output, "wrong": wrong, "h": h_wrong, "read": read}


def _as_read(array: Any) -> Any:
    i, o, f, g = np.split(array, 4)  # the rows taken for ONNX's
    return np.concatenate([i, f, g, o])


RUN = ("run", "w.safetensors", "--input", "x.npy")


@pytest.mark.parametrize("name", ["y.npy", "all.npz"])
def test_numbers_that_agree_pass(cli: Cli, port: dict[str, Any], name: str) -> None:
    ran = cli(*RUN, "--expect", name)
    assert ran.code == 0, ran.err
    assert "your numbers  agree within" in ran.out


def expect_of(ran: Ran) -> dict[str, Any]:
    expect: dict[str, Any] = json.loads(ran.out)["modules"][0]["expect"]
    return expect


@pytest.mark.parametrize(
    "flags",
    [
        ("--expect", "wrong.npy"),
        ("--expect", "wrong.npz"),
        ("--expect", "wrong.npy", "--expect-h", "h.npy", "--expect-c", "c.npy"),
        ("--expect-h", "h.npy"),
    ],
)
def test_the_mistake_is_named(cli: Cli, port: dict[str, Any], flags: tuple[str, ...]) -> None:
    ran = cli(*RUN, *flags, "--json")
    assert ran.code == 1, ran.err
    expect = expect_of(ran)
    assert list(expect)[:8] == [
        "agrees",
        "is",
        "axes",
        "max_abs_error",
        "tolerance",
        "first_difference",
        "explanations",
        "runner_up",
    ]
    assert expect["agrees"] is False
    assert expect["is"] == ("output" if "--expect" in flags else "h_n")
    assert [one["mistakes"] for one in expect["explanations"]] == [["gate-order:iofg"]]
    assert expect["explanations"][0]["max_abs_error"] < 1e-6
    assert "the rows were read in ONNX's order" in expect["explanations"][0]["sentence"]
    assert expect["runner_up"]["max_abs_error"] > 1e-3
    assert expect["first_difference"].keys() >= {"sequence", "step", "unit", "expected", "computed"}
    check = next(one for one in json.loads(ran.out)["modules"][0]["checks"] if one["name"].startswith("yours: "))
    assert (check["passed"], check["relation"]) == (False, "<=")


def test_the_screen_says_verdict_place_explanation_and_repair_in_this_order(cli: Cli, port: dict[str, Any]) -> None:
    ran = cli(*RUN, "--expect", "wrong.npy", "--framework", "keras")
    lines = ran.out.splitlines()[2:9]
    assert [line.split()[0] for line in lines if line[:1].isalpha()] == ["your", "differs", "explained", "i,"]
    assert "np.split(w, 4, axis=-1)" in ran.out
    assert "every way to compute it agrees within" in ran.out


def test_no_explanation_is_made_up(cli: Cli, port: dict[str, Any]) -> None:
    np.save("noise.npy", np.random.default_rng(1).normal(size=port["y"].shape).astype(np.float32))
    ran = cli(*RUN, "--expect", "noise.npy")
    assert ran.code == 1
    assert "no single known mistake explains it, and no two together" in " ".join(ran.out.split())
    assert "closest" in ran.out


def test_infinity_agrees_with_nothing(cli: Cli, port: dict[str, Any]) -> None:
    for bad in (np.inf, -np.inf, np.nan):
        np.save("inf.npy", np.where(port["y"] > 0.1, bad, port["y"]).astype(np.float32))
        ran = cli(*RUN, "--expect", "inf.npy", "--json")
        assert ran.code == 1
        assert (expect_of(ran)["agrees"], expect_of(ran)["max_abs_error"]) == (False, None)


def test_a_port_that_stores_or_computes_in_float16_agrees(cli: Cli, port: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    np.save("stored.npy", port["y"].astype(np.float16))
    stored = expect_of(cli(*RUN, "--expect", "stored.npy", "--json"))
    assert (stored["agrees"], stored["tolerance"]) == (True, 2.0**-11)
    np.save("computed.npy", (port["y"] + 1.5e-3 * rng.uniform(-1, 1, port["y"].shape)).astype(np.float16))
    computed = expect_of(cli(*RUN, "--expect", "computed.npy", "--json"))
    assert computed["agrees"]
    assert computed["tolerance"] >= 2e-3
    assert "computes in it at every step" in cli(*RUN, "--expect", "computed.npy").err
    assert "computes in it at every step" not in cli(*RUN, "--expect", "stored.npy").err


def test_the_weights_of_another_file_are_told(cli: Cli, port: dict[str, Any], tmp_path: Path) -> None:
    other = {name: array.astype(np.float32) for name, array in random_weights(CONFIG, 1).items()}
    write_safetensors(tmp_path / "other.safetensors", other)
    np.save("theirs.npy", forward(CONFIG, other, port["x"])[0])
    plain = expect_of(cli(*RUN, "--expect", "theirs.npy", "--json"))
    assert plain["explanations"] == []
    told = expect_of(cli(*RUN, "--expect", "theirs.npy", "--other-weights", "other.safetensors", "--json"))
    assert [one["mistakes"] for one in told["explanations"]] == [["other-weights"]]


@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 5, 8), "(N, L, D*H_out)"), ((5, 2, 2, 4), "(L, D, N, H_out)"), ((2, 8), "(N, D*H_out)")]
)
def test_the_layout_is_told_by_the_shape(cli: Cli, port: dict[str, Any], shape: tuple[int, ...], axes: str) -> None:
    y = port["y"]
    forms = {
        (2, 5, 8): y.swapaxes(0, 1),
        (5, 2, 2, 4): y.reshape(5, 2, 2, 4).swapaxes(1, 2),
        (2, 8): y[-1],
    }
    np.save("formed.npy", forms[shape])
    ran = cli(*RUN, "--expect", "formed.npy", "--json")
    assert ran.code == 0
    assert expect_of(ran)["axes"] == axes


def test_an_ambiguous_shape_is_read_as_asked(cli: Cli, port: dict[str, Any]) -> None:
    np.save("last.npy", port["y"][-1])
    assert cli(*RUN, "--expect", "last.npy").code == 0
    asked = cli(*RUN, "--expect", "last.npy", "--expect-is", "h_n", "--json")
    assert asked.code == 1
    assert expect_of(asked)["is"] == "h_n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("run", "w.safetensors", "--expect", "y.npy"), "your numbers are those of an input, which is not known"),
        ((*RUN, "--expect-is", "last"), "nothing is expected"),
        ((*RUN, "--search", "all"), "nothing is expected"),
        ((*RUN, "--expect", "x.npy"), "expected (5, 2, 8) as output, (2, 8) as last or (4, 2, 4) as h_n"),
        ((*RUN, "--expect", "nowhere.npy"), "no such file: nowhere.npy"),
        ((*RUN, "--expect", "w.safetensors"), "w.safetensors is not a NumPy file"),
        ((*RUN, "--expect", "other.npz"), "none of the port's arrays in other.npz"),
        ((*RUN, "--expect", "objects.npy"), "an array of objects"),
        ((*RUN, "--expect", "text.npy"), "numbers of text1 are not read"),
        ((*RUN, "--expect", "complex.npy"), "no real numbers"),
        ((*RUN, "--expect", "cut.npy"), "cut off"),
        ((*RUN, "--expect", "empty.npy"), "the shape fits no result"),
        ((*RUN, "--expect", "scalar.npy"), "the shape fits no result"),
        ((*RUN, "--expect", "all.npz", "--expect-h", "h.npy"), "h_n is given twice"),
        ((*RUN, "--expect", "y.npy", "--expect-is", "hidden"), "--expect-is"),
        ((*RUN, "--expect-h", "h.npy", "--expect-is", "last"), "there is no output"),
        ((*RUN, "--expect", "y.npy", "--other-weights", "x.npy"), "--other-weights: no LSTM is recognised"),
        ((*RUN, "--expect", "y.npy", "--other-weights", "nowhere"), "no weight file"),
        ((*RUN, "--expect", "y.npy", "--other-weights", "small.safetensors"), "these weights cannot be those"),
        ((*RUN, "--expect", "y.npy", "--framework", "cafe"), "--framework"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    cli: Cli, port: dict[str, Any], flags: tuple[str, ...], message: str
) -> None:
    small = {name: array.astype(np.float32) for name, array in random_weights(LSTMConfig(3, 2), 0).items()}
    write_safetensors(Path("small.safetensors"), small)
    np.savez("other.npz", y=port["y"])
    np.save("objects.npy", np.array([{}, None], dtype=object))
    np.save("text.npy", np.array(["a"]))
    np.save("complex.npy", port["y"].astype(np.complex64))
    np.save("empty.npy", np.zeros((0, 2, 8), np.float32))
    np.save("scalar.npy", np.float32(1))
    Path("cut.npy").write_bytes(Path("y.npy").read_bytes()[:-4])
    ran = cli(*flags)
    assert ran.code == 2, ran.out
    assert message in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_a_file_that_does_not_fit_in_memory_is_refused(
    cli: Cli, port: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstmcalc.readers.expected.available_memory", lambda: 100)
    ran = cli(*RUN, "--expect", "y.npy")
    assert ran.code == 2
    assert "what is expected does not fit in memory" in ran.err


def test_several_lstms_are_refused(cli: Cli, port: dict[str, Any], tmp_path: Path) -> None:
    two = {f"{name}.{key}": array for name in ("a", "b") for key, array in port["weights"].items()}
    write_safetensors(tmp_path / "two.safetensors", two)
    ran = cli("run", "two.safetensors", "--input", "x.npy", "--expect", "y.npy")
    assert ran.code == 2
    assert "your numbers are those of one LSTM" in ran.err
    assert cli("run", "two.safetensors", "--input", "x.npy", "--expect", "y.npy", "--module", "a").code == 0


def test_in_python_it_is_the_same(port: dict[str, Any], cli: Cli) -> None:
    for model in ("w.safetensors", port["weights"]):
        right = lstmcalc.expect(model, port["x"], port["y"])
        assert right.agrees
        right.raise_if_different()
        wrong = lstmcalc.expect(model, port["x"], port["wrong"], expect_h=port["h"])
        with pytest.raises(AssertionError, match="gate order i o f g"):
            wrong.raise_if_different()
    typed = expect_of(cli(*RUN, "--expect", "wrong.npy", "--json"))
    assert lstmcalc.expect("w.safetensors", port["x"], port["wrong"]).to_dict()["modules"][0]["expect"] == typed


def test_in_python_data_and_states_are_those_of_the_call(port: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    state = tuple(rng.normal(size=(4, 2, 4)).astype(np.float32) for _ in range(2))
    first = LSTMConfig(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    x = port["x"].swapaxes(0, 1)
    output, (h_n, c_n) = forward(first, port["weights"], x, (state[0], state[1]), [3, 5])
    given: dict[str, Any] = {"batch_first": True, "lengths": [3, 5]}
    assert lstmcalc.expect(port["weights"], (x, state), (output, (h_n, c_n)), **given).agrees
    ignored = lstmcalc.expect(port["weights"], x, output, **given).to_dict()["modules"][0]["expect"]
    assert ignored["agrees"] is False


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y": None}, "nothing is expected"),
        ({"model": {}}, "no LSTM|empty|no arrays"),
        ({"model": 3}, "objects of this class are not read"),
        ({"model": {"a": np.zeros(3)}}, "no LSTM"),
        ({"y": ["a"]}, "x"),
        ({"y": {"z": np.zeros(3)}}, "none of the port's arrays"),
        ({"expect_is": "all"}, "expect-is"),
        ({"x": np.zeros(3)}, "the input has the wrong number of axes"),
        ({"x": None}, "x"),
        ({"framework": "cafe"}, "framework"),
        ({"none_such": 1}, "has no option none_such"),
    ],
)
def test_in_python_bad_input_is_an_error_of_ours(port: dict[str, Any], changed: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"model": port["weights"], "x": port["x"], "y": port["y"], **changed}
    with pytest.raises(lstmcalc.LstmcalcError, match=message):
        lstmcalc.expect(given.pop("model"), given.pop("x"), given.pop("y"), **given)
