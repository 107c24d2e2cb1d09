"""Constructors of LSTMs of TensorFlow 1, Paddle, MXNet Gluon, MLX, Haiku, Equinox, tinygrad and Chainer.

Those whose `how` is not `source` were held against the instances that random programs construct.

Not here: PyTorch, Keras and Flax (`constructors`).
"""

from typing import Final

from lstmcalc.frameworks.constructor import Constructor

_TF1: Final = "tf_keras 2.21.0, tf_keras/src/layers/rnn/legacy_cells.py"
_CONTRIB: Final = "tensorflow 1.15, tensorflow/contrib/rnn/python/ops/lstm_ops.py, from general knowledge"
_PADDLE: Final = "paddlepaddle 3.3.1, paddle/nn/layer/rnn.py"
_GLUON: Final = "mxnet 1.9.1, mxnet/gluon/rnn"
_CHAINER: Final = "chainer 7.8.1, chainer/links/rnn"

CELLS: Final = "tensorflow.nn.rnn_cell"  # the spelling of the tables for all homes of TensorFlow 1's cells

_FORGET: Final = {
    "forget_bias": (1.0, ": it is what is added to the forget gate at run time, not the 1 that is said of TensorFlow 1")
}
_BLOCK: Final = {"use_peephole": (False,), "cell_clip": (None, -1)}
_SCOPE: Final = "variable scopes decide how the names of its arrays begin"
_ATTRS: Final = "weight_ih_attr weight_hh_attr bias_ih_attr bias_hh_attr"
_NO_BIAS: Final = {"bias_ih_attr": (False,), "bias_hh_attr": (False,)}
_INITIALIZERS: Final = "i2h_weight_initializer h2h_weight_initializer i2h_bias_initializer h2h_bias_initializer"
_TIME_MAJOR: Final = {"time_major": (False, ": the axes L and N are the other way round than is said")}
_GLUON_SIZES: Final = {"hidden_size": "hidden_size", "input_size": "input_size"}
_CUDNN: Final = Constructor(
    "cudnn",
    ("tensorflow.contrib.cudnn_rnn.CudnnLSTM",),
    "num_layers num_units input_mode direction dropout seed dtype kernel_initializer bias_initializer name",
    {
        "num_layers": "num_layers",
        "num_units": "hidden_size",
        "direction": "direction",
        "dropout": "dropout",
        "dtype": "dtype",
    },
    "tensorflow 1.15, tensorflow/contrib/cudnn_rnn/python/layers/cudnn_rnn.py, from general knowledge",
    {"input_mode": ("linear_input",)},
    words=("a checkpoint has the arrays of TensorFlow 1 under cudnn_compatible_lstm_cell, with one bias",),
    how="source",
)

FURTHER: Final = (
    Constructor(
        "tf1",
        (f"{CELLS}.LSTMCell",),
        "num_units use_peepholes cell_clip initializer num_proj proj_clip num_unit_shards num_proj_shards forget_bias "
        "state_is_tuple activation reuse name dtype * input_size trainable",
        {"num_units": "hidden_size", "num_proj": "proj_size", "dtype": "dtype"},
        _TF1,
        {"use_peepholes": (False,), "cell_clip": (None,), "proj_clip": (None,), "activation": (None, "tanh")},
        noted=_FORGET,
        words=(_SCOPE,),
    ),
    Constructor(
        "tf1",
        (f"{CELLS}.BasicLSTMCell",),
        "num_units forget_bias state_is_tuple activation reuse name dtype * input_size trainable",
        {"num_units": "hidden_size", "dtype": "dtype"},
        _TF1,
        {"activation": (None, "tanh")},
        noted=_FORGET,
        words=("BasicLSTMCell stores its arrays under basic_lstm_cell, not lstm_cell", _SCOPE),
    ),
    Constructor(
        "tf1",
        (f"{CELLS}.LSTMBlockCell",),
        "num_units forget_bias cell_clip use_peephole dtype reuse name",
        {"num_units": "hidden_size", "dtype": "dtype"},
        _CONTRIB,
        _BLOCK,
        noted=_FORGET,
        words=(_SCOPE,),
        how="source",
    ),
    Constructor(
        "tf1",
        (f"{CELLS}.LSTMBlockFusedCell",),
        "num_units forget_bias cell_clip use_peephole reuse name dtype",
        {"num_units": "hidden_size", "dtype": "dtype"},
        _CONTRIB,
        _BLOCK,
        noted=_FORGET,
        words=("LSTMBlockFusedCell stores its arrays under lstm_fused_cell, and takes (L, N, H_in)", _SCOPE),
        how="source",
    ),
    _CUDNN,
    _CUDNN._replace(  # up to TensorFlow 1.3
        order="num_layers num_units input_size input_mode direction dropout seed",
        fields={**_CUDNN.fields, "input_size": "input_size"},
    ),
    Constructor(
        "paddle",
        ("paddle.nn.LSTM",),
        f"input_size hidden_size num_layers direction time_major dropout {_ATTRS} proj_size name",
        {
            **{name: name for name in ("input_size", "hidden_size", "num_layers", "dropout", "proj_size")},
            "direction": "direction",
        },
        _PADDLE,
        noted=_TIME_MAJOR,
        unlike=_NO_BIAS,
    ),
    Constructor(
        "paddle",
        ("paddle.nn.LSTMCell",),
        f"input_size hidden_size {_ATTRS} proj_size name",
        {"input_size": "input_size", "hidden_size": "hidden_size"},
        _PADDLE,
        {"proj_size": (0, None)},
        unlike=_NO_BIAS,
        words=("LSTMCell of Paddle computes one step, and stores its arrays without _l0: weight_ih, bias_ih",),
    ),
    Constructor(
        "mxnet",
        ("mxnet.gluon.rnn.LSTM",),
        f"hidden_size num_layers layout dropout bidirectional input_size {_INITIALIZERS} projection_size "
        "h2r_weight_initializer state_clip_min state_clip_max state_clip_nan dtype * use_sequence_length prefix params",
        {
            **_GLUON_SIZES,
            **{name: name for name in ("num_layers", "dropout", "bidirectional", "dtype")},
            "projection_size": "proj_size",
        },
        f"{_GLUON}/rnn_layer.py",
        {"state_clip_min": (None,), "state_clip_max": (None,), "state_clip_nan": (False,)},
        noted={"layout": ("TNC", ": the axes L and N are the other way round than is said")},
        deferred=(0,),
    ),
    Constructor(
        "mxnet",
        ("mxnet.gluon.rnn.LSTMCell",),
        f"hidden_size {_INITIALIZERS} input_size prefix params activation recurrent_activation",
        _GLUON_SIZES,
        f"{_GLUON}/rnn_cell.py",
        {"activation": ("tanh",), "recurrent_activation": ("sigmoid",)},
        deferred=(0,),
        words=("LSTMCell of Gluon computes one step, and stores its arrays without l0_: i2h_weight, i2h_bias",),
    ),
    Constructor(
        "mlx",
        ("mlx.nn.LSTM",),
        "input_size hidden_size bias",
        {name: name for name in ("input_size", "hidden_size", "bias")},
        "mlx 0.32.4, mlx/nn/layers/recurrent.py",
    ),
    Constructor(
        "haiku",
        ("haiku.LSTM",),
        "hidden_size name",
        {"hidden_size": "hidden_size"},
        "dm-haiku 0.0.17, haiku/_src/recurrent.py",
    ),
    Constructor(
        "equinox",
        ("equinox.nn.LSTMCell",),
        "input_size hidden_size use_bias dtype * key",
        {"input_size": "input_size", "hidden_size": "hidden_size", "use_bias": "bias", "dtype": "dtype"},
        "equinox 0.13.8, equinox/nn/_rnn.py",
    ),
    Constructor(
        "tinygrad",
        ("tinygrad.nn.LSTMCell",),
        "input_size hidden_size bias",
        {name: name for name in ("input_size", "hidden_size", "bias")},
        "tinygrad 0.14.0, tinygrad/nn/__init__.py",
    ),
    *(
        Constructor(
            "chainer",
            (f"chainer.links.{name}",),
            "n_layers in_size out_size dropout use_cudnn * initialW initial_bias",
            {"n_layers": "num_layers", "in_size": "input_size", "out_size": "hidden_size", "dropout": "dropout"},
            f"{_CHAINER}/n_step_lstm.py",
            implied={"bidirectional": True} if name == "NStepBiLSTM" else {},
        )
        for name in ("NStepLSTM", "NStepBiLSTM")
    ),
    *(
        Constructor(
            "pytorch",  # its rows are interleaved by unit, which no layout of the table says
            (f"chainer.links.{name}",),
            "in_size out_size lateral_init upward_init bias_init forget_bias_init",
            {"in_size": "input_size", "out_size": "hidden_size"},
            f"{_CHAINER}/lstm.py",
            deferred=(None,),
            words=(
                (
                    f"{name} of Chainer is reported as nn.LSTM: it has one bias, 4*H_cell parameters fewer, and is "
                    "stored as upward/W, upward/b and lateral/W, row 4*u + k of unit u, gates g i f o"
                ),
            ),
        )
        for name in ("LSTM", "StatelessLSTM")
    ),
)

# Layers that are recognised in order to say that they are not an LSTM.
FURTHER_RELATIVES: Final = frozenset(
    f"{home}.{name}"
    for home, names in (
        (CELLS, ("GRUCell", "BasicRNNCell", "GRUBlockCell", "GRUBlockCellV2", "RNNCell")),
        ("paddle.nn", ("GRU", "GRUCell", "SimpleRNN", "SimpleRNNCell")),
        ("mxnet.gluon.rnn", ("GRU", "GRUCell", "RNN", "RNNCell")),
        ("mlx.nn", ("GRU", "RNN")),
        ("haiku", ("GRU", "VanillaRNN", "Conv1DLSTM", "Conv2DLSTM", "Conv3DLSTM")),
        ("equinox.nn", ("GRUCell",)),
        ("chainer.links", ("GRU", "StatelessGRU", "StatefulGRU", "NStepGRU", "NStepBiGRU", "NStepRNNTanh")),
    )
    for name in names
)
