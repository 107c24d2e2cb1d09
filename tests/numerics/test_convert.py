"""Weights in other frameworks' arrays and back, and the recipes that do the same."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lstmcalc import LSTMConfig, LSTMModel, forward
from lstmcalc.errors import ArrayError, UnsupportedError, UsageError
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.recipes import write_recipe
from lstmcalc.frameworks.storage import Storage, missing_feature, parameters
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import pack, unpack
from tools.examples import examples
from tools.storages import stored_once

CONFIGS = [
    LSTMConfig(3, 4),
    LSTMConfig(3, 4, bidirectional=True),
    LSTMConfig(4, 4, num_layers=3),
    LSTMConfig(3, 4, num_layers=2, bidirectional=True),
    LSTMConfig(3, 4, num_layers=2, bias=False, bidirectional=True),
    LSTMConfig(3, 1),
    LSTMConfig(3, 4, proj_size=2),
    LSTMConfig(3, 4, num_layers=2, bidirectional=True, proj_size=2),
    LSTMConfig(3, 4, num_layers=2, bias=False, proj_size=1),
]
PAIRS = [(layout, config) for layout in LAYOUTS for config in CONFIGS if not missing_feature(config, layout)]

configs = st.builds(
    LSTMConfig,
    input_size=st.integers(1, 5),
    hidden_size=st.integers(3, 5),
    num_layers=st.integers(1, 3),
    bias=st.booleans(),
    bidirectional=st.booleans(),
    proj_size=st.integers(0, 2),
)


def weights_of(config: LSTMConfig, seed: int = 0, dtype: str = "float64") -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {item.name: rng.normal(size=item.shape).astype(dtype) for item in LSTMModel(config).parameters}


def with_summed_biases(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Both biases as their sum: what is left of them where there is one."""
    summed = dict(weights)
    for name in weights:
        if name.startswith("bias_ih"):
            other = name.replace("_ih", "_hh")
            summed[name], summed[other] = weights[name] + weights[other], np.zeros_like(weights[other])
    return summed


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(15)
@given(config=configs, seed=st.integers(0, 99))
@stored_once()
def test_unpacking_what_was_packed_gives_it_back(layout: str, config: LSTMConfig, seed: int) -> None:
    if missing_feature(config, layout):
        return
    weights = weights_of(config, seed)
    found = unpack(pack(weights, config, layout), config, layout)
    two = {"bias_ih", "bias_hh"} <= {name for item in parameters(config, layout) for name in item.holds}
    wanted = weights if two or not config.bias else with_summed_biases(weights)
    assert list(found) == list(weights)
    for name, array in wanted.items():
        if LAYOUTS[layout].forget_offset:  # 1 was taken away and added again
            np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-15)
        else:
            np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(("layout", "config"), PAIRS)
def test_packed_arrays_have_the_names_and_shapes_of_the_table(layout: str, config: LSTMConfig) -> None:
    packed = pack(weights_of(config, dtype="float32"), config, layout)
    assert [(name, array.shape) for name, array in packed.items()] == [
        (item.name, item.shape) for item in parameters(config, layout)
    ]
    assert {array.dtype for array in packed.values()} == {np.dtype("float32")}


@pytest.mark.parametrize(("layout", "config"), PAIRS)
@stored_once()
def test_conversion_changes_no_output(layout: str, config: LSTMConfig) -> None:
    weights = weights_of(config)
    x = np.random.default_rng(1).normal(size=(5, 2, config.input_size))
    before, after = (
        forward(config, these, x) for these in (weights, unpack(pack(weights, config, layout), config, layout))
    )
    np.testing.assert_allclose(after[0], before[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(after[1][1], before[1][1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ranges_are_where_the_gates_are(layout: str) -> None:
    """The gates, parts and directions that a report lists are those that packing puts there."""
    config = LSTMConfig(3, 4, num_layers=2, bidirectional=True)
    weights = with_summed_biases(weights_of(config))
    for name, array in weights.items():
        if name.startswith("weight"):
            rows = np.repeat([1.0, 2, 3, 4], 4)[:, None] + 10 * ("hh" in name) + 100 * ("reverse" in name)
            array[:] = rows
    packed = pack(weights, config, layout)
    for item in parameters(config, layout):
        if not item.holds[0].startswith("weight"):
            continue
        for direction in ("forward", "reverse") if item.direction == "both" else (item.direction,):
            for part in item.holds:
                for gate in [item.gate] if item.gate else "ifgo":
                    block = cut(packed[item.name], item, direction, part, gate if item.gates else None)
                    wanted = 1 + "ifgo".index(gate or "") + 10 * ("hh" in part) + 100 * (direction == "reverse")
                    np.testing.assert_array_equal(block, wanted)


def cut(array: Array, item: Any, direction: str, part: str, gate: str | None) -> Array:
    """One gate of one part of one direction, cut out of an array by the ranges of its parameter."""
    offset = 0
    index = [slice(None)] * array.ndim
    for axis, ranges, label in (
        (item.direction_axis, item.directions, direction),
        (item.part_axis, item.parts, part),
    ):
        if ranges and axis == item.gate_axis:
            offset += ranges[label][0]
        elif ranges:
            index[axis] = slice(*ranges[label])
    if gate:
        index[item.gate_axis] = slice(*(offset + end for end in item.gates[gate]))
    return array[tuple(index)]


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "pytorch"])
def test_any_other_order_of_gates_computes_something_else(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = LSTMConfig(3, 4)
    weights, x = weights_of(config), np.random.default_rng(1).normal(size=(5, 2, 3))
    right, packed = LAYOUTS[layout], pack(weights, config, layout)
    output, _ = forward(config, weights, x)
    for order in map("".join, permutations(right.gates)):
        monkeypatch.setitem(LAYOUTS, layout, right._replace(gates=order))
        found, _ = forward(config, unpack(packed, config, layout), x)
        assert (np.abs(found - output).max() < 1e-9) == (order == right.gates)


def test_keras_cudnn_is_the_memory_of_each_gate() -> None:
    config = LSTMConfig(3, 2)
    weights = weights_of(config)
    kernel = pack(weights, config, "keras-cudnn")["cu_dnnlstm/kernel:0"]
    for gate in range(4):
        block = weights["weight_ih_l0"][2 * gate : 2 * gate + 2]
        assert kernel[:, 2 * gate : 2 * gate + 2].ravel().tolist() == block.ravel().tolist()


def test_bfloat16_goes_there_and_back() -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    config = LSTMConfig(3, 2)
    weights = {name: array.astype(bfloat16) for name, array in weights_of(config).items()}
    found = unpack(pack(weights, config, "candle"), config, "candle")
    assert all((found[name] == array).all() for name, array in weights.items())
    assert {array.dtype.name for array in pack(weights, config, "tf1").values()} == {"bfloat16"}


def test_what_is_added_at_run_time_is_not_in_the_stored_bias() -> None:
    config = LSTMConfig(3, 2)
    weights = weights_of(config)
    total = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    stored = pack(weights, config, "tf1")["rnn/lstm_cell/bias:0"]  # i g f o
    np.testing.assert_allclose(stored[4:6], total[2:4] - 1)
    np.testing.assert_array_equal(stored[:2], total[:2])


def test_absent_biases_are_zeros_in_effect() -> None:
    config = LSTMConfig(3, 2, bias=False)
    weights = weights_of(config)
    assert not pack(weights, config, "flax-linen")["params/cell/hf/bias"].any()
    assert pack(weights, config, "haiku")["lstm/linear/b"].tolist() == [0, 0, 0, 0, -1, -1, 0, 0]
    assert "lstm0.B" not in pack(weights, config, "onnx")


def test_biases_that_are_not_zero_are_not_dropped() -> None:
    config = LSTMConfig(3, 2, bias=False)
    tensors = pack(weights_of(config), config, "flax-linen")
    tensors["params/cell/ho/bias"][:] = 1, -1  # whose sum is zero
    with pytest.raises(ArrayError, match="layer 0 has biases that are not zero"):
        unpack(tensors, config, "flax-linen")
    with pytest.raises(ValueError, match="there are biases that are not zero"):
        run_recipe(config, "flax-linen", "pytorch", tensors)


def test_zeros_where_1_is_added_at_run_time_are_a_bias() -> None:
    config = LSTMConfig(3, 2, bias=False)
    tensors = {name: array * 0 for name, array in pack(weights_of(config), config, "tf1").items()}
    with pytest.raises(ArrayError, match=r"some of gate f, with the 1 that is added at run time"):
        unpack(tensors, config, "tf1")
    with pytest.raises(ValueError, match="there are biases that are not zero"):
        run_recipe(config, "tf1", "pytorch", tensors)


def test_packing_changes_nothing_that_was_given() -> None:
    config = LSTMConfig(3, 4, num_layers=2, bidirectional=True)
    for layout in LAYOUTS:
        weights = weights_of(config)
        for array in weights.values():
            array.flags.writeable = False
        packed = pack(weights, config, layout)
        for array in packed.values():
            assert array.flags.c_contiguous
            assert not any(np.shares_memory(array, other) for other in weights.values())


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8"])
def test_dtypes_stay_and_foreign_byte_orders_are_read(dtype: str) -> None:
    config = LSTMConfig(3, 4)
    weights = {name: array.astype(dtype) for name, array in weights_of(config).items()}
    packed = pack(weights, config, "tf1")
    assert {array.dtype for array in packed.values()} == {np.dtype(dtype).newbyteorder("=")}
    np.testing.assert_allclose(packed["rnn/lstm_cell/kernel:0"][:3, :4].T, weights["weight_ih_l0"][:4])


def change(tensors: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: array for name, array in {**tensors, **changes}.items() if array is not None}


class Stubborn:
    """As a tensor that needs gradients."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("detach it first")


WRONG: dict[str, tuple[Callable[[dict[str, Array]], Any], str]] = {
    "missing": (lambda tensors: change(tensors, **{"lstm0.R": None}), "missing lstm0.R"),
    "unknown": (lambda tensors: change(tensors, more=np.zeros(3)), "unknown more"),
    "misshaped": (lambda tensors: change(tensors, **{"lstm0.W": np.zeros((1, 3, 16))}), "(1, 3, 16)"),
    "no arrays": (lambda tensors: change(tensors, **{"lstm0.W": [[1], [2, 3]]}), "not an array"),
    "text": (
        lambda tensors: change(tensors, **{"lstm0.W": np.full((1, 16, 3), "a")}),
        "lstm0.W: not an array of floating-point numbers",
    ),
    "whole numbers": (lambda tensors: change(tensors, **{"lstm0.B": np.ones((1, 32), int)}), "int64"),
    "raw memory": (lambda tensors: change(tensors, **{"lstm0.B": np.zeros((1, 32), "V2")}), "|V2"),
    "two dtypes": (
        lambda tensors: change(tensors, **{"lstm0.B": np.zeros((1, 32), "f4")}),
        "lstm0.R of float64, lstm0.B of float32",
    ),
    "what does not become one": (lambda tensors: change(tensors, **{"lstm0.B": Stubborn()}), "detach it first"),
    "complex numbers": (lambda tensors: change(tensors, **{"lstm0.B": np.zeros((1, 32), "c8")}), "complex64"),
    "records": (lambda tensors: change(tensors, **{"lstm0.B": np.zeros((1, 32), [("a", "f4")])}), "'a'"),
    "no mapping": (lambda tensors: list(tensors.values()), "not a mapping"),
}


@pytest.mark.parametrize(("wrong", "words"), WRONG.values(), ids=WRONG.keys())
def test_wrong_tensors_are_refused_in_words(wrong: Callable[[dict[str, Array]], Any], words: str) -> None:
    config = LSTMConfig(3, 4)
    with pytest.raises(ArrayError, match=re.escape(words)):
        unpack(wrong(pack(weights_of(config), config, "onnx")), config, "onnx")


def test_peepholes_are_refused_by_name() -> None:
    config = LSTMConfig(3, 4)
    tensors = pack(weights_of(config), config, "onnx")
    with pytest.raises(UnsupportedError, match="ONNX LSTM: peepholes"):
        unpack({**tensors, "lstm0.P": np.zeros((1, 12))}, config, "onnx")
    tensors = pack(weights_of(config), config, "tf1")
    with pytest.raises(UnsupportedError, match=r"peepholes \(use_peepholes=True\)"):
        unpack({**tensors, "rnn/lstm_cell/w_f_diag:0": np.zeros(4)}, config, "tf1")


def test_unknown_layouts_and_projections_are_refused() -> None:
    config = LSTMConfig(3, 4, proj_size=2)
    with pytest.raises(UnsupportedError, match="Keras 3 has no projection"):
        pack(weights_of(config), config, "keras")
    with pytest.raises(UsageError, match="did you mean keras"):
        unpack({}, config, "kers")


def run_recipe(config: LSTMConfig, source: str, target: str, tensors: Mapping[str, Array]) -> dict[str, NDArray[Any]]:
    names: dict[str, Any] = {}
    exec(write_recipe(config, source, target).code, names)
    result: dict[str, NDArray[Any]] = names[f"{source}_to_{target}".replace("-", "_")](tensors)
    return result


@cache
def packed_once(config: LSTMConfig, layout: str, content: bytes) -> dict[str, NDArray[Any]]:
    """What packing gives for weights with some content: of many frameworks they come back as they went."""
    flat, weights = np.frombuffer(content), dict[str, Array]()
    for item in LSTMModel(config).parameters:
        weights[item.name], flat = flat[: item.numel].reshape(item.shape), flat[item.numel :]
    return pack(weights, config, layout)


def end_to_end(arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([array.ravel() for array in arrays.values()])


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("config", [CONFIGS[k] for k in (0, 1, 3, 4, 7)], ids=str)
@stored_once()
def test_the_code_of_every_recipe_does_what_packing_does(source: str, config: LSTMConfig) -> None:
    if missing_feature(config, source):
        return
    tensors = pack(weights_of(config), config, source)
    content = end_to_end(unpack(tensors, config, source)).tobytes()
    for array in tensors.values():
        array.flags.writeable = False
    for target in LAYOUTS:
        if missing_feature(config, target):
            continue
        found = run_recipe(config, source, target, tensors)
        wanted = packed_once(config, target, content)
        assert [(name, array.shape) for name, array in found.items()] == [
            (name, array.shape) for name, array in wanted.items()
        ]
        assert np.abs(end_to_end(found) - end_to_end(wanted)).max() <= 1e-14, target


@stored_once()
def test_recipes_give_every_bit_that_packing_gives() -> None:
    config = LSTMConfig(3, 4, num_layers=2, bidirectional=True)
    for source in ("pytorch", "tf1", "chainer"):
        tensors = pack(weights_of(config, dtype="float32"), config, source)
        unpacked = unpack(tensors, config, source)
        for target in LAYOUTS:
            found = run_recipe(config, source, target, tensors)
            # Through PyTorch, what is added at run time is added once and taken away once more.
            exact = not LAYOUTS[source].forget_offset or not LAYOUTS[target].forget_offset
            for name, array in pack(unpacked, config, target).items():
                assert found[name].dtype == np.dtype("float32")
                np.testing.assert_allclose(found[name], array, rtol=0, atol=0 if exact else 3e-7, err_msg=name)


STACK = LSTMConfig(10, 20, num_layers=2, bidirectional=True)
STEPS = {
    ("pytorch", "keras"): [
        "transpose the weights, from (outputs, inputs) to (inputs, outputs)",
        "add the two biases",
        "rename",
    ],
    ("keras", "onnx"): [
        "transpose the weights, from (inputs, outputs) to (outputs, inputs)",
        "reorder the gates i f g o -> i o f g",
        "make the bias the input's, and the recurrent one zeros",
        "join two into each bias: the input's first, then the recurrent one",
        "put both directions together on an axis of their own",
        "rename",
    ],
    ("tf1", "pytorch"): [
        "cut each kernel in two: the input's weights first, then the recurrent ones",
        "transpose the weights, from (inputs, outputs) to (outputs, inputs)",
        "reorder the gates i g f o -> i f g o",
        "make the bias the input's, and the recurrent one zeros",
        "add 1 to the forget gate's bias: TensorFlow 1 LSTMCell adds it at run time, and does not store it",
        "rename",
    ],
    ("tf1", "haiku"): ["rename"],
    ("pytorch", "keras1"): [
        "transpose the weights, from (outputs, inputs) to (inputs, outputs)",
        "reorder the gates i f g o -> i g f o",
        "add the two biases",
        "cut the gates apart: i g f o",
        "rename",
    ],
    ("keras-cudnn", "onednn"): [
        "cut each bias in two: the input's first, then the recurrent one",
        "read the memory of each gate's block as (H_cell, inputs) instead of (inputs, H_cell)",
        "transpose the weights, to (inputs, outputs)",
        "add the two biases",
        "put both directions together on an axis of their own",
        "rename",
    ],
    ("onednn", "keras-cudnn"): [
        "take each direction from an axis of their own",
        "transpose the weights, to (outputs, inputs)",
        "read the memory of each gate's (H_cell, inputs) as (inputs, H_cell)",
        "make the bias the input's, and the recurrent one zeros",
        "join two into each bias: the input's first, then the recurrent one",
        "rename",
    ],
    ("pytorch", "candle"): ["nothing: names and shapes are the same"],
    ("keras-cudnn", "keras2"): [
        "cut each bias in two: the input's first, then the recurrent one",
        "read the memory of each gate's block as (H_cell, inputs) instead of (inputs, H_cell)",
        "transpose the weights, to (inputs, outputs)",
        "add the two biases",
        "rename",
    ],
}


@pytest.mark.parametrize(("pair", "steps"), STEPS.items(), ids=map(str, STEPS))
def test_the_steps_in_words(pair: tuple[str, str], steps: list[str]) -> None:
    assert write_recipe(STACK, *pair).steps == steps


def test_the_steps_without_biases() -> None:
    config = LSTMConfig(10, 20, bias=False)
    assert write_recipe(config, "pytorch", "chainer").steps[0] == "make two biases of zeros"
    assert write_recipe(config, "pytorch", "flax-nnx").steps[1] == "make one bias of zeros"
    dropped = write_recipe(config, "tf1", "pytorch").steps
    assert "check that the biases amount to zero, and drop them" in dropped
    assert any(step.startswith("add 1 to the forget gate's bias") for step in dropped)


def test_steps_that_are_not_needed_are_not_named() -> None:
    apart = " ".join(write_recipe(STACK, "flax-linen", "keras1").steps)
    assert "join the arrays" not in apart
    assert "apart" not in apart
    for pair in (("keras-cudnn", "pytorch"), ("pytorch", "keras-cudnn")):
        assert "transpose" not in " ".join(write_recipe(STACK, *pair).steps)


def test_a_recipe_imports_numpy_only_if_it_needs_it() -> None:
    assert "numpy" not in write_recipe(STACK, "pytorch", "candle").code
    assert "numpy" in write_recipe(STACK, "pytorch", "onnx").code


def test_a_recipe_leaves_alone_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, "onnx", LAYOUTS["onnx"]._replace(gates=LAYOUTS["tf1"].gates))
    for config in (LSTMConfig(3, 4), LSTMConfig(3, 4, bias=False)):
        tensors = pack(weights_of(config), config, "tf1")
        for array in tensors.values():
            array.flags.writeable = False
        assert run_recipe(config, "tf1", "onnx", tensors)


@stored_once()
def test_the_lines_of_recipes_can_be_read() -> None:
    longest = max(
        len(line)
        for source in LAYOUTS
        for target in LAYOUTS
        if source != target
        for line in write_recipe(LSTMConfig(10, 20), source, target).code.splitlines()
    )
    assert longest <= 200


def test_a_recipe_of_a_projection_that_is_turned() -> None:
    config = LSTMConfig(10, 20, proj_size=5)
    assert "transpose the projection" in write_recipe(config, "pytorch", "paddle").steps
    assert "transpose the projection" not in write_recipe(config, "pytorch", "mxnet").steps
    with pytest.raises(UnsupportedError, match="ONNX LSTM has no projection"):
        write_recipe(config, "pytorch", "onnx")


def test_storage_of_one_direction_is_not_called_both() -> None:
    assert {item.direction for item in Storage(LSTMConfig(3, 4), "onnx").parameters} == {"forward"}
    assert {item.direction for item in Storage(STACK, "onnx").parameters} == {"both"}
