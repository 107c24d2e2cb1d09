"""LSTMs of TensorFlow 1, Paddle, Gluon, MLX, Haiku, Equinox, tinygrad and Chainer in code.

`tests/longtail/readers/test_cells.py` runs random programs with these libraries.
"""

from typing import Any

import pytest

from lstmcalc.errors import SourceError
from lstmcalc.readers.found import Found
from tools.reading import found_in

TF1 = "import tensorflow as tf\nx = tf.placeholder(tf.float32, [None, 5, 7])\n"


def sizes(code: str) -> list[tuple[str, dict[str, Any]]]:
    """The framework of each LSTM, and its settings that are no defaults."""
    return [(item.framework, {name: setting.value for name, setting in item.layer.items()}) for item in found_in(code)]


def widths(code: str) -> list[tuple[Any, Any]]:
    """The input and the hidden size of each LSTM, None for one that is open."""
    made = []
    for item in found_in(code):
        first, second = (
            item.layer[name].value if name in item.layer else None for name in ("input_size", "hidden_size")
        )
        made.append((first, second))
    return made


def one(code: str) -> Found:
    (found,) = found_in(code)
    return found


@pytest.mark.parametrize(
    ("code", "framework", "settings"),
    [
        ("import paddle\npaddle.nn.LSTM(3, 5, 2, 'bidirect')", "paddle", {"num_layers": 2, "bidirectional": True}),
        ("from paddle import nn\nnn.LSTM(3, 5, direction='forward', proj_size=2)", "paddle", {"bidirectional": False, "proj_size": 2}),
        ("from paddle.nn import LSTMCell\nLSTMCell(3, 5)", "paddle", {}),
        ("import mlx.nn as nn\nnn.LSTM(3, 5, bias=False)", "mlx", {"bias": False}),
        ("import equinox as eqx\neqx.nn.LSTMCell(3, 5, use_bias=False, key=0)", "equinox", {"bias": False}),
        ("from tinygrad.nn import LSTMCell\nLSTMCell(3, 5)", "tinygrad", {}),
        ("import tinygrad\ntinygrad.nn.LSTMCell(input_size=3, hidden_size=5, bias=False)", "tinygrad", {"bias": False}),
        ("import chainer.links as L\nL.NStepBiLSTM(2, 3, 5, 0.1)", "chainer", {"num_layers": 2, "dropout": 0.1, "bidirectional": True}),
        ("from chainer import links\nlinks.NStepLSTM(1, 3, 5, dropout=0)", "chainer", {"num_layers": 1, "dropout": 0}),
        ("import chainer.links as L\nL.LSTM(3, 5)", "pytorch", {}),
        ("from mxnet.gluon import rnn\nrnn.LSTM(5, 2, bidirectional=True, input_size=3)", "mxnet", {"num_layers": 2, "bidirectional": True}),
        ("import mxnet as mx\nmx.gluon.rnn.LSTMCell(5, input_size=3)", "mxnet", {}),
    ],
)  # fmt: skip
def test_constructors(code: str, framework: str, settings: dict[str, Any]) -> None:
    assert sizes(code) == [(framework, {"input_size": 3, "hidden_size": 5, **settings})]


@pytest.mark.parametrize(
    "cell",
    [
        "tf.nn.rnn_cell.LSTMCell(5)",
        "tf.contrib.rnn.BasicLSTMCell(5, forget_bias=1.0, state_is_tuple=True)",
        "tf.compat.v1.nn.rnn_cell.LSTMCell(num_units=5)",
        "tf.contrib.rnn.LSTMBlockCell(5)",
        "tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(5)])",
        "tf.nn.rnn_cell.DropoutWrapper(tf.contrib.rnn.ResidualWrapper(tf.nn.rnn_cell.LSTMCell(5)), 0.5)",
    ],
)
@pytest.mark.parametrize(
    "run",
    [
        "tf.nn.dynamic_rnn({}, x, dtype=tf.float32)",
        "tf.nn.static_rnn({}, tf.unstack(x, 5, 1), dtype=tf.float32)",
        "tf.contrib.rnn.static_rnn({}, tf.split(x, 5, 1), dtype=tf.float32)",
        "{}(x[:, 0], None)",
    ],
)
def test_the_input_of_a_cell_is_what_it_is_run_over(cell: str, run: str) -> None:
    assert widths(f"{TF1}{run.format(cell)}") == [(7, 5)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "cells = [tf.nn.rnn_cell.LSTMCell(n, num_proj=2) for n in (5, 6)]\ny, s = tf.nn.dynamic_rnn(tf.nn.rnn_cell.MultiRNNCell(cells), x)",
            [(7, 5), (2, 6)],
        ),
        (
            ("from tensorflow.contrib.rnn import LSTMCell\n(a, b), s = tf.nn.bidirectional_dynamic_rnn(LSTMCell(4), LSTMCell(5), x)\n"
            "y, s = tf.nn.dynamic_rnn(LSTMCell(6), tf.concat([a, b], 2))"),
            [(7, 4), (7, 5), (9, 6)],
        ),
        (
            ("table = tf.get_variable('table', [100, 9])\nids = tf.placeholder(tf.int32, [None, None])\n"
            "tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(5), tf.nn.embedding_lookup(table, ids))"),
            [(9, 5)],
        ),
        ("cell = tf.nn.rnn_cell.LSTMCell(5)", [(None, 5)]),
        ("tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(5), unknown)", [(None, 5)]),
        ("tf.contrib.cudnn_rnn.CudnnLSTM(2, 5, direction='bidirectional')(x)", [(7, 5)]),
        ("tf.contrib.cudnn_rnn.CudnnLSTM(2, 5, 3)", [(3, 5)]),
        (
            ("class Twice(tf.nn.rnn_cell.BasicLSTMCell):\n    def __call__(self, inputs, state, scope=None):\n"
            "        return super().__call__(tf.concat([inputs, inputs], 1), state)\ntf.nn.dynamic_rnn(Twice(5), x)"),
            [(14, 5)],
        ),
    ],
)  # fmt: skip
def test_widths_flow_through_tensorflow_1(code: str, expected: list[tuple[Any, Any]]) -> None:
    assert widths(TF1 + code) == expected


def test_the_direction_of_cudnn_is_read() -> None:
    found = one(f"{TF1}tf.contrib.cudnn_rnn.CudnnLSTM(2, 5, direction='bidirectional')(x)")
    assert (found.framework, found.layer["num_layers"].value, found.layer["bidirectional"].value) == ("cudnn", 2, True)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            (
                "def forward(x):\n    core = hk.DeepRNN([hk.LSTM(4), jax.nn.relu, hk.LSTM(5)])\n"
                "    y, s = hk.dynamic_unroll(core, hk.Linear(3)(x), core.initial_state(2))\n    return hk.LSTM(6)(y[-1], None)\n"
                "hk.transform(forward).init(0, jnp.zeros((5, 2, 7)))"
            ),
            [(3, 4), (4, 5), (5, 6)],
        ),
        ("class Net(hk.Module):\n    def __call__(self, ids):\n        return hk.LSTM(5)(hk.Embed(10, 9)(ids), None)", [(9, 5)]),
        ("def forward(x):\n    return hk.LSTM(5)(x, None)\nf = hk.transform(forward)", [(None, 5)]),
        (
            (
                "def f(x):\n    core = hk.deep_rnn_with_skip_connections([hk.LSTM(4), hk.LSTM(5)])\n"
                "    return hk.static_unroll(core, x, None)\nhk.transform(f).init(0, jnp.ones([2, 3, 7]))"
            ),
            [(7, 4), (11, 5)],
        ),
    ],
)  # fmt: skip
def test_widths_flow_through_haiku(code: str, expected: list[tuple[Any, Any]]) -> None:
    assert widths(f"import haiku as hk, jax, jax.numpy as jnp\n{code}") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            (
                "net = gluon.nn.Sequential()\nnet.add(gluon.nn.Embedding(50, 7))\nnet.add(rnn.LSTM(4, bidirectional=True), rnn.LSTM(5))\n"
                "net(mx.nd.zeros((3, 2)))"
            ),
            [(7, 4), (8, 5)],
        ),
        (
            (
                "stack = rnn.SequentialRNNCell()\nstack.add(rnn.BidirectionalCell(rnn.LSTMCell(4), rnn.LSTMCell(6)))\nstack.add(rnn.LSTMCell(5))\n"
                "stack.unroll(3, mx.nd.zeros((2, 3, 7)), merge_outputs=True)"
            ),
            [(7, 4), (7, 6), (10, 5)],
        ),
        (
            (
                "class Net(gluon.HybridBlock):\n    def __init__(self):\n        super().__init__()\n        with self.name_scope():\n"
                "            self.embed = gluon.nn.Embedding(50, 9)\n            self.rnn = rnn.LSTM(5)\n"
                "    def hybrid_forward(self, F, x):\n        return self.rnn(self.embed(x))"
            ),
            [(9, 5)],
        ),
        ("rnn.LSTM(5, input_size=0)", [(None, 5)]),
    ],
)  # fmt: skip
def test_widths_flow_through_gluon(code: str, expected: list[tuple[Any, Any]]) -> None:
    assert widths(f"import mxnet as mx\nfrom mxnet import gluon\nfrom mxnet.gluon import rnn\n{code}") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("L.LSTM(5)(np.zeros((2, 7)))", (7, 5)),
        ("L.LSTM(None, 5)(np.zeros((2, 3, 7)))", (21, 5)),  # as its Linear does
        ("L.LSTM(7, 5)", (7, 5)),
        ("L.LSTM(5)", (None, 5)),
        ("L.StatelessLSTM(in_size=7, out_size=5)", (7, 5)),
    ],
)
def test_one_size_of_a_link_of_chainer_is_that_of_the_output(code: str, expected: tuple[Any, Any]) -> None:
    assert widths(f"import chainer.links as L, numpy as np\n{code}") == [expected]


def test_a_field_of_equinox_has_its_default() -> None:
    code = (
        "import equinox as eqx\nclass Net(eqx.Module):\n    n: int = eqx.field(default=6, static=True)\n"
        "    def make(self):\n        return eqx.nn.LSTMCell(self.n, 5, key=0)\nNet().make()"
    )
    assert widths(code) == [(6, 5)]


def test_the_field_of_an_equinox_module_is_no_second_lstm() -> None:
    code = (
        "import equinox as eqx\nclass Net(eqx.Module):\n    cell: eqx.nn.LSTMCell\n    n: int = 3\n"
        "    def __init__(self, key, width):\n        self.cell = eqx.nn.LSTMCell(width, 5, key=key)\nnet = Net(0, 7)"
    )
    assert (widths(code), [item.name for item in found_in(code)]) == ([(7, 5)], ["cell"])


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from paddle import nn\nnet = nn.LayerList([nn.LSTM(3, 4), nn.LSTM(4, 5)])", ["net.0", "net.1"]),
        ("from mxnet.gluon import nn, rnn\nnet = nn.Sequential()\nnet.add(nn.Dropout(0.1), rnn.LSTM(4))", ["net.1"]),
        ("import chainer, chainer.links as L\nnet = chainer.ChainList(L.LSTM(3, 4))", ["net.0"]),
    ],
)
def test_names_have_the_place_in_a_list(code: str, names: list[str]) -> None:
    assert [item.name for item in found_in(code)] == names


@pytest.mark.parametrize(
    ("arguments", "unmodelled"),
    [
        ("use_peepholes=True", ("use_peepholes = True",)),
        ("cell_clip=3.0", ("cell_clip = 3.0",)),
        ("proj_clip=1.0, num_proj=2", ("proj_clip = 1.0",)),
        ("activation=tf.nn.elu", ("activation = tensorflow.nn.elu",)),
        ("use_peepholes=False, cell_clip=None, activation=tf.tanh, num_proj=None", ()),
    ],
)
def test_what_is_more_than_an_lstm_is_said(arguments: str, unmodelled: tuple[str, ...]) -> None:
    assert one(f"{TF1}tf.nn.rnn_cell.LSTMCell(5, {arguments})").unmodelled == unmodelled


def test_another_forget_bias_is_said() -> None:
    notes = one(f"{TF1}tf.nn.rnn_cell.BasicLSTMCell(5, 0.0)").notes
    assert any(note.startswith("forget_bias = 0.0: it is what is added to the forget gate") for note in notes)
    assert not any("forget_bias" in note for note in one(f"{TF1}tf.nn.rnn_cell.BasicLSTMCell(5)").notes)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from paddle import nn\nnn.LSTM(3, 5, time_major=True)", "time_major = True: the axes L and N"),
        ("from mxnet.gluon import rnn\nrnn.LSTM(5, layout='NTC')", "layout = 'NTC': the axes L and N"),
        ("import chainer.links as L\nL.LSTM(3, 5)", "LSTM of Chainer is reported as nn.LSTM: it has one bias"),
        (
            "import tensorflow as tf\ntf.contrib.rnn.LSTMBlockCell(5)",
            "LSTMBlockCell is read by its source, and was not run",
        ),
    ],
)
def test_what_the_table_does_not_have_is_said(code: str, said: str) -> None:
    assert any(note.startswith(said) for note in one(code).notes)


def test_one_cell_in_several_layers_is_uncertain() -> None:
    found = one(
        f"{TF1}cell = tf.nn.rnn_cell.LSTMCell(7)\ntf.nn.dynamic_rnn(tf.nn.rnn_cell.MultiRNNCell([cell] * 3), x)"
    )
    assert found.uncertain[0].startswith("one object is 3 layers of a MultiRNNCell")


@pytest.mark.parametrize(
    ("first", "second", "framework"),
    [
        ("from keras.layers import LSTM", "from paddle.nn import LSTM", "paddle"),
        ("from paddle.nn import LSTM", "from torch.nn import LSTM", "pytorch"),
        ("from torch.nn import *", "from mlx.nn import LSTM", "mlx"),
    ],
)
def test_of_two_imports_of_a_name_the_last_counts(first: str, second: str, framework: str) -> None:
    assert sizes(f"{first}\n{second}\nLSTM(3, 5)")[0][0] == framework


@pytest.mark.parametrize(
    "name", ["tinygrad.nn.LSTM", "tf.contrib.rnn.LayerNormBasicLSTMCell", "mx.rnn.LSTMCell", "eqx.nn.LSTM"]
)
def test_what_is_not_of_the_table_is_named_and_refused(name: str) -> None:
    head = "import tinygrad, tensorflow as tf, mxnet as mx, equinox as eqx\n"
    with pytest.raises(SourceError, match=f"{name} is none that can be read"):
        found_in(f"{head}{name}(3, 5)")


def test_a_direction_that_there_is_not_is_open() -> None:
    assert one("from paddle import nn\nnn.LSTM(3, 5, direction='both')").gaps["bidirectional"].why == (
        "direction = 'both', which is none"
    )


def test_an_unknown_number_of_layers_is_uncertain() -> None:
    code = f"{TF1}tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(5) for _ in range(n)])"
    assert one(code).uncertain


def test_a_projection_that_is_as_large_as_the_hidden_state_is_open() -> None:
    found = found_in(f"{TF1}tf.nn.rnn_cell.LSTMCell(5, num_proj=5)\ntf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(6), x)")
    assert found[0].gaps["proj_size"].why == "5, which PyTorch has only below hidden_size = 5"
    assert found[1].layer["input_size"].value == 7


def test_outputs_of_steps_are_stacked() -> None:
    code = (
        "LSTMCell = tf.nn.rnn_cell.LSTMCell\nys, s = tf.nn.static_rnn(LSTMCell(4), tf.unstack(x, 5, 1))\n"
        "tf.nn.dynamic_rnn(LSTMCell(6), tf.stack(ys, 1))"
    )
    assert widths(TF1 + code) == [(7, 4), (4, 6)]


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("paddle.nn.LSTM(3, 5)", "paddle"),
        ("mx.gluon.rnn.LSTM(5, input_size=3)", "mxnet"),
        ("hk.LSTM(5)", "haiku"),
        ("eqx.nn.LSTMCell(3, 5, key=key)", "equinox"),
        ("tf.nn.rnn_cell.LSTMCell(5)", "tf1"),
        ("BasicLSTMCell(5)", "tf1"),
        ("L.NStepLSTM(1, 3, 5, 0.1)", "chainer"),
        ("NStepBiLSTM(1, 3, 5, 0.1)", "chainer"),
        ("L.LSTM(5)", "keras"),
    ],
)
def test_a_call_without_imports_is_what_it_usually_is(text: str, framework: str) -> None:
    assert one(text).framework == framework


def test_keys_are_gone_through_beside_sizes() -> None:
    code = (
        "import equinox as eqx, jax\nkeys = jax.random.split(jax.random.PRNGKey(0), 2)\n"
        "cells = [eqx.nn.LSTMCell(a, b, key=k) for a, b, k in zip([3, 4], [5, 6], keys)]\n"
        "one, other = jax.random.split(keys[0])\ncell = eqx.nn.LSTMCell(7, 8, key=one)"
    )
    assert widths(code) == [(3, 5), (4, 6), (7, 8)]


@pytest.mark.parametrize(("rows", "certain"), [("2", True), ("number()", False), ("5000", False)])
def test_an_array_is_gone_through(rows: str, certain: bool) -> None:
    code = f"import torch\nfrom torch import nn\nfrom outside import number\nfor row in torch.zeros({rows}, 3):\n    nn.LSTM(row.shape[0], 5)"
    found = found_in(code)
    assert [bool(item.uncertain) for item in found] == ([False, False] if certain else [True])
