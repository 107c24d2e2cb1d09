"""Trees of arrays, and ONNX graphs as text; `peers/readers/pasted` has Flax, jax and onnx print."""

from typing import Any

import pytest

from lstmcalc import LSTMConfig
from lstmcalc.errors import NoLstmError, UnknownSettingError
from lstmcalc.intake.resolve import lstms_in
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.nested import Leaf, leaves_of
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from tools.pasting import mangled

EQUINOX = """\
Model(
  rnn=LSTMCell(
    weight_ih=f32[80,10],
    weight_hh=f32[80,20],
    bias=f32[80],
    input_size=10,
    hidden_size=20,
    use_bias=True
  ),
  fc=Linear(weight=f32[2,20], bias=f32[2], in_features=20, out_features=2, use_bias=True)
)
"""
NNX = """\
N( # Param: 1,634 (6.5 KB), RngState: 2 (12 B), Total: 1,636 (6.5 KB)
  rnn=RNN( # Param: 1,600 (6.4 KB)
    cell=OptimizedLSTMCell( # Param: 1,600 (6.4 KB)
      in_features=10,
      gate_fn=<PjitFunction of <function sigmoid at 0x7f1b541805e0>>,
      dense_i=Linear( # Param: 512 (2.0 KB)
        kernel=Param( # 800 (2.0 KB)
          value=Array(shape=(10, 80), dtype=dtype('float32'))
        ),
        bias=None,
        out_features=80
      ),
      dense_h=Linear( # Param: 1,088 (4.4 KB)
        kernel=Param( # 1,600 (4.1 KB)
          value=Array(shape=(20, 80), dtype=dtype('float32'))
        ),
        bias=Param( # 80 (256 B)
          value=Array(shape=(80,), dtype=dtype('float32'))
        )
      )
    ),
    time_major=False
  )
)
"""
HAIKU = "{'lstm/linear': {'b': (80,), 'w': (30, 80)}, 'linear': {'b': (3,), 'w': (20, 3)}}"
GATES = {
    f"{kind}{gate}": {"kernel": (size, 20), **({"bias": (20,)} if kind == "h" else {})}
    for kind, size in (("i", 10), ("h", 20))
    for gate in "ifgo"
}
GRAPH = """\
graph main_graph (
  %input[FLOAT, 5x3x10]
) initializers (
  %onnx::LSTM_378[FLOAT, 2x160]
  %onnx::LSTM_379[FLOAT, 2x80x10]
  %onnx::LSTM_380[FLOAT, 2x80x20]
) {
  %/l/LSTM_output_0, %/l/LSTM_output_1 = LSTM[direction = 'bidirectional', hidden_size = 20](%input, %onnx::LSTM_379, %onnx::LSTM_380, %onnx::LSTM_378, %, %a, %b)
  return %y
}
"""
TEXT = """\
<ir_version: 9>
main_graph (float[5,3,10] input) => (float[5,3,3] "337")
   <float[2,160] "onnx::LSTM_378" = {0.1}, float[2,80,10] "onnx::LSTM_379" = {0.1}, float[2,80,20] "onnx::LSTM_380" = {0.1}>
{
   ["/l/LSTM"] "/l/LSTM_output_0", "/l/LSTM_output_1" = LSTM <direction: string = "bidirectional", hidden_size: int = 20> (input, "onnx::LSTM_379", "onnx::LSTM_380", "onnx::LSTM_378")
}
"""
NODE = """\
input: "input"
input: "W"
input: "R"
output: "y"
name: "/l/LSTM"
op_type: "LSTM"
attribute {
  name: "hidden_size"
  i: 20
  type: INT
}
"""


def read(text: str, kind: str) -> list[Found]:
    source = SourceText(text, "text.txt")
    assert text_kind(source) == kind
    return read_text(source, {})


def sizes(found: Found) -> tuple[Any, ...]:
    return tuple(found.layer[field].value for field in ("input_size", "hidden_size", "bias", "bidirectional"))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("text", "framework"),
    [
        (EQUINOX, "equinox"),
        (NNX, "flax-nnx-optimized"),
        (HAIKU, "haiku"),
        (str({"params": {"LSTMCell_0": GATES}}), "flax-linen"),
    ],
)
def test_a_tree_is_a_list_of_its_arrays(text: str, framework: str, seed: int) -> None:
    (found,) = read(mangled(text, seed), "listed")
    assert (found.framework, sizes(found)) == (framework, (10, 20, True, False))
    assert not found.uncertain


def test_names_of_a_tree_are_those_above() -> None:
    assert [*leaves_of("{'a': {'b': (3,), 'c': [4, 5]}, 'd': f32[2,7]}")] == [
        Leaf("a/b", (3,)),
        Leaf("a/c", (4, 5)),
        Leaf("d", (2, 7)),
    ]
    deep = "{'a': " * 5000 + "(3,)" + "}" * 5000
    assert len([*leaves_of(deep)]) == 1


@pytest.mark.parametrize("text", [GRAPH, TEXT])
def test_a_node_of_a_graph_has_the_size_of_its_weights(text: str) -> None:
    (found,) = read(text, "graph")
    assert (found.name, found.framework, sizes(found)) == ("l.LSTM", "onnx", (10, 20, True, True))
    assert found.layer["hidden_size"].origin.certainty == "stated"
    assert found.layer["input_size"].origin.certainty == "inferred"


def test_a_node_alone_leaves_its_input_open() -> None:
    (found,) = read(NODE, "graph")
    assert (found.name, found.layer["bias"].value, [*found.gaps]) == ("l.LSTM", False, ["input_size"])
    with pytest.raises(UnknownSettingError, match="no shape of W"):
        lstms_in(NODE)
    assert lstms_in(NODE, input_size=7) == {"l.LSTM": LSTMConfig(7, 20, bias=False)}
    with pytest.raises(NoLstmError, match="nodes of that type without it"):
        lstms_in(NODE.replace("hidden_size", "other_size"))


MLX = "Net(\n  (rnn): LSTM(input_dims=10, hidden_size=20, bias=False)\n)\n"
GLUON = "Net(\n  (rnn): LSTM(10 -> 20, TNC, num_layers=2, bidirectional)\n  (fc): Dense(20 -> 2, linear)\n)\n"
PADDLE = """\
Net(
  (emb): Embedding(100, 10, sparse=False)
  (rnn): LSTM(10, 20, num_layers=2
    (0): BiRNN(
      (cell_fw): LSTMCell(10, 20)
      (cell_bw): LSTMCell(10, 20)
    )
    (1): BiRNN(
      (cell_fw): LSTMCell(40, 20)
      (cell_bw): LSTMCell(40, 20)
    )
  )
  (fc): Linear(in_features=40, out_features=2, dtype=float32)
)
"""


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("text", "framework", "wanted"),
    [
        (MLX, "mlx", {"input_size": 10, "hidden_size": 20, "bias": False}),
        (GLUON, "mxnet", {"input_size": 10, "hidden_size": 20, "num_layers": 2, "bidirectional": True}),
        (PADDLE, "paddle", {"input_size": 10, "hidden_size": 20, "num_layers": 2, "bidirectional": True}),
    ],
)
def test_prints_of_other_frameworks(text: str, framework: str, wanted: dict[str, Any], seed: int) -> None:
    (found,) = read(mangled(text, seed), "printed")
    assert (found.name, found.framework) == ("rnn", framework)
    assert {field: setting.value for field, setting in found.layer.items()} == wanted
    assert found.text in " ".join(text.split("\n")).replace("(rnn): ", "")


TORCH_GRAPH = """\
graph(%input : Float(5, 3, 10, strides=[30, 10, 1], requires_grad=0, device=cpu),
      %onnx::LSTM_100 : Float(2, 80, 10, strides=[800, 10, 1], requires_grad=0, device=cpu),
      %onnx::LSTM_101 : Float(2, 80, 20, strides=[1600, 20, 1], requires_grad=0, device=cpu)):
  %55 : Float(5, 2, 3, 20), %56 : Float(2, 3, 20), %57 : Float(2, 3, 20) = onnx::LSTM[direction="bidirectional", hidden_size=20](%input, %onnx::LSTM_100, %onnx::LSTM_101, %onnx::LSTM_102, %40, %41, %42), scope: Net::/LSTM::l # rnn.py:769:0
"""
HAIKU_TABLE = """\
| Module                 | Config                 | Module params | Input     | Output    |   Param count |
+========================+========================+===============+===========+===========+===============+
| lstm (LSTM)            | LSTM(hidden_size=20)   |               | f32[2,10] | f32[2,20] |         2,480 |
|  \u2514 deep_rnn (DeepRNN)  |                        |               |           |           |               |
+------------------------+------------------------+---------------+-----------+-----------+---------------+
| lstm/linear (Linear)   | Linear(output_size=80) | w: f32[30,80] | f32[2,30] | f32[2,80] |         2,480 |
|  \u2514 lstm (LSTM)         |                        | b: f32[80]    |           |           |               |
+------------------------+------------------------+---------------+-----------+-----------+---------------+
"""


def test_a_node_of_an_export_of_pytorch_is_read() -> None:
    (found,) = read(TORCH_GRAPH, "graph")
    assert (found.framework, sizes(found)) == ("onnx", (10, 20, True, True))


@pytest.mark.parametrize("text", [HAIKU_TABLE, "lstm/linear b (80,)\nlstm/linear w (30, 80)\n"], ids=["table", "lines"])
def test_what_haiku_prints_is_read(text: str) -> None:
    (found,) = read(text, "listed")
    config = found.stored.config
    assert (found.name, found.framework, config.input_size, config.hidden_size, config.bias) == (
        "lstm",
        "haiku",
        10,
        20,
        True,
    )


def test_a_module_with_its_arguments_is_no_node() -> None:
    assert text_kind(SourceText("ModuleDetails(module=LSTM(hidden_size=20), method_name='init')", "a.txt")) != "graph"
