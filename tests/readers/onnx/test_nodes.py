"""ONNX files: which LSTMs are found, and whether they compute what ONNX Runtime does with the same file."""

import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstmcalc import LSTMConfig
from lstmcalc.errors import LstmcalcError, SourceError
from lstmcalc.readers.files.raw_numbers import whole_array
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.onnx.nodes import read_onnx
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.activations import Activations, activations_of, option_texts
from tools.files import rewrite
from tools.mutations import CASES, damaged
from tools.recorded_weights import computed, config_of, fields_of, inferred_of, one, unpacked

L, N, WIDTH, H = 5, 3, 3, 4
TORCH = [f"{name}-{exporter}" for name in ("one", "no-bias", "stacked", "both") for exporter in ("script", "dynamo")]


@pytest.fixture(scope="module")
def torch_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("torch", tmp_path_factory.mktemp("recorded"))


def draw(*shape: int, seed: int = 0) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) / 2).astype(np.float32)


def weights(directions: int = 1, width: int = WIDTH, prefix: str = "", seed: int = 0) -> dict[str, Any]:
    return {
        f"{prefix}W": draw(directions, 4 * H, width, seed=seed),
        f"{prefix}R": draw(directions, 4 * H, H, seed=seed + 1),
        f"{prefix}B": draw(directions, 8 * H, seed=seed + 2),
    }


def lstm(inputs: Sequence[str] = ("X", "W", "R", "B"), outputs: Sequence[str] = ("Y",), **attributes: Any) -> Any:
    return helper.make_node("LSTM", list(inputs), list(outputs), **{"hidden_size": H, "name": "rnn", **attributes})


def tensors(arrays: Mapping[str, Any]) -> list[Any]:
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def model(
    nodes: Sequence[Any],
    arrays: Mapping[str, Any],
    out: str = "Y",
    rank: int = 4,
    inputs: Sequence[Any] = (),
    functions: Sequence[Any] = (),
) -> Any:
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, [L, N, WIDTH])
    y = helper.make_tensor_value_info(out, TensorProto.FLOAT, [None] * rank)
    graph = helper.make_graph(list(nodes), "g", [x, *inputs], [y], tensors(arrays))
    opsets = [helper.make_opsetid(domain, number) for domain, number in (("", 17), ("com.microsoft", 1), ("own", 1))]
    return helper.make_model(graph, ir_version=9, opset_imports=opsets, functions=list(functions))


def saved(made: Any, folder: Path) -> str:
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return str(path)


def read(made: Any, folder: Path) -> tuple[WeightFile, str]:
    path = saved(made, folder)
    return read_onnx(path), path


def joined(y: Any) -> Any:
    """Y of ONNX, (L, D, N, H), as PyTorch has its output, (L, N, D*H)."""
    return y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1)


def run(path: str, **inputs: Any) -> Any:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def check(file: WeightFile, stated: Found, path: str) -> None:
    """The file's own result, by ONNX Runtime, is that of our forward pass with the weights that were read."""
    x = draw(L, N, WIDTH, seed=9)
    y = run(path, X=x)
    np.testing.assert_allclose(computed(file, stated, x), joined(y) if y.ndim == 4 else y, rtol=1e-5, atol=1e-6)


# --- What PyTorch exports


@pytest.mark.parametrize("name", TORCH)
def test_exports_of_pytorch_compute_what_onnx_runtime_does(name: str, torch_files: Path) -> None:
    path = str(torch_files / f"{name}.onnx")
    file = read_onnx(path)
    stated = one(file)
    assert (stated.name, stated.kind, stated.framework) == ("encoder", "LSTM", "onnx")
    assert stated.unmodelled == ()
    x = draw(5, 3, 3, seed=4)
    output = run(path, x=x)
    first = "both" in name or "stacked" in name  # batch_first of the module is a Transpose in the file
    ours = computed(file, stated, x.swapaxes(0, 1) if first else x)
    np.testing.assert_allclose(ours.swapaxes(0, 1) if first else ours, output, rtol=1e-5, atol=1e-6)


def test_exports_of_pytorch_are_the_lstm_that_was_exported(torch_files: Path) -> None:
    found = {name: config_of(one(read_onnx(str(torch_files / f"{name}.onnx")))) for name in TORCH}
    for exporter in ("script", "dynamo"):
        assert found[f"one-{exporter}"] == LSTMConfig(3, 4)
        assert found[f"no-bias-{exporter}"] == LSTMConfig(3, 4, bias=False)
        assert found[f"stacked-{exporter}"] == LSTMConfig(3, 4, 3)
        assert found[f"both-{exporter}"] == LSTMConfig(3, 4, 2, bidirectional=True)


@pytest.mark.parametrize("name", [*TORCH, "quantized"])
def test_every_tensor_is_that_of_the_onnx_package(name: str, torch_files: Path) -> None:
    path = torch_files / f"{name}.onnx"
    known = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    constants = {node.output[0]: node for node in onnx.load(path).graph.node if node.op_type == "Constant"}
    held = {tensor.name: tensor for tensor in read_onnx(str(path)).tensors}
    assert set(held) == set(known) | set(constants)
    for key, tensor in held.items():
        proto = known[key] if key in known else constants[key].attribute[0].t
        array = numpy_helper.to_array(proto)
        assert (tensor.shape, tensor.nbytes) == (array.shape, array.nbytes)
        np.testing.assert_array_equal(tensor.read(), array)


def test_a_quantized_stack_is_one_lstm_that_is_not_computed(torch_files: Path) -> None:
    stated = one(read_onnx(str(torch_files / "quantized.onnx")))
    assert (stated.name, stated.kind) == ("encoder", "DynamicQuantizeLSTM")
    assert config_of(stated) == LSTMConfig(3, 4, 2, bidirectional=True)
    assert stated.unmodelled == ("weights quantized to int8, and its input at run time",)
    assert {"W", "R", "B", "W_scale", "W_l1", "R_l1", "B_l1", "W_scale_l1"} <= set(stated.stored.named)


# --- One node


@pytest.mark.parametrize("directions", [1, 2])
def test_a_node_computes_what_onnx_runtime_does(directions: int, tmp_path: Path) -> None:
    node = lstm(direction="bidirectional" if directions == 2 else "forward")
    file, path = read(model([node], weights(directions)), tmp_path)
    stated = one(file, "rnn")
    assert config_of(stated) == LSTMConfig(WIDTH, H, bidirectional=directions == 2)
    assert sorted(inferred_of(stated)) == ["input_size", "num_layers"]
    check(file, stated, path)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"direction": "reverse"}, "direction = 'reverse'"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "activations = ['HardSigmoid', 'Tanh', 'Tanh']"),
        ({"clip": 3.0}, "clip = 3"),
        ({"input_forget": 1}, "input_forget = 1"),
    ],
)
def test_what_pytorch_cannot_compute_is_said(attributes: dict[str, Any], said: str, tmp_path: Path) -> None:
    file, _ = read(model([lstm(**attributes)], weights()), tmp_path)
    assert one(file).unmodelled == (said,)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(
    ("gates", "cell", "values", "found"),
    [
        ("HardSigmoid", "Tanh", {}, ("hard_sigmoid:0.2", "tanh")),
        ("HardSigmoid", "Relu", {"activation_alpha": 0.2, "activation_beta": 0.5}, ("hard_sigmoid:0.2", "relu")),
        ("hardsigmoid", "TANH", {"activation_alpha": 1 / 6}, ("hard_sigmoid:1/6", "tanh")),
        ("Sigmoid", "Relu", {}, ("sigmoid", "relu")),
    ],
)
def test_activations_that_are_computed(
    gates: str, cell: str, values: dict[str, float], found: tuple[str, str], directions: int, tmp_path: Path
) -> None:
    attributes: dict[str, Any] = {name: [value] * directions for name, value in values.items()}
    direction = "bidirectional" if directions == 2 else "forward"
    node = lstm(activations=[gates, cell, cell] * directions, direction=direction, **attributes)
    arrays = {name: 3 * array for name, array in weights(directions).items()}
    file, path = read(model([node], arrays), tmp_path)
    stated = one(file)
    assert activations_of("onnx", stated.options) == Activations(*found)
    assert set(stated.unmodelled) <= option_texts(stated.options)
    check(file, stated, path)


@pytest.mark.parametrize(
    "attributes",
    [
        {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [0.3]},
        {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_beta": [0.4]},
        {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [0.2, 0.2, 0.2]},
        {"activations": ["Sigmoid", "Tanh", "Relu"]},
        {"activations": ["Softsign", "Tanh", "Tanh"]},
        {"activations": ["Sigmoid", "Affine", "Affine"]},
        {"activations": ["Tanh"]},
    ],
)
def test_activations_that_are_not_computed(attributes: dict[str, Any], tmp_path: Path) -> None:
    stated = one(read(model([lstm(**attributes)], weights()), tmp_path)[0])
    assert len(stated.unmodelled) == 1
    assert not option_texts(stated.options)


def test_activations_that_are_the_default_are_none(tmp_path: Path) -> None:
    node = lstm(activations=["sigmoid", "TANH", "tanh"] * 2, direction="bidirectional")
    assert one(read(model([node], weights(2)), tmp_path)[0]).unmodelled == ()


@pytest.mark.parametrize(("peepholes", "said"), [(1, ("peepholes (the input P)",)), (0, ())])
def test_peepholes_are_said_unless_they_are_zeros(peepholes: int, said: tuple[str, ...], tmp_path: Path) -> None:
    arrays = {**weights(), "P": np.full((1, 3 * H), peepholes, np.float32)}
    node = lstm(("X", "W", "R", "B", "", "", "", "P"))
    stated = one(read(model([node], arrays), tmp_path)[0])
    assert stated.unmodelled == said
    note = f"beside W, R and B it has peepholes, P (1, {3 * H}): {3 * H} parameters more, {sum(array.size for array in weights().values()) + 3 * H} in all"
    assert stated.notes == ((note,) if said else ())


def test_peepholes_that_are_given_to_the_model_are_counted(tmp_path: Path) -> None:
    given = helper.make_tensor_value_info("P", TensorProto.FLOAT, [2, 3 * H])
    node = lstm(("X", "W", "R", "B", "", "", "", "P"), direction="bidirectional")
    stated = one(read(model([node], weights(2), inputs=[given]), tmp_path)[0])
    assert stated.unmodelled == ("peepholes (the input P)",)
    said = f"beside W, R and B it has peepholes, P (2, {3 * H}): {6 * H} parameters more, {sum(array.size for array in weights(2).values()) + 6 * H} in all"
    assert stated.notes == (said,)


def test_states_and_lengths_that_are_given_are_said(tmp_path: Path) -> None:
    arrays = {**weights(), "h": draw(1, N, H), "c": np.zeros((1, N, H), np.float32)}
    lengths = helper.make_tensor_value_info("lengths", TensorProto.INT32, [N])
    node = lstm(("X", "W", "R", "B", "lengths", "h", "c"))
    notes = one(read(model([node], arrays, inputs=[lengths]), tmp_path)[0]).notes
    assert notes == (
        "initial_h is stored in the file, as 'h': it is not zeros",
        "sequence_lens is given to it, as 'lengths'",
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.zeros(1, np.float32), ""),
        (np.full(1, -0.0, np.float32), ""),
        (np.ones(1, np.float32), "initial_h is given to it, as 'h'"),
    ],
)
def test_a_state_that_is_filled_is_zeros_by_the_value_that_fills_it(value: Any, said: str, tmp_path: Path) -> None:
    fill = helper.make_node("ConstantOfShape", ["size"], ["h"], value=numpy_helper.from_array(value))
    node = lstm(("X", "W", "R", "B", "", "h"))
    size = helper.make_tensor_value_info("size", TensorProto.INT64, [3])
    notes = one(read(model([fill, node], weights(), inputs=[size]), tmp_path)[0]).notes
    assert [note for note in notes if "initial" in note] == ([said] if said else [])


def test_weights_that_are_given_to_the_model_are_not_in_the_file(tmp_path: Path) -> None:
    arrays = weights()
    arrays.pop("W")
    given_w = helper.make_tensor_value_info("W", TensorProto.FLOAT, [1, 4 * H, WIDTH])
    stated = one(read(model([lstm()], arrays, inputs=[given_w]), tmp_path)[0])
    assert set(stated.stored.named) == {"lstm0.R", "lstm0.B"}
    assert stated.notes == ("W is not stored in the file: 'W' is computed, or given to the model",)


def test_weights_of_another_size_are_refused_by_shape(tmp_path: Path) -> None:
    arrays = {**weights(), "W": draw(1, 3 * H, WIDTH)}
    stated = one(read(model([lstm()], arrays), tmp_path)[0])
    assert stated.stored.named == {}
    assert stated.unmodelled == ("W of shape (1, 12, 3) where (1, 16, H_in) is needed",)


@pytest.mark.parametrize("op", ["GRU", "RNN"])
def test_relatives_are_named_as_such(op: str, tmp_path: Path) -> None:
    gates = {"GRU": 3, "RNN": 1}[op]
    arrays = {"W": draw(1, gates * H, WIDTH), "R": draw(1, gates * H, H)}
    node = helper.make_node(op, ["X", "W", "R"], ["Y"], hidden_size=H, name="other")
    stated = one(read(model([node], arrays), tmp_path)[0])
    assert (stated.name, stated.kind, stated.stored.named) == ("other", op, {"W": "W", "R": "R"})


def test_layout_1_is_batch_first(tmp_path: Path) -> None:
    assert fields_of(one(read(model([lstm(layout=1)], weights()), tmp_path)[0]))["batch_first"] is True


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_dtypes_are_those_of_the_file(dtype: Any, tmp_path: Path) -> None:
    arrays = {name: array.astype(dtype) for name, array in weights().items()}
    file, _ = read(model([lstm()], arrays), tmp_path)
    assert {tensor.dtype for tensor in file.tensors} == {np.dtype(dtype).name}
    for tensor in file.tensors:
        np.testing.assert_array_equal(tensor.read(), arrays[tensor.name])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (TensorProto.FLOAT, [1.5, -2.0, 0.25]),
        (TensorProto.DOUBLE, [1.5, -2.0, 0.25]),
        (TensorProto.FLOAT16, [1.5, -2.0, 0.25]),
        (TensorProto.BFLOAT16, [1.5, -2.0, 0.25]),
        (TensorProto.INT8, [-128, 127, -1]),
        (TensorProto.UINT8, [0, 255, 7]),
        (TensorProto.INT32, [-(2**31), 2**31 - 1, -1]),
        (TensorProto.INT64, [-(2**63), 2**63 - 1, -1]),
        (TensorProto.UINT64, [0, 2**64 - 1, 5]),
        (TensorProto.BOOL, [True, False, True]),
    ],
)
def test_numbers_in_fields_of_their_own_type_are_read(kind: int, values: list[Any], tmp_path: Path) -> None:
    made = model([lstm()], weights())
    made.graph.initializer.append(helper.make_tensor("apart", kind, [3], values))
    found = next(tensor for tensor in read(made, tmp_path)[0].tensors if tensor.name == "apart")
    np.testing.assert_array_equal(np.asarray(found.read(), object), np.asarray(values, object))


# --- Tensors that the graph computes


def test_gates_that_are_cut_and_turned_by_the_graph_are_the_weights(tmp_path: Path) -> None:
    """As exporters do without constant folding: PyTorch's (4*H, H_in), i f g o, becomes (1, 4*H, H_in), i o f g."""
    file_arrays: dict[str, Any] = {"w": draw(4 * H, WIDTH), "r": draw(4 * H, H, seed=1), "b": draw(8 * H, seed=2)}
    bounds = {"at0": 0, "at1": H, "at2": 2 * H, "at3": 3 * H, "at4": 4 * H}
    file_arrays |= {name: np.array([at], np.int64) for name, at in bounds.items()}
    file_arrays["axis"] = np.array([0], np.int64)
    nodes = []
    for name in ("w", "r"):
        for start, stop in ((0, 1), (3, 4), (1, 3)):
            cut = [name, f"at{start}", f"at{stop}", "axis"]
            nodes.append(helper.make_node("Slice", cut, [f"{name}{start}"]))
        nodes.append(helper.make_node("Concat", [f"{name}0", f"{name}3", f"{name}1"], [f"{name}_gates"], axis=0))
        nodes.append(helper.make_node("Unsqueeze", [f"{name}_gates", "axis"], [name.upper()]))
    nodes.append(helper.make_node("Unsqueeze", ["b", "axis"], ["B"]))
    file, path = read(model([*nodes, lstm()], file_arrays), tmp_path)
    stated = one(file)
    assert "the graph computes its weights of the file's tensors: Unsqueeze, Concat, Slice" in stated.notes
    assert [tensor.name for tensor in stated.stored.computed] == ["W", "R", "B"]
    assert "W" not in {tensor.name for tensor in file.tensors}
    check(file, stated, path)


def test_dequantized_weights_are_computed(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "w": draws.integers(-128, 128, (1, 4 * H, WIDTH), np.int8),
        "scales": draws.random(4 * H, np.float32) / 100,
        "zeros": draws.integers(-9, 9, 4 * H, np.int8),
        "shape": np.array([1, 8 * H], np.int64),
        "b": draw(2, 4 * H),
        **{name: array for name, array in weights().items() if name == "R"},
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scales", "zeros"], ["W"], axis=1),
        helper.make_node("Reshape", ["b", "shape"], ["B"]),
        lstm(),
    ]
    file, path = read(model(nodes, arrays), tmp_path)
    check(file, one(file), path)


def test_transposed_and_cast_weights_are_computed(tmp_path: Path) -> None:
    held = weights()
    arrays = {"w": held["W"].transpose(2, 0, 1).copy(), "R": held["R"], "b": held["B"].astype(np.float64)}
    nodes = [
        helper.make_node("Transpose", ["w"], ["w2"], perm=[1, 2, 0]),
        helper.make_node("Identity", ["w2"], ["W"]),
        helper.make_node("Cast", ["b"], ["B"], to=TensorProto.FLOAT),
        lstm(),
    ]
    file, path = read(model(nodes, arrays), tmp_path)
    np.testing.assert_array_equal(
        next(item for item in one(file).stored.computed if item.shape == (1, 16, 3)).read(), held["W"]
    )
    check(file, one(file), path)


def test_constant_nodes_are_tensors_of_the_file(tmp_path: Path) -> None:
    held = weights()
    nodes = [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(held[name])) for name in held]
    file, path = read(model([*nodes, lstm()], {}), tmp_path)
    assert [tensor.name for tensor in file.tensors] == ["W", "R", "B"]
    check(file, one(file), path)


# --- Bodies and functions


def body(nodes: Sequence[Any], out: str, arrays: Mapping[str, Any], name: str) -> Any:
    y = helper.make_tensor_value_info(out, TensorProto.FLOAT, [L, 1, N, H])
    return helper.make_graph(list(nodes), name, [], [y], tensors(arrays))


def test_both_branches_of_if_have_their_own_lstm(tmp_path: Path) -> None:
    yes = body([lstm(outputs=["a"])], "a", weights(), "yes")
    no = body([lstm(outputs=["b"])], "b", weights(seed=5), "no")
    node = helper.make_node("If", ["which"], ["Y"], name="choice", then_branch=yes, else_branch=no)
    which = helper.make_tensor_value_info("which", TensorProto.BOOL, [])
    file, path = read(model([node], {}, inputs=[which]), tmp_path)
    names = {True: "choice.then_branch/rnn", False: "choice.else_branch/rnn"}
    assert {stated.name for stated in file.stated} == set(names.values())
    assert {tensor.name for tensor in file.tensors} == {
        f"choice.{branch}/{name}" for branch in ("then_branch", "else_branch") for name in "WRB"
    }
    x = draw(L, N, WIDTH, seed=9)
    for flag, name in names.items():
        y = joined(run(path, X=x, which=np.array(flag)))
        np.testing.assert_allclose(computed(file, one(file, name), x), y, rtol=1e-5, atol=1e-6)


def test_an_lstm_in_a_loop_reads_weights_from_outside(tmp_path: Path) -> None:
    names = {"i": TensorProto.INT64, "going": TensorProto.BOOL}
    given_in = [helper.make_tensor_value_info(name, kind, []) for name, kind in names.items()]
    out = [
        helper.make_tensor_value_info("still", TensorProto.BOOL, []),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [L, 1, N, H]),
    ]
    inner = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["still"]), lstm(outputs=["y"])], "body", given_in, out
    )
    nodes = [
        helper.make_node("Constant", [], ["times"], value=helper.make_tensor("t", TensorProto.INT64, [], [1])),
        helper.make_node("Loop", ["times", ""], ["Ys"], body=inner, name="again"),
        helper.make_node("Squeeze", ["Ys", "first"], ["Y"]),
    ]
    arrays = {**weights(), "first": np.array([0], np.int64)}
    file, path = read(model(nodes, arrays), tmp_path)
    stated = one(file, "again.body/rnn")
    assert set(stated.stored.named.values()) == {"W", "R", "B"}
    check(file, stated, path)


def test_an_lstm_in_a_function_is_found_at_each_call(tmp_path: Path) -> None:
    function = helper.make_function(
        "own", "Recurrent", ["X", "w", "r", "b"], ["Y"], [lstm(("X", "w", "r", "b"))], [helper.make_opsetid("", 17)]
    )
    nodes = [
        helper.make_node("Recurrent", ["X", f"{prefix}W", f"{prefix}R", f"{prefix}B"], [f"y{prefix}"], domain="own")
        for prefix in ("one", "two")
    ]
    nodes.append(helper.make_node("Add", ["yone", "ytwo"], ["Y"]))
    arrays = {**weights(prefix="one"), **weights(prefix="two", seed=8)}
    file, path = read(model(nodes, arrays, functions=[function]), tmp_path)
    assert [stated.stored.named["lstm0.W"] for stated in file.stated] == ["oneW", "twoW"]
    x = draw(L, N, WIDTH, seed=9)
    total = sum(computed(file, stated, x) for stated in file.stated)
    np.testing.assert_allclose(total, joined(run(path, X=x)), rtol=1e-5, atol=1e-6)


def given(name: str, *shape: int | str | None) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


class Branch(NamedTuple):
    """One branch of an If: how it has each of its weights."""

    nodes: list[Any]
    arrays: dict[str, Any]
    inputs: list[str]
    how: list[str]


def branch(draw_from: random.Random, which: int, shared: Mapping[str, Any], word: str) -> Branch:
    """A branch that reads W, R and B of one set in the main graph or in itself: as they are, aliased or computed."""
    made = Branch([], {}, [], [])
    for role, array in shared.items():
        name, own = f"{role}{which}", f"{word}_{role}"
        how = draw_from.choice(["stored", "alias", "computed", "stored here"])
        made.how.append(how)
        if how == "stored here":
            made.arrays[own] = array
        elif how == "computed":
            made.nodes.append(transpose(f"turned_{name}", own, *range(array.ndim)[::-1]))
        elif how == "alias":
            made.nodes.append(helper.make_node("Identity", [name], [f"{own}_1"]))
            made.nodes.append(helper.make_node("Identity", [f"{own}_1"], [own]))
        made.inputs.append(name if how == "stored" else own)
    return made


def branches(yes: Branch, no: Branch, arrays: Mapping[str, Any], **attributes: Any) -> Any:
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    both = [
        helper.make_graph(
            [*made.nodes, lstm(["X", *made.inputs], [word], **attributes)],
            word,
            [],
            [given(word, L, directions, N, H)],
            tensors(made.arrays),
        )
        for word, made in (("yes", yes), ("no", no))
    ]
    node = helper.make_node("If", ["which"], ["Y"], name="choice", then_branch=both[0], else_branch=both[1])
    return model([node], arrays, inputs=[helper.make_tensor_value_info("which", TensorProto.BOOL, [])])


@pytest.mark.parametrize("seed", range(2 * CASES // 10))
def test_branches_with_the_same_weights_are_one_lstm(seed: int, tmp_path: Path) -> None:
    """However branches have their weights, LSTMs are counted by weights, and each computes what ONNX Runtime does."""
    draw_from = random.Random(seed)  # noqa: S311  # cases, not secrets
    directions, sets = draw_from.choice([1, 2]), draw_from.choice([1, 2])
    pool = [weights(directions, seed=10 * index) for index in range(sets)]
    whole = {f"{role}{index}": array for index, held in enumerate(pool) for role, array in held.items()}
    whole |= {f"turned_{name}": array.T.copy() for name, array in whole.items()}
    chosen = [0, sets - 1]
    direction = "bidirectional" if directions == 2 else "forward"
    yes, no = (branch(draw_from, which, pool[which], word) for which, word in zip(chosen, ("yes", "no"), strict=True))
    file, path = read(branches(yes, no, whole, direction=direction), tmp_path)
    # A weight that one branch computes, and the other has as it is, is not computed to be compared.
    merged = sets == 1 and all(
        ("computed" in pair) == (set(pair) == {"computed"}) for pair in zip(yes.how, no.how, strict=True)
    )
    assert len(file.stated) == (1 if merged else 2)
    x = draw(L, N, WIDTH, seed=9)
    names = {True: "then_branch", False: "else_branch"}
    for flag, word in names.items():
        own = [stated for stated in file.stated if word in stated.name]
        stated = own[0] if own else file.stated[0]
        y = joined(run(path, X=x, which=np.array(flag)))
        np.testing.assert_allclose(computed(file, stated, x), y, rtol=1e-5, atol=1e-6)


def turned(word: str, names: Sequence[str]) -> Branch:
    """A branch that computes its weights from initializers of the main graph."""
    nodes = [transpose(f"{name}t", f"{word}{name}", *([2, 1, 0] if name != "B" else [1, 0])) for name in names]
    return Branch(nodes, {}, [f"{word}{name}" for name in names], [])


def test_weights_that_each_branch_computes_of_one_tensor_are_one_lstm(tmp_path: Path) -> None:
    arrays = {f"{name}t": array.T.copy() for name, array in weights().items()}
    stated = one(read(branches(turned("a", "WRB"), turned("b", "WRB"), arrays), tmp_path)[0])
    both = "choice.else_branch, choice.then_branch"  # attributes are sorted
    assert f"2 times in the graph, with the same weights: in {both}" in stated.notes
    assert set(stated.stored.names) == {"Wt", "Rt", "Bt"}


@pytest.mark.parametrize("typed", [False, True], ids=["raw", "typed"])
def test_weights_that_are_stored_twice_are_one_lstm(typed: bool, tmp_path: Path) -> None:
    made = branches(Branch([], weights(), ["W", "R", "B"], []), Branch([], weights(), ["W", "R", "B"], []), {})
    if typed:  # the numbers of one copy in a field of their type
        tensor = made.graph.node[0].attribute[0].g.initializer[0]
        tensor.float_data.extend(numpy_helper.to_array(tensor).reshape(-1).tolist())
        tensor.ClearField("raw_data")
    file, path = read(made, tmp_path)
    stated = one(file)
    assert "its weights are stored 2 times, equal to the byte" in stated.notes
    assert len(stated.stored.names) == 6  # both copies are its own
    x = draw(L, N, WIDTH, seed=9)
    y = joined(run(path, X=x, which=np.array(False)))
    np.testing.assert_allclose(computed(file, stated, x), y, rtol=1e-5, atol=1e-6)
    assert [found.name for found in read_weights(path)] == ["choice.else_branch/rnn"]


@pytest.mark.parametrize("role", ["W", "R", "B"])
def test_one_bit_makes_two_lstms(role: str, tmp_path: Path) -> None:
    """The last number of a tensor larger than the beginning that is compared first."""
    pair = [weights(width=2000) for _ in range(2)]
    pair[1][role].reshape(-1).view(np.uint32)[-1] ^= 1
    yes, no = (Branch([], held, ["W", "R", "B"], []) for held in pair)
    made = branches(yes, no, {})
    assert len(read(made, tmp_path)[0].stated) == 2


def test_calls_of_a_function_that_computes_its_weights_stay_apart(tmp_path: Path) -> None:
    inner = [transpose("w", "W", 2, 1, 0), lstm(("X", "W", "r", "b"))]
    function = helper.make_function(
        "own", "Recurrent", ["X", "w", "r", "b"], ["Y"], inner, [helper.make_opsetid("", 17)]
    )
    held = {name: weights(prefix=name, seed=seed) for name, seed in (("a", 0), ("b", 7))}
    arrays = {key: array.T.copy() if key[1] == "W" else array for part in held.values() for key, array in part.items()}
    nodes = [
        helper.make_node("Recurrent", ["X", f"{name}W", f"{name}R", f"{name}B"], [f"y{name}"], domain="own")
        for name in "aab"
    ]
    nodes[1].output[0] = "again"
    nodes.append(helper.make_node("Sum", ["ya", "again", "yb"], ["Y"]))
    file, path = read(model(nodes, arrays, functions=[function]), tmp_path)
    assert len(file.stated) == 2
    x = draw(L, N, WIDTH, seed=9)
    total = sum(times * computed(file, stated, x) for times, stated in zip((2, 1), file.stated, strict=True))
    np.testing.assert_allclose(total, joined(run(path, X=x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("alias", [False, True], ids=["as they are", "through Identity"])
@pytest.mark.parametrize("known", [("W",), ("R",), ("X",), ("W", "R"), ("W", "R", "X")], ids=",".join)
def test_shapes_of_inputs_settle_the_sizes(known: Sequence[str], alias: bool, tmp_path: Path) -> None:
    """A model that is given its weights: sizes follow from the shapes that are stated for X, W and R, by any name."""
    shapes = {"X": (L, N, WIDTH), "W": (1, 4 * H, WIDTH), "R": (1, 4 * H, H)}
    values = [given(name, *(sizes if name in known else ["n", None, None])) for name, sizes in shapes.items()]
    nodes = [helper.make_node("Identity", [name], [f"{name}_"]) for name in shapes] if alias else []
    node = helper.make_node("LSTM", [f"{name}_" * alias or name for name in shapes], ["Y"], name="rnn")
    made = helper.make_model(helper.make_graph([*nodes, node], "g", values, [given("Y", *"abcd")]), ir_version=9)
    stated = one(read(made, tmp_path)[0])
    expected = {"input_size": WIDTH} if {"W", "X"} & set(known) else {}
    expected |= {"hidden_size": H} if {"W", "R"} & set(known) else {}
    assert {key: value for key, value in fields_of(stated).items() if key.endswith("size")} == expected


def test_shapes_of_inner_values_settle_the_sizes(tmp_path: Path) -> None:
    """value_info: the shapes of values that nodes compute, as onnx.shape_inference and exporters store them."""
    nodes = [
        helper.make_node("Relu", ["X"], ["x2"]),
        helper.make_node("Abs", ["w"], ["W"]),
        lstm(("x2", "W", "R")),
    ]
    made = model(nodes, {"R": draw(1, 4 * H, H), "w": draw(1, 4 * H, WIDTH)})
    assert fields_of(one(read(made, tmp_path)[0])).get("input_size") is None
    inferred = onnx.shape_inference.infer_shapes(made)
    assert fields_of(one(read(inferred, tmp_path)[0]))["input_size"] == WIDTH


def test_a_stated_shape_that_the_operator_refuses_is_said(tmp_path: Path) -> None:
    stated = one(
        read(model([lstm(("X", "W", "R"))], {}, inputs=[given("W", 1, 12, 3), given("R", 1, 16, 4)]), tmp_path)[0]
    )
    assert stated.unmodelled == ("W of shape (1, 12, 3) where (1, 16, H_in) is needed",)


def test_nodes_that_are_given_the_same_weights_are_one_lstm(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Identity", ["W"], ["V"]),
        lstm(outputs=["y1"]),
        lstm(("X", "V", "R", "B"), ["y2"], name="again"),
        helper.make_node("Add", ["y1", "y2"], ["Y"]),
    ]
    inputs = [given("W", 1, 4 * H, WIDTH), given("R", 1, 4 * H, H), given("B", 1, 8 * H)]
    assert (
        "2 times in the graph, with the same weights" in one(read(model(nodes, {}, inputs=inputs), tmp_path)[0]).notes
    )


def test_nodes_with_the_same_weights_are_one_lstm(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Neg", ["X"], ["Z"]),
        lstm(outputs=["y1"]),
        lstm(("Z", "W", "R", "B"), ["y2"], name="again"),
        helper.make_node("Add", ["y1", "y2"], ["Y"]),
    ]
    stated = one(read(model(nodes, weights()), tmp_path)[0])
    assert "2 times in the graph, with the same weights" in stated.notes


# --- Stacks


def stack(between: Sequence[Any], directions: int, **second: Any) -> Any:
    direction = "bidirectional" if directions == 2 else "forward"
    arrays = {
        **weights(directions, prefix="a"),
        **weights(directions, directions * H, "b", seed=6),
        "joined": np.array([0, 0, -1], np.int64),
        "one": np.array([1], np.int64),
    }
    nodes = [
        lstm(("X", "aW", "aR", "aB"), ["y"], direction=direction),
        *between,
        lstm(("z", "bW", "bR", "bB"), ["Y"], **{"direction": direction, "name": "upper", **second}),
    ]
    return model(nodes, arrays)


def transpose(source: str, target: str, *perm: int) -> Any:
    return helper.make_node("Transpose", [source], [target], perm=list(perm))


SQUEEZED = [helper.make_node("Squeeze", ["y", "one"], ["z"])]
JOINED = [transpose("y", "t", 0, 2, 1, 3), helper.make_node("Reshape", ["t", "joined"], ["z"])]
# As tf2onnx does where the model has the batch first: to (N, L, D*H) and back.
TURNED = [
    transpose("y", "t", 2, 0, 1, 3),
    helper.make_node("Reshape", ["t", "joined"], ["u"]),
    transpose("u", "z", 1, 0, 2),
]


@pytest.mark.parametrize(("between", "directions"), [(SQUEEZED, 1), (JOINED, 1), (JOINED, 2), (TURNED, 1), (TURNED, 2)])
def test_nodes_one_behind_another_are_the_layers_of_one_lstm(
    between: list[Any], directions: int, tmp_path: Path
) -> None:
    file, path = read(stack(between, directions), tmp_path)
    stated = one(file, "rnn")
    assert config_of(stated) == LSTMConfig(WIDTH, H, 2, bidirectional=directions == 2)
    assert stated.notes[0] == "2 chained LSTM nodes read as one 2-layer LSTM: rnn, upper"
    check(file, stated, path)


@pytest.mark.parametrize(
    "made",
    [
        stack([transpose("y", "t", 2, 0, 1, 3), helper.make_node("Reshape", ["t", "joined"], ["z"])], 1),
        stack([helper.make_node("Squeeze", ["y", "one"], ["t"]), helper.make_node("Tanh", ["t"], ["z"])], 1),
        stack(SQUEEZED, 1, clip=2.0),
    ],
    ids=["turned to the batch first", "an activation in between", "another clip"],
)
def test_nodes_that_are_no_layers_of_one_lstm_stay_apart(made: Any, tmp_path: Path) -> None:
    assert [fields_of(stated)["num_layers"] for stated in read(made, tmp_path)[0].stated] == [1, 1]


def test_two_modules_one_behind_another_stay_two(tmp_path: Path) -> None:
    """The TorchScript exporter names nodes by module: two of nn.LSTM are no nn.LSTM of two layers."""
    made = stack(SQUEEZED, 1)
    made.graph.node[0].name, made.graph.node[-1].name = "/first/LSTM", "/second/LSTM"
    assert [stated.name for stated in read(made, tmp_path)[0].stated] == ["first", "second"]


def test_an_inner_layer_that_others_read_too_ends_its_stack(tmp_path: Path) -> None:
    made = stack(SQUEEZED, 1)
    made.graph.node.append(lstm(("z", "bW", "cR", "bB"), ["other"], name="third"))
    made.graph.initializer.extend(tensors({"cR": draw(1, 4 * H, H, seed=30)}))
    assert [fields_of(stated)["num_layers"] for stated in read(made, tmp_path)[0].stated] == [1, 1, 1]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("directions", [1, 2])
def test_a_quantized_stack_is_the_lstm_of_its_float_twin(layers: int, directions: int, tmp_path: Path) -> None:
    """What ONNX Runtime's own quantize_dynamic makes of a stack, with a chain of Identity in between."""
    from onnxruntime.quantization import quantize_dynamic

    direction, nodes, arrays, below = "bidirectional" if directions == 2 else "forward", [], {}, "X"
    arrays["joined"] = np.array([0, 0, -1], np.int64)
    for layer in range(layers):
        arrays |= weights(directions, directions * H if layer else WIDTH, f"l{layer}", seed=7 * layer)
        roles = [f"l{layer}{role}" for role in "WRB"]
        nodes += [
            lstm([below, *roles], [f"y{layer}"], direction=direction, name=f"layer{layer}"),
            transpose(f"y{layer}", f"t{layer}", 0, 2, 1, 3),
            helper.make_node("Reshape", [f"t{layer}", "joined"], [f"r{layer}"]),
            helper.make_node("Identity", [f"r{layer}"], [f"x{layer + 1}"]),
        ]
        below = f"x{layer + 1}"
    path = saved(model(nodes, arrays, out=below, rank=3), tmp_path)
    small = tmp_path / "quantized.onnx"
    quantize_dynamic(path, small, op_types_to_quantize=["LSTM"])
    twin, stated = one(read_onnx(path)), one(read_onnx(str(small)))
    assert {node.op_type for node in onnx.load(small).graph.node} >= {"DynamicQuantizeLSTM"}
    assert fields_of(stated) == fields_of(twin)
    assert (stated.kind, config_of(stated)) == ("DynamicQuantizeLSTM", config_of(twin))
    assert stated.unmodelled == ("weights quantized to int8, and its input at run time",)
    held = {tensor.name: tensor for tensor in onnx.load(small).graph.initializer if tensor.name != "joined"}
    assert set(stated.stored.names) == set(held)
    assert [found.name for found in read_weights(str(small))] == [stated.name]


# --- Files that nobody vouches for


def saved_apart(folder: Path) -> Path:
    """A model whose weights are in `beside.bin`."""
    path = folder / "model.onnx"
    onnx.save_model(
        model([lstm()], weights()), path, save_as_external_data=True, location="beside.bin", size_threshold=0
    )
    return path


def pointed(path: Path, **places: str) -> str:
    """The model with other words on where W is."""
    made = onnx.load(path, load_external_data=False)
    for entry in made.graph.initializer[0].external_data:
        entry.value = places.get(entry.key, entry.value)
    path.write_bytes(made.SerializeToString())
    return str(path)


def test_numbers_in_a_file_next_to_it_are_read(tmp_path: Path) -> None:
    path = saved_apart(tmp_path)
    file = read_onnx(str(path))
    assert fields_of(one(file))["input_size"] == WIDTH
    assert "the numbers of 3 of its tensors are in beside.bin" in file.notes
    for tensor in file.tensors:
        wanted = numpy_helper.to_array(
            next(item for item in model([lstm()], weights()).graph.initializer if item.name == tensor.name)
        )
        np.testing.assert_array_equal(tensor.read(), wanted)
        np.testing.assert_array_equal(whole_array(tensor.shape, tensor.blocks()), wanted)


@pytest.mark.parametrize(
    "places",
    [
        {"location": "../beside.bin"},
        {"location": "/etc/passwd"},
        {"location": "../../etc/passwd"},
        {"location": "."},
        {"location": ".."},
        {"location": ""},
        {"location": "missing.bin"},
        {"location": "a\0b"},
        {"location": "..\\beside.bin"},
        {"location": "linked.bin"},
        {"location": "pipe"},
        {"location": "folder"},
        {"location": "around.bin"},
        {"offset": "100000"},
        {"offset": "-1"},
        {"offset": "9" * 30},
        {"length": "3"},
        {"length": "x"},
    ],
)
def test_numbers_that_are_not_in_a_file_next_to_it_are_refused(places: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = saved_apart(folder)
    (tmp_path / "beside.bin").write_bytes(bytes(4096))
    (folder / "linked.bin").symlink_to(tmp_path / "beside.bin")
    (folder / "around.bin").symlink_to("around.bin")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    file = read_onnx(pointed(path, **places))
    assert fields_of(one(file))["input_size"] == WIDTH
    with pytest.raises(SourceError):
        file.tensors[0].read()
    with pytest.raises(SourceError):
        list(file.tensors[0].blocks())
    if "location" in places:
        assert any("cannot be read" in note for note in file.notes)


def test_a_model_and_its_numbers_that_are_links_to_one_folder_are_read(tmp_path: Path) -> None:
    blobs, links = tmp_path / "blobs", tmp_path / "links"
    blobs.mkdir()
    links.mkdir()
    saved_apart(blobs)
    (links / "model.onnx").symlink_to("../blobs/model.onnx")
    (links / "beside.bin").symlink_to("../blobs/beside.bin")
    for read, wanted in zip(
        read_onnx(str(links / "model.onnx")).tensors, read_onnx(str(blobs / "model.onnx")).tensors, strict=True
    ):
        np.testing.assert_array_equal(read.read(), wanted.read())


@pytest.mark.parametrize("dims", [[2**40, 2**20], [-1, 3], [2**62, 2**62]])
def test_shapes_that_are_larger_than_the_file_reserve_nothing(dims: list[int], tmp_path: Path) -> None:
    made = model([lstm()], weights())
    made.graph.initializer[0].ClearField("dims")
    made.graph.initializer[0].dims.extend(dims)
    path = saved(made, tmp_path)
    with pytest.raises(SourceError):
        [tensor.read() for tensor in read_onnx(path).tensors]


def test_constants_that_double_at_every_node_are_no_weights(tmp_path: Path) -> None:
    nodes = [helper.make_node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(60)]
    made = model([*nodes, lstm(("X", "c60", "R", "B"))], {"c0": draw(1, 4 * H, WIDTH), **weights()})
    assert "lstm0.W" not in one(read(made, tmp_path)[0]).stored.named


def test_functions_that_call_each_other_end(tmp_path: Path) -> None:
    call = helper.make_node("F", ["X"], ["Y"], domain="own")
    function = helper.make_function("own", "F", ["X"], ["Y"], [call], [helper.make_opsetid("own", 1)])
    path = saved(model([call], {}, functions=[function]), tmp_path)
    with pytest.raises(SourceError, match="too many bodies and calls"):
        read_onnx(path)


def test_functions_that_call_the_next_twice_end(tmp_path: Path) -> None:
    functions = [
        helper.make_function(
            "own",
            f"F{i}",
            ["X"],
            ["Y"],
            [helper.make_node(f"F{i + 1}", ["X"], [out], domain="own") for out in ("Y", "Z")],
            [helper.make_opsetid("own", 1)],
        )
        for i in range(40)
    ]
    path = saved(model([helper.make_node("F0", ["X"], ["Y"], domain="own")], {}, functions=functions), tmp_path)
    with pytest.raises(SourceError, match="too many bodies and calls"):
        read_onnx(path)


def wire(number: int, data: bytes) -> bytes:
    """A field of protobuf that holds bytes."""
    length, size = b"", len(data)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


@pytest.mark.parametrize(("levels", "is_read"), [(40, True), (5000, False)])
def test_bodies_in_bodies_end(levels: int, is_read: bool, tmp_path: Path) -> None:
    graph = model([lstm()], weights()).graph.SerializeToString()
    for _ in range(levels):
        attribute = wire(1, b"then_branch") + wire(6, graph)
        graph = wire(1, wire(4, b"If") + wire(5, attribute))
    path = tmp_path / "deep.onnx"
    path.write_bytes(b"\x08\x09" + wire(7, graph))
    if is_read:
        assert config_of(one(read_onnx(str(path)))) == LSTMConfig(WIDTH, H)
    else:
        with pytest.raises(SourceError, match="nested too deeply"):
            read_onnx(str(path))


@pytest.mark.parametrize("data", [b"", b"\x08\x09", b"not a model at all", b"\x3a\xff\xff\xff\xff\x0f", b"\0" * 100])
def test_what_is_no_model_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no.onnx"
    path.write_bytes(data)
    with pytest.raises(SourceError):
        read_onnx(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        read_onnx(str(tmp_path / "none.onnx"))


def survives(path: Path, data: bytes) -> bool:
    """Read a file that may be anything, and all that it has; nothing but our own errors comes out."""
    rewrite(path, data)
    try:
        file = read_onnx(str(path))
    except LstmcalcError:
        return False
    for tensor in (*file.tensors, *(item for stated in file.stated for item in stated.stored.computed)):
        try:
            assert tensor.read().shape == tensor.shape
        except LstmcalcError:
            continue
    return True


def test_damaged_files_give_no_other_errors(torch_files: Path, tmp_path: Path) -> None:
    contents = [path.read_bytes() for path in sorted(torch_files.glob("*.onnx"))]
    outcomes: Counter[bool] = Counter()
    for seed in range(4 * CASES):
        draw = random.Random(seed)  # noqa: S311  # damage, not secrets
        outcomes[survives(tmp_path / "model.onnx", damaged(draw.choice(contents), draw))] += 1
    assert min(outcomes[True], outcomes[False]) > CASES // 4
