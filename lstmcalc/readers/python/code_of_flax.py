"""Classes of Flax: Linen and NNX.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`).

Not here: which class has which name in a library (`library_code`).
"""

from typing import Final

_CELLS: Final = """
class LSTMCell(Module):
    __init__ = _flax_lstm('LIBRARY.LSTMCell')
    __call__ = _flax_step()
    def initialize_carry(self, *args):
        return _unknown()

class OptimizedLSTMCell(LSTMCell):
    __init__ = _flax_lstm('LIBRARY.OptimizedLSTMCell')

class RNN(Module):
    __init__ = _flax_around('RNN')
    __call__ = _flax_sequence()

class Bidirectional(Module):
    __init__ = _flax_around('Bidirectional')
    __call__ = _flax_both()
"""

FLAX: Final = (
    """
class Module:
    def __init_subclass__(cls, **kwargs):
        _fields(cls)
    def __call__(self, *args, **kwargs):
        return _unknown()
    def init(self, rngs, *args, **kwargs):
        _begin_flax(self)
        self(*args)
        return _unknown()
    def init_with_output(self, rngs, *args, **kwargs):
        _begin_flax(self)
        return self(*args), _unknown()
    def apply(self, variables, *args, **kwargs):
        _begin_flax(self)
        return _unknown()
    def tabulate(self, rngs, *args, **kwargs):
        _begin_flax(self)
        self(*args)
        return _unknown()
    def param(self, *args, **kwargs):
        return _unknown()
    def variable(self, *args, **kwargs):
        return _unknown()
    def sow(self, *args, **kwargs):
        return None
    def make_rng(self, *args):
        return _unknown()

"""
    + _CELLS.replace("LIBRARY", "flax.linen")
    + """
class Dense(Module):
    def __init__(self, features, *args, **kwargs):
        self.features = features
    def __call__(self, inputs):
        return _with_axis(inputs, self.features, False)

class Embed(Module):
    def __init__(self, num_embeddings, features, *args, **kwargs):
        self.features = features
    def __call__(self, inputs):
        return _with_axis(inputs, self.features, True)

class LayerNorm(Module):
    def __init__(self, *args, **kwargs):
        pass
    def __call__(self, x, *args, **kwargs):
        return _same_array(x)

class Dropout(LayerNorm):
    __init__ = LayerNorm.__init__

class RMSNorm(LayerNorm):
    __init__ = LayerNorm.__init__

class GroupNorm(LayerNorm):
    __init__ = LayerNorm.__init__

class BatchNorm(LayerNorm):
    __init__ = LayerNorm.__init__
"""
)

NNX: Final = """
class Module:
    pass

class Rngs:
    def __init__(self, *args, **kwargs):
        pass

""" + _CELLS.replace("LIBRARY", "flax.nnx")
