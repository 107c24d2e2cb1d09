"""Classes of Paddle, MXNet Gluon, MLX, Haiku, Equinox, tinygrad and Chainer: LSTMs, and what holds them.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`, `cells`).

Not here: TensorFlow 1 (`code_of_tensorflow1`), and which class has which name in a library (`library_code`).
"""

from typing import Final

LISTS: Final = ("_List", "SequentialRNNCell")  # the classes that number what they hold
# What numbers what it holds, as a list does.
_LIST: Final = """
class _List(BASE):
    def __init__(self, *items):
        super().__init__()
        for item in items:
            self.append(item)
    def append(self, item):
        setattr(self, str(len(_children_all(self))), item)
        return self
    def extend(self, items):
        for item in items:
            self.append(item)
        return self
    def __iter__(self):
        return iter(_children_all(self))
    def __len__(self):
        return len(_children_all(self))
    def __getitem__(self, index):
        return _children_all(self)[index]
    def __setitem__(self, index, item):
        setattr(self, [name for name, _ in _named_children_all(self)][index], item)
    def forward(self, x, *args):
        for item in _children_all(self):
            x = item(x)
        return x
"""

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
{_LIST.replace("BASE", "Layer")}
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

GLUON: Final = f"""
class _Scope:
    def __enter__(self):
        return self
    def __exit__(self, *args):
        return None

class Block:
    def __init__(self, prefix=None, params=None):
        pass
    def __call__(self, *args):
        return self.forward(*args)
    def name_scope(self):
        return _Scope()
    def register_child(self, block, name=None):
        setattr(self, name or str(len(_children_all(self))), block)
    def initialize(self, *args, **kwargs):
        return None
    def hybridize(self, *args, **kwargs):
        return None

class HybridBlock(Block):
    def forward(self, x, *args):
        return self.hybrid_forward(_unknown(), x, *args)
{_LIST.replace("BASE", "HybridBlock")}
class Sequential(_List):
    def __init__(self, prefix=None, params=None):
        pass
    def add(self, *blocks):
        self.extend(blocks)

class HybridSequential(Sequential):
    pass

class Dense(HybridBlock):
    def __init__(self, units, activation=None, use_bias=True, flatten=True, *args, **kwargs):
        self._units = units
        self._flatten = flatten
    def forward(self, x):
        return _dense(x, self._units, self._flatten)

class Embedding(HybridBlock):
    def __init__(self, input_dim, output_dim, *args, **kwargs):
        self._output_dim = output_dim
    def forward(self, x):
        return _with_axis(x, self._output_dim, True)

class Dropout(HybridBlock):
    def __init__(self, *args, **kwargs):
        pass
    def forward(self, x):
        return _same_array(x)

class LSTM(HybridBlock):
    __init__ = _recurrent('mxnet.gluon.rnn.LSTM')
    def forward(self, inputs, states=None, *args):
        _see(self, inputs)
        made = _wide(self, inputs)
        return made if states is None else (made, _unknown())
    def begin_state(self, *args, **kwargs):
        return _unknown()

class GRU(HybridBlock):
    __init__ = _no_lstm('mxnet.gluon.rnn.GRU', '')
    def forward(self, inputs, states=None, *args):
        return _unknown()
    def begin_state(self, *args, **kwargs):
        return _unknown()

class RNN(GRU):
    __init__ = _no_lstm('mxnet.gluon.rnn.RNN', '')

class RecurrentCell(HybridBlock):
    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        made = self(_step_of(inputs, layout), _unknown())[0]
        return _unrolled(made, inputs, length, merge_outputs), _unknown()
    def begin_state(self, *args, **kwargs):
        return _unknown()
    def reset(self):
        return None

class HybridRecurrentCell(RecurrentCell):
    pass

class LSTMCell(RecurrentCell):
    __init__ = _recurrent('mxnet.gluon.rnn.LSTMCell')
    def forward(self, inputs, states=None):
        inputs = _flat(inputs)
        _see(self, inputs)
        made = _wide(self, inputs)
        return made, [made, _unknown()]

class GRUCell(RecurrentCell):
    __init__ = _no_lstm('mxnet.gluon.rnn.GRUCell', 'hidden_size')
    def forward(self, inputs, states=None):
        return _wide(self, inputs), _unknown()

class RNNCell(GRUCell):
    __init__ = _no_lstm('mxnet.gluon.rnn.RNNCell', 'hidden_size')

class SequentialRNNCell(RecurrentCell):
    def __init__(self, prefix=None, params=None):
        pass
    def add(self, cell):
        setattr(self, str(len(_children_all(self))), cell)
    def __len__(self):
        return len(_children_all(self))
    def __getitem__(self, index):
        return _children_all(self)[index]
    def __iter__(self):
        return iter(_children_all(self))
    def forward(self, inputs, states=None):
        for cell in _children_all(self):
            inputs = cell(inputs, _unknown())[0]
        return inputs, _unknown()
    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        for cell in _children_all(self):
            inputs = cell.unroll(length, inputs, _unknown(), layout, merge_outputs)[0]
        return inputs, _unknown()

class HybridSequentialRNNCell(SequentialRNNCell):
    pass

class BidirectionalCell(RecurrentCell):
    def __init__(self, l_cell, r_cell, *args, **kwargs):
        self.l_cell = l_cell
        self.r_cell = r_cell
    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        step = _step_of(inputs, layout)
        made = _beside([self.l_cell(step, _unknown())[0], self.r_cell(step, _unknown())[0]])
        return _unrolled(made, inputs, length, merge_outputs), _unknown()

class ModifierCell(RecurrentCell):
    def __init__(self, base_cell, *args, **kwargs):
        self.base_cell = base_cell
    def forward(self, inputs, states=None):
        return self.base_cell(inputs, states)

class ZoneoutCell(ModifierCell):
    pass

class ResidualCell(ModifierCell):
    pass

class DropoutCell(RecurrentCell):
    def __init__(self, *args, **kwargs):
        pass
    def forward(self, inputs, states=None):
        return inputs, states
    def unroll(self, length, inputs, begin_state=None, layout='NTC', merge_outputs=None, valid_length=None):
        return inputs, begin_state

_in_part(Block)
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
{_LIST.replace("BASE", "Module")}
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

HAIKU: Final = """
class Module:
    def __init__(self, name=None):
        pass

class RNNCore(Module):
    def initial_state(self, batch_size):
        return _unknown()

class LSTM(RNNCore):
    __init__ = _recurrent('haiku.LSTM')
    def __call__(self, inputs, prev_state=None):
        _see(self, inputs)
        return _wide(self, inputs), _unknown()

class GRU(RNNCore):
    __init__ = _no_lstm('haiku.GRU', 'hidden_size')
    def __call__(self, inputs, prev_state=None):
        return _wide(self, inputs), _unknown()

class VanillaRNN(GRU):
    __init__ = _no_lstm('haiku.VanillaRNN', 'hidden_size')

class DeepRNN(RNNCore):
    def __init__(self, layers, name=None):
        self.layers = layers
    def __call__(self, inputs, state=None):
        for layer in self.layers:
            if _is_function(layer) or not isinstance(layer, RNNCore):
                inputs = layer(inputs)
            else:
                inputs = layer(inputs, _unknown())[0]
        return inputs, _unknown()

class _Skipping(RNNCore):
    def __init__(self, layers, name=None):
        self.layers = layers
    def __call__(self, inputs, state=None):
        made = []
        current = inputs
        for layer in self.layers:
            if made:
                current = _beside([inputs, current])
            current = layer(current, _unknown())[0]
            made.append(current)
        return _beside(made), _unknown()

def deep_rnn_with_skip_connections(layers, name=None):
    return _Skipping(layers, name)

class ResetCore(RNNCore):
    def __init__(self, core, name=None):
        self.core = core
    def __call__(self, inputs, state=None):
        return self.core(inputs[0], state)

class IdentityCore(RNNCore):
    def __call__(self, inputs, state=None):
        return inputs, state

class Linear(Module):
    def __init__(self, output_size, *args, **kwargs):
        self.output_size = output_size
    def __call__(self, inputs, *args, **kwargs):
        return _with_axis(inputs, self.output_size, False)

class Embed(Module):
    def __init__(self, vocab_size=None, embed_dim=None, *args, **kwargs):
        self.embed_dim = embed_dim if embed_dim is not None else _unknown()
    def __call__(self, ids, *args, **kwargs):
        return _with_axis(ids, self.embed_dim, True)

class Sequential(Module):
    def __init__(self, layers, name=None):
        self.layers = tuple(layers)
    def __call__(self, inputs, *args, **kwargs):
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

def dynamic_unroll(core, input_sequence, initial_state, time_major=True, *args, **kwargs):
    made = core(_one_step(input_sequence, time_major), initial_state)[0]
    return _all_steps(made, input_sequence), _unknown()

def static_unroll(core, input_sequence, initial_state, time_major=True):
    return dynamic_unroll(core, input_sequence, initial_state, time_major)

class Transformed:
    def __init__(self, function):
        self._function = function
        self._ran = False
    def init(self, rng, *args, **kwargs):
        if not self._ran:
            self._ran = True
            self._function(*args, **kwargs)
        return _unknown()
    def apply(self, *args, **kwargs):
        return _unknown()
    def __iter__(self):
        return iter((self.init, self.apply))

def transform(f, *args, **kwargs):
    return Transformed(f)

def transform_with_state(f):
    return Transformed(f)

def without_apply_rng(f):
    return f

_in_part(Module, Transformed)
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
{_LIST.replace("BASE", "Link")}
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
