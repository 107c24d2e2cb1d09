"""Classes of Paddle, MLX, Equinox, tinygrad and Chainer: LSTMs, and what holds them; and the homes of all.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`, `cells`).

Not here: TensorFlow 1 (`tensorflow1`), Gluon (`gluon`) and Haiku (`haiku`).
"""

from typing import Final

from lstmcalc.readers.python.library_classes.gluon import GLUON
from lstmcalc.readers.python.library_classes.haiku import HAIKU
from lstmcalc.readers.python.library_classes.lists import LIST

PADDLE: Final = f"""
class Layer:
    training = True
    def __init__(self, *args, **kwargs):
        pass
    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)
    def add_sublayer(self, name, sublayer):
        setattr(self, name, sublayer)
        return sublayer
    def eval(self):
        return None
    def train(self):
        return None
{LIST.replace("BASE", "Layer")}
class Sequential(_List):
    def __init__(self, *items):
        Layer.__init__(self)
        for item in items:
            if isinstance(item, tuple):
                setattr(self, item[0], item[1])
            else:
                self.append(item)

class LayerList(_List):
    def __init__(self, sublayers=None):
        Layer.__init__(self)
        if sublayers is not None:
            self.extend(sublayers)

class LSTM(Layer):
    __init__ = _recurrent('paddle.nn.LSTM')
    def forward(self, inputs, *args, **kwargs):
        return _wide(self, inputs), (_unknown(), _unknown())

class LSTMCell(Layer):
    __init__ = _recurrent('paddle.nn.LSTMCell')
    def forward(self, inputs, *args, **kwargs):
        made = _wide(self, inputs)
        return made, (made, _unknown())

class GRU(Layer):
    __init__ = _no_lstm('paddle.nn.GRU', '')
    def forward(self, *args, **kwargs):
        return _unknown(), _unknown()

class SimpleRNN(GRU):
    __init__ = _no_lstm('paddle.nn.SimpleRNN', '')

class GRUCell(GRU):
    __init__ = _no_lstm('paddle.nn.GRUCell', '')

class SimpleRNNCell(GRU):
    __init__ = _no_lstm('paddle.nn.SimpleRNNCell', '')

class RNN(Layer):
    def __init__(self, cell, is_reverse=False, time_major=False):
        self.cell = cell
    def forward(self, inputs, *args, **kwargs):
        return _all_steps(self.cell(inputs)[0], inputs), _unknown()

class BiRNN(Layer):
    def __init__(self, cell_fw, cell_bw, time_major=False):
        self.cell_fw = cell_fw
        self.cell_bw = cell_bw
    def forward(self, inputs, *args, **kwargs):
        made = _beside([self.cell_fw(inputs)[0], self.cell_bw(inputs)[0]])
        return _all_steps(made, inputs), (_unknown(), _unknown())

_in_part(Layer)
"""

MLX: Final = f"""
class Module:
    def __init__(self, *args, **kwargs):
        pass
    def eval(self):
        return self
    def train(self, mode=True):
        return self
    def freeze(self, *args, **kwargs):
        return self
{LIST.replace("BASE", "Module")}
class Sequential(Module):
    def __init__(self, *modules):
        self.layers = list(modules)
    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

class LSTM(Module):
    __init__ = _recurrent('mlx.nn.LSTM')
    def __call__(self, x, hidden=None, cell=None):
        made = _wide(self, x)
        return made, made

class GRU(Module):
    __init__ = _no_lstm('mlx.nn.GRU', '')
    def __call__(self, *args, **kwargs):
        return _unknown()

class RNN(GRU):
    __init__ = _no_lstm('mlx.nn.RNN', '')

_in_part(Module)
"""

EQUINOX: Final = """
class Module:
    def __init_subclass__(cls, **kwargs):
        _eqx_fields(cls)

class LSTMCell(Module):
    __init__ = _recurrent('equinox.nn.LSTMCell')
    def __call__(self, input, hidden, key=None):
        made = _wide(self, input)
        return made, _unknown()

class GRUCell(Module):
    __init__ = _no_lstm('equinox.nn.GRUCell', 'hidden_size')
    def __call__(self, input, hidden, key=None):
        return _unknown()

_in_part(Module)
"""

TINYGRAD: Final = """
class LSTMCell:
    __init__ = _recurrent('tinygrad.nn.LSTMCell')
    def __call__(self, x, hc=None):
        made = _wide(self, x)
        return made, _unknown()

_in_part(LSTMCell)
"""

CHAINER: Final = f"""
class _Scope:
    def __enter__(self):
        return self
    def __exit__(self, *args):
        return None

class Link:
    def __init__(self, **params):
        pass
    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)
    def init_scope(self):
        return _Scope()
    def to_gpu(self, *args, **kwargs):
        return self
    def to_cpu(self):
        return self

class Chain(Link):
    def __init__(self, **links):
        for name, link in links.items():
            setattr(self, name, link)
    def add_link(self, name, link):
        setattr(self, name, link)
    def __getitem__(self, name):
        return getattr(self, name)
{LIST.replace("BASE", "Link")}
class ChainList(_List):
    def add_link(self, link):
        self.append(link)

class Sequential(ChainList):
    pass

class LSTM(Link):
    __init__ = _recurrent('chainer.links.LSTM')
    def forward(self, x, *args):
        _see(self, _flat(x))
        return _wide(self, _flat(x))
    def reset_state(self):
        return None

class StatelessLSTM(Link):
    __init__ = _recurrent('chainer.links.StatelessLSTM')
    def forward(self, c, h, x):
        _see(self, _flat(x))
        return _unknown(), _wide(self, _flat(x))

class NStepLSTM(Link):
    __init__ = _recurrent('chainer.links.NStepLSTM')
    def forward(self, hx, cx, xs, *args, **kwargs):
        return _unknown(), _unknown(), [_wide(self, x) for x in _a_list(xs)]

class NStepBiLSTM(NStepLSTM):
    __init__ = _recurrent('chainer.links.NStepBiLSTM')

class GRU(Link):
    __init__ = _no_lstm('chainer.links.GRU', '')
    def forward(self, *args, **kwargs):
        return _unknown()

class StatelessGRU(GRU):
    __init__ = _no_lstm('chainer.links.StatelessGRU', '')

class StatefulGRU(GRU):
    __init__ = _no_lstm('chainer.links.StatefulGRU', '')

class NStepGRU(GRU):
    __init__ = _no_lstm('chainer.links.NStepGRU', '')

class NStepBiGRU(GRU):
    __init__ = _no_lstm('chainer.links.NStepBiGRU', '')

class NStepRNNTanh(GRU):
    __init__ = _no_lstm('chainer.links.NStepRNNTanh', '')

class Linear(Link):
    def __init__(self, in_size, out_size=None, *args, **kwargs):
        self.out_size = in_size if out_size is None else out_size
    def forward(self, x, n_batch_axes=1):
        return _dense(x, self.out_size, n_batch_axes == 1)

class EmbedID(Link):
    def __init__(self, in_size, out_size, *args, **kwargs):
        self.out_size = out_size
    def forward(self, x):
        return _with_axis(x, self.out_size, True)

_in_part(Link)
"""


def _homes(home: str, names: str, prefix: str) -> dict[str, str]:
    return {f"{prefix}.{name}": home for name in names.split()}


CODE_OF_CELLS: Final = {
    "paddle": PADDLE,
    "gluon": GLUON,
    "mlx": MLX,
    "haiku": HAIKU,
    "equinox": EQUINOX,
    "tinygrad": TINYGRAD,
    "chainer": CHAINER,
}
HOMES: Final = {
    **_homes(
        "paddle",
        "Layer Sequential LayerList LSTM LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell RNN BiRNN",
        "paddle.nn",
    ),
    **_homes("gluon", "Block HybridBlock", "mxnet.gluon"),
    **_homes("gluon", "Block HybridBlock Sequential HybridSequential Dense Embedding Dropout", "mxnet.gluon.nn"),
    **_homes(
        "gluon",
        "LSTM GRU RNN RecurrentCell HybridRecurrentCell LSTMCell GRUCell RNNCell SequentialRNNCell "
        "HybridSequentialRNNCell BidirectionalCell ModifierCell ZoneoutCell ResidualCell DropoutCell",
        "mxnet.gluon.rnn",
    ),
    **_homes("mlx", "Module Sequential LSTM GRU RNN", "mlx.nn"),
    **_homes(
        "haiku",
        "Module RNNCore LSTM GRU VanillaRNN DeepRNN deep_rnn_with_skip_connections ResetCore IdentityCore Linear Embed "
        "Sequential dynamic_unroll static_unroll transform transform_with_state without_apply_rng",
        "haiku",
    ),
    "equinox.Module": "equinox",
    **_homes("equinox", "LSTMCell GRUCell", "equinox.nn"),
    "tinygrad.nn.LSTMCell": "tinygrad",
    **_homes("chainer", "Link Chain ChainList Sequential", "chainer"),
    **_homes(
        "chainer",
        "LSTM StatelessLSTM NStepLSTM NStepBiLSTM GRU StatelessGRU StatefulGRU NStepGRU NStepBiGRU NStepRNNTanh Linear "
        "EmbedID",
        "chainer.links",
    ),
}
