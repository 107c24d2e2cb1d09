"""Weights that a graph computes of the file's tensors: what is read is what ONNX Runtime computes of the same nodes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from lstmcalc.readers.onnx.constants import scopes_of
from lstmcalc.readers.onnx.graphs import read_model

A, B = (np.random.default_rng(seed).normal(0, 1, (3, 4)).astype(np.float32) for seed in (0, 1))
ROW, INDICES = A[:1] * 3, np.array([2, -1, 0])
NODES: dict[str, tuple[str, list[Any], dict[str, Any], int]] = {
    "Add": ("Add", [A, B], {}, 0),
    "Add a row": ("Add", [A, ROW], {}, 0),
    "Sub": ("Sub", [A, B], {}, 0),
    "Mul": ("Mul", [A, B], {}, 0),
    "Mul by a number": ("Mul", [A, np.float32(0.5)], {}, 0),
    "Div": ("Div", [A, B], {}, 0),
    "Neg": ("Neg", [A], {}, 0),
    "Gather": ("Gather", [A, INDICES], {"axis": 0}, 0),
    "Gather columns": ("Gather", [A, np.array([[3, 0], [1, -2]])], {"axis": 1}, 0),
    "Gather one": ("Gather", [A, np.array(1)], {"axis": -1}, 0),
    "ReduceL2": ("ReduceL2", [A, np.array([1])], {"keepdims": 1}, 0),
    "ReduceL2 of all": ("ReduceL2", [A], {"keepdims": 0}, 0),
    "Split": ("Split", [A, np.array([1, 3])], {"axis": 1}, 1),
    "Split equally": ("Split", [A], {"axis": 1, "num_outputs": 2}, 1),
    "Split, the last smaller": ("Split", [A], {"axis": 0, "num_outputs": 2}, 1),
}


def constant_of(folder: Path, op: str, inputs: list[Any], settings: dict[str, Any], output: int) -> tuple[Any, Any]:
    """The constant that is read, and what ONNX Runtime gives."""
    names = [f"t{index}" for index in range(len(inputs))]
    results = [f"r{index}" for index in range(2 if op == "Split" else 1)]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in zip(names, inputs, strict=True)]
    node = helper.make_node(op, names, results, **settings)
    graph = helper.make_graph(
        [node], "g", [], [helper.make_tensor_value_info(results[output], TensorProto.FLOAT, None)], tensors
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    (wanted,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {})
    (scope,) = scopes_of(read_model(str(path)), str(path))
    return scope.constant(results[output]), wanted


@pytest.mark.parametrize("name", NODES)
def test_what_is_computed_is_what_onnx_runtime_computes(name: str, tmp_path: Path) -> None:
    found, wanted = constant_of(tmp_path, *NODES[name])
    assert (found.shape, found.dtype) == (wanted.shape, "float32")
    np.testing.assert_allclose(found.read(), wanted, rtol=1e-6)


def test_a_shape_alone_takes_no_memory(tmp_path: Path) -> None:
    tensors = [helper.make_tensor(name, TensorProto.FLOAT, [1], b"\0\0\0\0", raw=True) for name in ("a", "b")]
    for tensor, dims in zip(tensors, ([2**30, 1], [1, 2**30]), strict=True):
        tensor.ClearField("dims")
        tensor.dims.extend(dims)
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["c"])], "g", [], [], tensors)
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    (scope,) = scopes_of(read_model(str(path)), str(path))
    found = scope.constant("c")
    assert found is not None
    assert found.shape == (2**30, 2**30)
    with pytest.raises(Exception, match="bytes"):
        found.read()
