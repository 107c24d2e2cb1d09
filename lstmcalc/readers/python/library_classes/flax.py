"""Classes of Flax: Linen and NNX.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`).

Not here: which class has which name in a library (`table`).
"""

from typing import Final

_CELLS: Final = """
class LSTMCell(Module):
    __init__ = _flax_lstm('LIBRARY.LSTMCell')
    __call__ = _flax_step()
    def initialize_carry(self, *args, **kwargs):
        return _first_state(self)

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
def _called(module, method, args, kwargs):
    _begin_flax(module)
    _begin_run(module)
    if method is None:
        made = module(*args, **kwargs)
    elif isinstance(method, str):
        made = getattr(module, method)(*args, **kwargs)
    elif _is_bound(method):
        made = method(*args, **kwargs)
    else:
        made = method(module, *args, **kwargs)
    _end_run(module)
    return made

class Module:
    def __init_subclass__(cls, **kwargs):
        _fields(cls)
    def __call__(self, *args, **kwargs):
        return _unknown()
    def init(self, rngs, *args, method=None, mutable=None, capture_intermediates=False, **kwargs):
        _called(self, method, args, kwargs)
        return _unknown()
    def init_with_output(self, rngs, *args, method=None, mutable=None, capture_intermediates=False, **kwargs):
        return _called(self, method, args, kwargs), _unknown()
    def apply(self, variables, *args, **kwargs):
        _begin_flax(self)
        return _unknown()
    def tabulate(self, rngs, *args, method=None, mutable=None, depth=None, show_repeated=False, console_kwargs=None,
                 table_kwargs=None, column_kwargs=None, compute_flops=False, compute_vjp_flops=False, **kwargs):
        _called(self, method, args, kwargs)
        return _unknown()
    def param(self, *args, **kwargs):
        return _own_parameter(self)
    def variable(self, *args, **kwargs):
        return _own_parameter(self)
    def sow(self, *args, **kwargs):
        return None
    def make_rng(self, *args):
        return _unknown()

"""
    + _CELLS.replace("LIBRARY", "flax.linen")
    + """
class Dense(Module):
    __init__ = _flax_layer('linen.Dense')
    def __call__(self, inputs):
        _see_width(self, inputs)
        return _with_axis(inputs, self.features, False)

class Sequential(Module):
    def __init__(self, layers=(), *args, **kwargs):
        self.layers = layers
    def __call__(self, x, *args, **kwargs):
        for layer in self.layers:
            x = layer(x)
        return x

class Embed(Module):
    __init__ = _flax_layer('linen.Embed')
    def __call__(self, inputs):
        _see_width(self, inputs)
        return _with_axis(inputs, self.features, True)

class Conv(Module):
    __init__ = _flax_layer('linen.Conv')
    def __call__(self, inputs):
        _see_width(self, inputs)
        return _convolved(inputs, self.features)

class LayerNorm(Module):
    __init__ = _flax_layer('linen.LayerNorm')
    def __call__(self, x, *args, **kwargs):
        _see_width(self, x)
        return _same_array(x)

class Dropout(LayerNorm):
    __init__ = _flax_layer('linen.Dropout')

class RMSNorm(LayerNorm):
    __init__ = _flax_layer('linen.RMSNorm')

class GroupNorm(LayerNorm):
    __init__ = _flax_layer('linen.GroupNorm')

class BatchNorm(LayerNorm):
    __init__ = _flax_layer('linen.BatchNorm')
"""
)

NNX: Final = """
class Module:
    def train(self, *args, **kwargs):
        return None
    def eval(self, *args, **kwargs):
        return None

class Rngs:
    def __init__(self, *args, **kwargs):
        pass

class Param:
    def __init__(self, value=None, *args, **kwargs):
        self.value = value

class List(list):
    pass

class Sequential(Module):
    def __init__(self, *fns):
        self.layers = list(fns)
    def __call__(self, x, *args, **kwargs):
        for layer in self.layers:
            x = layer(x)
        return x

class Linear(Module):
    __init__ = _flax_layer('nnx.Linear')
    def __call__(self, inputs):
        return _with_axis(inputs, self.out_features, False)

class Embed(Module):
    __init__ = _flax_layer('nnx.Embed')
    def __call__(self, inputs):
        return _with_axis(inputs, self.features, True)

class Conv(Module):
    __init__ = _flax_layer('nnx.Conv')
    def __call__(self, inputs):
        return _convolved(inputs, self.out_features)

class LayerNorm(Module):
    __init__ = _flax_layer('nnx.LayerNorm')
    def __call__(self, x, *args, **kwargs):
        return _same_array(x)

class Dropout(LayerNorm):
    __init__ = _flax_layer('nnx.Dropout')

class RMSNorm(LayerNorm):
    __init__ = _flax_layer('nnx.RMSNorm')

class GroupNorm(LayerNorm):
    __init__ = _flax_layer('nnx.GroupNorm')

class BatchNorm(LayerNorm):
    __init__ = _flax_layer('nnx.BatchNorm')

""" + _CELLS.replace("LIBRARY", "flax.nnx")
