"""ONNX graphs that exist, given the states of their LSTMs: what changes, what stays to the byte, what is refused."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstmcalc.errors import LstmcalcError, SourceError, UnsupportedError
from lstmcalc.readers.onnx.graphs import read_model
from lstmcalc.writers import stateful_runs
from lstmcalc.writers.stateful import StatefulGraph, stateful_graph
from lstmcalc.writers.target import Asked
from tools.mutations import CASES, mutated
from tools.shell import Ran

Cli = Callable[..., Ran]
H = 4
FREE = ["steps", "batch", 3]
Nodes = list[Any]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def weights(width: int = 3, directions: int = 1, seed: int = 0, prefix: str = "") -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"W": (directions, 4 * H, width), "R": (directions, 4 * H, H), "B": (directions, 8 * H)}
    return {f"{prefix}{name}": rng.normal(scale=0.5, size=shape).astype("float32") for name, shape in shapes.items()}


def lstm(
    reads: str = "x", states: Sequence[str] = (), gives: Sequence[str] = ("Y",), prefix: str = "", **more: Any
) -> Any:
    name = more.pop("name", "rnn")
    inputs = [reads, f"{prefix}W", f"{prefix}R", f"{prefix}B", *(["", *states] if states else [])]
    return helper.make_node("LSTM", inputs, list(gives), name=name, hidden_size=H, **more)


def model(nodes: Nodes, constants: dict[str, Any], outputs: Sequence[str] = ("Y",), **more: Any) -> Any:
    inputs = {"x": FREE, **more.pop("inputs", {})}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * (4 if name in "YZ" else 3))
            for name in outputs
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", more.get("opset", 17))], ir_version=8)


ZEROS = {"zeros": np.zeros((1, 1, H), "float32")}


def expanded() -> Nodes:
    """Zeros for a batch of any size, as PyTorch's exporter computes them."""
    return [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["n"]),
        helper.make_node("Concat", ["one", "n", "four"], ["sizes"], axis=0),
        helper.make_node("Expand", ["zeros", "sizes"], ["filled"]),
    ]


EXPANDED = {**ZEROS, "one": np.array([1]), "four": np.array([H])}
STACK = [
    lstm(gives=["Y0"]),
    helper.make_node("Squeeze", ["Y0", "one"], ["x1"]),
    lstm("x1", gives=["Y", "last"], prefix="b", name=""),
    helper.make_node("Relu", ["last"], ["relu"]),
]
GRAPHS: dict[str, tuple[Any, int]] = {  # each with the states that it gets
    "none": (model([lstm()], weights()), 2),
    "zeros": (model([lstm(states=["zeros", "zeros"])], {**weights(), **ZEROS}, inputs={"x": ["steps", 1, 3]}), 2),
    "expanded zeros": (model([*expanded(), lstm(states=["filled", "filled"])], {**weights(), **EXPANDED}), 2),
    "h alone": (model([*expanded(), lstm(states=["filled"])], {**weights(), **EXPANDED}), 2),
    "last ones are outputs": (model([lstm(gives=["Y", "h", "c"])], weights(), ["Y", "h", "c"]), 2),
    "two layers": (
        model(STACK, {**weights(), **weights(H, seed=1, prefix="b"), "one": np.array([1])}, ["Y", "relu"]),
        4,
    ),
    "no names": (model([lstm(gives=["Y"], name=""), lstm(gives=["Z"], name="")], weights(), ["Y", "Z"]), 4),
    "old": (model([lstm()], weights(), opset=7), 2),
    "states are inputs": (
        model(
            [lstm(states=["h0", "c0"], gives=["Y", "h"])],
            weights(),
            ["Y", "h"],
            inputs={"h0": [1, "batch", H], "c0": [1, "batch", H]},
        ),
        2,
    ),
}


def changed(name: str, made: Any) -> tuple[StatefulGraph, Any]:
    Path("old.onnx").write_bytes(made.SerializeToString())
    with Path("new.onnx").open("w+b") as stream:
        found = stateful_graph("old.onnx", stream, Asked("new.onnx", stateful=True))
    new = onnx.load("new.onnx")
    onnx.checker.check_model(new, full_check=True)
    return found, new


def session_of(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", GRAPHS)
def test_chunks_give_what_one_pass_gives(name: str, cli: Cli) -> None:
    made, count = GRAPHS[name]
    found, _ = changed(name, made)
    assert len(found.states) == count
    assert found.notes == []
    batch = 1 if name == "zeros" else 2
    x = np.random.default_rng(1).normal(size=(6, batch, 3)).astype("float32")
    names = [item.name for item in made.graph.output]
    zeros = {enters: np.zeros((1, batch, H), "float32") for enters, _ in found.states}
    given = {key: array for key, array in zeros.items() if key in ("h0", "c0")}
    expected = session_of("old.onnx").run(names, {"x": x, **given})
    session = session_of("new.onnx")
    state, outputs = zeros, []
    for chunk in np.split(x, [1, 4]):
        parts = session.run([*names, *(leaves for _, leaves in found.states)], {"x": chunk, **state})
        outputs.append(parts[: len(names)])
        state = dict(zip(zeros, parts[len(names) :], strict=True))
    for index, wanted in enumerate(expected):
        steps = [part[index] for part in outputs]
        np.testing.assert_allclose(np.concatenate(steps) if len(wanted) == 6 else steps[-1], wanted, atol=1e-6)
    dropped = session.run(names, {"x": x[4:], **zeros})
    assert np.abs(dropped[0][-1] - expected[0][-1]).max() > 1e-4
    before = " ".join(cli("summary", "old.onnx").out.split())
    assert "streaming no: the" in before
    assert "; convert --stateful makes " in before
    assert cli("summary", "new.onnx", "--json").out.count('"streams": true') == 1
    graph = json.loads(cli("summary", "new.onnx", "--json").out)["graph"]
    assert graph["state_in"] == [enters for enters, _ in found.states]
    assert sorted(graph["state_out"]) == sorted(leaves for _, leaves in found.states)
    if name in ("zeros", "two layers", "states are inputs"):  # each is a process
        assert dict(found.compare("new.onnx") or ()) == pytest.approx(dict.fromkeys(names, 0.0), abs=1e-6)
        assert found.streams("new.onnx").startswith("streams: two chunks give what one pass gives, within ")
    space: dict[str, Any] = {}
    exec("\n".join(found.load), space)
    assert set(space["states"]) == {enters for enters, _ in found.states}


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_else_stays_to_the_byte(name: str) -> None:
    made = deepcopy(GRAPHS[name][0])
    made.graph.initializer[0].doc_string = "kept"
    made.metadata_props.add(key="author", value="someone")
    made.graph.value_info.append(helper.make_tensor_value_info("unknown", TensorProto.FLOAT, [7]))
    found, new = changed(name, made)
    added = {text for state in found.states for text in state}
    for field in ("input", "output"):
        old = [
            item for item in getattr(new.graph, field) if item.name not in added or item in getattr(made.graph, field)
        ]
        assert old == list(getattr(made.graph, field))
    for each in new.graph.node:
        if each.op_type == "LSTM":
            (before,) = [node for node in made.graph.node if node.output[0] == each.output[0]]
            assert (each.input[:5], each.attribute, each.name) == (
                before.input[:5] + [""] * (5 - len(before.input[:5])),
                before.attribute,
                before.name,
            )
    for one in (new, made):
        kept = [node for node in one.graph.node if node.op_type not in ("LSTM", "Identity")]
        for field in ("node", "input", "output"):
            one.graph.ClearField(field)
        one.graph.node.extend(kept)
    assert new.SerializeToString() == made.SerializeToString()


def with_reason(name: str) -> tuple[Any, str]:
    stored = {"ones": np.ones((1, 1, H), "float32")}
    some = weights()
    twice = lstm(gives=["Z"], name="good")
    if name == "not zeros":
        return model(
            [twice, lstm(states=["ones", "ones"])], {**some, **stored}, ["Y", "Z"]
        ), "is stored as 'ones', and is not zeros"
    if name == "computed":
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["mean"]),
            *expanded(),
            helper.make_node("Add", ["filled", "mean"], ["h"]),
        ]
        return model(
            [twice, *nodes, lstm(states=["h", "filled"])], {**some, **EXPANDED}, ["Y", "Z"]
        ), "its initial h is computed, as 'h'"
    if name == "both ways":
        both = {**weights(directions=2, prefix="b"), **some}
        return model(
            [twice, lstm(prefix="b", direction="bidirectional")], both, ["Y", "Z"]
        ), "it reads the sequence from its end"
    if name == "reverse":
        return model([twice, lstm(direction="reverse")], some, ["Y", "Z"]), "it reads the sequence from its end"
    body = helper.make_graph(
        [lstm(gives=["inner"], name="inside")],
        "body",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, [None] * 4)],
    )
    nodes = [helper.make_node("If", ["yes"], ["Y"], name="branch", then_branch=body, else_branch=body)]
    return model(
        [twice, *nodes], {**some, "yes": np.array(True)}, ["Y", "Z"]
    ), "inside stays as it is: it is in the body or function branch."


@pytest.mark.parametrize("name", ["not zeros", "computed", "both ways", "reverse", "in a body"])
def test_what_stays_as_it_is_says_why(name: str) -> None:
    made, why = with_reason(name)
    found, new = changed(name, made)
    assert [enters for enters, _ in found.states] == ["good.initial_h", "good.initial_c"]
    assert why in found.notes[0]
    kept = [node for node in made.graph.node if node.name != "good"]
    assert [node for node in new.graph.node if node.name != "good"] == kept
    if name == "not zeros":
        assert dict(found.compare("new.onnx") or ()) == pytest.approx({"Y": 0.0, "Z": 0.0}, abs=1e-6)


def test_a_graph_that_uses_several_steps_at_once_is_found_out(cli: Cli) -> None:
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 2, 0]),
        helper.make_node("Conv", ["t", "kernel"], ["conv"], pads=[2, 0]),
        helper.make_node("Transpose", ["conv"], ["u"], perm=[2, 0, 1]),
        lstm("u"),
    ]
    made = model(nodes, {**weights(), "kernel": rng.normal(size=(3, 3, 3)).astype("float32")})
    found, _ = changed("conv", made)
    assert dict(found.compare("new.onnx") or ()) == pytest.approx({"Y": 0.0}, abs=1e-6)
    assert found.streams("new.onnx").startswith("does not stream: two chunks are ")
    graph = json.loads(cli("summary", "new.onnx", "--json").out)["graph"]
    assert graph["streams"] is None
    assert "not known: Conv may use several steps at once" in cli("summary", "new.onnx").out


def refused(made: Any, asked: Asked | None = None) -> LstmcalcError:
    Path("old.onnx").write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    with Path("new.onnx").open("w+b") as stream, pytest.raises(LstmcalcError) as caught:
        stateful_graph("old.onnx", stream, asked or Asked("new.onnx", stateful=True))
    return caught.value


def test_what_cannot_be_done_is_refused() -> None:
    error = refused(model([lstm(direction="reverse")], weights()))
    assert (error.where, error.found) == ("--stateful", "rnn stays as it is: it reads the sequence from its end")
    states = {"inputs": {"h0": [1, "batch", H], "c0": [1, "batch", H]}}
    error = refused(model([lstm(states=["h0", "c0"], gives=["Y", "h", "c"])], weights(), ["Y", "h", "c"], **states))
    assert error.found == "its states are inputs and outputs already"
    assert refused(model([helper.make_node("Relu", ["x"], ["Y"])], {})).found == "no LSTM in its main graph"
    assert refused(GRAPHS["none"][0], Asked("new.onnx", True, 1)).where == "--steps"
    assert isinstance(refused(b""), SourceError)
    assert isinstance(refused(GRAPHS["none"][0].SerializeToString()[:-40]), SourceError)
    twice = GRAPHS["none"][0].SerializeToString()
    assert refused(twice + twice).found == "several"


def test_weights_in_another_file_stay_beside_it() -> None:
    made, _ = GRAPHS["none"]
    onnx.save(made, "old.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    Path("other").mkdir()
    for target, works in (("new.onnx", True), ("other/new.onnx", False)):
        with Path(target).open("w+b") as stream:
            if works:
                found = stateful_graph("old.onnx", stream, Asked(target, stateful=True))
            else:
                with pytest.raises(UnsupportedError, match=r"weights\.bin") as caught:
                    stateful_graph("old.onnx", stream, Asked(target, stateful=True))
                assert caught.value.where == "--output"
    assert dict(found.compare("new.onnx") or ()) == pytest.approx({"Y": 0.0}, abs=1e-6)


@pytest.mark.parametrize("name", ["", "a\x1b[31m", "Y", "x" * 5000, "rnn.initial_h"])
def test_any_name_of_a_node(name: str, cli: Cli) -> None:
    made = model([lstm(name=name), lstm(gives=["Z"], name="rnn")], weights(), ["Y", "Z"])
    found, new = changed(name, made)
    names = [text for state in found.states for text in state]
    assert len(set(names)) == 8
    assert max(map(len, names)) < 300
    assert all(text.isprintable() for text in names)
    assert len({item.name for item in new.graph.input}) == 5
    assert "\x1b" not in cli("summary", "new.onnx").out


def test_a_quantized_one() -> None:
    rng = np.random.default_rng(0)
    stored = {
        "W": rng.integers(0, 255, (1, 3, 4 * H)).astype("uint8"),
        "R": rng.integers(0, 255, (1, H, 4 * H)).astype("uint8"),
        "B": rng.normal(size=(1, 8 * H)).astype("float32"),
        "s": np.array([0.01], "float32"),
        "z": np.array([128], "uint8"),
    }
    inputs = ["x", "W", "R", "B", "", "", "", "", "s", "z", "s", "z"]
    node = helper.make_node("DynamicQuantizeLSTM", inputs, ["Y"], "rnn", domain="com.microsoft", hidden_size=H)
    made = model([node], stored)
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    Path("old.onnx").write_bytes(made.SerializeToString())
    with Path("new.onnx").open("w+b") as stream:
        found = stateful_graph("old.onnx", stream, Asked("new.onnx", stateful=True))
    assert list(found.states) == [("rnn.initial_h", "rnn.Y_h"), ("rnn.initial_c", "rnn.Y_c")]
    assert dict(found.compare("new.onnx") or ()) == pytest.approx({"Y": 0.0}, abs=1e-6)


def test_a_damaged_graph_is_refused_or_stays_one() -> None:
    content = GRAPHS["two layers"][0].SerializeToString()
    written = 0
    for damaged in mutated(content, 7, CASES):
        Path("old.onnx").write_bytes(damaged)
        with Path("new.onnx").open("w+b") as stream:
            try:
                stateful_graph("old.onnx", stream, Asked("new.onnx", stateful=True))
            except LstmcalcError:
                continue
        written += 1
        read_model("new.onnx")
    assert written > CASES // 4


def test_a_graph_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stateful_runs, "_SECONDS", 1)
    value = helper.make_tensor_value_info
    inner = [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])]
    ends = [value("on", TensorProto.BOOL, []), value("w", TensorProto.FLOAT, None)]
    begins = [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("v", TensorProto.FLOAT, None)]
    loop = helper.make_node("Loop", ["many", "yes", "x"], ["x2"], body=helper.make_graph(inner, "body", begins, ends))
    constants = {**weights(), "many": np.array(2**62), "yes": np.array(True)}
    Path("old.onnx").write_bytes(model([loop, lstm("x2")], constants).SerializeToString())
    with Path("new.onnx").open("w+b") as stream:
        found = stateful_graph("old.onnx", stream, Asked("new.onnx", stateful=True))
    assert found.compare("new.onnx") is None
    assert found.streams("new.onnx").startswith("streaming: not known")
