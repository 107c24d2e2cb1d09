"""What `lstmcalc cost` reports: its numbers, and every formula beside them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, Surroundings, forward
from lstmcalc.costs import onednn
from lstmcalc.costs.memory import Bill, values_of
from lstmcalc.costs.operations import OPERATIONS
from lstmcalc.costs.optimizers import OPTIMIZERS
from lstmcalc.costs.quantized import weight_bytes
from lstmcalc.frameworks.storage import Storage
from lstmcalc.spec.sizes import roundup
from tools import counting
from tools.counting import Array, random_weights, sigmoid
from tools.examples import examples
from tools.recorded_weights import unpacked
from tools.shell import Ran
from tools.strategies import configs
from tools.weight_writers import random_weights as drawn_weights
from tools.weight_writers import write_safetensors

Cli = Callable[..., Ran]

FLAGS = {
    "the example": (),
    "bi": ("--hidden", "20", "--layers", "2", "--bi"),
    "packed": ("--bi", "--lengths", "5,3,5,2", "--layers", "3", "--dropout", "0.5"),
    "equal lengths": ("--lengths", "3,3", "--batch-first"),
    "unbatched": ("--unbatched", "--no-bias", "--hidden", "48"),
    "projected": ("--proj", "5", "--layers", "2", "--batch-first", "--optimizer", "adafactor"),
    "double": ("--dtype", "float64", "--optimizer", "nadam", "--input-grad"),
    "half": ("--dtype", "float16", "--batch", "200"),
    "brain": ("--dtype", "bfloat16", "--seq", "1", "--batch", "1"),
    "bytes": ("--quantize", "pytorch-dynamic", "--layers", "2"),
    "empty": ("--batch", "0", "--bi"),
    "around": ("--head", "10", "--head-on", "all", "--embed", "100", "--bi", "--optimizer", "sgd"),
    "large": ("--input", "512", "--hidden", "1024", "--layers", "4", "--batch", "128", "--seq", "300"),
}


def cost_of(cli: Cli, *flags: str) -> dict[str, Any]:
    module: dict[str, Any] = json.loads(cli("cost", *flags, "--json").out)["modules"][0]
    return module


def stride(width: int, step: int) -> int:
    """oneDNN's rule in words: whole lines of the cache, one more where rows would lie a multiple of 256 apart."""
    rows = -(-width // step) * step
    return rows + step if rows % 256 == 0 else rows


def evaluated(formula: str, module: dict[str, Any]) -> int:
    """A formula as a reader would compute it: with the symbols of the legend and Python's own arithmetic."""
    lengths = module["data"]["lengths"] or ()
    names = {
        **{name: value for name, value in module["symbols"].items() if name.isidentifier()},
        "max": max,
        "roundup": lambda size, step: -(-size // step) * step,
        "stride": stride,
        "lengths": lengths,
        "batch_sizes": [sum(length > step for length in lengths) for step in range(max(lengths, default=0))],
    }
    return int(eval(formula, {"__builtins__": {}}, names))


def formulas(module: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Every formula of a report with the number beside it."""
    for row in module["products"]:
        yield row["symbolic"], row["step_macs"]
    works = [work for work in module["compute"].values() if work]
    works.append(module["compute"]["forward"]["per_step"])
    for work in works:
        yield work["symbolic"], work["macs"]
        yield f"2*({work['symbolic']})", work["flops"]
        for name in OPERATIONS:
            yield work["elementwise_symbolic"][name], work["elementwise"][name]
    for row in module["passes"]:
        yield row["symbolic"], row["macs"]
    for row in module["memory"]:
        yield row["formula"], row["bytes"]


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_every_formula_gives_the_number_beside_it(cli: Cli, flags: tuple[str, ...]) -> None:
    module = cost_of(cli, *flags)
    found = list(formulas(module))
    assert len(found) >= 20
    for formula, number in found:
        assert evaluated(formula, module) == number, formula
    used = {name for name in ("roundup", "stride", "max") if any(f"{name}(" in formula for formula, _ in found)}
    assert set(module["functions"]) <= used


@pytest.mark.parametrize(
    "flags",
    [
        ("hidden", "--memory", "1GiB", "--train"),
        ("batch", "--memory", "1GiB", "--macs", "1T", "--bi", "--layers", "3"),
        ("seq", "--memory", "64MiB", "--proj", "5"),
        ("layers", "--params", "10M", "--macs", "1G", "--head", "7"),
    ],
)
def test_every_formula_of_a_solution_does_too(cli: Cli, flags: tuple[str, ...]) -> None:
    module = json.loads(cli("solve", *flags, "--json").out)["modules"][0]
    for row in module["budgets"]:
        assert evaluated(row["formula"], module) == row["used"] <= row["limit"]


def test_the_functions_in_formulas_are_explained(cli: Cli) -> None:
    module = cost_of(cli)
    assert list(module["functions"]) == ["max", "roundup", "stride"]
    assert module["functions"]["roundup"] == roundup.says
    for width in range(1, 1100):
        assert onednn.stride(width, 16).at({}) == stride(width, 16)


def test_the_numbers_of_the_example(cli: Cli) -> None:
    module = cost_of(cli, "--hidden", "20", "--layers", "2", "--bi")
    compute = module["compute"]
    assert (compute["forward"]["macs"], compute["forward"]["flops"]) == (216_000, 432_000)
    assert compute["forward"]["per_step"]["macs"] == 14_400
    assert compute["forward"]["elementwise"] == {"sigmoid": 3600, "tanh": 2400, "multiply": 3600, "add": 15_600}
    assert compute["backward"]["path"] == "onednn"
    assert (compute["backward"]["macs"], compute["training"]["macs"]) == (432_000, 648_000)
    native = {row["pass"]: row["macs"] for row in module["passes"] if row["path"] == "native"}
    assert native == {"backward": 388_800, "training": 604_800}
    figures = {(row["name"], row["path"]): row for row in module["memory"]}
    assert figures["weights", None]["bytes"] == 60_160
    assert figures["weights", None]["certainty"] == "exact"
    assert figures["gradients", None]["bytes"] == 60_160
    assert figures["optimizer state", None]["bytes"] == 2 * 60_160 + 16 * 4
    assert figures["input", None]["bytes"] == 5 * 3 * 10 * 4
    assert figures["output", None]["bytes"] == (5 * 3 * 40 + 2 * 4 * 3 * 20) * 4
    assert figures["saved for backward", "onednn"]["certainty"] == "exact"
    assert figures["saved for backward", "native"]["certainty"] == "exact"
    assert not figures["saved for backward", "native"]["applies"]
    assert figures["saved for backward", "cudnn"]["certainty"] == "estimate"
    assert figures["inference peak", "onednn"]["error_percent"] > 0
    assert ("streaming minimum", None) not in figures


def test_which_code_applies_is_said(cli: Cli) -> None:
    for flags, inference, training in (
        ((), "onednn", "onednn"),
        (("--proj", "5"), "native", "native"),
        (("--dtype", "float64"), "native", "native"),
        (("--lengths", "3,2"), "native", "native"),
        (("--lengths", "3,3"), "onednn", "onednn"),
        (("--batch", "0"), "native", "native"),
    ):
        module = cost_of(cli, *flags)
        assert (module["paths"]["inference"]["path"], module["paths"]["training"]["path"]) == (inference, training)
        assert module["compute"]["backward"]["path"] == training
        applying = {(row["name"], row["path"]) for row in module["memory"] if row["applies"] and row["path"]}
        names = {"saved for backward": training, "training peak": training, "inference peak": inference}
        assert applying == set(names.items())


def test_packing_saves_what_is_padding(cli: Cli) -> None:
    packed = cost_of(cli, "--lengths", "5,3,2")
    padded = cost_of(cli, "--seq", "5", "--batch", "3")
    assert packed["packing"] == {
        "steps": 10,
        "padded_steps": 15,
        "saved_macs": padded["compute"]["forward"]["macs"] - packed["compute"]["forward"]["macs"],
        "saved_percent": pytest.approx(100 / 3),
    }
    assert padded["packing"] is None
    assert (
        "5 steps of padding are not computed, 12,000 MACs less, 33.3 %"
        in cli("cost", "--lengths", "5,3,2", "--full").out
    )


@pytest.mark.parametrize(
    ("flags", "scheme", "figures"),
    [
        ((), "pytorch-dynamic", {"weights": 3040, "input": 600, "output": 1680}),
        ((), "tflite-int8", {"weights": 2720, "input": 150, "output": 300, "state": 180}),
        (("--input", "28", "--batch", "1"), "tflite-int8", {"weights": 3840 + 320, "state": 20 + 40}),
        (("--layers", "2", "--bi"), "pytorch-dynamic", {"weights": 16960}),
    ],
)
def test_quantized_weights_are_counted_by_their_layout(
    cli: Cli, flags: tuple[str, ...], scheme: str, figures: dict[str, int]
) -> None:
    """3,040 is what torch.save stores of LSTM(10, 20); 3,840 + 320 what a model of tflite-micro has."""
    module = cost_of(cli, "--hidden", "20", *flags, "--quantize", scheme)
    assert {row["name"]: row["bytes"] for row in module["memory"]}.items() >= figures.items()
    assert {row["certainty"] for row in module["memory"]} == {"exact"}
    assert module["compute"]["backward"] is module["compute"]["training"] is module["paths"] is None
    assert module["quantized"] == scheme
    plain = cost_of(cli, "--hidden", "20", *flags)
    assert module["compute"]["forward"] == plain["compute"]["forward"]
    assert "quantized" not in plain


@given(configs(), st.sampled_from(["pytorch", "tflite"]))
def test_quantized_weights_are_those_of_the_framework_in_other_dtypes(config: LSTMConfig, framework: str) -> None:
    """The formulas, against the arrays that the framework stores, one by one: matrices in a byte, biases in four."""
    scheme = {"pytorch": "pytorch-dynamic", "tflite": "tflite-int8"}[framework]
    biased = replace(config, bias=True)  # both schemes store biases
    rows = Storage(biased, framework).parameters
    wanted = sum(row.numel * (4 if "bias" in row.holds[0] else 1) for row in rows)
    assert weight_bytes(config, scheme).at(values_of(config, DataSpec())) == wanted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--quantize", "pytorch-dynamic", "--no-bias"), "mod.bias must be True"),
        (("--quantize", "pytorch-dynamic", "--proj", "5"), "drops weight_hr"),
        (("--quantize", "tflite-int8", "--lengths", "3,2"), "lengths, which TFLite does not take"),
        (("--quantize", "tflite-int8", "--dtype", "float16"), "expected float32"),
        (("--quantize", "pytorch-dynamic", "--optimizer", "sgd"), "--quantize and --optimizer"),
        (("--quantize", "pytorch-dynamic", "--head", "3"), "it counts the LSTM alone"),
        (("--quantize", "int4"), "pytorch-dynamic, tflite-int8"),
        (("--dtype", "int8"), "lstmcalc cost --quantize pytorch-dynamic"),
    ],
)
def test_what_is_not_quantized_is_refused(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    ran = cli("cost", *arguments)
    assert (ran.code, said in ran.err) == (2, True), ran.err


@pytest.mark.parametrize("command", ["shapes", "params", "run", "explain", "cost"])
def test_int8_is_no_dtype(cli: Cli, command: str) -> None:
    ran = cli(command, "--dtype", "int8")
    assert ran.code == 2
    assert "--quantize pytorch-dynamic" in ran.err


def test_a_file_has_its_own_bytes(cli: Cli, tmp_path: Path) -> None:
    """As they are in the file: in float16 or with shared weights, whatever is computed with."""
    config = LSTMConfig(10, 20, 2)
    for dtype in (np.float32, np.float16, np.float64):
        arrays = {name: array.astype(dtype) for name, array in drawn_weights(config, 0).items()}
        path = write_safetensors(tmp_path / "lstm.safetensors", {**arrays, "other": np.zeros(99)})
        figures = {row["name"]: row["bytes"] for row in cost_of(cli, path)["memory"]}
        assert figures["stored in the file"] == sum(array.nbytes for array in arrays.values()) == figures["weights"]
    assert "8 tensors of lstm in" in cli("cost", path, "--full").out


def test_integers_are_counted_as_they_are(cli: Cli, tmp_path: Path) -> None:
    """Integers under PyTorch's names, with float32 biases: somebody's own way to quantize."""
    weights = drawn_weights(LSTMConfig(10, 20), 0)
    arrays = {name: array.astype(np.int8 if array.ndim > 1 else np.float32) for name, array in weights.items()}
    module = cost_of(cli, path := write_safetensors(tmp_path / "lstm.safetensors", arrays))
    assert [(row["name"], row["bytes"]) for row in module["memory"]] == [("weights", 3040)]
    assert module["quantized"] == "int8"
    assert "2,560 parameters, 3.0 KiB as stored, quantized" in cli("params", path).out


def test_weights_that_a_graph_dequantizes_have_their_own_bytes(cli: Cli, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    draws = np.random.default_rng(0)
    arrays: dict[str, Any] = {"scale": np.float32(0.01), "B": np.ones((1, 160), np.float32)}
    arrays |= {f"{name}8": draws.integers(-9, 9, (1, 80, size), np.int8) for name, size in (("W", 10), ("R", 20))}
    nodes = [helper.make_node("DequantizeLinear", [f"{name}8", "scale"], [name]) for name in "WR"]
    nodes.append(helper.make_node("LSTM", ["X", "W", "R", "B"], ["Y"], hidden_size=20))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "XY"]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    path = tmp_path / "qdq.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], tensors)), path)
    figures = {row["name"]: row["bytes"] for row in cost_of(cli, str(path))["memory"]}
    assert figures["stored in the file"] == 80 * 30 + 160 * 4 + 4
    assert figures["weights"] == 4 * 2560


def test_a_quantized_onnx_file_has_its_own_bytes(cli: Cli, tmp_path: Path) -> None:
    held = unpacked("torch", tmp_path) / "quantized.onnx"
    import onnx

    tensors = {item.name: onnx.numpy_helper.to_array(item) for item in onnx.load(held).graph.initializer}
    own = {name for node in onnx.load(held).graph.node if "LSTM" in node.op_type for name in node.input}
    module = cost_of(cli, str(held))
    (weights,) = (row for row in module["memory"] if row["name"] == "weights")
    assert weights["bytes"] == sum(array.nbytes for name, array in tensors.items() if name in own)
    assert weights["certainty"] == "exact"
    assert [row["name"] for row in module["memory"]] == ["weights"]
    assert module["quantized"] == "DynamicQuantizeLSTM"
    (params,) = json.loads(cli("params", str(held), "--json").out)["modules"]
    assert params["stored_bytes"] == weights["bytes"] < params["total_bytes"]
    assert "stored_bytes" not in json.loads(cli("params", "--json").out)["modules"][0]
    assert "the memory of the computation is not known" in cli("cost", str(held)).err


def test_a_head_and_an_embedding_are_in_it(cli: Cli) -> None:
    flags = ("--head", "10", "--embed", "1000")
    module, params = cost_of(cli, *flags), json.loads(cli("params", *flags, "--json").out)["modules"][0]
    figures = {row["name"]: row["bytes"] for row in module["memory"] if row["path"] is None}
    assert figures["weights"] == params["grand_total_bytes"]
    assert figures["input"] == 15 * 8 + 15 * 10 * 4
    assert module["input_grad"] is True
    assert module["products"][-1]["part"] == "head"
    assert module["products"][-1]["macs"] == 3 * 20 * 10


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_its_state(cli: Cli, name: str) -> None:
    module = cost_of(cli, "--optimizer", name)
    assert module["optimizer"] == name
    figures = {row["name"]: row["bytes"] for row in module["memory"] if row["applies"]}
    assert figures["training peak"] > figures["weights"] + figures["gradients"] + figures["optimizer state"]
    if name == "sgd":
        assert figures["optimizer state"] == 0


def test_many_layers_fold(cli: Cli) -> None:
    shown = cli("cost", "--layers", "1000", "--full").out
    assert "l1 ... l998, 998 alike" in shown
    assert len(shown.splitlines()) < 110
    assert len(cost_of(cli, "--layers", "1000")["products"]) == 2000
    for layers in (10**6, 2**63 - 1):
        refused = cli("cost", "--layers", str(layers))
        assert (refused.code, refused.out) == (2, "")
        assert f"{2 * layers:,} rows, one for each matrix product" in refused.err


def test_lengths_of_billions_of_steps_take_no_time(cli: Cli) -> None:
    module = cost_of(cli, "--lengths", f"{10**11},1,5,5")
    assert module["symbols"]["batch_sizes[-1]"] == 1
    assert module["compute"]["forward"]["macs"] == (10**11 + 11) * 2400
    small = cost_of(cli, "--lengths", "9,1,5,5")
    for formula, number in formulas(small):
        assert evaluated(formula, small) == number
    like = {row["name"]: row["formula"] for row in module["memory"]}
    assert like == {row["name"]: row["formula"] for row in small["memory"]}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", [("cost", "--hidden", "20", "--layers", "2", "--bi"), ("cost", "--lengths", "5,3")])
def test_numbers_of_the_table_are_those_of_the_json(
    cli: Cli, command: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown, module = cli(*command, "--full").out, cost_of(cli, *command[1:])
    for row in module["products"]:
        assert f"{row['macs']:,}" in shown
    for row in module["passes"]:
        assert all(f"{row[key]:,}" in shown for key in ("macs", "flops", *OPERATIONS))
    for row in module["memory"]:
        assert row["name"].replace("streaming minimum", "RAM to stream") in shown
    assert max(map(len, shown.splitlines())) <= width


@st.composite
def unidirectional(choose: st.DrawFn) -> LSTMConfig:
    hidden = choose(st.integers(1, 5))
    sizes = choose(st.integers(1, 5)), hidden, choose(st.integers(1, 3))
    return LSTMConfig(*sizes, proj_size=choose(st.integers(0, hidden - 1)))


@given(unidirectional(), st.integers(1, 4), st.integers(1, 3))
@examples(50)
def test_a_stream_needs_no_more_than_the_streaming_minimum(config: LSTMConfig, steps: int, batch: int) -> None:
    """A program with one array of that size for everything that changes computes the LSTM, unit by unit."""
    rng = np.random.default_rng(steps)
    weights, data = random_weights(config, rng), DataSpec(steps, batch, dtype="float64")
    streaming = Bill(config, data).streaming()
    assert streaming is not None
    memory = np.zeros(streaming.at(values_of(config, data)) // 8)
    taken = 0

    def buffer(width: int) -> Array:
        nonlocal taken
        taken += batch * width
        return memory[taken - batch * width : taken].reshape(batch, width)

    x = buffer(config.input_size)
    hs = [buffer(config.output_size) for _ in range(config.num_layers)]
    cs = [buffer(config.hidden_size) for _ in range(config.num_layers)]
    spare = buffer(config.hidden_size)
    assert taken == memory.size
    inputs = rng.normal(size=(steps, batch, config.input_size))
    outputs = []
    for step in range(steps):
        x[:] = inputs[step]
        for layer, (h, c) in enumerate(zip(hs, cs, strict=True)):
            read = hs[layer - 1] if layer else x
            own = {name.rpartition("_l")[0]: value for name, value in weights.items() if name.endswith(f"_l{layer}")}
            for unit in range(config.hidden_size):
                rows = [gate * config.hidden_size + unit for gate in range(4)]
                gates = read @ own["weight_ih"][rows].T + h @ own["weight_hh"][rows].T
                i, f, g, o = (gates + own["bias_ih"][rows] + own["bias_hh"][rows]).T
                c[:, unit] = sigmoid(f) * c[:, unit] + sigmoid(i) * np.tanh(g)
                spare[:, unit] = sigmoid(o) * np.tanh(c[:, unit])
            h[:] = spare @ own["weight_hr"].T if config.proj_size else spare
        outputs.append(hs[-1].copy())
    expected, _ = forward(config, weights, inputs)
    assert np.allclose(np.stack(outputs), expected, rtol=0, atol=1e-12)
    counting.counts.clear()


def test_both_directions_cannot_stream() -> None:
    assert Bill(LSTMConfig(3, 4, bidirectional=True), DataSpec()).streaming() is None


def test_a_head_s_logits_are_in_the_peaks() -> None:
    config, data = LSTMConfig(10, 20), DataSpec(50, 30)
    around = Surroundings(head=10_000, head_on="all")
    alone, headed = Bill(config, data), Bill(config, data, around)
    logits, weights = 50 * 30 * 10_000 * 4, (20 * 10_000 + 10_000) * 4
    path = alone.path(training=False)
    values = values_of(config, data, around)
    grown = headed.inference_peak_by(path).at(values) - alone.inference_peak_by(path).at(values)
    assert grown >= 0.9 * (logits + weights)
    trained = headed.training_peak_by(path).at(values) - alone.training_peak_by(path).at(values)
    assert trained >= 2 * logits + weights
    assert LSTMModel(config).num_parameters * 4 + weights == headed.weights.at(values)


@pytest.mark.parametrize(
    "arguments",
    [("cost",), ("solve", "hidden", "--params", "1M"), ("sweep", "--layers", "1,2")],
    ids=lambda row: row[0],
)
def test_of_another_framework_it_is_said_whose_lstm_is_counted(cli: Cli, arguments: tuple[str, ...]) -> None:
    unknown = arguments[1:2] if arguments[0] == "solve" else ()
    rest = arguments[1 + len(unknown) :]
    ran = cli(arguments[0], *unknown, "keras.layers.LSTM(20)", "--input", "10", *rest)
    assert ran.code == 0
    assert "note: costs are those of the equivalent nn.LSTM, not Keras 3's own" in ran.err
    assert "counted as" not in cli(*arguments).err


@pytest.mark.parametrize(
    ("flags", "is_known"),
    [
        ((), True),
        (("--input-grad",), True),
        (("--head", "3"), True),
        (("--embed", "3", "--head", "3", "--head-on", "all"), True),
        (("--dtype", "bfloat16", "--embed", "3"), True),
        (("--dtype", "bfloat16", "--head", "3"), False),  # its products take buffers that no formula has
    ],
)
def test_how_far_a_peak_may_be_off_is_said_where_it_is_known(cli: Cli, flags: tuple[str, ...], is_known: bool) -> None:
    module: Any = json.loads(cli("cost", *flags, "--json").out)["modules"][0]
    for row in module["memory"]:
        if row["name"].endswith("peak") and row["applies"]:
            assert (row["error_percent"] is not None) == is_known
            assert row["certainty"] == "estimate"


def test_half_precision_is_native_for_two_reasons(cli: Cli) -> None:
    paths = json.loads(cli("cost", "--dtype", "float16", "--json").out)["modules"][0]["paths"]
    assert paths["inference"]["why"] == "float16 on a CPU without AVX512-FP16"
    assert paths["training"]["why"] == "float16 with gradients"


def test_padding_is_counted_up_to_the_length_of_the_data(cli: Cli) -> None:
    module = json.loads(cli("cost", "--lengths", "3,2", "--seq", "7", "--json").out)["modules"][0]
    assert (module["packing"]["steps"], module["packing"]["padded_steps"]) == (5, 14)
    assert all(row["flops"] == 2 * row["macs"] for row in module["products"])
