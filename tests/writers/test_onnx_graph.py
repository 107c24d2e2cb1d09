"""LSTMs written as ONNX graphs: what onnx says of them, and what ONNX Runtime and lstmcalc's own reader make of them."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.errors import UnsupportedError
from lstmcalc.intake.choosing import lstms_of
from lstmcalc.intake.load import load_weights
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.writers.onnx import TARGET
from lstmcalc.writers.target import Asked, Portable
from tools.shell import Ran
from tools.streams import streams
from tools.weight_writers import full_weights

Cli = Callable[..., Ran]
NEAR = {"float32": 1e-6, "float16": 4e-3}
HARD = Activations("hard_sigmoid:1/6", "relu")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def portable(config: LSTMConfig, dtype: str = "float32", name: str = "encoder.rnn", **fields: Any) -> Portable:
    return Portable(
        name, config, {key: 0.5 * array.astype(dtype) for key, array in full_weights(config).items()}, **fields
    )


def written(lstm: Portable, *, stateful: bool = False, steps: int | None = None) -> Any:
    """The model as onnx reads it, checked by it, which is in `lstm.onnx` too."""
    asked = Asked("lstm.onnx", stateful, steps)
    TARGET.check([lstm], asked)
    with Path("lstm.onnx").open("w+b") as file:
        TARGET.write(file, [lstm], asked)
    model = onnx.load("lstm.onnx")
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def drawn(config: LSTMConfig, data: DataSpec, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    steps, cells = [data.seq_len, data.num_sequences], config.num_layers * config.num_directions
    order = steps[::-1] if config.batch_first else steps
    shapes = {
        "input": [*order, config.input_size],
        **{key: [cells, steps[1], config.hidden_size] for key in ("h_0", "c_0")},
    }
    return {name: rng.normal(size=shape).astype(data.dtype) for name, shape in shapes.items()}


def apart(lstm: Portable, found: Any, inputs: dict[str, Any], *, zeros: bool = False) -> float:
    state = None if zeros else (inputs["h_0"], inputs["c_0"])
    output, (h_n, c_n) = forward(lstm.config, lstm.weights, inputs["input"], state, activations=lstm.activations)
    pairs = zip(found, (output, h_n, c_n), strict=True)
    return max(float(np.abs(ours.astype(float) - theirs.astype(float)).max()) for ours, theirs in pairs)


CASES = [
    (layers, directions, bias, first)
    for layers in (1, 3)
    for directions in (1, 2)
    for bias in (True, False)
    for first in (True, False)
]


@pytest.mark.parametrize(
    ("layers", "directions", "bias", "first", "dtype"),
    [*((*case, "float32") for case in CASES), (*CASES[0], "float16"), (*CASES[-2], "float16")],
)
def test_it_runs_as_it_is(layers: int, directions: int, bias: bool, first: bool, dtype: str) -> None:
    config = LSTMConfig(3, 4, layers, bias=bias, batch_first=first, bidirectional=directions == 2)
    lstm = portable(config, dtype)
    model = written(lstm)
    assert [item.name for item in model.graph.output] == ["output", "h_n", "c_n"]
    session = session_of("lstm.onnx")
    assert [item.name for item in session.get_inputs()] == ["input"]
    assert {item.name for item in session.get_overridable_initializers()} == {"h_0", "c_0"}
    for batch in (1, 2, 3):
        for steps in (1, 2, 5):
            inputs = drawn(config, DataSpec(steps, batch, dtype=dtype), batch + steps)
            names = ["output", "h_n", "c_n"]
            assert apart(lstm, session.run(names, inputs), inputs) < NEAR[dtype]
            assert apart(lstm, session.run(names, {"input": inputs["input"]}), inputs, zeros=True) < NEAR[dtype]
    assert apart(lstm, session.run(names, {"input": inputs["input"]}), inputs) > 1e-3


def session_of(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("steps", [None, 1, 3])
def test_a_stateful_one_computes_a_sequence_in_calls(layers: int, first: bool, steps: int | None) -> None:
    config = LSTMConfig(3, 4, layers, batch_first=first)
    lstm = portable(config)
    written(lstm, stateful=True, steps=steps)
    session = session_of("lstm.onnx")
    assert [item.name for item in session.get_inputs()] == ["input", "h_0", "c_0"]
    shape = ["batch", steps or "steps", 3] if first else [steps or "steps", "batch", 3]
    assert session.get_inputs()[0].shape == shape
    inputs = drawn(config, DataSpec(6, 2))
    h, c, outputs, axis = inputs["h_0"], inputs["c_0"], [], 1 if first else 0
    for part in np.split(inputs["input"], 6 // (steps or 2), axis=axis):
        output, h, c = session.run(None, {"input": np.ascontiguousarray(part), "h_0": h, "c_0": c})
        outputs.append(output)
    assert apart(lstm, (np.concatenate(outputs, axis=axis), h, c), inputs) < 1e-6
    with pytest.raises(Exception, match="h_0"):  # none is forgotten
        session.run(None, {"input": inputs["input"][:1, :1]})


@pytest.mark.parametrize("functions", [HARD, Activations("hard_sigmoid:0.2", "tanh"), Activations(gate_clip=0.3)])
@pytest.mark.parametrize("both", [True, False])
def test_other_functions(functions: Activations, both: bool) -> None:
    lstm = portable(LSTMConfig(3, 4, 2, bidirectional=both), activations=functions)
    written(lstm)
    inputs = drawn(lstm.config, DataSpec(5, 2))
    found = session_of("lstm.onnx").run(["output", "h_n", "c_n"], inputs)
    assert apart(lstm, found, inputs) < 1e-6
    assert apart(lstm._replace(activations=PYTORCH), found, inputs) > 1e-3


@pytest.mark.parametrize(
    ("layers", "directions", "bias", "first", "dtype"),
    [*((*case, "float32") for case in CASES), (*CASES[0], "float16"), (*CASES[-2], "float64")],
)
def test_it_is_read_back_as_it_was(layers: int, directions: int, bias: bool, first: bool, dtype: str) -> None:
    config = LSTMConfig(3, 4, layers, bias=bias, batch_first=first, bidirectional=directions == 2)
    lstm = portable(config, dtype)
    written(lstm)
    (found,) = lstms_of("lstm.onnx", {})
    assert found.name == "encoder.rnn"
    kept = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional")
    assert [getattr(found.stored.config, name) for name in kept] == [getattr(config, name) for name in kept]
    assert not found.unmodelled
    weights = load_weights(found)
    assert weights.keys() == lstm.weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, lstm.weights[name], strict=True)


def summary(cli: Cli, path: str = "lstm.onnx") -> dict[str, Any]:
    ran = cli("summary", path, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert isinstance(found, dict)
    return found


def test_the_summary_says_what_goes_in_and_that_it_streams(cli: Cli) -> None:
    config = LSTMConfig(3, 4, 2)
    for stateful in (True, False):
        written(portable(config), stateful=stateful)
        found = summary(cli)
        graph = found["graph"]
        assert (graph["streams"], graph["state_in"], graph["state_out"]) == (True, ["h_0", "c_0"], ["h_n", "c_n"])
        assert found["total"]["parameters"] == 304  # no state of zeros is one
        optional = "" if stateful else " optional"
        assert graph["inputs"] == ["input (?, ?, 3)", f"h_0 (2, ?, 4){optional}", f"c_0 (2, ?, 4){optional}"]
    written(portable(LSTMConfig(3, 4, bidirectional=True)))
    assert summary(cli)["graph"]["streams"] is False


@pytest.mark.parametrize("steps", [None, 1, 3])
@pytest.mark.parametrize("stateful", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_the_lines_run(stateful: bool, steps: int | None, first: bool) -> None:
    lstm = portable(LSTMConfig(3, 4, 2, batch_first=first))
    written(lstm, stateful=stateful, steps=steps)
    names: dict[str, Any] = {}
    exec("\n".join(TARGET.load([lstm], Asked("lstm.onnx", stateful, steps))), names)
    assert names["output"].shape == ((3, steps or 5, 4) if first else (steps or 5, 3, 4))
    assert names["h" if stateful else "h_n"].shape == (2, 3, 4)


def test_the_lines_of_float64_load_it() -> None:
    lstm = portable(LSTMConfig(3, 4), "float64")
    written(lstm)
    names: dict[str, Any] = {}
    exec("\n".join(TARGET.load([lstm], Asked("lstm.onnx"))), names)
    assert names["model"].graph.output[0].name == "output"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stateful", [True, False])
def test_its_own_run(stateful: bool, first: bool) -> None:
    lstm = portable(LSTMConfig(3, 4, 2, batch_first=first))
    data = DataSpec(6, 2)
    inputs = drawn(lstm.config, data)
    assert TARGET.run is not None
    for steps in (None, 1, 3):
        written(lstm, stateful=stateful, steps=steps)
        verdict = TARGET.run("lstm.onnx", lstm, data, inputs)
        assert verdict is not None
        assert verdict.judge == f"ONNX Runtime {onnxruntime.__version__}"
        assert apart(lstm, [verdict.outputs[name] for name in ("output", "h_n", "c_n")], inputs) < 1e-6
    inputs = drawn(lstm.config, DataSpec(7, 2))  # with steps of 3, the last call is filled up
    verdict = TARGET.run("lstm.onnx", lstm, DataSpec(7, 2), inputs)
    assert verdict is not None
    assert list(verdict.outputs) == ["output"]
    wanted, _ = forward(lstm.config, lstm.weights, inputs["input"], (inputs["h_0"], inputs["c_0"]))
    assert np.abs(verdict.outputs["output"] - wanted).max() < 1e-6
    inputs = drawn(lstm.config, data)
    assert TARGET.run("lstm.onnx", lstm, DataSpec(6, 2, (6, 2)), inputs) is None
    assert TARGET.run("lstm.onnx", lstm, DataSpec(6, 0), inputs) is None
    alone = {name: array[:, 0] if name != "input" or not first else array[0] for name, array in inputs.items()}
    verdict = TARGET.run("lstm.onnx", lstm, DataSpec(6, None), alone)
    assert verdict is not None
    assert apart(lstm, [verdict.outputs[name] for name in ("output", "h_n", "c_n")], alone) < 1e-6


def test_the_loop_of_explain() -> None:
    for stream in streams(12, proj=False, unbatched=False):
        written(Portable("lstm", stream.config, stream.weights), stateful=True)
        names = {"onnxruntime": onnxruntime, "chunks": [np.ascontiguousarray(chunk) for chunk in stream.chunks]}
        assert stream.apart("onnxruntime", names) < 1e-6
        assert stream.apart("onnxruntime", names, ("output, h, c =", "output, _, _ =")) > 1e-4


@pytest.mark.parametrize(
    ("lstm", "asked", "where"),
    [
        (portable(LSTMConfig(3, 4, proj_size=2)), Asked("a.onnx"), "--to onnx"),
        (portable(LSTMConfig(3, 4), activations=Activations(cell_clip=1.0)), Asked("a.onnx"), "--to onnx"),
        (portable(LSTMConfig(3, 4), activations=Activations(proj_clip=1.0)), Asked("a.onnx"), "--to onnx"),
        (portable(LSTMConfig(3, 4, bidirectional=True)), Asked("a.onnx", stateful=True), "--stateful"),
    ],
)
def test_what_no_node_can_express_is_refused_by_name(lstm: Portable, asked: Asked, where: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        TARGET.check([lstm], asked)
    assert caught.value.where == where
    assert caught.value.expected


def test_more_than_a_protobuf_message_holds_is_refused() -> None:
    config = LSTMConfig(2**14, 2**14)
    weights = {"weight_ih_l0": np.broadcast_to(np.zeros((), "float32"), (2**16, 2**14))}
    assert DTYPE_BYTES["float32"] * 2**30 > 2**31
    with pytest.raises(UnsupportedError, match="less than 2 GiB"):
        TARGET.check([Portable("lstm", config, weights)], Asked("a.onnx"))


HOSTILE = ["", "a\x1b[31m", "\ud800", "x" * 10_000, "a/b.c", "../../etc", "Ü.雪", 'a"b\\', "lstm0.W", "input", "h_0\n"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_of_a_module(name: str, cli: Cli) -> None:
    lstm = portable(LSTMConfig(3, 4, 2), name=name)
    written(lstm, stateful=True)
    inputs = drawn(lstm.config, DataSpec(3, 2))
    assert apart(lstm, session_of("lstm.onnx").run(None, inputs), inputs) < 1e-6
    ran = cli("summary", "lstm.onnx")
    assert ran.code == 0
    assert "\x1b" not in ran.out + ran.err


def test_numbers_of_any_kind_are_kept_to_the_bit() -> None:
    config = LSTMConfig(2, 3)
    weights = {name: array.astype("float32") for name, array in full_weights(config).items()}
    weights["weight_ih_l0"].reshape(-1)[:5] = [np.nan, np.inf, -np.inf, -0.0, 1e-42]
    with io.BytesIO() as stream:
        TARGET.write(stream, [Portable("lstm", config, weights)], Asked("a.onnx"))
        model = onnx.load_from_string(stream.getvalue())
    (stored,) = [onnx.numpy_helper.to_array(item) for item in model.graph.initializer if item.name == "lstm0.W"]
    gates = np.split(weights["weight_ih_l0"], 4)
    assert stored[0].tobytes() == np.concatenate([gates[index] for index in (0, 3, 1, 2)]).tobytes()


def test_the_note_on_float64() -> None:
    assert "float64" in TARGET.notes([portable(LSTMConfig(3, 4), "float64")])[0]
    assert list(TARGET.notes([portable(LSTMConfig(3, 4))])) == []
