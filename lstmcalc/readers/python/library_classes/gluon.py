"""Classes of MXNet Gluon: LSTMs, and what holds them.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`, `cells`).

Not here: which class has which name in the library (`cells`).
"""

from typing import Final

from lstmcalc.readers.python.library_classes.lists import LIST

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
{LIST.replace("BASE", "HybridBlock")}
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
