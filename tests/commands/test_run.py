"""`lstmcalc run` on the weights of a file, and on data of a file."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.commands.run import command
from lstmcalc.errors import ArrayError
from lstmcalc.intake.load import load_weights
from lstmcalc.numerics.convert import pack
from lstmcalc.numerics.torch_random import TorchGenerator, random_linear
from lstmcalc.numerics.torch_random import random_weights as drawn_weights
from lstmcalc.proof import checks, judges
from lstmcalc.proof import run as verify
from lstmcalc.proof.reference import evaluate
from lstmcalc.proof.result import Run
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.recognise.recognition import recognise
from lstmcalc.spec.activations import PYTORCH, Activations, activations_of, option_texts
from tools.shell import TESTS, Ran
from tools.weight_writers import random_weights, write_safetensors

pytestmark = pytest.mark.usefixtures("zygote")

Cli = Callable[..., Ran]

DATA = TESTS / "data" / "weights"
CONFIG = LSTMConfig(3, 4, 2, bidirectional=True)


def weights_of(config: LSTMConfig, dtype: str = "float32", scale: float = 0.4) -> dict[str, Any]:
    return {name: (array * scale).astype(dtype) for name, array in random_weights(config).items()}


WEIGHTS = weights_of(CONFIG)


def normal(*shape: int, dtype: str = "float32", seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_safetensors(Path("model.safetensors"), {f"net.rnn.{name}": array for name, array in WEIGHTS.items()})
    np.save("x.npy", normal(6, 2, 3))


def ran(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The report on the only LSTM."""
    found = cli("run", *arguments, "--json")
    assert found.code == code, found.err
    (module,) = json.loads(found.out)["modules"]
    assert isinstance(module, dict)
    return module


def saved(name: str = "run.npz") -> dict[str, Any]:
    with np.load(name) as arrays:
        return dict(arrays)


def assert_is(arrays: dict[str, Any], config: LSTMConfig, weights: dict[str, Any], **given: Any) -> None:
    """The saved outputs are what these weights make of the saved inputs, as far as the order of sums allows."""
    for name, array in weights.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)
    state = arrays["h_0"], arrays["c_0"]
    output, (h_n, c_n) = forward(config, weights, arrays["input"], state, **given)
    for name, array in (("output", output), ("h_n", h_n), ("c_n", c_n)):
        apart = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3}[array.dtype.name]
        np.testing.assert_allclose(arrays[name], array, rtol=apart, atol=apart, strict=True)


def keras_weights(version: str | None) -> dict[str, Any]:
    """An `.h5` file of weights without a configuration, as Keras 2 writes it; its arrays under PyTorch's names."""
    config = LSTMConfig(3, 4)
    weights = weights_of(config, scale=1.0)
    arrays = pack(weights, config, "keras2")
    with h5py.File("weights.h5", "w") as file:
        if version is not None:
            file.attrs["keras_version"] = version.encode()
        file.attrs["layer_names"] = [b"lstm_1"]
        group = file.create_group("lstm_1")
        names = [f"lstm_1/{name.rpartition('/')[2]}" for name in arrays]
        group.attrs["weight_names"] = [name.encode() for name in names]
        for name, array in zip(names, arrays.values(), strict=True):
            group[name] = array
    return weights


@pytest.mark.parametrize("version", [None, "2.0.8", "2.1.6-tf", "2.2.4", "2.2.4-tf"])
def test_gates_that_a_file_does_not_state_are_asked_for(version: str | None, cli: Cli) -> None:
    weights = keras_weights(version)
    np.save("y.npy", normal(2, 6, 3))
    found = cli("run", "weights.h5", "--input", "y.npy")
    assert found.code == 2
    assert "recurrent_activation of lstm_1 is not stated in weights.h5" in found.err
    assert "hint: --recurrent-activation hard_sigmoid or --recurrent-activation sigmoid" in found.err
    shapes = cli("shapes", "weights.h5", "--json")
    assert json.loads(shapes.out)["modules"][0]["activations"] == {"gates": None, "cell": "tanh"}
    assert "recurrent_activation is not stored in weights.h5: the gates are hard_sigmoid" in shapes.err
    outputs = []
    for word, gates in (("sigmoid", "sigmoid"), ("hard_sigmoid", "hard_sigmoid:0.2")):
        flags = "--recurrent-activation", word, "--against", "onnxruntime", "--save", "run.npz"
        module = ran(cli, "weights.h5", "--input", "y.npy", *flags)
        assert module["passed"]
        assert module["activations"] == {"gates": gates, "cell": "tanh"}
        lstm = LSTMConfig(3, 4, batch_first=True)
        assert_is(saved(), lstm, weights, activations=Activations(gates))
        outputs.append(saved()["output"])
        assert ("this run" in module["reproduce"]) == (word == "hard_sigmoid")
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


@pytest.mark.parametrize("version", ["2.3.0-tf", "2.4.3", "2.11.0", "3.15.1"])
def test_gates_that_every_version_has_are_computed(version: str, cli: Cli) -> None:
    keras_weights(version)
    assert ran(cli, "weights.h5")["activations"] == {"gates": "sigmoid", "cell": "tanh"}
    found = cli("run", "weights.h5", "--recurrent-activation", "hard_sigmoid")
    assert found.code == 2
    assert "lstm_1 has other gates" in found.err


def test_no_other_gates_are_given_to_an_lstm_of_pytorch(cli: Cli) -> None:
    assert cli("run", "--recurrent-activation", "sigmoid").code == 0
    assert "an nn.LSTM has other gates" in cli("run", "--recurrent-activation", "hard_sigmoid").err
    assert "invalid choice" in cli("run", "--recurrent-activation", "softsign").err
    source = "keras.layers.LSTM(4, recurrent_activation='hard_sigmoid', activation='relu')"
    module = ran(cli, source, "--input", "3", "--against", "onnxruntime")
    assert module["activations"] == {"gates": "hard_sigmoid:1/6", "cell": "relu"}
    assert cli("run", source, "--input", "3", "--repeat", "2").code == 2
    odd = cli("run", "keras.layers.LSTM(4, recurrent_activation='softsign')", "--input", "3")
    assert "found recurrent_activation = 'softsign'" in odd.err
    assert odd.code == 2


def elmo_cell(arrays: dict[str, Any], x: Any, cell_clip: float, proj_clip: float) -> Any:
    """LstmCellWithProjection, step by step, as allennlp 2.10.1 has it in modules/lstm_cell_with_projection.py."""

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    project = arrays["state_projection.weight"].T
    memory, state, output = np.zeros((x.shape[1], len(project))), np.zeros((x.shape[1], project.shape[1])), []
    for step in x:
        both = step @ arrays["input_linearity.weight"].T + state @ arrays["state_linearity.weight"].T
        i, f, g, o = np.split(both + arrays["state_linearity.bias"], 4, axis=1)
        memory = np.clip(sigmoid(i) * np.tanh(g) + sigmoid(f) * memory, -cell_clip, cell_clip)
        state = np.clip((sigmoid(o) * np.tanh(memory)) @ project, -proj_clip, proj_clip)
        output.append(state)
    return np.stack(output)


@pytest.mark.parametrize(("cell_clip", "proj_clip"), [(None, None), (0.3, None), (None, 0.1), (0.3, 0.1)])
def test_a_cell_of_elmo_is_an_lstm_with_a_projection(
    cell_clip: float | None, proj_clip: float | None, cli: Cli
) -> None:
    shapes = {
        "input_linearity.weight": (32, 3),
        "state_linearity.weight": (32, 5),
        "state_linearity.bias": (32,),
        "state_projection.weight": (5, 8),
    }
    arrays = {name: normal(*shape, seed=number) for number, (name, shape) in enumerate(shapes.items())}
    write_safetensors(Path("elmo.safetensors"), {f"forward_layer_0.{name}": array for name, array in arrays.items()})
    flags = [f"--{name}={bound}" for name, bound in (("cell-clip", cell_clip), ("proj-clip", proj_clip)) if bound]
    module = ran(cli, "elmo.safetensors", "--input", "x.npy", "--save", "run.npz", *flags)
    assert (module["text"], module["source"]["text"]) == ("LSTM(3, 8, proj_size=5)", "4 tensors of safetensors")
    assert any("run clips by --cell-clip and --proj-clip alone" in note for note in module["notes"])
    assert module.get("clip") == ({"cell": cell_clip, "proj": proj_clip, "gates": None} if flags else None)
    expected = elmo_cell(arrays, np.load("x.npy"), cell_clip or np.inf, proj_clip or np.inf)
    np.testing.assert_allclose(saved()["output"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("clip", [0.05, 0.3, 100.0])
def test_the_clip_of_a_node_is_computed_as_onnx_runtime_does(clip: float, cli: Cli) -> None:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    shapes = {"W": (1, 16, 3), "R": (1, 16, 4), "B": (1, 32)}
    arrays = {name: normal(*shape, seed=number) for number, (name, shape) in enumerate(shapes.items())}
    node = helper.make_node("LSTM", ["X", *arrays], ["Y"], hidden_size=4, clip=clip)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "XY"]
    stored = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph([node], "g", values[:1], values[1:], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    made.ir_version = 8
    Path("a.onnx").write_bytes(made.SerializeToString())
    module = ran(cli, "a.onnx", "--input", "x.npy", "--save", "run.npz", "--against", "onnxruntime")
    assert module["clip"] == {"cell": None, "proj": None, "gates": pytest.approx(clip)}
    (theirs,) = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"X": np.load("x.npy")})
    np.testing.assert_allclose(saved()["output"], theirs[:, 0], rtol=1e-5, atol=1e-6)
    assert f"clip = {clip:g}: run computes it" in cli("shapes", "a.onnx").err


def test_a_clip_that_is_no_bound_is_none() -> None:
    for odd in (0, -1.0, True, "3", None, float("inf"), float("nan"), [3.0]):
        assert activations_of("onnx", {"clip": odd}) == PYTORCH
        assert option_texts({"clip": odd}) == frozenset()


def test_bounds_are_numbers_above_zero(cli: Cli) -> None:
    for wrong in ("0", "-1", "nan", "inf", "three"):
        assert cli("run", f"--cell-clip={wrong}").code == 2


def test_what_a_cell_stores_beside_an_lstm_is_refused_unless_it_is_to_be_left_out(cli: Cli) -> None:
    config = LSTMConfig(3, 4)
    weights = weights_of(config)
    stored = {f"net.rnn.{name}": array for name, array in weights.items()}
    write_safetensors(Path("peep.safetensors"), {**stored, "net.rnn.weight_ch": normal(12)})
    found = cli("run", "peep.safetensors")
    assert found.code == 2
    assert "found peepholes: net.rnn.weight_ch" in found.err
    assert "of the LSTM without it, which run --as-lstm computes" in found.err
    assert "12 parameters more, 156 in all" in cli("params", "peep.safetensors").err
    module = ran(cli, "peep.safetensors", "--as-lstm", "--save", "run.npz")
    assert any("--as-lstm leaves out peepholes: net.rnn.weight_ch" in note for note in module["notes"])
    assert_is(saved(), config, weights)
    assert ran(cli, "model.safetensors", "--as-lstm")["passed"]


@pytest.mark.parametrize(
    ("stored", "looks"),
    [
        (("kernel_norm/gamma:0", "state_norm/beta:0"), "layer normalisation"),  # tensorflow_addons LayerNormLSTMCell
        (("input_gate_peephole_weights:0",), "peepholes"),  # tensorflow_addons PeepholeLSTMCell
        (("attention:0",), "arrays that no LSTM has"),
        ((), ""),
    ],
)
def test_what_a_cell_of_keras_stores_beside_an_lstm_is_refused(stored: tuple[str, ...], looks: str, cli: Cli) -> None:
    config = LSTMConfig(3, 4)
    weights = weights_of(config)
    with h5py.File("cell.h5", "w") as file:
        group = file.create_group("model_weights/rnn/rnn/lstm_cell")
        for name, array in pack(weights, config, "keras2").items():
            group[name.rpartition("/")[2]] = array
        for name in stored:
            group[name] = normal(4)
        file["model_weights/layer_norm/gamma:0"] = normal(4)  # of another layer
    flags = "--recurrent-activation", "sigmoid"
    found = cli("run", "cell.h5", *flags)
    assert found.code == (2 if stored else 0)
    assert f"found {looks}: model_weights/rnn/rnn/lstm_cell/" in found.err or not stored
    assert ran(cli, "cell.h5", *flags, "--as-lstm", "--save", "run.npz")["passed"]
    assert_is(saved(), replace(config, batch_first=True), weights)


def test_the_weights_are_those_of_the_file_and_the_data_those_of_the_seed(cli: Cli) -> None:
    module = ran(cli, "model.safetensors", "--seed", "7", "--save", "run.npz")
    assert module["passed"]
    assert module["drawn"] == ["data"]
    assert (module["weights_from"], module["input_from"]) == ("model.safetensors", None)
    arrays, generator = saved(), TorchGenerator(7)
    assert_is(arrays, CONFIG, WEIGHTS)
    for name, shape in (("input", (5, 3, 3)), ("h_0", (4, 3, 4)), ("c_0", (4, 3, 4))):
        np.testing.assert_array_equal(arrays[name], generator.normal(shape, "float32"), strict=True)


def test_a_head_is_drawn_before_the_data(cli: Cli) -> None:
    ran(cli, "model.safetensors", "--head", "5", "--save", "run.npz")
    arrays, generator = saved(), TorchGenerator(0)
    drawn = random_linear(8, 5, generator, "float32")
    np.testing.assert_array_equal(arrays["head.weight"], drawn[0])
    np.testing.assert_array_equal(arrays["input"], generator.normal((5, 3, 3), "float32"))


def test_the_code_loads_the_file_and_then_seeds(cli: Cli) -> None:
    assert ran(cli, "model.safetensors", "--seed", "7")["reproduce"] == (
        "import torch\n"
        "from safetensors.torch import load_file\n"
        "from torch import nn\n"
        "\n"
        "lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True)\n"
        'state = load_file("model.safetensors")\n'
        "lstm.load_state_dict(\n"
        '    {name: state["net.rnn." + name] for name in lstm.state_dict()}\n'
        ")\n"
        "\n"
        "torch.manual_seed(7)\n"
        "input = torch.randn(5, 3, 3)\n"
        "h_0 = torch.randn(4, 3, 4)\n"
        "c_0 = torch.randn(4, 3, 4)\n"
        "output, (h_n, c_n) = lstm(input, (h_0, c_0))\n"
    )


def test_nothing_is_seeded_where_nothing_is_drawn(cli: Cli) -> None:
    module = ran(cli, "model.safetensors", "--input", "x.npy")
    assert module["drawn"] == []
    assert "manual_seed" not in module["reproduce"]
    assert 'input = torch.from_numpy(np.load("x.npy")).to(torch.float32)\n' in module["reproduce"]
    out = " ".join(cli("run", "model.safetensors", "--input", "x.npy").out.split())
    assert "weights of model.safetensors, input of x.npy, run the code of --full in PyTorch: same numbers" in out
    assert "seed" not in out


def test_what_is_drawn_beside_a_file_is_said(cli: Cli) -> None:
    out = " ".join(cli("run", "model.safetensors", "--head", "2").out.split())
    assert "weights of model.safetensors, head and data as after torch.manual_seed(0)" in out


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("torch.zip", None),
        ("state_dict_legacy.pt", 'state = torch.load("state_dict_legacy.pt", map_location="cpu")'),
        ("lightning.pt", 'state = torch.load("lightning.pt", map_location="cpu")["state_dict"]'),
        ("module.pt", 'state = np.load("run.npz")'),
    ],
)
def test_recorded_files_of_pytorch_run(cli: Cli, name: str, line: str | None) -> None:
    path = DATA / name
    found = cli("run", os.path.relpath(path), "--json")
    if line is None:
        assert found.code == 2
        return
    assert found.code == 0, found.err
    for module in json.loads(found.out)["modules"]:
        assert module["passed"]
        assert line.replace(name, os.path.relpath(path)) in module["reproduce"]


def test_weights_of_keras_run_as_those_of_pytorch(cli: Cli) -> None:
    config = LSTMConfig(3, 4)
    weights = weights_of(config)
    packed: dict[str, Any] = {**pack(weights, config, "keras")}
    np.savez("keras.npz", **packed)
    module = ran(cli, "keras.npz", "--save", "out.npz")
    arrays = saved("out.npz")
    assert module["config"]["batch_first"]
    assert_is(arrays, LSTMConfig(3, 4, batch_first=True), weights)
    assert 'state = np.load("out.npz")' in module["reproduce"]


def test_a_cell_runs_over_the_steps(cli: Cli) -> None:
    config = LSTMConfig(3, 4)
    weights = weights_of(config)
    cell = {f"cell.{name.removesuffix('_l0')}": array for name, array in weights.items()}
    np.savez("cell.npz", **cell)
    module = ran(cli, "cell.npz", "--save", "out.npz")
    assert_is(saved("out.npz"), config, weights)
    assert 'state["cell." + name.removesuffix("_l0")]' in module["reproduce"]


def test_every_lstm_of_a_file_runs(cli: Cli) -> None:
    other = LSTMConfig(5, 2)
    arrays = {f"a.{name}": array for name, array in WEIGHTS.items()}
    arrays |= {f"b.{name}": array for name, array in weights_of(other).items()}
    np.savez("both.npz", **arrays)
    found = cli("run", "both.npz", "--save", "run.npz", "--json")
    assert [module["passed"] for module in json.loads(found.out)["modules"]] == [True, True]
    kept = saved()
    np.testing.assert_array_equal(kept["b.weight_hh_l0"], arrays["b.weight_hh_l0"])
    assert ran(cli, "both.npz", "--module", "b")["text"] == str(other)


def test_more_lstms_than_a_command_computes_are_refused_with_the_flag_that_takes_some(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"cell{index}" for index in range(500)]
    Path("many.txt").write_text("\n".join(["N(", *(f"  ({name}): LSTM(1, 1)" for name in names), ")"]))
    found = cli("run", "many.txt", "--json")
    assert found.code == 2
    error = json.loads(found.out)["error"]
    assert (error["kind"], error["found"]) == ("limit", "500 layers in all")
    assert error["hint"].startswith("--module cell0,cell1 computes")
    some = cli("run", "many.txt", "--module", "cell0,cell1", "--json")
    assert [module["name"] for module in json.loads(some.out)["modules"]] == ["cell0", "cell1"]
    Path("few.txt").write_text("N(\n  (a): LSTM(1, 1)\n  (b): LSTM(1, 1, num_layers=40, bidirectional=True)\n)")
    monkeypatch.setattr(command, "_WORK", 100)
    assert cli("run", "few.txt", "--module", "a").code == 0
    refused = cli("run", "few.txt")
    assert (refused.code, "41 layers in all" in refused.err) == (2, True)
    one = cli("run", "--layers", "200", "--hidden", "1", "--input", "1")
    assert one.code == 0  # one alone takes as long as it needs


def test_flags_cannot_make_another_lstm_of_weights(cli: Cli) -> None:
    found = cli("run", "model.safetensors", "--hidden", "7")
    assert found.code == 2
    assert found.err.startswith(
        "error: --hidden: net.rnn in model.safetensors has another hidden_size\n  expected 4, found 7\n"
    )


# --- dtypes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_the_dtype_is_that_of_the_file(cli: Cli, dtype: str) -> None:
    np.savez("model.npz", **weights_of(CONFIG, dtype))
    assert ran(cli, "model.npz", "--save", "run.npz")["data"]["dtype"] == dtype
    assert {array.dtype.name for name, array in saved().items() if name != "config"} == {dtype}


def test_bfloat16_is_computed_in_float32(cli: Cli) -> None:
    halves = {name: array.view(np.uint32) >> 16 << 16 for name, array in WEIGHTS.items()}
    index, data, at = {}, b"", 0
    for name, array in halves.items():
        block = (array >> 16).astype("<u2").tobytes()
        index[name] = {"dtype": "BF16", "shape": list(array.shape), "data_offsets": [at, at + len(block)]}
        at, data = at + len(block), data + block
    text = json.dumps(index).encode()
    Path("half.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    found = cli("run", "half.safetensors", "--save", "run.npz")
    assert found.code == 0, found.err
    assert "note: the weights of lstm are bfloat16: computed in float32\n" in found.err
    assert_is(saved(), CONFIG, {name: array.view(np.float32) for name, array in halves.items()})


def test_a_flag_says_another_dtype(cli: Cli) -> None:
    found = cli("run", "model.safetensors", "--dtype", "float64", "--save", "run.npz")
    assert found.code == 0
    assert "note: the weights of net.rnn are float32: computed in float64, as --dtype says\n" in found.err
    assert saved()["output"].dtype == np.float64


# --- checks on trained weights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("scale", [0.0, 0.01, 1.0, 10.0, 1000.0])
def test_right_results_pass_whatever_the_weights(scale: float, dtype: str) -> None:
    for config in (LSTMConfig(3, 20, 2, bidirectional=True), LSTMConfig(3, 8, proj_size=2, bias=False)):
        weights = weights_of(config, dtype, scale)
        result = verify.run(config, DataSpec(60, 3, (60, 9, 1), dtype), weights=weights)
        assert result.passed, [check for check in result.checks if not check.passed]


def gates_swapped(weights: dict[str, Any]) -> dict[str, Any]:
    """Weights with the rows of f and g swapped."""

    def swapped(array: Any) -> Any:
        i, f, g, o = np.split(array, 4)
        return np.concatenate([i, g, f, o])

    return {name: swapped(array) for name, array in weights.items()}


@pytest.mark.parametrize("scale", [0.01, 0.3, 1.0, 3.0])
def test_wrong_equations_fail_however_chaotic_the_weights(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    config = LSTMConfig(3, 32)
    weights = weights_of(config, scale=scale)

    def wrong(model: Any, given: Any, *rest: Any) -> Any:
        return evaluate(model, gates_swapped(given), *rest)

    monkeypatch.setattr(checks, "evaluate", wrong)
    result = verify.run(config, DataSpec(100, 2), weights=weights)
    failed = [check.name for check in result.checks if not check.passed]
    assert len(failed) == 1
    assert failed[0].startswith("equations, gate by gate")


def test_of_chaotic_weights_fewer_steps_are_compared(cli: Cli) -> None:
    config = LSTMConfig(3, 64)
    np.savez("wild.npz", **weights_of(config, scale=1.0))
    found = cli("run", "wild.npz", "--seq", "100", "--full")
    assert found.code == 0
    assert re.search(r"equations, gate by gate \(\d+ steps\)", found.out)
    assert "note: the last bit of the weights and the input becomes" in found.err
    assert "the last bit" not in cli("run", "model.safetensors", "--seq", "100").err


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_named(cli: Cli, bad: float) -> None:
    weights = {name: array.copy() for name, array in WEIGHTS.items()}
    weights["weight_hh_l1"][0, :2] = bad
    np.savez("bad.npz", **weights)
    module = ran(cli, "bad.npz", "--against", "onnxruntime", code=1)
    (failed,) = [check for check in module["checks"] if not check["passed"]]
    assert failed["name"] == "NaN or Inf in the weights: weight_hh_l1"
    assert (failed["expected"], failed["actual"]) == (0, 2)


def test_an_input_that_overflows_is_named(cli: Cli) -> None:
    np.save("x.npy", np.full((2, 1, 3), 1e39))
    module = ran(cli, "model.safetensors", "--input", "x.npy", code=1)
    assert [check["name"] for check in module["checks"] if not check["passed"]] == ["NaN or Inf in the input: input"]


@pytest.mark.parametrize("scale", [1e30, 3e38])
def test_weights_that_overflow_give_no_warnings(cli: Cli, scale: float) -> None:
    np.savez("huge.npz", **{name: np.full_like(array, scale) for name, array in WEIGHTS.items()})
    found = cli("run", "huge.npz", "--repeat", "1", "--against", "onnxruntime")
    assert found.code in (0, 1)
    assert all(line.startswith("note: ") for line in found.err.splitlines())


def test_a_bound_of_drawn_weights_is_not_held_against_a_file(cli: Cli) -> None:
    bound = "largest |weight|, 1/sqrt(H_cell)"
    assert bound not in [check["name"] for check in ran(cli, "model.safetensors")["checks"]]
    assert bound in [check["name"] for check in ran(cli, "--input", "x.npy")["checks"]]


# --- data of a file ---------------------------------------------------------------------------------------------------


def test_the_sizes_are_those_of_the_data(cli: Cli) -> None:
    module = ran(cli, "model.safetensors", "--input", "x.npy", "--save", "run.npz")
    assert module["data"] == {"seq_len": 6, "batch": 2, "lengths": None, "unbatched": False, "dtype": "float32"}
    assert_is(saved(), CONFIG, WEIGHTS)
    np.testing.assert_array_equal(saved()["input"], np.load("x.npy"))
    assert not saved()["h_0"].any()


def test_data_without_a_weight_file(cli: Cli) -> None:
    module = ran(cli, "--hidden", "4", "--input", "x.npy", "--seed", "3", "--save", "run.npz")
    assert module["config"]["input_size"] == 3
    assert module["drawn"] == ["weights"]
    drawn = drawn_weights(LSTMConfig(3, 4), TorchGenerator(3), "float32")
    assert_is(saved(), LSTMConfig(3, 4), drawn)


def test_batch_first_and_lengths(cli: Cli) -> None:
    module = ran(
        cli, "model.safetensors", "--input", "x.npy", "--batch-first", "--lengths", "2,1,2,1,1,2", "--save", "run.npz"
    )
    assert (module["data"]["seq_len"], module["data"]["batch"]) == (2, 6)
    first = LSTMConfig(3, 4, 2, batch_first=True, bidirectional=True)
    assert_is(saved(), first, WEIGHTS, lengths=(2, 1, 2, 1, 1, 2))


def test_two_axes_are_unbatched(cli: Cli) -> None:
    np.save("x.npy", normal(6, 3))
    module = ran(cli, "model.safetensors", "--input", "x.npy")
    assert module["data"]["unbatched"]
    assert module["data"]["batch"] is None


def test_states_of_an_archive(cli: Cli) -> None:
    given = {"input": normal(6, 2, 3), "h_0": normal(4, 2, 4, seed=2), "c_0": normal(4, 2, 4, seed=3)}
    np.savez("x.npz", **given, labels=np.arange(3))
    module = ran(cli, "model.safetensors", "--input", "x.npz", "--save", "run.npz")
    for name, array in given.items():
        np.testing.assert_array_equal(saved()[name], array)
        assert f'{name} = torch.from_numpy(arrays["{name}"]).to(torch.float32)\n' in module["reproduce"]
    assert "zeros" not in module["reproduce"]


def test_another_dtype_is_converted_and_said(cli: Cli) -> None:
    np.save("x.npy", np.arange(36).reshape(6, 2, 3))
    found = cli("run", "model.safetensors", "--input", "x.npy")
    assert found.code == 0
    assert found.err == "note: input of x.npy is int64: converted to float32\n"


def test_digits_are_a_size_even_where_a_file_is_called_so(cli: Cli) -> None:
    Path("7").write_bytes(b"")
    assert ran(cli, "--input", "7")["config"]["input_size"] == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--input y.npy",
            (
                "--input: the input does not fit\n"
                "  expected H_in = input_size = 3 in its last axis, found shape (6, 2, 5) in y.npy"
            ),
        ),
        (
            "--input flat.npy",
            (
                "--input: the input has the wrong number of axes\n"
                "  expected (L, N, H_in), or (L, H_in) unbatched, found shape (3,) in flat.npy"
            ),
        ),
        (
            "--input x.npy --seq 5",
            (
                "--input and --seq: the input does not fit\n"
                "  expected L = 5, found L = 6 in (L, N, H_in): shape (6, 2, 3) in x.npy\n"
                "  hint: leave out --seq, the input sets it"
            ),
        ),
        (
            "--input x.npy --batch 3",
            (
                "--input and --batch: the input does not fit\n"
                "  expected N = 3, found N = 2 in (L, N, H_in): shape (6, 2, 3) in x.npy\n"
                "  hint: leave out --batch, the input sets it"
            ),
        ),
        (
            "--input x.npy --unbatched",
            (
                "--input and --unbatched: the input does not fit\n"
                "  expected (L, H_in), found another number of axes: shape (6, 2, 3) in x.npy\n"
                "  hint: leave out --unbatched, the input sets it"
            ),
        ),
        (
            "--input x.npy --lengths 6,2,1",
            (
                "--input and --lengths: the input does not fit\n"
                "  expected N = 3, one sequence for each length, found (L, N, H_in): shape (6, 2, 3) in x.npy"
            ),
        ),
        (
            "--input x.npy --lengths 6,7",
            (
                "--input and --lengths: the input does not fit\n"
                "  expected L >= 7, the longest of the lengths, found (L, N, H_in): shape (6, 2, 3) in x.npy"
            ),
        ),
        (
            "--input none.npy",
            "--input: no such file: none.npy\n  expected an input_size, or an .npy or .npz file with the input",
        ),
        (
            "--input model.safetensors",
            (
                "--input: model.safetensors is not a NumPy file\n"
                "  expected .npy, or .npz with an array called input, found what looks like a file of safetensors"
            ),
        ),
        (
            "--input model.tflite",
            (
                "--input: model.tflite is not a NumPy file\n"
                "  expected .npy, or .npz with an array called input, found what looks like a GGUF model of ggml"
            ),
        ),
        (
            "--input notes.txt",
            "--input: notes.txt is not a NumPy file\n  expected .npy, or .npz with an array called input",
        ),
        (
            "--input other.npz",
            "--input: no input in other.npz\n  expected an array called input, found 'x'",
        ),
        (
            "--input half.npz",
            "--input: half of a state\n  expected h_0 and c_0, or none of them for zeros, found h_0 alone",
        ),
        (
            "--input text.npy",
            "--input, input: no real numbers\n  expected float32, or another float or integer, found bool",
        ),
        (
            "--input x.npy --embed 9",
            (
                "--input and --embed: an Embedding makes the input itself\n"
                "  expected no data of a file, or no Embedding of 9 words"
            ),
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(cli: Cli, arguments: str, message: str) -> None:
    np.save("y.npy", normal(6, 2, 5))
    np.save("flat.npy", normal(3))
    np.save("text.npy", np.zeros((6, 2, 3), bool))
    Path("model.tflite").write_bytes(b"GGUF" + bytes(40))
    Path("notes.txt").write_text("1 2 3\n", encoding="utf-8")
    np.savez("other.npz", x=normal(6, 2, 3))
    np.savez("half.npz", input=normal(6, 2, 3), h_0=normal(4, 2, 4))
    found = cli("run", "model.safetensors", *arguments.split())
    assert found.code == 2
    assert found.err == f"error: {message}\n"


def test_objects_are_never_unpickled(cli: Cli) -> None:
    np.save("x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    found = cli("run", "--input", "x.npy")
    assert found.code == 2
    assert "an array of objects, which is a pickle, is not read" in found.err


def test_states_that_do_not_fit_are_refused(cli: Cli) -> None:
    np.savez("x.npz", input=normal(6, 2, 3), h_0=normal(2, 4, 4), c_0=normal(4, 2, 4))
    found = cli("run", "model.safetensors", "--input", "x.npz")
    assert found.code == 2
    assert found.err.startswith("error: h_0: the shape does not fit\n  expected (4, 2, 4), found (2, 4, 4)\n")


def test_what_is_given_from_python_is_checked() -> None:
    with pytest.raises(ArrayError, match="dtype does not fit"):
        verify.run(CONFIG, DataSpec(5, 3, dtype="float64"), weights=WEIGHTS)
    with pytest.raises(ArrayError, match="missing bias_hh_l0, bias_ih_l0, weight_hh_l0"):
        verify.run(LSTMConfig(3, 4), DataSpec(5, 3), weights={"weight_ih_l0": WEIGHTS["weight_ih_l0"]})


def test_memory_counts_what_is_computed_once_more() -> None:
    config, data = LSTMConfig(10, 20), DataSpec(500, 50)
    assert verify.run_memory(config, data, given=True) > verify.run_memory(config, data)


# --- other frameworks -------------------------------------------------------------------------------------------------


def test_onnx_runtime_computes_the_same_of_the_file(cli: Cli) -> None:
    module = ran(cli, "model.safetensors", "--input", "x.npy", "--against", "onnxruntime")
    compared = [check for check in module["checks"] if "ONNX Runtime" in check["name"]]
    assert len(compared) == 3
    assert all(check["passed"] for check in compared)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [("--proj 2", "a projection"), ("--dtype float64", "float64"), ("--batch 0", "an empty batch")],
)
def test_keras_refuses_by_name(cli: Cli, arguments: str, found: str) -> None:
    refused = cli("run", "--against", "keras", *arguments.split())
    assert refused.code == 2
    assert refused.err.startswith(f"error: --against: keras cannot run {found}\n")


def test_keras_is_not_timed(cli: Cli) -> None:
    refused = cli("run", "--against", "keras", "--repeat", "2")
    assert refused.code == 2
    assert refused.err.startswith("error: --against and --repeat: keras is not timed\n")


def test_the_recorded_weights_are_what_runs(cli: Cli) -> None:
    path = str(DATA / "state_dict_legacy.pt")
    for lstm in recognise(open_weights(path)).lstms:
        ran(cli, path, "--module", lstm.name, "--save", "run.npz")
        assert_is(saved(), lstm.stored.config, load_weights(lstm))


def test_a_run_knows_whether_it_is_finite() -> None:
    good = Run({"w": np.ones(2)}, {}, {"input": np.ones(2)}, {}, {}, [])
    assert good.finite
    assert not good._replace(inputs={"input": np.array([np.inf])}).finite


def test_keras_without_a_backend_says_what_helps(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def importing(name: str) -> None:
        raise ImportError(f"No module named 'tensorflow', which {name} needs")

    monkeypatch.setattr(judges, "import_module", importing)
    refused = cli("run", "--against", "keras")
    assert refused.code == 2
    assert refused.err == (
        "error: --against: keras is installed, but does not load\n"
        "  found No module named 'tensorflow', which keras needs\n"
        "  hint: Keras needs a backend, as KERAS_BACKEND names it: pip install torch, jax or tensorflow\n"
    )


@pytest.mark.parametrize(
    ("there", "chosen"),
    [(("tensorflow", "torch"), None), (("jax",), "jax"), (("jax", "torch"), "torch"), ((), None)],
)
def test_a_backend_that_is_installed_is_chosen(
    there: tuple[str, ...], chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(judges, "find_spec", lambda name: name in there or None)
    judges.JUDGES["keras"].before()
    assert os.environ.get("KERAS_BACKEND") == chosen
    monkeypatch.setenv("KERAS_BACKEND", "mine")
    judges.JUDGES["keras"].before()
    assert os.environ["KERAS_BACKEND"] == "mine"
