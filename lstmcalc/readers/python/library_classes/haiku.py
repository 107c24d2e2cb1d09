"""Classes of Haiku: LSTMs, and what holds them.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`, `cells`).

Not here: which class has which name in the library (`cells`).
"""

from typing import Final

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
