"""LSTMs that a graph computes itself, written in random ways: what is read computes what ONNX Runtime does.

And graphs that compute something else, by one thing: none of them is taken for an LSTM.
"""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from lstmcalc import forward
from lstmcalc.errors import NoLstmError
from lstmcalc.intake.load import load_weights
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.activations import activations_of
from tools.cell_graphs import Writer
from tools.mutations import damaged
from tools.outcomes import outcome


def saved(folder: Path, made: Any) -> str:
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return str(path)


@pytest.mark.parametrize("seed", range(50))
def test_an_lstm_written_in_any_way_is_read(seed: int, tmp_path: Path) -> None:
    writer = Writer(seed)
    path = saved(tmp_path, writer.model())
    (found,) = read_weights(path)
    config = found.stored.config
    assert (config.input_size, config.hidden_size, config.bias) == (writer.width, writer.hidden, bool(writer.biases))
    single = writer.form in ("step", "packed")
    assert found.kind == ("LSTMCell" if single else "LSTM")
    steps = 1 if single else writer.steps
    given = {
        "X": writer.number(steps, writer.batch, writer.width),
        **{name: writer.number(writer.batch, writer.hidden) for name in ("h_0", "c_0")},
    }
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    packed = {"X": given["X"], "S": np.stack([given["h_0"], given["c_0"]])}
    wanted = session.run(None, packed if writer.form == "packed" else given)
    functions = activations_of(found.framework, found.options)
    state = given["h_0"][None], given["c_0"][None]
    _, (h_n, c_n) = forward(config, load_weights(found), given["X"], state, activations=functions)
    np.testing.assert_allclose(h_n[0], wanted[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(c_n[0], wanted[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        *(f"the function of {what}" for what in "ifgoc"),
        *("peepholes", "a coupled gate", "a difference", "h for c"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_what_computes_anything_else_is_not_taken(seed: int, wrong: str, tmp_path: Path) -> None:
    writer = Writer(seed, wrong)
    with pytest.raises(NoLstmError):
        read_weights(saved(tmp_path, writer.model()))


def test_what_looks_like_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoLstmError, match="looks like h of an LSTM that is not understood"):
        read_weights(saved(tmp_path, Writer(0, "peepholes").model()))


@pytest.mark.parametrize("op", ["Min", "Add", "Mul", "Identity", "Sigmoid", "Tanh", "Concat"])
def test_long_chains_end(op: str, tmp_path: Path) -> None:
    names = [f"v{index}" for index in range(3000)]
    both = op in ("Min", "Add", "Mul", "Concat")
    settings = {"axis": 1} if op == "Concat" else {}
    nodes = [
        helper.make_node(op, [first, "one" if op == "Min" else first] if both else [first], [second], **settings)
        for first, second in pairwise(names)
    ]
    nodes.append(helper.make_node("Sigmoid", [names[-1]], ["gate"]))
    nodes.append(helper.make_node("Tanh", [names[-1]], ["cell"]))
    nodes.append(helper.make_node("Mul", ["gate", "cell"], ["h"]))
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in (names[0], "h")]
    with pytest.raises(NoLstmError):
        read_weights(saved(tmp_path, helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [one]))))


@pytest.mark.parametrize("seed", range(12))
def test_damaged_files_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    body, path = Writer(seed).model().SerializeToString(), tmp_path / "damaged.onnx"
    read, refused = [], set[str]()
    for case in range(10):
        draw = random.Random(case)  # noqa: S311  # damage, not secrets
        path.write_bytes(damaged(body, draw))
        lstms, words = outcome(str(path))
        read += lstms
        refused |= {words} - {""}
    assert read
    assert [found for found, _ in read] == [expected for _, expected in read]
    assert "FILE is damaged" in refused
    assert refused <= {
        "FILE is damaged",
        "FILE is of an unknown format",
        "no LSTM is recognised in FILE",
        "the type of a value is damaged",
    }
